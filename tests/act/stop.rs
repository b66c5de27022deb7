//! Keys, tools and features are stopped by the team's own commands, each as a plan.

use std::os::unix::fs::PermissionsExt as _;

use warroom::engine::{self, view::StopState};
use warroom::event::{Kind, Outcome, Purpose, Time};
use warroom::response::runbook::Glob;
use warroom::response::{
    Act, Desk as _, Executor, Hands, Hook, LocalDesk, ProcessExecutor, Rules, Stop, StopKind, wall,
};

use crate::scene::{INCIDENT, person};
use crate::yard::{Yard, approve};

/// Moves the file that stands for the tool out of the way and back.
const SWITCH: &str = r#"#!/bin/sh -eu
case "$1" in
stop) mv "$2/$WARROOM_ITEM" "$2/$WARROOM_ITEM.stopped" ;;
go) mv "$2/$WARROOM_ITEM.stopped" "$2/$WARROOM_ITEM" ;;
esac
"#;

fn yard() -> Yard {
    let yard = Yard::new(&[("alertname", "WrongRefunds"), ("service", "bot"), ("env", "test")], "# None\n");
    std::fs::write(yard.world().join("switch"), SWITCH).unwrap();
    std::fs::set_permissions(yard.world().join("switch"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(yard.world().join("refunds"), "on").unwrap();
    yard
}

fn desk(yard: &Yard) -> LocalDesk {
    let world = yard.world().display().to_string();
    let hook = |what: &str| Hook::Command(vec![format!("{world}/switch"), what.into(), world.clone()]);
    let stop = |name: &str, go_on: Option<Hook>| Stop {
        name: name.into(),
        kind: StopKind::Tool,
        matches: vec![Glob::new("*refund*").unwrap()],
        stop: hook("stop"),
        go_on,
    };
    let executors: Vec<Box<dyn Executor>> =
        vec![Box::new(ProcessExecutor::new(Vec::new(), wall::Surroundings::default()))];
    let stops = vec![stop("refunds", Some(hook("go"))), stop("for-good", None)];
    yard.desk_with_hands(Rules::default(), Hands { executors, stops, ..Hands::default() })
}

fn state(yard: &Yard, item: &str) -> StopState {
    let view = engine::picture(&yard.journal, None).unwrap();
    view.incidents.items[0].stop_state(&item.into(), Time::now())
}

fn propose(desk: &LocalDesk, item: &str, again: bool) -> anyhow::Result<String> {
    desk.perform(INCIDENT, Act::ProposeStop { item: item.into(), again }, &person("ana"), Time::now())
}

#[test]
fn a_tool_is_stopped_and_let_go_on_each_by_a_plan_that_somebody_approved() {
    let yard = yard();
    let desk = desk(&yard);
    assert_eq!(state(&yard, "refunds"), StopState::Goes);
    propose(&desk, "refunds", false).unwrap();
    let plan = yard.plan();
    assert_eq!(plan.purpose, Purpose::Contain { item: "refunds".into(), again: false });
    assert_eq!(plan.traits.as_ref().unwrap().verb.raw(), "stop");
    assert_eq!(state(&yard, "refunds"), StopState::Waits(plan.id()));
    assert!(yard.read("refunds").is_some(), "a proposal stops nothing");
    approve(&yard, &desk, plan.id(), "ana").unwrap();
    assert!(yard.read("refunds").is_none());
    assert!(matches!(state(&yard, "refunds"), StopState::Stopped(_)));
    propose(&desk, "refunds", true).unwrap();
    approve(&yard, &desk, yard.plan().id(), "ana").unwrap();
    assert!(yard.read("refunds").is_some());
    assert!(matches!(state(&yard, "refunds"), StopState::LetGoOn(_)));
}

#[test]
fn a_stop_that_failed_says_so_and_what_is_not_on_the_list_cannot_be_stopped() {
    let yard = yard();
    let desk = desk(&yard);
    std::fs::remove_file(yard.world().join("refunds")).unwrap();
    propose(&desk, "refunds", false).unwrap();
    approve(&yard, &desk, yard.plan().id(), "ana").unwrap();
    assert!(matches!(yard.outcome(), Some(Outcome::Failed { .. })));
    assert!(matches!(state(&yard, "refunds"), StopState::Failed(_)));
    let why = propose(&desk, "mailer", false).unwrap_err().to_string();
    assert!(why.contains("mailer") && why.contains("[[stop]]"), "{why}");
    let why = propose(&desk, "for-good", true).unwrap_err().to_string();
    assert!(why.contains("no go_on"), "{why}");
}

#[test]
fn what_nothing_lets_go_on_again_asks_for_more() {
    let yard = yard();
    let desk = desk(&yard);
    propose(&desk, "refunds", false).unwrap();
    let undone = yard.plan().tier;
    propose(&desk, "for-good", false).unwrap();
    assert!(yard.plan().tier > undone, "{:?}", yard.plan().reasons);
    assert!(yard.facts(Kind::Started).is_empty());
}
