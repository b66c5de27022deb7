//! What holds an approval back: what must be typed, who must not approve alone, whom to call first, the kill switch.

use anyhow::{bail, ensure};

use super::desk::{LocalDesk, act_key, says_something};
use super::ledger::plan_draft;
use super::past::{self, Past};
use super::runbook::{Escalation, When};
use crate::event::{
    Barred, Cancelled, Escalated, Halted, HarmMarked, HarmStatus, IncidentId, Person, Plan, PlanId, Policy, Severity,
    Tier, Time, Untrusted,
};
use crate::journal::Draft;

/// Plans of before the policy was in words: what their tier asked for.
const TYPED_THEN: u8 = 3;
const SECOND_THEN: u8 = 4;

/// What the person who approves `plan` must type, exactly; `None` when a key is enough.
#[must_use]
pub fn asked_to_type(plan: &Plan) -> Option<String> {
    match &plan.asks {
        Some(asks) => asks.typed.as_ref().map(|words| words.raw().to_owned()),
        None => (plan.tier.0 >= TYPED_THEN).then(|| format!("silence {}", plan.targets.len())),
    }
}

/// Whether somebody other than the proposer must approve `plan`.
#[must_use]
pub fn needs_second_person(plan: &Plan) -> bool {
    plan.asks.as_ref().map_or(plan.tier.0 >= SECOND_THEN, |asks| asks.second)
}

/// What it asks for, in words.
#[must_use]
pub fn asks(plan: &Plan) -> String {
    let other = || format!("somebody other than {}", plan.proposed_by.show(Policy::Exact).as_str());
    let first: Vec<String> = plan
        .asks
        .iter()
        .flat_map(|asks| &asks.first)
        .map(|point| point.show(Policy::Prose).as_str().to_owned())
        .collect();
    let first = if first.is_empty() { String::new() } else { format!("{} called first, then ", first.join(" and ")) };
    let then = match (asked_to_type(plan), needs_second_person(plan)) {
        (None, false) => "one key".to_owned(),
        (None, true) => format!("one key, by {}", other()),
        (Some(words), false) => format!("type \"{words}\""),
        (Some(words), true) => format!("{} types \"{words}\"", other()),
    };
    first + &then
}

/// What is typed for a plan: its verb and how many things, or the one thing.
pub(super) fn words(plan: &Plan) -> String {
    let verb = plan.traits.as_ref().map_or("approve", |traits| traits.verb.raw());
    match plan.targets.as_slice() {
        [one] if verb != "silence" && one.name.raw().len() <= 40 && is_plain(one.name.raw()) => {
            format!("{verb} {}", one.name.raw())
        }
        targets => format!("{verb} {}", targets.len()),
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The name of an escalation point on record: who, and why.
pub(super) fn point(escalation: &Escalation) -> Untrusted {
    let why = escalation.why.raw();
    if why.is_empty() { escalation.who.clone() } else { format!("{}: {why}", escalation.who.raw()).into() }
}

/// Whether this point stands before a step of this name and tier, in an incident so severe.
pub(super) fn stands_before(escalation: &Escalation, step: &str, tier: Tier, severity: u8) -> bool {
    match &escalation.when {
        When::Before(name) => name.raw() == step,
        When::Tier(least) => tier >= *least,
        When::Severity(least) => *least != Severity::Unknown && severity >= past::rank(*least),
        When::Always => true,
    }
}

impl LocalDesk {
    /// Refuses, and puts on record that it was tried.
    pub(super) fn bar(&self, plan: &Plan, tried: &str, why: &str, by: &Person, now: Time) -> anyhow::Result<String> {
        let barred = Barred {
            incident: plan.incident,
            plan: Some(plan.id()),
            tried: tried.into(),
            why: why.into(),
            by: by.clone(),
        };
        self.journal.append(vec![plan_draft(now, act_key()?, plan.id(), &barred.into())])?;
        bail!("{why}; nothing was approved")
    }

    /// The escalation points that stand before a plan and that nobody has reached.
    pub(super) fn points_before(&self, plan: &Plan, past: &Past) -> Vec<Untrusted> {
        let Some(origin) = &plan.origin else { return Vec::new() };
        let Some(runbook) = (self.hands.runbook)(origin.runbook.raw()) else { return Vec::new() };
        let stand = runbook.escalate.iter().filter(|escalation| {
            stands_before(escalation, origin.step.raw(), plan.tier, past.severity()) && !past.called(&point(escalation))
        });
        stand.map(point).collect()
    }

    pub(super) fn cancel(
        &self,
        incident: IncidentId,
        id: PlanId,
        reason: Untrusted,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let ledger = self.plan(incident, id)?;
        ensure!(ledger.outcome.is_none(), "plan {id} has ended");
        if ledger.started.is_none() {
            return self.deny(incident, id, reason, by, now);
        }
        let cancelled = Cancelled { incident, plan: id, by: by.clone(), reason };
        self.journal.append(vec![plan_draft(now, act_key()?, id, &cancelled.into())])?;
        Ok(format!("plan {id} stops where it is; what it did until then stays"))
    }

    pub(super) fn halt(&self, on: bool, reason: Untrusted, by: &Person, now: Time) -> anyhow::Result<String> {
        says_something(&reason)?;
        let halted = past::halted(&self.journal)?;
        ensure!(halted.is_some() != on, "all changes are {} already", if on { "switched off" } else { "let through" });
        let fact = Halted { on, by: by.clone(), reason };
        self.journal.append(vec![Draft::new(now, act_key()?, &fact.into())])?;
        Ok(if on {
            "all changes are switched off: nothing that is approved begins, and what runs stops".to_owned()
        } else {
            "changes run again once they are approved".to_owned()
        })
    }

    pub(super) fn called(
        &self,
        incident: IncidentId,
        point: Untrusted,
        whom: Untrusted,
        how: Untrusted,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        for text in [&point, &whom, &how] {
            says_something(text)?;
        }
        let told = format!("recorded: {} was called", whom.show(Policy::Prose).as_str());
        let fact = Escalated { incident, point, whom, how, by: by.clone() };
        self.journal.append(vec![Draft::new(now, act_key()?, &fact.into())])?;
        Ok(told)
    }

    pub(super) fn mark_harm(
        &self,
        incident: IncidentId,
        item: Untrusted,
        status: HarmStatus,
        note: Untrusted,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        says_something(&item)?;
        let fact = HarmMarked { incident, item, status, note, by: by.clone() };
        self.journal.append(vec![Draft::new(now, act_key()?, &fact.into())])?;
        Ok("recorded".to_owned())
    }
}
