//! What a person does to an incident: asked for here, performed by the desk, said to be recorded when it returned.

use super::{push, room};
use crate::console::action::{Action, Command};
use crate::console::errand::Found;
use crate::console::freezing;
use crate::console::layers::approval::Approval;
use crate::console::layers::confirm::Confirm;
use crate::console::layers::decision::{Decision, Way};
use crate::console::layers::editor::Editor;
use crate::console::layers::harm::HarmLayer;
use crate::console::layers::reader::Reader;
use crate::console::layers::replay::Replay;
use crate::console::layers::runbooks::Runbooks;
use crate::console::layers::severity::Severity;
use crate::console::layers::triage::Triage;
use crate::console::layers::truth::TruthForm;
use crate::console::model::{Effect, Handed, Model};
use crate::console::pane::{PaneKind, Picked};
use crate::engine::view::{ActionState, IncidentState};
use crate::event::{Fingerprint, IncidentId, PlanId};
use crate::response::replay::News;
use crate::response::{Act, CallAt};

/// A silence without a length of its own lasts so many minutes.
const SILENCE_MINUTES: u32 = 60;
/// The longest silence that can be proposed here, in minutes.
const LONGEST_SILENCE: u32 = 24 * 60;

pub(super) fn act(model: &mut Model, command: &Command, effects: &mut Vec<Effect>) {
    let Some(id) = model.incident().map(|incident| incident.id) else {
        model.say("There is no incident to do this to.", false);
        return;
    };
    if model.wound.is_some() || model.winding.is_some() {
        let key = model.keymap.first(Action::Live).unwrap_or_else(|| "live".to_owned());
        model.say(
            format!("The time is wound back, and only the present can be acted on: {key} comes back to now."),
            true,
        );
        return;
    }
    model.chosen = Some(id);
    match command.action {
        Action::Accept => decide(model, Way::Accept),
        Action::Modify => decide(model, Way::Modify),
        Action::Reject => decide(model, Way::Reject),
        Action::Own => perform(model, id, Act::Own, effects),
        Action::Severity => push(model, Box::new(Severity::new(id))),
        Action::Lock => perform(model, id, Act::Lock, effects),
        Action::Note => write(model, id, Editor::note),
        Action::Hunch => write(model, id, Editor::hunch),
        Action::Reveal => {
            let shown = model.reveal(id);
            let text = if shown { "Shown without a hunch." } else { "Nothing waits for a hunch here." };
            model.say(text.to_owned(), false);
        }
        Action::Act => plans(model),
        Action::Runbooks => {
            let Some(incident) = model.incident() else { return };
            let (layer, errand) = Runbooks::new(incident);
            push(model, Box::new(layer));
            effects.push(Effect::Errand(Box::new(errand)));
        }
        Action::Harm => {
            // As it is now: a picture that is held back while somebody reads may know of fewer bad runs.
            let live = model.live.incidents.items.iter().find(|incident| incident.id == id).cloned();
            let Some(incident) = live else { return };
            let (layer, errand) = HarmLayer::new(&incident);
            push(model, Box::new(layer));
            effects.push(Effect::Errand(Box::new(errand)));
        }
        Action::Call => call(model, id, command.argument.as_deref(), effects),
        Action::Cancel => cancel(model, id, command.argument.as_deref(), effects),
        Action::Halt | Action::Unhalt => {
            let Some(reason) = command.argument.as_deref() else {
                let text = "Say why: halt the retries make it worse";
                return model.say(text.to_owned(), true);
            };
            let act = Act::Halt { on: command.action == Action::Halt, reason: reason.into() };
            perform(model, id, act, effects);
        }
        Action::Silence => silence(model, id, command.argument.as_deref(), effects),
        Action::Freeze => freeze(model, id, command.argument.as_deref(), effects),
        Action::Reconcile => reconcile(model, id, effects),
        Action::Resolve => resolve(model, id),
        Action::Confirm => {
            let Some(incident) = model.incident() else { return };
            let form = TruthForm::new(incident);
            push(model, Box::new(form));
        }
        Action::Read => read(model, command.argument.as_deref()),
        Action::Replay => replay(model, command.argument.as_deref(), effects),
        Action::Triage => {
            let tree = std::sync::Arc::clone(&model.tree);
            push(model, Box::new(Triage::new(id, tree)));
        }
        Action::Split => split(model, id),
        Action::Merge => merge(model, id, command.argument.as_deref()),
        // Actions of layers and moving have no meaning among the panes.
        _ => {}
    }
}

/// Hands an act to the desk.
pub(super) fn perform(model: &mut Model, incident: IncidentId, act: Act, effects: &mut Vec<Effect>) {
    let text = match &act {
        Act::Note(text) => Some(("note", text.raw().to_owned())),
        Act::Hunch(text) => Some(("hunch", text.raw().to_owned())),
        _ => None,
    };
    // What runs for a while comes back beside the others.
    if !act.runs() {
        model.handed.push_back(Handed { incident, text });
    }
    effects.push(Effect::Perform(incident, act));
}

/// The desk returned; acts come back in the order in which they went.
pub(super) fn performed(
    model: &mut Model,
    incident: IncidentId,
    result: Result<String, String>,
    effects: &mut Vec<Effect>,
) {
    let nth = model.handed.iter().position(|handed| handed.incident == incident);
    let text = nth.and_then(|nth| model.handed.remove(nth)).and_then(|handed| handed.text);
    told(model, incident, result, text, effects);
}

/// What ran for a while returned.
pub(super) fn ran(model: &mut Model, incident: IncidentId, result: Result<String, String>, effects: &mut Vec<Effect>) {
    told(model, incident, result, None, effects);
}

fn told(
    model: &mut Model,
    incident: IncidentId,
    result: Result<String, String>,
    text: Option<(&'static str, String)>,
    effects: &mut Vec<Effect>,
) {
    match (result, text) {
        (Ok(line), text) => {
            let named = line.starts_with(&incident.to_string());
            model.say(if named { line } else { format!("{incident}: {line}") }, false);
            // Only now is it no draft any more.
            if let Some((kind, text)) = text
                && model.drafts.get(&(incident, kind)) == Some(&text)
            {
                model.drafts.remove(&(incident, kind));
                effects.push(Effect::Draft(incident, kind, String::new()));
            }
            // What the person did is what they want to see now, and the picture that has it may still be on its way.
            if model.wound.is_none() && model.layers.is_empty() {
                model.held = false;
                model.shown = model.live.clone();
                model.own_news = true;
            }
        }
        (Err(error), None) => model.say(format!("{incident}: nothing was recorded. {error}"), true),
        (Err(error), Some((kind, text))) => {
            let kept = model.drafts.entry((incident, kind)).or_insert(text);
            effects.push(Effect::Draft(incident, kind, kept.clone()));
            model.say(format!("{incident}: nothing was recorded, the {kind} is kept as a draft. {error}"), true);
        }
    }
}

fn decide(model: &mut Model, way: Way) {
    let rank = match room::picked_in(model, PaneKind::Hypotheses) {
        Some(Picked::Hypothesis(rank)) => rank,
        _ => 1,
    };
    let Some(incident) = model.incident() else { return };
    let hypothesis = incident.diagnosis.as_ref().and_then(|diagnosis| {
        let nth = usize::try_from(rank).ok()?.checked_sub(1)?;
        diagnosis.diagnosis.hypotheses.get(nth)
    });
    let Some(hypothesis) = hypothesis else {
        model.say("There is no hypothesis to decide on yet.", false);
        return;
    };
    let shown_for = model.shown_for(incident.id, &hypothesis.cause);
    let opened = model.opened.get(&incident.id).cloned().unwrap_or_default();
    if let Some(layer) = Decision::new(incident, rank, way, opened, shown_for, model.now) {
        push(model, Box::new(layer));
    }
}

fn write(model: &mut Model, id: IncidentId, editor: fn(IncidentId, Option<&String>) -> Editor) {
    let empty = editor(id, None);
    // What is on its way to the desk is not begun again.
    let handed = |draft: &String| {
        let is = |handed: &Handed| handed.incident == id && handed.text.as_ref().is_some_and(|(_, text)| text == draft);
        model.handed.iter().any(is)
    };
    let draft = model.drafts.get(&(id, empty.kind())).filter(|draft| !handed(draft));
    let layer = if draft.is_some() { editor(id, draft) } else { empty };
    push(model, Box::new(layer));
}

/// Opens the output reader: before and since, or two kinds of runs by what is named.
fn read(model: &mut Model, argument: Option<&str>) {
    let Some(incident) = model.incident() else { return };
    match Reader::new(incident, &model.person.login, argument) {
        Ok(layer) => push(model, Box::new(layer)),
        Err(why) => model.say(why, false),
    }
}

/// Opens the replay: of the run that is named or under the cursor, or of a sample of the incident's runs; where one runs, that one.
fn replay(model: &mut Model, named: Option<&str>, effects: &mut Vec<Effect>) {
    let run = match (named.map(str::parse), model.focused(), room::picked(model)) {
        (Some(Ok(trace)), ..) | (None, PaneKind::Runs, Some(Picked::Run(trace))) => Some(trace),
        (Some(Err(_)), ..) => {
            model.say("A run is named by its trace id: 32 hexadecimal digits.", true);
            return;
        }
        _ => None,
    };
    let Some(incident) = model.incident() else { return };
    let cx = model.cx(model.room(), true);
    match Replay::new(incident, run, &model.endpoints, &cx) {
        Ok((layer, errand)) => {
            effects.extend(errand.map(|errand| Effect::Errand(Box::new(errand))));
            push(model, Box::new(layer));
        }
        Err(why) => model.say(why, false),
    }
}

/// Something came back from the lab: what is not for a layer alone is said.
pub(super) fn found(model: &mut Model, found: &Found, effects: &mut Vec<Effect>) {
    let told = match found {
        Found::Begun(id, _, Ok(line)) | Found::Stopped(id, Ok(line)) | Found::StepOver(id, _, _, Ok(line)) => {
            Some((format!("{id}: {line}"), false))
        }
        Found::Begun(id, _, Err(error)) => Some((format!("{id}: the replay did not begin. {}", error.raw()), true)),
        Found::Stopped(id, Err(error)) => Some((format!("{id}: {}", error.raw()), true)),
        Found::News(id, _, News::Busy(pause, why)) => {
            let seconds = pause.as_secs_f64().ceil();
            Some((format!("{id}: the endpoint is busy, it is asked again in {seconds:.0} s: {}", why.raw()), false))
        }
        Found::News(id, _, News::Broken(why)) => Some((format!("{id}: the replay broke off. {}", why.raw()), true)),
        Found::StepOver(id, _, _, Err(why)) => Some((format!("{id}: nothing was recorded. {}", why.raw()), true)),
        Found::Survey(..) | Found::Ready(..) | Found::Offered(..) | Found::StepSaid(..) | Found::StopList(_) => None,
    };
    if let Some((text, bad)) = told {
        model.say(text, bad);
    }
    super::tell_layers(model, found, effects);
}

/// Opens the plan under the cursor, or the first that waits.
fn plans(model: &mut Model) {
    let under_cursor = match room::picked(model) {
        Some(Picked::Plan(plan)) => Some(plan),
        _ => None,
    };
    let Some(incident) = model.incident() else { return };
    let waits = |plan: PlanId| incident.actions.iter().any(|a| a.id == plan && a.state == ActionState::Proposed);
    let first = incident.actions.iter().find(|action| action.state == ActionState::Proposed).map(|action| action.id);
    match under_cursor.filter(|plan| waits(*plan)).or(first) {
        Some(plan) => ask_approval(model, plan),
        None => {
            let key = model.keymap.first(Action::Silence).unwrap_or_else(|| ":silence".to_owned());
            model.say(
                format!("No plan waits for an answer. {key} proposes to silence the alerts under the cursor."),
                false,
            );
        }
    }
}

/// Asks for the answer to a plan.
pub(super) fn ask_approval(model: &mut Model, plan: PlanId) {
    let Some(incident) = model.incident() else { return };
    let Some(action) = incident.actions.iter().find(|action| action.id == plan) else { return };
    let layer = Approval::new(action, model.glyphs);
    model.note_opened(&format!("plan {plan}"));
    push(model, Box::new(layer));
}

fn silence(model: &mut Model, id: IncidentId, argument: Option<&str>, effects: &mut Vec<Effect>) {
    let minutes = match argument.map(|text| text.trim_end_matches('m').parse::<u32>()) {
        None => SILENCE_MINUTES,
        Some(Ok(minutes)) if (1..=LONGEST_SILENCE).contains(&minutes) => minutes,
        Some(_) => {
            model.say(format!("A silence lasts 1 to {LONGEST_SILENCE} minutes: silence 30"), true);
            return;
        }
    };
    let alerts = alerts(model);
    if alerts.is_empty() {
        model.say("There is no alert here that could be silenced.", false);
        return;
    }
    let comment = format!("{id}, proposed at the console").into();
    model.say("Proposing a silence; nothing is sent before somebody approves it.", false);
    perform(model, id, Act::ProposeSilence { alerts, minutes, comment }, effects);
    model.focus(PaneKind::Actions);
}

/// Proposes to hold changes: to what was typed, else to what the incident is about.
fn freeze(model: &mut Model, id: IncidentId, argument: Option<&str>, effects: &mut Vec<Effect>) {
    let Some(incident) = model.incident() else { return };
    let asked = match freezing::read(argument.unwrap_or_default(), incident) {
        Ok(asked) => asked,
        Err(why) => return model.say(why, true),
    };
    let what = if asked == Act::ProposeThaw { "let changes go on" } else { "hold changes" };
    model.say(format!("Proposing to {what}; nothing is sent before somebody approves it."), false);
    perform(model, id, asked, effects);
    model.focus(PaneKind::Actions);
}

/// Proposes to call whom the configuration names: `call NAME WHY`.
fn call(model: &mut Model, id: IncidentId, argument: Option<&str>, effects: &mut Vec<Effect>) {
    let Some(incident) = model.incident() else { return };
    let (to, why) = match argument.map(|text| text.split_once(char::is_whitespace).unwrap_or((text, ""))) {
        None => (None, ""),
        Some((to, why)) => (Some(to.into()), why.trim()),
    };
    let call = CallAt { to, point: None, why: why.into(), seen: incident.runbook_facts() };
    model.say("Proposing to call them; nothing is sent before somebody approves it.", false);
    perform(model, id, Act::ProposeCall(Box::new(call)), effects);
    model.focus(PaneKind::Actions);
}

/// Stops the running action under the cursor, else the first that runs.
fn cancel(model: &mut Model, id: IncidentId, why: Option<&str>, effects: &mut Vec<Effect>) {
    let Some(incident) = model.incident() else { return };
    let runs = || {
        let mut all = incident.actions.iter();
        std::iter::from_fn(move || all.find(|action| matches!(action.state, ActionState::Started { .. }))).map(|a| a.id)
    };
    let under_cursor = match room::picked(model) {
        Some(Picked::Plan(plan)) => runs().find(|other| *other == plan),
        _ => None,
    };
    let Some(plan) = under_cursor.or_else(|| runs().next()) else {
        model.say("No action of this incident is running.", false);
        return;
    };
    let reason = why.unwrap_or("stopped at the console").into();
    perform(model, id, Act::Cancel { plan, reason }, effects);
}

/// Has the target of an unknown outcome looked up: of the plan under the cursor, else of the first such plan.
fn reconcile(model: &mut Model, id: IncidentId, effects: &mut Vec<Effect>) {
    let Some(incident) = model.incident() else { return };
    let unknown = || incident.actions.iter().filter(|action| action.state.is_unknown()).map(|action| action.id);
    let under_cursor = match room::picked(model) {
        Some(Picked::Plan(plan)) => unknown().find(|other| *other == plan),
        _ => None,
    };
    let Some(plan) = under_cursor.or_else(|| unknown().next()) else {
        model.say("No action of this incident has an unknown outcome: there is nothing to look up.", false);
        return;
    };
    model.say(format!("Looking for what plan {plan} would have left at its target; nothing is sent again."), false);
    perform(model, id, Act::Reconcile { plan }, effects);
}

/// The alerts under the cursor or marked; else the first group's.
fn alerts(model: &Model) -> Vec<Fingerprint> {
    match room::picked_in(model, PaneKind::Alerts) {
        Some(Picked::Alerts(alerts)) if !alerts.is_empty() => alerts,
        _ => model
            .incident()
            .and_then(|incident| incident.groups.items.first())
            .map(|group| group.sample.iter().map(|alert| alert.fingerprint.clone()).collect())
            .unwrap_or_default(),
    }
}

fn resolve(model: &mut Model, id: IncidentId) {
    let Some(incident) = model.incident() else { return };
    if let IncidentState::Resolved(_) = incident.state {
        model.say(format!("{id} is resolved already."), false);
        return;
    }
    let mut lines = vec![format!("Declare {id} over?")];
    if incident.firing > 0 {
        lines.push(format!("{} of its {} alerts still fire.", incident.firing, incident.alerts));
    }
    lines.push("Afterwards the true cause can be confirmed; only then the record of judgement learns.".to_owned());
    push(model, Box::new(Confirm::new("Resolve", lines, id, Act::Resolve)));
}

fn split(model: &mut Model, id: IncidentId) {
    let alerts = match room::picked_in(model, PaneKind::Alerts) {
        Some(Picked::Alerts(alerts)) if !alerts.is_empty() => alerts,
        _ => {
            model.say("Mark the alerts that are another incident first, in the pane of alerts.", false);
            return;
        }
    };
    let lines = vec![format!("Make {} alerts of {id} an incident of their own?", alerts.len())];
    push(model, Box::new(Confirm::new("Split", lines, id, Act::Split(alerts))));
}

fn merge(model: &mut Model, id: IncidentId, argument: Option<&str>) {
    let Some(argument) = argument else {
        super::open_palette(model, "merge ");
        return;
    };
    let digits = argument.trim_start_matches("INC-").trim_start_matches("inc-");
    let other = digits.parse().ok().map(IncidentId);
    let Some(other) = other.filter(|other| model.live.incidents.items.iter().any(|one| one.id == *other)) else {
        model.say(format!("There is no incident {argument:?}: merge INC-7"), true);
        return;
    };
    if other == id {
        model.say("An incident cannot become part of itself.", true);
        return;
    }
    let lines = vec![format!("Make {id} part of {other}?"), format!("All alerts of {id} join {other}, and {id} ends.")];
    push(model, Box::new(Confirm::new("Merge", lines, id, Act::Merge(other))));
}
