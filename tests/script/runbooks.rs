//! Runbooks on the command line.

use crate::support::house::House;

fn said(house: &House, arguments: &[&str]) -> (i32, String) {
    let output = house.run(arguments);
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_folder_is_checked_and_its_faults_named_by_file_and_line() {
    let house = House::new();
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    let file = dir.path().join("web.md");
    std::fs::write(&file, "# Web\n\n```sh\nls\n```\n").unwrap();
    let (code, text) = said(&house, &["runbook", "check", folder]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("1 of 1 runbook in order; 1 step (1 only read, 0 ask first)"), "{text}");

    std::fs::write(&file, "# Web\n\n```sh {tier=9}\nls\n```\n\n```sh\nno-such-program-anywhere --x\n```\n").unwrap();
    let (code, text) = said(&house, &["runbook", "check", folder]);
    assert_eq!(code, 1, "{text}");
    for part in ["web.md", "ERROR     3  tier=9", "not here", "no program no-such-program-anywhere"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80 || line.contains(folder)), "{text}");

    let (code, text) = said(&house, &["runbook", "check", folder, "--json"]);
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, 1);
    let errors = found["findings"].as_array().unwrap().iter().filter(|one| one["level"] == "error");
    assert_eq!(errors.map(|one| &one["line"]).collect::<Vec<_>>(), [3], "{found}");
    assert_eq!(found["unable"][0]["steps"][0], "web-2", "{found}");
}

#[test]
fn the_built_in_ones_are_listed_and_shown() {
    let house = House::new();
    let (code, text) = said(&house, &["runbook", "list"]);
    assert_eq!(code, 0);
    assert!(text.contains("kubernetes/crash-loop") && text.contains("rollback/prompt"), "{text}");
    let (code, text) = said(&house, &["runbook", "show", "rollback/prompt"]);
    assert_eq!(code, 0);
    for part in ["takes back: prompt", "stays as it is:", "WRITES  canary", "reads   now"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(said(&house, &["runbook", "show", "none"]).0, 1);
}
