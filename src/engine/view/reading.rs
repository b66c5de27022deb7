//! What people said of outputs and on the triage walk, and how runs ended before and since.

use serde::{Deserialize, Serialize};

use crate::event::{OutputLabel, SampleOf, Time, TraceId, Untrusted};
use crate::surface::sample::{Agreement, Answer, Labels};

/// The outputs of an incident that can be read, and what was said of those that were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingView {
    /// From what, around which moment and in which order outputs are drawn.
    pub sample: SampleOf,
    /// Runs that could be drawn from before the moment, and from since.
    pub runs: (u64, u64),
    /// The first drawn of each side, each side in the order of the draw.
    pub drawn: Vec<Drawn>,
    /// What was said of runs before the moment, one word a run.
    pub before: Labels,
    /// The same since.
    pub since: Labels,
    /// The rate of bad ones before and its exact 95 % interval; `None` before the first that says something.
    pub rate_before: Option<(f64, f64, f64)>,
    /// The same since.
    pub rate_since: Option<(f64, f64, f64)>,
    /// What both sides together answer.
    pub answer: Answer,
    /// The answer in words.
    pub words: String,
    /// Runs of which two people said different things: each counts as one that cannot be told.
    pub disagreements: u64,
    /// The first of them.
    #[serde(default)]
    pub differ: Vec<TraceId>,
    /// How far people agree; `None` where no two read the same output.
    #[serde(default)]
    pub agreement: Option<Agreement>,
    /// By what else the runs can be told apart, and what was said of each kind.
    #[serde(default)]
    pub slices: Vec<SliceView>,
    /// Who read.
    pub readers: Vec<Untrusted>,
    /// Labels that were not kept, because there were too many.
    pub left_out: u64,
}

impl ReadingView {
    /// Outputs of which somebody said something.
    #[must_use]
    pub fn read(&self) -> u64 {
        [self.before, self.since].iter().map(|side| side.told() + side.unsure).sum()
    }
}

/// One thing by which runs can be told apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceView {
    /// Its name, such as `region`.
    pub by: Untrusted,
    /// Its commonest values.
    pub values: Vec<ValueView>,
    /// How many more there are.
    pub hidden: u64,
}

/// The runs with one value of it: of a traffic slice only those since the moment; of a model or a prompt, which tell before from
/// since themselves, all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueView {
    /// The value.
    pub value: Untrusted,
    /// How many there are.
    pub runs: u64,
    /// The first drawn of them, in the order of the draw.
    pub drawn: Vec<Drawn>,
    /// What was said of them, one word a run.
    pub labels: Labels,
}

/// One output that was drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Its run.
    pub trace: TraceId,
    /// Whether it is of before the moment.
    pub before: bool,
    /// The last word of each person who read it.
    pub said: Vec<(Untrusted, OutputLabel)>,
}

/// How many of the runs around an incident ended in one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopLine {
    /// The class.
    pub stop: Untrusted,
    /// Before the moment.
    pub before: u64,
    /// Since.
    pub since: u64,
}

/// The last answer to one question of the triage walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriageLine {
    /// The question's name in its tree.
    pub question: Untrusted,
    /// The answer's name.
    pub answer: Untrusted,
    /// Who.
    pub by: Untrusted,
    /// When.
    pub at: Time,
}
