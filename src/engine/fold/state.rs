//! All that the fold keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::correlation::Correlator;
use crate::correlation::similar::Album;
use crate::event::{Alert, Calibration, IncidentId, Kind, Names, Seq, Source, Time, Untrusted};

use crate::engine::view::LetGo;
use crate::feedback::Rehearsal;

use super::alerts::{AlertId, Alerts};
use super::changes::Changes;
use super::incident::Incident;
use super::runs::RunLines;
use super::watch::Watch;

/// Everything, written down by a checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// The last entry that went in.
    pub head: Seq,
    /// When it arrived.
    pub as_of: Option<Time>,
    pub label: Option<Untrusted>,
    /// The kill switch, while it is on.
    pub halted: Option<crate::engine::view::HaltView>,
    pub names: Names,
    pub alerts: Alerts,
    /// Alerts that fire and are in no incident.
    pub loose: u64,
    /// Alerts in no incident yet, with all their labels; only the newest.
    pub waiting: BTreeMap<AlertId, Arc<Alert>>,
    pub correlator: Correlator,
    pub incidents: BTreeMap<IncidentId, Incident>,
    /// What past incidents are recognised by.
    pub album: Album,
    /// Up to this one, incidents that were over are kept without what was said and done in them.
    pub looked_through: Option<IncidentId>,
    /// So many of them were.
    pub packed: u64,
    pub changes: Changes,
    pub runs: RunLines,
    /// What each group of a source left out, and the last alert that came with it.
    pub truncated: BTreeMap<Source, BTreeMap<Untrusted, LeftOut>>,
    /// The last alert of each source.
    pub last_alert: BTreeMap<Source, AlertId>,
    /// When something that a diagnosis rests on last came in, by incident.
    pub watch: Watch,
    pub skipped: Skipped,
    /// Alerts that ended and are not kept any more.
    pub given_up: u64,
    /// With no more ended alerts than this it is not looked for old ones again.
    pub not_before: usize,
    /// What each outside source sent.
    pub heard: BTreeMap<Source, HeardOf>,
    /// What was let go of old telemetry.
    pub let_go: LetGo,
    /// The newest calibration on record; `None` = as shipped.
    pub calibration: Option<Calibration>,
    /// The last rehearsal of each procedure.
    #[serde(default)]
    pub rehearsals: BTreeMap<Untrusted, Rehearsal>,
    /// A cause was confirmed since.
    pub uncalibrated: bool,
    /// How plans were answered.
    pub prompts: crate::feedback::Prompts,
}

/// Alerts a source left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LeftOut {
    pub alerts: u64,
    /// An alert of the same delivery: they belong to its incident.
    pub beside: Option<AlertId>,
}

/// Entries that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Skipped {
    pub count: u64,
    /// The first few, with what is wrong with each.
    pub named: Vec<(Seq, Kind, String)>,
    pub since: Option<Time>,
}

/// When a source last spoke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct HeardOf {
    pub last: Time,
    pub entries: u64,
}

/// What changed since the last view.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    pub incidents: BTreeSet<IncidentId>,
    /// Something that every incident shows.
    pub all: bool,
    pub accuracy: bool,
    /// Those that the entry being taken in was about.
    pub touched: BTreeSet<IncidentId>,
    /// What past incidents say: it is shown with those that are like them.
    pub past: bool,
    /// What services do not send.
    pub recorder: bool,
    /// Components whose agent runs changed.
    pub runs: BTreeSet<Untrusted>,
}

/// A state written down and compressed; `None` when it was given up meanwhile.
pub(super) fn written(state: &State, given_up: &AtomicBool) -> Option<Vec<u8>> {
    let packer = zstd::stream::Encoder::new(Vec::new(), 1).ok()?;
    let mut to = io::BufWriter::with_capacity(PIECE, Unless { given_up, to: packer });
    // Plain data with text keys: nothing but giving up makes this fail.
    serde_json::to_writer(&mut to, state).ok()?;
    to.into_inner().ok()?.to.finish().ok()
}

/// Bytes written between two looks whether it was given up.
const PIECE: usize = 256 << 10;

/// Writes on, unless given up.
struct Unless<'a, W> {
    given_up: &'a AtomicBool,
    to: W,
}

impl<W: Write> Write for Unless<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.given_up.load(Ordering::Relaxed) {
            return Err(io::Error::other("given up"));
        }
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
