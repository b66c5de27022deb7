//! Rules and titles.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::key;
use crate::console::layer::{Extent, Layer};
use crate::console::layout::Placed;
use crate::console::model::Model;
use crate::console::safe;
use crate::console::theme::Role;

/// The rules between columns.
pub(super) fn rules(model: &Model, placed: &[Placed], buf: &mut Buffer) {
    let room = model.room();
    let mut columns: Vec<u16> = placed.iter().map(|spot| spot.title.x).filter(|x| *x > room.x).collect();
    columns.dedup();
    for x in columns {
        safe::post(buf, x - 1, room.y, room.height, model.glyphs.post, model.theme.of(Role::Chrome));
    }
}

/// A pane's title on its rule: number, name, what it says about itself.
pub(super) fn title(model: &Model, spot: &Placed, focused: bool, summary: Option<Line<'static>>, buf: &mut Buffer) {
    let area = spot.title;
    let chrome = model.theme.of(Role::Chrome);
    if area.is_empty() {
        return;
    }
    safe::rule(buf, area.x, area.y, area.width, model.glyphs.rule, chrome);
    let style = model.theme.of(if focused { Role::Focus } else { Role::Title });
    let number = model.keymap.keys(spot.kind.action()).first().map(|keys| key::written(keys)).unwrap_or_default();
    let mark = if focused { model.glyphs.focus } else { " " };
    let mut line = Line::from(vec![
        safe::lit(mark, style),
        safe::made(number, style),
        safe::lit(" ", style),
        safe::lit(spot.kind.title(), style),
        safe::lit(" ", style),
    ]);
    if let Some(summary) = summary.filter(|summary| summary.width() > 0) {
        line.spans.push(safe::lit(" ", chrome));
        line.spans.extend(summary.spans);
        line.spans.push(safe::lit(" ", chrome));
    }
    safe::put(buf, area, 0, line, model.glyphs.cut);
}

/// The frame of a layer: a title on its first row; boxes get rules at their sides. A grave one is framed in its warning.
pub(super) fn frame(
    model: &Model,
    layer: &dyn Layer,
    frame: Rect,
    inside: Rect,
    title: Line<'static>,
    buf: &mut Buffer,
) {
    if frame.is_empty() {
        return;
    }
    let style = model.theme.of(if layer.grave() { Role::DialogDanger } else { Role::Chrome });
    safe::rule(buf, frame.x, frame.y, frame.width, model.glyphs.rule, style);
    if matches!(layer.extent(&model.cx(inside, true)), Extent::Box { .. }) {
        safe::rule(buf, frame.x, frame.bottom().saturating_sub(1), frame.width, model.glyphs.rule, style);
        safe::post(buf, frame.x, frame.y, frame.height, model.glyphs.post, style);
        safe::post(buf, frame.right().saturating_sub(1), frame.y, frame.height, model.glyphs.post, style);
    }
    let on = Rect { x: frame.x + 1, width: frame.width.saturating_sub(2), height: 1, ..frame };
    safe::put(buf, on, 0, title, model.glyphs.cut);
}
