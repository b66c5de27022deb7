//! Real engines on a real journal file.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::event::{Alert, AlertStatus, Fact, IncidentId, Kind, Labels, Regrouped, Source, Untrusted};
use crate::journal::{self, Checkpoint, Journal, Left, Receipt, Record, Refused, SqliteJournal, Verdict};

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

/// A journal in which somebody splits an alert off, taking the next number, just before the leader takes it.
struct Overtaken {
    inner: SharedJournal,
    split: std::sync::Mutex<Option<Draft>>,
}

impl Journal for Overtaken {
    fn append(&self, drafts: Vec<Draft>) -> Result<Receipt, JournalError> {
        self.inner.append(drafts)
    }

    fn append_first(&self, drafts: Vec<Draft>, claims: &[String]) -> Result<Option<Receipt>, JournalError> {
        let split = self.split.lock().unwrap().take_if(|split| claims.contains(&split.key));
        if let Some(split) = split {
            assert_eq!(self.inner.append(vec![split])?.recorded, 1);
        }
        self.inner.append_first(drafts, claims)
    }

    fn read(&self, query: &Query) -> Result<Vec<Record>, JournalError> {
        self.inner.read(query)
    }

    fn head(&self) -> Result<Seq, JournalError> {
        self.inner.head()
    }

    fn watch(&self, seen: Seq, timeout: Duration) -> Result<Seq, JournalError> {
        self.inner.watch(seen, timeout)
    }

    fn wake(&self) {
        self.inner.wake();
    }

    fn lease(&self, name: &str) -> Result<Option<Box<dyn Lease>>, JournalError> {
        self.inner.lease(name)
    }

    fn save_projection(&self, name: &str, version: u32, seq: Seq, bytes: &[u8]) -> Result<(), JournalError> {
        self.inner.save_projection(name, version, seq, bytes)
    }

    fn load_projection(&self, name: &str, version: u32, through: Seq) -> Result<Option<(Seq, Vec<u8>)>, JournalError> {
        self.inner.load_projection(name, version, through)
    }

    fn drop_projections(&self) -> Result<(), JournalError> {
        self.inner.drop_projections()
    }

    fn quarantine(&self, refused: &Refused) -> Result<(), JournalError> {
        self.inner.quarantine(refused)
    }

    fn quarantined(&self, limit: usize) -> Result<Vec<Refused>, JournalError> {
        self.inner.quarantined(limit)
    }

    fn redacted(&self) -> Result<crate::journal::redact::Found, JournalError> {
        self.inner.redacted()
    }

    fn redeliveries(&self) -> Result<u64, JournalError> {
        self.inner.redeliveries()
    }

    fn places(&self, term: &str, kind: Kind) -> Result<Vec<Seq>, JournalError> {
        self.inner.places(term, kind)
    }

    fn release(&self, draft: Draft, left: Vec<Left>) -> Result<Receipt, JournalError> {
        self.inner.release(draft, left)
    }

    fn sweep(&self, through: Seq) -> Result<(), JournalError> {
        self.inner.sweep(through)
    }

    fn size(&self) -> Result<u64, JournalError> {
        self.inner.size()
    }

    fn verify(&self, against: Option<&Checkpoint>, seen: &mut dyn FnMut(Seq, Seq)) -> Result<Verdict, JournalError> {
        self.inner.verify(against, seen)
    }

    fn checkpoint(&self) -> Result<Checkpoint, JournalError> {
        self.inner.checkpoint()
    }
}

#[test]
fn a_number_that_was_taken_by_a_split_is_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let elsewhere = |service: &str| {
        let mut draft = alert(7);
        let Fact::Alert(mut alert) = Fact::decode(draft.kind, &draft.body).unwrap() else { unreachable!() };
        alert.labels.insert("service".into(), service.into());
        alert.labels.insert("alertname".into(), "QueueFull".into());
        alert.fingerprint = crate::event::Fingerprint::of_labels(&alert.labels);
        draft.key = format!("alert/{service}");
        draft.body = Fact::from(*alert).encode();
        draft
    };
    let split_off = |number: u64| {
        let Fact::Alert(moving) = Fact::decode(Kind::Alert, &alert(1).body).unwrap() else { unreachable!() };
        let (from, into) = (IncidentId(1), IncidentId(number));
        let by = Person { login: "bob".into(), known_by: "uid".into(), session: "2".into() };
        let split = Regrouped::Split { from, into, alerts: vec![moving.fingerprint], by };
        Draft::new(Time::now(), journal::key::incident(number), &split.into())
    };
    let overtaken = Arc::new(Overtaken { inner: open(&path), split: std::sync::Mutex::new(Some(split_off(2))) });
    let engine = start(Arc::clone(&overtaken) as SharedJournal, config("ada"));
    let other = open(&path);
    other.append((0..3).map(alert).collect()).unwrap();
    until(&engine, "the first incident", 30, |view| alerts(view) == 3);
    other.append(vec![elsewhere("mail")]).unwrap();
    let all = |view: &View| view.incidents.items.len() == 3 && alerts(view) == 4;
    let view = until(&engine, "three incidents", 30, all);
    let held = |number| view.incidents.items.iter().find(|i| i.id == IncidentId(number)).map(|i| i.alerts);
    assert_eq!((held(1), held(2), held(3)), (Some(2), Some(1), Some(1)), "two, the one split off, and mail's own");
    assert!(overtaken.split.lock().unwrap().is_none());
    // The other way round: a number that the leader gave is not there for a split.
    let late = other.append(vec![split_off(3)]).unwrap();
    assert_eq!((late.recorded, late.duplicates), (0, 1));
    // Entries of one number, by whatever process: one each.
    let numbered = Query { kinds: vec![Kind::IncidentOpened, Kind::Regrouped], limit: 100, ..Query::default() };
    assert_eq!(other.read(&numbered).unwrap().len(), 3);
}
