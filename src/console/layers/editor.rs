//! Writing a note or a hunch.

use ratatui::buffer::Buffer;
use ratatui::text::Line;
use tui_textarea::{CursorMove, TextArea};

use crate::console::action::Action;
use crate::console::drafts::LONGEST;
use crate::console::keymap::Context;
use crate::console::layer::{Extent, Layer};
use crate::console::pane::{Answer, Ask, Cx, Input};
use crate::console::safe;
use crate::console::theme::Role;
use crate::event::{IncidentId, Policy, Untrusted};
use crate::response::Act;

/// The layer of a text being written. The text area keeps the text; it never draws it.
pub struct Editor {
    what: What,
    incident: IncidentId,
    text: TextArea<'static>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Note,
    Hunch,
}

impl Editor {
    /// Writes a note; `draft` is what was begun before.
    #[must_use]
    pub fn note(incident: IncidentId, draft: Option<&String>) -> Self {
        Self::new(What::Note, incident, draft)
    }

    /// Writes a hunch.
    #[must_use]
    pub fn hunch(incident: IncidentId, draft: Option<&String>) -> Self {
        Self::new(What::Hunch, incident, draft)
    }

    fn new(what: What, incident: IncidentId, draft: Option<&String>) -> Self {
        let mut text =
            TextArea::new(draft.map(|draft| draft.split('\n').map(str::to_owned).collect()).unwrap_or_default());
        text.set_max_histories(50);
        text.move_cursor(CursorMove::Bottom);
        text.move_cursor(CursorMove::End);
        Self { what, incident, text }
    }

    /// Under which name its draft is kept.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.what {
            What::Note => "note",
            What::Hunch => "hunch",
        }
    }

    fn whole(&self) -> String {
        self.text.lines().join("\n")
    }

    /// What was written so far is to be kept.
    fn draft(&self) -> Ask {
        let text = self.whole();
        Ask::Draft(self.incident, self.kind(), if text.trim().is_empty() { String::new() } else { text })
    }

    fn window(&self, height: u16) -> usize {
        let row = self.text.cursor().0;
        (row + 1).saturating_sub(usize::from(height.max(1)))
    }
}

impl Layer for Editor {
    fn title(&self, cx: &Cx<'_>) -> Line<'static> {
        let what = match self.what {
            What::Note => "Note on",
            What::Hunch => "Hunch, before looking, on",
        };
        Line::from(safe::made(format!(" {what} {} ", self.incident), cx.of(Role::DialogTitle)))
    }

    fn extent(&self, _cx: &Cx<'_>) -> Extent {
        Extent::Box { width: 76, height: 12 }
    }

    fn context(&self) -> Context {
        Context::Editor
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::EditorDone, Action::EditorCancel]
    }

    fn update(&mut self, _cx: &Cx<'_>, input: &Input) -> Answer {
        match input {
            Input::Do(command) if command.action == Action::EditorDone => {
                let text = self.whole();
                if text.trim().is_empty() {
                    return Answer::ask(Ask::Say("There is nothing to record yet.".to_owned()));
                }
                let written = Untrusted::from(text);
                let act = match self.what {
                    What::Note => Act::Note(written),
                    What::Hunch => Act::Hunch(written),
                };
                // It stays a draft until the desk has it.
                Answer::Done(vec![Ask::Close, self.draft(), Ask::Perform(self.incident, act)])
            }
            Input::Do(command) if command.action == Action::EditorCancel => {
                let mut asks = vec![Ask::Close, self.draft()];
                if !self.whole().trim().is_empty() {
                    asks.push(Ask::Say(format!("The draft of the {} is kept.", self.kind())));
                }
                Answer::Done(asks)
            }
            Input::Do(_) => Answer::Ignored,
            Input::Key(key) => {
                if self.whole().len() < LONGEST || key.typed().is_none() {
                    self.text.input(key.event());
                }
                Answer::ask(self.draft())
            }
            Input::Paste(text) => {
                let room = LONGEST.saturating_sub(self.whole().len());
                let clean: String = text
                    .replace("\r\n", "\n")
                    .chars()
                    .map(|c| if c == '\r' { '\n' } else { c })
                    .filter(|c| *c == '\n' || *c == '\t' || !c.is_control())
                    .scan(0, |taken, c| {
                        *taken += c.len_utf8();
                        (*taken <= room).then_some(c)
                    })
                    .collect();
                self.text.insert_str(clean);
                Answer::ask(self.draft())
            }
        }
    }

    fn draw(&self, cx: &Cx<'_>, buf: &mut Buffer) {
        let top = self.window(cx.area.height);
        for (row, line) in (0..cx.area.height).zip(self.text.lines().iter().skip(top)) {
            let span = safe::piece(line, Policy::Prose, cx.of(Role::Dialog));
            safe::put(buf, cx.area, row, Line::from(span), cx.glyphs.cut);
        }
        if self.whole().is_empty() {
            let hint = match self.what {
                What::Note => "What others should know.",
                What::Hunch => "Your own guess at the cause, written down before the evidence anchors it.",
            };
            safe::put(buf, cx.area, 0, Line::from(safe::lit(hint, cx.of(Role::Muted))), cx.glyphs.cut);
        }
    }

    fn cursor(&self, cx: &Cx<'_>) -> Option<(u16, u16)> {
        let tui_textarea::DataCursor(row, column) = self.text.cursor();
        let line = self.text.lines().get(row)?;
        let before: String = line.chars().take(column).collect();
        let x = u16::try_from(safe::width(&safe::clean(&before, Policy::Prose))).ok()?;
        let y = u16::try_from(row - self.window(cx.area.height)).ok()?;
        (x < cx.area.width && y < cx.area.height).then_some((cx.area.x + x, cx.area.y + y))
    }
}
