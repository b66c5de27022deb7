//! The bundled incident, from the first page to the accuracy record, by keys alone on the real program.

use std::time::Duration;

use crate::support::house::House;
use crate::support::pty::Session;

/// The whole of it in some seconds instead of in one minute.
const SPEED: &str = "300";

pub fn play(house: &House, incident: &[&str], columns: u16, rows: u16) -> Session {
    let mut arguments = vec!["demo"];
    arguments.extend_from_slice(incident);
    arguments.extend_from_slice(&["--speed", SPEED, "--keep"]);
    let session = Session::warroom(house, &arguments, columns, rows);
    session.wait_for("INC-1");
    session
}

/// The demo's journal, which `--keep` left.
pub fn kept(house: &House) -> String {
    let folder = house.journal().parent().expect("a state folder").to_owned();
    let files = std::fs::read_dir(folder).expect("the state folder is there").filter_map(Result::ok);
    // Beside it lie what SQLite and the program keep with it; the journal itself is the one that ends in `.db`.
    let mut demos = files.map(|file| file.path()).filter(|path| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        stem.starts_with("demo-") && path.extension().is_some_and(|ending| ending == "db")
    });
    demos.next().expect("the demo's journal was kept").to_string_lossy().into_owned()
}

fn row_says(session: &Session, row: u16, text: &str) {
    session.wait_until(&format!("`{text}` in row {row}"), |screen| {
        let (_, columns) = screen.size();
        screen.rows(0, columns.get()).nth(usize::from(row)).is_some_and(|row| row.contains(text))
    });
}

/// Presses `key` until the screen is as wanted: other entries may stand between.
fn until(session: &Session, key: &str, mut holds: impl FnMut(&str) -> bool) {
    for _ in 0..40 {
        session.press(key);
        session.wait_gone("WINDING");
        session.settle(Duration::from_millis(200));
        if holds(&session.text()) {
            return;
        }
    }
    panic!("{key} did not lead there:\n{}", session.text());
}

#[test]
fn the_assistants_incident_is_followed_from_the_page_to_the_accuracy_record_by_keys() {
    let house = House::new();
    let mut session = play(&house, &[], 160, 50);
    // It is labelled on every screen, is nobody's, and its many alerts are one incident with a prompt in front.
    row_says(&session, 0, "demo");
    row_says(&session, 0, "UNOWNED");
    session.wait_for("A prompt support-assistant");
    session.wait_for("refund_policy 41 → 42");
    session.wait_for("JudgeScoreLow");
    session.wait_for("none of these");
    session.wait_for("weaker");
    // A colleague's note is the last of the recording: what follows is decided on the whole of it.
    session.wait_for("support-lead");

    // The edit, word by word.
    session.press("d");
    session.wait_for("What is different");
    session.wait_for("5 words out, 5 in");
    session.wait_for("reassure them about");
    row_says(&session, 0, "demo");
    session.press("<esc>");
    session.wait_gone("What is different");

    // The worst run: its steps over time, then what was said.
    session.press("6<enter>");
    session.wait_for("Steps over time");
    session.wait_for("check_refund");
    session.press("t");
    session.wait_for("Turn by turn");
    session.press("<esc>");
    session.wait_gone("Turn by turn");

    // The rival is refused, the prompt accepted, both with a reason.
    session.press("4l");
    session.press("r");
    session.wait_for("Reject hypothesis 2 of INC-1");
    session.press("the mix moved after it<enter>");
    session.wait_for("rejected");
    session.wait_gone("Reject hypothesis 2");
    // Back to the leading one, wherever the rival stands by now: ranks go on changing, and the cursor stays on its cause.
    session.press("gg");
    session.settle(Duration::from_millis(200));
    session.press("a");
    session.wait_for("Accept hypothesis 1 of INC-1");
    session.press("five words<enter>");
    session.wait_for("accepted hypothesis 1");

    session.press("n");
    session.wait_for("Note on");
    session.press("rolled back to 41<c-s>");
    session.wait_for("note recorded");

    // Back to before the note, forward again, and to now.
    until(&session, "[", |screen| !screen.contains("rolled back to 41"));
    row_says(&session, 0, "AS OF");
    until(&session, "]", |screen| screen.contains("rolled back to 41"));
    session.press("L");
    row_says(&session, 0, "LIVE");

    session.press("E");
    session.wait_for("Declare INC-1 over?");
    session.press("y");
    row_says(&session, 0, "resolved");
    session.press("9");
    session.wait_for("0 confirmed causes");
    session.press("C");
    session.wait_for("What was the cause of INC-1?");
    session.press("<enter>");
    session.wait_for("1 confirmed cause");
    session.wait_for("right in 1 of 1");
    session.press("q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);

    // What the screen said is what the record says.
    let journal = kept(&house);
    let accuracy = house.stdout(&["--journal", &journal, "accuracy", "--json"]);
    assert!(accuracy.contains("\"confirmed\":1") || accuracy.contains("\"confirmed\": 1"), "{accuracy}");
    assert!(house.run(&["--journal", &journal, "verify"]).status.success());
}

#[test]
fn the_shops_incident_shows_its_change_and_diff_on_a_small_screen() {
    let house = House::new();
    let mut session = play(&house, &["infra"], 80, 24);
    row_says(&session, 0, "demo");
    session.wait_for("A config payments");
    session.press("d");
    session.wait_for("max_connections");
    session.press("<esc>");
    session.wait_gone("What is different");
    session.press("2");
    session.wait_for("why here");
    session.press("5");
    session.wait_for("payments");
    // Nothing is taken from outside, and the pane of the sources names no address that nobody listens at.
    session.press("0");
    session.wait_for("Sources");
    session.wait_for("bundle");
    assert!(!session.text().contains("http://"), "{}", session.text());
    session.press("q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);
}
