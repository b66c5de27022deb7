//! The command palette: every action by its name, with its argument.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::fuzzy;
use super::prompt::Prompt;
use crate::console::action::{ACTIONS, About, Action, Command, Place};
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input, PaneKind};
use crate::console::safe;
use crate::console::shelf::Shelf;
use crate::console::theme::Role;

/// Rows of the list.
const ROWS: usize = 12;

/// The layer of the palette.
pub struct Palette {
    prompt: Prompt,
    rows: Vec<Row>,
    at: usize,
}

enum Row {
    Command(&'static About),
    /// The action with this argument.
    Argument(&'static About, String),
}

impl Palette {
    /// The palette, opened over a pane, with something typed already.
    #[must_use]
    pub fn new(_over: PaneKind, typed: &str) -> Self {
        let mut palette = Self { prompt: Prompt::with(typed), rows: Vec::new(), at: 0 };
        palette.list();
        palette
    }

    fn list(&mut self) {
        let text = self.prompt.text();
        self.at = 0;
        if let Some((name, argument)) = text.trim_start().split_once(' ')
            && let Some(action) = Action::of_name(name)
            && action.about().argument.is_some()
        {
            let known = match action {
                Action::Theme => Shelf::Themes.names(),
                Action::Keymap => Shelf::Keymaps.names(),
                _ => Vec::new(),
            };
            let about = action.about();
            self.rows = fuzzy::rank(argument, known.iter().copied(), ROWS)
                .into_iter()
                .map(|(nth, _)| Row::Argument(about, known[nth].to_owned()))
                .collect();
            if self.rows.is_empty() {
                self.rows.push(Row::Argument(about, argument.trim().to_owned()));
            }
            return;
        }
        let all: Vec<_> = ACTIONS.iter().filter(|about| about.place == Place::Room).collect();
        let texts: Vec<_> = all.iter().map(|about| format!("{} {}", about.name, about.does)).collect();
        let mut found = fuzzy::rank(&text, texts.iter().map(String::as_str), all.len());
        // A name that begins as typed comes before words that merely hold the letters.
        let begins = |nth: usize| !text.is_empty() && all[nth].name.starts_with(text.trim());
        found.sort_by_key(|(nth, _)| !begins(*nth));
        self.rows = found.into_iter().map(|(nth, _)| Row::Command(all[nth])).collect();
    }

    fn run(&self) -> Answer {
        let command = match self.rows.get(self.at) {
            None => return Answer::ask(Ask::Say("No command is called that.".to_owned())),
            Some(Row::Command(about)) => Command::from(about.action),
            Some(Row::Argument(about, argument)) => {
                Command { action: about.action, argument: (!argument.is_empty()).then(|| argument.clone()) }
            }
        };
        Answer::Done(vec![Ask::Close, Ask::Run(command)])
    }
}

impl Layer for Palette {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        Line::from(safe::lit(" Command ", cx.of(Role::DialogTitle)))
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Bottom { height: 13 }
    }

    fn context(&self) -> Context {
        Context::Input
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::InputAccept, Action::InputUp, Action::InputDown, Action::InputComplete, Action::InputCancel]
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        match input {
            Input::Paste(text) => {
                self.prompt.paste(text);
                self.list();
            }
            Input::Key(key) => {
                let was = self.prompt.clone();
                if key.code == crossterm::event::KeyCode::Backspace && self.prompt.is_empty() {
                    return Answer::ask(Ask::Close);
                }
                if !self.prompt.press(*key) {
                    return Answer::Ignored;
                }
                if was.text() != self.prompt.text() {
                    self.list();
                }
            }
            Input::Do(command) => match command.action {
                Action::InputCancel => return Answer::ask(Ask::Close),
                Action::InputAccept => return self.run(),
                Action::InputUp => self.at = self.at.saturating_sub(1),
                Action::InputDown => self.at = (self.at + 1).min(self.rows.len().saturating_sub(1)),
                Action::InputClear => {
                    self.prompt.clear();
                    self.list();
                }
                Action::InputComplete => {
                    let text = match self.rows.get(self.at) {
                        Some(Row::Command(about)) if about.argument.is_some() => format!("{} ", about.name),
                        Some(Row::Command(about)) => about.name.to_owned(),
                        Some(Row::Argument(about, argument)) => format!("{} {argument}", about.name),
                        None => return Answer::done(),
                    };
                    self.prompt = Prompt::with(&text);
                    self.list();
                }
                _ => return Answer::Ignored,
            },
        }
        Answer::done()
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let (line, _) = self.prompt.drawn(cx, cx.area.width.saturating_sub(2));
        safe::put(buf, cx.area, 0, Line::from(safe::lit(":", cx.of(Role::Key))), cx.glyphs.cut);
        let typed = Rect { x: cx.area.x + 1, width: cx.area.width.saturating_sub(1), ..cx.area };
        safe::put(buf, typed, 0, line, cx.glyphs.cut);
        let window = usize::from(cx.area.height.saturating_sub(1)).max(1);
        let top = (self.at + 1).saturating_sub(window);
        for (row, (nth, entry)) in (1..cx.area.height).zip(self.rows.iter().enumerate().skip(top)) {
            let line = match entry {
                Row::Command(about) => {
                    let keys = cx.keymap.first(about.action).unwrap_or_default();
                    Line::from(vec![
                        safe::made(
                            format!("{:<28}", format!("{} {}", about.name, about.argument.unwrap_or_default())),
                            cx.of(Role::Text),
                        ),
                        safe::made(format!("{keys:<10}"), cx.of(Role::Key)),
                        safe::lit(about.does, cx.of(Role::Muted)),
                    ])
                }
                Row::Argument(about, argument) if argument.is_empty() => Line::from(safe::made(
                    format!("{} {}", about.name, about.argument.unwrap_or_default()),
                    cx.of(Role::Muted),
                )),
                Row::Argument(about, argument) => {
                    Line::from(safe::made(format!("{} {argument}", about.name), cx.of(Role::Text)))
                }
            };
            safe::put(buf, cx.area, row, line, cx.glyphs.cut);
            if nth == self.at {
                buf.set_style(Rect { y: cx.area.y + row, height: 1, ..cx.area }, cx.of(Role::Cursor));
            }
        }
    }

    fn cursor(&self, cx: &Cx<'_>) -> Option<(u16, u16)> {
        let (_, column) = self.prompt.drawn(cx, cx.area.width.saturating_sub(2));
        Some((cx.area.x + 1 + column, cx.area.y))
    }
}
