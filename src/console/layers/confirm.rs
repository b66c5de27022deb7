//! A plain question with a yes and a no.

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use crate::console::action::Action;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;
use crate::event::{IncidentId, Policy};
use crate::response::Act;

/// The layer of a question.
pub struct Confirm {
    title: &'static str,
    lines: Vec<String>,
    incident: IncidentId,
    act: Act,
}

impl Confirm {
    /// Asks before `act` is done to `incident`.
    #[must_use]
    pub fn new(title: &'static str, lines: Vec<String>, incident: IncidentId, act: Act) -> Self {
        Self { title, lines, incident, act }
    }

    fn rows(&self, width: u16) -> Vec<String> {
        self.lines.iter().flat_map(|line| safe::wrap(&safe::clean(line, Policy::Prose), width)).collect()
    }
}

impl Layer for Confirm {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::made(format!(" {} ", self.title), cx.of(Role::DialogTitle)))
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        let rows = u16::try_from(self.rows(64).len()).unwrap_or(8);
        Extent::Box { width: 64, height: rows + 2 }
    }

    fn context(&self) -> Context {
        Context::Dialog
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Yes, Action::No]
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        match input.action() {
            Some(Action::Yes) => Answer::Done(vec![Ask::Close, Ask::Perform(self.incident, self.act.clone())]),
            Some(Action::No | Action::Enter) => {
                Answer::Done(vec![Ask::Close, Ask::Say("Nothing was done.".to_owned())])
            }
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let rows = self.rows(cx.area.width);
        for (row, text) in (0..cx.area.height).zip(&rows) {
            safe::put(buf, cx.area, row, Line::from(safe::made(text, cx.of(Role::Dialog))), cx.glyphs.cut);
        }
        let key = |action| cx.keymap.first(action).unwrap_or_default();
        let answer = Line::from(vec![
            safe::made(key(Action::Yes), cx.of(Role::Key)),
            safe::lit(" do it   ", cx.of(Role::KeyText)),
            safe::made(key(Action::No), cx.of(Role::Key)),
            safe::lit(" do not", cx.of(Role::KeyText)),
        ]);
        safe::put(buf, cx.area, cx.area.height.saturating_sub(1), answer, cx.glyphs.cut);
    }
}
