//! A freeze over HTTP: a real server that takes it, and one that fails in the ways that are documented.

use jiff::SignedDuration;
use serde_json::json;
use warroom::engine::{self, view::Freezing};
use warroom::event::{Outcome, Purpose, Surface, Time};
use warroom::response::{Act, Desk as _, Freeze, Hook, LocalDesk, Rules};

use crate::scene::{INCIDENT, person};
use crate::support::model::{Asked, Do, Model, http};
use crate::yard::{Yard, approve};

fn request(port: u16, method: &str, path: &str) -> Hook {
    Hook::Request { method: method.into(), url: format!("http://127.0.0.1:{port}{path}"), body: None }
}

fn desk(yard: &Yard, port: u16) -> LocalDesk {
    let freeze = Freeze {
        hold: request(port, "PUT", "/freeze/{key}"),
        release: Some(request(port, "DELETE", "/freeze/{key}")),
        held: Some(request(port, "GET", "/freeze/{key}/held")),
        minutes: 60,
        longest: 480,
    };
    yard.desk_freezing(Rules::default(), &[&format!("http://127.0.0.1:{port}")], freeze)
}

fn yard() -> Yard {
    Yard::new(&[("alertname", "WrongRefunds"), ("service", "checkout"), ("env", "test")], "# None\n")
}

/// Proposes and approves; what the approval says, and what the record holds of it.
fn freeze(yard: &Yard, desk: &LocalDesk) -> (String, Outcome) {
    let act =
        Act::ProposeFreeze { services: vec!["checkout".into()], surfaces: vec![Surface::Prompt], minutes: Some(30) };
    desk.perform(INCIDENT, act, &person("ana"), Time::now()).unwrap();
    let told = approve(yard, desk, yard.plan().id(), "ana").unwrap();
    (told, yard.outcome().unwrap())
}

fn state(yard: &Yard, now: Time) -> Option<Freezing> {
    let view = engine::picture(&yard.journal, None).unwrap();
    let incident = view.incidents.items.iter().find(|incident| incident.id == INCIDENT)?;
    incident.freeze.as_ref().map(|freeze| freeze.at(now))
}

fn later(minutes: i64) -> Time {
    Time::now() + SignedDuration::from_mins(minutes)
}

/// How often a method was asked for.
fn count(model: &Model, method: &str) -> usize {
    model.asked().iter().filter(|asked| asked.head.starts_with(method)).count()
}

#[test]
fn a_server_is_told_what_to_hold_and_until_when_and_lets_go_once() {
    let server = Model::start(|_, asked: &Asked| match asked.head.split(' ').next() {
        Some("GET") => http("200 OK", "", r#"[{"deploy": 4711, "by": "mei"}, {"deploy": 4712, "by": "bo"}]"#),
        _ => http("200 OK", "", "2 pipelines held: deploy 4711, deploy 4712"),
    });
    let yard = yard();
    let desk = desk(&yard, server.port);
    let (told, outcome) = freeze(&yard, &desk);
    assert!(matches!(&outcome, Outcome::Done { receipt } if receipt.raw().contains("2 pipelines held")), "{told}");
    let plan = freeze_plan(&yard);
    let Purpose::Freeze { until, .. } = &plan.purpose else { panic!() };
    let asked = &server.asked()[0];
    let key = plan.idempotency_key.raw();
    assert!(asked.head.starts_with(&format!("PUT /freeze/{key} ")), "{}", asked.head);
    assert!(asked.head.to_ascii_lowercase().contains(&format!("idempotency-key: {key}")));
    assert_eq!(
        asked.body,
        json!({"by": "ana", "incident": INCIDENT.to_string(), "key": key, "services": ["checkout"],
            "surfaces": ["prompt"], "until": until.to_string()})
    );
    desk.tend(Time::now()).unwrap();
    let view = engine::picture(&yard.journal, None).unwrap();
    let held = view.incidents.items[0].freeze.as_ref().unwrap().held.clone().unwrap();
    assert!(held.finding.raw().starts_with("2 held: "), "{:?}", held.finding);
    desk.tend(later(31)).unwrap();
    desk.tend(later(32)).unwrap();
    assert_eq!(count(&server, "DELETE"), 1);
    assert_eq!(state(&yard, later(33)), Some(Freezing::Over));
}

fn freeze_plan(yard: &Yard) -> warroom::event::Plan {
    use warroom::event::{Fact, Kind};
    let all = yard.facts(Kind::Proposed).into_iter();
    all.filter_map(|fact| match fact {
        Fact::Proposed(plan) if matches!(plan.purpose, Purpose::Freeze { .. }) => Some(*plan),
        _ => None,
    })
    .next_back()
    .unwrap()
}

#[test]
fn a_server_that_refuses_holds_nothing_and_is_not_asked_again() {
    let server = Model::start(|_, _| http("429 Too Many Requests", "retry-after: 30\r\n", "slow down"));
    let yard = yard();
    let desk = desk(&yard, server.port);
    let (_, outcome) = freeze(&yard, &desk);
    assert!(matches!(&outcome, Outcome::Failed { error } if error.raw().contains("429")), "{outcome:?}");
    assert_eq!(state(&yard, Time::now()), None);
    desk.tend(later(31)).unwrap();
    assert_eq!(server.asked().len(), 1, "it is not asked again, and nothing is let go that never held");
}

#[test]
fn fault_59_a_server_that_fails_may_hold_and_is_let_go_of_in_time() {
    // It holds and then answers 500; what lets go works.
    let server = Model::start(|_, asked: &Asked| match asked.head.split(' ').next() {
        Some("PUT") => http("500 Internal Server Error", "", "the queue is down"),
        _ => http("200 OK", "", "let go"),
    });
    let yard = yard();
    let desk = desk(&yard, server.port);
    let (_, outcome) = freeze(&yard, &desk);
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(state(&yard, Time::now()), Some(Freezing::MayHold));
    desk.tend(later(31)).unwrap();
    assert_eq!((count(&server, "PUT"), count(&server, "DELETE")), (1, 1));
    assert_eq!(state(&yard, later(31)), Some(Freezing::Over));
}

#[test]
fn a_server_that_never_answers_may_hold() {
    let server = Model::start(|_, _| Do::Hang);
    let yard = yard();
    let desk = desk(&yard, server.port);
    let (_, outcome) = freeze(&yard, &desk);
    assert!(matches!(&outcome, Outcome::Unknown { check } if check.raw().contains("may or may not")), "{outcome:?}");
    assert_eq!(server.asked().len(), 1, "once");
}

#[test]
fn an_end_that_the_server_does_not_take_is_said_and_a_person_can_let_go() {
    let server = Model::start(|nth, asked: &Asked| match asked.head.split(' ').next() {
        Some("DELETE") if nth < 2 => http("503 Service Unavailable", "", "not now"),
        _ => http("200 OK", "", "fine"),
    });
    let yard = yard();
    let desk = desk(&yard, server.port);
    freeze(&yard, &desk);
    desk.tend(later(31)).unwrap();
    assert_eq!(state(&yard, later(31)), Some(Freezing::Stuck));
    desk.perform(INCIDENT, Act::ProposeThaw, &person("ana"), later(31)).unwrap();
    let thaw = yard.plan();
    let act =
        Act::Approve { plan: thaw.id(), typed: thaw.asks.and_then(|asks| asks.typed), glass: None, read_ms: None };
    desk.perform(INCIDENT, act, &person("ana"), later(31)).unwrap();
    assert_eq!(state(&yard, later(32)), Some(Freezing::LetGo));
}

#[test]
fn a_host_that_may_not_be_changed_is_said_before_anybody_is_asked() {
    let server = Model::start(|_, _| http("200 OK", "", ""));
    let yard = yard();
    let freeze =
        Freeze { hold: request(server.port, "PUT", "/freeze"), release: None, held: None, minutes: 60, longest: 480 };
    let desk = yard.desk_freezing(Rules::default(), &["http://127.0.0.1:9"], freeze);
    let act = Act::ProposeFreeze { services: vec!["checkout".into()], surfaces: vec![], minutes: None };
    let why = desk.perform(INCIDENT, act, &person("ana"), Time::now()).unwrap_err().to_string();
    assert!(why.contains("not among the hosts that may be changed"), "{why}");
    assert!(server.asked().is_empty());
}
