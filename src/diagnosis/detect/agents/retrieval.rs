//! What the runs look up: another index answers, or the same one with other documents, other scores, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Change, ChangeClass, Pointer, Surface, Untrusted};
use crate::surface::{Retrieved, stats};

use super::super::super::candidate::{Candidate, Finding};
use super::super::super::scene::Scene;
use super::lead::{Lead, SEEN, arrival, logged_finding, nearest, seen, surface};
use super::outcome::{LEAST_SIDE, Outcome, View, clock, say};
use super::tools::touched_fail_more;

/// The commonest documents are told apart; the rest are one.
const MOST_DOCUMENTS: usize = 20;
/// Documents that came or went say that much at most: what is asked for moves them too.
const MOST_BY_DOCUMENTS: f64 = 3.0;

/// One retrieval and the run it is in.
struct Look<'a> {
    run: usize,
    what: &'a Retrieved,
}

/// Looks for a source that came, and for sources that answer otherwise.
pub(super) fn look(scene: &Scene<'_>, view: &View<'_>) -> Vec<Lead> {
    let mut by_source: BTreeMap<&Untrusted, Vec<Look<'_>>> = BTreeMap::new();
    for (run, facts) in view.runs.iter().enumerate() {
        for what in &facts.retrievals {
            by_source.entry(&what.source).or_default().push(Look { run, what });
        }
    }
    let mut found: Vec<Lead> = Vec::new();
    for (source, looks) in &by_source {
        let came = came(scene, view, source, looks);
        found.extend(came.or_else(|| otherwise(scene, view, source, looks)));
    }
    found
}

/// A source that no run used before a moment and most do since: another index under the same feature.
fn came(scene: &Scene<'_>, view: &View<'_>, source: &Untrusted, looks: &[Look<'_>]) -> Option<Lead> {
    let with: BTreeSet<usize> = looks.iter().map(|look| look.run).collect();
    let looking: Vec<usize> = (0..view.runs.len()).filter(|run| !view.runs[*run].retrievals.is_empty()).collect();
    let flags: Vec<bool> = looking.iter().map(|run| with.contains(run)).collect();
    let split = arrival(&flags).map(|split| looking[split])?;
    let at = view.runs[split].start;
    let is_index = |change: &Change| {
        let names = [&change.after, &change.before].into_iter().flatten().filter_map(|side| side.label.as_ref());
        change.class == ChangeClass::Index && names.chain(&change.subject).any(|name| source.raw().contains(name.raw()))
    };
    let change = nearest(scene, at, is_index);
    let mechanism = "another index answers".into();
    let text = format!("{} is looked up since {}, never before in {split} runs", say(source), clock(at));
    let candidate =
        surface(Surface::Retrieval, Some(source.clone()), change, mechanism, "rollback", seen(text, view.runs[split]));
    let mut lead = Lead::new(view, candidate, split, Some("retrieval source".into()), |run| &run.surfaces.sources);
    finish(&mut lead.candidate, scene, view, split, &with);
    Some(lead)
}

/// A source that answers otherwise since a moment: the moment of a logged change of it, else whichever suits it best.
fn otherwise(scene: &Scene<'_>, view: &View<'_>, source: &Untrusted, looks: &[Look<'_>]) -> Option<Lead> {
    if looks.len() < 2 * LEAST_SIDE {
        return None;
    }
    let logged = scene.changes.iter().rev().find(|change| {
        change.class == ChangeClass::Index
            && change.subject.as_ref().is_some_and(|name| source.raw().contains(name.raw()))
    });
    let at_change = logged
        .filter(|change| !change.untimed)
        .map(|change| view.runs.partition_point(|run| run.start < change.time))
        .filter(|split| view.is_inner(*split));
    let common = common(looks);
    let moved = |split: usize| moved(looks, &common, split);
    // A logged moment is one; moments that are not known are averaged over, not picked.
    let outcome = at_change.map_or_else(|| view.scan(moved), moved);
    let split = outcome.split.filter(|_| outcome.weight > 0.5)?;
    let change = logged.filter(|change| at_change.is_some() || change.untimed).map(|change| change.id.clone());
    let mechanism = format!("{} answers otherwise", say(source)).into();
    let look_at = vec![Pointer::Trace { trace: view.runs[split].trace }];
    // That it moved says no more than that a model or prompt did; whether it did harm, the runs say.
    let sight = Finding::new("retrieval", outcome.weight.min(SEEN), outcome.text, look_at);
    let candidate = surface(Surface::Retrieval, Some(source.clone()), change, mechanism, "rollback", sight);
    let mut lead = Lead::new(view, candidate, split, None, |run| &run.surfaces.sources);
    let with = looks.iter().map(|look| look.run).collect();
    finish(&mut lead.candidate, scene, view, split, &with);
    Some(lead)
}

/// What became of the runs that looked something up, and the change that was logged.
fn finish(candidate: &mut Candidate, scene: &Scene<'_>, view: &View<'_>, split: usize, with: &BTreeSet<usize>) {
    let touched: BTreeSet<usize> = with.iter().copied().filter(|run| *run >= split).collect();
    // Where every run looks something up, this says what the outcome has said already.
    if with.len() * 10 < view.runs.len() * 9
        && let Some(finding) = touched_fail_more(view, split, &touched)
    {
        candidate.find(finding);
    }
    logged_finding(candidate, scene, view.runs[split].start);
}

/// The commonest documents of a source.
fn common<'a>(looks: &[Look<'a>]) -> Vec<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    looks.iter().flat_map(|look| &look.what.documents).for_each(|name| *counts.entry(name.raw()).or_default() += 1);
    let mut all: Vec<(&str, usize)> = counts.into_iter().collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    all.into_iter().take(MOST_DOCUMENTS).map(|(name, _)| name).collect()
}

/// What moved most in a source's answers at a split: scores, empty answers, documents; corrected for the three looked at.
fn moved(looks: &[Look<'_>], common: &[&str], split: usize) -> Outcome {
    let border = looks.partition_point(|look| look.run < split);
    let (before, since) = looks.split_at(border);
    if before.len() < LEAST_SIDE || since.len() < LEAST_SIDE {
        return Outcome { weight: 0.0, text: String::new(), split: Some(split) };
    }
    let all = [scores(before, since), empty(before, since), documents(before, since, common)];
    let best = all.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default();
    Outcome { weight: best.0 - 3.0_f64.ln(), text: best.1, split: Some(split) }
}

/// The best score of each answer.
fn scores(before: &[Look<'_>], since: &[Look<'_>]) -> (f64, String) {
    let best = |looks: &[Look<'_>]| -> Vec<f64> {
        looks.iter().filter_map(|look| look.what.scores.iter().copied().reduce(f64::max)).collect()
    };
    let (mut before, mut since) = (best(before), best(since));
    if before.len() < LEAST_SIDE || since.len() < LEAST_SIDE {
        return (0.0, String::new());
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of answers")]
    let n = (before.len() + since.len()) as f64;
    let weight = stats::ln_bayes_of_z(stats::rank_sum_z(&before, &since), n);
    let (n1, n2) = (before.len(), since.len());
    let median = |values: &mut Vec<f64>| stats::median(values).unwrap_or(0.0);
    let text = format!(
        "best score of an answer: {:.2} before, {:.2} since (medians, n {n1} and {n2})",
        median(&mut before),
        median(&mut since)
    );
    (weight, text)
}

/// Answers without any document.
fn empty(before: &[Look<'_>], since: &[Look<'_>]) -> (f64, String) {
    let count = |looks: &[Look<'_>]| {
        let known = looks.iter().filter_map(|look| look.what.count);
        known.fold((0_u64, 0_u64), |(empty, n), count| (empty + u64::from(count == 0), n + 1))
    };
    let ((k1, n1), (k2, n2)) = (count(before), count(since));
    if n1 == 0 || n2 == 0 {
        return (0.0, String::new());
    }
    let text = format!("no document in {k1} of {n1} answers before, in {k2} of {n2} since");
    (stats::ln_bayes_two_proportions(k1, n1, k2, n2), text)
}

/// Which document stands first, among the commonest; one an answer, because those of one answer go together.
fn documents(before: &[Look<'_>], since: &[Look<'_>], common: &[&str]) -> (f64, String) {
    let count = |looks: &[Look<'_>]| {
        let mut counts = vec![0_u64; common.len() + 1];
        for first in looks.iter().filter_map(|look| look.what.documents.first()) {
            let place = common.iter().position(|name| *name == first.raw()).unwrap_or(common.len());
            counts[place] += 1;
        }
        counts
    };
    let (a, b) = (count(before), count(since));
    if a.iter().sum::<u64>() < LEAST_SIDE as u64 || b.iter().sum::<u64>() < LEAST_SIDE as u64 {
        return (0.0, String::new());
    }
    let (n1, n2) = (a.iter().sum::<u64>(), b.iter().sum::<u64>());
    let most = (0..common.len()).max_by_key(|i| (a[*i] * n2).abs_diff(b[*i] * n1));
    let example = most.map_or(String::new(), |i| {
        format!(": {} first in {} of {n1} before, {} of {n2} since", say(&common[i].into()), a[i], b[i])
    });
    (stats::ln_bayes_two_mixes(&a, &b).min(MOST_BY_DOCUMENTS), format!("other documents are found{example}"))
}
