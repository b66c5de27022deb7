//! What happens to the state when something happens.

mod acts;
mod room;
mod wind;

use std::sync::Arc;

use ratatui::layout::Rect;

use super::action::{Action, Command};
use super::details::Want;
use super::errand::Found;
use super::key::Key;
use super::keymap::Meaning;
use super::layer::Layer;
use super::layers::palette::Palette;
use super::layers::replay::Replay;
use super::layers::viewer::Viewer;
use super::layers::watching::Watching;
use super::model::{Again, Effect, Model, Msg};
use super::pane::{Answer, Ask, Cx, Input, Now, Pane, PaneKind, Wind};
use super::panes;
use crate::engine::view::{ActionState, Opens};
use crate::event::IncidentId;
use crate::response::StepAt;

/// A dangerous dialog hears nothing for so long after it got to the screen.
pub const GRAVE_PAUSE: std::time::Duration = std::time::Duration::from_millis(300);

/// Takes in `msg`, which came at `now`, and says what has to be done.
pub fn update(model: &mut Model, msg: Msg, now: Now) -> Vec<Effect> {
    model.now = now;
    let mut effects = Vec::new();
    match msg {
        Msg::Key(key) => {
            model.fresh_message = false;
            model.touched = true;
            model.own_news = false;
            press(model, key, &mut effects);
        }
        Msg::Paste(text) => paste(model, text, &mut effects),
        Msg::Wheel(rows) => {
            let action = if rows < 0 { Action::Up } else { Action::Down };
            for _ in 0..rows.unsigned_abs() {
                dispatch(model, action.into(), &mut effects);
            }
        }
        Msg::Click(x, y) => click(model, x, y),
        Msg::Resized(size) => model.size = size,
        Msg::View(view) => {
            // Whoever just arrived is led to what matters; after the first key nothing moves by itself.
            if !model.touched && !view.incidents.items.is_empty() {
                model.focus(PaneKind::Hypotheses);
                // A list of one says nothing that the first line does not: its alerts do.
                if view.incidents.items.len() == 1 {
                    model.recent.retain(|kind| *kind != PaneKind::Incidents);
                }
            }
            model.picture(view);
        }
        Msg::Fetched(want, through, result) => model.details.arrived(&want, through, result),
        Msg::Performed(incident, result) => acts::performed(model, incident, result, &mut effects),
        Msg::Ran(incident, result) => acts::ran(model, incident, result, &mut effects),
        Msg::Wound(moment, result) => wind::arrived(model, moment, result, &mut effects),
        Msg::Reload => {
            let (theme, keymap) = (model.theme.name.clone(), model.keymap.name.clone());
            effects.push(Effect::Reload { theme, keymap });
        }
        Msg::Reloaded(again) => reloaded(model, *again),
        Msg::Found(found) => acts::found(model, &found, &mut effects),
        Msg::Woken => {}
        Msg::Painted => {
            let nth = model.layers.len().wrapping_sub(1);
            model.repaint |= with_layer(model, nth, |layer, cx| layer.painted(cx)).unwrap_or(false);
            return effects;
        }
        Msg::Drafted(result) => {
            if let Err(error) = result
                && !model.drafts_fail
            {
                model.say(format!("Drafts cannot be kept over a lost session: {error}"), true);
                model.drafts_fail = true;
            }
            return effects;
        }
        Msg::Say(text) => model.say(text, true),
    }
    settle(model, &mut effects);
    effects
}

/// Puts everything in order after a change: joins what may join, prepares what is on the screen, asks for what it needs.
fn settle(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.follows() && !Arc::ptr_eq(&model.shown, &model.live) {
        model.shown = model.live.clone();
    }
    prepare(model);
    // At home again after its rows went: let it join now rather than at the next message.
    if model.follows() && !Arc::ptr_eq(&model.shown, &model.live) {
        model.shown = model.live.clone();
        prepare(model);
    }
    model.note_first_shown();
    let placed = model.placed();
    let mut wants = Vec::new();
    if let Some(top) = model.layers.last() {
        wants.extend(top.wants(&model.cx(model.layer_area(model.layers.len() - 1), true)));
    }
    for spot in &placed {
        if let Some(pane) = model.pane(spot.kind) {
            wants.extend(pane.wants(&model.cx(spot.area, spot.kind == model.focused())));
        }
    }
    for want in wants {
        // Another moment is compared with now, so the table holds all runs, wherever the time is wound to.
        let through = if want == Want::Runs { model.live.head } else { model.shown.head };
        if model.details.ask(&want, through) {
            effects.push(Effect::Fetch(want, through));
        }
    }
}

fn prepare(model: &mut Model) {
    let placed = model.placed();
    let focused = model.focused();
    let mut panes = std::mem::take(&mut model.panes);
    for pane in &mut panes {
        let spot = placed.iter().find(|spot| spot.kind == pane.kind());
        let area = spot.map_or(Rect::ZERO, |spot| spot.area);
        if spot.is_some() || pane.kind() == PaneKind::Hypotheses {
            pane.prepare(&model.cx(area, pane.kind() == focused));
        }
    }
    model.panes = panes;
    for nth in 0..model.layers.len() {
        with_layer(model, nth, |layer, cx| layer.prepare(cx));
    }
}

/// Calls `f` with layer `nth` and what it may know; its result, if there is such a layer.
fn with_layer<R>(model: &mut Model, nth: usize, f: impl FnOnce(&mut dyn Layer, &Cx<'_>) -> R) -> Option<R> {
    let area = model.layer_area(nth);
    let mut layers = std::mem::take(&mut model.layers);
    let result = layers.get_mut(nth).map(|layer| f(layer.as_mut(), &model.cx(area, true)));
    model.layers = layers;
    result
}

/// Calls `f` with the pane of a kind and what it may know.
fn with_pane<R>(model: &mut Model, kind: PaneKind, f: impl FnOnce(&mut dyn Pane, &Cx<'_>) -> R) -> Option<R> {
    let area = model.placed().iter().find(|spot| spot.kind == kind).map_or(Rect::ZERO, |spot| spot.area);
    let focused = model.focused() == kind;
    let mut panes = std::mem::take(&mut model.panes);
    let result =
        panes.iter_mut().find(|pane| pane.kind() == kind).map(|pane| f(pane.as_mut(), &model.cx(area, focused)));
    model.panes = panes;
    result
}

fn press(model: &mut Model, key: Key, effects: &mut Vec<Effect>) {
    if key == (Key { code: crossterm::event::KeyCode::Char('c'), modifiers: crossterm::event::KeyModifiers::CONTROL }) {
        effects.push(Effect::Quit);
        return;
    }
    model.begun.push(key);
    match model.keymap.meaning(model.context(), &model.begun) {
        Meaning::Begins => {}
        Meaning::Does(action) => {
            model.begun.clear();
            dispatch(model, action.into(), effects);
        }
        Meaning::Nothing => {
            let alone = model.begun.len() == 1;
            model.begun.clear();
            if alone && !model.layers.is_empty() {
                hear(model, &Input::Key(key), effects);
            }
        }
    }
}

fn paste(model: &mut Model, text: String, effects: &mut Vec<Effect>) {
    model.begun.clear();
    if model.layers.is_empty() {
        model.say("Pasted text is only taken where text is written.", false);
    } else {
        hear(model, &Input::Paste(text), effects);
    }
}

/// Lets the top layer hear something. What it ignores goes nowhere.
fn hear(model: &mut Model, input: &Input, effects: &mut Vec<Effect>) {
    let nth = model.layers.len().wrapping_sub(1);
    if let Some(Answer::Done(asks)) = with_layer(model, nth, |layer, cx| layer.update(cx, input)) {
        carry_out(model, asks, effects);
    }
}

/// Lets every layer hear what came back from the lab, the top one first.
fn tell_layers(model: &mut Model, found: &Found, effects: &mut Vec<Effect>) {
    for nth in (0..model.layers.len()).rev() {
        if let Some(Answer::Done(asks)) = with_layer(model, nth, |layer, _| layer.found(found)) {
            carry_out(model, asks, effects);
        }
    }
}

/// Runs a reading step before everybody's eyes.
pub(super) fn look(model: &mut Model, incident: IncidentId, at: Box<StepAt>, effects: &mut Vec<Effect>) {
    let (layer, errand) = Watching::new(incident, at);
    push(model, Box::new(layer));
    effects.push(Effect::Errand(Box::new(errand)));
}

/// Calls an action: the top layer hears it, or else the pane in focus, or else it does what it does anywhere.
pub(super) fn dispatch(model: &mut Model, command: Command, effects: &mut Vec<Effect>) {
    if !model.layers.is_empty() {
        if command.action == Action::ViewHelp {
            room::act(model, &Action::Help.into(), effects);
        } else {
            hear(model, &Input::Do(command), effects);
        }
        return;
    }
    let focused = model.focused();
    let input = Input::Do(command.clone());
    match with_pane(model, focused, |pane, cx| pane.update(cx, &input)) {
        Some(Answer::Done(asks)) => carry_out(model, asks, effects),
        Some(Answer::Ignored) | None => room::act(model, &command, effects),
    }
}

/// Does what a pane or layer asked for.
fn carry_out(model: &mut Model, asks: Vec<Ask>, effects: &mut Vec<Effect>) {
    for ask in asks {
        match ask {
            Ask::Open(opens) => open(model, &opens, effects),
            Ask::Close => {
                model.layers.pop();
            }
            Ask::Say(text) => model.say(text, false),
            Ask::Complain(text) => model.say(text, true),
            Ask::Perform(incident, act) => acts::perform(model, incident, act, effects),
            Ask::Look(incident, at) => look(model, incident, at, effects),
            Ask::Errand(errand) => effects.push(Effect::Errand(Box::new(errand))),
            Ask::Copy(text, what) => copy(model, &text, what, effects),
            Ask::Choose(id) => room::choose(model, id),
            Ask::Focus(kind) => model.focus(kind),
            Ask::Show(kind, picked) => {
                model.focus(kind);
                with_pane(model, kind, |pane, cx| pane.go_to(cx, &picked));
            }
            Ask::Opened(what) => model.note_opened(&what),
            Ask::Run(command) => dispatch(model, command, effects),
            Ask::RunAgain(run) => {
                let command = Command { action: Action::Replay, argument: Some(run.to_string()) };
                acts::act(model, &command, effects);
            }
            Ask::Wind(Wind::To(moment)) => wind::to(model, moment, effects),
            Ask::Wind(Wind::Live) => wind::live(model),
            Ask::Wake(after) => effects.push(Effect::Wake(after)),
            Ask::Draft(incident, kind, text) => {
                if text.is_empty() {
                    model.drafts.remove(&(incident, kind));
                } else {
                    model.drafts.insert((incident, kind), text.clone());
                }
                effects.push(Effect::Draft(incident, kind, text));
            }
        }
    }
}

fn push(model: &mut Model, layer: Box<dyn Layer>) {
    model.begun.clear();
    model.layers.push(layer);
}

/// Opens a thing: a plan that waits asks for an answer, anything else is shown.
fn open(model: &mut Model, opens: &Opens, effects: &mut Vec<Effect>) {
    if let Opens::Plan { plan } = opens {
        let waits = model.incident().is_some_and(|incident| {
            incident.actions.iter().any(|action| action.id == *plan && action.state == ActionState::Proposed)
        });
        if waits && model.wound.is_none() {
            acts::ask_approval(model, *plan);
            return;
        }
    }
    // As long as the present is on the screen, an experiment is shown as it goes on, and can be stopped there.
    if let (Opens::Replay { replay }, None, Some(incident)) = (opens, model.wound, model.incident()) {
        let cx = model.cx(model.room(), true);
        let layer = Replay::watching(incident, *replay, &model.endpoints, &cx);
        model.note_opened("replay");
        push(model, Box::new(layer));
        return;
    }
    let sheet = panes::sheet(opens);
    // Runs come all the time: what is compared is what there is when it is opened.
    model.details.renew(&Want::Runs);
    let opened = sheet.opened();
    model.note_opened(&opened);
    push(model, Box::new(Viewer::new(sheet)));
    let _ = effects;
}

fn copy(model: &mut Model, text: &str, what: &str, effects: &mut Vec<Effect>) {
    if !model.may_copy {
        model.say("Copying is switched off in the settings.", true);
    } else if text.len() > super::clipboard::LONGEST {
        model.say(
            format!("{what}: {} bytes are more than terminals take ({})", text.len(), super::clipboard::LONGEST),
            true,
        );
    } else {
        model.say(format!("Copied {what}, {} characters, to your clipboard.", text.chars().count()), false);
        effects.push(Effect::Copy(text.to_owned()));
    }
}

fn click(model: &mut Model, x: u16, y: u16) {
    if model.layers.is_empty() {
        let at = ratatui::layout::Position { x, y };
        let spot = model.placed().into_iter().find(|spot| spot.area.contains(at) || spot.title.contains(at));
        if let Some(spot) = spot {
            model.focus(spot.kind);
        }
    }
}

fn reloaded(model: &mut Model, again: Again) {
    let Again { theme, keymap, tree, rubric, wrong } = again;
    if wrong.is_empty() {
        let (theme, keymap) = (theme.as_ref().map(|t| &t.name), keymap.as_ref().map(|k| &k.name));
        let name = |name: Option<&String>| name.cloned().unwrap_or_default();
        let own = tree.as_ref().filter(|tree| tree.digest() != crate::surface::triage::Tree::built_in().digest());
        let walk = own.map(|tree| format!(", and a triage walk of {}", tree.questions())).unwrap_or_default();
        let own = rubric.as_ref().filter(|one| one.digest() != crate::surface::severity::Rubric::built_in().digest());
        let levels = own.map(|one| format!(", and severities {}", one.names())).unwrap_or_default();
        model.say(format!("Theme {} and keymap {} are in use{walk}{levels}.", name(theme), name(keymap)), false);
    }
    for what in wrong {
        model.say(format!("{what} (the one in use stays)"), true);
    }
    if let Some(theme) = theme {
        model.theme = theme;
    }
    if let Some(tree) = tree {
        model.tree = tree;
    }
    if let Some(rubric) = rubric {
        model.rubric = rubric;
    }
    if let Some(keymap) = keymap {
        model.keymap = keymap;
        model.begun.clear();
    }
}

/// Opens the palette with the beginning of a line already typed.
fn open_palette(model: &mut Model, typed: &str) {
    let layer = Palette::new(model.focused(), typed);
    push(model, Box::new(layer));
}

#[cfg(test)]
mod tests;
