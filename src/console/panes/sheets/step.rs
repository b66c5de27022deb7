//! One step of a run: all it carries, laid out for reading; or held against the same step of a good run.

use std::fmt::Write as _;

use ratatui::text::Line;

use super::diff::{self, Look};
use super::run::{field, reason};
use super::{beside, heading};
use crate::console::action::Action;
use crate::console::details::{Detail, Loaded, Want};
use crate::console::pane::Cx;
use crate::console::panes::runs;
use crate::console::safe;
use crate::console::sheet::{Content, Sheet, not_yet, once_read};
use crate::console::theme::Role;
use crate::console::widgets::{meter, words};
use crate::engine::view::{Opens, RunDetail, RunTable, Step};
use crate::event::{Policy, SpanId, Time, TraceId, Untrusted, money};
use crate::surface::Alike;

/// Lines around what differs.
const AROUND: usize = 2;

/// A step.
#[derive(Debug)]
pub(in crate::console::panes) struct StepSheet {
    trace: TraceId,
    span: SpanId,
    /// Held against a good run.
    beside: bool,
}

/// The good run a step is held against, as far as it is known.
enum Good {
    /// The runs are being read.
    Waiting(Content),
    /// There is none.
    None,
    /// This one.
    Run(Alike),
}

impl StepSheet {
    pub(in crate::console::panes) fn new(trace: TraceId, span: SpanId, beside: bool) -> Self {
        Self { trace, span, beside }
    }

    fn good(&self, cx: &Cx<'_>) -> Good {
        if let Some(content) = not_yet(cx, &Want::Runs) {
            return Good::Waiting(content);
        }
        let found = with_table(cx, |table| table.good_run(self.trace, began(cx)));
        found.flatten().map_or(Good::None, Good::Run)
    }
}

/// When the trouble began: what a good run comes before.
pub(super) fn began(cx: &Cx<'_>) -> Option<Time> {
    let incident = cx.incident?;
    let onset = incident.diagnosis.as_ref().and_then(|shown| shown.diagnosis.onset);
    Some(incident.around.moment.or(onset).unwrap_or(incident.began))
}

/// The same step of another run: the one of the same kind and name in the same place among its like, else the last of them.
/// The second says whether the place is the same.
fn same_step<'r>(own: &RunDetail, step: &Step, good: &'r RunDetail) -> Option<(&'r Step, bool)> {
    let like = |other: &&Step| other.kind == step.kind && other.name == step.name;
    let nth = own.steps.iter().filter(like).position(|other| other.span == step.span)?;
    let all: Vec<&Step> = good.steps.iter().filter(like).collect();
    all.get(nth).map(|step| (*step, true)).or_else(|| all.last().map(|step| (*step, false)))
}

fn head(cx: &Cx<'_>, step: &Step, columns: usize) -> Vec<Line<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let mut spans = words::prose(cx, &step.kind, 30, text);
    spans.push(safe::lit(" ", text));
    spans.extend(words::prose(cx, &step.name, 80, text));
    let mut lines = beside(cx, "step", spans, columns);
    let when = format!("+{}, took {}", meter::duration(step.offset_ms), meter::duration(step.duration_ms));
    lines.extend(beside(cx, "when", vec![safe::made(when, text)], columns));
    let tokens = match step.tokens {
        (None, None) => safe::lit("not captured", cx.of(Role::NotCaptured)),
        tokens => safe::made(runs::tokens_of(cx, tokens), text),
    };
    lines.extend(beside(cx, "tokens", vec![tokens], columns));
    let cost = step
        .cost
        .map_or_else(|| safe::lit("not captured", cx.of(Role::NotCaptured)), |cost| safe::made(money(cost), text));
    lines.extend(beside(cx, "cost", vec![cost], columns));
    if step.retry > 0 {
        let text = format!("the same was tried {} times just before, and failed", step.retry);
        lines.extend(beside(cx, "retry", vec![safe::made(text, cx.of(Role::Unclear))], columns));
    }
    if let Some(suspicion) = &step.suspicious {
        lines.extend(reason(cx, &Step { depth: 0, ..step.clone() }, columns));
        let states = format!("    marked by the rule \"{}\": {}", suspicion.rule.name(), suspicion.rule.states());
        lines.extend(words::wrapped(&states, columns, muted));
    }
    lines
}

/// Which good run it is and why that one.
fn chosen(cx: &Cx<'_>, alike: &Alike, columns: usize) -> Vec<Line<'static>> {
    let names = |slices: &[&str]| slices.join(", ");
    let mut text = format!("Held against run {} of {}: ", alike.trace, cx.clock(alike.at));
    text.push_str(if alike.before {
        "the last good run of this agent before the trouble began"
    } else {
        "the last good run of this agent; none is known from before the trouble began"
    });
    if !alike.same.is_empty() {
        let _ = write!(text, ", same {}", names(&alike.same));
    }
    if !alike.other.is_empty() {
        let _ = write!(text, ", another {}", names(&alike.other));
    }
    text.push('.');
    words::wrapped(&text, columns, cx.of(Role::Text))
}

/// The fields that differ, each as a diff; how many are the same.
fn against(cx: &Cx<'_>, good: &Step, own: &Step, width: u16, content: &mut Content) {
    let columns = usize::from(width);
    let look = Look { width: columns, side_by_side: width >= diff::WIDE, policy: Policy::Prose };
    let of =
        |step: &Step, name: &Untrusted| step.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let mut names: Vec<&Untrusted> = own.fields.iter().chain(&good.fields).map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    let mut same = 0_u64;
    for name in names {
        let (left, right) = (of(good, name), of(own, name));
        let (before, after) = match (&left, &right) {
            (Some(left), Some(right)) => (diff::comparable(left), diff::comparable(right)),
            (Some(left), None) => (diff::comparable(left), String::new()),
            (None, Some(right)) => (String::new(), diff::comparable(right)),
            (None, None) => continue,
        };
        if before == after {
            same += 1;
            continue;
        }
        content.lines.push(Line::default());
        let mut spans = words::cut(cx, name, Policy::Exact, columns, cx.of(Role::Title));
        match (&left, &right) {
            (None, _) => spans.push(safe::lit("  only in this run", cx.of(Role::Changed))),
            (_, None) => spans.push(safe::lit("  only in the good run", cx.of(Role::Changed))),
            _ => {}
        }
        content.lines.extend(words::wrap(spans, columns, 2));
        let rows = diff::of_texts(&before, &after);
        diff::draw(cx, &diff::places(&rows, AROUND), look, content);
    }
    content.lines.push(Line::default());
    let text = format!("{same} fields are the same on both sides.");
    content.lines.extend(words::wrapped(&text, columns, cx.of(Role::Muted)));
}

impl StepSheet {
    fn lay_out_beside(&self, cx: &Cx<'_>, run: &RunDetail, step: &Step, width: u16, content: &mut Content) {
        let columns = usize::from(width);
        let alike = match self.good(cx) {
            Good::Run(alike) => alike,
            Good::Waiting(waiting) => return content.lines.extend(waiting.lines),
            Good::None => {
                let text = "No earlier good run of this agent is known: nothing to hold it against. A run is good when its judge \
                            passed it, or it ended as complete.";
                return content.lines.extend(words::wrapped(text, columns, cx.of(Role::NotCaptured)));
            }
        };
        content.lines.extend(chosen(cx, &alike, columns));
        let want = Want::Run(alike.trace);
        if let Some(waiting) = not_yet(cx, &want) {
            return content.lines.extend(waiting.lines);
        }
        let Loaded::Ready(detail) = cx.detail(&want) else { return };
        let Detail::Run(good) = &*detail else { return };
        let Some((other, in_place)) = same_step(run, step, good) else {
            let text = "That run has no such step: it never called this.";
            return content.lines.extend(words::wrapped(text, columns, cx.of(Role::Changed)));
        };
        if !in_place {
            let text = "That run called this less often: held against its last one.";
            content.lines.extend(words::wrapped(text, columns, cx.of(Role::Unclear)));
        }
        let sides = "Left and removed: the good run. Right and added: this run.";
        content.lines.extend(words::wrapped(sides, columns, cx.of(Role::Muted)));
        against(cx, other, step, width, content);
    }
}

impl Sheet for StepSheet {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let how = if self.beside { "held against a good run" } else { "whole" };
        Line::from(safe::made(format!("Step {} of run {}: {how}", self.span, self.trace), cx.of(Role::DialogTitle)))
    }

    fn want(&self) -> Option<Want> {
        Some(Want::Run(self.trace))
    }

    fn also(&self, cx: &Cx<'_>) -> Vec<Want> {
        if !self.beside {
            return Vec::new();
        }
        let good = match self.good(cx) {
            Good::Run(alike) => Some(Want::Run(alike.trace)),
            _ => None,
        };
        std::iter::once(Want::Runs).chain(good).collect()
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::ViewClose,
            Action::Down,
            Action::PageDown,
            Action::ViewToggle,
            Action::ViewNext,
            Action::ViewFind,
            Action::ViewHelp,
        ]
    }

    fn lay_out(&self, cx: &Cx<'_>, width: u16) -> Content {
        once_read(cx, &Want::Run(self.trace), |detail| {
            let Detail::Run(run) = detail else { return Content::default() };
            let columns = usize::from(width);
            let Some(step) = run.steps.iter().find(|step| step.span == self.span) else {
                let text = "At this moment the run has no such step.";
                return Content { lines: words::wrapped(text, columns, cx.of(Role::Muted)), ..Content::default() };
            };
            let mut content = Content { lines: head(cx, step, columns), ..Content::default() };
            if self.beside {
                content.lines.extend(heading(cx, "Beside the same step of a good run"));
                self.lay_out_beside(cx, run, step, width, &mut content);
            } else {
                content.lines.extend(heading(cx, "All it carries"));
                for (name, value) in &step.fields {
                    content.places.push(content.lines.len());
                    content.lines.extend(field(cx, name, value, columns));
                }
            }
            content
        })
    }

    fn toggle(&mut self) -> bool {
        self.beside = !self.beside;
        true
    }

    fn beside(&self, _cx: &Cx<'_>, _nth: usize) -> Option<Opens> {
        Some(Opens::Step { trace: self.trace, span: self.span, beside: true })
    }

    fn run(&self) -> Option<TraceId> {
        Some(self.trace)
    }

    fn opened(&self) -> String {
        format!("step {} of run {}", self.span, self.trace)
    }

    fn copied(&self, _cx: &Cx<'_>) -> Option<(String, &'static str)> {
        Some((self.span.to_string(), "span id"))
    }
}

/// The runs, where they are here.
pub(super) fn with_table<R>(cx: &Cx<'_>, take: impl FnOnce(&RunTable) -> R) -> Option<R> {
    let Loaded::Ready(detail) = cx.detail(&Want::Runs) else { return None };
    let Detail::Runs(table) = &*detail else { return None };
    Some(take(table))
}
