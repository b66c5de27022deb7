//! What must not matter: the order of lines, the names of things, what happened later, running twice.

use std::path::Path;

use serde_json::Value;

use super::{altered, backtest, cases};

/// One case of each kind.
const KINDS: [&str; 4] = [
    "changes/payment-nil-deref-panic",
    "petshop/low_traffic-train-issue_2",
    "agents/tool-drop-not-logged",
    "storms/storm-7-34",
];

fn answer(case: &Path) -> Value {
    backtest(&[case]).remove(0)
}

#[test]
fn the_same_case_is_judged_the_same_twice() {
    let paths: Vec<_> = KINDS.iter().map(|kind| cases().join(kind)).collect();
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    assert_eq!(backtest(&paths), backtest(&paths));
}

#[test]
fn the_order_of_lines_does_not_matter() {
    for kind in KINDS {
        let home = tempfile::tempdir().expect("a folder");
        altered(&cases().join(kind), home.path(), |name, text| {
            let mut lines: Vec<&str> = text.lines().collect();
            let extension = Path::new(name).extension();
            if extension.is_some_and(|is| is == "ndjson") {
                lines.reverse();
            }
            if extension.is_some_and(|is| is == "om") {
                // The metadata first and the end mark last, the samples backwards.
                let (marks, mut samples): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| line.starts_with('#'));
                samples.reverse();
                let end = |line: &&&str| **line == "# EOF";
                lines = marks
                    .iter()
                    .filter(|line| !end(line))
                    .copied()
                    .chain(samples)
                    .chain(marks.iter().filter(end).copied())
                    .collect();
            }
            lines.join("\n") + "\n"
        });
        assert_eq!(answer(&cases().join(kind)), answer(home.path()), "{kind}");
    }
}

#[test]
fn nothing_later_than_the_page_matters() {
    let case = cases().join("changes/upstream-payment-provider-outage");
    let home = tempfile::tempdir().expect("a folder");
    let later = r#"{"specversion":"1.0","type":"dev.cdevents.service.deployed","source":"deploys","id":"from-the-future","time":"2026-09-22T12:40:00Z","subject":"paymentservice","data":{"service":"paymentservice","version":"9","sha":"ffff"}}"#;
    let log = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"paymentservice"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1790080800000000000","severityNumber":17,"body":{"stringValue":"certificate has expired"}}]}]}]}"#;
    altered(&case, home.path(), |name, text| match name {
        "events.ndjson" => format!("{text}{later}\n"),
        "logs.ndjson" => format!("{text}{log}\n"),
        _ => text,
    });
    assert_eq!(answer(&case), answer(home.path()));
}

#[test]
fn names_do_not_matter() {
    // Every component, field and id is called otherwise, the same everywhere; what stays are words of the trade.
    let names = [
        ("paymentservice", "zubrowka"),
        ("checkoutservice", "marzanna"),
        ("frontend", "okienko"),
        ("services/payment", "services/zubrow"),
        ("5642d6b17f39cc430c2a48ca705cbab33002d03b", "00aa11bb22cc33dd44ee55ff66aa77bb88cc99dd"),
        ("Charge", "Fleeb"),
        ("charge", "fleeb"),
        ("ThreeDS", "Quux"),
        ("carlos.mendez", "a.b"),
        ("payment", "zubrow"),
    ];
    let case = cases().join("changes/payment-nil-deref-panic");
    let home = tempfile::tempdir().expect("a folder");
    altered(&case, home.path(), |_, text| names.iter().fold(text, |text, (old, new)| text.replace(old, new)));
    let (was, is) = (answer(&case), answer(home.path()));
    let of = |answer: &Value, rename: bool| -> Vec<(String, String)> {
        let all = answer["hypotheses"].as_array().expect("a list").iter().take(3);
        all.map(|h| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let called = |value: &Value| {
                names.iter().fold(text(value), |t, (old, new)| if rename { t.replace(old, new) } else { t })
            };
            (called(&h["surface"]), called(&h["change"]))
        })
        .collect()
    };
    assert_eq!(of(&was, true)[0], of(&is, false)[0]);
    let share = |answer: &Value| answer["hypotheses"][0]["probability"].as_f64().expect("a number");
    assert!((share(&was) - share(&is)).abs() < 0.1, "{} and {}", share(&was), share(&is));
}
