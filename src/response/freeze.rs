//! Holding further changes to what an incident is about, through the team's own hook.
//!
//! Holding is a plan like any other. What lets go again is part of it: shown in the same dialog, under the same digest, and
//! approved by the same key. So at its end nothing runs that was not seen, and nobody has to be there for it: whichever console
//! runs then sends it, once. Letting go sooner is a plan of its own, which takes the place of that.

mod tend;

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};
use jiff::SignedDuration;

use super::desk::{LocalDesk, random};
use super::execute::{self, Reach};
use super::hook::{Blank, Blanks, Hook, effects};
use super::ledger::{self, plan_draft};
use super::policy::WIDEST;
use super::runbook::{Effect, Facts};
use crate::event::{
    Approval as Recorded, IncidentId, Outcome, Person, Plan, PlanId, Policy, Purpose, Request, Surface, Target, Tier,
    Time, Traits, Untrusted,
};
use crate::journal::Draft;

/// What stands in a hook of a freeze for what is known only when it is proposed.
pub const BLANKS: [&str; 6] = ["until", "services", "surfaces", "incident", "by", "key"];
/// What the reading of who is held is called on record: its runbook and its step.
pub const HELD_STEP: (&str, &str) = ("freeze", "held");
/// One freeze names no more services.
const MOST_SERVICES: usize = 50;
/// What holds and what lets go may run so long, seconds.
const SECONDS: u32 = 60;
/// A release that nobody was there for is still sent so long after its time.
const RELEASE_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// How a team holds changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Holds them; told until when.
    pub hold: Hook,
    /// Lets them go; `None` = what holds them ends by itself when it was told to.
    pub release: Option<Hook>,
    /// Lists who is held, one a line; only reads.
    pub held: Option<Hook>,
    /// How long it lasts unless said otherwise, minutes.
    pub minutes: u32,
    /// How long it may last, minutes.
    pub longest: u32,
}

/// The key by which what lets go of this freeze is known at the target: the same whoever sends it, so that it counts once.
#[must_use]
pub fn release_key(freeze: &Plan) -> String {
    format!("{}-release", freeze.idempotency_key.raw())
}

/// A freeze that began, and may hold.
pub(super) struct Frozen {
    pub id: PlanId,
    pub plan: Plan,
    pub until: Time,
}

/// Whether changes may be held after an execution that ended so.
fn may_hold(outcome: Option<&Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Done { .. } | Outcome::Partly { .. } | Outcome::Unknown { .. }))
}

impl LocalDesk {
    pub(super) fn propose_freeze(
        &self,
        incident: IncidentId,
        mut services: Vec<Untrusted>,
        mut surfaces: Vec<Surface>,
        minutes: Option<u32>,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let freeze = self.hands.freeze.as_ref().context(
            "no hook holds changes here: [freeze] hold in the configuration names the team's own command or request",
        )?;
        let minutes = minutes.unwrap_or(freeze.minutes);
        services.sort();
        services.dedup();
        surfaces.sort();
        surfaces.dedup();
        ensure!(!services.is_empty(), "name at least one service whose changes are to be held");
        ensure!(
            services.len() <= MOST_SERVICES,
            "{} services; one freeze names {MOST_SERVICES} at most",
            services.len()
        );
        ensure!(
            (1..=freeze.longest).contains(&minutes),
            "a freeze lasts 1 to {} minutes ([freeze] at_most_minutes in the configuration)",
            freeze.longest
        );
        let clock = Time::from_second(self.clock.deadline_time(now, &self.journal)?.as_second())?;
        let until = clock + SignedDuration::from_mins(minutes.into());
        let key = format!("warroom-{}", random()?);
        let names = |texts: &[Untrusted]| texts.iter().map(|text| text.raw().to_owned()).collect::<Vec<_>>();
        let words: Vec<String> = surfaces.iter().map(|surface| surface.name().to_owned()).collect();
        let blanks: Blanks = vec![
            ("until", Blank::Text(until.to_string())),
            ("services", Blank::List(names(&services))),
            ("surfaces", Blank::List(words.clone())),
            ("incident", Blank::Text(incident.to_string())),
            ("by", Blank::Text(by.login.raw().to_owned())),
            ("key", Blank::Text(key.clone())),
        ];
        let request = freeze.hold.fill(&blanks).context("[freeze] hold")?;
        let release = freeze.release.as_ref().map(|hook| hook.fill(&blanks).context("[freeze] release")).transpose()?;
        let surface_words = if words.is_empty() { "every surface".to_owned() } else { words.join(", ") };
        let facts = self.facts(incident, &Facts::default())?;
        let undo = match &release {
            Some(_) => {
                "its release, which is shown and approved with it and is sent when it ends; `freeze off` proposes to sooner"
            }
            None => "what holds was told until when and ends by itself; nothing here can let go sooner",
        };
        let effects = holds(&request, release.as_ref());
        let plan = Plan {
            incident,
            title: format!("hold changes to {} ({surface_words}) until {until}", names(&services).join(", ")).into(),
            request,
            targets: services.iter().map(|name| Target { kind: "changes of".into(), name: name.clone() }).collect(),
            tier: Tier(WIDEST),
            policy: Untrusted::default(),
            taint: services.iter().map(taint).collect(),
            undo: undo.into(),
            idempotency_key: key.into(),
            proposed_by: by.login.clone(),
            approve_by: (clock + SignedDuration::from_mins(self.rules.approve_minutes.into())).min(until),
            purpose: Purpose::Freeze { services, surfaces, until, release: release.clone() },
            origin: None,
            traits: Some(Box::new(Traits {
                verb: "freeze".into(),
                environment: self.environment(&facts),
                reversible: release.is_some().then_some(true),
                effects,
                minutes,
                seconds: SECONDS,
                ..Traits::default()
            })),
            found_by: None,
            asks: None,
            reasons: Vec::new(),
            dry_run: None,
        };
        self.propose_as_it_stands(plan, by, now)
    }

    /// Proposes a plan whose targets are what it names.
    pub(super) fn propose_as_it_stands(&self, plan: Plan, by: &Person, now: Time) -> anyhow::Result<String> {
        // That a program or a host may not be used from here is said before anybody is asked.
        let executor = self.executor(&plan)?;
        let members = ledger::members(&self.journal, plan.incident)?;
        let reach = executor.resolve(&plan, &members)?;
        let reach = Reach { odd_text: reach.odd_text || execute::is_odd(&plan), ..reach };
        self.propose(plan, &reach, by, now)
    }

    pub(super) fn propose_thaw(&self, incident: IncidentId, by: &Person, now: Time) -> anyhow::Result<String> {
        let Some(frozen) = self.frozen(incident)? else { bail!("no freeze of {incident} holds anything") };
        let clock = self.clock.deadline_time(now, &self.journal)?;
        let approve_by = clock + SignedDuration::from_mins(self.rules.approve_minutes.into());
        let Some(mut plan) = release_plan(&frozen.plan, frozen.id, approve_by) else {
            bail!(
                "the freeze has no release ([freeze] release in the configuration when it was proposed): what holds was told \
                 to end by itself at {}",
                frozen.until
            )
        };
        plan.proposed_by = by.login.clone();
        self.propose_as_it_stands(plan, by, now)
    }
}

/// What is recorded together with the approval of a freeze: what ends it, approved by the same key.
pub(super) fn ends_with(freeze: &Plan, approved: &Recorded, now: Time) -> anyhow::Result<Vec<Draft>> {
    let Purpose::Freeze { until, .. } = &freeze.purpose else { return Ok(Vec::new()) };
    let Some(release) = release_plan(freeze, approved.plan, *until) else { return Ok(Vec::new()) };
    let id = release.id();
    let nonce = random()?;
    let recorded =
        Recorded { plan: id, execute_by: *until + RELEASE_WITHIN, nonce: nonce.as_str().into(), ..approved.clone() };
    Ok(vec![
        plan_draft(now, release_draft_key(approved.plan), id, &release.into()),
        plan_draft(now, format!("approved/{nonce}"), id, &recorded.into()),
    ])
}

/// The key under which what ends a freeze is proposed: once, however often the freeze is approved.
fn release_draft_key(freeze: PlanId) -> String {
    format!("release/{}", freeze.0)
}

/// What ends this freeze: the request that was shown with it, and nothing else.
fn release_plan(freeze: &Plan, id: PlanId, approve_by: Time) -> Option<Plan> {
    let Purpose::Freeze { services, until, release: Some(release), .. } = &freeze.purpose else { return None };
    let names: Vec<&str> = services.iter().map(Untrusted::raw).collect();
    Some(Plan {
        title: format!("let changes to {} go on (held until {until})", names.join(", ")).into(),
        request: release.clone(),
        undo: "freeze again".into(),
        idempotency_key: release_key(freeze).into(),
        proposed_by: "engine".into(),
        approve_by,
        purpose: Purpose::Thaw { freeze: Some(id) },
        traits: Some(Box::new(Traits {
            verb: "thaw".into(),
            minutes: 0,
            ..freeze.traits.as_deref().cloned().unwrap_or_default()
        })),
        ..freeze.clone()
    })
}

/// What holding and letting go do besides. That the word for letting go is that for deleting says nothing: what is deleted is
/// the hold itself.
fn holds(hold: &Request, release: Option<&Request>) -> Vec<Untrusted> {
    let own = [Effect::DeletesData, Effect::Irreversible, Effect::Unknown].map(Effect::word);
    let all: BTreeSet<Untrusted> = [hold].into_iter().chain(release).flat_map(effects).collect();
    all.into_iter().filter(|effect| !own.contains(&effect.raw())).collect()
}

fn taint(service: &Untrusted) -> Untrusted {
    let name = service.show(Policy::Exact).as_str().to_owned();
    format!("the service's name \"{name}\", as alerts and traces call it, reaches the request").into()
}
