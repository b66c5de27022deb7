//! A reading step that takes long: what it says grows on the screen, a key stops it, and the record says so.

use std::time::Duration;

use crate::support::bodies::{ago, alert, webhook};
use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{http, wait_until};

/// It asks for a word, so it never runs on its own.
const BOOK: &str = "---\ntitle: The disk is full\nmatches:\n  alerts: [Full]\ninputs:\n  word: { about: what to count with }\n---\n\n\
    ## Count\n\n```sh {name=count mode=read shell=true timeout=9m}\ni=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo \"{{word}} $i\"; \
    sleep 0.2; done\n```\n";

#[test]
fn a_long_step_is_watched_as_it_runs_and_stopped_by_one_key() {
    let house = House::new();
    let books = house.path().join("runbooks");
    std::fs::create_dir_all(&books).expect("a folder");
    std::fs::write(books.join("disk.md"), BOOK).expect("a file");
    house.configure(&format!("[runbooks]\ndir = [\"{}\"]\n", books.display()));
    let mut session = Session::warroom(&house, &["--listen", &house.listen()], 110, 32);
    session.wait_until("the first frame", |screen| screen.contents().trim().len() > 40);
    let body = webhook(&[alert("Full", "db", &[], &ago(60), "")]);
    wait_until("the delivery to be taken", || {
        http::post(house.port, "/alertmanager", "application/json", &body).is_ok_and(|answer| answer.status == 200)
    });
    session.wait_for("Full");
    session.press("b");
    session.wait_for("The disk is full");
    session.wait_for("asks for 1 value");
    session.press("<enter>");
    session.wait_for("What the incident does not know");
    session.type_keys("sheep");
    session.press("<enter>");
    // It grows while it runs, with the time, and says how to stop it.
    session.wait_for("sheep 2");
    session.wait_for("count: runs,");
    session.wait_for("x stops it");
    session.wait_for("sheep 12");
    assert!(house.entries().iter().all(|entry| entry.kind != "step_read"), "it has not ended");
    // The console is no less alive.
    session.press("?");
    session.wait_for("stop what runs here");
    session.press("<esc>");
    session.press("x");
    session.wait_for("a person, who stopped it");
    wait_until("the entry", || house.entries().iter().any(|entry| entry.kind == "step_read"));
    let entries = house.entries();
    let read = &entries.iter().find(|entry| entry.kind == "step_read").expect("just seen").body;
    assert_eq!(read["ended"]["end"], "limit", "{read}");
    assert_eq!(read["ended"]["which"], "a person, who stopped it", "{read}");
    assert!(read["output"].as_str().expect("text").starts_with("sheep 1\nsheep 2\n"), "{read}");
    session.press("<esc>");
    session.wait_for("Runbooks for INC-1");
    session.press("<esc>");
    session.press("q");
    assert_eq!(session.wait_exit(Duration::from_secs(60)), 0);
}
