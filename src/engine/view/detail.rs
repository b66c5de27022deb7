//! What is asked for by name: a run opened, a change with both its sides.

use serde::{Deserialize, Serialize};

use crate::event::{Change, Time, Untrusted};
pub use crate::surface::{Mark, Step, Suspicion, Turn};

use super::RunLine;

/// What a run looks like inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunDetail {
    /// Its line.
    pub line: RunLine,
    /// The rule that says how it ended.
    pub rule: Untrusted,
    /// Why its last model call stopped, in the provider's words; none = not captured.
    pub provider: Vec<Untrusted>,
    /// What it cost, in the sender's currency; `None` = not captured.
    pub cost: Option<f64>,
    /// Calls that repeat one that failed just before.
    pub retries: u32,
    /// Its steps in waterfall order: a parent before its children, siblings by start. Safe against circles.
    pub steps: Vec<Step>,
    /// Turn by turn: who said what.
    pub turns: Vec<Turn>,
    /// Where spans of it were read rather than sent, and when the last of them was: more of it may be shown there later.
    #[serde(default)]
    pub read: Vec<(Untrusted, Time)>,
    /// It has more entries than are read: steps are missing.
    pub cut: bool,
}

/// A change with both sides; how suspicious it is says its [`ChangeLine`](super::ChangeLine).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeDetail {
    /// The change.
    pub change: Change,
}
