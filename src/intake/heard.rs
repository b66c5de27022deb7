//! Who was last heard when: for every process on the journal, also of deliveries that said nothing new.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::Inflow;
use crate::event::{Seq, Source, Time};
use crate::journal::{Journal, JournalError};

/// When a source last spoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastHeard {
    /// Which.
    pub source: Source,
    /// When.
    pub last: Time,
    /// Deliveries accepted since the process that listens started.
    pub accepted: u64,
    /// The newest moment it has shown, where it shows later than it takes in.
    #[serde(default)]
    pub shown: Option<Time>,
}

/// From when on a source that says nothing is called silent: absence is not health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadMan {
    /// Which.
    pub source: Source,
    /// How long it may say nothing.
    pub after: Duration,
}

impl DeadMan {
    /// Whether the source, last heard at `last`, is silent at `now`.
    #[must_use]
    pub fn silent(&self, last: Time, now: Time) -> bool {
        now.duration_since(last).unsigned_abs() > self.after && now > last
    }
}

/// Both lists in one, the later word of each source.
#[must_use]
pub fn merged(one: Vec<LastHeard>, other: Vec<LastHeard>) -> Vec<LastHeard> {
    let mut all = one;
    for heard in other {
        match all.iter_mut().find(|known| known.source == heard.source) {
            Some(known) if known.last < heard.last => *known = heard,
            Some(_) => {}
            None => all.push(heard),
        }
    }
    all.sort_by_key(|heard| heard.source);
    all
}

/// Under this name the journal caches who was last heard when: deliveries that say nothing new leave no entry, and
/// yet their source is alive.
const CACHE: &str = "heard";

/// Saves `heard`, beside what other processes saved, for every process on this journal.
///
/// # Errors
/// When it cannot be written.
pub fn save(journal: &dyn Journal, heard: Vec<LastHeard>) -> Result<(), JournalError> {
    let all = merged(load(journal)?, heard);
    journal.save_projection(CACHE, 1, journal.head()?, &serde_json::to_vec(&all).unwrap_or_default())
}

/// What was last saved.
///
/// # Errors
/// When it cannot be read.
pub fn load(journal: &dyn Journal) -> Result<Vec<LastHeard>, JournalError> {
    let found = journal.load_projection(CACHE, 1, Seq(u64::MAX))?;
    Ok(found.and_then(|(_, bytes)| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
}

/// How often it is written down.
const REMEMBER: Duration = Duration::from_secs(10);

/// Writes down who was last heard, now and then until told to stop.
pub async fn remember(inflow: Inflow, mut stopping: watch::Receiver<bool>) {
    let mut before = Vec::new();
    loop {
        let stopped = tokio::time::timeout(REMEMBER, stopping.changed()).await.is_ok();
        let heard = inflow.counters.heard();
        if heard != before {
            before.clone_from(&heard);
            let journal = inflow.journal.clone();
            // A cache: when it cannot be written now, it is written with the next change.
            let _ = tokio::task::spawn_blocking(move || save(journal.as_ref(), heard)).await;
        }
        if stopped {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::SqliteJournal;

    #[test]
    fn a_source_is_silent_only_after_its_time() {
        let watch = DeadMan { source: Source::Alertmanager, after: Duration::from_secs(60) };
        let at = |second| Time::from_second(second).unwrap();
        assert!(!watch.silent(at(100), at(160)) && watch.silent(at(100), at(161)));
        assert!(!watch.silent(at(500), at(100)), "a clock that stepped back is no silence");
    }

    #[test]
    fn every_process_adds_what_it_heard() {
        let journal = SqliteJournal::in_memory().unwrap();
        let heard = |source, second, accepted| LastHeard {
            source,
            last: Time::from_second(second).unwrap(),
            accepted,
            shown: None,
        };
        save(&journal, vec![heard(Source::Alertmanager, 100, 1)]).unwrap();
        save(&journal, vec![heard(Source::Otlp, 90, 2), heard(Source::Alertmanager, 50, 9)]).unwrap();
        assert_eq!(load(&journal).unwrap(), [heard(Source::Alertmanager, 100, 1), heard(Source::Otlp, 90, 2)]);
    }
}
