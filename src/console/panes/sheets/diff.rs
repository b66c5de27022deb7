//! Two texts, or a unified diff, as rows of what stands left and right; drawn side by side or in line.

use std::time::{Duration, Instant};

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use similar::{ChangeTag, DiffTag, TextDiff};

use super::pretty;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::sheet::Content;
use crate::console::theme::Role;
use crate::console::widgets::words;
use crate::event::{Policy, Untrusted};

/// From this width on two columns are easier to read than lines above each other.
pub(super) const WIDE: u16 = 110;

/// Two huge texts are compared for so long; what is not settled then is shown as replaced.
const PATIENCE: Duration = Duration::from_millis(300);

/// One line of one side: its number, and its pieces; `true` marks a word that the other side has not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cell {
    number: Option<usize>,
    pieces: Vec<(bool, String)>,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Row {
    /// The same on both sides.
    Same(Cell, Cell),
    /// Different, or only on one side.
    Differs(Option<Cell>, Option<Cell>),
    /// A heading inside a diff: a file, a place.
    Place(String),
}

/// A text as it is compared: JSON is laid out first, so that a moved field is a moved line.
pub(super) fn comparable(text: &Untrusted) -> String {
    match serde_json::from_str::<serde_json::Value>(text.raw()) {
        Ok(value @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) => {
            serde_json::to_string_pretty(&crate::surface::in_order(value)).unwrap_or_else(|_| text.raw().to_owned())
        }
        _ => text.raw().to_owned(),
    }
}

/// The rows of two whole texts.
pub(super) fn of_texts(before: &str, after: &str) -> Vec<Row> {
    let until = Instant::now() + PATIENCE;
    let diff = TextDiff::configure().deadline(until).diff_lines(before, after);
    let mut rows = Vec::new();
    for op in diff.ops() {
        if op.tag() == DiffTag::Equal {
            for change in diff.iter_changes(op) {
                let cell = |index: Option<usize>| Cell {
                    number: index.map(|index| index + 1),
                    pieces: vec![(false, trimmed(change.value()).to_owned())],
                };
                rows.push(Row::Same(cell(change.old_index()), cell(change.new_index())));
            }
            continue;
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for change in diff.iter_inline_changes_deadline(op, Some(until)) {
            let pieces = change.iter_strings_lossy().map(|(word, text)| (word, trimmed(&text).to_owned())).collect();
            match change.tag() {
                ChangeTag::Delete => left.push(Cell { number: change.old_index().map(|index| index + 1), pieces }),
                _ => right.push(Cell { number: change.new_index().map(|index| index + 1), pieces }),
            }
        }
        pair(&mut rows, left, right);
    }
    rows
}

/// The rows of a unified diff, as far as it can be read as one; lines that mean nothing in it are kept.
pub(super) fn of_unified(diff: &str) -> Vec<Row> {
    let until = Instant::now() + PATIENCE;
    let mut rows = Vec::new();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let (mut old, mut new) = (None, None);
    for line in diff.split_terminator('\n') {
        let file = line.starts_with("--- ") || line.starts_with("+++ ") || line.starts_with("diff ");
        match line.as_bytes().first() {
            Some(b'-') if !file => left.push((count(&mut old), &line[1..])),
            Some(b'+') if !file => right.push((count(&mut new), &line[1..])),
            _ => {
                settle(&mut rows, &mut left, &mut right, until);
                if let Some(same) = line.strip_prefix(' ') {
                    let cell = |number| Cell { number, pieces: vec![(false, same.to_owned())] };
                    rows.push(Row::Same(cell(count(&mut old)), cell(count(&mut new))));
                    continue;
                }
                if line.starts_with("@@") {
                    (old, new) = begins(line);
                }
                rows.push(Row::Place(line.to_owned()));
            }
        }
    }
    settle(&mut rows, &mut left, &mut right, until);
    rows
}

/// Where a hunk begins on both sides: `@@ -7,10 +7,10 @@`.
fn begins(line: &str) -> (Option<usize>, Option<usize>) {
    let number = |sign: char| {
        let rest = &line[line.find(sign)? + 1..];
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    };
    (number('-'), number('+'))
}

fn count(at: &mut Option<usize>) -> Option<usize> {
    let now = *at;
    *at = now.map(|now| now.saturating_add(1));
    now
}

fn trimmed(line: &str) -> &str {
    line.strip_suffix('\n').unwrap_or(line)
}

/// Compares the words of removed and added lines that stand against each other.
fn settle(
    rows: &mut Vec<Row>,
    left: &mut Vec<(Option<usize>, &str)>,
    right: &mut Vec<(Option<usize>, &str)>,
    until: Instant,
) {
    let plain = |(number, text): (Option<usize>, &str)| Cell { number, pieces: vec![(false, text.to_owned())] };
    if left.len() != right.len() {
        let (left, right) = (left.drain(..).map(plain).collect(), right.drain(..).map(plain).collect());
        return pair(rows, left, right);
    }
    for ((old, before), (new, after)) in left.drain(..).zip(right.drain(..)) {
        let diff = TextDiff::configure().deadline(until).diff_unicode_words(before, after);
        let side = |skip: ChangeTag| {
            let pieces = diff.iter_all_changes().filter(|change| change.tag() != skip);
            pieces.map(|change| (change.tag() != ChangeTag::Equal, change.value().to_owned())).collect()
        };
        let left = Cell { number: old, pieces: side(ChangeTag::Insert) };
        let right = Cell { number: new, pieces: side(ChangeTag::Delete) };
        rows.push(Row::Differs(Some(left), Some(right)));
    }
}

fn pair(rows: &mut Vec<Row>, left: Vec<Cell>, right: Vec<Cell>) {
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return,
            (old, new) => rows.push(Row::Differs(old, new)),
        }
    }
}

/// Lines of one text, none of which the other has: one that was added or removed whole.
pub(super) fn of_one(text: &str, added: bool) -> Vec<Row> {
    text.split_terminator('\n')
        .enumerate()
        .map(|(nth, line)| {
            let cell = Cell { number: Some(nth + 1), pieces: vec![(false, line.to_owned())] };
            if added { Row::Differs(None, Some(cell)) } else { Row::Differs(Some(cell), None) }
        })
        .collect()
}

/// How many words were taken out and put in, where lines stand against each other.
pub(super) fn words_moved(rows: &[Row]) -> (usize, usize) {
    let count = |cell: &Cell| {
        let marked = cell.pieces.iter().filter(|(word, _)| *word);
        marked.map(|(_, text)| text.split_whitespace().count()).sum::<usize>()
    };
    rows.iter().fold((0, 0), |(out, put), row| match row {
        Row::Differs(Some(left), Some(right)) => (out + count(left), put + count(right)),
        _ => (out, put),
    })
}

/// Only the rows that differ, each place with `around` rows before and after it.
pub(super) fn places(rows: &[Row], around: usize) -> Vec<Row> {
    let near = |nth: usize| {
        let from = nth.saturating_sub(around);
        rows[from..(nth + around + 1).min(rows.len())].iter().any(|row| matches!(row, Row::Differs(..)))
    };
    let mut kept = Vec::new();
    let mut left_out = 0;
    for (nth, row) in rows.iter().enumerate() {
        if near(nth) {
            if left_out > 0 {
                kept.push(Row::Place(format!("{left_out} lines the same")));
            }
            left_out = 0;
            kept.push(row.clone());
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 && !kept.is_empty() {
        kept.push(Row::Place(format!("{left_out} lines the same")));
    }
    kept
}

/// How the rows are drawn.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub width: usize,
    pub side_by_side: bool,
    pub policy: Policy,
}

/// Appends the rows to `content`, with a place where something differs.
pub(super) fn draw(cx: &Cx<'_>, rows: &[Row], look: Look, content: &mut Content) {
    let mut within = false;
    let mut nth = 0;
    while nth < rows.len() {
        let differs = matches!(rows[nth], Row::Differs(..));
        if differs && !within {
            content.places.push(content.lines.len());
        }
        within = differs;
        match &rows[nth] {
            Row::Place(text) => {
                let spans = words::whole(cx, &Untrusted::from(text.as_str()), look.policy, cx.of(Role::DiffHunk));
                content.lines.extend(words::wrap(spans, look.width, 2));
            }
            Row::Same(left, right) if look.side_by_side => both(cx, Some(left), Some(right), false, look, content),
            Row::Same(_, right) => content.lines.extend(one(cx, right, Side::Same, look.width, look.policy)),
            Row::Differs(left, right) if look.side_by_side => {
                both(cx, left.as_ref(), right.as_ref(), true, look, content);
            }
            Row::Differs(..) => {
                // In line, all that went of a block stands above all that came.
                let end = rows[nth..].iter().take_while(|row| matches!(row, Row::Differs(..))).count() + nth;
                for (side, pick) in [(Side::Removed, true), (Side::Added, false)] {
                    for row in &rows[nth..end] {
                        let Row::Differs(left, right) = row else { continue };
                        let cell = if pick { left } else { right };
                        if let Some(cell) = cell {
                            content.lines.extend(one(cx, cell, side, look.width, look.policy));
                        }
                    }
                }
                nth = end;
                continue;
            }
        }
        nth += 1;
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Same,
    Removed,
    Added,
}

/// One line of one side in `width` columns: number, sign, text.
fn one(cx: &Cx<'_>, cell: &Cell, side: Side, width: usize, policy: Policy) -> Vec<Line<'static>> {
    let (sign, role) = match side {
        Side::Same => (" ", Role::Text),
        Side::Removed => (cx.glyphs.minus, Role::DiffRemove),
        Side::Added => (cx.glyphs.plus, Role::DiffAdd),
    };
    let style = cx.of(role);
    let number = cell.number.map_or_else(String::new, |number| number.to_string());
    let mut spans =
        vec![safe::made(format!("{number:>4} "), cx.of(Role::Muted)), safe::lit(sign, style), safe::lit(" ", style)];
    // What is the same on both sides is read as what it is; what differs is read as a difference.
    if let ([(false, text)], Side::Same, Policy::Prose) = (cell.pieces.as_slice(), side, policy) {
        for (piece, text) in pretty::of_line(text) {
            spans.extend(words::whole(cx, &Untrusted::from(text.as_str()), policy, pretty::style(cx, piece)));
        }
        return words::wrap(spans, width, 7);
    }
    for (word, text) in &cell.pieces {
        // Underlined as well, so that it is seen without colour.
        let style = if *word { style.patch(cx.of(Role::DiffWord)).add_modifier(Modifier::UNDERLINED) } else { style };
        spans.extend(words::whole(cx, &Untrusted::from(text.as_str()), policy, style));
    }
    words::wrap(spans, width, 7)
}

fn both(cx: &Cx<'_>, left: Option<&Cell>, right: Option<&Cell>, differs: bool, look: Look, content: &mut Content) {
    let half = look.width.saturating_sub(3) / 2;
    let side = |side| if differs { side } else { Side::Same };
    let lines =
        |cell: Option<&Cell>, which| cell.map(|cell| one(cx, cell, side(which), half, look.policy)).unwrap_or_default();
    let (left, right) = (lines(left, Side::Removed), lines(right, Side::Added));
    let rows = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    for _ in 0..rows {
        let mut spans: Vec<Span<'static>> = left.next().unwrap_or_default().spans;
        let wide: usize = spans.iter().map(Span::width).sum();
        spans.push(safe::made(" ".repeat(half.saturating_sub(wide) + 1), cx.of(Role::Text)));
        spans.push(safe::lit(cx.glyphs.post, cx.of(Role::Chrome)));
        spans.push(safe::lit(" ", cx.of(Role::Text)));
        spans.extend(right.next().unwrap_or_default().spans);
        content.lines.push(Line::from(spans));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(rows: &[Row], left: bool) -> String {
        let line = |cell: &Cell| cell.pieces.iter().map(|(_, text)| text.as_str()).collect::<String>() + "\n";
        rows.iter()
            .filter_map(|row| match row {
                Row::Same(old, new) => Some(line(if left { old } else { new })),
                Row::Differs(old, new) => (if left { old } else { new }).as_ref().map(line),
                Row::Place(_) => None,
            })
            .collect()
    }

    #[test]
    fn the_words_that_moved_are_marked() {
        let before = "# Refunds\n- Do not promise a refund until it answers.\n- End.\n";
        let after = "# Refunds\n- Reassure them about the refund while it answers.\n- End.\n";
        let rows = of_texts(before, after);
        assert_eq!(rows.len(), 3);
        let Row::Differs(Some(left), Some(right)) = &rows[1] else { panic!("{rows:?}") };
        let marked = |cell: &Cell| {
            cell.pieces.iter().filter(|(word, _)| *word).map(|(_, text)| text.trim()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(marked(left), "Do not promise a until");
        assert_eq!(marked(right), "Reassure them about the while");
        assert_eq!(words_moved(&rows), (5, 5));
        assert_eq!(places(&rows, 0).iter().filter(|row| matches!(row, Row::Differs(..))).count(), 1);
    }

    #[test]
    fn a_unified_diff_is_read_with_its_numbers() {
        let diff = "--- a/pool.yaml\n+++ b/pool.yaml\n@@ -7,3 +7,3 @@ ledger:\n   pool:\n-    max: 48\n+    max: 8\n     min: 4\n";
        let rows = of_unified(diff);
        assert!(matches!(&rows[0], Row::Place(text) if text == "--- a/pool.yaml"));
        let Row::Differs(Some(left), Some(right)) = &rows[4] else { panic!("{rows:?}") };
        assert_eq!((left.number, right.number), (Some(8), Some(8)));
        assert!(left.pieces.contains(&(true, "48".to_owned())), "{left:?}");
        assert!(right.pieces.contains(&(true, "8".to_owned())), "{right:?}");
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_back(before in "([ab ]{0,4}\n){0,8}", after in "([ab ]{0,4}\n){0,8}") {
            let rows = of_texts(&before, &after);
            prop_assert_eq!(text_of(&rows, true), before);
            prop_assert_eq!(text_of(&rows, false), after);
        }

        #[test]
        fn no_unified_diff_panics_or_loses_a_line(diff in "([-+@ x]{0,3}[a0-9, \u{e9}-]{0,6}\n){0,12}") {
            let rows = of_unified(&diff);
            let shown: usize = rows.iter().map(|row| match row {
                Row::Same(..) | Row::Place(_) => 1,
                Row::Differs(left, right) => usize::from(left.is_some()) + usize::from(right.is_some()),
            }).sum();
            prop_assert_eq!(shown, diff.split_terminator('\n').count());
        }
    }
}
