//! The panes and the sheets of opened things, one file each.

use super::pane::Pane;
use super::sheet::{EntrySheet, Sheet};
use crate::engine::view::Opens;
use crate::event::Seq;

mod incidents;

/// Every pane there is, in any order.
#[must_use]
pub fn all() -> Vec<Box<dyn Pane>> {
    vec![Box::new(incidents::Incidents::default())]
}

/// The sheet of an opened thing.
#[must_use]
pub fn sheet(opens: &Opens) -> Box<dyn Sheet> {
    match opens {
        Opens::Diagnosis { seq } | Opens::Entry { seq } => Box::new(EntrySheet(*seq)),
        Opens::Alert { .. } | Opens::Change { .. } | Opens::Run { .. } | Opens::Plan { .. } => {
            Box::new(EntrySheet(Seq::default()))
        }
    }
}
