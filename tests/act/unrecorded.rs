//! No record, no action: what cannot be written down is not done.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use warroom::event::{Kind, Outcome, Seq, Time};
use warroom::journal::{
    Checkpoint, Draft, Journal, JournalError, Lease, Query, Receipt, Record, Refused, SharedJournal, Verdict,
};
use warroom::response::{Act, Desk as _, Table};

use crate::scene::{INCIDENT, Scene, approve, desk, person};
use crate::support::require;

/// A journal whose disk fails whenever an entry of one kind is to be written.
struct Failing {
    inner: SharedJournal,
    on: Mutex<Option<Kind>>,
}

impl Journal for Failing {
    fn append(&self, drafts: Vec<Draft>) -> Result<Receipt, JournalError> {
        let on = *self.on.lock().unwrap();
        if drafts.iter().any(|draft| Some(draft.kind) == on) {
            return Err(JournalError::Unwritable { path: "journal.db".into(), error: "Input/output error".into() });
        }
        self.inner.append(drafts)
    }

    fn append_first(&self, drafts: Vec<Draft>, claims: &[String]) -> Result<Option<Receipt>, JournalError> {
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

    fn redeliveries(&self) -> Result<u64, JournalError> {
        self.inner.redeliveries()
    }

    fn verify(
        &self,
        against: Option<&Checkpoint>,
        progress: &mut dyn FnMut(Seq, Seq),
    ) -> Result<Verdict, JournalError> {
        self.inner.verify(against, progress)
    }

    fn checkpoint(&self) -> Result<Checkpoint, JournalError> {
        self.inner.checkpoint()
    }
}

#[test]
fn fault_06_what_cannot_be_recorded_is_not_done() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let journal = Arc::new(Failing { inner: Arc::clone(&scene.journal), on: Mutex::new(None) });
    let shared: SharedJournal = Arc::clone(&journal) as SharedJournal;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let desk = desk(shared, scene.gate.port, runtime.handle(), Table::default(), Time::now());
    let fail_on = |kind: Option<Kind>| *journal.on.lock().unwrap() = kind;

    fail_on(Some(Kind::Noted));
    let note = Act::Note("seen".into());
    let told = format!("{:#}", desk.perform(INCIDENT, note, &person("ana"), Time::now()).unwrap_err());
    assert!(told.contains("cannot record") && told.contains("Input/output error"), "{told}");

    let plan = scene.propose(&desk);
    for kind in [Kind::Approved, Kind::Started] {
        fail_on(Some(kind));
        let told = format!("{:#}", approve(&desk, plan, "ana").unwrap_err());
        assert!(told.contains("cannot record"), "{told}");
        assert_eq!(scene.gate.count("POST", "/api/v2/silences"), 0, "{kind:?}: nothing was sent");
    }
    assert!(scene.silences().is_empty());

    // Sent, and then the disk fails: that is said, and the outcome is looked up later instead of doing it again.
    fail_on(Some(Kind::Finished));
    let told = format!("{:#}", approve(&desk, plan, "ana").unwrap_err());
    assert!(told.contains("done: silence") && told.contains("could not be recorded"), "{told}");
    fail_on(None);
    assert_eq!(desk.tend(Time::now()).unwrap(), 1);
    assert!(matches!(scene.outcome(), Some(Outcome::Unknown { .. })));
    desk.perform(INCIDENT, Act::Reconcile { plan }, &person("ana"), Time::now()).unwrap();
    assert!(matches!(scene.outcome(), Some(Outcome::Done { .. })));
    assert_eq!(scene.silences().len(), 1);
}
