//! Changes of the runs' own surfaces that were logged, and that the runs carry nothing of: nobody can see whether they took hold.

use std::collections::BTreeSet;

use crate::event::{Change, ChangeClass, Pointer, Surface, Untrusted};

use super::super::super::candidate::Finding;
use super::super::super::scene::Scene;
use super::lead::{LOGGED, Lead, SEEN, surface};
use super::outcome::{View, clock, say};

/// Logged changes of model and prompt that no run can show.
pub(super) fn look(scene: &Scene<'_>, view: &View<'_>, seen: &[Lead]) -> Vec<Lead> {
    let asked: BTreeSet<&Untrusted> = view.runs.iter().flat_map(|run| &run.surfaces.asked).collect();
    let names: BTreeSet<&Untrusted> = view.runs.iter().flat_map(|run| [&run.agent, &run.service]).collect();
    // Where the runs report only the alias they asked for, another model could have answered without leaving a trace.
    let masked = view.runs.iter().all(|run| run.surfaces.served.is_subset(&run.surfaces.asked));
    let silent = view.runs.iter().all(|run| run.surfaces.prompts.is_empty() && run.surfaces.prompt_versions.is_empty());
    let is_own = |change: &Change| match change.class {
        ChangeClass::Model => masked && change.subject.as_ref().is_some_and(|name| asked.contains(name)),
        ChangeClass::Prompt => silent && change.subject.as_ref().is_some_and(|name| names.contains(name)),
        _ => false,
    };
    let cited: BTreeSet<&Untrusted> = seen.iter().filter_map(|lead| lead.candidate.cause.change.as_ref()).collect();
    let mut found = Vec::new();
    for change in scene.changes.iter().filter(|change| is_own(change) && !cited.contains(&change.id)) {
        // Without a time there is no moment at which to look.
        if change.untimed {
            continue;
        }
        let split = view.runs.partition_point(|run| run.start < change.time);
        if !view.is_inner(split) {
            continue;
        }
        let (of, what) = if change.class == ChangeClass::Model {
            (Surface::Model, "the runs report only the name of the model they asked for")
        } else {
            (Surface::Prompt, "the runs do not carry the system prompt")
        };
        let text =
            format!("changed at {} by the log; {what}, so whether it took hold cannot be seen", clock(change.time));
        let sight = Finding::new("logged", SEEN + LOGGED, text, vec![Pointer::Change { id: change.id.clone() }]);
        let mechanism = format!("{} changed, as logged", say(change.subject.as_ref().unwrap_or(&change.id)));
        let candidate =
            surface(of, change.subject.clone(), Some(change.id.clone()), mechanism.into(), "rollback", sight);
        let lead = Lead::new(view, candidate, split, None, |run| &run.surfaces.served);
        found.push(lead);
    }
    found
}
