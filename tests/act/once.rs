//! At most once, whatever dies in between.

use std::time::Duration;

use warroom::event::{Kind, Outcome, Time};
use warroom::response::Desk as _;

use crate::scene::{INCIDENT, Scene, approve, approve_at, person, reconcile};
use crate::support::gate::Fate;
use crate::support::{require, wait_until};

const POST: (&str, &str) = ("POST", "/api/v2/silences");

#[test]
fn fault_02_killed_after_the_approval_it_has_not_started_and_does_not_start_by_itself() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let plan = scene.propose(&scene.desk());
    // Looking again at what it would hide is what comes between the approval and the start.
    scene.gate.rule("GET", "/api/v2/alerts", Fate::Hold);
    let process = scene.approve_in_another_process(plan);
    wait_until("the approval on disk", || !scene.facts(&[Kind::Approved]).is_empty());
    drop(process); // SIGKILL
    scene.gate.rule("GET", "/api/v2/alerts", Fate::Pass);

    let restarted = scene.desk();
    assert_eq!(restarted.tend(Time::now()).unwrap(), 0);
    std::thread::sleep(Duration::from_millis(300));
    assert!(scene.facts(&[Kind::Started]).is_empty());
    assert_eq!(scene.gate.count(POST.0, POST.1), 0);
    assert!(scene.silences().is_empty());

    // Long after, not even by hand: the proposal has expired.
    let later = Time::now() + jiff::SignedDuration::from_hours(1);
    let refused = approve_at(&restarted, plan, "ana", later).unwrap_err().to_string();
    assert!(refused.contains("expired at"), "{refused}");
    assert!(scene.silences().is_empty());
}

#[test]
fn fault_03_killed_before_the_request_arrived_the_outcome_is_unknown_and_nothing_is_sent_again() {
    killed_while_executing(Fate::Hold, 0);
}

#[test]
fn fault_03_killed_after_the_request_arrived_the_outcome_is_unknown_and_nothing_is_sent_again() {
    killed_while_executing(Fate::DoThenHold, 1);
}

fn killed_while_executing(fate: Fate, effects: usize) {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let plan = scene.propose(&scene.desk());
    scene.gate.rule(POST.0, POST.1, fate);
    let process = scene.approve_in_another_process(plan);
    scene.gate.wait_for(POST.0, POST.1);
    wait_until("the effect", || scene.silences().len() == effects);

    let desk = scene.desk();
    assert_eq!(desk.tend(Time::now()).unwrap(), 0, "its process lives: {}", scene.log());
    drop(process); // SIGKILL
    scene.gate.rule(POST.0, POST.1, Fate::Pass);

    wait_until("the dead process's plan to be marked", || desk.tend(Time::now()).unwrap() == 1);
    let Some(Outcome::Unknown { check }) = scene.outcome() else { panic!("{:?}", scene.outcome()) };
    assert!(check.raw().contains("may or may not have happened"), "{check:?}");
    assert_eq!(desk.tend(Time::now()).unwrap(), 0, "marked once");
    assert_eq!(scene.gate.count(POST.0, POST.1), 1, "not sent again by itself");

    // Nor by hand: neither the same plan nor one like it before the outcome is known.
    assert!(approve(&desk, plan, "ana").is_err());
    let refused = desk.perform(INCIDENT, scene.proposal(60), &person("ana"), Time::now()).unwrap_err().to_string();
    assert!(refused.contains("its outcome is unknown"), "{refused}");

    let later = Time::now() + jiff::SignedDuration::from_mins(2);
    let told = reconcile(&desk, plan, later).unwrap();
    match effects {
        0 => assert!(told.contains("did not happen"), "{told}"),
        _ => assert!(told.contains("done: silence"), "{told}"),
    }
    assert_eq!(scene.silences().len(), effects);
    assert_eq!(scene.gate.count(POST.0, POST.1), 1);
}

#[test]
fn fault_59_a_lost_answer_is_looked_up_and_the_effect_is_one() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let plan = scene.propose(&desk);
    scene.gate.rule(POST.0, POST.1, Fate::DoThenClose);
    let told = approve(&desk, plan, "ana").unwrap();
    assert!(told.contains("done: silence"), "found by its key: {told}");
    assert_eq!(scene.silences().len(), 1);
    assert_eq!(scene.gate.count(POST.0, POST.1), 1);
}

#[test]
fn fault_59_a_lost_answer_that_cannot_be_looked_up_is_unknown_and_retries_do_not_double_it() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let plan = scene.propose(&desk);
    scene.gate.rule(POST.0, POST.1, Fate::DoThenClose);
    scene.gate.rule("GET", "/api/v2/silences", Fate::Close);
    let told = approve(&desk, plan, "ana").unwrap();
    assert!(told.contains("outcome unknown"), "{told}");

    // The person tries again, from two fresh processes.
    for _ in 0..2 {
        let desk = scene.desk();
        assert!(approve(&desk, plan, "ana").is_err());
        assert!(desk.perform(INCIDENT, scene.proposal(60), &person("ana"), Time::now()).is_err());
    }
    assert_eq!(scene.silences().len(), 1);
    scene.gate.rule("GET", "/api/v2/silences", Fate::Pass);
    let told = reconcile(&desk, plan, Time::now()).unwrap();
    assert!(told.contains("done: silence"), "{told}");
    assert_eq!(scene.silences().len(), 1);
    // Known now, so another one like it may be proposed.
    scene.propose(&desk);
}

#[test]
fn a_request_that_was_lost_is_called_failed_only_when_it_can_no_longer_arrive() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let plan = scene.propose(&desk);
    scene.gate.rule(POST.0, POST.1, Fate::Close);
    let told = approve(&desk, plan, "ana").unwrap();
    // Closed without an answer: it may have arrived, and right after that it is not there yet.
    assert!(told.contains("outcome unknown"), "{told}");
    let now = Time::now();
    let early = reconcile(&desk, plan, now).unwrap_err().to_string();
    assert!(early.contains("may still be on its way"), "{early}");
    let later = now + jiff::SignedDuration::from_mins(1);
    let told = reconcile(&desk, plan, later).unwrap();
    assert!(told.contains("did not happen"), "{told}");
}
