//! What the leader records: incidents, groupings, diagnoses.

use std::sync::Arc;

use crate::correlation::Move;
use crate::diagnosis::{ENGINE, shipped};
use crate::event::{Calibration, Diagnosis, Fact, Fingerprint, Grouped, IncidentId, IncidentOpened, Reason, Time};
use crate::feedback::{Outcome, refit};
use crate::journal::{Draft, key};

use super::Fold;

/// A share that moved by less than this is the same to a reader.
const MATERIAL: f64 = 0.05;
/// At most so many incidents are diagnosed in one round; the others have theirs in the next.
const AT_ONCE: usize = 4;
/// Judgements kept until their own entry comes back.
const KEPT: usize = 64;

impl Fold {
    /// Says what should be recorded now: where alerts belong, at once; diagnoses, when an incident had news and some rest.
    /// The drafts must then be appended, and again until that succeeds: they are not said twice.
    pub fn derive(&mut self, now: Time) -> Vec<Draft> {
        let mut drafts = self.group(now);
        drafts.extend(self.calibrate(now));
        drafts.extend(self.diagnose(now, false));
        drafts
    }

    /// As [`derive`](Self::derive), but every incident with news is diagnosed, however short ago that was: for judging a
    /// moment of the past.
    pub fn derive_all(&mut self, as_of: Time) -> Vec<Draft> {
        let mut drafts = self.group(as_of);
        drafts.extend(self.diagnose(as_of, true));
        drafts
    }

    /// The highest number of an incident so far.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.state.correlator.highest()
    }

    /// Gives new incidents numbers above `number`.
    pub fn number_above(&mut self, number: u64) {
        self.state.correlator.number_above(number);
    }

    /// Whether time alone will bring something to derive.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.state.uncalibrated || self.state.watch.waits()
    }

    /// Where alerts belong, and nothing else: for judging a moment of the past.
    pub fn derive_groups(&mut self, as_of: Time) -> Vec<Draft> {
        self.group(as_of)
    }

    /// What would be said of an incident as of `as_of`, from what is known; nothing changes by asking. `None` without alerts.
    #[must_use]
    pub fn diagnosis(&self, incident: IncidentId, as_of: Time) -> Option<Diagnosis> {
        self.judge(incident, as_of).map(|judgement| judgement.diagnosis)
    }

    /// The calibration in force.
    #[must_use]
    pub fn calibration(&self) -> Calibration {
        self.state.calibration.unwrap_or(shipped().calibration)
    }

    /// Where a cause was confirmed, the calibration fitted anew on all that were.
    fn calibrate(&mut self, now: Time) -> Option<Draft> {
        if !std::mem::take(&mut self.state.uncalibrated) {
            return None;
        }
        let outcomes: Vec<Outcome> =
            self.state.incidents.values().filter_map(|incident| incident.outcome.clone()).collect();
        let before = self.calibration();
        let calibration = refit(&outcomes, shipped(), before.version.saturating_add(1));
        // What it was fitted on names the entry: the same causes are not learned from twice.
        let key = format!("derived/{ENGINE}/calibrated/{}", calibration.digest);
        (calibration.digest != before.digest).then(|| Draft::new(now, key, &Fact::from(calibration)))
    }

    /// Where alerts belong.
    fn group(&mut self, now: Time) -> Vec<Draft> {
        let mut drafts: Vec<Draft> = Vec::new();
        let mut batch: Option<(IncidentId, Vec<Fingerprint>, Reason)> = None;
        let moves = self.state.correlator.decide();
        for step in moves {
            match step {
                Move::Open { incident, founder } => {
                    flush(&mut drafts, &mut batch, now);
                    // The number alone is the key: nothing else can take it, whoever splits something off meanwhile.
                    let fact = Fact::from(IncidentOpened { incident, founder, engine: ENGINE.into() });
                    drafts.push(Draft::new(now, key::incident(incident.0), &fact));
                }
                Move::Join { incident, alerts, reason } => match &mut batch {
                    Some((into, members, why)) if *into == incident && *why == reason => members.extend(alerts),
                    _ => {
                        flush(&mut drafts, &mut batch, now);
                        batch = Some((incident, alerts, reason));
                    }
                },
            }
        }
        flush(&mut drafts, &mut batch, now);
        drafts
    }

    fn diagnose(&mut self, now: Time, whole: bool) -> Vec<Draft> {
        let mut drafts = Vec::new();
        let due = self.state.watch.due(now, whole);
        for (id, only_telemetry) in due.into_iter().take(if whole { usize::MAX } else { AT_ONCE }) {
            let Some(incident) = self.state.incidents.get(&id).filter(|incident| !incident.over()) else {
                self.state.watch.forget(id);
                continue;
            };
            let before = incident.diagnosis.as_ref().map(|newest| Arc::clone(&newest.diagnosis));
            // Where no alert fires any more, spans and samples that keep coming are of no interest.
            let quiet = only_telemetry && incident.groups.firing == 0;
            let Some(judgement) = Some(()).filter(|()| !quiet).and_then(|()| self.judge(id, now)) else {
                self.state.watch.rest(id, now);
                continue;
            };
            let diagnosis = judgement.diagnosis.clone();
            let new = self.state.watch.diagnosed(id, diagnosis.inputs, now);
            if !new || before.is_some_and(|before| !material(&before, &diagnosis)) {
                continue;
            }
            let key = format!("derived/{}/diagnosed/{id}/{}", diagnosis.engine.raw(), diagnosis.inputs);
            if self.judged.len() >= KEPT {
                self.judged.clear();
            }
            self.judged.insert(diagnosis.inputs, judgement);
            drafts.push(Draft::new(now, key, &Fact::from(diagnosis)));
        }
        drafts
    }
}

fn flush(drafts: &mut Vec<Draft>, batch: &mut Option<(IncidentId, Vec<Fingerprint>, Reason)>, now: Time) {
    if let Some((incident, alerts, reason)) = batch.take() {
        // The members name the entry: the same alerts are not put into the same incident twice.
        let names: Vec<&str> = alerts.iter().map(Fingerprint::as_str).collect();
        let digest = crate::event::Digest::of(names.join(" ").as_bytes());
        let key = format!("derived/{ENGINE}/grouped/{incident}/{digest}");
        drafts.push(Draft::new(now, key, &Fact::from(Grouped { incident, alerts, reason })));
    }
}

/// Whether a reader would see more than a digit change.
fn material(before: &Diagnosis, after: &Diagnosis) -> bool {
    let answers = |d: &Diagnosis| d.hypotheses.iter().map(|h| h.cause.clone()).collect::<Vec<_>>();
    let moved = |a: f64, b: f64| (a - b).abs() >= MATERIAL;
    before.engine != after.engine
        || before.headline != after.headline
        || before.first_failing != after.first_failing
        || before.blast_radius != after.blast_radius
        || before.remediation != after.remediation
        || answers(before) != answers(after)
        || moved(before.none_of_these, after.none_of_these)
        || before.hypotheses.iter().zip(&after.hypotheses).any(|(a, b)| {
            moved(a.confidence.share, b.confidence.share)
                || a.evidence_for.len() != b.evidence_for.len()
                || a.evidence_against.len() != b.evidence_against.len()
        })
}
