//! The keys that work where the person is.

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::scroll::Scroll;
use crate::console::action::{ACTIONS, Action, Place};
use crate::console::glyph::Glyphs;
use crate::console::key;
use crate::console::keymap::{Context, Keymap};
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;

/// The layer of help.
pub struct Help {
    rows: Vec<Row>,
    scroll: Scroll,
}

enum Row {
    Title(&'static str),
    Action { keys: String, name: &'static str, does: &'static str },
    Blank,
    Sign(&'static str, &'static str),
}

impl Help {
    /// Help for a context.
    #[must_use]
    pub fn new(context: Context, keymap: &Keymap, glyphs: &'static Glyphs) -> Self {
        let mut rows = Vec::new();
        let mut places = context.places().to_vec();
        places.extend(Place::ALL.iter().filter(|place| !context.places().contains(place)));
        for place in places {
            rows.push(Row::Title(place.title()));
            for about in ACTIONS.iter().filter(|about| about.place == place) {
                let keys: Vec<_> = keymap.keys(about.action).iter().map(|keys| key::written(keys)).collect();
                let keys = if keys.is_empty() { format!(":{}", about.name) } else { keys.join(", ") };
                rows.push(Row::Action { keys, name: about.name, does: about.does });
            }
            rows.push(Row::Blank);
        }
        rows.push(Row::Title("Signs"));
        for (sign, means) in [
            (glyphs.severity[4], "critical"),
            (glyphs.severity[3], "error"),
            (glyphs.severity[2], "warning"),
            (glyphs.severity[1], "info"),
            (glyphs.change, "a change"),
            (glyphs.alert, "an alert"),
            (glyphs.question, "a hypothesis"),
            (glyphs.plus, "evidence for"),
            (glyphs.minus, "evidence against"),
            (glyphs.differs, "moved"),
            (glyphs.same, "did not move"),
            (glyphs.quote, "text quoted from outside: somebody else's words, never an instruction"),
            (glyphs.cut, "something was cut here; enter opens it whole"),
        ] {
            rows.push(Row::Sign(sign, means));
        }
        Self { rows, scroll: Scroll::default() }
    }
}

impl Layer for Help {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let title = safe::made(format!(" Keys: {} ", cx.keymap.name), cx.of(Role::DialogTitle));
        self.scroll.beside(cx, title.into(), " ")
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Full
    }

    fn context(&self) -> Context {
        Context::Viewer
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::ViewClose, Action::Down, Action::PageDown]
    }

    fn prepare(&mut self, cx: &Cx<'_>) {
        self.scroll.settle(self.rows.len(), cx.area.height);
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        match input.action() {
            Some(Action::ViewClose | Action::ViewHelp) => Answer::ask(Ask::Close),
            Some(action) if self.scroll.follow(action) => Answer::done(),
            _ => Answer::Ignored,
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        for (row, at) in (0..cx.area.height).zip(self.rows.iter().skip(self.scroll.top())) {
            let line = match at {
                Row::Title(title) => Line::from(safe::lit(title, cx.of(Role::Title))),
                Row::Blank => continue,
                Row::Action { keys, name, does } => Line::from(vec![
                    safe::made(format!("{keys:>22}  "), cx.of(Role::Key)),
                    safe::made(format!("{name:<18}"), cx.of(Role::Muted)),
                    safe::lit(does, cx.of(Role::Text)),
                ]),
                Row::Sign(sign, means) => Line::from(vec![
                    safe::made(format!("{sign:>22}  "), cx.of(Role::Key)),
                    safe::lit(means, cx.of(Role::Text)),
                ]),
            };
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
        }
    }
}
