//! The output reader and the triage walk on the bundled incident, by keys alone on the real program, and what of them is on record.

use std::time::Duration;

use crate::demo::{kept, play};
use crate::support::house::{House, entries_of};
use crate::support::pty::Session;

/// Bodies of one kind in a journal.
fn bodies(journal: &str, kind: &str) -> Vec<serde_json::Value> {
    let entries = entries_of(std::path::Path::new(journal));
    entries.into_iter().filter(|entry| entry.kind == kind).map(|entry| entry.body).collect()
}

/// Waits until output `nth` can be read: only what was on the screen can be judged.
fn on_screen(session: &Session, nth: usize) {
    session.wait_for(&format!("Read outputs of INC-1: {nth} of"));
    session.wait_for("What the agent said last");
    session.settle(Duration::from_millis(300));
}

#[test]
fn outputs_are_read_blind_and_the_walk_is_on_record_and_in_the_timeline() {
    let house = House::new();
    let mut session = play(&house, &[], 120, 40);
    // The last of the recording: what is drawn then stays.
    session.wait_for("support-lead");

    session.press("o");
    on_screen(&session, 1);
    session.press("b");
    on_screen(&session, 2);
    assert!(!session.text().contains("bad of"), "{}", session.text());
    session.press("g");
    on_screen(&session, 3);
    session.press("<bs>");
    on_screen(&session, 2);
    session.press("u");
    on_screen(&session, 3);
    session.press("<esc>");
    session.wait_for("This sitting: 0 good, 1 bad, 1 unsure, 0 skipped.");
    session.wait_for("1 cannot be told");
    session.press("<esc>");
    session.wait_gone("What was read for INC-1");

    session.press("t");
    session.wait_for("Triage of INC-1");
    // What the runs show is answered already, and says so.
    session.wait_for("says the evidence");
    // Every branch has an end within three questions; the first answer of each leads to one.
    for _ in 0..20 {
        if session.text().contains("every question is answered") {
            break;
        }
        let before = session.text();
        session.press("1");
        session.wait_until("the answer moves the walk", |screen| screen.contents() != before);
        session.settle(Duration::from_millis(900));
    }
    session.wait_for("every question is answered");
    session.wait_for("eft standing");
    session.press("<enter>");
    session.wait_gone("Triage of INC-1");
    session.press("3zG");
    session.wait_for("— yes");
    session.press("q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);

    let journal = kept(&house);
    let read = bodies(&journal, "output_read");
    let labels: Vec<&str> = read.iter().filter_map(|body| body["label"].as_str()).collect();
    assert_eq!(labels, ["bad", "good", "skip", "unsure"]);
    assert_eq!(read[1]["trace"], read[2]["trace"]);
    let answered = bodies(&journal, "triage_answered");
    assert!(
        !answered.is_empty()
            && answered.iter().all(|body| body["asked"].as_str().is_some_and(|asked| asked.ends_with('?')))
    );
    assert!(house.run(&["--journal", &journal, "verify"]).status.success());
}
