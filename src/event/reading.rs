//! What people say of outputs they read.

use serde::{Deserialize, Serialize};

use super::{IncidentId, Person, Time, TraceId, Untrusted};

/// A person read what a run put out and said whether it is good.
///
/// The same person on the same run again replaces what they said before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputRead {
    /// The incident it was read for; `None` = outside one.
    pub incident: Option<IncidentId>,
    /// The run.
    pub trace: TraceId,
    /// Who read it.
    pub by: Person,
    /// What they said.
    pub label: OutputLabel,
    /// The sample it came from.
    pub sample: SampleOf,
}

/// The four keys of the output reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputLabel {
    /// It is right.
    Good,
    /// It is wrong.
    Bad,
    /// The reader cannot tell.
    Unsure,
    /// Not read, or taken back.
    Skip,
}

/// Which runs could have been drawn, and how they were, so that the sample can be drawn again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SampleOf {
    /// The moment that parts before from since.
    pub moment: Time,
    /// The beginning of what could be drawn.
    pub from: Time,
    /// Its end.
    pub until: Time,
    /// The seed of the order.
    pub seed: u64,
    /// The two kinds of runs that were compared; `None` = before the moment and since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<SliceOf>,
}

/// Two kinds of runs, told apart by one thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SliceOf {
    /// By what, such as `region`.
    pub by: Untrusted,
    /// Its value in the one kind.
    pub one: Untrusted,
    /// Its value in the other.
    pub other: Untrusted,
}
