use super::super::back::WentBack;
use super::super::case::{Decided, Judged, is_right};
use super::*;
use crate::event::{Cause, Person, Seq, Surface, Truth, Verdict};

fn cause(surface: Surface, subject: Option<&str>, change: Option<&str>) -> Cause {
    Cause { surface, subject: subject.map(Into::into), change: change.map(Into::into) }
}

fn truth(surface: Option<Surface>, subject: Option<&str>, change: Option<&str>) -> Truth {
    Truth {
        surface,
        subject: subject.map(Into::into),
        change: change.map(Into::into),
        onset: None,
        text: Untrusted::default(),
    }
}

fn judged(cause: Option<Cause>, share: f64) -> BTreeMap<Untrusted, Judged> {
    let judged = Judged { seq: Seq(7), cause, share, since: at(60), scored: Vec::new() };
    BTreeMap::from([(Untrusted::from("builtin/1"), judged)])
}

fn at(second: i64) -> Time {
    Time::from_second(second).unwrap()
}

fn person(login: &str) -> Person {
    Person { login: login.into(), known_by: "uid".into(), session: "1".into() }
}

static NOWHERE: BTreeMap<Untrusted, WentBack> = BTreeMap::new();

fn record(cases: Vec<Case<'_>>) -> AccuracyView {
    accuracy(cases, &BTreeMap::new())
}

fn case<'a>(
    judged: &'a BTreeMap<Untrusted, Judged>,
    decisions: Vec<Decided<'a>>,
    truth: Option<&'a Truth>,
) -> Case<'a> {
    Case {
        judged,
        decisions,
        truth,
        confirmed: truth.map(|_| at(3_600)),
        opened: at(0),
        owned: Some(at(120)),
        resolved: Some(at(1_800)),
        went_back: &NOWHERE,
    }
}

#[test]
fn right_is_the_same_change_whatever_the_surface_is_called() {
    let truth = truth(Some(Surface::Code), Some("pay"), Some("c1"));
    assert!(is_right(Some(&cause(Surface::Config, Some("other"), Some("c1"))), &truth));
    assert!(!is_right(Some(&cause(Surface::Code, Some("pay"), Some("c2"))), &truth));
    assert!(!is_right(Some(&cause(Surface::Code, Some("pay"), None)), &truth));
    assert!(!is_right(None, &truth));
}

#[test]
fn without_a_change_naming_one_is_wrong_and_the_component_counts() {
    let truth = truth(Some(Surface::Dependency), Some("stripe"), None);
    assert!(is_right(Some(&cause(Surface::Dependency, Some("stripe"), None)), &truth));
    assert!(!is_right(Some(&cause(Surface::Dependency, Some("other"), None)), &truth));
    assert!(!is_right(Some(&cause(Surface::Dependency, Some("stripe"), Some("c1"))), &truth));
}

#[test]
fn where_nothing_was_wrong_only_none_is_right() {
    let truth = truth(None, None, None);
    assert!(is_right(None, &truth));
    assert!(!is_right(Some(&cause(Surface::Code, None, None)), &truth));
}

#[test]
fn the_record_counts_confidence_brier_and_people() {
    let right = truth(Some(Surface::Code), None, Some("c1"));
    let other = truth(Some(Surface::Code), None, Some("c9"));
    let answer = judged(Some(cause(Surface::Code, None, Some("c1"))), 0.8);
    let named = cause(Surface::Code, None, Some("c1"));
    let engine = Untrusted::from("builtin/1");
    let ana = person("ana");
    let decision = |verdict, took_ms, looked| Decided {
        engine: Some(&engine),
        by: &ana,
        at: at(600),
        cause: &named,
        verdict,
        took_ms,
        looked,
    };
    let open = Case { resolved: None, ..case(&answer, vec![], None) };
    let view = record(vec![
        case(&answer, vec![decision(&Verdict::Accept, 1_999, false)], Some(&right)),
        case(&answer, vec![decision(&Verdict::Accept, 60_000, true)], Some(&other)),
        case(&answer, vec![decision(&Verdict::Reject, 60_000, true)], Some(&other)),
        case(&answer, vec![], None),
        open,
    ]);
    assert_eq!((view.confirmed, view.unconfirmed, view.hasty, view.unlooked), (3, 1, 1, 1));
    let [record] = &view.investigators[..] else { panic!("one investigator") };
    let tally = &record.tally;
    assert_eq!((tally.n, tally.right, tally.confident_wrong), (3, 1, 2));
    assert!((tally.brier - (0.04 + 0.64 + 0.64) / 3.0).abs() < 1e-12);
    assert_eq!(tally.reliability[8], (3, 1));
    assert!((tally.said[8] - 0.8).abs() < 1e-12 && (tally.calibration_error - (0.8 - 1.0 / 3.0)).abs() < 1e-12);
    let people = (tally.accepted_right, tally.accepted_wrong, tally.rejected_right, tally.rejected_wrong);
    assert_eq!(people, (1, 1, 0, 1));
    assert!(tally.low > 0.0 && tally.high < 1.0);

    // The same, taken apart.
    let named = |parts: &[Part]| parts.iter().map(|p| (p.name.raw().to_owned(), p.tally.n)).collect::<Vec<_>>();
    assert_eq!(named(&view.surfaces), [("code".to_owned(), 3)]);
    assert_eq!(named(&view.services), [("no component named".to_owned(), 3)]);
    assert_eq!(named(&view.novelty), [("seen before".to_owned(), 2), ("new".to_owned(), 1)]);
    assert_eq!(view.weeks.iter().map(|week| (week.n, week.right)).collect::<Vec<_>>(), [(3, 1)]);
    let response = view.response;
    assert_eq!((response.acknowledge.median_s, response.resolve.median_s), (120.0, 1_800.0));
    // The right answer stood since 60 s, and was accepted at 600 s; the wrong one cost from 600 s to 3 600 s.
    assert_eq!((response.saved.n, response.saved.median_s), (1, 540.0));
    assert_eq!((response.lost.n, response.lost.median_s), (1, 3_000.0));
    assert_eq!(
        (response.pages.n, response.pages.shifts, response.pages.busiest, response.pages.too_many),
        (5, 1, 5, 1)
    );
}

#[test]
fn an_answer_of_none_of_these_is_no_confident_error() {
    let missed = truth(Some(Surface::Code), None, Some("c1"));
    let answer = judged(None, 0.9);
    let view = record(vec![case(&answer, vec![], Some(&missed))]);
    let tally = &view.investigators[0].tally;
    assert_eq!((tally.right, tally.confident_wrong), (0, 0));
}

#[test]
fn a_run_of_acceptances_with_nothing_opened_is_told_until_a_look_ends_it() {
    let named = cause(Surface::Code, None, Some("c1"));
    let (ana, mei) = (person("ana"), person("mei"));
    let none = BTreeMap::new();
    let decision = |by, second, looked| Decided {
        engine: None,
        by,
        at: at(second),
        cause: &named,
        verdict: &Verdict::Accept,
        took_ms: 900,
        looked,
    };
    let mut decisions: Vec<_> = (0..4).map(|nth| decision(&ana, nth, false)).collect();
    decisions.extend([decision(&mei, 2, false), decision(&mei, 3, true), decision(&mei, 4, false)]);
    let habits = record(vec![case(&none, decisions.clone(), None)]).habits;
    assert_eq!((habits.accepted, habits.hasty_accepts, habits.longest_streak), (7, 7, 4));
    assert_eq!(habits.streaks, [("ana".into(), 4)]);
    decisions.push(decision(&ana, 9, true));
    let habits = record(vec![case(&none, decisions, None)]).habits;
    assert_eq!((habits.longest_streak, habits.streaks.len()), (4, 0));
}

#[test]
fn a_week_begins_on_monday() {
    // 1970-01-01 was a Thursday.
    assert_eq!((week(at(0)), week(at(4 * 86_400 - 1)), week(at(4 * 86_400))), (0, 0, 1));
    assert_eq!(week_of(1, (2, 1)).unwrap().from, at(4 * 86_400));
}
