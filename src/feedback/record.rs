//! The record of judgement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Cause, Diagnosis, Seq, Truth, Untrusted, Verdict};
use crate::surface::stats::wilson;

/// A decision that took less than this was no reading.
const HASTY_MS: u64 = 2_000;
/// A leading hypothesis with at least this share was confident.
const CONFIDENT: f64 = 0.5;

/// The record of judgement, per investigator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AccuracyView {
    /// Each investigator.
    pub investigators: Vec<InvestigatorRecord>,
    /// Incidents with a confirmed cause.
    pub confirmed: u64,
    /// Incidents resolved without one.
    pub unconfirmed: u64,
    /// Decisions made within two seconds of the hypothesis appearing.
    pub hasty: u64,
    /// Acceptances with nothing opened before.
    pub unlooked: u64,
}

/// How one investigator did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvestigatorRecord {
    /// Engine and version.
    pub engine: Untrusted,
    /// Incidents with a diagnosis and a confirmed cause.
    pub n: u64,
    /// Leading hypothesis right.
    pub right: u64,
    /// Lower end of the 95 % interval of right/n (Wilson).
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Leading hypothesis wrong with a share of at least one half.
    pub confident_wrong: u64,
    /// Mean Brier score of the leading hypothesis.
    pub brier: f64,
    /// accepted and right, accepted and wrong, rejected and right, rejected and wrong.
    pub accepted_right: u64,
    /// See above.
    pub accepted_wrong: u64,
    /// See above. A modified hypothesis counts as rejected: the person said it was something else.
    pub rejected_right: u64,
    /// See above.
    pub rejected_wrong: u64,
    /// Reliability: for each tenth of the share, how many and how many right.
    pub reliability: [(u64, u64); 10],
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
}

impl Judged {
    /// The answer of `diagnosis`, recorded as entry `seq`.
    #[must_use]
    pub fn of(seq: Seq, diagnosis: &Diagnosis) -> Self {
        match diagnosis.hypotheses.first() {
            Some(first) if first.confidence.share > diagnosis.none_of_these => {
                Self { seq, cause: Some(first.cause.clone()), share: first.confidence.share }
            }
            _ => Self { seq, cause: None, share: diagnosis.none_of_these },
        }
    }
}

/// A decision as far as the record goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided<'a> {
    /// The engine whose hypothesis was decided on; `None` when its diagnosis is not known.
    pub engine: Option<&'a Untrusted>,
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
    /// Whether somebody declared it over.
    pub resolved: bool,
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

/// Sums up the record of all `cases`.
pub fn accuracy<'a>(cases: impl IntoIterator<Item = Case<'a>>) -> AccuracyView {
    let mut view = AccuracyView::default();
    let mut sums: BTreeMap<&Untrusted, Sum> = BTreeMap::new();
    for case in cases {
        for decision in &case.decisions {
            view.hasty += u64::from(decision.took_ms < HASTY_MS);
            view.unlooked += u64::from(matches!(decision.verdict, Verdict::Accept) && !decision.looked);
        }
        let Some(truth) = case.truth else {
            view.unconfirmed += u64::from(case.resolved);
            continue;
        };
        view.confirmed += 1;
        for (engine, judged) in case.judged {
            sums.entry(engine).or_default().judge(judged, truth);
        }
        for decision in &case.decisions {
            if let Some(engine) = decision.engine {
                sums.entry(engine).or_default().decide(decision, truth);
            }
        }
    }
    view.investigators = sums.into_iter().map(|(engine, sum)| sum.record(engine.clone())).collect();
    view
}

#[derive(Default)]
struct Sum {
    n: u64,
    right: u64,
    confident_wrong: u64,
    brier: f64,
    accepted: [u64; 2],
    rejected: [u64; 2],
    reliability: [(u64, u64); 10],
}

impl Sum {
    fn judge(&mut self, judged: &Judged, truth: &Truth) {
        let right = is_right(judged.cause.as_ref(), truth);
        let share = if judged.share.is_finite() { judged.share.clamp(0.0, 1.0) } else { 0.0 };
        self.n += 1;
        self.right += u64::from(right);
        self.confident_wrong += u64::from(!right && judged.cause.is_some() && share >= CONFIDENT);
        self.brier += (share - f64::from(u8::from(right))).powi(2);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share in 0..=1 gives a bin in 0..=9"
        )]
        let bin = &mut self.reliability[((share * 10.0) as usize).min(9)];
        bin.0 += 1;
        bin.1 += u64::from(right);
    }

    fn decide(&mut self, decision: &Decided<'_>, truth: &Truth) {
        let wrong = usize::from(!is_right(Some(decision.cause), truth));
        match decision.verdict {
            Verdict::Accept => self.accepted[wrong] += 1,
            Verdict::Modify { .. } | Verdict::Reject => self.rejected[wrong] += 1,
        }
    }

    fn record(self, engine: Untrusted) -> InvestigatorRecord {
        let (low, high) = wilson(self.right, self.n);
        #[expect(clippy::cast_precision_loss, reason = "counts of incidents, far below 2^53")]
        let brier = if self.n == 0 { 0.0 } else { self.brier / self.n as f64 };
        InvestigatorRecord {
            engine,
            n: self.n,
            right: self.right,
            low,
            high,
            confident_wrong: self.confident_wrong,
            brier,
            accepted_right: self.accepted[0],
            accepted_wrong: self.accepted[1],
            rejected_right: self.rejected[0],
            rejected_wrong: self.rejected[1],
            reliability: self.reliability,
        }
    }
}

#[cfg(test)]
mod tests;
