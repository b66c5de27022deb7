//! The straight way: proposed, shown, approved, sent, read back, recorded.

use serde_json::{Value, json};
use warroom::event::{Fact, Kind, Outcome, Request, Tier, Time};
use warroom::response::policy::SilenceLimits;
use warroom::response::{Act, Desk as _, Rules, asked_to_type};

use crate::scene::{INCIDENT, Scene, alerts, approve, person};
use crate::support::require;

#[test]
fn an_approved_silence_is_sent_once_as_shown_read_back_and_recorded() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let id = scene.propose(&desk);
    assert!(scene.silences().is_empty(), "proposing sends nothing that changes anything");

    let plan = scene.plan();
    let Request::Http { body, url, .. } = &plan.request else { panic!("{plan:?}") };
    assert!(url.raw().ends_with("/api/v2/silences"));
    assert_eq!(plan.targets.len(), 2, "{:?}", plan.targets);
    assert!(plan.targets.iter().all(|target| target.kind.raw() == "alert"));
    let shared: Vec<&str> = plan.taint.iter().map(warroom::event::Untrusted::raw).collect();
    assert_eq!(shared.len(), 3, "alertname, service and severity come from outside: {shared:?}");
    assert_eq!(plan.tier, Tier(2), "two alerts, raised by one because their labels come from outside");

    let told = approve(&desk, id, "ana").unwrap();
    assert!(told.contains("done: silence "), "{told}");
    assert_eq!(scene.gate.body_of_the_one("POST", "/api/v2/silences"), body.raw(), "what was shown is what was sent");

    let silences = scene.silences();
    assert_eq!(silences.len(), 1);
    assert_eq!(silences[0]["createdBy"], "ana");
    let comment = silences[0]["comment"].as_str().unwrap();
    assert!(comment.contains("known, being worked on") && comment.contains("INC-7"), "{comment}");
    assert!(comment.contains(plan.idempotency_key.raw()), "{comment}");
    let muted = scene.alertmanager.alerts();
    assert!(muted.iter().all(|alert| alert["status"]["state"] == "suppressed"), "{muted:?}");

    let told: Vec<Kind> = scene
        .facts(&[Kind::Proposed, Kind::Approved, Kind::Started, Kind::Finished, Kind::Denied])
        .iter()
        .map(Fact::kind)
        .collect();
    assert_eq!(told, [Kind::Proposed, Kind::Approved, Kind::Started, Kind::Finished], "from intent to outcome");
    let Some(Outcome::Done { receipt }) = scene.outcome() else { panic!("{:?}", scene.outcome()) };
    assert!(receipt.raw().contains(silences[0]["id"].as_str().unwrap()));
}

#[test]
fn what_lies_outside_the_incident_is_named_and_raises_the_tier() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    // Fires later with the same labels, and no incident has it.
    scene.alertmanager.post_alerts(&alerts("HighErrorRate", 2..3));
    let desk = scene.desk();
    scene.propose(&desk);
    let plan = scene.plan();
    assert_eq!(plan.targets.len(), 3);
    let outside: Vec<_> = plan.targets.iter().filter(|target| target.kind.raw() == "alert outside INC-7").collect();
    assert_eq!(outside.len(), 1);
    assert!(outside[0].name.raw().contains("pod=p2"), "{outside:?}");
    assert_eq!(plan.tier, Tier(3));
    assert!(plan.title.raw().contains("1 of them outside INC-7"), "{:?}", plan.title);
}

#[test]
fn a_wide_silence_needs_the_words_typed_and_a_very_wide_one_somebody_else() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::with(&alerts("HighErrorRate", 0..30));
    let desk = scene.desk();
    let id = scene.propose(&desk);
    let plan = scene.plan();
    let words = asked_to_type(&plan).unwrap();
    let by = |login: &str, typed: Option<&str>| {
        let act = Act::Approve { plan: id, typed: typed.map(Into::into), glass: None, read_ms: None };
        desk.perform(INCIDENT, act, &person(login), Time::now())
    };
    assert!(by("ana", None).unwrap_err().to_string().contains(&words));
    assert!(by("ana", Some("yes")).unwrap_err().to_string().contains("nothing was approved"));
    assert!(scene.silences().is_empty());
    by("ana", Some(&words)).unwrap();
    assert_eq!(scene.silences().len(), 1);

    let narrow = Rules::default().with_silence(SilenceLimits { very_wide: 25, ..SilenceLimits::default() });
    let desk = scene.desk_with(narrow, Time::now());
    let id = scene.propose(&desk);
    let by = |login: &str| {
        let act = Act::Approve { plan: id, typed: Some(words.as_str().into()), glass: None, read_ms: None };
        desk.perform(INCIDENT, act, &person(login), Time::now())
    };
    let refused = by("ana").unwrap_err().to_string();
    assert!(refused.contains("somebody other than ana"), "{refused}");
    assert_eq!(scene.silences().len(), 1);
    by("ben").unwrap();
    assert_eq!(scene.silences().len(), 2);
}

#[test]
fn fault_22_hidden_characters_in_a_label_raise_the_tier() {
    if !require("alertmanager") {
        return;
    }
    let hostile = json!([{"labels": {"alertname": "HighErrorRate", "service": "check\u{202e}out"}}]);
    let scene = Scene::with(&hostile);
    let desk = scene.desk();
    scene.propose(&desk);
    let plain = Scene::with(&json!([{"labels": {"alertname": "HighErrorRate", "service": "checkout"}}]));
    let desk = plain.desk();
    plain.propose(&desk);
    assert!(scene.plan().tier > plain.plan().tier);
}

#[test]
fn what_alertmanager_refuses_is_told_in_its_words() {
    if !require("alertmanager") {
        return;
    }
    // Half a minute long, approved after its end: Alertmanager refuses a silence that is over.
    let scene = Scene::new();
    let table = Rules::default().with_clocks(60, 60);
    let before = Time::now() - jiff::SignedDuration::from_mins(10);
    let desk = scene.desk_with(table, before);
    desk.perform(INCIDENT, scene.proposal(1), &person("ana"), before).unwrap();
    let told = approve(&desk, scene.plan().id(), "ana").unwrap();
    assert!(told.contains("failed: Alertmanager at"), "{told}");
    assert!(matches!(scene.outcome(), Some(Outcome::Failed { .. })));
    assert!(scene.silences().is_empty());
}

#[test]
fn alerts_without_a_shared_label_or_of_another_source_are_not_proposed() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::with(&json!([{"labels": {"alertname": "A"}}, {"labels": {"alertname": "B"}}]));
    let desk = scene.desk();
    let refused = desk.perform(INCIDENT, scene.proposal(60), &person("ana"), Time::now()).unwrap_err();
    assert!(refused.to_string().contains("share no label"), "{refused}");
    let nobody: Vec<Value> = scene.silences();
    assert!(nobody.is_empty() && scene.facts(&[Kind::Proposed]).is_empty());
}
