//! Any two choices of runs side by side: which values each carries, what differs, and what that means.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Surface, Time, TraceId, Untrusted};

use super::stats;
use super::stop::StopClass;
use super::table::{PartId, RunRow, RunTable, ValueId, is_result};

/// A value whose share moved by less than this is the same to a reader.
const MOVED: f64 = 0.1;
/// A move that chance makes less often than this is no chance (Fisher's exact test).
const UNLIKELY: f64 = 0.05;
/// A slice with more values than this says nothing about who runs what.
const MOST_IN_SLICE: usize = 8;
/// Fewer runs of a slice value than this show no skew.
const LEAST_IN_SLICE: u64 = 5;
/// Most of one slice value carry a value …
const MOSTLY: f64 = 0.5;
/// … and hardly any of another: they run different versions.
const HARDLY: f64 = 0.1;
/// At most so many findings; the rest are left to the values themselves.
const MOST_FINDINGS: usize = 12;
/// At most so many values of one part are counted one by one.
const MOST_VALUES: usize = 40;

/// The values of one part in some runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// Runs in all.
    pub runs: u64,
    /// Those that carry any value of the part.
    pub captured: u64,
    /// Value and how many runs carry it, the commonest first.
    pub values: Vec<(ValueId, u64)>,
    /// Runs whose value is not among those.
    pub others: u64,
}

impl Values {
    /// The share of those that carry any which carry this one.
    #[must_use]
    pub fn share(&self, value: ValueId) -> f64 {
        let of = self.values.iter().find(|(own, _)| *own == value).map_or(0, |(_, runs)| *runs);
        share(of, self.captured)
    }
}

/// One part on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Which surface.
    pub surface: Surface,
    /// Which part.
    pub part: PartId,
    /// On the left.
    pub left: Values,
    /// On the right.
    pub right: Values,
    /// Whether a value came, went, or surely carries another share.
    pub differs: bool,
}

/// A number on one side: how many there are, and the least, the quartiles and the most.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// How many.
    pub n: u64,
    /// Least, first quartile, median, third quartile, most.
    pub at: [f64; 5],
}

/// What a comparison shows at a glance.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A model was asked for by a name, and another answered, or several.
    Alias {
        /// The name asked for.
        asked: ValueId,
        /// What answered, in how many runs.
        served: Vec<(ValueId, u64)>,
    },
    /// Different parts of the traffic run different versions.
    Skew {
        /// Slice, such as `region`.
        slice: &'static str,
        /// The part that differs.
        part: PartId,
        /// Per slice value: its runs that carry the part, and its commonest value with the runs that carry that.
        runs: Vec<(ValueId, u64, ValueId, u64)>,
    },
}

/// How often runs ended in one way, over time.
#[derive(Clone, Debug, PartialEq)]
pub struct StopCourse {
    /// Which way.
    pub stop: StopClass,
    /// Runs in all.
    pub runs: u64,
    /// Runs in each stretch of time, oldest first.
    pub course: Vec<u64>,
}

/// How often one value goes with one way to end.
#[derive(Clone, Debug, PartialEq)]
pub struct ByValue {
    /// Slice or part.
    pub name: Untrusted,
    /// Its value.
    pub value: ValueId,
    /// Runs that carry it, and how many of those ended so.
    pub runs: (u64, u64),
    /// The share with its 95 % interval.
    pub share: (f64, f64, f64),
}

/// A good run to compare another one with.
#[derive(Clone, Debug, PartialEq)]
pub struct Alike {
    /// The good run.
    pub trace: TraceId,
    /// When it began.
    pub at: Time,
    /// Slices in which both are the same; the others differ.
    pub same: Vec<&'static str>,
    /// Slices in which they differ.
    pub other: Vec<&'static str>,
    /// Whether it began before the moment that was given, as it should.
    pub before: bool,
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs")]
fn share(of: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { of as f64 / all as f64 }
}

/// Whether a value tells two sides apart: it moved by a tenth, and came or went, or chance alone would hardly do that. The
/// structure of a result comes and goes with the data, so there only the second counts.
fn differs(value: ValueId, left: &Values, right: &Values, result: bool) -> bool {
    let of = |side: &Values| side.values.iter().find(|(own, _)| *own == value).map_or(0, |(_, runs)| *runs);
    let (a, b) = (of(left), of(right));
    let moved = (left.share(value) - right.share(value)).abs() >= MOVED;
    let chance = || stats::fisher(a, left.captured - a, b, right.captured - b);
    moved && ((!result && (a == 0 || b == 0)) || chance() < UNLIKELY)
}

impl RunTable {
    /// Every part that either side carries, side by side: what differs first, in the order in which surfaces are asked about.
    #[must_use]
    pub fn compare(&self, left: &[&RunRow], right: &[&RunRow]) -> Vec<Compared> {
        let mut found: Vec<Compared> = self
            .all_parts()
            .into_iter()
            .filter_map(|part| {
                let surface = self.part(part)?.0;
                let (left, right) = (self.values_of(left, part), self.values_of(right, part));
                let both: BTreeSet<ValueId> =
                    left.values.iter().chain(&right.values).map(|(value, _)| *value).collect();
                let result = self.part(part).is_some_and(|(_, name)| is_result(name));
                let differs = left.captured > 0
                    && right.captured > 0
                    && both.iter().any(|value| differs(*value, &left, &right, result));
                (left.captured + right.captured > 0).then_some(Compared { surface, part, left, right, differs })
            })
            .collect();
        found.sort_by_key(|one| !one.differs);
        found
    }

    fn values_of(&self, rows: &[&RunRow], part: PartId) -> Values {
        let mut counts: BTreeMap<ValueId, u64> = BTreeMap::new();
        for value in rows.iter().filter_map(|row| row.part(part)) {
            *counts.entry(value).or_default() += 1;
        }
        let captured = counts.values().sum();
        let mut values: Vec<(ValueId, u64)> = counts.into_iter().collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| self.value(a.0).cmp(&self.value(b.0))));
        let others = values.iter().skip(MOST_VALUES).map(|(_, runs)| runs).sum();
        values.truncate(MOST_VALUES);
        Values { runs: rows.len() as u64, captured, values, others }
    }

    /// What stands out in some runs: names that are answered by other models, and parts of the traffic that run other versions.
    #[must_use]
    pub fn findings(&self, rows: &[&RunRow]) -> Vec<Finding> {
        let mut found = self.aliases(rows);
        for part in self.all_parts() {
            // The structure of a result differs with the data of each slice: that is no other version.
            if self.part(part).is_none_or(|(_, name)| is_result(name)) {
                continue;
            }
            found.extend(self.skews(rows, part));
        }
        found.truncate(MOST_FINDINGS);
        found
    }

    fn aliases(&self, rows: &[&RunRow]) -> Vec<Finding> {
        let (Some(asked), Some(served)) = (self.part_named("model asked for"), self.part_named("served model")) else {
            return Vec::new();
        };
        let mut answers: BTreeMap<ValueId, BTreeMap<ValueId, u64>> = BTreeMap::new();
        for row in rows {
            if let (Some(asked), Some(served)) = (row.part(asked), row.part(served)) {
                *answers.entry(asked).or_default().entry(served).or_default() += 1;
            }
        }
        let strange = |asked: ValueId, served: &BTreeMap<ValueId, u64>| {
            let name = self.value(asked);
            // A name with its version behind it is the name's own answer.
            served.len() > 1 || served.keys().any(|one| !self.value(*one).raw().starts_with(name.raw()))
        };
        let mut found = Vec::new();
        for (asked, served) in answers.into_iter().filter(|(asked, served)| strange(*asked, served)) {
            let mut served: Vec<(ValueId, u64)> = served.into_iter().collect();
            served.sort_by_key(|(value, runs)| (std::cmp::Reverse(*runs), *value));
            found.push(Finding::Alias { asked, served });
        }
        found
    }

    fn skews(&self, rows: &[&RunRow], part: PartId) -> Vec<Finding> {
        let mut slices: BTreeMap<&'static str, BTreeMap<ValueId, Vec<&RunRow>>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.part(part).is_some()) {
            for (slice, value) in &row.slices {
                slices.entry(slice).or_default().entry(*value).or_default().push(row);
            }
        }
        let mut found = Vec::new();
        for (slice, by_value) in slices {
            if !(2..=MOST_IN_SLICE).contains(&by_value.len()) {
                continue;
            }
            let held: Vec<(ValueId, Values)> = by_value
                .into_iter()
                .map(|(value, rows)| (value, self.values_of(&rows, part)))
                .filter(|(_, values)| values.captured >= LEAST_IN_SLICE)
                .collect();
            let apart = held.iter().any(|(_, one)| {
                one.values.first().is_some_and(|(value, _)| {
                    one.share(*value) >= MOSTLY && held.iter().any(|(_, other)| other.share(*value) <= HARDLY)
                })
            });
            if apart {
                let runs = held.iter().filter_map(|(value, own)| {
                    let (most, with) = own.values.first()?;
                    Some((*value, own.captured, *most, *with))
                });
                found.push(Finding::Skew { slice, part, runs: runs.collect() });
            }
        }
        found
    }

    /// Scores of what some runs retrieved; `None` = not captured.
    #[must_use]
    pub fn scores(rows: &[&RunRow]) -> Option<Numbers> {
        let mut all: Vec<f64> =
            rows.iter().flat_map(|row| &row.scores).copied().filter(|one| one.is_finite()).collect();
        all.sort_by(f64::total_cmp);
        let last = all.len().checked_sub(1)?;
        let at = |quarter: usize| all[last * quarter / 4];
        Some(Numbers { n: all.len() as u64, at: [at(0), at(1), at(2), at(3), at(4)] })
    }

    /// How some runs (oldest first) ended, in `stretches` equal stretches of the time between the first and the last: every
    /// way that occurs, the commonest bad ones first.
    #[must_use]
    pub fn stops(rows: &[&RunRow], stretches: usize) -> Vec<StopCourse> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Vec::new() };
        let whole = last.at.as_millisecond() - first.at.as_millisecond() + 1;
        let stretches = stretches.max(1);
        let mut found: BTreeMap<StopClass, StopCourse> = BTreeMap::new();
        for row in rows {
            let course = found.entry(row.stop).or_insert_with(|| StopCourse {
                stop: row.stop,
                runs: 0,
                course: vec![0; stretches],
            });
            course.runs += 1;
            let at = i128::from(row.at.as_millisecond() - first.at.as_millisecond());
            let wide = i128::try_from(stretches).unwrap_or(1);
            let at = usize::try_from(at * wide / i128::from(whole)).unwrap_or(0).min(stretches - 1);
            course.course[at] += 1;
        }
        let mut found: Vec<StopCourse> = found.into_values().collect();
        found.sort_by_key(|one| (!one.stop.is_bad(), std::cmp::Reverse(one.runs), one.stop));
        found
    }

    /// How often runs ended in one way by what they were made of and which traffic they were: the values that go with it most,
    /// where a slice or part has several.
    #[must_use]
    pub fn stop_by_value(&self, rows: &[&RunRow], stop: StopClass, most: usize) -> Vec<ByValue> {
        let mut counts: BTreeMap<(Untrusted, ValueId), (u64, u64)> = BTreeMap::new();
        let mut several: BTreeMap<Untrusted, BTreeSet<ValueId>> = BTreeMap::new();
        for row in rows {
            let slices = row.slices.iter().map(|(slice, value)| (Untrusted::from(*slice), *value));
            let parts = row.parts.iter().filter_map(|(part, value)| Some((self.part(*part)?.1.clone(), *value)));
            for (name, value) in slices.chain(parts).chain([("agent".into(), row.agent)]) {
                several.entry(name.clone()).or_default().insert(value);
                let count = counts.entry((name, value)).or_default();
                count.0 += 1;
                count.1 += u64::from(row.stop == stop);
            }
        }
        let mut found: Vec<ByValue> = counts
            .into_iter()
            .filter(|((name, _), (_, with))| *with > 0 && several.get(name).is_some_and(|values| values.len() > 1))
            .map(|((name, value), runs)| {
                let (low, high) = stats::wilson(runs.1, runs.0);
                ByValue { name, value, runs, share: (share(runs.1, runs.0), low, high) }
            })
            .collect();
        found.sort_by(|a, b| b.share.1.total_cmp(&a.share.1).then_with(|| a.name.cmp(&b.name)));
        found.truncate(most);
        found
    }

    /// The good run to hold another one against: of the same agent, earlier, gone well, of traffic as alike as can be had; of
    /// those that began before `before` (when the trouble began) the last, else the last at all.
    #[must_use]
    pub fn good_run(&self, trace: TraceId, before: Option<Time>) -> Option<Alike> {
        let own = self.row(trace)?;
        let limit = before.map_or(own.at, |before| before.min(own.at));
        let same = |row: &RunRow| -> Vec<&'static str> {
            own.slices
                .iter()
                .filter(|(slice, value)| row.slice(slice) == Some(*value))
                .map(|(slice, _)| *slice)
                .collect()
        };
        let good = self
            .rows
            .iter()
            .filter(|row| row.trace != trace && row.agent == own.agent && row.at < own.at && row.bad == Some(false));
        // Before the trouble first, then likeness, then nearness.
        let best = good.max_by_key(|row| (row.at < limit, same(row).len(), row.at, row.trace))?;
        let same = same(best);
        let other = own.slices.iter().map(|(slice, _)| *slice).filter(|slice| !same.contains(slice)).collect();
        Some(Alike { trace: best.trace, at: best.at, same, other, before: best.at < limit })
    }
}

#[cfg(test)]
mod tests;
