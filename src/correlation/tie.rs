//! How an alert stands to what already moved, apart from any story: the relation in words, and what it is worth by itself.

use crate::event::{Fingerprint, NameId, Policy, Rule, Time, Untrusted};

use super::graph::Graph;
use super::group::{Group, Moved, Subject};
use super::past::Together;
use super::place::Settings;
use super::reach::Side;
use super::sign::Sign;
use super::story::NEW;

/// One reason to join one incident.
#[derive(Clone, Debug)]
pub(super) struct Tie {
    /// What it is worth, in nats, where no story says more; above −[`NEW`] it is worth more than to be a fault of its own.
    pub gain: f64,
    /// The same, while no other incident is near.
    pub unrivalled: f64,
    /// How well it says why; of several ties to one incident the best is told.
    pub tells: f64,
    pub rule: Rule,
    pub peer: Fingerprint,
    pub why: Why,
}

/// Why, put into words only for the one tie that is told.
#[derive(Clone, Debug)]
pub(super) enum Why {
    /// A component that stands to that of the alert as the side says moved so many seconds before it.
    Moved { name: Untrusted, side: Side, lead: i64 },
    /// In these words.
    Said(String),
}

/// While no other incident is near, what else of a component moves after it is of the same trouble, however late, and so is what
/// moves beside it. Where there are two, only a story tells to which of them it belongs, or that it is a third.
const GOES_ON: f64 = 1.0;
const PER_MINUTE: f64 = 0.05;
/// So long after a neighbour, in seconds; after the component itself, as long as alerts are tied at all.
const OWN_S: i64 = 240;
const BESIDE_S: i64 = 60;
/// The same, while the incident is still spreading.
const SPREADS_S: i64 = 300;
/// An incident spreads no more when nothing has moved for so many of its own mean gaps: were it going on at its pace, one gap in
/// twenty (e^-3, a Poisson process) would be longer.
const LONGEST_GAP: i64 = 3;
// The least tie is worth nothing more than a fault of its own.
const SAME_NAME: f64 = 0.7;
/// Rules are checked every half minute or minute: what one moment brings is seen within so many seconds.
const AT_ONCE_S: i64 = 45;
const SAME_PLACE: f64 = 0.5;
/// Two alerts that were of one cause every time so far, less where they were not always.
const TOGETHER_BEFORE: f64 = 2.4;
const HISTORY_AT_LEAST: f64 = 0.3;
/// What each minute between two alerts costs a tie by name, place or history.
const PER_MINUTE_APART: f64 = 0.25;
const PER_QUIET_MINUTE: f64 = 0.15;

/// The tie of `alert` to an incident in which the component `name`, standing to it as `side`, has moved.
pub(super) fn by_component(
    settings: &Settings,
    alert: &Subject,
    name: &Untrusted,
    side: Side,
    group: &Group,
) -> Option<Tie> {
    let moved = group.moved.get(name)?;
    let gap = outside(alert.starts, moved.first, moved.latest);
    if gap > settings.window_s {
        return None;
    }
    let goes_on = GOES_ON - NEW - PER_MINUTE * minutes(gap);
    let beside = gap <= BESIDE_S || (gap <= SPREADS_S && spreading(group, alert.starts));
    let unrivalled = match side {
        Side::Own if gap <= OWN_S => goes_on,
        Side::Callee(1) if beside && alert.sign != Sign::Body => goes_on,
        Side::Caller(1) if beside && alert.sign.is_work() => goes_on,
        Side::Own | Side::Callee(_) | Side::Caller(_) => f64::NEG_INFINITY,
    };
    let near = |hops: u32| 2.0 - 0.3 * f64::from(hops);
    let tells = match side {
        Side::Own => 3.0,
        Side::Callee(hops) => near(hops) - if alert.sign.is_work() { 1.0 } else { 0.0 },
        Side::Caller(hops) => near(hops) - if alert.sign.is_work() { 0.0 } else { 1.0 },
    };
    let (rule, why) = why(alert, name, side, moved);
    Some(Tie {
        gain: f64::NEG_INFINITY,
        unrivalled,
        tells: tells - PER_MINUTE_APART * minutes(gap),
        rule,
        peer: moved.alert.clone(),
        why,
    })
}

/// Whether an incident was still growing at `at`, by the gaps seen so far between the first alerts of its components.
fn spreading(group: &Group, at: Time) -> bool {
    let (Some(first), Some(last), Some(latest)) = (group.early.first(), group.early.last(), group.latest) else {
        return false;
    };
    let gaps = i64::try_from(group.early.len()).unwrap_or(i64::MAX) - 1;
    gaps > 0 && apart(at, latest) <= BESIDE_S.max(LONGEST_GAP * apart(first.first, last.first) / gaps)
}

/// The tie of `alert` to an incident that holds the same alert of the same component: the same trouble for half an hour.
pub(super) fn again(settings: &Settings, alert: &Subject, group: &Group) -> Option<Tie> {
    let moved = group.moved.get(&alert.component)?;
    let unit = moved.kins.get(&alert.kin)?;
    let gap = outside(alert.starts, unit.first, unit.latest);
    if gap > 3 * settings.window_s {
        return None;
    }
    let gain = -PER_MINUTE * minutes(gap);
    let (rule, why) = why(alert, &alert.component, Side::Own, moved);
    Some(Tie { gain, unrivalled: gain, tells: 3.0, rule, peer: moved.alert.clone(), why })
}

/// The tie of `alert` to an incident that holds an alert of the component `name` and of `kin`, with which it was of one cause in
/// confirmed incidents.
pub(super) fn by_history(
    settings: &Settings,
    alert: &Subject,
    (name, kin): (&Untrusted, NameId),
    before: Together,
    group: &Group,
) -> Option<Tie> {
    let moved = group.moved.get(name)?;
    let unit = moved.kins.get(&kin)?;
    let gap = outside(alert.starts, unit.first, unit.latest);
    if gap > settings.window_s {
        return None;
    }
    let text =
        format!("{} and an alert of {} {}; {gap} s apart now", say(&alert.name), say(name), before.words("with it"));
    let quiet = group.latest.map_or(0.0, |latest| PER_QUIET_MINUTE * minutes(apart(alert.starts, latest)));
    let score = worth(before) - PER_MINUTE_APART * minutes(gap) - quiet - HISTORY_AT_LEAST;
    Some(Tie {
        gain: score - NEW,
        unrivalled: score - NEW,
        tells: 0.0,
        rule: Rule::History,
        peer: moved.alert.clone(),
        why: Why::Said(text),
    })
}

/// What it adds to a story that two alerts were of one cause before.
pub(super) fn worth(before: Together) -> f64 {
    // Laplace's rule of succession: the chance that it is so again.
    #[expect(clippy::cast_precision_loss, reason = "counts of incidents")]
    let again = (before.both as f64 + 1.0) / (before.of as f64 + 2.0);
    TOGETHER_BEFORE * again
}

/// The tie of `alert` to an incident in which an alert of the same name and place fired elsewhere in the same moment: what hits many
/// at once need not travel along calls.
pub(super) fn by_name(alert: &Subject, group: &Group) -> Option<Tie> {
    let named = group.named.get(&alert.kin).filter(|named| named.component != alert.component_id)?;
    let gap = apart(alert.starts, named.latest);
    if gap > AT_ONCE_S {
        return None;
    }
    let text = format!("{} fired elsewhere in the same place, {gap} s apart", say(&alert.name));
    let gain = SAME_NAME - NEW - PER_MINUTE * minutes(gap);
    Some(Tie {
        gain,
        unrivalled: gain,
        tells: -1.0,
        rule: Rule::Affinity,
        peer: named.alert.fingerprint(),
        why: Why::Said(text),
    })
}

/// The tie of `alert` to an incident that moved in the same namespace. Only for while no calls are known: then it is all that
/// can be said, and only of what began within a few minutes.
pub(super) fn by_place(settings: &Settings, alert: &Subject, place: NameId, group: &Group) -> Option<Tie> {
    let named = group.named.get(&place)?;
    // From its first alert on, so that a trickle of alerts does not go on for ever as one incident.
    if apart(alert.starts, group.first?) > settings.window_s {
        return None;
    }
    let gap = apart(alert.starts, named.latest);
    let gain = SAME_PLACE - PER_MINUTE_APART * minutes(gap);
    let text = format!("fired in the same namespace {gap} s apart; no calls between components are known");
    let peer = named.alert.fingerprint();
    (gain > 0.0).then_some(Tie {
        gain: gain - NEW,
        unrivalled: gain - NEW,
        tells: -2.0,
        rule: Rule::Affinity,
        peer,
        why: Why::Said(text),
    })
}

fn why(alert: &Subject, name: &Untrusted, side: Side, moved: &Moved) -> (Rule, Why) {
    let lead = alert.starts.duration_since(moved.first).as_secs();
    let rule = if side == Side::Own { Rule::SameService } else { Rule::Topology };
    (rule, Why::Moved { name: name.clone(), side, lead })
}

impl Tie {
    /// By which rule and why, for an alert of the component `own`.
    pub(super) fn told(self, own: &Untrusted, graph: &Graph) -> (Rule, String) {
        let rule = self.rule;
        let (name, side, lead) = match self.why {
            Why::Said(text) => return (rule, text),
            Why::Moved { name, side, lead } => (name, side, lead),
        };
        if let Some(text) = by_order(own, &name, side, lead, graph) {
            return (Rule::History, text);
        }
        let when = if lead >= 0 { format!("{lead} s earlier") } else { format!("{} s later", -lead) };
        let far = |hops: u32| if hops > 1 { format!(", {hops} calls away") } else { String::new() };
        let (this, other) = (say(own), say(&name));
        let text = match side {
            Side::Own => format!("same component: {this} moved {when}"),
            Side::Callee(hops) => format!("{this} calls {other}{}; {other} moved {when}", far(hops)),
            Side::Caller(hops) => format!("{other} calls {this}{}; {other} moved {when}", far(hops)),
        };
        (rule, text)
    }
}

/// Why, where no calls say how the two stand to each other and the order of past incidents does.
fn by_order(own: &Untrusted, name: &Untrusted, side: Side, lead: i64, graph: &Graph) -> Option<String> {
    let (first, later, hops) = match side {
        _ if !graph.has_order() => return None,
        Side::Own => return None,
        Side::Callee(hops) => (name, own, hops),
        Side::Caller(hops) => (own, name, hops),
    };
    if graph.calls_lead(later, first, hops) {
        return None;
    }
    let (one, other) = (say(first), say(later));
    let usual = match graph.order(first, later) {
        Some(order) => format!("of {one} and {other}, {one} {}", order.words()),
        None => format!("{one} usually moves before {other} in past incidents, {hops} steps away"),
    };
    let when = if lead >= 0 { format!("{lead} s earlier") } else { format!("{} s later", -lead) };
    Some(format!("{usual}; {} moved {when}; no call between them is known", say(name)))
}

#[expect(clippy::cast_precision_loss, reason = "seconds between two alerts")]
fn minutes(seconds: i64) -> f64 {
    seconds as f64 / 60.0
}

/// Seconds between two moments, whichever is first.
pub(super) fn apart(a: Time, b: Time) -> i64 {
    a.duration_since(b).as_secs().abs()
}

/// Seconds from `at` to a stretch of time; 0 within it.
fn outside(at: Time, first: Time, latest: Time) -> i64 {
    if at < first { apart(at, first) } else { (at.duration_since(latest).as_secs()).max(0) }
}

/// A name as it may stand in a sentence.
pub(super) fn say(name: &Untrusted) -> String {
    name.show(Policy::Prose).as_str().to_owned()
}
