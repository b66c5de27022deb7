//! How strongly an alert is tied to what already moved.

use crate::event::{Fingerprint, IncidentId, NameId, Policy, Rule, Time, Untrusted};

use super::group::{Group, Moved, Subject};
use super::past::Together;
use super::place::Settings;
use super::sign::Sign;

/// One reason to join one incident.
pub(super) struct Tie {
    pub score: f64,
    pub incident: IncidentId,
    pub rule: Rule,
    pub peer: Fingerprint,
    pub text: String,
}

/// How the component of an incident stands to that of the alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The same.
    Own,
    /// Called by it, directly (1) or through others.
    Callee(u32),
    /// Calls it, directly (1) or through others.
    Caller(u32),
}

// How strongly each relation ties, before time is counted. Set by hand and checked on storms: weights fitted to one half of the
// cases did not carry over to the other half (docs/judgement.md).
const SAME_ALERT: f64 = 3.2;
const SAME_COMPONENT: f64 = 2.6;
const SAME_COMPONENT_OTHERWISE: f64 = 2.0;
const SAME_NAME: f64 = 1.0;
const SAME_PLACE: f64 = 0.8;
/// Two alerts that were of one cause every time so far, less where they were not always.
const TOGETHER_BEFORE: f64 = 2.4;
const PER_HOP: f64 = 0.3;
const STARVED_ONLY: f64 = 0.8;
const NEW_BODY: f64 = 0.8;
/// What each minute since the incident's latest alert costs, beside the minutes to the one it is tied to.
const PER_QUIET_MINUTE: f64 = 0.15;

/// Wrong answers travel from callee to caller.
fn from_callee(sign: Sign) -> f64 {
    match sign {
        Sign::Answers => 1.8,
        Sign::Other => 1.2,
        Sign::Starved => 0.2,
        Sign::Body => -1.0,
    }
}

/// Want of work travels from caller to callee.
fn from_caller(sign: Sign) -> f64 {
    match sign {
        Sign::Starved => 1.8,
        Sign::Answers | Sign::Other => 1.2,
        Sign::Body => -1.0,
    }
}

/// The tie of `alert` to an incident in which the component `name`, standing to it as `side`, has moved.
pub(super) fn by_component(
    settings: &Settings,
    alert: &Subject,
    name: &Untrusted,
    side: Side,
    incident: IncidentId,
    group: &Group,
) -> Option<Tie> {
    let moved = group.moved.get(name)?;
    let gap = apart(alert.starts, moved.latest);
    let same_kin = side == Side::Own && group.named.contains_key(&alert.kin);
    let minutes = cost(settings, gap);
    // The same alert of the same component is the same trouble for half an hour.
    let (window, cost) = if same_kin { (3 * settings.window_s, 0.3 * minutes) } else { (settings.window_s, minutes) };
    if gap > window {
        return None;
    }
    let weight = match side {
        Side::Own if same_kin => SAME_ALERT,
        Side::Own if alike(alert.sign, moved) => SAME_COMPONENT,
        Side::Own => SAME_COMPONENT_OTHERWISE,
        Side::Callee(hops) => {
            let only_starved = alert.sign == Sign::Answers && moved.signs.iter().all(|sign| *sign == Sign::Starved);
            from_callee(alert.sign) - PER_HOP * f64::from(hops - 1) - if only_starved { STARVED_ONLY } else { 0.0 }
        }
        Side::Caller(hops) => from_caller(alert.sign) - PER_HOP * f64::from(hops - 1),
    };
    let against = if side == Side::Own { 0.0 } else { new_body(alert, group) + quiet(alert, group) };
    let (rule, text) = words(alert, name, side, moved);
    Some(Tie { score: weight - cost - against, incident, rule, peer: moved.alert.clone(), text })
}

/// The tie of `alert` to an incident that holds an alert of the component `name` and of `kin`, with which it was of one cause in
/// confirmed incidents.
pub(super) fn by_history(
    settings: &Settings,
    alert: &Subject,
    (name, kin): (&Untrusted, NameId),
    before: Together,
    incident: IncidentId,
    group: &Group,
) -> Option<Tie> {
    let moved = group.moved.get(name).filter(|_| group.named.contains_key(&kin))?;
    let gap = apart(alert.starts, moved.latest);
    if gap > settings.window_s {
        return None;
    }
    // Laplace's rule of succession: the chance that it is so again.
    #[expect(clippy::cast_precision_loss, reason = "counts of incidents")]
    let again = (before.both as f64 + 1.0) / (before.of as f64 + 2.0);
    let text = format!(
        "{} and an alert of {} were of one cause in {} of {} confirmed incidents with it; {gap} s apart now",
        say(&alert.name),
        say(name),
        before.both,
        before.of
    );
    let score = TOGETHER_BEFORE * again - cost(settings, gap) - quiet(alert, group);
    Some(Tie { score, incident, rule: Rule::History, peer: moved.alert.clone(), text })
}

/// The tie of `alert` to an incident in which an alert of the same name and place fired elsewhere.
pub(super) fn by_name(settings: &Settings, alert: &Subject, incident: IncidentId, group: &Group) -> Option<Tie> {
    let named = group.named.get(&alert.kin)?;
    let gap = apart(alert.starts, named.latest);
    if gap > settings.window_s {
        return None;
    }
    let peer = named.alert.fingerprint();
    let text = format!("{} fired elsewhere in the same place, {gap} s apart", say(&alert.name));
    let score = SAME_NAME - cost(settings, gap) - new_body(alert, group) - quiet(alert, group);
    Some(Tie { score, incident, rule: Rule::Affinity, peer, text })
}

/// The tie of `alert` to an incident that moved in the same namespace. Only for while no calls are known: then it is all that
/// can be said, and only of what began within a few minutes.
pub(super) fn by_place(
    settings: &Settings,
    alert: &Subject,
    place: NameId,
    incident: IncidentId,
    group: &Group,
) -> Option<Tie> {
    let named = group.named.get(&place)?;
    // From its first alert on, so that a trickle of alerts does not go on for ever as one incident.
    if apart(alert.starts, group.first?) > settings.window_s {
        return None;
    }
    let gap = apart(alert.starts, named.latest);
    let text = format!("fired in the same namespace {gap} s apart; no calls between components are known");
    let score = SAME_PLACE - cost(settings, gap);
    Some(Tie { score, incident, rule: Rule::Affinity, peer: named.alert.fingerprint(), text })
}

fn words(alert: &Subject, name: &Untrusted, side: Side, moved: &Moved) -> (Rule, String) {
    let lead = alert.starts.duration_since(moved.first).as_secs();
    let when = if lead >= 0 { format!("{lead} s earlier") } else { format!("{} s later", -lead) };
    let far = |hops: u32| if hops > 1 { format!(", {hops} calls away") } else { String::new() };
    let (this, other) = (say(&alert.component), say(name));
    match side {
        Side::Own => (Rule::SameService, format!("same component: {this} moved {when}")),
        Side::Callee(hops) => (Rule::Topology, format!("{this} calls {other}{}; {other} moved {when}", far(hops))),
        Side::Caller(hops) => (Rule::Topology, format!("{other} calls {this}{}; {other} moved {when}", far(hops))),
    }
}

/// Whether the component has shown the same sign, or one side is an illness, which explains the other.
fn alike(sign: Sign, moved: &Moved) -> bool {
    moved.signs.contains(&sign) || sign == Sign::Body || moved.signs.contains(&Sign::Body)
}

/// An illness of its own in a component that has not moved yet is a cause rather than an effect.
fn new_body(alert: &Subject, group: &Group) -> f64 {
    if alert.sign == Sign::Body && !group.moved.contains_key(&alert.component) { NEW_BODY } else { 0.0 }
}

fn quiet(alert: &Subject, group: &Group) -> f64 {
    PER_QUIET_MINUTE * group.latest.map_or(0.0, |latest| minutes(apart(alert.starts, latest)))
}

fn cost(settings: &Settings, seconds: i64) -> f64 {
    settings.per_minute * minutes(seconds)
}

#[expect(clippy::cast_precision_loss, reason = "seconds between two alerts")]
fn minutes(seconds: i64) -> f64 {
    seconds as f64 / 60.0
}

/// Seconds between two moments, whichever is first.
fn apart(a: Time, b: Time) -> i64 {
    a.duration_since(b).as_secs().abs()
}

/// A name as it may stand in a sentence.
pub(super) fn say(name: &Untrusted) -> String {
    name.show(Policy::Prose).as_str().to_owned()
}
