//! Runs as columns of small numbers, so that a million of them are counted in the time of a key press.

use std::collections::{BTreeMap, HashMap};

use crate::event::{Surface, Time, Untrusted};

use super::stats;
use super::strata::Stratum;

/// A surface with more values than this has no values: the rest count as one, and it is said.
const MOST_VALUES: usize = 1 << 12;
/// So many values of one slice are told apart; the rest count as one.
const MOST_IN_SLICE: usize = 24;
/// Fewer runs than this a slice, and comparing within slices compares nothing: the slice with most values is left out.
const RUNS_A_STRATUM: usize = 8;
/// The same where the mix by a slice did not move: there is little to be mistaken, and small strata cost what the runs could say.
const RUNS_A_STILL_STRATUM: usize = 48;
/// At most so many parts are told apart, such as the results of so many tools; more are not compared.
const MOST_PARTS: usize = 64;
/// At most so many strata.
const MOST_STRATA: usize = 1 << 10;

/// One run to be counted.
#[derive(Clone, Debug, Default)]
pub struct Row<'r> {
    /// When it began.
    pub at: Time,
    /// Whether it was bad; `None` = its outcome is not known.
    pub bad: Option<bool>,
    /// What it was made of: surface, part of it, value. A part not named was not captured.
    pub surfaces: Vec<(Surface, &'r Untrusted, &'r Untrusted)>,
    /// Which traffic it was: slice, value.
    pub slices: Vec<(&'r Untrusted, &'r Untrusted)>,
}

/// Values of one part by number; 0 = not captured, 1 = one of too many.
#[derive(Clone, Debug, Default)]
struct Column {
    names: Vec<Untrusted>,
    numbers: HashMap<Untrusted, u16>,
    runs: Vec<u16>,
    beyond: u64,
}

const NOT_CAPTURED: u16 = 0;
const ONE_OF_TOO_MANY: u16 = 1;
const NAMED: usize = 2;

impl Column {
    fn number(&mut self, value: &Untrusted) -> u16 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let Some(number) = u16::try_from(self.names.len() + NAMED).ok().filter(|_| self.names.len() < MOST_VALUES)
        else {
            self.beyond += 1;
            return ONE_OF_TOO_MANY;
        };
        self.names.push(value.clone());
        self.numbers.insert(value.clone(), number);
        number
    }

    fn set(&mut self, run: usize, number: u16) {
        self.runs.resize(self.runs.len().max(run + 1), NOT_CAPTURED);
        self.runs[run] = number;
    }

    fn of(&self, run: usize) -> u16 {
        self.runs.get(run).copied().unwrap_or(NOT_CAPTURED)
    }

    fn values(&self) -> usize {
        self.names.len() + NAMED
    }
}

/// Runs in columns. Memory: 2 bytes a run for each part and slice, and 9 for time and outcome.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    at: Vec<i64>,
    /// 0 = not known, 1 = good, 2 = bad.
    outcome: Vec<u8>,
    parts: BTreeMap<Surface, BTreeMap<Untrusted, Column>>,
    slices: BTreeMap<Untrusted, Column>,
}

/// A slice to compare by: its name, its values, and the numbers they get.
type Key<'c> = (&'c Untrusted, &'c Column, Vec<u16>);

/// Before and since: the moment in the unit of the column of times.
#[derive(Clone, Copy)]
pub(super) struct Split(i64);

impl Split {
    pub(super) fn at(moment: Time) -> Self {
        Self(nanoseconds(moment))
    }
}

/// A value of a surface that came or spread.
pub(super) struct Candidate {
    pub(super) surface: Surface,
    pub(super) part: Untrusted,
    pub(super) value: Untrusted,
    pub(super) share: (f64, f64),
    number: u16,
}

impl Columns {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many runs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Adds a run and says its place, by which it can be [`set`](Columns::set) again when more of it arrives.
    pub fn push(&mut self, row: &Row<'_>) -> usize {
        let place = self.at.len();
        self.at.push(0);
        self.outcome.push(0);
        self.set(place, row);
        place
    }

    /// Puts what is known now of the run at `place`. A place beyond the end is ignored.
    pub fn set(&mut self, place: usize, row: &Row<'_>) {
        let (Some(at), Some(outcome)) = (self.at.get_mut(place), self.outcome.get_mut(place)) else { return };
        *at = nanoseconds(row.at);
        *outcome = match row.bad {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        };
        for (surface, part, value) in &row.surfaces {
            let of = self.parts.entry(*surface).or_default();
            if of.len() >= MOST_PARTS && !of.contains_key(*part) {
                continue;
            }
            let column = of.entry((*part).clone()).or_default();
            let number = column.number(value);
            column.set(place, number);
        }
        for (slice, value) in &row.slices {
            let column = self.slices.entry((*slice).clone()).or_default();
            let number = column.number(value);
            column.set(place, number);
        }
    }

    /// The slices to compare by, each with the numbers its values get, and how many strata that makes. The slice whose mix
    /// moved most comes first, because only traffic that moved can be taken for behaviour; one is left out when with it
    /// most strata would hold too few runs.
    fn keys(&self, split: Split) -> (Vec<Key<'_>>, usize) {
        let most = (self.len() / RUNS_A_STRATUM).clamp(1, MOST_STRATA);
        let several = self.slices.iter().filter(|(_, column)| column.names.len() > 1 && column.beyond == 0);
        let mut by_move: Vec<(f64, Key<'_>)> = several
            .map(|(name, column)| {
                let key = (name, column, kept_values(column, self.len()));
                (self.mix_moved(split, &key), key)
            })
            .collect();
        by_move.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.0.cmp(b.1.0)));
        let (mut keys, mut strata) = (Vec::new(), 1);
        for (moved, key) in by_move {
            let values = values_of(&key.2);
            let room = if moved > 0.0 { most } else { most * RUNS_A_STRATUM / RUNS_A_STILL_STRATUM };
            if strata * values > room {
                continue;
            }
            strata *= values;
            keys.push(key);
        }
        (keys, strata)
    }

    /// How surely the mix by one slice moved: a log Bayes factor.
    fn mix_moved(&self, split: Split, (_, column, kept): &Key<'_>) -> f64 {
        let (mut before, mut since) = (vec![0; values_of(kept)], vec![0; values_of(kept)]);
        for (run, at) in self.at.iter().enumerate() {
            let side = if *at >= split.0 { &mut since } else { &mut before };
            side[usize::from(kept[usize::from(column.of(run))])] += 1;
        }
        stats::ln_bayes_two_mixes(&before, &since)
    }

    /// The same runs with their outcomes told by `bad`, by place.
    #[must_use]
    pub fn judged(&self, bad: impl Fn(usize) -> Option<bool>) -> Self {
        let outcome = |run| bad(run).map_or(0, |bad| 1 + u8::from(bad));
        Self { outcome: (0..self.len()).map(outcome).collect(), ..self.clone() }
    }

    /// Values whose share rose by at least `rose` since, those that rose most first; of one part only what rose.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(super) fn moved(&self, split: Split, rose: f64, most: usize) -> Vec<Candidate> {
        let mut moved = Vec::new();
        let parts =
            self.parts.iter().flat_map(|(surface, parts)| parts.iter().map(move |(part, c)| (surface, part, c)));
        for (surface, part, column) in parts {
            let mut counts = vec![(0u64, 0u64); column.values()];
            for (run, number) in column.runs.iter().enumerate().filter(|(_, number)| **number != NOT_CAPTURED) {
                let count = &mut counts[usize::from(*number)];
                if self.at[run] >= split.0 { count.1 += 1 } else { count.0 += 1 }
            }
            let all = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
            if all.0 == 0 || all.1 == 0 {
                continue;
            }
            for (i, name) in column.names.iter().enumerate() {
                let count = counts[i + NAMED];
                let share = (count.0 as f64 / all.0 as f64, count.1 as f64 / all.1 as f64);
                if let Some(number) = u16::try_from(i + NAMED).ok().filter(|_| share.1 - share.0 >= rose) {
                    let (part, value) = (part.clone(), name.clone());
                    moved.push(Candidate { surface: *surface, part, value, share, number });
                }
            }
        }
        moved.sort_by(|a, b| (b.share.1 - b.share.0).total_cmp(&(a.share.1 - a.share.0)));
        moved.truncate(most);
        moved
    }

    /// Which stratum each run is in.
    pub(super) fn strata(&self, split: Split) -> Strata<'_> {
        let (keys, strata) = self.keys(split);
        let mut of = vec![0usize; self.len()];
        for (_, column, kept) in &keys {
            let values = values_of(kept);
            for (run, stratum) in of.iter_mut().enumerate() {
                *stratum = *stratum * values + usize::from(kept[usize::from(column.of(run))]);
            }
        }
        Strata { of, strata, by: keys.into_iter().map(|(name, ..)| name).collect() }
    }

    /// Each stratum before (`without`) and since (`with`), by what `bad` says of each run.
    pub(super) fn told(&self, split: Split, strata: &Strata<'_>, bad: &[Option<bool>]) -> Vec<Stratum> {
        let mut tables = vec![Stratum::default(); strata.strata];
        for ((at, stratum), bad) in self.at.iter().zip(&strata.of).zip(bad) {
            if let Some(bad) = bad {
                tables[*stratum].add(*at >= split.0, u64::from(!*bad), u64::from(*bad));
            }
        }
        tables.retain(|table| table.with + table.without > 0);
        tables
    }

    /// Every run in a cell: its stratum, which of `candidates` it carries, and its outcome.
    pub(super) fn cells(&self, split: Split, candidates: &[Candidate]) -> Cells {
        let Strata { of: stratum_of, strata, by } = self.strata(split);
        let masks = 1usize << candidates.len();
        let mut counts = vec![[0u32; 2]; strata * masks * 2];
        let columns: Vec<_> = candidates
            .iter()
            .filter_map(|one| Some((self.parts.get(&one.surface)?.get(&one.part)?, one.number)))
            .collect();
        for run in (0..self.len()).filter(|run| self.outcome[*run] != 0) {
            let mut mask = 0;
            for (j, (column, number)) in columns.iter().enumerate() {
                mask |= usize::from(column.of(run) == *number) << j;
            }
            let since = usize::from(self.at[run] >= split.0);
            counts[(stratum_of[run] * 2 + since) * masks + mask][usize::from(self.outcome[run] == 2)] += 1;
        }
        let several = self.slices.iter().filter(|(_, column)| column.names.len() > 1);
        let unused = several.filter(|(name, _)| !by.contains(name));
        let left_out = unused.map(|(name, column)| (name.clone(), column.names.len() as u64 + column.beyond)).collect();
        Cells { counts, masks, left_out }
    }
}

/// Runs by stratum: which each is in, how many there are, and by which slices.
pub(super) struct Strata<'c> {
    pub(super) of: Vec<usize>,
    strata: usize,
    by: Vec<&'c Untrusted>,
}

/// What is held still while one value is held against the others.
#[derive(Clone, Copy)]
pub(super) enum Held {
    /// Nothing but the slices: runs before and since, with and without.
    Nothing,
    /// Another candidate.
    Other(usize),
    /// Time: only runs since, side by side.
    Time,
}

/// Runs by stratum, before and since, by which candidates they carry, and by outcome.
pub(super) struct Cells {
    counts: Vec<[u32; 2]>,
    masks: usize,
    /// Slices that were too many to compare by, and how many values they had.
    pub(super) left_out: Vec<(Untrusted, u64)>,
}

impl Cells {
    /// Each slice before (`without`) and since (`with`).
    pub(super) fn before_and_since(&self) -> Vec<Stratum> {
        let mut tables = vec![Stratum::default(); self.counts.len() / self.masks / 2];
        for (at, [good, bad]) in self.counts.iter().enumerate() {
            let (stratum, since) = (at / self.masks / 2, at / self.masks % 2 == 1);
            tables[stratum].add(since, u64::from(*good), u64::from(*bad));
        }
        tables.retain(|table| table.with + table.without > 0);
        tables
    }

    /// Runs with and without candidate `j`, slice by slice; what is held still makes slices of its own.
    pub(super) fn by(&self, j: usize, held: Held) -> Vec<Stratum> {
        let mut tables = vec![Stratum::default(); self.counts.len() / self.masks];
        for (at, [good, bad]) in self.counts.iter().enumerate().filter(|(_, count)| **count != [0, 0]) {
            let (stratum, since, mask) = (at / self.masks / 2, at / self.masks % 2, at % self.masks);
            let side = match held {
                Held::Nothing => 0,
                Held::Other(k) => mask >> k & 1,
                Held::Time if since == 0 => continue,
                Held::Time => 1,
            };
            tables[stratum * 2 + side].add(mask >> j & 1 == 1, u64::from(*good), u64::from(*bad));
        }
        tables
    }
}

/// How many numbers [`kept_values`] gave.
fn values_of(kept: &[u16]) -> usize {
    kept.iter().max().map_or(1, |most| usize::from(*most) + 1)
}

/// New numbers of a slice's values: its commonest get their own from 1 on, the rest 0; where there is no rest, from 0 on.
fn kept_values(column: &Column, runs: usize) -> Vec<u16> {
    let mut counts = vec![0usize; column.values()];
    column.runs.iter().for_each(|number| counts[usize::from(*number)] += 1);
    counts[usize::from(NOT_CAPTURED)] += runs.saturating_sub(column.runs.len());
    let mut order: Vec<usize> = (NAMED..counts.len()).collect();
    order.sort_by_key(|number| (std::cmp::Reverse(counts[*number]), *number));
    let rest = order.len() > MOST_IN_SLICE || counts[..NAMED].iter().any(|count| *count > 0);
    let mut kept = vec![0; counts.len()];
    for (new, number) in (u16::from(rest)..).zip(order.into_iter().take(MOST_IN_SLICE)) {
        kept[number] = new;
    }
    kept
}

fn nanoseconds(time: Time) -> i64 {
    let wide = time.as_nanosecond();
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}
