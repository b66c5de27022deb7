//! Which variable moved: the change of the outcome, taken apart.

use ratatui::text::Line;

use super::{beside, heading};
use crate::console::details::Want;
use crate::console::outcome;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::sheet::{Content, Sheet};
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{meter, words};
use crate::engine::view::{Around, Attribution, Moved, Standing};
use crate::event::{Policy, Untrusted};

/// The change of the outcome of the incident on the screen.
#[derive(Debug)]
pub(in crate::console::panes) struct MovedSheet;

/// Columns of a bar of a rate.
const BAR: usize = 20;

/// A rate as a bar: what, the bar, `24 % of 41`.
fn bar(cx: &Cx<'_>, width: u16, what: &Untrusted, runs: (u64, u64), role: Role) -> Line<'static> {
    let text = cx.of(Role::Text);
    let room = usize::from(width).saturating_sub(18).clamp(4, BAR);
    Row::new(cx, width)
        .lit("  ", text)
        .name(what, 16, cx.of(Role::Muted))
        .spans(meter::bar(cx, outcome::rate(runs), room, cx.of(role)))
        .made(format!(" {}", outcome::counted(runs)), text)
        .line()
}

fn moved(cx: &Cx<'_>, outcome: &Attribution, one: &Moved, width: u16) -> Vec<Line<'static>> {
    let (muted, columns) = (cx.of(Role::Muted), usize::from(width));
    let role = match one.standing {
        Standing::Explains => Role::Bad,
        Standing::Confounded { .. } => Role::Unclear,
        Standing::TooFew | Standing::Innocent => Role::Text,
    };
    let said = outcome::verdict(outcome, one);
    let mut lines = words::wrap(words::whole(cx, &said, Policy::Prose, cx.of(role)), columns, 0);
    if let Some(effect) = one.side_by_side.as_ref().or(one.effect.as_ref()) {
        lines.push(bar(cx, width, &"with it".into(), (effect.runs.0, effect.bad.0), Role::Bad));
        lines.push(bar(cx, width, &"without".into(), (effect.runs.1, effect.bad.1), Role::Share));
        let sure = format!(
            "  within like slices {} worse with it",
            outcome::part_of(effect.difference, (effect.low, effect.high))
        );
        lines.extend(words::wrap(vec![safe::made(sure, muted)], columns, 2));
    }
    let share =
        format!("  in {} of the runs before, {} since", outcome::percent(one.share.0), outcome::percent(one.share.1));
    lines.extend(words::wrap(vec![safe::made(share, muted)], columns, 2));
    lines
}

fn lay_out(cx: &Cx<'_>, around: &Around, width: u16) -> Content {
    let columns = usize::from(width);
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let mut content = Content::default();
    let lines = &mut content.lines;
    let Some(outcome) = &around.outcome else {
        lines.extend(words::wrapped("No run with a known outcome on both sides of the onset.", columns, muted));
        return content;
    };
    let at = around.moment.map(|moment| cx.clock(moment)).unwrap_or_default();
    lines.extend(beside(cx, "parted at", vec![safe::made(at, cx.of(Role::Time))], columns));
    lines.push(bar(cx, width, &"failed before".into(), outcome.before, Role::Share));
    lines.push(bar(cx, width, &"failed since".into(), outcome.since, Role::Bad));
    lines.push(Line::default());
    lines.extend(words::wrapped(&outcome::headline(outcome, cx.glyphs.arrow), columns, text));
    for (slice, values) in &outcome.left_out {
        let mut spans = vec![safe::lit("Not compared within ", muted)];
        spans.extend(words::prose(cx, slice, 40, muted));
        spans.push(safe::made(format!(": it has {values} values, too many for so few runs."), muted));
        lines.extend(words::wrap(spans, columns, 2));
    }
    lines.extend(heading(cx, "What moved, and whether it explains it"));
    if outcome.moved.is_empty() {
        let none = "No captured part of the runs moved. What moved is not captured, or not part of the agent.";
        lines.extend(words::wrapped(none, columns, text));
    }
    for (nth, one) in outcome.moved.iter().enumerate() {
        if nth > 0 {
            lines.push(Line::default());
        }
        content.places.push(lines.len());
        lines.extend(moved(cx, outcome, one, width));
    }
    lines.extend(heading(cx, "By each sign that a run went wrong"));
    for proxy in &around.proxies {
        lines.extend(words::wrap(words::prose(cx, &proxy.name, 80, text), columns, 0));
        lines.push(bar(cx, width, &"before".into(), proxy.before, Role::Share));
        lines.push(bar(cx, width, &"since".into(), proxy.since, Role::Bad));
    }
    lines.push(Line::default());
    let how = "Intervals hold the truth in 95 of 100 cases. Compared within like slices of traffic; with several moved parts each \
               one with the others held still, and corrected for how many were looked at.";
    lines.extend(words::wrapped(how, columns, muted));
    content
}

impl Sheet for MovedSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::lit("Which variable moved", cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        None
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        cx.incident.map_or_else(Content::default, |incident| lay_out(cx, &incident.around, width))
    }

    fn opened(&self) -> String {
        "outcome".to_owned()
    }
}
