//! A clock for deadlines: it may be late, never early, and setting the machine's clock back gains nobody a second.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::SignedDuration;

use crate::event::{Kind, Time};
use crate::journal::{JournalError, Query, SharedJournal};

/// So many of the newest entries are asked when they arrived: of entries made after a clock was set back, the newest alone
/// would know only the new time.
const WITNESSES: usize = 1_000;

/// The kinds of entry that are asked: all that come often or follow a decision, and are small.
const ASKED: &[Kind] = &[
    Kind::Alert,
    Kind::IncidentOpened,
    Kind::Grouped,
    Kind::Owned,
    Kind::Noted,
    Kind::Decided,
    Kind::Resolved,
    Kind::Approved,
    Kind::Denied,
    Kind::Started,
    Kind::Finished,
];

/// Three witnesses of the time: the wall clock, the time that has passed since this process last looked, and the newest
/// entries of the journal (which also survive the process). The latest of them holds, and from then on it goes forward only.
#[derive(Debug)]
pub(super) struct Clock {
    /// What it last said, and when that was by the monotonic clock.
    latest: Mutex<(Time, Instant)>,
}

impl Clock {
    pub(super) fn starting(now: Time) -> Self {
        Self { latest: Mutex::new((now, Instant::now())) }
    }

    /// The wall clock says `wall`: what time it is at least.
    pub(super) fn look(&self, wall: Time) -> Time {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let passed = SignedDuration::try_from(now.duration_since(latest.1)).unwrap_or(SignedDuration::MAX);
        *latest = (wall.max(latest.0.checked_add(passed).unwrap_or(Time::MAX)), now);
        latest.0
    }

    /// The moment that deadlines are compared with, when the wall clock says `wall`.
    pub(super) fn deadline_time(&self, wall: Time, journal: &SharedJournal) -> Result<Time, JournalError> {
        let newest = Query { newest_first: true, limit: 1, ..Query::default() };
        let asked = Query { kinds: ASKED.to_vec(), newest_first: true, limit: WITNESSES, ..Query::default() };
        let witnesses = journal.read(&newest)?.into_iter().chain(journal.read(&asked)?);
        Ok(self.look(witnesses.map(|record| record.arrived).fold(wall, Time::max)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::Note;
    use crate::journal::{Draft, Journal as _, SqliteJournal};

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn fault_41_it_goes_forward_only_however_the_wall_clock_is_set() {
        let clock = Clock::starting(time("2026-11-22T03:00:00Z"));
        assert!(clock.look(time("2026-11-22T00:00:00Z")) >= time("2026-11-22T03:00:00Z"));
        let ahead = clock.look(time("2026-11-22T06:00:00Z"));
        let back = clock.look(time("2026-11-22T03:00:10Z"));
        assert!(back >= ahead && back < time("2026-11-22T06:01:00Z"), "{back}");
    }

    #[test]
    fn fault_41_entries_made_after_the_clock_was_set_back_do_not_hide_the_ones_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        for (n, at) in ["2026-11-22T06:00:00Z", "2026-11-22T03:00:00Z", "2026-11-22T03:00:01Z"].into_iter().enumerate()
        {
            let at = time(at);
            let options = crate::journal::Options { clock: Arc::new(move || at), ..Default::default() };
            let journal = SqliteJournal::open_with(&path, at, options).unwrap();
            let note = Note { incident: None, author: "ana".into(), text: "seen".into() };
            journal.append(vec![Draft::new(at, format!("n{n}"), &note.into())]).unwrap();
        }
        let journal: SharedJournal = Arc::new(SqliteJournal::open_read_only(&path).unwrap());
        let clock = Clock::starting(time("2026-11-22T03:00:02Z"));
        let said = clock.deadline_time(time("2026-11-22T03:00:03Z"), &journal).unwrap();
        assert!(said >= time("2026-11-22T06:00:00Z"), "{said}");
    }
}
