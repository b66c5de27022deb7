//! How many runs an experiment needs.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

/// An experiment: so many arms, so many runs in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arms {
    /// Arms.
    pub arms: u64,
    /// Runs in each.
    pub runs: u64,
}

/// More runs than this are no experiment for an incident.
const MOST: u64 = 100_000;

/// Runs in each of two arms so that a true difference between the rates `a` and `b` is seen with a chance of `power` at a
/// two-sided 5 %. Cohen's arcsine formula (Statistical Power Analysis, 2nd ed. 1988, 6.2); `None` where `a` and `b` are equal.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "between 2 and MOST"
)]
pub fn runs_per_arm(a: f64, b: f64, power: f64) -> Option<u64> {
    let angle = |p: f64| 2.0 * p.clamp(0.0, 1.0).sqrt().asin();
    let h = (angle(a) - angle(b)).abs();
    let z = Normal::standard().inverse_cdf(0.975) + Normal::standard().inverse_cdf(power.clamp(0.5, 0.999));
    let runs = 2.0 * (z / h).powi(2);
    (h > 1e-9).then(|| runs.ceil().clamp(2.0, MOST as f64) as u64)
}

/// The experiment that tells `moved` values apart that always came together: each taken back alone, with 90 % power to see
/// the change from the rate before to the rate since. Two values need two arms; each one more needs one more.
#[must_use]
pub fn between((before, since): (f64, f64), moved: usize) -> Arms {
    Arms { arms: moved.max(2) as u64, runs: runs_per_arm(before, since, 0.9).unwrap_or(MOST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_statsmodels() {
        // statsmodels 0.14 NormalIndPower().solve_power(proportion_effectsize(b, a), power=.9, alpha=.05), rounded up.
        for (a, b, runs) in [(0.02, 0.19, 55), (0.1, 0.3, 79), (0.5, 0.55, 2095)] {
            assert_eq!(runs_per_arm(a, b, 0.9), Some(runs));
        }
        assert_eq!(runs_per_arm(0.3, 0.3, 0.9), None);
    }
}
