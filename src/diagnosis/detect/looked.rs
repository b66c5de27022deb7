//! What reading steps of runbooks found, as far as their authors said beforehand what a result means.
//!
//! No word of an output is read here: the author's rule that applied says for or against what, and nothing becomes a cause by it
//! that was none before.

use crate::event::{Direction, IncidentId, Pointer, Policy, Surface, Untrusted};

use super::super::candidate::{Candidate, Finding};
use super::super::scene::{Reading, Says, Scene};

/// How much likelier a result for a component or a change is where it is the cause: three times, in nats. Set by hand, as the
/// three below are: no record of steps and causes is there to fit them on.
const FOR_NAMED: f64 = 1.1;
/// The same where only surfaces are named, of which others may be the cause.
const FOR_SURFACE: f64 = 0.7;
/// Against what is named: twice as likely elsewhere. A look that finds nothing may have looked in the wrong place.
const AGAINST_NAMED: f64 = 0.7;
/// Against surfaces as a whole.
const AGAINST_SURFACE: f64 = 0.35;
/// What one step saw the next one often sees again: each further one that points the same way counts half as much as the one
/// before, so that all of them together never weigh twice as much as the strongest.
const AGAIN: f64 = 0.5;
/// So many steps that could not look are named.
const NAMED: usize = 5;

/// Adds what the steps that were run for `incident` found to the candidates it is about.
pub(in super::super) fn look(incident: IncidentId, scene: &Scene<'_>, candidates: &mut [Candidate]) {
    for candidate in candidates {
        let mut found: Vec<(f64, &Reading, &Says)> = of(incident, scene)
            .filter_map(|reading| Some((reading, reading.says.as_ref()?)))
            .filter(|(_, says)| is_about(says, candidate))
            .map(|(reading, says)| (weight(says), reading, says))
            .collect();
        found.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()).then(a.1.seq.cmp(&b.1.seq)));
        let mut shrunk = [1.0, 1.0];
        for (weight, reading, says) in found {
            let shrunk = &mut shrunk[usize::from(weight < 0.0)];
            let text = text(reading, says);
            candidate.find(Finding::new("step", weight * *shrunk, text, vec![Pointer::Entry { seq: reading.seq }]));
            *shrunk *= AGAIN;
        }
    }
}

/// The steps that could not look, and why.
pub(in super::super) fn not_checked(incident: IncidentId, scene: &Scene<'_>) -> Option<Untrusted> {
    let failed: Vec<String> = of(incident, scene)
        .filter_map(|reading| {
            let why = reading.failed.as_ref()?;
            Some(format!("{} of {} ({})", say(&reading.step), say(&reading.runbook), say(why)))
        })
        .collect();
    let more = if failed.len() > NAMED { format!(" and {} more", failed.len() - NAMED) } else { String::new() };
    let named = failed.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    (!failed.is_empty()).then(|| format!("steps of runbooks that could not look: {named}{more}").into())
}

fn of<'s>(incident: IncidentId, scene: &'s Scene<'_>) -> impl Iterator<Item = &'s Reading> {
    scene.readings.iter().copied().filter(move |reading| reading.incident == incident)
}

fn is_about(says: &Says, candidate: &Candidate) -> bool {
    let cause = &candidate.cause;
    if let Some(change) = &says.change {
        return cause.change.as_ref() == Some(change);
    }
    says.about.contains(&cause.surface)
        && says.component.as_ref().is_none_or(|component| cause.subject.as_ref() == Some(component))
}

fn weight(says: &Says) -> f64 {
    let named = says.component.is_some() || says.change.is_some();
    match (says.direction, named) {
        (Direction::For, true) => FOR_NAMED,
        (Direction::For, false) => FOR_SURFACE,
        (Direction::Against, true) => -AGAINST_NAMED,
        (Direction::Against, false) => -AGAINST_SURFACE,
    }
}

fn text(reading: &Reading, says: &Says) -> String {
    let when = says.rule.raw().rsplit_once(':').map_or(says.rule.raw(), |(when, _)| when);
    let when = if when == "else" { "none of what it would show".to_owned() } else { say(&when.into()) };
    let which = match says.direction {
        Direction::For => "for",
        Direction::Against => "against",
    };
    let surfaces: Vec<&str> = says.about.iter().copied().map(Surface::name).collect();
    let about = match (&says.change, &says.component) {
        (Some(change), _) => format!("the change {}", say(change)),
        (None, Some(component)) => format!("{} of {}", surfaces.join(", "), say(component)),
        (None, None) => surfaces.join(", "),
    };
    format!(
        "looked: {} of {} found {when}, which by its author speaks {which} {about}",
        say(&reading.step),
        say(&reading.runbook)
    )
}

fn say(text: &Untrusted) -> String {
    text.show_prefix(Policy::Prose, 120).as_str().to_owned()
}
