//! Proposing to call somebody.

use anyhow::{Context as _, bail};
use jiff::SignedDuration;

use super::Callee;
use super::executor::PEOPLE;
use super::template::{Values, value};
use crate::event::{IncidentId, Person, Plan, PlanId, Policy, Purpose, Request, Target, Tier, Time, Traits, Untrusted};
use crate::response::desk::{LocalDesk, random};
use crate::response::execute::{Reach, is_odd};
use crate::response::ledger;
use crate::response::past::Past;
use crate::response::policy::WIDEST;
use crate::response::runbook::{Effect, Facts};

/// The verb of such a plan, as the policy knows it.
const CALL: &str = "call";

/// Whom to call, and for what.
#[derive(Clone, Debug, PartialEq)]
pub struct CallAt {
    /// The callee's name; `None` = whoever the escalation point names, or the only one there is.
    pub to: Option<Untrusted>,
    /// The escalation point that it serves.
    pub point: Option<PointAt>,
    /// Why, in a person's words; empty = nothing more than the point says.
    pub why: Untrusted,
    /// What the incident looks like: its title and services.
    pub seen: Facts,
}

/// An escalation point.
#[derive(Clone, Debug, PartialEq)]
pub enum PointAt {
    /// By the name that a runbook gives it.
    Named(Untrusted),
    /// The first that nobody reached of those that stand before this plan.
    Before(PlanId),
}

impl LocalDesk {
    /// Proposes a message: nothing is sent before it is approved.
    pub(in crate::response) fn propose_call(
        &self,
        incident: IncidentId,
        at: &CallAt,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let members = ledger::members(&self.journal, incident)?;
        let past = Past::of(&self.journal, incident)?.or_severity(ledger::worst(&self.journal, &members)?);
        let point = match &at.point {
            None => None,
            Some(PointAt::Named(point)) => Some(point.clone()),
            Some(PointAt::Before(plan)) => {
                let plan = self.plan(incident, *plan)?.plan;
                let first = self.points_before(&plan, &past).into_iter().next();
                Some(first.with_context(|| format!("nobody has to be called before plan {}", plan.id()))?)
            }
        };
        let callee = self.callee(at.to.as_ref(), point.as_ref())?;
        let login = by.login.raw();
        let asked = at.why.raw().trim();
        let severity = ["unrated", "info", "warning", "error", "critical"];
        let incident_name = incident.to_string();
        let values = Values {
            incident: &incident_name,
            title: match at.seen.title.raw() {
                "" => "an incident",
                title => title,
            },
            severity: severity.get(usize::from(past.severity())).copied().unwrap_or("unrated"),
            services: at.seen.services.iter().map(Untrusted::raw).collect::<Vec<_>>().join(", "),
            by: login,
            whom: &callee.whom,
            why: match (asked, &point) {
                ("", Some(point)) => point.raw(),
                ("", None) => "they are needed",
                (asked, _) => asked,
            },
        };
        let key = format!("warroom-{}", random()?);
        let body = callee.body(&values, &key);
        let deadline = self.clock.deadline_time(now, &self.journal)?;
        let outside = callee.text.outside_blanks().into_iter();
        let plan = Plan {
            incident,
            title: format!("call {} by {}", value(&callee.whom), callee.service.name()).into(),
            request: Request::Http { method: "POST".into(), url: callee.service.address().into(), body: body.into() },
            targets: vec![Target { kind: PEOPLE.into(), name: callee.name.as_str().into() }],
            tier: Tier(WIDEST),
            policy: Untrusted::default(),
            taint: outside.map(Into::into).collect(),
            undo: "a message that was read cannot be taken back; a second one can say that it is over".into(),
            idempotency_key: key.into(),
            proposed_by: by.login.clone(),
            approve_by: deadline + SignedDuration::from_mins(self.rules.approve_minutes.into()),
            purpose: Purpose::Call { whom: callee.whom.as_str().into(), point },
            origin: None,
            traits: Some(Box::new(Traits {
                verb: CALL.into(),
                reversible: Some(false),
                effects: vec![Effect::ReachesPeople.word().into()],
                ..Traits::default()
            })),
            found_by: None,
            asks: None,
            reasons: Vec::new(),
            dry_run: None,
        };
        let reach = Reach { targets: plan.targets.clone(), outside: 0, critical: 0, odd_text: is_odd(&plan) };
        self.propose(plan, &reach, by, now)
    }

    /// Whom to call: the one that is named, else the one who is at the point, else the only one there is.
    fn callee(&self, to: Option<&Untrusted>, point: Option<&Untrusted>) -> anyhow::Result<&Callee> {
        let calls = &self.hands.calls;
        let names = || calls.iter().map(|callee| callee.name.as_str()).collect::<Vec<_>>().join(", ");
        if calls.is_empty() {
            bail!("nobody can be called from here: name them in the configuration, a [[call]] each");
        }
        let reached = |callee: &&Callee| point.is_none_or(|point| callee.reaches(point));
        if let Some(to) = to {
            let shown = to.show(Policy::Exact).as_str().to_owned();
            let found = calls.iter().find(|callee| callee.name == to.raw());
            let found = found.with_context(|| format!("nobody here is called {shown}: there are {}", names()))?;
            if let Some(point) = point.filter(|point| !found.reaches(point)) {
                let point = point.show(Policy::Prose).as_str().to_owned();
                bail!(
                    "to call {shown} does not reach the point \"{point}\": its [[call]] says so with reaches = [\"…\"]"
                );
            }
            return Ok(found);
        }
        let mut fitting = calls.iter().filter(reached);
        match (fitting.next(), fitting.next(), point) {
            (Some(one), _, Some(_)) | (Some(one), None, None) => Ok(one),
            (_, _, None) => bail!("say whom: there are {}", names()),
            (None, _, Some(point)) => {
                let point = point.show(Policy::Prose).as_str().to_owned();
                bail!(
                    "nothing says how to call whom \"{point}\" names: a [[call]] in the configuration does, with reaches = [\"…\"]; \
                     or call them yourself, and say here that you did"
                )
            }
        }
    }
}
