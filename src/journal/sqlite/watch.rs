//! Who waits for more: told at once by this process's own commits, within a second by those of others.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::commit::last;
use crate::event::Seq;
use crate::journal::limits;

/// The last place this process knows of.
#[derive(Default)]
pub(super) struct Bell {
    head: Mutex<Seq>,
    rung: Condvar,
}

impl Bell {
    /// The journal reaches to `head` now.
    pub(super) fn raise(&self, head: Seq) {
        let mut known = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if head > *known {
            *known = head;
            self.rung.notify_all();
        }
    }

    /// Waits until more than `seen` is known, at most `timeout`.
    fn wait(&self, seen: Seq, timeout: Duration) -> Seq {
        let known = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, _) = self
            .rung
            .wait_timeout_while(known, timeout, |known| *known <= seen)
            .unwrap_or_else(PoisonError::into_inner);
        *known
    }
}

/// Looks whether another process wrote.
pub(super) struct Outside {
    connection: Connection,
    version: i64,
}

impl Outside {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, version: -1 }
    }

    /// The last place, if anything was written since the last look.
    fn look(&mut self) -> rusqlite::Result<Option<Seq>> {
        let version = self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if version == self.version {
            return Ok(None);
        }
        let head = last(&self.connection)?.0;
        self.version = version;
        Ok(Some(head))
    }
}

/// See [`crate::journal::Journal::watch`]. `outside` is `None` where no other process can write.
pub(super) fn watch(
    bell: &Bell,
    outside: Option<&Mutex<Outside>>,
    seen: Seq,
    timeout: Duration,
) -> rusqlite::Result<Seq> {
    let begun = Instant::now();
    loop {
        let known = bell.wait(seen, Duration::ZERO);
        if known > seen {
            return Ok(known);
        }
        if let Some(outside) = outside {
            let mut outside = outside.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(head) = outside.look()? {
                bell.raise(head);
                if head > seen {
                    return Ok(head);
                }
            }
        }
        let left = timeout.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(known);
        }
        bell.wait(seen, if outside.is_some() { left.min(limits::POLL) } else { left });
    }
}
