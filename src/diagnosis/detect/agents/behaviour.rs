//! How the runs behave: which tools they use, how long they are, how they end. Not how well.

use std::collections::BTreeMap;

use crate::surface::{RunFacts, StopClass, stats};

use super::outcome::{Outcome, View, say};

/// Signs looked at, at most; the commonest tools first.
const MAX_SIGNS: usize = 40;

/// A number that a run has.
type Measure = fn(&RunFacts) -> f64;

/// Yes/no signs of behaviour, run by run.
pub(super) fn signs(view: &View<'_>) -> Vec<(String, Vec<bool>)> {
    let mut tools: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &view.runs {
        let mut own: Vec<&str> = run.calls.iter().map(|(tool, ..)| tool.raw()).collect();
        own.sort_unstable();
        own.dedup();
        for tool in own {
            *tools.entry(tool).or_default() += 1;
        }
    }
    let mut common: Vec<(&str, usize)> = tools.into_iter().collect();
    common.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let mut signs: Vec<(String, Vec<bool>)> = common
        .into_iter()
        .take(MAX_SIGNS)
        .map(|(tool, _)| {
            let used = view.runs.iter().map(|run| run.calls.iter().any(|(name, ..)| name.raw() == tool)).collect();
            (format!("a call of {}", say(&tool.into())), used)
        })
        .collect();
    signs.push((
        "a failed tool call".into(),
        view.runs.iter().map(|run| run.calls.iter().any(|(_, failed, _)| *failed)).collect(),
    ));
    signs.push(("more than five tool calls".into(), view.runs.iter().map(|run| run.calls.len() > 5).collect()));
    for class in [
        StopClass::Refused,
        StopClass::Truncated,
        StopClass::Malformed,
        StopClass::Empty,
        StopClass::Looped,
        StopClass::GaveUp,
    ] {
        let ended: Vec<bool> = view.runs.iter().map(|run| run.stop.class == class).collect();
        if ended.iter().any(|flag| *flag) {
            signs.push((format!("the end “{}”", class.name()), ended));
        }
    }
    signs
}

/// The behaviour that moved most at a split, corrected for how many were looked at.
pub(super) fn strongest(view: &View<'_>, split: usize) -> Outcome {
    at(view, &signs(view), split)
}

/// The same at the moment it moved most, averaged over moments.
pub(super) fn strongest_anywhere(view: &View<'_>) -> Outcome {
    let signs = signs(view);
    view.scan(|split| at(view, &signs, split))
}

fn at(view: &View<'_>, signs: &[(String, Vec<bool>)], split: usize) -> Outcome {
    let n = view.runs.len();
    let mut best = Outcome { weight: f64::NEG_INFINITY, text: "no behaviour was captured".into(), split: Some(split) };
    for (name, flags) in signs {
        let count = |flags: &[bool]| flags.iter().filter(|flag| **flag).count() as u64;
        let (k1, k2) = (count(&flags[..split]), count(&flags[split..]));
        let weight = stats::ln_bayes_two_proportions(k1, split as u64, k2, (n - split) as u64);
        if weight > best.weight {
            best.weight = weight;
            best.text = format!("{name} in {k1} of {split} runs before, {k2} of {} since", n - split);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of calls and characters")]
    let numbers: [(&str, Measure); 2] = [
        ("characters said", |run| run.said_chars as f64 / f64::from(run.model_calls.max(1))),
        ("model calls", |run| f64::from(run.model_calls)),
    ];
    for (name, of) in numbers {
        let values: Vec<f64> = view.runs.iter().map(|run| of(run)).collect();
        let z = stats::rank_sum_z(&values[..split], &values[split..]);
        #[expect(clippy::cast_precision_loss, reason = "a count of runs")]
        let weight = stats::ln_bayes_of_z(z, n as f64);
        if weight > best.weight {
            let median = |values: &[f64]| stats::median(&mut values.to_vec()).unwrap_or(0.0);
            best.weight = weight;
            best.text = format!(
                "{name} a run: {:.0} before, {:.0} since (medians, n {split} and {})",
                median(&values[..split]),
                median(&values[split..]),
                n - split
            );
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of signs")]
    let many = ((signs.len() + 2) as f64).ln();
    if best.weight > 0.0 {
        best.weight -= many;
    }
    best
}
