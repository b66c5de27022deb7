//! What was looked at by hand or by runbook, whom was called, and where the list of harm stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Digest, Direction, HarmStatus, ReadEnd, Seq, Surface, Time, Untrusted};

/// Of one incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HandsView {
    /// The last run of each reading step, in the order in which they first ran.
    pub reads: Vec<ReadLine>,
    /// Who was called at which escalation point, oldest first.
    pub escalated: Vec<CallLine>,
    /// Where each thing on the list of harm stands that somebody looked at.
    pub harm: BTreeMap<Untrusted, HarmLine>,
    /// How often a rule held something back.
    pub barred: u64,
}

/// A reading step that ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadLine {
    /// Its entry, which holds all it said.
    pub seq: Seq,
    /// When it began.
    pub at: Time,
    /// The runbook.
    pub runbook: Untrusted,
    /// Digest of the runbook's text when it ran.
    pub digest: Digest,
    /// The step.
    pub step: Untrusted,
    /// How it ended.
    pub ended: ReadEnd,
    /// The one line that matters.
    pub finding: Untrusted,
    /// The surfaces it is about.
    pub about: Vec<Surface>,
    /// What it says of a cause there.
    pub says: Option<Direction>,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// How often it ran.
    pub times: u32,
    /// Since when each of its runs was well, or was not, as the last one.
    #[serde(default)]
    pub since: Option<Time>,
}

/// Somebody was called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallLine {
    /// When that was recorded.
    pub at: Time,
    /// The escalation point.
    pub point: Untrusted,
    /// Who was called.
    pub whom: Untrusted,
    /// Who says so.
    pub by: Untrusted,
}

/// Where one thing on the list of harm stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HarmLine {
    /// Where.
    pub status: HarmStatus,
    /// In words.
    pub note: Untrusted,
    /// Who says so.
    pub by: Untrusted,
    /// When.
    pub at: Time,
}

/// The kill switch is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaltView {
    /// Since when.
    pub at: Time,
    /// Who.
    pub by: Untrusted,
    /// Why.
    pub reason: Untrusted,
}
