//! One value against all others, slice by slice.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::super::stats;

/// The runs of one slice: those with the value and those without it, and how many of each were bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stratum {
    /// With it.
    pub with: u64,
    /// Bad among those.
    pub bad_with: u64,
    /// Without it.
    pub without: u64,
    /// Bad among those.
    pub bad_without: u64,
}

impl Stratum {
    /// So many runs more of one kind.
    pub(super) fn add(&mut self, with: bool, good: u64, bad: u64) {
        let (all, all_bad) =
            if with { (&mut self.with, &mut self.bad_with) } else { (&mut self.without, &mut self.bad_without) };
        *all += good + bad;
        *all_bad += bad;
    }

    /// Both kinds of run are in it, so that it says something.
    fn speaks(&self) -> bool {
        self.with > 0 && self.without > 0
    }
}

/// How much more often runs with a value are bad than runs without it, slice by slice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Difference of the two rates, −1 to 1; positive = worse with it.
    pub difference: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Chance of a difference this large if there were none (Cochran–Mantel–Haenszel, two-sided), before correction.
    pub p: f64,
    /// Runs compared: with and without the value, in slices that have both.
    pub runs: (u64, u64),
    /// How many of those were bad.
    pub bad: (u64, u64),
}

impl Effect {
    /// Whether it could be the cause of a change of `total`: its interval reaches half of it.
    pub(super) fn may_explain(&self, total: f64) -> bool {
        total <= 0.0 || self.high >= total / 2.0
    }
}

/// The Mantel–Haenszel risk difference with Sato's variance; `None` when fewer than `least` runs of either kind can be
/// compared.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub(super) fn effect(strata: &[Stratum], least: u64) -> Option<Effect> {
    let speaking = || strata.iter().filter(|stratum| stratum.speaks());
    let runs = speaking().fold((0, 0), |sum, s| (sum.0 + s.with, sum.1 + s.without));
    if runs.0.min(runs.1) < least {
        return None;
    }
    let bad = speaking().fold((0, 0), |sum, s| (sum.0 + s.bad_with, sum.1 + s.bad_without));
    let (mut numerator, mut weight, mut p_sum, mut q_sum) = (0.0, 0.0, 0.0, 0.0);
    for s in speaking() {
        let (n1, n0) = (s.with as f64, s.without as f64);
        let (bad1, bad0, n) = (s.bad_with as f64, s.bad_without as f64, n1 + n0);
        numerator += (bad1 * n0 - bad0 * n1) / n;
        weight += n1 * n0 / n;
        // Sato's P and Q.
        p_sum += (n1 * n1 * bad0 - n0 * n0 * bad1 + n1 * n0 * (n0 - n1) / 2.0) / (n * n);
        q_sum += (bad1 * (n0 - bad0) + bad0 * (n1 - bad1)) / (2.0 * n);
    }
    let difference = numerator / weight;
    let spread = ((difference * p_sum + q_sum) / (weight * weight)).max(0.0).sqrt();
    // No bad run at all, or nothing but bad ones, is not certainty: one imagined run of each kind widens it (Agresti–Caffo).
    let floor = 1.0 / (runs.0.min(runs.1) as f64 + 2.0);
    let half = stats::Z_95 * spread.max(floor / 2.0);
    let p = two_sided(z(strata));
    Some(Effect { difference, low: (difference - half).max(-1.0), high: (difference + half).min(1.0), p, runs, bad })
}

/// How many standard deviations worse the runs with the value are, within strata.
pub(super) fn z(strata: &[Stratum]) -> f64 {
    let all: Vec<_> = strata.iter().map(|s| (s.bad_without, s.without, s.bad_with, s.with)).collect();
    stats::mantel_haenszel_z(&all)
}

/// Chance of a standard normal value at least as far from zero as `z`.
pub(super) fn two_sided(z: f64) -> f64 {
    2.0 * Normal::standard().sf(z.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(with: u64, bad_with: u64, without: u64, bad_without: u64) -> Stratum {
        Stratum { with, bad_with, without, bad_without }
    }

    #[test]
    fn the_test_agrees_with_statsmodels() {
        // statsmodels 0.14 StratifiedTable([[12,28],[5,55]], [[9,11],[20,60]], [[3,17],[1,39]]).test_null_odds()
        let strata = [stratum(40, 12, 60, 5), stratum(20, 9, 80, 20), stratum(20, 3, 40, 1)];
        let effect = effect(&strata, 1).unwrap();
        assert!((effect.p - 0.000_258_696_4).abs() < 1e-9, "{effect:?}");
        assert_eq!(effect.runs, (80, 180));
    }

    #[test]
    fn one_slice_is_the_plain_difference() {
        // 30 of 100 against 10 of 100; Sato's variance of one slice is close to the binomial 0.0030.
        let effect = effect(&[stratum(100, 30, 100, 10)], 1).unwrap();
        assert!((effect.difference - 0.2).abs() < 1e-12);
        assert!((effect.high - effect.low - 2.0 * 1.96 * 0.003_f64.sqrt()).abs() < 2e-3, "{effect:?}");
    }

    #[test]
    fn slices_with_one_kind_of_run_say_nothing() {
        assert_eq!(effect(&[stratum(50, 5, 0, 0), stratum(0, 0, 50, 5)], 1), None);
        assert_eq!(effect(&[stratum(50, 5, 7, 0)], 8), None);
    }
}
