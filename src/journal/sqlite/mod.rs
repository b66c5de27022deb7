//! The journal in one SQLite file (or in memory). The stored format is described in `schema`.
//!
//! Many threads append; one writer thread a process commits what waits in one transaction with one fsync and answers
//! afterwards. Processes take turns by SQLite's write lock (`BEGIN IMMEDIATE`), under which places are given out, so
//! `seq` has no gaps whoever writes. Readers have their own connections and never wait for a writer.

mod admit;
mod backup;
mod coding;
mod commit;
mod holder;
mod index;
mod lease;
mod links;
mod parts;
mod path;
mod place;
mod queue;
mod read;
mod release;
mod schema;
mod side;
#[cfg(test)]
mod tests;
mod values;
mod verify;
mod watch;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use place::Clock;

use self::place::{Place, Use};
use self::queue::Work;
use self::read::Readers;
use self::watch::{Bell, Outside};
use self::writer::{Desk, Scribe};
use super::redact::{Found, Redactor};
use super::{Checkpoint, Draft, Journal, JournalError, Lease, Left, Query, Receipt, Record, Refused, Verdict, limits};
use crate::event::{Kind, Seq, Time, WriterId};

/// How a journal is opened.
#[derive(Clone)]
pub struct Options {
    /// Where arrival times come from.
    pub clock: Clock,
    /// How long to wait for another process that writes.
    pub busy: Duration,
    /// What is taken out of every entry before it is written.
    pub redactor: Arc<Redactor>,
}

impl Default for Options {
    fn default() -> Self {
        Self { clock: Arc::new(Time::now), busy: limits::BUSY, redactor: Arc::default() }
    }
}

/// The journal in one SQLite file, or in memory.
pub struct SqliteJournal {
    place: Arc<Place>,
    readers: Readers,
    bell: Arc<Bell>,
    outside: Option<Mutex<Outside>>,
    leases: lease::Held,
    redactor: Arc<Redactor>,
    met: parts::Met,
    // Dropped last: only a connection that writes folds the log into the file when it is the last one.
    desk: Desk,
}

impl SqliteJournal {
    /// Opens the journal at `path`, making folder and file when they are missing. `now` dates this process's writing.
    ///
    /// # Errors
    /// [`JournalError::Refused`] for a path that is not safe, [`JournalError::Newer`] for a file of a newer program
    /// (which [`SqliteJournal::open_read_only`] may still read), and what the store says.
    pub fn open(path: &Path, now: Time) -> Result<Self, JournalError> {
        Self::open_with(path, now, Options::default())
    }

    /// The same with a clock and a patience of one's own.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`].
    pub fn open_with(path: &Path, now: Time, options: Options) -> Result<Self, JournalError> {
        let path = admit::admit(path, admit::magic)?;
        let redactor = options.redactor;
        let place = Arc::new(Place::file(path, options.busy, options.clock));
        let mut connection = place.connect(Use::Write)?;
        place.migrate(&mut connection)?;
        let readers = Readers::new(Arc::clone(&place), None, false);
        let outside = Outside::new(readers.open()?, place.log());
        let bell = Arc::new(Bell::default());
        let scribe = Scribe {
            place: Arc::clone(&place),
            hand: Arc::new(Mutex::new(Some(connection))),
            writer: new_writer(&place)?,
            opened: now,
            bell: Arc::clone(&bell),
            recent: Mutex::default(),
        };
        let desk = Desk::thread(scribe)?;
        Ok(Self {
            place,
            desk,
            readers,
            bell,
            outside: Some(Mutex::new(outside)),
            leases: lease::Held::default(),
            redactor,
            met: parts::Met::default(),
        })
    }

    /// Says whether a journal at `path` would be opened for writing, as far as its place is concerned; makes nothing. A
    /// folder that is not there yet would be made.
    ///
    /// # Errors
    /// [`JournalError::Refused`] for a path that is not safe.
    pub fn examine(path: &Path) -> Result<(), JournalError> {
        if path.parent().is_some_and(|folder| folder != Path::new("") && !folder.exists()) {
            return Ok(());
        }
        admit::examine(path, admit::magic).map(drop)
    }

    /// Opens a journal for reading: also one of a newer program, a copy, or one on a disk that cannot be written.
    ///
    /// # Errors
    /// When there is no journal at `path`, or it cannot be read.
    pub fn open_read_only(path: &Path) -> Result<Self, JournalError> {
        let path = admit::admit_reader(path)?;
        let options = Options::default();
        let place = Arc::new(Place::file(path, options.busy, options.clock));
        // Readers of a live journal share its locks; where not even those can be made, nobody can be writing either.
        let usable = |readers: Readers| {
            let connection = readers.open()?;
            let identified = schema::identify(&connection);
            let found = identified.map_err(|stop| place.stopped(stop))?;
            if found == 0 {
                return Err(JournalError::Refused { path: place.shown.clone(), why: "it is empty".into() });
            }
            Ok((readers, connection))
        };
        let (readers, connection) = usable(Readers::new(Arc::clone(&place), None, false)).or_else(|error| {
            let thawed = !matches!(error, JournalError::Unwritable { .. });
            if thawed { Err(error) } else { usable(Readers::new(Arc::clone(&place), None, true)) }
        })?;
        Ok(Self {
            desk: Desk::Closed { path: place.shown.clone() },
            readers,
            bell: Arc::new(Bell::default()),
            outside: Some(Mutex::new(Outside::new(connection, place.log()))),
            leases: lease::Held::default(),
            redactor: options.redactor,
            met: parts::Met::default(),
            place,
        })
    }

    /// A journal in memory, gone when dropped: for backtests, drills and tests.
    ///
    /// # Errors
    /// When the system gives no memory or no random bytes.
    pub fn in_memory() -> Result<Self, JournalError> {
        Self::in_memory_with(Options::default())
    }

    /// The same with a clock of one's own.
    ///
    /// # Errors
    /// As [`SqliteJournal::in_memory`].
    pub fn in_memory_with(options: Options) -> Result<Self, JournalError> {
        let opened = (options.clock)();
        let place = Arc::new(Place::memory(options.clock));
        let mut connection = place.connect(Use::Write)?;
        place.migrate(&mut connection)?;
        let hand = Arc::new(Mutex::new(Some(connection)));
        let bell = Arc::new(Bell::default());
        let scribe = Scribe {
            place: Arc::clone(&place),
            hand: Arc::clone(&hand),
            writer: new_writer(&place)?,
            opened,
            bell: Arc::clone(&bell),
            recent: Mutex::default(),
        };
        Ok(Self {
            readers: Readers::new(Arc::clone(&place), Some(hand), false),
            desk: Desk::Inline(scribe),
            bell,
            outside: None,
            leases: lease::Held::default(),
            redactor: options.redactor,
            met: parts::Met::default(),
            place,
        })
    }

    /// Writes a copy of the journal as it is now to `to`, which must not exist, while others go on writing.
    ///
    /// # Errors
    /// When the copy cannot be written; nothing is left of it then.
    pub fn backup(&self, to: &Path) -> Result<(), JournalError> {
        match self.place.path {
            Some(_) => backup::backup(&self.place, None, to),
            None => self.readers.with(|connection| backup::backup(&self.place, Some(connection), to)),
        }
    }

    /// The file, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.place.path.as_deref()
    }

    /// Takes out what must not be kept, and records the rest unless one of the keys `claims` is there already.
    fn record(&self, mut drafts: Vec<Draft>, claims: Vec<[u8; 16]>) -> Result<Receipt, JournalError> {
        let mut redacted = Found::new();
        for draft in &mut drafts {
            self.redactor.draft(draft, &mut redacted);
        }
        self.desk.ask(Work::Append { rows: coding::prepare(drafts, &self.met)?, claims, redacted })
    }

    /// Runs one statement of SQLite after the other on a reading connection.
    fn sql<T>(&self, read: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        self.readers.with(|connection| read(connection).map_err(|error| self.place.error(&error)))
    }
}

fn new_writer(place: &Place) -> Result<WriterId, JournalError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| JournalError::Store {
        path: place.shown.clone(),
        error: format!("the system gives no random bytes ({error})"),
    })?;
    Ok(WriterId(bytes))
}

impl Journal for SqliteJournal {
    fn append(&self, drafts: Vec<Draft>) -> Result<Receipt, JournalError> {
        self.record(drafts, Vec::new())
    }

    fn append_first(&self, drafts: Vec<Draft>, claims: &[String]) -> Result<Option<Receipt>, JournalError> {
        let claims = claims.iter().map(|key| coding::key_hash(&self.redactor.key(key))).collect();
        let receipt = self.record(drafts, claims)?;
        Ok(Some(receipt).filter(|receipt| !receipt.came_late()))
    }

    fn read(&self, query: &Query) -> Result<Vec<Record>, JournalError> {
        self.readers.with(|connection| read::read(&self.place, connection, query))
    }

    fn head(&self) -> Result<Seq, JournalError> {
        self.sql(|connection| Ok(values::last(connection)?.0))
    }

    fn watch(&self, seen: Seq, timeout: Duration) -> Result<Seq, JournalError> {
        watch::watch(&self.bell, self.outside.as_ref(), seen, timeout).map_err(|error| self.place.error(&error))
    }

    fn wake(&self) {
        self.bell.wake();
    }

    fn lease(&self, name: &str) -> Result<Option<Box<dyn Lease>>, JournalError> {
        lease::take(&self.place, &self.leases, name)
    }

    fn save_projection(&self, name: &str, version: u32, seq: Seq, bytes: &[u8]) -> Result<(), JournalError> {
        let stored = coding::pack(bytes, &mut None)?;
        let work = Work::Projection { name: name.to_owned(), version, seq: values::place(seq), stored };
        self.desk.ask(work).map(|_| ())
    }

    fn load_projection(&self, name: &str, version: u32, through: Seq) -> Result<Option<(Seq, Vec<u8>)>, JournalError> {
        self.sql(|connection| side::load_projection(connection, name, version, through))
    }

    fn drop_projections(&self) -> Result<(), JournalError> {
        self.desk.ask(Work::DropProjections).map(|_| ())
    }

    fn quarantine(&self, refused: &Refused) -> Result<(), JournalError> {
        let mut refused = refused.clone();
        refused.raw.truncate(limits::QUARANTINE_RAW);
        let mut found = Found::new();
        self.redactor.refused(&mut refused, &mut found);
        self.desk.ask(Work::Quarantine { refused: Box::new(refused), redacted: found }).map(|_| ())
    }

    fn quarantined(&self, limit: usize) -> Result<Vec<Refused>, JournalError> {
        self.sql(|connection| side::quarantined(connection, limit))
    }

    fn quarantine_size(&self) -> Result<u64, JournalError> {
        self.sql(side::quarantine_size)
    }

    fn redacted(&self) -> Result<Found, JournalError> {
        self.sql(side::redacted)
    }

    fn redeliveries(&self) -> Result<u64, JournalError> {
        self.sql(|connection| values::tally(connection, "redeliveries"))
    }

    fn places(&self, term: &str, kind: Kind) -> Result<Vec<Seq>, JournalError> {
        self.sql(|connection| index::places(connection, term, kind))
    }

    fn release(&self, draft: Draft, left: Vec<Left>) -> Result<Receipt, JournalError> {
        let mut compressor = None;
        let stored = |Left { seq, kind, body }| {
            Ok(release::Left { seq, stored: coding::left(kind, &body, &self.met, &mut compressor)? })
        };
        let left = left.into_iter().map(stored).collect::<Result<_, JournalError>>()?;
        let mut rows = coding::prepare(vec![draft], &self.met)?;
        let Some(row) = rows.pop() else { return Ok(Receipt::default()) }; // one draft, one row
        self.desk.ask(Work::Release { row: Box::new(row), left })
    }

    fn sweep(&self, through: Seq) -> Result<(), JournalError> {
        loop {
            let chunks = self.sql(|connection| parts::unused(connection, through, limits::SWEPT))?;
            if chunks.is_empty() {
                return Ok(());
            }
            self.desk.ask(Work::Sweep { chunks, through })?;
        }
    }

    fn size(&self) -> Result<u64, JournalError> {
        self.sql(release::size)
    }

    fn verify(
        &self,
        against: Option<&Checkpoint>,
        progress: &mut dyn FnMut(Seq, Seq),
    ) -> Result<Verdict, JournalError> {
        self.readers.with(|connection| verify::verify(&self.place, connection, against, progress))
    }

    fn checkpoint(&self) -> Result<Checkpoint, JournalError> {
        let (head, digest) = self.sql(values::last)?;
        Ok(Checkpoint { head, digest, at: (self.place.clock)() })
    }
}
