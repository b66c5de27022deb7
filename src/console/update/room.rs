//! Actions that do the same wherever the focus is.

use super::{acts, copy, open, open_palette, push, wind, with_pane};
use crate::console::action::{Action, Command};
use crate::console::layers::find::Find;
use crate::console::layers::help::Help;
use crate::console::layers::messages::Messages;
use crate::console::model::{Effect, Model};
use crate::console::pane::{PaneKind, Picked};
use crate::engine::view::Opens;
use crate::event::IncidentId;

pub(super) fn act(model: &mut Model, command: &Command, effects: &mut Vec<Effect>) {
    let argument = command.argument.as_deref();
    match command.action {
        Action::Open => match picked(model) {
            Some(Picked::Incident(id)) => first_look(model, id, effects),
            Some(picked) => match picked.opens() {
                Some(opens) => open(model, &opens, effects),
                None => model.say("There is nothing more to open here.", false),
            },
            None => model.say("There is nothing to open here.", false),
        },
        Action::First => match model.incident().map(|incident| incident.id) {
            Some(id) => first_look(model, id, effects),
            None => model.say("There is no incident to look at.", false),
        },
        Action::Diff => diff(model, effects),
        Action::Compare => open(model, &Opens::Surfaces { sides: argument.unwrap_or_default().into() }, effects),
        Action::Stops => open(model, &Opens::Stops { with: argument.unwrap_or_default().into() }, effects),
        Action::Incidents => model.focus(PaneKind::Incidents),
        Action::NextIncident => step_incident(model, 1),
        Action::PreviousIncident => step_incident(model, -1),
        Action::FocusNext => step_focus(model, 1),
        Action::FocusPrevious => step_focus(model, -1),
        Action::Zoom => model.zoomed = !model.zoomed,
        Action::Join => join(model),
        Action::Back => back(model),
        Action::Help => push(model, Box::new(Help::new(model.context(), &model.keymap, model.glyphs))),
        Action::Palette => open_palette(model, argument.unwrap_or_default()),
        Action::Find => push(model, Box::new(Find::new(&model.shown, model.incident(), &model.cx(model.room(), true)))),
        Action::Messages => push(model, Box::new(Messages::new(&model.messages, &model.zone))),
        Action::Copy => copy_picked(model, effects),
        Action::Theme | Action::Keymap if argument.is_none() => {
            open_palette(model, &format!("{} ", command.action.about().name));
        }
        Action::Filter if argument.is_none() => open_palette(model, "filter "),
        Action::Filter => model.say("This pane has nothing to filter.", false),
        Action::Toggle => model.say("This pane has only one way to be looked at.", false),
        Action::Mark => model.say("Only alerts can be marked.", false),
        Action::Theme => {
            effects.push(Effect::Reload {
                theme: argument.unwrap_or_default().to_owned(),
                keymap: model.keymap.name.clone(),
            });
        }
        Action::Keymap => {
            effects.push(Effect::Reload {
                theme: model.theme.name.clone(),
                keymap: argument.unwrap_or_default().to_owned(),
            });
        }
        Action::Reload => {
            effects.push(Effect::Reload { theme: model.theme.name.clone(), keymap: model.keymap.name.clone() });
        }
        Action::StepBack
        | Action::StepForward
        | Action::JumpBack
        | Action::JumpForward
        | Action::Goto
        | Action::Live => {
            wind::act(model, command, effects);
        }
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Quit => effects.push(Effect::Quit),
        action => match PaneKind::ALL.into_iter().find(|kind| kind.action() == action) {
            Some(kind) => model.focus(kind),
            None => acts::act(model, command, effects),
        },
    }
}

/// What is under the cursor of the pane in focus.
pub(super) fn picked(model: &Model) -> Option<Picked> {
    picked_in(model, model.focused())
}

/// What is under the cursor of a pane.
pub(super) fn picked_in(model: &Model, kind: PaneKind) -> Option<Picked> {
    let area = model.placed().iter().find(|spot| spot.kind == kind).map_or(model.room(), |spot| spot.area);
    model.pane(kind)?.picked(&model.cx(area, kind == model.focused()))
}

/// Chooses an incident: all panes but the list start again at home.
pub(super) fn choose(model: &mut Model, id: IncidentId) {
    if model.incident().map(|incident| incident.id) != Some(id) {
        for pane in &mut model.panes {
            if pane.kind() != PaneKind::Incidents {
                pane.go_home();
            }
        }
    }
    model.chosen = Some(id);
    with_pane(model, PaneKind::Incidents, |pane, cx| pane.go_to(cx, &Picked::Incident(id)));
}

/// Chooses an incident and opens what its responder needs first.
fn first_look(model: &mut Model, id: IncidentId, effects: &mut Vec<Effect>) {
    choose(model, id);
    model.focus(PaneKind::Hypotheses);
    open(model, &Opens::Incident { incident: id }, effects);
}

fn step_incident(model: &mut Model, by: isize) {
    let ids: Vec<_> = model.shown.incidents.items.iter().map(|incident| incident.id).collect();
    let Some(now) = model.incident().map(|incident| incident.id) else {
        model.say("There is no incident.", false);
        return;
    };
    let at = ids.iter().position(|id| *id == now).unwrap_or(0);
    match at.checked_add_signed(by).and_then(|to| ids.get(to)) {
        Some(id) => choose(model, *id),
        None => model.say(if by > 0 { "That was the last incident." } else { "That was the first incident." }, false),
    }
}

fn step_focus(model: &mut Model, by: isize) {
    // On a narrow screen only one pane is placed: then the order is that of the keys.
    let shown: Vec<_> = model.placed().iter().map(|spot| spot.kind).collect();
    let order = if shown.len() > 1 {
        shown
    } else {
        let mut all: Vec<_> = model.panes.iter().map(|pane| pane.kind()).collect();
        all.sort_unstable();
        all
    };
    if order.is_empty() {
        return;
    }
    let at = order.iter().position(|kind| *kind == model.focused()).unwrap_or(0);
    let length = isize::try_from(order.len()).unwrap_or(1);
    let to = (isize::try_from(at).unwrap_or(0) + by).rem_euclid(length);
    if let Some(kind) = usize::try_from(to).ok().and_then(|to| order.get(to)) {
        model.focus(*kind);
    }
}

fn join(model: &mut Model) {
    if model.wound.is_some() {
        wind::live(model);
    } else if model.held || model.waiting() > 0 {
        model.held = false;
        model.seen = model.shown.head;
        model.shown = model.live.clone();
        model.say("What arrived is on the screen.", false);
    } else {
        model.held = true;
        model.say("Held: what arrives waits at the edge until you let it in.", false);
    }
}

fn back(model: &mut Model) {
    if model.zoomed {
        model.zoomed = false;
    } else if model.wound.is_some() || model.winding.is_some() {
        wind::live(model);
    } else {
        let focused = model.focused();
        with_pane(model, focused, |pane, _| pane.go_home());
        model.held = false;
    }
}

fn diff(model: &mut Model, effects: &mut Vec<Effect>) {
    let id = match picked(model) {
        Some(Picked::Change(id)) => Some(id),
        _ => model.incident().and_then(|incident| {
            let changes = &incident.changes.items;
            changes.iter().find(|change| change.has_diff).or(changes.first()).map(|change| change.id.clone())
        }),
    };
    match id {
        Some(id) => open(model, &Opens::Change { id }, effects),
        None => model
            .say("No change is known for this incident: changes arrive as CloudEvents, CDEvents or in bundles.", false),
    }
}

fn copy_picked(model: &mut Model, effects: &mut Vec<Effect>) {
    let (text, what) = match picked(model) {
        Some(Picked::Alerts(alerts)) => {
            (alerts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"), "the alert's fingerprint")
        }
        Some(Picked::Change(id)) => (id.raw().to_owned(), "the change's id"),
        Some(Picked::Run(trace)) => (trace.to_string(), "the trace id"),
        Some(Picked::Plan(plan)) => (plan.0.to_string(), "the plan's digest"),
        Some(Picked::Incident(_) | Picked::Hypothesis(_) | Picked::Other(_)) | None => match model.incident() {
            Some(incident) => (format!("{} {}", incident.id, incident.headline.raw()), "the incident's headline"),
            None => {
                model.say("There is nothing to copy here.", false);
                return;
            }
        },
    };
    copy(model, &text, what, effects);
}
