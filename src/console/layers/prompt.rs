//! One line in which something is typed.

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::text::Line;

use crate::console::key::Key;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::event::Policy;

/// No line is longer, in characters.
const LONGEST: usize = 1000;

/// What was typed so far; the cursor stands between characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    before: String,
    after: String,
}

impl Prompt {
    /// A line with something typed already.
    #[must_use]
    pub fn with(text: &str) -> Self {
        let mut prompt = Self::default();
        prompt.paste(text);
        prompt
    }

    /// The whole line.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    /// Empties it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes pasted text: its first line, without controls.
    pub fn paste(&mut self, text: &str) {
        for c in text.trim_start_matches(['\n', '\r']).chars() {
            match c {
                '\n' | '\r' => break,
                '\t' => self.type_in(' '),
                _ => self.type_in(c),
            }
        }
    }

    fn type_in(&mut self, c: char) {
        let long = self.before.chars().count() + self.after.chars().count() >= LONGEST;
        if !c.is_control() && !long {
            self.before.push(c);
        }
    }

    /// Takes a key; whether it was one that edits.
    pub fn press(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.type_in(c);
            return true;
        }
        match (key.code, key.modifiers) {
            (KeyCode::Backspace, KeyModifiers::NONE) => {
                self.before.pop();
            }
            (KeyCode::Char('w'), KeyModifiers::CONTROL) | (KeyCode::Backspace, KeyModifiers::ALT) => {
                let kept = self.before.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.before.truncate(kept);
            }
            (KeyCode::Delete, _) => {
                if !self.after.is_empty() {
                    self.after.remove(0);
                }
            }
            (KeyCode::Left, _) => {
                if let Some(c) = self.before.pop() {
                    self.after.insert(0, c);
                }
            }
            (KeyCode::Right, _) => {
                if !self.after.is_empty() {
                    self.before.push(self.after.remove(0));
                }
            }
            (KeyCode::Home, _) | (KeyCode::Char('a'), KeyModifiers::CONTROL) => {
                self.after.insert_str(0, &std::mem::take(&mut self.before));
            }
            (KeyCode::End, _) | (KeyCode::Char('e'), KeyModifiers::CONTROL) => {
                self.before.push_str(&std::mem::take(&mut self.after));
            }
            _ => return false,
        }
        true
    }

    /// The line as drawn in `width` columns, and the column of the cursor in it.
    #[must_use]
    pub fn drawn(&self, cx: &Cx<'_>, width: u16) -> (Line<'static>, u16) {
        let (before, after) = (safe::clean(&self.before, Policy::Prose), safe::clean(&self.after, Policy::Prose));
        let room = usize::from(width).saturating_sub(1);
        // A long line is cut at its beginning, so that the cursor stays in sight.
        let mut start = 0;
        while safe::width(&before[start..]) > room {
            start += before[start..].chars().next().map_or(1, char::len_utf8);
        }
        let shown = before[start..].to_owned();
        let column = u16::try_from(safe::width(&shown)).unwrap_or(width);
        let (rest, _) = safe::split_at_width(&after, room.saturating_sub(usize::from(column)));
        let style = cx.of(Role::Input);
        (Line::from(vec![safe::made(shown, style), safe::made(rest, style)]), column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing_keeps_the_rest_of_the_line() {
        let mut prompt = Prompt::with("merge INC-12");
        prompt.press(Key::plain(KeyCode::Left));
        prompt.press(Key::plain(KeyCode::Backspace));
        assert_eq!(prompt.text(), "merge INC-2");
        prompt.press("ctrl-a".parse().expect("a key"));
        prompt.press("x".parse().expect("a key"));
        assert_eq!(prompt.text(), "xmerge INC-2");
        prompt.press("ctrl-e".parse().expect("a key"));
        prompt.press("ctrl-w".parse().expect("a key"));
        assert_eq!(prompt.text(), "xmerge ");
    }

    #[test]
    fn a_paste_gives_its_first_line_without_controls() {
        assert_eq!(Prompt::with("ab\u{1b}[2Jc\nrm -rf /").text(), "ab[2Jc");
        assert_eq!(Prompt::with(&"x".repeat(5000)).text().len(), LONGEST);
    }
}
