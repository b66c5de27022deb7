//! The thread around the fold: tails the journal, leads when nobody does, publishes, saves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::event::{Kind, Person, Seq, Time};
use crate::journal::{Draft, JournalError, Lease, Query, SharedJournal};

use super::details::JournalDetails;
use super::presence::Presence;
use super::priority::give_way;
use super::save::{self, Saver};
use super::view::{Counter, Door, SourceHealth, Trouble, View};
use super::{Details, Fold, RunMeter};

/// The lease of the process that derives.
const LEASE: &str = "engine";
/// At most one view in this time.
const BETWEEN_VIEWS: Duration = Duration::from_millis(200);
/// Runs are counted at most once in this time.
const BETWEEN_METERS: Duration = Duration::from_secs(1);
/// How often the lease is tried and presence looked at when nothing else happens: a dead leader is replaced within this.
const TICK: Duration = Duration::from_secs(3);
/// How soon something that waits for a little quiet is looked at again.
const SOON: Duration = Duration::from_millis(200);
/// After an error of the journal.
const RETRY: Duration = Duration::from_millis(500);
/// So many entries behind is worth saying.
const BEHIND: u64 = 5_000;

/// What intake and pollers say about themselves; asked whenever a view is published.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Where deliveries are taken.
    pub door: Option<Door>,
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
    /// Counts how runs end, where somebody asks for that.
    pub meter: Option<Arc<RunMeter>>,
}

impl EngineConfig {
    /// An engine by `clock`, without intake and without a person, that may lead.
    #[must_use]
    pub fn new(clock: Arc<dyn Fn() -> Time + Send + Sync>) -> Self {
        Self { clock, health: None, person: None, may_lead: true, meter: None }
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
    let (publish, views) = watch::channel(Arc::new(save::picture(&journal).unwrap_or_default()));
    let stop = Arc::new(AtomicBool::new(false));
    let details = Arc::new(JournalDetails::new(Arc::clone(&journal)));
    let bell = Arc::clone(&journal);
    let mut engine = Engine {
        metered: None,
        presence: Presence::new(Arc::clone(&journal)),
        saver: Saver::new(Arc::clone(&journal)),
        journal,
        config,
        publish,
        stop: Arc::clone(&stop),
        fold: Fold::new(),
        lease: None,
        outstanding: Vec::new(),
        derived_to: Seq(0),
        overtaken: false,
        published: None,
        unpublished: true,
        journal_head: Seq(0),
        troubles: Vec::new(),
        present: Vec::new(),
    };
    let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
        give_way();
        engine.run();
    });
    // Without a thread there is no engine: the views stay as they are and say so by their age.
    Handle { views, details, journal: bell, stop, thread: thread.ok() }
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
    /// The last derived entries came late: their numbers were taken.
    overtaken: bool,
    published: Option<Instant>,
    metered: Option<Instant>,
    unpublished: bool,
    saver: Saver,
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
        self.save_at_end();
        self.lease = None;
    }

    /// Takes up the saved state, if there is one that can be read.
    fn load(&mut self) {
        // A state beyond the journal's end is never loaded: a journal that was rolled back is folded from its own entries.
        let Ok(fold) = self.journal.head().and_then(|head| save::saved(&self.journal, head)) else { return };
        self.saver.taken_up(fold.head());
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
        self.meter(now);
        let derived_more = self.derived_to > self.fold.head();
        self.show(now, caught_up && !derived_more);
        self.save();
        Ok(match () {
            () if !caught_up || derived_more => Duration::ZERO,
            () if self.unpublished || (self.lease.is_some() && self.fold.waits()) => SOON,
            () => TICK,
        })
    }

    fn meter(&mut self, now: Time) {
        let Some(meter) = &self.config.meter else { return };
        if self.metered.is_none_or(|then| then.elapsed() >= BETWEEN_METERS) {
            self.metered = Some(Instant::now());
            self.fold.begin_to_meter();
            self.fold.meter(meter, now);
        }
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
        if self.outstanding.is_empty() {
            return Ok(());
        }
        let numbered = self.outstanding.iter().filter(|draft| draft.kind == Kind::IncidentOpened);
        let claims: Vec<String> = numbered.map(|draft| draft.key.clone()).collect();
        if let Some(receipt) = self.journal.append_first(self.outstanding.clone(), &claims)? {
            self.derived_to = receipt.head;
            self.overtaken = false;
        } else {
            self.start_over();
        }
        self.outstanding.clear();
        Ok(())
    }

    /// Somebody split an incident off meanwhile and has the number we meant to give. What was derived rests on a picture
    /// that was never true, so it is dropped, and the state is taken up again from what is recorded.
    fn start_over(&mut self) {
        let tried = self.fold.highest();
        self.fold = Fold::new();
        self.load();
        // An entry that has the number and cannot be read must not hold us up for ever.
        if std::mem::replace(&mut self.overtaken, true) {
            self.fold.number_above(tried);
        }
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
        view.door.clone_from(&health.door);
        for source in &health.sources {
            match view.sources.iter_mut().find(|known| known.name == source.name) {
                Some(known) => *known = source.clone(),
                None => view.sources.push(source.clone()),
            }
        }
        view.counters.extend(health.counters);
        // Without it the picture only lacks these numbers; that the journal cannot be read is said elsewhere.
        let redacted = self.journal.redacted().unwrap_or_default();
        view.redacted = redacted.into_iter().map(|(rule, count)| Counter { name: rule.into(), count }).collect();
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
        shown.door != health.door
            || !health.counters.iter().all(|counter| shown.counters.contains(counter))
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

    /// Saves state and picture now and then. A follower leaves it to the leader.
    fn save(&mut self) {
        if self.lease.is_some() && self.whole() && self.saver.due(self.fold.head(), self.fold.alerts()) {
            let picture = Arc::new(self.fold.view());
            self.saver.begin(self.fold.snapshot(), picture);
        }
    }

    /// Saves what is new at the end, a follower too: the leader may be gone by then.
    fn save_at_end(&mut self) {
        let whole = self.whole();
        let (fold, saved) = (&mut self.fold, self.saver.head());
        self.saver.end(|| {
            (whole && fold.head() > saved).then(|| {
                let picture = Arc::new(fold.view());
                (fold.snapshot(), picture)
            })
        });
    }

    /// What was derived and not read back is not in the entries yet; saving it would lose it.
    fn whole(&self) -> bool {
        self.config.may_lead && self.outstanding.is_empty() && self.fold.head() >= self.derived_to
    }
}

#[cfg(test)]
mod tests;
