//! What one transaction does: gives the next places, links the chain, fills the indexes.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, Transaction, params};

use super::coding::{Row, Stored};
use super::index::Recent;
use super::parts;
use super::values::{last, nanoseconds, place};
use crate::event::{Digest, Seq, Time, WriterId};
use crate::journal::Receipt;
use crate::journal::chain::{Said, Tail};

/// Entries in a page of the index of arrivals, as a power of two.
pub(super) const PAGE_BITS: u32 = 8;

/// The end of the journal inside one transaction. Read from the file at its beginning, so that it is right whatever
/// other processes did and however the transaction before ended.
pub(super) struct Pen<'t> {
    transaction: &'t Transaction<'t>,
    recent: &'t mut Recent,
    writer: WriterId,
    opened: Time,
    arrived: i64,
    head: Seq,
    before: Digest,
    tail: Tail,
    started: Seq,
    /// Chunks that this transaction has written or found.
    chunks: HashSet<Digest>,
}

impl<'t> Pen<'t> {
    pub(super) fn new(
        transaction: &'t Transaction<'t>,
        recent: &'t mut Recent,
        writer: WriterId,
        opened: Time,
        arrived: Time,
    ) -> rusqlite::Result<Self> {
        let (head, before) = last(transaction)?;
        recent.catch_up(transaction, head)?;
        let tail = transaction
            .prepare_cached("SELECT seq, place, digest FROM writers WHERE writer = ?1")?
            .query_row([writer.0], |row| {
                Ok(Tail { seq: Seq(row.get(0)?), place: row.get(1)?, digest: Digest(row.get(2)?) })
            })
            .optional()?
            .unwrap_or(Tail { seq: Seq(0), place: 0, digest: before });
        Ok(Self {
            transaction,
            recent,
            writer,
            opened,
            arrived: nanoseconds(arrived),
            head,
            before,
            tail,
            started: head,
            chunks: HashSet::new(),
        })
    }

    /// Writes what is new of `rows`; nothing, and an empty receipt, when one of the keys `claims` is there already.
    pub(super) fn append(&mut self, rows: &[Row], claims: &[[u8; 16]]) -> rusqlite::Result<Receipt> {
        let mut receipt = Receipt { head: self.head, ..Receipt::default() };
        for key in claims {
            if self.recent.knows(self.transaction, key)? {
                return Ok(receipt);
            }
        }
        for row in rows {
            if self.entry(row)? {
                receipt.recorded += 1;
            } else {
                receipt.duplicates += 1;
            }
        }
        if receipt.duplicates > 0 {
            self.transaction
                .prepare_cached(
                    "INSERT INTO tally (name, n) VALUES ('redeliveries', ?1) ON CONFLICT DO UPDATE SET n = n + excluded.n",
                )?
                .execute([receipt.duplicates])?;
        }
        receipt.head = self.head;
        Ok(receipt)
    }

    /// Writes one row, unless its key is there already.
    fn entry(&mut self, row: &Row) -> rusqlite::Result<bool> {
        let seq = Seq(self.head.0 + 1);
        if self.recent.knows(self.transaction, &row.key_hash)? {
            return Ok(false);
        }
        let said = Said {
            seq,
            writer: self.writer,
            place: self.tail.place + 1,
            at: row.at,
            arrived: self.arrived,
            kind: row.kind.name(),
            key: &row.key,
            terms: &row.terms,
            body: row.body,
        };
        let digest = said.link(&self.before, &self.tail.digest);
        let (blob, body) = match &row.stored {
            Stored::Plain(bytes) | Stored::Packed(bytes) => (None, Some(bytes)),
            Stored::Blob(bytes) => {
                self.transaction
                    .prepare_cached("INSERT INTO blobs (digest, stored) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                    .execute(params![row.body.0, bytes])?;
                (Some(row.body.0), None)
            }
            Stored::Parts(bytes, chunks) => {
                for chunk in chunks.iter().filter(|chunk| self.chunks.insert(chunk.digest)) {
                    parts::keep(self.transaction, chunk, seq)?;
                }
                (None, Some(bytes))
            }
        };
        self.transaction
            .prepare_cached(
                "INSERT INTO entries (seq, writer, place, at, at_ns, arrived, kind, key, terms, digest, coding, blob, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                place(seq),
                self.writer.0,
                said.place,
                row.at.as_second(),
                row.at.subsec_nanosecond(),
                self.arrived,
                said.kind,
                row.key,
                row.terms,
                digest.0,
                row.stored.coding(),
                blob,
                body,
            ])?;
        self.recent.add(row.key_hash, seq);
        self.head = seq;
        self.before = digest;
        self.tail = Tail { seq, place: said.place, digest };
        Ok(true)
    }

    /// Writes down where the chains end now.
    pub(super) fn finish(self) -> rusqlite::Result<Seq> {
        if self.head == self.started {
            return Ok(self.head);
        }
        self.transaction
            .prepare_cached(
                "INSERT INTO writers (writer, opened, seq, place, digest) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET seq = excluded.seq, place = excluded.place, digest = excluded.digest",
            )?
            .execute(params![
                self.writer.0,
                nanoseconds(self.opened),
                place(self.tail.seq),
                self.tail.place,
                self.tail.digest.0
            ])?;
        let mut page = self.transaction.prepare_cached(
            "INSERT INTO pages (page, earliest) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET earliest = min(earliest, excluded.earliest)",
        )?;
        for number in (self.started.0 + 1) >> PAGE_BITS..=self.head.0 >> PAGE_BITS {
            page.execute(params![place(Seq(number)), self.arrived])?;
        }
        Ok(self.head)
    }
}

impl Receipt {
    /// Whether nothing was even looked at, because something claimed was there already.
    pub(super) fn came_late(&self) -> bool {
        self.recorded + self.duplicates == 0
    }
}
