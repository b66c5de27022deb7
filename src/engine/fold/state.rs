//! All that the fold keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::correlation::Correlator;
use crate::event::{Alert, IncidentId, Kind, Seq, Source, Time, Untrusted};

use super::alerts::{AlertId, Alerts};
use super::changes::Changes;
use super::incident::Incident;
use super::names::Names;
use super::runs::RunLines;
use super::watch::Watch;

/// Everything, written down by a checkpoint.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// The last entry that went in.
    pub head: Seq,
    /// When it arrived.
    pub as_of: Option<Time>,
    pub label: Option<Untrusted>,
    pub names: Names,
    pub alerts: Alerts,
    /// Alerts that fire and are in no incident.
    pub loose: u64,
    /// Alerts in no incident yet, with all their labels; only the newest.
    pub waiting: BTreeMap<AlertId, Arc<Alert>>,
    pub correlator: Correlator,
    pub incidents: BTreeMap<IncidentId, Incident>,
    pub changes: Changes,
    pub runs: RunLines,
    /// What each group of a source left out, and the last alert that came with it.
    pub truncated: BTreeMap<Source, BTreeMap<Untrusted, LeftOut>>,
    /// The last alert of each source.
    pub last_alert: BTreeMap<Source, AlertId>,
    /// When something that a diagnosis rests on last came in, by incident.
    pub watch: Watch,
    pub skipped: Skipped,
    /// What each outside source sent.
    pub heard: BTreeMap<Source, HeardOf>,
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
    /// Components whose agent runs changed.
    pub runs: BTreeSet<Untrusted>,
}
