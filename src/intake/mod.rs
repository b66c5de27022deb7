//! Everything that arrives.
//!
//! **For:** turning what others send, or what a poll brings, into drafts for the journal: one file a format.
//! **In:** bytes, and when and by which way they came ([`Arrival`]). **Out:** `Vec<Draft>`, or a [`BadInput`] that
//! names the JSON pointer, line or byte; the listener's answers, of which a 2xx is given only after the journal's commit.
//! **Never:** keeps state about an incident, trusts a byte, fetches an address that a delivery names, or is unbounded
//! (`limits`).

pub mod alertmanager;
pub mod bundle;
mod cdevents;
mod change;
pub mod cloudevents;
pub mod counters;
mod envelope;
pub mod grafana;
pub mod heard;
mod json;
mod key;
pub mod limits;
pub mod listener;
pub mod openmetrics;
pub mod otlp;
pub mod overload;
pub mod pagerduty;
pub mod poll;
mod problem;
mod series;
pub mod topology;

pub use key::read_at;
pub use problem::{BadInput, Place};

use std::sync::Arc;

use tokio::sync::Notify;

use crate::event::{Source, Time, Untrusted};
use crate::journal::SharedJournal;

/// When and by which way something came.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When it came; for what is read from disk, when it would have come.
    pub at: Time,
    /// The way.
    pub source: Source,
    /// The component it is about, where the way names one.
    pub subject: Option<Untrusted>,
}

impl Arrival {
    /// An arrival at `at` by `source` that names no component.
    #[must_use]
    pub fn now(at: Time, source: Source) -> Self {
        Self { at, source, subject: None }
    }
}

/// What every way in shares.
#[derive(Clone)]
pub struct Inflow {
    /// Where it is recorded.
    pub journal: SharedJournal,
    /// What came in.
    pub counters: Arc<counters::Counters>,
    /// Says that a delivery was cut short, so that somebody asks its source for the rest.
    pub cut_short: Arc<Notify>,
    /// What else is told to whoever asks for metrics, in Prometheus' text format.
    pub more_metrics: Option<Metrics>,
}

/// Metrics of a room above this one.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

impl Inflow {
    /// An inflow into `journal`, nothing counted yet.
    #[must_use]
    pub fn into(journal: SharedJournal) -> Self {
        Self { journal, counters: Arc::default(), cut_short: Arc::default(), more_metrics: None }
    }
}
