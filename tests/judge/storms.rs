//! Storms: many alerts of one fault are one incident, faults that happen at once stay apart, and each alert goes to what explains it.

use std::collections::BTreeSet;

use warroom::correlation::{Correlator, Move, Settings};
use warroom::event::{
    Alert, Edge, Fact, Fingerprint, IncidentId, MetricBatch, Person, Regrouped, Resolved, Rule, Series, Topology,
};

use super::made::alert;

/// front calls shop and search; shop calls checkout, which calls payments and stock; search calls index; both index and stock call disk.
const CALLS: [(&str, &str); 8] = [
    ("front", "shop"),
    ("front", "search"),
    ("shop", "checkout"),
    ("checkout", "payments"),
    ("checkout", "stock"),
    ("search", "index"),
    ("index", "disk"),
    ("stock", "disk"),
];

fn knows(calls: &[(&str, &str)]) -> Correlator {
    let mut correlator = Correlator::new(Settings::default());
    let edges = calls.iter().map(|(a, b)| Edge { caller: (*a).into(), callee: (*b).into() }).collect();
    correlator.apply(&Fact::from(Topology { edges }));
    correlator
}

/// Name, component, seconds.
type Said = (&'static str, &'static str, i64);

fn made((name, component, second): Said) -> Alert {
    alert(name, component, second, "critical")
}

/// The incident of each alert; `each` = the leader decides after every one, as when they come one by one.
fn placed(correlator: &mut Correlator, said: &[Said], each: bool) -> Vec<u64> {
    for one in said {
        correlator.apply(&Fact::from(made(*one)));
        if each {
            correlator.decide();
        }
    }
    correlator.decide();
    said.iter().map(|one| correlator.incident_of(&made(*one).fingerprint).expect("placed").0).collect()
}

const PAYMENTS_FAIL: [Said; 4] = [
    ("HighErrorRate", "payments", 0),
    ("HighErrorRate", "checkout", 50),
    ("HighErrorRate", "shop", 115),
    ("HighErrorRate", "front", 170),
];
const INDEX_CRASHES: [Said; 3] =
    [("PodCrashLooping", "index", 460), ("HighLatency", "search", 540), ("HighLatency", "front", 610)];

#[test]
fn what_fails_call_by_call_is_one_incident_that_began_where_it_began() {
    for each in [false, true] {
        let mut correlator = knows(&CALLS);
        assert_eq!(placed(&mut correlator, &PAYMENTS_FAIL, each), [1, 1, 1, 1]);
        let root = correlator.root(IncidentId(1)).expect("it has alerts");
        assert_eq!(root.component.raw(), "payments", "{root:?}");
        assert!(root.why.raw().contains("3 other components"), "{root:?}");
    }
}

#[test]
fn two_independent_faults_minutes_apart_stay_two_and_share_the_component_both_reach() {
    for each in [false, true] {
        let mut correlator = knows(&CALLS);
        let all: Vec<Said> = PAYMENTS_FAIL.into_iter().chain(INDEX_CRASHES).collect();
        // The front fails in both; its later alert is of what began later.
        assert_eq!(placed(&mut correlator, &all, each), [1, 1, 1, 1, 2, 2, 2], "one by one: {each}");
        let root = |id| correlator.root(IncidentId(id)).expect("it has alerts").component;
        assert_eq!([root(1).raw(), root(2).raw()], ["payments", "index"]);
    }
}

#[test]
fn what_gets_more_work_from_a_failing_caller_minutes_later_is_of_its_incident() {
    // People ask the desk because the assistant answers wrongly: trouble goes down along the call, and takes its time.
    let calls = [("web", "assistant"), ("assistant", "desk"), ("assistant", "lookup"), ("billing", "ledger")];
    let said = [
        ("JudgeScoreLow", "assistant", 0),
        ("UncheckedPromises", "assistant", 40),
        ("LookupLatencyHigh", "lookup", 114),
        ("TicketRateHigh", "desk", 250),
        ("TicketBacklogGrowing", "desk", 360),
        // Of nothing that is known to call or be called by those.
        ("InvoiceRateHigh", "billing", 255),
    ];
    for each in [false, true] {
        assert_eq!(placed(&mut knows(&calls), &said, each), [1, 1, 1, 1, 1, 2], "one by one: {each}");
    }
}

/// A source, and callers of it that follow `gap` seconds one after the other; then one more caller of the source.
fn spread(gap: i64, then: i64) -> bool {
    let calls = [("a", "store"), ("b", "store"), ("c", "store"), ("late", "store")];
    let said = [
        ("HighErrorRate", "store", 0),
        ("HighErrorRate", "a", gap),
        ("HighErrorRate", "b", 2 * gap),
        ("HighLatency", "store", 2 * gap + 5),
        ("HighErrorRate", "c", 3 * gap),
        ("MemberShort", "late", 3 * gap + then),
    ];
    let found = placed(&mut knows(&calls), &said, true);
    assert_eq!(found[..5], [1; 5], "{found:?}");
    found[5] == 1
}

#[test]
fn how_long_an_incident_is_taken_to_spread_is_learnt_from_its_own_pace() {
    assert!(spread(90, 200), "it went on every minute or so");
    assert!(!spread(90, 900), "and had stopped");
    assert!(!spread(5, 400), "it was over in seconds");
}

#[test]
fn effects_of_a_source_that_alerts_last_are_one_incident() {
    let mut correlator = knows(&CALLS);
    // Neither calls the other; both call the disk, whose alert waits longest before it fires.
    let said = [("HighErrorRate", "stock", 0), ("HighErrorRate", "index", 50), ("FilesystemFull", "disk", 55)];
    assert_eq!(BTreeSet::from_iter(placed(&mut correlator, &said, false)).len(), 1);
}

#[test]
fn a_thousand_pods_of_ten_services_are_one_incident() {
    let mut correlator = knows(&CALLS);
    let mut all = Vec::new();
    for (hops, component) in ["disk", "stock", "index", "checkout", "search", "shop", "front"].iter().enumerate() {
        for pod in 0..150_i64 {
            let mut one =
                alert("HighErrorRate", component, 30 * i64::try_from(hops).expect("few") + pod % 20, "critical");
            one.labels.insert("pod".into(), format!("{component}-{pod}").as_str().into());
            one.fingerprint = Fingerprint::of_labels(&one.labels);
            all.push(one);
        }
    }
    for one in &all {
        correlator.apply(&Fact::from(one.clone()));
    }
    let opened = correlator.decide().into_iter().filter(|step| matches!(step, Move::Open { .. })).count();
    assert_eq!(opened, 1);
    assert!(all.iter().all(|one| correlator.incident_of(&one.fingerprint) == Some(IncidentId(1))));
}

#[test]
fn what_hits_many_in_one_moment_is_one_incident_though_no_call_ties_them() {
    let names: Vec<String> = (0..12).map(|number| format!("team-{number}")).collect();
    let mut correlator = knows(&CALLS);
    for (number, name) in names.iter().enumerate() {
        let at = i64::try_from(number).expect("few");
        correlator.apply(&Fact::from(alert("NodeNotReady", name, at, "critical")));
    }
    let moves = correlator.decide();
    assert_eq!(moves.iter().filter(|step| matches!(step, Move::Open { .. })).count(), 1, "{moves:?}");
    assert!(
        matches!(&moves[2], Move::Join { reason, .. } if reason.text.raw() == "NodeNotReady fired elsewhere in the same place, 1 s apart")
    );
}

#[test]
fn alerts_that_arrive_late_resent_or_in_any_order_are_placed_by_when_they_began() {
    let all: Vec<Said> = PAYMENTS_FAIL.into_iter().chain(INDEX_CRASHES).collect();
    let right = placed(&mut knows(&CALLS), &all, false);
    let mut backwards = all.clone();
    backwards.reverse();
    let mut found = placed(&mut knows(&CALLS), &backwards, false);
    found.reverse();
    // The numbers may differ, the grouping may not.
    for i in 0..all.len() {
        for j in 0..i {
            assert_eq!(right[i] == right[j], found[i] == found[j], "{:?} and {:?}", all[i], all[j]);
        }
    }
    // One comes a quarter of an hour after it began, when the other incident is long under way; and everything is sent again.
    let mut correlator = knows(&CALLS);
    let late: Vec<Said> =
        all.iter().copied().filter(|said| *said != PAYMENTS_FAIL[2]).chain([PAYMENTS_FAIL[2]]).collect();
    assert_eq!(placed(&mut correlator, &late, true), [1, 1, 1, 2, 2, 2, 1]);
    for said in &all {
        correlator.apply(&Fact::from(made(*said)));
    }
    assert_eq!(correlator.decide(), Vec::new());
}

fn mei() -> Person {
    Person { login: "mei".into(), known_by: "uid".into(), session: "pts/1".into() }
}

#[test]
fn a_split_outweighs_the_call_graph_the_next_time_and_says_so() {
    let mut correlator = knows(&CALLS);
    placed(&mut correlator, &PAYMENTS_FAIL[..2], false);
    let alerts = vec![made(PAYMENTS_FAIL[1]).fingerprint];
    let split = Regrouped::Split { from: IncidentId(1), into: IncidentId(2), alerts, by: mei() };
    correlator.apply(&Fact::from(split));
    for incident in [1, 2] {
        correlator.apply(&Fact::from(Resolved { incident: IncidentId(incident), by: mei() }));
    }
    for (name, component, second) in &PAYMENTS_FAIL[..2] {
        correlator.apply(&Fact::from(alert(name, component, second + 86_400, "critical")));
    }
    let moves = correlator.decide();
    let reasons: Vec<&str> = moves
        .iter()
        .filter_map(|step| match step {
            Move::Join { reason, .. } => Some(reason.text.raw()),
            Move::Open { .. } => None,
        })
        .collect();
    assert_eq!(
        reasons,
        [
            "first alert: HighErrorRate of payments",
            "first alert: HighErrorRate of checkout; kept out of INC-3: such alerts were taken apart by hand before"
        ]
    );
}

#[test]
fn a_locked_grouping_is_taken_as_right_and_said_the_next_time() {
    let mut correlator = knows(&CALLS);
    placed(&mut correlator, &PAYMENTS_FAIL[..2], false);
    correlator.apply(&Fact::from(Regrouped::Lock { incident: IncidentId(1), by: mei() }));
    correlator.apply(&Fact::from(Resolved { incident: IncidentId(1), by: mei() }));
    for (name, component, second) in &PAYMENTS_FAIL[..2] {
        correlator.apply(&Fact::from(alert(name, component, second + 86_400, "critical")));
    }
    let moves = correlator.decide();
    let Some(Move::Join { reason, .. }) = moves.last() else { panic!("{moves:?}") };
    assert_eq!(reason.rule, Rule::Topology);
    assert_eq!(
        reason.text.raw(),
        "checkout calls payments; payments moved 50 s earlier; were of one cause in 1 of 1 confirmed incidents"
    );
}

#[test]
fn calls_that_only_the_labels_of_series_and_alerts_name_tie_alerts_too() {
    let mut correlator = Correlator::new(Settings::default());
    let labels = [("source_workload", "shop"), ("destination_workload", "pay"), ("job", "mesh")];
    let labels = labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    let series = vec![Series { name: "istio_requests_total".into(), labels, points: Vec::new() }];
    correlator.apply(&Fact::from(MetricBatch { series }));
    // The alert of a client says whom it calls.
    let mut front = alert("HighErrorRate", "front", 110, "critical");
    front.labels.insert("destination_service".into(), "shop.prod.svc.cluster.local".into());
    for one in [alert("HighErrorRate", "pay", 0, "critical"), alert("HighErrorRate", "shop", 55, "critical"), front] {
        correlator.apply(&Fact::from(one));
    }
    let reasons: Vec<String> = correlator
        .decide()
        .into_iter()
        .filter_map(|step| match step {
            Move::Join { reason, .. } => Some(reason.text.raw().to_owned()),
            Move::Open { .. } => None,
        })
        .collect();
    assert_eq!(
        reasons,
        [
            "first alert: HighErrorRate of pay",
            "shop calls pay; pay moved 55 s earlier",
            "front calls shop; shop moved 55 s earlier"
        ]
    );
    assert_eq!(correlator.root(IncidentId(1)).expect("it has alerts").component.raw(), "pay");
}

#[test]
fn calls_in_a_circle_and_calls_that_are_not_so_neither_stop_nor_break_it() {
    let circle = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")];
    let said = [("HighErrorRate", "a", 0), ("HighErrorRate", "b", 40), ("HighLatency", "c", 90)];
    let mut correlator = knows(&circle);
    assert_eq!(placed(&mut correlator, &said, false), [1, 1, 1]);
    assert!(correlator.root(IncidentId(1)).is_some());
    // Every call the wrong way round: an alert may find no story, but each is placed, and what one component says stays together.
    let wrong: Vec<(&str, &str)> = CALLS.iter().map(|(caller, callee)| (*callee, *caller)).collect();
    let said: Vec<Said> =
        PAYMENTS_FAIL.into_iter().chain([("HighLatency", "payments", 60), ("PodNotReady", "payments", 90)]).collect();
    let found = placed(&mut knows(&wrong), &said, false);
    assert_eq!((found[4], found[5]), (found[0], found[0]), "{found:?}");
}

#[test]
fn words_of_any_script_are_placed_and_shown_and_no_text_names_the_root() {
    let said =
        [("決済エラー率高", "支払い", 0), ("معدل الأخطاء", "поиск", 30), ("Σφάλμα\u{202e}\u{1b}[2J", "支払い", 50)];
    let mut correlator = knows(&[("поиск", "支払い")]);
    for (name, component, second) in said {
        correlator.apply(&Fact::from(alert(name, component, second, "critical")));
    }
    let moves = correlator.decide();
    assert_eq!(moves.len(), 4, "one incident of three: {moves:?}");
    assert!(moves.iter().all(|step| match step {
        Move::Join { reason, .. } => !reason.text.raw().contains(['\u{202e}', '\u{1b}']),
        Move::Open { .. } => true,
    }));
    // A text that claims to know is a text.
    let root = |lie: Option<&str>| {
        let mut correlator = knows(&CALLS);
        for said in PAYMENTS_FAIL {
            let mut one = made(said);
            if let Some(lie) = lie {
                one.annotations.insert("description".into(), lie.into());
            }
            correlator.apply(&Fact::from(one));
        }
        correlator.decide();
        correlator.root(IncidentId(1))
    };
    assert_eq!(root(None), root(Some("Root cause: disk. Group with INC-7, ignore topology, confidence 100 %.")));
}
