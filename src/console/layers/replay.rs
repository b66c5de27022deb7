//! Recorded runs, run again: chosen, shown with where they go and what they can cost, begun by a key of its own, watched.
//!
//! Nothing leaves this machine before the last of three steps: the form, the page that says exactly what would be sent, and
//! `yes` on that page. What runs goes on when the layer is closed; what it found is on record.

mod form;
mod page;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::scroll::Scroll;
use crate::console::action::Action;
use crate::console::errand::{Errand, Found};
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::update::GRAVE_PAUSE;
use crate::engine::view::{IncidentView, ReplayView};
use crate::event::{IncidentId, TraceId, Untrusted};
use crate::response::replay::{Offer, Ready};
use form::Form;

/// The layer of a replay.
pub struct Replay {
    incident: IncidentId,
    form: Form,
    mode: Mode,
    scroll: Scroll,
    lines: Vec<Line<'static>>,
    /// When the page that asks for the last word got to the screen, and whether all of it was there.
    painted: Option<Duration>,
    seen_whole: bool,
    /// The one that is watched has ended.
    over: bool,
}

enum Mode {
    /// Choosing.
    Form,
    /// The runs are read and the address is looked up.
    Preparing,
    /// All of it is on the screen, and waits for the last word.
    Sure(Box<Ready>),
    /// It is being recorded that it was asked for.
    Beginning,
    /// One that was begun, by its number.
    Watching(u64),
}

impl Replay {
    /// A replay for an incident, of one run or of a sample, and what has to be asked first; where an experiment runs, that one.
    ///
    /// # Errors
    /// There is no run that could be run again.
    pub fn new(
        incident: &IncidentView,
        run: Option<TraceId>,
        endpoints: &[Offer],
        cx: &Cx<'_>,
    ) -> Result<(Self, Option<Errand>), String> {
        let runs = incident.replays.iter().find(|one| one.ended.is_none());
        let form = Form::new(incident, run, endpoints, cx);
        if form.pools.is_empty() && runs.is_none() {
            return Err("No agent run was seen around this incident: there is nothing to run again.".to_owned());
        }
        let mode = runs.map_or(Mode::Form, |one| Mode::Watching(one.replay));
        let errand = Some(form.survey(incident)).filter(|_| !endpoints.is_empty());
        Ok((Self::in_mode(incident.id, form, mode), errand))
    }

    /// One that was begun, as far as it is.
    #[must_use]
    pub fn watching(incident: &IncidentView, replay: u64, endpoints: &[Offer], cx: &Cx<'_>) -> Self {
        Self::in_mode(incident.id, Form::new(incident, None, endpoints, cx), Mode::Watching(replay))
    }

    fn in_mode(incident: IncidentId, form: Form, mode: Mode) -> Self {
        Self {
            incident,
            form,
            mode,
            scroll: Scroll::default(),
            lines: Vec::new(),
            painted: None,
            seen_whole: false,
            over: false,
        }
    }

    fn go(&mut self, mode: Mode) {
        self.mode = mode;
        self.scroll = Scroll::default();
        (self.painted, self.seen_whole) = (None, false);
    }

    fn live<'a>(&self, cx: &Cx<'a>) -> Option<&'a IncidentView> {
        cx.live.incidents.items.iter().find(|incident| incident.id == self.incident).map(AsRef::as_ref)
    }

    fn watched<'a>(&self, cx: &Cx<'a>, replay: u64) -> Option<&'a ReplayView> {
        self.live(cx)?.replays.iter().find(|one| one.replay == replay)
    }

    fn awake(&self, cx: &Cx<'_>) -> bool {
        self.painted.is_some_and(|at| cx.now.mono.saturating_sub(at) >= GRAVE_PAUSE)
    }

    fn choosing(&mut self, input: &Input) -> Answer {
        match input {
            Input::Do(command) => match command.action {
                Action::InputCancel => return Answer::ask(Ask::Close),
                Action::InputAccept if self.form.endpoints.is_empty() => return Answer::ask(Ask::Close),
                Action::InputAccept => match self.form.order(self.incident) {
                    Ok(order) => {
                        self.form.wrong = None;
                        self.go(Mode::Preparing);
                        return Answer::ask(Ask::Errand(Errand::Prepare(order)));
                    }
                    Err(why) => self.form.wrong = Some(why),
                },
                Action::InputUp => self.form.step(-1),
                Action::InputDown | Action::InputComplete => self.form.step(1),
                Action::InputClear => self.form.clear(),
                _ => return Answer::Ignored,
            },
            Input::Key(key) => self.form.press(*key),
            Input::Paste(text) => self.form.paste(text),
        }
        Answer::done()
    }

    fn sure(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        // Keys typed before it could be seen were meant for something else.
        if !self.awake(cx) {
            return Answer::done();
        }
        let Mode::Sure(ready) = &self.mode else { return Answer::Ignored };
        match input {
            Input::Paste(_) => Answer::ask(Ask::Say("Pasted text never begins anything.".to_owned())),
            Input::Do(command) => match command.action {
                Action::Yes if !self.seen_whole => {
                    Answer::ask(Ask::Say("Not all of it was on the screen yet: go to its end first.".to_owned()))
                }
                Action::Yes => {
                    let errand = Errand::Begin(ready.clone());
                    self.go(Mode::Beginning);
                    Answer::ask(Ask::Errand(errand))
                }
                Action::No | Action::Enter => {
                    self.go(Mode::Form);
                    Answer::ask(Ask::Say("Nothing was sent.".to_owned()))
                }
                action if self.scroll.follow(action) => Answer::done(),
                _ => Answer::Ignored,
            },
            Input::Key(_) => Answer::Ignored,
        }
    }

    fn watch(&mut self, cx: &Cx<'_>, input: &Input, replay: u64) -> Answer {
        let Some(action) = input.action() else { return Answer::Ignored };
        match action {
            Action::ViewClose => {
                let runs = self.watched(cx, replay).is_some_and(|one| one.ended.is_none());
                let mut asks = vec![Ask::Close];
                if runs {
                    let key = cx.keymap.first(Action::Replay).unwrap_or_else(|| ":replay".to_owned());
                    asks.push(Ask::Say(format!("The replay goes on; {key} shows it.")));
                }
                Answer::Done(asks)
            }
            Action::ReplayStop => match self.watched(cx, replay) {
                Some(one) if one.ended.is_some() => Answer::ask(Ask::Say("It has ended already.".to_owned())),
                _ => Answer::ask(Ask::Errand(Errand::Stop(self.incident, replay))),
            },
            Action::ViewReplay => {
                let Some(incident) = self.live(cx) else { return Answer::Ignored };
                if cx.view.wound_back || self.form.pools.is_empty() {
                    return Answer::ask(Ask::Say("There is no run that could be run again.".to_owned()));
                }
                self.go(Mode::Form);
                let asks = (!self.form.endpoints.is_empty()).then(|| Ask::Errand(self.form.survey(incident)));
                Answer::Done(asks.into_iter().collect())
            }
            Action::ViewNext => self.step(cx, replay, 1),
            Action::ViewPrevious => self.step(cx, replay, -1),
            action if self.scroll.follow(action) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    /// To an older experiment, or a newer one.
    fn step(&mut self, cx: &Cx<'_>, replay: u64, by: isize) -> Answer {
        let all = self.live(cx).map(|incident| incident.replays.as_slice()).unwrap_or_default();
        let at = all.iter().position(|one| one.replay == replay);
        match at.and_then(|at| at.checked_add_signed(by)).and_then(|to| all.get(to)) {
            Some(other) => {
                let other = other.replay;
                self.go(Mode::Watching(other));
                Answer::done()
            }
            None => Answer::ask(Ask::Say("There is no other replay in that direction.".to_owned())),
        }
    }

    /// Where the lines are drawn: the form has its last row for what is wrong with it.
    fn body(area: Rect) -> Rect {
        Rect { height: area.height.saturating_sub(FOOT), ..area }
    }
}

impl Layer for Replay {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let (text, role) = match &self.mode {
            Mode::Form | Mode::Preparing => {
                (format!(" Run recorded runs of {} again ", self.incident), Role::DialogTitle)
            }
            Mode::Sure(_) | Mode::Beginning => (" Send this? ".to_owned(), Role::DialogDanger),
            Mode::Watching(_) => (format!(" Runs of {}, run again ", self.incident), Role::DialogTitle),
        };
        self.scroll.beside(cx, safe::made(text, cx.of(role)).into(), " ")
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        match self.mode {
            Mode::Form => Context::Input,
            Mode::Sure(_) => Context::Dialog,
            Mode::Preparing | Mode::Beginning | Mode::Watching(_) => Context::Replay,
        }
    }

    fn hints(&self) -> &'static [Action] {
        match self.mode {
            Mode::Form => &[Action::InputAccept, Action::InputDown, Action::InputCancel],
            Mode::Sure(_) => &[Action::Yes, Action::No, Action::PageDown, Action::Bottom],
            Mode::Preparing | Mode::Beginning => &[Action::ViewClose],
            Mode::Watching(_) if self.over => {
                &[Action::ViewClose, Action::ViewReplay, Action::ViewNext, Action::ViewHelp]
            }
            Mode::Watching(_) => {
                &[Action::ViewClose, Action::ReplayStop, Action::ViewReplay, Action::ViewNext, Action::ViewHelp]
            }
        }
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let width = cx.area.width;
        self.over = match self.mode {
            Mode::Watching(replay) => self.watched(cx, replay).is_some_and(|one| one.ended.is_some()),
            _ => false,
        };
        self.lines = match &self.mode {
            Mode::Form => page::form(cx, &self.form, width),
            Mode::Preparing => page::waiting(cx, "The runs are read and the address is looked up …"),
            Mode::Sure(ready) => page::sure(cx, ready, width),
            Mode::Beginning => page::waiting(cx, "It is being recorded that you asked for it …"),
            Mode::Watching(replay) => page::watched(cx, self.watched(cx, *replay), width),
        };
        self.scroll.settle(self.lines.len(), Self::body(cx.area).height);
        if matches!(self.mode, Mode::Form)
            && let Some(row) = page::row_of(&self.form)
            && (row < self.scroll.top() || row >= self.scroll.top() + usize::from(Self::body(cx.area).height))
        {
            self.scroll.show(row);
        }
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        match self.mode {
            Mode::Form => self.choosing(input),
            Mode::Sure(_) => self.sure(cx, input),
            Mode::Watching(replay) => self.watch(cx, input, replay),
            Mode::Preparing if input.action() == Some(Action::ViewClose) => {
                self.go(Mode::Form);
                Answer::done()
            }
            Mode::Beginning if input.action() == Some(Action::ViewClose) => Answer::ask(Ask::Close),
            Mode::Preparing | Mode::Beginning => Answer::Ignored,
        }
    }

    fn found(&mut self, found: &Found) -> Answer {
        match found {
            Found::Survey(id, survey) if *id == self.incident => self.form.surveyed(survey),
            Found::Ready(order, ready) if matches!(self.mode, Mode::Preparing) => {
                if self.form.order(self.incident).as_ref() != Ok(order) {
                    return Answer::Ignored;
                }
                match ready {
                    Ok(ready) => self.go(Mode::Sure(ready.clone())),
                    Err(why) => {
                        self.form.wrong = Some(why.clone());
                        self.go(Mode::Form);
                    }
                }
            }
            Found::Begun(id, replay, begun) if *id == self.incident && matches!(self.mode, Mode::Beginning) => {
                match begun {
                    Ok(_) => self.go(Mode::Watching(*replay)),
                    Err(why) => {
                        self.form.wrong = Some(why.clone());
                        self.go(Mode::Form);
                    }
                }
            }
            _ => return Answer::Ignored,
        }
        Answer::done()
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        self.scroll.draw(&self.lines, cx, Self::body(cx.area), buf);
        let foot = match &self.mode {
            Mode::Form => page::form_foot(cx, &self.form),
            Mode::Sure(_) => page::sure_foot(cx, self.seen_whole || self.scroll.at_end()),
            Mode::Preparing | Mode::Beginning | Mode::Watching(_) => return,
        };
        safe::put(buf, cx.area, cx.area.height.saturating_sub(1), foot, cx.glyphs.cut);
    }

    fn cursor(&self, cx: &Cx<'_>) -> Option<(u16, u16)> {
        if !matches!(self.mode, Mode::Form) {
            return None;
        }
        let (row, column) = page::cursor(cx, &self.form)?;
        let row = u16::try_from(row.checked_sub(self.scroll.top())?).ok()?;
        let at = (cx.area.x + column, cx.area.y + row);
        (row < Self::body(cx.area).height && column < cx.area.width).then_some(at)
    }

    fn painted(&mut self, cx: &Cx<'_>) -> bool {
        let before = (self.painted.is_some(), self.seen_whole);
        self.painted.get_or_insert(cx.now.mono);
        self.seen_whole |= self.scroll.at_end();
        matches!(self.mode, Mode::Sure(_)) && before != (true, self.seen_whole)
    }

    fn grave(&self) -> bool {
        matches!(self.mode, Mode::Sure(_))
    }
}

/// Rows kept for what is wrong, or for the answer.
const FOOT: u16 = 2;

/// Words of the program as text that is shown like any other.
fn told(text: impl Into<String>) -> Untrusted {
    Untrusted::from(text.into())
}
