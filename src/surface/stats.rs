//! The few statistics every judgement here rests on; each names its source.

/// The natural logarithm of n!, exact enough (Lanczos via `statrs`).
fn ln_factorial(n: u64) -> f64 {
    statrs::function::factorial::ln_factorial(n)
}

/// The Wilson score interval (95 %) of `k` out of `n` (Wilson 1927). Without any observation it is the whole 0 to 1.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub fn wilson(k: u64, n: u64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let z = 1.959_963_984_540_054;
    let (k, n) = (k.min(n) as f64, n as f64);
    let p = k / n;
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Fisher's exact test, two-sided (sum of the tables no likelier than the observed): is `a` of `a+b` different from `c` of `c+d`?
#[must_use]
pub fn fisher(a: u64, b: u64, c: u64, d: u64) -> f64 {
    let (row1, row2, col1) = (a + b, c + d, a + c);
    let n = row1 + row2;
    if row1 == 0 || row2 == 0 || col1 == 0 || col1 == n {
        return 1.0;
    }
    let ln_total =
        ln_factorial(row1) + ln_factorial(row2) + ln_factorial(col1) + ln_factorial(n - col1) - ln_factorial(n);
    let ln_p = |x: u64| {
        ln_total - ln_factorial(x) - ln_factorial(row1 - x) - ln_factorial(col1 - x) - ln_factorial(row2 + x - col1)
    };
    let observed = ln_p(a);
    let low = col1.saturating_sub(row2);
    let high = col1.min(row1);
    let sum: f64 = (low..=high).map(ln_p).filter(|p| *p <= observed + 1e-7).map(f64::exp).sum();
    sum.min(1.0)
}

/// The log Bayes factor (nats) that two proportions differ rather than being one, with uniform priors on each
/// (beta-binomial marginal likelihoods). Positive: they differ.
#[must_use]
pub fn ln_bayes_two_proportions(a: u64, n1: u64, c: u64, n2: u64) -> f64 {
    let ln_beta = |k: u64, n: u64| ln_factorial(k) + ln_factorial(n - k) - ln_factorial(n + 1);
    let (a, c) = (a.min(n1), c.min(n2));
    ln_beta(a, n1) + ln_beta(c, n2) - ln_beta(a + c, n1 + n2)
}

/// The median; `None` of nothing. Reorders its input.
#[must_use]
pub fn median(values: &mut [f64]) -> Option<f64> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    values.sort_by(f64::total_cmp);
    Some(if n % 2 == 1 { values[n / 2] } else { f64::midpoint(values[n / 2 - 1], values[n / 2]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-4, "{a} is not {b}");
    }

    #[test]
    fn wilson_as_published() {
        // R: prop.test(8, 10, correct = FALSE)$conf.int = 0.4901625 0.9433178
        let (low, high) = wilson(8, 10);
        near(low, 0.490_162);
        near(high, 0.943_318);
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    #[test]
    fn fisher_as_published() {
        // Fisher's tea: R fisher.test(matrix(c(3,1,1,3),2))$p.value = 0.4857143
        near(fisher(3, 1, 1, 3), 0.485_714);
        // R: fisher.test(matrix(c(1,9,11,3),2))$p.value = 0.002759456
        near(fisher(1, 9, 11, 3), 0.002_759);
        near(fisher(0, 0, 3, 4), 1.0);
    }

    #[test]
    fn bayes_factor_has_the_right_sign() {
        assert!(ln_bayes_two_proportions(0, 30, 30, 30) > 10.0);
        assert!(ln_bayes_two_proportions(15, 30, 15, 30) < 0.0);
    }
}
