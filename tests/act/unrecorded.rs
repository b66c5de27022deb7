//! No record, no action: what cannot be written down is not done.

use std::sync::Arc;

use warroom::event::{Kind, Outcome, Time};
use warroom::journal::{JournalError, SharedJournal};
use warroom::response::{Act, Desk as _, Rules};

use crate::scene::{INCIDENT, Scene, approve, desk, person, reconcile};
use crate::support::failing::Failing;
use crate::support::require;

#[test]
fn fault_06_what_cannot_be_recorded_is_not_done() {
    if !require("alertmanager") {
        return;
    }
    let scene = Scene::new();
    let journal = Arc::new(Failing::over(Arc::clone(&scene.journal)));
    let shared: SharedJournal = Arc::clone(&journal) as SharedJournal;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let desk = desk(shared, scene.gate.port, runtime.handle(), Rules::default(), Time::now());
    let fail_on = |kind: Kind| {
        journal.fail(move |drafts| {
            let error = || JournalError::Unwritable { path: "journal.db".into(), error: "Input/output error".into() };
            drafts.iter().any(|draft| draft.kind == kind).then(error)
        });
    };

    fail_on(Kind::Noted);
    let note = Act::Note("seen".into());
    let told = format!("{:#}", desk.perform(INCIDENT, note, &person("ana"), Time::now()).unwrap_err());
    assert!(told.contains("cannot record") && told.contains("Input/output error"), "{told}");

    let plan = scene.propose(&desk);
    for kind in [Kind::Approved, Kind::Started] {
        fail_on(kind);
        let told = format!("{:#}", approve(&desk, plan, "ana").unwrap_err());
        assert!(told.contains("cannot record"), "{told}");
        assert_eq!(scene.gate.count("POST", "/api/v2/silences"), 0, "{kind:?}: nothing was sent");
    }
    assert!(scene.silences().is_empty());

    // Sent, and then the disk fails: that is said, and the outcome is looked up later instead of doing it again.
    fail_on(Kind::Finished);
    let told = format!("{:#}", approve(&desk, plan, "ana").unwrap_err());
    assert!(told.contains("done: silence") && told.contains("could not be recorded"), "{told}");
    journal.mend();
    assert_eq!(desk.tend(Time::now()).unwrap(), 1);
    assert!(matches!(scene.outcome(), Some(Outcome::Unknown { .. })));
    reconcile(&desk, plan, Time::now()).unwrap();
    assert!(matches!(scene.outcome(), Some(Outcome::Done { .. })));
    assert_eq!(scene.silences().len(), 1);
}
