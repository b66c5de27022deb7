//! What became of the runs before and since a moment, over all and within traffic slices.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Policy, Time, Untrusted};
use crate::surface::{RunFacts, stats};

use super::super::super::candidate::ln_mean_exp;

/// Fewer runs than this on one side of a moment say nothing about it.
pub(super) const LEAST_SIDE: usize = 5;

/// A comparison of before and since.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// Log Bayes factor that something moved for the worse; negative: it did not.
    pub weight: f64,
    /// With its numbers.
    pub text: String,
    /// The first run since.
    pub split: Option<usize>,
}

/// The runs, oldest first, with what is asked of them again and again.
pub(super) struct View<'a> {
    pub runs: Vec<&'a RunFacts>,
    proxies: Vec<Untrusted>,
    bad: BTreeMap<Untrusted, Vec<Option<bool>>>,
    slices: BTreeMap<&'static str, Vec<&'a str>>,
}

/// A slice whose mix moved.
pub(super) struct Mix {
    pub weight: f64,
    pub split: usize,
    pub text: String,
}

/// At most so many values of a slice; a value per request is no slice.
const MAX_VALUES: usize = 12;
/// At most so many moments are tried when none is given.
const MAX_SPLITS: usize = 200;

impl<'a> View<'a> {
    pub(super) fn of(runs: &[&'a RunFacts]) -> Self {
        let mut counts: BTreeMap<&Untrusted, usize> = BTreeMap::new();
        for name in runs.iter().flat_map(|run| &run.evaluations).map(|evaluation| &evaluation.name) {
            *counts.entry(name).or_default() += 1;
        }
        let mut proxies: Vec<Untrusted> =
            counts.into_iter().filter(|(_, n)| *n * 2 >= runs.len()).map(|(name, _)| name.clone()).collect();
        proxies.truncate(20);
        let mut bad: BTreeMap<Untrusted, Vec<Option<bool>>> = proxies
            .iter()
            .map(|p| (p.clone(), runs.iter().map(|run| run.passed(p.raw()).map(|ok| !ok)).collect()))
            .collect();
        if proxies.is_empty() {
            // Without any judge, how the runs ended is the only proxy there is.
            let stop = Untrusted::from("stop");
            bad.insert(stop.clone(), runs.iter().map(|run| Some(run.stop.class.is_bad())).collect());
            proxies.push(stop);
        }
        let mut slices = BTreeMap::new();
        for name in runs.iter().flat_map(|run| run.slices.keys()).collect::<BTreeSet<_>>() {
            let values: Vec<&str> = runs.iter().map(|run| run.slices.get(name).map_or("", Untrusted::raw)).collect();
            let kinds = tally(values.iter().copied()).len();
            if (2..=MAX_VALUES).contains(&kinds) {
                slices.insert(*name, values);
            }
        }
        Self { runs: runs.to_vec(), proxies, bad, slices }
    }

    /// The verdicts most runs carry.
    pub(super) fn proxies(&self) -> &[Untrusted] {
        &self.proxies
    }

    /// Whether a split leaves enough runs on both sides.
    pub(super) fn is_inner(&self, split: usize) -> bool {
        split >= LEAST_SIDE && self.runs.len() >= split + LEAST_SIDE
    }

    /// The moments to try when none is given.
    pub(super) fn splits(&self) -> impl Iterator<Item = usize> + '_ {
        let every = self.runs.len().div_ceil(MAX_SPLITS).max(1);
        (LEAST_SIDE..self.runs.len()).step_by(every).filter(|split| self.is_inner(*split))
    }

    /// The worst-moved verdict at a split, within slices; corrected for the number of verdicts.
    pub(super) fn at(&self, split: usize) -> Outcome {
        self.worst(split, |proxy| self.proxy_at(proxy, split))
    }

    /// The same over all runs, whatever their slice.
    pub(super) fn crude_at(&self, split: usize) -> Outcome {
        self.worst(split, |proxy| self.compare(proxy, split, None))
    }

    fn worst(&self, split: usize, of: impl Fn(&Untrusted) -> Outcome) -> Outcome {
        let all = self.proxies.iter().map(of);
        let best = all.max_by(|a, b| a.weight.total_cmp(&b.weight)).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a count of verdicts")]
        let many = (self.proxies.len().max(1) as f64).ln();
        Outcome {
            weight: best.weight - if best.weight > 0.0 { many } else { 0.0 },
            text: best.text,
            split: Some(split),
        }
    }

    /// One verdict at a split, within the slice whose mix moved most.
    pub(super) fn proxy_at(&self, proxy: &Untrusted, split: usize) -> Outcome {
        let slice = self.slices.keys().map(|name| (self.mix(name, split), *name)).max_by(|a, b| a.0.total_cmp(&b.0));
        self.compare(proxy, split, slice.map(|(_, name)| name))
    }

    /// The moment at which one verdict moved most, its weight averaged over all moments it could have been.
    pub(super) fn best_of(&self, proxy: &Untrusted) -> Outcome {
        self.scan(|split| self.proxy_at(proxy, split))
    }

    /// The worst-moved verdict at the moment it moved most, averaged likewise.
    pub(super) fn worst_anywhere(&self) -> Outcome {
        self.scan(|split| self.at(split))
    }

    /// Averages Bayes factors over unknown moments; names the best.
    pub(super) fn scan(&self, of: impl Fn(usize) -> Outcome) -> Outcome {
        let all: Vec<(usize, Outcome)> = self.splits().map(|split| (split, of(split))).collect();
        let weight = ln_mean_exp(&all.iter().map(|(_, outcome)| outcome.weight).collect::<Vec<_>>());
        let best = all.into_iter().max_by(|a, b| a.1.weight.total_cmp(&b.1.weight).then(b.0.cmp(&a.0)));
        best.map_or_else(Outcome::default, |(split, outcome)| Outcome {
            weight,
            text: outcome.text,
            split: Some(split),
        })
    }

    /// The worst-moved at the moment it moved most, not averaged.
    pub(super) fn most(&self, of: impl Fn(usize) -> Outcome) -> Outcome {
        self.splits().map(of).max_by(|a, b| a.weight.total_cmp(&b.weight)).unwrap_or_default()
    }

    fn compare(&self, proxy: &Untrusted, split: usize, slice: Option<&'static str>) -> Outcome {
        let Some(bad) = self.bad.get(proxy) else { return Outcome::default() };
        let values = slice.and_then(|name| self.slices.get(name));
        let mut strata: BTreeMap<&str, (u64, u64, u64, u64)> = BTreeMap::new();
        let mut total = (0, 0, 0, 0);
        for (i, bad) in bad.iter().enumerate() {
            let Some(bad) = bad else { continue };
            for counts in [&mut total, strata.entry(values.map_or("", |values| values[i])).or_default()] {
                if i < split {
                    counts.0 += u64::from(*bad);
                    counts.1 += 1;
                } else {
                    counts.2 += u64::from(*bad);
                    counts.3 += 1;
                }
            }
        }
        let z = stats::mantel_haenszel_z(&strata.values().copied().collect::<Vec<_>>());
        #[expect(clippy::cast_precision_loss, reason = "a count of runs")]
        let n = (total.1 + total.3) as f64;
        // Better than before is no failure: it speaks against as nothing at all does.
        // A sixth of a run's information in the prior: effects of the size that pages people are expected to be large.
        let weight = stats::ln_bayes_of_z(z.max(0.0), n / 6.0);
        let text = format!("{} failed {} of {} before, {} of {} since", say(proxy), total.0, total.1, total.2, total.3);
        Outcome { weight, text, split: Some(split) }
    }

    fn mix(&self, slice: &str, split: usize) -> f64 {
        let Some(values) = self.slices.get(slice) else { return 0.0 };
        let (before, after) = (tally(values[..split].iter().copied()), tally(values[split..].iter().copied()));
        let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        let counts =
            |of: &BTreeMap<&str, u64>| names.iter().map(|name| of.get(name).copied().unwrap_or(0)).collect::<Vec<_>>();
        stats::ln_bayes_two_mixes(&counts(&before), &counts(&after))
    }

    /// The slice whose mix moved most, and when; averaged over moments and slices.
    pub(super) fn best_mix(&self) -> Option<Mix> {
        let mut best: Option<(f64, usize, &'static str)> = None;
        let mut averaged: f64 = f64::NEG_INFINITY;
        for name in self.slices.keys() {
            let all: Vec<(usize, f64)> = self.splits().map(|split| (split, self.mix(name, split))).collect();
            averaged = averaged.max(ln_mean_exp(&all.iter().map(|(_, weight)| *weight).collect::<Vec<_>>()));
            for (split, weight) in all {
                if best.is_none_or(|(most, ..)| weight > most) {
                    best = Some((weight, split, name));
                }
            }
        }
        let (_, split, name) = best?;
        let values = self.slices.get(name)?;
        let (before, after) = (tally(values[..split].iter().copied()), tally(values[split..].iter().copied()));
        let all: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        let count = |of: &BTreeMap<&str, u64>, value: &str| of.get(value).copied().unwrap_or(0);
        let said: Vec<String> = all
            .iter()
            .take(5)
            .map(|value| format!("{} {} → {}", say(&(*value).into()), count(&before, value), count(&after, value)))
            .collect();
        let text = format!("the mix by {name} moved at {}: {}", clock(self.runs[split].start), said.join(", "));
        #[expect(clippy::cast_precision_loss, reason = "a count of slices")]
        let many = (self.slices.len().max(1) as f64).ln();
        Some(Mix { weight: averaged - many, split, text })
    }
}

/// The best moment of a yes/no sequence to have become more frequent, and the log Bayes factor averaged over moments.
pub(super) fn best_split(flags: &[bool]) -> Option<(usize, f64)> {
    let n = flags.len();
    let every = n.div_ceil(MAX_SPLITS).max(1);
    let mut sums = vec![0_u64; n + 1];
    for (i, flag) in flags.iter().enumerate() {
        sums[i + 1] = sums[i] + u64::from(*flag);
    }
    let mut weights = Vec::new();
    for split in (LEAST_SIDE..n.saturating_sub(LEAST_SIDE - 1)).step_by(every) {
        let (k1, k2) = (sums[split], sums[n] - sums[split]);
        let (n1, n2) = (split as u64, (n - split) as u64);
        let worse = k2 * n1 > k1 * n2;
        let weight = stats::ln_bayes_two_proportions(k1, n1, k2, n2);
        weights.push((split, if worse { weight } else { weight.min(0.0) }));
    }
    let best = weights.iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?.0;
    Some((best, ln_mean_exp(&weights.iter().map(|(_, weight)| *weight).collect::<Vec<_>>())))
}

/// Counts by value.
fn tally<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, u64> {
    values.fold(BTreeMap::new(), |mut counts, value| {
        *counts.entry(value).or_default() += 1;
        counts
    })
}

pub(super) fn say(text: &Untrusted) -> String {
    text.show(Policy::Prose).as_str().to_owned()
}

pub(super) fn clock(at: Time) -> String {
    at.strftime("%H:%M:%S").to_string()
}
