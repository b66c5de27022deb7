//! Appends waiting for the writer: bounded, in order, answered one by one.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::coding::Row;
use super::release;
use crate::event::{Digest, Seq};
use crate::journal::redact::Found;
use crate::journal::{JournalError, Receipt, limits};

/// Something for the writer to do.
#[derive(Debug)]
pub(super) enum Work {
    /// Append these, unless one of the keys `claims` is there already.
    Append { rows: Vec<Row>, claims: Vec<[u8; 16]>, redacted: Found },
    /// Keep a cache.
    Projection { name: String, version: u32, seq: i64, stored: Vec<u8> },
    /// Append this, and leave of these entries only so much.
    Release { row: Box<Row>, left: Vec<release::Left> },
    /// Drop chunks that nothing needs, none used after `through`.
    Sweep { chunks: Vec<Digest>, through: Seq },
    /// Drop every cache.
    DropProjections,
    /// Keep a refused delivery.
    Quarantine { refused: Box<crate::journal::Refused>, redacted: Found },
}

impl Work {
    fn weight(&self) -> usize {
        match self {
            Self::Append { rows, .. } => rows.iter().map(Row::weight).sum(),
            Self::Projection { stored, .. } => stored.len(),
            Self::Release { row, left } => row.weight() + left.iter().map(release::Left::weight).sum::<usize>(),
            Self::DropProjections | Self::Sweep { .. } => 0,
            Self::Quarantine { refused, .. } => refused.raw.len(),
        }
    }
}

/// What became of it.
pub(super) type Answer = Result<Receipt, JournalError>;

/// Work and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    weight: usize,
    answer: SyncSender<Answer>,
}

impl Job {
    /// A job, and where its answer will come.
    pub(super) fn new(work: Work) -> (Self, Receiver<Answer>) {
        let (answer, wait) = sync_channel(1);
        (Self { weight: work.weight(), work, answer }, wait)
    }

    /// Answers whoever waits. That they may have gone is no concern of the writer.
    pub(super) fn answer(self, answer: Answer) {
        self.answer.try_send(answer).unwrap_or_default();
    }
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
}

/// The queue.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    more: Condvar,
    room: Condvar,
}

/// A transaction takes at most so much of what waits, so that the first is not kept waiting by the last.
const GROUP_BYTES: usize = 16 << 20;

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic between lock and unlock cannot leave the queue half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job; waits while the queue is full. Gives it back when the queue is closed.
    pub(super) fn push(&self, job: Job) -> Result<(), Job> {
        let mut waiting = self.lock();
        while !waiting.closed
            && !waiting.jobs.is_empty()
            && (waiting.jobs.len() >= limits::WAITING || waiting.bytes + job.weight > limits::WAITING_BYTES)
        {
            waiting = self.room.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.closed {
            return Err(job);
        }
        waiting.bytes += job.weight;
        waiting.jobs.push_back(job);
        self.more.notify_one();
        Ok(())
    }

    /// What waits, enough for one transaction; waits for the first, at most `patience`. `None` when closed and empty.
    pub(super) fn group(&self, patience: Option<Duration>) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        while waiting.jobs.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = match patience {
                None => self.more.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let (waiting, ended) =
                        self.more.wait_timeout(waiting, patience).unwrap_or_else(PoisonError::into_inner);
                    if ended.timed_out() && waiting.jobs.is_empty() {
                        return if waiting.closed { None } else { Some(Vec::new()) };
                    }
                    waiting
                }
            };
        }
        let mut group = Vec::new();
        let mut bytes = 0;
        while waiting.jobs.front().is_some_and(|job| bytes == 0 || bytes + job.weight <= GROUP_BYTES) {
            let Some(job) = waiting.jobs.pop_front() else { break };
            bytes += job.weight;
            waiting.bytes -= job.weight;
            group.push(job);
        }
        self.room.notify_all();
        Some(group)
    }

    /// Lets the writer finish what waits and stop.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.more.notify_all();
        self.room.notify_all();
    }
}
