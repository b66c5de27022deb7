//! Spans that are kept elsewhere, read page by page: Phoenix and Langfuse.
//!
//! **For:** runs whose spans nobody sends here, with the verdicts given on them where they are kept.
//! **In:** pages, as a `Keeper` reads them off its wire. **Out:** the span batches that OTLP would have brought; each span once,
//! whoever else sent it.
//! **Never:** keeps a state that the journal does not give back, takes what is shown late for missing, or reads without bound.
//!
//! A keeper shows spans some time after it has taken them in. So a reading begins before the last one ended: [`OVERLAP_SPANS`]
//! earlier where spans are listed in the order in which they arrived there, [`OVERLAP`] earlier where by their start; the first
//! one of a process [`LOOK_BACK`] before the newest span on record. What is on record already changes nothing.

pub mod langfuse;
pub mod phoenix;
mod record;
mod span;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

pub use langfuse::Langfuse;
pub use phoenix::Phoenix;

use self::record::Known;
use self::span::Rejected;
use super::Troubles;
use super::client::{Client, PollError};
use super::pace::Pace;
use crate::event::{Source, Span, SpanEvent, SpanId, Time, TraceId};
use crate::intake::counters::Fate;
use crate::intake::otlp::Sender;
use crate::intake::problem::BadInput;
use crate::intake::{Inflow, limits};
use crate::journal::{Journal, JournalError, Query, term};

/// How many spans a reading reaches back into the one before, where they are listed as they arrived.
pub const OVERLAP_SPANS: usize = 100;
/// How far it reaches back where they are listed by their start …
pub const OVERLAP: Duration = Duration::from_secs(600);
/// … and how far once in [`DEEP_EVERY`] readings: a run that takes long may be shown when it ends, in the place of its start.
pub const DEEP: Duration = Duration::from_secs(7_200);
/// See [`DEEP`].
pub const DEEP_EVERY: u64 = 20;
/// How far the first reading reaches back behind the newest span on record, or behind now.
pub const LOOK_BACK: Duration = Duration::from_secs(3_600);
/// Spans asked for at once.
const PAGE: usize = 500;
/// The pause between two readings while there is more to read.
const SOON: Duration = Duration::from_secs(1);

/// Where a reading stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// Spans that started then or later are asked for.
    from: Time,
    /// After which page, in the keeper's words; `None` = from the first.
    cursor: Option<String>,
}

/// A span as its keeper shows it.
#[derive(Clone, Debug)]
struct Shown {
    sender: Sender,
    span: Span,
    /// About how many bytes it has.
    size: usize,
    /// Whether it has ended: one that has not is recorded again when it has.
    whole: bool,
    /// What names it as a place to read on from, where spans are listed as they arrived.
    name: Option<String>,
}

/// What was said of a span, or of a run, where it is kept.
#[derive(Clone, Debug)]
struct Verdict {
    trace: TraceId,
    /// `None`: of the run as a whole.
    span: Option<SpanId>,
    /// As OpenTelemetry writes it, with the verdict's own name under [`span::VERDICT`].
    event: SpanEvent,
}

/// One page.
#[derive(Debug, Default)]
struct Page {
    spans: Vec<Shown>,
    /// Spans that are none, and why the first is not.
    rejected: u64,
    why: Option<String>,
    /// Where the next page begins; `None` = this was the last.
    next: Option<String>,
    /// The keeper no longer has what the cursor named: what came before may never have been read.
    gone: bool,
}

impl Page {
    /// The items of an answer, each read by `span`; what is none is counted, and the first is named by its place.
    fn of(next: Option<String>, items: Vec<&RawValue>, span: impl Fn(&RawValue) -> Result<Shown, Rejected>) -> Self {
        let mut page = Self { next, ..Self::default() };
        for (n, item) in items.into_iter().enumerate() {
            match span(item) {
                Ok(shown) => page.spans.push(shown),
                Err(why) => {
                    page.rejected += 1;
                    page.why.get_or_insert_with(|| BadInput::at(format!("/data/{n}"), why).to_string());
                }
            }
        }
        page
    }
}

/// Verdicts, and how far they were read.
#[derive(Debug, Default)]
struct Verdicts {
    found: Vec<Verdict>,
    /// More are left than are read in one go.
    more: bool,
}

/// Somebody who keeps spans.
trait Keeper: Send + Sync {
    /// Which.
    const SOURCE: Source;
    /// What of the keeper is read: a project.
    fn part(&self) -> &str;

    /// The next page at `place` of at most `size` spans, asked of `client`.
    fn page(&self, client: &Client, place: &Place, size: usize)
    -> impl Future<Output = Result<Page, PollError>> + Send;

    /// What was said of spans: of those in `newest`, or since `from`.
    fn verdicts(
        &self,
        client: &Client,
        newest: &VecDeque<(TraceId, SpanId)>,
        from: Time,
    ) -> impl Future<Output = Result<Verdicts, PollError>> + Send;
}

/// The reading of one part of a keeper.
struct Reading<K> {
    keeper: K,
    /// Where the next reading begins; `None` = as the journal says.
    at: Option<Place>,
    /// When everything was read last.
    all: Option<Time>,
    known: Known,
    newest: VecDeque<(TraceId, SpanId)>,
    /// The names of the last [`OVERLAP_SPANS`].
    trail: VecDeque<String>,
    /// Spans asked for at once; fewer after a page that was too long.
    size: usize,
    readings: u64,
}

/// What a reading brought.
#[derive(Debug, Default)]
struct Brought {
    recorded: u64,
    duplicates: u64,
    rejected: u64,
    shown: Option<Time>,
    /// More is there than was read.
    behind: bool,
    /// What a person should know besides.
    said: Option<String>,
}

impl<K: Keeper> Reading<K> {
    fn new(keeper: K) -> Self {
        Self {
            keeper,
            at: None,
            all: None,
            known: Known::default(),
            newest: VecDeque::new(),
            trail: VecDeque::new(),
            size: PAGE,
            readings: 0,
        }
    }

    /// From where to read at `now`.
    async fn begin(&self, inflow: &Inflow, now: Time) -> Result<Place, PollError> {
        if let Some(place) = &self.at {
            return Ok(place.clone());
        }
        let (journal, term) = (Arc::clone(&inflow.journal), term::read_at(K::SOURCE, self.keeper.part()));
        let newest = tokio::task::spawn_blocking(move || newest(journal.as_ref(), term)).await;
        let newest = newest.map_err(|error| lost(&error))??;
        Ok(Place { from: newest.map_or(now, |newest| newest.min(now)) - LOOK_BACK, cursor: None })
    }

    /// Where to read on after everything that `place` began was read at `now`.
    fn after(&self, place: &Place, now: Time) -> Place {
        if let Some(name) = self.trail.front() {
            return Place { from: place.from, cursor: Some(name.clone()) };
        }
        let back = if self.readings.is_multiple_of(DEEP_EVERY) { DEEP } else { OVERLAP };
        Place { from: now - back, cursor: None }
    }

    /// Reads and records until everything was read or enough was.
    async fn read(&mut self, client: &Client, inflow: &Inflow, now: Time) -> Result<Brought, PollError> {
        let mut place = self.begin(inflow, now).await?;
        let mut brought = Brought::default();
        let mut left = limits::size(limits::KEPT_SPANS);
        loop {
            let page = match self.keeper.page(client, &place, self.size).await {
                Ok(page) => page,
                Err(PollError::TooLong { .. }) if self.size > 1 => {
                    self.size = self.size.div_ceil(4);
                    continue;
                }
                Err(error) => {
                    // A place that is not taken would not be taken the next time either.
                    let again = !matches!(error, PollError::Refused { status: 400 | 404 | 422, .. });
                    self.at = Some(place).filter(|_| again);
                    return Err(error);
                }
            };
            let (next, gone) = (page.next.clone(), page.gone);
            // Pages of nothing cost something too: there is an end to them.
            left = left.saturating_sub(page.spans.len().max(PAGE / 10));
            self.take(inflow, page, now, &mut brought).await?;
            if gone {
                (self.at, brought.behind) = (None, true);
                self.trail.clear();
                break;
            }
            let Some(cursor) = next else {
                self.readings += 1;
                self.size = (self.size * 2).min(PAGE);
                self.at = Some(self.after(&place, now));
                break;
            };
            place.cursor = Some(cursor);
            if left == 0 {
                (self.at, brought.behind) = (Some(place), true);
                break;
            }
        }
        self.judge(client, inflow, now, &mut brought).await?;
        self.all = Some(now);
        Ok(brought)
    }

    /// Records what of `page` is not on record.
    async fn take(&mut self, inflow: &Inflow, page: Page, now: Time, brought: &mut Brought) -> Result<(), PollError> {
        brought.rejected += page.rejected;
        if let Some(why) = page.why {
            let name = K::SOURCE.name();
            brought.said.get_or_insert_with(|| format!("{name} shows spans that are not taken, such as: {why}"));
        }
        brought.shown = brought.shown.max(page.spans.iter().map(|shown| shown.span.end.min(now)).max());
        for shown in &page.spans {
            self.newest.push_back((shown.span.trace_id, shown.span.span_id));
            self.trail.extend(shown.name.clone());
        }
        self.newest.drain(..self.newest.len().saturating_sub(limits::size(limits::JUDGED_SPANS)));
        self.trail.drain(..self.trail.len().saturating_sub(OVERLAP_SPANS));
        if page.spans.is_empty() {
            return Ok(());
        }
        let (journal, part) = (Arc::clone(&inflow.journal), self.keeper.part().to_owned());
        let mut known = std::mem::take(&mut self.known);
        let recorded = tokio::task::spawn_blocking(move || {
            let recorded = record::spans(journal.as_ref(), &mut known, K::SOURCE, &part, page.spans);
            (known, recorded)
        });
        let (known, recorded) = recorded.await.map_err(|error| self::lost(&error))?;
        self.known = known;
        let (receipt, duplicates) = recorded?;
        brought.recorded += receipt.recorded;
        brought.duplicates += duplicates;
        Ok(())
    }

    /// Reads what was said of spans on record, and records it with them.
    async fn judge(
        &mut self,
        client: &Client,
        inflow: &Inflow,
        now: Time,
        brought: &mut Brought,
    ) -> Result<(), PollError> {
        let from = self.all.map_or(now - LOOK_BACK, |all| all - OVERLAP);
        let verdicts = match self.keeper.verdicts(client, &self.newest, from).await {
            // An older one that keeps none.
            Err(error @ PollError::Refused { status: 404, .. }) => {
                brought.said.get_or_insert_with(|| format!("verdicts cannot be read: {error}"));
                return Ok(());
            }
            other => other?,
        };
        if verdicts.more {
            let name = K::SOURCE.name();
            brought
                .said
                .get_or_insert_with(|| format!("{name} has more verdicts than are read at once; some are not here"));
        }
        let (journal, part) = (Arc::clone(&inflow.journal), self.keeper.part().to_owned());
        let mut known = std::mem::take(&mut self.known);
        let recorded = tokio::task::spawn_blocking(move || {
            let recorded = record::verdicts(journal.as_ref(), &mut known, K::SOURCE, &part, verdicts.found);
            (known, recorded)
        });
        let (known, recorded) = recorded.await.map_err(|error| self::lost(&error))?;
        self.known = known;
        brought.recorded += recorded?.recorded;
        Ok(())
    }
}

/// When the newest span that `term` finds ended.
fn newest(journal: &dyn Journal, term: String) -> Result<Option<Time>, JournalError> {
    let query = Query { term: Some(term), newest_first: true, limit: 1, ..Query::default() };
    Ok(journal.read(&query)?.first().map(|record| record.at))
}

fn lost(error: &tokio::task::JoinError) -> PollError {
    PollError::Odd { base: "the journal's thread".to_owned(), error: error.to_string() }
}

/// A keeper that is read, with all its parts.
pub struct Poller<K> {
    client: Client,
    inflow: Inflow,
    every: Duration,
    readings: Vec<Reading<K>>,
}

#[expect(private_bounds, reason = "who keeps spans is listed here and nowhere else")]
impl<K: Keeper> Poller<K> {
    /// A poller of the keeper that `client` reaches, every part of it.
    #[must_use]
    pub fn new(client: Client, inflow: Inflow, every: Duration, parts: Vec<K>) -> Self {
        Self { client, inflow, every, readings: parts.into_iter().map(Reading::new).collect() }
    }

    /// Reads every part once at `now` and records what is new: how many entries that were, and what is to be said. `true` when
    /// more is there.
    ///
    /// # Errors
    /// It could not be read; of a part that is not there it is only said while others are.
    pub async fn poll(&mut self, now: Time) -> Result<(u64, Option<String>, bool), PollError> {
        let mut all = Brought::default();
        let (mut failed, mut read, mut missing) = (None, false, None);
        for reading in &mut self.readings {
            match reading.read(&self.client, &self.inflow, now).await {
                Ok(brought) => {
                    read = true;
                    all.recorded += brought.recorded;
                    all.duplicates += brought.duplicates;
                    all.rejected += brought.rejected;
                    all.shown = all.shown.max(brought.shown);
                    all.behind |= brought.behind;
                    all.said = all.said.or(brought.said);
                }
                // A project that is not there is no reason to ask less often for those that are.
                Err(error @ PollError::Refused { status: 404, .. }) => missing = missing.or(Some(error)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(shown) = all.shown {
            self.inflow.counters.shown(K::SOURCE, shown);
        }
        if let Some(error) = failed.or_else(|| missing.take_if(|_| !read)) {
            return Err(error);
        }
        if missing.is_some() {
            self.inflow.counters.count(K::SOURCE, Fate::PollFailed);
        }
        self.inflow.counters.accept(K::SOURCE, all.recorded, all.duplicates, all.rejected, now);
        let name = K::SOURCE.name();
        let why = missing.map(|error| error.to_string()).or(all.said);
        let behind = all.behind.then(|| format!("{name} holds more than was read so far; the reading goes on"));
        Ok((all.recorded, why.or(behind), all.behind))
    }

    /// Reads for ever.
    pub async fn run(mut self, troubles: Troubles) {
        let mut pace = Pace::every(self.every);
        loop {
            let now = Time::now();
            let pause = match self.poll(now).await {
                Ok((_, said, behind)) => {
                    troubles.set(K::SOURCE, now, said);
                    let pause = pace.after_success();
                    if behind { pause.min(SOON) } else { pause }
                }
                Err(error) => {
                    self.inflow.counters.count(K::SOURCE, Fate::PollFailed);
                    troubles.set(K::SOURCE, now, Some(error.to_string()));
                    pace.after_failure(error.again())
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests;
