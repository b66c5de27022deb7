//! Plans of change, approvals and outcomes.

use serde::{Deserialize, Serialize};

use super::{Digest, IncidentId, Person, PlanId, Time, Untrusted};

/// Exactly what would run: from these bytes it is shown, digested and executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The incident it serves.
    pub incident: IncidentId,
    /// One line for people.
    pub title: Untrusted,
    /// What will be sent.
    pub request: Request,
    /// What it touches, resolved to single things at the time of proposing.
    pub targets: Vec<Target>,
    /// How wide it reaches.
    pub tier: Tier,
    /// Version of the policy that set the tier.
    pub policy: Untrusted,
    /// Paths by which text from outside reached the request, such as `alert label service`.
    pub taint: Vec<Untrusted>,
    /// How to undo it.
    pub undo: Untrusted,
    /// Key that makes a second execution find the first.
    pub idempotency_key: Untrusted,
    /// Who proposed: a person's login or `engine`.
    pub proposed_by: Untrusted,
    /// No approval after this moment.
    pub approve_by: Time,
}

impl Plan {
    /// The plan's identity: SHA-256 over its canonical JSON.
    #[must_use]
    pub fn id(&self) -> PlanId {
        // Field order is fixed by the type and maps are sorted, so equal plans give equal bytes.
        PlanId(Digest::of(&serde_json::to_vec(self).unwrap_or_default()))
    }
}

/// What will be sent, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Request {
    /// An HTTP request.
    Http {
        /// Method.
        method: Untrusted,
        /// Whole URL.
        url: Untrusted,
        /// Body, sent as it stands.
        body: Untrusted,
    },
}

/// One thing a plan touches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// Kind, such as `alert`.
    pub kind: Untrusted,
    /// Name.
    pub name: Untrusted,
}

/// Blast radius, from reading a file to irreversible across the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tier(pub u8);

/// A person's approval of exactly one plan, as recorded. Spending it is the response room's business.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// The incident.
    pub incident: IncidentId,
    /// The plan.
    pub plan: PlanId,
    /// The policy under which it was shown.
    pub policy: Untrusted,
    /// Digest of the resolved targets that were shown.
    pub targets: Digest,
    /// Who.
    pub by: Person,
    /// Not started after this moment.
    pub execute_by: Time,
    /// Never used twice.
    pub nonce: Untrusted,
}

/// A person's refusal, or time's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Denial {
    /// The incident.
    pub incident: IncidentId,
    /// The plan.
    pub plan: PlanId,
    /// Who; `None` when it expired.
    pub by: Option<Person>,
    /// Why.
    pub reason: Untrusted,
}

/// Execution begins: written before anything is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The incident.
    pub incident: IncidentId,
    /// The plan.
    pub plan: PlanId,
    /// The approval that is spent by this.
    pub nonce: Untrusted,
}

/// Execution ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The incident.
    pub incident: IncidentId,
    /// The plan.
    pub plan: PlanId,
    /// The approval that was spent.
    pub nonce: Untrusted,
    /// How it went.
    pub outcome: Outcome,
}

/// How an execution went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Done, and read back.
    Done {
        /// What the target answered, such as the silence's id.
        receipt: Untrusted,
    },
    /// Not done; nothing changed.
    Failed {
        /// Why.
        error: Untrusted,
    },
    /// It may or may not have happened; never retried by itself.
    Unknown {
        /// What to check.
        check: Untrusted,
    },
}
