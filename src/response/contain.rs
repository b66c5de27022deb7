//! The stop list: keys, tools and features that a team can stop when an agent did harm, each by a hook of its own and as a plan
//! like any other.

use anyhow::{Context as _, bail};
use jiff::SignedDuration;

use super::desk::{LocalDesk, random};
use super::hook::{Blank, Blanks, Hook, effects};
use super::policy::WIDEST;
use super::runbook::{Facts, Glob};
use crate::event::{IncidentId, Person, Plan, Policy, Purpose, Target, Tier, Time, Traits, Untrusted};
use crate::surface::harm::Harm;

/// What stands in a hook of the stop list for what is known only when it is proposed.
pub const BLANKS: [&str; 4] = ["item", "incident", "by", "key"];
/// What stops and what lets go on may run so long, seconds.
const SECONDS: u32 = 60;

/// What kind of thing is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// A key or token with which something is used.
    Key,
    /// A tool of an agent.
    Tool,
    /// A feature, or an agent as a whole.
    Feature,
}

impl StopKind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Tool => "tool",
            Self::Feature => "feature",
        }
    }
}

/// One thing that can be stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    /// Its name, unique.
    pub name: String,
    /// What it is.
    pub kind: StopKind,
    /// What of an incident's bad runs it is met by: tools for a tool; services, agents, models and providers for the others.
    pub matches: Vec<Glob>,
    /// Stops it.
    pub stop: Hook,
    /// Lets it go on; `None` = nothing here does.
    pub go_on: Option<Hook>,
}

impl Stop {
    /// What of the bad runs it is, in how many of them at most; `None` = none of it was seen there.
    #[must_use]
    pub fn met(&self, harm: &Harm) -> Option<(Untrusted, u64)> {
        let names = if self.kind == StopKind::Tool { &harm.tools } else { &harm.parts };
        let fits = names.iter().filter(|(name, _)| self.matches.iter().any(|glob| glob.fits(name.raw())));
        fits.max_by_key(|(_, runs)| **runs).map(|(name, runs)| (name.clone(), *runs))
    }
}

/// The stop list for an incident: what its bad runs met first, by how many of them; what they did not meet last.
#[must_use]
pub fn in_order<'s>(stops: &'s [Stop], harm: Option<&Harm>) -> Vec<(&'s Stop, Option<(Untrusted, u64)>)> {
    let mut all: Vec<_> = stops.iter().map(|stop| (stop, harm.and_then(|harm| stop.met(harm)))).collect();
    let runs = |met: &Option<(Untrusted, u64)>| met.as_ref().map_or(0, |(_, runs)| *runs);
    // Features are the widest: the narrower comes first.
    all.sort_by(|(a, met), (b, other)| {
        (met.is_none(), a.kind == StopKind::Feature, runs(other), &a.name).cmp(&(
            other.is_none(),
            b.kind == StopKind::Feature,
            runs(met),
            &b.name,
        ))
    });
    all
}

impl LocalDesk {
    pub(super) fn propose_stop(
        &self,
        incident: IncidentId,
        item: &Untrusted,
        again: bool,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let Some(stop) = self.hands.stops.iter().find(|stop| stop.name == item.raw()) else {
            let shown = item.show(Policy::Exact);
            bail!("nothing called {} is on the stop list: [[stop]] in the configuration", shown.as_str())
        };
        let (hook, which, verb) = match (&stop.go_on, again) {
            (_, false) => (&stop.stop, "stop", "stop"),
            (Some(hook), true) => (hook, "go_on", "go-on"),
            (None, true) => bail!("nothing here lets {} go on: its [[stop]] has no go_on", stop.name),
        };
        let key = format!("warroom-{}", random()?);
        let blanks: Blanks = vec![
            ("item", Blank::Text(stop.name.clone())),
            ("incident", Blank::Text(incident.to_string())),
            ("by", Blank::Text(by.login.raw().to_owned())),
            ("key", Blank::Text(key.clone())),
        ];
        let request = hook.fill(&blanks).with_context(|| format!("[[stop]] {} {which}", stop.name))?;
        let (kind, name) = (stop.kind.word(), &stop.name);
        let title = if again { format!("let the {kind} {name} go on") } else { format!("stop the {kind} {name}") };
        let undo = match (again, &stop.go_on) {
            (true, _) => "stop it again".to_owned(),
            (false, Some(_)) => "let it go on again, from the same list".to_owned(),
            (false, None) => "nothing here lets it go on: its [[stop]] has no go_on".to_owned(),
        };
        let facts = self.facts(incident, &Facts::default())?;
        let clock = self.clock.deadline_time(now, &self.journal)?;
        let plan = Plan {
            incident,
            title: title.into(),
            targets: vec![Target { kind: kind.into(), name: name.as_str().into() }],
            tier: Tier(WIDEST),
            policy: Untrusted::default(),
            // The list is the team's own; nothing from outside is put in.
            taint: Vec::new(),
            undo: undo.into(),
            idempotency_key: key.into(),
            proposed_by: by.login.clone(),
            approve_by: clock + SignedDuration::from_mins(self.rules.approve_minutes.into()),
            purpose: Purpose::Contain { item: name.as_str().into(), again },
            origin: None,
            traits: Some(Box::new(Traits {
                verb: verb.into(),
                environment: self.environment(&facts),
                reversible: (again || stop.go_on.is_some()).then_some(true),
                effects: effects(&request),
                seconds: SECONDS,
                ..Traits::default()
            })),
            request,
            found_by: None,
            asks: None,
            reasons: Vec::new(),
            dry_run: None,
        };
        self.propose_as_it_stands(plan, by, now)
    }
}
