//! Saving what the engine knows, beside its thread, and taking it up again.
//!
//! A saved state is a cache: it only makes the next start quicker. So nobody waits for it, neither those who record nor a
//! process that ends; one that takes too long at the end is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::event::{Kind, Seq};
use crate::journal::{JournalError, Query, Record, SharedJournal};

use super::fold::Snapshot;
use super::priority::give_way;
use super::view::View;
use super::{Fold, VERSION};

/// Names of the saved state and the saved picture.
const STATE: &str = "engine-state";
const PICTURE: &str = "engine-view";
/// Saved after so many entries, and after a quarter of the alerts when those are more …
const ENTRIES: u64 = 20_000;
/// … or after this time, when there is anything new.
const AFTER: Duration = Duration::from_secs(60);
/// How long an ending process waits for its last save.
const AT_END: Duration = Duration::from_millis(600);
/// How often it looks whether that is done.
const LOOK: Duration = Duration::from_millis(5);
/// Entries of telemetry taken back into memory after a start from a saved state.
const RECALL: usize = 20_000;
/// … or so many bytes of it.
const RECALL_BYTES: usize = 64 << 20;

/// Saves now and then.
pub(super) struct Saver {
    journal: SharedJournal,
    /// When the last save began, and with which entry.
    began: Instant,
    head: Seq,
    given_up: Arc<AtomicBool>,
    running: Option<JoinHandle<()>>,
}

impl Saver {
    pub(super) fn new(journal: SharedJournal) -> Self {
        Self { journal, began: Instant::now(), head: Seq(0), given_up: Arc::default(), running: None }
    }

    /// What is saved reaches to `head`.
    pub(super) fn taken_up(&mut self, head: Seq) {
        self.head = head;
    }

    /// The last entry that is saved, or being saved.
    pub(super) fn head(&self) -> Seq {
        self.head
    }

    /// Whether it is time to save a fold that reaches to `head` and holds so many alerts.
    pub(super) fn due(&self, head: Seq, alerts: usize) -> bool {
        let new = head.0.saturating_sub(self.head.0);
        let free = self.running.as_ref().is_none_or(JoinHandle::is_finished);
        free && new > 0 && (new >= ENTRIES.max(alerts as u64 / 4) || self.began.elapsed() >= AFTER)
    }

    /// Begins to save on a thread of its own.
    pub(super) fn begin(&mut self, snapshot: Snapshot, picture: Arc<View>) {
        self.began = Instant::now();
        self.head = snapshot.head();
        let (journal, given_up) = (Arc::clone(&self.journal), Arc::clone(&self.given_up));
        let save = move || {
            give_way();
            let head = snapshot.head();
            // A failure to write a cache is no trouble, the next start is only slower.
            let picture = serde_json::to_vec(&*picture).unwrap_or_default();
            let _ = journal.save_projection(PICTURE, VERSION, head, &picture);
            if let Some(state) = snapshot.written(&given_up) {
                let _ = journal.save_projection(STATE, VERSION, head, &state);
            }
        };
        self.running = std::thread::Builder::new().name("save".into()).spawn(save).ok();
    }

    /// Ends: what is being saved, and what `last` gives where anything is new, has a moment; what is not done by then is
    /// given up.
    pub(super) fn end(&mut self, last: impl FnOnce() -> Option<(Snapshot, Arc<View>)>) {
        let until = Instant::now() + AT_END;
        self.wait(until);
        if self.running.is_none()
            && let Some((snapshot, picture)) = last()
        {
            self.begin(snapshot, picture);
            self.wait(until);
        }
        self.given_up.store(true, Ordering::Relaxed);
        if let Some(running) = self.running.take() {
            // A panic there was already reported by the process's panic hook.
            let _ = running.join();
        }
    }

    fn wait(&mut self, until: Instant) {
        while self.running.as_ref().is_some_and(|running| !running.is_finished()) && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
        self.running.take_if(|running| running.is_finished());
    }
}

/// The picture that was saved last.
pub(super) fn picture(journal: &SharedJournal) -> Option<View> {
    let head = journal.head().ok()?;
    let (_, bytes) = journal.load_projection(PICTURE, VERSION, head).ok()??;
    serde_json::from_slice(&bytes).ok()
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
    // What cannot be read now is asked for again by the next start; until then less is compared with.
    let newest = newest(journal, fold.head(), &Fold::RECALLED).unwrap_or_default();
    newest.iter().rev().for_each(|record| fold.recall(record));
}

/// The newest entries of these kinds through `through`, newest first, as many as are taken into memory at once.
pub(super) fn newest(journal: &SharedJournal, through: Seq, kinds: &[Kind]) -> Result<Vec<Record>, JournalError> {
    let mut newest = Vec::new();
    let mut query = Query { through: Some(through), kinds: kinds.to_vec(), newest_first: true, ..Query::default() };
    let mut bytes = 0;
    while newest.len() < RECALL && bytes < RECALL_BYTES {
        let page = journal.read(&query)?;
        let Some(last) = page.last() else { break };
        query.through = Some(Seq(last.seq.0.saturating_sub(1)));
        bytes += page.iter().map(|record| record.body.len()).sum::<usize>();
        newest.extend(page);
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::SqliteJournal;

    #[test]
    fn what_takes_too_long_at_the_end_is_given_up_and_what_does_not_is_saved() {
        let journal: SharedJournal = Arc::new(SqliteJournal::in_memory().unwrap());
        let mut saver = Saver::new(Arc::clone(&journal));
        let begun = Instant::now();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let given_up = Arc::clone(&saver.given_up);
        // A save that goes on until it is told to stop, as one of a very large state would.
        saver.running = Some(std::thread::spawn(move || {
            while !given_up.load(Ordering::Relaxed) {
                let _ = held.recv_timeout(LOOK);
            }
        }));
        saver.end(|| unreachable!("there is no time for another"));
        assert!(begun.elapsed() >= AT_END && saver.running.is_none());
        drop(hold);

        let mut saver = Saver::new(Arc::clone(&journal));
        let mut fold = Fold::new();
        let picture = Arc::new(fold.view());
        saver.end(|| Some((fold.snapshot(), picture)));
        assert!(journal.load_projection(STATE, VERSION, Seq(u64::MAX)).unwrap().is_some());
        assert!(super::picture(&journal).is_some());
        assert!(fold.snapshot().written(&AtomicBool::new(true)).is_none(), "a given up save writes nothing");
    }
}
