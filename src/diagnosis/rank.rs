//! From log odds to shares: a softmax with a place for "none of these".

use super::candidate::Candidate;

/// How far shares are pulled together: the weights of detectors are not independent, so their sum is too sure of itself.
const TEMPERATURE: f64 = 1.15;
/// "None of these" never falls below this.
const LEAST_NONE: f64 = 0.02;
/// No hypothesis takes more than this: some mass always stays with what nobody thought of.
const MOST: f64 = 0.93;

/// Best first; equal ones by what they name, so that the order never depends on the order of arrival.
pub(super) fn sort(candidates: &mut [Candidate]) {
    candidates.sort_by(|a, b| {
        let name = |c: &Candidate| (c.cause.change.clone(), c.cause.subject.clone(), c.cause.surface);
        b.score().total_cmp(&a.score()).then_with(|| name(a).cmp(&name(b)))
    });
}

/// The share of each candidate, and of none of them. They sum to 1.
pub(super) fn shares(candidates: &[Candidate], none: f64) -> (Vec<f64>, f64) {
    let scores: Vec<f64> = candidates.iter().map(|candidate| candidate.score() / TEMPERATURE).collect();
    let none = none / TEMPERATURE;
    let most = scores.iter().copied().fold(none, f64::max);
    let total: f64 = scores.iter().map(|score| (score - most).exp()).sum::<f64>() + (none - most).exp();
    let mut shares: Vec<f64> = scores.iter().map(|score| ((score - most).exp() / total).min(MOST)).collect();
    // "None of these" always carries weight, however sure the rest is.
    let sum: f64 = shares.iter().sum();
    if sum > 1.0 - LEAST_NONE {
        for share in &mut shares {
            *share *= (1.0 - LEAST_NONE) / sum;
        }
    }
    // Shares are written with four digits; the rest is what is left, so that the sum is exact.
    for share in &mut shares {
        *share = (*share * 1e4).round() / 1e4;
    }
    let rest = (1.0 - shares.iter().sum::<f64>()).clamp(0.0, 1.0);
    (shares, (rest * 1e4).round() / 1e4)
}
