//! Two engines, or two versions of one, on the same cases.

use serde::Serialize;

use super::outcome::Given;
use crate::surface::dice::Dice;

/// Draws of the bootstrap.
const DRAWS: usize = 2_000;
/// Its seed: the same cases give the same interval.
const SEED: u64 = 1;

/// A difference, ours minus theirs, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The difference of the means.
    pub at: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How two engines did on the same cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Cases that both answered.
    pub n: u64,
    /// Right: ours.
    pub right: u64,
    /// Right: theirs.
    pub right_before: u64,
    /// Ours right where theirs was wrong.
    pub gained: u64,
    /// Ours wrong where theirs was right.
    pub lost: u64,
    /// How often chance alone would tell them apart so far, two-sided (exact test of `McNemar`).
    pub p: f64,
    /// Share right, ours minus theirs (bootstrap over cases, both answers of a case drawn together).
    pub accuracy: Difference,
    /// Brier score, ours minus theirs: below 0 is better.
    pub brier: Difference,
}

/// The exact test of `McNemar` (Psychometrika 12 (1947) 153): the binomial probability, at one half, of a split of the discordant pairs at
/// least as uneven as `gained` against `lost`.
#[must_use]
pub fn mcnemar(gained: u64, lost: u64) -> f64 {
    let (n, fewer) = (gained + lost, gained.min(lost));
    let ln_choose = |k: u64| {
        let ln = statrs::function::factorial::ln_factorial;
        ln(n) - ln(k) - ln(n - k)
    };
    #[expect(clippy::cast_precision_loss, reason = "counts of cases")]
    let tail: f64 = (0..=fewer).map(|k| (ln_choose(k) - n as f64 * std::f64::consts::LN_2).exp()).sum();
    (2.0 * tail).min(1.0)
}

/// Compares (ours, theirs) of each case; `None` without any.
#[must_use]
pub fn compare(pairs: &[(Given, Given)]) -> Option<Comparison> {
    if pairs.is_empty() {
        return None;
    }
    let count = |of: &dyn Fn(&(Given, Given)) -> bool| pairs.iter().filter(|pair| of(pair)).count() as u64;
    let (gained, lost) = (count(&|(a, b)| a.right && !b.right), count(&|(a, b)| !a.right && b.right));
    let square = |given: &Given| (given.probability - f64::from(u8::from(given.right))).powi(2);
    let rights: Vec<f64> =
        pairs.iter().map(|(a, b)| f64::from(u8::from(a.right)) - f64::from(u8::from(b.right))).collect();
    let squares: Vec<f64> = pairs.iter().map(|(a, b)| square(a) - square(b)).collect();
    Some(Comparison {
        n: pairs.len() as u64,
        right: count(&|(a, _)| a.right),
        right_before: count(&|(_, b)| b.right),
        gained,
        lost,
        p: mcnemar(gained, lost),
        accuracy: difference(&rights),
        brier: difference(&squares),
    })
}

/// The mean of paired differences, with the percentile interval of a bootstrap over pairs (Efron 1979).
#[expect(clippy::cast_precision_loss, reason = "counts of cases")]
fn difference(of: &[f64]) -> Difference {
    let mut dice = Dice(SEED);
    let n = of.len();
    let mut means: Vec<f64> = (0..DRAWS).map(|_| (0..n).map(|_| of[dice.below(n)]).sum::<f64>() / n as f64).collect();
    means.sort_by(f64::total_cmp);
    Difference {
        at: of.iter().sum::<f64>() / n as f64,
        low: means[DRAWS * 25 / 1_000],
        high: means[DRAWS * 975 / 1_000 - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(right: bool, probability: f64) -> Given {
        Given { probability, right, named: true }
    }

    #[test]
    fn the_exact_test_is_that_of_a_coin() {
        // By hand: 2 · (1 + 6) / 2^6, and 2 · (1 + 10 + 45) / 2^10 (as R's binom.test gives them).
        assert!((mcnemar(1, 5) - 0.21875).abs() < 1e-12);
        assert!((mcnemar(8, 2) - 0.109_375).abs() < 1e-12);
        assert!((mcnemar(0, 0) - 1.0).abs() < 1e-12 && (mcnemar(3, 3) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_better_version_is_told_from_an_equal_one() {
        let better: Vec<_> = (0..40).map(|i| (given(i % 10 != 0, 0.8), given(i % 2 == 0, 0.8))).collect();
        let found = compare(&better).unwrap();
        assert_eq!((found.n, found.right, found.right_before, found.gained, found.lost), (40, 36, 20, 20, 4));
        assert!(found.p < 0.01 && found.accuracy.low > 0.0 && found.brier.high < 0.0, "{found:?}");
        let same: Vec<_> = (0..40).map(|i| (given(i % 3 == 0, 0.6), given(i % 3 == 0, 0.6))).collect();
        let found = compare(&same).unwrap();
        assert!((found.p - 1.0).abs() < 1e-12 && (found.accuracy.low, found.accuracy.high) == (0.0, 0.0), "{found:?}");
        assert_eq!(compare(&[]), None);
    }
}
