//! The one place that makes something drawable. Nothing else in the console may build a span from a string.
//!
//! A span comes from a literal, from [`Safe`] text, or from text that is sanitised here, on the spot. `clippy.toml`
//! refuses the constructors of ratatui everywhere else.
#![expect(clippy::disallowed_methods, reason = "this is the room's one door from text to the screen")]

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use crate::event::{Policy, Safe, Untrusted};

/// Words of the program itself.
#[must_use]
pub fn lit(text: &'static str, style: Style) -> Span<'static> {
    Span::styled(text, style)
}

/// Text that was made safe already.
#[must_use]
pub fn shown(text: Safe<'_>, style: Style) -> Span<'_> {
    Span::styled(text.into_cow(), style)
}

/// Text from outside: sentences, names, titles.
#[must_use]
pub fn prose(text: &Untrusted, style: Style) -> Span<'_> {
    shown(text.show(Policy::Prose), style)
}

/// Text from outside where every character counts: commands, hosts, targets, digests.
#[must_use]
pub fn exact(text: &Untrusted, style: Style) -> Span<'_> {
    shown(text.show(Policy::Exact), style)
}

/// Any other text, sanitised here under `policy`: a piece of a diff, a typed line, an error of a library.
#[must_use]
pub fn piece(text: &str, policy: Policy, style: Style) -> Span<'static> {
    Span::styled(clean(text, policy), style)
}

/// Text the program put together (numbers, times, names of its own); sanitised all the same.
#[must_use]
pub fn made(text: impl AsRef<str>, style: Style) -> Span<'static> {
    piece(text.as_ref(), Policy::Prose, style)
}

/// `text` without anything that must not reach a screen.
#[must_use]
pub fn clean(text: &str, policy: Policy) -> String {
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return text.to_owned();
    }
    Untrusted::from(text).show(policy).into_cow().into_owned()
}

/// The lines of a text that may hold line feeds, each safe.
#[must_use]
pub fn lines(text: &Untrusted, policy: Policy) -> Vec<String> {
    text.raw().split('\n').map(|line| clean(line.strip_suffix('\r').unwrap_or(line), policy)).collect()
}

/// Columns a span or a text takes on the screen.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// `line` cut to `columns`; what was cut is marked with `mark` (one column wide).
#[must_use]
pub fn fit<'a>(line: Line<'a>, columns: u16, mark: &'static str) -> Line<'a> {
    let columns = usize::from(columns);
    if line.width() <= columns {
        return line;
    }
    let mut room = columns.saturating_sub(1);
    let mut kept = Vec::with_capacity(line.spans.len());
    for span in line.spans {
        let wide = span.width();
        if wide <= room {
            room -= wide;
            kept.push(span);
            continue;
        }
        let style = span.style;
        let (head, _) = split_at_width(&span.content, room);
        let head = head.to_owned();
        kept.push(Span::styled(head, style));
        kept.push(Span::styled(if columns == 0 { "" } else { mark }, style));
        break;
    }
    Line::from(kept).style(line.style)
}

/// Splits `text` so that the first part takes at most `columns`.
#[must_use]
pub fn split_at_width(text: &str, columns: usize) -> (&str, &str) {
    use unicode_segmentation::UnicodeSegmentation as _;
    let mut taken = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = grapheme.width();
        if taken + wide > columns {
            return text.split_at(at);
        }
        taken += wide;
    }
    (text, "")
}

/// Breaks one safe line into lines of at most `columns`, at blanks where there are any.
#[must_use]
pub fn wrap(text: &str, columns: u16) -> Vec<String> {
    let columns = usize::from(columns.max(1));
    let mut out = Vec::new();
    let mut rest = text;
    while width(rest) > columns {
        let (head, tail) = split_at_width(rest, columns);
        let cut = if tail.starts_with(' ') { head.len() } else { head.rfind(' ').map_or(head.len(), |at| at + 1) };
        // A wide character in a column of one would never fit; it is cut anyway so that this ends.
        let cut = if cut == 0 { rest.chars().next().map_or(1, char::len_utf8) } else { cut };
        out.push(rest[..cut].trim_end_matches(' ').to_owned());
        rest = rest[cut..].strip_prefix(' ').unwrap_or(&rest[cut..]);
    }
    out.push(rest.to_owned());
    out
}

/// Draws `line` at the given row of `area`, cut to its width; rows outside are not drawn.
pub fn put(buf: &mut Buffer, area: Rect, row: u16, line: Line<'_>, mark: &'static str) {
    if row >= area.height || area.width == 0 {
        return;
    }
    let line = fit(line, area.width, mark);
    buf.set_line(area.x, area.y + row, &line, area.width);
}

/// Fills `area` with blanks of `style`.
pub fn fill(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &mut buf[(x, y)];
            cell.reset();
            cell.set_style(style);
        }
    }
}

/// Draws the same glyph along a row from `x` on, `count` times.
pub fn rule(buf: &mut Buffer, x: u16, y: u16, count: u16, glyph: &'static str, style: Style) {
    for x in x..x.saturating_add(count) {
        if let Some(cell) = buf.cell_mut((x, y)) {
            cell.set_symbol(glyph).set_style(style);
        }
    }
}

/// Draws the same glyph down a column.
pub fn post(buf: &mut Buffer, x: u16, y: u16, count: u16, glyph: &'static str, style: Style) {
    for y in y..y.saturating_add(count) {
        if let Some(cell) = buf.cell_mut((x, y)) {
            cell.set_symbol(glyph).set_style(style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_marks_what_was_cut_and_keeps_the_width() {
        let line = Line::from(vec![lit("severity ", Style::new()), lit("critical", Style::new())]);
        let cut = fit(line, 12, "~");
        assert_eq!(cut.to_string(), "severity cr~");
        assert_eq!(cut.width(), 12);
    }

    #[test]
    fn wrapping_loses_nothing_but_the_blank_at_the_break() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn a_cut_never_falls_inside_a_wide_character() {
        let (head, tail) = split_at_width("日本語", 3);
        assert_eq!((head, tail), ("日", "本語"));
        assert!(!wrap("日本語", 1).is_empty());
    }

    #[test]
    fn controls_never_pass() {
        let span = made("a\u{1b}[2Jb\u{9b}c", Style::new());
        assert!(span.content.chars().all(|c| !c.is_control()), "{:?}", span.content);
    }
}
