//! A line for each runbook, escalation point and step, and in full what the cursor is on.

use ratatui::text::{Line, Span};

use super::procedure;
use crate::console::action::Action;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::engine::view::{ActionState, HandsView, IncidentView, ReadLine};
use crate::event::{Outcome, Policy, ReadEnd, Request, Untrusted};
use crate::response::{Offered, OfferedStep};

/// What a row stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    Runbook(usize),
    Point(usize, usize),
    Step(usize, usize),
}

/// How a step stands: what it last said, or how far its plan is.
fn stands(cx: &Cx<'_>, incident: Option<&IncidentView>, runbook: &Offered, step: &OfferedStep) -> (String, Role) {
    if let Some(stands) = incident.and_then(|incident| procedure::stands(cx, incident, runbook, &step.name)) {
        return stands;
    }
    let read = incident.and_then(|incident| last(&incident.hands, runbook, step));
    if let Some(read) = read {
        let when = cx.clock(read.at);
        let how = match &read.ended {
            ReadEnd::Exit { code: 0 } | ReadEnd::Rows { .. } => String::new(),
            ReadEnd::Exit { code } => format!("exit {code}, "),
            ReadEnd::Signal { signal } => format!("signal {signal}, "),
            ReadEnd::Limit { which } => format!("stopped at {}, ", safe::clean(which.raw(), Policy::Prose)),
            ReadEnd::Refused { .. } => "not run, ".to_owned(),
            ReadEnd::Http { status } => format!("{status}, "),
        };
        let role = if read.ended.is_well() { Role::Good } else { Role::Bad };
        return (format!("{how}{when}"), role);
    }
    let plans = incident.into_iter().flat_map(|incident| incident.actions.iter().rev());
    let mine = |origin: &crate::event::Origin| origin.runbook == runbook.name && origin.step == step.name;
    let plan = plans.into_iter().find(|action| action.plan.origin.as_ref().is_some_and(mine));
    match plan.map(|action| &action.state) {
        None if !step.missing.is_empty() => ("needs a value".to_owned(), Role::Unclear),
        None if step.request.is_err() => ("cannot run".to_owned(), Role::Unclear),
        None => (if step.reads { "not run" } else { "not proposed" }.to_owned(), Role::Muted),
        Some(ActionState::Proposed) => ("WAITS".to_owned(), Role::HeaderAlarm),
        Some(ActionState::Approved { .. }) => ("approved".to_owned(), Role::Unclear),
        Some(ActionState::Started { .. }) => ("runs".to_owned(), Role::Unclear),
        Some(ActionState::Denied { .. }) => ("refused".to_owned(), Role::Muted),
        Some(ActionState::Finished { outcome, .. }) => match outcome {
            Outcome::Done { .. } => ("done".to_owned(), Role::Good),
            Outcome::Failed { .. } => ("failed".to_owned(), Role::Bad),
            Outcome::Partly { .. } => ("done in part".to_owned(), Role::Bad),
            Outcome::Unknown { .. } => ("OUTCOME UNKNOWN".to_owned(), Role::Unclear),
        },
    }
}

fn last<'h>(hands: &'h HandsView, runbook: &Offered, step: &OfferedStep) -> Option<&'h ReadLine> {
    hands.reads.iter().find(|read| read.runbook == runbook.name && read.step == step.name)
}

/// One row.
pub(super) fn line(cx: &Cx<'_>, incident: Option<&IncidentView>, all: &[Offered], row: Row) -> Line<'static> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let columns = usize::from(cx.area.width);
    match row {
        Row::Runbook(nth) => {
            let runbook = &all[nth];
            let mut spans = words::prose(cx, &runbook.title, columns / 2, cx.of(Role::Title));
            spans.push(safe::lit("  ", text));
            spans.extend(words::prose(cx, &runbook.reason, columns, muted));
            Line::from(spans)
        }
        Row::Point(nth, point) => {
            let (point, called) = &all[nth].points[point];
            let (sign, role, word) = if *called {
                (cx.glyphs.done, Role::Good, " called: ")
            } else {
                (cx.glyphs.alert, Role::Bad, " must be called first: ")
            };
            let mut spans = vec![safe::lit("  ", text), safe::lit(sign, cx.of(role)), safe::lit(word, cx.of(role))];
            spans.extend(words::prose(cx, point, columns, text));
            Line::from(spans)
        }
        Row::Step(nth, step) => {
            let (runbook, step) = (&all[nth], &all[nth].steps[step]);
            let (word, role) = if step.reads { ("looks  ", Role::Good) } else { ("changes", Role::Changed) };
            let (state, state_role) = stands(cx, incident, runbook, step);
            let mut spans = vec![
                safe::lit("  ", text),
                safe::lit(word, cx.of(role)),
                safe::made(format!("  {state:<16} "), cx.of(state_role)),
            ];
            // Where several stand under one heading, each has a name of its own.
            let alone = runbook.steps.iter().filter(|other| other.heading == step.heading).count() == 1;
            let name = if step.heading.is_empty() || !alone { &step.name } else { &step.heading };
            spans.extend(words::prose(cx, name, columns / 3, text));
            if let Some(read) = incident.and_then(|incident| last(&incident.hands, runbook, step)) {
                spans.push(safe::lit("  ", text));
                spans.push(safe::lit(cx.glyphs.quote, cx.of(Role::Untrusted)));
                spans.push(safe::lit(" ", text));
                spans.extend(words::prose(cx, &read.finding, columns, text));
            }
            Line::from(spans)
        }
    }
}

/// What the step under the cursor is, in full.
pub(super) fn below(
    cx: &Cx<'_>,
    incident: Option<&IncidentView>,
    all: &[Offered],
    row: Option<Row>,
) -> Vec<Line<'static>> {
    let (text, muted) = (cx.of(Role::Text), cx.of(Role::Muted));
    let columns = usize::from(cx.area.width);
    let key = cx.keymap.first(Action::ViewOpen).unwrap_or_else(|| ":choose".to_owned());
    let told = |lines: &mut Vec<Line<'static>>, what: &'static str, said: &Untrusted| {
        let mut spans: Vec<Span<'static>> = vec![safe::lit(what, muted)];
        spans.extend(words::whole(cx, said, Policy::Prose, text));
        lines.extend(words::wrap(spans, columns, what.len()));
    };
    let mut lines = Vec::new();
    match row {
        None => {}
        Some(Row::Runbook(nth)) => {
            told(&mut lines, "runbook   ", &all[nth].name);
            if let Some(incident) = incident {
                lines.extend(procedure::whole(cx, incident, &all[nth], &key));
            }
            for gone in all[nth].wont_return.iter().flatten() {
                told(&mut lines, "stays     ", gone);
            }
        }
        Some(Row::Point(..)) => {
            let call = cx.keymap.first(Action::ViewCall).unwrap_or_else(|| ":call".to_owned());
            let does =
                format!("{key} records that you called them; it calls nobody. {call} proposes to call them from here.");
            lines.extend(words::wrapped(&does, columns, muted));
        }
        Some(Row::Step(nth, step)) => {
            let step = &all[nth].steps[step];
            if !step.about.is_empty() {
                told(&mut lines, "about     ", &step.about);
            }
            match &step.request {
                Ok(request) => lines.extend(request_lines(cx, request, columns)),
                Err(why) => told(&mut lines, "cannot    ", &why.as_str().into()),
            }
            told(&mut lines, "because   ", &step.why);
            for wait in
                incident.map(|incident| procedure::waits(cx, incident, &all[nth], &step.name)).unwrap_or_default()
            {
                told(&mut lines, "waits     ", &wait.into());
            }
            if let Some(undo) = &step.rollback {
                told(&mut lines, "undone by ", undo);
            }
            if let Some(verify) = &step.verify {
                told(&mut lines, "checked by ", verify);
            }
            let does = match (step.reads, step.missing.is_empty()) {
                (_, false) => format!("{key} asks for {} value(s) first.", step.missing.len()),
                (true, true) => format!("{key} runs it where it cannot change anything."),
                (false, true) => format!("{key} proposes it; nothing runs before it is approved."),
            };
            lines.push(Line::from(safe::made(does, muted)));
        }
    }
    lines
}

/// What would run, in a line or two.
fn request_lines(cx: &Cx<'_>, request: &Request, columns: usize) -> Vec<Line<'static>> {
    let what = match request {
        Request::Http { .. } => "asks      ",
        Request::Process { .. } => "runs      ",
        Request::Sql { .. } => "queries   ",
    };
    let mut spans = vec![safe::lit(what, cx.of(Role::Muted))];
    for (nth, word) in request.texts().into_iter().filter(|word| !word.is_empty()).enumerate() {
        if nth > 0 {
            spans.push(safe::lit(" ", cx.of(Role::Text)));
        }
        spans.extend(words::whole(cx, word, Policy::Exact, cx.of(Role::New)));
    }
    words::wrap(spans, columns, what.len())
}

pub(super) fn last_of(incident: &IncidentView, runbook: &Offered, step: &OfferedStep) -> Option<crate::event::Seq> {
    last(&incident.hands, runbook, step).map(|read| read.seq)
}
