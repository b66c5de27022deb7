//! What reading steps of runbooks said: of each step and question the newest.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::{Digest, Direction, IncidentId, Seq, StepRead, Surface, Time, Untrusted};

/// At most so many are kept; the oldest go first and are counted.
const MOST: usize = 2_000;

/// What one reading step said, as its runbook's author says it is to be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// Its entry.
    pub seq: Seq,
    /// The incident it was run for, or the one that it became part of.
    pub incident: IncidentId,
    /// The runbook.
    pub runbook: Untrusted,
    /// The step.
    pub step: Untrusted,
    /// What it speaks for or against; `None` = nothing.
    pub says: Option<Says>,
    /// Why nothing was found out, where the step failed; `None` = it ran to its end.
    pub failed: Option<Untrusted>,
}

/// What a result means by the author's word.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Says {
    /// Which way.
    pub direction: Direction,
    /// Causes in these surfaces; empty where a change is named.
    pub about: Vec<Surface>,
    /// Of this component; `None` = of any.
    pub component: Option<Untrusted>,
    /// This change alone.
    pub change: Option<Untrusted>,
    /// The author's rule.
    pub rule: Untrusted,
}

/// The readings in view. The same step asked the same again takes the place of what it said before.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    all: BTreeMap<(IncidentId, Untrusted, Untrusted, Digest), (Time, Reading)>,
    left_out: u64,
}

impl Readings {
    pub(super) fn read(&mut self, read: &StepRead, at: Time, seq: Seq) {
        let asked = Digest::of(&serde_json::to_vec(&read.request).unwrap_or_default());
        let says = read.says.map(|direction| Says {
            direction,
            about: read.about.clone(),
            component: read.component.clone(),
            change: read.change.clone(),
            rule: read.rule.clone(),
        });
        let failed = (says.is_none() && !read.ended.is_well()).then(|| read.ended.in_words());
        let (incident, runbook, step) = (read.incident, read.runbook.clone(), read.step.clone());
        let reading = Reading { seq, incident, runbook: runbook.clone(), step: step.clone(), says, failed };
        let known = self.all.entry((incident, runbook, step, asked)).or_insert_with(|| (at, reading.clone()));
        if known.1.seq <= seq {
            *known = (at, reading);
        }
        while self.all.len() > MOST {
            let oldest = self.all.iter().min_by_key(|(_, (_, reading))| reading.seq).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.all.remove(&key));
            self.left_out += 1;
        }
    }

    pub(super) fn merged(&mut self, from: IncidentId, into: IncidentId) {
        let moving: Vec<_> = self.all.keys().filter(|(incident, ..)| *incident == from).cloned().collect();
        for key in moving {
            let Some((at, mut reading)) = self.all.remove(&key) else { continue };
            reading.incident = into;
            let (_, runbook, step, asked) = key;
            let known = self.all.entry((into, runbook, step, asked)).or_insert_with(|| (at, reading.clone()));
            if known.1.seq < reading.seq {
                *known = (at, reading);
            }
        }
    }

    /// Those known at `as_of`, oldest first.
    pub(super) fn until(&self, as_of: Time) -> Vec<&Reading> {
        let known = self.all.values().filter(|(at, _)| *at <= as_of);
        let mut found: Vec<&Reading> = known.map(|(_, reading)| reading).collect();
        found.sort_by_key(|reading| reading.seq);
        found
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}
