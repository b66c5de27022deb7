//! An opened thing, scrolled; where it is a list, with a cursor.

mod typing;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::typing::Typing;
use super::scroll::Scroll;
use crate::console::action::Action;
use crate::console::details::{Loaded, Want};
use crate::console::finder::Finder;
use crate::console::keymap::{Context, Meaning};
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::sheet::{Content, Sheet};
use crate::console::theme::Role;

/// The layer of an opened thing.
pub struct Viewer {
    sheet: Box<dyn Sheet>,
    content: Content,
    scroll: Scroll,
    laid_out: Option<Layout>,
    /// Counts everything that changed what the sheet shows.
    turned: u32,
    /// The item under the cursor.
    at: usize,
    /// The cursor went to where it belongs at first.
    landed: bool,
    typing: Option<Typing>,
    finder: Option<Finder>,
    /// Rows that hold what is looked for, and which of them is shown.
    hits: Vec<usize>,
    hit: Option<usize>,
}

/// What the content was laid out for; anything else calls for another lay-out.
#[derive(Clone, Debug, PartialEq)]
struct Layout {
    width: u16,
    turned: u32,
    stamp: u64,
    theme: String,
    /// Addresses of the details: another detail is another address, since the one laid out is kept alive beside it.
    details: Vec<String>,
}

impl Viewer {
    /// Shows `sheet`.
    #[must_use]
    pub fn new(sheet: Box<dyn Sheet>) -> Self {
        Self {
            sheet,
            content: Content::default(),
            scroll: Scroll::default(),
            laid_out: None,
            turned: 0,
            at: 0,
            landed: false,
            typing: None,
            finder: None,
            hits: Vec::new(),
            hit: None,
        }
    }

    /// The room for the text: the line that is typed stands below it.
    fn room(&self, cx: &Cx<'_>) -> Rect {
        Rect { height: cx.area.height.saturating_sub(u16::from(self.typing.is_some())), ..cx.area }
    }

    /// The row under the cursor.
    fn row(&self) -> Option<usize> {
        self.content.items.get(self.at).copied()
    }

    /// The last row that belongs to the item under the cursor.
    fn last_row(&self) -> usize {
        self.content.items.get(self.at + 1).map_or(self.content.rows(), |next| *next).saturating_sub(1)
    }

    /// Brings the item under the cursor into the window.
    fn keep(&mut self) {
        if let Some(row) = self.row() {
            self.scroll.keep(row, self.last_row());
        }
    }

    /// Puts the cursor on the item that holds a row.
    fn land_on(&mut self, row: usize) {
        self.at = self.content.items.partition_point(|item| *item <= row).saturating_sub(1);
        self.scroll.show(row);
        self.keep();
    }

    /// Moves by a moving action; whether it was one.
    fn follow(&mut self, action: Action) -> bool {
        let last = self.content.items.len().saturating_sub(1);
        let Some(row) = self.row() else { return self.scroll.follow(action) };
        match action {
            Action::Down if self.at < last => self.at += 1,
            // Above the first and below the last item there may be more to read.
            Action::Up if self.at > 0 && self.scroll.holds(row) => self.at -= 1,
            Action::Up | Action::Down => return self.scroll.follow(action),
            Action::Top => self.at = 0,
            Action::Bottom => self.at = last,
            Action::PageUp | Action::PageDown | Action::HalfUp | Action::HalfDown => {
                let before = self.scroll.top();
                self.scroll.follow(action);
                let target = if self.scroll.top() >= before {
                    row + (self.scroll.top() - before)
                } else {
                    row.saturating_sub(before - self.scroll.top())
                };
                let to = self.content.items.partition_point(|item| *item < target).min(last);
                // At either end the window stands still and the cursor goes on.
                self.at = if self.scroll.top() == before {
                    if matches!(action, Action::PageUp | Action::HalfUp) { 0 } else { last }
                } else {
                    to
                };
            }
            _ => return false,
        }
        self.keep();
        if action == Action::Top {
            self.scroll.follow(Action::Top);
        }
        true
    }

    /// To the next hit while something is looked for, else to the next place.
    fn step(&mut self, forward: bool) -> Answer {
        if let Some(finder) = &self.finder {
            let words = finder.words().to_owned();
            let Some(last) = self.hits.len().checked_sub(1) else {
                return Answer::ask(Ask::Say(format!("Nothing here holds \"{words}\".")));
            };
            let next = match (self.hit, forward) {
                (Some(hit), true) if hit < last => hit + 1,
                (Some(_) | None, true) => 0,
                (Some(0) | None, false) => last,
                (Some(hit), false) => hit - 1,
            };
            self.show_hit(next);
            return Answer::done();
        }
        if let Some(here) = self.row() {
            let mut places = self.content.places.iter().copied();
            let to = if forward { places.find(|row| *row > here) } else { places.rfind(|row| *row < here) };
            if let Some(row) = to {
                self.land_on(row);
            }
            return Answer::done();
        }
        let here = self.scroll.top();
        let mut places = self.content.places.iter().copied();
        let mark = |row: usize| row.saturating_sub(1);
        let to = if forward { places.find(|row| mark(*row) > here) } else { places.rfind(|row| mark(*row) < here) };
        if let Some(row) = to {
            self.scroll.to(mark(row));
        }
        Answer::done()
    }

    fn show_hit(&mut self, nth: usize) {
        self.hit = Some(nth);
        if let Some(row) = self.hits.get(nth).copied() {
            if self.content.items.is_empty() { self.scroll.show(row) } else { self.land_on(row) }
        }
    }

    /// Looks for words; none end the search.
    fn look_for(&mut self, cx: &Cx<'_>, words: &str) -> Answer {
        self.finder = Finder::of(words);
        self.sheet.find(self.finder.as_ref());
        self.turned += 1;
        self.hit = None;
        self.typing = None;
        let here = self.row().unwrap_or_else(|| self.scroll.top());
        self.prepare(cx);
        let Some(finder) = &self.finder else { return Answer::done() };
        let words = finder.words().to_owned();
        if self.hits.is_empty() {
            return Answer::ask(Ask::Say(format!("Nothing here holds \"{words}\".")));
        }
        self.show_hit(self.hits.iter().position(|row| *row >= here).unwrap_or(0));
        Answer::done()
    }

    /// A key that means nothing here, and something in the room that this can be left by.
    fn leave(&self, cx: &Cx<'_>, input: &Input) -> Answer {
        let Input::Key(key) = input else { return Answer::Ignored };
        match cx.keymap.meaning(Context::Room, &[*key]) {
            Meaning::Does(action) if self.sheet.leads_to(cx).contains(&action) => {
                Answer::Done(vec![Ask::Close, Ask::Run(action.into())])
            }
            _ => Answer::Ignored,
        }
    }

    /// What was typed is taken.
    fn typed(&mut self, cx: &Cx<'_>) -> Answer {
        let Some(typing) = self.typing.take() else { return Answer::done() };
        let text = typing.text();
        match typing {
            Typing::Words(_) => self.look_for(cx, &text),
            Typing::Choice(..) => match self.sheet.take(cx, &text) {
                Ok(()) => {
                    self.turned += 1;
                    self.landed = false;
                    self.scroll.to(0);
                    Answer::done()
                }
                Err(wrong) => {
                    self.typing = Some(typing);
                    Answer::ask(Ask::Complain(wrong))
                }
            },
        }
    }
}

impl Layer for Viewer {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let title = self.scroll.beside(cx, self.sheet.title(cx), "  ");
        let Some(finder) = &self.finder else { return title };
        // First, since a long title is cut at its end.
        let at = self.hit.map_or(0, |hit| hit + 1);
        let mut spans = vec![
            safe::made(format!("hit {at} of {} for ", self.hits.len()), cx.of(Role::Muted)),
            safe::made(finder.words(), cx.of(Role::Match)),
            safe::lit("  ", cx.of(Role::Muted)),
        ];
        spans.extend(title.spans);
        Line::from(spans)
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        if self.typing.is_some() { Context::Input } else { Context::Viewer }
    }

    fn hints(&self) -> &'static [Action] {
        if self.typing.is_some() {
            return &[Action::InputAccept, Action::InputCancel, Action::InputClear];
        }
        self.sheet.hints()
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        let address = |want: Want| match cx.detail(&want) {
            Loaded::Ready(detail) => format!("{:p}", std::sync::Arc::as_ptr(&detail)),
            Loaded::Failed(_) => "failed".to_owned(),
            Loaded::Loading => "loading".to_owned(),
        };
        let details = self.wants(cx).into_iter().map(address).collect();
        let (turned, stamp) = (self.turned, self.sheet.stamp(cx));
        let layout = Layout { width: cx.area.width, turned, stamp, theme: cx.theme.name.clone(), details };
        let room = self.room(cx);
        if self.laid_out.as_ref() != Some(&layout) {
            self.content = self.sheet.lay_out(cx, cx.area.width);
            self.laid_out = Some(layout);
            self.at = self.at.min(self.content.items.len().saturating_sub(1));
            let skip = format!("{} ", cx.glyphs.quote);
            self.hits = match (&self.finder, &self.content.hits) {
                (None, _) => Vec::new(),
                (Some(_), Some(hits)) => hits.clone(),
                (Some(finder), None) => finder.rows(&self.content.lines, &skip),
            };
            self.scroll.settle(self.content.rows(), room.height);
            if !self.landed && !self.content.items.is_empty() {
                self.landed = true;
                self.at = self.content.home.min(self.content.items.len() - 1);
                self.keep();
            }
        }
        self.scroll.settle(self.content.rows(), room.height);
    }

    fn update(&mut self, cx: &Cx<'_>, input: &Input) -> Answer {
        if let Some(typing) = &mut self.typing {
            match input.action() {
                Some(Action::InputAccept) => return self.typed(cx),
                Some(Action::InputCancel) => self.typing = None,
                _ if typing.hear(input) => {}
                _ => return Answer::Ignored,
            }
            return Answer::done();
        }
        match input.action() {
            Some(Action::ViewClose) => Answer::ask(Ask::Close),
            Some(Action::ViewToggle) => {
                if self.sheet.toggle() {
                    self.turned += 1;
                    self.hit = None;
                    Answer::done()
                } else {
                    Answer::ask(Ask::Say("There is only one way to look at this.".to_owned()))
                }
            }
            Some(Action::ViewOpen) => match self.row().and_then(|_| self.sheet.opens(cx, self.at)) {
                Some(opens) => Answer::ask(Ask::Open(opens)),
                None => Answer::ask(Ask::Say("There is nothing more to open here.".to_owned())),
            },
            Some(Action::ViewBeside) => match self.sheet.beside(cx, self.at) {
                Some(opens) => Answer::ask(Ask::Open(opens)),
                None => Answer::ask(Ask::Say("Only a step of a run is held against a good one.".to_owned())),
            },
            Some(Action::ViewReplay) => match self.sheet.run() {
                Some(run) => Answer::ask(Ask::RunAgain(run)),
                None => Answer::ask(Ask::Say("Only a run can be run again.".to_owned())),
            },
            Some(Action::ViewFind) => {
                self.typing = Some(Typing::words());
                Answer::done()
            }
            Some(Action::ViewChoose) => match self.sheet.typed(cx) {
                Some((what, text)) => {
                    self.typing = Some(Typing::choice(what, &text));
                    Answer::done()
                }
                None => Answer::ask(Ask::Say("Nothing can be chosen here.".to_owned())),
            },
            Some(Action::ViewNext) => self.step(true),
            Some(Action::ViewPrevious) => self.step(false),
            Some(Action::ViewCopy) => match self.sheet.copied(cx) {
                Some((text, what)) => Answer::ask(Ask::Copy(text, what)),
                None => Answer::ask(Ask::Say("There is nothing to copy here.".to_owned())),
            },
            Some(action) if self.follow(action) => Answer::done(),
            Some(_) => Answer::Ignored,
            None => self.leave(cx, input),
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let made = self.content.lines.len();
        let room = self.room(cx);
        let line = |row: usize| {
            let line = match self.content.lines.get(row) {
                Some(line) => Some(line.clone()),
                None => self.content.later.get(row - made).map(|later| self.sheet.line(cx, cx.area.width, *later)),
            };
            match &self.finder {
                Some(finder) => line.map(|line| finder.mark(line, cx.of(Role::Match))),
                None => line,
            }
        };
        self.scroll.draw_each(cx, room, buf, line);
        // Without items the cursor is only where the hit is.
        let row = self.row().or_else(|| self.hits.get(self.hit?).copied());
        if let Some(row) = row.filter(|row| self.scroll.holds(*row)) {
            let below = u16::try_from(row - self.scroll.top()).unwrap_or(u16::MAX);
            buf.set_style(Rect { y: room.y.saturating_add(below), height: 1, ..room }, cx.cursor_style());
        }
        if let Some(typing) = &self.typing {
            typing.draw(cx, Rect { y: room.y + room.height, height: 1, ..cx.area }, buf);
        }
    }

    fn cursor(&self, cx: &Cx<'_>) -> Option<(u16, u16)> {
        let room = self.room(cx);
        self.typing.as_ref().map(|typing| typing.cursor(cx, Rect { y: room.y + room.height, height: 1, ..cx.area }))
    }

    fn wants(&self, cx: &Cx<'_>) -> Vec<Want> {
        self.sheet.want().into_iter().chain(self.sheet.also(cx)).collect()
    }
}

#[cfg(test)]
mod tests;
