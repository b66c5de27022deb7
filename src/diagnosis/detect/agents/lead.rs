//! What every lead on a surface is made of: that it was seen to move, what became of the runs, and the change that was logged.

use crate::event::{Cause, Change, Pointer, Surface, Time, Untrusted};
use crate::surface::RunFacts;

use super::super::super::candidate::{Candidate, Finding, Sort};
use super::super::super::scene::Scene;
use super::behaviour;
use super::outcome::{LEAST_SIDE, Outcome, View};

/// Weight of a surface that is seen to have moved at all.
pub(super) const SEEN: f64 = 1.2;
/// Weight of a logged change that names exactly what is seen to have moved.
pub(super) const LOGGED: f64 = 0.8;

/// A value that appears at one moment and stays: where the best split of a yes/no sequence lies.
pub(super) fn arrival(flags: &[bool]) -> Option<usize> {
    let split = flags.iter().position(|flag| *flag)?;
    let before = split;
    let since = flags.len() - split;
    let share = |flags: &[bool]| flags.iter().filter(|flag| **flag).count() * 10 >= flags.len() * 8;
    (before >= LEAST_SIDE && since >= LEAST_SIDE && share(&flags[split..])).then_some(split)
}

pub(super) fn surface(
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

pub(super) fn seen(text: String, run: &RunFacts) -> Finding {
    Finding::new("surface", SEEN, text, vec![Pointer::Trace { trace: run.trace }])
}

pub(super) fn outcome_finding(candidate: &mut Candidate, outcome: &Outcome) {
    candidate.find(Finding::new("population", outcome.weight.clamp(-2.5, 5.0), outcome.text.clone(), Vec::new()));
}

pub(super) fn behaviour_finding(candidate: &mut Candidate, view: &View<'_>, split: usize, share: f64) {
    let moved = behaviour::strongest(view, split);
    if moved.weight > 0.5 {
        candidate.find(Finding::new("behaviour", (moved.weight * share).min(1.5), moved.text, Vec::new()));
    }
}

pub(super) fn logged_finding(candidate: &mut Candidate, scene: &Scene<'_>, at: Time) {
    if let Some(change) =
        candidate.cause.change.as_ref().and_then(|id| scene.changes.iter().find(|change| change.id == *id))
    {
        let seconds = at.duration_since(change.time).as_secs();
        let text = format!("a change of exactly that was logged {seconds} s before the first run that shows it");
        candidate.find(Finding::new("logged", LOGGED, text, vec![Pointer::Change { id: change.id.clone() }]));
    }
}

/// The change of that kind nearest to the moment, within ten minutes before and two after.
pub(super) fn nearest(scene: &Scene<'_>, at: Time, is: impl Fn(&Change) -> bool) -> Option<Untrusted> {
    let near = |change: &&&Change| (-120..=600).contains(&at.duration_since(change.time).as_secs());
    let all = scene.changes.iter().filter(|change| is(change)).filter(near);
    all.min_by_key(|change| (at.duration_since(change.time).as_secs().abs(), change.id.clone()))
        .map(|change| change.id.clone())
}
