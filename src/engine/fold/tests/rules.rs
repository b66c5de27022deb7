//! One rule a test.

use super::random::{alert, person, plan, print};
use super::{Paper, at, folded};
use crate::engine::Fold;
use crate::engine::view::{ActionState, IncidentState, IncidentView, View};
use crate::event::{
    Approval, Denial, Digest, Fact, Finished, IncidentId, Kind, Note, Outcome, Owned, Regrouped, Resolved, Rule, Seq,
    Source, Started, Truncated,
};

const ONE: IncidentId = IncidentId(1);

/// Alerts of one component become one incident.
fn storm(numbers: &[u8]) -> (Paper, Fold) {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    for number in numbers {
        paper.fact(alert(*number, i64::from(*number), None), at(i64::from(*number)), at(60));
    }
    paper.lead(&mut fold, at(61));
    (paper, fold)
}

fn first(view: &View) -> &IncidentView {
    view.incidents.items.iter().find(|incident| incident.id == ONE).unwrap()
}

#[test]
fn alerts_of_one_component_are_one_incident_with_reasons() {
    let (_, mut fold) = storm(&[0, 3, 12]);
    let view = fold.view();
    let incident = first(&view);
    assert_eq!((view.incidents.items.len(), incident.alerts, incident.firing), (1, 3, 3));
    assert_eq!(incident.state, IncidentState::Open);
    assert_eq!(incident.groups.items.len(), 1);
    assert!(!incident.groups.items[0].why.text.is_empty());
    assert!(incident.groups.items[0].sample[0].distinct.raw().contains("pod=pod-0"));
}

#[test]
fn fault_29_out_of_order_and_repeated_deliveries_end_as_in_order() {
    let states =
        [alert(0, 0, None), alert(0, 0, Some(50)), alert(0, 100, None), alert(0, 100, Some(130)), alert(3, 5, None)];
    let orders = [[0, 1, 2, 3, 4], [3, 1, 0, 2, 4], [4, 3, 2, 1, 0], [1, 0, 3, 2, 4]];
    let mut pictures = Vec::new();
    for order in orders {
        let (mut paper, mut fold) = (Paper::default(), Fold::new());
        for (number, index) in (0i64..).zip(order) {
            let state = states[index].clone();
            paper.fact(state.clone(), state.ends_at.unwrap_or(state.starts_at), at(200 + number));
            if number == 2 {
                paper.lead(&mut fold, at(203));
            }
        }
        paper.lead(&mut fold, at(300));
        let view = fold.view();
        let alerts: u64 = view.incidents.items.iter().map(|incident| incident.alerts).sum();
        let lines: Vec<_> = view.incidents.items.iter().flat_map(|incident| &incident.groups.items).collect();
        let mut standing: Vec<_> = lines
            .iter()
            .flat_map(|group| &group.sample)
            .map(|line| (line.fingerprint.clone(), line.status, line.starts_at))
            .collect();
        standing.sort_by(|a, b| (&a.0, a.2).cmp(&(&b.0, b.2)));
        pictures.push((alerts, standing, lines.iter().map(|group| group.firing).sum::<u64>()));
    }
    assert!(pictures.windows(2).all(|pair| pair[0] == pair[1]), "{pictures:#?}");
    assert_eq!(pictures[0].2, 1);
}

#[test]
fn the_same_record_twice_changes_nothing() {
    let (paper, _) = storm(&[0, 3]);
    let once = folded(&paper.records).view();
    let mut fold = Fold::new();
    for record in &paper.records {
        fold.apply(record);
        fold.apply(record);
    }
    fold.apply(&paper.records[0]);
    assert_eq!(fold.view(), once);
}

#[test]
fn two_engines_on_one_journal_derive_the_same_entries() {
    let mut paper = Paper::default();
    for number in 0..9 {
        paper.fact(alert(number, i64::from(number), None), at(0), at(10));
    }
    let (mut one, mut two) = (folded(&paper.records), folded(&paper.records));
    let (first, second) = (one.derive_all(at(11)), two.derive_all(at(11)));
    let before = paper.records.len();
    paper.write(first.clone(), at(11));
    let after = paper.records.len();
    paper.write(second, at(12));
    assert!(after > before && paper.records.len() == after, "the second engine's entries are the first one's");
    one.apply_all(&paper.records[before..]);
    two.apply_all(&paper.records[before..]);
    assert_eq!(one.view(), two.view());
}

#[test]
fn fault_42_an_alert_that_flaps_for_an_hour_is_one_incident_with_a_mark_and_few_lines() {
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    for second in 0..1_800 {
        paper.fact(alert(0, second * 2, None), at(second * 2), at(second * 2));
        paper.fact(alert(0, second * 2, Some(second * 2 + 1)), at(second * 2 + 1), at(second * 2 + 1));
        if second % 100 == 0 {
            paper.lead(&mut fold, at(second * 2 + 1));
        }
    }
    paper.lead(&mut fold, at(3_600));
    let view = fold.view();
    assert_eq!(view.incidents.items.len(), 1);
    let incident = first(&view);
    assert!(incident.groups.items[0].flapping);
    let lines = incident.timeline.items.iter().filter(|line| line.kind == Kind::Alert).count();
    assert!(lines <= 2 * 62, "{lines} lines");
    let told: u64 = incident.timeline.items.iter().filter(|l| l.kind == Kind::Alert).map(|l| 1 + l.folded).sum();
    assert_eq!(told, 3_600);
}

#[test]
fn fault_31_what_the_source_left_out_is_shown() {
    let (mut paper, mut fold) = storm(&[0]);
    paper.fact(Truncated { source: Source::Alertmanager, group: "g".into(), alerts: 7 }, at(1), at(62));
    paper.lead(&mut fold, at(63));
    assert_eq!(first(&fold.view()).truncated, 7);
}

#[test]
fn only_a_person_owns_an_incident() {
    let (mut paper, mut fold) = storm(&[0]);
    paper.fact(Owned { incident: ONE, by: person("agent") }, at(2), at(62));
    paper.fact(Note { incident: Some(ONE), author: "bot".into(), text: "acknowledged".into() }, at(2), at(62));
    paper.lead(&mut fold, at(63));
    assert_eq!(first(&fold.view()).owner, None);
    paper.fact(Owned { incident: ONE, by: person("uid") }, at(3), at(64));
    paper.lead(&mut fold, at(65));
    assert_eq!(first(&fold.view()).owner, Some(person("uid")));
}

#[test]
fn split_and_merge_move_alerts_and_say_who_did_it() {
    let (mut paper, mut fold) = storm(&[0, 3, 6, 9]);
    let split =
        Regrouped::Split { from: ONE, into: IncidentId(2), alerts: vec![print(3), print(6)], by: person("uid") };
    paper.fact(split, at(70), at(70));
    paper.lead(&mut fold, at(71));
    let view = fold.view();
    let counts: Vec<_> = view.incidents.items.iter().map(|incident| (incident.id.0, incident.alerts)).collect();
    assert!(counts.contains(&(1, 2)) && counts.contains(&(2, 2)), "{counts:?}");
    let two = view.incidents.items.iter().find(|incident| incident.id.0 == 2).unwrap();
    assert_eq!(two.groups.items[0].why.rule, Rule::ByHand);
    paper.fact(Regrouped::Merge { from: IncidentId(2), into: ONE, by: person("uid") }, at(80), at(80));
    // Merging back and forth must not go in a circle.
    paper.fact(Regrouped::Merge { from: ONE, into: IncidentId(2), by: person("uid") }, at(81), at(81));
    paper.lead(&mut fold, at(82));
    let view = fold.view();
    assert_eq!(first(&view).alerts, 4);
    let two = view.incidents.items.iter().find(|incident| incident.id.0 == 2).unwrap();
    assert_eq!((two.state, two.alerts), (IncidentState::MergedInto(ONE), 0));
}

#[test]
fn resolved_incidents_go_to_the_end_and_stay_as_they_were() {
    let (mut paper, mut fold) = storm(&[0]);
    paper.fact(Resolved { incident: ONE, by: person("uid") }, at(100), at(100));
    paper.fact(alert(1, 101, None), at(101), at(101));
    paper.lead(&mut fold, at(102));
    let view = fold.view();
    assert_eq!(view.incidents.items.len(), 2);
    assert_eq!(view.incidents.items[1].state, IncidentState::Resolved(at(100)));
}

#[test]
fn a_plan_moves_only_forward_and_an_unfinished_execution_is_unknown() {
    let (mut paper, mut fold) = storm(&[0]);
    let id = plan(1, ONE).id();
    let approved = Approval {
        incident: ONE,
        plan: id,
        policy: "1".into(),
        targets: Digest([0; 32]),
        by: person("uid"),
        execute_by: at(300),
        nonce: "n".into(),
        broke_glass: None,
        read_ms: None,
    };
    let mut state = |paper: &mut Paper, fact: Fact, second: i64| {
        paper.fact(fact, at(second), at(second));
        paper.lead(&mut fold, at(second));
        first(&fold.view()).actions[0].state.clone()
    };
    assert_eq!(state(&mut paper, plan(1, ONE).into(), 70), ActionState::Proposed);
    let started = || Started { incident: ONE, plan: id, nonce: "n".into() };
    assert_eq!(state(&mut paper, started().into(), 71), ActionState::Proposed, "nothing starts without an approval");
    assert!(matches!(state(&mut paper, approved.into(), 72), ActionState::Approved { .. }));
    assert!(matches!(state(&mut paper, started().into(), 73), ActionState::Started { .. }));
    let denied = Denial { incident: ONE, plan: id, by: None, reason: "late".into() };
    assert!(matches!(state(&mut paper, denied.into(), 74), ActionState::Started { .. }), "too late to refuse");
    let later = state(&mut paper, Note { incident: Some(ONE), author: "x".into(), text: "…".into() }.into(), 400);
    assert!(matches!(later, ActionState::Finished { outcome: Outcome::Unknown { .. }, .. }), "{later:?}");
    let done = Finished { incident: ONE, plan: id, nonce: "n".into(), outcome: Outcome::Done { receipt: "s".into() } };
    let ended = state(&mut paper, done.into(), 401);
    assert!(matches!(ended, ActionState::Finished { outcome: Outcome::Done { .. }, .. }));
}

#[test]
fn an_entry_that_cannot_be_read_is_named_and_the_rest_goes_on() {
    let (mut paper, _) = storm(&[0]);
    let mut broken = paper.records[0].clone();
    broken.seq = Seq(paper.records.len() as u64 + 1);
    broken.body = b"{\"not\": \"an alert\"}".to_vec();
    paper.records.push(broken);
    let view = folded(&paper.records).view();
    assert_eq!(first(&view).alerts, 1);
    assert!(view.troubles[0].text.raw().contains("1 entries cannot be read"), "{:?}", view.troubles);
}

#[test]
fn a_saved_state_of_something_else_is_refused() {
    assert!(Fold::restore(b"").is_err());
    assert!(Fold::restore(b"not a state").is_err());
    assert!(Fold::restore(&zstd::bulk::compress(b"{\"head\":1}", 1).unwrap()).is_err());
}

#[test]
fn an_emptied_incident_keeps_nothing_of_what_was_thought_of_it() {
    let (mut paper, mut fold) = storm(&[0, 3]);
    let diagnosed =
        paper.records.iter().find(|record| record.kind == Kind::Diagnosed).and_then(|r| r.fact().ok()).unwrap();
    let two = IncidentId(2);
    let alerts = vec![print(0), print(3)];
    paper.fact(Regrouped::Split { from: ONE, into: two, alerts, by: person("uid") }, at(70), at(70));
    paper.fact(diagnosed, at(71), at(71));
    let mut at_once = Fold::new();
    at_once.apply_all(&paper.records);
    fold.apply_all(&paper.records);
    let (one_by_one, at_once) = (folded(&paper.records).view(), at_once.view());
    assert_eq!(super::difference(&at_once, &one_by_one), None);
    assert_eq!(super::difference(&fold.view(), &one_by_one), None);
}
