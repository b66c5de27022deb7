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
