//! Two people at the same moment.

use std::sync::Barrier;

use warroom::event::{Kind, Time};
use warroom::response::{Act, Desk as _};

use crate::scene::{INCIDENT, Scene, approve, person};
use crate::support::require;

/// Rounds of the race; each ends one way or the other.
const ROUNDS: usize = 12;

#[test]
fn fault_58_approving_and_refusing_in_the_same_moment_ends_one_way_and_the_loser_is_told() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let (hers, his) = (scene.desk(), scene.another_desk());
    for round in 0..ROUNDS {
        let plan = scene.propose(&hers);
        let before = scene.silences().len();
        let start = Barrier::new(2);
        let (approved, denied) = std::thread::scope(|threads| {
            let approving = threads.spawn(|| {
                start.wait();
                approve(&hers, plan, "ana")
            });
            let denying = threads.spawn(|| {
                start.wait();
                // Spread over the time an approval takes, so that both orders come up.
                std::thread::sleep(std::time::Duration::from_millis((round % 4) as u64 * 3));
                his.perform(INCIDENT, Act::Deny { plan, reason: "not now".into() }, &person("ben"), Time::now())
            });
            (approving.join().unwrap(), denying.join().unwrap())
        });
        let happened = scene.silences().len() - before;
        match (&approved, &denied) {
            (Ok(told), Err(late)) => {
                assert_eq!(happened, 1, "{told}");
                assert!(late.to_string().contains("ana approved it first"), "{late}");
            }
            (Err(late), Ok(_)) => {
                assert_eq!(happened, 0);
                assert!(late.to_string().contains("ben refused it first"), "{late}");
            }
            both => panic!("not exactly one: {both:?}"),
        }
    }
    let ends = scene.facts(&[Kind::Started, Kind::Denied]).len();
    assert_eq!(ends, ROUNDS, "each plan ended once");
}

#[test]
fn fault_58_two_approvals_in_the_same_moment_are_one_execution() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let (hers, his) = (scene.desk(), scene.another_desk());
    for _ in 0..ROUNDS / 2 {
        let plan = scene.propose(&hers);
        let before = scene.silences().len();
        let start = Barrier::new(2);
        let results = std::thread::scope(|threads| {
            let go = |desk, login| {
                let start = &start;
                threads.spawn(move || {
                    start.wait();
                    approve(desk, plan, login)
                })
            };
            [go(&hers, "ana"), go(&his, "ben")].map(|thread| thread.join().unwrap())
        });
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        let loser = results.iter().find_map(|result| result.as_ref().err()).unwrap().to_string();
        assert!(loser.contains("approved it first"), "{loser}");
        assert_eq!(scene.silences().len() - before, 1);
    }
}

#[test]
fn a_refused_plan_never_starts() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let desk = scene.desk();
    let plan = scene.propose(&desk);
    let deny = || Act::Deny { plan, reason: "let it ring".into() };
    desk.perform(INCIDENT, deny(), &person("ben"), Time::now()).unwrap();
    let refused = approve(&desk, plan, "ana").unwrap_err().to_string();
    assert!(refused.contains("ben refused it first (let it ring)"), "{refused}");
    assert!(desk.perform(INCIDENT, deny(), &person("cleo"), Time::now()).is_err());
    assert!(scene.silences().is_empty());
}
