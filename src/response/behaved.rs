//! How the runs of what an incident is about end since a change, against the healthy time before the incident.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::ledger;
use crate::event::{Fact, Fingerprint, IncidentId, Kind, Recovery, Symptom, Time, Untrusted};
use crate::journal::{JournalError, Query, Record, SharedJournal, term};
use crate::surface::equivalence::{self, MARGIN, Measure, Outcome, Verdict, equivalent};
use crate::surface::{RunFacts, Runs};

/// So long before the trouble began is the healthy time.
const HEALTHY: SignedDuration = SignedDuration::from_hours(2);
/// Deliveries of spans that are read of each stretch of time, the newest.
const DELIVERIES: usize = 1_500;
/// A run whose root has not come is over when nothing of it came for so long.
const SETTLED: SignedDuration = SignedDuration::from_secs(60);
/// So many ways to end are listed one by one, those that differ first.
const LISTED: usize = 4;

/// What the runs say.
#[derive(Debug)]
pub(super) struct Behaved {
    /// Against the healthy time; what went wrong first.
    measures: Vec<Measure>,
    /// What that says.
    pub(super) effect: Recovery,
}

/// Compares the runs since `ended` with those before the incident; `None` where nothing that runs agents is concerned.
pub(super) fn look(
    journal: &SharedJournal,
    incident: IncidentId,
    members: &BTreeSet<Fingerprint>,
    ended: &Record,
    now: Time,
) -> anyhow::Result<Option<Behaved>> {
    let (onset, names) = about(journal, incident, members)?;
    let Some(onset) = onset.filter(|onset| *onset < ended.arrived) else { return Ok(None) };
    let began = onset.checked_sub(HEALTHY).unwrap_or(Time::MIN);
    let healthy = runs(journal, (began, onset), &names)?;
    let ill = runs(journal, (onset, ended.arrived), &names)?;
    let mut since = runs(journal, (ended.arrived, now), &names)?;
    since.retain(|run| run.rooted || now.duration_since(run.end) > SETTLED);
    if healthy.is_empty() && ill.is_empty() && since.is_empty() {
        return Ok(None);
    }
    let before: Vec<&RunFacts> = healthy.iter().collect();
    let after: Vec<&RunFacts> = since.iter().collect();
    let measures = equivalence::outcomes(&before, &after, MARGIN);
    let effect = effect(&measures, &equivalence::outcomes(&ill.iter().collect::<Vec<_>>(), &after, MARGIN));
    Ok(Some(Behaved { measures, effect }))
}

/// What the runs say against the healthy time, and where they are not as then, against the time of the trouble.
fn effect(healthy: &[Measure], ill: &[Measure]) -> Recovery {
    let wrong = |measures: &[Measure]| measures.iter().find(|one| one.what == Outcome::Bad).map(|one| one.plain);
    match equivalence::together(healthy) {
        Verdict::Same => Recovery::Recovered,
        Verdict::Unclear { .. } => Recovery::Unclear,
        // Fewer go wrong than ever did: not as it was, and no trouble.
        Verdict::Less => Recovery::Better,
        Verdict::More => match wrong(ill).map(|one| equivalent(one.before, one.after, 0.0).verdict) {
            Some(Verdict::Less) => Recovery::Better,
            Some(Verdict::More) => Recovery::Worse,
            _ => Recovery::Unmoved,
        },
    }
}

impl Behaved {
    /// A line for what went wrong, and one for each way to end that tells most.
    pub(super) fn symptoms(self) -> Vec<Symptom> {
        let mut measures = self.measures;
        let place = |one: &Measure| match (one.what, one.verdict) {
            (Outcome::Bad, _) => 0,
            (_, Verdict::More) => 1,
            (_, Verdict::Less) => 2,
            (_, Verdict::Unclear { .. }) => 3,
            (_, Verdict::Same) => 4,
        };
        measures.sort_by_key(place);
        let left = measures.len().saturating_sub(1 + LISTED);
        let mut symptoms: Vec<Symptom> = measures
            .iter()
            .take(1 + LISTED)
            .map(|one| Symptom {
                what: match one.what {
                    Outcome::Bad => "runs that went wrong".into(),
                    Outcome::Ended(class) => format!("runs that ended as {:?}", class.name()).into(),
                },
                before: one.plain.before.in_words().into(),
                after: format!("{}: {}", one.plain.after.in_words(), one.in_words()).into(),
                effect: match one.verdict {
                    Verdict::Same => Recovery::Recovered,
                    Verdict::More if one.what == Outcome::Bad => self.effect,
                    Verdict::More => Recovery::Worse,
                    Verdict::Less => Recovery::Better,
                    Verdict::Unclear { .. } => Recovery::Unclear,
                },
            })
            .collect();
        if left > 0
            && let Some(last) = symptoms.last_mut()
        {
            last.after = format!("{}; {left} more ways to end are not listed", last.after.raw()).into();
        }
        symptoms
    }
}

/// When the trouble began, and the components whose runs tell whether it is over.
fn about(
    journal: &SharedJournal,
    incident: IncidentId,
    members: &BTreeSet<Fingerprint>,
) -> anyhow::Result<(Option<Time>, BTreeSet<Untrusted>)> {
    /// As many alerts are asked.
    const ASKED: usize = 200;
    let (mut onset, mut names) = (None::<Time>, BTreeSet::new());
    for fingerprint in members.iter().take(ASKED) {
        let Some(alert) = ledger::alert(journal, fingerprint)? else { continue };
        onset = Some(onset.map_or(alert.starts_at, |known| known.min(alert.starts_at)));
        names.extend(alert.service().cloned());
    }
    let query = Query {
        kinds: vec![Kind::Diagnosed],
        term: Some(term::incident(incident.0)),
        limit: 1,
        newest_first: true,
        ..Query::default()
    };
    for record in journal.read(&query)? {
        if let Fact::Diagnosed(diagnosis) = record.fact()? {
            // It looks at what moved, and alerts come late; one that says later than the first alert says less.
            onset = onset.into_iter().chain(diagnosis.onset).min();
            names.extend(diagnosis.first_failing.clone());
        }
    }
    Ok((onset, names))
}

/// The runs of these components, by service or agent, that began in a stretch of time, oldest first.
fn runs(
    journal: &SharedJournal,
    (from, until): (Time, Time),
    names: &BTreeSet<Untrusted>,
) -> Result<Vec<RunFacts>, JournalError> {
    let mut runs = Runs::default();
    let mut left = DELIVERIES;
    // Spans of a run that began before the end of the stretch come when it is over.
    let known_at = until.checked_add(SETTLED).unwrap_or(Time::MAX);
    let mut query =
        Query { kinds: vec![Kind::Spans], known_at: Some(known_at), newest_first: true, ..Query::default() };
    'pages: loop {
        let page = journal.read(&query)?;
        let Some(oldest) = page.last() else { break };
        let Some(through) = oldest.seq.0.checked_sub(1) else { break };
        query.through = Some(crate::event::Seq(through));
        for record in &page {
            if record.arrived < from || left == 0 {
                break 'pages;
            }
            left -= 1;
            if let Fact::Spans(batch) = record.fact()? {
                runs.apply(&batch);
            }
        }
    }
    // Of what was let go only what went wrong is left: that is no sample to count by.
    let gone = Query { kinds: vec![Kind::Released], newest_first: true, limit: 1, ..Query::default() };
    for record in journal.read(&gone)? {
        if let Fact::Released(released) = record.fact()? {
            runs.thinned(&released);
        }
    }
    let own = |run: &RunFacts| names.contains(&run.service) || names.contains(&run.agent);
    let before_end = |run: &RunFacts| run.start < until;
    Ok(runs.between(from, until).into_iter().filter(|run| own(run) && before_end(run)).collect())
}

#[cfg(test)]
mod tests;
