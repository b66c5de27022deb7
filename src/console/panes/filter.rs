//! Showing only what matches some words.

use ratatui::text::Span;

use crate::console::action::{Action, Command};
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;

/// Words that must all occur, in any case and order. No words = everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    words: Vec<String>,
}

impl Filter {
    pub(super) fn of(text: &str) -> Self {
        Self { words: text.split_whitespace().map(str::to_lowercase).collect() }
    }

    pub(super) fn is_on(&self) -> bool {
        !self.words.is_empty()
    }

    /// Takes `filter WORDS`, and `back` while it is on; whether it was one of these. The pane is to be put in order then.
    pub(super) fn hear(&mut self, command: &Command) -> bool {
        match (command.action, &command.argument) {
            (Action::Filter, Some(words)) => *self = Self::of(words),
            (Action::Back, _) if self.is_on() => *self = Self::default(),
            _ => return false,
        }
        true
    }

    /// Whether the `texts` together hold every word.
    pub(super) fn shows(&self, texts: &[&str]) -> bool {
        self.words.iter().all(|word| texts.iter().any(|text| holds(text, word)))
    }

    /// What stands beside the title.
    pub(super) fn said(&self, cx: &Cx<'_>) -> Vec<Span<'static>> {
        if self.words.is_empty() {
            return Vec::new();
        }
        vec![safe::made(format!(" with {}", self.words.join(" ")), cx.of(Role::Match))]
    }
}

/// A text longer than this is searched in its beginning only: a frame never walks a megabyte.
const SEARCHED: usize = 4096;

fn holds(text: &str, word: &str) -> bool {
    let mut end = text.len().min(SEARCHED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_lowercase().contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_must_occur_in_any_case_and_place() {
        let filter = Filter::of("Judge EU");
        assert!(filter.shows(&["judge score low", "region eu-west"]));
        assert!(!filter.shows(&["judge score low", "region us-east"]));
        assert!(Filter::default().shows(&[]));
    }

    #[test]
    fn back_undoes_it_once_and_then_means_something_else() {
        let mut filter = Filter::default();
        let back = Command::from(Action::Back);
        assert!(!filter.hear(&back), "there is nothing to undo");
        assert!(filter.hear(&Command { action: Action::Filter, argument: Some("eu judge".to_owned()) }));
        assert!(filter.is_on() && !filter.hear(&Action::Down.into()));
        assert!(filter.hear(&back) && !filter.is_on() && !filter.hear(&back));
        assert!(!filter.hear(&Action::Filter.into()), "without words the pane or the palette takes it");
    }

    #[test]
    fn a_long_text_of_wide_letters_is_cut_between_them() {
        let text = "漢".repeat(5000);
        assert!(Filter::of("漢").shows(&[text.as_str()]));
        assert!(!Filter::of("x").shows(&[text.as_str()]));
    }
}
