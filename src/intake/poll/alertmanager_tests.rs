use super::*;
use crate::journal::SqliteJournal;

fn captured() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/captured/alertmanager/api_alerts.json")).unwrap()
}

fn at(time: &str) -> Time {
    time.parse().unwrap()
}

#[test]
fn the_api_and_the_webhook_name_one_alert_alike() {
    let shown = alerts(&captured(), at("2026-11-22T00:49:00Z")).unwrap();
    assert!(
        shown.len() > 2 && shown.iter().all(|alert| alert.status == AlertStatus::Firing && alert.ends_at.is_none())
    );
    // The webhook carries the same start with more digits.
    let mut precise = shown[0].clone();
    precise.starts_at = Time::from_nanosecond(precise.starts_at.as_nanosecond() + 999_999).unwrap();
    assert_eq!(key::alert(&precise), key::alert(&shown[0]));
    let error = alerts(br#"[{"labels":{},"startsAt":"x"}]"#, Time::UNIX_EPOCH).unwrap_err().to_string();
    assert!(error.starts_with("/0/startsAt: "), "{error}");
}

#[test]
fn an_alert_is_ended_when_the_api_lacks_what_it_showed_twice_in_a_row() {
    let now = at("2026-11-22T00:49:00Z");
    let later = |seconds| Time::from_second(now.as_second() + seconds).unwrap();
    let shown = || alerts(&captured(), now).unwrap();
    let count = shown().len();
    let mut seen = Seen::default();
    let (new, ended) = seen.compare(shown(), true, now);
    assert_eq!((new.len(), ended.len()), (count, 0));
    assert!(seen.compare(shown(), true, later(30)).0.is_empty(), "the second time it is no news");
    let fewer = || shown().into_iter().skip(1).collect::<Vec<_>>();
    assert!(seen.compare(fewer(), true, later(60)).1.is_empty(), "once may be a gap");
    assert!(seen.clone().compare(shown(), true, later(90)).1.is_empty(), "it was one");
    let (_, ended) = seen.compare(fewer(), true, later(90));
    assert_eq!(
        ended.iter().map(|end| (end.0.clone(), end.2)).collect::<Vec<_>>(),
        [(shown()[0].fingerprint.clone(), later(60))]
    );
}

#[test]
fn a_restarted_alertmanager_that_knows_nothing_yet_ends_nothing() {
    let now = at("2026-11-22T00:49:00Z");
    let mut seen = Seen::default();
    seen.compare(alerts(&captured(), now).unwrap(), true, now);
    for _ in 0..5 {
        assert!(seen.compare(Vec::new(), false, now).1.is_empty());
    }
    // What never was shown by this Alertmanager (another one's alert) is not its business.
    assert!(Seen::default().compare(Vec::new(), true, now).1.is_empty());
}

#[test]
fn an_end_is_recorded_once_and_never_over_one_that_is_known() {
    let now = at("2026-11-22T00:49:00Z");
    let journal = SqliteJournal::in_memory().unwrap();
    let shown = alerts(&captured(), now).unwrap();
    let (fingerprint, starts) = (shown[0].fingerprint.clone(), shown[0].starts_at.as_millisecond());
    assert!(end(&journal, &fingerprint, starts, now).unwrap().is_none(), "the journal never heard of it");
    journal.append(shown.into_iter().map(alertmanager::draft).collect()).unwrap();
    let ending = end(&journal, &fingerprint, starts, now).unwrap().unwrap();
    let ended: Alert = serde_json::from_slice(&ending.body).unwrap();
    assert_eq!((ended.status, ended.ends_at), (AlertStatus::Resolved, Some(now)));
    journal.append(vec![ending]).unwrap();
    assert!(end(&journal, &fingerprint, starts, now).unwrap().is_none());
}
