//! Another model: one that answers under the same name, or one that nobody reports.

use std::collections::BTreeSet;

use crate::event::{ChangeClass, Pointer, Surface, Untrusted};
use crate::surface::RunFacts;

use super::super::super::candidate::{Candidate, Finding};
use super::super::super::scene::Scene;
use super::behaviour;
use super::lead::{arrival, behaviour_finding, logged_finding, nearest, outcome_finding, seen, surface};
use super::outcome::{View, clock, say};

/// Models that answered: a new one.
pub(super) fn served(scene: &Scene<'_>, view: &View<'_>) -> Vec<Candidate> {
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

/// Nothing in view moved, and the runs did: a model that is not reported, or a prompt that is not captured.
pub(super) fn silent(view: &View<'_>, others: &[Candidate]) -> Vec<Candidate> {
    let outcome = view.worst_anywhere();
    let behaviour = behaviour::strongest_anywhere(view);
    let explained = others
        .iter()
        .filter(|other| {
            matches!(
                other.cause.surface,
                Surface::Model
                    | Surface::Prompt
                    | Surface::Retrieval
                    | Surface::Tool
                    | Surface::Dependency
                    | Surface::Traffic
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
