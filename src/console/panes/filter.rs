//! Showing only what matches some words.

use ratatui::text::Span;

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
    fn a_long_text_of_wide_letters_is_cut_between_them() {
        let text = "漢".repeat(5000);
        assert!(Filter::of("漢").shows(&[text.as_str()]));
        assert!(!Filter::of("x").shows(&[text.as_str()]));
    }
}
