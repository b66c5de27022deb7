//! The synchronous heart: entries in, derived drafts and a view out. Pure: no clock, no journal, no thread.
//!
//! Applying one record costs work for that entry alone; a view is put together from what is kept, and only incidents that
//! changed are put together anew. The state can be written down ([`Fold::checkpoint`]) and taken up again
//! ([`Fold::restore`]), after which the fold goes on exactly as if it had never stopped.

mod alerts;
mod apply;
mod build;
mod changes;
mod derive;
mod first;
mod freeze;
mod groups;
mod hands;
mod heard;
mod incident;
mod limits;
mod lines;
mod mix;
mod pairs;
mod reading;
mod regroup;
mod replays;
mod runs;
mod stand;
mod state;
mod timeline;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::diagnosis::{Judgement, SceneBuilder};
use crate::event::{Digest, Fact, IncidentId, Kind, Seq, Time};
use crate::journal::Record;

use super::view::{AccuracyView, Bounded, IncidentView, ServiceGaps};
use state::{Dirty, State};

pub(super) use incident::plan_of;
use runs::RunKept;
pub(super) use runs::line as run_line;

/// The version of the saved state: raised with every change of its shape, so that an older one is folded anew.
pub const VERSION: u32 = 10;

/// The fold of a journal.
#[derive(Debug)]
pub struct Fold {
    state: State,
    dirty: Dirty,
    built: BTreeMap<IncidentId, Arc<IncidentView>>,
    accuracy: AccuracyView,
    /// What services do not send, as last shown.
    recorder: Bounded<ServiceGaps>,
    /// Telemetry in view, for the next diagnosis. Not saved: [`Fold::recall`] fills it again.
    scene: SceneBuilder,
    /// The judgements just made, so that what this process derived is not judged twice.
    judged: BTreeMap<Digest, Judgement>,
    /// What each incident in the last picture was compared with past ones by, and what was found.
    compared: BTreeMap<IncidentId, first::Found>,
    /// The diagnosis being taken in is replaced by a later one that is already here.
    superseded: bool,
    /// Ended alerts that are kept one by one.
    ended_kept: usize,
    /// Incidents that are kept whole.
    whole_kept: usize,
    /// Runs that are no longer remembered and were not metered yet; `None` = nobody meters.
    passed: Option<Vec<RunKept>>,
}

impl Default for Fold {
    fn default() -> Self {
        Self {
            state: State::default(),
            dirty: Dirty::default(),
            built: BTreeMap::new(),
            accuracy: AccuracyView::default(),
            recorder: Bounded::default(),
            scene: SceneBuilder::default(),
            judged: BTreeMap::new(),
            compared: BTreeMap::new(),
            superseded: false,
            ended_kept: crate::intake::limits::size(crate::intake::limits::ENDED_ALERTS),
            whole_kept: crate::intake::limits::size(crate::intake::limits::WHOLE_INCIDENTS),
            passed: None,
        }
    }
}

/// What a fold knew at one moment.
pub struct Snapshot(State);

impl Snapshot {
    /// The last entry that went in.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.0.head
    }

    /// Written down and compressed; `None` when it was given up meanwhile.
    #[must_use]
    pub fn written(&self, given_up: &AtomicBool) -> Option<Vec<u8>> {
        state::written(&self.0, given_up)
    }
}

/// A saved state cannot be taken up; folding from the start is always possible.
#[derive(Debug, thiserror::Error)]
#[error("the saved state cannot be read ({0}); it is folded anew from the journal")]
pub struct Unreadable(String);

impl Fold {
    /// The fold of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in records in order of `seq`. The same as [`apply`](Self::apply) for each, with less work: what a diagnosis made of
    /// the rest of the picture is not worked out when a later one in `records` replaces it.
    pub fn apply_all(&mut self, records: &[Record]) {
        let mut last: BTreeMap<IncidentId, Seq> = BTreeMap::new();
        for record in records.iter().filter(|record| record.kind == Kind::Diagnosed) {
            if let Ok(Fact::Diagnosed(diagnosis)) = record.fact() {
                last.insert(diagnosis.incident, record.seq);
            }
        }
        let last: BTreeSet<Seq> = last.into_values().collect();
        for record in records {
            self.superseded = record.kind == Kind::Diagnosed && !last.contains(&record.seq);
            self.apply(record);
        }
        self.superseded = false;
    }

    /// Takes in one record. Records come in order of `seq`; one that went in before changes nothing.
    pub fn apply(&mut self, record: &Record) {
        if record.seq <= self.state.head {
            return;
        }
        self.state.head = record.seq;
        self.state.as_of = Some(self.state.as_of.map_or(record.arrived, |as_of| as_of.max(record.arrived)));
        match record.fact() {
            Ok(fact) => self.take(record, &fact),
            Err(error) => {
                let skipped = &mut self.state.skipped;
                skipped.count += 1;
                skipped.since.get_or_insert(record.arrived);
                if skipped.named.len() < limits::SKIPPED_NAMED {
                    skipped.named.push((record.seq, record.kind, error.to_string()));
                }
            }
        }
    }

    /// The kinds of entry to [`recall`](Self::recall) after [`restore`](Self::restore).
    pub const RECALLED: [Kind; 11] = [
        Kind::Change,
        Kind::Notice,
        Kind::Spans,
        Kind::Logs,
        Kind::Metrics,
        Kind::ReplayAsked,
        Kind::ReplayRan,
        Kind::ReplayEnded,
        Kind::Regrouped,
        Kind::Released,
        Kind::StepRead,
    ];

    /// Takes a record that went in before the state was saved back into memory, for diagnoses to come.
    pub fn recall(&mut self, record: &Record) {
        if let Some(fact) = Some(record).filter(|record| record.seq <= self.state.head).and_then(|r| r.fact().ok()) {
            self.dirty.recorder |= record.kind == Kind::Spans;
            self.see(record, &fact);
        }
    }

    /// What a diagnosis looks at.
    fn see(&mut self, record: &Record, fact: &Fact) {
        self.scene.apply(fact, record.at);
        if let Fact::StepRead(read) = fact {
            self.scene.read(read, record.at, record.seq);
        }
    }

    /// The last entry that went in.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.state.head
    }

    /// When the last entry arrived.
    #[must_use]
    pub fn as_of(&self) -> Option<Time> {
        self.state.as_of
    }

    /// How many alerts are kept.
    #[must_use]
    pub fn alerts(&self) -> usize {
        self.state.alerts.len()
    }

    /// The state as it is now, to be written down elsewhere and later.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.state.clone())
    }

    /// The state, to be saved. Compressed.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<u8> {
        // Nobody gives this one up; an empty checkpoint is refused by `restore`.
        state::written(&self.state, &AtomicBool::new(false)).unwrap_or_default()
    }

    /// Takes up a saved state.
    ///
    /// # Errors
    /// When the bytes are no saved state of this version.
    pub fn restore(bytes: &[u8]) -> Result<Self, Unreadable> {
        let decoder = zstd::stream::Decoder::new(bytes).map_err(|error| Unreadable(error.to_string()))?;
        let state: State =
            serde_json::from_reader(std::io::BufReader::new(decoder)).map_err(|error| Unreadable(error.to_string()))?;
        let mut fold = Self { state, ..Self::default() };
        fold.dirty.accuracy = true;
        Ok(fold)
    }
}
