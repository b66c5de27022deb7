//! From log odds to probabilities: a softmax with a place for "none of these", as a calibration says.

use super::candidate::Candidate;
use crate::event::Calibration;

/// "None of these" never falls below this, however sure the rest is: some mass always stays with what nobody thought of.
const LEAST_NONE: f64 = 0.02;

/// Best first; equal ones by what they name, so that the order never depends on the order of arrival.
pub(super) fn sort(candidates: &mut [Candidate]) {
    candidates.sort_by(|a, b| {
        let name = |c: &Candidate| (c.cause.change.clone(), c.cause.subject.clone(), c.cause.surface);
        b.score().total_cmp(&a.score()).then_with(|| name(a).cmp(&name(b)))
    });
}

/// The log odds of each candidate against "none of these", nats.
pub(super) fn log_odds(candidates: &[Candidate], none: f64) -> Vec<f64> {
    candidates.iter().map(|candidate| candidate.score() - none).collect()
}

/// The probability of each hypothesis by its log odds against "none of these", and of "none of these", exactly as the
/// calibration says. They sum to 1.
///
/// Temperature scaling (Guo et al., ICML 2017) with a correction of one class's bias (Alexandari et al., ICML 2020) and a lapse,
/// as ensembles of temperatures have in their uniform part (Zhang, Kailkhura & Han, ICML 2020). Neither slope nor lapse changes
/// the order; the lean moves all hypotheses alike against "none of these".
#[must_use]
pub fn probabilities(log_odds: &[f64], by: &Calibration) -> (Vec<f64>, f64) {
    let weights: Vec<f64> = log_odds.iter().map(|odds| by.slope * odds + by.lean).collect();
    let most = weights.iter().copied().fold(0.0, f64::max);
    let total: f64 = weights.iter().map(|weight| (weight - most).exp()).sum::<f64>() + (-most).exp();
    #[expect(clippy::cast_precision_loss, reason = "a handful of hypotheses")]
    let even = by.lapse / (weights.len() + 1) as f64;
    let share = |weight: f64| (1.0 - by.lapse) * (weight - most).exp() / total + even;
    (weights.iter().map(|weight| share(*weight)).collect(), share(0.0))
}

/// The same as they are shown: "none of these" always has some, and each is written with four digits.
pub(super) fn shares(log_odds: &[f64], by: &Calibration) -> (Vec<f64>, f64) {
    let (mut shares, _) = probabilities(log_odds, by);
    let sum: f64 = shares.iter().sum();
    if sum > 1.0 - LEAST_NONE {
        for share in &mut shares {
            *share *= (1.0 - LEAST_NONE) / sum;
        }
    }
    for share in &mut shares {
        *share = (*share * 1e4).round() / 1e4;
    }
    let rest = (1.0 - shares.iter().sum::<f64>()).clamp(0.0, 1.0);
    (shares, (rest * 1e4).round() / 1e4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Digest;

    fn by(slope: f64, lean: f64, lapse: f64) -> Calibration {
        Calibration { version: 0, slope, lean, lapse, shipped: 1, own: 0, digest: Digest::of(b"") }
    }

    #[test]
    fn it_is_what_the_formula_says() {
        let (each, none) = probabilities(&[1.0, -1.0], &by(0.5, 0.25, 0.1));
        let (a, b) = (0.75_f64.exp(), (-0.25_f64).exp());
        let total = a + b + 1.0;
        for (got, want) in [(each[0], a), (each[1], b), (none, 1.0)] {
            assert!((got - (0.9 * want / total + 0.1 / 3.0)).abs() < 1e-12);
        }
        assert_eq!(probabilities(&[], &by(1.0, 0.0, 0.1)), (vec![], 1.0));
    }

    proptest! {
        #[test]
        fn they_sum_to_one_and_keep_the_order(
            mut odds in prop::collection::vec(-1e3..1e3_f64, 0..13),
            (slope, lean, lapse) in (0.05..5.0_f64, -4.0..4.0_f64, 0.0..0.3_f64),
        ) {
            odds.sort_by(|a, b| b.total_cmp(a));
            let (each, none) = shares(&odds, &by(slope, lean, lapse));
            prop_assert!((each.iter().sum::<f64>() + none - 1.0).abs() < 1e-9);
            prop_assert!(each.is_sorted_by(|a, b| a >= b) && each.iter().all(|share| (0.0..=1.0).contains(share)));
            prop_assert!(none >= LEAST_NONE - 1e-3 || odds.is_empty());
        }
    }
}
