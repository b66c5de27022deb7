//! Looking for words in a text and setting them off, whatever the case.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use regex::{Regex, RegexBuilder};

use super::safe;

/// Words that are looked for.
#[derive(Clone, Debug)]
pub struct Finder {
    words: String,
    pattern: Regex,
}

impl Finder {
    /// Looks for `words` as they stand; `None` when there are none.
    #[must_use]
    pub fn of(words: &str) -> Option<Self> {
        let words = words.trim();
        // An escaped text is always a pattern; one that were too long for the machine would find nothing.
        let pattern = RegexBuilder::new(&regex::escape(words)).case_insensitive(true).build().ok()?;
        (!words.is_empty()).then(|| Self { words: words.to_owned(), pattern })
    }

    /// What is looked for.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Whether `text` holds it.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.pattern.is_match(text)
    }

    /// Where `text` holds it first.
    #[must_use]
    pub fn first(&self, text: &str) -> Option<Range<usize>> {
        self.pattern.find(text).map(|found| found.range())
    }

    /// Rows of `lines` in which it begins; it may go on in the line below, where a line was broken. `skip` is what stands at
    /// the beginning of a quoted line.
    #[must_use]
    pub fn rows(&self, lines: &[Line<'_>], skip: &str) -> Vec<usize> {
        let plain = |line: &Line<'_>| {
            let text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
            text.strip_prefix(skip).map_or_else(|| text.trim().to_owned(), |rest| rest.trim().to_owned())
        };
        let texts: Vec<String> = lines.iter().map(plain).collect();
        let begins = |nth: &usize| {
            let own = &texts[*nth];
            let whole = texts.get(nth + 1).map_or_else(|| own.clone(), |next| format!("{own} {next}"));
            self.pattern.find_iter(&whole).any(|found| found.start() < own.len())
        };
        (0..texts.len()).filter(begins).collect()
    }

    /// The line with what is looked for set off.
    #[must_use]
    pub fn mark(&self, line: Line<'static>, style: Style) -> Line<'static> {
        let text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
        let found: Vec<Range<usize>> = self.pattern.find_iter(&text).map(|found| found.range()).collect();
        if found.is_empty() {
            return line;
        }
        let mut spans: Vec<Span<'static>> = Vec::with_capacity(line.spans.len() + 2 * found.len());
        let mut from = 0;
        for span in line.spans {
            let to = from + span.content.len();
            let mut at = from;
            for hit in found.iter().filter(|hit| hit.start < to && hit.end > from) {
                let (start, end) = (hit.start.max(from), hit.end.min(to));
                let mut cut = |a: usize, b: usize, style: Style| {
                    if let Some(piece) = text.get(a..b).filter(|piece| !piece.is_empty()) {
                        spans.push(safe::made(piece, style));
                    }
                };
                cut(at, start, span.style);
                cut(start, end, span.style.patch(style));
                at = end;
            }
            if at == from {
                spans.push(span);
            } else if let Some(rest) = text.get(at..to).filter(|rest| !rest.is_empty()) {
                spans.push(safe::made(rest, span.style));
            }
            from = to;
        }
        Line::from(spans)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Modifier;

    use super::*;

    #[test]
    fn words_are_found_whatever_the_case_and_over_a_broken_line() {
        let finder = Finder::of(" Refund (late) ").expect("words");
        assert!(finder.is_in("a refund (LATE) b") && !finder.is_in("refund late"));
        let lines = ["| the refund", "| (late) is", "| none here", "| refund (late)"]
            .map(|text| Line::from(safe::lit(text, Style::new())));
        assert_eq!(finder.rows(&lines, "| "), [0, 3]);
        assert!(Finder::of("  ").is_none());
    }

    #[test]
    fn what_is_found_is_set_off_across_pieces_and_nothing_is_lost() {
        let finder = Finder::of("éb c").expect("words");
        let style = Style::new().add_modifier(Modifier::UNDERLINED);
        let line = Line::from(vec![
            safe::lit("a É", Style::new()),
            safe::lit("b ", Style::new()),
            safe::lit("cd éb c", Style::new()),
        ]);
        let marked = finder.mark(line.clone(), style);
        assert_eq!(marked.to_string(), line.to_string());
        let set_off: String =
            marked.spans.iter().filter(|span| span.style == style).map(|span| span.content.as_ref()).collect();
        assert_eq!(set_off, "Éb céb c");
    }
}
