//! What holds changes back, and what came of those that were let through.

use serde::{Deserialize, Serialize};

use super::{IncidentId, Person, PlanId, Untrusted};

/// The kill switch: while it is on, nothing that was approved begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Halted {
    /// Whether it is on from here.
    pub on: bool,
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: Untrusted,
}

/// Something was tried and a rule did not allow it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Barred {
    /// The incident.
    pub incident: IncidentId,
    /// The plan, where there was one.
    pub plan: Option<PlanId>,
    /// What was tried, such as `approve`.
    pub tried: Untrusted,
    /// The rule and what it asks for.
    pub why: Untrusted,
    /// Who tried.
    pub by: Person,
}

/// A person was called where a runbook or the policy says that one must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Escalated {
    /// The incident.
    pub incident: IncidentId,
    /// The escalation point's name.
    pub point: Untrusted,
    /// Who was called.
    pub whom: Untrusted,
    /// How, such as `phone`.
    pub how: Untrusted,
    /// Who says so.
    pub by: Person,
}

/// Where one thing on the list of harm stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HarmMarked {
    /// The incident.
    pub incident: IncidentId,
    /// The thing: a user, or an action that cannot be undone, by the name the list gives it.
    pub item: Untrusted,
    /// Where it stands.
    pub status: HarmStatus,
    /// In words.
    pub note: Untrusted,
    /// Who says so.
    pub by: Person,
}

/// Where one thing on the list of harm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HarmStatus {
    /// Nobody has looked.
    Open,
    /// Somebody told those it concerns.
    Told,
    /// It was made good.
    Repaired,
    /// Looked at: no harm.
    Harmless,
    /// It cannot be made good.
    Lost,
}

/// What came of a plan that was carried out, some time after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectChecked {
    /// The incident.
    pub incident: IncidentId,
    /// The plan.
    pub plan: PlanId,
    /// Seconds between its end and the look.
    pub after_s: u64,
    /// What was looked at.
    pub symptoms: Vec<Symptom>,
    /// What they say together.
    pub effect: Recovery,
}

/// One thing that was wrong, before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Symptom {
    /// What, such as `alerts firing` or `bad runs of support-bot`.
    pub what: Untrusted,
    /// Before, in words with its n.
    pub before: Untrusted,
    /// After, in words with its n.
    pub after: Untrusted,
    /// What that says.
    pub effect: Recovery,
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// As it was before the trouble.
    Recovered,
    /// Better, and not yet as before.
    Better,
    /// No better.
    Unmoved,
    /// Worse.
    Worse,
    /// Too little was seen to say.
    Unclear,
}
