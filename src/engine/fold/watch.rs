//! Which incidents need a new diagnosis, and when: soon after something new, but not with every entry of a storm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Digest, IncidentId, Time};

/// A first diagnosis comes after so many milliseconds of quiet …
const QUIET_MS: i128 = 400;
/// … and at the latest so many milliseconds after the first news.
const AT_LATEST_MS: i128 = 1_500;
/// Between two diagnoses of one incident there are at least so many milliseconds; with the time that one takes, the last alert
/// of a storm has its hypotheses within two seconds.
const BETWEEN_MS: i128 = 1_200;
/// When nothing but telemetry is new, at least so many.
const TELEMETRY_MS: i128 = 15_000;

/// What is known of one incident's inputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Inputs {
    /// When the first news since the last diagnosis came.
    first_news: Option<Time>,
    /// When the latest came.
    latest_news: Option<Time>,
    /// When it was last diagnosed.
    diagnosed: Option<Time>,
    /// The inputs it was last diagnosed on, recorded or not.
    on: Option<Digest>,
}

/// All incidents that wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Watch {
    incidents: BTreeMap<IncidentId, Inputs>,
    /// When spans, logs or samples last came in.
    telemetry: Option<Time>,
}

impl Watch {
    /// Something that a diagnosis of `incident` rests on came in.
    pub fn news(&mut self, incident: IncidentId, at: Time) {
        let inputs = self.incidents.entry(incident).or_default();
        inputs.first_news.get_or_insert(at);
        inputs.latest_news = Some(at);
    }

    /// Spans, logs or samples came in: they may concern any incident.
    pub fn telemetry(&mut self, at: Time) {
        self.telemetry = Some(at);
    }

    /// Nothing more is to be diagnosed.
    pub fn forget(&mut self, incident: IncidentId) {
        self.incidents.remove(&incident);
    }

    /// The incidents to diagnose at `now`, newest news first, and whether nothing but telemetry is new to each;
    /// `whole` = whatever the time, as when a past moment is judged.
    pub fn due(&self, now: Time, whole: bool) -> Vec<(IncidentId, bool)> {
        let since = |then: Time| now.duration_since(then).as_millis();
        let due = |inputs: &Inputs| {
            let (Some(first), Some(latest)) = (inputs.first_news, inputs.latest_news) else {
                let due = whole || inputs.diagnosed.is_none_or(|then| since(then) >= TELEMETRY_MS);
                return (due && self.has_telemetry(inputs)).then_some(true);
            };
            let rested = inputs.diagnosed.is_none_or(|then| since(then) >= BETWEEN_MS || since(then) < 0);
            // A clock that stepped back must not stop diagnosing: news from the future is due.
            let quiet = since(latest) >= QUIET_MS || since(first) >= AT_LATEST_MS || since(latest) < 0;
            (whole || (rested && quiet)).then_some(false)
        };
        let mut found: Vec<_> =
            self.incidents.iter().filter_map(|(id, inputs)| Some((inputs.latest_news, *id, due(inputs)?))).collect();
        found.sort_by_key(|(news, id, _)| std::cmp::Reverse((*news, *id)));
        found.into_iter().map(|(_, id, only_telemetry)| (id, only_telemetry)).collect()
    }

    fn has_telemetry(&self, inputs: &Inputs) -> bool {
        self.telemetry.is_some_and(|heard| inputs.diagnosed.is_none_or(|then| heard > then))
    }

    /// There is nothing to diagnose in this incident now.
    pub fn rest(&mut self, incident: IncidentId, now: Time) {
        let kept = self.incidents.entry(incident).or_default();
        kept.first_news = None;
        kept.latest_news = None;
        kept.diagnosed = Some(now);
    }

    /// Whether anything waits.
    pub fn waits(&self) -> bool {
        self.incidents.values().any(|inputs| inputs.first_news.is_some() || self.has_telemetry(inputs))
    }

    /// A diagnosis on `inputs` was made as of `as_of`; `false` when the last one was made on the same. News that came
    /// later still waits.
    pub fn diagnosed(&mut self, incident: IncidentId, inputs: Digest, as_of: Time) -> bool {
        let kept = self.incidents.entry(incident).or_default();
        if kept.latest_news.is_none_or(|latest| latest <= as_of) {
            kept.first_news = None;
            kept.latest_news = None;
        }
        kept.diagnosed = Some(as_of);
        let new = kept.on != Some(inputs);
        kept.on = Some(inputs);
        new
    }
}
