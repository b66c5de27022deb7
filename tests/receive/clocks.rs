//! Fault 41: the clock of the machine is set, on the real process.

use crate::support::clock::WallClock;
use crate::support::house::{House, Server};
use crate::support::{bodies, require, wait_for, wait_until};

/// Central European time, with its two changes a year, written out: no time zone database is needed.
const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

fn serve_by(house: &House, clock: &WallClock) -> Server {
    let mut command = house.command(&["serve", "--listen", &house.listen()]);
    command.envs(clock.environment());
    Server::start(command, house.port)
}

fn fire(server: &Server, name: &str, at: &str) {
    let alert = bodies::alert(name, "checkout", &[("severity", "page")], at, "");
    let answer = server.post("/alertmanager", &bodies::webhook(&[alert])).expect("the listener answers");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn fault_41_a_clock_set_back_and_forth_leaves_the_order_in_which_things_came() {
    if !require("faketime") {
        return;
    }
    let (house, clock) = (House::new(), WallClock::right());
    let mut server = serve_by(&house, &clock);
    let start = bodies::ago(60);
    for (step, name) in [("+0s", "First"), ("-3h", "Second"), ("+3h", "Third"), ("+0s", "Fourth")] {
        clock.set(step);
        fire(&server, name, &start);
        wait_until("it to have a place", || {
            let entries = house.entries();
            let grouped = entries.iter().filter(|entry| entry.kind == "grouped");
            let placed: usize = grouped.map(|entry| entry.body["alerts"].as_array().map_or(0, Vec::len)).sum();
            placed == entries.iter().filter(|entry| entry.kind == "alert").count()
        });
    }
    let alerts: Vec<_> = house.entries().into_iter().filter(|entry| entry.kind == "alert").collect();
    let names: Vec<_> = alerts.iter().map(|entry| entry.body["labels"]["alertname"].as_str().unwrap_or("")).collect();
    assert_eq!(names, ["First", "Second", "Third", "Fourth"], "by their place in the record");
    // It was really stepped: the second arrived before the first, by the clock.
    let journal = house.exported();
    let arrived = |name: &str| {
        let line = journal.iter().find(|line| line["body"]["labels"]["alertname"] == name).expect("it is exported");
        line["arrived"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok()).expect("a time")
    };
    assert!(arrived("Second") < arrived("First") && arrived("Third") > arrived("Fourth"));
    let incident = house.json(&["incidents", "--json"]);
    assert_eq!((&incident["alerts"], &incident["firing"]), (&4.into(), &4.into()), "one incident of all four");
    assert!(server.terminate().success(), "{}", server.stderr());
    assert!(house.run(&["verify"]).status.success());
}

#[test]
fn fault_41_on_the_day_the_clocks_go_back_durations_are_those_that_passed() {
    if !require("faketime") {
        return;
    }
    let (house, clock) = (House::new(), WallClock::right());
    // Ten past two in the second hour of that name; the alert began at ten to three in the first.
    clock.set("@2026-10-25 01:10:00");
    let mut server = serve_by(&house, &clock);
    fire(&server, "Down", "2026-10-25T00:50:00Z");
    wait_until("an incident", || house.entries().iter().any(|entry| entry.kind == "grouped"));
    let shown = |zone: &str| {
        let output = house.command(&["incidents", "1"]).env("TZ", zone).output().expect("warroom starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let utc = wait_for("the incident", || Some(shown("UTC")).filter(|text| text.contains("began")));
    let local = shown(BERLIN);
    assert!(utc.contains("As of 2026-10-25 01:1") && utc.contains("began 00:50:00, "), "{utc}");
    assert!(local.contains("As of 2026-10-25 02:1") && local.contains("began 02:50:00, "), "{local}");
    let ago = |text: &str| {
        let minutes = text.split_once(":50:00, ").and_then(|(_, rest)| rest.split_once("m ago"));
        minutes.and_then(|(minutes, _)| minutes.parse::<u64>().ok()).unwrap_or_else(|| panic!("how long ago? {text}"))
    };
    assert!((20..30).contains(&ago(&utc)), "{utc}");
    assert_eq!(ago(&local), ago(&utc), "{local}");
    // What scripts read does not depend on where they run.
    let json = house.command(&["incidents", "--json"]).env("TZ", BERLIN).output().expect("warroom starts");
    let incident: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(incident["began"], "2026-10-25T00:50:00Z");
    assert!(server.terminate().success(), "{}", server.stderr());
}
