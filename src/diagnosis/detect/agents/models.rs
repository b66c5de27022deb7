//! Another model: one that answers under the same name, or one that nobody reports.

use std::collections::BTreeSet;

use crate::event::{ChangeClass, Pointer, Surface, Untrusted};
use crate::surface::RunFacts;

use super::super::super::candidate::{Candidate, Finding};
use super::super::super::scene::Scene;
use super::behaviour;
use super::lead::{Lead, arrival, behaviour_finding, logged_finding, nearest, seen, surface};
use super::outcome::{View, clock, say};

/// That the runs could not show another model is no sign of one; it only leaves room.
const MASKED: f64 = 0.8;

/// Models that answered: a new one.
pub(super) fn served(scene: &Scene<'_>, view: &View<'_>) -> Vec<Lead> {
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
        let sight =
            seen(format!("{} answers since {}, never before in {split} runs", say(value), clock(at)), view.runs[split]);
        let mechanism = "another model answers under the same name".into();
        let candidate = surface(Surface::Model, subject, change, mechanism, "rollback", sight);
        let mut lead = Lead::new(view, candidate, split, Some("served model".into()), |run| &run.surfaces.served);
        logged_finding(&mut lead.candidate, scene, at);
        found.push(lead);
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
    let outcome = view.worst_of_each();
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
    let unseen = outcome.split.filter(|_| masked && outcome.weight > 0.0);
    // Nobody is accused without a sign: the runs behave otherwise, or they fail and nothing could show which model it was.
    let Some(split) = behaviour.split.filter(|_| behaviour.weight > 0.5).or(unseen) else { return Vec::new() };
    let alias = view.runs.iter().flat_map(|run| &run.surfaces.asked).next().cloned();
    let mechanism =
        "the runs behave otherwise and no captured surface moved: a model swapped in silence is the likeliest";
    let look_at = vec![Pointer::Trace { trace: view.runs[split].trace }];
    let sight = Finding::new("population", outcome.weight.clamp(-2.5, 5.0), outcome.text.clone(), look_at);
    let mut candidate = surface(Surface::Model, alias, None, mechanism.into(), "pin", sight);
    candidate.prior = -1.6;
    candidate.onset = Some(view.runs[split].start);
    behaviour_finding(&mut candidate, &outcome, &behaviour);
    if explained > 0.0 {
        candidate.find(Finding::new(
            "explained",
            -(explained + 1.0).min(4.0),
            "a surface that did move explains it".into(),
            Vec::new(),
        ));
    }
    let (weight, text) = if masked {
        (MASKED, "the runs do not report which model answered, only the name they asked for")
    } else {
        (-1.0, "the runs report which model answered, and none is new")
    };
    candidate.find(Finding::new("captured", weight, text.into(), Vec::new()));
    if masked && view.runs.iter().any(|run| !run.surfaces.prompts.is_empty()) {
        let text = "the system prompt is captured and does not account for it";
        candidate.find(Finding::new("captured", 0.4, text.into(), Vec::new()));
    }
    vec![candidate]
}
