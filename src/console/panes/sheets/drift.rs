//! How behaviour drifted: every signal that the runs carry, before and since the onset.

use ratatui::text::Line;

use crate::console::details::Want;
use crate::console::outcome;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::sheet::{Content, Sheet};
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{meter, words};
use crate::engine::view::{Around, Drifted};
use crate::event::Policy;

/// The drift of the incident on the screen.
#[derive(Debug)]
pub(in crate::console::panes) struct DriftSheet;

/// Columns of a signal's course.
const COURSE: usize = 24;

fn signal(cx: &Cx<'_>, one: &Drifted, width: u16) -> Vec<Line<'static>> {
    let columns = usize::from(width);
    let (sign, role) = match &one.drift {
        Some(_) if outcome::surely(one) => (cx.glyphs.differs, Role::Changed),
        Some(_) => (cx.glyphs.same, Role::Same),
        None => (cx.glyphs.missing, Role::NotCaptured),
    };
    let style = cx.of(role);
    let mut spans = vec![safe::lit(sign, style), safe::lit(" ", style)];
    let said = outcome::drifted(one, cx.glyphs.arrow);
    spans.extend(words::whole(cx, &said, Policy::Prose, style));
    let mut lines = words::wrap(spans, columns, 2);
    if let Some(drift) = &one.drift {
        let row = Row::new(cx, width)
            .lit("  ", style)
            .spans(vec![meter::spark(cx, &drift.course, COURSE, cx.of(Role::Chart))])
            .lit("  ", style)
            .spans(meter::bar(cx, drift.how_far(), 10, cx.of(Role::Share)))
            .lit(" how far", cx.of(Role::Muted));
        lines.push(row.line());
    }
    lines
}

fn lay_out(cx: &Cx<'_>, around: &Around, width: u16) -> Content {
    let columns = usize::from(width);
    let muted = cx.of(Role::Muted);
    let mut content = Content::default();
    let lines = &mut content.lines;
    let Some(moment) = around.moment else {
        let none = "No runs around an onset are known yet: signals are compared before and since it.";
        lines.extend(words::wrapped(none, columns, muted));
        return content;
    };
    let moved = around.drift.iter().filter(|one| outcome::surely(one)).count();
    let said = format!(
        "{moved} of {} signals moved at {}, after correction for all of them.",
        around.drift.len(),
        cx.clock(moment)
    );
    lines.extend(words::wrapped(&said, columns, cx.of(Role::Text)));
    lines.push(Line::default());
    for one in &around.drift {
        if outcome::surely(one) {
            content.places.push(lines.len());
        }
        lines.extend(signal(cx, one, width));
    }
    lines.push(Line::default());
    let how = "One value a run, so that calls of one run count once; the runs nearest to the moment. The line is the course \
               from the first of them to the last. q is the chance of such a move without one, corrected.";
    lines.extend(words::wrapped(how, columns, muted));
    content
}

impl Sheet for DriftSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::lit("How behaviour drifted", cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        None
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        cx.incident.map_or_else(Content::default, |incident| lay_out(cx, &incident.around, width))
    }

    fn opened(&self) -> String {
        "drift".to_owned()
    }
}
