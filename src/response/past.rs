//! What happened in an incident so far, as far as the policy asks: what its steps did, who was called, whether all is halted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::execute::Reach;
use super::ledger::read_all;
use super::policy::{Around, Facts};
use super::runbook::Effect;
use crate::event::{Fact, Halted, IncidentId, Kind, Outcome, Person, Plan, PlanId, Purpose, Severity, Time, Untrusted};
use crate::journal::{JournalError, Query, SharedJournal, term};

/// Messages to people within so long count against their budget.
const BUDGET: SignedDuration = SignedDuration::from_hours(1);
/// As many of the newest executions are asked whether they called the same people.
const STARTED: usize = 200;

/// What happened before.
#[derive(Default)]
pub(super) struct Past {
    earlier: BTreeSet<Effect>,
    /// When people were written to from this incident.
    calls: Vec<Time>,
    /// Where it stands who was written to from other incidents: asked only of plans that reach people.
    journal: Option<SharedJournal>,
    called: BTreeSet<Untrusted>,
    severity: u8,
    /// By runbook, what the inputs of its newest plan were.
    earlier_values: BTreeMap<Untrusted, Earlier>,
}

/// What the inputs of an earlier step of the same runbook were.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    values: BTreeMap<Untrusted, Untrusted>,
    taint: Vec<Untrusted>,
}

impl Earlier {
    /// What an input was, and by which path text from outside got in then.
    pub fn value(&self, input: &Untrusted) -> Option<(Untrusted, Vec<Untrusted>)> {
        let value = self.values.get(input)?.clone();
        let ending = format!(" reaches {}", input.raw());
        Some((value, self.taint.iter().filter(|path| path.raw().ends_with(&ending)).cloned().collect()))
    }
}

impl Past {
    /// Of one incident, with everything on record.
    pub fn of(journal: &SharedJournal, incident: IncidentId) -> Result<Self, JournalError> {
        let mut past = Self::default();
        let kinds =
            vec![Kind::Proposed, Kind::Started, Kind::Finished, Kind::StepRead, Kind::Escalated, Kind::SeveritySet];
        past.journal = Some(journal.clone());
        let mut proposed: Vec<(PlanId, Plan)> = Vec::new();
        for record in read_all(journal, Query { kinds, term: Some(term::incident(incident.0)), ..Query::default() })? {
            match record.fact()? {
                Fact::Proposed(plan) => {
                    if let Some(origin) = &plan.origin {
                        let earlier = past.earlier_values.entry(origin.runbook.clone()).or_default();
                        earlier.values.extend(origin.values.clone());
                        earlier.taint.extend(plan.taint.clone());
                    }
                    proposed.push((plan.id(), *plan));
                }
                Fact::Started(started) => {
                    let Some((_, plan)) = proposed.iter().find(|(id, _)| *id == started.plan) else { continue };
                    past.earlier.extend(effects(plan));
                    if whom(plan).is_some() {
                        past.calls.push(record.arrived);
                    }
                }
                Fact::Finished(finished) if matches!(finished.outcome, Outcome::Done { .. }) => {
                    let plan = proposed.iter().find(|(id, _)| *id == finished.plan).map(|(_, plan)| &plan.purpose);
                    if let Some(Purpose::Call { point: Some(point), .. }) = plan {
                        past.called.insert(point.clone());
                    }
                }
                Fact::StepRead(read) => {
                    past.earlier.extend(read.effects.iter().filter_map(|word| Effect::of_word(word.raw())));
                }
                Fact::Escalated(escalated) => {
                    past.called.insert(escalated.point);
                }
                Fact::SeveritySet(set) => past.severity = rank(set.severity),
                _ => {}
            }
        }
        Ok(past)
    }

    /// With the worst severity of its alerts, where no person set one.
    pub fn or_severity(mut self, worst: Severity) -> Self {
        if self.severity == 0 {
            self.severity = rank(worst);
        }
        self
    }

    /// What the inputs of earlier steps of this runbook were.
    pub fn values(&self, runbook: &Untrusted) -> Option<&Earlier> {
        self.earlier_values.get(runbook)
    }

    /// Whether somebody was called at this point.
    pub fn called(&self, point: &Untrusted) -> bool {
        self.called.contains(point)
    }

    /// How severe it is, as the policy counts.
    pub fn severity(&self) -> u8 {
        self.severity
    }

    /// What the policy may ask about a plan.
    pub fn facts(&self, plan: &Plan, reach: &Reach, now: Time) -> Facts {
        let traits = plan.traits.as_deref().cloned().unwrap_or_default();
        let whom = whom(plan);
        let recent = |at: Time| now.duration_since(at) < BUDGET;
        Facts {
            verb: traits.verb.raw().to_owned(),
            program: program(plan),
            reads: false,
            targets: reach.targets.len(),
            outside: reach.outside,
            critical: reach.critical,
            minutes: traits.minutes,
            environment: traits.environment.as_ref().map(|text| text.raw().to_owned()),
            reversible: traits.reversible,
            effects: effects(plan).collect(),
            earlier: self.earlier.clone(),
            tainted: !plan.taint.is_empty(),
            odd_text: reach.odd_text,
            proposer: match plan.proposed_by.raw() {
                "engine" => "engine",
                by if by.starts_with("model") => "model",
                _ => "person",
            },
            proposed_by: plan.proposed_by.raw().to_owned(),
            declared: traits.declared,
            calls: self.calls.iter().filter(|at| recent(**at)).count(),
            calls_same: whom.map_or(0, |whom| self.called_lately(whom, now)),
        }
    }

    /// How often these people were written to within the hour, from whatever incident. What cannot be read counts as too often.
    fn called_lately(&self, whom: &Untrusted, now: Time) -> usize {
        let Some(journal) = &self.journal else { return 0 };
        let same = |(at, called): &(Time, Untrusted)| now.duration_since(*at) < BUDGET && called == whom;
        called_everywhere(journal).map_or(usize::MAX, |all| all.iter().filter(|call| same(call)).count())
    }

    /// What is going on around it, for `person`.
    pub fn around(&self, person: &Person, now: Time) -> Around {
        let called = self.called.iter().map(|point| point.raw().to_owned()).collect();
        Around { severity: self.severity, called, ..Around::now(person, now) }
    }
}

impl Around {
    /// For `person` at this moment, outside of any incident.
    #[must_use]
    pub fn now(person: &Person, now: Time) -> Self {
        let utc = now.to_zoned(jiff::tz::TimeZone::UTC);
        Self {
            hour: u8::try_from(utc.hour()).unwrap_or(0),
            weekday: u8::try_from(utc.weekday().to_monday_one_offset()).unwrap_or(1),
            groups: super::identity::groups(person.login.raw()),
            ..Self::default()
        }
    }
}

/// Whom a plan reaches, where it reaches people: the callee, else what it touches.
fn whom(plan: &Plan) -> Option<&Untrusted> {
    match &plan.purpose {
        Purpose::Call { whom, .. } => Some(whom),
        _ if effects(plan).any(|effect| effect == Effect::ReachesPeople) => {
            plan.targets.first().map(|target| &target.name)
        }
        _ => None,
    }
}

/// When people were written to lately, from whatever incident, and who.
fn called_everywhere(journal: &SharedJournal) -> Result<Vec<(Time, Untrusted)>, JournalError> {
    let query = Query { kinds: vec![Kind::Started], newest_first: true, limit: STARTED, ..Query::default() };
    let mut called = Vec::new();
    let mut newest = None;
    for record in journal.read(&query)? {
        let newest = *newest.get_or_insert(record.arrived);
        if newest.duration_since(record.arrived) >= BUDGET {
            break;
        }
        let Fact::Started(started) = record.fact()? else { continue };
        let proposed =
            Query { kinds: vec![Kind::Proposed], term: Some(term::plan(started.plan)), limit: 1, ..Query::default() };
        for proposal in journal.read(&proposed)? {
            if let Fact::Proposed(plan) = proposal.fact()?
                && let Some(whom) = whom(&plan)
            {
                called.push((record.arrived, whom.clone()));
            }
        }
    }
    Ok(called)
}

/// What a plan does besides, in the policy's words.
fn effects(plan: &Plan) -> impl Iterator<Item = Effect> + '_ {
    plan.traits.iter().flat_map(|traits| &traits.effects).filter_map(|word| Effect::of_word(word.raw()))
}

fn program(plan: &Plan) -> String {
    use crate::event::Request;
    match &plan.request {
        Request::Http { url, .. } => {
            url.raw().parse::<url::Url>().ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
        }
        Request::Process { argv } => {
            let first = argv.first().map_or("", |word| word.raw());
            first.rsplit('/').next().unwrap_or_default().to_owned()
        }
        Request::Sql { database, .. } => database.raw().to_owned(),
    }
}

/// As the policy counts: 0 unrated to 4 critical.
pub(super) fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Unknown => 0,
        Severity::Info => 1,
        Severity::Warning => 2,
        Severity::Error => 3,
        Severity::Critical => 4,
    }
}

/// The kill switch, where it is on.
pub(super) fn halted(journal: &SharedJournal) -> Result<Option<Halted>, JournalError> {
    let query = Query { kinds: vec![Kind::Halted], newest_first: true, limit: 1, ..Query::default() };
    for record in journal.read(&query)? {
        if let Fact::Halted(halted) = record.fact()? {
            return Ok(halted.on.then_some(*halted));
        }
    }
    Ok(None)
}

/// Why a running plan is to stop where it is: a person said so, of it or of everything.
pub(super) fn stop(journal: &SharedJournal, plan: PlanId) -> Result<Option<String>, JournalError> {
    use crate::event::Policy::{Exact, Prose};
    if let Some(halted) = halted(journal)? {
        let (by, why) = (halted.by.login.show(Exact), halted.reason.show(Prose));
        return Ok(Some(format!("{} switched all changes off ({})", by.as_str(), why.as_str())));
    }
    let query = Query { kinds: vec![Kind::Cancelled], term: Some(term::plan(plan)), ..Query::default() };
    for record in journal.read(&query)? {
        if let Fact::Cancelled(cancelled) = record.fact()?
            && cancelled.plan == plan
        {
            let (by, why) = (cancelled.by.login.show(Exact), cancelled.reason.show(Prose));
            return Ok(Some(format!("{} cancelled it ({})", by.as_str(), why.as_str())));
        }
    }
    Ok(None)
}
