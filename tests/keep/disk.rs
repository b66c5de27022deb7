//! Full, read-only and failing disks.

use std::path::Path;

use warroom::event::Time;
use warroom::journal::{Journal, JournalError, Query, SqliteJournal};

use crate::child::{Role, command, note, open};
use crate::support::require;

/// Runs a role in a mount namespace of its own with a small file system at the journal's folder.
fn on_tmpfs(role: &str, size: &str) {
    if !require("tmpfs") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size={size},mode=700 none {} && exec \"$@\"", dir.path().display());
    let mut role =
        Role::start(command(&["unshare", "--mount", "sh", "-c", &mount, "sh"], role, &dir.path().join("journal.db")));
    assert!(role.next("done").is_some(), "see the role's own message above");
    assert!(role.process.wait().unwrap().success());
}

#[test]
fn fault_05_a_full_disk_refuses_loses_nothing_and_goes_on_when_there_is_space() {
    on_tmpfs("full", "2m");
}

pub fn role_full(path: &Path) {
    let ballast = path.with_file_name("ballast");
    std::fs::write(&ballast, vec![1; 600 << 10]).unwrap();
    let journal = open(path).unwrap();
    let mut kept = 0;
    let error = loop {
        match journal.append((0..20).map(|i| note(&format!("full/{kept}/{i}/{}", "x".repeat(150)))).collect()) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, JournalError::Full { .. }), "{error:?}");
    assert!(kept > 10, "{kept}");
    // A second try is refused the same way, and reading goes on.
    let again =
        journal.append((0..200).map(|i| note(&format!("again/{i}/{}", "x".repeat(150)))).collect()).unwrap_err();
    assert!(matches!(again, JournalError::Full { .. }), "{again:?}");
    assert_eq!(journal.head().unwrap().0, kept * 20);
    assert_eq!(journal.read(&Query { limit: 5, ..Query::default() }).unwrap().len(), 5);
    assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().broken, None);
    // Space returns: the same process records again.
    std::fs::remove_file(&ballast).unwrap();
    journal.append((0..20).map(|i| note(&format!("freed/{i}"))).collect()).unwrap();
    assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().checked, kept * 20 + 20);
    drop(journal);
    let connection = rusqlite::Connection::open(path).unwrap();
    let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
}

#[test]
fn fault_06_a_read_only_disk_refuses_to_record_and_still_reads() {
    on_tmpfs("readonly", "8m");
}

pub fn role_readonly(path: &Path) {
    open(path).unwrap().append(vec![note("kept")]).unwrap();
    let folder = path.parent().unwrap();
    let remounted = std::process::Command::new("mount").args(["-o", "remount,ro"]).arg(folder).status().unwrap();
    assert!(remounted.success());
    let error = open(path).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::Unwritable { .. }), "{error:?}");
    let journal = SqliteJournal::open_read_only(path).unwrap();
    assert_eq!(journal.read(&Query::default()).unwrap()[0].key, "kept");
    assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().broken, None);
    let error = journal.append(vec![note("more")]).unwrap_err();
    assert!(matches!(error, JournalError::Unwritable { .. }), "{error:?}");
    // A folder that cannot be written is no place for a new journal either.
    let error = SqliteJournal::open(&folder.join("new.db"), Time::UNIX_EPOCH).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::Unwritable { .. }), "{error:?}");
}

/// Runs the steady role with calls failing, and returns what it acknowledged, its errors and how many there were.
fn failing(inject: &str) -> (Vec<String>, Vec<String>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    drop(open(&path).unwrap());
    let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync,fsync", "-e", inject];
    let mut command = command(&wrapper, "steady", &path);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = |word: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(word))
            .map(|line| line.trim_end_matches('.').to_owned())
            .collect()
    };
    assert!(!lines("failed ").is_empty(), "{text}");
    let journal = open(&path).unwrap();
    let acknowledged = lines("ack ");
    let records = journal.read(&Query { limit: 1000, ..Query::default() }).unwrap();
    for key in &acknowledged {
        assert!(records.iter().any(|record| record.key == *key), "{key} was acknowledged and is gone");
    }
    assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().broken, None);
    (acknowledged, lines("err "), dir)
}

#[test]
fn fault_06_a_disk_that_fails_to_write_acknowledges_nothing_more() {
    if !require("strace") {
        return;
    }
    let (acknowledged, errors, _dir) = failing("inject=pwrite64:error=EIO:when=60+");
    assert!(!acknowledged.is_empty() && acknowledged.len() < 60, "{}", acknowledged.len());
    assert!(errors.len() >= 60, "{}", errors.len());
    assert!(errors.iter().all(|error| error.contains("cannot be written")), "{errors:?}");
}

#[test]
fn fault_07_a_failed_fsync_is_treated_as_lost_and_the_next_one_works() {
    if !require("strace") {
        return;
    }
    for when in [5, 6, 20] {
        let (acknowledged, errors, _dir) = failing(&format!("inject=fdatasync,fsync:error=EIO:when={when}"));
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("nothing was recorded"), "{errors:?}");
        assert_eq!(acknowledged.len(), 60, "what failed was recorded at the second try");
    }
}
