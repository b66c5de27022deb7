//! How probabilities that were given compare with what turned out.

use serde::{Deserialize, Serialize};

use super::outcome::Given;

/// A wrong answer with at least this probability was a confident one.
pub const CONFIDENT: f64 = 0.5;
/// Probabilities are sorted into so many bins of the same width.
const BINS: usize = 10;

/// Answers in one tenth of the probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tenth {
    /// How many.
    pub n: u64,
    /// How many of them were right.
    pub right: u64,
    /// Sum of their probabilities.
    pub said: f64,
}

/// Answers by how sure they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// By tenth: 0 up to 0.1, … 0.9 to 1.
    pub tenths: [Tenth; BINS],
    /// Wrong answers that named a cause with [`CONFIDENT`] or more.
    pub confident_wrong: u64,
    /// Sum of squared differences of probability and outcome.
    pub squares: f64,
    /// Sum of their squares.
    pub fourths: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts of cases, far below 2^53")]
fn number(n: u64) -> f64 {
    n as f64
}

impl Reliability {
    /// Takes in one answer.
    pub fn add(&mut self, given: Given) {
        let said = if given.probability.is_finite() { given.probability.clamp(0.0, 1.0) } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10")]
        let tenth = &mut self.tenths[((said * 10.0) as usize).min(BINS - 1)];
        tenth.n += 1;
        tenth.right += u64::from(given.right);
        tenth.said += said;
        self.confident_wrong += u64::from(!given.right && given.named && said >= CONFIDENT);
        let square = (said - f64::from(u8::from(given.right))).powi(2);
        self.squares += square;
        self.fourths += square * square;
    }

    /// How many answers.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.tenths.iter().map(|tenth| tenth.n).sum()
    }

    /// How many were right.
    #[must_use]
    pub fn right(&self) -> u64 {
        self.tenths.iter().map(|tenth| tenth.right).sum()
    }

    /// The mean squared difference of probability and outcome (Brier 1950), and its 95 % interval (normal); `None` of nothing.
    #[must_use]
    pub fn brier(&self) -> Option<(f64, f64, f64)> {
        let n = number(self.n());
        if n < 1.0 {
            return None;
        }
        let mean = self.squares / n;
        let half = crate::surface::stats::Z_95 * ((self.fourths / n - mean * mean).max(0.0) / n).sqrt();
        Some((mean, (mean - half).max(0.0), (mean + half).min(1.0)))
    }

    /// The expected calibration error (Naeini, Cooper & Hauskrecht, AAAI 2015): the mean over answers of how far what was said in their
    /// tenth was from what came true in it. Ten bins of the same width. `None` of nothing.
    #[must_use]
    pub fn calibration_error(&self) -> Option<f64> {
        self.over_bins(|tenth| (tenth.said - number(tenth.right)).abs() / number(tenth.n))
    }

    /// What that error would be on average if every probability were exactly true: with few cases it is far from 0 (mean of the
    /// absolute value of a normal deviate).
    #[must_use]
    pub fn error_by_chance(&self) -> Option<f64> {
        self.over_bins(|tenth| {
            let p = tenth.said / number(tenth.n);
            (std::f64::consts::FRAC_2_PI * p * (1.0 - p) / number(tenth.n)).sqrt()
        })
    }

    /// Answers of .9 and more, and how many of them were right.
    #[must_use]
    pub fn surest(&self) -> (u64, u64) {
        (self.tenths[BINS - 1].n, self.tenths[BINS - 1].right)
    }

    fn over_bins(&self, of: impl Fn(&Tenth) -> f64) -> Option<f64> {
        let all = number(self.n());
        let held = self.tenths.iter().filter(|tenth| tenth.n > 0);
        (all > 0.0).then(|| held.map(|tenth| number(tenth.n) / all * of(tenth)).sum())
    }
}

impl FromIterator<Given> for Reliability {
    fn from_iter<I: IntoIterator<Item = Given>>(all: I) -> Self {
        let mut reliability = Self::default();
        all.into_iter().for_each(|given| reliability.add(given));
        reliability
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::dice::Dice;

    fn given(probability: f64, right: bool) -> Given {
        Given { probability, right, named: true }
    }

    #[test]
    fn the_error_is_the_weighted_distance_of_each_bin() {
        let all: Reliability =
            [given(0.85, true), given(0.85, false), given(0.25, false), given(0.25, false)].into_iter().collect();
        assert_eq!((all.n(), all.right(), all.confident_wrong), (4, 1, 1));
        let error = all.calibration_error().unwrap();
        assert!((error - (0.5 * 0.35 + 0.5 * 0.25)).abs() < 1e-12, "{error}");
        let (brier, low, high) = all.brier().unwrap();
        assert!((brier - (0.0225 + 0.7225 + 0.125) / 4.0).abs() < 1e-12 && low < brier && brier < high);
        assert_eq!(Reliability::default().calibration_error(), None);
        assert_eq!(Reliability::default().brier(), None);
    }

    #[test]
    fn true_probabilities_miss_by_chance_alone_and_false_ones_by_more() {
        let mut dice = Dice(7);
        #[expect(clippy::cast_precision_loss, reason = "53 bits")]
        let mut roll = || (dice.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let (mut errors, mut chances, mut boasts) = (0.0, 0.0, 0.0);
        for _ in 0..300 {
            let rolls: Vec<(f64, f64)> = (0..60).map(|_| (roll(), roll())).collect();
            let honest: Reliability = rolls.iter().map(|(p, u)| given(*p, u < p)).collect();
            let boast: Reliability = rolls.iter().map(|(p, u)| given(0.5 + p / 2.0, u < p)).collect();
            errors += honest.calibration_error().unwrap();
            chances += honest.error_by_chance().unwrap();
            boasts += boast.calibration_error().unwrap();
        }
        assert!((errors / chances - 1.0).abs() < 0.15, "{errors} {chances}");
        assert!(boasts > 1.5 * errors, "{boasts} {errors}");
    }
}
