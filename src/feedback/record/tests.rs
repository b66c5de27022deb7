use super::*;
use crate::event::Surface;

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
    BTreeMap::from([(Untrusted::from("builtin/1"), Judged { seq: Seq(7), cause, share })])
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
    let decision =
        |verdict, took_ms, looked| Decided { engine: Some(&engine), cause: &named, verdict, took_ms, looked };
    let view = accuracy([
        Case {
            judged: &answer,
            decisions: vec![decision(&Verdict::Accept, 1_999, false)],
            truth: Some(&right),
            resolved: true,
        },
        Case {
            judged: &answer,
            decisions: vec![decision(&Verdict::Accept, 60_000, true)],
            truth: Some(&other),
            resolved: true,
        },
        Case {
            judged: &answer,
            decisions: vec![decision(&Verdict::Reject, 60_000, true)],
            truth: Some(&other),
            resolved: true,
        },
        Case { judged: &answer, decisions: vec![], truth: None, resolved: true },
        Case { judged: &answer, decisions: vec![], truth: None, resolved: false },
    ]);
    assert_eq!((view.confirmed, view.unconfirmed, view.hasty, view.unlooked), (3, 1, 1, 1));
    let [record] = &view.investigators[..] else { panic!("one investigator") };
    assert_eq!((record.n, record.right, record.confident_wrong), (3, 1, 2));
    assert!((record.brier - (0.04 + 0.64 + 0.64) / 3.0).abs() < 1e-12);
    assert_eq!(record.reliability[8], (3, 1));
    let people = (record.accepted_right, record.accepted_wrong, record.rejected_right, record.rejected_wrong);
    assert_eq!(people, (1, 1, 0, 1));
    assert!(record.low > 0.0 && record.high < 1.0);
}

#[test]
fn an_answer_of_none_of_these_is_no_confident_error() {
    let missed = truth(Some(Surface::Code), None, Some("c1"));
    let view = accuracy([Case { judged: &judged(None, 0.9), decisions: vec![], truth: Some(&missed), resolved: true }]);
    assert_eq!((view.investigators[0].right, view.investigators[0].confident_wrong), (0, 0));
}
