//! Letting go of old telemetry: in one transaction an entry says what is left of which entries, and no more than that is left.
//!
//! So there is no moment at which content is gone and nothing says so, and none at which it is said to be gone and is not.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params_from_iter};

use super::coding::Stored;
use super::values::place;
use super::{parts, read};
use crate::event::{Digest, Seq};

/// What is left of an entry.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) seq: Seq,
    pub(super) stored: Stored,
}

impl Left {
    /// About how many bytes it keeps in memory.
    pub(super) fn weight(&self) -> usize {
        self.stored.weight()
    }
}

/// Leaves of one entry only what `left` says. The row is written anew and not updated: a shrunken row would leave its page half
/// empty, and the page would stay in use.
pub(super) fn reduce(transaction: &Transaction<'_>, left: &Left) -> rusqlite::Result<()> {
    let seq = place(left.seq);
    let (coding, blob, stored): (i64, Option<[u8; 32]>, Option<Vec<u8>>) = transaction
        .prepare_cached("SELECT coding, blob, body FROM entries WHERE seq = ?1")?
        .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let recorded = match blob {
        Some(digest) => Digest(digest),
        None => match read::body(transaction, coding, blob, stored)? {
            Ok(body) => Digest::of(&body),
            // Damage is for `verify` to name; what cannot be read is not let go, or nobody could tell one from the other.
            Err(error) => return Err(rusqlite::Error::ToSqlConversionFailure(format!("entry {seq}: {error}").into())),
        },
    };
    let (coding_now, bytes) = match &left.stored {
        Stored::Parts(bytes, chunks) => {
            for chunk in chunks {
                parts::keep(transaction, chunk, left.seq)?;
            }
            (5, bytes)
        }
        Stored::Plain(bytes) | Stored::Packed(bytes) | Stored::Blob(bytes) => (4, bytes),
    };
    let mut row: Vec<Value> = transaction
        .prepare_cached(
            "SELECT seq, writer, place, at, at_ns, arrived, kind, key, terms, digest FROM entries WHERE seq = ?1",
        )?
        .query_row([seq], |row| (0..10).map(|column| row.get(column)).collect())?;
    row.extend([Value::Integer(coding_now), Value::Blob(recorded.0.to_vec()), Value::Blob(bytes.clone())]);
    transaction.prepare_cached("INSERT INTO releasing (seq) VALUES (?1)")?.execute([seq])?;
    transaction.prepare_cached("DELETE FROM entries WHERE seq = ?1")?.execute([seq])?;
    transaction.prepare_cached("DELETE FROM releasing")?.execute([])?;
    transaction
        .prepare_cached(
            "INSERT INTO entries (seq, writer, place, at, at_ns, arrived, kind, key, terms, digest, coding, blob, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params_from_iter(row))?;
    if coding == 2 {
        drop_blob(transaction, &recorded)?;
    }
    Ok(())
}

/// Drops a blob that no entry has for its body any more.
fn drop_blob(connection: &Connection, digest: &Digest) -> rusqlite::Result<()> {
    let used: Option<i64> = connection
        .prepare_cached("SELECT seq FROM entries INDEXED BY entries_by_blob WHERE blob = ?1 AND coding = 2 LIMIT 1")?
        .query_row([digest.0], |row| row.get(0))
        .optional()?;
    if used.is_none() {
        connection.prepare_cached("DELETE FROM blobs WHERE digest = ?1")?.execute([digest.0])?;
    }
    Ok(())
}

/// How many bytes of the file are in use.
pub(super) fn size(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, u64>(0));
    Ok(number("page_count")?.saturating_sub(number("freelist_count")?) * number("page_size")?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use crate::event::{Digest, Fact, Kind, Released, Seq, Span, SpanBatch, SpanId, SpanKind, SpanStatus, TraceId};
    use crate::journal::sqlite::schema::MIGRATIONS;
    use crate::journal::suite::{at, note};
    use crate::journal::{Draft, Journal, JournalError, Left, Query, SqliteJournal};

    /// A text without repetition, the same for the same number.
    fn prose(n: u64, words: u64) -> String {
        let words: Vec<String> =
            (0..words).map(|i| format!("{:x}", (n * 7919 + i).wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
        words.join(" ")
    }

    fn batch(trace: u8, prompt: &str) -> SpanBatch {
        let span = Span {
            trace_id: TraceId([trace; 16]),
            span_id: SpanId([1; 8]),
            parent: None,
            name: "chat".into(),
            kind: SpanKind::Client,
            start: at(0),
            end: at(1),
            status: SpanStatus::Ok,
            status_message: "".into(),
            attributes: [("gen_ai.system_instructions".into(), json!(prompt))].into(),
            events: Vec::new(),
        };
        SpanBatch {
            resources: vec![crate::event::Resource { service: "bot".into(), attributes: [].into(), items: vec![span] }],
        }
    }

    fn spans(n: u8, prompt: &str) -> Draft {
        Draft::new(at(0), format!("spans/{n}"), &batch(n, prompt).into())
    }

    /// What says that of these entries nothing is left, and that.
    fn emptied(through: u64, seqs: &[u64]) -> (Draft, Vec<Left>) {
        let nothing = Fact::from(SpanBatch::default()).encode();
        let left = |seq: &u64| Left { seq: Seq(*seq), kind: Kind::Spans, body: nothing.clone() };
        let released = Released {
            through: Seq(through),
            until: at(5),
            whole: Vec::new(),
            share: 0.1,
            entries: seqs.iter().map(|seq| (Seq(*seq), Digest::of(&nothing))).collect(),
            also: Vec::new(),
            runs: Vec::new(),
            log_lines: 0,
            samples: 0,
        };
        (Draft::new(at(5), format!("released/{through}"), &released.into()), seqs.iter().map(left).collect())
    }

    fn broken(journal: &SqliteJournal) -> Option<(u64, String)> {
        journal.verify(None, &mut |_, _| {}).unwrap().broken.map(|broken| (broken.seq.0, broken.what))
    }

    fn number(path: &Path, sql: &str) -> i64 {
        rusqlite::Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_is_let_go_is_gone_with_a_word_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let journal = SqliteJournal::open(&path, at(0)).unwrap();
        // Short, compressed, in a blob, and one that shares its text with another.
        let (shared, large) = (prose(1, 900), prose(2, 9_000));
        let prompts = ["short", &shared, &shared, &shared, &large];
        for (n, prompt) in (1..).zip(prompts) {
            journal.append(vec![spans(n, prompt)]).unwrap();
        }
        journal.append(vec![note("a", "b")]).unwrap();
        let before = journal.read(&Query::default()).unwrap();
        for (n, (record, prompt)) in (1..).zip(before.iter().zip(prompts)) {
            assert_eq!(record.fact().unwrap(), batch(n, prompt).into(), "as it was written");
        }
        assert_eq!(number(&path, "SELECT count(*) FROM entries WHERE coding = 3"), 2);
        assert_eq!((number(&path, "SELECT count(*) FROM blobs"), broken(&journal)), (1, None));
        let (draft, left) = emptied(6, &[1, 2, 3, 5]);
        assert_eq!(journal.release(draft.clone(), left.clone()).unwrap().recorded, 1);
        let after = journal.read(&Query::default()).unwrap();
        assert_eq!(after.len(), 7, "no place is lost");
        for (record, before) in after.iter().zip(&before) {
            let whole = matches!(record.seq.0, 4 | 6);
            assert_eq!(record.body == before.body, whole, "{}", record.seq);
            assert_eq!((record.digest, &record.key, record.at), (before.digest, &before.key, before.at));
            assert!(whole || record.fact().unwrap() == SpanBatch::default().into());
        }
        assert_eq!((number(&path, "SELECT count(*) FROM blobs"), broken(&journal)), (0, None));
        // The same again changes nothing, a delivery that comes again is still known, and it reopens.
        assert_eq!(journal.release(draft, left).unwrap().recorded, 0);
        assert_eq!(journal.append(vec![spans(1, "short")]).unwrap().duplicates, 1);
        drop(journal);
        let journal = SqliteJournal::open(&path, at(9)).unwrap();
        assert_eq!(
            (broken(&journal), journal.read(&Query::default()).unwrap()[3].body == before[3].body),
            (None, true)
        );
        // A part that is still needed stays when parts are swept; one that is not, goes.
        let chunks = || number(&path, "SELECT count(*) FROM chunks");
        let many = chunks();
        rusqlite::Connection::open(&path).unwrap().execute("UPDATE chunks SET last = 0", []).unwrap();
        journal.sweep(Seq(10_000)).unwrap();
        assert_eq!((chunks(), broken(&journal)), (many, None));
        let (draft, left) = emptied(7, &[4]);
        journal.release(draft, left).unwrap();
        journal.sweep(Seq(10_000)).unwrap();
        assert_eq!((chunks(), broken(&journal)), (0, None));
    }

    #[test]
    fn fault_10_content_that_is_gone_without_a_word_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        for (n, (sql, seq)) in [
            // Emptied as a release would, and nothing says so.
            ("UPDATE entries SET coding = 4, blob = (SELECT blob FROM entries WHERE seq = 1), body = (SELECT body FROM entries WHERE seq = 1) WHERE seq = 2", 2),
            // What is left is not what was said to be left.
            ("UPDATE entries SET body = (SELECT body FROM entries WHERE kind = 'noted') WHERE seq = 1", 1),
            // Said of another body.
            ("UPDATE entries SET blob = zeroblob(32) WHERE seq = 1", 1),
        ]
        .into_iter()
        .enumerate()
        {
            let path = dir.path().join(format!("{n}.db"));
            let journal = SqliteJournal::open(&path, at(0)).unwrap();
            journal.append((1..4).map(|n| spans(n, "a prompt")).chain([note("a", &prose(3, 400))]).collect()).unwrap();
            let (draft, left) = emptied(3, &[1]);
            journal.release(draft, left).unwrap();
            assert_eq!(broken(&journal), None);
            drop(journal);
            let connection = rusqlite::Connection::open(&path).unwrap();
            connection.execute_batch("DROP TRIGGER entries_never_change;").unwrap();
            connection.execute_batch(sql).unwrap();
            let found = broken(&SqliteJournal::open_read_only(&path).unwrap()).expect("it is seen");
            assert_eq!(found.0, seq, "{sql}: {found:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_is_no_telemetry_is_never_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let journal = SqliteJournal::open(&path, at(0)).unwrap();
        journal.append(vec![spans(1, "a"), spans(2, &prose(1, 900)), note("a", "b")]).unwrap();
        let tampering = rusqlite::Connection::open(&path).unwrap();
        tampering.execute_batch("DROP TRIGGER entries_never_change").unwrap();
        tampering.execute_batch("UPDATE entries SET body = substr(body, 2) WHERE seq = 2").unwrap();
        for seqs in [&[1, 2][..], &[1, 9]] {
            let (draft, left) = emptied(2, seqs);
            assert!(matches!(journal.release(draft, left), Err(JournalError::Store { .. })), "{seqs:?}");
        }
        assert_eq!(journal.head().unwrap(), Seq(3), "nothing was said");
        assert_ne!(
            journal.read(&Query { limit: 1, ..Query::default() }).unwrap()[0].fact().unwrap(),
            SpanBatch::default().into()
        );
        // With the trigger in place a decision or a note cannot be touched at all.
        let path = dir.path().join("other.db");
        let journal = SqliteJournal::open(&path, at(0)).unwrap();
        journal.append(vec![note("a", "b")]).unwrap();
        let (draft, left) = emptied(1, &[1]);
        assert!(journal.release(draft, left).is_err());
        assert_eq!((journal.head().unwrap(), broken(&journal)), (Seq(1), None));
    }

    #[test]
    fn a_file_of_an_older_format_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        // Entries as the format before wrote them, in every coding it had.
        let journal = SqliteJournal::open(&path, at(0)).unwrap();
        journal.append(vec![spans(1, "a"), spans(2, &prose(1, 900)), spans(3, &prose(2, 9_000))]).unwrap();
        drop(journal);
        let old = dir.path().join("old.db");
        {
            let mut connection = rusqlite::Connection::open(&old).unwrap();
            super::super::schema::migrate(&mut connection, &MIGRATIONS[..3]).map_err(|_| "migrates").unwrap();
            connection.execute("ATTACH ?1 AS new", [path.to_str().unwrap()]).unwrap();
            for table in ["blobs", "entries", "writers", "pages", "tally", "keys", "terms"] {
                connection.execute_batch(&format!("INSERT INTO main.{table} SELECT * FROM new.{table}")).unwrap();
            }
        }
        std::fs::set_permissions(&old, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let journal = SqliteJournal::open(&old, at(0)).unwrap();
        assert_eq!((journal.head().unwrap(), broken(&journal)), (Seq(3), None));
        journal.append(vec![spans(4, &prose(1, 900)), spans(5, &prose(1, 900))]).unwrap();
        let (draft, left) = emptied(3, &[1, 2, 3]);
        journal.release(draft, left).unwrap();
        assert_eq!(broken(&journal), None);
        let check: String = rusqlite::Connection::open(&old)
            .unwrap()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
    }
}
