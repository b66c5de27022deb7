//! Every command: exit codes that mean something, JSON that is JSON.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::house::House;

/// The captured webhook that opens an incident.
fn webhook() -> Vec<u8> {
    let alert = |pod: &str| {
        serde_json::json!({
            "status": "firing", "labels": {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical", "pod": pod},
            "annotations": {}, "startsAt": jiff::Timestamp::now().to_string(), "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "", "fingerprint": format!("{:016x}", pod.len() + 7)
        })
    };
    let alerts = [alert("a"), alert("bb")];
    serde_json::to_vec(&serde_json::json!({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "console",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am", "alerts": alerts
    }))
    .unwrap()
}

/// A house that has had one delivery accepted and one refused.
fn lived_in() -> House {
    let house = House::new();
    let mut server = house.serve();
    let accepted = server.post("/alertmanager", &webhook()).unwrap();
    assert_eq!(accepted.status / 100, 2, "{}", accepted.text());
    let refused = server.post("/alertmanager", b"{\"version\": \"4\"}").unwrap();
    assert_eq!(refused.status, 400, "{}", refused.text());
    crate::support::wait_until("an incident of both alerts", || {
        house.entries().iter().any(|entry| entry.kind == "diagnosed")
    });
    assert!(server.terminate().success(), "{}", server.stderr());
    house
}

/// What a command printed, as JSON lines.
fn lines(house: &House, arguments: &[&str]) -> Vec<Value> {
    let output = house.run(arguments);
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {line}")))
        .collect()
}

fn code(house: &House, arguments: &[&str]) -> i32 {
    house.run(arguments).status.code().unwrap_or(-1)
}

#[test]
fn what_the_command_line_cannot_mean_ends_with_64() {
    let house = House::new();
    for arguments in [&["nonsense"][..], &["--nonsense"], &["verify", "--nonsense"], &["ingest"], &["backtest"]] {
        let output = house.run(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["serve", "--help"]] {
        let output = house.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn controls_in_an_argument_do_not_come_back_to_the_terminal() {
    let house = House::new();
    let output = house.run(&["\u{1b}]0;owned\u{7}"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(!output.stderr.iter().any(|byte| *byte < b' ' && *byte != b'\n'));
}

#[test]
fn what_could_not_be_done_ends_with_2_and_says_why_on_one_line() {
    let house = House::new();
    for arguments in [&["verify"][..], &["incidents"], &["quarantine"], &["accuracy"], &["ingest", "no/such/bundle"]] {
        let output = house.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.starts_with("warroom: ") && said.trim_end().lines().count() == 1, "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn every_reading_command_speaks_json_about_a_house_that_was_lived_in() {
    let house = lived_in();
    let verdict = house.json(&["verify", "--json"]);
    assert_eq!(verdict["whole"], true, "{verdict}");

    let refused = lines(&house, &["quarantine", "--json"]);
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["source"], "alertmanager", "{}", refused[0]);
    assert!(refused[0]["reason"].as_str().unwrap().contains('/'), "it names the field: {}", refused[0]);
    assert_eq!(refused[0]["raw"], "{\"version\": \"4\"}");
    assert_eq!(code(&house, &["quarantine"]), 1, "something was refused");

    let doctor = house.json(&["doctor", "--json", "--listen", &house.listen()]);
    assert_eq!(doctor["good"], true, "{doctor}");
    let found = |what: &str| {
        let checks = doctor["checks"].as_array().unwrap();
        checks.iter().find(|check| check["what"] == what).unwrap_or_else(|| panic!("no {what}: {doctor}")).clone()
    };
    assert_eq!(found("integrity")["state"], "good");
    assert_eq!(found("refused deliveries")["state"], "note");
    assert!(doctor["limits"].as_array().is_some_and(|limits| limits.len() > 10));

    let incidents = lines(&house, &["incidents", "--json"]);
    assert_eq!(incidents.len(), 1);
    let incident = &incidents[0];
    let said = |field: &str| incident[field].clone();
    assert_eq!(
        (said("id"), said("alerts"), said("firing"), said("truncated")),
        (1.into(), 2.into(), 2.into(), 0.into())
    );
    assert_eq!(
        (said("severity"), said("state")["state"].clone(), said("owner")),
        ("critical".into(), "open".into(), Value::Null)
    );
    for time in ["began", "opened", "updated"] {
        let written = said(time);
        assert!(
            written.as_str().is_some_and(|text| text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok()),
            "{time}: {written}"
        );
    }
    let group = &incident["groups"]["items"][0];
    assert_eq!(
        (&group["name"], &group["service"], &group["alerts"]),
        (&"HighErrorRate".into(), &"checkout".into(), &2.into())
    );
    assert_eq!(incident["groups"]["hidden"], 0, "a list says what it does not show");
    assert_eq!(lines(&house, &["incidents", "INC-1", "--json"]), incidents, "one by its number");
    assert_eq!(code(&house, &["incidents", "7", "--json"]), 1, "there is no such incident");
    assert_eq!(
        lines(&house, &["incidents", "--json", "--as-of", "2020-01-01T00:00:00Z"]).len(),
        0,
        "nothing was known then"
    );
    assert_eq!(code(&house, &["incidents", "--as-of", "noon"]), 64);

    let accuracy = house.json(&["accuracy", "--json"]);
    for count in ["confirmed", "unconfirmed", "hasty", "unlooked"] {
        assert_eq!(accuracy[count], 0, "{count}: {accuracy}");
    }
    assert_eq!(
        accuracy["investigators"],
        serde_json::json!([]),
        "no record yet is an empty list, not a rate: {accuracy}"
    );

    let file = |name: &str| house.path().join(name).to_string_lossy().into_owned();
    assert_eq!(code(&house, &["export", "--out", &file("record.ndjson")]), 0);
    let exported = std::fs::read_to_string(file("record.ndjson")).unwrap();
    assert!(exported.lines().count() >= 2 && exported.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert_eq!(code(&house, &["export", "--out", &file("record.ndjson")]), 2, "nothing is overwritten");
    assert_eq!(code(&house, &["export", "--checkpoint", &file("checkpoint")]), 0);
    assert_eq!(code(&house, &["verify", "--checkpoint", &file("checkpoint")]), 0);
}

#[test]
fn doctor_drops_the_caches_and_the_house_stands_as_before() {
    let house = lived_in();
    let before = house.json(&["verify", "--json"]);
    assert_eq!(code(&house, &["doctor", "--rebuild", "--listen", &house.listen()]), 0);
    assert_eq!(house.json(&["verify", "--json"]), before);
    let mut server = house.serve();
    assert!(server.terminate().success());
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let house = lived_in();
    let mut child = house
        .command(&["doctor", "--json", "--limits", "--listen", &house.listen()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(said.is_empty(), "{said}");
}

#[test]
fn serve_ends_in_order_on_each_signal() {
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let house = House::new();
        let mut server = house.serve();
        assert_eq!(server.post("/alertmanager", &webhook()).unwrap().status / 100, 2);
        crate::support::send_signal(server.pid(), signal);
        crate::support::wait_until("it to end", || !server.alive());
        assert!(server.terminate().success());
        assert_eq!(house.json(&["verify", "--json"])["whole"], true);
    }
}

#[test]
fn a_second_serve_on_the_same_port_is_refused_with_a_reason() {
    let house = House::new();
    let _first = house.serve();
    let output = house.run(&["serve", "--listen", &house.listen()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&house.listen()));
}
