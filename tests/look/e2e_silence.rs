//! The one write: a silence proposed at the console, approved by key, sent once to a real Alertmanager and read back.

use std::time::Duration;

use serde_json::json;

use crate::e2e_delivery::recorded;
use crate::support::alerting::{Alertmanager, impatient};
use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{require, wait_until};

#[test]
fn a_silence_approved_by_key_is_in_alertmanager_once_and_on_record_from_intent_to_outcome() {
    if !require("alertmanager") {
        return;
    }
    let house = House::new();
    let url = format!("http://127.0.0.1:{}/alertmanager", house.port);
    let alertmanager = Alertmanager::start(&impatient(&format!("url: '{url}'")));
    house.configure(&format!("[alertmanager]\nurl = \"http://127.0.0.1:{}\"\nevery_seconds = 2\n", alertmanager.port));
    let session = Session::warroom(&house, &["--listen", &house.listen()], 100, 40);
    session.wait_until("the first frame", |screen| screen.contents().trim().len() > 40);
    alertmanager.post_alerts(&json!([
        {"labels": {"alertname": "QueueFull", "service": "mail", "pod": "mail-1"}},
        {"labels": {"alertname": "QueueFull", "service": "mail", "pod": "mail-2"}},
    ]));
    wait_until("both alerts on record", || recorded(&house, "firing").len() == 2);
    session.wait_for("QueueFull");

    session.press("2s");
    session.wait_for("1 wait for a person");
    session.press("<enter>");
    session.wait_for("y runs exactly this once");
    let asked = session.text();
    for shown in ["POST http://127.0.0.1:", "/api/v2/silences", "\"QueueFull\"", "2 targets", "To undo it"] {
        assert!(asked.contains(shown), "the dialog does not show `{shown}`:\n{asked}");
    }
    // What is typed ahead of the reading, and what is pasted, approves nothing.
    session.paste("y\n");
    session.settle(Duration::from_millis(900));
    assert!(house.entries().iter().all(|entry| entry.kind != "approved"));
    assert!(!alertmanager.amtool(&["silence", "query"]).contains("QueueFull"));

    session.press("y");
    wait_until("the outcome on record", || house.entries().iter().any(|entry| entry.kind == "finished"));
    let entries = house.entries();
    for step in ["proposed", "approved", "started", "finished"] {
        assert_eq!(entries.iter().filter(|entry| entry.kind == step).count(), 1, "{step}");
    }
    let finished = entries.iter().find(|entry| entry.kind == "finished").expect("just seen");
    assert_eq!(finished.body["outcome"]["outcome"], "done", "{}", finished.body);
    // Read back with Alertmanager's own tool: one silence, the one on record, and the alerts are silenced.
    let silences = alertmanager.amtool(&["silence", "query", "-q"]);
    let silences: Vec<&str> = silences.split_whitespace().collect();
    assert_eq!(silences.len(), 1, "{silences:?}");
    let receipt = finished.body["outcome"]["receipt"].as_str().unwrap_or_default();
    assert!(receipt.contains(silences[0]), "{receipt} names not {silences:?}");
    wait_until("Alertmanager to suppress both", || {
        alertmanager.alerts().iter().filter(|alert| alert["status"]["state"] == "suppressed").count() == 2
    });
    assert!(house.run(&["verify"]).status.success());
}
