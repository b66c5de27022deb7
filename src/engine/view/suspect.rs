//! What may have done it and what shows it: changes, surfaces, runs, series.

use serde::{Deserialize, Serialize};

use crate::event::{ChangeClass, Surface, Time, TraceId, Untrusted};

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeLine {
    /// Its id at its source.
    pub id: Untrusted,
    /// When.
    pub at: Time,
    /// Its source gave no time: that is when it arrived.
    #[serde(default)]
    pub untimed: bool,
    /// Surface.
    pub surface: Surface,
    /// Class.
    pub class: ChangeClass,
    /// Component or thing.
    pub subject: Untrusted,
    /// Who.
    pub actor: Untrusted,
    /// One line.
    pub summary: Untrusted,
    /// How suspicious: 0 to 1, a rank and not a probability.
    pub suspicion: f64,
    /// Why it can or cannot be it.
    pub why: Untrusted,
    /// Whether both sides were captured, so that a diff can be opened.
    pub has_diff: bool,
}

/// One surface of an AI feature before and since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurfaceLine {
    /// Which.
    pub surface: Surface,
    /// What it was and is.
    pub state: SurfaceState,
}

/// Whether a surface moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SurfaceState {
    /// It moved.
    Changed {
        /// Before.
        before: Untrusted,
        /// Since.
        after: Untrusted,
        /// The change event that says so; `None` = unlogged, seen in the runs only.
        change: Option<Untrusted>,
    },
    /// It did not.
    Same {
        /// Its value.
        value: Untrusted,
    },
    /// The runs do not carry it: that is not "none".
    NotCaptured {
        /// Which fields would carry it.
        missing: Untrusted,
    },
}

/// One agent run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Trace.
    pub trace: TraceId,
    /// Start.
    pub at: Time,
    /// Agent.
    pub agent: Untrusted,
    /// Length.
    pub duration_ms: u64,
    /// Stop class, our taxonomy.
    pub stop: Untrusted,
    /// Whether it went wrong, and by what sign; `None` = no sign of it.
    pub bad: Option<Untrusted>,
    /// Model calls.
    pub model_calls: u32,
    /// Tool calls.
    pub tool_calls: u32,
    /// Tokens in; `None` = not captured.
    pub tokens_in: Option<u64>,
    /// Tokens out; `None` = not captured.
    pub tokens_out: Option<u64>,
}

/// One series, drawn as a sparkline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesLine {
    /// Metric.
    pub name: Untrusted,
    /// Component.
    pub service: Untrusted,
    /// Median before the onset.
    pub before: f64,
    /// Median since.
    pub after: f64,
    /// Values in time order, at most 60.
    pub values: Vec<f64>,
}
