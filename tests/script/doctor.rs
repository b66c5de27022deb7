//! `warroom doctor` as somebody new meets it: it says what is wrong, and what to do.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::house::House;

/// What it says of one thing, in this house with this more of environment: its state, and the words.
fn check(house: &House, environment: &[(&str, &str)], what: &str) -> (String, String) {
    let mut command = house.command(&["doctor", "--json", "--listen", &house.listen()]);
    command.envs(environment.iter().copied());
    let output = command.output().expect("warroom starts");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let checks = report["checks"].as_array().expect("checks").clone();
    let found = checks.into_iter().find(|check| check["what"] == what).unwrap_or_else(|| panic!("no {what}: {report}"));
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    let state = text("state");
    assert_eq!(output.status.code(), Some(i32::from(report["good"] == false)), "the code follows what was found");
    assert!(state != "bad" || report["good"] == false, "{report}");
    (state, text("found"))
}

fn says(house: &House, environment: &[(&str, &str)], what: &str, state: &str, words: &[&str]) {
    let (was, found) = check(house, environment, what);
    assert_eq!(was, state, "{what}: {found}");
    for word in words {
        assert!(found.contains(word), "{what} does not say `{word}`: {found}");
    }
}

#[test]
fn without_a_configuration_it_says_where_one_goes_and_what_is_missing_without_it() {
    let house = House::new();
    let file = house.config().display().to_string();
    says(&house, &[], "configuration", "good", &["built-in values", &file]);
    says(&house, &[], "Alertmanager", "note", &["nothing can be silenced", "[alertmanager] url"]);
    says(&house, &[], "Prometheus", "note", &["[prometheus] url"]);
    says(&house, &[], "journal", "note", &["does not exist yet", "made at the first start"]);
    let named = house.run(&["--config", "nowhere.toml", "doctor"]);
    let text = String::from_utf8_lossy(&named.stdout).into_owned();
    assert_eq!(named.status.code(), Some(1));
    assert!(text.contains("BAD") && text.contains("nowhere.toml") && text.contains("there is no such file"), "{text}");
}

#[test]
fn a_mistake_in_the_configuration_is_named_by_file_and_line() {
    let house = House::new();
    house.configure("nonsense = 1\n");
    says(&house, &[], "configuration", "bad", &["warroom.toml:1", "nonsense"]);
}

#[test]
fn a_service_that_does_not_answer_is_named_with_what_to_look_at() {
    let house = House::new();
    let nobody = format!("http://127.0.0.1:{}/", crate::support::free_port());
    house.configure(&format!("[alertmanager]\nurl = \"{nobody}\"\n[prometheus]\nurl = \"{nobody}\"\n"));
    for service in ["Alertmanager", "Prometheus"] {
        says(&house, &[], service, "bad", &[&nobody, "check that it runs and that the address is right"]);
    }
}

#[test]
fn a_port_in_use_is_told_by_who_has_it() {
    let house = House::new();
    says(&house, &[], "listen", "good", &[&house.listen(), "is free"]);
    {
        let _server = house.serve();
        says(&house, &[], "listen", "good", &["a running warroom"]);
    }
    let other = std::net::TcpListener::bind(("127.0.0.1", house.port)).expect("it is free again");
    let answering = std::thread::spawn(move || {
        use std::io::Write as _;
        let (mut stream, _) = other.accept().expect("somebody asks");
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    says(&house, &[], "listen", "bad", &["another program", "--listen"]);
    answering.join().expect("it was asked");
}

#[test]
fn a_journal_that_others_could_change_is_refused_before_the_start_is() {
    let house = House::new();
    let mut server = house.serve();
    assert!(server.terminate().success());
    let folder = house.journal().parent().expect("a folder").to_path_buf();
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    open(&folder, 0o777);
    says(&house, &[], "journal", "bad", &["everyone may write into the folder", "chmod 700"]);
    open(&folder, 0o700);
    open(&house.journal(), 0o644);
    says(&house, &[], "journal", "bad", &["others may read", "chmod 600"]);
    // What it finds bad is what the start refuses.
    let refused = house.run(&["serve", "--listen", &house.listen()]);
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    open(&house.journal(), 0o600);
    says(&house, &[], "journal", "good", &["entries"]);
}

#[test]
fn a_terminal_that_can_do_less_is_told_what_that_means_and_how_to_get_more() {
    let house = House::new();
    says(&house, &[], "locale", "good", &["C.UTF-8"]);
    says(&house, &[("LANG", "C")], "locale", "note", &["not UTF-8", "ASCII only", "LANG=C.UTF-8"]);
    says(&house, &[("NO_COLOR", "1")], "colours", "good", &["NO_COLOR"]);
}

/// What an unmodified SDK sent, as it was captured: what is missing is named with the question that it leaves open.
#[test]
fn the_recorder_says_what_a_real_sdk_does_not_send_and_how_to_mend_it() {
    let house = House::new();
    let none = house.serve();
    drop(none);
    let empty = house.run(&["doctor", "recorder"]);
    assert_eq!(empty.status.code(), Some(0), "nothing is wrong with nothing");
    assert!(String::from_utf8_lossy(&empty.stderr).contains("No span was recorded yet"));

    let server = house.serve();
    let answer = server.post("/v1/traces", include_bytes!("../data/captured/otlp/genai.json")).expect("an answer");
    assert_eq!(answer.status, 200, "{answer:?}");
    for more in [&["--json"][..], &["--json", "--all"]] {
        let arguments = [&["doctor", "recorder"], more].concat();
        let output = house.run(&arguments);
        assert_eq!(output.status.code(), Some(1), "a needed field is missing");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(
            (&report["good"], &report["services"][0]["service"]),
            (&false.into(), &"rca-agent-otel".into()),
            "{report}"
        );
        assert_eq!(report["services"][0]["steps"], 1, "{report}");
        let score = report["services"][0]["score"].as_f64().expect("a score");
        assert!((0.5..1.0).contains(&score), "{report}");
        let gaps = report["services"][0]["gaps"].as_array().expect("gaps").clone();
        let of = |field: &str| gaps.iter().find(|gap| gap["field"] == field);
        let version = of("gen_ai.prompt.version").unwrap_or_else(|| panic!("{report}"));
        assert_eq!((&version["needed"], &version["captured"], &version["of"]), (&true.into(), &0.into(), &1.into()));
        assert!(of("gen_ai.response.model").is_none() && of("gen_ai.input.messages").is_none(), "{report}");
    }
    let text = String::from_utf8_lossy(&house.run(&["doctor", "recorder"]).stdout).into_owned();
    for what in
        ["rca-agent-otel", "MISSING  gen_ai.prompt.version  on 0 of 1 chat steps", "which revision of the prompt ran"]
    {
        assert!(text.contains(what), "{what}: {text}");
    }
}
