//! The frame, from the state alone.

pub(crate) use header::{lasting, word};

mod chrome;
mod footer;
mod header;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::layer;
use super::model::Model;
use super::safe;
use super::theme::Role;

/// Draws the state over all of `buf`; where the text cursor stands, if it is to be seen.
#[must_use]
pub fn draw(model: &Model, buf: &mut Buffer) -> Option<Position> {
    let screen = buf.area;
    safe::fill(buf, screen, model.theme.of(Role::Text));
    if screen.is_empty() {
        return None;
    }
    if model.too_small() {
        let (width, height) = super::layout::SMALLEST;
        let text =
            format!("warroom needs {width}x{height}, this is {}x{}. ctrl-c leaves.", screen.width, screen.height);
        for (row, line) in (0..screen.height).zip(safe::wrap(&text, screen.width)) {
            safe::put(buf, screen, row, Line::from(safe::made(line, model.theme.of(Role::Text))), model.glyphs.cut);
        }
        return None;
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
    let top = model.layers.last()?;
    let area = model.layer_area(model.layers.len() - 1);
    top.cursor(&model.cx(area, true)).map(Position::from).filter(|at| screen.contains(*at))
}

fn panes(model: &Model, buf: &mut Buffer) {
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

fn one_layer(model: &Model, nth: usize, buf: &mut Buffer) {
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
