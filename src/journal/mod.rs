//! The record: durable, append-only, hash-chained.
//!
//! **For:** keeping every fact, in order, so that everything else is a fold of it (law 1).
//! **In:** [`Draft`]s from every room that learns or decides something. **Out:** [`Record`]s, by place, by kind, by
//! index term, and as known at a time; a [`watch`](Journal::watch) that says when there are more; proof that nothing was altered.
//! **Never:** knows what an incident is for, or changes a record.
//!
//! A draft is on disk (fsync) when [`Journal::append`] returns. A draft whose key is already in the journal changes
//! nothing and is counted. Writing the same entry twice is therefore harmless, from one process or from two.
//!
//! One thing leaves the record: the content of old telemetry, where the configuration asks for it ([`Journal::release`]). An entry
//! says what is left of which others; their links hold, and content that is gone without such an entry is damage.

mod chain;
mod error;
pub mod guard;
pub mod limits;
pub mod proof;
pub mod redact;
mod sqlite;
#[cfg(test)]
pub(crate) mod suite;

use std::sync::Arc;

pub use error::JournalError;
pub use sqlite::{Clock, Options, SqliteJournal};

use crate::event::{Digest, Fact, Kind, Seq, Time, WriterId};

/// Something to be recorded.
#[derive(Clone, Debug)]
pub struct Draft {
    /// When it happened, by the source's clock.
    pub at: Time,
    /// Names it for ever: the same key is the same fact, and is recorded once.
    pub key: String,
    /// What kind of fact.
    pub kind: Kind,
    /// The fact, encoded.
    pub body: Vec<u8>,
    /// Index terms by which it can be found, such as `incident:42`, `trace:4be1…`, `service:checkout`.
    pub terms: Vec<String>,
}

impl Draft {
    /// A draft of `fact`. Its incident, where it names one, becomes an index term.
    #[must_use]
    pub fn new(at: Time, key: String, fact: &Fact) -> Self {
        let terms = fact.incident().map(|id| term::incident(id.0)).into_iter().collect();
        Self { at, key, kind: fact.kind(), body: fact.encode(), terms }
    }

    /// The same draft, also found by `term`.
    #[must_use]
    pub fn found_by(mut self, term: String) -> Self {
        self.terms.push(term);
        self
    }
}

/// Index terms, spelled in one place.
pub mod term {
    /// Everything about an incident.
    #[must_use]
    pub fn incident(number: u64) -> String {
        format!("incident:{number}")
    }

    /// Everything that carries spans of a trace.
    #[must_use]
    pub fn trace(id: crate::event::TraceId) -> String {
        format!("trace:{id}")
    }

    /// Everything read from one part (a project) of a source that keeps it.
    #[must_use]
    pub fn read_at(source: crate::event::Source, part: &str) -> String {
        format!("read:{}:{}", source.name(), crate::event::Digest::of(part.as_bytes()))
    }

    /// Every state of an alert.
    #[must_use]
    pub fn alert(fingerprint: &crate::event::Fingerprint) -> String {
        format!("alert:{fingerprint}")
    }

    /// A change by the id at its source.
    #[must_use]
    pub fn change(id: &str) -> String {
        format!("change:{id}")
    }

    /// A plan by its identity.
    #[must_use]
    pub fn plan(id: crate::event::PlanId) -> String {
        format!("plan:{id}")
    }
}

/// Keys that more than one room writes, spelled in one place.
pub mod key {
    /// Whatever gives an incident its number; two of one number cannot be.
    #[must_use]
    pub fn incident(number: u64) -> String {
        format!("incident/{number}")
    }
}

/// A recorded fact.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its place: 1, 2, 3 … without gaps.
    pub seq: Seq,
    /// Who wrote it.
    pub writer: WriterId,
    /// When it happened, by the source's clock.
    pub at: Time,
    /// When it arrived here.
    pub arrived: Time,
    /// Its key.
    pub key: String,
    /// Its kind.
    pub kind: Kind,
    /// The fact, encoded.
    pub body: Vec<u8>,
    /// Its link of the writer's chain.
    pub digest: Digest,
}

impl Record {
    /// The fact.
    ///
    /// # Errors
    /// [`JournalError::Undecodable`] when the stored body is not what its kind says.
    pub fn fact(&self) -> Result<Fact, JournalError> {
        Fact::decode(self.kind, &self.body).map_err(|error| JournalError::Undecodable {
            seq: self.seq,
            kind: self.kind,
            error: error.to_string(),
        })
    }
}

/// What became of an append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Newly recorded.
    pub recorded: u64,
    /// Already there; nothing changed but the count of deliveries.
    pub duplicates: u64,
    /// The last place in the journal after the append.
    pub head: Seq,
}

/// What is left of an entry.
#[derive(Clone, Debug)]
pub struct Left {
    /// Which.
    pub seq: Seq,
    /// Its kind.
    pub kind: Kind,
    /// Its body now.
    pub body: Vec<u8>,
}

/// What to read. All conditions hold together; records come in order of `seq`.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// After this place.
    pub after: Seq,
    /// At most this place.
    pub through: Option<Seq>,
    /// Only what had arrived by then: what was known at that moment.
    pub known_at: Option<Time>,
    /// Only these kinds; empty = all.
    pub kinds: Vec<Kind>,
    /// Only what this term finds.
    pub term: Option<String>,
    /// At most so many; 0 = the reader's page size, a page that also ends after some megabytes. Whoever reads on
    /// goes by the last `seq` until nothing comes.
    pub limit: usize,
    /// Newest first.
    pub newest_first: bool,
}

/// Held by the one process that derives; dropped (also by a crash), another can take it.
pub trait Lease: Send + Sync {}

/// The journal. One suite of tests runs every implementation.
///
/// Calls block: they belong on a blocking thread, never on the drawing one.
pub trait Journal: Send + Sync {
    /// Records `drafts` in one transaction: all of them or none. On return they are on disk.
    ///
    /// # Errors
    /// [`JournalError::Full`] and other errors leave nothing recorded.
    fn append(&self, drafts: Vec<Draft>) -> Result<Receipt, JournalError>;

    /// As [`append`](Journal::append), unless one of the keys `claims` is in the journal already: then nothing is
    /// recorded, and the answer is `None`. For what only one may say: whoever is first.
    ///
    /// # Errors
    /// As [`append`](Journal::append).
    fn append_first(&self, drafts: Vec<Draft>, claims: &[String]) -> Result<Option<Receipt>, JournalError>;

    /// Reads records.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn read(&self, query: &Query) -> Result<Vec<Record>, JournalError>;

    /// The last place.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn head(&self) -> Result<Seq, JournalError>;

    /// Waits until the journal holds more than `seen`, by this process or another, at most `timeout`; returns the head.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn watch(&self, seen: Seq, timeout: std::time::Duration) -> Result<Seq, JournalError>;

    /// Ends every [`watch`](Journal::watch) of this process that is under way, as if its time were over.
    fn wake(&self) {}

    /// Takes the lease called `name`, if nobody holds it.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn lease(&self, name: &str) -> Result<Option<Box<dyn Lease>>, JournalError>;

    /// Stores a cache named `name` for readers of version `version`, as of `seq`. Not part of the record.
    ///
    /// # Errors
    /// When it cannot be written.
    fn save_projection(&self, name: &str, version: u32, seq: Seq, bytes: &[u8]) -> Result<(), JournalError>;

    /// The newest cache of that name and version at or before `through`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn load_projection(&self, name: &str, version: u32, through: Seq) -> Result<Option<(Seq, Vec<u8>)>, JournalError>;

    /// Drops every cache and makes the indexes anew; caches are made anew from the record by whoever needs them.
    ///
    /// # Errors
    /// When they cannot be dropped.
    fn drop_projections(&self) -> Result<(), JournalError>;

    /// Keeps a refused delivery, bounded in number and bytes (the oldest go first).
    ///
    /// # Errors
    /// When it cannot be written.
    fn quarantine(&self, refused: &Refused) -> Result<(), JournalError>;

    /// The refused deliveries, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn quarantined(&self, limit: usize) -> Result<Vec<Refused>, JournalError>;

    /// How many refused deliveries are kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn quarantine_size(&self) -> Result<u64, JournalError> {
        Ok(u64::try_from(self.quarantined(usize::MAX)?.len()).unwrap_or(u64::MAX))
    }

    /// What was taken out of entries and refused deliveries before they were written, in all, by rule (see [`redact`]).
    ///
    /// # Errors
    /// When the store cannot be read.
    fn redacted(&self) -> Result<redact::Found, JournalError>;

    /// How often something already recorded was delivered again, in all.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn redeliveries(&self) -> Result<u64, JournalError>;

    /// Where the entries of this kind with this term are, in order, as far as they are indexed.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn places(&self, term: &str, kind: Kind) -> Result<Vec<Seq>, JournalError>;

    /// Records `draft`, a [`Fact::Released`], and leaves of each entry it names only that, all in one transaction. Only spans,
    /// logs and samples can be let go. What `draft` says of it must be true, or the record does not verify.
    ///
    /// # Errors
    /// As [`append`](Journal::append); also when an entry cannot be read as it stands: damage is never let go.
    fn release(&self, draft: Draft, left: Vec<Left>) -> Result<Receipt, JournalError>;

    /// Frees what only entries needed that were let go, none behind `through`.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    fn sweep(&self, through: Seq) -> Result<(), JournalError>;

    /// How many bytes the record takes on disk, without what is free to be written again.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn size(&self) -> Result<u64, JournalError>;

    /// Checks every link from the first record on.
    ///
    /// # Errors
    /// When the store cannot be read; a broken chain is no error but a [`Verdict`].
    fn verify(&self, against: Option<&Checkpoint>, progress: &mut dyn FnMut(Seq, Seq))
    -> Result<Verdict, JournalError>;

    /// The state of all chains now, to be kept elsewhere.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn checkpoint(&self) -> Result<Checkpoint, JournalError>;
}

/// A journal shared between rooms.
pub type SharedJournal = Arc<dyn Journal>;

/// A delivery that was refused, kept so that nobody has to ask for it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When it arrived.
    pub arrived: Time,
    /// Where it came in.
    pub source: String,
    /// Why, with the place named (field, line, byte).
    pub reason: String,
    /// The beginning of its bytes.
    pub raw: Vec<u8>,
    /// How long it was.
    pub length: u64,
}

/// The state of the chains at one moment: kept elsewhere, it shows a rollback.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// The last place.
    pub head: Seq,
    /// The digest of the last record.
    pub digest: Digest,
    /// When.
    pub at: Time,
}

/// What [`Journal::verify`] found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    /// Records checked.
    pub checked: u64,
    /// The first fault; `None` = whole.
    pub broken: Option<Broken>,
}

/// The first fault of a chain.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Broken {
    /// Where.
    pub seq: Seq,
    /// What is wrong there.
    pub what: String,
}
