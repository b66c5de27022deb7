//! What probably did it: evidence, hypotheses, and how sure one may be.
//!
//! **For:** answering "which variable moved" with evidence for and against, rivals, falsifiers and the next cheap check.
//! **In:** a [`Scene`]: alerts, changes, calls, series, logs, spans, agent runs, notices and what reading steps said, none later than its `as_of`; and the
//! [`Calibration`](crate::event::Calibration) that makes probabilities of what the detectors add up to.
//! **Out:** a [`Judgement`]: the [`Diagnosis`](crate::event::Diagnosis), the changes ranked by suspicion, the surfaces, the key series.
//! **Never:** claims without evidence, reads the clock, reads what happened after `as_of`, does I/O, or believes a text's own
//! words about how certain it is.
//!
//! [`SceneBuilder`] takes in recorded facts one by one and stays bounded; [`diagnose`] looks at what it holds.

mod candidate;
mod detect;
mod judge;
mod prior;
mod rank;
mod reading;
mod scene;
mod signal;
mod symptoms;

pub use judge::{ENGINE, Judgement, KeySeries, Suspect, diagnose};
pub use prior::{Prior, shipped};
pub use rank::probabilities;
pub use scene::{
    Arm, ErrorWords, Experiment, LogBook, Minute, Pattern, Reading, Says, Scene, SceneBuilder, SeriesKey, SpanBook,
};
