//! Plans of change, approvals and outcomes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Digest, IncidentId, Person, PlanId, ReadEnd, Surface, Time, Untrusted};

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
    /// What it is for.
    #[serde(default, skip_serializing_if = "Purpose::is_mend")]
    pub purpose: Purpose,
    /// The step of a runbook it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What the policy judged it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traits: Option<Box<Traits>>,
    /// What lists its targets, run behind the wall before it was shown and again before it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_by: Option<Request>,
    /// What it asks of whoever approves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<Asks>,
    /// Why the tier is what it is, a rule of the policy each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Untrusted>,
    /// What a dry run said before it was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRun>,
}

impl Plan {
    /// The plan's identity: SHA-256 over its canonical JSON.
    #[must_use]
    pub fn id(&self) -> PlanId {
        // Field order is fixed by the type and maps are sorted, so equal plans give equal bytes.
        PlanId(Digest::of(&serde_json::to_vec(self).unwrap_or_default()))
    }

    /// Everything that its approval lets out: what is sent, and what ends it later.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        let later = match &self.purpose {
            Purpose::Freeze { release, .. } => release.as_ref(),
            _ => None,
        };
        [&self.request].into_iter().chain(later)
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
    /// A program, run once for each target where a word is `{target}`, else once.
    Process {
        /// The program and its arguments, a word each; no shell unless the words name one.
        argv: Vec<Untrusted>,
    },
    /// One statement.
    Sql {
        /// The database's name in the configuration.
        database: Untrusted,
        /// The statement.
        statement: Untrusted,
    },
}

impl Request {
    /// Every text of it, in the order in which it is shown.
    #[must_use]
    pub fn texts(&self) -> Vec<&Untrusted> {
        match self {
            Self::Http { method, url, body } => vec![method, url, body],
            Self::Process { argv } => argv.iter().collect(),
            Self::Sql { database, statement } => vec![database, statement],
        }
    }
}

/// What a plan is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// To end the trouble.
    #[default]
    Mend,
    /// A stage of bringing a surface back to what it was.
    RollBack {
        /// The procedure: a runbook's name.
        procedure: Untrusted,
        /// Which stage, from 1.
        stage: u32,
        /// Of how many.
        of: u32,
    },
    /// Holds further changes to what the incident is about.
    Freeze {
        /// The services whose changes are held; empty = all of the incident.
        services: Vec<Untrusted>,
        /// The surfaces whose changes are held; empty = every one.
        surfaces: Vec<Surface>,
        /// It ends by itself.
        until: Time,
        /// What lets changes through again, at `until` at the latest: shown and approved together with what holds them.
        /// `None` = what holds them ends by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<Request>,
    },
    /// Lets changes through again: at the end of a freeze, or before.
    Thaw {
        /// The freeze that it ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freeze: Option<PlanId>,
    },
    /// Stops something that does harm, such as a key, a tool or a feature.
    Contain {
        /// What.
        item: Untrusted,
        /// It is let go on again: what stopped it is over.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// Tells people; may be what a mandatory escalation asks for.
    Call {
        /// Whom.
        whom: Untrusted,
        /// The escalation point it serves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        point: Option<Untrusted>,
    },
}

impl Purpose {
    fn is_mend(&self) -> bool {
        *self == Self::Mend
    }
}

/// Where in a runbook a plan comes from: whether the file is still the same is checked before it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The runbook's name.
    pub runbook: Untrusted,
    /// Digest of its whole text.
    pub digest: Digest,
    /// The step's name.
    pub step: Untrusted,
    /// What its inputs were, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<Untrusted, Untrusted>,
}

/// What the policy judges a plan by, besides its request and its targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traits {
    /// What it does, such as `silence` or `run`.
    pub verb: Untrusted,
    /// Where; `None` = nothing says.
    pub environment: Option<Untrusted>,
    /// Whether it can be undone; `None` = nothing says.
    pub reversible: Option<bool>,
    /// What it does besides, in the policy's words.
    pub effects: Vec<Untrusted>,
    /// The tier its runbook names; 0 = none.
    pub declared: u8,
    /// For how long it holds, minutes; 0 = it does not end by itself.
    pub minutes: u32,
    /// How long it may run, seconds; 0 = as long as is usual.
    pub seconds: u32,
    /// Hosts, as `host:port`, that what lists its targets may reach.
    pub hosts: Vec<Untrusted>,
}

/// What a plan asks of whoever approves it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asks {
    /// What is typed, exactly; `None` = a key is enough.
    pub typed: Option<Untrusted>,
    /// Somebody other than the proposer approves it.
    pub second: bool,
    /// Escalation points that nobody had reached when it was proposed: who is called before it can be approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<Untrusted>,
}

/// What a dry run said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DryRun {
    /// What ran, inside the wall.
    pub request: Request,
    /// How it ended.
    pub ended: ReadEnd,
    /// What it said.
    pub output: Untrusted,
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
    /// Why the rules that ask for more than one person were passed over in an emergency; `None` = they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broke_glass: Option<Untrusted>,
    /// For how long it was open before whoever approved it, in milliseconds, by the console they sat at; `None` = nothing measured
    /// that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_ms: Option<u64>,
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
    /// Some targets were changed and others were not; each has an entry of its own.
    Partly {
        /// Targets that were changed.
        done: u32,
        /// Targets where it failed.
        failed: u32,
        /// Targets it never came to.
        untouched: u32,
        /// Why it ended there.
        why: Untrusted,
    },
}

/// How it went for one of several targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetEnded {
    /// The incident.
    pub incident: IncidentId,
    /// The plan.
    pub plan: PlanId,
    /// The approval that was spent.
    pub nonce: Untrusted,
    /// The target.
    pub target: Target,
    /// How it went there.
    pub outcome: Outcome,
}

/// A person wants a running plan to stop where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cancelled {
    /// The incident.
    pub incident: IncidentId,
    /// The plan.
    pub plan: PlanId,
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: Untrusted,
}
