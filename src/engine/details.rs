//! What is too large for a view, read from the journal when somebody asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::event::{Alert, Fact, Fingerprint, Kind, PlanId, Resource, Seq, Span, Time, TraceId, Untrusted};
use crate::journal::{Query, Record, SharedJournal, term};
use crate::surface::harm::Harm;
use crate::surface::{RunTable, Runs, in_parts};

use super::view::{ActionView, ChangeDetail, RunDetail, View};
use super::{Details, Fold, fold, save};

/// Entries of one thing that are read; a run whose every span came alone has as many spans.
const MOST_ENTRIES: usize = 20_000;

/// The spans of a run in some entries, with the service that sent each.
fn spans_of(trace: TraceId, records: &[Record]) -> anyhow::Result<Vec<(Untrusted, Span)>> {
    let mut spans = Vec::new();
    for record in records {
        let Fact::Spans(batch) = record.fact()? else { continue };
        for Resource { service, items, .. } in batch.resources {
            let ours = items.into_iter().filter(|span| span.trace_id == trace);
            spans.extend(ours.map(|span| (service.clone(), span)));
        }
    }
    Ok(spans)
}

/// Details over a journal.
pub(super) struct JournalDetails {
    journal: SharedJournal,
    /// The last wound-back picture: moving through time asks for neighbours.
    wound: Mutex<Option<Wound>>,
}

struct Wound {
    known_at: Time,
    fold: Fold,
}

impl JournalDetails {
    pub fn new(journal: SharedJournal) -> Self {
        Self { journal, wound: Mutex::new(None) }
    }

    fn newest(&self, term: String, kind: Kind, through: Seq) -> anyhow::Result<Option<Record>> {
        let query = Query {
            through: Some(through),
            kinds: vec![kind],
            term: Some(term),
            limit: 1,
            newest_first: true,
            ..Query::default()
        };
        Ok(self.journal.read(&query)?.into_iter().next())
    }

    /// Every record that `term` finds, in order, up to a bound.
    fn all(&self, term: &str, kinds: &[Kind], through: Seq) -> anyhow::Result<Vec<Record>> {
        let mut found: Vec<Record> = Vec::new();
        while found.len() < MOST_ENTRIES {
            let after = found.last().map_or(Seq(0), |record| record.seq);
            let query = Query {
                after,
                through: Some(through),
                kinds: kinds.to_vec(),
                term: Some(term.to_owned()),
                ..Query::default()
            };
            let page = self.journal.read(&query)?;
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        Ok(found)
    }
}

impl Details for JournalDetails {
    fn alert(&self, fingerprint: &Fingerprint, through: Seq) -> anyhow::Result<Option<Alert>> {
        // How it stands is its newest episode, and within an episode its end: not what happened to arrive last.
        let mut newest: Option<Alert> = None;
        for record in self.all(&term::alert(fingerprint), &[Kind::Alert], through)? {
            if let Fact::Alert(alert) = record.fact()? {
                let order = |alert: &Alert| (alert.starts_at, alert.ends_at);
                if newest.as_ref().is_none_or(|newest| order(&alert) >= order(newest)) {
                    newest = Some(*alert);
                }
            }
        }
        Ok(newest)
    }

    fn run(&self, trace: TraceId, through: Seq) -> anyhow::Result<Option<RunDetail>> {
        let mut spans = Vec::new();
        let records = self.all(&term::trace(trace), &[Kind::Spans], through)?;
        let cut = records.len() >= MOST_ENTRIES;
        let mut read = BTreeMap::new();
        for record in &records {
            if let Some(source) = crate::intake::read_at(&record.key) {
                read.insert(source, record.arrived);
            }
        }
        // Ten thousand spans are megabytes of text.
        for part in in_parts(&records, 1, |part| spans_of(trace, part)) {
            spans.extend(part?);
        }
        let reading = crate::surface::open(spans);
        let Some(facts) = reading.facts else { return Ok(None) };
        let read = read.into_iter().map(|(source, last)| (source.name().into(), last)).collect();
        Ok(Some(RunDetail {
            line: fold::run_line(&facts),
            rule: facts.stop.rule,
            provider: facts.stop.provider,
            cost: facts.cost,
            retries: facts.retries,
            steps: reading.steps,
            turns: reading.turns,
            read,
            cut,
        }))
    }

    fn runs(&self, through: Seq) -> anyhow::Result<RunTable> {
        let mut runs = Runs::default();
        for record in save::newest(&self.journal, through, &[Kind::Spans])?.iter().rev() {
            if let Fact::Spans(batch) = record.fact()? {
                runs.apply(&batch);
            }
        }
        Ok(RunTable::of(&runs))
    }

    fn harm(&self, bad: &[TraceId], through: Seq) -> anyhow::Result<Harm> {
        let wanted: BTreeSet<TraceId> = bad.iter().copied().collect();
        let mut places = BTreeSet::new();
        // One entry holds spans of many runs: each is read once.
        for trace in &wanted {
            places.extend(self.journal.places(&term::trace(*trace), Kind::Spans)?);
        }
        let mut spans = Vec::new();
        for seq in places.into_iter().filter(|seq| *seq <= through).take(MOST_ENTRIES) {
            let query = Query { after: Seq(seq.0.saturating_sub(1)), through: Some(seq), limit: 1, ..Query::default() };
            for record in self.journal.read(&query)? {
                let Fact::Spans(batch) = record.fact()? else { continue };
                for Resource { service, items, .. } in batch.resources {
                    let ours = items.into_iter().filter(|span| wanted.contains(&span.trace_id));
                    spans.extend(ours.map(|span| (service.clone(), span)));
                }
            }
        }
        Ok(Harm::of(bad, spans))
    }

    fn change(&self, id: &str, through: Seq) -> anyhow::Result<Option<ChangeDetail>> {
        let Some(record) = self.newest(term::change(id), Kind::Change, through)? else { return Ok(None) };
        let Fact::Change(change) = record.fact()? else { return Ok(None) };
        Ok(Some(ChangeDetail { change: *change }))
    }

    fn plan(&self, plan: PlanId, through: Seq) -> anyhow::Result<Option<ActionView>> {
        let kinds = [
            Kind::Proposed,
            Kind::Approved,
            Kind::Denied,
            Kind::Started,
            Kind::TargetEnded,
            Kind::Cancelled,
            Kind::Finished,
            Kind::EffectChecked,
        ];
        let records = self.all(&term::plan(plan), &kinds, through)?;
        let Some(as_of) = records.last().map(|record| record.arrived) else { return Ok(None) };
        let facts: Vec<(Fact, Time)> =
            records.iter().map(|record| Ok((record.fact()?, record.at))).collect::<anyhow::Result<_>>()?;
        Ok(fold::plan_of(plan, facts.iter().map(|(fact, at)| (fact, *at)), as_of))
    }

    fn entry(&self, seq: Seq) -> anyhow::Result<Option<String>> {
        let query = Query { after: Seq(seq.0.saturating_sub(1)), through: Some(seq), limit: 1, ..Query::default() };
        let Some(record) = self.journal.read(&query)?.into_iter().next() else { return Ok(None) };
        let body: serde_json::Value = serde_json::from_slice(&record.body)
            .unwrap_or_else(|_| serde_json::Value::String(String::from_utf8_lossy(&record.body).into_owned()));
        let whole = serde_json::json!({
            "seq": record.seq,
            "kind": record.kind.name(),
            "at": record.at,
            "arrived": record.arrived,
            "writer": record.writer,
            "key": record.key,
            "digest": record.digest,
            "body": body,
        });
        Ok(Some(serde_json::to_string_pretty(&whole)?))
    }

    fn view_at(&self, known_at: Time) -> anyhow::Result<View> {
        let mut wound = self.wound.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fold = match wound.take() {
            Some(last) if last.known_at <= known_at => last.fold,
            _ => self.saved_before(known_at)?,
        };
        loop {
            let page =
                self.journal.read(&Query { after: fold.head(), known_at: Some(known_at), ..Query::default() })?;
            if page.is_empty() {
                break;
            }
            fold.apply_all(&page);
        }
        let mut view = fold.view();
        view.wound_back = true;
        view.as_of = Some(known_at);
        view.journal_head = self.journal.head()?.max(view.head);
        *wound = Some(Wound { known_at, fold });
        Ok(view)
    }
}

impl JournalDetails {
    /// The fold of the newest saved state at or before `known_at`, or of nothing.
    fn saved_before(&self, known_at: Time) -> anyhow::Result<Fold> {
        let query = Query { known_at: Some(known_at), limit: 1, newest_first: true, ..Query::default() };
        let Some(last) = self.journal.read(&query)?.into_iter().next() else { return Ok(Fold::new()) };
        Ok(save::saved(&self.journal, last.seq)?)
    }
}

/// The picture of a journal now, or as it was known at `known_at`: for commands that look once and leave.
///
/// # Errors
/// When the journal cannot be read.
pub fn picture(journal: &SharedJournal, known_at: Option<Time>) -> anyhow::Result<View> {
    let details = JournalDetails::new(std::sync::Arc::clone(journal));
    if let Some(known_at) = known_at {
        return details.view_at(known_at);
    }
    let mut fold = save::saved(journal, journal.head()?)?;
    loop {
        let page = journal.read(&Query { after: fold.head(), ..Query::default() })?;
        if page.is_empty() {
            return Ok(fold.view());
        }
        fold.apply_all(&page);
    }
}
