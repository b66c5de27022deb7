//! What became of one diagnosis once the cause was known: what a calibration is fitted on.

use serde::{Deserialize, Serialize};

use super::case::{Scored, is_right};
use crate::diagnosis::probabilities;
use crate::event::{Calibration, Truth};

/// One diagnosis and which of its hypotheses were right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Log odds of each hypothesis against "none of these", nats.
    pub log_odds: Vec<f64>,
    /// Which of them were right.
    pub right: Vec<bool>,
    /// Whether naming none of them was right.
    pub none_right: bool,
    /// How many cases it counts as.
    pub weight: f64,
}

/// The answer of an outcome under some calibration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Given {
    /// The probability of the answer.
    pub probability: f64,
    /// Whether it was right.
    pub right: bool,
    /// Whether it named a cause.
    pub named: bool,
}

impl Outcome {
    /// The outcome of hypotheses as [`scored`](super::scored), where `truth` was the cause.
    #[must_use]
    pub fn of(scored: &[Scored], truth: &Truth) -> Self {
        Self {
            log_odds: scored.iter().map(|(_, odds)| *odds).collect(),
            right: scored.iter().map(|(cause, _)| is_right(Some(cause), truth)).collect(),
            none_right: is_right(None, truth),
            weight: 1.0,
        }
    }

    /// The answer, had `by` made the probabilities.
    #[must_use]
    pub fn given(&self, by: &Calibration) -> Given {
        let (each, none) = probabilities(&self.log_odds, by);
        let best = each.iter().copied().zip(&self.right).reduce(|best, next| if next.0 > best.0 { next } else { best });
        match best {
            Some((probability, right)) if probability > none => Given { probability, right: *right, named: true },
            _ => Given { probability: none, right: self.none_right, named: false },
        }
    }

    /// What it costs to have been so sure, nats: minus the logarithm of the probability of what was right; where nothing of it was,
    /// of the answer's not being it.
    #[must_use]
    pub fn loss(&self, by: &Calibration) -> f64 {
        let (each, none) = probabilities(&self.log_odds, by);
        let right = each.iter().zip(&self.right).filter(|(_, right)| **right).map(|(share, _)| share).sum::<f64>();
        let right = right + if self.none_right { none } else { 0.0 };
        let likely = if self.none_right || self.right.contains(&true) {
            right
        } else {
            1.0 - each.iter().copied().fold(none, f64::max)
        };
        -likely.max(1e-9).ln() * self.weight
    }
}
