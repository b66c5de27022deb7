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
    known: Mutex<Known>,
    rung: Condvar,
}

#[derive(Clone, Copy, Default)]
struct Known {
    head: Seq,
    /// How often everybody was woken.
    wakes: u64,
}

impl Bell {
    /// The journal reaches to `head` now.
    pub(super) fn raise(&self, head: Seq) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if head > known.head {
            known.head = head;
            self.rung.notify_all();
        }
    }

    /// Ends the waits that are under way.
    pub(super) fn wake(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).wakes += 1;
        self.rung.notify_all();
    }

    /// Waits until more than `seen` is known or everybody was woken once more than `wakes`, at most `timeout`.
    fn wait(&self, seen: Seq, wakes: u64, timeout: Duration) -> Known {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, _) = self
            .rung
            .wait_timeout_while(known, timeout, |known| known.head <= seen && known.wakes == wakes)
            .unwrap_or_else(PoisonError::into_inner);
        *known
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
    let Known { wakes, .. } = bell.known();
    loop {
        let known = bell.known();
        if known.head > seen || known.wakes != wakes {
            return Ok(known.head);
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
            return Ok(known.head);
        }
        bell.wait(seen, wakes, if outside.is_some() { left.min(limits::POLL) } else { left });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_ends_the_wait_that_is_under_way_and_no_later_one() {
        let bell = Bell::default();
        bell.wake();
        let begun = Instant::now();
        assert_eq!(watch(&bell, None, Seq(0), Duration::from_millis(30)).unwrap(), Seq(0));
        assert!(begun.elapsed() >= Duration::from_millis(30), "a wake of before ended it");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| watch(&bell, None, Seq(0), Duration::from_secs(60)));
            while !waiting.is_finished() {
                bell.wake();
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(waiting.join().unwrap().unwrap(), Seq(0));
        });
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
