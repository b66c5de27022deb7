//! Opened things: an incident at first sight, an alert, a change with its diff, a run, a step, a plan, a diagnosis, which variable moved, how behaviour
//! drifted, what runs are made of, how they ended. One file each.

mod alert;
mod change;
mod choice;
mod diagnosis;
mod diff;
mod drift;
mod first;
mod moved;
mod plan;
mod pretty;
mod proof;
mod run;
mod step;
mod stops;
mod surfaces;

pub(super) use alert::AlertSheet;
pub(super) use change::ChangeSheet;
pub(super) use diagnosis::DiagnosisSheet;
pub(super) use drift::DriftSheet;
pub(super) use first::FirstSheet;
pub(super) use moved::MovedSheet;
pub(super) use plan::PlanSheet;
pub(super) use proof::{ReadingSheet, ReplaySheet};
pub(super) use run::RunSheet;
pub(super) use step::StepSheet;
pub(super) use stops::{StoppedRuns, StopsSheet};
pub(super) use surfaces::SurfacesSheet;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::event::{Policy, Untrusted};

/// `name  text`, the text whole and wrapped beside the name.
fn field(
    cx: &Cx<'_>,
    name: &'static str,
    text: &Untrusted,
    policy: Policy,
    columns: usize,
    style: Style,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (nth, line) in text.lines().enumerate() {
        let head = if nth == 0 { name } else { "" };
        lines.extend(beside(cx, head, words::whole(cx, line, policy, style), columns));
    }
    if lines.is_empty() {
        lines = beside(cx, name, vec![safe::lit("(empty)", cx.of(Role::Muted))], columns);
    }
    lines
}

/// Columns of a field's name.
const NAME: usize = 14;

/// A name on the left, spans wrapped beside it.
fn beside(cx: &Cx<'_>, name: &'static str, spans: Vec<Span<'static>>, columns: usize) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let room = columns.saturating_sub(NAME).max(8);
    words::wrap(spans, room, 0)
        .into_iter()
        .enumerate()
        .map(|(nth, line)| {
            let head = if nth == 0 { name } else { "" };
            let mut spans = vec![safe::made(format!("{head:<NAME$}"), muted)];
            spans.extend(line.spans);
            Line::from(spans)
        })
        .collect()
}

/// A heading with an empty line above it.
fn heading(cx: &Cx<'_>, text: &'static str) -> [Line<'static>; 2] {
    [Line::default(), Line::from(safe::lit(text, cx.of(Role::Title)))]
}

/// A title: what kind of thing, then its name.
fn title(cx: &Cx<'_>, kind: &'static str, name: &Untrusted) -> Line<'static> {
    let style = cx.of(Role::DialogTitle);
    let mut spans = vec![safe::lit(kind, style), safe::lit(" ", style)];
    spans.extend(words::prose(cx, name, 80, style));
    Line::from(spans)
}
