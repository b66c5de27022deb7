use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::{Alert, AlertStatus, Change, ChangeClass, Kind, Note, Notice, Source, Surface};

fn arrival() -> Arrival {
    Arrival::now("2026-11-22T00:50:00Z".parse().unwrap(), Source::CloudEvents)
}

fn event(class: &str, data: &Value) -> Value {
    json!({"specversion":"1.0","type":class,"source":"ci/main","id":"e-1","time":"2026-11-22T00:40:00Z","data":data})
}

fn change(class: &str, data: &Value) -> Change {
    let drafts = structured(event(class, data).to_string().as_bytes(), &arrival()).unwrap();
    assert_eq!((drafts.len(), drafts[0].kind), (1, Kind::Change));
    assert_eq!(drafts[0].key, "ce/ci%2Fmain/e-1");
    assert_eq!(drafts[0].terms, ["change:e-1"]);
    serde_json::from_slice(&drafts[0].body).unwrap()
}

fn label(side: Option<&crate::event::Side>) -> &str {
    side.unwrap().label.as_ref().unwrap().raw()
}

fn text(side: Option<&crate::event::Side>) -> &str {
    side.unwrap().text.as_ref().unwrap().raw()
}

#[test]
fn every_change_of_a_bundle_is_understood() {
    let it = change(
        "dev.cdevents.change.merged",
        &json!({"sha":"ab","author":"mei","message":"\nfix: cart\n\nlong","files":["a.go"],"diff":"@@"}),
    );
    assert_eq!(
        (it.class, it.surface, it.summary.raw(), it.files.len()),
        (ChangeClass::Merge, Surface::Code, "fix: cart", 1)
    );
    assert_eq!((it.actor.unwrap().raw(), it.sha.unwrap().raw(), it.diff.unwrap().raw()), ("mei", "ab", "@@"));

    let it = change("dev.cdevents.service.deployed", &json!({"service":"cart","version":"1.9","sha":"ab"}));
    assert_eq!((it.class, it.subject.unwrap().raw(), label(it.after.as_ref())), (ChangeClass::Deploy, "cart", "1.9"));

    let it = change("dev.cdevents.service.rolledback", &json!({"service":"cart","version":"1.8"}));
    assert_eq!(it.class, ChangeClass::Rollback);

    let it = change(
        "dev.cdeventsx.flag.changed",
        &json!({"flag":"f","service":"cart","before":false,"after":true,"actor":"amir"}),
    );
    assert_eq!((it.class, it.summary.raw(), it.subject.unwrap().raw()), (ChangeClass::Flag, "f", "cart"));
    assert_eq!((label(it.before.as_ref()), label(it.after.as_ref())), ("false", "true"));

    let it =
        change("dev.cdeventsx.config.changed", &json!({"service":"cart","key":"pool","before":10,"after":{"max":5}}));
    assert_eq!(
        (it.class, label(it.before.as_ref()), label(it.after.as_ref())),
        (ChangeClass::Config, "10", "{\"max\":5}")
    );

    let it = change(
        "dev.cdeventsx.prompt.changed",
        &json!({"name":"refunds","version_before":"41","version":"42","before":"a","after":"b","actor":"mei"}),
    );
    assert_eq!((it.surface, label(it.after.as_ref()), text(it.before.as_ref())), (Surface::Prompt, "42", "a"));

    let it = change(
        "dev.cdeventsx.model.changed",
        &json!({"alias":"chat","before":"m-1","after":"m-2","parameters":{"temperature":0.2}}),
    );
    assert_eq!(
        (it.surface, label(it.before.as_ref()), text(it.after.as_ref())),
        (Surface::Model, "m-1", "{\"temperature\":0.2}")
    );

    let it = change(
        "dev.cdeventsx.index.changed",
        &json!({"index":"kb","before":"0411","after":"0412","documents_before":9,"documents":4,"embedding_model":"e"}),
    );
    assert_eq!((it.surface, text(it.after.as_ref())), (Surface::Retrieval, "documents: 4\nembedding model: e\n"));

    let it = change("dev.cdeventsx.tool.changed", &json!({"tool":"refund","schema_before":{"a":1},"schema":{"b":1}}));
    assert_eq!((it.surface, text(it.before.as_ref())), (Surface::Tool, "{\"a\":1}"));

    let it = change(
        "dev.cdeventsx.judge.changed",
        &json!({"judge":"faith","model_before":"j1","model":"j2","threshold":0.8}),
    );
    assert_eq!((it.surface, text(it.after.as_ref())), (Surface::Judge, "model: j2\nthreshold: 0.8\n"));

    let it = change("dev.cdeventsx.routing.changed", &json!({"route":"eu","before":"90/10","after":"50/50"}));
    assert_eq!((it.surface, it.summary.raw(), label(it.after.as_ref())), (Surface::Traffic, "eu", "50/50"));
}

#[test]
fn the_standard_shape_means_the_same_with_or_without_envelope() {
    let document = json!({"context":{"specversion":"0.5.1","id":"c-1","source":"/cd","type":"dev.cdevents.service.deployed.0.3.0",
        "timestamp":"2026-11-22T00:41:00Z","schemaUri":"http://169.254.169.254/"},
        "subject":{"id":"cart","source":"/k8s","content":{"environment":{"id":"prod"},"artifactId":"pkg:oci/cart@sha256:aa"}},
        "customData":{"sha":"abc","actor":"mei"}});
    let bare = structured(document.to_string().as_bytes(), &arrival()).unwrap();
    assert_eq!(bare[0].key, "ce/%2Fcd/c-1");
    let it: Change = serde_json::from_slice(&bare[0].body).unwrap();
    assert_eq!(
        (it.class, it.subject.unwrap().raw(), label(it.after.as_ref())),
        (ChangeClass::Deploy, "cart", "pkg:oci/cart@sha256:aa")
    );
    assert_eq!((it.sha.unwrap().raw(), it.time.to_string().as_str()), ("abc", "2026-11-22T00:41:00Z"));
    let wrapped = change("dev.cdevents.service.deployed.0.3.0", &document);
    assert_eq!(wrapped.subject.unwrap().raw(), "cart");
    let own = change(
        "dev.cdeventsx.acme-prompt.modified.1.0.0",
        &json!({"context":{},"subject":{"id":"acme-refunds"},"customData":{"before":"x","after":"y"}}),
    );
    assert_eq!(
        (own.class, own.subject.unwrap().raw(), text(own.after.as_ref())),
        (ChangeClass::Prompt, "acme-refunds", "y")
    );
}

#[test]
fn incidents_are_alerts_tickets_are_notes_and_builds_are_nothing() {
    let make = |class: &str| {
        let data =
            json!({"context":{},"subject":{"id":"i-7","content":{"description":"slow","service":{"id":"cart"}}}});
        structured(event(class, &data).to_string().as_bytes(), &arrival()).unwrap()
    };
    let fired: Alert = serde_json::from_slice(&make("dev.cdevents.incident.detected.0.3.0")[0].body).unwrap();
    let ended: Alert = serde_json::from_slice(&make("dev.cdevents.incident.resolved.0.3.0")[0].body).unwrap();
    assert_eq!(
        (fired.status, fired.service().unwrap().raw(), fired.name().raw()),
        (AlertStatus::Firing, "cart", "slow")
    );
    assert_eq!((ended.status, &ended.fingerprint), (AlertStatus::Resolved, &fired.fingerprint));
    assert_eq!(make("dev.cdevents.ticket.created.0.2.0")[0].kind, Kind::Noted);
    assert!(make("dev.cdevents.build.finished.0.2.0").is_empty());
}

#[test]
fn notices_notes_and_the_generic_alert() {
    let take = |class: &str, data: Value| structured(event(class, &data).to_string().as_bytes(), &arrival()).unwrap();
    let notice =
        take("com.warroom.status.notice", json!({"provider":"pay","component":"api","status":"degraded","text":"t"}));
    let notice: Notice = serde_json::from_slice(&notice[0].body).unwrap();
    assert_eq!((notice.id.raw(), notice.status.raw()), ("e-1", "degraded"));
    let note: Note =
        serde_json::from_slice(&take("com.warroom.note", json!({"author":"mei","text":"a\nb"}))[0].body).unwrap();
    assert_eq!((note.incident, note.text.raw()), (None, "a\nb"));
    let alert = take("com.warroom.alert", json!({"status":"firing","labels":{"alertname":"A","service":"cart"}}));
    let alert: Alert = serde_json::from_slice(&alert[0].body).unwrap();
    assert_eq!((alert.starts_at.to_string().as_str(), alert.source), ("2026-11-22T00:40:00Z", Source::CloudEvents));
}

#[test]
fn what_is_wrong_is_named() {
    let good = event("com.warroom.note", &json!({"author":"a","text":"t"}));
    let with = |field: &str, value: Value| {
        let mut bad = good.clone();
        bad[field] = value;
        bad.to_string()
    };
    for (text, place) in [
        (with("specversion", json!("0.3")), "/specversion: is \"0.3\""),
        (with("id", json!("")), "/id: is empty"),
        (with("source", json!(3)), "/source: "),
        (with("type", json!("com.example.unknown")), "/type: "),
        (with("time", json!("noon")), "/time: "),
        (with("data", json!({"author":"a"})), "/data/text: is missing"),
        (with("data_base64", json!("e30=")), "/data_base64: stands beside data"),
        (event("dev.cdeventsx.flag.changed", &json!({})).to_string(), "/data/flag: is missing"),
        (event("dev.cdeventsx.flag.changed", &json!([])).to_string(), "/data"),
    ] {
        let error = structured(text.as_bytes(), &arrival()).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(place), "expected {place}, got {error}");
        let error = batch(format!("[{good},{text}]").as_bytes(), &arrival()).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("/1{place}")), "{error}");
    }
    assert_eq!(batch(format!("[{good}]").as_bytes(), &arrival()).unwrap().len(), 1);
    assert!(batch(b"[]", &arrival()).unwrap().is_empty());
}

#[test]
fn binary_headers_are_decoded_and_bad_ones_refused() {
    let headers = |subject: &'static [u8], id: Option<&'static [u8]>| {
        move |name: &str| match name {
            "ce-specversion" => Some(&b"1.0"[..]),
            "ce-type" => Some(&b"com.warroom.note"[..]),
            "ce-source" => Some(&b"/a"[..]),
            "ce-id" => id,
            "ce-subject" => Some(subject),
            _ => None,
        }
    };
    let body = br#"{"author":"a","text":"t"}"#;
    assert_eq!(binary(headers(b"Euro%20%E2%82%AC", Some(b"1")), body, &arrival()).unwrap()[0].key, "ce/%2Fa/1");
    let error = binary(headers(b"%ff%fe", Some(b"1")), body, &arrival()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, "header ce-subject: does not decode to UTF-8");
    let error = binary(headers(b"s", None), body, &arrival()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, "header ce-id: is missing");
}

proptest! {
    #[test]
    fn nothing_that_arrives_makes_it_panic(bytes: Vec<u8>, class in "(dev\\.cdevents(x)?\\.)?[a-z.]{0,20}(0\\.1\\.0)?", data in ".{0,40}") {
        let _ = structured(&bytes, &arrival());
        let _ = batch(&bytes, &arrival());
        let _ = structured(event(&class, &json!({"flag": data, "service": {"id": data}})).to_string().as_bytes(), &arrival());
        let _ = binary(|_| Some(&bytes), &bytes, &arrival());
    }
}
