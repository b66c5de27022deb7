//! Which surface of an AI feature moved: the failing population against the changed population.
//!
//! For every surface that moved, in view or as logged, the outcome before and since is compared within traffic slices; a surface
//! that moved without the outcome is no cause. What moved without any surface in view points at what is not captured.

mod behaviour;
mod outcome;
mod tools;

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Cause, Change, ChangeClass, Pointer, Policy, Surface, Time, Untrusted};
use crate::surface::RunFacts;

use super::super::candidate::{Candidate, Finding, Sort};
use super::super::scene::Scene;
use outcome::{Outcome, View};

/// Fewer runs than this say nothing.
const LEAST_RUNS: usize = 12;
/// Fewer runs than this on one side of a moment say nothing about it.
const LEAST_SIDE: usize = 5;

/// What the runs say: candidates, and when it began if something did.
pub(in super::super) struct Reading {
    /// Candidates.
    pub candidates: Vec<Candidate>,
    /// Log odds to be added to "none of these": negative when the outcome surely moved.
    pub quiet: f64,
}

/// Reads the agent runs of the incident's components; `None` without enough runs.
pub(in super::super) fn look(scene: &Scene<'_>) -> Option<Reading> {
    let runs = concerned(scene);
    if runs.len() < LEAST_RUNS {
        return None;
    }
    let view = View::of(&runs);
    let mut candidates = Vec::new();
    candidates.extend(served(scene, &view));
    candidates.extend(prompts(scene, &view));
    candidates.extend(tools::look(scene, &view));
    candidates.extend(provider(&view));
    candidates.extend(judge(scene, &view, &candidates));
    candidates.extend(traffic(scene, &view));
    candidates.extend(silent(&view, &candidates));
    // A page is a sign that something is wrong; no page at all, that nothing is.
    let paged = if scene.alerts.is_empty() { 1.5 } else { -0.8 };
    Some(Reading { candidates, quiet: paged - 0.5 * view.worst_anywhere().weight.clamp(-1.0, 2.0) })
}

/// The runs of the paged components, or all when none of them runs agents; oldest first.
fn concerned<'s>(scene: &'s Scene<'_>) -> Vec<&'s RunFacts> {
    let paged: BTreeSet<&str> = scene.alerts.iter().filter_map(|alert| alert.service()).map(Untrusted::raw).collect();
    let own: Vec<&RunFacts> =
        scene.runs.iter().filter(|run| paged.contains(run.service.raw()) || paged.contains(run.agent.raw())).collect();
    if own.is_empty() { scene.runs.iter().collect() } else { own }
}

/// A value that appears at one moment and stays: where the best split of a yes/no sequence lies.
fn arrival(flags: &[bool]) -> Option<usize> {
    let split = flags.iter().position(|flag| *flag)?;
    let before = split;
    let since = flags.len() - split;
    let share = |flags: &[bool]| flags.iter().filter(|flag| **flag).count() * 10 >= flags.len() * 8;
    (before >= LEAST_SIDE && since >= LEAST_SIDE && share(&flags[split..])).then_some(split)
}

/// Weight of a surface that is seen to have moved at all.
const SEEN: f64 = 1.2;
/// Weight of a logged change that names exactly what is seen to have moved.
const LOGGED: f64 = 0.8;

/// Models that answered: a new one.
fn served(scene: &Scene<'_>, view: &View<'_>) -> Vec<Candidate> {
    let values: BTreeSet<&Untrusted> = view.runs.iter().flat_map(|run| &run.surfaces.served).collect();
    let mut found = Vec::new();
    for value in values {
        let flags: Vec<bool> = view.runs.iter().map(|run| run.surfaces.served.contains(value)).collect();
        // Runs that report no model at all (they failed before) do not break the sequence.
        let Some(split) = arrival_of_known(&flags, &view.runs, |run| !run.surfaces.served.is_empty()) else { continue };
        let at = view.runs[split].start;
        let asked: BTreeSet<&Untrusted> = view.runs.iter().flat_map(|run| &run.surfaces.asked).collect();
        let change = nearest(scene, at, |change| {
            change.class == ChangeClass::Model && change.subject.as_ref().is_some_and(|subject| asked.contains(subject))
        });
        let subject = asked.iter().next().map(|alias| (*alias).clone());
        let mut candidate =
            surface(Surface::Model, subject, change, "another model answers under the same name".into(), "rollback");
        candidate.onset = Some(at);
        candidate.find(seen(
            format!("{} answers since {}, never before in {split} runs", say(value), clock(at)),
            view.runs[split],
        ));
        outcome_finding(&mut candidate, &view.at(split));
        behaviour_finding(&mut candidate, view, split, 0.35);
        logged_finding(&mut candidate, scene, at);
        found.push(candidate);
    }
    found
}

fn arrival_of_known(flags: &[bool], runs: &[&RunFacts], known: impl Fn(&RunFacts) -> bool) -> Option<usize> {
    let kept: Vec<usize> = (0..runs.len()).filter(|i| known(runs[*i])).collect();
    let dense: Vec<bool> = kept.iter().map(|i| flags[*i]).collect();
    arrival(&dense).map(|split| kept[split])
}

/// System prompts: a new one.
fn prompts(scene: &Scene<'_>, view: &View<'_>) -> Vec<Candidate> {
    let values: BTreeSet<_> = view.runs.iter().flat_map(|run| &run.surfaces.prompts).copied().collect();
    let mut found = Vec::new();
    for value in values {
        let flags: Vec<bool> = view.runs.iter().map(|run| run.surfaces.prompts.contains(&value)).collect();
        // Another value may follow later: what counts is that it was not there before and then was, for a while.
        let Some(split) = flags.iter().position(|flag| *flag).filter(|split| *split >= 1) else { continue };
        let before = view.runs[split - 1].surfaces.prompts.iter().next().copied();
        let at = view.runs[split].start;
        let (old, new) = (before.and_then(|d| scene.run_store.prompt(&d)), scene.run_store.prompt(&value));
        let names: BTreeSet<&str> = view.runs.iter().flat_map(|run| [run.agent.raw(), run.service.raw()]).collect();
        let change = nearest(scene, at, |change| {
            let text = change.after.as_ref().and_then(|side| side.text.as_ref());
            let same_text = matches!((text, new), (Some(text), Some(new)) if same_words(text.raw(), new.raw()));
            let same_name = change.subject.as_ref().is_some_and(|subject| names.contains(subject.raw()));
            change.class == ChangeClass::Prompt && (same_text || (text.is_none() && same_name))
        });
        let subject = view.runs.last().map(|run| run.agent.clone());
        let mut candidate =
            surface(Surface::Prompt, subject, change, "the system prompt says something else".into(), "rollback");
        candidate.onset = Some(at);
        let edit = match (old, new) {
            (Some(old), Some(new)) => edit(old.raw(), new.raw()),
            _ => Edit { words: 99, slip: false, example: String::new() },
        };
        candidate.find(seen(
            format!(
                "the system prompt differs since {} by {} words{}, unseen in {split} runs before",
                clock(at),
                edit.words,
                edit.example
            ),
            view.runs[split],
        ));
        if edit.slip {
            candidate.find(Finding::new(
                "inert",
                -3.5,
                "only the spelling of a word differs: that cannot change what it asks for".into(),
                Vec::new(),
            ));
        } else {
            candidate.find(Finding::new("substance", 1.0, "the words that changed carry meaning".into(), Vec::new()));
        }
        if split < LEAST_SIDE || view.runs.len() - split < LEAST_SIDE {
            candidate.find(Finding::new(
                "population",
                -2.0,
                format!("only {} runs since", view.runs.len() - split),
                Vec::new(),
            ));
        } else {
            outcome_finding(&mut candidate, &view.at(split));
            behaviour_finding(&mut candidate, view, split, 0.25);
        }
        logged_finding(&mut candidate, scene, at);
        found.push(candidate);
    }
    found
}

/// How two prompts differ.
struct Edit {
    words: usize,
    slip: bool,
    example: String,
}

fn edit(old: &str, new: &str) -> Edit {
    let diff = similar::TextDiff::from_words(old, new);
    let changed = |tag| {
        let pieces = diff.iter_all_changes().filter(move |change| change.tag() == tag);
        pieces.map(|change| change.value().trim().to_owned()).filter(|word| !word.is_empty()).collect::<Vec<_>>()
    };
    let (gone, come) = (changed(similar::ChangeTag::Delete), changed(similar::ChangeTag::Insert));
    let letters = |words: &[String]| {
        let mut letters: Vec<char> =
            words.concat().chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        letters.sort_unstable();
        letters
    };
    let one_word = gone.len() == 1 && come.len() == 1;
    let (a, b) = (letters(&gone), letters(&come));
    let near = one_word
        && a.len() >= 5
        && similar::TextDiff::from_chars(gone[0].as_str(), come[0].as_str()).ratio() >= 0.75
        && !differs_in_number(&gone[0], &come[0]);
    let slip = (gone.len() + come.len() > 0 && a == b) || near || (gone.is_empty() && come.is_empty());
    let short =
        |words: &[String]| words.iter().take(6).map(|word| say(&word.as_str().into())).collect::<Vec<_>>().join(" ");
    Edit {
        words: gone.len().max(come.len()), slip, example: format!(" (“{}” → “{}”)", short(&gone), short(&come))
    }
}

fn differs_in_number(a: &str, b: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    digits(a) != digits(b)
}

fn same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

/// Model calls the provider refused or failed.
fn provider(view: &View<'_>) -> Vec<Candidate> {
    let flags: Vec<bool> = view.runs.iter().map(|run| !run.provider_errors.is_empty()).collect();
    let hit = flags.iter().filter(|flag| **flag).count();
    let Some((split, weight)) = outcome::best_split(&flags).filter(|_| hit >= 2) else { return Vec::new() };
    if weight < 0.5 {
        return Vec::new();
    }
    let first = view.runs.iter().position(|run| !run.provider_errors.is_empty()).unwrap_or(split);
    let words = view.runs[first].provider_errors.first().cloned().unwrap_or_default();
    let name = view.runs.iter().flat_map(|run| &run.surfaces.providers).next().cloned();
    let mut candidate =
        surface(Surface::Dependency, name, None, "the model's provider refuses or fails calls".into(), "failover");
    candidate.sort = Sort::Dependency;
    candidate.onset = Some(view.runs[split].start);
    let (before, since) =
        (flags[..split].iter().filter(|f| **f).count(), flags[split..].iter().filter(|f| **f).count());
    let text = format!(
        "model calls fail in {since} of {} runs since {}, in {before} of {split} before: “{}”",
        flags.len() - split,
        clock(view.runs[split].start),
        say(&words)
    );
    candidate.find(Finding::new(
        "provider errors",
        (weight + 2.0).min(7.0),
        text,
        vec![Pointer::Trace { trace: view.runs[first].trace }],
    ));
    vec![candidate]
}

/// A judge that counts otherwise: one verdict moves, nothing else does.
fn judge(scene: &Scene<'_>, view: &View<'_>, others: &[Candidate]) -> Vec<Candidate> {
    let explained = others.iter().map(Candidate::score).fold(f64::NEG_INFINITY, f64::max);
    let mut found = Vec::new();
    for proxy in view.proxies() {
        let logged = scene.changes.iter().rev().find(|change| {
            change.class == ChangeClass::Judge && change.subject.as_ref().is_some_and(|subject| subject == proxy)
        });
        let split = logged
            .map(|change| view.runs.partition_point(|run| run.end < change.time))
            .filter(|split| view.is_inner(*split));
        let outcome = split.map_or_else(|| view.best_of(proxy), |split| view.proxy_at(proxy, split));
        if outcome.weight < 0.0 && logged.is_none() {
            continue;
        }
        let change = logged.filter(|_| split.is_some()).map(|change| change.id.clone());
        let mut candidate =
            surface(Surface::Judge, Some(proxy.clone()), change, "the judge counts otherwise".into(), "rollback");
        candidate.prior = if logged.is_some() { -1.0 } else { -2.0 };
        candidate.onset = outcome.split.map(|split| view.runs[split].start);
        outcome_finding(&mut candidate, &outcome);
        if let Some((logged, split)) = logged.zip(split) {
            let text = format!("the judge {} was changed at {}", say(proxy), clock(logged.time));
            candidate.find(Finding::new(
                "logged",
                SEEN + LOGGED,
                text,
                vec![Pointer::Change { id: logged.id.clone() }],
            ));
            let moved = behaviour::strongest(view, split);
            if moved.weight > 1.0 {
                let text = format!("the runs themselves changed: {}", moved.text);
                candidate.find(Finding::new("behaviour", -moved.weight.min(2.0), text, Vec::new()));
            }
        } else if let Some(split) = outcome.split {
            let moved = behaviour::strongest(view, split);
            let weight = if moved.weight > 1.0 { -moved.weight.min(3.0) } else { 0.5 };
            let text = if moved.weight > 1.0 {
                format!("the runs themselves changed: {}", moved.text)
            } else {
                format!("the verdict moved and the runs did not: {}", moved.text)
            };
            candidate.find(Finding::new("behaviour", weight, text, Vec::new()));
            candidate.find(stricter(view, proxy, split));
            if explained > 0.0 {
                let text = "a surface that is seen to have moved explains it".into();
                candidate.find(Finding::new("explained", -(explained + 1.5).min(4.0), text, Vec::new()));
            }
        }
        found.push(candidate);
    }
    found
}

/// A stricter judge fails what another sign also fails: runs with a bad sign passed before and do not since, while runs without it
/// pass as before.
fn stricter(view: &View<'_>, proxy: &Untrusted, split: usize) -> Finding {
    use crate::surface::stats::ln_bayes_two_proportions;
    let mut best = Finding::new("stricter rule", 0.0, String::new(), Vec::new());
    let signs = behaviour::signs(view);
    #[expect(clippy::cast_precision_loss, reason = "a count of signs")]
    let many = 0.5 * (signs.len().max(1) as f64).ln();
    for (name, sign) in &signs {
        let count = |range: std::ops::Range<usize>, with: bool| {
            let own: Vec<usize> = range.filter(|i| sign[*i] == with).collect();
            let passed = own.iter().filter(|i| view.runs[**i].passed(proxy.raw()) == Some(true)).count() as u64;
            (passed, own.len() as u64)
        };
        let n = view.runs.len();
        let ((k1, n1), (k2, n2)) = (count(0..split, true), count(split..n, true));
        let ((j1, m1), (j2, m2)) = (count(0..split, false), count(split..n, false));
        let weight =
            ln_bayes_two_proportions(k1, n1, k2, n2) - ln_bayes_two_proportions(j1, m1, j2, m2).max(0.0) - many;
        if k2 == 0 && n2 >= 4 && m2 >= 4 && k1 >= 2 && weight > best.weight {
            let text = format!(
                "runs with {name} passed {k1} of {n1} times before and {k2} of {n2} since; the others {j1} of {m1} and {j2} of {m2}"
            );
            best = Finding::new("stricter rule", weight.min(2.5), text, Vec::new());
        }
    }
    best
}

/// Another mix of traffic: the slices moved, and within slices the outcome did not.
fn traffic(scene: &Scene<'_>, view: &View<'_>) -> Vec<Candidate> {
    let Some(mix) = view.best_mix() else { return Vec::new() };
    // Each at the moment that suits it best: what remains within slices at any moment is not explained by the mix.
    let (crude, within) = (view.most(|split| view.crude_at(split)), view.most(|split| view.at(split)));
    if mix.weight < 0.5 {
        return Vec::new();
    }
    let at = view.runs[mix.split].start;
    let change = nearest(scene, at, |change| change.class == ChangeClass::Routing);
    let mut candidate = surface(Surface::Traffic, None, change, "another mix of requests arrives".into(), "route");
    candidate.sort = Sort::Traffic;
    candidate.prior = -1.2;
    candidate.find(Finding::new(
        "traffic mix",
        (mix.weight - 0.5).clamp(0.0, 4.0),
        mix.text.clone(),
        vec![Pointer::Trace { trace: view.runs[mix.split].trace }],
    ));
    // An effect that is sure within slices is not explained by their mix, whatever the mix did.
    let remains = 1.2 * (within.weight - 1.5).max(0.0);
    let explained = crude.weight - within.weight.max(-0.5) - 0.3 - remains;
    let text = format!("over all runs: {}; within slices: {}", crude.text, within.text);
    candidate.find(Finding::new("standardised", explained.clamp(-3.0, 3.0), text, Vec::new()));
    candidate.onset = Some(at);
    vec![candidate]
}

/// Nothing in view moved, and the runs did: a model that is not reported, or a prompt that is not captured.
fn silent(view: &View<'_>, others: &[Candidate]) -> Vec<Candidate> {
    let outcome = view.worst_anywhere();
    let behaviour = behaviour::strongest_anywhere(view);
    let explained = others
        .iter()
        .filter(|other| {
            matches!(
                other.cause.surface,
                Surface::Model | Surface::Prompt | Surface::Tool | Surface::Dependency | Surface::Traffic
            )
        })
        .map(Candidate::score)
        .fold(f64::NEG_INFINITY, f64::max);
    // Where the runs report only the alias they asked for, another model could have answered without leaving a trace.
    let masked = view.runs.iter().all(|run| run.surfaces.served.is_subset(&run.surfaces.asked));
    let unseen = outcome.split.filter(|_| masked && outcome.weight > -0.5);
    let Some(split) = behaviour.split.filter(|_| behaviour.weight > 0.5).or(unseen) else { return Vec::new() };
    let alias = view.runs.iter().flat_map(|run| &run.surfaces.asked).next().cloned();
    let captured = view.runs.iter().any(|run| !run.surfaces.prompts.is_empty());
    let mechanism =
        "the runs behave otherwise and no captured surface moved: a model swapped in silence is the likeliest";
    let mut candidate = surface(Surface::Model, alias, None, mechanism.into(), "pin");
    candidate.prior = -1.6;
    candidate.onset = Some(view.runs[split].start);
    candidate.find(Finding::new(
        "behaviour",
        behaviour.weight.min(5.0),
        behaviour.text,
        vec![Pointer::Trace { trace: view.runs[split].trace }],
    ));
    let at_split = view.at(split);
    outcome_finding(&mut candidate, if at_split.weight > outcome.weight { &at_split } else { &outcome });
    if explained > 0.0 {
        candidate.find(Finding::new(
            "explained",
            -(explained + 1.0).min(4.0),
            "a surface that did move explains it".into(),
            Vec::new(),
        ));
    }
    if masked {
        let text = "the runs do not report which model answered, only the name they asked for";
        candidate.find(Finding::new("captured", 0.8, text.into(), Vec::new()));
    }
    if captured {
        candidate.find(Finding::new(
            "captured",
            0.4,
            "the system prompt is captured and does not account for it".into(),
            Vec::new(),
        ));
    }
    vec![candidate]
}

fn surface(
    surface: Surface,
    subject: Option<Untrusted>,
    change: Option<Untrusted>,
    mechanism: Untrusted,
    remedy: &'static str,
) -> Candidate {
    Candidate {
        cause: Cause { surface, subject, change },
        sort: Sort::AiSurface,
        mechanism,
        prior: -1.2,
        findings: Vec::new(),
        remedy: Some(remedy),
        onset: None,
    }
}

fn seen(text: String, run: &RunFacts) -> Finding {
    Finding::new("surface", SEEN, text, vec![Pointer::Trace { trace: run.trace }])
}

fn outcome_finding(candidate: &mut Candidate, outcome: &Outcome) {
    candidate.find(Finding::new("population", outcome.weight.clamp(-2.5, 5.0), outcome.text.clone(), Vec::new()));
}

fn behaviour_finding(candidate: &mut Candidate, view: &View<'_>, split: usize, share: f64) {
    let moved = behaviour::strongest(view, split);
    if moved.weight > 0.5 {
        candidate.find(Finding::new("behaviour", (moved.weight * share).min(1.5), moved.text, Vec::new()));
    }
}

fn logged_finding(candidate: &mut Candidate, scene: &Scene<'_>, at: Time) {
    if let Some(change) =
        candidate.cause.change.as_ref().and_then(|id| scene.changes.iter().find(|change| change.id == *id))
    {
        let seconds = at.duration_since(change.time).as_secs();
        let text = format!("a change of exactly that was logged {seconds} s before the first run that shows it");
        candidate.find(Finding::new("logged", LOGGED, text, vec![Pointer::Change { id: change.id.clone() }]));
    }
}

/// The change of that kind nearest to the moment, within ten minutes before and two after.
fn nearest(scene: &Scene<'_>, at: Time, is: impl Fn(&Change) -> bool) -> Option<Untrusted> {
    let near = |change: &&&Change| (-120..=600).contains(&at.duration_since(change.time).as_secs());
    let all = scene.changes.iter().filter(|change| is(change)).filter(near);
    all.min_by_key(|change| (at.duration_since(change.time).as_secs().abs(), change.id.clone()))
        .map(|change| change.id.clone())
}

fn say(text: &Untrusted) -> String {
    text.show(Policy::Prose).as_str().to_owned()
}

fn clock(at: Time) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// Counts by value.
fn tally<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, u64> {
    values.fold(BTreeMap::new(), |mut counts, value| {
        *counts.entry(value).or_default() += 1;
        counts
    })
}
