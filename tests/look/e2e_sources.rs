//! What sources do oddly, as the screen shows it: one that fell silent, and runs whose spans make no tree.

use std::time::Duration;

use serde_json::Value;
use warroom::event::{Source, Time};
use warroom::intake::heard::{self, LastHeard};
use warroom::journal::SqliteJournal;

use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{bodies, http, wait_until};

#[test]
fn fault_40_a_source_that_fell_silent_is_said_to_have_sent_no_signal_since_when() {
    let house = House::new();
    // As another process left it: Alertmanager was heard twenty minutes ago, and not since.
    let folder = house.journal().parent().expect("a folder").to_owned();
    std::fs::create_dir_all(&folder).expect("our own folder");
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&folder, permissions).expect("our own folder");
    let last = Time::now() - Duration::from_secs(20 * 60);
    let journal = SqliteJournal::open(&house.journal(), Time::now()).expect("a journal");
    heard::save(&journal, vec![LastHeard { source: Source::Alertmanager, last, accepted: 3, shown: None }])
        .expect("saved");
    drop(journal);
    house.configure("silent_after_minutes = 10\n");
    let session = Session::warroom(&house, &["--listen", &house.listen()], 160, 50);
    let since = last.to_zoned(jiff::tz::TimeZone::UTC).strftime("NO SIGNAL since %H:%M").to_string();
    session.wait_for(&since);
    // A source that speaks again is silent no more.
    wait_until("the listener", || http::get(house.port, "/healthz").is_ok());
    let alert = bodies::alert("HighErrorRate", "checkout", &[], &bodies::ago(5), "");
    let answer = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(&[alert]));
    assert_eq!(answer.expect("the listener answers").status, 200);
    session.wait_gone("NO SIGNAL since");
}

#[test]
fn fault_36_spans_that_make_no_tree_are_all_drawn_once() {
    let house = House::new();
    let mut session = Session::warroom(&house, &["--listen", &house.listen()], 160, 50);
    wait_until("the listener", || http::get(house.port, "/healthz").is_ok());
    let trace = "ab".repeat(16);
    let agent = [("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "bot")];
    let span = |id: &str, parent: &str, name: &str| -> Value { bodies::span(&trace, id, parent, name, &[]) };
    let spans = [
        bodies::span(&trace, "00000000000000a0", "", "the-root", &agent),
        // Each the other's parent.
        span("00000000000000a1", "00000000000000a2", "circle-one"),
        span("00000000000000a2", "00000000000000a1", "circle-two"),
        span("00000000000000a3", "00000000000000a3", "own-parent"),
        span("00000000000000a4", "00000000000000ff", "lost-parent"),
        span("00000000000000a5", "00000000000000a0", "twice-first"),
        span("00000000000000a5", "00000000000000a1", "twice-second"),
    ];
    let answer = http::post(house.port, "/v1/traces", "application/json", &bodies::spans("bot", &spans));
    assert_eq!(answer.expect("the listener answers").status, 200);
    let alert = bodies::alert("BotFails", "bot", &[("severity", "page")], &bodies::ago(5), "");
    let answer = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(&[alert]));
    assert_eq!(answer.expect("the listener answers").status, 200);
    session.wait_for("INC-1");
    session.press("6");
    session.wait_for("▶6 Runs");
    session.wait_until("a run in the pane", |screen| screen.contents().contains("bot"));
    session.press("<enter>");
    session.wait_for("waterfall");
    session.wait_for("agent bot");
    let drawn = session.text();
    for name in ["agent bot", "circle-one", "circle-two", "own-parent", "lost-parent"] {
        assert_eq!(drawn.matches(name).count(), 1, "{name}:\n{drawn}");
    }
    // Two contents under one id: at least one is shown, neither more than once.
    let twice: Vec<_> = ["twice-first", "twice-second"].map(|name| drawn.matches(name).count()).into();
    assert!(twice.iter().sum::<usize>() >= 1 && twice.iter().all(|count| *count <= 1), "{twice:?}\n{drawn}");
    for keys in ["t", "t", "<pgdn>", "t", "<esc>"] {
        session.press(keys);
        session.settle(Duration::from_millis(150));
        assert!(session.alive());
    }
}
