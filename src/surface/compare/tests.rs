//! Two moments, two slices, a run and a good one: told from spans as a sender sends them.

use serde_json::Value;

use super::*;
use crate::event::Span;
use crate::surface::made::{agent, at, batch, chat, judged, tool};
use crate::surface::{Chosen, Runs};

/// What one run is made of.
struct Made {
    region: &'static str,
    served: &'static str,
    prompt: &'static str,
    result: &'static str,
    reason: &'static str,
    verdict: &'static str,
}

const GOOD: Made = Made {
    region: "eu",
    served: "large-0513",
    prompt: "Be kind.\nBe brief.",
    result: r#"{"price":1}"#,
    reason: "stop",
    verdict: "pass",
};

fn run(n: u8, made: &Made) -> Vec<Span> {
    let second = i64::from(n) * 10;
    let head = agent(
        n,
        second,
        &[
            ("gen_ai.system_instructions", made.prompt.into()),
            ("gen_ai.prompt.name", "rules".into()),
            ("gen_ai.prompt.version", "41".into()),
            ("deployment.region", made.region.into()),
        ],
    );
    let mut said = chat(n, 3, second + 2, "Done.", made.reason);
    said.attributes.insert("gen_ai.response.model".into(), Value::from(made.served));
    vec![judged(head, made.verdict), tool(n, 2, second + 1, "find", "{}", made.result), said]
}

/// Twenty runs, regions in turn; from the tenth on `of` the later ones.
fn table(of: impl Fn(u8) -> Made) -> RunTable {
    let mut runs = Runs::default();
    (1..=20).for_each(|n| runs.apply(&batch(run(n, &of(n)))));
    RunTable::of(&runs)
}

fn since(table: &RunTable, before: bool) -> Vec<&RunRow> {
    let moment = Some(at(105));
    let chosen = if before {
        Chosen { until: moment, ..Chosen::default() }
    } else {
        Chosen { from: moment, ..Chosen::default() }
    };
    table.choose(&chosen)
}

fn region(n: u8) -> &'static str {
    if n.is_multiple_of(2) { "eu" } else { "us" }
}

#[test]
fn two_moments_differ_in_what_moved_and_in_nothing_else() {
    let table = table(|n| match n {
        1..=10 => Made { region: region(n), ..GOOD },
        _ => Made { region: region(n), prompt: "Be kind.\nBe long.", result: r#"{"amount":1}"#, ..GOOD },
    });
    let (before, since) = (since(&table, true), since(&table, false));
    assert_eq!((before.len(), since.len()), (10, 10));
    let compared = table.compare(&before, &since);
    let name = |one: &Compared| table.part(one.part).unwrap().1.raw().to_owned();
    let differing: Vec<String> = compared.iter().filter(|one| one.differs).map(name).collect();
    // The text moved under the same version, and the tool answers otherwise.
    assert_eq!(differing, ["prompt text", "result of find"]);
    let text = &compared[0];
    assert_eq!((text.left.captured, text.right.captured, text.left.values.len()), (10, 10, 1));
    let of = |values: &Values| table.text(text.part, values.values[0].0).unwrap().raw().to_owned();
    assert_eq!((of(&text.left).as_str(), of(&text.right).as_str()), ("Be kind.\nBe brief.", "Be kind.\nBe long."));
    let shape = &compared[1];
    assert_eq!(table.text(shape.part, shape.right.values[0].0).unwrap().raw(), ".amount");
    let same: Vec<String> = compared.iter().filter(|one| !one.differs).map(name).collect();
    assert!(same.contains(&"prompt version".to_owned()) && same.contains(&"served model".to_owned()), "{same:?}");
    let missing: Vec<&str> = table.not_captured(&since).into_iter().map(|(_, part, _)| part).collect();
    assert!(missing.contains(&"index version") && !missing.contains(&"served model"), "{missing:?}");
    assert!(RunTable::scores(&since).is_none());
}

#[test]
fn a_version_in_one_region_only_and_an_alias_that_moved_are_findings_with_their_runs() {
    let table = table(|n| match (n, region(n)) {
        (11.., "eu") => Made { region: "eu", served: "other-1", prompt: "Be new.", ..GOOD },
        (_, region) => Made { region, ..GOOD },
    });
    let rows = since(&table, false);
    let findings = table.findings(&rows);
    let value = |id: ValueId| table.value(id).raw().to_owned();
    let alias = findings.iter().find_map(|one| match one {
        Finding::Alias { asked, served } => {
            Some((value(*asked), served.iter().map(|(v, n)| (value(*v), *n)).collect::<Vec<_>>()))
        }
        Finding::Skew { .. } => None,
    });
    assert_eq!(alias, Some(("large".into(), vec![("large-0513".into(), 5), ("other-1".into(), 5)])));
    let skewed: Vec<String> = findings
        .iter()
        .filter_map(|one| match one {
            Finding::Skew { slice, part, runs } if *slice == "region" => {
                assert_eq!(runs.iter().map(|(.., of, _, with)| (*of, *with)).collect::<Vec<_>>(), [(5, 5), (5, 5)]);
                Some(table.part(*part).unwrap().1.raw().to_owned())
            }
            _ => None,
        })
        .collect();
    assert_eq!(skewed, ["served model", "prompt text"]);
    // Before, all ran the same, and a version behind the name asked for is its own answer.
    assert!(table.findings(&since(&table, true)).is_empty());
    // The two regions side by side say the same as the skew.
    let of = |region: &str| {
        table.choose(&Chosen { from: Some(at(105)), with: vec![("region".into(), region.into())], ..Chosen::default() })
    };
    let differing = table.compare(&of("eu"), &of("us")).into_iter().filter(|one| one.differs).count();
    assert_eq!(differing, 2);
}

#[test]
fn choices_hold_together_and_know_slices_parts_agents_and_ends() {
    let table = table(|n| Made { region: region(n), reason: if n > 15 { "length" } else { "stop" }, ..GOOD });
    let count = |with: &[(&str, &str)], newest: Option<usize>| {
        let with = with.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        table.choose(&Chosen { newest, with, ..Chosen::default() }).len()
    };
    assert_eq!(count(&[("region", "EU")], None), 10);
    assert_eq!(count(&[("region", "eu"), ("stop", "trunc")], None), 3);
    assert_eq!(count(&[("served model", "large-05"), ("agent", "bot")], Some(7)), 7);
    assert_eq!(count(&[("region", "asia")], None), 0);
    assert_eq!(count(&[("nothing", "x")], None), 0);
}

#[test]
fn ends_are_counted_over_time_and_by_what_runs_were_made_of() {
    let table = table(|n| {
        let reason = if n > 12 && region(n) == "eu" { "length" } else { "stop" };
        Made { region: region(n), reason, ..GOOD }
    });
    let rows = table.choose(&Chosen::default());
    let stops = RunTable::stops(&rows, 4);
    let told: Vec<_> = stops.iter().map(|one| (one.stop, one.runs, one.course.clone())).collect();
    assert_eq!(told, [(StopClass::Truncated, 4, vec![0, 0, 1, 3]), (StopClass::Complete, 16, vec![5, 5, 4, 2]),]);
    let by = table.stop_by_value(&rows, StopClass::Truncated, 5);
    let [region] = &by[..] else { panic!("{by:?}") };
    assert_eq!((region.name.raw(), table.value(region.value).raw(), region.runs), ("region", "eu", (10, 4)));
    assert!(region.share.1 < 0.4 && region.share.2 > 0.4);
    assert!(RunTable::stops(&[], 4).is_empty());
}

#[test]
fn the_good_run_is_the_last_alike_before_the_trouble() {
    let table = table(|n| match n {
        1..=10 => Made { region: region(n), verdict: if n == 10 { "fail" } else { "pass" }, ..GOOD },
        _ => Made { region: region(n), verdict: if n == 17 { "pass" } else { "fail" }, ..GOOD },
    });
    let trace = |n: u8| TraceId([n; 16]);
    let good = |n, before: Option<i64>| table.good_run(trace(n), before.map(at)).map(|one| (one.trace, one.before));
    // Of region eu before the trouble: the tenth failed, so it is the eighth; not the later lucky one.
    assert_eq!(good(20, Some(105)), Some((trace(8), true)));
    assert_eq!(good(19, Some(105)), Some((trace(9), true)));
    // Without a moment the nearest; the other region where there is no other.
    assert_eq!(good(19, None), Some((trace(17), true)));
    assert_eq!(good(2, Some(105)), Some((trace(1), true)));
    assert_eq!(table.good_run(trace(2), None).map(|one| (one.same, one.other)), Some((vec![], vec!["region"])));
    assert_eq!(good(1, Some(105)), None);
    // Nothing good from before: the last good one since, and it says so.
    assert_eq!(good(20, Some(0)), Some((trace(8), false)));
}
