//! What is kept beside the record and may be lost: projections, refused deliveries, counters.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::coding;
use super::values::{nanoseconds, place, time};
use crate::event::Seq;
use crate::journal::redact::Found;
use crate::journal::{Refused, limits};

/// Keeps a cache, drops those of other versions, and thins out the older ones.
pub(super) fn save_projection(
    transaction: &Transaction<'_>,
    name: &str,
    version: u32,
    seq: i64,
    stored: &[u8],
) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM projections WHERE name = ?1 AND version <> ?2", params![name, version])?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO projections (name, version, seq, stored) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![name, version, seq, stored])?;
    let kept: Vec<i64> = transaction
        .prepare_cached("SELECT seq FROM projections WHERE name = ?1 AND version = ?2 ORDER BY seq")?
        .query_map(params![name, version], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if let Some(surplus) = surplus(&kept) {
        transaction.execute(
            "DELETE FROM projections WHERE name = ?1 AND version = ?2 AND seq = ?3",
            params![name, version, surplus],
        )?;
    }
    Ok(())
}

/// Drops every cache.
pub(super) fn drop_projections(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM projections", [])?;
    super::index::rebuild(transaction)
}

/// Which of `kept` (rising) to drop when they are too many: the one whose neighbours are closest for its age, so that
/// the recent past stays dense and the far past is never without any. The newest always stays.
fn surplus(kept: &[i64]) -> Option<i64> {
    if kept.len() <= limits::PROJECTIONS {
        return None;
    }
    let newest = kept.last().copied().unwrap_or_default();
    let cost = |index: usize| {
        let before = index.checked_sub(1).map_or(0, |i| kept[i]);
        let gap = i128::from(kept[index + 1]) - i128::from(before);
        let age = i128::from(newest) - i128::from(kept[index]) + 1;
        // gap / age in millionths; both are below 2^63
        gap * 1_000_000 / age
    };
    (0..kept.len() - 1).min_by_key(|index| cost(*index)).map(|index| kept[index])
}

/// The newest cache of that name and version at or before `through`.
pub(super) fn load_projection(
    connection: &Connection,
    name: &str,
    version: u32,
    through: Seq,
) -> rusqlite::Result<Option<(Seq, Vec<u8>)>> {
    let found: Option<(u64, Vec<u8>)> = connection
        .prepare_cached(
            "SELECT seq, stored FROM projections WHERE name = ?1 AND version = ?2 AND seq <= ?3 ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![name, version, place(through)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // A cache that does not unpack is no cache: it is made anew.
    Ok(found.and_then(|(seq, stored)| Some((Seq(seq), coding::unpack(&stored).ok()?))))
}

/// Keeps a refused delivery and lets the oldest go.
pub(super) fn quarantine(transaction: &Transaction<'_>, refused: &Refused) -> rusqlite::Result<()> {
    let raw = &refused.raw[..refused.raw.len().min(limits::QUARANTINE_RAW)];
    transaction
        .prepare_cached("INSERT INTO quarantine (arrived, source, reason, raw, length) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![nanoseconds(refused.arrived), refused.source, refused.reason, raw, refused.length])?;
    let first_kept: Option<i64> = transaction
        .prepare_cached(
            "SELECT min(id) FROM (
                 SELECT id, sum(length(raw)) OVER (ORDER BY id DESC) AS bytes, row_number() OVER (ORDER BY id DESC) AS n
                 FROM quarantine
             ) WHERE bytes <= ?1 AND n <= ?2",
        )?
        .query_row(params![limits::QUARANTINE_BYTES, limits::QUARANTINE], |row| row.get(0))?;
    transaction.prepare_cached("DELETE FROM quarantine WHERE id < ?1")?.execute([first_kept])?;
    Ok(())
}

/// How many refused deliveries are kept.
pub(super) fn quarantine_size(connection: &Connection) -> rusqlite::Result<u64> {
    connection.prepare_cached("SELECT count(*) FROM quarantine")?.query_row([], |row| row.get(0))
}

/// The refused deliveries, newest first.
pub(super) fn quarantined(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<Refused>> {
    connection
        .prepare_cached("SELECT arrived, source, reason, raw, length FROM quarantine ORDER BY id DESC LIMIT ?1")?
        .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok(Refused {
                arrived: time(row.get(0)?),
                source: row.get(1)?,
                reason: row.get(2)?,
                raw: row.get(3)?,
                length: row.get(4)?,
            })
        })?
        .collect()
}

/// Before the name of a rule, in `tally`.
const REDACTED: &str = "redacted:";

/// Adds what was taken out.
pub(super) fn count_redacted(transaction: &Connection, found: &Found) -> rusqlite::Result<()> {
    for (rule, n) in found {
        transaction
            .prepare_cached("INSERT INTO tally (name, n) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET n = n + excluded.n")?
            .execute(params![format!("{REDACTED}{rule}"), n])?;
    }
    Ok(())
}

/// What was taken out so far, by rule.
pub(super) fn redacted(connection: &Connection) -> rusqlite::Result<Found> {
    let mut rows = connection.prepare_cached("SELECT name, n FROM tally WHERE name GLOB ?1")?;
    let pairs = rows.query_map([format!("{REDACTED}*")], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    pairs.map(|pair| pair.map(|(name, n)| (name.trim_start_matches(REDACTED).to_owned(), n))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projections_thin_out_with_age() {
        let mut kept: Vec<i64> = Vec::new();
        for seq in (0..1000).map(|i| i * 50) {
            kept.push(seq);
            if let Some(gone) = surplus(&kept) {
                kept.retain(|seq| *seq != gone);
            }
        }
        assert_eq!(kept.len(), limits::PROJECTIONS);
        assert_eq!(*kept.last().unwrap(), 49_950);
        assert!(kept[kept.len() - 2] >= 49_800, "dense near the end: {kept:?}");
        assert!(kept[0] < 40_000 && kept[1] < 48_000, "some far back: {kept:?}");
    }
}
