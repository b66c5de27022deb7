//! Who waits for more: told at once by this process's own commits, and by the kernel of those of others.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::values::last;
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
    /// How often somebody wrote, perhaps another process.
    stirs: u64,
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

    /// Somebody wrote: whoever waits looks whether there is more.
    fn stir(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).stirs += 1;
        self.rung.notify_all();
    }

    /// Waits until more than `seen` is known, or everybody was woken or somebody wrote since `before`, at most `timeout`.
    fn wait(&self, seen: Seq, before: Known, timeout: Duration) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &mut Known| known.head <= seen && known.wakes == before.wakes && known.stirs == before.stirs;
        drop(self.rung.wait_timeout_while(known, timeout, same).unwrap_or_else(PoisonError::into_inner));
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears from the kernel when the log beside the journal is written, so that nobody has to look again and again.
struct Ear {
    inotify: Arc<OwnedFd>,
    watch: i32,
}

/// What is written in this time is heard of once.
const TOGETHER: Duration = Duration::from_millis(20);

impl Ear {
    /// `None` where the kernel does not tell: then it has to be looked.
    fn open(log: &Path, bell: &Arc<Bell>) -> Option<Self> {
        use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
        let inotify = Arc::new(init(CreateFlags::CLOEXEC).ok()?);
        let watch = add_watch(&*inotify, log, WatchFlags::MODIFY).ok()?;
        let (heard, bell) = (Arc::clone(&inotify), Arc::clone(bell));
        let listen = move || {
            let mut buffer = [MaybeUninit::uninit(); 1024];
            loop {
                // One call reads all that is there; the watch taken away is heard of too, and is the end.
                let mut reader = Reader::new(&*heard, &mut buffer);
                loop {
                    match reader.next() {
                        Ok(event) if event.events().contains(ReadFlags::IGNORED) => return,
                        Ok(_) => {}
                        Err(rustix::io::Errno::INTR) => continue,
                        Err(_) => return,
                    }
                    if reader.is_buffer_empty() {
                        break;
                    }
                }
                bell.stir();
                std::thread::sleep(TOGETHER);
            }
        };
        std::thread::Builder::new().name("ear".into()).spawn(listen).ok()?;
        Some(Self { inotify, watch })
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // Ends the thread; where it has ended by itself there is nothing to take away.
        let _ = rustix::fs::inotify::remove_watch(&*self.inotify, self.watch);
    }
}

/// Looks whether another process wrote.
pub(super) struct Outside {
    connection: Connection,
    version: i64,
    /// The log that others write, until it is listened to.
    log: Option<PathBuf>,
    ear: Option<Ear>,
}

impl Outside {
    pub(super) fn new(connection: Connection, log: PathBuf) -> Self {
        Self { connection, version: -1, log: Some(log), ear: None }
    }

    /// How long one may wait without looking.
    fn patience(&mut self, bell: &Arc<Bell>) -> Duration {
        if let Some(log) = self.log.take() {
            self.ear = Ear::open(&log, bell);
        }
        if self.ear.is_some() { limits::LISTEN } else { limits::POLL }
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
    bell: &Arc<Bell>,
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
        let mut patience = Duration::MAX;
        if let Some(outside) = outside {
            let mut outside = outside.lock().unwrap_or_else(PoisonError::into_inner);
            // It is listened first and looked afterwards: what is written in between is heard.
            patience = outside.patience(bell);
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
        bell.wait(seen, known, left.min(patience));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_ends_the_wait_that_is_under_way_and_no_later_one() {
        let bell = Arc::new(Bell::default());
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

    #[test]
    fn what_is_written_beside_is_heard_until_nobody_listens() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        assert!(Ear::open(&log, &Arc::default()).is_none(), "there is nothing to listen to");
        std::fs::write(&log, "a").unwrap();
        let bell = Arc::new(Bell::default());
        let ear = Ear::open(&log, &bell).unwrap();
        let stirs = || bell.known().stirs;
        let begun = Instant::now();
        std::fs::write(&log, "b").unwrap();
        while stirs() == 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "it was not heard");
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(ear);
        while Arc::strong_count(&bell) > 1 {
            assert!(begun.elapsed() < Duration::from_secs(30), "its thread goes on");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
