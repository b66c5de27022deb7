//! The confirmed cause of a bundle.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::read::document;
use super::{BundleError, file};
use crate::event::{Time, Truth, Untrusted};

/// What really happened, for the scorer alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TruthFile {
    /// The cause.
    pub cause: TruthCause,
    /// When it began.
    #[serde(default)]
    pub onset: Option<Time>,
    /// The component that failed first.
    #[serde(default)]
    pub first_failing: Option<Untrusted>,
    /// Components it reached.
    #[serde(default)]
    pub blast_radius: Vec<Untrusted>,
    /// What helped.
    #[serde(default)]
    pub remediation: Option<Untrusted>,
    /// Changes that look guilty and are not.
    #[serde(default)]
    pub decoys: Vec<Untrusted>,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// The cause in `truth.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TruthCause {
    /// A surface's name, or `none` for a quiet stretch.
    pub surface: Untrusted,
    /// The component.
    #[serde(default)]
    pub subject: Option<Untrusted>,
    /// The change event's id.
    #[serde(default)]
    pub change: Option<Untrusted>,
}

/// Reads `truth.json` of the bundle in `folder`, for the scorer; nothing that judges may call this.
///
/// # Errors
/// When there is one and it cannot be read.
pub fn read_truth(folder: &Path) -> Result<Option<TruthFile>, BundleError> {
    let path = folder.join(file::TRUTH);
    if path.exists() { document(&path).map(Some) } else { Ok(None) }
}

impl From<&Truth> for TruthFile {
    fn from(truth: &Truth) -> Self {
        let surface = truth.surface.map_or("none", crate::event::Surface::name);
        let mut more = serde_json::Map::new();
        if !truth.text.is_empty() {
            more.insert("text".to_owned(), truth.text.raw().into());
        }
        Self {
            cause: TruthCause { surface: surface.into(), subject: truth.subject.clone(), change: truth.change.clone() },
            onset: truth.onset,
            first_failing: None,
            blast_radius: Vec::new(),
            remediation: None,
            decoys: Vec::new(),
            more,
        }
    }
}
