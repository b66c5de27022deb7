//! Experiments with recorded runs, added up as far as they are known.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::event::{IncidentId, ReplayArm, ReplayAsked, ReplayEnd, ReplayRan, Time, TraceId};

/// At most so many experiments are kept; the oldest go first.
const MOST: usize = 200;

/// One experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Experiment {
    /// The incident it is about, or the one that it became part of.
    pub incident: IncidentId,
    /// What was compared.
    pub arms: Vec<Arm>,
    /// When it ended; `None` = it runs.
    pub ended: Option<Time>,
}

/// One arm of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arm {
    /// What it pins.
    pub pins: ReplayArm,
    /// Answers, and how many of them failed.
    pub answered: u64,
    /// Of those, the ones that failed.
    pub bad: u64,
    /// The runs they are of.
    pub runs: BTreeSet<TraceId>,
}

impl Arm {
    /// Answers and failures as of so many runs that are no more alike than others: several replays of one run count once.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of at most some thousand"
    )]
    pub fn effective(&self) -> (u64, u64) {
        let n = self.answered.min(self.runs.len() as u64);
        let share = if self.answered == 0 { 0.0 } else { self.bad as f64 / self.answered as f64 };
        (n, ((share * n as f64).round() as u64).min(n))
    }
}

/// The experiments in view, by number.
#[derive(Clone, Debug, Default)]
pub struct Experiments {
    all: BTreeMap<u64, (Time, Experiment)>,
}

impl Experiments {
    pub(super) fn asked(&mut self, asked: &ReplayAsked, at: Time) {
        let arm = |pins: &ReplayArm| Arm { pins: pins.clone(), answered: 0, bad: 0, runs: BTreeSet::new() };
        let arms = asked.arms.iter().map(arm).collect();
        let new = Experiment { incident: asked.incident, arms, ended: None };
        self.all.entry(asked.replay).or_insert((at, new));
        while self.all.len() > MOST {
            let oldest = self.all.iter().min_by_key(|(_, (at, _))| *at).map(|(replay, _)| *replay);
            oldest.and_then(|replay| self.all.remove(&replay));
        }
    }

    pub(super) fn ran(&mut self, ran: &ReplayRan) {
        let Some((_, experiment)) = self.all.get_mut(&ran.replay) else { return };
        let arm = usize::try_from(ran.arm).ok().and_then(|place| experiment.arms.get_mut(place));
        if let (Some(arm), ReplayEnd::Answered { good, .. }) = (arm, &ran.end) {
            arm.answered += 1;
            arm.bad += u64::from(*good == Some(false));
            arm.runs.insert(ran.of);
        }
    }

    pub(super) fn ended(&mut self, replay: u64, at: Time) {
        if let Some((_, experiment)) = self.all.get_mut(&replay) {
            experiment.ended.get_or_insert(at);
        }
    }

    pub(super) fn merged(&mut self, from: IncidentId, into: IncidentId) {
        for (_, experiment) in self.all.values_mut().filter(|(_, experiment)| experiment.incident == from) {
            experiment.incident = into;
        }
    }

    /// Those that had ended by `as_of`: what an experiment says is read when it is over.
    pub(super) fn until(&self, as_of: Time) -> Vec<&Experiment> {
        let over = |experiment: &&Experiment| experiment.ended.is_some_and(|at| at <= as_of);
        self.all.values().map(|(_, experiment)| experiment).filter(over).collect()
    }
}
