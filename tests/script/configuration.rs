//! fault 70: a configuration that is not understood stops the start, and the message names file and line.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use crate::support::house::House;

fn refused(house: &House, toml: &str) -> String {
    house.configure(toml);
    said(&house.run(&["serve"]))
}

/// What was said by a command that did not understand its configuration.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(64), "{text}");
    assert_eq!(text.trim_end().lines().count(), 1, "one line: {text}");
    text
}

#[test]
fn fault_70_every_mistake_is_refused_by_file_and_line() {
    let house = House::new();
    let file = house.config().display().to_string();
    for (toml, line, what) in [
        ("listen = \"127.0.0.1:9095\"\nlisten_too = true\n", 2, "unknown field `listen_too`"),
        ("[alertmanager]\nurl = \"http://am:9093\"\nevrey_seconds = 3\n", 3, "unknown field `evrey_seconds`"),
        ("listen = \"127.0.0.1\"\n", 1, "socket address"),
        ("listen = [\n", 1, ""),
        ("mouse = \"yes\"\n", 1, "boolean"),
        ("colour = \"mauve\"\n", 1, "unknown variant `mauve`"),
        ("\n\n[alertmanager]\nurl = \"am:9093\"\n", 4, "http://"),
        ("[alertmanager]\nurl = \"http://me:secret@am:9093\"\n", 2, "bearer"),
        ("[prometheus]\nurl = \"not an address\"\n", 2, "not an address"),
        ("theme = \"dark\"\ntoken = { env = \"WARROOM_TEST_NOT_SET\" }\n", 2, "WARROOM_TEST_NOT_SET is not set"),
        ("token = { file = \"/does/not/exist\" }\n", 1, "/does/not/exist"),
        ("listen = \"0.0.0.0:9095\"\n", 1, "without a token"),
        ("silent_after_minutes = 0\n", 1, "at least 1"),
        ("[[endpoint]]\nname = \"a\"\nurl = \"file:///etc/passwd\"\nkind = \"openai\"\n", 3, "http://"),
        ("[[endpoint]]\nname = \"a\"\nurl = \"http://m/v1\"\nkind = \"other\"\n", 4, "unknown variant `other`"),
        ("[[endpoint]]\nname = \"\"\nurl = \"http://m/v1\"\nkind = \"openai\"\n", 2, "name of its own"),
        (
            "[[endpoint]]\nname = \"a\"\nurl = \"http://m/v1\"\nkind = \"openai\"\nkey = { env = \"HOME\" }\n",
            3,
            "https://",
        ),
        ("[[endpoint]]\nname = \"a\"\nurl = \"http://me:secret@m/v1\"\nkind = \"anthropic\"\n", 3, "use key = "),
        ("[[redact]]\nname = \"Badge\"\npattern = \"x\"\n", 2, "lower-case"),
        ("[[redact]]\nname = \"badge\"\npattern = \"(\"\n", 3, "unclosed group"),
        ("[[redact]]\nname = \"badge\"\npattern = \"x\"\nhint = \"é\"\n", 4, "a hint is"),
        ("[[redact]]\nname = \"badge\"\npattern = \"x\"\nhunt = \"x\"\n", 4, "unknown field `hunt`"),
        (
            "[[redact]]\nname = \"badge\"\npattern = \"x\"\n\n[[redact]]\nname = \"badge\"\npattern = \"y\"\n",
            6,
            "another rule has this name",
        ),
        ("[retention]\nwhole_days = 0\n", 2, "1 to 3650"),
        ("[retention]\nwhole_days = 7\nat_most_gib = 0.0\n", 3, "at least 0.1"),
        ("[retention]\nwhole_days = 7\n[sampling]\ngood_runs = 1.5\n", 4, "from 0"),
        ("[sampling]\ngood_runs = 0.5\n", 1, "say how old"),
        ("[silence]\nwide_alerts = 10\nvery_wide_alerts = 5\n", 1, "very_wide_alerts"),
        ("[silence]\nexecute_seconds = 86400\n", 1, "at most"),
        ("theme = \"dark\"\ntime_zone = \"Mars/Olympus\"\n", 2, "Europe/Berlin"),
        ("clipboard = \"off\"\n", 1, "boolean"),
        ("[[call]]\nname = \"a\"\nhow = \"slack\"\nkey = { env = \"LANG\" }\n", 3, "needs a channel"),
        ("[[call]]\nname = \"a\"\nhow = \"pigeon\"\nkey = { env = \"LANG\" }\n", 3, "pagerduty"),
        ("[[call]]\nname = \"a b\"\nhow = \"pagerduty\"\nkey = { env = \"LANG\" }\n", 2, "one word"),
        ("[[call]]\nname = \"a\"\nhow = \"webhook\"\nkey = { env = \"LANG\" }\n", 4, "whole address"),
        (
            "[[call]]\nname = \"a\"\nhow = \"pagerduty\"\nkey = { env = \"LANG\" }\ntext = \"{headline}\"\n",
            5,
            "{title}",
        ),
        ("[[call]]\nname = \"a\"\nhow = \"pagerduty\"\nkey = { env = \"LANG\" }\nseverity = \"bad\"\n", 5, "critical"),
        (
            "[[call]]\nname = \"a\"\nhow = \"pagerduty\"\nkey = { env = \"LANG\" }\nchannel = \"C1\"\n",
            5,
            "only a [[call]] by slack",
        ),
        ("[cdevents]\nsink = \"https://me:pw@events.example/\"\n", 2, "ends up in logs"),
        ("[cdevents]\nsink = \"https://events.example/\"\nsource = \"a b\"\n", 3, "a source is a URI"),
    ] {
        let said = refused(&house, toml);
        assert!(said.contains(&format!("{file}:{line}")), "{toml:?} names line {line}: {said}");
        assert!(said.contains(what), "{toml:?} says {what:?}: {said}");
        assert!(!house.journal().exists(), "nothing was begun");
    }
}

#[test]
fn fault_70_a_secret_is_never_repeated_in_the_message() {
    let house = House::new();
    let said = refused(&house, "[alertmanager]\nurl = \"http://me:hunter2@am:9093\"\n");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn fault_70_control_characters_in_a_file_do_not_reach_the_terminal() {
    let house = House::new();
    house.configure("\"\u{1b}[31mred\" = 1\n");
    let said = house.run(&["serve"]).stderr;
    assert!(!said.iter().any(|byte| *byte < b' ' && *byte != b'\n'), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn fault_70_a_file_others_can_write_is_refused() {
    let house = House::new();
    house.configure("mouse = false\n");
    std::fs::set_permissions(house.config(), std::fs::Permissions::from_mode(0o666)).unwrap();
    let output = house.run(&["serve"]);
    assert!(said(&output).contains("chmod 600"));
}

#[test]
fn a_named_file_that_does_not_exist_is_an_error_and_the_usual_one_is_not() {
    let house = House::new();
    let named = house.run(&["--config", "nowhere.toml", "quarantine"]);
    assert!(said(&named).contains("there is no such file"));
    let doctor = house.json(&["doctor", "--json", "--listen", &house.listen()]);
    assert_eq!(doctor["good"], true, "{doctor}");
}

#[test]
fn listening_beyond_loopback_without_a_token_is_refused_on_the_command_line_too() {
    let house = House::new();
    let output = house.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert!(said(&output).contains("without a token"));
}

#[test]
fn every_configuration_in_the_documents_is_understood() {
    let mut tried = 0;
    for document in ["README.md", "docs/configuration.md"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        while let Some(fence) = lines.by_ref().find(|line| line.trim() == "```toml") {
            let indent = fence.len() - fence.trim_start().len();
            let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            let toml = block.iter().map(|line| line.get(indent..).unwrap_or("")).collect::<Vec<_>>().join("\n");
            let house = House::new();
            house.configure(&toml);
            let output = house.run(&["doctor", "--json"]);
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let check = &report["checks"][0];
            assert_eq!(
                (&check["what"], &check["state"]),
                (&"configuration".into(), &"good".into()),
                "{document}: {check}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 2, "the documents show configurations: {tried}");
}
