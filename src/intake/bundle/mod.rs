//! An incident as a folder that anyone can make, read and replay: events, spans, logs, samples and the call graph, each
//! in a standard of its own.
//!
//! | file | what stands in it |
//! |---|---|
//! | `bundle.json` | `name`, `kind`, `as_of` (the moment of the page: nothing later influences a diagnosis), `note` |
//! | `events.ndjson` | `CloudEvents`, one a line: alerts, changes, notices, notes |
//! | `spans.ndjson`, `logs.ndjson` | OTLP/JSON requests, one a line |
//! | `metrics.om` | `OpenMetrics` text, every sample with its time |
//! | `topology.json` | `[{"caller","callee"}]` |
//! | `truth.json` | the confirmed cause; read by the scorer alone |
//!
//! Every file but `bundle.json` may be missing.

mod read;
mod truth;
mod write;

use std::fmt;
use std::path::PathBuf;

use super::limits;
use super::problem::BadInput;
use crate::event::{Time, Untrusted};
use crate::journal::Draft;

pub use read::{read, stream};
pub use truth::{TruthCause, TruthFile, read_truth};
pub use write::{About, Writer};

/// The names of its files.
mod file {
    pub(super) const ABOUT: &str = "bundle.json";
    pub(super) const EVENTS: &str = "events.ndjson";
    pub(super) const SPANS: &str = "spans.ndjson";
    pub(super) const LOGS: &str = "logs.ndjson";
    pub(super) const METRICS: &str = "metrics.om";
    pub(super) const TOPOLOGY: &str = "topology.json";
    pub(super) const TRUTH: &str = "truth.json";
}

/// A bundle, read.
#[derive(Debug)]
pub struct Bundle {
    /// Its name.
    pub name: Untrusted,
    /// `incident`, `ranking`, `storm`, or another word.
    pub kind: Untrusted,
    /// The moment the responder is paged: nothing later may influence the diagnosis.
    pub as_of: Time,
    /// What it says about itself.
    pub note: Untrusted,
    /// Everything in it, in order of time.
    pub drafts: Vec<Draft>,
    /// What could not be read.
    pub warnings: Warnings,
}

/// What could not be read, bounded.
#[derive(Clone, Debug, Default)]
pub struct Warnings {
    /// The first ones.
    pub shown: Vec<Warning>,
    /// How many more there were.
    pub hidden: u64,
}

/// A line that could not be read. Written as `file:line: reason`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// File in the bundle.
    pub file: &'static str,
    /// Line, from 1.
    pub line: u64,
    /// Why; safe to show.
    pub reason: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

impl Warnings {
    pub(super) fn add(&mut self, file: &'static str, line: u64, reason: impl fmt::Display) {
        if (self.shown.len() as u64) < limits::BUNDLE_WARNINGS {
            self.shown.push(Warning { file, line, reason: reason.to_string() });
        } else {
            self.hidden += 1;
        }
    }

    /// Whether everything could be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

/// Why a bundle cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file of it cannot be opened or read.
    #[error("{path} cannot be read: {error}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It, or a file of it, cannot be made or written.
    #[error("{path} cannot be written: {error}")]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file that must be right is not.
    #[error("{path}: {error}")]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What is wrong, and where.
        error: BadInput,
    },
    /// There is nothing in it.
    #[error("{path} holds no readable line{}", first.as_ref().map(|first| format!("; the first trouble: {first}")).unwrap_or_default())]
    Empty {
        /// Which.
        path: PathBuf,
        /// The first warning.
        first: Option<Warning>,
    },
}

#[cfg(test)]
mod tests;
