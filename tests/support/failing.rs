//! A journal whose disk fails when a test says so.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use warroom::event::{Kind, Seq};
use warroom::journal::{
    Checkpoint, Draft, Journal, JournalError, Lease, Left, Query, Receipt, Record, Refused, SharedJournal, Verdict,
};

type Wrong = Box<dyn Fn(&[Draft]) -> Option<JournalError> + Send>;

/// Another journal, in which appends fail as long as they are told to.
pub struct Failing {
    inner: SharedJournal,
    wrong: Mutex<Option<Wrong>>,
}

impl Failing {
    /// One that works.
    #[must_use]
    pub fn over(inner: SharedJournal) -> Self {
        Self { inner, wrong: Mutex::new(None) }
    }

    /// From now on an append fails when `wrong` says so.
    pub fn fail(&self, wrong: impl Fn(&[Draft]) -> Option<JournalError> + Send + 'static) {
        *self.told() = Some(Box::new(wrong));
    }

    /// From now on the disk is full.
    pub fn fill(&self) {
        self.fail(|_| Some(JournalError::Full { path: "journal.db".into() }));
    }

    /// It works again.
    pub fn mend(&self) {
        *self.told() = None;
    }

    fn works_for(&self, drafts: &[Draft]) -> Result<(), JournalError> {
        self.told().as_ref().and_then(|wrong| wrong(drafts)).map_or(Ok(()), Err)
    }

    fn told(&self) -> MutexGuard<'_, Option<Wrong>> {
        self.wrong.lock().expect("nobody panics with this lock")
    }
}

impl Journal for Failing {
    fn append(&self, drafts: Vec<Draft>) -> Result<Receipt, JournalError> {
        self.works_for(&drafts)?;
        self.inner.append(drafts)
    }

    fn append_first(&self, drafts: Vec<Draft>, claims: &[String]) -> Result<Option<Receipt>, JournalError> {
        self.works_for(&drafts)?;
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

    fn redacted(&self) -> Result<warroom::journal::redact::Found, JournalError> {
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
