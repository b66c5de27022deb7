//! Whether behaviour moved: one test fit for each kind of signal, corrected for how many were asked.
//!
//! **For:** seeing that answers got longer, refusals commoner or tool calls other, before anybody's judge says so.
//! **In:** for each signal one value a *run*, before and since a moment: calls inside a run are not independent, so whoever
//! asks sums them up first. **Out:** a [`Drift`] each: how large, how sure, and its course for a sparkline.
//! **Never:** puts a chance before the size of the effect, or calls a signal quiet that was not captured.

mod number;
mod pattern;
mod share;
mod signals;

pub use signals::Drifted;
pub(super) use signals::drifted;

use serde::{Deserialize, Serialize};

use super::stats;

/// Fewer runs than this on one side say nothing.
const LEAST: usize = 8;
/// Points of a sparkline.
const COURSE: usize = 24;

/// The values of one signal, a run each, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// Yes or no, such as refused.
    Share(Vec<bool>),
    /// A number, such as the length of what was said.
    Number(Vec<f64>),
    /// A sequence of steps by number, such as the tools called.
    Pattern(Vec<Vec<u32>>),
}

/// How large a move is, in the unit of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "unit")]
pub enum Size {
    /// Difference of two rates, −1 to 1 (Newcombe 1998, Statistics in Medicine 17:873, method 10).
    Share {
        /// Before.
        before: f64,
        /// Since.
        since: f64,
    },
    /// Chance that a run since has the larger number than a run before, ties by halves; one half = no move.
    Number {
        /// Median before.
        before: f64,
        /// Median since.
        since: f64,
    },
    /// Share of the steps from one to the next that would have to be other ones (total variation), 0 to 1.
    Pattern,
}

/// What became of one signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Runs before and since.
    pub runs: (usize, usize),
    /// In which unit, and where it came from and went.
    pub size: Size,
    /// The effect in that unit.
    pub effect: f64,
    /// Its 95 % interval; of a pattern, what chance alone makes in 95 of 100 cases.
    pub interval: (f64, f64),
    /// Chance of an effect this large without a move, before correction.
    pub p: f64,
    /// The same corrected for every signal tested together; set by [`test()`].
    pub q: f64,
    /// Means of up to 24 stretches of equal length in order of time.
    pub course: Vec<f64>,
}

impl Drift {
    /// How far it moved on a scale that all kinds share, 0 to 1.
    #[must_use]
    pub fn how_far(&self) -> f64 {
        match self.size {
            Size::Share { .. } | Size::Pattern => self.effect.abs(),
            Size::Number { .. } => (self.effect - 0.5).abs() * 2.0,
        }
    }
}

/// Tests every signal, split in two at its place in the list, together: `None` where there are too few runs on a side.
#[must_use]
pub fn test(signals: &[(Signal, usize)]) -> Vec<Option<Drift>> {
    let mut drifts: Vec<Option<Drift>> = signals.iter().map(|(signal, split)| one(signal, *split)).collect();
    let ps: Vec<Option<f64>> = drifts.iter().map(|drift| drift.as_ref().map(|drift| drift.p)).collect();
    for (drift, q) in drifts.iter_mut().zip(stats::benjamini_hochberg(&ps)) {
        if let Some(drift) = drift {
            drift.q = q;
        }
    }
    drifts
}

fn one(signal: &Signal, split: usize) -> Option<Drift> {
    let n = match signal {
        Signal::Share(values) => values.len(),
        Signal::Number(values) => values.len(),
        Signal::Pattern(values) => values.len(),
    };
    let split = split.min(n);
    if split < LEAST || n - split < LEAST {
        return None;
    }
    let (size, effect, interval, p) = match signal {
        Signal::Share(values) => share::test(values, split),
        Signal::Number(values) => number::test(values, split)?,
        Signal::Pattern(values) => pattern::test(values, split),
    };
    let course = match signal {
        Signal::Share(values) => course(values, |hit| f64::from(u8::from(*hit))),
        Signal::Number(values) => course(values, |value| if value.is_finite() { *value } else { 0.0 }),
        #[expect(clippy::cast_precision_loss, reason = "steps of one run")]
        Signal::Pattern(values) => course(values, |steps| steps.len() as f64),
    };
    Some(Drift { runs: (split, n - split), size, effect, interval, p, q: p, course })
}

#[expect(clippy::cast_precision_loss, reason = "runs in view")]
fn course<T>(values: &[T], of: impl Fn(&T) -> f64) -> Vec<f64> {
    let points = values.len().min(COURSE);
    let stretch = |i: usize| &values[i * values.len() / points..(i + 1) * values.len() / points];
    (0..points).map(stretch).map(|part| part.iter().map(&of).sum::<f64>() / part.len() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_runs_say_nothing_and_no_split_panics() {
        for split in [0, 3, 7, 20, 99] {
            assert_eq!(test(&[(Signal::Share(vec![true; 10]), split)]), vec![None]);
        }
    }

    #[test]
    fn many_signals_are_corrected_together() {
        let moved = (0..40).map(|i| i >= 20).collect();
        let still: Vec<bool> = (0..40).map(|i| i % 2 == 0).collect();
        let mut signals = vec![(Signal::Share(moved), 20)];
        signals.extend((0..9).map(|_| (Signal::Share(still.clone()), 20)));
        let drifts = test(&signals);
        let first = drifts[0].as_ref().unwrap();
        assert!(first.q > first.p && first.q < 1e-6, "{first:?}");
        assert!(drifts[1].as_ref().unwrap().q > 0.9);
        assert_eq!(first.course.len(), 24);
        assert!(first.course[0] < 0.01 && first.course[23] > 0.99);
    }

    /// Where nothing moves, any signal is said to have moved as rarely as promised, and intervals hold the truth as often.
    #[test]
    fn without_a_move_few_are_accused_and_intervals_cover() {
        let mut dice = crate::surface::dice::Dice(11);
        let (rounds, mut accused, mut covered, mut intervals) = (400_u32, 0, 0_u32, 0_u32);
        for _ in 0..rounds {
            #[expect(clippy::cast_precision_loss, reason = "below 1000")]
            let signals: Vec<(Signal, usize)> = (0..8_usize)
                .map(|kind| {
                    let share = 5 + 10 * kind;
                    let one = match kind % 2 {
                        0 => Signal::Share((0..55).map(|_| dice.below(100) < share).collect()),
                        // Skewed, and with many ties.
                        _ => Signal::Number((0..55).map(|_| (dice.below(30) * dice.below(30) / 40) as f64).collect()),
                    };
                    (one, 25)
                })
                .collect();
            let drifts: Vec<Drift> = test(&signals).into_iter().flatten().collect();
            accused += u32::from(drifts.iter().any(|drift| drift.q <= 0.05));
            for drift in &drifts {
                let none = if matches!(drift.size, Size::Number { .. }) { 0.5 } else { 0.0 };
                intervals += 1;
                covered += u32::from(drift.interval.0 <= none && none <= drift.interval.1);
            }
        }
        // 5 % of 400 is 20; three standard deviations above is 33.
        assert!(accused <= 33, "{accused} of {rounds}");
        assert!(covered * 100 >= intervals * 94, "{covered} of {intervals}");
    }
}
