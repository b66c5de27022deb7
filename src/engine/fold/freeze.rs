//! The freeze of an incident, as its plans, readings and changes tell it.

use crate::engine::view::{ActionState, ActionView, Bounded, FreezeView, Opens, PassedLine, TimelineItem};
use crate::event::{Digest, Kind, Outcome, Purpose, Seq, Surface, Time, Untrusted};
use crate::response::{HELD_STEP, release_key};

use super::Fold;
use super::changes::ChangeKept;
use super::incident::Incident;

/// Changes that walked past are named up to this number; more are counted.
const PASSED: usize = 50;

/// What a freeze holds, and from when to when.
pub(super) struct Held<'p> {
    services: &'p [Untrusted],
    surfaces: &'p [Surface],
    since: Time,
    end: Time,
}

impl Held<'_> {
    /// Whether a change is of what is held, and was made and told of while it was. One that was made before and told of later
    /// walked past nothing.
    pub fn passed(&self, change: &ChangeKept) -> bool {
        let surface = self.surfaces.is_empty() || self.surfaces.contains(&change.surface);
        let service = change.subject.is_empty() || self.services.contains(&change.subject);
        let when = |time: Time| time >= self.since && time < self.end;
        surface && service && when(change.at) && change.arrived >= self.since
    }
}

/// When and how the execution of a plan ended, where it may have changed something.
fn took_hold(action: &ActionView) -> Option<(Time, &Outcome)> {
    match &action.state {
        ActionState::Finished {
            outcome: outcome @ (Outcome::Done { .. } | Outcome::Partly { .. } | Outcome::Unknown { .. }),
            at,
        } => Some((*at, outcome)),
        _ => None,
    }
}

/// The freeze that took hold last, and when.
fn newest(incident: &Incident) -> Option<(&ActionView, Time, &Outcome)> {
    let freezes = incident.plans.iter().filter(|action| matches!(action.plan.purpose, Purpose::Freeze { .. }));
    freezes.filter_map(|action| took_hold(action).map(|(at, how)| (action, at, how))).max_by_key(|(_, at, _)| *at)
}

/// What ended a freeze before its time.
fn let_go<'i>(incident: &'i Incident, freeze: &ActionView) -> Option<(&'i ActionView, Time)> {
    let of = Purpose::Thaw { freeze: Some(freeze.id) };
    let thaws = incident.plans.iter().filter(|action| action.plan.purpose == of && !is_release(action));
    thaws
        .filter_map(|action| match &action.state {
            ActionState::Finished { outcome: Outcome::Done { .. }, at } => Some((action, *at)),
            _ => None,
        })
        .min_by_key(|(_, at)| *at)
}

/// Whether it was proposed with the freeze, and not by a person after it.
fn is_release(action: &ActionView) -> bool {
    action.plan.proposed_by.raw() == "engine"
}

/// What is held by the freeze of an incident, and was.
pub(super) fn held(incident: &Incident) -> Option<Held<'_>> {
    let (action, since, _) = newest(incident)?;
    let Purpose::Freeze { services, surfaces, until, .. } = &action.plan.purpose else { return None };
    let end = let_go(incident, action).map_or(*until, |(_, at)| at.min(*until));
    Some(Held { services, surfaces, since, end })
}

/// The line that says that a freeze is over, where nothing is sent then and so no entry says it.
pub(super) fn over(incident: &Incident, as_of: Option<Time>) -> Option<TimelineItem> {
    let (action, _, _) = newest(incident)?;
    let Purpose::Freeze { until, release: None, .. } = &action.plan.purpose else { return None };
    let is_over = as_of.is_some_and(|now| now >= *until) && let_go(incident, action).is_none();
    is_over.then(|| TimelineItem {
        at: *until,
        arrived: *until,
        seq: Seq(0),
        kind: Kind::Finished,
        who: "freeze".into(),
        text: "over: what held changes was told to end now by itself".into(),
        folded: 0,
        opens: Some(Opens::Plan { plan: action.id }),
    })
}

impl Fold {
    /// The freeze of an incident that took hold last.
    pub(super) fn freeze(&self, incident: &Incident) -> Option<FreezeView> {
        let (action, since, outcome) = newest(incident)?;
        let Purpose::Freeze { services, surfaces, until, .. } = &action.plan.purpose else { return None };
        let held = held(incident)?;
        let mut passed: Vec<PassedLine> = self
            .state
            .changes
            .between(since, held.end)
            .filter(|change| held.passed(change))
            .map(|change| PassedLine {
                id: change.id.clone(),
                at: change.at,
                surface: change.surface,
                subject: change.subject.clone(),
                actor: change.actor.clone(),
                summary: change.summary.clone(),
            })
            .collect();
        let hidden = passed.len().saturating_sub(PASSED) as u64;
        passed.truncate(PASSED);
        let release = Untrusted::from(release_key(&action.plan));
        let release = incident.plans.iter().find(|other| other.plan.idempotency_key == release && is_release(other));
        let of_this = Digest::of(action.id.0.to_string().as_bytes());
        let listed = incident
            .hands
            .reads
            .iter()
            .find(|read| (read.runbook.raw(), read.step.raw()) == HELD_STEP && read.digest == of_this);
        Some(FreezeView {
            plan: action.id,
            services: services.clone(),
            surfaces: surfaces.clone(),
            asked_by: action.plan.proposed_by.clone(),
            since,
            until: *until,
            sure: matches!(outcome, Outcome::Done { .. }),
            said: match outcome {
                Outcome::Done { receipt } => receipt.clone(),
                Outcome::Unknown { check } => check.clone(),
                Outcome::Partly { why, .. } => why.clone(),
                Outcome::Failed { error } => error.clone(),
            },
            release: release.map(|action| (action.id, action.state.clone())),
            let_go: let_go(incident, action).map(|(action, at)| (action.plan.proposed_by.clone(), at)),
            held: listed.cloned(),
            passed: Bounded { items: passed, hidden },
        })
    }
}
