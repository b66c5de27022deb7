//! A list with a cursor, and what stands where a list would stand.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::cursor::Cursor;
use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;
use crate::console::widgets::words;

/// Draws the rows on the screen, made one by one by `row`, and marks the one under the cursor. After the last row it
/// says how many more there are that are not shown.
pub fn draw<K: Clone + PartialEq>(
    cx: &Cx<'_>,
    buf: &mut Buffer,
    area: Rect,
    cursor: &Cursor<K>,
    rows: usize,
    hidden: u64,
    row: impl Fn(usize) -> Line<'static>,
) {
    for on_screen in 0..area.height {
        let nth = cursor.top() + usize::from(on_screen);
        if nth >= rows {
            if nth == rows && hidden > 0 {
                safe::put(buf, area, on_screen, not_shown(cx, hidden), cx.glyphs.cut);
            }
            break;
        }
        safe::put(buf, area, on_screen, row(nth), cx.glyphs.cut);
        if nth == cursor.row() {
            buf.set_style(Rect { y: area.y + on_screen, height: 1, ..area }, cx.cursor_style());
        }
    }
}

/// The line that says that a list goes on.
#[must_use]
pub fn not_shown(cx: &Cx<'_>, hidden: u64) -> Line<'static> {
    Line::from(safe::made(format!("{} {hidden} more, not shown", cx.glyphs.cut), cx.of(Role::Muted)))
}

/// What a pane says when it has nothing to show: what is missing, then what would fill it.
pub fn empty(cx: &Cx<'_>, buf: &mut Buffer, what: &'static str, how: &str) {
    let width = usize::from(cx.area.width);
    let said = words::wrapped(what, width, cx.of(Role::Text));
    let help = words::wrapped(how, width, cx.of(Role::Muted));
    for (row, line) in (0..cx.area.height).zip(said.into_iter().chain(help)) {
        safe::put(buf, cx.area, row, line, cx.glyphs.cut);
    }
}

/// Counts for a pane's title: `37`, or `60 of 372`.
#[must_use]
pub fn counted(shown: usize, hidden: u64) -> String {
    let shown = u64::try_from(shown).unwrap_or(u64::MAX);
    if hidden == 0 { shown.to_string() } else { format!("{shown} of {}", shown.saturating_add(hidden)) }
}
