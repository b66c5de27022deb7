//! The same by kind of cause: surface, component, and whether its like had been confirmed before.

use std::fmt::Write as _;

use ratatui::text::Line;

use super::heading;
use super::tally::FEW;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::engine::view::Part;

pub(super) fn lines(cx: &Cx<'_>) -> Vec<Line<'static>> {
    let accuracy = &cx.view.accuracy;
    let mut lines = Vec::new();
    for (title, parts) in [
        ("By what the cause was really of", &accuracy.surfaces),
        ("By the component it was in", &accuracy.services),
        ("By whether its like was confirmed before", &accuracy.novelty),
    ] {
        if parts.is_empty() {
            continue;
        }
        lines.extend(heading(cx, title));
        lines.extend(parts.iter().flat_map(|part| one(cx, part)));
    }
    if accuracy.hidden > 0 {
        let more = format!("  and {} kinds with fewer answers (warroom accuracy --json)", accuracy.hidden);
        lines.push(Line::from(safe::made(more, cx.of(Role::Muted))));
    }
    lines
}

fn one(cx: &Cx<'_>, part: &Part) -> Vec<Line<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let tally = &part.tally;
    let mut spans = vec![safe::lit("  ", text)];
    spans.extend(words::prose(cx, &part.name, 32, cx.of(Role::Text)));
    spans.push(safe::made(format!("  {} of {} right", tally.right, tally.n), text));
    let mut rest = if tally.n < FEW {
        format!("  few: in the long run {:.0} to {:.0} %", tally.low * 100.0, tally.high * 100.0)
    } else {
        format!("  in the long run {:.0} to {:.0} %; off by {:.2}", tally.low * 100.0, tally.high * 100.0, tally.brier)
    };
    if tally.confident_wrong > 0 {
        let _ = write!(rest, "; sure and wrong in {}", tally.confident_wrong);
    }
    let (right, wrong) = (tally.accepted_right, tally.accepted_wrong);
    if right + wrong > 0 {
        let _ = write!(rest, "; accepted {right} right, {wrong} wrong");
    }
    spans.push(safe::made(rest, muted));
    words::wrap(spans, usize::from(cx.area.width), 6)
}
