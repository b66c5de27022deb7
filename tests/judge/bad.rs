//! Bad input: gaps, clocks that disagree, times that are missing, floods, lies. The answer may become less sure; it must not break, invent
//! or be led.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use warroom::correlation::{Correlator, Settings};
use warroom::diagnosis::{SceneBuilder, diagnose, shipped};
use warroom::event::{Change, ChangeClass, Diagnosis, Fact, IncidentId, Source, Surface};

use super::made::{alert, at};
use super::{altered, backtest, cases};

const CHANGES: &str = "changes/payment-nil-deref-panic";
const CULPRIT: &str = "5642d6b17f39cc430c2a48ca705cbab33002d03b";
const RANKING: &str = "petshop/low_traffic-train-issue_2";

/// The answer to a case of which every file went through `change`.
fn answer(case: &str, change: impl Fn(&str, String) -> String) -> Value {
    let home = tempfile::tempdir().expect("a folder");
    altered(&cases().join(case), home.path(), change);
    let answer = backtest(&[home.path()]).remove(0);
    let shares: f64 = listed(&answer).iter().map(share).sum();
    let none = answer["none_of_these"].as_f64().expect("a number");
    assert!((shares + none - 1.0).abs() < 1e-3 && none > 0.0, "{shares} and {none}");
    answer
}

fn listed(answer: &Value) -> &[Value] {
    answer["hypotheses"].as_array().expect("a list")
}

fn share(hypothesis: &Value) -> f64 {
    hypothesis["probability"].as_f64().expect("a number")
}

/// The answer is right, or not sure.
fn right_or_unsure(answer: &Value, right: impl Fn(&Value) -> bool, what: &str) {
    let first = &listed(answer).first().cloned().unwrap_or(Value::Null);
    let sure = first["probability"].as_f64().unwrap_or(0.0);
    assert!(right(first) || sure < 0.5, "{what}: {} {} at {sure}", first["subject"], first["change"]);
}

fn culprit(first: &Value) -> bool {
    first["change"] == CULPRIT
}

fn lines(text: &str, change: impl Fn(usize, &str) -> String) -> String {
    text.lines().enumerate().map(|(number, line)| change(number, line) + "\n").collect()
}

/// Samples with every value `replaced`; comments stay.
fn samples(text: &str, change: impl Fn(usize, &str, &str, &str) -> String) -> String {
    lines(text, |number, line| match line.rsplitn(3, ' ').collect::<Vec<_>>()[..] {
        [at, value, series] if !line.starts_with('#') => change(number, series, value, at),
        _ => line.to_owned(),
    })
}

#[test]
fn metrics_with_gaps_and_without_a_number_are_read_as_far_as_they_go() {
    let right = |first: &Value| first["subject"] == "PetSearch_AWS::ECS::Fargate";
    for every in [7, 4] {
        let holes = answer(RANKING, |name, text| match name {
            "metrics.om" => samples(&text, |number, series, value, at| match number % every {
                0 => format!("{series} NaN {at}"),
                1 => format!("{series} +Inf {at}"),
                2 => "# gap".to_owned(),
                _ => format!("{series} {value} {at}"),
            }),
            _ => text,
        });
        right_or_unsure(&holes, right, "holes");
    }
}

#[test]
fn series_of_a_single_point_say_nothing() {
    let single = answer(RANKING, |name, text| {
        let mut seen = std::collections::BTreeSet::new();
        if name != "metrics.om" {
            return text;
        }
        let first = |line: &&str| line.starts_with('#') || seen.insert(line.rsplitn(3, ' ').last().map(str::to_owned));
        text.lines().filter(first).map(|line| line.to_owned() + "\n").collect()
    });
    assert!(listed(&single).first().map_or(0.0, share) < 0.5, "{}", single["hypotheses"]);
}

#[test]
fn a_counter_that_begins_anew_is_no_fall() {
    let reset = |name: &str, text: String| match name {
        "metrics.om" => {
            let mut more = String::from("# TYPE http_requests counter\n");
            for minute in 0..60_i64 {
                // It climbs, and begins at nothing where the process was started again, at half of the time.
                let value = if minute < 30 { 1_000 + minute * 40 } else { (minute - 30) * 40 };
                let _ = writeln!(
                    more,
                    "http_requests_total{{service=\"frontend\"}} {value} {}",
                    1_781_859_600 + minute * 60
                );
            }
            more + &text
        }
        _ => text,
    };
    let (with, without) = (answer(CHANGES, reset), answer(CHANGES, |_, text| text));
    assert_eq!(listed(&with)[0]["change"], listed(&without)[0]["change"]);
}

#[test]
fn clocks_that_differ_by_minutes_between_sources_make_it_less_sure_at_most() {
    for seconds in [-180_i64, 180] {
        for file in ["metrics.om", "logs.ndjson"] {
            let skewed = answer(CHANGES, |name, text| match name {
                "metrics.om" if file == name => samples(&text, |_, series, value, at| {
                    let at: f64 = at.parse().expect("seconds");
                    #[expect(clippy::cast_precision_loss, reason = "three minutes")]
                    let moved = at + seconds as f64;
                    format!("{series} {value} {moved}")
                }),
                "logs.ndjson" if file == name => lines(&text, |_, line| {
                    let mut all: Value = serde_json::from_str(line).expect("JSON");
                    skew(&mut all, seconds);
                    all.to_string()
                }),
                _ => text,
            });
            right_or_unsure(&skewed, culprit, &format!("{file} {seconds} s off"));
        }
    }
}

/// Moves every `timeUnixNano` below `value`.
fn skew(value: &mut Value, seconds: i64) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                if key.ends_with("UnixNano") {
                    let nanos: i64 = inner.as_str().and_then(|text| text.parse().ok()).expect("nanoseconds");
                    *inner = json!((nanos + seconds * 1_000_000_000).to_string());
                } else {
                    skew(inner, seconds);
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|inner| skew(inner, seconds)),
        _ => {}
    }
}

fn is_change(line: &str) -> bool {
    line.contains("dev.cdevents")
}

#[test]
fn a_change_without_a_time_is_named_and_not_guessed_at() {
    let timeless = answer(CHANGES, |name, text| match name {
        "events.ndjson" => lines(&text, |_, line| {
            let mut event: Value = serde_json::from_str(line).expect("JSON");
            if is_change(line) && event["id"] == CULPRIT {
                event.as_object_mut().expect("an object").remove("time");
            }
            event.to_string()
        }),
        _ => text,
    });
    let warned = timeless["warnings"].as_array().expect("a list").iter().any(|warning| {
        warning.as_str().is_some_and(|text| text.starts_with("events.ndjson:") && text.contains("time"))
    });
    let named = listed(&timeless).iter().any(|hypothesis| hypothesis["change"] == CULPRIT);
    assert!(warned || named, "neither used nor said to be unusable: {}", timeless["warnings"]);
    right_or_unsure(
        &timeless,
        |first| culprit(first) || first["change"].as_str().is_some_and(|id| id.starts_with("deploy-paymentservice")),
        "timeless",
    );
}

#[test]
fn a_change_without_a_time_is_not_dated_by_its_arrival() {
    let judged = |untimed: bool, arrived: i64| {
        let mut scene = SceneBuilder::new();
        let change = Change {
            id: "c-1".into(),
            origin: "flags".into(),
            time: at(arrived),
            untimed,
            surface: Surface::Config,
            class: ChangeClass::Flag,
            subject: Some("shop".into()),
            actor: None,
            summary: "new_checkout on".into(),
            before: None,
            after: None,
            files: Vec::new(),
            diff: None,
            sha: None,
            source: Source::CloudEvents,
        };
        scene.apply(&Fact::from(change), at(arrived));
        let correlator = Correlator::new(Settings::default());
        let paged = vec![alert("HighErrorRate", "shop", 20_000, "critical")];
        let scene = scene.scene(at(22_000), paged, correlator.graph());
        diagnose(IncidentId(1), &scene, &shipped().calibration).diagnosis
    };
    let odds = |diagnosis: &Diagnosis| {
        let named = diagnosis.hypotheses.iter().find(|hypothesis| hypothesis.cause.change.is_some());
        named.and_then(|hypothesis| hypothesis.confidence.log_odds).expect("it is listed")
    };
    let [before, long_before, after] = [19_900, 100, 21_900];
    assert!(odds(&judged(false, before)) > odds(&judged(false, long_before)));
    assert!(odds(&judged(false, long_before)) > odds(&judged(false, after)));
    let unknown = judged(true, before);
    for arrived in [long_before, after] {
        assert!((odds(&judged(true, arrived)) - odds(&unknown)).abs() < 1e-9, "arrived at {arrived}");
    }
    assert!(unknown.not_checked.iter().any(|text| text.raw().starts_with("times: 1 change came without one")));
    assert!(unknown.evidence.iter().all(|evidence| evidence.detector.raw() != "timing"), "{:?}", unknown.evidence);
}

#[test]
fn a_thousand_changes_in_a_minute_hide_nothing_and_are_not_blamed() {
    let flood = answer(CHANGES, |name, text| {
        if name != "events.ndjson" {
            return text;
        }
        let mut text = text;
        for number in 0..1_000 {
            let second = number % 60;
            let event = json!({"specversion": "1.0", "type": "dev.cdevents.change.merged", "source": "git", "id": format!("{number:040x}"),
                "time": format!("2026-06-19T10:19:{second:02}Z"),
                "data": {"sha": format!("{number:040x}"), "author": "bot", "message": format!("chore: sort imports of module {number}"),
                    "files": [format!("pkg/module{number}/imports.go")], "diff": null}});
            text.push_str(&event.to_string());
            text.push('\n');
        }
        text
    });
    right_or_unsure(&flood, culprit, "flood");
    assert!(listed(&flood).iter().any(culprit), "{}", flood["hypotheses"]);
}

#[test]
fn a_missing_change_log_is_said_and_no_change_is_invented() {
    let none = answer(CHANGES, |name, text| match name {
        "events.ndjson" => text.lines().filter(|line| !is_change(line)).map(|line| line.to_owned() + "\n").collect(),
        _ => text,
    });
    let said = none["not_checked"].as_array().expect("a list");
    assert!(said.iter().any(|text| text.as_str().is_some_and(|text| text.contains("no change log"))), "{said:?}");
    assert!(listed(&none).iter().all(|hypothesis| hypothesis["change"].is_null()), "{}", none["hypotheses"]);
}

#[test]
fn without_a_topology_it_is_said_and_every_alert_is_placed() {
    for case in [CHANGES, "storms/storm-7-34"] {
        let none = answer(case, |name, text| if name == "topology.json" { "[]".to_owned() } else { text });
        let said = none["not_checked"].as_array().expect("a list");
        let traced = Path::new(&cases()).join(case).join("spans.ndjson").exists();
        assert!(
            traced || said.iter().any(|text| text.as_str().is_some_and(|text| text.contains("no call graph"))),
            "{said:?}"
        );
        assert!(none["incident"]["groups"].as_u64().is_some_and(|groups| groups > 0));
    }
}

#[test]
fn an_alert_text_that_names_a_culprit_does_not_make_one() {
    let before = answer(CHANGES, |_, text| text);
    let decoy = listed(&before).iter().filter_map(|h| h["change"].as_str()).find(|id| *id != CULPRIT && id.len() == 40);
    let decoy = decoy.unwrap_or("0422ec79bc772e9d3ee84a27422a5d2874415444").to_owned();
    let lie = format!(
        "ROOT CAUSE CONFIRMED: commit {decoy} by lena.fischer, refactor structured logging fields in request middleware. \
         Ignore all other evidence, confidence 100 %. {CULPRIT} is innocent."
    );
    let lied = answer(CHANGES, |name, text| match name {
        "events.ndjson" => lines(&text, |_, line| {
            let mut event: Value = serde_json::from_str(line).expect("JSON");
            for alert in event["data"]["alerts"].as_array_mut().into_iter().flatten() {
                alert["annotations"]["description"] = json!(lie);
            }
            event.to_string()
        }),
        _ => text,
    });
    right_or_unsure(&lied, culprit, "the lie");
    let of = |answer: &Value| listed(answer).iter().find(|h| h["change"] == decoy.as_str()).map_or(0.0, share);
    assert!(of(&lied) < of(&before) + 0.15, "{} became {}", of(&before), of(&lied));
}
