//! The message line with what waits at the edge, and the keys that work here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::action::Action;
use crate::console::key;
use crate::console::model::Model;
use crate::console::pane::Pane;
use crate::console::safe;
use crate::console::theme::Role;

/// What matters everywhere among the panes, most wanted first.
const EVERYWHERE: &[Action] = &[
    Action::Accept,
    Action::Modify,
    Action::Reject,
    Action::Diff,
    Action::Act,
    Action::Own,
    Action::Note,
    Action::Find,
    Action::StepBack,
    Action::FocusNext,
    Action::Quit,
];

pub(super) fn draw(model: &Model, buf: &mut Buffer) {
    let status = Rect { x: 0, y: model.size.height.saturating_sub(2), width: model.size.width, height: 1 };
    let keys = Rect { y: status.y + 1, ..status };
    let edge = edge(model);
    let wide = u16::try_from(edge.width()).unwrap_or(status.width);
    let message = Rect { width: status.width.saturating_sub(wide + 1), ..status };
    safe::put(buf, message, 0, said(model), model.glyphs.cut);
    let at = Rect { x: status.width.saturating_sub(wide), width: wide.min(status.width), ..status };
    safe::put(buf, at, 0, edge, model.glyphs.cut);
    safe::put(buf, keys, 0, footer(model, keys.width), model.glyphs.cut);
}

fn said(model: &Model) -> Line<'_> {
    if !model.handed.is_empty() {
        return Line::from(safe::lit("Recording …", model.theme.of(Role::Status)));
    }
    if model.fresh_message
        && let Some(message) = model.messages.back()
    {
        let role = if message.bad { Role::StatusError } else { Role::Status };
        return Line::from(safe::made(&message.text, model.theme.of(role)));
    }
    match model.live.troubles.first() {
        Some(trouble) => Line::from(safe::prose(&trouble.text, model.theme.of(Role::StatusError))),
        None => Line::default(),
    }
}

/// What arrived and waits to be let in.
fn edge(model: &Model) -> Line<'static> {
    let waiting = model.waiting();
    if waiting == 0 {
        return Line::default();
    }
    let fresh = model
        .live
        .incidents
        .items
        .iter()
        .filter(|one| !model.shown.incidents.items.iter().any(|other| other.id == one.id))
        .count();
    let key = model.keymap.first(Action::Join).unwrap_or_else(|| ":join".to_owned());
    let what = match fresh {
        0 => format!("{waiting} more arrived"),
        1 => format!("{waiting} more arrived, a new incident among them"),
        more => format!("{waiting} more arrived, {more} new incidents among them"),
    };
    let how = if model.layers.is_empty() { format!(" ({key} lets them in)") } else { String::new() };
    Line::from(safe::made(format!("{what}{how}"), model.theme.of(Role::Edge)))
}

fn footer(model: &Model, width: u16) -> Line<'static> {
    let (key_style, text_style) = (model.theme.of(Role::Key), model.theme.of(Role::KeyText));
    let mut spans = Vec::new();
    if !model.begun.is_empty() {
        spans.push(safe::made(format!("{} … ", key::written(&model.begun)), key_style));
        for (rest, action) in model.keymap.continuations(model.context(), &model.begun) {
            spans.push(safe::made(rest, key_style));
            spans.push(safe::made(format!(" {}  ", action.about().short), text_style));
        }
        return Line::from(spans);
    }
    let hints = |pane: &dyn Pane| pane.hints().to_vec();
    let mut actions = match model.layers.last() {
        Some(top) => top.hints().to_vec(),
        None => {
            let mut actions = model.pane(model.focused()).map(hints).unwrap_or_default();
            for action in EVERYWHERE {
                if !actions.contains(action) {
                    actions.push(*action);
                }
            }
            actions
        }
    };
    let mut end = Vec::new();
    if model.layers.is_empty() {
        if model.wound.is_some() || model.winding.is_some() {
            actions.insert(0, Action::Live);
        }
        end = vec![Action::Palette, Action::Help];
    }
    let shown = |action: Action| {
        let key = model.keymap.first(action)?;
        Some([safe::made(key, key_style), safe::made(format!(" {}  ", action.about().short), text_style)])
    };
    let end: Vec<_> = end.into_iter().filter_map(shown).flatten().collect();
    let mut room = usize::from(width).saturating_sub(end.iter().map(ratatui::text::Span::width).sum());
    for pair in actions.into_iter().filter_map(shown) {
        let wide: usize = pair.iter().map(ratatui::text::Span::width).sum();
        if wide > room {
            break;
        }
        room -= wide;
        spans.extend(pair);
    }
    spans.extend(end);
    Line::from(spans)
}
