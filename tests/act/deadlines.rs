//! Two clocks: time to approve, time to execute. A timeout means no.

use jiff::SignedDuration;
use warroom::event::{Fact, Kind, Time};
use warroom::response::{Act, Desk as _, Rules};

use crate::scene::{INCIDENT, Scene, approve, approve_at, person};
use crate::support::require;

fn nothing_happened(scene: &Scene) {
    assert!(scene.silences().is_empty());
    assert!(scene.facts(&[Kind::Started, Kind::Finished]).is_empty());
}

#[test]
fn fault_55_a_stale_proposal_is_refused_and_says_since_when() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let now = Time::now();
    let desk = scene.desk_with(Rules::default(), now);
    let plan = scene.propose_at(&desk, now);
    let late = scene.plan().approve_by + SignedDuration::from_secs(1);
    let refused = approve_at(&desk, plan, "ana", late).unwrap_err().to_string();
    assert!(refused.contains(&format!("expired at {}", scene.plan().approve_by)), "{refused}");
    assert!(matches!(scene.facts(&[Kind::Denied]).as_slice(), [Fact::Denied(denial)] if denial.by.is_none()));
    nothing_happened(&scene);
}

#[test]
fn fault_55_an_approval_whose_time_to_execute_has_passed_is_refused() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let plan = scene.propose(&scene.desk());
    // No time at all between the approval and its execution.
    let table = Rules::default().with_clocks(10, 0);
    let desk = scene.desk_with(table, Time::now());
    let refused = approve(&desk, plan, "ana").unwrap_err().to_string();
    assert!(refused.contains("the approval expired at"), "{refused}");
    assert_eq!(scene.facts(&[Kind::Approved]).len(), 1);
    nothing_happened(&scene);
}

#[test]
fn fault_55_a_resolved_incident_takes_no_action() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let plan = scene.propose(&desk);
    desk.perform(INCIDENT, Act::Resolve, &person("ben"), Time::now()).unwrap();
    let refused = approve(&desk, plan, "ana").unwrap_err().to_string();
    assert!(refused.contains("INC-7 is no longer open"), "{refused}");
    nothing_happened(&scene);
    assert!(desk.perform(INCIDENT, scene.proposal(60), &person("ana"), Time::now()).is_err());
}

#[test]
fn fault_41_setting_the_clock_back_extends_no_approval_in_this_process() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let now = Time::now();
    let desk = scene.desk_with(Rules::default().with_clocks(0, 60), now);
    let plan = scene.propose_at(&desk, now);
    std::thread::sleep(std::time::Duration::from_millis(20));
    // Three hours back: by that clock there is all the time in the world.
    let back = now - SignedDuration::from_hours(3);
    let refused = approve_at(&desk, plan, "ana", back).unwrap_err().to_string();
    assert!(refused.contains("expired at"), "{refused}");
    nothing_happened(&scene);
}

#[test]
fn fault_41_setting_the_clock_back_extends_no_approval_for_the_next_process() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let now = Time::now();
    let plan = scene.propose_at(&scene.desk_with(Rules::default().with_clocks(0, 60), now), now);
    std::thread::sleep(std::time::Duration::from_millis(20));
    // Any later entry proves that the time has passed, to a process that knows only a clock set back.
    let note = Act::Note("later".into());
    scene.desk().perform(INCIDENT, note, &person("ben"), Time::now()).unwrap();
    let back = now - SignedDuration::from_hours(3);
    let fresh = scene.desk_with(Rules::default().with_clocks(0, 60), back);
    let refused = approve_at(&fresh, plan, "ana", back).unwrap_err().to_string();
    assert!(refused.contains("expired at"), "{refused}");
    nothing_happened(&scene);
}
