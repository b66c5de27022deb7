//! One agent run: its waterfall, its turns, and every field it carries, whole.

use ratatui::text::Line;

use super::heading;
use crate::console::action::Action;
use crate::console::details::{Detail, Loaded, Want};
use crate::console::pane::Cx;
use crate::console::panes::runs;
use crate::console::safe;
use crate::console::sheet::{Content, Later, Sheet, not_yet};
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{meter, words};
use crate::engine::view::{RunDetail, Step};
use crate::event::{Policy, TraceId};

/// Deeper than this, steps are no longer moved to the right: the text would have no room.
const DEEPEST: u16 = 12;

/// So many steps have their fields laid out at once: each can hold a whole prompt.
const STEPS: usize = 200;

/// The ways to look at a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Steps as bars over time.
    Waterfall,
    /// Who said what.
    Turns,
    /// Every field of every step, some steps at a time.
    Fields {
        /// The first of them.
        from: usize,
    },
}

/// A run.
#[derive(Debug)]
pub(in crate::console::panes) struct RunSheet {
    trace: TraceId,
    /// How often another way was asked for.
    turned: usize,
}

impl RunSheet {
    pub(in crate::console::panes) fn new(trace: TraceId) -> Self {
        Self { trace, turned: 0 }
    }

    /// The way to look at a run of so many steps.
    fn way(&self, steps: usize) -> Way {
        match self.turned % (2 + steps.div_ceil(STEPS).max(1)) {
            0 => Way::Waterfall,
            1 => Way::Turns,
            page => Way::Fields { from: (page - 2) * STEPS },
        }
    }
}

fn step_row(cx: &Cx<'_>, step: &Step, whole_ms: u64, width: u16) -> Line<'static> {
    let style = cx.of(if step.failed || step.suspicious.is_some() { Role::Bad } else { Role::Text });
    let muted = cx.of(Role::Muted);
    let bar = usize::from(width) * 2 / 5;
    let sign = if step.failed {
        cx.glyphs.failed
    } else if step.suspicious.is_some() {
        cx.glyphs.alert
    } else {
        " "
    };
    let row = Row::new(cx, width).lit(sign, style).lit(" ", style);
    let row = row.made("  ".repeat(usize::from(step.depth.min(DEEPEST))), muted);
    // A plain span has no other name than its kind.
    let row =
        if step.kind == step.what { row } else { row.spans(words::prose(cx, &step.kind, 16, muted)).lit(" ", muted) };
    let left = row.left().saturating_sub(bar + 9);
    let bar_style = if step.failed || step.suspicious.is_some() { style } else { cx.of(Role::Chart) };
    row.name(&step.what, left, style)
        .num(meter::duration(step.duration_ms), 8, muted)
        .lit(" ", muted)
        .spans(meter::stretch(cx, step.offset_ms, step.duration_ms, whole_ms, bar, bar_style))
        .line()
}

/// The reason under a suspicious step.
fn reason(cx: &Cx<'_>, step: &Step, columns: usize) -> Vec<Line<'static>> {
    let Some(reason) = &step.suspicious else { return Vec::new() };
    let indent = usize::from(step.depth.min(DEEPEST)) * 2 + 4;
    let mut spans = vec![
        safe::made(" ".repeat(indent), cx.of(Role::Bad)),
        safe::made(format!("{} ", cx.glyphs.up), cx.of(Role::Bad)),
    ];
    spans.extend(words::whole(cx, reason, Policy::Prose, cx.of(Role::Bad)));
    words::wrap(spans, columns, indent + 2)
}

/// Names the rows of the waterfall; ten thousand steps are only made as far as they are looked at.
fn waterfall(cx: &Cx<'_>, run: &RunDetail, columns: usize, content: &mut Content) {
    for (part, step) in run.steps.iter().enumerate() {
        if step.failed || step.suspicious.is_some() {
            content.places.push(content.rows());
        }
        let reasons = reason(cx, step, columns).len();
        content.later.extend((0..=reasons).map(|line| Later { part, line }));
    }
    if run.steps.is_empty() {
        content.lines.push(Line::from(safe::lit("None of its spans was captured.", cx.of(Role::NotCaptured))));
    } else if run.line.bad.is_some() && content.places.is_empty() {
        let key = cx.keymap.first(Action::ViewToggle).unwrap_or_else(|| ":view-toggle".to_owned());
        let text = format!("No step failed: what is wrong is in what was said. {key} shows the turns.");
        content.lines.extend(words::wrapped(&text, columns, cx.of(Role::Muted)));
    }
}

fn turns(cx: &Cx<'_>, run: &RunDetail, columns: usize, content: &mut Content) {
    // The instructions are long and the same in every run: what was said comes first.
    let (system, said): (Vec<_>, Vec<_>) =
        run.turns.iter().enumerate().partition(|(_, turn)| turn.role.raw() == "system");
    if !system.is_empty() && !said.is_empty() {
        content.lines.push(Line::from(safe::lit("The instructions stand after the last turn.", cx.of(Role::Muted))));
    }
    for (shown, (nth, turn)) in said.into_iter().chain(system).enumerate() {
        if shown > 0 {
            content.lines.push(Line::default());
        }
        content.places.push(content.lines.len());
        let mut spans = vec![safe::made(format!("{} ", nth + 1), cx.of(Role::Muted))];
        spans.extend(words::prose(cx, &turn.role, 60, cx.of(Role::Title)));
        content.lines.push(Line::from(spans));
        content.lines.extend(words::quoted(cx, &turn.text, columns));
    }
    if run.turns.is_empty() {
        let text =
            "What was said was not captured: the sender keeps message content off. That is not the same as silence.";
        content.lines.extend(words::wrapped(text, columns, cx.of(Role::NotCaptured)));
    }
}

fn fields(cx: &Cx<'_>, run: &RunDetail, from: usize, columns: usize, content: &mut Content) {
    let steps = run.steps.len();
    if steps > STEPS {
        let key = cx.keymap.first(Action::ViewToggle).unwrap_or_else(|| ":view-toggle".to_owned());
        let to = (from + STEPS).min(steps);
        let text = format!("Steps {} to {to} of {steps}; {key} goes on.", from + 1);
        content.lines.extend(words::wrapped(&text, columns, cx.of(Role::Edge)));
    }
    for (nth, step) in run.steps.iter().enumerate().skip(from).take(STEPS) {
        if nth > from {
            content.lines.push(Line::default());
        }
        content.places.push(content.lines.len());
        let style = cx.of(Role::Title);
        let mut spans = words::prose(cx, &step.kind, 40, style);
        spans.push(safe::lit(" ", style));
        spans.extend(words::prose(cx, &step.what, 200, style));
        spans.push(safe::made(
            format!("  +{}, {}", meter::duration(step.offset_ms), meter::duration(step.duration_ms)),
            cx.of(Role::Muted),
        ));
        content.lines.extend(words::wrap(spans, columns, 2));
        content.lines.extend(reason(cx, step, columns));
        for (name, value) in &step.fields {
            let mut head = words::cut(cx, name, Policy::Exact, columns, cx.of(Role::Muted));
            let short = value.raw().len() < 60 && !value.raw().contains('\n');
            if short {
                head.push(safe::lit("  ", cx.of(Role::Text)));
                head.extend(words::whole(cx, value, Policy::Prose, cx.of(Role::Text)));
            }
            content.lines.extend(words::wrap(head, columns, 2));
            if !short {
                content.lines.extend(words::quoted(cx, value, columns));
            }
        }
    }
}

impl Sheet for RunSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let steps = match cx.detail(&Want::Run(self.trace)) {
            Loaded::Ready(detail) => {
                if let Detail::Run(run) = &*detail {
                    run.steps.len()
                } else {
                    0
                }
            }
            _ => 0,
        };
        let way = match self.way(steps) {
            Way::Waterfall => "waterfall",
            Way::Turns => "turns",
            Way::Fields { .. } => "every field",
        };
        Line::from(safe::made(format!("Run {}: {way}", self.trace), cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        Some(Want::Run(self.trace))
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        let want = Want::Run(self.trace);
        if let Some(content) = not_yet(cx, &want) {
            return content;
        }
        let Loaded::Ready(detail) = cx.detail(&want) else { return Content::default() };
        let Detail::Run(run) = &*detail else { return Content::default() };
        let columns = usize::from(width);
        let mut content =
            Content { lines: words::wrap(runs::totals(cx, &run.line).spans, columns, 2), ..Content::default() };
        if let Some(bad) = &run.line.bad {
            let mut spans = vec![safe::made(format!("{} ", cx.glyphs.failed), cx.of(Role::Bad))];
            spans.extend(words::whole(cx, bad, Policy::Prose, cx.of(Role::Bad)));
            content.lines.extend(words::wrap(spans, columns, 2));
        }
        for (name, last) in &run.read {
            let text = format!(
                "Read at {}, last at {}: it shows spans later than it takes them in, so some may be missing.",
                name.show(Policy::Prose).as_str(),
                cx.clock(*last)
            );
            content.lines.extend(words::wrapped(&text, columns, cx.of(Role::Muted)));
        }
        let way = self.way(run.steps.len());
        let text = match way {
            Way::Waterfall => "Steps over time",
            Way::Turns => "Turn by turn",
            Way::Fields { .. } => "Every field of every step",
        };
        content.lines.extend(heading(cx, text));
        match way {
            Way::Waterfall => waterfall(cx, run, columns, &mut content),
            Way::Turns => turns(cx, run, columns, &mut content),
            Way::Fields { from } => fields(cx, run, from, columns, &mut content),
        }
        content
    }

    fn line(&self, cx: &Cx<'_>, width: u16, later: Later) -> Line<'static> {
        let Loaded::Ready(detail) = cx.detail(&Want::Run(self.trace)) else { return Line::default() };
        let Detail::Run(run) = &*detail else { return Line::default() };
        let Some(step) = run.steps.get(later.part) else { return Line::default() };
        match later.line.checked_sub(1) {
            None => step_row(cx, step, run.line.duration_ms, width),
            Some(nth) => reason(cx, step, usize::from(width)).into_iter().nth(nth).unwrap_or_default(),
        }
    }

    fn toggle(&mut self) -> bool {
        self.turned += 1;
        true
    }

    fn opened(&self) -> String {
        format!("run {}", self.trace)
    }

    fn copied(&self, _cx: &Cx<'_>) -> Option<(String, &'static str)> {
        Some((self.trace.to_string(), "trace id"))
    }
}
