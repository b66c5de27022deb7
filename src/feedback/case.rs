//! One incident as far as the record of judgement goes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::back::WentBack;

use crate::event::{Cause, Diagnosis, Person, Seq, Time, Truth, Untrusted, Verdict};

/// A decision that took less than this was no reading.
const HASTY_MS: u64 = 2_000;
/// What an uncalibrated share was divided by, in entries that do not hold the log odds themselves.
const ONCE_DIVIDED_BY: f64 = 1.15;
/// No share is taken to be smaller than this, so that its logarithm can be had.
const LEAST_SHARE: f64 = 1e-4;

/// A hypothesis and its log odds against "none of these" before any calibration, nats.
pub type Scored = (Cause, f64);

/// The hypotheses of a diagnosis with their log odds; of an older entry, as far as its shares tell them.
#[must_use]
pub fn scored(diagnosis: &Diagnosis) -> Vec<Scored> {
    let none = diagnosis.none_of_these.max(LEAST_SHARE);
    let told = |share: f64| ONCE_DIVIDED_BY * (share.max(LEAST_SHARE) / none).ln();
    let all = diagnosis.hypotheses.iter();
    all.map(|one| (one.cause.clone(), one.confidence.log_odds.unwrap_or_else(|| told(one.confidence.share)))).collect()
}

/// Whether a decision that took so long came faster than anybody reads.
#[must_use]
pub fn is_hasty(took_ms: u64) -> bool {
    took_ms < HASTY_MS
}

/// The answer of one diagnosis: its leading hypothesis, or "none of these" where that weighs at least as much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Its entry.
    pub seq: Seq,
    /// The cause it named; `None` = none of these.
    pub cause: Option<Cause>,
    /// The share of the answer, 0 to 1.
    pub share: f64,
    /// Since when this engine has given this answer without a break.
    pub since: Time,
    /// All its hypotheses with their log odds, for a calibration.
    pub scored: Vec<Scored>,
}

impl Judged {
    /// The answer of `diagnosis`, recorded as entry `seq` at `arrived`; `before` is what the same engine had said until then.
    #[must_use]
    pub fn of(seq: Seq, arrived: Time, diagnosis: &Diagnosis, before: Option<&Self>) -> Self {
        let first = diagnosis.hypotheses.first().filter(|first| first.confidence.share > diagnosis.none_of_these);
        let cause = first.map(|first| first.cause.clone());
        let share = first.map_or(diagnosis.none_of_these, |first| first.confidence.share);
        let since = before.filter(|before| before.cause == cause).map_or(arrived, |before| before.since);
        Self { seq, cause, share, since, scored: scored(diagnosis) }
    }
}

/// A decision as far as the record goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided<'a> {
    /// The engine whose hypothesis was decided on; `None` when its diagnosis is not known.
    pub engine: Option<&'a Untrusted>,
    /// Who.
    pub by: &'a Person,
    /// When.
    pub at: Time,
    /// The cause it named.
    pub cause: &'a Cause,
    /// The answer.
    pub verdict: &'a Verdict,
    /// Milliseconds from first seen to decided.
    pub took_ms: u64,
    /// Whether anything had been opened before.
    pub looked: bool,
}

/// One incident as far as the record goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Case<'a> {
    /// Per engine, its last answer before the truth was known.
    pub judged: &'a BTreeMap<Untrusted, Judged>,
    /// The decisions.
    pub decisions: Vec<Decided<'a>>,
    /// The confirmed cause.
    pub truth: Option<&'a Truth>,
    /// When it was first confirmed.
    pub confirmed: Option<Time>,
    /// When it was opened: the page.
    pub opened: Time,
    /// When somebody first took it.
    pub owned: Option<Time>,
    /// When somebody declared it over.
    pub resolved: Option<Time>,
    /// By name, the procedures that took something back in it.
    pub went_back: &'a BTreeMap<Untrusted, WentBack>,
}

/// Whether an answer (`None` = none of these) was right: nothing was wrong and none was named; or it named the change that
/// did it; or, where no change did it, no change but the same surface and, where the truth names one, the same component.
#[must_use]
pub fn is_right(cause: Option<&Cause>, truth: &Truth) -> bool {
    match (cause, truth.surface) {
        (None, surface) => surface.is_none(),
        (Some(_), None) => false,
        (Some(cause), Some(_)) if truth.change.is_some() => cause.change == truth.change,
        (Some(cause), Some(surface)) => {
            let subject = truth.subject.is_none() || cause.subject == truth.subject;
            cause.change.is_none() && cause.surface == surface && subject
        }
    }
}

impl Decided<'_> {
    /// Whether it said: it is this.
    #[must_use]
    pub fn accepts(&self) -> bool {
        matches!(self.verdict, Verdict::Accept)
    }

    /// Whether it came faster than anybody reads.
    #[must_use]
    pub fn is_hasty(&self) -> bool {
        is_hasty(self.took_ms)
    }

    /// Whether it said so with nothing opened before.
    #[must_use]
    pub fn is_unlooked(&self) -> bool {
        self.accepts() && !self.looked
    }
}
