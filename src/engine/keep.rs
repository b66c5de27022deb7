//! Thinning old telemetry, where the configuration asks for it: beside the engine, a stretch at a time, by one process.
//!
//! What is younger than the limit is never touched. Of what is older the runs are judged ([`crate::surface::keep`]), each once and as
//! a whole, and one entry records what is left of which entries and how many of what are gone. Logs and samples go with their
//! day, except around incidents. Interrupted at any moment it goes on where the record says that it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::SignedDuration;

use crate::event::{Digest, Fact, IncidentId, Kind, LogBatch, MetricBatch, Released, Seq, SpanBatch, Time, TraceId};
use crate::journal::{Draft, JournalError, Lease, Left, Query, Record, SharedJournal, term};
use crate::surface::keep::{self, Judged, Rules, Trace};

use super::priority::give_way;
use super::view::Trouble;

/// The lease of the process that thins.
const LEASE: &str = "keeper";
/// How often it is looked whether something has become old enough.
const EVERY: Duration = Duration::from_secs(300);
/// Between two stretches, so that others come to write.
const BETWEEN: Duration = Duration::from_millis(100);
/// Around an incident everything stays: from so long before it was opened …
const BEFORE: SignedDuration = SignedDuration::from_hours(24);
/// … until so long after its last news.
const AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Where the store is too large, what is younger than this stays all the same.
const YOUNGEST: SignedDuration = SignedDuration::from_hours(1);
/// A run of which more entries than this have to be fetched stays as it is.
const FETCHED: usize = 64;
/// So many bytes of entries outside the stretch are held at once; runs that need more stay as they are.
const FETCHED_BYTES: usize = 16 << 20;
/// Telemetry, which can be let go.
const KINDS: [Kind; 3] = [Kind::Spans, Kind::Logs, Kind::Metrics];

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retention {
    /// Everything is kept for so long.
    pub whole: SignedDuration,
    /// Afterwards this share of the ordinary runs, 0 to 1.
    pub share: f64,
    /// When the record takes more bytes than this, its oldest telemetry goes before its day.
    pub at_most: Option<u64>,
}

/// What one stretch came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Something was let go.
    Thinned,
    /// Nothing in it had to go.
    Passed,
    /// Nothing more is old enough.
    Rest,
}

/// The thread; dropped, it ends after the stretch it is at.
pub struct Keeping {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: Mutex<bool>,
    stopped: Condvar,
    trouble: Mutex<Option<Trouble>>,
}

impl Shared {
    /// Waits; whether it is time to end.
    fn wait(&self, time: Duration) -> bool {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        *self.stopped.wait_timeout_while(stop, time, |stop| !*stop).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Keeping {
    /// What hinders it now; for as long as anybody asks.
    pub fn trouble(&self) -> impl Fn() -> Option<Trouble> + Send + Sync + use<> {
        let shared = Arc::clone(&self.shared);
        move || shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        *self.shared.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.stopped.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported by the process's panic hook.
            let _ = thread.join();
        }
    }
}

/// Starts to thin `journal`.
#[must_use]
pub fn start(journal: SharedJournal, retention: Retention, clock: Arc<dyn Fn() -> Time + Send + Sync>) -> Keeping {
    let shared = Arc::new(Shared::default());
    let told = Arc::clone(&shared);
    let run = move || {
        give_way();
        let (mut keeper, mut lease) = (Keeper::new(journal, retention), None);
        loop {
            let now = clock();
            let done = keeper.pass(&mut lease, now, &mut || told.wait(BETWEEN));
            let trouble = done.err().map(|error| {
                let text = format!("old telemetry cannot be let go: {error}; it is tried again");
                Trouble { text: text.into(), since: now }
            });
            let mut known = told.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            // The same trouble began when it was first met.
            *known = trouble.map(|new| known.take().filter(|old| old.text == new.text).unwrap_or(new));
            drop(known);
            if told.wait(EVERY) {
                return;
            }
        }
    };
    // Without a thread nothing is thinned, which loses nothing.
    let thread = std::thread::Builder::new().name("keeper".into()).spawn(run).ok();
    Keeping { shared, thread }
}

/// Thins, a stretch at a time.
struct Keeper {
    journal: SharedJournal,
    retention: Retention,
    /// What was looked at since the start; the record knows the last that changed anything.
    after: Option<Seq>,
    /// So many entries are looked at together; 0 = a page of the journal.
    stretch: usize,
}

impl Keeper {
    fn new(journal: SharedJournal, retention: Retention) -> Self {
        Self { journal, retention, after: None, stretch: 0 }
    }

    /// Everything that is due, if no other process does it; `pause` says between two stretches whether to end.
    fn pass(
        &mut self,
        lease: &mut Option<Box<dyn Lease>>,
        now: Time,
        pause: &mut dyn FnMut() -> bool,
    ) -> Result<(), JournalError> {
        if lease.is_none() {
            *lease = self.journal.lease(LEASE)?;
            // Another process may have gone on meanwhile.
            self.after = None;
        }
        if lease.is_none() {
            return Ok(());
        }
        let mut thinned = false;
        loop {
            match self.step(now)? {
                Step::Rest => break,
                Step::Thinned => thinned = true,
                Step::Passed => {}
            }
            if pause() {
                break;
            }
        }
        if let (true, Some(through)) = (thinned, self.after) {
            self.journal.sweep(through)?;
        }
        Ok(())
    }

    fn step(&mut self, now: Time) -> Result<Step, JournalError> {
        let too_large = match self.retention.at_most {
            Some(most) => self.journal.size()? > most,
            None => false,
        };
        let kept_for = if too_large { YOUNGEST.min(self.retention.whole) } else { self.retention.whole };
        let Ok(limit) = now.checked_sub(kept_for) else { return Ok(Step::Rest) };
        let after = match self.after {
            Some(after) => after,
            None => self.thinned_through()?,
        };
        let mut page =
            self.journal.read(&Query { after, kinds: KINDS.to_vec(), limit: self.stretch, ..Query::default() })?;
        let old = page.iter().position(|record| record.arrived > limit).unwrap_or(page.len());
        page.truncate(old);
        let Some(through) = page.last().map(|record| record.seq) else { return Ok(Step::Rest) };
        let until = page.iter().map(|record| record.arrived).max().unwrap_or(limit);
        let stretch = Stretch {
            whole: self.incidents()?,
            asked: self.asked()?,
            after,
            through,
            until,
            share: self.retention.share,
        };
        let thinned = match stretch.thin(&self.journal, page, limit)? {
            Some((draft, left)) => {
                self.journal.release(draft, left)?;
                Step::Thinned
            }
            None => Step::Passed,
        };
        self.after = Some(through);
        Ok(thinned)
    }

    /// Where the record says that it was thinned to.
    fn thinned_through(&self) -> Result<Seq, JournalError> {
        let query = Query { kinds: vec![Kind::Released], limit: 1, newest_first: true, ..Query::default() };
        let last = self.journal.read(&query)?.pop();
        Ok(match last.map(|record| record.fact()).transpose()? {
            Some(Fact::Released(released)) => released.through,
            _ => Seq(0),
        })
    }

    /// The stretches of time around incidents.
    fn incidents(&self) -> Result<Vec<(Time, Time)>, JournalError> {
        let mut stretches = Vec::new();
        self.each(&[Kind::IncidentOpened], |record| {
            if let Ok(Fact::IncidentOpened(opened)) = record.fact() {
                stretches.push((opened.incident, record.at.min(record.arrived)));
            }
        })?;
        let stretch = |(IncidentId(number), opened): (IncidentId, Time)| {
            let query = Query { term: Some(term::incident(number)), limit: 1, newest_first: true, ..Query::default() };
            let last = self.journal.read(&query)?.pop().map_or(opened, |record| record.arrived);
            let from = opened.checked_sub(BEFORE).unwrap_or(Time::MIN);
            Ok((from, last.checked_add(AFTER).unwrap_or(Time::MAX)))
        };
        stretches.into_iter().map(stretch).collect()
    }

    /// Runs whose outputs somebody read, or that somebody had run again.
    fn asked(&self) -> Result<BTreeSet<TraceId>, JournalError> {
        let mut asked = BTreeSet::new();
        self.each(&[Kind::OutputRead, Kind::ReplayAsked], |record| match record.fact() {
            Ok(Fact::OutputRead(read)) => {
                asked.insert(read.trace);
            }
            Ok(Fact::ReplayAsked(replay)) => asked.extend(replay.runs.iter().copied()),
            _ => {}
        })?;
        Ok(asked)
    }

    fn each(&self, kinds: &[Kind], mut with: impl FnMut(&Record)) -> Result<(), JournalError> {
        let mut query = Query { kinds: kinds.to_vec(), ..Query::default() };
        loop {
            let page = self.journal.read(&query)?;
            let Some(last) = page.last() else { return Ok(()) };
            query.after = last.seq;
            page.iter().for_each(&mut with);
        }
    }
}

/// A stretch of entries that are old enough, and what decides about them.
struct Stretch {
    whole: Vec<(Time, Time)>,
    asked: BTreeSet<TraceId>,
    after: Seq,
    through: Seq,
    until: Time,
    share: f64,
}

/// The entries of spans at hand, by place.
type Entries = BTreeMap<Seq, SpanBatch>;

impl Stretch {
    /// What is left of the entries of `page`, and the entry that says so; `None` when all of it stays.
    fn thin(
        &self,
        journal: &SharedJournal,
        page: Vec<Record>,
        limit: Time,
    ) -> Result<Option<(Draft, Vec<Left>)>, JournalError> {
        let (mut entries, mut logs, mut metrics) = (Entries::new(), Vec::new(), Vec::new());
        for record in page {
            // An entry that this version cannot read is left alone.
            match record.fact() {
                Ok(Fact::Spans(batch)) => drop(entries.insert(record.seq, *batch)),
                Ok(Fact::Logs(batch)) => logs.push((record.seq, *batch)),
                Ok(Fact::Metrics(batch)) => metrics.push((record.seq, *batch)),
                _ => {}
            }
        }
        let judged = self.judge(journal, &mut entries, limit)?;
        let gone: BTreeSet<TraceId> = judged.iter().filter(|run| !run.kept).map(|run| run.trace).collect();
        let stay: BTreeSet<TraceId> = judged.iter().filter(|run| run.kept).map(|run| run.trace).collect();
        let mut left = Vec::new();
        for (seq, mut batch) in entries {
            let before = count(&batch);
            for resource in &mut batch.resources {
                resource.items.retain(|span| !gone.contains(&span.trace_id));
            }
            batch.resources.retain(|resource| !resource.items.is_empty());
            if count(&batch) < before {
                left.push((seq, Fact::from(batch)));
            }
        }
        let (mut log_lines, mut samples) = (0, 0);
        for (seq, batch) in logs {
            let (batch, lines) = self.logs(batch, &stay);
            log_lines += lines;
            left.extend((lines > 0).then(|| (seq, Fact::from(batch))));
        }
        for (seq, batch) in metrics {
            let (batch, points) = self.metrics(batch);
            samples += points;
            left.extend((points > 0).then(|| (seq, Fact::from(batch))));
        }
        if left.is_empty() {
            return Ok(None);
        }
        let left: Vec<Left> =
            left.into_iter().map(|(seq, fact)| Left { seq, kind: fact.kind(), body: fact.encode() }).collect();
        let released = Released {
            through: self.through,
            until: self.until,
            whole: self.whole.clone(),
            share: self.share,
            entries: left.iter().map(|left| (left.seq, Digest::of(&left.body))).collect(),
            also: judged.iter().filter(|run| self.stays_besides(run)).map(|run| run.trace).collect(),
            runs: keep::thinned(&judged),
            log_lines,
            samples,
        };
        let fact = Fact::from(released);
        let key = format!("released/{}/{}", self.through, Digest::of(&fact.encode()));
        Ok(Some((Draft::new(self.until, key, &fact), left)))
    }

    /// Whether a run stays though nothing that is known of it without its spans says so.
    fn stays_besides(&self, run: &Judged) -> bool {
        run.kept && !run.told_bad && !keep::stays(run.trace, self.share) && !keep::within(&self.whole, run.start)
    }

    /// Judges the runs that begin in this stretch; their entries behind it come to `entries`.
    fn judge(&self, journal: &SharedJournal, entries: &mut Entries, limit: Time) -> Result<Vec<Judged>, JournalError> {
        let of = |batch: &SpanBatch| -> BTreeSet<TraceId> {
            batch.resources.iter().flat_map(|resource| &resource.items).map(|span| span.trace_id).collect()
        };
        let ids: BTreeSet<TraceId> = entries.values().flat_map(of).collect();
        let mut traces: BTreeMap<TraceId, Trace> = BTreeMap::new();
        let mut bytes = 0;
        for id in ids {
            let places = journal.places(&term::trace(id), Kind::Spans)?;
            if places.first().is_some_and(|first| *first <= self.after) {
                continue; // judged when its first entry was
            }
            let missing: Vec<Seq> = places.into_iter().filter(|place| !entries.contains_key(place)).collect();
            let mut trace = Trace { scattered: missing.len() > FETCHED, ..Trace::default() };
            for place in missing {
                if trace.scattered {
                    break;
                }
                match fetch(journal, place)? {
                    Some((record, batch)) if record.arrived <= limit && bytes < FETCHED_BYTES => {
                        bytes += record.body.len();
                        entries.insert(place, batch);
                    }
                    _ => trace.scattered = true,
                }
            }
            traces.insert(id, trace);
        }
        for resource in entries.values().flat_map(|batch| &batch.resources) {
            for span in &resource.items {
                if let Some(trace) = traces.get_mut(&span.trace_id) {
                    trace.spans.push((resource.service.clone(), span.clone()));
                }
            }
        }
        Ok(keep::judge(&traces, &Rules { share: self.share, whole: &self.whole, asked: &self.asked }))
    }

    /// Lines near incidents and of runs that stay; and how many others there were.
    fn logs(&self, mut batch: LogBatch, stay: &BTreeSet<TraceId>) -> (LogBatch, u64) {
        let mut gone = 0;
        for resource in &mut batch.resources {
            resource.items.retain(|line| {
                let stays =
                    keep::within(&self.whole, line.time) || line.trace_id.is_some_and(|trace| stay.contains(&trace));
                gone += u64::from(!stays);
                stays
            });
        }
        batch.resources.retain(|resource| !resource.items.is_empty());
        (batch, gone)
    }

    /// Samples near incidents; and how many others there were.
    fn metrics(&self, mut batch: MetricBatch) -> (MetricBatch, u64) {
        let mut gone = 0;
        for series in &mut batch.series {
            series.points.retain(|(time, _)| {
                let stays = keep::within(&self.whole, *time);
                gone += u64::from(!stays);
                stays
            });
        }
        batch.series.retain(|series| !series.points.is_empty());
        (batch, gone)
    }
}

fn count(batch: &SpanBatch) -> usize {
    batch.resources.iter().map(|resource| resource.items.len()).sum()
}

/// An entry of spans, where there is one at `place` that can be read.
fn fetch(journal: &SharedJournal, place: Seq) -> Result<Option<(Record, SpanBatch)>, JournalError> {
    let query = Query { after: Seq(place.0.saturating_sub(1)), through: Some(place), limit: 1, ..Query::default() };
    let Some(record) = journal.read(&query)?.pop() else { return Ok(None) };
    Ok(match record.fact() {
        Ok(Fact::Spans(batch)) => Some((record, *batch)),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
