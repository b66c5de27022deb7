//! What was let go of old telemetry, so that nothing is missing without a word.

use serde::{Deserialize, Serialize};

use super::{Digest, Seq, Time, TraceId, Untrusted};

/// A stretch of old entries was thinned: what is left of which, and how many of what are gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Released {
    /// Everything up to this entry has been looked at.
    pub through: Seq,
    /// When that one arrived: of the runs that began before it some may be gone, except in [`whole`](Self::whole).
    pub until: Time,
    /// Stretches of time around incidents, of which nothing is gone.
    pub whole: Vec<(Time, Time)>,
    /// The share of ordinary runs that stays, 0 to 1.
    pub share: f64,
    /// What each entry holds now, by the SHA-256 of it.
    pub entries: Vec<(Seq, Digest)>,
    /// Ordinary runs that stay for another reason than the share: slow ones, and those that people looked at.
    pub also: Vec<TraceId>,
    /// The runs that were judged, by what they have in common. Of each line `seen / kept` is the weight of one that was kept.
    pub runs: Vec<Thinned>,
    /// Lines of logs that are gone.
    pub log_lines: u64,
    /// Samples of metrics that are gone.
    pub samples: u64,
}

/// Runs (or requests: traces without an agent) of one service that ended alike, and how many of them stayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thinned {
    /// Service.
    pub service: Untrusted,
    /// Agent; empty = none, an ordinary request.
    pub agent: Untrusted,
    /// How they ended.
    pub outcome: Untrusted,
    /// Why they stayed, or may have gone.
    pub why: Stays,
    /// How many were looked at.
    pub seen: u64,
    /// How many of them stayed.
    pub kept: u64,
    /// Spans of those that are gone.
    pub spans: u64,
}

/// Why a run stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stays {
    /// It went wrong.
    Bad,
    /// It was among the slowest of its service.
    Slow,
    /// It ran near an incident.
    Incident,
    /// Somebody read its output, or had it run again.
    Asked,
    /// Spans of it came too late, or in too many deliveries, to judge it as a whole.
    Scattered,
    /// By chance: it is good and ordinary.
    Sampled,
}
