//! Every form an event may have arrives over HTTP.

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::support::{bodies, http};
use warroom::event::Kind;

#[test]
fn structured_binary_batch_and_bare_events_are_recorded_once_each() {
    let scene = Scene::new();
    let at = "2026-11-22T00:46:14Z";
    let flag = json!({"flag":"f","service":"cart","before":"off","after":"on"});
    let structured = bodies::change("c1", "dev.cdeventsx.flag.changed", "cart", &flag, at);
    let send = |content: &str, body: &[u8]| http::post(scene.port, "/events", content, body).expect("an answer");
    assert_eq!(send("application/cloudevents+json; charset=utf-8", &structured).json()["recorded"], 1);
    let twin = bodies::change("c2", "dev.cdeventsx.flag.changed", "cart", &flag, at);
    let batch = format!("[{},{}]", String::from_utf8_lossy(&structured), String::from_utf8_lossy(&twin));
    let answer = send("application/cloudevents-batch+json", batch.as_bytes()).json();
    assert_eq!((&answer["recorded"], &answer["repeated"]), (&json!(1), &json!(1)));
    let headers = [
        ("Content-Type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "c3"),
        ("ce-source", "/tests"),
        ("ce-type", "dev.cdeventsx.flag.changed"),
        ("ce-subject", "caf%C3%A9"),
    ];
    assert_eq!(scene.send("/events", &headers, flag.to_string().as_bytes()).status, 200);
    let bare = json!({"context":{"specversion":"0.5.1","id":"c4","source":"/cd","type":"dev.cdevents.service.deployed.0.3.0","timestamp":at},
        "subject":{"id":"cart","content":{"artifactId":"pkg:oci/cart@sha256:aa"}}});
    assert_eq!(send("application/json", bare.to_string().as_bytes()).status, 200);
    assert_eq!(send("text/xml", b"<a/>").status, 415);
    let changes = scene.facts(Kind::Change);
    assert_eq!(changes.len(), 4);
    let subjects: Vec<Value> =
        changes.iter().map(|fact| serde_json::to_value(fact).expect("JSON")["body"]["subject"].clone()).collect();
    assert_eq!(subjects, [json!("cart"), json!("cart"), json!("café"), json!("cart")]);
}

#[test]
fn a_wrong_path_or_method_is_told_what_is_right() {
    let scene = Scene::new();
    let lost = http::post(scene.port, "/api/v1/alerts", "application/json", b"{}").expect("an answer");
    assert_eq!(lost.status, 404);
    assert!(lost.text().contains("/alertmanager"));
    let got = http::get(scene.port, "/alertmanager").expect("an answer");
    assert_eq!((got.status, got.header("allow")), (405, Some("POST")));
}
