//! A number: which side has the larger ones, whatever its distribution.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Size;
use super::stats;

/// The chance that a run since has the larger number, with the interval and the test of Brunner and Munzel (2000, Biometrical
/// Journal 42:17), which suppose neither a shape nor equal spread. `None` where all numbers are alike or not finite.
#[expect(clippy::cast_precision_loss, reason = "runs in view")]
pub(super) fn test(values: &[f64], split: usize) -> Option<(Size, f64, (f64, f64), f64)> {
    let finite = |part: &[f64]| part.iter().copied().filter(|value| value.is_finite()).collect::<Vec<f64>>();
    let (mut before, mut since) = (finite(&values[..split]), finite(&values[split..]));
    let medians = (stats::median(&mut before)?, stats::median(&mut since)?);
    let (n0, n1) = (before.len() as f64, since.len() as f64);
    if n0 < 2.0 || n1 < 2.0 {
        return None;
    }
    // Both are sorted now. A placement is the share of the other side that lies below, ties by halves.
    let below_before: Vec<f64> = since.iter().map(|value| below(&before, *value)).collect();
    let below_since: Vec<f64> = before.iter().map(|value| below(&since, *value)).collect();
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    let spread = |all: &[f64]| {
        let middle = mean(all);
        all.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (all.len() as f64 - 1.0)
    };
    let chance = mean(&below_before);
    let (v1, v0) = (spread(&below_before) / n1, spread(&below_since) / n0);
    let variance = v1 + v0;
    let size = Size::Number { before: medians.0, since: medians.1 };
    if variance <= 0.0 {
        // Wholly apart, or all alike. Of the former, the smaller side counts as so many trials that all went one way.
        let apart = (chance - 0.5).abs() > 0.25;
        let trials = before.len().min(since.len()) as u64;
        let wins = if chance > 0.5 { trials } else { 0 };
        let interval = if apart { stats::wilson(wins, trials) } else { (0.5, 0.5) };
        let p = if apart { 0.5_f64.powf(n0.min(n1)) } else { 1.0 };
        return Some((size, chance, interval, p));
    }
    let freedom = variance.powi(2) / (v1.powi(2) / (n1 - 1.0) + v0.powi(2) / (n0 - 1.0));
    let t = StudentsT::new(0.0, 1.0, freedom.max(1.0)).ok()?;
    let deviation = variance.sqrt();
    let half = t.inverse_cdf(0.975) * deviation;
    let p = 2.0 * t.sf(((chance - 0.5) / deviation).abs());
    Some((size, chance, ((chance - half).max(0.0), (chance + half).min(1.0)), p))
}

/// The share of sorted `values` below `value`, ties by halves.
#[expect(clippy::cast_precision_loss, reason = "runs in view")]
fn below(values: &[f64], value: f64) -> f64 {
    let less = values.partition_point(|other| *other < value);
    let or_equal = values.partition_point(|other| *other <= value);
    (less + or_equal) as f64 / 2.0 / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // scipy 1.x: mannwhitneyu(b, a).statistic / 100 = 0.735; brunnermunzel(a, b): 2.04757, p = 0.0558525
        let values = [1., 2., 2., 3., 5., 8., 9., 9., 12., 15., 4., 6., 7., 8., 9., 10., 14., 18., 20., 21.];
        let (size, chance, interval, p) = test(&values, 10).unwrap();
        assert!((chance - 0.735).abs() < 1e-12);
        assert!((p - 0.055_852_533).abs() < 1e-7, "{p}");
        assert!(interval.0 < 0.5 && interval.1 > 0.9, "{interval:?}");
        assert_eq!(size, Size::Number { before: 6.5, since: 9.5 });
    }

    #[test]
    fn wholly_apart_alike_and_not_finite() {
        let apart: Vec<f64> = (0..20).map(f64::from).collect();
        let (_, chance, interval, p) = test(&apart, 10).unwrap();
        assert!((chance - 1.0).abs() < 1e-12 && p < 0.001 && interval.0 > 0.6);
        let (_, chance, _, p) = test(&[3.0; 20], 10).unwrap();
        assert!((chance - 0.5).abs() < 1e-12 && p > 0.99);
        assert!(test(&[f64::NAN; 20], 10).is_none());
    }
}
