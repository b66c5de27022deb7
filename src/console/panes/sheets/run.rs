//! One agent run: its waterfall, its turns, and every field it carries, whole.
//!
//! The cursor of the waterfall lands on the first marked step; `enter` opens a step, and a key holds it against a good run.

use ratatui::text::{Line, Span};

use super::{heading, pretty};
use crate::console::action::Action;
use crate::console::details::{Detail, Loaded, Want};
use crate::console::finder::Finder;
use crate::console::pane::Cx;
use crate::console::panes::runs;
use crate::console::safe;
use crate::console::sheet::{Content, Later, Sheet, once_read};
use crate::console::theme::Role;
use crate::console::widgets::row::Row;
use crate::console::widgets::{meter, words};
use crate::engine::view::{Opens, RunDetail, Step, Suspicion};
use crate::event::{Policy, SpanId, TraceId, Untrusted, money};

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
    finder: Option<Finder>,
}

impl RunSheet {
    pub(in crate::console::panes) fn new(trace: TraceId) -> Self {
        Self { trace, turned: 0, finder: None }
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

/// From this width on a step's tokens and cost stand in its row.
const ROOMY: u16 = 110;

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
    let row = if step.retry > 0 { row.made(format!("retry {} ", step.retry), cx.of(Role::Unclear)) } else { row };
    let spent = if width >= ROOMY { 13 + 9 } else { 0 };
    let left = row.left().saturating_sub(bar + 9 + spent);
    let bar_style = if step.failed || step.suspicious.is_some() { style } else { cx.of(Role::Chart) };
    let row = row.name(&step.what, left, style);
    let row = if spent > 0 {
        let tokens = if step.tokens == (None, None) { String::new() } else { runs::tokens_of(cx, step.tokens) };
        row.num(tokens, 13, muted).num(step.cost.map(money).unwrap_or_default(), 9, muted)
    } else {
        row
    };
    row.num(meter::duration(step.duration_ms), 8, muted)
        .lit(" ", muted)
        .spans(meter::stretch(cx, step.offset_ms, step.duration_ms, whole_ms, bar, bar_style))
        .line()
}

/// The reason under a suspicious step, with the rule that marked it.
pub(super) fn reason(cx: &Cx<'_>, step: &Step, columns: usize) -> Vec<Line<'static>> {
    let Some(Suspicion { rule, why }) = &step.suspicious else { return Vec::new() };
    let indent = usize::from(step.depth.min(DEEPEST)) * 2 + 4;
    let bad = cx.of(Role::Bad);
    let mut spans = vec![
        safe::made(" ".repeat(indent), bad),
        safe::made(format!("{} ", cx.glyphs.up), bad),
        safe::made(format!("{}: ", rule.name()), cx.of(Role::Muted)),
    ];
    spans.extend(words::whole(cx, why, Policy::Prose, bad));
    words::wrap(spans, columns, indent + 2)
}

/// Where a step holds what is looked for: the field and the words around it. `None` = it does not.
fn found(cx: &Cx<'_>, step: &Step, finder: &Finder, columns: usize) -> Option<Line<'static>> {
    let (name, value, range) = step.fields.iter().find_map(|(name, value)| {
        finder
            .first(value.raw())
            .map(|range| (name, value, Some(range)))
            .or_else(|| finder.is_in(name.raw()).then_some((name, value, None)))
    })?;
    let muted = cx.of(Role::Muted);
    let indent = usize::from(step.depth.min(DEEPEST)) * 2 + 4;
    let mut spans = vec![safe::made(" ".repeat(indent), muted)];
    spans.extend(words::cut(cx, name, Policy::Exact, columns / 3, muted));
    spans.push(safe::lit(": ", muted));
    let raw = value.raw();
    let from = range.map_or(0, |range| range.start.saturating_sub(BEFORE_HIT));
    let from = (from..=raw.len()).find(|at| raw.is_char_boundary(*at)).unwrap_or(0);
    if from > 0 {
        spans.push(safe::lit(cx.glyphs.cut, muted));
    }
    let room = columns.saturating_sub(spans.iter().map(Span::width).sum());
    // Line feeds would be written out; here the text is one line.
    let text: String = raw[from..].chars().take(room).map(|c| if c == '\n' { ' ' } else { c }).collect();
    spans.extend(words::cut(cx, &Untrusted::from(text), Policy::Prose, room, cx.of(Role::Text)));
    Some(Line::from(spans))
}

/// So many bytes of a text stand before what was found in it.
const BEFORE_HIT: usize = 24;

/// Names the rows of the waterfall; ten thousand steps are only made as far as they are looked at.
fn waterfall(cx: &Cx<'_>, run: &RunDetail, finder: Option<&Finder>, columns: usize, content: &mut Content) {
    let mut hits = Vec::new();
    let mut home = None;
    for (part, step) in run.steps.iter().enumerate() {
        let row = content.rows();
        content.items.push(row);
        if step.failed || step.suspicious.is_some() {
            content.places.push(row);
            home = home.or(Some(part).filter(|_| step.suspicious.is_some()));
        }
        let mut below = reason(cx, step, columns).len();
        if let Some(finder) = finder
            && step.fields.iter().any(|(name, value)| finder.is_in(value.raw()) || finder.is_in(name.raw()))
        {
            hits.push(row);
            below += 1;
        }
        content.later.extend((0..=below).map(|line| Later { part, line }));
    }
    content.home = home.unwrap_or(0);
    content.hits = finder.map(|_| hits);
    if run.steps.is_empty() {
        content.lines.push(Line::from(safe::lit("None of its spans was captured.", cx.of(Role::NotCaptured))));
    } else if run.line.bad.is_some() && content.places.is_empty() {
        let key = cx.keymap.first(Action::ViewToggle).unwrap_or_else(|| ":view-toggle".to_owned());
        let text = format!("No step failed: what is wrong is in what was said. {key} shows the turns.");
        let lines = words::wrapped(&text, columns, cx.of(Role::Muted));
        // They stand above the steps, whose rows were counted without them.
        let rows = content.items.iter_mut().chain(content.hits.iter_mut().flatten());
        rows.for_each(|row| *row += lines.len());
        content.lines.extend(lines);
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
        content.lines.extend(pretty::lines(cx, &turn.text, columns));
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
        step.fields.iter().for_each(|(name, value)| content.lines.extend(field(cx, name, value, columns)));
    }
}

/// A field: its name, and its whole text beside or below it.
pub(super) fn field(cx: &Cx<'_>, name: &Untrusted, value: &Untrusted, columns: usize) -> Vec<Line<'static>> {
    let mut head = words::cut(cx, name, Policy::Exact, columns, cx.of(Role::Muted));
    let short = value.raw().len() < 60 && !value.raw().contains(['\n', '{', '[']);
    if short {
        head.push(safe::lit("  ", cx.of(Role::Text)));
        head.extend(words::whole(cx, value, Policy::Prose, cx.of(Role::Text)));
    }
    let mut lines = words::wrap(head, columns, 2);
    if !short {
        lines.extend(pretty::lines(cx, value, columns));
    }
    lines
}

/// How it ended, by which rule, and what it cost: under its totals.
fn ended(cx: &Cx<'_>, run: &RunDetail, columns: usize) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let mut spans = vec![safe::lit("ended as ", muted)];
    spans.extend(words::prose(cx, &run.line.stop, 40, cx.of(Role::Text)));
    spans.push(safe::lit(": ", muted));
    spans.extend(words::whole(cx, &run.rule, Policy::Prose, cx.of(Role::Text)));
    spans.push(safe::lit("; the provider said ", muted));
    if run.provider.is_empty() {
        spans.push(safe::lit("nothing that was captured", cx.of(Role::NotCaptured)));
    }
    for (nth, word) in run.provider.iter().take(4).enumerate() {
        if nth > 0 {
            spans.push(safe::lit(", ", muted));
        }
        spans.extend(words::prose(cx, word, 40, cx.of(Role::Text)));
    }
    let mut lines = words::wrap(spans, columns, 2);
    let retries = match run.retries {
        0 => "no call was tried again".to_owned(),
        1 => "one call was a retry".to_owned(),
        n => format!("{n} calls were retries"),
    };
    let cost = run.cost.map_or_else(|| "cost not captured".to_owned(), |cost| format!("cost {}", money(cost)));
    lines.extend(words::wrapped(&format!("{retries}; {cost}"), columns, muted));
    if run.cut {
        let text = "It has more entries than are read at once: steps are missing here, and are in the journal.";
        lines.extend(words::wrapped(text, columns, cx.of(Role::Unclear)));
    }
    lines
}

/// The span of the step in that place of the waterfall.
fn step_of(cx: &Cx<'_>, trace: TraceId, nth: usize) -> Option<SpanId> {
    let Loaded::Ready(detail) = cx.detail(&Want::Run(trace)) else { return None };
    let Detail::Run(run) = &*detail else { return None };
    run.steps.get(nth).map(|step| step.span)
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
        once_read(cx, &Want::Run(self.trace), |detail| {
            let Detail::Run(run) = detail else { return Content::default() };
            let columns = usize::from(width);
            let mut content =
                Content { lines: words::wrap(runs::totals(cx, &run.line).spans, columns, 2), ..Content::default() };
            if let Some(bad) = &run.line.bad {
                let mut spans = vec![safe::made(format!("{} ", cx.glyphs.failed), cx.of(Role::Bad))];
                spans.extend(words::whole(cx, bad, Policy::Prose, cx.of(Role::Bad)));
                content.lines.extend(words::wrap(spans, columns, 2));
            }
            content.lines.extend(ended(cx, run, columns));
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
                Way::Waterfall => waterfall(cx, run, self.finder.as_ref(), columns, &mut content),
                Way::Turns => turns(cx, run, columns, &mut content),
                Way::Fields { from } => fields(cx, run, from, columns, &mut content),
            }
            content
        })
    }

    fn line(&self, cx: &Cx<'_>, width: u16, later: Later) -> Line<'static> {
        let Loaded::Ready(detail) = cx.detail(&Want::Run(self.trace)) else { return Line::default() };
        let Detail::Run(run) = &*detail else { return Line::default() };
        let Some(step) = run.steps.get(later.part) else { return Line::default() };
        match later.line.checked_sub(1) {
            None => step_row(cx, step, run.line.duration_ms, width),
            Some(nth) => {
                let columns = usize::from(width);
                let reason = reason(cx, step, columns).into_iter().nth(nth);
                let found = || found(cx, step, self.finder.as_ref()?, columns);
                reason.or_else(found).unwrap_or_default()
            }
        }
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::ViewClose,
            Action::ViewOpen,
            Action::ViewBeside,
            Action::ViewReplay,
            Action::ViewNext,
            Action::ViewFind,
            Action::ViewToggle,
            Action::ViewHelp,
        ]
    }

    fn opens(&self, cx: &Cx<'_>, nth: usize) -> Option<Opens> {
        step_of(cx, self.trace, nth).map(|span| Opens::Step { trace: self.trace, span, beside: false })
    }

    fn beside(&self, cx: &Cx<'_>, nth: usize) -> Option<Opens> {
        step_of(cx, self.trace, nth).map(|span| Opens::Step { trace: self.trace, span, beside: true })
    }

    fn find(&mut self, finder: Option<&Finder>) {
        self.finder = finder.cloned();
    }

    fn toggle(&mut self) -> bool {
        self.turned += 1;
        true
    }

    fn run(&self) -> Option<TraceId> {
        Some(self.trace)
    }

    fn opened(&self) -> String {
        format!("run {}", self.trace)
    }

    fn copied(&self, _cx: &Cx<'_>) -> Option<(String, &'static str)> {
        Some((self.trace.to_string(), "trace id"))
    }
}
