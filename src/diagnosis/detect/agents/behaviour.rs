//! How the runs behave: which tools they use, how long they are, how they end. Not how well. Told by the tests of drift.

use std::collections::BTreeMap;

use crate::surface::drift::{Drift, Signal, Size, test};
use crate::surface::{RunFacts, StopClass, stats};

use super::outcome::{Outcome, View, points, say};

/// Signs looked at, at most; the commonest tools first.
const MAX_SIGNS: usize = 40;

/// A number that a run has.
type Measure = fn(&RunFacts) -> f64;

/// One sign of behaviour: its name, and its value for every run.
pub(super) struct Sign {
    pub name: String,
    pub values: Signal,
}

impl Sign {
    fn yes_or_no(name: String, values: Vec<bool>) -> Self {
        Self { name, values: Signal::Share(values) }
    }

    /// Run by run; `None` = it is no yes or no.
    pub(super) fn flags(&self) -> Option<&[bool]> {
        match &self.values {
            Signal::Share(flags) => Some(flags),
            Signal::Number(_) | Signal::Pattern(_) => None,
        }
    }

    /// Log Bayes factor that it moved at a split, over all runs and within slices: what other traffic brings along is no
    /// other behaviour.
    fn weight(&self, split: usize, slices: &[usize]) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a count of runs")]
        let n = slices.len() as f64;
        let strata = slices.iter().max().map_or(0, |most| most + 1);
        match &self.values {
            Signal::Share(flags) => {
                let mut tables = vec![(0, 0, 0, 0); strata];
                for (run, (flag, slice)) in flags.iter().zip(slices).enumerate() {
                    let table: &mut (u64, u64, u64, u64) = &mut tables[*slice];
                    if run < split {
                        *table = (table.0 + u64::from(*flag), table.1 + 1, table.2, table.3);
                    } else {
                        *table = (table.0, table.1, table.2 + u64::from(*flag), table.3 + 1);
                    }
                }
                let all = tables.iter().fold((0, 0, 0, 0), |s, t| (s.0 + t.0, s.1 + t.1, s.2 + t.2, s.3 + t.3));
                let crude = stats::ln_bayes_two_proportions(all.0, all.1, all.2, all.3);
                crude.min(stats::ln_bayes_of_z(stats::mantel_haenszel_z(&tables), n))
            }
            Signal::Number(values) => {
                let mut parts = vec![(Vec::new(), Vec::new()); strata];
                for (run, (value, slice)) in values.iter().zip(slices).enumerate() {
                    let side = if run < split { &mut parts[*slice].0 } else { &mut parts[*slice].1 };
                    side.push(*value);
                }
                let crude = stats::ln_bayes_of_z(stats::rank_sum_z(&values[..split], &values[split..]), n);
                crude.min(stats::ln_bayes_of_z(stats::rank_sum_z_within(&parts), n))
            }
            Signal::Pattern(_) => 0.0,
        }
    }
}

/// The signs of behaviour of all runs.
pub(super) fn signs(view: &View<'_>) -> Vec<Sign> {
    let mut signs: Vec<Sign> = yes_or_no(view).into_iter().map(|(name, flags)| Sign::yes_or_no(name, flags)).collect();
    #[expect(clippy::cast_precision_loss, reason = "counts of calls and characters")]
    let numbers: [(&str, Measure); 2] = [
        ("characters said a model call", |run| run.said_chars as f64 / f64::from(run.model_calls.max(1))),
        ("model calls a run", |run| f64::from(run.model_calls)),
    ];
    signs.extend(numbers.into_iter().map(|(name, of)| Sign {
        name: name.into(),
        values: Signal::Number(view.runs.iter().map(|run| of(run)).collect()),
    }));
    signs
}

fn yes_or_no(view: &View<'_>) -> Vec<(String, Vec<bool>)> {
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
    let signs = signs(view);
    let mut best = at(view, &signs, split);
    best.text = text(view, &signs, split);
    best
}

/// The same at the moment it moved most, averaged over moments.
pub(super) fn strongest_anywhere(view: &View<'_>) -> Outcome {
    let signs = signs(view);
    let mut best = view.scan(|split| at(view, &signs, split));
    best.text = best.split.map(|split| text(view, &signs, split)).unwrap_or_default();
    best
}

fn at(view: &View<'_>, signs: &[Sign], split: usize) -> Outcome {
    let slices = view.slices_at(split);
    let most = signs.iter().map(|sign| sign.weight(split, &slices)).fold(f64::NEG_INFINITY, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "a count of signs")]
    let many = (signs.len().max(1) as f64).ln();
    Outcome { weight: if most > 0.0 { most - many } else { most }, text: String::new(), split: Some(split) }
}

/// The sign that moved most, its effect first, and how often chance does as much.
fn text(view: &View<'_>, signs: &[Sign], split: usize) -> String {
    let slices = view.slices_at(split);
    let weights: Vec<f64> = signs.iter().map(|sign| sign.weight(split, &slices)).collect();
    let Some(best) = (0..signs.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b])) else {
        return "no behaviour was captured".into();
    };
    let all: Vec<(Signal, usize)> = signs.iter().map(|sign| (sign.values.clone(), split)).collect();
    let name = &signs[best].name;
    let Some(Drift { runs, size, effect, interval, q, .. }) = test(&all).swap_remove(best) else {
        return format!("{name}: too few runs to test");
    };
    let moved = match size {
        Size::Share { before, since } => format!(
            "in {} % of {} runs before, {} % of {} since ({} points, {} to {})",
            points(before),
            runs.0,
            points(since),
            runs.1,
            points(effect),
            points(interval.0),
            points(interval.1)
        ),
        Size::Number { before, since } => {
            format!("{before:.0} before, {since:.0} since (medians of {} and {} runs)", runs.0, runs.1)
        }
        Size::Pattern => String::new(),
    };
    format!("{name} {moved}; by chance {} among {} signs", rarely(q), signs.len())
}

/// A chance in words.
fn rarely(q: f64) -> String {
    if q < 0.001 { "in fewer than 1 of 1000 cases".into() } else { format!("in {q:.3} of cases") }
}
