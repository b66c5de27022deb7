//! Faults 29, 30, 31, 40, 41: deliveries late, mixed, cut short, absent, or by another clock.

use std::time::Duration;

use serde_json::json;

use crate::scene::Scene;
use crate::support::alerting::{Alertmanager, impatient};
use crate::support::{bodies, require, wait_until};
use warroom::event::{AlertStatus, Anomaly, Fact, Kind, Source, Time};
use warroom::intake::heard::{self, DeadMan};
use warroom::intake::poll::{Client, alertmanager};

const START: &str = "2026-11-22T00:46:14.520Z";
const END: &str = "2026-11-22T00:48:33.520Z";

fn time(text: &str) -> Time {
    text.parse().expect("a time")
}

fn alert(ends: &str) -> Vec<u8> {
    bodies::webhook(&[bodies::alert("Down", "cart", &[("severity", "page")], START, ends)])
}

#[test]
fn fault_29_deliveries_out_of_order_end_where_those_in_order_do() {
    let again = bodies::webhook(&[bodies::alert("Down", "cart", &[("severity", "page")], "2026-11-22T00:50:00Z", "")]);
    let orders: [Vec<&[u8]>; 3] = {
        let (fires, ends) = (alert("").leak() as &[u8], alert(END).leak() as &[u8]);
        let again = again.leak() as &[u8];
        [vec![fires, ends, again], vec![ends, fires, again], vec![again, ends, fires]]
    };
    for deliveries in orders {
        let scene = Scene::new();
        for body in deliveries {
            scene.take("/alertmanager", body);
        }
        let view = scene.view(time("2026-11-22T00:51:00Z"));
        assert_eq!(view.incidents.items.len(), 1);
        assert_eq!((view.incidents.items[0].alerts, view.incidents.items[0].firing), (1, 1), "it fires again");
    }
    let scene = Scene::new();
    scene.take("/alertmanager", &alert(END));
    scene.take("/alertmanager", &alert(""));
    let view = scene.view(time("2026-11-22T00:51:00Z"));
    assert_eq!(view.incidents.items.iter().map(|incident| incident.firing).sum::<u64>(), 0, "the end stands");
}

#[test]
fn fault_30_each_alert_of_a_mixed_group_has_its_own_state_and_odd_times_are_noted() {
    let scene = Scene::new();
    let later = bodies::ago(0).replace("2026", "2099");
    scene.take(
        "/alertmanager",
        &bodies::webhook(&[
            bodies::alert("A", "cart", &[], START, ""),
            bodies::alert("B", "cart", &[], START, END),
            bodies::alert("C", "cart", &[], START, "2026-11-22T00:40:00Z"),
            bodies::alert("D", "cart", &[], &later, ""),
        ]),
    );
    let states: Vec<_> = scene
        .facts(Kind::Alert)
        .into_iter()
        .map(|fact| match fact {
            Fact::Alert(alert) => (alert.status, alert.ends_at.is_some(), alert.anomalies),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(states[0], (AlertStatus::Firing, false, vec![]));
    assert_eq!(states[1], (AlertStatus::Resolved, true, vec![]));
    assert_eq!(states[2], (AlertStatus::Resolved, true, vec![Anomaly::EndsBeforeStart]));
    assert_eq!(states[3], (AlertStatus::Firing, false, vec![Anomaly::StartsInFuture, Anomaly::ClockSkew]));
}

#[test]
fn fault_31_what_the_real_alertmanager_cut_off_is_said_and_then_fetched() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let source =
        Alertmanager::start(&impatient(&format!("max_alerts: 2, url: 'http://127.0.0.1:{}/alertmanager'", scene.port)));
    let pod = |n: u32| json!({"labels": {"alertname": "PodDown", "service": "cart", "pod": format!("p{n}")}});
    source.post_alerts(&json!((0..5).map(pod).collect::<Vec<_>>()));
    wait_until("a delivery that says it was cut short", || !scene.facts(Kind::Truncated).is_empty());
    let cut = |scene: &Scene| -> Vec<u64> {
        let facts = scene.facts(Kind::Truncated);
        facts.iter().filter_map(|fact| if let Fact::Truncated(cut) = fact { Some(cut.alerts) } else { None }).collect()
    };
    assert_eq!(cut(&scene)[0], 3);
    assert_eq!(scene.facts(Kind::Alert).len(), 2);

    let base = format!("http://127.0.0.1:{}/", source.port).parse().expect("an address");
    let settings = alertmanager::Settings { every: Duration::from_secs(1), settle: Duration::ZERO };
    let mut poller =
        alertmanager::Poller::new(Client::new(base, None).expect("a client"), scene.inflow.clone(), settings);
    scene.runtime.block_on(poller.poll(Time::now())).expect("Alertmanager answers");
    let alerts = scene.facts(Kind::Alert);
    assert_eq!(alerts.len(), 5, "the two that were delivered are not doubled");
    assert_eq!(cut(&scene).last(), Some(&0), "nothing is missing any more");

    // Ended unheard: the API no longer shows it, twice in a row.
    let ended = json!([{"labels": {"alertname": "PodDown", "service": "cart", "pod": "p4"}, "endsAt": bodies::ago(1)}]);
    source.post_alerts(&ended);
    wait_until("Alertmanager to forget it", || source.alerts().len() == 4);
    let ends = |scene: &Scene| {
        let facts = scene.facts(Kind::Alert);
        facts.iter().filter(|fact| matches!(fact, Fact::Alert(alert) if alert.status == AlertStatus::Resolved && alert.labels["pod"].raw() == "p4")).count()
    };
    for _ in 0..2 {
        scene.runtime.block_on(poller.poll(Time::now())).expect("Alertmanager answers");
    }
    assert!(ends(&scene) >= 1);
}

#[test]
fn fault_40_a_source_that_falls_silent_is_said_to_be_silent_on_every_process() {
    let scene = Scene::new();
    let watchdog = bodies::webhook(&[bodies::alert("Watchdog", "none", &[("severity", "none")], START, "")]);
    scene.take("/alertmanager", &watchdog);
    let first = scene.inflow.counters.heard()[0].clone();
    std::thread::sleep(Duration::from_millis(20));
    // The repeat says nothing new and leaves no entry; it is a sign of life all the same.
    scene.take("/alertmanager", &watchdog);
    let last = scene.inflow.counters.heard()[0].clone();
    assert_eq!((scene.records().len(), last.source, last.accepted), (1, Source::Alertmanager, 2));
    assert!(last.last > first.last);
    heard::save(scene.journal.as_ref(), scene.inflow.counters.heard()).expect("the journal writes");
    let elsewhere = heard::load(scene.journal.as_ref()).expect("the journal reads");
    assert_eq!(elsewhere, std::slice::from_ref(&last));
    let watch = DeadMan { source: Source::Alertmanager, after: Duration::from_secs(60) };
    let after = |seconds: u64| last.last + Duration::from_secs(seconds);
    assert!(!watch.silent(last.last, after(60)) && watch.silent(last.last, after(61)));
}

#[test]
fn fault_41_a_source_whose_clock_is_off_is_kept_in_the_order_it_was_heard() {
    let scene = Scene::new();
    let ahead = |minutes: u64| format!("{:.3}", Time::now() + Duration::from_secs(minutes * 60));
    scene.take("/alertmanager", &bodies::webhook(&[bodies::alert("Ahead", "cart", &[], &ahead(10), "")]));
    scene.take("/alertmanager", &bodies::webhook(&[bodies::alert("Right", "cart", &[], &bodies::ago(1), "")]));
    scene.take("/alertmanager", &bodies::webhook(&[bodies::alert("Behind", "cart", &[], &bodies::ago(3 * 3600), "")]));
    let records = scene.records();
    assert!(records.is_sorted_by_key(|record| (record.seq, record.arrived)), "by arrival, whatever they say");
    let names: Vec<_> = scene
        .facts(Kind::Alert)
        .into_iter()
        .map(|fact| match fact {
            Fact::Alert(alert) => (alert.name().raw().to_owned(), alert.anomalies.contains(&Anomaly::ClockSkew)),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, [("Ahead".into(), true), ("Right".into(), false), ("Behind".into(), false)]);
}
