//! Runbooks that fit the incident: why, their steps, what each step would run and what it last said. A reading step runs at a
//! key; a step that changes something is proposed, and asks for its approval like any plan.

#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::action::Action;
use crate::console::errand::{Errand, Found};
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::layers::prompt::Prompt;
use crate::console::layers::scroll::Scroll;
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::{list, words};
use crate::engine::view::{ActionState, HandsView, IncidentView, Opens, ReadLine};
use crate::event::{IncidentId, Outcome, Policy, ReadEnd, Request, Untrusted};
use crate::response::runbook::Facts;
use crate::response::{Act, Offered, OfferedStep, StepAt};

/// The layer of the runbooks.
pub struct Runbooks {
    incident: IncidentId,
    seen: Facts,
    /// `None` while they are looked for.
    offered: Option<Result<Vec<Offered>, Untrusted>>,
    /// The row of the cursor among runbooks, points and steps.
    at: usize,
    scroll: Scroll,
    /// Values a person gives, one after the other, before a step runs.
    asking: Option<Asking>,
}

/// Inputs of a step that nobody knows but the person.
struct Asking {
    at: Box<StepAt>,
    missing: Vec<Untrusted>,
    reads: bool,
    typed: Prompt,
}

/// What a row stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    Runbook(usize),
    Point(usize, usize),
    Step(usize, usize),
}

impl Runbooks {
    /// The runbooks for an incident, and what looks for them.
    #[must_use]
    pub fn new(incident: &IncidentView) -> (Self, Errand) {
        let seen = incident.runbook_facts();
        let errand = Errand::Offer(incident.id, Box::new(seen.clone()));
        let layer = Self { incident: incident.id, seen, offered: None, at: 0, scroll: Scroll::default(), asking: None };
        (layer, errand)
    }

    fn all(&self) -> &[Offered] {
        self.offered.as_ref().and_then(|offered| offered.as_deref().ok()).unwrap_or_default()
    }

    fn rows(&self) -> Vec<Row> {
        let all = self.all().iter().enumerate();
        all.flat_map(|(nth, runbook)| {
            let points = (0..runbook.points.len()).map(move |point| Row::Point(nth, point));
            let steps = (0..runbook.steps.len()).map(move |step| Row::Step(nth, step));
            [Row::Runbook(nth)].into_iter().chain(points).chain(steps)
        })
        .collect()
    }

    fn row(&self) -> Option<Row> {
        self.rows().get(self.at).copied()
    }

    /// Runs or proposes the step under the cursor, or says that somebody was called.
    fn go(&mut self) -> Answer {
        match self.row() {
            None | Some(Row::Runbook(_)) => Answer::ask(Ask::Say("Choose one of its steps.".to_owned())),
            Some(Row::Point(nth, point)) => {
                let (point, called) = &self.all()[nth].points[point];
                if *called {
                    return Answer::ask(Ask::Say("That somebody was called is on record.".to_owned()));
                }
                let whom = point.raw().split(':').next().unwrap_or_default();
                let act = Act::Called { point: point.clone(), whom: whom.into(), how: "by the responder".into() };
                Answer::Done(vec![Ask::Perform(self.incident, act), self.look()])
            }
            Some(Row::Step(nth, step)) => {
                let runbook = &self.all()[nth];
                let step = &runbook.steps[step];
                let at = Box::new(StepAt {
                    runbook: runbook.name.clone(),
                    step: step.name.clone(),
                    values: std::collections::BTreeMap::new(),
                    seen: self.seen.clone(),
                });
                let (reads, missing) = (step.reads, step.missing.clone());
                if missing.is_empty() {
                    return self.perform(at, reads);
                }
                self.asking = Some(Asking { at, missing, reads, typed: Prompt::default() });
                Answer::done()
            }
        }
    }

    fn perform(&self, at: Box<StepAt>, reads: bool) -> Answer {
        let (said, act) = if reads {
            ("It runs where it cannot change anything; what it says comes here.", Act::RunStep(at))
        } else {
            ("Proposing it; nothing runs before somebody approves it.", Act::ProposeStep(at))
        };
        let mut asks = vec![Ask::Say(said.to_owned()), Ask::Perform(self.incident, act)];
        if !reads {
            // The plan that waits is among the actions.
            asks.insert(0, Ask::Close);
            asks.push(Ask::Focus(crate::console::pane::PaneKind::Actions));
        }
        Answer::Done(asks)
    }

    fn look(&self) -> Ask {
        Ask::Errand(Errand::Offer(self.incident, Box::new(self.seen.clone())))
    }

    /// One value was typed.
    fn typed(&mut self) -> Answer {
        let Some(mut asking) = self.asking.take() else { return Answer::done() };
        if asking.typed.text().is_empty() {
            self.asking = Some(asking);
            return Answer::ask(Ask::Say("It needs a value.".to_owned()));
        }
        if !asking.missing.is_empty() {
            let name = asking.missing.remove(0);
            asking.at.values.insert(name, asking.typed.text().as_str().into());
            asking.typed = Prompt::default();
        }
        if asking.missing.is_empty() {
            return self.perform(asking.at, asking.reads);
        }
        self.asking = Some(asking);
        Answer::done()
    }
}

/// How a step stands: what it last said, or how far its plan is.
fn stands(cx: &Cx<'_>, incident: Option<&IncidentView>, runbook: &Offered, step: &OfferedStep) -> (String, Role) {
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

fn incident<'a>(cx: &Cx<'a>, id: IncidentId) -> Option<&'a IncidentView> {
    cx.live.incidents.items.iter().find(|incident| incident.id == id).map(AsRef::as_ref)
}

/// One row.
fn line(cx: &Cx<'_>, incident: Option<&IncidentView>, all: &[Offered], row: Row) -> Line<'static> {
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
fn below(cx: &Cx<'_>, all: &[Offered], row: Option<Row>) -> Vec<Line<'static>> {
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
            for gone in all[nth].wont_return.iter().flatten() {
                told(&mut lines, "stays     ", gone);
            }
        }
        Some(Row::Point(..)) => {
            lines.push(Line::from(safe::made(format!("{key} records that you called them; it calls nobody."), muted)));
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

impl Layer for Runbooks {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let count = match &self.offered {
            None => "looking …".to_owned(),
            Some(Err(_)) => "not readable".to_owned(),
            Some(Ok(all)) if all.len() == 1 => "1 fits".to_owned(),
            Some(Ok(all)) => format!("{} fit", all.len()),
        };
        Line::from(safe::made(format!(" Runbooks for {}: {count} ", self.incident), cx.of(Role::DialogTitle)))
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        if self.asking.is_some() { Context::Input } else { Context::Viewer }
    }

    fn hints(&self) -> &'static [Action] {
        if self.asking.is_some() {
            return &[Action::InputAccept, Action::InputCancel];
        }
        &[Action::Up, Action::Down, Action::ViewOpen, Action::ViewToggle, Action::ViewClose, Action::ViewHelp]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let rows = self.rows();
        self.at = self.at.min(rows.len().saturating_sub(1));
        let below = below(cx, self.all(), self.row()).len() + 1;
        let room = usize::from(cx.area.height).saturating_sub(below).max(1);
        self.scroll.settle(rows.len(), u16::try_from(room).unwrap_or(u16::MAX));
        self.scroll.keep(self.at, self.at);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        if let Some(asking) = &mut self.asking {
            return match input.action() {
                Some(Action::InputAccept) => self.typed(),
                Some(Action::InputCancel) => {
                    self.asking = None;
                    Answer::done()
                }
                _ => {
                    match input {
                        Input::Key(key) => drop(asking.typed.press(*key)),
                        Input::Paste(text) => asking.typed.paste(text),
                        Input::Do(_) => {}
                    }
                    Answer::done()
                }
            };
        }
        let Some(action) = input.action() else { return Answer::Ignored };
        let last = self.rows().len().saturating_sub(1);
        match action {
            Action::ViewClose => return Answer::ask(Ask::Close),
            Action::Up => self.at = self.at.saturating_sub(1),
            Action::Down => self.at = (self.at + 1).min(last),
            Action::Top => self.at = 0,
            Action::Bottom => self.at = last,
            Action::PageUp => self.at = self.at.saturating_sub(10),
            Action::PageDown => self.at = (self.at + 10).min(last),
            Action::ViewOpen => return self.go(),
            Action::ViewToggle => {
                let Some(Row::Step(nth, step)) = self.row() else { return Answer::done() };
                let (runbook, step) = (&self.all()[nth], &self.all()[nth].steps[step]);
                let read = incident(cx, self.incident).and_then(|incident| last_of(incident, runbook, step));
                return match read {
                    Some(seq) => Answer::ask(Ask::Open(Opens::Entry { seq })),
                    None => Answer::ask(Ask::Say("It has not run yet: there is nothing it said.".to_owned())),
                };
            }
            _ => return Answer::Ignored,
        }
        Answer::done()
    }

    fn found(&mut self, found: &Found) -> Answer {
        match found {
            Found::Offered(id, offered) if *id == self.incident => {
                let first = self.offered.is_none();
                self.offered = Some(offered.clone());
                if first {
                    // The first thing that can be done.
                    self.at = self.rows().iter().position(|row| matches!(row, Row::Step(..))).unwrap_or(0);
                }
                Answer::done()
            }
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        match &self.offered {
            None => {
                let line = Line::from(safe::lit("Looking for runbooks that fit …", cx.of(Role::Muted)));
                return safe::put(buf, cx.area, 0, line, cx.glyphs.cut);
            }
            Some(Err(error)) => {
                let lines = words::paragraphs(cx, error, Policy::Prose, usize::from(cx.area.width), cx.of(Role::Bad));
                for (row, line) in (0..cx.area.height).zip(lines) {
                    safe::put(buf, cx.area, row, line, cx.glyphs.cut);
                }
                return;
            }
            Some(Ok(all)) if all.is_empty() => {
                return list::empty(
                    cx,
                    buf,
                    "No runbook fits this incident",
                    "Yours are Markdown files in a folder: dir under [runbooks] in the configuration. What is between their fences becomes steps.",
                );
            }
            Some(Ok(_)) => {}
        }
        let (all, rows) = (self.all(), self.rows());
        let here = incident(cx, self.incident);
        let below = match &self.asking {
            Some(asking) => asked(cx, asking),
            None => below(cx, all, self.row()),
        };
        let room =
            cx.area.height.saturating_sub(u16::try_from(below.len()).unwrap_or(u16::MAX).saturating_add(1)).max(1);
        for (row, (nth, what)) in (0..room).zip(rows.iter().enumerate().skip(self.scroll.top())) {
            safe::put(buf, cx.area, row, line(cx, here, all, *what), cx.glyphs.cut);
            if nth == self.at {
                buf.set_style(Rect { y: cx.area.y + row, height: 1, ..cx.area }, cx.of(Role::Cursor));
            }
        }
        for (row, line) in (room + 1..cx.area.height).zip(below) {
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
        }
    }
}

fn last_of(incident: &IncidentView, runbook: &Offered, step: &OfferedStep) -> Option<crate::event::Seq> {
    last(&incident.hands, runbook, step).map(|read| read.seq)
}

/// The line in which a value is typed.
fn asked(cx: &Cx<'_>, asking: &Asking) -> Vec<Line<'static>> {
    let name = asking.missing.first().map_or("", Untrusted::raw);
    let mut spans = vec![safe::made(format!("{}: ", safe::clean(name, Policy::Exact)), cx.of(Role::Title))];
    spans.push(safe::made(safe::clean(&asking.typed.text(), Policy::Exact), cx.of(Role::Text)));
    vec![
        Line::from(spans),
        Line::from(safe::lit(
            "What the incident does not know. It is put in as one word; no shell reads it.",
            cx.of(Role::Muted),
        )),
    ]
}
