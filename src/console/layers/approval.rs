//! The answer to a plan: what exactly would run, and a key that is dead until all of it was on the screen.

mod lines;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::prompt::Prompt;
use super::scroll::Scroll;
use crate::console::action::Action;
use crate::console::glyph::Glyphs;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::update::GRAVE_PAUSE;
use crate::engine::view::{ActionState, ActionView};
use crate::event::{IncidentId, Plan, PlanId, Purpose, Untrusted};
use crate::response::{Act, CallAt, PointAt, asked_to_type, needs_second_person};

/// The layer of an approval.
pub struct Approval {
    id: PlanId,
    incident: IncidentId,
    plan: std::sync::Arc<Plan>,
    glyphs: &'static Glyphs,
    lines: Vec<Line<'static>>,
    laid_out: Option<(u16, String)>,
    scroll: Scroll,
    /// When it first got to the screen.
    painted: Option<Duration>,
    /// For how long it has been there.
    open_for: Option<Duration>,
    /// Whether its last line was on the screen.
    seen_whole: bool,
    /// What became of the plan meanwhile.
    over: Option<&'static str>,
    mode: Mode,
    /// Why the second person is passed over.
    glass: Option<String>,
}

enum Mode {
    /// Looking at it.
    Looking,
    /// Typing the digits that approve.
    Typing(Prompt),
    /// Typing the reason for refusing.
    Refusing(Prompt),
    /// Typing the reason for going on without a second person.
    Breaking(Prompt),
}

impl Approval {
    /// Asks for the answer to a plan, exactly as it is now.
    #[must_use]
    pub fn new(action: &ActionView, glyphs: &'static Glyphs) -> Self {
        Self {
            // The identity of the very bytes shown, not of what somebody says they are.
            id: action.plan.id(),
            incident: action.plan.incident,
            plan: action.plan.clone(),
            glyphs,
            lines: Vec::new(),
            laid_out: None,
            scroll: Scroll::default(),
            painted: None,
            open_for: None,
            seen_whole: false,
            over: (action.plan.id() != action.id).then_some("its bytes are not what its name says: it must not run"),
            mode: Mode::Looking,
            glass: None,
        }
    }

    /// What has to be typed to approve it: what the policy asks for, or the digest's first digits where the text could
    /// look like something else; `None` = a key is enough.
    fn phrase(&self) -> Option<String> {
        let by_looks = || (!lines::is_plain(&self.plan)).then(|| self.id.to_string().chars().take(6).collect());
        asked_to_type(&self.plan).or_else(by_looks)
    }

    fn awake(&self, cx: &Cx<'_>) -> bool {
        self.painted.is_some_and(|at| cx.now.mono.saturating_sub(at) >= GRAVE_PAUSE)
    }

    fn approve(&self, typed: Option<String>) -> Answer {
        let act = Act::Approve {
            plan: self.id,
            typed: typed.map(Into::into),
            glass: self.glass.as_deref().map(Into::into),
            read_ms: self.open_for.map(|open| u64::try_from(open.as_millis()).unwrap_or(u64::MAX)),
        };
        Answer::Done(vec![
            Ask::Close,
            Ask::Say("Recording the approval …".to_owned()),
            Ask::Perform(self.incident, act),
        ])
    }

    fn yes(&mut self) -> Answer {
        if let Some(why) = self.over {
            return Answer::ask(Ask::Complain(format!("This plan cannot be approved: {why}.")));
        }
        if !self.seen_whole {
            return Answer::ask(Ask::Say("Not all of it was on the screen yet: go to its end first.".to_owned()));
        }
        if self.phrase().is_some() {
            self.mode = Mode::Typing(Prompt::default());
            return Answer::done();
        }
        self.approve(None)
    }

    /// Begins to pass over the second person, where one is asked for, or the time a stage must hold.
    fn break_glass(&mut self) -> Answer {
        let staged = matches!(self.plan.purpose, Purpose::RollBack { .. });
        if !staged && !needs_second_person(&self.plan) {
            let why = "It asks for no second person and waits for no stage: there is no glass to break.";
            return Answer::ask(Ask::Say(why.to_owned()));
        }
        if !self.seen_whole {
            return Answer::ask(Ask::Say("Not all of it was on the screen yet: go to its end first.".to_owned()));
        }
        self.mode = Mode::Breaking(Prompt::default());
        Answer::done()
    }

    /// Proposes to call whoever must be called before this.
    fn call_first(&self, cx: &Cx<'_>) -> Answer {
        if self.plan.asks.as_ref().is_none_or(|asks| asks.first.is_empty()) {
            return Answer::ask(Ask::Say("Nobody has to be called before this plan.".to_owned()));
        }
        let seen = cx.live.incidents.items.iter().find(|incident| incident.id == self.incident);
        let call = CallAt {
            to: None,
            point: Some(PointAt::Before(self.id)),
            why: Untrusted::default(),
            seen: seen.map(|incident| incident.runbook_facts()).unwrap_or_default(),
        };
        Answer::Done(vec![
            Ask::Close,
            Ask::Say("Proposing to call them; nothing is sent before somebody approves it.".to_owned()),
            Ask::Perform(self.incident, Act::ProposeCall(Box::new(call))),
        ])
    }

    fn typing(&mut self, input: &Input) -> Answer {
        let phrase = self.phrase().unwrap_or_default();
        let over = self.over;
        let (Mode::Typing(prompt) | Mode::Refusing(prompt) | Mode::Breaking(prompt)) = &mut self.mode else {
            return Answer::Ignored;
        };
        match input {
            // What approves is typed by hand.
            Input::Paste(_) => return Answer::ask(Ask::Say("Pasted text is not taken here.".to_owned())),
            Input::Key(key) => {
                prompt.press(*key);
            }
            Input::Do(command) => match command.action {
                Action::InputCancel => self.mode = Mode::Looking,
                Action::InputClear => prompt.clear(),
                Action::InputAccept => {
                    let typed = prompt.text();
                    if matches!(self.mode, Mode::Refusing(_)) {
                        let act = Act::Deny { plan: self.id, reason: typed.into() };
                        return Answer::Done(vec![Ask::Close, Ask::Perform(self.incident, act)]);
                    }
                    if matches!(self.mode, Mode::Breaking(_)) {
                        if typed.trim().is_empty() {
                            return Answer::ask(Ask::Complain(
                                "An emergency has a reason; nothing was approved.".to_owned(),
                            ));
                        }
                        self.glass = Some(typed.trim().to_owned());
                        self.mode = Mode::Looking;
                        return self.yes();
                    }
                    if let Some(why) = over {
                        return Answer::ask(Ask::Complain(format!("This plan cannot be approved: {why}.")));
                    }
                    if typed.trim() != phrase || phrase.is_empty() {
                        return Answer::ask(Ask::Complain(format!("That is not {phrase}; nothing was approved.")));
                    }
                    return self.approve(Some(typed.trim().to_owned()));
                }
                _ => return Answer::Ignored,
            },
        }
        Answer::done()
    }
}

impl Layer for Approval {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let text = format!(" Approve? plan {}, tier {} ", self.id, self.plan.tier.0);
        self.scroll.beside(cx, safe::made(text, cx.of(Role::DialogDanger)).into(), "  ")
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        match self.mode {
            Mode::Looking => Context::Dialog,
            Mode::Typing(_) | Mode::Refusing(_) | Mode::Breaking(_) => Context::Input,
        }
    }

    fn hints(&self) -> &'static [Action] {
        match self.mode {
            Mode::Looking => &[Action::Yes, Action::Refuse, Action::No, Action::PageDown, Action::Bottom],
            Mode::Typing(_) | Mode::Refusing(_) | Mode::Breaking(_) => &[Action::InputAccept, Action::InputCancel],
        }
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let wanted = (cx.area.width, cx.theme.name.clone());
        if self.laid_out.as_ref() != Some(&wanted) {
            self.lines = lines::lay_out(&self.plan, self.id, cx, self.glyphs);
            self.laid_out = Some(wanted);
            self.seen_whole = false;
        }
        self.scroll.settle(self.lines.len(), cx.area.height.saturating_sub(FOOT));
        let now = cx
            .live
            .incidents
            .items
            .iter()
            .flat_map(|incident| &incident.actions)
            .find(|action| action.id == self.id)
            .map(|action| &action.state);
        self.over = self.over.or(match now {
            Some(ActionState::Proposed) if cx.now.wall > self.plan.approve_by => {
                Some("its time to be approved is over")
            }
            Some(ActionState::Proposed) => None,
            Some(ActionState::Denied { .. }) => Some("it was refused meanwhile"),
            Some(ActionState::Approved { .. } | ActionState::Started { .. }) => Some("it was approved meanwhile"),
            Some(ActionState::Finished { .. }) => Some("it was executed meanwhile"),
            None => Some("it is not there any more"),
        });
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        // Keys typed before it could be seen were meant for something else.
        if !self.awake(cx) {
            return Answer::done();
        }
        self.open_for = self.painted.map(|at| cx.now.mono.saturating_sub(at));
        if !matches!(self.mode, Mode::Looking) {
            return self.typing(input);
        }
        match input {
            Input::Paste(_) => Answer::ask(Ask::Say("Pasted text never approves anything.".to_owned())),
            Input::Key(_) => Answer::Ignored,
            Input::Do(command) => match command.action {
                Action::Yes => self.yes(),
                Action::Glass => self.break_glass(),
                Action::CallFirst => self.call_first(cx),
                Action::Refuse => {
                    self.mode = Mode::Refusing(Prompt::default());
                    Answer::done()
                }
                Action::No | Action::Enter => Answer::Done(vec![
                    Ask::Close,
                    Ask::Say("Not approved. The plan waits until its time is over.".to_owned()),
                ]),
                action if self.scroll.follow(action) => Answer::done(),
                _ => Answer::Ignored,
            },
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let body = Rect { height: cx.area.height.saturating_sub(FOOT), ..cx.area };
        self.scroll.draw(&self.lines, cx, body, buf);
        let foot = cx.area.height.saturating_sub(1);
        let muted = cx.of(Role::Muted);
        let line = match (&self.mode, self.over) {
            (_, Some(why)) => Line::from(safe::made(format!("Cannot be approved: {why}."), cx.of(Role::StatusError))),
            (Mode::Typing(prompt), _) => {
                let mut line = Line::from(safe::made(
                    format!("Type {} and enter: ", self.phrase().unwrap_or_default()),
                    cx.of(Role::Key),
                ));
                line.spans.extend(prompt.drawn(cx, 20).0.spans);
                line
            }
            (Mode::Refusing(prompt), _) => {
                let mut line = Line::from(safe::lit("Why not? ", cx.of(Role::Key)));
                line.spans.extend(prompt.drawn(cx, cx.area.width.saturating_sub(10)).0.spans);
                line
            }
            (Mode::Breaking(prompt), _) => {
                let mut line = Line::from(safe::lit("What is the emergency? ", cx.of(Role::DialogDanger)));
                line.spans.extend(prompt.drawn(cx, cx.area.width.saturating_sub(24)).0.spans);
                line
            }
            (Mode::Looking, _) if !self.seen_whole && !self.scroll.at_end() => {
                Line::from(safe::lit("Read on: it can be approved once its end was on the screen.", muted))
            }
            (Mode::Looking, _) => Line::from(vec![
                safe::made(cx.keymap.first(Action::Yes).unwrap_or_default(), cx.of(Role::Key)),
                safe::lit(" runs exactly this once; ", muted),
                safe::made(cx.keymap.first(Action::No).unwrap_or_default(), cx.of(Role::Key)),
                safe::lit(" or enter does not", muted),
            ]),
        };
        safe::put(buf, cx.area, foot, line, cx.glyphs.cut);
    }

    fn cursor(&self, cx: &Cx<'_>) -> Option<(u16, u16)> {
        let (before, prompt, width) = match &self.mode {
            Mode::Looking => return None,
            Mode::Typing(prompt) => (16 + u16::try_from(self.phrase()?.len()).ok()?, prompt, 20),
            Mode::Refusing(prompt) => (9, prompt, cx.area.width.saturating_sub(10)),
            Mode::Breaking(prompt) => (23, prompt, cx.area.width.saturating_sub(24)),
        };
        let column = before + prompt.drawn(cx, width).1;
        (column < cx.area.width && cx.area.height > 0)
            .then(|| (cx.area.x + column, cx.area.y + cx.area.height.saturating_sub(1)))
    }

    fn painted(&mut self, cx: &Cx<'_>) -> bool {
        let before = (self.painted.is_some(), self.seen_whole);
        self.painted.get_or_insert(cx.now.mono);
        self.seen_whole |= self.scroll.at_end();
        before != (true, self.seen_whole)
    }

    fn grave(&self) -> bool {
        true
    }
}

/// Rows kept for the answer.
const FOOT: u16 = 2;

#[cfg(test)]
mod tests;
