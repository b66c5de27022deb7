//! A possible cause while it is being judged.

use crate::event::{Cause, Direction, Pointer, Surface, Time, Untrusted};

/// What sort of cause it is: decides the words for falsifier, next check and remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// A change to program, configuration or flag.
    Change,
    /// A component that is ill by itself.
    Component,
    /// An upstream service or vendor.
    Dependency,
    /// More or other traffic.
    Traffic,
    /// A resource, certificate or quota that ran out.
    Exhaustion,
    /// A surface of an AI feature.
    AiSurface,
}

/// One finding, signed: positive speaks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The detector that found it.
    pub detector: &'static str,
    /// Log likelihood ratio in nats, signed.
    pub weight: f64,
    /// In one line.
    pub text: String,
    /// Where to look.
    pub look_at: Vec<Pointer>,
}

impl Finding {
    /// A finding.
    #[must_use]
    pub fn new(detector: &'static str, weight: f64, text: String, look_at: Vec<Pointer>) -> Self {
        Self { detector, weight, text, look_at }
    }

    /// Which way it points.
    #[must_use]
    pub fn direction(&self) -> Direction {
        if self.weight >= 0.0 { Direction::For } else { Direction::Against }
    }
}

/// A possible cause and what was found for and against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What it says did it.
    pub cause: Cause,
    /// Its sort.
    pub sort: Sort,
    /// How, in one line.
    pub mechanism: Untrusted,
    /// Log odds before any evidence.
    pub prior: f64,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The remedy it calls for, in one word.
    pub remedy: Option<&'static str>,
    /// When its effect began, where it says so better than the symptoms do.
    pub onset: Option<Time>,
    /// What it moved together with, where nothing tells them apart.
    pub together: Option<Together>,
}

/// Surfaces that moved in the same runs, so that the runs say the same of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Together {
    /// The others.
    pub with: Vec<Surface>,
    /// The experiment that would tell, in one line.
    pub test: String,
}

impl Candidate {
    /// Log odds with the evidence.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.prior + self.findings.iter().map(|finding| finding.weight).sum::<f64>()
    }

    /// Adds a finding, unless its weight is nothing.
    pub fn find(&mut self, finding: Finding) {
        if finding.weight.abs() > 0.01 {
            self.findings.push(finding);
        }
    }
}

/// ln of the mean of the exponentials: averages likelihoods over what is not known. 0 of nothing.
#[must_use]
pub fn ln_mean_exp(values: &[f64]) -> f64 {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !most.is_finite() {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    let mean = values.iter().map(|value| (value - most).exp()).sum::<f64>() / values.len() as f64;
    most + mean.ln()
}
