//! Held against the types of the field's own library, and against our own intake.

use proptest::prelude::*;

use super::*;
use crate::event::{Digest, IncidentId, Person, Purpose, Source, Target, Tier};
use crate::intake::{Arrival, cloudevents};
use crate::journal::{Draft, SqliteJournal};

const SOURCE: &str = "https://ops.example/warroom";

fn at(second: i64) -> Time {
    Time::from_second(1_800_000_000 + second).unwrap()
}

fn plan(title: &str, by: &str) -> Plan {
    Plan {
        incident: IncidentId(7),
        title: title.into(),
        request: Request::Http {
            method: "POST".into(),
            url: "https://flags.example/a b/{secret:x}".into(),
            body: "{}".into(),
        },
        targets: vec![Target { kind: "flag".into(), name: "checkout".into() }],
        tier: Tier(2),
        policy: "rules 1".into(),
        taint: Vec::new(),
        undo: "".into(),
        idempotency_key: "k".into(),
        proposed_by: by.into(),
        approve_by: at(600),
        purpose: Purpose::Mend,
        origin: None,
        traits: None,
        found_by: None,
        asks: None,
        reasons: Vec::new(),
        dry_run: None,
    }
}

fn person_called(login: &str) -> Person {
    Person { login: login.into(), known_by: "uid".into(), session: "s".into() }
}

/// The events of these facts about a plan, a second each.
fn events(id: PlanId, facts: &[Fact]) -> Vec<Event> {
    let journal = SqliteJournal::in_memory().unwrap();
    for (nth, fact) in (0..).zip(facts) {
        journal.append(vec![Draft::new(at(nth), format!("k{nth}"), fact).found_by(term::plan(id))]).unwrap();
    }
    let records = journal.read(&Query::default()).unwrap();
    records.iter().filter_map(|record| event(&journal, record, SOURCE).unwrap()).collect()
}

fn approval(id: PlanId, by: &str, nonce: &str) -> Fact {
    let approval = Approval {
        incident: IncidentId(7),
        plan: id,
        policy: "rules 1".into(),
        targets: Digest([0; 32]),
        by: person_called(by),
        execute_by: at(60),
        nonce: nonce.into(),
        broke_glass: None,
        read_ms: Some(4_200),
    };
    approval.into()
}

fn denied(id: PlanId, by: Option<&str>, reason: &str) -> Fact {
    Denial { incident: IncidentId(7), plan: id, by: by.map(person_called), reason: reason.into() }.into()
}

/// What the field's own library, and our own intake, make of it.
fn check(event: &Event) -> Value {
    let value = serde_json::to_value(event).unwrap();
    let theirs: cdevents_sdk::CDEvent =
        serde_json::from_value(value["data"].clone()).unwrap_or_else(|error| panic!("{error}: {value:#}"));
    let back = serde_json::to_value(&theirs).unwrap();
    assert_eq!(back["subject"]["content"], value["data"]["subject"]["content"], "nothing of it is another there");
    assert_eq!(back["context"]["type"], value["type"]);
    assert_eq!(
        (&value["data"]["context"]["id"], &value["data"]["context"]["source"]),
        (&value["id"], &value["source"])
    );
    let arrival = Arrival::now(at(0), Source::CloudEvents);
    assert_eq!(cloudevents::structured(&serde_json::to_vec(event).unwrap(), &arrival).unwrap().len(), 1);
    value
}

fn content(event: &Event) -> Value {
    check(event)["data"]["subject"]["content"].clone()
}

#[test]
fn an_approval_that_was_spent_is_created_updated_and_closed() {
    let plan = plan("turn it off", "ana");
    let id = plan.id();
    let started = crate::event::Started { incident: IncidentId(7), plan: id, nonce: "n2".into() };
    let events = events(id, &[plan.into(), approval(id, "ben", "n1"), approval(id, "mei", "n2"), started.into()]);
    let types: Vec<&str> = events.iter().map(|event| event.class.as_str()).collect();
    let of = |word: &str| format!("dev.cdevents.approval.{word}.0.1.0");
    assert_eq!(types, [of("created"), of("updated"), of("updated"), of("closed")]);
    let ids: std::collections::BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), 4, "each news has an id of its own: {ids:?}");
    assert_eq!(content(&events[0])["requestor"], "urn:warroom:person:ana");
    assert_eq!(content(&events[0])["resourceTargetUrl"], "https://flags.example/a%20b/%7Bsecret:x%7D");
    assert_eq!(content(&events[1])["responder"], "urn:warroom:person:ben");
    let closed = content(&events[3]);
    assert_eq!((&closed["responder"], &closed["status"]), (&json!("urn:warroom:person:mei"), &json!("approved")));
    assert_eq!(check(&events[1])["data"]["customData"]["readMilliseconds"], 4_200);
    assert!(events.iter().all(|event| event.subject == id.0.to_string() && event.time >= at(0)));
}

#[test]
fn a_refusal_a_withdrawal_an_expiry_and_a_rule_close_it_as_such() {
    for (by, reason, responder, status) in [
        (Some("ben"), "too wide", "urn:warroom:person:ben", "rejected"),
        (Some("ana"), "not needed", "urn:warroom:person:ana", "cancelled"),
        (None, "it expired at 2027-01-15T08:10:00Z: propose it again", BY_RULES, "expired"),
        (None, "the approval expired at 2027-01-15T08:10:00Z: propose it again", BY_RULES, "expired"),
        (None, "its runbook is another than when it was shown: propose it again", BY_RULES, "cancelled"),
        // Whatever a person writes, it is their refusal.
        (Some("ben"), "it expired at noon", "urn:warroom:person:ben", "rejected"),
    ] {
        let plan = plan("turn it off", "ana");
        let id = plan.id();
        let events = events(id, &[plan.into(), denied(id, by, reason)]);
        let closed = content(events.last().unwrap());
        assert_eq!((&closed["responder"], &closed["status"]), (&json!(responder), &json!(status)), "{reason}");
        assert_eq!(check(&events[1])["data"]["customData"]["reason"], reason);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_stands_in_a_plan_stays_data(title in "(?s).{0,60}", login in "(?s).{1,40}", kind in "(?s).{0,10}", name in "(?s).{0,40}") {
        let mut plan = plan(&title, &login);
        plan.request = Request::Process { argv: vec!["true".into()] };
        plan.targets = vec![Target { kind: kind.as_str().into(), name: name.as_str().into() }];
        let id = plan.id();
        let events = events(id, &[plan.into(), denied(id, Some(&login), &title)]);
        for event in &events {
            let value = check(event);
            prop_assert_eq!(&value["data"]["customData"]["title"], &json!(title));
        }
    }
}
