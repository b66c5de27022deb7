//! The few statistics every judgement here rests on; each names its source.

use statrs::distribution::{ContinuousCDF, Normal};

/// The 97.5 % quantile of the standard normal distribution: so many standard deviations to each side are a 95 % interval.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// The natural logarithm of n!, exact enough (Lanczos via `statrs`).
fn ln_factorial(n: u64) -> f64 {
    statrs::function::factorial::ln_factorial(n)
}

/// The Wilson score interval (95 %) of `k` out of `n` (Wilson 1927). Without any observation it is the whole 0 to 1.
#[must_use]
pub fn wilson(k: u64, n: u64) -> (f64, f64) {
    wilson_at(k, n, Z_95)
}

/// The same, so many standard deviations to each side.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn wilson_at(k: u64, n: u64, z: f64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (k, n) = (k.min(n) as f64, n as f64);
    let p = k / n;
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// The interval of the difference of two shares, `k` of `n` each, first less second, so many standard deviations to each side:
/// the hybrid of two score intervals (Newcombe 1998, Stat. Med. 17:873, method 10). Without any observation on a side it is as wide
/// as that leaves it.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub fn newcombe((k1, n1): (u64, u64), (k2, n2): (u64, u64), z: f64) -> (f64, f64) {
    let ((low1, high1), (low2, high2)) = (wilson_at(k1, n1, z), wilson_at(k2, n2, z));
    let rate = |k: u64, n: u64| if n == 0 { 0.5 } else { k.min(n) as f64 / n as f64 };
    let (p1, p2) = (rate(k1, n1), rate(k2, n2));
    let difference = p1 - p2;
    let (down, up) = ((p1 - low1).hypot(high2 - p2), (high1 - p1).hypot(p2 - low2));
    ((difference - down).max(-1.0), (difference + up).min(1.0))
}

/// Fisher's exact test, two-sided (sum of the tables no likelier than the observed): is `a` of `a+b` different from `c` of `c+d`?
#[must_use]
#[expect(clippy::many_single_char_names, reason = "a to d and n are what every textbook calls the cells of the table")]
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

/// The log Bayes factor (nats) that two samples over the same categories come from different mixes, with a uniform Dirichlet prior
/// on each mix. Positive: the mix moved.
#[must_use]
pub fn ln_bayes_two_mixes(before: &[u64], after: &[u64]) -> f64 {
    let k = before.len().max(after.len()) as u64;
    if k < 2 {
        return 0.0;
    }
    let at = |counts: &[u64], i: usize| counts.get(i).copied().unwrap_or(0);
    // ln of the Dirichlet-multinomial marginal, without the multinomial coefficients, which cancel.
    let ln_marginal = |count: &dyn Fn(usize) -> u64| {
        let counts = (0..usize::try_from(k).unwrap_or(0)).map(count);
        let (n, ln_each) = counts.fold((0, 0.0), |(n, sum), c| (n + c, sum + ln_factorial(c)));
        ln_factorial(k - 1) + ln_each - ln_factorial(n + k - 1)
    };
    ln_marginal(&|i| at(before, i)) + ln_marginal(&|i| at(after, i)) - ln_marginal(&|i| at(before, i) + at(after, i))
}

/// The Cochran–Mantel–Haenszel statistic as a signed z (Mantel & Haenszel 1959, without continuity correction): is the rate after
/// different from the rate before, within strata? Each stratum is (bad before, n before, bad after, n after). Positive: worse after.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub fn mantel_haenszel_z(strata: &[(u64, u64, u64, u64)]) -> f64 {
    let (mut off, mut variance) = (0.0, 0.0);
    for (bad_before, before, bad_after, after) in strata {
        let (n1, n2) = (*after as f64, *before as f64);
        let n = n1 + n2;
        let bad = (bad_before + bad_after) as f64;
        if n < 2.0 || n1 == 0.0 || n2 == 0.0 {
            continue;
        }
        off += *bad_after as f64 - n1 * bad / n;
        variance += n1 * n2 * bad * (n - bad) / (n * n * (n - 1.0));
    }
    if variance <= 0.0 { 0.0 } else { off / variance.sqrt() }
}

/// The log Bayes factor (nats) that an effect is there, from its z and the number of observations, by the unit-information
/// approximation (Schwarz 1978; Raftery 1995).
#[must_use]
pub fn ln_bayes_of_z(z: f64, n: f64) -> f64 {
    0.5 * z * z - 0.5 * n.max(1.0).ln()
}

/// How many standard deviations off a two-sided chance of `p` is, 0 to 8.
#[must_use]
pub fn z_of_p(p: f64) -> f64 {
    Normal::standard().inverse_cdf(1.0 - p.clamp(1e-15, 1.0) / 2.0)
}

/// The Wilcoxon–Mann–Whitney statistic as a signed z, ties averaged. Positive: larger after.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub fn rank_sum_z(before: &[f64], after: &[f64]) -> f64 {
    let (n1, n2) = (after.len() as f64, before.len() as f64);
    if n1 == 0.0 || n2 == 0.0 {
        return 0.0;
    }
    let mut all: Vec<(f64, bool)> =
        before.iter().map(|v| (*v, false)).chain(after.iter().map(|v| (*v, true))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut ties, mut i) = (0.0, 0.0, 0);
    while i < all.len() {
        let j = all[i..].iter().take_while(|(v, _)| v.total_cmp(&all[i].0).is_eq()).count() + i;
        let rank = (i + j + 1) as f64 / 2.0;
        sum += all[i..j].iter().filter(|(_, late)| *late).count() as f64 * rank;
        ties += ((j - i) as f64).powi(3) - (j - i) as f64;
        i = j;
    }
    let n = n1 + n2;
    let variance = n1 * n2 / 12.0 * ((n + 1.0) - ties / (n * (n - 1.0).max(1.0)));
    if variance <= 0.0 { 0.0 } else { (sum - n1 * (n + 1.0) / 2.0) / variance.sqrt() }
}

/// The same within strata, each (before, after): van Elteren (1960, Bull. Inst. Int. Stat. 37:351), who weighs a stratum of n
/// values by 1 / (n + 1).
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub fn rank_sum_z_within(strata: &[(Vec<f64>, Vec<f64>)]) -> f64 {
    let (mut off, mut spread) = (0.0, 0.0);
    for (before, after) in strata.iter().filter(|(before, after)| !before.is_empty() && !after.is_empty()) {
        let (n1, n2) = (after.len() as f64, before.len() as f64);
        let n = n1 + n2;
        let z = rank_sum_z(before, after);
        // A stratum whose values are all alike has no spread, and says nothing.
        if z.abs() > 0.0 {
            let deviation = (n1 * n2 / 12.0 * (n + 1.0)).sqrt() / (n + 1.0);
            off += z * deviation;
            spread += deviation * deviation;
        }
    }
    if spread > 0.0 { off / spread.sqrt() } else { 0.0 }
}

/// The log Bayes factor (nats) of an effect of the size that is `expected` (mean and spread of what it may be) against none,
/// from its estimate and standard error: both are normal (Spiegelhalter, Abrams & Myles 2004, Bayesian Approaches, 3.3).
#[must_use]
pub fn ln_bayes_expected(estimate: f64, error: f64, (mean, spread): (f64, f64)) -> f64 {
    if !(error > 0.0 && estimate.is_finite()) {
        return 0.0;
    }
    let (z, wide) = (estimate / error, 1.0 + (spread / error).powi(2));
    0.5 * z * z - (z - mean / error).powi(2) / (2.0 * wide) - 0.5 * wide.ln()
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

/// Chances corrected for how many were looked at together (false discovery rate), in the order given; where nothing was
/// tested, 1. Source: Y. Benjamini & Y. Hochberg, JRSS B 57 (1995) 289.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub fn benjamini_hochberg(ps: &[Option<f64>]) -> Vec<f64> {
    let mut tested: Vec<(usize, f64)> = ps.iter().enumerate().filter_map(|(i, p)| p.map(|p| (i, p))).collect();
    tested.sort_by(|a, b| b.1.total_cmp(&a.1));
    let m = tested.len();
    let mut qs = vec![1.0; ps.len()];
    let mut least: f64 = 1.0;
    for (place, (i, p)) in tested.into_iter().enumerate() {
        least = least.min(p * m as f64 / (m - place) as f64);
        qs[i] = least;
    }
    qs
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
    fn newcombe_as_published() {
        // R. G. Newcombe, Stat. Med. 17 (1998) 873, table II, method 10, 95 %.
        for ((k1, n1), (k2, n2), low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((6, 7), (2, 7), 0.0582, 0.8062),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((0, 10), (0, 10), -0.2775, 0.2775),
            ((10, 10), (0, 20), 0.6791, 1.0),
            ((10, 10), (0, 10), 0.6075, 1.0),
        ] {
            let got = newcombe((k1, n1), (k2, n2), Z_95);
            near(got.0, low);
            near(got.1, high);
        }
    }

    #[test]
    fn rank_sum_as_published() {
        // By hand: ranks after 4.5, 6, 7, 8, sum 25.5 against 18; variance 16/12 · (9 - 6/56) = 11.857; z = 7.5/3.4434.
        near(rank_sum_z(&[1.0, 2.0, 3.0, 4.0], &[4.0, 5.0, 6.0, 7.0]), 2.178_1);
        near(rank_sum_z(&[1.0, 1.0], &[1.0]), 0.0);
    }

    #[test]
    fn ranks_within_one_stratum_are_the_plain_ranks_and_a_mix_is_seen_through() {
        let (before, after) = (vec![1.0, 2.0, 3.0, 4.0], vec![4.0, 5.0, 6.0, 7.0]);
        near(rank_sum_z_within(&[(before.clone(), after.clone())]), rank_sum_z(&before, &after));
        // Long answers to hard questions, of which there are more: within each kind nothing moved.
        let (easy, hard) = ((0..20).map(|i| f64::from(i % 5)), (0..20).map(|i| 100.0 + f64::from(i % 5)));
        let (easy, hard): (Vec<f64>, Vec<f64>) = (easy.collect(), hard.collect());
        let z = rank_sum_z_within(&[(easy.clone(), easy[..5].to_vec()), (hard[..5].to_vec(), hard)]);
        assert!(z.abs() < 0.2, "{z}");
    }

    #[test]
    fn an_expected_effect_speaks_for_itself_and_none_speaks_against() {
        // By hand: N(0.3; 0.3, 0.1² + 0.2²) / N(0.3; 0, 0.1²) = exp(4.5) / sqrt(5).
        near(ln_bayes_expected(0.3, 0.1, (0.3, 0.2)), 4.5 - 0.5 * 5.0_f64.ln());
        assert!(ln_bayes_expected(0.0, 0.1, (0.3, 0.2)) < -1.5);
        // Where little is known, little is said.
        assert!(ln_bayes_expected(0.1, 2.0, (0.3, 0.2)).abs() < 0.05);
        near(ln_bayes_expected(0.1, 0.0, (0.3, 0.2)), 0.0);
    }

    #[test]
    fn mantel_haenszel_sees_through_a_mix() {
        // Within each stratum nothing moved; the mix did.
        assert!(mantel_haenszel_z(&[(2, 20, 1, 10), (5, 10, 10, 20)]).abs() < 0.2);
        // By hand, one stratum: Pearson's 20·(3·2 - 7·8)²/(10·10·11·9) = 5.0505, times (n - 1)/n.
        near(mantel_haenszel_z(&[(3, 10, 8, 10)]), (5.050_505_f64 * 19.0 / 20.0).sqrt());
    }

    #[test]
    fn a_moved_mix_shows() {
        assert!(ln_bayes_two_mixes(&[20, 5], &[5, 20]) > 3.0);
        assert!(ln_bayes_two_mixes(&[10, 10], &[11, 9]) < 0.0);
    }

    #[test]
    fn bayes_factor_has_the_right_sign() {
        assert!(ln_bayes_two_proportions(0, 30, 30, 30) > 10.0);
        assert!(ln_bayes_two_proportions(15, 30, 15, 30) < 0.0);
    }

    #[test]
    fn the_correction_agrees_with_statsmodels() {
        // statsmodels 0.14 multipletests([.01, .04, .03, .5], method='fdr_bh'), with a hole that was not tested.
        let qs = benjamini_hochberg(&[Some(0.01), Some(0.04), None, Some(0.03), Some(0.5)]);
        for (q, expected) in qs.into_iter().zip([0.04, 0.053_333, 1.0, 0.053_333, 0.5]) {
            near(q, expected);
        }
    }

    #[test]
    fn wilson_agrees_with_binom() {
        // 10 of 20 and 0 of 10, as in R's binom::binom.confint(method = "wilson").
        let (low, high) = wilson(10, 20);
        assert!((low - 0.299_298).abs() < 1e-5 && (high - 0.700_702).abs() < 1e-5, "{low} {high}");
        let (low, high) = wilson(0, 10);
        assert!(low.abs() < 1e-12 && (high - 0.277_533).abs() < 1e-5, "{low} {high}");
    }

    #[test]
    fn wilson_without_a_trial_says_nothing() {
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    #[test]
    fn wilson_holds_the_rate_and_stays_in_range() {
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
