//! The stored format and its migrations.
//!
//! Format 7, one SQLite file in write-ahead mode, `application_id` 0x77617272 ("warr"), `user_version` = the format:
//!
//! | table | what it holds |
//! |---|---|
//! | `entries` | the record, one row an entry: `seq` 1, 2, 3 … without gaps; `writer` (8 bytes) and `place` among its own; `at` (seconds since 1970) and `at_ns` (0 to 999 999 999 away from zero); `arrived` (nanoseconds since 1970); `kind`; `key`; `terms`, one a line; the body; `digest`, its link (`journal::chain`) |
//! | `blobs` | bodies over 64 KiB (of spans and logs those that share nothing) by the SHA-256 of their content, so that equal ones are stored once |
//! | `chunks` | texts that bodies of spans and logs share (`parts`), by the SHA-256 of their content; `last` = an entry that uses it, not more than 4 096 behind the last one that does |
//! | `writers` | the end of every writer's chain, written in the transaction of its entries |
//! | `keys`, `terms`, `pages` | indexes of `entries` that can be made anew: first 16 bytes of the key's SHA-256 → seq; first 8 bytes of the term's SHA-256 → seq (both for entries up to `indexed` only); earliest arrival in every 256 entries |
//! | `tally` | numbers that are not part of the record: `redeliveries`, `indexed`, `redacted:` and a rule's name |
//! | `projections`, `quarantine` | caches and refused deliveries; not part of the record |
//!
//! `coding` of a body: 0 as it is; 1 a zstd frame followed by the first 8 bytes of the frame's SHA-256; 2 the body is
//! the blob named by `blob`; 3 without what is in `chunks`. An entry of which something was let go has in `blob` the SHA-256 of
//! its body as it was recorded, for its link, and in `body` what is left: 4 as 1, 5 as 3. A later entry of the kind `released`
//! says so, and the SHA-256 of what is left. Such a row is written anew in place of the old one, whose seq is in `releasing` within
//! that transaction. Otherwise entries are never updated or deleted; two triggers say so to whoever tries.
//!
//! A migration is never changed once released: a new format is a new step at the end of [`MIGRATIONS`]. A new kind of
//! fact is a new format too, so that an older program refuses to write beside it rather than fold half the facts.

use rusqlite::{Connection, TransactionBehavior};

/// `warr`.
const APPLICATION: i32 = 0x7761_7272;

/// The steps from nothing to the format of this program, each in one transaction.
pub(super) const MIGRATIONS: &[&str] = &[FORMAT_1, FORMAT_2, FORMAT_3, FORMAT_4, FORMAT_5, FORMAT_6, FORMAT_7];

/// The format this program writes.
pub(super) const FORMAT: u32 = 7;

const FORMAT_1: &str = "
CREATE TABLE blobs (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    stored BLOB NOT NULL
) STRICT;
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    writer BLOB NOT NULL CHECK (length(writer) = 8),
    place INTEGER NOT NULL,
    at INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    arrived INTEGER NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    terms TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    coding INTEGER NOT NULL CHECK (coding IN (0, 1, 2)),
    blob BLOB REFERENCES blobs (digest),
    body BLOB,
    CHECK ((coding = 2) = (blob IS NOT NULL) AND (coding = 2) = (body IS NULL))
) STRICT;
CREATE INDEX entries_by_kind ON entries (kind);
CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER entries_never_go BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TABLE writers (
    writer BLOB NOT NULL PRIMARY KEY CHECK (length(writer) = 8),
    opened INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    place INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;
CREATE TABLE keys (hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 16), seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE terms (term TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (term, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE pages (page INTEGER PRIMARY KEY, earliest INTEGER NOT NULL) STRICT;
CREATE TABLE tally (name TEXT NOT NULL PRIMARY KEY, n INTEGER NOT NULL) STRICT;
CREATE TABLE projections (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    stored BLOB NOT NULL,
    PRIMARY KEY (name, version, seq)
) STRICT;
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    arrived INTEGER NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    raw BLOB NOT NULL,
    length INTEGER NOT NULL
) STRICT;
";

/// Terms are found by a hash, and entries are indexed some time after they are recorded (`index`).
const FORMAT_2: &str = "
DROP TABLE terms;
CREATE TABLE terms (hash INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (hash, seq)) STRICT, WITHOUT ROWID;
DELETE FROM keys;
DELETE FROM tally WHERE name = 'indexed';
";

/// New kinds of facts: outputs read, the triage walk, replays. The tables stay.
const FORMAT_3: &str = "";

/// Shared texts, and entries of which something was let go. The table of entries keeps its rows as they lie: only what it allows
/// changes, in the way SQLite's documentation of ALTER TABLE names for that.
const FORMAT_4: &str = "
CREATE TABLE chunks (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    last INTEGER NOT NULL,
    stored BLOB NOT NULL
) STRICT;
PRAGMA writable_schema=ON;
UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
    'blob BLOB REFERENCES blobs (digest)', 'blob BLOB'),
    'coding IN (0, 1, 2)', 'coding IN (0, 1, 2, 3, 4, 5)'),
    'CHECK ((coding = 2) = (blob IS NOT NULL) AND (coding = 2) = (body IS NULL))',
    'CHECK ((coding IN (2, 4, 5)) = (blob IS NOT NULL) AND (coding = 2) = (body IS NULL))')
WHERE type = 'table' AND name = 'entries';
PRAGMA writable_schema=RESET;
CREATE INDEX entries_by_blob ON entries (blob) WHERE coding = 2;
CREATE TABLE releasing (seq INTEGER PRIMARY KEY) STRICT;
DROP TRIGGER entries_never_go;
CREATE TRIGGER entries_never_go BEFORE DELETE ON entries
WHEN NOT (OLD.kind IN ('spans', 'logs', 'metrics') AND OLD.seq IN (SELECT seq FROM releasing))
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
";

/// New kinds of facts: how severe an incident is, and a calibration fitted anew. The tables stay.
const FORMAT_5: &str = "";

/// New kinds of facts: reading steps, single targets, what holds changes back and what came of them. The tables stay.
const FORMAT_6: &str = "";

/// A new kind of fact: procedures that were rehearsed. The tables stay.
const FORMAT_7: &str = "";

/// Why a file cannot be brought to our format.
#[derive(Debug)]
pub(super) enum Stop {
    /// It has this newer format.
    Newer(u32),
    /// It belongs to another program.
    Foreign,
    /// It cannot be in write-ahead mode but stays in this one.
    NotWal(String),
    /// SQLite says no.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// The format of a file, 0 when it is empty.
pub(super) fn format(connection: &Connection) -> rusqlite::Result<u32> {
    connection.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))
}

/// Whether the file is ours, or empty.
pub(super) fn identify(connection: &Connection) -> Result<u32, Stop> {
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let found = format(connection)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let ours = application == APPLICATION || (application == 0 && found == 0 && tables == 0);
    if ours { Ok(found) } else { Err(Stop::Foreign) }
}

/// Takes the steps a file has not taken yet.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), Stop> {
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let found = identify(connection)?;
    if found > known {
        return Err(Stop::Newer(found));
    }
    let in_memory = connection.path().is_none_or(str::is_empty);
    if !in_memory {
        let mode: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(Stop::NotWal(mode));
        }
    }
    while format(connection)? < known {
        // Two processes may get here at once: the second one sees under the lock that the step is taken.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = format(&transaction)?;
        if done > known {
            return Err(Stop::Newer(done));
        }
        if let Some(step) = steps.get(done as usize) {
            transaction.execute_batch(step)?;
            transaction
                .execute_batch(&format!("PRAGMA application_id={APPLICATION}; PRAGMA user_version={}", done + 1))?;
        }
        transaction.commit()?;
    }
    Ok(())
}
