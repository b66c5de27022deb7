//! Answers against confirmed causes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Answer, Guess};
use crate::intake::bundle::TruthFile;
use crate::surface::stats::wilson;

/// A wrong answer with at least this probability is a confident one.
const CONFIDENT: f64 = 0.5;

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
    pairs_f1: Option<f64>,
}

impl Mark {
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

/// Compares an answer with the truth.
pub(super) fn mark(answer: &Answer, truth: &TruthFile, kind: &str) -> Mark {
    let top = answer.hypotheses.first().filter(|first| first.probability > answer.none_of_these);
    let probability = top.map_or(answer.none_of_these, |top| top.probability);
    let groups: Option<BTreeMap<String, i64>> =
        truth.more.get("groups").and_then(|v| serde_json::from_value(v.clone()).ok());
    let right = groups.is_none().then(|| is_right(top, truth, kind));
    Mark {
        right,
        probability,
        confident_wrong: right == Some(false) && top.is_some() && probability >= CONFIDENT,
        pairs_f1: groups.map(|groups| pairs(&answer.incident.assignments, &groups)),
    }
}

fn is_right(top: Option<&Guess>, truth: &TruthFile, kind: &str) -> bool {
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
            let own = changes.and_then(|changes| changes.get(top.surface)).and_then(|change| change.as_str());
            both.iter().any(|surface| surface == top.surface)
                && top.change.as_ref().map(crate::event::Untrusted::raw) == own
        });
    }
    if kind == "ranking" {
        return top.is_some_and(|top| top.subject == cause.subject);
    }
    let of_runs = ["model", "prompt", "retrieval", "tool", "judge"].contains(&surface);
    match &cause.change {
        Some(change) => {
            top.is_some_and(|top| top.change.as_ref() == Some(change) && (!of_runs || top.surface == surface))
        }
        // An operational cause: naming any change is wrong, naming none is right. An unlogged surface must be named.
        None if of_runs || truth.more.get("kind").is_some() => {
            top.is_some_and(|top| top.surface == surface && top.change.is_none())
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
    judged: u64,
    right: u64,
    confident_wrong: u64,
    brier: f64,
    tenths: [(u64, u64); 10],
    storms: u64,
    f1: f64,
}

impl Tally {
    pub(super) fn add(&mut self, mark: &Mark) {
        if let Some(f1) = mark.pairs_f1 {
            self.storms += 1;
            self.f1 += f1;
        }
        let Some(right) = mark.right else { return };
        self.judged += 1;
        self.right += u64::from(right);
        self.confident_wrong += u64::from(mark.confident_wrong);
        self.brier += (mark.probability - f64::from(u8::from(right))).powi(2);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
        let tenth = ((mark.probability * 10.0) as usize).min(9);
        self.tenths[tenth].0 += 1;
        self.tenths[tenth].1 += u64::from(right);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of cases")]
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.judged > 0 {
            let n = self.judged;
            let share = |k: u64| {
                let (low, high) = wilson(k, n);
                format!(
                    "{k} of {n} ({:.0} %, 95 % interval {:.0} to {:.0} %)",
                    k as f64 / n as f64 * 100.0,
                    low * 100.0,
                    high * 100.0
                )
            };
            lines.push(format!("right                {}", share(self.right)));
            lines.push(format!("confidently wrong    {}", share(self.confident_wrong)));
            lines.push(format!("Brier score          {:.3} (n {n})", self.brier / n as f64));
            lines.push("probability given    cases  right".to_owned());
            for (tenth, (cases, right)) in self.tenths.iter().enumerate().filter(|(_, (cases, _))| *cases > 0) {
                lines.push(format!(
                    "  {:.1} to {:.1}        {cases:>6} {right:>6}",
                    tenth as f64 / 10.0,
                    (tenth + 1) as f64 / 10.0
                ));
            }
        }
        if self.storms > 0 {
            lines.push(format!(
                "grouping of alerts   pairwise F1 {:.2} (mean of n {})",
                self.f1 / self.storms as f64,
                self.storms
            ));
        }
        if lines.is_empty() {
            lines.push("nothing to score: no case holds a truth.json".to_owned());
        }
        lines
    }
}
