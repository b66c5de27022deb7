//! What the runs of an agent bring into an incident's picture.

use super::random::alert;
use super::{Paper, at};
use crate::engine::Fold;
use crate::engine::view::{Standing, View};
use crate::event::{Change, ChangeClass, Kind, Source, SpanBatch, Surface, Untrusted};
use crate::surface::made;

/// A run of `service`, by the tests' night: asked for `large`, answered by `served`.
fn run(nth: u8, service: &Untrusted, second: i64, served: &str, verdict: &str) -> SpanBatch {
    let region = if nth.is_multiple_of(2) { "eu" } else { "us" };
    made::batch_of(
        service,
        &[("deployment.region", region.into())],
        vec![made::answered(nth + 1, second, served, verdict)],
    )
}

/// Sixty good runs, sixty of which those of one region, or all, are answered by another model and fail; then a page.
pub(super) fn swap(logged: bool, everywhere: bool) -> (Paper, Fold) {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    let page = alert(0, 1_150, None);
    let service = page.service().expect("it names one").clone();
    for nth in 0..120_u8 {
        let second = i64::from(nth) * 10;
        let (served, verdict) = if nth >= 60 && (everywhere || nth.is_multiple_of(2)) {
            ("large-0611", "fail")
        } else {
            ("large-0513", "pass")
        };
        paper.fact(run(nth, &service, second, served, verdict), at(second), at(second));
    }
    if logged {
        let change = Change {
            id: "swap-1".into(),
            origin: "vendor".into(),
            time: at(590),
            untimed: false,
            surface: Surface::Model,
            class: ChangeClass::Model,
            subject: Some("large".into()),
            actor: None,
            summary: "large now answers as 0611".into(),
            before: None,
            after: None,
            files: Vec::new(),
            diff: None,
            sha: None,
            source: Source::CloudEvents,
        };
        paper.fact(change, at(590), at(590));
    }
    paper.fact(page, at(1_150), at(1_200));
    paper.lead(&mut fold, at(1_201));
    (paper, fold)
}

fn swapped(logged: bool) -> View {
    swap(logged, false).1.view()
}

#[test]
fn an_unlogged_change_is_a_line_of_the_timeline_with_where_it_runs() {
    let view = swapped(false);
    let incident = &view.incidents.items[0];
    let lines = || incident.timeline.items.iter().filter(|item| item.text.raw().starts_with("first seen: "));
    let [line] = &lines().collect::<Vec<_>>()[..] else { panic!("{:?}", incident.timeline) };
    assert_eq!((line.kind, line.at), (Kind::Change, at(600)));
    assert_eq!(
        line.text.raw(),
        "first seen: served model large-0611, before large-0513, both asked for as large; in 30 of 60 runs since, \
         eu 30 of 30, us 0 of 30; not logged by anybody"
    );
    let outcome = incident.around.outcome.as_ref().expect("outcomes are known");
    assert_eq!(outcome.moved[0].standing, Standing::Explains, "{outcome:?}");
    // The worst recorder is in the picture, with what it does not send.
    let gaps = &view.recorder.items[0].gaps;
    assert!(gaps.iter().any(|gap| gap.field == "gen_ai.output.messages" && gap.captured == 0 && gap.of == 120));
}

#[test]
fn a_logged_change_is_not_called_unlogged() {
    let view = swapped(true);
    let incident = &view.incidents.items[0];
    let line = incident.timeline.items.iter().find(|item| item.text.raw().starts_with("first seen: "));
    assert!(line.is_some_and(|line| !line.text.raw().contains("not logged")), "{line:?}");
    assert_eq!(incident.around.came[0].change.as_ref().map(Untrusted::raw), Some("swap-1"));
}

#[test]
fn what_the_runs_said_is_there_again_after_a_start_from_the_saved_state() {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    let page = alert(0, 10, None);
    let service = page.service().expect("it names one").clone();
    paper.fact(run(1, &service, 0, "a", "pass"), at(0), at(0));
    paper.lead(&mut fold, at(20));
    let before = fold.view();
    assert!(!before.recorder.items.is_empty());
    let mut again = Fold::restore(&fold.checkpoint()).expect("readable");
    paper.records.iter().filter(|record| Fold::RECALLED.contains(&record.kind)).for_each(|record| again.recall(record));
    assert_eq!(again.view().recorder, before.recorder);
}
