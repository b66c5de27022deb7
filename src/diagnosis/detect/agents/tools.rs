//! Tools whose results have another structure than before.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{ChangeClass, Pointer, Surface, Untrusted};
use crate::surface::{result_of, stats};

use super::super::super::candidate::Finding;
use super::super::super::scene::Scene;
use super::lead::{Lead, SEEN, logged_finding, nearest, surface};
use super::outcome::{LEAST_SIDE, View, clock, say};

/// One call of one tool that did not fail: the run it is in, and the fields of its result.
struct Call<'a> {
    run: usize,
    fields: BTreeSet<&'a str>,
}

/// Looks for a field that came or went in a tool's results, for tools that began to fail, and for changed definitions.
pub(super) fn look(scene: &Scene<'_>, view: &View<'_>) -> Vec<Lead> {
    let mut calls: BTreeMap<&Untrusted, Vec<Call<'_>>> = BTreeMap::new();
    for (number, run) in view.runs.iter().enumerate() {
        for (tool, failed, shape) in &run.calls {
            if let Some(shape) = shape.as_ref().filter(|_| !failed) {
                let fields = shape.fields.iter().map(|field| &**field).collect();
                calls.entry(tool).or_default().push(Call { run: number, fields });
            }
        }
    }
    calls.into_iter().filter_map(|(tool, calls)| one_tool(scene, view, tool, &calls)).collect()
}

fn one_tool(scene: &Scene<'_>, view: &View<'_>, tool: &Untrusted, calls: &[Call<'_>]) -> Option<Lead> {
    if calls.len() < 2 * LEAST_SIDE {
        return None;
    }
    let fields: BTreeSet<&str> = calls.iter().flat_map(|call| call.fields.iter().copied()).collect();
    let mut best: Option<(f64, &str, usize, bool)> = None;
    for field in &fields {
        // Only a field that is nearly always there on one side and never on the other is structure; the rest is data.
        for gone in [true, false] {
            let flags: Vec<bool> = calls.iter().map(|call| call.fields.contains(field) != gone).collect();
            let Some(split) = flags.iter().position(|flag| *flag).filter(|split| *split >= LEAST_SIDE) else {
                continue;
            };
            let since = &flags[split..];
            if since.len() < LEAST_SIDE || since.iter().filter(|flag| **flag).count() * 20 < since.len() * 19 {
                continue;
            }
            let weight = stats::ln_bayes_two_proportions(
                0,
                split as u64,
                since.iter().filter(|f| **f).count() as u64,
                since.len() as u64,
            );
            if best.is_none_or(|(most, ..)| weight > most) {
                best = Some((weight, field, split, gone));
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of fields and calls")]
    let many = (fields.len().max(1) as f64).ln() + (calls.len() as f64).ln();
    let (weight, field, split, gone) = best?;
    let weight = weight - many;
    if weight < 0.5 {
        return None;
    }
    let at = view.runs[calls[split].run].start;
    let change =
        nearest(scene, at, |change| change.class == ChangeClass::Tool && change.subject.as_ref() == Some(tool));
    let mechanism = format!("results of {} have another structure", say(tool));
    let (word, other) = if gone { ("missing from", "in") } else { ("in", "missing from") };
    let text = format!(
        "{} of {}: {word} all {} results since {}, {other} all {split} before",
        say(&field.into()),
        say(tool),
        calls.len() - split,
        clock(at)
    );
    let first = calls[split].run;
    let look_at = vec![Pointer::Trace { trace: view.runs[first].trace }];
    let sight = Finding::new("result shape", weight.min(SEEN), text, look_at);
    let mut candidate = surface(Surface::Tool, Some(tool.clone()), change, mechanism.into(), "rollback", sight);
    candidate.onset = Some(at);
    let touched: BTreeSet<usize> = calls[split..].iter().map(|call| call.run).collect();
    if let Some(finding) = touched_fail_more(view, first, &touched) {
        candidate.find(finding);
    }
    logged_finding(&mut candidate, scene, at);
    let attribution = view.attributed(first);
    Some(Lead { candidate, split: first, part: Some(result_of(tool)), attribution })
}

/// Among the runs since, do those that saw the new structure fail more than those that did not, or than the runs before?
pub(super) fn touched_fail_more(view: &View<'_>, first: usize, touched: &BTreeSet<usize>) -> Option<Finding> {
    let proxy = view.proxies().first()?;
    let failed = |run: usize| view.runs[run].passed(proxy.raw()).map(|ok| !ok);
    let count = |runs: &mut dyn Iterator<Item = usize>| {
        runs.filter_map(failed).fold((0, 0), |(bad, n), failed| (bad + u64::from(failed), n + 1))
    };
    let (bad, n) = count(&mut touched.iter().copied());
    let (bad_before, before) = count(&mut (0..first));
    let weight = stats::ln_bayes_two_proportions(bad_before, before, bad, n);
    let worse = bad * before >= bad_before * n;
    let text = format!(
        "{} failed in {bad} of {n} runs that got such results, in {bad_before} of {before} runs before",
        say(proxy)
    );
    Some(Finding::new("population", if worse { weight.clamp(-0.5, 4.0) } else { -1.0 }, text, Vec::new()))
}
