//! What the journal says: of one plan from proposal to outcome, of one incident, of one alert.

use std::collections::BTreeSet;

use crate::event::{
    Alert, Approval, Denial, Fact, Fingerprint, IncidentId, Kind, Outcome, Plan, PlanId, Regrouped, Severity, Started,
    Time, Untrusted,
};
use crate::journal::{Draft, JournalError, Query, Record, SharedJournal, term};

/// Everything the journal holds about one plan.
#[derive(Debug)]
pub(super) struct Ledger {
    pub plan: Plan,
    /// Approvals, oldest first.
    pub approvals: Vec<Approval>,
    /// How it ended before it began.
    pub denied: Option<Denial>,
    /// When it began, and by which approval.
    pub started: Option<(Time, String)>,
    /// Its newest outcome.
    pub outcome: Option<Outcome>,
}

impl Ledger {
    /// Reads it; `None` when no such plan was proposed.
    pub fn of(journal: &SharedJournal, id: PlanId) -> Result<Option<Self>, JournalError> {
        let mut ledger: Option<Self> = None;
        let kinds = vec![Kind::Proposed, Kind::Approved, Kind::Denied, Kind::Started, Kind::Finished];
        for record in read_all(journal, Query { kinds, term: Some(term::plan(id)), ..Query::default() })? {
            let fact = record.fact()?;
            match (&mut ledger, fact) {
                // The term is a short form; the identity decides. A plan whose bytes changed has another identity.
                (None, Fact::Proposed(plan)) if plan.id() == id => {
                    ledger = Some(Self { plan: *plan, approvals: vec![], denied: None, started: None, outcome: None });
                }
                (Some(ledger), Fact::Approved(approval)) if approval.plan == id => ledger.approvals.push(*approval),
                (Some(ledger), Fact::Denied(denial)) if denial.plan == id => ledger.denied = Some(*denial),
                (Some(ledger), Fact::Started(started)) if started.plan == id => {
                    ledger.started = Some((record.arrived, started.nonce.raw().to_owned()));
                }
                (Some(ledger), Fact::Finished(finished)) if finished.plan == id => {
                    ledger.outcome = Some(finished.outcome);
                }
                _ => {}
            }
        }
        Ok(ledger)
    }

    /// Who approved what began.
    pub fn started_by(&self) -> Option<&Approval> {
        let (_, nonce) = self.started.as_ref()?;
        self.approvals.iter().find(|approval| approval.nonce.raw() == nonce)
    }
}

/// A draft about a plan, found by it.
pub(super) fn plan_draft(at: Time, key: String, plan: PlanId, fact: &Fact) -> Draft {
    Draft::new(at, key, fact).found_by(term::plan(plan))
}

/// One key for the two ways in which waiting ends, so that the journal lets only one of them happen: it was started, or
/// it was refused.
pub(super) fn fate_key(plan: PlanId) -> String {
    format!("fate/{}", plan.0)
}

/// The key of the first outcome of an execution.
pub(super) fn outcome_key(nonce: &str) -> String {
    format!("finished/{nonce}")
}

/// Plans that began and of which no end is recorded.
pub(super) fn unfinished(journal: &SharedJournal) -> Result<Vec<Started>, JournalError> {
    let mut open = Vec::new();
    let kinds = vec![Kind::Started, Kind::Finished];
    for record in read_all(journal, Query { kinds, ..Query::default() })? {
        match record.fact()? {
            Fact::Started(started) => open.push(*started),
            Fact::Finished(finished) => open.retain(|started: &Started| started.nonce != finished.nonce),
            _ => {}
        }
    }
    Ok(open)
}

/// Plans of an incident whose newest outcome is unknown.
pub(super) fn unknown_plans(journal: &SharedJournal, incident: IncidentId) -> Result<BTreeSet<PlanId>, JournalError> {
    let query = Query { kinds: vec![Kind::Finished], term: Some(term::incident(incident.0)), ..Query::default() };
    let mut unknown = BTreeSet::new();
    for record in read_all(journal, query)? {
        if let Fact::Finished(finished) = record.fact()? {
            match finished.outcome {
                Outcome::Unknown { .. } => unknown.insert(finished.plan),
                _ => unknown.remove(&finished.plan),
            };
        }
    }
    Ok(unknown)
}

/// Whether the record is a demo, a drill or an import.
pub(super) fn is_labelled(journal: &SharedJournal) -> Result<bool, JournalError> {
    let query = Query { kinds: vec![Kind::Labelled], limit: 1, ..Query::default() };
    Ok(!journal.read(&query)?.is_empty())
}

/// The reading steps that ran for an incident, by runbook and step.
pub(super) fn steps_read(
    journal: &SharedJournal,
    incident: IncidentId,
) -> Result<BTreeSet<(Untrusted, Untrusted)>, JournalError> {
    let query = Query { kinds: vec![Kind::StepRead], term: Some(term::incident(incident.0)), ..Query::default() };
    let mut ran = BTreeSet::new();
    for record in read_all(journal, query)? {
        if let Fact::StepRead(read) = record.fact()? {
            ran.insert((read.runbook, read.step));
        }
    }
    Ok(ran)
}

/// What is known of an incident's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Open,
    Resolved,
    Merged(IncidentId),
}

/// The life of an incident; `None` when there is none of that number.
pub(super) fn life(journal: &SharedJournal, incident: IncidentId) -> Result<Option<Life>, JournalError> {
    let kinds = vec![Kind::IncidentOpened, Kind::Regrouped, Kind::Resolved];
    let query = Query { kinds, term: Some(term::incident(incident.0)), ..Query::default() };
    let mut life = None;
    for record in read_all(journal, query)? {
        life = match record.fact()? {
            Fact::IncidentOpened(opened) if opened.incident == incident => life.or(Some(Life::Open)),
            Fact::Regrouped(regrouped) => match *regrouped {
                Regrouped::Split { into, .. } if into == incident => life.or(Some(Life::Open)),
                Regrouped::Merge { from, into, .. } if from == incident => Some(Life::Merged(into)),
                _ => life,
            },
            Fact::Resolved(resolved) if resolved.incident == incident => Some(Life::Resolved),
            _ => life,
        };
    }
    Ok(life)
}

/// The highest incident number in use.
pub(super) fn highest_incident(journal: &SharedJournal) -> Result<u64, JournalError> {
    let kinds = vec![Kind::IncidentOpened, Kind::Regrouped];
    let mut highest = 0;
    for record in read_all(journal, Query { kinds, ..Query::default() })? {
        highest = highest.max(match record.fact()? {
            Fact::IncidentOpened(opened) => opened.incident.0,
            Fact::Regrouped(regrouped) => match *regrouped {
                Regrouped::Split { into, .. } => into.0,
                _ => 0,
            },
            _ => 0,
        });
    }
    Ok(highest)
}

/// The alerts of an incident, with those of the incidents merged into it.
///
/// # Errors
/// When the journal cannot be read.
pub fn members(journal: &SharedJournal, incident: IncidentId) -> Result<BTreeSet<Fingerprint>, JournalError> {
    let mut members = BTreeSet::new();
    let (mut visited, mut to_visit) = (BTreeSet::new(), vec![incident]);
    while let Some(this) = to_visit.pop() {
        if !visited.insert(this) {
            continue;
        }
        let kinds = vec![Kind::Grouped, Kind::Regrouped];
        let query = Query { kinds, term: Some(term::incident(this.0)), ..Query::default() };
        for record in read_all(journal, query)? {
            match record.fact()? {
                Fact::Grouped(grouped) if grouped.incident == this => members.extend(grouped.alerts),
                Fact::Regrouped(regrouped) => match *regrouped {
                    Regrouped::Split { from, alerts, .. } if from == this => {
                        members.retain(|member| !alerts.contains(member));
                    }
                    Regrouped::Split { into, alerts, .. } if into == this => members.extend(alerts),
                    Regrouped::Merge { from, into, .. } if into == this => to_visit.push(from),
                    _ => {}
                },
                _ => {}
            }
        }
    }
    Ok(members)
}

/// The worst severity that any of these alerts says it has.
pub(super) fn worst(journal: &SharedJournal, members: &BTreeSet<Fingerprint>) -> Result<Severity, JournalError> {
    /// As many are asked: an incident of thousands has its worst among the first.
    const ASKED: usize = 200;
    let mut worst = Severity::Unknown;
    for fingerprint in members.iter().take(ASKED) {
        worst = worst.max(alert(journal, fingerprint)?.map_or(Severity::Unknown, |alert| alert.severity()));
    }
    Ok(worst)
}

/// An alert as last heard of.
pub(super) fn alert(journal: &SharedJournal, fingerprint: &Fingerprint) -> Result<Option<Alert>, JournalError> {
    let query = Query {
        kinds: vec![Kind::Alert],
        term: Some(term::alert(fingerprint)),
        limit: 1,
        newest_first: true,
        ..Query::default()
    };
    for record in journal.read(&query)? {
        if let Fact::Alert(alert) = record.fact()? {
            return Ok(Some(*alert));
        }
    }
    Ok(None)
}

/// All pages of a query in order.
pub(super) fn read_all(journal: &SharedJournal, mut query: Query) -> Result<Vec<Record>, JournalError> {
    let mut all = Vec::new();
    loop {
        let page = journal.read(&query)?;
        let Some(last) = page.last() else { return Ok(all) };
        query.after = last.seq;
        all.extend(page);
    }
}
