//! The panes and the sheets of opened things, one file each.

use super::pane::Pane;
use super::sheet::{EntrySheet, Sheet};
use crate::engine::view::Opens;

mod accuracy;
mod actions;
mod alerts;
mod changes;
mod filter;
mod hypotheses;
mod incidents;
mod notes;
mod page;
mod runs;
mod say;
mod sheets;
mod sources;
mod strip;
#[cfg(test)]
mod tests;
mod timeline;

/// Every pane there is, in any order.
#[must_use]
pub fn all() -> Vec<Box<dyn Pane>> {
    vec![
        Box::new(incidents::Incidents::default()),
        Box::new(alerts::Alerts::default()),
        Box::new(timeline::Timeline::default()),
        Box::new(hypotheses::Hypotheses::default()),
        Box::new(changes::Changes::default()),
        Box::new(runs::Runs::default()),
        Box::new(actions::Actions::default()),
        Box::new(notes::Notes::default()),
        Box::new(accuracy::Accuracy::default()),
        Box::new(sources::Sources::default()),
    ]
}

/// The sheet of an opened thing.
#[must_use]
pub fn sheet(opens: &Opens) -> Box<dyn Sheet> {
    match opens {
        Opens::Alert { fingerprint } => Box::new(sheets::AlertSheet(fingerprint.clone())),
        Opens::Change { id } => Box::new(sheets::ChangeSheet::new(id.clone())),
        Opens::Run { trace } => Box::new(sheets::RunSheet::new(*trace)),
        Opens::Step { trace, span, beside } => Box::new(sheets::StepSheet::new(*trace, *span, *beside)),
        Opens::Surfaces { sides } => Box::new(sheets::SurfacesSheet::new(sides.raw())),
        Opens::Stops { with } => Box::new(sheets::StopsSheet::new(with.raw())),
        Opens::StoppedRuns { stop, with } => Box::new(sheets::StoppedRuns::new(*stop, with.clone())),
        Opens::Plan { plan } => Box::new(sheets::PlanSheet(*plan)),
        Opens::Diagnosis { seq } => Box::new(sheets::DiagnosisSheet(*seq)),
        Opens::Incident { incident } => Box::new(sheets::FirstSheet(*incident)),
        Opens::Moved => Box::new(sheets::MovedSheet),
        Opens::Drift => Box::new(sheets::DriftSheet),
        Opens::Replay { replay } => Box::new(sheets::ReplaySheet(*replay)),
        Opens::Reading => Box::new(sheets::ReadingSheet),
        Opens::Entry { seq } => Box::new(EntrySheet(*seq)),
    }
}
