//! What is no longer what was shown is refused.

use warroom::event::{Approval, Fact, Kind, Outcome, PlanId, Request, Time};
use warroom::journal::{Draft, term};
use warroom::response::policy::SilenceLimits;
use warroom::response::{Act, Desk as _, Rules};

use crate::scene::{Scene, alerts, approve, person};
use crate::support::gate::Fate;
use crate::support::require;

fn nothing_happened(scene: &Scene) {
    assert!(scene.silences().is_empty());
    assert_eq!(scene.gate.count("POST", "/api/v2/silences"), 0);
    assert!(scene.facts(&[Kind::Started, Kind::Finished]).is_empty());
}

fn reason(scene: &Scene) -> String {
    match scene.facts(&[Kind::Denied]).pop() {
        Some(Fact::Denied(denial)) => denial.reason.raw().to_owned(),
        other => panic!("no refusal recorded: {other:?}"),
    }
}

#[test]
fn fault_53_a_target_that_was_not_shown_stops_it() {
    if !require("alertmanager") {
        return;
    }
    // Outside the incident already, so one more of the same does not change the tier.
    let scene = Scene::new();
    scene.alertmanager.post_alerts(&alerts("HighErrorRate", 2..3));
    let desk = scene.desk();
    let plan = scene.propose(&desk);
    scene.alertmanager.post_alerts(&alerts("HighErrorRate", 3..4));
    let refused = approve(&desk, plan, "ana").unwrap_err().to_string();
    assert!(refused.contains("were not shown"), "{refused}");
    assert!(reason(&scene).contains("1 of the 4 alerts"), "{}", reason(&scene));
    nothing_happened(&scene);
    let again = approve(&desk, plan, "ana").unwrap_err().to_string();
    assert!(again.contains("is decided"), "it does not come back: {again}");
}

#[test]
fn fault_53_changed_bytes_are_another_plan_and_carry_no_approval() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let shown = scene.propose(&desk);
    // Somebody puts the same plan with other bytes into the journal, filed under the plan that was shown.
    let mut forged = scene.plan();
    let Request::Http { method, url, body } = forged.request.clone() else { panic!("{forged:?}") };
    forged.request = Request::Http { method, url, body: body.raw().replace("checkout", "payments").into() };
    assert_ne!(forged.id(), shown);
    let draft = Draft::new(Time::now(), "forged".into(), &forged.into()).found_by(term::plan(shown));
    scene.journal.append(vec![draft]).unwrap();
    approve(&desk, shown, "ana").unwrap();
    let sent = scene.gate.body_of_the_one("POST", "/api/v2/silences");
    assert!(sent.contains("checkout") && !sent.contains("payments"), "{sent}");
}

#[test]
fn fault_53_another_policy_than_the_one_shown_stops_it() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let plan = scene.propose(&scene.desk());
    let other = scene
        .desk_with(Rules::default().with_silence(SilenceLimits { wide: 1, ..SilenceLimits::default() }), Time::now());
    let refused = approve(&other, plan, "ana").unwrap_err().to_string();
    assert!(refused.contains("policy"), "{refused}");
    nothing_happened(&scene);
}

#[test]
fn fault_54_what_reaches_wider_than_it_was_shown_is_refused() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let plan = scene.propose(&desk);
    scene.alertmanager.post_alerts(&alerts("HighErrorRate", 2..300));
    let refused = approve(&desk, plan, "ana").unwrap_err().to_string();
    assert!(refused.contains("2 alerts then, 300 now"), "{refused}");
    nothing_happened(&scene);
}

#[test]
fn fewer_targets_than_shown_are_no_reason_to_refuse() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let plan = scene.propose(&desk);
    let mut over = alerts("HighErrorRate", 1..2);
    over[0]["endsAt"] = Time::now().to_string().into();
    scene.alertmanager.post_alerts(&over);
    approve(&desk, plan, "ana").unwrap();
    assert!(matches!(scene.outcome(), Some(Outcome::Done { .. })));
}

#[test]
fn fault_54_what_cannot_be_looked_up_again_is_not_sent() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let plan = scene.propose(&desk);
    scene.gate.rule("GET", "/api/v2/alerts", Fate::Close);
    let refused = format!("{:#}", approve(&desk, plan, "ana").unwrap_err());
    assert!(refused.contains("nothing was sent"), "{refused}");
    nothing_happened(&scene);
    // It was no refusal: when it can be looked up, a person may approve again.
    scene.gate.rule("GET", "/api/v2/alerts", Fate::Pass);
    approve(&desk, plan, "ana").unwrap();
    assert_eq!(scene.silences().len(), 1);
}

#[test]
fn fault_56_an_approval_is_used_once_and_for_its_own_plan_only() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let first = scene.propose(&desk);
    approve(&desk, first, "ana").unwrap();
    let again = approve(&desk, first, "ana").unwrap_err().to_string();
    assert!(again.contains("ana approved it first and it has begun"), "{again}");

    // The same approval copied to another plan: nobody at this desk approved that one, and nothing runs by itself.
    let second = scene.propose(&desk);
    let Some(Fact::Approved(recorded)) = scene.facts(&[Kind::Approved]).pop() else { panic!("no approval") };
    let copied = Approval { plan: second, ..(*recorded).clone() };
    replay(&scene, "copied", &copied);
    // And replayed as it was, as after restoring an old file.
    replay(&scene, "replayed", &recorded);
    let restarted = scene.desk();
    restarted.tend(Time::now()).unwrap();
    assert_eq!(scene.silences().len(), 1);
    assert_eq!(scene.gate.count("POST", "/api/v2/silences"), 1);
    assert!(approve(&restarted, first, "ana").is_err());

    // On another incident it is not even found.
    let elsewhere = Act::Approve { plan: second, typed: None, glass: None, read_ms: None };
    let other = warroom::event::IncidentId(8);
    assert!(desk.perform(other, elsewhere, &person("ana"), Time::now()).is_err());
    assert!(approve(&desk, PlanId(warroom::event::Digest::of(b"no plan")), "ana").is_err());
    assert_eq!(scene.silences().len(), 1);
}

fn replay(scene: &Scene, key: &str, approval: &Approval) {
    let draft = Draft::new(Time::now(), key.to_owned(), &approval.clone().into()).found_by(term::plan(approval.plan));
    scene.journal.append(vec![draft]).unwrap();
}
