//! The links of the chain as they are stored, for a proof that somebody else checks.

use std::collections::HashSet;
use std::io::Write;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{SqliteJournal, read};
use crate::event::{Digest, Seq, WriterId};
use crate::journal::chain::NOTHING;
use crate::journal::proof::{Header, Link, Writer};

/// A proof follows no more links.
const MOST: u64 = 2_000_000;

impl SqliteJournal {
    /// Writes a proof of the entries from `first` to the head that `header` names; `why` says of a link, without its content,
    /// why its content belongs into it. Gives how many links it has and how many entries with content. The header's `before` is
    /// filled in here.
    ///
    /// # Errors
    /// When the journal cannot be read, the stretch is too long, or nothing can be written.
    pub fn prove(
        &self,
        mut header: Header,
        first: Seq,
        why: &dyn Fn(&Link) -> Option<String>,
        to: &mut dyn Write,
    ) -> anyhow::Result<(u64, u64)> {
        let head = header.head.head;
        anyhow::ensure!(first.0 >= 1 && first <= head, "there is no entry {first}");
        let many = head.0 - first.0 + 1;
        anyhow::ensure!(
            many <= MOST,
            "from entry {first} to the head there are {many} links; a proof holds {MOST} at most: keep a copy of the journal \
             instead (warroom export --backup)"
        );
        self.readers.with(|connection| {
            let sql = |error: rusqlite::Error| self.place.error(&error);
            header.before = link_at(connection, Seq(first.0 - 1)).map_err(sql)?;
            Ok(write(connection, &header, first, why, to).map_err(|error| match error {
                Failed::Sql(error) => anyhow::Error::from(sql(error)),
                Failed::Write(error) => error.into(),
                Failed::Bad(seq, what) => anyhow::anyhow!("entry {seq} cannot be read: {what}: run `warroom verify`"),
            }))
        })?
    }
}

/// Why it ends early.
enum Failed {
    Sql(rusqlite::Error),
    Write(std::io::Error),
    Bad(Seq, String),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// The link of an entry; of none, that before the first.
fn link_at(connection: &Connection, seq: Seq) -> rusqlite::Result<Digest> {
    let found: Option<[u8; 32]> =
        connection.query_row("SELECT digest FROM entries WHERE seq = ?1", [seq.0], |row| row.get(0)).optional()?;
    Ok(found.map_or(NOTHING, Digest))
}

/// The last link of a writer before an entry; of a writer that had none, the link just before it.
fn previous(connection: &Connection, writer: WriterId, place: u64, seq: Seq) -> rusqlite::Result<Digest> {
    if place > 1 {
        let found: Option<[u8; 32]> = connection
            .query_row(
                "SELECT digest FROM entries WHERE writer = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1",
                params![writer.0, seq.0],
                |row| row.get(0),
            )
            .optional()?;
        return Ok(found.map_or(NOTHING, Digest));
    }
    link_at(connection, Seq(seq.0 - 1))
}

fn write(
    connection: &Connection,
    header: &Header,
    first: Seq,
    why: &dyn Fn(&Link) -> Option<String>,
    to: &mut dyn Write,
) -> Result<(u64, u64), Failed> {
    let mut writer = Writer::begin(to, header).map_err(Failed::Write)?;
    let mut known: HashSet<WriterId> = HashSet::new();
    let mut statement = connection.prepare(
        "SELECT seq, writer, place, at, at_ns, arrived, kind, key, terms, digest, coding, blob, body
         FROM entries WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
    )?;
    let mut rows = statement.query(params![first.0, header.head.head.0])?;
    while let Some(row) = rows.next()? {
        let seq = Seq(row.get(0)?);
        let coding: i64 = row.get(10)?;
        let blob: Option<[u8; 32]> = row.get(11)?;
        let bad = |what: String| Failed::Bad(seq, what);
        let body = read::body(connection, coding, blob, row.get(12)?)?.map_err(bad)?;
        let let_go = matches!(coding, 4 | 5);
        let of = WriterId(row.get(1)?);
        let place = row.get(2)?;
        let mut link = Link {
            seq,
            writer: of,
            place,
            at: read::stored_time(row.get(3)?, row.get(4)?),
            arrived: row.get(5)?,
            kind: row.get(6)?,
            key: row.get(7)?,
            terms: row.get(8)?,
            body_sha256: if let_go { blob.map_or(NOTHING, Digest) } else { Digest::of(&body) },
            digest: Digest(row.get(9)?),
            previous: None,
            why: None,
            body: None,
        };
        if known.insert(of) {
            link.previous = Some(previous(connection, of, place, seq)?);
        }
        link.why = why(&link);
        if link.why.is_some() && !let_go {
            link.body = Some(String::from_utf8(body).map_err(|_| bad("its body is no text".to_owned()))?);
        }
        writer.link(link).map_err(Failed::Write)?;
    }
    let (_, links, entries) = writer.end().map_err(Failed::Write)?;
    Ok((links, entries))
}
