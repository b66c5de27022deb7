//! Which versions of a surface serve now, and which served before.

use serde::{Deserialize, Serialize};

use crate::event::{Surface, Untrusted};
use crate::surface::stats;

/// One surface whose runs were not all served by one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixView {
    /// Which.
    pub surface: Surface,
    /// Its versions, those that served before first, then by how many runs they serve now.
    pub values: Vec<MixValue>,
    /// Versions that are not in the list.
    pub hidden: u64,
    /// Runs lately that carry it, however many versions.
    pub now: u64,
}

/// One version of a surface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixValue {
    /// The version.
    pub value: Untrusted,
    /// Runs before the trouble that it served.
    pub before: u64,
    /// Runs lately that it served.
    pub now: u64,
}

/// A share of the runs, of how many, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// So many …
    pub runs: u64,
    /// … of so many.
    pub of: u64,
    /// From, 0 to 1 (Wilson 1927).
    pub low: f64,
    /// To, 0 to 1.
    pub high: f64,
}

impl MixView {
    /// The share of the runs lately that are served by what served before the trouble; `None` while no run was seen lately.
    #[must_use]
    pub fn restored(&self) -> Option<Share> {
        if self.now == 0 {
            return None;
        }
        let runs = self.values.iter().filter(|value| value.before > 0).map(|value| value.now).sum();
        let (low, high) = stats::wilson(runs, self.now);
        Some(Share { runs, of: self.now, low, high })
    }
}
