//! The suite on this store, and what only this store can do: files, other processes' connections, damage.

use std::path::{Path, PathBuf};

use super::*;
use crate::journal::suite::{Hands, at, note, sized, suite, suite_of_waiting};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn options(hands: &Hands) -> Options {
    Options { clock: hands.clock(), busy: Duration::from_millis(300), ..Options::default() }
}

#[test]
fn in_memory_it_is_a_journal() {
    suite(|hands| SqliteJournal::in_memory_with(options(&hands)).unwrap());
    suite_of_waiting(|hands| SqliteJournal::in_memory_with(options(&hands)).unwrap());
}

#[test]
fn in_a_file_it_is_a_journal() {
    let dir = folder();
    let number = std::sync::atomic::AtomicU32::new(0);
    let open = |hands: Hands| {
        let name = format!("{}.db", number.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        SqliteJournal::open_with(&dir.path().join(name), at(0), options(&hands)).unwrap()
    };
    suite(open);
    suite_of_waiting(open);
}

fn journal_of(dir: &Path, entries: usize) -> PathBuf {
    let path = dir.join("journal.db");
    let journal = SqliteJournal::open(&path, at(0)).unwrap();
    for i in 0..entries {
        journal.append(vec![sized(&format!("k/{i}"), [10, 2000, 70_000][i % 3] + i)]).unwrap();
    }
    path
}

/// Does to the file what no program of ours does.
fn tamper(path: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch("DROP TRIGGER entries_never_change; DROP TRIGGER entries_never_go; PRAGMA foreign_keys=OFF;")
        .unwrap();
    connection.execute_batch(sql).unwrap();
}

fn first_broken(path: &Path, against: Option<&Checkpoint>) -> Option<(u64, String)> {
    let journal = SqliteJournal::open_read_only(path).unwrap();
    journal.verify(against, &mut |_, _| {}).unwrap().broken.map(|broken| (broken.seq.0, broken.what))
}

#[test]
fn fault_49_no_secret_reaches_the_file() {
    let dir = folder();
    let path = dir.path().join("journal.db");
    let secret = ["AKIA", "IOSFODNN7EXAMPLE"].concat();
    let coded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("the key is {secret}"));
    let journal = SqliteJournal::open(&path, at(0)).unwrap();
    let long = format!("{}{secret}", "so it goes, ".repeat(10_000));
    for (n, text) in [&secret, &coded, &long].into_iter().enumerate() {
        journal.append(vec![note(&format!("k/{n}/{secret}"), text).found_by(format!("term:{secret}"))]).unwrap();
    }
    let raw = format!("{{\"broken\": \"{secret}").into_bytes();
    let length = raw.len() as u64;
    let refused = Refused { arrived: at(1), source: "test".into(), reason: format!("at {secret}"), raw, length };
    journal.quarantine(&refused).unwrap();
    assert_eq!(journal.redacted().unwrap().get("aws-key"), Some(&4));
    assert_eq!(journal.read(&Query::default()).unwrap().len(), 3, "keys that differ stay apart");
    drop(journal);
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for planted in [secret.as_bytes(), coded.as_bytes()] {
            assert!(!bytes.windows(planted.len()).any(|window| window == planted));
        }
    }
    assert_eq!(first_broken(&path, None), None, "what was taken out was taken out before it was hashed");
}

#[test]
fn several_writers_share_one_gapless_order() {
    let dir = folder();
    let path = dir.path().join("journal.db");
    let journals: Vec<_> = (0..3).map(|_| SqliteJournal::open(&path, at(0)).unwrap()).collect();
    std::thread::scope(|scope| {
        for (n, journal) in journals.iter().enumerate() {
            for t in 0..2 {
                scope.spawn(move || {
                    for i in 0..30 {
                        // every key comes from two writers: one records it, the other one counts it
                        journal
                            .append(vec![
                                note(&format!("{}/{t}/{i}", n / 2), "x"),
                                note(&format!("{n}/{t}/{i}/own"), "x"),
                            ])
                            .unwrap();
                    }
                });
            }
        }
    });
    let records = journals[0].read(&Query { limit: 1000, ..Query::default() }).unwrap();
    assert_eq!(records.len(), 2 * 60 + 3 * 60);
    assert!(records.iter().zip(1..).all(|(record, seq)| record.seq.0 == seq));
    assert_eq!(journals[1].redeliveries().unwrap(), 60);
    assert_eq!(journals[2].verify(None, &mut |_, _| {}).unwrap().broken, None);
}

#[test]
fn another_connections_commit_is_seen_within_a_second() {
    let dir = folder();
    let path = dir.path().join("journal.db");
    let (here, there) = (SqliteJournal::open(&path, at(0)).unwrap(), SqliteJournal::open(&path, at(0)).unwrap());
    let begun = std::time::Instant::now();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| here.watch(Seq(0), Duration::from_secs(10)).unwrap());
        std::thread::sleep(Duration::from_millis(200));
        there.append(vec![note("a", "x")]).unwrap();
        assert_eq!(waits.join().unwrap(), Seq(1));
    });
    assert!(begun.elapsed() < Duration::from_millis(1300), "{:?}", begun.elapsed());
    let lease = here.lease("engine").unwrap();
    assert!(lease.is_some() && there.lease("engine").unwrap().is_none());
    drop(lease);
    assert!(there.lease("engine").unwrap().is_some());
}

#[test]
fn equal_large_bodies_are_stored_once() {
    let dir = folder();
    let path = dir.path().join("journal.db");
    let journal = SqliteJournal::open(&path, at(0)).unwrap();
    for i in 0..20 {
        journal.append(vec![sized(&format!("k/{i}"), 200_000)]).unwrap();
    }
    let blobs: i64 = journal.sql(|sql| sql.query_row("SELECT count(*) FROM blobs", [], |row| row.get(0))).unwrap();
    assert_eq!(blobs, 1);
}

#[test]
fn fault_10_a_flipped_byte_a_deleted_swapped_or_cut_row_is_named() {
    let cases: [(&str, u64); 9] = [
        ("UPDATE entries SET body = CAST('y' || substr(CAST(body AS TEXT), 2) AS BLOB) WHERE seq = 4", 4),
        ("UPDATE entries SET key = key || '!' WHERE seq = 5", 5),
        ("UPDATE entries SET at = at + 1 WHERE seq = 6", 6),
        ("UPDATE entries SET terms = 'incident:9' WHERE seq = 7", 7),
        ("DELETE FROM entries WHERE seq = 8", 8),
        (
            "UPDATE entries SET seq = 1000 WHERE seq = 3; UPDATE entries SET seq = 3 WHERE seq = 9; UPDATE entries SET seq = 9 WHERE seq = 1000",
            3,
        ),
        ("DELETE FROM entries WHERE seq > 25", 26),
        ("DELETE FROM entries", 1),
        ("UPDATE blobs SET stored = zeroblob(length(stored))", 3),
    ];
    for (sql, seq) in cases {
        let dir = folder();
        let path = journal_of(dir.path(), 30);
        assert_eq!(first_broken(&path, None), None);
        tamper(&path, sql);
        assert_eq!(first_broken(&path, None).map(|found| found.0), Some(seq), "{sql}");
    }
}

#[test]
fn fault_10_yesterdays_file_is_caught_by_a_checkpoint() {
    let dir = folder();
    let path = journal_of(dir.path(), 10);
    std::fs::copy(&path, dir.path().join("yesterday.db")).unwrap();
    let journal = SqliteJournal::open(&path, at(0)).unwrap();
    journal.append(vec![note("today", "x")]).unwrap();
    let checkpoint = journal.checkpoint().unwrap();
    drop(journal);
    let yesterday = dir.path().join("yesterday.db");
    assert_eq!(first_broken(&yesterday, None), None, "by itself it is whole");
    let (seq, what) = first_broken(&yesterday, Some(&checkpoint)).unwrap();
    assert_eq!(seq, 11);
    assert!(what.contains("rolled back"), "{what}");
    // and when it has been written on since
    std::fs::set_permissions(&yesterday, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    SqliteJournal::open(&yesterday, at(0)).unwrap().append(vec![note("other", "x")]).unwrap();
    assert_eq!(first_broken(&yesterday, Some(&checkpoint)).unwrap().0, 11);
}

#[test]
fn entries_cannot_be_changed_by_accident() {
    let dir = folder();
    let path = journal_of(dir.path(), 2);
    let connection = rusqlite::Connection::open(&path).unwrap();
    for sql in ["UPDATE entries SET key = 'x'", "DELETE FROM entries"] {
        let error = connection.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains("never"), "{error}");
    }
}

#[test]
fn a_file_of_the_first_format_is_brought_to_ours() {
    let dir = folder();
    let path = dir.path().join("journal.db");
    {
        let journal = SqliteJournal::open(&path, at(0)).unwrap();
        let found = |i: usize| note(&format!("k/{i}"), "x").found_by(format!("incident:{}", i % 3));
        journal.append((0..90).map(found).collect()).unwrap();
    }
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(
        "DROP TABLE terms; CREATE TABLE terms (term TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (term, seq)) STRICT, WITHOUT ROWID;
         DELETE FROM tally; DROP TABLE chunks; DROP INDEX entries_by_blob; DROP TABLE releasing; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let journal = SqliteJournal::open(&path, at(0)).unwrap();
    assert_eq!(journal.append(vec![note("k/7", "x"), note("new", "x")]).unwrap().duplicates, 1);
    let query = Query { term: Some("incident:2".into()), ..Query::default() };
    assert_eq!(journal.read(&query).unwrap().len(), 30);
    assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().checked, 91);
}

/// How many entries are in the index of keys, and up to which place it says to be complete.
fn index_of(path: &Path) -> (u64, u64) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT (SELECT count(*) FROM keys), coalesce((SELECT n FROM tally WHERE name = 'indexed'), 0)";
    connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[test]
fn entries_are_indexed_when_nobody_writes_and_made_anew_on_demand() {
    let dir = folder();
    let path = dir.path().join("journal.db");
    let journal = SqliteJournal::open(&path, at(0)).unwrap();
    journal.append((0..50).map(|i| note(&format!("k/{i}"), "x").found_by("t".into())).collect()).unwrap();
    let query = Query { term: Some("t".into()), limit: 1000, ..Query::default() };
    assert_eq!(journal.read(&query).unwrap().len(), 50, "found before it is indexed");
    let begun = std::time::Instant::now();
    while index_of(&path) != (50, 50) {
        assert!(begun.elapsed() < Duration::from_secs(20), "never indexed: {:?}", index_of(&path));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(journal.read(&query).unwrap().len(), 50, "found after it is indexed");
    rusqlite::Connection::open(&path).unwrap().execute_batch("DELETE FROM keys; DELETE FROM terms").unwrap();
    assert_eq!(journal.read(&query).unwrap().len(), 0, "an index that lies");
    journal.drop_projections().unwrap();
    assert_eq!(journal.read(&query).unwrap().len(), 50);
    assert_eq!(journal.append(vec![note("k/3", "x")]).unwrap().duplicates, 1);
}

#[test]
fn two_writers_know_each_others_keys_before_they_are_indexed() {
    let dir = folder();
    let path = dir.path().join("journal.db");
    let (a, b) = (SqliteJournal::open(&path, at(0)).unwrap(), SqliteJournal::open(&path, at(0)).unwrap());
    for i in 0..40 {
        let (first, second) = if i % 2 == 0 { (&a, &b) } else { (&b, &a) };
        assert_eq!(first.append(vec![note(&format!("k/{i}"), "x")]).unwrap().recorded, 1);
        assert_eq!(second.append(vec![note(&format!("k/{i}"), "x")]).unwrap().duplicates, 1);
    }
    assert_eq!(a.head().unwrap(), Seq(40));
}

mod properties {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use rusqlite::types::Value;

    use super::*;

    /// What happens to a journal.
    #[derive(Clone, Debug)]
    enum Act {
        Append(Vec<u8>),
        Reopen,
        OtherWriter(Vec<u8>),
        Reindex,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let keys = || proptest::collection::vec(0_u8..40, 0..6);
        let act = prop_oneof![
            5 => keys().prop_map(Act::Append),
            1 => Just(Act::Reopen),
            2 => keys().prop_map(Act::OtherWriter),
            1 => Just(Act::Reindex),
        ];
        proptest::collection::vec(act, 1..25)
    }

    fn drafts(keys: &[u8]) -> Vec<Draft> {
        keys.iter().map(|key| sized(&format!("k/{key}"), usize::from(*key) * 60)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        /// The first of every key is recorded, in order, whoever brings it, however often the journal is reopened.
        #[test]
        fn whatever_happens_the_record_is_the_first_of_every_key_in_order(acts in acts()) {
            let dir = folder();
            let path = dir.path().join("journal.db");
            let open = || SqliteJournal::open(&path, at(0)).unwrap();
            let (mut journal, other) = (open(), open());
            let (mut seen, mut model, mut repeated) = (HashSet::new(), Vec::new(), 0);
            for act in &acts {
                match act {
                    Act::Append(keys) | Act::OtherWriter(keys) => {
                        let writer = if matches!(act, Act::Append(_)) { &journal } else { &other };
                        let receipt = writer.append(drafts(keys)).unwrap();
                        let before = model.len();
                        model.extend(keys.iter().filter(|key| seen.insert(**key)).map(|key| format!("k/{key}")));
                        repeated += keys.len() - (model.len() - before);
                        prop_assert_eq!(receipt.recorded, (model.len() - before) as u64);
                        prop_assert_eq!(receipt.head.0, model.len() as u64);
                    }
                    Act::Reopen => {
                        drop(journal);
                        journal = open();
                    }
                    Act::Reindex => journal.drop_projections().unwrap(),
                }
            }
            let found: Vec<String> = journal.read(&Query::default()).unwrap().into_iter().map(|r| r.key).collect();
            prop_assert_eq!(&found, &model);
            prop_assert_eq!(journal.redeliveries().unwrap(), repeated as u64);
            prop_assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().broken, None);
        }
    }

    /// Flips one bit of one column of one row, as a text of SQL.
    fn flip(column: &str, seq: u64, byte: prop::sample::Index, bit: u32, path: &Path) -> bool {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection
            .execute_batch(
                "DROP TRIGGER entries_never_change; PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON;",
            )
            .unwrap();
        let value: Value = connection
            .query_row(&format!("SELECT {column} FROM entries WHERE seq = ?1"), [seq], |row| row.get(0))
            .unwrap();
        let set = |expression: &str, value: Value| {
            let sql = format!("UPDATE entries SET {column} = {expression} WHERE seq = {seq}");
            connection.execute(&sql, [value]).unwrap();
        };
        let altered = |mut bytes: Vec<u8>| {
            let at = byte.index(bytes.len());
            bytes[at] ^= 1 << (bit % 8);
            Value::Blob(bytes)
        };
        match value {
            Value::Null | Value::Real(_) => return false,
            Value::Integer(number) => set("?1", Value::Integer(number ^ 1 << bit)),
            Value::Text(text) if text.is_empty() => return false,
            Value::Text(text) => set("CAST(?1 AS TEXT)", altered(text.into_bytes())),
            Value::Blob(bytes) if bytes.is_empty() => return false,
            Value::Blob(bytes) => set("?1", altered(bytes)),
        }
        true
    }

    #[test]
    fn verify_sees_any_flipped_bit_of_any_column() {
        let dir = folder();
        let original = journal_of(dir.path(), 12);
        let bytes = std::fs::read(original).unwrap();
        let columns =
            ["writer", "place", "at", "at_ns", "arrived", "kind", "key", "terms", "digest", "coding", "blob", "body"];
        let strategy = (0..columns.len(), 1_u64..=12, any::<prop::sample::Index>(), 0_u32..62);
        let mut runner =
            proptest::test_runner::TestRunner::new(ProptestConfig { cases: 200, ..ProptestConfig::default() });
        let copy = dir.path().join("copy.db");
        runner
            .run(&strategy, |(column, seq, byte, bit)| {
                std::fs::write(&copy, &bytes).unwrap();
                if flip(columns[column], seq, byte, bit, &copy) {
                    let broken = first_broken(&copy, None).map(|found| found.0);
                    prop_assert_eq!(broken, Some(seq), "{} of {}", columns[column], seq);
                }
                Ok(())
            })
            .unwrap();
    }
}
