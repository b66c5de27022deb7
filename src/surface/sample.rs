//! Outputs to be read by people: which, and what their labels say.
//!
//! Which runs are read must not depend on how they went, and who reads must not see from which side of the moment a run comes;
//! else the rate is of the sampling and not of the agent.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};

use crate::event::{OutputLabel, TraceId};

use super::attribution::runs_per_arm;
use super::dice::{GOLDEN, mix};

/// A simple random sample of `k` of `traces`, without replacement, in an order that says nothing. The same seed draws the same
/// sample, and a larger `k` begins with the smaller one.
pub fn draw(traces: impl IntoIterator<Item = TraceId>, seed: u64, k: usize) -> Vec<TraceId> {
    let mut order: Vec<(u64, TraceId)> = traces.into_iter().map(|trace| (place(trace, seed), trace)).collect();
    order.sort_unstable();
    order.dedup();
    order.into_iter().take(k).map(|(_, trace)| trace).collect()
}

/// A place that depends on nothing but identity and seed.
fn place(trace: TraceId, seed: u64) -> u64 {
    let half = |bytes: &[u8]| bytes.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    let (high, low) = trace.0.split_at(8);
    mix(mix(mix(seed.wrapping_add(GOLDEN)) ^ half(high)) ^ half(low))
}

/// So many outputs of each side are one sitting.
pub const SITTING: usize = 25;

/// The next sitting of one reader: of each side, given in the order it was drawn in, the first that `read` does not hold. The sides
/// are mixed, so that neither the order nor a streak tells which side an output is of.
pub fn sitting(
    before: impl IntoIterator<Item = TraceId>,
    since: impl IntoIterator<Item = TraceId>,
    read: &BTreeSet<TraceId>,
    seed: u64,
) -> Vec<TraceId> {
    let new = |trace: &TraceId| !read.contains(trace);
    let before = before.into_iter().filter(new).take(SITTING);
    draw(before.chain(since.into_iter().filter(new).take(SITTING)), seed, usize::MAX)
}

/// What several people said of one run, as one: what all of them said, or that it cannot be told, and whether they differ. `None` when
/// nobody said anything.
pub fn together(said: impl IntoIterator<Item = OutputLabel>) -> Option<(OutputLabel, bool)> {
    let mut said = said.into_iter().filter(|label| *label != OutputLabel::Skip);
    let first = said.next()?;
    let differ = said.any(|other| other != first);
    Some((if differ { OutputLabel::Unsure } else { first }, differ))
}

/// How far people who read the same outputs say the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Outputs that two people or more read.
    pub outputs: u64,
    /// Of those, how many all of them said the same of.
    pub same: u64,
    /// Agreement beyond chance, 1 = always, 0 = as dice would: Fleiss' kappa (Psychological Bulletin 76 (1971) 378), of which each
    /// output may have had another number of readers; `None` where all said the same of everything, which chance would too.
    pub kappa: Option<f64>,
}

/// How far people agree: `said` holds for each output what each of its readers said. `None` where no two read the same.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "at most some thousand labels")]
pub fn agreement(said: impl IntoIterator<Item = Vec<OutputLabel>>) -> Option<Agreement> {
    let (mut outputs, mut same, mut pairs) = (0_u64, 0_u64, 0.0);
    let mut all = [0_u64; 3];
    for labels in said {
        let mut counts = [0_u64; 3];
        for label in labels {
            match label {
                OutputLabel::Good => counts[0] += 1,
                OutputLabel::Bad => counts[1] += 1,
                OutputLabel::Unsure => counts[2] += 1,
                OutputLabel::Skip => {}
            }
        }
        let readers: u64 = counts.iter().sum();
        if readers < 2 {
            continue;
        }
        outputs += 1;
        same += u64::from(counts.contains(&readers));
        let alike: u64 = counts.iter().map(|count| count * count.saturating_sub(1)).sum();
        pairs += alike as f64 / (readers * (readers - 1)) as f64;
        all.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    if outputs == 0 {
        return None;
    }
    let labels: u64 = all.iter().sum();
    let by_chance: f64 = all.iter().map(|count| (*count as f64 / labels as f64).powi(2)).sum();
    let kappa = (by_chance < 1.0).then(|| (pairs / outputs as f64 - by_chance) / (1.0 - by_chance));
    Some(Agreement { outputs, same, kappa })
}

/// What the labels of one side add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// Right.
    pub good: u64,
    /// Wrong.
    pub bad: u64,
    /// Nobody can tell.
    pub unsure: u64,
}

impl Labels {
    /// Counts one more.
    pub fn add(&mut self, label: OutputLabel) {
        match label {
            OutputLabel::Good => self.good += 1,
            OutputLabel::Bad => self.bad += 1,
            OutputLabel::Unsure => self.unsure += 1,
            OutputLabel::Skip => {}
        }
    }

    /// How many say something.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.good + self.bad
    }

    /// The rate of bad ones and its exact 95 % interval; `None` before the first that says something.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a sitting has fifty")]
    pub fn rate(&self) -> Option<(f64, f64, f64)> {
        let n = self.told();
        let (low, high) = exact(self.bad, n)?;
        Some((self.bad as f64 / n as f64, low, high))
    }
}

impl Labels {
    /// The rate of bad ones as half a label more on each side would have it.
    #[expect(clippy::cast_precision_loss, reason = "a sitting has fifty")]
    fn smoothed(&self) -> f64 {
        (self.bad as f64 + 0.5) / (self.told() as f64 + 1.0)
    }
}

/// The exact 95 % interval of `k` of `n` (Clopper & Pearson, Biometrika 26 (1934) 404); `None` when `n` is 0.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a sitting has fifty")]
pub fn exact(k: u64, n: u64) -> Option<(f64, f64)> {
    exact_share(k as f64, n as f64)
}

/// The same where both are effective numbers, which need not be whole.
#[must_use]
pub fn exact_share(k: f64, n: f64) -> Option<(f64, f64)> {
    if n.is_nan() || n <= 0.0 || k > n {
        return None;
    }
    let quantile = |a: f64, b: f64, at: f64| Beta::new(a, b).ok().map(|beta| beta.inverse_cdf(at));
    let low = if k > 0.0 { quantile(k, n - k + 1.0, 0.025)? } else { 0.0 };
    let high = if k < n { quantile(k + 1.0, n - k, 0.975)? } else { 1.0 };
    Some((low, high))
}

/// What the labels of both sides answer: one unlucky sample, or a failure mode that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    /// It fails more often than before: not one unlucky sample.
    Worse,
    /// It fails no more often than before, as far as the labels can see: what was reported may be one unlucky sample.
    NoWorse,
    /// Too few labels; so many more on each side would settle it if the rates stay as they are.
    NotYet {
        /// More labels needed on each side; above [`MOST_MORE`] nobody reads so many.
        more: u64,
    },
}

impl Answer {
    /// The answer in words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Worse => "It fails more often than before: not one unlucky sample.".to_owned(),
            Self::NoWorse => {
                "It fails no more often than before: what was reported may be one unlucky sample.".to_owned()
            }
            Self::NotYet { more } if more > MOST_MORE => {
                format!("Not settled: it would take more than {MOST_MORE} more labels on each side.")
            }
            Self::NotYet { more: 1 } => "Not settled: one more label on each side would settle it.".to_owned(),
            Self::NotYet { more } => format!("Not settled: {more} more labels on each side would settle it."),
        }
    }
}

/// No more labels than this are asked for: four sittings.
pub const MOST_MORE: u64 = 100;
/// A rise smaller than this is no reason to page anybody.
const MATTERS: f64 = 0.15;

/// Reads both sides: worse when a one-sided exact test says so at 2.5 %, no worse when the difference is surely below 15 points.
#[must_use]
pub fn answer(before: Labels, since: Labels) -> Answer {
    let (Some(was), Some(is)) = (before.rate(), since.rate()) else { return Answer::NotYet { more: 10 } };
    let p = super::stats::fisher(since.bad, since.good, before.bad, before.good);
    if is.0 > was.0 && p < 0.05 {
        return Answer::Worse;
    }
    // Newcombe's upper bound of the difference, on exact intervals.
    let above = is.0 - was.0 + ((is.2 - is.0).powi(2) + (was.0 - was.1).powi(2)).sqrt();
    if above < MATTERS {
        return Answer::NoWorse;
    }
    // Enough to see the difference there seems to be, or else one that would matter. Few labels overstate a rate of none or all.
    let (was, is) = (before.smoothed(), since.smoothed());
    let to_see = if is - was > MATTERS { is } else { (was + MATTERS).min(1.0) };
    let needed = runs_per_arm(was, to_see, 0.8).map_or(u64::MAX, |runs| for_exact_test(runs, to_see - was));
    Answer::NotYet { more: needed.saturating_sub(before.told().min(since.told())).clamp(1, MOST_MORE + 1) }
}

/// An exact test needs more than the normal formula says (Casagrande, Pike & Smith, Biometrics 34 (1978) 483).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "at most a hundred thousand"
)]
fn for_exact_test(runs: u64, difference: f64) -> u64 {
    let n = runs as f64;
    let wide = 1.0 + (1.0 + 4.0 / (n * difference.abs().max(1e-6))).sqrt();
    (n / 4.0 * wide * wide).ceil() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(good: u64, bad: u64) -> Labels {
        Labels { good, bad, unsure: 0 }
    }

    #[test]
    fn the_interval_agrees_with_scipy() {
        // scipy 1.x beta.ppf(.025, k, n-k+1), beta.ppf(.975, k+1, n-k)
        for (k, n, low, high) in [
            (0, 50, 0.0, 0.071_121_736),
            (3, 50, 0.012_548_588, 0.165_481_947),
            (10, 20, 0.271_957_850, 0.728_042_150),
            (50, 50, 0.928_878_264, 1.0),
        ] {
            let interval = exact(k, n).unwrap();
            assert!((interval.0 - low).abs() < 1e-6 && (interval.1 - high).abs() < 1e-6, "{interval:?}");
        }
        assert_eq!((exact(0, 0), exact(3, 2)), (None, None));
    }

    #[test]
    fn an_unlucky_sample_is_told_from_a_failure_mode() {
        assert_eq!(answer(labels(25, 0), labels(17, 8)), Answer::Worse);
        assert_eq!(answer(labels(50, 0), labels(50, 0)), Answer::NoWorse);
        assert!(matches!(answer(labels(10, 0), labels(9, 1)), Answer::NotYet { more } if more > 5));
        assert_eq!(answer(Labels::default(), labels(3, 1)), Answer::NotYet { more: 10 });
        // Better than before is not worse.
        assert_ne!(answer(labels(5, 20), labels(25, 0)), Answer::Worse);
    }

    #[test]
    fn every_run_has_the_same_chance_to_be_drawn() {
        let traces: Vec<TraceId> = (0..40u8).map(|n| TraceId([n; 16])).collect();
        let mut drawn = vec![0u32; 40];
        for seed in 0..4000 {
            for trace in draw(traces.iter().copied(), seed, 10) {
                drawn[usize::from(trace.0[0])] += 1;
            }
        }
        // 4000 draws of a quarter: 1000 each, standard deviation 27.
        assert!(drawn.iter().all(|count| (880..1120).contains(count)), "{drawn:?}");
    }

    #[test]
    fn a_sitting_has_as_many_of_each_side_and_none_that_was_read() {
        let trace = |n: u8| TraceId([n; 16]);
        let (before, since) = (0..60u8, 100..110u8);
        let first = sitting(before.clone().map(trace), since.clone().map(trace), &BTreeSet::new(), 7);
        assert_eq!(first.iter().filter(|trace| trace.0[0] < 60).count(), SITTING);
        assert_eq!(first.len(), SITTING + 10);
        // Mixed: neither side stands alone at the front.
        let sides: BTreeSet<bool> = first.iter().take(15).map(|trace| trace.0[0] < 60).collect();
        assert_eq!(sides.len(), 2);
        let read: BTreeSet<TraceId> = first.into_iter().collect();
        let second = sitting(before.map(trace), since.map(trace), &read, 7);
        assert_eq!(second.len(), SITTING);
        assert!(second.iter().all(|trace| !read.contains(trace)));
    }

    #[test]
    fn people_who_differ_count_as_one_who_cannot_tell() {
        use OutputLabel::{Bad, Good, Skip, Unsure};
        assert_eq!(together([]), None);
        assert_eq!(together([Skip, Skip]), None);
        assert_eq!(together([Bad, Skip]), Some((Bad, false)));
        assert_eq!(together([Good, Good]), Some((Good, false)));
        assert_eq!(together([Good, Bad, Good]), Some((Unsure, true)));
        assert_eq!(together([Unsure, Bad]), Some((Unsure, true)));
    }

    #[test]
    fn agreement_counts_only_what_two_people_read_and_is_corrected_for_chance() {
        use OutputLabel::{Bad, Good, Skip, Unsure};
        assert_eq!(agreement([vec![Good], vec![Bad, Skip]]), None);
        let all_the_same = agreement([vec![Good, Good], vec![Good, Good]]).unwrap();
        assert_eq!((all_the_same.outputs, all_the_same.same, all_the_same.kappa), (2, 2, None));
        // Two people, ten outputs: 4 both good, 4 both bad, 2 differ. Observed 0.8, by chance 0.5: kappa 0.6.
        let mut said = vec![vec![Good, Good]; 4];
        said.extend(vec![vec![Bad, Bad]; 4]);
        said.extend([vec![Good, Bad], vec![Bad, Good]]);
        let told = agreement(said).unwrap();
        assert_eq!((told.outputs, told.same), (10, 8));
        assert!((told.kappa.unwrap() - 0.6).abs() < 1e-12, "{told:?}");
        // Three people: observed (1 + 1/3 + 1 + 1/3)/4, by chance (4² + 6² + 2²)/12²: kappa 5/11.
        let three = [vec![Good, Good, Good], vec![Good, Bad, Bad], vec![Bad, Bad, Bad], vec![Bad, Unsure, Unsure]];
        assert!((agreement(three).unwrap().kappa.unwrap() - 5.0 / 11.0).abs() < 1e-9);
    }

    #[test]
    fn as_many_more_labels_as_are_asked_for_do_settle_it_mostly() {
        // The rates stay as they are, and so many more are read of each side: at least two in three are settled then.
        let mut dice = super::super::dice::Dice(11);
        for (was, is) in [(40, 400), (100, 500), (0, 300)] {
            let mut draw = |n: u64, per_mille: u64| {
                let bad = (0..n).filter(|_| dice.next() % 1_000 < per_mille).count() as u64;
                labels(n - bad, bad)
            };
            let (mut asked, mut settled) = (0, 0);
            for _ in 0..400 {
                let (before, since) = (draw(8, was), draw(8, is));
                let Answer::NotYet { more } = answer(before, since) else { continue };
                if more > MOST_MORE {
                    continue;
                }
                let (then, now) = (draw(more, before.bad * 125), draw(more, since.bad * 125));
                let sum = |a: Labels, b: Labels| labels(a.good + b.good, a.bad + b.bad);
                asked += 1;
                settled += u64::from(!matches!(answer(sum(before, then), sum(since, now)), Answer::NotYet { .. }));
            }
            assert!(asked > 50 && settled * 3 >= asked * 2, "{was} {is}: {settled} of {asked}");
        }
    }

    proptest! {
        #[test]
        fn a_larger_sample_begins_with_the_smaller_one(n in 0u8..60, seed: u64, k in 0usize..70) {
            let traces: Vec<TraceId> = (0..n).map(|n| TraceId([n; 16])).collect();
            let all = draw(traces.iter().copied(), seed, usize::MAX);
            prop_assert_eq!(all.len(), usize::from(n));
            prop_assert_eq!(&draw(traces.into_iter().rev(), seed, k)[..], &all[..k.min(all.len())]);
        }

        #[test]
        fn any_labels_have_an_answer(a in 0u64..80, b in 0u64..80, c in 0u64..80, d in 0u64..80) {
            let said = answer(labels(a, b), labels(c, d));
            if let Answer::NotYet { more } = said {
                prop_assert!((1..=MOST_MORE + 1).contains(&more));
            }
        }
    }
}
