//! Other processes on the same file.

use std::time::{Duration, Instant};

use warroom::event::{Seq, Time};
use warroom::journal::{Journal, JournalError, Options, Query, SqliteJournal};

use crate::child::{Role, command, note, open};
use crate::support::{PATIENCE, allowed};

#[test]
fn fault_08_a_lock_held_by_another_process_is_named_and_waited_for_with_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let options = Options { busy: Duration::from_secs(1), ..Options::default() };
    let journal = SqliteJournal::open_with(&path, Time::now(), options).unwrap();
    journal.append(vec![note("before")]).unwrap();
    let mut holder = Role::start(command(&[], "hold", &path));
    holder.next("holding").unwrap();
    let pid = holder.process.id();
    let begun = Instant::now();
    // Three at once: each is answered, none waits for the others' patience.
    std::thread::scope(|scope| {
        for i in 0..3 {
            let journal = &journal;
            scope.spawn(move || match journal.append(vec![note(&format!("during/{i}"))]).unwrap_err() {
                JournalError::Locked { holder, waited_s: 1, .. } => assert_eq!(holder, Some(pid)),
                other => panic!("{other:?}"),
            });
        }
    });
    assert!(begun.elapsed() < allowed(Duration::from_secs(4)), "{:?}", begun.elapsed());
    assert_eq!(journal.head().unwrap(), Seq(1), "reading goes on");
    holder.kill();
    assert_eq!(journal.append(vec![note("during/0")]).unwrap().recorded, 1);
}

#[test]
fn fault_13_a_backup_taken_while_writing_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path).unwrap();
    journal.append((0..500).map(|i| note(&format!("before/{i}"))).collect()).unwrap();
    let mut writer = Role::start(command(&[], "append", &path));
    writer.next("ready").unwrap();
    for round in 0..5 {
        let copy = dir.path().join(format!("copy-{round}.db"));
        let before = journal.head().unwrap();
        journal.backup(&copy).unwrap();
        let restored = open(&copy).unwrap();
        let head = restored.head().unwrap();
        assert!(head >= before, "{head} {before}");
        assert_eq!(restored.verify(None, &mut |_, _| {}).unwrap().checked, head.0);
        // A restored journal is a journal: it takes new entries and knows the old ones.
        let receipt = restored.append(vec![note("before/7"), note("after")]).unwrap();
        assert_eq!((receipt.recorded, receipt.duplicates), (1, 1));
        assert!(journal.backup(&copy).is_err(), "a copy never overwrites");
    }
    assert!(writer.kill().len() > 10, "somebody was writing");
}

#[test]
fn the_lease_of_a_killed_process_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path).unwrap();
    let held = journal.lease("engine").unwrap();
    let other = open(&path).unwrap();
    assert!(held.is_some() && other.lease("engine").unwrap().is_none());
    drop((held, journal));
    assert!(other.lease("engine").unwrap().is_some());
}

#[test]
fn entries_of_another_process_arrive_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path).unwrap();
    let mut writer = Role::start(command(&[], "append", &path));
    writer.next("ack ").unwrap();
    let begun = Instant::now();
    let head = journal.watch(Seq(0), PATIENCE).unwrap();
    assert!(head > Seq(0) && begun.elapsed() < allowed(Duration::from_secs(1)), "{head} {:?}", begun.elapsed());
    assert!(!journal.read(&Query::default()).unwrap().is_empty());
}
