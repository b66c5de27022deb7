//! What became of the runs before and since a moment: the attribution's numbers, for the worst verdict, at any moment.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Policy, Time, Untrusted};
use crate::surface::attribution::{Attribution, Columns, Compared, Effect, attribute, compare, slices};
use crate::surface::{RunFacts, in_columns, stats};

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
    columns: Columns,
    proxies: Vec<Untrusted>,
    /// By proxy, then by run: whether it failed.
    bad: Vec<Vec<Option<bool>>>,
    /// By moment that is tried when none is given, then by proxy.
    compared: BTreeMap<usize, Vec<Compared>>,
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
        let mut bad: Vec<Vec<Option<bool>>> = proxies
            .iter()
            .map(|proxy| runs.iter().map(|run| run.passed(proxy.raw()).map(|ok| !ok)).collect())
            .collect();
        if proxies.is_empty() {
            // Without any judge, how the runs ended is the only proxy there is.
            bad.push(runs.iter().map(|run| Some(run.stop.class.is_bad())).collect());
            proxies.push("stop".into());
        }
        let mut slices = BTreeMap::new();
        for name in runs.iter().flat_map(|run| run.slices.keys()).collect::<BTreeSet<_>>() {
            let values: Vec<&str> = runs.iter().map(|run| run.slices.get(name).map_or("", Untrusted::raw)).collect();
            let kinds = tally(values.iter().copied()).len();
            if (2..=MAX_VALUES).contains(&kinds) {
                slices.insert(*name, values);
            }
        }
        let columns = in_columns(runs);
        let mut view = Self { runs: runs.to_vec(), columns, proxies, bad, compared: BTreeMap::new(), slices };
        view.compared = view.splits().map(|split| (split, view.compare(split))).collect();
        view
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
        self.worst(split, within)
    }

    /// The same over all runs, whatever their slice.
    pub(super) fn crude_at(&self, split: usize) -> Outcome {
        self.worst(split, crude)
    }

    fn worst(&self, split: usize, of: impl Fn(&Compared) -> f64) -> Outcome {
        let all = self.compared_at(split);
        let weights = all.iter().map(|compared| ln_bayes(of(compared), compared)).enumerate();
        let Some((proxy, weight)) = weights.max_by(|a, b| a.1.total_cmp(&b.1)) else { return Outcome::default() };
        #[expect(clippy::cast_precision_loss, reason = "a count of verdicts")]
        let many = (self.proxies.len().max(1) as f64).ln();
        Outcome {
            weight: weight - if weight > 0.0 { many } else { 0.0 },
            text: text(&self.proxies[proxy], &all[proxy]),
            split: Some(split),
        }
    }

    /// One verdict at a split, within slices.
    pub(super) fn proxy_at(&self, proxy: usize, split: usize) -> Outcome {
        let compared = self.compared_at(split)[proxy];
        let text = text(&self.proxies[proxy], &compared);
        Outcome { weight: ln_bayes(compared.z, &compared), text, split: Some(split) }
    }

    /// The moment at which one verdict moved most, its weight averaged over all moments it could have been.
    pub(super) fn best_of(&self, proxy: usize) -> Outcome {
        self.scan(|split| self.proxy_at(proxy, split))
    }

    /// The verdict that moved most, each at the moment it moved most.
    pub(super) fn worst_of_each(&self) -> Outcome {
        let all = (0..self.proxies.len()).map(|proxy| self.best_of(proxy));
        all.max_by(|a, b| a.weight.total_cmp(&b.weight)).unwrap_or_default()
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

    /// The change of the verdict that moved most at a split, taken apart by what moved with it.
    pub(super) fn attributed(&self, split: usize) -> Attribution {
        let all = self.compared_at(split);
        let worst = (0..all.len()).max_by(|a, b| all[*a].z.total_cmp(&all[*b].z)).unwrap_or(0);
        attribute(&self.columns.judged(|run| self.bad[worst][run]), self.runs[split].start)
    }

    /// Which slice of traffic each run is in when it is compared at a split.
    pub(super) fn slices_at(&self, split: usize) -> Vec<usize> {
        slices(&self.columns, self.runs[split].start)
    }

    fn compared_at(&self, split: usize) -> Vec<Compared> {
        self.compared.get(&split).cloned().unwrap_or_else(|| self.compare(split))
    }

    fn compare(&self, split: usize) -> Vec<Compared> {
        let outcomes: Vec<&[Option<bool>]> = self.bad.iter().map(Vec::as_slice).collect();
        compare(&self.columns, self.runs[split].start, &outcomes)
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

/// How many standard deviations worse, within slices.
fn within(compared: &Compared) -> f64 {
    compared.z
}

/// The same whatever the slice.
fn crude(compared: &Compared) -> f64 {
    let (before, since) = (compared.before, compared.since);
    stats::mantel_haenszel_z(&[(before.1, before.0, since.1, since.0)])
}

/// How much worse things get that page somebody: about thirty points, and hardly ever fewer than none. Set by hand while
/// reading the development cases.
const PAGES: (f64, f64) = (0.3, 0.2);

/// Weight of `z` standard deviations worse, given how exactly the change within slices is known. That it did not get worse
/// speaks against the more, the more runs there are.
fn ln_bayes(z: f64, compared: &Compared) -> f64 {
    let (low, high) = compared.mix.within_interval;
    let error = (high - low) / 2.0 / stats::Z_95;
    stats::ln_bayes_expected(z * error, error, PAGES)
}

/// The same for `effect`, of a value against the others side by side.
pub(super) fn ln_bayes_of(effect: &Effect) -> f64 {
    stats::ln_bayes_expected(effect.difference, (effect.high - effect.low) / 2.0 / stats::Z_95, PAGES)
}

/// `task_success failed in 13 of 25 runs before, 22 of 25 since: within slices 34 points worse (14 to 55), traffic explains 2
/// (-6 to 10)`.
fn text(proxy: &Untrusted, compared: &Compared) -> String {
    let ((n0, bad0), (n1, bad1), mix) = (compared.before, compared.since, &compared.mix);
    let part = |share: f64, (low, high): (f64, f64)| format!("{} ({} to {})", points(share), points(low), points(high));
    let better = mix.within < 0.0;
    let within = if better {
        part(-mix.within, (-mix.within_interval.1, -mix.within_interval.0))
    } else {
        part(mix.within, mix.within_interval)
    };
    format!(
        "{} failed in {bad0} of {n0} runs before, {bad1} of {n1} since: within slices {within} points {}, traffic explains {}",
        say(proxy),
        if better { "better" } else { "worse" },
        part(mix.mix, mix.mix_interval),
    )
}

/// Counts by value.
fn tally<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, u64> {
    values.fold(BTreeMap::new(), |mut counts, value| {
        *counts.entry(value).or_default() += 1;
        counts
    })
}

/// A share in points.
pub(super) fn points(share: f64) -> String {
    format!("{:.0}", (share * 100.0).round() + 0.0)
}

pub(super) fn say(text: &Untrusted) -> String {
    text.show(Policy::Prose).as_str().to_owned()
}

pub(super) fn clock(at: Time) -> String {
    at.strftime("%H:%M:%S").to_string()
}
