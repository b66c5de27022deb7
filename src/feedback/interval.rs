//! Intervals for rates.

/// The 95 % Wilson score interval of `hits` out of `n`: (0, 1) when nothing was tried.
///
/// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), eq. (1)–(4).
#[must_use]
pub fn wilson(hits: u64, n: u64) -> (f64, f64) {
    /// The 97.5 % quantile of the standard normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if n == 0 {
        return (0.0, 1.0);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of incidents, far below 2^53")]
    let (hits, n) = (hits.min(n) as f64, n as f64);
    let p = hits / n;
    let middle = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_published_values() {
        // 10 of 20 and 0 of 10, as in R's binom::binom.confint(method = "wilson").
        let (low, high) = wilson(10, 20);
        assert!((low - 0.299_298).abs() < 1e-5 && (high - 0.700_702).abs() < 1e-5, "{low} {high}");
        let (low, high) = wilson(0, 10);
        assert!(low.abs() < 1e-12 && (high - 0.277_533).abs() < 1e-5, "{low} {high}");
    }

    #[test]
    fn nothing_tried_says_nothing() {
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    #[test]
    fn holds_the_rate_and_stays_in_range() {
        for n in 1..60 {
            for hits in 0..=n {
                let (low, high) = wilson(hits, n);
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                let p = hits as f64 / n as f64;
                assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
                assert!(low <= p + 1e-12 && p <= high + 1e-12, "{hits}/{n}: {low} {high}");
            }
        }
    }
}
