use proptest::prelude::*;

use super::*;
use crate::event::{Kind, Source};

fn arrival() -> Arrival {
    Arrival::now("2026-11-22T00:50:00Z".parse().unwrap(), Source::Alertmanager)
}

fn alert(draft: &Draft) -> Alert {
    assert_eq!(draft.kind, Kind::Alert);
    serde_json::from_slice(&draft.body).unwrap()
}

fn body(alerts: &str, rest: &str) -> String {
    format!(
        r#"{{"receiver":"r","status":"firing","alerts":[{alerts}],"groupKey":"{{}}:{{a=\"b\"}}","version":"4"{rest}}}"#
    )
}

fn one(status: &str, starts: &str, ends: &str) -> String {
    format!(
        r#"{{"status":"{status}","labels":{{"alertname":"A"}},"annotations":{{}},"startsAt":"{starts}","endsAt":"{ends}","fingerprint":"6c4a3900a93b0cdb"}}"#
    )
}

const ZERO: &str = "0001-01-01T00:00:00Z";
const START: &str = "2026-11-22T00:46:14.52Z";

#[test]
fn a_firing_group_may_hold_a_resolved_alert() {
    let captured = include_bytes!("../../tests/data/captured/alertmanager/mixed.json");
    let alerts: Vec<Alert> = webhook(captured, &arrival()).unwrap().iter().map(alert).collect();
    assert_eq!(alerts.len(), 2);
    assert_eq!((alerts[0].status, alerts[0].ends_at), (AlertStatus::Firing, None));
    assert_eq!(alerts[1].status, AlertStatus::Resolved);
    assert_eq!(alerts[1].ends_at.unwrap().to_string(), "2026-11-22T00:48:33.52Z");
    assert!(alerts[0].annotations["description"].raw().ends_with("newline:\nsecond line"));
}

#[test]
fn the_same_state_has_the_same_key_and_another_state_another() {
    let key = |status, starts, ends| {
        webhook(body(&one(status, starts, ends), "").as_bytes(), &arrival()).unwrap()[0].key.clone()
    };
    let firing = key("firing", START, ZERO);
    assert_eq!(
        firing,
        key("firing", "2026-11-22T02:46:14.520123+02:00", ZERO),
        "the API's milliseconds are the same alert"
    );
    assert_ne!(firing, key("resolved", START, "2026-11-22T00:48:00Z"));
    assert_ne!(firing, key("firing", "2026-11-22T00:49:14.52Z", ZERO), "it fired again");
}

#[test]
fn odd_times_are_noted_and_not_refused() {
    let odd = |status, starts, ends| {
        alert(&webhook(body(&one(status, starts, ends), "").as_bytes(), &arrival()).unwrap()[0]).anomalies
    };
    assert_eq!(odd("firing", START, ZERO), []);
    assert_eq!(odd("resolved", START, "2026-11-22T00:40:00Z"), [Anomaly::EndsBeforeStart]);
    assert_eq!(odd("firing", "2026-11-22T00:50:30Z", ZERO), [Anomaly::StartsInFuture]);
    assert_eq!(odd("firing", "2026-11-22T01:00:00Z", ZERO), [Anomaly::StartsInFuture, Anomaly::ClockSkew]);
    let ancient = alert(&webhook(body(&one("firing", ZERO, ZERO), "").as_bytes(), &arrival()).unwrap()[0]);
    assert_eq!(ancient.starts_at, Time::UNIX_EPOCH);
}

#[test]
fn a_group_cut_short_says_how_many_are_missing() {
    let text = body(&one("firing", START, ZERO), r#","truncatedAlerts":3"#);
    let drafts = webhook(text.as_bytes(), &arrival()).unwrap();
    assert_eq!(drafts.len(), 2);
    let cut: Truncated = serde_json::from_slice(&drafts[1].body).unwrap();
    assert_eq!((cut.alerts, cut.group.raw()), (3, "{}:{a=\"b\"}"));
    assert_eq!(drafts[1].key, webhook(text.as_bytes(), &arrival()).unwrap()[1].key, "sent again, it says nothing new");
}

#[test]
fn what_is_wrong_is_named_by_its_pointer() {
    let good = one("firing", START, ZERO);
    for (text, place) in [
        (body(&good, "").replace(r#""version":"4""#, r#""v":1"#), "/version: is missing"),
        (body(&good, "").replace(r#""version":"4""#, r#""version":"5""#), "/version: is \"5\""),
        (
            body(&good, "").replace(r#""version":"4""#, r#""version":"1""#),
            "/version: is \"1\", expected \"4\" (this is Grafana's",
        ),
        (body(&good, "").replace(r#""version":"4""#, r#""version":4"#), "/version: invalid type"),
        (body(&format!("{good},{}", good.replace("firing", "burning")), ""), "/alerts/1/status: "),
        (body(&good.replace("6c4a3900a93b0cdb", "../../etc"), ""), "/alerts/0/fingerprint: "),
        (body(&good.replace(START, "soon"), ""), "/alerts/0/startsAt: "),
        (body(&good.replace(r#""labels":{"alertname":"A"},"#, ""), ""), "/alerts/0/labels: is missing"),
        (body(&good.replace(r#""A""#, "{}"), ""), "/alerts/0/labels/alertname: "),
        (body(&good, r#","truncatedAlerts":-1"#), "/truncatedAlerts: "),
        (body(&good, r#","truncatedAlerts":1e400"#), "/truncatedAlerts: "),
        (body(&good, r#","version":"4""#), "the document: duplicate field"),
        (r#"{"text":"custom payload"}"#.to_owned(), "/version: is missing"),
        ("[]".to_owned(), "the document: invalid type"),
        (String::new(), "the document: "),
        ("[".repeat(100_000), "the document: "),
        (body(&"[".repeat(100_000), ""), "/alerts/0"),
    ] {
        let error = webhook(text.as_bytes(), &arrival()).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(place), "expected {place}, got {error}");
    }
}

#[test]
fn in_portions_the_same_comes_out_and_nothing_of_a_wrong_body() {
    let many: Vec<String> =
        (0..4_100).map(|n| one("firing", START, ZERO).replace("6c4a3900a93b0cdb", &format!("{n:x}"))).collect();
    let text = body(&many.join(","), r#","truncatedAlerts":2"#);
    let mut sizes = Vec::new();
    let mut keys = Vec::new();
    let mut take = |drafts: Vec<Draft>| {
        sizes.push(drafts.len() as u64);
        keys.extend(drafts.into_iter().map(|draft| draft.key));
        true
    };
    FORM.portions(text.as_bytes(), &arrival(), &mut take).unwrap();
    assert_eq!((sizes[0], sizes.iter().sum::<u64>()), (limits::PORTION, 4_101));
    assert_eq!(
        keys,
        webhook(text.as_bytes(), &arrival()).unwrap().into_iter().map(|draft| draft.key).collect::<Vec<_>>()
    );
    let mut nothing = |_: Vec<Draft>| panic!("nothing of a wrong body is given");
    assert!(
        FORM.portions(text.replace(r#""version":"4""#, r#""version":"5""#).as_bytes(), &arrival(), &mut nothing)
            .is_err()
    );
    let mut calls = 0;
    let mut once = |_: Vec<Draft>| {
        calls += 1;
        false
    };
    FORM.portions(text.as_bytes(), &arrival(), &mut once).unwrap();
    assert_eq!(calls, 1);
}

#[test]
fn broken_text_is_mended_rather_than_the_page_lost() {
    let text = body(&one("firing", START, ZERO).replace(r#""A""#, r#""A\ud800\u0000""#), "");
    let mended = alert(&webhook(text.as_bytes(), &arrival()).unwrap()[0]);
    assert_eq!(mended.labels["alertname"].raw(), "A\u{FFFD}\0");
    let mut bytes = body(&one("firing", START, ZERO), "").into_bytes();
    let at = bytes.windows(3).position(|w| w == b"\"A\"").unwrap();
    bytes[at + 1] = 0xFF;
    assert_eq!(alert(&webhook(&bytes, &arrival()).unwrap()[0]).labels["alertname"].raw(), "\u{FFFD}");
}

proptest! {
    #[test]
    fn nothing_that_arrives_makes_it_panic(bytes: Vec<u8>, cut in 0usize..2000) {
        let _ = webhook(&bytes, &arrival());
        let captured = include_bytes!("../../tests/data/captured/alertmanager/mixed.json");
        let cut = cut.min(captured.len() - 2);
        prop_assert!(webhook(&captured[..cut], &arrival()).is_err());
    }
}
