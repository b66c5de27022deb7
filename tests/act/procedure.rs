//! Going back in stages: each must be shown to work and hold before the next, and a rehearsal changes nothing.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use warroom::event::{Approval, Fact, Kind, PlanId, Rehearsed, Time};
use warroom::response::runbook::Facts;
use warroom::response::{Act, Desk as _, LocalDesk};

use crate::scene::{INCIDENT, person};
use crate::yard::{RUNBOOK, Yard, at};

const BOOK: &str = r#"---
title: Take the prompt back
rollback: prompt
wont_return: [answers that were given meanwhile]
inputs:
  - name: version
    pattern: "[a-z0-9]{1,10}"
---

```sh {name=now mode=read}
cat {world}/state
```

## First a tenth

```sh {name=canary tier=1 share=10% hold=10m within=15m precondition=now verify=behaves rollback=forward dry_run="ls {world}/state"}
cp {world}/{{version}} {world}/canary
```

## Then everywhere

```sh {name=everywhere tier=1 share=100% hold=30m verify=behaves rollback=forward}
cp {world}/{{version}} {world}/all
```

```sh {name=behaves mode=read}
grep -q good {world}/behaviour
```

## If it made things worse

```sh {name=forward tier=1 rollback=canary}
mv {world}/canary {world}/gone
```
"#;

fn yard() -> Yard {
    let yard = Yard::new(&[("alertname", "Wrong"), ("env", "test")], BOOK);
    write(&yard, "state", "v42");
    write(&yard, "v41", "earlier");
    write(&yard, "behaviour", "good");
    yard
}

fn write(yard: &Yard, name: &str, text: &str) {
    std::fs::write(yard.world().join(name), text).unwrap();
}

/// So many minutes from now: what stages wait for is reckoned from the moment a person acts.
fn minutes(minutes: i64) -> Time {
    Time::now() + SignedDuration::from_mins(minutes)
}

fn propose(yard: &Yard, desk: &LocalDesk, step: &str, now: Time) -> anyhow::Result<(PlanId, String)> {
    // The version is typed once: later stages know it from the first.
    let values: &[(&str, &str)] = if step == "canary" { &[("version", "v41")] } else { &[] };
    let told = desk.perform(INCIDENT, Act::ProposeStep(at(step, values)), &person("ana"), now)?;
    Ok((yard.plan().id(), told))
}

fn approve(yard: &Yard, desk: &LocalDesk, plan: PlanId, glass: Option<&str>, now: Time) -> anyhow::Result<String> {
    let typed = yard.plan().asks.and_then(|asks| asks.typed);
    desk.perform(
        INCIDENT,
        Act::Approve { plan, typed, glass: glass.map(Into::into), read_ms: None },
        &person("ana"),
        now,
    )
}

fn read(desk: &LocalDesk, step: &str) {
    desk.perform(INCIDENT, Act::RunStep(at(step, &[])), &person("ana"), Time::now()).unwrap();
}

/// The first stage is done.
fn canary(yard: &Yard, desk: &LocalDesk) {
    read(desk, "now");
    let (plan, _) = propose(yard, desk, "canary", Time::now()).unwrap();
    approve(yard, desk, plan, None, Time::now()).unwrap();
    assert_eq!(yard.read("canary").as_deref(), Some("earlier"));
}

#[test]
fn a_stage_whose_precondition_did_not_go_well_is_not_even_proposed() {
    let yard = yard();
    let desk = yard.desk();
    let refused = propose(&yard, &desk, "canary", Time::now()).unwrap_err().to_string();
    assert!(refused.contains("the step now must go well first"), "{refused}");
    let refused =
        desk.perform(INCIDENT, Act::ProposeStep(at("everywhere", &[("version", "v41")])), &person("ana"), Time::now());
    assert!(refused.unwrap_err().to_string().contains("the stage canary comes before it"));
    assert_eq!(yard.facts(Kind::Proposed).len(), 0);
}

#[test]
fn the_next_stage_begins_only_once_the_one_before_was_shown_to_work_and_held() {
    let yard = yard();
    let desk = yard.desk();
    canary(&yard, &desk);
    let (plan, told) = propose(&yard, &desk, "everywhere", Time::now()).unwrap();
    assert!(told.contains("not yet, because the stage canary is not shown to work"), "{told}");
    let barred = approve(&yard, &desk, plan, None, Time::now()).unwrap_err().to_string();
    assert!(barred.contains("behaves must go well first; nothing was approved"), "{barred}");

    assert_eq!(desk.look_after_stages(Time::now()).unwrap(), 1, "what shows it runs on its own");
    assert_eq!(desk.look_after_stages(Time::now()).unwrap(), 0, "and not again at once");
    let barred = approve(&yard, &desk, plan, None, minutes(4)).unwrap_err().to_string();
    assert!(barred.contains("has stood well for"), "{barred}");
    assert_eq!(yard.barred().len(), 2, "that it was tried is on record");
    assert!(yard.read("all").is_none());

    let (plan, told) = propose(&yard, &desk, "everywhere", minutes(11)).unwrap();
    assert!(!told.contains("not yet"), "{told}");
    approve(&yard, &desk, plan, None, minutes(11)).unwrap();
    assert_eq!(yard.read("all").as_deref(), Some("earlier"), "with the version that was typed for the first");
}

#[test]
fn a_stage_that_does_not_behave_holds_the_next_until_it_does_and_is_taken_back_at_any_time() {
    let yard = yard();
    let desk = yard.desk();
    canary(&yard, &desk);
    write(&yard, "behaviour", "bad");
    desk.look_after_stages(Time::now()).unwrap();
    let (plan, told) = propose(&yard, &desk, "everywhere", minutes(60)).unwrap();
    assert!(told.contains("did not work or made things worse"), "{told}");
    assert!(approve(&yard, &desk, plan, None, minutes(60)).is_err());
    let (plan, told) = propose(&yard, &desk, "forward", Time::now()).unwrap();
    assert!(!told.contains("not yet"), "{told}");
    approve(&yard, &desk, plan, None, Time::now()).unwrap();
    assert!(yard.read("canary").is_none());
    // Back and forth within minutes tells nobody anything.
    read(&desk, "now");
    let (_, told) = propose(&yard, &desk, "canary", minutes(2)).unwrap();
    assert!(told.contains("it was taken back a short while ago"), "{told}");
}

#[test]
fn in_an_emergency_the_time_is_passed_over_with_a_reason_that_stays() {
    let yard = yard();
    let desk = yard.desk();
    canary(&yard, &desk);
    let (plan, _) = propose(&yard, &desk, "everywhere", Time::now()).unwrap();
    assert!(approve(&yard, &desk, plan, Some(" "), Time::now()).is_err(), "without a reason there is no emergency");
    approve(&yard, &desk, plan, Some("patients wait"), Time::now()).unwrap();
    assert!(yard.read("all").is_some());
    let reasons: Vec<_> = yard
        .facts(Kind::Approved)
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Approved(approval) => Some(Approval::clone(&approval).broke_glass),
            _ => None,
        })
        .collect();
    assert_eq!(reasons.last().unwrap().as_ref().map(warroom::event::Untrusted::raw), Some("patients wait"));
}

fn rehearse(desk: &LocalDesk, version: Option<&str>) -> anyhow::Result<String> {
    let values: BTreeMap<_, _> = version.map(|version| ("version".into(), version.into())).into_iter().collect();
    let act = Act::Rehearse { runbook: RUNBOOK.into(), values, seen: Box::new(Facts::default()) };
    desk.perform(INCIDENT, act, &person("ana"), Time::now())
}

fn rehearsed(yard: &Yard) -> Rehearsed {
    match yard.facts(Kind::Rehearsed).pop() {
        Some(Fact::Rehearsed(rehearsed)) => *rehearsed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rehearsal_runs_what_changes_nothing_and_says_what_would_not_do() {
    let yard = yard();
    let desk = yard.desk();
    let told = rehearse(&desk, Some("v41")).unwrap();
    assert!(told.contains("3 would do, 2 cannot be told") && told.contains("nothing was changed"), "{told}");
    let steps = rehearsed(&yard).steps;
    let names: Vec<_> = steps.iter().map(|step| (step.step.raw(), step.would_do)).collect();
    let expected =
        [("now", Some(true)), ("canary", Some(true)), ("behaves", Some(true)), ("forward", None), ("everywhere", None)];
    assert_eq!(names, expected);
    assert!(yard.read("canary").is_none() && yard.read("all").is_none());
    assert_eq!(yard.facts(Kind::Proposed).len() + yard.facts(Kind::Started).len(), 0);

    std::fs::remove_file(yard.world().join("state")).unwrap();
    let told = rehearse(&desk, None).unwrap();
    assert!(told.contains("would NOT do (now: "), "{told}");
    let steps = rehearsed(&yard).steps;
    let canary = steps.iter().find(|step| step.step.raw() == "canary").unwrap();
    assert!(canary.said.raw().contains("nobody knows version"), "{canary:?}");
}
