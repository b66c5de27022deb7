//! Answers against confirmed causes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::judge::{Case, Said};
use crate::event::Untrusted;
use crate::feedback::{CONFIDENT, Given, Outcome, Reliability, Spread};
use crate::intake::bundle::TruthFile;
use crate::surface::stats::wilson;

/// How one answer did.
#[derive(Clone, Debug, Serialize)]
pub(in super::super) struct Mark {
    /// Whether the first hypothesis, or "none of these" where that is likelier, is the confirmed cause.
    /// `None` for a storm, which asks for the grouping alone.
    right: Option<bool>,
    /// The probability given to the answer.
    probability: f64,
    /// Wrong, and given a half or more.
    confident_wrong: bool,
    /// Pairs of alerts rightly put together, as F1; `None` where the truth does not say.
    pub pairs_f1: Option<f64>,
    /// Seconds from the page until people named the cause, where the record says; what a right answer at the page can save.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named_after_s: Option<f64>,
    #[serde(skip)]
    named: bool,
}

impl Mark {
    /// The mark of an answer.
    pub(super) fn of(given: Given) -> Self {
        Self {
            right: Some(given.right),
            probability: given.probability,
            confident_wrong: !given.right && given.named && given.probability >= CONFIDENT,
            pairs_f1: None,
            named_after_s: None,
            named: given.named,
        }
    }

    /// The answer; `None` for a storm.
    pub(super) fn given(&self) -> Option<Given> {
        self.right.map(|right| Given { probability: self.probability, right, named: self.named })
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        let grouping = self.pairs_f1.map(|f1| format!("grouping F1 {f1:.2}"));
        let right = self.right.map(|right| match (right, self.confident_wrong) {
            (true, _) => "right".to_owned(),
            (false, true) => "WRONG, and sure of it".to_owned(),
            (false, false) => "wrong".to_owned(),
        });
        [right, grouping].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// The leading hypothesis, unless "none of these" is at least as likely, and its probability.
pub(super) fn given(all: &[&Said], none: f64, right: impl Fn(Option<&Said>) -> bool) -> Given {
    let top = all.first().copied().filter(|first| first.probability > none);
    Given { probability: top.map_or(none, |top| top.probability), right: right(top), named: top.is_some() }
}

/// Compares an answer with the truth, where there is one.
pub(super) fn mark(case: &Case) -> Option<Mark> {
    let truth = case.truth.as_ref()?;
    let said: Vec<&Said> = case.answer.hypotheses.iter().map(|guess| &guess.said).collect();
    let groups: Option<BTreeMap<String, i64>> =
        truth.more.get("groups").and_then(|v| serde_json::from_value(v.clone()).ok());
    let mut mark = Mark::of(given(&said, case.answer.none_of_these, |top| is_right(top, truth, case.kind.raw())));
    if let Some(groups) = groups {
        (mark.right, mark.confident_wrong) = (None, false);
        mark.pairs_f1 = Some(pairs(&case.answer.incident.assignments, &groups));
    }
    Some(mark)
}

/// What became of a case, for fitting; `None` for a storm, or where no cause is confirmed.
pub(super) fn outcome(case: &Case) -> Option<Outcome> {
    let truth = case.truth.as_ref().filter(|truth| !truth.more.contains_key("groups"))?;
    let said = || case.answer.hypotheses.iter().map(|guess| &guess.said);
    let right = |said: Option<&Said>| is_right(said, truth, case.kind.raw());
    Some(Outcome {
        log_odds: said().map(|said| said.log_odds).collect::<Option<_>>()?,
        right: said().map(|said| right(Some(said))).collect(),
        none_right: right(None),
        weight: 1.0,
    })
}

/// Whether an answer (`None` = none of these) is the confirmed cause.
pub(super) fn is_right(top: Option<&Said>, truth: &TruthFile, kind: &str) -> bool {
    let cause = &truth.cause;
    let surface = cause.surface.raw();
    if surface == "none" {
        return top.is_none();
    }
    // Two surfaces moved at once: either will do, as long as its own change is named.
    let both: Vec<String> =
        truth.more.get("confounded").and_then(|v| serde_json::from_value(v.clone()).ok()).unwrap_or_default();
    if !both.is_empty() {
        let changes = truth.more.get("confounded_changes");
        return top.is_some_and(|top| {
            let own = changes.and_then(|changes| changes.get(top.surface.raw())).and_then(|change| change.as_str());
            both.iter().any(|surface| surface == top.surface.raw()) && top.change.as_ref().map(Untrusted::raw) == own
        });
    }
    if kind == "ranking" {
        return top.is_some_and(|top| top.subject == cause.subject);
    }
    let of_runs = ["model", "prompt", "retrieval", "tool", "judge"].contains(&surface);
    match &cause.change {
        Some(change) => {
            top.is_some_and(|top| top.change.as_ref() == Some(change) && (!of_runs || top.surface.raw() == surface))
        }
        // An operational cause: naming any change is wrong, naming none is right. An unlogged surface must be named.
        None if of_runs || truth.more.get("kind").is_some() => {
            top.is_some_and(|top| top.surface.raw() == surface && top.change.is_none())
        }
        None => top.is_none_or(|top| top.change.is_none()),
    }
}

/// Pairwise F1 of a grouping.
#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
fn pairs(said: &BTreeMap<String, u64>, truth: &BTreeMap<String, i64>) -> f64 {
    let prints: Vec<&String> = truth.keys().collect();
    let (mut hit, mut claimed, mut all) = (0_u64, 0_u64, 0_u64);
    for (i, a) in prints.iter().enumerate() {
        for b in &prints[i + 1..] {
            let same = truth[*a] == truth[*b];
            let together = said.get(*a).is_some_and(|group| said.get(*b) == Some(group));
            hit += u64::from(same && together);
            claimed += u64::from(together);
            all += u64::from(same);
        }
    }
    if hit == 0 { 0.0 } else { 2.0 * hit as f64 / (claimed + all) as f64 }
}

/// All marks together.
#[derive(Debug, Default)]
pub(super) struct Tally {
    answers: Reliability,
    storms: u64,
    f1: f64,
    /// Seconds that right answers at the page were ahead of the people who named the cause.
    ahead: Vec<f64>,
    /// Answers that were sure of another cause while people knew none.
    misleading: u64,
    /// Answers of which it is known when people named the cause.
    timed: u64,
}

impl Tally {
    pub(super) fn add(&mut self, mark: &Mark) {
        if let Some(f1) = mark.pairs_f1 {
            self.storms += 1;
            self.f1 += f1;
        }
        let Some(given) = mark.given() else { return };
        self.answers.add(given);
        if let Some(after) = mark.named_after_s {
            self.timed += 1;
            self.misleading += u64::from(mark.confident_wrong);
            self.ahead.extend(given.right.then_some(after));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of cases")]
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let n = self.answers.n();
        if let (Some((brier, low, high)), Some(error), Some(chance)) =
            (self.answers.brier(), self.answers.calibration_error(), self.answers.error_by_chance())
        {
            lines.push(format!("right                {}", share(self.answers.right(), n)));
            lines.push(format!("confidently wrong    {}", share(self.answers.confident_wrong, n)));
            lines.push(format!("Brier score          {brier:.3} (n {n}, 95 % interval {low:.3} to {high:.3})"));
            lines.push(format!(
                "calibration error    {error:.3} (n {n}, ten bins; true probabilities would give {chance:.3} with so few)"
            ));
            let (sure, right) = self.answers.surest();
            if sure > 0 {
                lines.push(format!("said 90 % or more    right in {}", share(right, sure)));
            }
            lines.push("probability given    cases  right  said".to_owned());
            for (tenth, bin) in self.answers.tenths.iter().enumerate().filter(|(_, bin)| bin.n > 0) {
                lines.push(format!(
                    "  {:.1} to {:.1}        {:>6} {:>6}  {:>3.0} %",
                    tenth as f64 / 10.0,
                    (tenth + 1) as f64 / 10.0,
                    bin.n,
                    bin.right,
                    bin.said / bin.n as f64 * 100.0
                ));
            }
        }
        lines.extend(self.time());
        if self.storms > 0 {
            lines.push(format!(
                "grouping of alerts   pairwise F1 {:.2} (mean of n {})",
                self.f1 / self.storms as f64,
                self.storms
            ));
        }
        if lines.is_empty() {
            lines.push("nothing to score: no cause of these is known".to_owned());
        }
        lines
    }

    /// Time saved or lost, where the record says when people named the cause.
    fn time(&self) -> Vec<String> {
        if self.timed == 0 {
            return Vec::new();
        }
        let ahead = Spread::of(self.ahead.clone());
        let minutes = |seconds: f64| seconds / 60.0;
        let saved = match ahead.n {
            0 => "none of the right answers came before people named the cause".to_owned(),
            n => format!(
                "at most {:.0} min where it was right (median, n {n}, 95 % interval {:.0} to {:.0}): people named the cause so \
                 long after the page",
                minutes(ahead.median_s),
                minutes(ahead.low_s),
                minutes(ahead.high_s)
            ),
        };
        vec![
            format!("time saved           {saved}"),
            format!("time at risk         sure of a wrong cause in {}", share(self.misleading, self.timed)),
        ]
    }
}

/// A count of n as people read it, with its interval.
#[expect(clippy::cast_precision_loss, reason = "counts of cases")]
pub(super) fn share(k: u64, n: u64) -> String {
    let (low, high) = wilson(k, n);
    format!(
        "{k} of {n} ({:.0} %, 95 % interval {:.0} to {:.0} %)",
        k as f64 / n.max(1) as f64 * 100.0,
        low * 100.0,
        high * 100.0
    )
}
