//! Formats of other versions.

use warroom::event::Seq;
use warroom::journal::{Journal, JournalError, Query, SqliteJournal};

use crate::child::{note, open};

fn pretend_newer(path: &std::path::Path) {
    rusqlite::Connection::open(path).unwrap().execute_batch("PRAGMA user_version=999").unwrap();
}

#[test]
fn fault_09_a_newer_format_is_not_written_and_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    open(&path).unwrap().append(vec![note("kept")]).unwrap();
    pretend_newer(&path);
    let before = std::fs::read(&path).unwrap();
    let error = open(&path).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 999, .. }), "{error:?}");
    assert!(error.to_string().contains("read-only"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before, "not a byte was changed");
    let journal = SqliteJournal::open_read_only(&path).unwrap();
    assert_eq!(journal.read(&Query::default()).unwrap()[0].key, "kept");
    assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().broken, None);
}

#[test]
fn fault_74_a_running_process_stops_writing_when_another_upgrades_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path).unwrap();
    journal.append(vec![note("before")]).unwrap();
    let known = rusqlite::Connection::open(&path).unwrap();
    let format: u32 = known.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    pretend_newer(&path);
    let error = journal.append(vec![note("after")]).unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 999, .. }), "{error:?}");
    assert_eq!(journal.head().unwrap(), Seq(1), "nothing was written, reading goes on");
    // Put back to our format, it goes on by itself.
    known.execute_batch(&format!("PRAGMA user_version={format}")).unwrap();
    assert_eq!(journal.append(vec![note("after")]).unwrap().recorded, 1);
}
