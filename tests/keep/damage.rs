//! Damage is found and named by `warroom verify`.

use std::path::Path;

use warroom::journal::Journal;

use crate::child::{note, open};
use crate::support::house::House;

fn filled(path: &Path, entries: u64) {
    let journal = open(path).unwrap();
    journal.append((1..=entries).map(|i| note(&format!("entry/{i}"))).collect()).unwrap();
}

fn tamper(path: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch("DROP TRIGGER entries_never_change; DROP TRIGGER entries_never_go;").unwrap();
    connection.execute_batch(sql).unwrap();
}

/// `warroom verify --json` with its exit code.
fn verify(house: &House, more: &[&str]) -> (Option<i32>, serde_json::Value) {
    let output = house.run(&[&["verify", "--json"], more].concat());
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (output.status.code(), said)
}

#[test]
fn fault_10_verify_names_the_first_bad_entry() {
    for (sql, seq) in [
        ("UPDATE entries SET key = 'entry/X' WHERE seq = 17", 17),
        (
            "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'child', 'chold') AS BLOB) WHERE seq IN (12, 30)",
            12,
        ),
        ("DELETE FROM entries WHERE seq = 40", 40),
        (
            "UPDATE entries SET seq = 0 WHERE seq = 21; UPDATE entries SET seq = 21 WHERE seq = 22; UPDATE entries SET seq = 22 WHERE seq = 0",
            21,
        ),
        ("DELETE FROM entries WHERE seq > 45", 46),
    ] {
        let house = House::new();
        filled(&house.journal(), 50);
        let (code, said) = verify(&house, &[]);
        assert_eq!((code, &said["whole"], &said["checked"]), (Some(0), &true.into(), &50.into()), "{said}");
        tamper(&house.journal(), sql);
        let (code, said) = verify(&house, &[]);
        assert_eq!((code, &said["broken"]["seq"]), (Some(1), &seq.into()), "{sql}: {said}");
        let output = house.run(&["verify"]);
        assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("broken at entry {seq}")), "{output:?}");
    }
}

#[test]
fn fault_10_a_journal_put_back_to_yesterday_is_caught_by_an_exported_checkpoint() {
    let house = House::new();
    filled(&house.journal(), 20);
    let yesterday = std::fs::read(house.journal()).unwrap();
    open(&house.journal()).unwrap().append(vec![note("today")]).unwrap();
    let checkpoint = house.path().join("checkpoint.json");
    let checkpoint = checkpoint.to_str().unwrap();
    let output = house.run(&["export", "--checkpoint", checkpoint]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(verify(&house, &["--checkpoint", checkpoint]).0, Some(0));
    std::fs::write(house.journal(), yesterday).unwrap();
    assert_eq!(verify(&house, &[]).0, Some(0), "by itself it is whole");
    let (code, said) = verify(&house, &["--checkpoint", checkpoint]);
    assert_eq!((code, &said["broken"]["seq"]), (Some(1), &21.into()), "{said}");
}

/// Any byte of the file itself: what is shown afterwards is what was recorded, or an error; never something else.
#[test]
fn fault_10_a_flipped_byte_of_the_file_is_never_read_as_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    filled(&path, 60);
    let clean = std::fs::read(&path).unwrap();
    let whole: Vec<Vec<u8>> = bodies(&path).expect("the untouched file reads");
    let mut found = 0;
    for at in (0..clean.len()).step_by(211) {
        let mut bytes = clean.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&path, &bytes).unwrap();
        let journal = warroom::journal::SqliteJournal::open_read_only(&path);
        let verdict = journal.and_then(|journal| journal.verify(None, &mut |_, _| {}));
        if !matches!(verdict, Ok(verdict) if verdict.broken.is_none()) {
            found += 1;
        } else if let Some(read) = bodies(&path) {
            assert_eq!(read, whole, "byte {at} was flipped, the chain holds, and something else is read");
        }
    }
    assert!(found > 10, "{found}");
}

fn bodies(path: &Path) -> Option<Vec<Vec<u8>>> {
    let journal = warroom::journal::SqliteJournal::open_read_only(path).ok()?;
    let records = journal.read(&warroom::journal::Query::default()).ok()?;
    Some(records.into_iter().map(|record| record.body).collect())
}

#[test]
fn verify_of_what_is_not_there_or_no_journal_is_2() {
    let house = House::new();
    let output = house.run(&["verify"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = house.path().join("text");
    std::fs::write(&text, "hello").unwrap();
    let output = house.run(&["verify", "--journal", text.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn an_export_has_every_entry_on_a_line_of_its_own() {
    let house = House::new();
    filled(&house.journal(), 50);
    let text = house.stdout(&["export", "--out", "-"]);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 50);
    assert!(lines.iter().zip(1_u64..).all(|(line, seq)| line["seq"] == seq && line["body"]["author"] == "child"));
    assert_eq!(house.run(&["export"]).status.code(), Some(64), "nothing to export is named");
}
