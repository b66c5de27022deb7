//! The picture as readable lines, for terminals that cannot do better, for pipes and for screen readers.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::draw::{lasting, word};
use super::outcome;
use super::sure;
use crate::engine::View;
use crate::engine::view::{ActionState, IncidentState, IncidentView, Novelty};
use crate::event::{Policy, Untrusted};

/// So many lines of a list are printed; the rest is counted.
const MOST: usize = 20;

fn prose(text: &Untrusted) -> String {
    super::safe::clean(text.raw(), Policy::Prose)
}

/// The picture in lines, without any control sequence.
#[must_use]
pub fn lines(view: &View, zone: &TimeZone) -> Vec<String> {
    let clock = |time: crate::event::Time| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
    let mut out = Vec::new();
    if let Some(label) = &view.label {
        out.push(prose(label));
    }
    match view.as_of {
        Some(at) => out.push(format!("As of {}, {} entries.", clock(at), view.head)),
        None => out.push("Nothing has arrived yet.".to_owned()),
    }
    for trouble in &view.troubles {
        out.push(format!("TROUBLE: {}", prose(&trouble.text)));
    }
    if view.incidents.items.is_empty() {
        out.push("No incident.".to_owned());
    }
    for incident in &view.incidents.items {
        out.push(String::new());
        one(incident, view, zone, &mut out);
    }
    if view.incidents.hidden > 0 {
        out.push(format!("{} more incidents are not shown.", view.incidents.hidden));
    }
    out
}

fn one(incident: &IncidentView, view: &View, zone: &TimeZone, out: &mut Vec<String>) {
    let clock = |time: crate::event::Time| time.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
    let state = match incident.state {
        IncidentState::Open => "open".to_owned(),
        IncidentState::Quiet => "quiet".to_owned(),
        IncidentState::Resolved(at) => format!("resolved at {}", clock(at)),
        IncidentState::MergedInto(other) => format!("part of {other}"),
    };
    let owner = incident.owner.as_ref().map_or("UNOWNED".to_owned(), |owner| format!("owner {}", prose(&owner.login)));
    let level = incident.rated.as_ref().map_or_else(|| word(incident.severity).to_owned(), |rated| prose(&rated.name));
    out.push(format!("{} {level} {state}, {owner}: {}", incident.id, prose(&incident.headline)));
    let age = view.as_of.map_or(String::new(), |at| format!(", {} ago", lasting(incident.began, at)));
    out.push(format!("  began {}{age}; {} alerts, {} firing", clock(incident.began), incident.alerts, incident.firing));
    for group in incident.groups.items.iter().take(MOST) {
        out.push(format!(
            "  alert {} {} {}: {} of {} firing; here because: {}",
            word(group.severity),
            prose(&group.service),
            prose(&group.name),
            group.firing,
            group.alerts,
            prose(&group.why.text)
        ));
    }
    if !incident.way.hops.is_empty() {
        let hops: Vec<String> = incident.way.hops.iter().map(|hop| prose(&hop.service)).collect();
        out.push(format!("  way: {}", hops.join(" > ")));
    }
    if let Some(similar) = &incident.similar {
        let near: Vec<String> = similar.found.iter().map(|past| past.incident.to_string()).collect();
        out.push(match similar.novelty {
            Novelty::TooFew => format!("  past incidents: {}, too few to tell likeness from chance", similar.past),
            Novelty::New => format!("  nothing like this in {} past incidents", similar.past),
            Novelty::Known => format!("  like it among {} past incidents: {}", similar.past, near.join(", ")),
        });
    }
    for change in incident.changes.items.iter().take(MOST) {
        out.push(format!(
            "  change {} {} {} by {}: {}",
            clock(change.at),
            change.surface.name(),
            prose(&change.subject),
            prose(&change.actor),
            prose(&change.summary)
        ));
    }
    if let Some(outcome) = &incident.around.outcome {
        out.push(format!("  {}", outcome::headline(outcome, "to")));
        out.extend(
            outcome
                .moved
                .iter()
                .take(MOST)
                .map(|moved| format!("  moved: {}", prose(&outcome::verdict(outcome, moved)))),
        );
    }
    for drifted in incident.around.drift.iter().filter(|one| outcome::surely(one)).take(MOST) {
        out.push(format!("  drifted: {}", prose(&outcome::drifted(drifted, "to"))));
    }
    if let Some(shown) = &incident.diagnosis {
        for (nth, hypothesis) in shown.diagnosis.hypotheses.iter().enumerate() {
            let mut line = format!("  hypothesis {}: {}", nth + 1, prose(&hypothesis.mechanism));
            match sure::sure(hypothesis.confidence, shown.diagnosis.calibration.as_ref()) {
                Some(sure) => {
                    let _ = write!(line, " ({sure})");
                }
                None => line.push_str(" (no record yet says how far to trust it)"),
            }
            out.push(line);
            if let Some(falsifier) = hypothesis.falsifiers().first() {
                out.push(format!("    disproved if: {}", prose(&falsifier.0)));
            }
        }
    }
    for action in &incident.actions {
        let state = match &action.state {
            ActionState::Proposed => "waits for an answer",
            ActionState::Denied { .. } => "refused",
            ActionState::Approved { .. } => "approved, not started",
            ActionState::Started { .. } => "started, outcome not known",
            ActionState::Finished { .. } => "finished",
        };
        out.push(format!("  plan {} tier {} {state}: {}", action.id, action.plan.tier.0, prose(&action.plan.title)));
    }
}
