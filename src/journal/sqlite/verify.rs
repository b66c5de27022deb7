//! Checks the whole record, one row after the other, without holding more than one in memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{Connection, Error, ErrorCode, Row};

use super::coding::unpack;
use super::place::Place;
use super::values::last;
use super::{parts, read};
use crate::event::{Digest, Fact, Kind, Seq, Time, WriterId};
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

/// What is left of entries, against what later entries say is left: the last word on each must be true.
#[derive(Default)]
struct Gone {
    /// What is left, of each of which something is gone, and whether the last entry that spoke of it said just that.
    left: BTreeMap<Seq, (Digest, bool)>,
}

impl Gone {
    fn said(&mut self, seq: Seq, digest: &Digest) {
        if let Some((left, true_word)) = self.left.get_mut(&seq) {
            *true_word = left == digest;
        }
    }

    fn finish(self) -> Result<(), Broken> {
        let odd = self.left.into_iter().find(|(_, (_, true_word))| !true_word);
        let what =
            "content of it is gone, and no later entry says that it was let go, or that this is what is left of it";
        odd.map_or(Ok(()), |(seq, _)| Err(Broken { seq, what: what.into() }))
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
    let (mut blobs, mut gone) = (HashSet::new(), Gone::default());
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return gone.finish().map_err(Stop::Broken),
            Err(error) => return Err(here(walk, error)),
        };
        if let Err(stop) = step(connection, walk, row, &mut blobs, &mut gone) {
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

fn step(
    connection: &Connection,
    walk: &mut Walk,
    row: &Row<'_>,
    blobs: &mut HashSet<Digest>,
    gone: &mut Gone,
) -> Result<(), Stop> {
    let seq = Seq(row.get(0)?);
    walk.expects(seq).map_err(Stop::Broken)?;
    let broken = |what: &str| Stop::Broken(Broken { seq, what: what.to_owned() });
    let at = Time::new(row.get(3)?, row.get(4)?).map_err(|_| broken("its time is no time"))?;
    if (at.as_second(), at.subsec_nanosecond()) != (row.get(3)?, row.get(4)?) {
        return Err(broken("its time is not written as it was recorded"));
    }
    let bad = |what: String| broken(&format!("its body is bad: {what}"));
    let body = match row.get(10)? {
        // What is left is held against what was said of it; the link against the digest of what was recorded.
        4 | 5 => {
            let left = read::body(connection, row.get(10)?, row.get(11)?, row.get(12)?)?.map_err(bad)?;
            gone.left.insert(seq, (Digest::of(&left), false));
            Digest(row.get(11)?)
        }
        _ => body_digest(connection, row, blobs)?.map_err(bad)?,
    };
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
    let kind = said.kind;
    walk.step(&said, &Digest(row.get(9)?)).map_err(Stop::Broken)?;
    if kind == Kind::Released.name() {
        let body = read::body(connection, row.get(10)?, row.get(11)?, row.get(12)?)?.map_err(bad)?;
        if let Ok(Fact::Released(released)) = Fact::decode(Kind::Released, &body) {
            released.entries.iter().for_each(|(seq, digest)| gone.said(*seq, digest));
        }
    }
    Ok(())
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
        (3, None, Some(bytes)) => parts::whole(connection, bytes)?.map(|bytes| Digest::of(&bytes)),
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
