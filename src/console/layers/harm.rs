//! Harm and what holds it: whom bad runs met, what they did that cannot be undone, what can be stopped, what is frozen.

mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::rows::{Item, Row};
use crate::console::action::Action;
use crate::console::details::{Detail, Loaded, Want};
use crate::console::errand::{Errand, Found};
use crate::console::freezing;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::layers::prompt::Prompt;
use crate::console::layers::scroll::Scroll;
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::engine::view::{Freezing, IncidentView, Opens, StopState};
use crate::event::{HarmStatus, IncidentId, Policy, TraceId, Untrusted};
use crate::response::{Act, Stop};
use crate::surface::harm::Harm;

/// See the top of this file.
pub struct HarmLayer {
    incident: IncidentId,
    /// The bad runs as they were when this was opened: nothing moves while it is read.
    bad: Arc<[TraceId]>,
    /// Those that were too many to be named even then.
    hidden: u64,
    /// `None` while the list is asked for.
    stops: Option<Vec<Stop>>,
    items: Vec<Item>,
    /// The item of the cursor.
    at: usize,
    scroll: Scroll,
    /// A freeze while it is typed.
    asking: Option<Prompt>,
}

impl HarmLayer {
    /// For an incident, and what asks what the team can stop.
    #[must_use]
    pub fn new(incident: &IncidentView) -> (Self, Errand) {
        let layer = Self {
            incident: incident.id,
            bad: incident.bad_runs.items.as_slice().into(),
            hidden: incident.bad_runs.hidden,
            stops: None,
            items: Vec::new(),
            at: 0,
            scroll: Scroll::default(),
            asking: None,
        };
        (layer, Errand::StopList)
    }

    fn want(&self) -> Want {
        Want::Harm(Arc::clone(&self.bad))
    }

    fn loaded(&self, cx: &Cx<'_>) -> Loaded {
        cx.detail(&self.want())
    }

    fn row(&self) -> Option<&Row> {
        match self.items.get(self.at)? {
            Item::Row(row) => Some(row),
            Item::Line(_) => None,
        }
    }

    /// The next row from here in a direction; where there is none, here.
    fn step(&mut self, down: bool, by: usize) {
        for _ in 0..by {
            let next = if down {
                (self.at + 1..self.items.len()).find(|nth| matches!(self.items[*nth], Item::Row(_)))
            } else {
                (0..self.at).rev().find(|nth| matches!(self.items[*nth], Item::Row(_)))
            };
            let Some(next) = next else { return };
            self.at = next;
        }
    }

    fn go(&mut self, cx: &Cx<'_>) -> Answer {
        let Some(here) = incident(cx, self.incident) else { return Answer::done() };
        match self.row().cloned() {
            None => Answer::done(),
            Some(Row::Freeze) => match here.freeze.as_ref().map(|freeze| freeze.at(cx.now.wall)) {
                Some(Freezing::Holds | Freezing::MayHold | Freezing::Stuck) => {
                    self.propose(Act::ProposeThaw, "Proposing to let changes go on")
                }
                _ => {
                    self.asking = Some(Prompt::with(&freezing::write(here)));
                    Answer::done()
                }
            },
            Some(Row::Stop(stop, _)) => {
                let item = Untrusted::from(stop.name.as_str());
                match here.stop_state(&item, cx.now.wall) {
                    StopState::Waits(plan) | StopState::Moves(plan) | StopState::Unknown(plan) => {
                        Answer::ask(Ask::Open(Opens::Plan { plan }))
                    }
                    StopState::Stopped(_) => {
                        self.propose(Act::ProposeStop { item, again: true }, "Proposing to let it go on")
                    }
                    StopState::Goes | StopState::LetGoOn(_) | StopState::Failed(_) => {
                        self.propose(Act::ProposeStop { item, again: false }, "Proposing to stop it")
                    }
                }
            }
            Some(Row::User(user)) => Answer::ask(Ask::Open(Opens::Run { trace: user.trace })),
            Some(Row::Deed(deed)) => {
                Answer::ask(Ask::Open(Opens::Step { trace: deed.trace, span: deed.span, beside: false }))
            }
        }
    }

    fn propose(&self, act: Act, what: &str) -> Answer {
        let said = format!("{what}; nothing is sent before somebody approves it.");
        // The plan that waits is among the actions.
        let focus = Ask::Focus(crate::console::pane::PaneKind::Actions);
        Answer::Done(vec![Ask::Say(said), Ask::Perform(self.incident, act), Ask::Close, focus])
    }

    /// The freeze was typed.
    fn typed(&mut self, cx: &Cx<'_>) -> Answer {
        let (Some(asking), Some(here)) = (self.asking.take(), incident(cx, self.incident)) else {
            return Answer::done();
        };
        match freezing::read(&asking.text(), here) {
            Ok(act) => self.propose(act, "Proposing to hold changes"),
            Err(why) => {
                self.asking = Some(asking);
                Answer::ask(Ask::Complain(why))
            }
        }
    }

    /// The status of what is under the cursor becomes the next.
    fn mark(&self, cx: &Cx<'_>) -> Answer {
        let item = match self.row() {
            Some(Row::User(user)) => user.item(),
            Some(Row::Deed(deed)) => deed.item(),
            _ => return Answer::ask(Ask::Say("Only users and what was done have a status.".to_owned())),
        };
        let now = incident(cx, self.incident).and_then(|here| here.hands.harm.get(&item)).map(|line| line.status);
        let status = match now {
            None | Some(HarmStatus::Open) => HarmStatus::Told,
            Some(HarmStatus::Told) => HarmStatus::Repaired,
            Some(HarmStatus::Repaired) => HarmStatus::Harmless,
            Some(HarmStatus::Harmless) => HarmStatus::Lost,
            Some(HarmStatus::Lost) => HarmStatus::Open,
        };
        let act = Act::MarkHarm { item, status, note: Untrusted::default() };
        Answer::ask(Ask::Perform(self.incident, act))
    }

    /// The other thing behind a row: who is held, whole; the run of a deed.
    fn other(&self, cx: &Cx<'_>) -> Answer {
        let freeze = || incident(cx, self.incident)?.freeze.as_ref();
        let opens = match self.row() {
            Some(Row::Freeze) => freeze().map(|freeze| match &freeze.held {
                Some(held) => Opens::Entry { seq: held.seq },
                None => Opens::Plan { plan: freeze.plan },
            }),
            Some(Row::Deed(deed)) => Some(Opens::Run { trace: deed.trace }),
            _ => None,
        };
        match opens {
            Some(opens) => Answer::ask(Ask::Open(opens)),
            None => Answer::ask(Ask::Say("There is nothing more behind it.".to_owned())),
        }
    }
}

pub(super) fn incident<'a>(cx: &Cx<'a>, id: IncidentId) -> Option<&'a IncidentView> {
    cx.live.incidents.items.iter().find(|incident| incident.id == id).map(AsRef::as_ref)
}

/// What was found of harm, where it is here.
fn harm(loaded: &Loaded) -> Option<&Harm> {
    match loaded {
        Loaded::Ready(detail) => match detail.as_ref() {
            Detail::Harm(harm) => Some(harm),
            _ => None,
        },
        Loaded::Loading | Loaded::Failed(_) => None,
    }
}

impl Layer for HarmLayer {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let now = incident(cx, self.incident).map_or(0, |it| it.bad_runs.items.len() as u64 + it.bad_runs.hidden);
        let news = now.saturating_sub(self.bad.len() as u64 + self.hidden);
        let news = if news > 0 { format!(": {news} bad runs more since it was opened") } else { String::new() };
        Line::from(safe::made(format!(" Harm of {}{news} ", self.incident), cx.of(Role::DialogTitle)))
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
        &[Action::Up, Action::Down, Action::ViewOpen, Action::ViewMark, Action::ViewToggle, Action::ViewClose]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let loaded = self.loaded(cx);
        let found = harm(&loaded);
        let first = self.items.is_empty();
        let Some(here) = incident(cx, self.incident) else { return };
        let was = self.row().cloned();
        self.items = rows::items(cx, here, found, self.stops.as_deref(), self.hidden);
        // The cursor stays on what it was on, however many lines came before it.
        let same =
            was.and_then(|was| self.items.iter().position(|item| matches!(item, Item::Row(row) if row.is(&was))));
        let any = || self.items.iter().position(|item| matches!(item, Item::Row(_)));
        self.at = match same {
            Some(at) if !first => at,
            _ => any().unwrap_or(0),
        };
        let fixed = rows::answer(cx, here, &loaded).len() + rows::below(cx, here, self.row()).len() + 2;
        let room = usize::from(cx.area.height).saturating_sub(fixed).max(1);
        self.scroll.settle(self.items.len(), u16::try_from(room).unwrap_or(u16::MAX));
        // What stands above the first row is seen with it.
        let from = if any() == Some(self.at) { 0 } else { self.at };
        self.scroll.keep(from, self.at);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        if let Some(asking) = &mut self.asking {
            return match input.action() {
                Some(Action::InputAccept) => self.typed(cx),
                Some(Action::InputCancel) => {
                    self.asking = None;
                    Answer::done()
                }
                _ => {
                    match input {
                        Input::Key(key) => drop(asking.press(*key)),
                        Input::Paste(text) => asking.paste(text),
                        Input::Do(_) => {}
                    }
                    Answer::done()
                }
            };
        }
        let Some(action) = input.action() else { return Answer::Ignored };
        match action {
            Action::ViewClose => return Answer::ask(Ask::Close),
            Action::Up => self.step(false, 1),
            Action::Down => self.step(true, 1),
            Action::PageUp => self.step(false, 10),
            Action::PageDown => self.step(true, 10),
            Action::Top => self.step(false, usize::MAX),
            Action::Bottom => self.step(true, usize::MAX),
            Action::ViewOpen => return self.go(cx),
            Action::ViewMark => return self.mark(cx),
            Action::ViewToggle => return self.other(cx),
            _ => return Answer::Ignored,
        }
        Answer::done()
    }

    fn found(&mut self, found: &Found) -> Answer {
        match found {
            Found::StopList(stops) => {
                self.stops = Some(stops.clone());
                Answer::done()
            }
            _ => Answer::Ignored,
        }
    }

    fn wants(&self, _cx: &Cx<'_>) -> Vec<Want> {
        vec![self.want()]
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let Some(here) = incident(cx, self.incident) else {
            let line = Line::from(safe::lit("The incident is not in view any more.", cx.of(Role::Muted)));
            return safe::put(buf, cx.area, 0, line, cx.glyphs.cut);
        };
        let loaded = self.loaded(cx);
        let answer = rows::answer(cx, here, &loaded);
        let below = match &self.asking {
            Some(asking) => asked(cx, asking),
            None => rows::below(cx, here, self.row()),
        };
        let mut row = 0;
        for line in answer {
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
            row += 1;
        }
        row += 1;
        let last = cx.area.height.saturating_sub(u16::try_from(below.len()).unwrap_or(u16::MAX).saturating_add(1));
        for (nth, item) in self.items.iter().enumerate().skip(self.scroll.top()) {
            if row >= last {
                break;
            }
            safe::put(buf, cx.area, row, item.line(cx, here), cx.glyphs.cut);
            if nth == self.at && matches!(item, Item::Row(_)) {
                buf.set_style(Rect { y: cx.area.y + row, height: 1, ..cx.area }, cx.of(Role::Cursor));
            }
            row += 1;
        }
        for (row, line) in (last + 1..cx.area.height).zip(below) {
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
        }
    }
}

/// The line in which a freeze is typed.
fn asked(cx: &Cx<'_>, asking: &Prompt) -> Vec<Line<'static>> {
    let spans = vec![
        safe::lit("hold changes for: ", cx.of(Role::Title)),
        safe::made(safe::clean(&asking.text(), Policy::Exact), cx.of(Role::Text)),
    ];
    let how =
        "Minutes, services, surfaces (model, prompt, retrieval, tool …; none of them = every one). Enter proposes it.";
    let mut lines = vec![Line::from(spans)];
    lines.extend(words::wrapped(how, usize::from(cx.area.width), cx.of(Role::Muted)));
    lines
}
