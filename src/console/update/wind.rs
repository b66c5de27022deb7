//! Winding the time back and forward.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::console::action::{Action, Command};
use crate::console::model::{self, Effect, Model};
use crate::console::moment;
use crate::engine::View;
use crate::event::{Time, Untrusted};

const JUMP: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn act(model: &mut Model, command: &Command, effects: &mut Vec<Effect>) {
    let Some(now) = shown(model) else {
        model.say("Nothing has arrived yet, so there is no time to wind.", false);
        return;
    };
    match command.action {
        Action::Live => live(model),
        Action::StepBack => match arrivals(model).filter(|at| *at < now).max() {
            Some(at) => to(model, at, effects),
            None => model.say("This is where the record of the incident begins.", false),
        },
        Action::StepForward => match arrivals(model).filter(|at| *at > now).min() {
            Some(at) if model.wound.is_some() || model.winding.is_some() => to(model, at, effects),
            _ => live(model),
        },
        Action::JumpBack => to(model, now.saturating_sub(JUMP).unwrap_or(now), effects),
        Action::JumpForward => {
            let at = now.saturating_add(JUMP).unwrap_or(now);
            if model.live.as_of.is_none_or(|end| at >= end) { live(model) } else { to(model, at, effects) }
        }
        Action::Goto => match command.argument.as_deref() {
            None => super::open_palette(model, "goto "),
            Some(text) => match moment::parse(text, model.live.as_of.unwrap_or(now), &model.zone) {
                Some(at) => to(model, at, effects),
                None => model.say(
                    format!("{text:?} is no moment: 02:53, 02:53:10, -15m, -2h, or a date and time such as 2026-03-01T02:53:00Z"),
                    true,
                ),
            },
        },
        _ => {}
    }
}

/// The moment on the screen, or the one being wound to.
fn shown(model: &Model) -> Option<Time> {
    model.winding.or(model.wound).or(model.live.as_of)
}

/// When the entries of the incident arrived, as the newest picture knows them.
fn arrivals(model: &Model) -> impl Iterator<Item = Time> {
    let id = model.incident().map(|incident| incident.id).or(model.chosen);
    let times: Vec<_> = model::incident(&model.live, id)
        .map(|incident| incident.timeline.items.iter().map(|item| item.arrived).collect())
        .unwrap_or_default();
    times.into_iter()
}

pub(super) fn to(model: &mut Model, at: Time, effects: &mut Vec<Effect>) {
    if model.chosen.is_none() {
        model.chosen = model.incident().map(|incident| incident.id);
    }
    model.winding = Some(at);
    // One picture at a time: keys pressed meanwhile only move the aim.
    if !model.wind_under_way {
        model.wind_under_way = true;
        effects.push(Effect::ViewAt(at));
    }
}

pub(super) fn live(model: &mut Model) {
    if model.wound.take().is_some() || model.winding.take().is_some() {
        model.details.forget();
    }
    model.held = false;
    model.shown = model.live.clone();
    model.seen = model.live.head;
}

pub(super) fn arrived(model: &mut Model, at: Time, result: Result<Arc<View>, Untrusted>, effects: &mut Vec<Effect>) {
    model.wind_under_way = false;
    let Some(aim) = model.winding else { return };
    match result {
        Ok(view) => {
            model.shown = model.past(view);
            model.wound = Some(at);
            model.details.forget();
        }
        Err(error) => {
            model.winding = None;
            let error = error.show(crate::event::Policy::Prose).as_str().to_owned();
            model.say(format!("That moment could not be read: {error}"), true);
            return;
        }
    }
    if aim == at {
        model.winding = None;
    } else {
        to(model, aim, effects);
    }
}
