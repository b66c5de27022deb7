//! Finding entries by key and by term.
//!
//! Keys and terms come in no order, so an entry in their indexes costs a page or two of the log each, ten times what
//! the entry itself costs. So entries are recorded first and indexed later, many at once and sorted. Until then their
//! keys are remembered by whoever writes, and readers look through the few entries behind the mark `indexed`.
//! The indexes only repeat what entries say: losing them loses nothing, and [`rebuild`] makes them anew.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::coding::key_hash;
use super::values::{last, place, tally};
use crate::event::{Digest, Kind, Seq};

/// At most so many entries are indexed in one transaction.
const FOLD: u64 = 32_768;

/// The keys of entries that are not indexed yet. Right only inside a transaction that [`Recent::catch_up`] began.
#[derive(Default)]
pub(super) struct Recent {
    indexed: Seq,
    through: Seq,
    keys: HashSet<[u8; 16]>,
}

impl Recent {
    /// Brings it to the state of the file: another process may have written or indexed.
    pub(super) fn catch_up(&mut self, transaction: &Transaction<'_>, head: Seq) -> rusqlite::Result<()> {
        let indexed = indexed(transaction)?;
        if indexed != self.indexed || head < self.through {
            *self = Self { indexed, through: indexed, keys: HashSet::new() };
        }
        if head > self.through {
            let mut statement = transaction.prepare_cached("SELECT key FROM entries WHERE seq > ?1 AND seq <= ?2")?;
            let mut rows = statement.query([place(self.through), place(head)])?;
            while let Some(row) = rows.next()? {
                self.keys.insert(key_hash(row.get_ref(0)?.as_str()?));
            }
            self.through = head;
        }
        Ok(())
    }

    /// Whether an entry has this key.
    pub(super) fn knows(&self, transaction: &Transaction<'_>, key: &[u8; 16]) -> rusqlite::Result<bool> {
        if self.keys.contains(key) {
            return Ok(true);
        }
        let found: Option<i64> = transaction
            .prepare_cached("SELECT seq FROM keys WHERE hash = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        Ok(found.is_some())
    }

    /// An entry with this key is at `seq` now.
    pub(super) fn add(&mut self, key: [u8; 16], seq: Seq) {
        self.keys.insert(key);
        self.through = seq;
    }

    /// How many entries are not indexed.
    pub(super) fn waiting(&self) -> u64 {
        self.through.0.saturating_sub(self.indexed.0)
    }
}

/// Entries up to here are in the indexes.
pub(super) fn indexed(connection: &Connection) -> rusqlite::Result<Seq> {
    tally(connection, "indexed").map(Seq)
}

/// How a term is named in the index. Two terms may share a name; whoever reads compares the term itself.
pub(super) fn term_hash(term: &str) -> i64 {
    let digest = Digest::of(term.as_bytes()).0;
    digest[..8].iter().fold(0, |hash, byte| hash << 8 | i64::from(*byte))
}

/// Indexes the entries behind the mark, at most [`FOLD`]. Says whether some are left.
pub(super) fn fold(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let head = last(transaction)?.0;
    let from = indexed(transaction)?;
    let to = head.min(Seq(from.0 + FOLD));
    let (mut keys, mut terms) = (Vec::new(), Vec::new());
    {
        let mut statement =
            transaction.prepare_cached("SELECT seq, key, terms FROM entries WHERE seq > ?1 AND seq <= ?2")?;
        let mut rows = statement.query([place(from), place(to)])?;
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(0)?;
            keys.push((key_hash(row.get_ref(1)?.as_str()?), seq));
            let said = row.get_ref(2)?.as_str()?;
            terms.extend(said.split('\n').filter(|term| !term.is_empty()).map(|term| (term_hash(term), seq)));
        }
    }
    keys.sort_unstable();
    terms.sort_unstable();
    let mut insert =
        transaction.prepare_cached("INSERT INTO keys (hash, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for (hash, seq) in keys {
        insert.execute(params![hash, seq])?;
    }
    let mut insert =
        transaction.prepare_cached("INSERT INTO terms (hash, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for (hash, seq) in terms {
        insert.execute([hash, seq])?;
    }
    transaction
        .prepare_cached("INSERT INTO tally (name, n) VALUES ('indexed', ?1) ON CONFLICT DO UPDATE SET n = excluded.n")?
        .execute([place(to)])?;
    Ok(to < head)
}

/// The indexed entries of this kind with this term, in order.
pub(super) fn places(connection: &Connection, term: &str, kind: Kind) -> rusqlite::Result<Vec<Seq>> {
    let term = super::coding::one_line(term);
    let mut statement = connection.prepare_cached(
        "SELECT terms.seq FROM terms CROSS JOIN entries USING (seq) WHERE hash = ?1 AND kind = ?2
         AND instr(char(10) || entries.terms || char(10), char(10) || ?3 || char(10)) > 0 ORDER BY terms.seq",
    )?;
    statement.query_map(params![term_hash(&term), kind.name(), term], |row| row.get(0).map(Seq))?.collect()
}

/// Makes the indexes anew from the entries.
pub(super) fn rebuild(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("DELETE FROM keys; DELETE FROM terms; DELETE FROM tally WHERE name = 'indexed'")?;
    while fold(transaction)? {}
    Ok(())
}
