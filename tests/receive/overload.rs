//! Faults 5 and 37: when a delivery cannot be taken now, each source is answered so that it comes again.

use std::io::Write as _;
use std::net::TcpStream;

use crate::scene::Scene;
use crate::support::alerting::{Alertmanager, impatient};
use crate::support::{bodies, require, wait_until};
use warroom::event::{Kind, Source};
use warroom::intake::counters::Fate;

fn alert() -> Vec<u8> {
    bodies::webhook(&[bodies::alert("Down", "cart", &[], "2026-11-22T00:46:14Z", "")])
}

fn note() -> Vec<u8> {
    bodies::change(
        "c1",
        "com.warroom.note",
        "cart",
        &serde_json::json!({"author":"a","text":"t"}),
        "2026-11-22T00:46:14Z",
    )
}

fn spans() -> Vec<u8> {
    bodies::spans("bot", &[bodies::span(&"ab".repeat(16), "00000000000000a1", "", "s", &[])])
}

#[test]
fn fault_05_a_full_disk_is_answered_so_that_the_sender_comes_again() {
    let scene = Scene::new();
    scene.journal.fill();
    for (path, body) in [("/alertmanager", alert()), ("/events", note()), ("/v1/traces", spans())] {
        let answer = scene.post(path, &body);
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.header("retry-after").is_some() && answer.text().contains("disk"), "{}", answer.text());
    }
    assert_eq!(crate::support::http::get(scene.port, "/healthz").expect("an answer").status, 503);
    scene.journal.mend();
    scene.take("/alertmanager", &alert());
    assert_eq!(crate::support::http::get(scene.port, "/healthz").expect("an answer").status, 200);
    assert_eq!(scene.records().len(), 1);
}

#[test]
fn fault_37_when_busy_alertmanager_is_answered_503_and_telemetry_429() {
    let scene = Scene::new();
    let slow: Vec<TcpStream> = (0..warroom::intake::limits::REQUESTS_IN_FLIGHT + 8)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", scene.port)).expect("the listener listens");
            write!(stream, "POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n ").expect("a head");
            stream
        })
        .collect();
    // All of them have been looked at when the last eight are turned away.
    wait_until("all places to be taken", || scene.inflow.counters.of(Source::Alertmanager, Fate::Busy) >= 8);
    for (path, body, status) in
        [("/alertmanager", alert(), 503), ("/events", note(), 503), ("/v1/traces", spans(), 429)]
    {
        let answer = scene.post(path, &body);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(answer.header("retry-after").is_some());
    }
    drop(slow);
    wait_until("a place to be free", || scene.post("/alertmanager", &alert()).status == 200);
}

#[test]
fn fault_37_the_real_alertmanager_comes_again_after_our_503_until_it_is_recorded() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    scene.journal.fill();
    let alertmanager = Alertmanager::start(&impatient(&format!("url: 'http://127.0.0.1:{}/alertmanager'", scene.port)));
    alertmanager.post_alerts(&serde_json::json!([{"labels": {"alertname": "Down", "service": "cart"}}]));
    wait_until("Alertmanager to be turned away twice", || {
        scene.inflow.counters.of(Source::Alertmanager, Fate::Unstorable) >= 2
    });
    assert!(scene.records().is_empty());
    scene.journal.mend();
    wait_until("the alert in the journal", || !scene.facts(Kind::Alert).is_empty());
}
