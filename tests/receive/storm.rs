//! Faults 27, 28, 42, 43: very much at once.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use crate::scene::{Scene, peak_memory};
use crate::support::house::House;
use crate::support::{bodies, wait_until};
use warroom::event::{Kind, Source};
use warroom::journal::{Journal as _, Query, SqliteJournal};

/// A webhook of `count` alerts as a fleet that crashes sends it: about 325 bytes an alert.
fn storm(count: usize) -> Vec<u8> {
    let mut body = String::from(r#"{"receiver":"console","status":"firing","alerts":["#);
    for n in 0..count {
        let comma = if n == 0 { "" } else { "," };
        let (namespace, pod) = (n % 120, n / 120);
        let _ = write!(
            body,
            r#"{comma}{{"status":"firing","labels":{{"alertname":"PodCrashLooping","namespace":"ns{namespace}","pod":"p{namespace}-{pod}","service":"fleet","severity":"page"}},"annotations":{{"summary":"pod p{namespace}-{pod} crash loop"}},"startsAt":"2026-11-22T00:50:26.959148Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://127.0.0.1/g","fingerprint":"{n:016x}"}}"#,
        );
    }
    body.push_str(r#"],"groupLabels":{"alertname":"PodCrashLooping"},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://vm:19093","version":"4","groupKey":"{}:{alertname=\"PodCrashLooping\"}","truncatedAlerts":0}"#);
    body.into_bytes()
}

#[test]
fn fault_27_a_storm_of_100_000_alerts_in_one_body_is_taken_whole() {
    let house = House::new();
    let server = house.serve();
    let body = storm(100_000);
    assert!(body.len() > 30 << 20, "{}", body.len());
    let begun = Instant::now();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.port)).expect("the listener listens");
    write!(stream, "POST /alertmanager HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len())
        .expect("a head");
    stream.write_all(&body).expect("a body");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let took = begun.elapsed();
    assert!(answer.contains("HTTP/1.1 200") && answer.contains(r#"{"recorded":100000,"repeated":0}"#), "{answer}");
    // The promise is for a release build; a test build is not optimised at all.
    let allowed = Duration::from_secs(if std::env::var_os("WARROOM_TEST_PROGRAM").is_some() { 5 } else { 300 });
    assert!(took < allowed, "{took:?}");
    let journal = SqliteJournal::open_read_only(&house.journal()).expect("the journal opens read-only");
    let of = |kind| {
        let query = Query { kinds: vec![kind], limit: 200_000, ..Query::default() };
        let records = journal.read(&query).expect("the journal reads");
        records.into_iter().map(|record| record.fact().expect("a fact")).collect::<Vec<_>>()
    };
    wait_until("an incident", || {
        std::thread::sleep(Duration::from_millis(200));
        !of(Kind::IncidentOpened).is_empty()
    });
    assert_eq!(of(Kind::IncidentOpened).len(), 1, "one incident of all of them");
    let peak = peak_memory(server.pid());
    assert!(peak < 300 << 20, "{} MiB", peak >> 20);
}

#[test]
fn fault_28_a_body_sent_again_and_again_adds_nothing_but_a_count() {
    let scene = Scene::new();
    let body = storm(500);
    for _ in 0..21 {
        scene.take("/alertmanager", &body);
    }
    assert_eq!(scene.records().len(), 500);
    let counted = scene.inflow.counters.table().into_iter().find(|counter| counter.0 == "duplicates");
    assert_eq!(counted, Some(("duplicates", 20 * 500)));
    assert_eq!(scene.view("2026-11-22T00:55:00Z".parse().expect("a time")).incidents.items.len(), 1);
}

#[test]
fn fault_42_an_alert_that_flaps_for_an_hour_is_one_incident_that_says_so() {
    let scene = Scene::new();
    let base = 1_795_308_000;
    let time = |second: i64| warroom::event::Time::from_second(base + second).expect("a time").to_string();
    for minute in 0..60 {
        let flaps: Vec<_> = (0..60)
            .map(|second| minute * 60 + second)
            .map(|at| {
                let ends = if at % 2 == 0 { String::new() } else { time(at) };
                bodies::alert("Flap", "cart", &[("severity", "page")], &time(at - at % 2), &ends)
            })
            .collect();
        scene.take("/alertmanager", &bodies::webhook(&flaps));
    }
    let view = scene.view(warroom::event::Time::from_second(base + 3_700).expect("a time"));
    assert_eq!(view.incidents.items.len(), 1);
    let groups = &view.incidents.items[0].groups.items;
    assert_eq!((groups.len(), groups[0].alerts), (1, 1), "one alert, however often it changed");
    assert!(groups[0].flapping);
}

#[test]
fn fault_43_a_random_label_on_every_alert_leaves_grouping_by_service_and_its_pace() {
    let pace = |count: usize| {
        let scene = Scene::new();
        scene.take("/alertmanager", &storm(count));
        let begun = Instant::now();
        let view = scene.view("2026-11-22T00:55:00Z".parse().expect("a time"));
        assert_eq!(view.incidents.items.len(), 1);
        let groups = &view.incidents.items[0].groups;
        assert_eq!((groups.items.len(), groups.items[0].alerts), (1, count as u64));
        begun.elapsed() / u32::try_from(count).expect("small")
    };
    let (few, many) = (pace(2_000), pace(16_000));
    assert!(many < few * 5, "an alert costs {few:?} among few and {many:?} among many");
}

#[test]
fn fault_44_one_event_by_three_ways_is_one_incident() {
    let scene = Scene::new();
    let start = "2026-11-22T00:46:14Z";
    let alert = bodies::alert("CheckoutDown", "checkout", &[("severity", "page")], start, "");
    let webhook = bodies::webhook(&[alert]);
    scene.take("/alertmanager", &webhook);
    let grafana = String::from_utf8(webhook).expect("text").replace(r#""version":"4""#, r#""version":"1""#);
    scene.take("/grafana", grafana.as_bytes());
    assert_eq!(scene.facts(Kind::Alert).len(), 1, "the same fingerprint and start is the same alert");
    let twin = serde_json::json!({"status":"firing","labels":{"alertname":"CheckoutDown","service":"checkout"},"startsAt":start});
    scene.take("/events", &bodies::change("a1", "com.warroom.alert", "checkout", &twin, start));
    let view = scene.view("2026-11-22T00:55:00Z".parse().expect("a time"));
    assert_eq!(view.incidents.items.len(), 1, "one incident");
    assert!(
        scene.inflow.counters.heard().iter().any(|heard| heard.source == Source::Grafana),
        "and every way is heard"
    );
}
