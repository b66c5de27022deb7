//! The first look on the real program: from a page to one sheet, the owner and the severity set by a person.

use std::time::Duration;

use serde_json::json;

use crate::demo::play;
use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{allowed, bodies, http, wait_for, wait_until};

const CLOUD_EVENT: &str = "application/cloudevents+json";

fn page(house: &House, alerts: &[serde_json::Value]) {
    let answer = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(alerts));
    assert_eq!(answer.expect("the listener answers").status / 100, 2);
}

fn deploy(house: &House, id: &str, service: &str, seconds_ago: u64) {
    let data = json!({"service": service, "version": "1.9.3", "version_before": "1.9.2", "actor": "mei"});
    let body = bodies::change(id, "dev.cdevents.service.deployed.0.3.0", service, &data, &bodies::ago(seconds_ago));
    assert_eq!(http::post(house.port, "/events", CLOUD_EVENT, &body).expect("the listener answers").status / 100, 2);
}

#[test]
fn a_page_is_one_sheet_with_what_is_known_and_what_was_not_checked_and_people_own_and_rate_it() {
    let house = House::new();
    let mut session = Session::warroom(&house, &["--listen", &house.listen()], 160, 50);
    session.wait_until("the first frame", |screen| screen.contents().trim().len() > 40);
    deploy(&house, "deploy-1", "checkout", 90);
    let alert = |name: &str, service: &str, seconds: u64| {
        bodies::alert(name, service, &[("severity", "critical")], &bodies::ago(seconds), "")
    };
    page(&house, &[alert("CheckoutErrors", "checkout", 30), alert("CheckoutSlow", "checkout", 20)]);
    session.wait_for("INC-1");
    session.press("F");
    session.wait_for("First look at INC-1");
    // All of it, whether it was opened before or after the diagnosis.
    for told in [
        "UNOWNED",
        "NOBODY  has taken it; O takes it",
        "not set by anybody; suggested SEV",
        "What may have changed it",
        "1.9.3",
        "There is no past incident yet.",
        "Which series moved",
        "Not checked",
        "paths: no call graph is known",
        "metrics: no series was received",
        "budget: no objective is defined",
    ] {
        session.wait_for(told);
    }
    let entries = house.entries();
    let of = |kind: &str| entries.iter().find(|entry| entry.kind == kind).expect("on record").arrived;
    let took = Duration::try_from(of("diagnosed").duration_since(of("incident_opened"))).expect("after it");
    assert!(took <= allowed(Duration::from_secs(2)), "the first diagnosis came {took:?} after the incident");

    // An agent's word is a message: nobody owns it by that.
    let note = json!({"author": "pager-agent", "text": "acknowledged, I have taken INC-1"});
    let body = bodies::change("note-1", "com.warroom.note", "checkout", &note, &bodies::ago(1));
    assert_eq!(http::post(house.port, "/events", CLOUD_EVENT, &body).expect("the listener answers").status / 100, 2);
    wait_until("the agent's message on record", || house.entries().iter().any(|entry| entry.kind == "noted"));
    assert!(session.text().contains("UNOWNED"), "{}", session.text());

    // How severe: what is known is ticked with its evidence, what is not is asked, and only a key sets it.
    session.press("V");
    session.wait_for("How severe is INC-1?");
    session.wait_for("the worst of its alerts says critical");
    assert!(house.entries().iter().all(|entry| entry.kind != "severity_set"), "nothing sets itself");
    session.wait_for("How many of those who use it meet it?");
    session.press("1");
    session.wait_for("Who sees it?");
    session.press("2");
    session.wait_for("Nobody has set it yet. Which one is it?");
    session.wait_for("SEV1 suggested");
    session.press("2");
    let set =
        wait_for("the severity on record", || house.entries().into_iter().find(|entry| entry.kind == "severity_set"));
    assert_eq!((&set.body["name"], &set.body["suggested"]), (&json!("SEV2"), &json!("SEV1")), "{}", set.body);
    let why = set.body["why"].as_str().unwrap_or_default();
    assert!(why.contains("reach: most") && why.contains("(the worst of its alerts says critical)"), "{why}");
    session.wait_until("the level in the first line", |screen| {
        screen.contents().lines().next().is_some_and(|line| line.contains("INC-1 SEV2"))
    });

    session.press("F");
    session.press("O");
    wait_until("an owner on record", || house.entries().iter().any(|entry| entry.kind == "owned"));
    session.wait_until("the owner in the first line", |screen| {
        let first = screen.contents().lines().next().unwrap_or_default().to_owned();
        first.contains("owner ") && !first.contains("UNOWNED")
    });
    session.press("q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);
}

#[test]
fn with_a_record_what_came_back_is_named_with_what_ended_it_and_a_new_kind_is_said_to_be_new() {
    let house = House::new();
    let mut session = Session::warroom(&house, &["--listen", &house.listen()], 160, 50);
    session.wait_until("the first frame", |screen| screen.contents().trim().len() > 40);
    // A record of thirty: other components, other alerts, a few words in common.
    let mut ended = Vec::new();
    for nth in 0..30_u64 {
        let (name, service) = (format!("Fault{nth}"), format!("service-{nth}"));
        let from = bodies::ago(90_000 - nth * 2_000);
        page(&house, &[bodies::alert(&name, &service, &[], &from, "")]);
        ended.push(bodies::alert(&name, &service, &[], &from, &bodies::ago(89_000 - nth * 2_000)));
    }
    wait_until("thirty incidents", || {
        house.entries().iter().filter(|entry| entry.kind == "incident_opened").count() == 30
    });
    page(&house, &ended);
    wait_until("all of them at an end", || {
        let ends = house.entries();
        ends.iter().filter(|entry| entry.kind == "alert" && entry.body["status"] == "resolved").count() == 30
    });
    // It comes back: the same component, the same alert.
    page(&house, &[bodies::alert("Fault7", "service-7", &[("pod", "other")], &bodies::ago(5), "")]);
    session.wait_for("Fault7 fires");
    session.wait_until("thirty-one", |screen| screen.contents().contains("INC-31"));
    session.press("F");
    session.wait_for("First look at INC-31");
    session.wait_for("past incidents");
    session.wait_for("cause not confirmed");
    session.wait_for("components: service-7");
    session.press("<esc>q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);
}

const OURS: &str = include_str!("../data/severity.toml");

#[test]
fn a_teams_own_rubric_is_asked_set_checked_and_read_again_on_a_signal() {
    let house = House::new();
    let file = house.config().parent().expect("a folder").join("ours.toml");
    house.configure("severity = \"ours.toml\"\n");
    std::fs::write(&file, OURS).expect("a file");
    let found = house.stdout(&["--plain", "doctor"]);
    assert!(found.contains("ours.toml, P1, P2"), "{found}");

    let mut session = play(&house, &[], 120, 40);
    session.wait_for("support-lead");
    session.press("V");
    session.wait_for("Do guests meet it?");
    session.press("2");
    session.wait_for("P2 suggested");
    session.press("<enter>");
    session.wait_until("the level in the first line", |screen| {
        screen.contents().lines().next().is_some_and(|line| line.contains("INC-1 P2"))
    });

    // One that became wrong is said with its line, and the one in use stays.
    std::fs::write(&file, OURS.replace("counts_as = \"info\"", "counts_as = \"sad\"")).expect("a file");
    session.signal(rustix::process::Signal::USR1);
    session.wait_for("ours.toml:10: ");
    let doctor = house.run(&["doctor"]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("ours.toml:10: "), "{doctor:?}");
    std::fs::write(&file, OURS.replace("guests", "visitors")).expect("a file");
    session.signal(rustix::process::Signal::USR1);
    session.wait_for("severities P1, P2");
    session.press("V");
    session.wait_for("Do visitors meet it?");
    session.press("<esc>q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);
}
