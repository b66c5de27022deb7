//! Grouping of alerts: by what, at what cost, and with what respect for what people did.

use std::time::{Duration, Instant};

use warroom::correlation::{Correlator, Move, Settings};
use warroom::event::{
    Alert, AlertStatus, Edge, Fact, Fingerprint, IncidentId, Person, Regrouped, Resolved, Rule, Surface, Topology,
    Truth, TruthConfirmed,
};

use super::made::{alert, at};

fn shop() -> Correlator {
    let mut correlator = Correlator::new(Settings::default());
    let edge = |caller: &str, callee: &str| Edge { caller: caller.into(), callee: callee.into() };
    let edges = vec![edge("front", "checkout"), edge("checkout", "payments"), edge("mail", "smtp")];
    correlator.apply(&Fact::from(Topology { edges }));
    correlator
}

fn hear(correlator: &mut Correlator, alert: &Alert) -> Vec<Move> {
    correlator.apply(&Fact::from(alert.clone()));
    correlator.decide()
}

fn reason(moves: &[Move]) -> (Rule, String) {
    let joins = moves.iter().find_map(|m| match m {
        Move::Join { reason, .. } => Some((reason.rule, reason.text.raw().to_owned())),
        Move::Open { .. } => None,
    });
    joins.expect("a join")
}

#[test]
fn a_caller_joins_its_callee_and_says_why() {
    let mut correlator = shop();
    hear(&mut correlator, &alert("HighErrors", "payments", 0, "critical"));
    let moves = hear(&mut correlator, &alert("HighErrors", "checkout", 40, "critical"));
    assert_eq!(reason(&moves), (Rule::Topology, "checkout calls payments; payments moved 40 s earlier".to_owned()));
}

#[test]
fn two_faults_that_have_nothing_to_do_with_each_other_stay_two() {
    let mut correlator = shop();
    for (at, service) in [(0, "payments"), (30, "checkout"), (60, "front")] {
        hear(&mut correlator, &alert("HighErrors", service, at, "critical"));
    }
    for (at, service) in [(20, "smtp"), (50, "mail")] {
        hear(&mut correlator, &alert("QueueGrows", service, at, "warning"));
    }
    let of = |service: &str, name: &str, at: i64, severity: &str| {
        correlator.incident_of(&alert(name, service, at, severity).fingerprint)
    };
    assert_eq!(of("payments", "HighErrors", 0, "critical"), of("front", "HighErrors", 0, "critical"));
    assert_ne!(of("payments", "HighErrors", 0, "critical"), of("smtp", "QueueGrows", 0, "warning"));
}

#[test]
fn fault_29_order_of_arrival_does_not_matter() {
    let all = [("payments", 0), ("checkout", 40), ("front", 70), ("smtp", 10), ("mail", 55)];
    let group = |order: &[usize]| {
        let mut correlator = shop();
        for i in order {
            correlator.apply(&Fact::from(alert("HighErrors", all[*i].0, all[*i].1, "critical")));
        }
        correlator.decide();
        all.map(|(service, at)| correlator.incident_of(&alert("HighErrors", service, at, "critical").fingerprint))
    };
    assert_eq!(group(&[0, 1, 2, 3, 4]), group(&[4, 2, 0, 3, 1]));
}

#[test]
fn fault_28_and_42_resends_and_flapping_open_nothing_new() {
    let mut correlator = shop();
    let mut one = alert("HighErrors", "payments", 0, "critical");
    hear(&mut correlator, &one);
    for flap in 0..3_600 {
        one.status = if flap % 2 == 0 { AlertStatus::Resolved } else { AlertStatus::Firing };
        one.starts_at = at(flap);
        assert_eq!(hear(&mut correlator, &one), Vec::new());
    }
}

#[test]
fn informational_alerts_stay_loose() {
    let mut correlator = shop();
    assert_eq!(hear(&mut correlator, &alert("CertificateRenewed", "gateway", 0, "info")), Vec::new());
    assert_eq!(correlator.loose(), 1);
}

#[test]
fn an_informational_alert_joins_what_moves_beside_it_later() {
    let mut correlator = shop();
    let info = alert("QueueLong", "payments", 0, "info");
    assert_eq!(hear(&mut correlator, &info), Vec::new());
    let moves = hear(&mut correlator, &alert("HighErrors", "checkout", 30, "critical"));
    assert_eq!(moves.len(), 3, "one opens, two join: {moves:?}");
    assert_eq!(correlator.loose(), 0);
    assert_eq!(correlator.incident_of(&info.fingerprint), Some(IncidentId(1)));
}

#[test]
fn informational_alerts_cost_nothing_when_others_come() {
    // The same alerts are placed with none and with two thousand loose ones about, all of them recent.
    let work = |loose: i64| {
        let mut correlator = shop();
        for number in 0..loose {
            hear(&mut correlator, &alert("Renewed", &format!("other-{number}"), 0, "info"));
        }
        assert_eq!(correlator.loose(), u64::try_from(loose).expect("small"));
        let before = correlator.looked();
        for number in 0..100 {
            hear(&mut correlator, &alert(&format!("New{number}"), "checkout", number, "critical"));
        }
        correlator.looked() - before
    };
    assert_eq!(work(0), work(2_000));
    // And those near it are looked at a bounded number of times: when something beside them first moves.
    let mut correlator = shop();
    for number in 0..500 {
        hear(&mut correlator, &alert(&format!("Info{number}"), "payments", -1_500, "info"));
    }
    let before = correlator.looked();
    for number in 0..50 {
        hear(&mut correlator, &alert(&format!("New{number}"), "payments", number, "critical"));
    }
    assert!(correlator.looked() - before < 50 * 3 + 16 * 4, "{}", correlator.looked() - before);
}

#[test]
fn an_alert_that_ends_before_it_is_placed_is_placed_and_begins_anew_after_its_incident() {
    let mut correlator = shop();
    let mut one = alert("HighErrors", "payments", 0, "critical");
    correlator.apply(&Fact::from(one.clone()));
    one.status = AlertStatus::Resolved;
    assert!(matches!(hear(&mut correlator, &one)[0], Move::Open { incident: IncidentId(1), .. }));
    let by = Person { login: "mei".into(), known_by: "uid".into(), session: "pts/1".into() };
    // An episode of the incident itself, sent again after the incident is over, is nothing new.
    one.starts_at = at(100);
    assert_eq!(hear(&mut correlator, &one), Vec::new());
    correlator.apply(&Fact::from(Resolved { incident: IncidentId(1), by }));
    assert_eq!(hear(&mut correlator, &one), Vec::new());
    // A later one is, also when only its end is heard of.
    one.starts_at = at(900);
    assert!(matches!(hear(&mut correlator, &one)[0], Move::Open { incident: IncidentId(2), .. }));
}

#[test]
fn while_no_calls_are_known_alerts_of_one_namespace_within_minutes_are_one_incident_and_say_why() {
    let within = |namespace: &str, service: &str, at: i64| {
        let mut alert = alert(&format!("Trouble{service}"), service, at, "critical");
        alert.labels.insert("namespace".into(), namespace.into());
        alert.fingerprint = Fingerprint::of_labels(&alert.labels);
        alert
    };
    let all = [within("shop", "a", 0), within("shop", "b", 50), within("mail", "c", 60), within("shop", "d", 1_500)];
    let group = |mut correlator: Correlator| {
        let moves: Vec<Move> = all.iter().flat_map(|alert| hear(&mut correlator, alert)).collect();
        (all.each_ref().map(|alert| correlator.incident_of(&alert.fingerprint).expect("placed").0), moves)
    };
    let (placed, moves) = group(Correlator::new(Settings::default()));
    assert_eq!(placed, [1, 1, 2, 3]);
    let why = "fired in the same namespace 50 s apart; no calls between components are known".into();
    let tied = |m: &Move| matches!(m, Move::Join { reason, .. } if reason.rule == Rule::Affinity && reason.text == why);
    assert_eq!(moves.iter().filter(|m| tied(m)).count(), 1, "{moves:?}");
    // Where calls are known, they decide.
    assert_eq!(group(shop()).0, [1, 2, 3, 4]);
}

#[test]
fn what_a_person_did_stands() {
    let mut correlator = shop();
    let by = Person { login: "mei".into(), known_by: "uid".into(), session: "pts/1".into() };
    let (payments, checkout) =
        (alert("HighErrors", "payments", 0, "critical"), alert("HighErrors", "checkout", 40, "critical"));
    hear(&mut correlator, &payments);
    hear(&mut correlator, &checkout);
    let split = Regrouped::Split {
        from: IncidentId(1),
        into: IncidentId(2),
        alerts: vec![checkout.fingerprint.clone()],
        by: by.clone(),
    };
    correlator.apply(&Fact::from(split));
    assert_eq!(hear(&mut correlator, &checkout), Vec::new());
    assert_eq!(correlator.incident_of(&checkout.fingerprint), Some(IncidentId(2)));
    correlator.apply(&Fact::from(Regrouped::Lock { incident: IncidentId(1), by: by.clone() }));
    correlator.apply(&Fact::from(Regrouped::Lock { incident: IncidentId(2), by: by.clone() }));
    let moves = hear(&mut correlator, &alert("Latency", "payments", 60, "critical"));
    assert!(matches!(moves[0], Move::Open { incident: IncidentId(3), .. }), "{moves:?}");
    correlator.apply(&Fact::from(Regrouped::Merge { from: IncidentId(2), into: IncidentId(1), by }));
    assert_eq!(correlator.incident_of(&checkout.fingerprint), Some(IncidentId(1)));
}

/// Six incidents in which `db` moved forty seconds before `web`, put together by hand and declared over.
fn six_times(correlator: &mut Correlator) {
    for n in 0..6 {
        let began = n * 20_000;
        let all = [alert("HighErrors", "db", began, "critical"), alert("HighErrors", "web", began + 40, "critical")];
        let of = all.map(|alert| {
            hear(correlator, &alert);
            correlator.incident_of(&alert.fingerprint).expect("placed")
        });
        if of[0] != of[1] {
            let merge = Regrouped::Merge { from: of[1], into: of[0], by: mei() };
            correlator.apply(&Fact::from(merge));
        }
        correlator.apply(&Fact::from(Resolved { incident: of[0], by: mei() }));
    }
}

#[test]
fn what_moved_first_in_past_incidents_stands_in_for_a_call_that_nobody_knows() {
    // Another alert than ever before: no record of alerts ties these two, only the order of their components.
    let now = |correlator: &mut Correlator| {
        let first = alert("TooSlow", "db", 200_000, "critical");
        hear(correlator, &first);
        let moves = hear(correlator, &alert("Timeouts", "web", 200_040, "critical"));
        (reason(&moves), correlator.incident_of(&first.fingerprint).expect("placed"))
    };
    let mut learnt = Correlator::new(Settings::default());
    six_times(&mut learnt);
    let ((rule, why), incident) = now(&mut learnt);
    assert_eq!(rule, Rule::History);
    let words =
        "of db and web, db moved first in 6 of 6 past incidents; db moved 40 s earlier; no call between them is known";
    assert_eq!(why, words);
    assert_eq!(learnt.root(incident).expect("a root").component.raw(), "db");
    let way = |from: &str, to: &str| warroom::correlation::path(learnt.graph(), &from.into(), &to.into());
    assert_eq!(way("db", "web").expect("a way").len(), 2);
    assert_eq!(way("web", "db"), None, "it has a direction");

    let ((rule, _), _) = now(&mut Correlator::new(Settings::default()));
    assert_eq!(rule, Rule::Founder, "without a past they are two");

    // Where calls of both are known, they say what leads to what.
    let mut known = Correlator::new(Settings::default());
    let edge = |caller: &str, callee: &str| Edge { caller: caller.into(), callee: callee.into() };
    known.apply(&Fact::from(Topology { edges: vec![edge("web", "cache"), edge("report", "db")] }));
    six_times(&mut known);
    assert_eq!(now(&mut known).0.0, Rule::Founder);
}

fn mei() -> Person {
    Person { login: "mei".into(), known_by: "uid".into(), session: "pts/1".into() }
}

/// Two alerts that no call and no name ties; a person merged them and, if so, confirmed one cause. A day later both fire again.
fn again(confirmed: bool, parted: bool) -> (Correlator, Vec<Move>) {
    let mut correlator = shop();
    let (queue, errors) =
        (|at| alert("QueueGrows", "smtp", at, "warning"), |at| alert("HighErrors", "front", at, "critical"));
    hear(&mut correlator, &queue(0));
    hear(&mut correlator, &errors(20));
    assert_ne!(correlator.incident_of(&queue(0).fingerprint), correlator.incident_of(&errors(0).fingerprint));
    correlator.apply(&Fact::from(Regrouped::Merge { from: IncidentId(2), into: IncidentId(1), by: mei() }));
    if confirmed {
        let truth = Truth {
            surface: Some(Surface::Infra),
            subject: None,
            change: None,
            onset: None,
            text: "the shared disk".into(),
        };
        correlator.apply(&Fact::from(TruthConfirmed { incident: IncidentId(1), truth, by: mei() }));
    }
    if parted {
        let alerts = vec![errors(0).fingerprint];
        let split = Regrouped::Split { from: IncidentId(1), into: IncidentId(3), alerts, by: mei() };
        correlator.apply(&Fact::from(split));
        correlator.apply(&Fact::from(Resolved { incident: IncidentId(3), by: mei() }));
    }
    correlator.apply(&Fact::from(Resolved { incident: IncidentId(1), by: mei() }));
    hear(&mut correlator, &queue(86_400));
    let moves = hear(&mut correlator, &errors(86_430));
    (correlator, moves)
}

#[test]
fn what_a_person_confirmed_to_be_one_cause_is_grouped_again_and_says_so() {
    let (_, moves) = again(true, false);
    let (rule, text) = reason(&moves);
    assert_eq!(rule, Rule::History, "{moves:?}");
    assert_eq!(
        text,
        "HighErrors and an alert of smtp were of one cause in 1 of 1 confirmed incidents with it; 30 s apart now"
    );
}

#[test]
fn what_a_person_took_apart_is_not_grouped_again() {
    let (_, moves) = again(true, true);
    assert!(matches!(moves[0], Move::Open { .. }), "{moves:?}");
}

#[test]
fn alerts_far_apart_are_not_tied_by_history_alone() {
    let (mut correlator, _) = again(true, false);
    let late = hear(&mut correlator, &alert("HighErrors", "mail", 86_400 + 1_200, "critical"));
    assert!(!matches!(late.first(), Some(Move::Join { reason, .. }) if reason.rule == Rule::History), "{late:?}");
}

#[test]
fn history_is_kept_with_the_state() {
    let (mut correlator, _) = again(true, false);
    let (queue, errors) = (alert("QueueGrows", "smtp", 0, "warning"), alert("HighErrors", "front", 0, "critical"));
    let incident = correlator.incident_of(&queue.fingerprint).expect("grouped");
    correlator.apply(&Fact::from(Resolved { incident, by: mei() }));
    let text = serde_json::to_string(&correlator).expect("can be written");
    let mut back: Correlator = serde_json::from_str(&text).expect("can be read");
    hear(&mut back, &Alert { starts_at: at(172_800), ..queue });
    let moves = hear(&mut back, &Alert { starts_at: at(172_820), ..errors });
    assert_eq!(reason(&moves).0, Rule::History, "{moves:?}");
}

#[test]
fn the_state_can_be_written_down_and_read_back() {
    let mut correlator = shop();
    hear(&mut correlator, &alert("HighErrors", "payments", 0, "critical"));
    let text = serde_json::to_string(&correlator).expect("can be written");
    let mut again: Correlator = serde_json::from_str(&text).expect("can be read");
    let next = alert("HighErrors", "checkout", 40, "critical");
    assert_eq!(hear(&mut correlator, &next), hear(&mut again, &next));
}

#[test]
fn the_cost_of_an_alert_does_not_grow_with_what_is_open() {
    // A thousand and then fifty thousand open alerts in other places; the same hundred alerts are placed beside them.
    let took = |open: usize| {
        let mut correlator = shop();
        for number in 0..open {
            correlator.apply(&Fact::from(alert(
                "Open",
                &format!("other-{number}"),
                i64::try_from(number).expect("small") * 3_600,
                "critical",
            )));
        }
        correlator.decide();
        let new: Vec<Alert> = (0..100).map(|i| alert(&format!("New{i}"), "checkout", i, "critical")).collect();
        let best = (0..5).map(|_| {
            let mut correlator = correlator.clone();
            let begun = Instant::now();
            for alert in &new {
                hear(&mut correlator, alert);
            }
            begun.elapsed()
        });
        best.min().expect("five runs")
    };
    let (few, many) = (took(1_000), took(50_000));
    // Ordered maps cost a logarithm; a scan would cost fifty times as much.
    assert!(many < few * 8 + Duration::from_millis(20), "{few:?} with 1 000 open, {many:?} with 50 000");
}
