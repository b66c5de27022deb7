//! The frame, from the state alone.

pub(crate) use header::{lasting, word};

mod chrome;
mod footer;
mod header;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::layer;
use super::model::Model;
use super::safe;
use super::theme::Role;

/// Draws the state.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let screen = frame.area();
    let buf = frame.buffer_mut();
    safe::fill(buf, screen, model.theme.of(Role::Text));
    if screen.is_empty() {
        return;
    }
    if model.too_small() {
        let (width, height) = super::layout::SMALLEST;
        let text =
            format!("warroom needs {width}x{height}, this is {}x{}. ctrl-c leaves.", screen.width, screen.height);
        for (row, line) in (0..screen.height).zip(safe::wrap(&text, screen.width)) {
            safe::put(buf, screen, row, Line::from(safe::made(line, model.theme.of(Role::Text))), model.glyphs.cut);
        }
        return;
    }
    header::draw(model, buf);
    let full = model
        .layers
        .iter()
        .rposition(|layer| matches!(layer.extent(&model.cx(model.room(), true)), layer::Extent::Full));
    if full.is_none() {
        panes(model, buf);
    }
    // What a full layer covers need not be drawn.
    for nth in full.unwrap_or(0)..model.layers.len() {
        one_layer(model, nth, buf);
    }
    footer::draw(model, buf);
    if let Some(top) = model.layers.last() {
        let area = model.layer_area(model.layers.len() - 1);
        if let Some(at) = top.cursor(&model.cx(area, true)).filter(|(x, y)| screen.contains((*x, *y).into())) {
            frame.set_cursor_position(at);
        }
    }
}

fn panes(model: &Model, buf: &mut ratatui::buffer::Buffer) {
    let placed = model.placed();
    chrome::rules(model, &placed, buf);
    for spot in &placed {
        let focused = spot.kind == model.focused() && model.layers.is_empty();
        let cx = model.cx(spot.area, focused);
        let pane = model.pane(spot.kind);
        chrome::title(model, spot, focused, pane.map(|pane| pane.summary(&cx)), buf);
        match pane {
            Some(pane) => pane.draw(&cx, buf),
            None => {
                let line = Line::from(safe::lit("This pane is not part of this build.", cx.of(Role::Muted)));
                safe::put(buf, spot.area, 0, line, model.glyphs.cut);
            }
        }
    }
}

fn one_layer(model: &Model, nth: usize, buf: &mut ratatui::buffer::Buffer) {
    let Some(layer) = model.layers.get(nth) else { return };
    let area = model.layer_area(nth);
    let cx = model.cx(area, nth + 1 == model.layers.len());
    let frame: Rect = layer::outside(layer.extent(&cx), area, model.room());
    safe::fill(buf, frame, model.theme.of(Role::Dialog));
    chrome::frame(model, layer.as_ref(), frame, area, layer.title(&cx), buf);
    layer.draw(&cx, buf);
}

#[cfg(test)]
mod tests;
