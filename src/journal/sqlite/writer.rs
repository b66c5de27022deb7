//! The one writer of this process: commits what waits in one transaction, with one fsync, and answers afterwards.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::commit::Pen;
use super::index::{self, Recent};
use super::place::{Place, Use};
use super::queue::{Answer, Job, Queue, Work};
use super::values::last;
use super::watch::Bell;
use super::{parts, release, schema, side};
use crate::event::{Time, WriterId};
use crate::journal::{JournalError, Receipt};

/// The connection that writes. `None` after a failed commit: the next one opens it anew.
pub(super) type Hand = Arc<Mutex<Option<Connection>>>;

/// Everything a commit needs.
pub(super) struct Scribe {
    pub(super) place: Arc<Place>,
    pub(super) hand: Hand,
    pub(super) writer: WriterId,
    pub(super) opened: Time,
    pub(super) bell: Arc<Bell>,
    pub(super) recent: Mutex<Recent>,
}

impl Scribe {
    /// Commits a group and answers each job. When the group fails and a single job may be the reason, each is tried
    /// by itself.
    fn serve(&self, group: Vec<Job>) {
        match self.commit(&group) {
            Ok(receipts) => {
                for (job, receipt) in group.into_iter().zip(receipts) {
                    job.answer(Ok(receipt));
                }
            }
            // Nothing in the group is the reason, and each alone would wait again.
            Err(JournalError::Locked { path, holder, waited_s }) => {
                for job in group {
                    job.answer(Err(JournalError::Locked { path: path.clone(), holder, waited_s }));
                }
            }
            Err(error) if group.len() == 1 => {
                group.into_iter().zip([error]).for_each(|(job, error)| job.answer(Err(error)));
            }
            Err(_) => {
                for job in group {
                    let answer = self.commit(std::slice::from_ref(&job)).map(|mut receipts| {
                        receipts.pop().unwrap_or_default() // one job, one receipt
                    });
                    job.answer(answer);
                }
            }
        }
    }

    fn commit(&self, group: &[Job]) -> Result<Vec<Receipt>, JournalError> {
        let (receipts, head) = self.transact(|transaction, recent| {
            let mut pen = Pen::new(transaction, recent, self.writer, self.opened, (self.place.clock)())?;
            let receipts: Vec<Receipt> = group
                .iter()
                .map(|job| match &job.work {
                    Work::Append { rows, claims, redacted } => {
                        let receipt = pen.append(rows, claims)?;
                        // A delivery that came again was counted when it came first.
                        if receipt.recorded > 0 {
                            side::count_redacted(transaction, redacted)?;
                        }
                        Ok(receipt)
                    }
                    Work::Projection { name, version, seq, stored } => {
                        side::save_projection(transaction, name, *version, *seq, stored).map(|()| Receipt::default())
                    }
                    Work::Release { row, left } => {
                        let receipt = pen.append(std::slice::from_ref(&**row), &[])?;
                        // Said before, it was done before.
                        if receipt.recorded > 0 {
                            left.iter().try_for_each(|left| release::reduce(transaction, left))?;
                        }
                        Ok(receipt)
                    }
                    Work::Sweep { chunks, through } => {
                        parts::sweep(transaction, chunks, *through).map(|_| Receipt::default())
                    }
                    Work::DropProjections => side::drop_projections(transaction).map(|()| Receipt::default()),
                    Work::Quarantine { refused, redacted } => {
                        side::count_redacted(transaction, redacted)?;
                        side::quarantine(transaction, refused).map(|()| Receipt::default())
                    }
                })
                .collect::<rusqlite::Result<_>>()?;
            Ok((receipts, pen.finish()?))
        })?;
        self.bell.raise(head);
        Ok(receipts)
    }

    /// One transaction. On an error nothing of it counts, and the connection is opened anew: after a failed fsync
    /// the kernel may have dropped what could not be written, so nothing this connection remembers can be trusted.
    fn transact<T>(
        &self,
        write: impl FnOnce(&Transaction<'_>, &mut Recent) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        let mut hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match hand.take() {
            Some(connection) => connection,
            None => self.place.connect(Use::Write)?,
        };
        let done = self.transact_on(&mut connection, &mut recent, write);
        if done.is_err() {
            *recent = Recent::default();
        }
        let keep = match &done {
            Ok(_) | Err(JournalError::Locked { .. } | JournalError::Newer { .. }) => true,
            // In memory there is nothing to open anew, and no disk that could have failed.
            Err(_) => self.place.path.is_none(),
        };
        if keep {
            *hand = Some(connection);
        }
        done
    }

    fn transact_on<T>(
        &self,
        connection: &mut Connection,
        recent: &mut Recent,
        write: impl FnOnce(&Transaction<'_>, &mut Recent) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        let failed = |error: rusqlite::Error| self.place.error(&error);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let format = schema::format(&transaction).map_err(failed)?;
        if format != schema::FORMAT {
            return Err(self.place.newer(format));
        }
        let written = write(&transaction, recent).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(written)
    }

    /// Indexes what is recorded, when much waits, or a little for long, or nobody does (`idle`). Nobody waits for it,
    /// and what goes wrong is tried again after the next append.
    fn tend(&self, idle: bool, since: &mut Instant) {
        let waiting = self.recent.lock().unwrap_or_else(PoisonError::into_inner).waiting();
        let many = if self.place.path.is_some() { INDEX_AT } else { INDEX_AT_IN_MEMORY };
        let due = waiting >= many || (idle && waiting > 0) || (waiting <= FEW && since.elapsed() >= INDEX_EVERY);
        if waiting == 0 || !due {
            return;
        }
        *since = Instant::now();
        let folded = self.transact(|transaction, recent| {
            let more = index::fold(transaction)?;
            recent.catch_up(transaction, last(transaction)?.0)?;
            Ok(more)
        });
        // After an error nothing is remembered of what waits, so an idle disk is not tried again and again.
        drop(folded);
    }

    /// How long the thread may wait for work before it tends the indexes.
    fn patience(&self) -> Option<Duration> {
        let waiting = self.recent.lock().unwrap_or_else(PoisonError::into_inner).waiting();
        (waiting > 0).then_some(IDLE)
    }

    /// Until the queue is closed.
    fn serve_all(&self, queue: &Queue) {
        // What a process before us left behind: much of it (an older format) at once, a little when nobody waits.
        let much = |transaction: &Transaction<'_>, recent: &mut Recent| {
            let (head, indexed) = (last(transaction)?.0, index::indexed(transaction)?);
            if head.0 - indexed.0.min(head.0) > INDEX_AT {
                return index::fold(transaction);
            }
            recent.catch_up(transaction, head).map(|()| false)
        };
        while let Ok(true) = self.transact(much) {}
        let mut since = Instant::now();
        while let Some(group) = queue.group(self.patience()) {
            let idle = group.is_empty();
            if !idle {
                self.serve(group);
            }
            self.tend(idle, &mut since);
        }
        self.tend(true, &mut since);
    }
}

/// So many entries that are not indexed are enough.
const INDEX_AT: u64 = 32_768;
/// In memory, where indexing writes no log.
const INDEX_AT_IN_MEMORY: u64 = 256;
/// So few can be indexed now and then while others wait.
const FEW: u64 = 2_048;
/// Now and then.
const INDEX_EVERY: Duration = Duration::from_secs(2);
/// Nobody has written for so long.
const IDLE: Duration = Duration::from_millis(300);

/// How work gets to the connection that writes.
pub(super) enum Desk {
    /// On the thread that asks; in memory there is no fsync to share.
    Inline(Scribe),
    /// On the writer's thread, many at once.
    Thread { queue: Arc<Queue>, thread: Option<JoinHandle<()>>, path: String },
    /// Not at all: opened for reading.
    Closed { path: String },
}

impl Desk {
    /// A desk with a thread of its own.
    pub(super) fn thread(scribe: Scribe) -> Result<Self, JournalError> {
        let queue = Arc::new(Queue::default());
        let path = scribe.place.shown.clone();
        let served = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                // Should the thread ever panic, nobody may wait for ever at a queue that no one serves.
                let _closes = Closes(Arc::clone(&served));
                scribe.serve_all(&served);
            })
            .map_err(|error| JournalError::Store { path: path.clone(), error: error.to_string() })?;
        Ok(Self::Thread { queue, thread: Some(thread), path })
    }

    /// Hands in work and waits for the answer.
    pub(super) fn ask(&self, work: Work) -> Answer {
        let (job, answer) = Job::new(work);
        match self {
            Self::Inline(scribe) => {
                scribe.serve(vec![job]);
                scribe.tend(false, &mut Instant::now());
            }
            Self::Thread { queue, path, .. } => {
                if queue.push(job).is_err() {
                    return Err(stopped(path));
                }
            }
            Self::Closed { path } => {
                return Err(JournalError::Unwritable { path: path.clone(), error: "it was opened for reading".into() });
            }
        }
        self.wait(&answer)
    }

    fn wait(&self, answer: &Receiver<Answer>) -> Answer {
        let path = match self {
            Self::Inline(scribe) => &scribe.place.shown,
            Self::Thread { path, .. } | Self::Closed { path } => path,
        };
        answer.recv().unwrap_or_else(|_| Err(stopped(path)))
    }
}

fn stopped(path: &str) -> JournalError {
    JournalError::Store { path: path.to_owned(), error: "its writer has stopped; start warroom again".into() }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Self::Thread { queue, thread, .. } = self {
            queue.close();
            if let Some(thread) = thread.take() {
                thread.join().unwrap_or_default();
            }
        }
    }
}

struct Closes(Arc<Queue>);

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.close();
        // Whatever still waits is dropped, which tells those who wait that there is no answer.
        while self.0.group(None).is_some() {}
    }
}
