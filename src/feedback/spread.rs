//! Lengths of time, summed up by what is typical.

use serde::{Deserialize, Serialize};

use crate::surface::stats::Z_95;

/// How long something took, over several incidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Over so many.
    pub n: u64,
    /// Mean, seconds.
    pub mean_s: f64,
    /// Median, seconds.
    pub median_s: f64,
    /// Lower end of the 95 % interval of the median, seconds.
    pub low_s: f64,
    /// Upper end.
    pub high_s: f64,
}

impl Spread {
    /// Of these lengths in seconds. The interval of the median is that of order statistics (Conover, Practical Nonparametric
    /// Statistics, 3.2), which asks nothing of how times are distributed; of fewer than six it is all there is.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of incidents, and places among them"
    )]
    pub fn of(mut lengths: Vec<f64>) -> Self {
        lengths.retain(|length| length.is_finite());
        lengths.sort_by(f64::total_cmp);
        let n = lengths.len();
        let (Some(first), Some(last)) = (lengths.first().copied(), lengths.last().copied()) else {
            return Self::default();
        };
        let mid = n as f64 / 2.0;
        let reach = Z_95 * mid.sqrt() / std::f64::consts::SQRT_2;
        let place = |rank: f64| lengths[(rank.max(1.0) as usize - 1).min(n - 1)];
        let (low, high) =
            if n < 6 { (first, last) } else { (place((mid - reach).floor()), place((mid + reach + 1.0).ceil())) };
        let median = f64::midpoint(lengths[(n - 1) / 2], lengths[n / 2]);
        Self { n: n as u64, mean_s: lengths.iter().sum::<f64>() / n as f64, median_s: median, low_s: low, high_s: high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_with_its_interval() {
        let ten = Spread::of((1..=10).map(f64::from).rev().collect());
        assert_eq!((ten.n, ten.mean_s, ten.median_s), (10, 5.5, 5.5));
        // Conover's table for n = 10: the second smallest to the second largest hold the median in 98 %.
        assert!(ten.low_s <= 2.0 && ten.high_s >= 9.0, "{ten:?}");
        let few = Spread::of(vec![3.0, 1.0, f64::NAN]);
        assert_eq!((few.n, few.median_s, few.low_s, few.high_s), (2, 2.0, 1.0, 3.0));
        assert_eq!(Spread::of(vec![]), Spread::default());
    }
}
