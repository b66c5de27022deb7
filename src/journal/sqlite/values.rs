//! How places and times stand in columns, where the journal ends, and its counters.

use rusqlite::{Connection, OptionalExtension};

use crate::event::{Digest, Seq, Time};
use crate::journal::chain::NOTHING;

/// A clock's nanoseconds, as stored.
pub(super) fn nanoseconds(time: Time) -> i64 {
    let wide = time.as_nanosecond();
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

/// A place, as stored. Places stay below 2^63.
pub(super) fn place(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// Stored nanoseconds as a time. Every 64-bit count lies within the years a [`Time`] can say.
pub(super) fn time(nanoseconds: i64) -> Time {
    Time::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default()
}

/// The last place and its link.
pub(super) fn last(connection: &Connection) -> rusqlite::Result<(Seq, Digest)> {
    let found = connection
        .prepare_cached("SELECT seq, digest FROM entries ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((Seq(row.get(0)?), Digest(row.get(1)?))))
        .optional()?;
    Ok(found.unwrap_or((Seq(0), NOTHING)))
}

/// A counter.
pub(super) fn tally(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    let found = connection
        .prepare_cached("SELECT n FROM tally WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}
