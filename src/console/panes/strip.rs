//! The strip below a list: what is to be said about the row under the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::pane::Cx;
use crate::console::safe;
use crate::console::theme::Role;

/// Rows of it in a pane of `height`: one part in `parts`, at most `most`, none where the list has no room to spare.
pub(super) fn rows(height: u16, parts: u16, most: u16) -> u16 {
    if height >= 7 { (height / parts.max(1)).clamp(2, most.max(2)) } else { 0 }
}

/// What is left above it for the list.
pub(super) fn above(area: Rect, strip: u16) -> Rect {
    Rect { height: area.height.saturating_sub(strip), ..area }
}

/// Draws it: a rule, then the lines; where they do not all fit, the last one says so.
pub(super) fn draw(cx: &Cx<'_>, buf: &mut Buffer, strip: u16, lines: Vec<Line<'static>>) {
    if strip == 0 {
        return;
    }
    let area = Rect { y: cx.area.bottom().saturating_sub(strip), height: strip, ..cx.area };
    safe::rule(buf, area.x, area.y, area.width, cx.glyphs.rule, cx.of(Role::Chrome));
    let more = lines.len() > usize::from(strip - 1);
    for (row, mut line) in (1..strip).zip(lines) {
        if more && row + 1 == strip {
            line = safe::fit(line, area.width.saturating_sub(2), "");
            line.spans.push(safe::lit(" ", cx.of(Role::Muted)));
            line.spans.push(safe::lit(cx.glyphs.cut, cx.of(Role::Edge)));
        }
        safe::put(buf, area, row, line, cx.glyphs.cut);
    }
}
