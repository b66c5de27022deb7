//! Answers and decisions of one kind, counted.

use serde::{Deserialize, Serialize};

use super::outcome::Given;
use super::reliability::Reliability;
use crate::surface::stats::wilson;

/// How the answers of one kind did: of one investigator, about one surface, one service, or what was new.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Answers about incidents with a confirmed cause.
    pub n: u64,
    /// Right ones.
    pub right: u64,
    /// Lower end of the 95 % interval of right/n (Wilson).
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Wrong ones that named a cause with a half or more.
    pub confident_wrong: u64,
    /// Its 95 % interval as a rate.
    pub confident_wrong_interval: (f64, f64),
    /// Mean Brier score of the answer.
    pub brier: f64,
    /// Its 95 % interval.
    pub brier_interval: (f64, f64),
    /// Expected calibration error over ten bins.
    pub calibration_error: f64,
    /// What that would be on average if every probability were true: with few cases it is far from 0.
    pub calibration_error_by_chance: f64,
    /// accepted and right, accepted and wrong, rejected and right, rejected and wrong.
    pub accepted_right: u64,
    /// See above.
    pub accepted_wrong: u64,
    /// See above. A modified hypothesis counts as rejected: the person said it was something else.
    pub rejected_right: u64,
    /// See above.
    pub rejected_wrong: u64,
    /// Reliability: for each tenth of the probability, how many and how many right.
    pub reliability: [(u64, u64); 10],
    /// For each tenth, the mean of what was said; 0 where nothing was.
    pub said: [f64; 10],
}

/// While it is being counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counting {
    answers: Reliability,
    accepted: [u64; 2],
    rejected: [u64; 2],
}

impl Counting {
    pub fn answer(&mut self, given: Given) {
        self.answers.add(given);
    }

    pub fn decision(&mut self, accepted: bool, right: bool) {
        let of = if accepted { &mut self.accepted } else { &mut self.rejected };
        of[usize::from(!right)] += 1;
    }

    pub fn n(&self) -> u64 {
        self.answers.n()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of incidents, far below 2^53")]
    pub fn tally(self) -> Tally {
        let (n, right) = (self.answers.n(), self.answers.right());
        let (low, high) = wilson(right, n);
        let (brier, brier_low, brier_high) = self.answers.brier().unwrap_or((0.0, 0.0, 1.0));
        Tally {
            n,
            right,
            low,
            high,
            confident_wrong: self.answers.confident_wrong,
            confident_wrong_interval: wilson(self.answers.confident_wrong, n),
            brier,
            brier_interval: (brier_low, brier_high),
            calibration_error: self.answers.calibration_error().unwrap_or(0.0),
            calibration_error_by_chance: self.answers.error_by_chance().unwrap_or(0.0),
            accepted_right: self.accepted[0],
            accepted_wrong: self.accepted[1],
            rejected_right: self.rejected[0],
            rejected_wrong: self.rejected[1],
            reliability: self.answers.tenths.map(|tenth| (tenth.n, tenth.right)),
            said: self.answers.tenths.map(|tenth| if tenth.n == 0 { 0.0 } else { tenth.said / tenth.n as f64 }),
        }
    }
}
