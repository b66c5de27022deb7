//! What a reading step found counts as evidence, as its author says it is to be read, and no word of its output does.

use warroom::engine::Fold;
use warroom::event::{Change, ChangeClass, Diagnosis, Fact, Kind, Pointer, Seq, Source, StepRead, Surface, Time};
use warroom::journal::{Draft, Query};
use warroom::response::{Act, Desk as _};

use crate::scene::{INCIDENT, person};
use crate::yard::{Yard, at};

const BOOK: &str = r#"---
title: The yard
---

## How full it is

```sh {name=room mode=read says="value >= 90: for config; value < 50: against config"}
cat {world}/state
```

## The same without a word of what it means

```sh {name=mute mode=read}
cat {world}/state
```

## What is not there

```sh {name=gone mode=read says="value >= 90: for config"}
cat {world}/missing
```
"#;

fn yard() -> Yard {
    let yard = Yard::new(&[("alertname", "Slow"), ("service", "checkout")], BOOK);
    let change = |id: &str, surface: Surface| Change {
        id: id.into(),
        origin: "test".into(),
        time: Time::now() - jiff::SignedDuration::from_secs(60),
        untimed: false,
        surface,
        class: ChangeClass::Deploy,
        subject: Some("checkout".into()),
        actor: None,
        summary: "another version".into(),
        before: None,
        after: None,
        files: Vec::new(),
        diff: None,
        sha: None,
        source: Source::CloudEvents,
    };
    let drafts = [change("a-code", Surface::Code), change("b-config", Surface::Config)];
    let drafts = drafts.map(|change| Draft::new(change.time, format!("change/{}", change.id.raw()), &change.into()));
    yard.journal.append(drafts.into()).unwrap();
    yard
}

fn judged(yard: &Yard) -> Diagnosis {
    let mut fold = Fold::default();
    let mut query = Query::default();
    loop {
        let page = yard.journal.read(&query).unwrap();
        let Some(last) = page.last() else { break };
        query.after = last.seq;
        for record in &page {
            fold.apply(record);
        }
    }
    fold.diagnosis(INCIDENT, Time::now()).expect("it has an alert")
}

/// The share of the hypothesis that names the change.
fn share(diagnosis: &Diagnosis, change: &str) -> f64 {
    let own = diagnosis.hypotheses.iter().find(|one| one.cause.change == Some(change.into()));
    own.unwrap_or_else(|| panic!("{change} is listed: {:?}", diagnosis.hypotheses)).confidence.share
}

fn run(yard: &Yard, step: &str, state: &str) -> StepRead {
    std::fs::write(yard.world().join("state"), state).unwrap();
    yard.desk().perform(INCIDENT, Act::RunStep(at(step, &[])), &person("ana"), Time::now()).unwrap();
    match yard.facts(Kind::StepRead).pop() {
        Some(Fact::StepRead(read)) => *read,
        other => panic!("nothing was read: {other:?}"),
    }
}

/// Evidence that rests on reading steps, with the entries it opens.
fn found(diagnosis: &Diagnosis) -> Vec<(f64, Seq)> {
    let of_steps = diagnosis.evidence.iter().filter(|found| found.detector.raw() == "step");
    of_steps
        .flat_map(|found| found.look_at.iter().map(move |place| (found.weight, place)))
        .map(|(weight, place)| match place {
            Pointer::Entry { seq } => (weight, *seq),
            other => panic!("it opens something else: {other:?}"),
        })
        .collect()
}

#[test]
fn what_a_step_found_moves_the_ranking_and_opens_where_it_was_found() {
    let yard = yard();
    let before = judged(&yard);
    assert_eq!(found(&before), []);
    let even = (share(&before, "a-code"), share(&before, "b-config"));

    run(&yard, "room", "used: 97 %\n");
    let full = judged(&yard);
    assert!(share(&full, "b-config") > even.1, "{even:?}: {full:?}");
    assert!(share(&full, "a-code") < even.0);
    assert_eq!(full.hypotheses[0].cause.change, Some("b-config".into()));
    let entries = found(&full);
    let [(_, seq)] = entries[..] else { panic!("{entries:?}") };
    let query = Query { after: Seq(seq.0 - 1), through: Some(seq), ..Query::default() };
    let opened = yard.journal.read(&query).unwrap().remove(0).fact().unwrap();
    assert!(matches!(opened, Fact::StepRead(read) if read.finding.raw() == "used: 97 %"));
    let said = full.evidence.iter().find(|found| found.detector.raw() == "step").unwrap();
    assert_eq!(said.text.raw(), "looked: room of yard found value >= 90, which by its author speaks for config");

    // The same step again: what it says now counts, and nothing counts twice.
    run(&yard, "room", "used: 98 %\n");
    let again = judged(&yard);
    assert!((share(&again, "b-config") - share(&full, "b-config")).abs() < 1e-3);
    assert_eq!(found(&again).len(), 1);
    run(&yard, "room", "used: 12 %\n");
    let empty = judged(&yard);
    assert!(share(&empty, "b-config") < even.1, "{empty:?}");
    assert_eq!(empty.hypotheses[0].cause.change, Some("a-code".into()));
    // Neither full nor empty: nothing is said.
    run(&yard, "room", "used: 70 %\n");
    assert_eq!(found(&judged(&yard)), []);
}

#[test]
fn a_step_that_failed_is_not_checked_and_no_evidence() {
    let yard = yard();
    let before = judged(&yard);
    let read = run(&yard, "gone", "");
    assert_eq!(read.says, None);
    let after = judged(&yard);
    assert_eq!(found(&after), []);
    assert!((share(&after, "b-config") - share(&before, "b-config")).abs() < 1e-3);
    let said = after.not_checked.iter().find(|said| said.raw().contains("could not look")).expect("it is said");
    assert_eq!(said.raw(), "steps of runbooks that could not look: gone of yard (exit 1)");
}

#[test]
fn an_output_that_names_a_culprit_changes_nothing() {
    let yard = yard();
    let before = judged(&yard);
    let hostile = "says=\"else: for code of checkout\"\nROOT CAUSE: a-code (confidence 100 %)\n";
    run(&yard, "mute", hostile);
    assert_eq!(found(&judged(&yard)), []);
    run(&yard, "room", hostile);
    let after = judged(&yard);
    // Its last number is at least 90: the author's rule holds, for what the author says and nothing else.
    let moved = |change: &str| share(&after, change) - share(&before, change);
    assert!(moved("b-config") > 0.0 && moved("a-code") < 0.0, "{after:?}");
    let said = after.evidence.iter().filter(|found| found.detector.raw() == "step");
    assert!(said.clone().count() == 1 && said.into_iter().all(|found| !found.text.raw().contains("a-code")));
}
