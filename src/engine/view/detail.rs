//! What is asked for by name: a run opened, a change with both its sides.

use serde::{Deserialize, Serialize};

use crate::event::{Change, Untrusted};

use super::RunLine;

/// What a run looks like inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunDetail {
    /// Its line.
    pub line: RunLine,
    /// Its steps in waterfall order: a parent before its children, siblings by start. Safe against circles.
    pub steps: Vec<RunStep>,
    /// Turn by turn: who said what.
    pub turns: Vec<Turn>,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStep {
    /// Depth in the tree.
    pub depth: u16,
    /// `chat`, `tool`, `retrieval`, `agent`, or the span's own name.
    pub kind: Untrusted,
    /// What: model, tool with arguments in short.
    pub what: Untrusted,
    /// Milliseconds from the run's start.
    pub offset_ms: u64,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Why it is suspicious, and by which rule.
    pub suspicious: Option<Untrusted>,
    /// Whether it failed.
    pub failed: bool,
    /// Everything it carries, name and whole text, nothing cut.
    pub fields: Vec<(Untrusted, Untrusted)>,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Role.
    pub role: Untrusted,
    /// Whole text.
    pub text: Untrusted,
}

/// A change with both sides; how suspicious it is says its [`ChangeLine`](super::ChangeLine).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeDetail {
    /// The change.
    pub change: Change,
}
