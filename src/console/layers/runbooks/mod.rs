//! Runbooks that fit the incident: why, their steps, what each step would run and what it last said. A reading step runs at a
//! key; a step that changes something is proposed, and asks for its approval like any plan.

mod procedure;
mod rows;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

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
use crate::engine::view::{IncidentView, Opens};
use crate::event::{IncidentId, Policy, Untrusted};
use crate::response::runbook::Facts;
use crate::response::{Act, CallAt, Offered, PointAt, StepAt};

use rows::Row;

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
    then: Then,
    typed: Prompt,
}

/// What is done with a step once its values are known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It runs.
    Run,
    /// It is proposed.
    Propose,
    /// The procedure it is of is rehearsed.
    Rehearse,
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
            Some(Row::Runbook(nth)) if !self.all()[nth].stages.is_empty() => {
                let runbook = &self.all()[nth];
                let mut missing: Vec<Untrusted> = Vec::new();
                for input in runbook.steps.iter().flat_map(|step| &step.missing) {
                    if !missing.contains(input) {
                        missing.push(input.clone());
                    }
                }
                let at = self.step_at(runbook, &Untrusted::default());
                self.with_values(at, missing, Then::Rehearse)
            }
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
                let then = if step.reads { Then::Run } else { Then::Propose };
                self.with_values(self.step_at(runbook, &step.name), step.missing.clone(), then)
            }
        }
    }

    /// Proposes to call whom the point under the cursor names.
    fn call(&self) -> Answer {
        let Some(Row::Point(nth, point)) = self.row() else {
            return Answer::ask(Ask::Say("Choose somebody who must be called first.".to_owned()));
        };
        let point = Some(PointAt::Named(self.all()[nth].points[point].0.clone()));
        let call = CallAt { to: None, point, why: Untrusted::default(), seen: self.seen.clone() };
        Answer::Done(vec![
            Ask::Close,
            Ask::Say("Proposing to call them; nothing is sent before somebody approves it.".to_owned()),
            Ask::Perform(self.incident, Act::ProposeCall(Box::new(call))),
            Ask::Focus(crate::console::pane::PaneKind::Actions),
        ])
    }

    fn step_at(&self, runbook: &Offered, step: &Untrusted) -> Box<StepAt> {
        Box::new(StepAt {
            runbook: runbook.name.clone(),
            step: step.clone(),
            values: std::collections::BTreeMap::new(),
            seen: self.seen.clone(),
        })
    }

    /// Asks for the values that nobody knows, or goes on where there are none.
    fn with_values(&mut self, at: Box<StepAt>, missing: Vec<Untrusted>, then: Then) -> Answer {
        if missing.is_empty() {
            return self.perform(*at, then);
        }
        self.asking = Some(Asking { at, missing, then, typed: Prompt::default() });
        Answer::done()
    }

    fn perform(&self, at: StepAt, then: Then) -> Answer {
        let (said, act) = match then {
            Then::Run => return Answer::ask(Ask::Look(self.incident, Box::new(at))),
            Then::Propose => {
                ("Proposing it; nothing runs before somebody approves it.", Act::ProposeStep(Box::new(at)))
            }
            Then::Rehearse => (
                "Rehearsing it: only what cannot change anything runs …",
                Act::Rehearse { runbook: at.runbook, values: at.values, seen: Box::new(at.seen) },
            ),
        };
        let mut asks = vec![Ask::Say(said.to_owned()), Ask::Perform(self.incident, act)];
        if then == Then::Propose {
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
            return self.perform(*asking.at, asking.then);
        }
        self.asking = Some(asking);
        Answer::done()
    }
}

fn incident<'a>(cx: &Cx<'a>, id: IncidentId) -> Option<&'a IncidentView> {
    cx.live.incidents.items.iter().find(|incident| incident.id == id).map(AsRef::as_ref)
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
        let below = rows::below(cx, incident(cx, self.incident), self.all(), self.row()).len() + 1;
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
            Action::ViewCall => return self.call(),
            Action::ViewToggle => {
                let Some(Row::Step(nth, step)) = self.row() else { return Answer::done() };
                let (runbook, step) = (&self.all()[nth], &self.all()[nth].steps[step]);
                let read = incident(cx, self.incident).and_then(|incident| rows::last_of(incident, runbook, step));
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
            None => rows::below(cx, here, all, self.row()),
        };
        let room =
            cx.area.height.saturating_sub(u16::try_from(below.len()).unwrap_or(u16::MAX).saturating_add(1)).max(1);
        for (row, (nth, what)) in (0..room).zip(rows.iter().enumerate().skip(self.scroll.top())) {
            safe::put(buf, cx.area, row, rows::line(cx, here, all, *what), cx.glyphs.cut);
            if nth == self.at {
                buf.set_style(Rect { y: cx.area.y + row, height: 1, ..cx.area }, cx.of(Role::Cursor));
            }
        }
        for (row, line) in (room + 1..cx.area.height).zip(below) {
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
        }
    }
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
