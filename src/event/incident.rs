//! An incident's life.

use serde::{Deserialize, Serialize};

use super::{Digest, Fingerprint, IncidentId, Person, Severity, Surface, Time, Untrusted};

/// An incident begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentOpened {
    /// Its number.
    pub incident: IncidentId,
    /// The alert that founded it.
    pub founder: Fingerprint,
    /// The engine that opened it.
    pub engine: Untrusted,
}

/// Alerts joined an incident, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grouped {
    /// The incident.
    pub incident: IncidentId,
    /// Who joined.
    pub alerts: Vec<Fingerprint>,
    /// Why, for each of them alike.
    pub reason: Reason,
}

/// Why an alert belongs where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule that decided.
    pub rule: Rule,
    /// The alert it was joined to, where one stands for it.
    pub peer: Option<Fingerprint>,
    /// The reason in words, with the names and numbers it rests on.
    pub text: Untrusted,
}

/// The rules of correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It is the first.
    Founder,
    /// Same component.
    SameService,
    /// One calls the other, and it moved in the right order.
    Topology,
    /// Alike labels, close in time.
    Affinity,
    /// Fired together before.
    History,
    /// A person put it there.
    ByHand,
}

/// A person changed the grouping: split off, merged, or locked as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Regrouped {
    /// These alerts leave `from` and become (or join) `into`.
    Split {
        /// From here.
        from: IncidentId,
        /// To here: a new number.
        into: IncidentId,
        /// These.
        alerts: Vec<Fingerprint>,
        /// By whom.
        by: Person,
    },
    /// All of `from` joins `into`; `from` ends.
    Merge {
        /// From here.
        from: IncidentId,
        /// To here.
        into: IncidentId,
        /// By whom.
        by: Person,
    },
    /// No alert joins or leaves by itself any more.
    Lock {
        /// This one.
        incident: IncidentId,
        /// By whom.
        by: Person,
    },
}

impl Regrouped {
    /// The incident it was done to.
    #[must_use]
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Split { from, .. } | Self::Merge { from, .. } => *from,
            Self::Lock { incident, .. } => *incident,
        }
    }

    /// Who did it.
    #[must_use]
    pub fn by(&self) -> &Person {
        match self {
            Self::Split { by, .. } | Self::Merge { by, .. } | Self::Lock { by, .. } => by,
        }
    }
}

/// A person takes the incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owned {
    /// The incident.
    pub incident: IncidentId,
    /// Its owner from now on.
    pub by: Person,
}

/// A person sets how severe it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeveritySet {
    /// The incident.
    pub incident: IncidentId,
    /// What it counts as among the severities of alerts.
    pub severity: Severity,
    /// The level's name in the rubric.
    pub name: Untrusted,
    /// What the rubric suggested at that moment; `None` = nothing clear.
    pub suggested: Option<Untrusted>,
    /// The answers it rests on, in words.
    pub why: Untrusted,
    /// The rubric, as it was.
    pub rubric: Digest,
    /// Who.
    pub by: Person,
}

/// A person declares it over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// The incident.
    pub incident: IncidentId,
    /// Who says so.
    pub by: Person,
}

/// What it really was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Where the cause lay; `None` = nothing was wrong.
    pub surface: Option<Surface>,
    /// The component.
    pub subject: Option<Untrusted>,
    /// The change, where one did it.
    pub change: Option<Untrusted>,
    /// When it began.
    pub onset: Option<Time>,
    /// In a person's words.
    pub text: Untrusted,
}

/// A person confirmed the cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TruthConfirmed {
    /// The incident.
    pub incident: IncidentId,
    /// The cause.
    pub truth: Truth,
    /// Who confirmed it.
    pub by: Person,
}
