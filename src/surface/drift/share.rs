//! Yes or no: two rates.

use super::Size;
use super::stats;

/// Newcombe's interval for the difference and Fisher's exact test.
#[expect(clippy::cast_precision_loss, reason = "runs in view")]
pub(super) fn test(values: &[bool], split: usize) -> (Size, f64, (f64, f64), f64) {
    let hits = |part: &[bool]| (part.iter().filter(|hit| **hit).count() as u64, part.len() as u64);
    let ((k0, n0), (k1, n1)) = (hits(&values[..split]), hits(&values[split..]));
    let (before, since) = (k0 as f64 / n0 as f64, k1 as f64 / n1 as f64);
    let p = stats::fisher(k1, n1 - k1, k0, n0 - k0);
    (Size::Share { before, since }, since - before, newcombe((k0, n0), (k1, n1)), p)
}

/// The 95 % interval of the second rate less the first (Newcombe 1998, method 10).
#[expect(clippy::cast_precision_loss, reason = "runs in view")]
fn newcombe((k0, n0): (u64, u64), (k1, n1): (u64, u64)) -> (f64, f64) {
    let (p0, p1) = (k0 as f64 / n0 as f64, k1 as f64 / n1 as f64);
    let ((l0, u0), (l1, u1)) = (stats::wilson(k0, n0), stats::wilson(k1, n1));
    let difference = p1 - p0;
    let below = ((p1 - l1).powi(2) + (u0 - p0).powi(2)).sqrt();
    let above = ((u1 - p1).powi(2) + (p0 - l0).powi(2)).sqrt();
    ((difference - below).max(-1.0), (difference + above).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_agrees_with_statsmodels() {
        // statsmodels 0.14 confint_proportions_2indep(k1, n1, k0, n0, method='newcomb', compare='diff')
        for (one, other, low, high) in [
            ((56, 70), (48, 80), 0.052_431_472, 0.333_872_654),
            ((9, 10), (3, 10), 0.170_522_724, 0.809_017_974),
            ((0, 20), (5, 20), -0.468_700_878, -0.037_765_446),
        ] {
            let interval = newcombe(other, one);
            assert!((interval.0 - low).abs() < 1e-8 && (interval.1 - high).abs() < 1e-8, "{interval:?}");
        }
    }
}
