//! The shape of what is printed.

use serde_json::Value;

use super::{backtest, cases};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn every_case_is_answered_once_by_the_contract() {
    let answers = backtest(&[&cases()]);
    assert_eq!(answers.len(), 10);
    for answer in &answers {
        for field in [
            "case",
            "as_of",
            "engine",
            "hypotheses",
            "none_of_these",
            "first_failing",
            "blast_radius",
            "remediation",
            "onset",
            "incident",
            "warnings",
        ] {
            assert!(answer.get(field).is_some(), "{field} is missing in {}", answer["case"]);
        }
        let hypotheses = answer["hypotheses"].as_array().expect("a list");
        let given: Vec<f64> = hypotheses.iter().map(|h| number(&h["probability"])).collect();
        let none = number(&answer["none_of_these"]);
        assert!((given.iter().sum::<f64>() + none - 1.0).abs() < 1e-3, "{}: {given:?} and {none}", answer["case"]);
        assert!(none > 0.0, "{}: none of these always carries weight", answer["case"]);
        assert!(given.is_sorted_by(|a, b| a >= b), "{given:?}");
        for (place, hypothesis) in hypotheses.iter().enumerate() {
            assert_eq!(hypothesis["rank"], place + 1);
            assert!(hypothesis["falsifiers"].as_array().is_some_and(|all| !all.is_empty()));
            assert!(hypothesis["surface"].is_string());
        }
        let calibrated = answer["calibrated_on"].as_u64().is_some_and(|n| n > 0) && answer["calibration"].is_string();
        assert!(calibrated || hypotheses.is_empty(), "a probability says what it rests on: {answer}");
    }
}

#[test]
fn a_storm_names_the_incident_of_each_alert_and_a_root_of_each_incident() {
    for answer in backtest(&[&cases().join("storms")]) {
        let incident = &answer["incident"];
        let assignments = incident["assignments"].as_object().expect("a map");
        let roots = incident["roots"].as_object().expect("a map");
        assert!(assignments.len() as u64 <= incident["alerts"].as_u64().expect("a count"));
        for group in assignments.values() {
            assert!(roots.contains_key(&group.to_string()), "incident {group} of {} has no root", answer["case"]);
        }
    }
}

#[test]
fn a_quiet_stretch_blames_nobody() {
    for case in ["petshop/low_traffic-train-quiet-latency-0.45", "agents/null-1"] {
        let answer = &backtest(&[&cases().join(case)])[0];
        let first = answer["hypotheses"].get(0).map_or(0.0, |first| number(&first["probability"]));
        assert!(first < 0.5 && number(&answer["none_of_these"]) > first, "{case}: {first}");
    }
}

#[test]
fn the_score_says_how_many_and_how_sure() {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"))
        .arg("backtest")
        .arg("--score")
        .arg(cases())
        .output()
        .expect("starts");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    for words in
        ["right ", "of 7 (", "95 % interval", "confidently wrong", "Brier score", "pairwise F1", "(mean of n 3)"]
    {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}

#[test]
fn what_cannot_be_read_is_named_and_skipped() {
    let home = tempfile::tempdir().expect("a folder");
    let case = cases().join("changes/payment-nil-deref-panic");
    super::altered(&case, home.path(), |name, text| {
        if name == "logs.ndjson" { format!("{{\"resourceLogs\": 3\n{text}") } else { text }
    });
    let answer = &backtest(&[home.path()])[0];
    let warnings = answer["warnings"].as_array().expect("a list");
    assert!(
        warnings.iter().any(|warning| warning.as_str().is_some_and(|w| w.starts_with("logs.ndjson:1:"))),
        "{warnings:?}"
    );
}

#[test]
fn a_folder_without_a_case_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"))
        .arg("backtest")
        .arg(home.path())
        .output()
        .expect("starts");
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("bundle.json"));
}
