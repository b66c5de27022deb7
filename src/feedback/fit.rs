//! Fitting a calibration to outcomes.
//!
//! A team's own record is fitted by penalised maximum likelihood: the shipped numbers pull with the curvature of their own likelihood, as
//! if they were so many of the team's cases (a power prior, Ibrahim & Chen, Statistical Science 15 (2000) 46, in Laplace's
//! approximation):
//!
//! ```text
//! θ = (ln slope, lean, logit lapse)    minimise  Σ loss(case, θ) + worth / 2 · (θ − θ₀)ᵀ I (θ − θ₀)
//! ```
//!
//! with `loss` the logarithmic loss of [`Outcome::loss`], and θ₀, `worth` and I (the mean curvature of one shipped case) from
//! `assets/calibration.toml`. So with few cases little moves, and after `worth` of them their word is worth half.

use super::outcome::Outcome;
use crate::diagnosis::Prior;
use crate::event::{Calibration, Digest};

/// A team's calibration is fitted on so many of its newest confirmed incidents.
pub const NEWEST: usize = 2_000;

/// What the shipped numbers are pulled to where cases say nothing: log odds as they are, none preferred, a lapse of one in twenty.
const NEUTRAL: [f64; 3] = [0.0, 0.0, -3.0];
/// How firmly, as the curvature of a whole fit: e-fold, ± 1.4 nats, and e-fold.
const NEUTRAL_PULL: [f64; 3] = [1.0, 0.5, 1.0];
/// The numbers stay within these, whatever the cases say.
const BOUNDS: [(f64, f64); 3] = [(-2.3, 2.3), (-4.0, 4.0), (-7.0, -0.85)];
/// Steps of the search.
const STEPS: usize = 300;
/// The search begins anew from where it got so often.
const ROUNDS: usize = 3;
/// Half the width of a difference quotient.
const APART: f64 = 0.02;

type Numbers = [f64; 3];

fn within(numbers: Numbers) -> Numbers {
    std::array::from_fn(|i| numbers[i].clamp(BOUNDS[i].0, BOUNDS[i].1))
}

fn of(numbers: Numbers, like: &Calibration) -> Calibration {
    let [slope, lean, lapse] = within(numbers);
    // Six digits: what is stored is what was meant, on every machine.
    let digits = |number: f64| (number * 1e6).round() / 1e6;
    Calibration { slope: digits(slope.exp()), lean: digits(lean), lapse: digits(1.0 / (1.0 + (-lapse).exp())), ..*like }
}

fn numbers(of: &Calibration) -> Numbers {
    let lapse = of.lapse.clamp(1e-6, 0.5);
    within([of.slope.max(1e-6).ln(), of.lean, (lapse / (1.0 - lapse)).ln()])
}

fn loss(outcomes: &[Outcome], at: Numbers, like: &Calibration) -> f64 {
    let [slope, lean, lapse] = within(at);
    let by = Calibration { slope: slope.exp(), lean, lapse: 1.0 / (1.0 + (-lapse).exp()), ..*like };
    outcomes.iter().map(|outcome| outcome.loss(&by)).sum()
}

/// The shipped numbers held against a team's own confirmed incidents. None: the shipped numbers. The same cases give the same.
#[must_use]
pub fn refit(outcomes: &[Outcome], prior: &Prior, version: u32) -> Calibration {
    let newest = &outcomes[outcomes.len().saturating_sub(NEWEST)..];
    if newest.is_empty() {
        return prior.calibration;
    }
    let start = numbers(&prior.calibration);
    let pull = |at: Numbers| {
        let off: Numbers = std::array::from_fn(|i| at[i] - start[i]);
        let square: f64 = (0..3).map(|i| (0..3).map(|j| off[i] * prior.information[i][j] * off[j]).sum::<f64>()).sum();
        0.5 * prior.worth * square
    };
    let found = least(start, |at| loss(newest, at, &prior.calibration) + pull(at));
    let own = u32::try_from(newest.len()).unwrap_or(u32::MAX);
    let written = serde_json::to_vec(&(prior.calibration.digest, newest)).unwrap_or_default();
    Calibration { version, own, digest: Digest::of(&written), ..of(found, &prior.calibration) }
}

/// The numbers to ship, fitted on recorded cases; `cases` is how many of them are different ones.
#[must_use]
pub fn fit(outcomes: &[Outcome], cases: u32, worth: f64) -> Prior {
    let blank =
        Calibration { version: 0, slope: 1.0, lean: 0.0, lapse: 0.05, shipped: cases, own: 0, digest: Digest::of(b"") };
    let pull = |at: Numbers| -> f64 { (0..3).map(|i| 0.5 * NEUTRAL_PULL[i] * (at[i] - NEUTRAL[i]).powi(2)).sum() };
    let found = least(NEUTRAL, |at| loss(outcomes, at, &blank) + pull(at));
    let all: f64 = outcomes.iter().map(|outcome| outcome.weight).sum::<f64>().max(1.0);
    let information = curvature(found, |at| loss(outcomes, at, &blank) / all);
    Prior { calibration: of(found, &blank), information, worth }
}

/// The matrix of second derivatives (central differences), made never negative: what pulls backwards would be no prior.
fn curvature(at: Numbers, f: impl Fn(Numbers) -> f64) -> [[f64; 3]; 3] {
    let moved = |i: usize, a: f64, j: usize, b: f64| {
        let mut there = at;
        there[i] += a;
        there[j] += b;
        f(there)
    };
    let h = APART;
    let raw: [[f64; 3]; 3] = std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            (moved(i, h, j, h) - moved(i, h, j, -h) - moved(i, -h, j, h) + moved(i, -h, j, -h)) / (4.0 * h * h)
        })
    });
    // A symmetric matrix whose diagonal outweighs the rest of each row has no negative eigenvalue (Gershgorin 1931).
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let both = 0.5 * (raw[i][j] + raw[j][i]);
            let beside: f64 = (0..3).filter(|k| *k != i).map(|k| (0.5 * (raw[i][k] + raw[k][i])).abs()).sum();
            let kept = if i == j { both.max(beside).max(1e-4) } else { both };
            (kept * 1e6).round() / 1e6
        })
    })
}

/// Where `f` is least, by the simplex search of Nelder & Mead (Computer Journal 7 (1965) 308), begun anew from where it got.
fn least(start: Numbers, f: impl Fn(Numbers) -> f64) -> Numbers {
    let mut best = start;
    for _ in 0..ROUNDS {
        best = search(best, &f);
    }
    best
}

fn search(start: Numbers, f: &impl Fn(Numbers) -> f64) -> Numbers {
    let at = |numbers: Numbers| (f(numbers), numbers);
    let mut simplex: Vec<(f64, Numbers)> = std::iter::once(start)
        .chain((0..3).map(|i| {
            let mut there = start;
            there[i] += 0.25;
            there
        }))
        .map(at)
        .collect();
    for _ in 0..STEPS {
        simplex.sort_by(|a, b| a.0.total_cmp(&b.0));
        if simplex[3].0 - simplex[0].0 < 1e-10 {
            break;
        }
        let centre: Numbers = std::array::from_fn(|i| simplex[..3].iter().map(|(_, p)| p[i]).sum::<f64>() / 3.0);
        let worst = simplex[3];
        let along = |by: f64| at(std::array::from_fn(|i| centre[i] + by * (worst.1[i] - centre[i])));
        let reflected = along(-1.0);
        if reflected.0 < simplex[0].0 {
            let further = along(-2.0);
            simplex[3] = if further.0 < reflected.0 { further } else { reflected };
        } else if reflected.0 < simplex[2].0 {
            simplex[3] = reflected;
        } else {
            let nearer = if reflected.0 < worst.0 { along(-0.5) } else { along(0.5) };
            if nearer.0 < worst.0.min(reflected.0) {
                simplex[3] = nearer;
            } else {
                let best = simplex[0].1;
                for point in &mut simplex[1..] {
                    *point = at(std::array::from_fn(|i| best[i] + 0.5 * (point.1[i] - best[i])));
                }
            }
        }
    }
    simplex.into_iter().reduce(|best, next| if next.0 < best.0 { next } else { best }).map_or(start, |(_, best)| best)
}

#[cfg(test)]
mod tests;
