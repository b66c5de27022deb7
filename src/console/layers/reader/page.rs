//! One output a page, and the rates when the sitting is over.

use std::collections::BTreeMap;

use ratatui::text::{Line, Span};

use crate::console::details::{Detail, Loaded, Want};
use crate::console::pane::Cx;
use crate::console::proof;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::engine::view::{RunDetail, Turn};
use crate::event::{IncidentId, OutputLabel, TraceId, Untrusted};

/// So many tools are named.
const TOOLS: usize = 6;

fn is_user(turn: &Turn) -> bool {
    matches!(turn.role.raw(), "user" | "human")
}

/// What the agent said last.
pub(super) fn last_said(run: &RunDetail) -> Option<usize> {
    let said = |turn: &Turn| {
        !is_user(turn) && !turn.role.raw().starts_with("tool") && !matches!(turn.role.raw(), "system" | "developer")
    };
    run.turns.iter().rposition(said)
}

/// One output: what was asked, what was said last, with which tools. Nothing that tells its side.
pub(super) fn output(cx: &Cx<'_>, trace: TraceId, columns: usize) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let loaded = cx.detail(&Want::Run(trace));
    let run = match &loaded {
        Loaded::Loading => return words::wrapped("It is read from the journal …", columns, muted),
        Loaded::Failed(error) => {
            let mut spans = vec![safe::lit("It cannot be read: ", cx.of(Role::Bad))];
            spans.extend(words::prose(cx, error, 400, cx.of(Role::Bad)));
            return words::wrap(spans, columns, 0);
        }
        Loaded::Ready(detail) => match &**detail {
            Detail::Run(run) => run,
            _ => return words::wrapped("It is not in the journal any more.", columns, cx.of(Role::NotCaptured)),
        },
    };
    let title = |text: &'static str| Line::from(safe::lit(text, cx.of(Role::Title)));
    let missing = |text: &str| words::wrapped(text, columns, cx.of(Role::NotCaptured));
    let last = last_said(run);
    let until = last.unwrap_or(run.turns.len());
    let asked = run.turns.iter().take(until).rfind(|turn| is_user(turn));
    let mut lines = vec![title("What was asked")];
    match asked {
        Some(turn) => lines.extend(words::quoted(cx, &turn.text, columns)),
        None => lines.extend(missing("It was not captured.")),
    }
    lines.extend([Line::default(), title("What the agent said last")]);
    match last.and_then(|nth| run.turns.get(nth)) {
        Some(turn) => lines.extend(words::quoted(cx, &turn.text, columns)),
        None => lines.extend(missing("It was not captured: there is nothing to judge.")),
    }
    lines.push(Line::default());
    lines.extend(words::wrap(tools(cx, run), columns, 2));
    lines.push(Line::default());
    let hidden = "Where it comes from and how the others were read is hidden until the sitting ends.";
    lines.extend(words::wrapped(hidden, columns, muted));
    lines
}

/// The tools of a run in one line.
fn tools(cx: &Cx<'_>, run: &RunDetail) -> Vec<Span<'static>> {
    let muted = cx.of(Role::Muted);
    let mut used: BTreeMap<Untrusted, u64> = BTreeMap::new();
    for step in run.steps.iter().filter(|step| matches!(step.kind.raw(), "tool" | "retrieval")) {
        let name = step.what.raw().split('(').next().unwrap_or_default();
        *used.entry(name.into()).or_default() += 1;
    }
    if used.is_empty() {
        return vec![safe::lit("It used no tool.", muted)];
    }
    let more = used.len().saturating_sub(TOOLS);
    let mut spans = vec![safe::lit("It used ", muted)];
    for (nth, (name, times)) in used.iter().take(TOOLS).enumerate() {
        if nth > 0 {
            spans.push(safe::lit(", ", muted));
        }
        spans.extend(words::prose(cx, name, 40, cx.of(Role::Text)));
        if *times > 1 {
            spans.push(safe::made(format!(" {times} times"), muted));
        }
    }
    if more > 0 {
        spans.push(safe::made(format!(" and {more} more"), muted));
    }
    spans
}

/// What all that was read adds up to, from the record.
pub(super) fn rates(cx: &Cx<'_>, id: IncidentId, said: &[OutputLabel], columns: usize) -> Vec<Line<'static>> {
    let muted = cx.of(Role::Muted);
    let text = cx.of(Role::Text);
    let mut lines = Vec::new();
    if !said.is_empty() {
        let count = |label| said.iter().filter(|one| **one == label).count();
        let words = format!(
            "This sitting: {} good, {} bad, {} unsure, {} skipped.",
            count(OutputLabel::Good),
            count(OutputLabel::Bad),
            count(OutputLabel::Unsure),
            count(OutputLabel::Skip)
        );
        lines.extend(words::wrapped(&words, columns, text));
        lines.push(Line::default());
    }
    let incident = cx.live.incidents.items.iter().find(|incident| incident.id == id);
    let Some(reading) = incident.and_then(|incident| incident.reading.as_ref()) else {
        lines.extend(words::wrapped("Nothing of it is in the picture any more.", columns, muted));
        return lines;
    };
    lines.extend(proof::reading(cx, reading, u16::try_from(columns).unwrap_or(u16::MAX)));
    lines
}
