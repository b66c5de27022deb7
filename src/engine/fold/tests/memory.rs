//! What is kept in memory of alerts that ended, and alerts that are over before anybody looked.

use super::random::{alert, person};
use super::{Paper, at, difference};
use crate::engine::Fold;
use crate::engine::view::{IncidentState, IncidentView, View};
use crate::event::{Alert, Fingerprint, IncidentId, Regrouped, Resolved};

const KEPT: usize = 40;

fn keeping() -> Fold {
    Fold { ended_kept: KEPT, ..Fold::new() }
}

fn one_of_many(number: u16, starts: i64, ends: Option<i64>) -> Alert {
    let mut alert = alert(0, starts, ends);
    alert.labels.insert("pod".into(), format!("pod-{number}").into());
    alert.fingerprint = Fingerprint::of_labels(&alert.labels);
    alert
}

fn of(view: &View, number: u64) -> &IncidentView {
    view.incidents.items.iter().find(|incident| incident.id == IncidentId(number)).unwrap()
}

#[test]
fn an_alert_that_fires_and_ends_within_one_round_has_its_incident() {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    paper.fact(alert(0, 0, None), at(0), at(1));
    paper.fact(alert(0, 0, Some(1)), at(1), at(1));
    paper.lead(&mut fold, at(2));
    let view = fold.view();
    let incident = of(&view, 1);
    assert_eq!((incident.alerts, incident.firing, incident.state), (1, 0, IncidentState::Quiet));
    assert!(incident.diagnosis.is_some());

    // The same once more after a person declared it over: another incident, with its own alert and diagnosis.
    paper.fact(Resolved { incident: IncidentId(1), by: person("uid") }, at(10), at(10));
    paper.lead(&mut fold, at(11));
    paper.fact(alert(0, 500, None), at(500), at(501));
    paper.fact(alert(0, 500, Some(501)), at(501), at(501));
    paper.lead(&mut fold, at(502));
    let view = fold.view();
    let (first, second) = (of(&view, 1), of(&view, 2));
    assert_eq!((second.alerts, second.firing, second.state), (1, 0, IncidentState::Quiet));
    assert!(second.diagnosis.is_some() && !second.groups.items[0].sample[0].distinct.is_empty());
    assert_eq!((first.alerts, first.firing), (1, 0), "the first stays as it was");
    assert_eq!(view.loose_alerts, 0);

    // And only its end was ever heard of.
    paper.fact(Resolved { incident: IncidentId(2), by: person("uid") }, at(510), at(510));
    paper.fact(alert(0, 900, Some(901)), at(901), at(902));
    paper.lead(&mut fold, at(903));
    assert_eq!(of(&fold.view(), 3).alerts, 1);
}

#[test]
fn alerts_that_ended_long_ago_are_left_to_the_journal_and_the_picture_stays_right() {
    let (mut paper, mut fold) = (Paper::default(), keeping());
    let mut past = Vec::new();
    for number in 0..200_u16 {
        let starts = i64::from(number);
        paper.fact(one_of_many(number, starts, None), at(starts), at(starts));
        paper.fact(one_of_many(number, starts, Some(starts + 5)), at(starts + 5), at(starts + 5));
        paper.lead(&mut fold, at(starts + 6));
        if number % 50 == 49 {
            past.push((paper.records.len(), fold.view()));
        }
    }
    let bound = KEPT + KEPT / 4 + 1;
    assert!(fold.state.alerts.len() <= bound, "{} rows", fold.state.alerts.len());
    assert_eq!(fold.state.correlator.known(), fold.state.alerts.len());
    let view = fold.view();
    let incident = of(&view, 1);
    assert_eq!((incident.alerts, incident.firing, incident.groups.items[0].alerts), (200, 0, 200));
    assert_eq!(incident.groups.items[0].first, at(0));
    assert_eq!(incident.groups.items[0].sample.len(), 8, "those on the screen are kept");
    let counted = view.counters.iter().find(|counter| counter.name.starts_with("ended alerts")).unwrap();
    assert_eq!(counted.count, 200 - fold.state.alerts.len() as u64);

    // Wound back to any moment, from the start or from a saved state, it is what it was then.
    for (length, then) in &past {
        let mut anew = keeping();
        anew.apply_all(&paper.records[..*length]);
        assert_eq!(difference(&anew.view(), then), None);
        let mut saved = keeping();
        saved.apply_all(&paper.records[..length / 2]);
        let mut again = Fold { ended_kept: KEPT, ..Fold::restore(&saved.checkpoint()).unwrap() };
        again.apply_all(&paper.records[length / 2..*length]);
        assert_eq!(difference(&again.view(), then), None);
    }

    // One that is not kept fires again: it is in one place, and counted there.
    paper.fact(one_of_many(10, 1_000_000, None), at(1_000_000), at(1_000_000));
    paper.lead(&mut fold, at(1_000_001));
    assert_eq!(of(&fold.view(), 2).firing, 1);

    // What is done by hand carries what is not kept one by one along.
    let by = person("uid");
    paper.fact(Regrouped::Merge { from: IncidentId(1), into: IncidentId(2), by }, at(1_000_002), at(1_000_002));
    paper.lead(&mut fold, at(1_000_003));
    let merged = fold.view();
    assert_eq!((of(&merged, 2).alerts, of(&merged, 1).alerts), (201, 0));
    assert_eq!(of(&merged, 2).groups.items[0].first, at(0));
}

#[test]
fn alerts_that_fire_or_wait_are_never_given_up() {
    let (mut paper, mut fold) = (Paper::default(), keeping());
    for number in 0..100_u16 {
        paper.fact(one_of_many(number, 0, None), at(0), at(1));
    }
    for number in 100..300_u16 {
        paper.fact(one_of_many(number, 0, Some(1)), at(1), at(1));
    }
    fold.apply_all(&paper.records);
    assert_eq!(fold.state.alerts.len(), 300, "those that ended wait to be placed");
    paper.lead(&mut fold, at(2));
    assert_eq!(of(&fold.view(), 1).alerts, 300);
    paper.fact(one_of_many(300, 3, Some(4)), at(4), at(4));
    paper.lead(&mut fold, at(5));
    for number in 301..420_u16 {
        paper.fact(one_of_many(number, 6, Some(7)), at(7), at(7));
        paper.lead(&mut fold, at(8));
    }
    assert!(fold.state.alerts.len() <= 100 + 300, "{}", fold.state.alerts.len());
    let view = fold.view();
    assert_eq!((of(&view, 1).alerts, of(&view, 1).firing), (420, 100));
}

#[test]
fn of_incidents_long_over_the_details_are_left_to_the_journal() {
    let keeping = || Fold { whole_kept: 8, ..Fold::new() };
    let (mut paper, mut fold) = (Paper::default(), keeping());
    for number in 0..30_u16 {
        let starts = i64::from(number) * 10_000;
        paper.fact(one_of_many(number, starts, None), at(starts), at(starts));
        paper.lead(&mut fold, at(starts + 1));
        // The first stays open: it is never packed, however old.
        if number > 0 {
            paper.fact(one_of_many(number, starts, Some(starts + 5)), at(starts + 5), at(starts + 5));
            let incident = IncidentId(u64::from(number) + 1);
            paper.fact(Resolved { incident, by: person("uid") }, at(starts + 9), at(starts + 9));
            paper.lead(&mut fold, at(starts + 10));
        }
    }
    let view = fold.view();
    assert_eq!(view.incidents.items.len(), 30, "each alert is an incident of its own here");
    let detailed = |view: &View| view.incidents.items.iter().filter(|one| one.diagnosis.is_some()).count();
    assert!((9..=12).contains(&detailed(&view)), "{}", detailed(&view));
    assert!(of(&view, 1).diagnosis.is_some() && !of(&view, 1).timeline.items.is_empty(), "it is open");
    let old = of(&view, 2);
    assert_eq!((old.alerts, old.timeline.items.len()), (1, 0), "counts stay");
    assert!(old.timeline.hidden >= 2, "and it says that there was more: {}", old.timeline.hidden);
    let counter = view.counters.iter().find(|counter| counter.name.starts_with("old incidents")).unwrap();
    assert_eq!(usize::try_from(counter.count).unwrap(), 30 - detailed(&view));

    // The same from a saved state.
    let mut saved = keeping();
    saved.apply_all(&paper.records[..paper.records.len() / 2]);
    let mut again = Fold { whole_kept: 8, ..Fold::restore(&saved.checkpoint()).unwrap() };
    again.apply_all(&paper.records[paper.records.len() / 2..]);
    assert_eq!(difference(&again.view(), &view), None);
}
