//! What whoever opens an incident needs first: the way trouble took, what it is like, how severe it is.

use serde::{Deserialize, Serialize};

use crate::correlation::similar::{Chance, InAspect, Novelty};
use crate::event::{Cause, IncidentId, Person, Severity, Time, Truth, Untrusted};
use crate::surface::severity::{Known, Share};

use super::{IncidentView, NoteLine};

/// The way trouble took from the component that failed first to the one that was paged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WayView {
    /// The components on it, the one that failed first in front; empty where no way is known.
    pub hops: Vec<Hop>,
    /// Why there is none, or that it is not known yet.
    pub missing: Option<Untrusted>,
}

/// One component on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// Which.
    pub service: Untrusted,
    /// Why it follows the one before it, where no call between them is known; `None` = a call is, or it is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Untrusted>,
    /// Start of its first alert; `None` = it raised none.
    pub alerted: Option<Time>,
}

/// Past incidents that were like this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimilarView {
    /// How many were looked through.
    pub past: u64,
    /// Older ones that are not looked at any more.
    pub left_out: u64,
    /// Whether anything is near.
    pub novelty: Novelty,
    /// The nearest first; where nothing is near, the one that comes nearest.
    pub found: Vec<PastView>,
}

/// A past incident that was like this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastView {
    /// Which.
    pub incident: IncidentId,
    /// When it began.
    pub began: Time,
    /// What it said in one line.
    pub headline: Untrusted,
    /// How alike, 0 to 1.
    pub likeness: f64,
    /// How often chance brings one as near; `None` with too few past incidents.
    pub chance: Option<Chance>,
    /// In what, and in what not.
    pub aspects: Vec<InAspect>,
    /// How it ended.
    pub ended: Ended,
}

/// How an incident ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// What it said in one line.
    pub headline: Untrusted,
    /// What it was, once a person confirmed it; only this teaches a cause.
    pub truth: Option<Truth>,
    /// The cause that somebody accepted without confirming it.
    pub accepted: Option<Cause>,
    /// Actions that were finished, oldest first.
    pub done: Vec<Untrusted>,
    /// The last note.
    pub note: Option<NoteLine>,
    /// When a person declared it over.
    pub resolved: Option<Time>,
}

/// How severe a person says it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatedView {
    /// What it counts as among the severities of alerts.
    pub severity: Severity,
    /// The level's name in the rubric.
    pub name: Untrusted,
    /// What the rubric suggested then; `None` = nothing clear.
    pub suggested: Option<Untrusted>,
    /// Why, in words.
    pub why: Untrusted,
    /// Who.
    pub by: Person,
    /// When.
    pub at: Time,
}

impl IncidentView {
    /// How severe it counts as: what a person set, else the worst its alerts say.
    #[must_use]
    pub fn weight(&self) -> Severity {
        self.rated.as_ref().map_or(self.severity, |rated| rated.severity)
    }

    /// What the rubric for severity can be answered from.
    #[must_use]
    pub fn harm(&self) -> Known {
        let services: std::collections::BTreeSet<_> = self.groups.items.iter().map(|group| &group.service).collect();
        let outcome = self.around.outcome.as_ref();
        Known {
            alerts: self.severity,
            components: services.len() as u64,
            more_components: self.groups.hidden > 0,
            failing: outcome.map(|outcome| Share { failed: outcome.since.1, of: outcome.since.0 }),
            labels: self.labels.clone(),
            reading: self.reading.as_ref().map(|reading| reading.answer),
        }
    }

    /// The leading cause, where one leads.
    #[must_use]
    pub fn leading(&self) -> Option<&Cause> {
        let diagnosis = &self.diagnosis.as_ref()?.diagnosis;
        let first = diagnosis.hypotheses.first()?;
        (first.confidence.share > diagnosis.none_of_these).then_some(&first.cause)
    }
}
