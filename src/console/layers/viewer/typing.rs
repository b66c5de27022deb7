//! The line that is typed at the foot of an opened thing: words to find, or what to compare.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::action::Action;
use crate::console::layers::prompt::Prompt;
use crate::console::pane::{Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;

/// What is being typed.
pub(super) enum Typing {
    /// Words to find.
    Words(Prompt),
    /// A choice; what of.
    Choice(&'static str, Prompt),
}

impl Typing {
    pub(super) fn words() -> Self {
        Self::Words(Prompt::default())
    }

    pub(super) fn choice(what: &'static str, text: &str) -> Self {
        Self::Choice(what, Prompt::with(text))
    }

    fn prompt(&self) -> &Prompt {
        match self {
            Self::Words(prompt) | Self::Choice(_, prompt) => prompt,
        }
    }

    fn what(&self) -> &'static str {
        match self {
            Self::Words(_) => "/",
            Self::Choice(what, _) => what,
        }
    }

    /// The line as it stands.
    pub(super) fn text(&self) -> String {
        self.prompt().text()
    }

    /// Takes a key or a paste; whether it was one that writes.
    pub(super) fn hear(&mut self, input: &Input) -> bool {
        let (Self::Words(prompt) | Self::Choice(_, prompt)) = self;
        match input {
            Input::Paste(text) => prompt.paste(text),
            Input::Key(key) => return prompt.press(*key),
            Input::Do(command) if command.action == Action::InputClear => prompt.clear(),
            Input::Do(_) => return false,
        }
        true
    }

    /// The room for what is typed, beside what it is.
    fn room(&self, area: Rect) -> Rect {
        let taken = u16::try_from(safe::width(self.what()) + usize::from(!matches!(self, Self::Words(_)))).unwrap_or(0);
        Rect { x: area.x.saturating_add(taken), width: area.width.saturating_sub(taken), ..area }
    }

    pub(super) fn draw(&self, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
        safe::put(buf, area, 0, Line::from(safe::lit(self.what(), cx.of(Role::Key))), cx.glyphs.cut);
        let room = self.room(area);
        let (line, _) = self.prompt().drawn(cx, room.width);
        safe::put(buf, room, 0, line, cx.glyphs.cut);
    }

    /// Where the text cursor stands.
    pub(super) fn cursor(&self, cx: &Cx<'_>, area: Rect) -> (u16, u16) {
        let room = self.room(area);
        let (_, column) = self.prompt().drawn(cx, room.width);
        (room.x.saturating_add(column), room.y)
    }
}
