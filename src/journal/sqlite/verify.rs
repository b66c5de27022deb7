//! Checks the whole record, one row after the other, without holding more than one in memory.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, Error, ErrorCode, Row};

use super::coding::unpack;
use super::place::Place;
use super::read;
use super::values::last;
use crate::event::{Digest, Seq, Time, WriterId};
use crate::journal::chain::{Said, Tail, Walk};
use crate::journal::{Broken, Checkpoint, JournalError, Verdict};

/// Says how far it is every so many entries.
const PROGRESS: u64 = 16_384;

/// Why the walk ends early.
enum Stop {
    /// The record is broken.
    Broken(Broken),
    /// The store cannot be read.
    Sql(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

/// See [`crate::journal::Journal::verify`].
pub(super) fn verify(
    place: &Place,
    connection: &Connection,
    against: Option<&Checkpoint>,
    progress: &mut dyn FnMut(Seq, Seq),
) -> Result<Verdict, JournalError> {
    // One snapshot: what is appended meanwhile is not part of the question.
    let snapshot = connection.unchecked_transaction().map_err(|error| place.error(&error))?;
    let mut walk = Walk::new(against);
    let passed = walk_all(&snapshot, &mut walk, progress);
    let checked = walk.last().0;
    match passed.and_then(|()| walk.finish(&heads(&snapshot)?).map_err(Stop::Broken)) {
        Ok(()) => Ok(Verdict { checked, broken: None }),
        Err(Stop::Broken(broken)) => Ok(Verdict { checked, broken: Some(broken) }),
        Err(Stop::Sql(error)) => Err(place.error(&error)),
    }
}

fn walk_all(connection: &Connection, walk: &mut Walk, progress: &mut dyn FnMut(Seq, Seq)) -> Result<(), Stop> {
    let here = |walk: &Walk, error: Error| match damage(&error) {
        Some(what) => Stop::Broken(Broken { seq: Seq(walk.last().0 + 1), what }),
        None => Stop::Sql(error),
    };
    let head = last(connection).map_err(|error| here(walk, error))?.0;
    let mut statement = connection.prepare(
        "SELECT seq, writer, place, at, at_ns, arrived, kind, key, terms, digest, coding, blob, body
         FROM entries ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    let mut blobs = HashSet::new();
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(()),
            Err(error) => return Err(here(walk, error)),
        };
        if let Err(stop) = step(connection, walk, row, &mut blobs) {
            return Err(match stop {
                Stop::Sql(error) => here(walk, error),
                broken @ Stop::Broken(_) => broken,
            });
        }
        if walk.last().0.is_multiple_of(PROGRESS) {
            progress(walk.last(), head);
        }
    }
}

/// In words, if the error says that the file's content is bad rather than that it cannot be reached.
fn damage(error: &Error) -> Option<String> {
    let bad = matches!(
        error,
        Error::InvalidColumnType(..)
            | Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
    ) || matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
    bad.then(|| format!("the file is damaged here ({error})"))
}

fn step(connection: &Connection, walk: &mut Walk, row: &Row<'_>, blobs: &mut HashSet<Digest>) -> Result<(), Stop> {
    let seq = Seq(row.get(0)?);
    walk.expects(seq).map_err(Stop::Broken)?;
    let broken = |what: &str| Stop::Broken(Broken { seq, what: what.to_owned() });
    let at = Time::new(row.get(3)?, row.get(4)?).map_err(|_| broken("its time is no time"))?;
    if (at.as_second(), at.subsec_nanosecond()) != (row.get(3)?, row.get(4)?) {
        return Err(broken("its time is not written as it was recorded"));
    }
    let body = body_digest(connection, row, blobs)?.map_err(|what| broken(&format!("its body is bad: {what}")))?;
    let said = Said {
        seq,
        writer: WriterId(row.get(1)?),
        place: row.get(2)?,
        at,
        arrived: row.get(5)?,
        kind: row.get_ref(6)?.as_str().map_err(Error::from)?,
        key: row.get_ref(7)?.as_str().map_err(Error::from)?,
        terms: row.get_ref(8)?.as_str().map_err(Error::from)?,
        body,
    };
    walk.step(&said, &Digest(row.get(9)?)).map_err(Stop::Broken)
}

/// The digest of the row's content; the inner error says what is wrong with it. A blob is looked into once.
fn body_digest(
    connection: &Connection,
    row: &Row<'_>,
    blobs: &mut HashSet<Digest>,
) -> rusqlite::Result<Result<Digest, String>> {
    let coding: i64 = row.get(10)?;
    let blob: Option<[u8; 32]> = row.get(11)?;
    let body = row.get_ref(12)?.as_blob_or_null().map_err(Error::from)?;
    Ok(match (coding, blob, body) {
        (0, None, Some(bytes)) => Ok(Digest::of(bytes)),
        (1, None, Some(bytes)) => unpack(bytes).map(|bytes| Digest::of(&bytes)),
        (2, Some(name), None) if blobs.contains(&Digest(name)) => Ok(Digest(name)),
        (2, Some(name), None) => read::body(connection, coding, blob, None)?.and_then(|bytes| {
            let found = Digest::of(&bytes);
            if found == Digest(name) {
                blobs.insert(found);
                Ok(found)
            } else {
                Err("its blob has another content".into())
            }
        }),
        _ => Err("its coding is unknown".into()),
    })
}

fn heads(connection: &Connection) -> rusqlite::Result<HashMap<WriterId, Tail>> {
    connection
        .prepare("SELECT writer, seq, place, digest FROM writers")?
        .query_map([], |row| {
            let tail = Tail { seq: Seq(row.get(1)?), place: row.get(2)?, digest: Digest(row.get(3)?) };
            Ok((WriterId(row.get(0)?), tail))
        })?
        .collect()
}
