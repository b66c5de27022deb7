//! What people said of outputs, and an experiment with recorded runs.

use ratatui::text::Line;

use super::heading;
use crate::console::details::Want;
use crate::console::pane::Cx;
use crate::console::sheet::{Content, Sheet};
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::console::{proof, safe};

/// What people said of outputs of the incident on the screen.
#[derive(Debug)]
pub(in crate::console::panes) struct ReadingSheet;

impl Sheet for ReadingSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::lit("What was read", cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        None
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        let Some(reading) = cx.incident.and_then(|incident| incident.reading.as_ref()) else {
            return Content::default();
        };
        let mut lines = proof::reading(cx, reading, width);
        if !reading.differ.is_empty() {
            lines.extend(heading(cx, "Outputs on which people differ"));
            for trace in &reading.differ {
                let said = reading.drawn.iter().find(|one| one.trace == *trace);
                let mut spans = vec![safe::made(format!("  {trace}"), cx.of(Role::Muted))];
                for (by, label) in said.map(|one| one.said.as_slice()).unwrap_or_default() {
                    spans.push(safe::lit("  ", cx.of(Role::Muted)));
                    spans.extend(words::prose(cx, by, 24, cx.of(Role::Text)));
                    let word = match label {
                        crate::event::OutputLabel::Good => " good",
                        crate::event::OutputLabel::Bad => " bad",
                        crate::event::OutputLabel::Unsure => " unsure",
                        crate::event::OutputLabel::Skip => " nothing",
                    };
                    spans.push(safe::lit(word, cx.of(Role::Muted)));
                }
                lines.extend(words::wrap(spans, usize::from(width), 4));
            }
        }
        Content { lines, ..Content::default() }
    }

    fn opened(&self) -> String {
        "reading".to_owned()
    }
}

/// One experiment of the incident on the screen.
#[derive(Debug)]
pub(in crate::console::panes) struct ReplaySheet(pub u64);

impl Sheet for ReplaySheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::lit("Recorded runs, run again", cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        None
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        let found = cx.incident.and_then(|incident| incident.replays.iter().find(|one| one.replay == self.0));
        let lines = match found {
            Some(one) => proof::replay(cx, one, width),
            None => {
                let gone = "It is not in the picture any more; its entries are in the journal.";
                words::wrapped(gone, usize::from(width), cx.of(Role::Muted))
            }
        };
        Content { lines, ..Content::default() }
    }

    fn opened(&self) -> String {
        "replay".to_owned()
    }
}
