//! A real Alertmanager delivers: what we could not store it sends again, what it left out we fetch.

use rusqlite::Connection;
use serde_json::json;

use crate::support::alerting::{Alertmanager, impatient};
use crate::support::house::{Entry, House};
use crate::support::{require, wait_until};

/// The fingerprints of alerts that are recorded with this status.
pub fn recorded(house: &House, status: &str) -> Vec<String> {
    let mut fingerprints: Vec<String> = alerts(house)
        .into_iter()
        .filter(|entry| entry.body["status"] == status)
        .filter_map(|entry| entry.body["fingerprint"].as_str().map(str::to_owned))
        .collect();
    fingerprints.sort();
    fingerprints.dedup();
    fingerprints
}

fn alerts(house: &House) -> Vec<Entry> {
    house.entries().into_iter().filter(|entry| entry.kind == "alert").collect()
}

/// Five alerts of one name, as Alertmanager's API takes them.
fn five() -> serde_json::Value {
    (1..=5)
        .map(|pod| json!({"labels": {"alertname": "QueueFull", "service": "mail", "pod": format!("mail-{pod}")}}))
        .collect()
}

#[test]
fn fault_37_what_was_answered_503_comes_again_and_is_recorded_once() {
    if !require("alertmanager") {
        return;
    }
    let house = House::new();
    let server = house.serve();
    // Another process holds the journal: nothing can be recorded, so nothing may be acknowledged.
    let holder = Connection::open(house.journal()).expect("the journal is a SQLite file");
    holder.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes now");

    let alertmanager = Alertmanager::start(&impatient(&format!("url: '{}'", server.url("/alertmanager"))));
    alertmanager.post_alerts(&five());
    wait_until("Alertmanager to be answered 503 and to try again", || {
        let log = alertmanager.log();
        log.contains("will retry") && log.contains("503")
    });
    assert_eq!(recorded(&house, "firing").len(), 0);

    holder.execute_batch("COMMIT").expect("our own transaction");
    wait_until("the alerts in the journal", || recorded(&house, "firing").len() == 5);
    // Alertmanager repeats every few seconds; that is counted and no news.
    wait_until("a repeated delivery to be counted", || house.redeliveries() >= 5);
    assert_eq!(alerts(&house).len(), 5);
}

#[test]
fn fault_31_what_was_left_out_of_a_delivery_is_fetched() {
    if !require("alertmanager") {
        return;
    }
    let house = House::new();
    let mut alertmanager = Alertmanager::start(&impatient("url: 'http://127.0.0.1:1/'"));
    house.configure(&format!("[alertmanager]\nurl = \"http://127.0.0.1:{}\"\nevery_seconds = 2\n", alertmanager.port));
    let server = house.serve();
    alertmanager.restart(&impatient(&format!("url: '{}', max_alerts: 2", server.url("/alertmanager"))));
    alertmanager.post_alerts(&five());
    wait_until("the note that three were left out", || {
        house.entries().iter().any(|entry| entry.kind == "truncated" && entry.body["alerts"] == 3)
    });
    wait_until("all five alerts in the journal", || recorded(&house, "firing").len() == 5);
}
