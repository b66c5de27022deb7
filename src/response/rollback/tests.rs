use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::event::{Recovery, Time};

fn at(second: i64) -> Time {
    Time::from_second(second).expect("a moment")
}

fn stage(step: &str, hold: i64, verify: Option<&str>) -> Stage {
    Stage {
        step: step.into(),
        share: None,
        hold: SignedDuration::from_secs(hold),
        within: Some(SignedDuration::from_secs(60)),
        precondition: None,
        verify: verify.map(Into::into),
        undo: Some("forward".into()),
    }
}

fn seen(step: &str, second: i64, what: What) -> Seen {
    Seen { step: step.into(), at: at(second), what }
}

fn two() -> Vec<Stage> {
    vec![stage("canary", 100, Some("behaves")), stage("everywhere", 300, Some("behaves"))]
}

fn waits(seen: &[Seen], now: i64) -> Vec<Wait> {
    Progress::of(two(), seen, at(now)).before(1)
}

const WELL: What = What::Read { well: true };
const BAD: What = What::Read { well: false };

#[test]
fn the_next_stage_waits_until_the_one_before_has_stood_well_for_long_enough() {
    let mut happened = vec![];
    assert_eq!(waits(&happened, 5), [Wait::Stage { step: "canary".into() }]);
    happened.push(seen("canary", 10, What::Began));
    happened.push(seen("canary", 11, What::Done));
    let unproven = Wait::Unproven { step: "canary".into(), verify: "behaves".into() };
    assert_eq!(waits(&happened, 500), [unproven], "however long it stands, nobody looked");
    happened.push(seen("behaves", 20, WELL));
    let hold = Wait::Hold { step: "canary".into(), stood: SignedDuration::from_secs(39), until: at(111) };
    assert_eq!(waits(&happened, 50), [hold], "it counts from the moment it was done");
    assert_eq!(waits(&happened, 111), []);
}

#[test]
fn a_bad_look_begins_the_hold_anew() {
    let mut happened = vec![seen("canary", 11, What::Done), seen("behaves", 20, WELL), seen("behaves", 60, BAD)];
    assert_eq!(waits(&happened, 111), [Wait::Unwell { step: "canary".into() }]);
    happened.push(seen("behaves", 70, WELL));
    assert!(matches!(waits(&happened, 111)[..], [Wait::Hold { until, .. }] if until == at(170)), "{happened:?}");
    assert_eq!(waits(&happened, 170), []);
}

#[test]
fn what_made_things_worse_does_not_go_on_however_well_its_check_is() {
    let worse = What::Effect(Recovery::Worse);
    let mut happened = vec![seen("canary", 11, What::Done), seen("canary", 30, worse), seen("behaves", 40, WELL)];
    assert_eq!(waits(&happened, 900), [Wait::Unwell { step: "canary".into() }]);
    happened.push(seen("canary", 50, What::Effect(Recovery::Unmoved)));
    happened.push(seen("behaves", 60, WELL));
    assert_eq!(waits(&happened, 900), []);
}

#[test]
fn what_was_taken_back_waits_before_it_goes_again_and_what_follows_it_waits_with_it() {
    let happened = [
        seen("canary", 11, What::Done),
        seen("behaves", 20, WELL),
        seen("everywhere", 120, What::Done),
        seen("forward", 200, What::Done),
    ];
    let progress = Progress::of(two(), &happened, at(250));
    assert!(progress.at.iter().all(|stage| stage.state == StageState::TakenBack), "{progress:?}");
    assert_eq!(progress.before(0), [Wait::TakenBack { until: at(300) }]);
    assert_eq!(Progress::of(two(), &happened, at(300)).before(0), []);
    assert!(progress.before(1).contains(&Wait::Stage { step: "canary".into() }));
}

#[test]
fn an_unknown_outcome_is_looked_up_before_anything_goes_on() {
    let happened = [seen("canary", 11, What::Unclear)];
    assert_eq!(waits(&happened, 900), [Wait::Unclear { step: "canary".into() }]);
    assert_eq!(Progress::of(two(), &happened, at(900)).before(0), [Wait::Unclear { step: "canary".into() }]);
    let known = [seen("canary", 11, What::Unclear), seen("canary", 20, What::Done), seen("behaves", 30, WELL)];
    assert_eq!(waits(&known, 900), []);
}

#[test]
fn a_precondition_must_have_gone_well_since_anything_was_taken_back() {
    let mut stages = two();
    stages[0].precondition = Some("now".into());
    let before = |seen: &[Seen], now: i64| Progress::of(stages.clone(), seen, at(now)).before(0);
    let waits = |ran: bool| vec![Wait::Precondition { step: "now".into(), ran }];
    assert_eq!(before(&[], 5), waits(false));
    assert_eq!(before(&[seen("now", 1, BAD)], 5), waits(true));
    assert_eq!(before(&[seen("now", 1, BAD), seen("now", 2, WELL)], 5), []);
    let back = [seen("now", 1, WELL), seen("canary", 2, What::Done), seen("forward", 3, What::Done)];
    assert_eq!(before(&back, 900), waits(false));
}

#[test]
fn a_stage_that_takes_longer_than_its_file_allows_is_late_and_one_that_was_shown_to_work_in_time_is_not() {
    let late = |seen: &[Seen], now: i64| Progress::of(two(), seen, at(now)).at[0].late;
    let began = seen("canary", 10, What::Began);
    let done = seen("canary", 30, What::Done);
    assert!(!late(std::slice::from_ref(&began), 70));
    assert!(late(std::slice::from_ref(&began), 71));
    assert!(late(&[began.clone(), done.clone()], 71), "done and not shown to work");
    assert!(!late(&[began.clone(), done.clone(), seen("behaves", 60, WELL)], 900));
    assert!(late(&[began, done, seen("behaves", 80, WELL)], 900));
}

const PROCEDURE: &str = "---
rollback: prompt
wont_return: [answers]
---
## One
```sh {name=canary share=10% hold=10m verify=behaves rollback=forward}
touch one
```
## Two
```sh {name=everywhere share=100% rollback=forward}
touch two
```
```sh {name=behaves mode=read}
true
```
## If worse
```sh {name=forward}
touch three
```
";

#[test]
fn the_way_back_is_no_stage_and_a_runbook_that_takes_nothing_back_has_none() {
    let names = |text: &str| -> Vec<String> {
        let runbook = Runbook::parse("p", "p.md", false, text.as_bytes());
        stages(&runbook).iter().map(|stage| stage.step.raw().to_owned()).collect()
    };
    assert_eq!(names(PROCEDURE), ["canary", "everywhere"]);
    assert_eq!(names(&PROCEDURE.replace("rollback: prompt\n", "")), Vec::<String>::new());
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        Just(What::Proposed),
        Just(What::Withdrawn),
        Just(What::Began),
        Just(What::Done),
        Just(What::Failed),
        Just(What::Unclear),
        Just(WELL),
        Just(BAD),
        Just(What::Effect(Recovery::Worse)),
        Just(What::Effect(Recovery::Recovered)),
    ]
}

proptest! {
    /// Whatever happened: the second stage may begin without breaking anything only when the first is in the world, its check
    /// said so since, nothing bad was seen after, and the time is over.
    #[test]
    fn nothing_goes_on_that_does_not_stand(
        happened in prop::collection::vec((0usize..4, 0i64..500, what()), 0..30),
        now in 0i64..1000,
    ) {
        let mut happened: Vec<Seen> = happened
            .into_iter()
            .map(|(step, second, what)| {
                let what = if step == 2 && !matches!(what, What::Read { .. }) { WELL } else { what };
                let what = if step != 2 && matches!(what, What::Read { .. }) { What::Done } else { what };
                seen(["canary", "everywhere", "behaves", "forward"][step], second, what)
            })
            .collect();
        happened.sort_by_key(|seen| seen.at);
        let progress = Progress::of(two(), &happened, at(now));
        if !progress.at[1].state.is_done() && progress.before(1).is_empty() {
            let past: Vec<&Seen> = happened.iter().filter(|seen| seen.at <= at(now)).collect();
            let done = past.iter().rposition(|seen| seen.step.raw() == "canary" && seen.what == What::Done);
            let done = done.expect("the first stage was done");
            let since = &past[done..];
            prop_assert!(since.iter().any(|seen| seen.step.raw() == "behaves" && seen.what == WELL));
            prop_assert!(!since.iter().any(|seen| seen.step.raw() == "forward" && seen.what == What::Done));
            prop_assert!(now - past[done].at.as_second() >= 100);
            let looks = since.iter().rfind(|seen| seen.step.raw() == "behaves");
            prop_assert_eq!(looks.map(|seen| seen.what), Some(WELL));
        }
    }
}
