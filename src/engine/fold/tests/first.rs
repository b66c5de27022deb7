//! What whoever opens an incident needs first.

use super::random::{alert, person};
use super::{Paper, at, folded};
use crate::engine::Fold;
use crate::engine::view::{IncidentView, Novelty, View};
use crate::event::{
    Change, ChangeClass, Digest, Fact, IncidentId, Note, Resolved, Severity, SeveritySet, Source, Surface, Topology,
    Truth, TruthConfirmed,
};

const ONE: IncidentId = IncidentId(1);

fn of(view: &View, id: u64) -> &IncidentView {
    view.incidents.items.iter().find(|incident| incident.id == IncidentId(id)).expect("in the picture")
}

fn set(name: &str, severity: Severity, known_by: &str) -> Fact {
    let (name, why) = (name.into(), "harm: stopped".into());
    let by = person(known_by);
    Fact::from(SeveritySet {
        incident: ONE,
        severity,
        name,
        suggested: Some("SEV1".into()),
        why,
        rubric: Digest([0; 32]),
        by,
    })
}

#[test]
fn only_a_person_sets_how_severe_it_is_and_the_last_word_counts() {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    paper.fact(alert(0, 0, None), at(0), at(10));
    paper.lead(&mut fold, at(11));
    assert_eq!(of(&fold.view(), 1).rated, None);
    paper.fact(set("SEV4", Severity::Info, "agent"), at(20), at(20));
    paper.lead(&mut fold, at(21));
    let view = fold.view();
    let incident = of(&view, 1);
    assert_eq!((incident.rated.as_ref(), incident.weight()), (None, Severity::Critical));
    let said =
        |incident: &IncidentView, what: &str| incident.timeline.items.iter().any(|item| item.text.raw().contains(what));
    assert!(said(incident, "says it is SEV4; only a person"), "{:#?}", incident.timeline.items);
    paper.fact(set("SEV2", Severity::Error, "uid"), at(30), at(30));
    paper.fact(set("SEV3", Severity::Warning, "uid"), at(40), at(40));
    paper.lead(&mut fold, at(41));
    let view = fold.view();
    let incident = of(&view, 1);
    let rated = incident.rated.as_ref().expect("set");
    assert_eq!(
        (rated.name.raw(), incident.weight(), incident.severity),
        ("SEV3", Severity::Warning, Severity::Critical)
    );
    assert!(said(incident, "set it to SEV3 (SEV1 was suggested): harm: stopped"));
}

#[test]
fn what_a_person_set_orders_the_list() {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    paper.fact(alert(0, 0, None), at(0), at(10));
    paper.lead(&mut fold, at(11));
    paper.fact(alert(4, 5_000, None), at(5_000), at(5_000));
    paper.lead(&mut fold, at(5_001));
    let order = |fold: &mut Fold| fold.view().incidents.items.iter().map(|one| one.id.0).collect::<Vec<_>>();
    assert_eq!(order(&mut fold), [1, 2], "a critical alert, then a warning");
    paper.fact(set("SEV4", Severity::Info, "uid"), at(5_010), at(5_010));
    paper.lead(&mut fold, at(5_011));
    assert_eq!(order(&mut fold), [2, 1]);
}

/// Alerts of one component that came and went, and the same again.
fn twice() -> (Paper, Fold) {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    paper.fact(alert(0, 0, None), at(0), at(10));
    paper.lead(&mut fold, at(11));
    paper.fact(alert(0, 0, Some(60)), at(60), at(61));
    paper.lead(&mut fold, at(62));
    paper.fact(Resolved { incident: ONE, by: person("uid") }, at(70), at(70));
    paper.fact(alert(0, 90_000, None), at(90_000), at(90_001));
    paper.lead(&mut fold, at(90_010));
    (paper, fold)
}

#[test]
fn what_came_back_names_the_past_one_and_only_a_confirmed_cause_is_one() {
    let (mut paper, mut fold) = twice();
    let view = fold.view();
    let similar = of(&view, 2).similar.as_ref().expect("compared");
    assert_eq!((similar.past, similar.novelty), (1, Novelty::TooFew));
    assert_eq!(similar.found[0].incident, ONE);
    assert!(similar.found[0].ended.truth.is_none() && similar.found[0].ended.resolved.is_some());
    assert!(of(&view, 1).similar.is_none(), "of one that is over nobody asks");
    // What is said of the past one afterwards is shown with the one that is like it.
    let note = Note { incident: Some(ONE), author: "ada".into(), text: "the pool was too small".into() };
    paper.fact(note, at(90_020), at(90_020));
    let truth = Truth {
        surface: Some(Surface::Config),
        subject: Some("checkout".into()),
        change: None,
        onset: None,
        text: "pool".into(),
    };
    paper.fact(TruthConfirmed { incident: ONE, truth, by: person("uid") }, at(90_030), at(90_030));
    paper.lead(&mut fold, at(90_031));
    let view = fold.view();
    let ended = &of(&view, 2).similar.as_ref().expect("compared").found[0].ended;
    assert_eq!(ended.truth.as_ref().and_then(|truth| truth.surface), Some(Surface::Config));
    assert_eq!(ended.note.as_ref().map(|note| note.text.raw()), Some("the pool was too small"));
    let again = Fold::restore(&fold.checkpoint()).expect("saved").view();
    assert_eq!(of(&again, 2).similar, of(&view, 2).similar);
}

#[test]
fn one_that_fires_again_is_no_past_incident_until_it_ends() {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    for (starts, ends) in [(0, Some(60)), (100, None), (100, Some(160))] {
        let now = ends.unwrap_or(starts);
        paper.fact(alert(0, starts, ends), at(now), at(now));
        paper.lead(&mut fold, at(now + 1));
        assert_eq!(fold.state.album.len(), usize::from(ends.is_some()), "{starts} {ends:?}");
    }
}

#[test]
fn what_was_packed_is_still_recognised_and_says_how_it_ended() {
    let (_, mut fold) = twice();
    let before = fold.view();
    fold.state.incidents.get_mut(&ONE).expect("known").pack();
    fold.dirty.all = true;
    let after = fold.view();
    let found = |view: &View| of(view, 2).similar.clone().expect("compared").found;
    assert_eq!(found(&before), found(&after));
}

#[test]
fn the_way_is_said_or_why_there_is_none() {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    paper.fact(alert(1, 0, None), at(0), at(10));
    paper.fact(alert(0, 30, None), at(30), at(31));
    let edge = |caller: &str, callee: &str| crate::event::Edge { caller: caller.into(), callee: callee.into() };
    paper.fact(Topology { edges: vec![edge("checkout", "payments")] }, at(0), at(32));
    paper.lead(&mut fold, at(40));
    let view = fold.view();
    let way = &of(&view, 1).way;
    let told = way.hops.iter().map(|hop| hop.service.raw()).collect::<Vec<_>>();
    assert!(way.missing.is_some() || told.last().is_some(), "{way:?}");
    let whole = folded(&paper.records).view();
    assert_eq!(of(&whole, 1).way, *way);
}

#[test]
fn a_thousand_changes_in_a_minute_are_ranked_counted_and_none_without_a_time_is_dated() {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    for number in 0..1_000_i64 {
        paper.fact(
            Change {
                id: format!("c{number}").into(),
                origin: "git".into(),
                time: at(number * 60 / 1_000),
                untimed: number % 10 == 0,
                surface: Surface::Code,
                class: ChangeClass::Deploy,
                subject: Some(["checkout", "payments", "search"][usize::try_from(number).expect("small") % 3].into()),
                actor: None,
                summary: "s".into(),
                before: None,
                after: None,
                files: vec![],
                diff: None,
                sha: None,
                source: Source::CloudEvents,
            },
            at(number * 60 / 1_000),
            at(61),
        );
    }
    paper.fact(alert(0, 120, None), at(120), at(121));
    paper.lead(&mut fold, at(130));
    let view = fold.view();
    let incident = of(&view, 1);
    assert_eq!(incident.changes.items.len() as u64 + incident.changes.hidden, 1_000);
    assert!(incident.changes.hidden > 0);
    let not_checked = &incident.diagnosis.as_ref().expect("diagnosed").diagnosis.not_checked;
    assert!(
        not_checked.iter().any(|what| what.raw().starts_with("times: 100 changes came without one")),
        "{not_checked:?}"
    );
}
