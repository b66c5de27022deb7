//! How much of a change is other traffic, and how much is other behaviour of the same traffic.

use serde::{Deserialize, Serialize};

use super::super::stats;
use super::strata::Stratum;

/// The change of a rate in two parts that add up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mix {
    /// The whole change of the rate, −1 to 1; positive = worse.
    pub total: f64,
    /// The part that comes from which slices there were.
    pub mix: f64,
    /// Its 95 % interval.
    pub mix_interval: (f64, f64),
    /// The part that comes from what happened within slices.
    pub within: f64,
    /// Its 95 % interval.
    pub within_interval: (f64, f64),
    /// Slices there were only before or only since. Whether they behave otherwise cannot be known: their part counts as mix.
    pub one_sided: u64,
}

/// Kitagawa's decomposition. In each slice, `with` counts the runs since and `without` those before.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub(super) fn decompose(slices: &[Stratum]) -> Mix {
    let n1: f64 = slices.iter().map(|s| s.with as f64).sum();
    let n0: f64 = slices.iter().map(|s| s.without as f64).sum();
    if n1 == 0.0 || n0 == 0.0 {
        return Mix::default();
    }
    let mut out = Mix::default();
    let (mut within_variance, mut mix_variance) = (0.0, 0.0);
    // Sums for the variance of a weighted mean under multinomial weights.
    let (mut mean1, mut square1, mut mean0, mut square0) = (0.0, 0.0, 0.0, 0.0);
    for s in slices.iter().filter(|s| s.with + s.without > 0) {
        let (w1, w0) = (s.with as f64 / n1, s.without as f64 / n0);
        let rate = |bad: u64, n: u64| bad as f64 / n as f64;
        // Plus one of each kind, so that a slice of three good runs is not taken for certainty.
        let variance = |bad: u64, n: u64| {
            let (bad, n) = (bad as f64 + 1.0, n as f64 + 2.0);
            bad / n * (1.0 - bad / n) / n
        };
        let both = s.with > 0 && s.without > 0;
        out.one_sided += u64::from(!both);
        let r1 = if s.with > 0 { rate(s.bad_with, s.with) } else { rate(s.bad_without, s.without) };
        let r0 = if s.without > 0 { rate(s.bad_without, s.without) } else { r1 };
        let (middle, weight) = (f64::midpoint(r1, r0), f64::midpoint(w1, w0));
        out.mix += (w1 - w0) * middle;
        let variances = variance(s.bad_with, s.with) + variance(s.bad_without, s.without);
        if both {
            out.within += weight * (r1 - r0);
            within_variance += weight * weight * variances;
        }
        mix_variance += (w1 - w0).powi(2) * variances / 4.0;
        mean1 += w1 * middle;
        square1 += w1 * middle * middle;
        mean0 += w0 * middle;
        square0 += w0 * middle * middle;
    }
    mix_variance += (square1 - mean1 * mean1).max(0.0) / n1 + (square0 - mean0 * mean0).max(0.0) / n0;
    out.total = out.mix + out.within;
    let interval = |value: f64, variance: f64| {
        let half = stats::Z_95 * variance.sqrt();
        (value - half, value + half)
    };
    out.mix_interval = interval(out.mix, mix_variance);
    out.within_interval = interval(out.within, within_variance);
    out
}
