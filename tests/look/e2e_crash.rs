//! The console is killed at the worst moments: around an approved action, and in the middle of a note.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::e2e_delivery::recorded;
use crate::support::alerting::{Alertmanager, impatient};
use crate::support::gate::{Fate, Gate};
use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{bodies, http, require, wait_until};

const POST: (&str, &str) = ("POST", "/api/v2/silences");
const SOON: Duration = Duration::from_secs(10);

/// A console before a gate before a real Alertmanager, with a plan to silence shown and ready for its yes.
struct Scene {
    house: House,
    gate: Gate,
    _alertmanager: Alertmanager,
    session: Session,
}

fn open(house: &House) -> Session {
    Session::warroom(house, &["--listen", &house.listen()], 140, 40)
}

impl Scene {
    fn asked(more: &str) -> Self {
        let house = House::new();
        let url = format!("http://127.0.0.1:{}/alertmanager", house.port);
        let alertmanager = Alertmanager::start(&impatient(&format!("url: '{url}'")));
        let gate = Gate::before(alertmanager.port);
        house
            .configure(&format!("[alertmanager]\nurl = \"http://127.0.0.1:{}\"\nevery_seconds = 2\n{more}", gate.port));
        let session = open(&house);
        session.wait_until("the first frame", |screen| screen.contents().trim().len() > 40);
        alertmanager.post_alerts(&json!([{"labels": {"alertname": "QueueFull", "service": "mail"}}]));
        wait_until("the alert on record", || recorded(&house, "firing").len() == 1);
        session.wait_for("QueueFull");
        session.press("2s");
        session.wait_for("1 wait for a person");
        session.press("<enter>");
        session.wait_for("y runs exactly this once");
        // A dialog that just appeared hears nothing yet.
        session.settle(Duration::from_millis(900));
        Self { house, gate, _alertmanager: alertmanager, session }
    }

    fn has(&self, kind: &str) -> bool {
        self.house.entries().iter().any(|entry| entry.kind == kind)
    }

    fn killed(&mut self) {
        self.session.signal(Signal::KILL);
        self.session.wait_exit(SOON);
    }

    fn restarted(&mut self) {
        self.session = open(&self.house);
        self.session.wait_for("INC-1");
        self.session.press("7z");
    }
}

#[test]
fn fault_02_killed_after_the_approval_the_action_is_not_started_and_never_by_itself() {
    if !require("alertmanager") {
        return;
    }
    let mut scene = Scene::asked("[silence]\nexecute_seconds = 2\n");
    // Between approval and start the targets are looked up again: there it hangs.
    scene.gate.rule("GET", "/api/v2/alerts", Fate::Hold);
    scene.session.press("y");
    wait_until("the approval on record", || scene.has("approved"));
    assert!(!scene.has("started"), "the test came too late: the action had begun");
    scene.killed();
    scene.gate.rule("GET", "/api/v2/alerts", Fate::Pass);
    let approved = std::time::Instant::now();

    scene.restarted();
    scene.session.wait_for("approved, not started");
    // Well past the moment until which it could have begun, it still has not, and cannot be made to.
    scene.session.press("x");
    wait_until("the time to begin to be over", || approved.elapsed() > Duration::from_secs(4));
    scene.session.press("<esc>7z");
    scene.session.settle(Duration::from_secs(1));
    assert!(!scene.has("started") && !scene.has("finished"));
    assert_eq!(scene.gate.count(POST.0, POST.1), 0, "nothing was sent");
    assert!(scene.session.alive());
    assert!(scene.house.run(&["verify"]).status.success());
}

#[test]
fn fault_03_killed_while_it_runs_the_outcome_is_unknown_until_a_person_has_it_looked_up() {
    if !require("alertmanager") {
        return;
    }
    let mut scene = Scene::asked("");
    // It is done, and the answer never comes.
    scene.gate.rule(POST.0, POST.1, Fate::DoThenHold);
    scene.session.press("y");
    scene.gate.wait_for(POST.0, POST.1);
    wait_until("the start on record", || scene.has("started"));
    scene.killed();
    scene.gate.rule(POST.0, POST.1, Fate::Pass);

    scene.restarted();
    scene.session.wait_for("OUTCOME UNKNOWN");
    scene.session.wait_for("X looks again");
    scene.session.settle(Duration::from_secs(2));
    assert_eq!(scene.gate.count(POST.0, POST.1), 1, "it is not sent again by itself");

    scene.session.press("X");
    wait_until("what was found on record", || {
        let entries = scene.house.entries();
        entries.iter().any(|entry| entry.kind == "finished" && entry.body["outcome"]["outcome"] == "done")
    });
    scene.session.wait_gone("OUTCOME UNKNOWN");
    scene.session.wait_for("done");
    assert_eq!(scene.gate.count(POST.0, POST.1), 1, "looking is not sending");
    assert!(scene.house.run(&["verify"]).status.success());
}

#[test]
fn fault_14_a_note_that_was_being_written_survives_the_session_it_was_written_in() {
    for signal in [Signal::KILL, Signal::HUP] {
        let house = House::new();
        let mut session = open(&house);
        wait_until("the listener", || http::get(house.port, "/healthz").is_ok());
        let alert = bodies::alert("HighErrorRate", "checkout", &[("severity", "page")], &bodies::ago(60), "");
        let answer = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(&[alert]));
        assert_eq!(answer.expect("the listener answers").status, 200);
        session.wait_for("INC-1");
        session.press("n");
        session.wait_for("Note on INC-1");
        session.press("asked the vendor");
        let folder = house.journal().with_extension("drafts");
        let kept = || {
            let files: Vec<_> = std::fs::read_dir(&folder).into_iter().flatten().flatten().collect();
            files.iter().filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect::<Vec<_>>()
        };
        wait_until("the draft in its file", || kept() == ["asked the vendor"]);
        session.signal(signal);
        session.wait_exit(SOON);

        let mut session = open(&house);
        session.wait_for("A note on INC-1 was begun and not recorded");
        session.wait_for("UNOWNED");
        session.press("n");
        session.wait_for("asked the vendor");
        session.press(" twice<c-s>");
        wait_until("the note on record", || {
            house.entries().iter().any(|entry| entry.kind == "noted" && entry.body["text"] == "asked the vendor twice")
        });
        wait_until("the draft to be gone", || kept().is_empty());
        session.type_keys("q");
        assert_eq!(session.wait_exit(SOON), 0);
    }
}
