//! Text from outside as spans: what had to be written out stands out, what is too long is cut with a mark.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::console::glyph;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::event::{Excerpt, Mark, Policy, Safe, Untrusted};

/// The most cells a text takes where it is shown whole; far more than anyone reads, far less than memory.
const WHOLE: usize = 4 << 20;

/// Whether the terminal draws ASCII only.
fn poor(cx: &Cx<'_>) -> bool {
    std::ptr::eq(cx.glyphs, &raw const glyph::ASCII)
}

/// On a poor terminal every other script is written out too.
fn policy_for(cx: &Cx<'_>, text: Excerpt<'_>, policy: Policy) -> Policy {
    if poor(cx) && !text.raw().is_ascii() { Policy::Exact } else { policy }
}

/// `text` in at most `columns` columns. Costs no more than that, however long it is.
#[must_use]
pub fn cut<'a>(
    cx: &Cx<'_>,
    text: impl Into<Excerpt<'a>>,
    policy: Policy,
    columns: usize,
    style: Style,
) -> Vec<Span<'static>> {
    let text = text.into();
    let policy = policy_for(cx, text, policy);
    let shown = text.show_prefix(policy, columns);
    if shown.is_whole() {
        return marked(cx, &shown, style);
    }
    let shown = text.show_prefix(policy, columns.saturating_sub(1));
    let mut spans = marked(cx, &shown, style);
    if columns > 0 {
        spans.push(safe::lit(cx.glyphs.cut, style));
    }
    spans
}

/// A name or a sentence in at most `columns` columns.
#[must_use]
pub fn prose(cx: &Cx<'_>, text: &Untrusted, columns: usize, style: Style) -> Vec<Span<'static>> {
    cut(cx, text, Policy::Prose, columns, style)
}

/// All of `text`, in one line of any length.
#[must_use]
pub fn whole<'a>(cx: &Cx<'_>, text: impl Into<Excerpt<'a>>, policy: Policy, style: Style) -> Vec<Span<'static>> {
    let text = text.into();
    marked(cx, &text.show_prefix(policy_for(cx, text, policy), WHOLE), style)
}

/// The pieces of shown text in their styles.
fn marked(cx: &Cx<'_>, shown: &Safe<'_>, style: Style) -> Vec<Span<'static>> {
    shown
        .pieces()
        .flat_map(|(piece, mark)| match mark {
            Mark::Plain => vec![safe::made(piece, style)],
            Mark::Escaped => {
                vec![safe::made(piece, style.patch(cx.of(Role::Untrusted)).add_modifier(Modifier::UNDERLINED))]
            }
            Mark::Blank => {
                let style = style.patch(cx.of(Role::Muted));
                piece
                    .chars()
                    .map(|c| match c {
                        ' ' => safe::lit(" ", style),
                        '→' => safe::lit(cx.glyphs.arrow, style),
                        _ => safe::lit(cx.glyphs.blank, style),
                    })
                    .collect()
            }
        })
        .collect()
}

/// Breaks spans into lines of at most `columns`, at blanks where there are any; lines after the first begin with
/// `indent` blanks.
#[must_use]
pub fn wrap(spans: Vec<Span<'static>>, columns: usize, indent: usize) -> Vec<Line<'static>> {
    let columns = columns.max(1);
    let indent = if indent + 8 > columns { 0 } else { indent };
    let mut out = Wrapped { lines: Vec::new(), line: Vec::new(), used: 0, columns, indent };
    for span in spans {
        if out.used + span.width() <= columns {
            out.push(span);
            continue;
        }
        for word in span.content.split_inclusive(' ') {
            out.word(word, span.style);
        }
    }
    out.lines.push(Line::from(out.line));
    out.lines
}

struct Wrapped {
    lines: Vec<Line<'static>>,
    line: Vec<Span<'static>>,
    used: usize,
    columns: usize,
    indent: usize,
}

impl Wrapped {
    fn push(&mut self, span: Span<'static>) {
        self.used += span.width();
        self.line.push(span);
    }

    fn word(&mut self, word: &str, style: Style) {
        let wide = safe::width(word.trim_end_matches(' '));
        if self.used + wide > self.columns && self.used > self.begun() {
            self.turn();
        }
        let mut rest = word;
        while safe::width(rest.trim_end_matches(' ')) > self.columns - self.used {
            let (head, tail) = safe::split_at_width(rest, self.columns - self.used);
            // A wide character in one column never fits; it is cut anyway so that this ends.
            let at = if head.is_empty() && self.used == self.begun() {
                rest.chars().next().map_or(rest.len(), char::len_utf8)
            } else {
                head.len()
            };
            let (head, tail) = if at == head.len() { (head, tail) } else { rest.split_at(at) };
            self.push(safe::made(head, style));
            self.turn();
            rest = tail;
        }
        let fits = if self.used + safe::width(rest) > self.columns { rest.trim_end_matches(' ') } else { rest };
        if !fits.is_empty() {
            self.push(safe::made(fits, style));
        }
    }

    /// Columns that are taken when nothing is written in the line yet.
    fn begun(&self) -> usize {
        if self.lines.is_empty() { 0 } else { self.indent }
    }

    fn turn(&mut self) {
        self.lines.push(Line::from(std::mem::take(&mut self.line)));
        self.used = 0;
        if self.indent > 0 {
            self.push(safe::made(" ".repeat(self.indent), Style::default()));
        }
    }
}

/// A text of any number of lines, wrapped to `columns`; every line is there.
#[must_use]
pub fn paragraphs(cx: &Cx<'_>, text: &Untrusted, policy: Policy, columns: usize, style: Style) -> Vec<Line<'static>> {
    text.lines().flat_map(|line| wrap(whole(cx, line, policy, style), columns, 0)).collect()
}

/// All of a text quoted from outside, with a bar beside it.
#[must_use]
pub fn quoted(cx: &Cx<'_>, text: &Untrusted, columns: usize) -> Vec<Line<'static>> {
    paragraphs(cx, text, Policy::Prose, columns.saturating_sub(2), cx.of(Role::Text))
        .into_iter()
        .map(|line| {
            let mut spans: Vec<Span<'static>> =
                vec![safe::lit(cx.glyphs.quote, cx.of(Role::Untrusted)), safe::lit(" ", cx.of(Role::Text))];
            spans.extend(line.spans);
            Line::from(spans)
        })
        .collect()
}

/// Words of the program in `style`, wrapped.
#[must_use]
pub fn wrapped(text: &str, columns: usize, style: Style) -> Vec<Line<'static>> {
    wrap(vec![safe::made(text, style)], columns, 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect()
    }

    #[test]
    fn words_are_kept_together_and_long_ones_cut() {
        let lines = wrap(vec![safe::lit("one two three", Style::new())], 7, 0);
        assert_eq!(plain(&lines), ["one two", "three"]);
        let lines = wrap(vec![safe::lit("ab abcdefghij", Style::new())], 4, 0);
        assert_eq!(plain(&lines), ["ab", "abcd", "efgh", "ij"]);
        let lines = wrap(vec![safe::lit("+ first second third", Style::new())], 14, 2);
        assert_eq!(plain(&lines), ["+ first second", "  third"]);
    }

    proptest! {
        #[test]
        fn wrapping_keeps_every_letter_and_the_width(text in "[a-z 漢é]{0,80}", columns in 2_usize..30, indent in 0_usize..4) {
            let lines = wrap(vec![safe::made(&text, Style::new())], columns, indent);
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&plain(&lines).concat()), letters(&text));
            for line in &lines {
                prop_assert!(line.width() <= columns, "{:?} in {}", line, columns);
            }
        }
    }
}
