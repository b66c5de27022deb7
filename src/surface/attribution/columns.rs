//! Runs as columns of small numbers, so that a million of them are counted in the time of a key press.

use std::collections::{BTreeMap, HashMap};

use crate::event::{Surface, Time, Untrusted};

use super::strata::Stratum;

/// A surface with more values than this has no values: the rest count as one, and it is said.
const MOST_VALUES: usize = 1 << 12;
/// So many values of one slice are told apart; the rest count as one.
const MOST_IN_SLICE: usize = 24;
/// Fewer runs than this a slice, and comparing within slices compares nothing: the slice with most values is left out.
const RUNS_A_STRATUM: usize = 8;
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

/// Before and since: the moment in the unit of the column of times.
#[derive(Clone, Copy)]
pub(super) struct Split(i64);

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

    /// Where `moment` parts the runs.
    #[expect(clippy::unused_self, reason = "the unit of the times is this type's secret")]
    pub(super) fn split(&self, moment: Time) -> Split {
        Split(nanoseconds(moment))
    }

    /// Slices that were too many to compare by.
    pub(super) fn left_out(&self) -> Vec<(Untrusted, u64)> {
        let used = self.keys().0;
        let several = self.slices.iter().filter(|(_, column)| column.names.len() > 1);
        let unused = several.filter(|(name, _)| !used.iter().any(|(kept, _)| kept == name));
        unused.map(|(name, column)| (name.clone(), column.names.len() as u64 + column.beyond)).collect()
    }

    /// The slices to compare by, each with the numbers its values get, and how many strata that makes. A slice is left out
    /// when with it most strata would hold too few runs.
    fn keys(&self) -> (Vec<(&Untrusted, Vec<u16>)>, usize) {
        let most = (self.len() / RUNS_A_STRATUM).clamp(1, MOST_STRATA);
        let mut by_values: Vec<_> = self.slices.iter().filter(|(_, c)| c.names.len() > 1 && c.beyond == 0).collect();
        by_values.sort_by_key(|(name, column)| (column.names.len(), (*name).clone()));
        let (mut keys, mut strata) = (Vec::new(), 1);
        for (name, column) in by_values {
            let kept = kept_values(column);
            let values = kept.iter().max().map_or(1, |most| usize::from(*most) + 1);
            if strata * values > most {
                continue;
            }
            strata *= values;
            keys.push((name, kept));
        }
        (keys, strata)
    }

    /// The stratum of each run.
    fn stratum_of_each(&self) -> (Vec<u32>, usize) {
        let (keys, strata) = self.keys();
        let mut of = vec![0u32; self.len()];
        for (name, kept) in keys {
            let Some(column) = self.slices.get(name) else { continue };
            let values = u32::from(kept.iter().max().copied().unwrap_or(0)) + 1;
            for (run, stratum) in of.iter_mut().enumerate() {
                let number = kept.get(usize::from(column.of(run))).copied().unwrap_or(0);
                *stratum = *stratum * values + u32::from(number);
            }
        }
        (of, strata)
    }

    /// Each slice before (`without`) and since (`with`).
    pub(super) fn strata(&self, split: Split) -> Vec<Stratum> {
        let (of, strata) = self.stratum_of_each();
        let mut tables = vec![Stratum::default(); strata];
        for (run, stratum) in of.iter().enumerate() {
            count(&mut tables[*stratum as usize], self.at[run] >= split.0, self.outcome[run]);
        }
        tables.retain(|table| table.with + table.without > 0);
        tables
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

    /// Every run in a cell: its stratum, which of `candidates` it carries, and its outcome.
    pub(super) fn cells(&self, split: Split, candidates: &[Candidate]) -> Cells {
        let (of, strata) = self.stratum_of_each();
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
            counts[(of[run] as usize * 2 + since) * masks + mask][usize::from(self.outcome[run] == 2)] += 1;
        }
        Cells { counts, masks }
    }
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
}

impl Cells {
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
            let table = &mut tables[stratum * 2 + side];
            let (good, bad) = (u64::from(*good), u64::from(*bad));
            if mask >> j & 1 == 1 {
                table.with += good + bad;
                table.bad_with += bad;
            } else {
                table.without += good + bad;
                table.bad_without += bad;
            }
        }
        tables
    }
}

/// New numbers of a slice's values: its commonest get their own from 1 on, the rest 0.
fn kept_values(column: &Column) -> Vec<u16> {
    let mut counts = vec![0u64; column.values()];
    column.runs.iter().for_each(|number| counts[usize::from(*number)] += 1);
    let mut order: Vec<usize> = (NAMED..counts.len()).collect();
    order.sort_by_key(|number| (std::cmp::Reverse(counts[*number]), *number));
    let mut kept = vec![0; counts.len()];
    for (new, number) in (1u16..).zip(order.into_iter().take(MOST_IN_SLICE)) {
        kept[number] = new;
    }
    kept
}

fn count(table: &mut Stratum, since: bool, outcome: u8) {
    let (bad, known) = (u64::from(outcome == 2), u64::from(outcome != 0));
    if since {
        table.with += known;
        table.bad_with += bad;
    } else {
        table.without += known;
        table.bad_without += bad;
    }
}

fn nanoseconds(time: Time) -> i64 {
    let wide = time.as_nanosecond();
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}
