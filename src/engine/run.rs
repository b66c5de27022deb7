//! The thread around the fold: tails the journal, leads when nobody does, publishes, saves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::event::{Person, Seq, Time};
use crate::journal::{Draft, JournalError, Lease, Query, SharedJournal};

use super::details::JournalDetails;
use super::presence::Presence;
use super::view::{Counter, SourceHealth, Trouble, View};
use super::{Details, Fold, VERSION};

/// The lease of the process that derives.
const LEASE: &str = "engine";
/// Names of the saved state and the saved picture.
const STATE: &str = "engine-state";
const PICTURE: &str = "engine-view";
/// At most one view in this time.
const BETWEEN_VIEWS: Duration = Duration::from_millis(200);
/// How often the lease is tried and presence looked at when nothing else happens: a dead leader is replaced within this.
const TICK: Duration = Duration::from_millis(2_100);
/// How soon something that waits for a little quiet is looked at again.
const SOON: Duration = Duration::from_millis(200);
/// Saved after so many entries …
const SAVE_ENTRIES: u64 = 20_000;
/// … or after this time, when there is anything new.
const SAVE_AFTER: Duration = Duration::from_secs(60);
/// After an error of the journal.
const RETRY: Duration = Duration::from_millis(500);
/// Entries of telemetry taken back into memory after a start from a saved state.
const RECALL: usize = 20_000;
/// … or so many bytes of it.
const RECALL_BYTES: usize = 64 << 20;
/// So many entries behind is worth saying.
const BEHIND: u64 = 5_000;

/// What intake and pollers say about themselves; asked whenever a view is published.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Sources and when each last spoke. Replaces, by name, what the journal alone tells.
    pub sources: Vec<SourceHealth>,
    /// Counters: refused, dropped, repeated, limits reached.
    pub counters: Vec<Counter>,
    /// What is wrong.
    pub troubles: Vec<Trouble>,
}

/// What the engine is given.
#[derive(Clone)]
pub struct EngineConfig {
    /// The time, asked once a round; analyses get it as an argument.
    pub clock: Arc<dyn Fn() -> Time + Send + Sync>,
    /// The health of intake, where there is one.
    pub health: Option<Arc<dyn Fn(Time) -> Health + Send + Sync>>,
    /// The person at this console, to be seen by others; `None` for a process without a screen.
    pub person: Option<Person>,
    /// Whether this process may derive; `false` for a journal opened read-only.
    pub may_lead: bool,
}

impl EngineConfig {
    /// An engine by `clock`, without intake and without a person, that may lead.
    #[must_use]
    pub fn new(clock: Arc<dyn Fn() -> Time + Send + Sync>) -> Self {
        Self { clock, health: None, person: None, may_lead: true }
    }
}

/// A running engine. Dropped, it saves what it knows and ends.
pub struct Handle {
    /// The newest picture; a new one at most five times a second.
    pub views: watch::Receiver<Arc<View>>,
    /// Details and wound-back pictures.
    pub details: Arc<dyn Details>,
    journal: SharedJournal,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// Ends the engine and waits until it has saved what it knows.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It may be about to wait: woken again and again, it cannot miss it.
            while !thread.is_finished() {
                self.journal.wake();
                std::thread::sleep(Duration::from_millis(2));
            }
            // A panic there was already reported by the process's panic hook.
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts the engine on `journal`. The first picture, where one was saved, is there when this returns.
#[must_use]
pub fn start(journal: SharedJournal, config: EngineConfig) -> Handle {
    let first = journal.head().and_then(|head| journal.load_projection(PICTURE, VERSION, head));
    let first = first.ok().flatten().and_then(|(_, bytes)| serde_json::from_slice::<View>(&bytes).ok());
    let (publish, views) = watch::channel(Arc::new(first.unwrap_or_default()));
    let stop = Arc::new(AtomicBool::new(false));
    let details = Arc::new(JournalDetails::new(Arc::clone(&journal)));
    let bell = Arc::clone(&journal);
    let mut engine = Engine {
        presence: Presence::new(Arc::clone(&journal)),
        journal,
        config,
        publish,
        stop: Arc::clone(&stop),
        fold: Fold::new(),
        lease: None,
        outstanding: Vec::new(),
        derived_to: Seq(0),
        published: None,
        unpublished: true,
        saved: Saved { at: Instant::now(), head: Seq(0) },
        journal_head: Seq(0),
        troubles: Vec::new(),
        present: Vec::new(),
    };
    let thread = std::thread::Builder::new().name("engine".into()).spawn(move || engine.run());
    // Without a thread there is no engine: the views stay as they are and say so by their age.
    Handle { views, details, journal: bell, stop, thread: thread.ok() }
}

struct Saved {
    at: Instant,
    head: Seq,
}

struct Engine {
    journal: SharedJournal,
    config: EngineConfig,
    publish: watch::Sender<Arc<View>>,
    stop: Arc<AtomicBool>,
    fold: Fold,
    lease: Option<Box<dyn Lease>>,
    /// Derived and not yet recorded: tried again until they are, before anything else is derived.
    outstanding: Vec<Draft>,
    /// The head after the last derived entries were recorded.
    derived_to: Seq,
    published: Option<Instant>,
    unpublished: bool,
    saved: Saved,
    journal_head: Seq,
    troubles: Vec<Trouble>,
    present: Vec<Person>,
    presence: Presence,
}

impl Engine {
    fn run(&mut self) {
        self.load();
        self.journal_head = self.journal.head().unwrap_or_default();
        if let Some(person) = self.config.person.clone() {
            self.presence.sit(&person);
        }
        while !self.stop.load(Ordering::Relaxed) {
            let now = (self.config.clock)();
            match self.round(now) {
                Ok(wait) => {
                    if self.troubles.pop().is_some() {
                        self.unpublished = true;
                    }
                    self.wait(wait);
                }
                Err(error) => {
                    self.trouble(&error, now);
                    self.show(now, true);
                    std::thread::sleep(RETRY);
                }
            }
        }
        self.save(true);
        self.lease = None;
    }

    /// Takes up the saved state, if there is one that can be read.
    fn load(&mut self) {
        // A state beyond the journal's end is never loaded: a journal that was rolled back is folded from its own entries.
        let Ok(fold) = self.journal.head().and_then(|head| saved(&self.journal, head)) else { return };
        self.saved.head = fold.head();
        self.fold = fold;
    }

    /// Reads on, derives, publishes, saves; returns how long to wait for more.
    fn round(&mut self, now: Time) -> Result<Duration, JournalError> {
        if self.journal_head > self.fold.head() {
            let records = self.journal.read(&Query { after: self.fold.head(), ..Query::default() })?;
            self.fold.apply_all(&records);
            self.unpublished |= !records.is_empty();
        }
        let caught_up = self.fold.head() >= self.journal_head;
        if caught_up {
            self.lead()?;
            if self.lease.is_some() {
                self.derive(now)?;
            }
            if let Some(present) = self.presence.look(Instant::now()) {
                self.present = present;
                self.unpublished = true;
            }
        }
        let derived_more = self.derived_to > self.fold.head();
        self.show(now, caught_up && !derived_more);
        self.save(false);
        Ok(match () {
            () if !caught_up || derived_more => Duration::ZERO,
            () if self.unpublished || (self.lease.is_some() && self.fold.waits()) => SOON,
            () => TICK,
        })
    }

    fn wait(&mut self, wait: Duration) {
        match self.journal.watch(self.fold.head(), wait) {
            Ok(head) => self.journal_head = head,
            Err(_) => std::thread::sleep(RETRY),
        }
    }

    fn lead(&mut self) -> Result<(), JournalError> {
        if self.lease.is_none() && self.config.may_lead {
            self.lease = self.journal.lease(LEASE)?;
        }
        Ok(())
    }

    fn derive(&mut self, now: Time) -> Result<(), JournalError> {
        // What was derived before is first recorded and read back: only then is the state what the entries say.
        if self.outstanding.is_empty() && self.fold.head() >= self.derived_to {
            self.outstanding = self.fold.derive(now);
        }
        if !self.outstanding.is_empty() {
            let receipt = self.journal.append(self.outstanding.clone())?;
            self.outstanding.clear();
            self.derived_to = receipt.head;
        }
        Ok(())
    }

    /// Publishes when there is something new and the last one is long enough ago.
    fn show(&mut self, now: Time, settled: bool) {
        let health = self.config.health.as_ref().map(|health| health(now)).unwrap_or_default();
        let rested = self.published.is_none_or(|then| then.elapsed() >= BETWEEN_VIEWS);
        if !rested || !(self.unpublished || self.health_changed(&health)) {
            return;
        }
        // While a long tail is read, a half-read picture every fifth of a second would only cost time.
        if !settled && self.published.is_some_and(|then| then.elapsed() < BETWEEN_VIEWS * 5) {
            return;
        }
        let mut view = self.fold.view();
        view.journal_head = self.journal_head.max(view.head);
        view.present.clone_from(&self.present);
        for source in &health.sources {
            match view.sources.iter_mut().find(|known| known.name == source.name) {
                Some(known) => *known = source.clone(),
                None => view.sources.push(source.clone()),
            }
        }
        view.counters.extend(health.counters);
        view.troubles.splice(0..0, self.troubles.iter().cloned().chain(health.troubles));
        let behind = view.journal_head.0.saturating_sub(view.head.0);
        if behind > BEHIND {
            let text =
                format!("reading the journal: {behind} entries to go; what is shown is as of entry {}", view.head);
            view.troubles.push(Trouble { text: text.into(), since: view.as_of.unwrap_or(now) });
        }
        self.published = Some(Instant::now());
        self.unpublished = false;
        self.publish.send_replace(Arc::new(view));
    }

    fn health_changed(&self, health: &Health) -> bool {
        let shown = self.publish.borrow();
        let silent =
            |source: &SourceHealth| shown.sources.iter().any(|s| s.name == source.name && s.silent == source.silent);
        !health.counters.iter().all(|counter| shown.counters.contains(counter))
            || !health.troubles.iter().all(|trouble| shown.troubles.contains(trouble))
            || !health.sources.iter().all(silent)
    }

    fn trouble(&mut self, error: &JournalError, now: Time) {
        let text = error.to_string();
        if self.troubles.first().is_none_or(|known| known.text.raw() != text) {
            self.troubles = vec![Trouble { text: text.into(), since: now }];
            self.unpublished = true;
        }
    }

    /// Saves state and picture. A cache: a failure to write it is no trouble, it is only slower next time.
    fn save(&mut self, ending: bool) {
        let head = self.fold.head();
        let new = head.0.saturating_sub(self.saved.head.0);
        let due = ending || new >= SAVE_ENTRIES || self.saved.at.elapsed() >= SAVE_AFTER;
        // What was derived and not read back is not in the entries yet; saving it would lose it.
        let whole = self.outstanding.is_empty() && head >= self.derived_to;
        if new == 0 || !due || !whole || !self.config.may_lead {
            return;
        }
        // A follower leaves it to the leader, but saves at its end: the leader may be gone by then.
        if self.lease.is_none() && !ending {
            return;
        }
        self.saved = Saved { at: Instant::now(), head };
        let picture = serde_json::to_vec(&self.fold.view()).unwrap_or_default();
        let _ = self.journal.save_projection(PICTURE, VERSION, head, &picture);
        let _ = self.journal.save_projection(STATE, VERSION, head, &self.fold.checkpoint());
    }
}

/// The fold of the newest saved state at or before `through`, ready to go on; of nothing, where none can be read.
pub(super) fn saved(journal: &SharedJournal, through: Seq) -> Result<Fold, JournalError> {
    let saved = journal.load_projection(STATE, VERSION, through)?;
    let Some(mut fold) = saved.and_then(|(_, bytes)| Fold::restore(&bytes).ok()) else { return Ok(Fold::new()) };
    if fold.head() > through {
        return Ok(Fold::new());
    }
    recall(journal, &mut fold);
    Ok(fold)
}

/// Takes telemetry that is already in the state back into memory: the newest, in order.
fn recall(journal: &SharedJournal, fold: &mut Fold) {
    let mut newest = Vec::new();
    let kinds = Fold::RECALLED.to_vec();
    let mut query = Query { through: Some(fold.head()), kinds, newest_first: true, ..Query::default() };
    let mut bytes = 0;
    while newest.len() < RECALL && bytes < RECALL_BYTES {
        let Ok(page) = journal.read(&query) else { break };
        let Some(last) = page.last() else { break };
        query.through = Some(Seq(last.seq.0.saturating_sub(1)));
        bytes += page.iter().map(|record| record.body.len()).sum::<usize>();
        newest.extend(page);
    }
    newest.iter().rev().for_each(|record| fold.recall(record));
}

#[cfg(test)]
mod tests;
