//! How scores become probabilities, and on what record that rests.

use serde::{Deserialize, Serialize};

use super::Digest;

/// The numbers that turn log odds into probabilities, with the record they were fitted on. A refit is a new one; none changes.
///
/// A hypothesis whose score is `s` nats above that of "none of these" weighs `exp(slope * s + lean)`, "none of these" weighs 1;
/// of their shares, `lapse` is then spread evenly over all of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// How often it was fitted anew on this record; 0 = as shipped.
    pub version: u32,
    /// What log odds are multiplied by: below 1 where the detectors are too sure of themselves.
    pub slope: f64,
    /// Added to the log odds of every hypothesis against "none of these", nats.
    pub lean: f64,
    /// The share of belief that the evidence cannot move, 0 to 1.
    pub lapse: f64,
    /// Recorded cases of elsewhere that the shipped numbers were fitted on.
    pub shipped: u32,
    /// Incidents of this record with a confirmed cause that it was fitted on.
    pub own: u32,
    /// The SHA-256 of what it was fitted on: names it.
    pub digest: Digest,
}

impl Calibration {
    /// Resolved incidents and recorded cases it rests on; 0 = it was fitted on nothing, and shares are no probabilities.
    #[must_use]
    pub fn cases(&self) -> u32 {
        self.shipped.saturating_add(self.own)
    }

    /// Its name: how often it was fitted anew, and the first digits of its digest.
    #[must_use]
    pub fn name(&self) -> String {
        let digest = self.digest.to_string();
        format!("{}+{}", self.version, &digest[..8])
    }
}
