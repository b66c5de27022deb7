//! Whether something is as it was: shown to be the same within a margin, which is more than not shown to differ.
//!
//! Two one-sided tests (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657) at 5 % each: two shares are the same within a margin
//! when the 90 % interval of their difference lies within it. The interval is Newcombe's hybrid of two score intervals (1998,
//! Stat. Med. 17:873, method 10), which holds for shares near 0 and for few runs. Several shares are the same together when each of
//! them is, without any correction (an intersection–union test: Berger 1982, Technometrics 24:295).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::around::{in_columns, was_bad};
use super::attribution::{Mix, compare};
use super::run::RunFacts;
use super::stats::{newcombe, wilson};
use super::stop::StopClass;

/// The 95 % quantile of the standard normal distribution: of each of the two tests.
const Z_ONE_SIDED: f64 = 1.644_853_626_951_472_2;
/// Two shares that differ by less than this are the same to whoever is asked whether it is over: five of a hundred runs.
pub const MARGIN: f64 = 0.05;
/// More runs than this are waited for by nobody.
const MOST_RUNS: u64 = 100_000;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Of these …
    pub of: u64,
    /// … among so many.
    pub all: u64,
}

impl Share {
    /// So many of so many.
    #[must_use]
    pub fn new(of: u64, all: u64) -> Self {
        Self { of: of.min(all), all }
    }

    /// As a number, 0 to 1; of nothing, 0.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
    pub fn rate(self) -> f64 {
        if self.all == 0 { 0.0 } else { self.of as f64 / self.all as f64 }
    }

    /// In words: `3 of 40 (3–20 %)`, with its 95 % interval (Wilson).
    #[must_use]
    pub fn in_words(self) -> String {
        if self.all == 0 {
            return "no runs".to_owned();
        }
        let (low, high) = wilson(self.of, self.all);
        format!("{} of {} ({:.0}–{:.0} %)", self.of, self.all, low * 100.0, high * 100.0)
    }
}

/// Two shares, and what may be said of their difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Equivalence {
    /// Before.
    pub before: Share,
    /// After.
    pub after: Share,
    /// How far the two may lie apart and still be the same, 0 to 1.
    pub margin: f64,
    /// The share after less the share before: its 90 % interval, −1 to 1.
    pub interval: (f64, f64),
    /// What that says.
    pub verdict: Verdict,
}

/// What two shares say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Verdict {
    /// Shown to be the same within the margin.
    Same,
    /// Surely more than before.
    More,
    /// Surely less than before.
    Less,
    /// Too few runs to say.
    Unclear {
        /// So many more would be enough, if they are as those before; `None` = no number would, for want of runs before.
        more: Option<u64>,
    },
}

/// Whether the share `after` is the share `before`, within `margin` (0 to 1).
#[must_use]
pub fn equivalent(before: Share, after: Share, margin: f64) -> Equivalence {
    let interval = newcombe((after.of, after.all), (before.of, before.all), Z_ONE_SIDED);
    let verdict = match interval {
        _ if before.all == 0 => Verdict::Unclear { more: None },
        _ if after.all == 0 => Verdict::Unclear { more: wanted(before, after, margin) },
        (low, high) if low > -margin && high < margin => Verdict::Same,
        (low, _) if low > 0.0 => Verdict::More,
        (_, high) if high < 0.0 => Verdict::Less,
        _ => Verdict::Unclear { more: wanted(before, after, margin) },
    };
    Equivalence { before, after, margin, interval, verdict }
}

/// The fewest more runs that would show that nothing is left of a difference, if each is as those before were.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
fn wanted(before: Share, after: Share, margin: f64) -> Option<u64> {
    let enough = |more: u64| {
        let of = after.of + (before.rate() * more as f64).round() as u64;
        let (low, high) = newcombe((of, after.all + more), (before.of, before.all), Z_ONE_SIDED);
        low > -margin && high < margin
    };
    let mut most = 1;
    while !enough(most) {
        most *= 2;
        if most > MOST_RUNS {
            return None;
        }
    }
    let (mut least, mut most) = (most / 2, most);
    while least + 1 < most {
        let middle = u64::midpoint(least, most);
        if enough(middle) {
            most = middle;
        } else {
            least = middle;
        }
    }
    Some(most)
}

impl Equivalence {
    /// What it says, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self.verdict {
            Verdict::Unclear { more: Some(more) } if self.after.all == 0 => {
                format!("none to compare yet; {more} would do")
            }
            verdict => words(verdict, self.interval, self.margin),
        }
    }
}

fn words(verdict: Verdict, (low, high): (f64, f64), margin: f64) -> String {
    let points = format!("{:+.0} to {:+.0} points", low * 100.0, high * 100.0);
    match verdict {
        Verdict::Same => format!("the same within {:.0} points ({points})", margin * 100.0),
        Verdict::More => format!("more than before ({points})"),
        Verdict::Less => format!("less than before ({points})"),
        Verdict::Unclear { more: Some(more) } => {
            format!("too few runs to say ({points}); about {more} more would do")
        }
        Verdict::Unclear { more: None } => {
            format!("too few runs before it began to say ({points}), however many come")
        }
    }
}

/// What is compared of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They went wrong by any sign.
    Bad,
    /// They ended in this way.
    Ended(StopClass),
}

/// One thing compared of the runs before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What.
    pub what: Outcome,
    /// The plain shares.
    pub plain: Equivalence,
    /// How much of the difference is other traffic, where that surely moved it; then only what is left within the same
    /// traffic counts.
    pub mix: Option<Mix>,
    /// What counts.
    pub verdict: Verdict,
}

impl Measure {
    fn of(what: Outcome, before: Share, after: Share, mix: Mix, margin: f64) -> Self {
        let plain = equivalent(before, after, margin);
        let (low, high) = mix.mix_interval;
        // Of traffic that came or went whole nobody knows how it would have behaved on the other side.
        let moved = (low > 0.0 || high < 0.0) && mix.one_sided == 0;
        let verdict = match (plain.verdict, mix.within_interval) {
            _ if !moved => plain.verdict,
            (_, (low, high)) if low > -margin && high < margin => Verdict::Same,
            (_, (low, _)) if low > 0.0 => Verdict::More,
            (_, (_, high)) if high < 0.0 => Verdict::Less,
            (Verdict::Unclear { more }, _) => Verdict::Unclear { more },
            _ => Verdict::Unclear { more: wanted(before, after, margin) },
        };
        Self { what, plain, mix: moved.then_some(mix), verdict }
    }

    /// What it says, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self.mix {
            None => self.plain.in_words(),
            Some(mix) => format!(
                "within the same traffic {}; {:+.0} points are other traffic",
                words(self.verdict, mix.within_interval, self.plain.margin),
                mix.mix * 100.0
            ),
        }
    }
}

/// How often runs went wrong, and how often they ended in each way, before and after: what went wrong first, then the ways in
/// which any run ended. Empty where neither side has a run that tells.
#[must_use]
pub fn outcomes(before: &[&RunFacts], after: &[&RunFacts], margin: f64) -> Vec<Measure> {
    let runs: Vec<&RunFacts> = before.iter().chain(after).copied().collect();
    let ended = |run: &RunFacts| Some(run.stop.class).filter(|class| *class != StopClass::NotCaptured);
    let classes: BTreeSet<StopClass> = runs.iter().filter_map(|run| ended(run)).collect();
    let mut told: Vec<(Outcome, Vec<Option<bool>>)> =
        vec![(Outcome::Bad, runs.iter().map(|run| was_bad(run)).collect())];
    told.extend(classes.into_iter().map(|class| {
        let is = |run: &&RunFacts| ended(run).map(|own| own == class);
        (Outcome::Ended(class), runs.iter().map(is).collect())
    }));
    let Some(since) = after.iter().map(|run| run.start).min() else {
        let share = |told: &[Option<bool>]| share(told.iter());
        let plain =
            told.iter().map(|(what, told)| Measure::of(*what, share(told), Share::default(), Mix::default(), margin));
        return plain.filter(|one| one.plain.before.all > 0).collect();
    };
    // Each side is what it is by its place; for the comparison within traffic it must be so by time too.
    let apart = before.iter().all(|run| run.start < since);
    let columns: Vec<&[Option<bool>]> = told.iter().map(|(_, told)| told.as_slice()).collect();
    let within = if apart && !before.is_empty() { compare(&in_columns(&runs), since, &columns) } else { Vec::new() };
    let measures = told.iter().enumerate().map(|(place, (what, told))| {
        let (was, is) = told.split_at(before.len());
        let mix = within.get(place).map_or_else(Mix::default, |one| one.mix);
        Measure::of(*what, share(was.iter()), share(is.iter()), mix, margin)
    });
    measures.filter(|one| one.plain.before.all + one.plain.after.all > 0).collect()
}

fn share<'t>(told: impl Iterator<Item = &'t Option<bool>>) -> Share {
    let mut share = Share::default();
    for bad in told.flatten() {
        share.all += 1;
        share.of += u64::from(*bad);
    }
    share
}

/// What all of them say together: the same only where each is shown to be; else how the runs that went wrong differ; else that
/// something surely differs; else how many more runs are wanted.
#[must_use]
pub fn together(measures: &[Measure]) -> Verdict {
    let differs = |one: &&Measure| matches!(one.verdict, Verdict::More | Verdict::Less);
    let bad = measures.iter().find(|one| one.what == Outcome::Bad).filter(differs);
    // A bad way to end that is commoner outweighs one that is rarer.
    let worse = measures
        .iter()
        .find(|one| matches!((one.what, one.verdict), (Outcome::Ended(class), Verdict::More) if class.is_bad()));
    if let Some(one) = bad.or(worse).or_else(|| measures.iter().find(differs)) {
        return one.verdict;
    }
    let mut most = Some(0);
    for one in measures {
        if let Verdict::Unclear { more } = one.verdict {
            most = most.zip(more).map(|(a, b)| a.max(b));
        }
    }
    match most {
        Some(0) if !measures.is_empty() => Verdict::Same,
        Some(0) => Verdict::Unclear { more: None },
        more => Verdict::Unclear { more },
    }
}

#[cfg(test)]
mod tests;
