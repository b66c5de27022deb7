//! Which variable moved: the change of an outcome, taken apart.
//!
//! **For:** telling a shift of traffic from a change of behaviour, and one moved surface from another.
//! **In:** [`Columns`] of runs and the moment the outcome moved. **Out:** an [`Attribution`]: so much of the change is mix, so
//! much is within slices, and each moved surface explains it, does not, or cannot be told from another, with the test that
//! would tell.
//! **Never:** names a surface of which nothing was captured, or one that another moved together with.
//!
//! The share of traffic mix follows Kitagawa (1955, JASA 50:1168); the effect of one value against the others is the
//! Mantel–Haenszel risk difference over slices (Greenland & Robins 1985, Biometrics 41:55) with the variance of Sato (1989,
//! Biometrics 45:1323); many surfaces at once are corrected by Benjamini & Hochberg (1995, JRSS B 57:289).

mod columns;
mod mix;
mod power;
mod rows;
mod strata;

pub use columns::{Columns, Row};
pub use mix::Mix;
pub use power::{Arms, between, runs_per_arm};
pub(super) use rows::columns_of;
pub use strata::{Effect, Stratum};

use super::stats;
use columns::{Held, Split};

use serde::{Deserialize, Serialize};

use crate::event::{Surface, Time, Untrusted};

/// Fewer runs than this on either side of a comparison say nothing.
const LEAST: u64 = 8;
/// At most so many moved values are held against each other; those that moved most come first.
const MOST_MOVED: usize = 8;
/// A value has moved when its share of the runs rose by this much.
const ROSE: f64 = 0.05;

/// The change of an outcome around a moment, taken apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// Runs with a known outcome before, and how many of them were bad.
    pub before: (u64, u64),
    /// Runs with a known outcome since, and how many of them were bad.
    pub since: (u64, u64),
    /// How much of the change is traffic, and how much is within slices.
    pub mix: Mix,
    /// Every surface that moved, the best explanation first.
    pub moved: Vec<Moved>,
    /// Slices that had too many values to be compared by, and how many they had.
    pub left_out: Vec<(Untrusted, u64)>,
}

/// One value of a surface that came or spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Which surface.
    pub surface: Surface,
    /// Which part of it, such as `served model`.
    pub part: Untrusted,
    /// The value.
    pub value: Untrusted,
    /// Its share of the runs before and since, 0 to 1.
    pub share: (f64, f64),
    /// How much more often runs that carry it are bad, within slices and with each other moved value held still;
    /// `None` = no slice has runs with and without it.
    pub effect: Option<Effect>,
    /// The same among runs since only, side by side: what else changed at the same time, seen or not, cannot make it.
    /// `None` = it came everywhere at once.
    pub side_by_side: Option<Effect>,
    /// Chance of an effect this large if it had none, after correction for how many were looked at.
    pub q: f64,
    /// What that says.
    pub standing: Standing,
}

/// What the runs say of a moved surface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Standing {
    /// Runs that carry it are worse than runs that do not, whatever else moved.
    Explains,
    /// Runs that carry it are no worse.
    Innocent,
    /// The runs are too few to say.
    TooFew,
    /// It moved together with others, so the runs cannot say which of them it was; this would.
    Confounded {
        /// Places in [`Attribution::moved`] of the others.
        with: Vec<usize>,
        /// The smallest experiment that tells them apart.
        test: Arms,
    },
}

/// The outcome before and since a moment, whatever moved.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Compared {
    /// Runs with a known outcome before, and how many of them were bad.
    pub before: (u64, u64),
    /// Runs with a known outcome since, and how many of them were bad.
    pub since: (u64, u64),
    /// How much of the change is traffic, and how much is within slices.
    pub mix: Mix,
    /// How many standard deviations worse it is since, within slices; positive = worse.
    pub z: f64,
}

impl Compared {
    fn of(tables: &[Stratum]) -> Self {
        let sum = |of: fn(&Stratum) -> u64| tables.iter().map(of).sum::<u64>();
        Self {
            before: (sum(|s| s.without), sum(|s| s.bad_without)),
            since: (sum(|s| s.with), sum(|s| s.bad_with)),
            mix: mix::decompose(tables),
            z: strata::z(tables),
        }
    }
}

/// Compares several outcomes, each told for every run by its place, before and since `moment` within slices, without asking
/// what moved.
#[must_use]
pub fn compare(columns: &Columns, moment: Time, outcomes: &[&[Option<bool>]]) -> Vec<Compared> {
    let split = Split::at(moment);
    let strata = columns.strata(split);
    outcomes.iter().map(|bad| Compared::of(&columns.told(split, &strata, bad))).collect()
}

/// Which slice of traffic each run is in, by number, when the runs before `moment` are compared with those since.
#[must_use]
pub fn slices(columns: &Columns, moment: Time) -> Vec<usize> {
    columns.strata(Split::at(moment)).of
}

/// Takes apart how the outcome changed at `moment`, from the runs of `columns`.
#[must_use]
pub fn attribute(columns: &Columns, moment: Time) -> Attribution {
    let split = Split::at(moment);
    let candidates = columns.moved(split, ROSE, MOST_MOVED);
    let cells = columns.cells(split, &candidates);
    let Compared { before, since, mix, .. } = Compared::of(&cells.before_and_since());
    let effect = |j, held| strata::effect(&cells.by(j, held), LEAST);
    let places = 0..candidates.len();
    let alone: Vec<Option<Effect>> = places.clone().map(|j| effect(j, Held::Nothing)).collect();
    let side_by_side: Vec<Option<Effect>> = places.clone().map(|j| effect(j, Held::Time)).collect();
    let mut weakest: Vec<Option<Effect>> =
        side_by_side.iter().zip(&alone).map(|(beside, alone)| beside.or(*alone)).collect();
    let mut together: Vec<Vec<usize>> = vec![Vec::new(); candidates.len()];
    for (j, k) in places.clone().flat_map(|j| places.clone().map(move |k| (j, k))).filter(|(j, k)| j != k) {
        // Held still, the other must leave runs with and without this one; else nobody can tell the two apart.
        match effect(j, Held::Other(k)) {
            None => together[j].push(k),
            Some(held) if weakest[j].is_none_or(|seen| held.difference < seen.difference) => weakest[j] = Some(held),
            Some(_) => {}
        }
    }
    let ps: Vec<Option<f64>> = weakest.iter().map(|effect| effect.map(|effect| effect.p)).collect();
    let qs = stats::benjamini_hochberg(&ps);
    let rates = (rate(before), rate(since));
    let standing = |j: usize| match weakest[j].filter(|_| alone[j].is_some()) {
        Some(effect) if !effect.may_explain(rates.1 - rates.0) => Standing::Innocent,
        Some(_) if !together[j].is_empty() => {
            Standing::Confounded { with: together[j].clone(), test: power::between(rates, 1 + together[j].len()) }
        }
        Some(effect) if effect.low > 0.0 && qs[j] <= 0.05 => Standing::Explains,
        _ => Standing::TooFew,
    };
    let moved: Vec<Moved> = candidates
        .iter()
        .enumerate()
        .map(|(j, candidate)| Moved {
            surface: candidate.surface,
            part: candidate.part.clone(),
            value: candidate.value.clone(),
            share: candidate.share,
            effect: weakest[j],
            side_by_side: side_by_side[j],
            q: qs[j],
            standing: standing(j),
        })
        .collect();
    Attribution { before, since, mix, moved: ranked(&moved), left_out: cells.left_out }
}

impl Attribution {
    /// The share of bad runs before and since.
    #[must_use]
    pub fn rates(&self) -> (f64, f64) {
        (rate(self.before), rate(self.since))
    }
}

/// The best explanation first; what `with` points at moves along.
fn ranked(moved: &[Moved]) -> Vec<Moved> {
    let place = |m: &Moved| match m.standing {
        Standing::Explains => 0,
        Standing::Confounded { .. } => 1,
        Standing::TooFew => 2,
        Standing::Innocent => 3,
    };
    let size = |m: &Moved| m.effect.map_or(0.0, |effect| effect.difference);
    let mut order: Vec<usize> = (0..moved.len()).collect();
    order.sort_by(|a, b| {
        place(&moved[*a]).cmp(&place(&moved[*b])).then(size(&moved[*b]).total_cmp(&size(&moved[*a]))).then(a.cmp(b))
    });
    let mut new_place = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        new_place[*old] = new;
    }
    let mut sorted: Vec<Moved> = order.iter().map(|old| moved[*old].clone()).collect();
    for one in &mut sorted {
        if let Standing::Confounded { with, .. } = &mut one.standing {
            for other in with.iter_mut() {
                *other = new_place[*other];
            }
            with.sort_unstable();
        }
    }
    sorted
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn rate((n, bad): (u64, u64)) -> f64 {
    if n == 0 { 0.0 } else { bad as f64 / n as f64 }
}

#[cfg(test)]
mod tests;
