//! The suite on this store, and what only this store can do: files, other processes' connections, damage.

use std::path::{Path, PathBuf};

use super::*;
use crate::journal::suite::{Hands, at, note, sized, suite, suite_of_waiting};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn options(hands: &Hands) -> Options {
    Options { clock: hands.clock(), busy: Duration::from_millis(300) }
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
