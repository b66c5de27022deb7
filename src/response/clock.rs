//! A clock for deadlines: it may be late, never early, and setting the machine's clock back gains nobody a second.

use std::time::Instant;

use jiff::SignedDuration;

use crate::event::Time;
use crate::journal::{JournalError, Query, SharedJournal};

/// Three witnesses of the time: the wall clock, the time that has passed since the start of this process, and the newest
/// entry of the journal (which also survives the process). The latest of them holds.
#[derive(Debug)]
pub(super) struct Clock {
    wall_at_start: Time,
    started: Instant,
}

impl Clock {
    pub(super) fn starting(now: Time) -> Self {
        Self { wall_at_start: now, started: Instant::now() }
    }

    /// The moment that deadlines are compared with, when the wall clock says `wall`.
    pub(super) fn deadline_time(&self, wall: Time, journal: &SharedJournal) -> Result<Time, JournalError> {
        let newest = journal.read(&Query { newest_first: true, limit: 1, ..Query::default() })?;
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        let by_monotonic = self.wall_at_start.checked_add(passed).unwrap_or(Time::MAX);
        Ok([Some(by_monotonic), newest.first().map(|record| record.arrived)]
            .into_iter()
            .flatten()
            .fold(wall, Time::max))
    }
}
