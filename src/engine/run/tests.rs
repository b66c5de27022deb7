//! Real engines on a real journal file.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::event::{Alert, AlertStatus, Fact, Kind, Labels, Source, Untrusted};
use crate::journal::SqliteJournal;

fn open(path: &Path) -> SharedJournal {
    Arc::new(SqliteJournal::open(path, Time::now()).unwrap())
}

fn config(login: &str) -> EngineConfig {
    let person = Person { login: login.into(), known_by: "uid".into(), session: login.into() };
    EngineConfig { person: Some(person), ..EngineConfig::new(Arc::new(Time::now)) }
}

fn alert(number: u32) -> Draft {
    let now = Time::now();
    let text = |text: &str| Untrusted::from(text);
    let labels: Labels = [
        (text("alertname"), text("Slow")),
        (text("service"), text("checkout")),
        (text("severity"), text("critical")),
        (text("pod"), format!("pod-{number}").into()),
    ]
    .into();
    let alert = Alert {
        fingerprint: crate::event::Fingerprint::of_labels(&labels),
        status: AlertStatus::Firing,
        labels,
        annotations: Labels::new(),
        starts_at: now,
        ends_at: None,
        generator_url: None,
        source: Source::Alertmanager,
        subject: None,
        anomalies: vec![],
    };
    Draft::new(now, format!("alert/{number}"), &Fact::from(alert))
}

fn until(handle: &Handle, what: &str, seconds: u64, met: impl Fn(&View) -> bool) -> Arc<View> {
    let patience = Instant::now() + Duration::from_secs(seconds);
    loop {
        let view = handle.views.borrow().clone();
        if met(&view) {
            return view;
        }
        assert!(Instant::now() < patience, "waited {seconds} s for {what}; the view is {view:#?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn alerts(view: &View) -> u64 {
    view.incidents.items.iter().map(|incident| incident.alerts).sum()
}

#[test]
fn alerts_become_a_diagnosed_incident_once_whichever_of_two_engines_leads_and_another_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (one, two) = (open(&path), open(&path));
    let mut first = start(Arc::clone(&one), config("ada"));
    let second = start(Arc::clone(&two), config("bob"));
    one.append((0..5).map(alert).collect()).unwrap();
    let diagnosed = |view: &View| alerts(view) == 5 && view.incidents.items[0].diagnosis.is_some();
    until(&first, "a diagnosis", 20, diagnosed);
    until(&second, "the same at the other", 20, diagnosed);
    until(&second, "ada", 40, |view| view.present.iter().any(|person| person.login.raw() == "ada"));
    first.stop();
    drop(one);
    two.append((5..8).map(alert).collect()).unwrap();
    let view = until(&second, "the other to take over", 20, |view| alerts(view) == 8);
    assert_eq!(view.incidents.items.len(), 1);
    let opened = Query { kinds: vec![Kind::IncidentOpened], ..Query::default() };
    assert_eq!(two.read(&opened).unwrap().len(), 1);
}

#[test]
fn what_was_saved_is_shown_before_anything_is_read_and_equals_what_is_folded_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = open(&path);
    let mut engine = start(Arc::clone(&journal), config("ada"));
    journal.append((0..50).map(alert).collect()).unwrap();
    let before =
        until(&engine, "a diagnosis", 20, |view| alerts(view) == 50 && view.incidents.items[0].diagnosis.is_some());
    engine.stop();
    let engine = start(Arc::clone(&journal), config("ada"));
    let first = engine.views.borrow().clone();
    assert_eq!(first.incidents, before.incidents);
    let mut anew = Fold::new();
    anew.apply_all(&journal.read(&Query { limit: 10_000, ..Query::default() }).unwrap());
    assert_eq!(anew.view().incidents, first.incidents);
    let wound = engine.details.view_at(Time::now()).unwrap();
    assert!(wound.wound_back && wound.incidents == first.incidents);
    let nothing = engine.details.view_at(Time::UNIX_EPOCH).unwrap();
    assert!(nothing.incidents.items.is_empty());
}
