//! Values that were never there before: a change, whether anybody logged it or not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{Surface, Time, TraceId, Untrusted};

use super::parts::Part;
use super::run::RunFacts;

/// So many runs with other values must have come before; else nobody knows whether a value is new.
const LEAST_BEFORE: usize = 8;
/// A part with more new values than this has a value a run, and none of them is news.
const MOST_NEW: usize = 6;
/// The structure of a result differs with the data: it is news when at least one in so many runs since carries it.
const ONE_IN: u64 = 5;
/// At most so many are told; the newest.
const MOST: usize = 24;
/// A slice of more values than this tells nobody where a value runs.
const MOST_IN_SLICE: usize = 6;

/// A value that was first seen while others of its part were known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Came {
    /// The agent it was seen in.
    pub agent: Untrusted,
    /// Which surface.
    pub surface: Surface,
    /// Which part of it.
    pub part: Untrusted,
    /// The value.
    pub value: Untrusted,
    /// What was there just before.
    pub before: Untrusted,
    /// For a served model: the name it was asked for by, where that is another and did not change.
    pub asked: Option<Untrusted>,
    /// Start of the first run with it.
    pub first_seen: Time,
    /// That run.
    pub trace: TraceId,
    /// Runs since that carry it, of all that carry any value of the part.
    pub runs: (u64, u64),
    /// Where it runs: per slice value, the same.
    pub spread: Vec<Spread>,
    /// The change event that stands for it; `None` = nobody logged one. Filled in by whoever knows the log.
    pub change: Option<Untrusted>,
}

/// How far a value has come in one slice of the traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Slice, such as `region`.
    pub slice: Untrusted,
    /// Its value.
    pub value: Untrusted,
    /// Runs since that carry it, of all.
    pub runs: (u64, u64),
}

/// A part of one agent: agent, surface, part.
type Whose<'r> = (&'r Untrusted, Surface, &'r Untrusted);

/// What came in `runs`, oldest first, each made of the parts at its place.
pub(super) fn came(runs: &[&RunFacts], parts: &[Vec<Part>]) -> Vec<Came> {
    // Per agent and part: the runs that carry it, in order, with its value.
    let mut carried: BTreeMap<Whose<'_>, Vec<(usize, &Untrusted)>> = BTreeMap::new();
    for (nth, (run, parts)) in runs.iter().zip(parts).enumerate() {
        for (surface, part, value) in parts {
            carried.entry((&run.agent, *surface, part)).or_default().push((nth, value));
        }
    }
    let mut found = Vec::new();
    for ((agent, surface, part), carried) in carried {
        let mut known = BTreeSet::new();
        let new: Vec<usize> =
            (0..carried.len()).filter(|at| known.insert(carried[*at].1) && *at >= LEAST_BEFORE).collect();
        if new.len() > MOST_NEW {
            continue;
        }
        for at in new {
            let one = describe(runs, (agent, surface, part), &carried, at);
            let of_data = part.raw().starts_with("result of ");
            if !of_data || one.runs.0 * ONE_IN >= one.runs.1 {
                found.push(one);
            }
        }
    }
    found.sort_by(|a, b| {
        (a.first_seen, a.surface, &a.part, &a.value).cmp(&(b.first_seen, b.surface, &b.part, &b.value))
    });
    found.drain(..found.len().saturating_sub(MOST));
    found
}

fn describe(runs: &[&RunFacts], (agent, surface, part): Whose<'_>, carried: &[(usize, &Untrusted)], at: usize) -> Came {
    let value = carried[at].1;
    let since = || carried[at..].iter().map(|(nth, own)| (runs[*nth], *own == value));
    let count = |runs: &mut dyn Iterator<Item = bool>| {
        runs.fold((0, 0), |sum: (u64, u64), with| (sum.0 + u64::from(with), sum.1 + 1))
    };
    let mut slices: BTreeMap<(&'static str, &Untrusted), (u64, u64)> = BTreeMap::new();
    for (run, with) in since() {
        for (slice, value) in &run.slices {
            let counted = slices.entry((slice, value)).or_default();
            counted.0 += u64::from(with);
            counted.1 += 1;
        }
    }
    let values_of = |name: &str| slices.keys().filter(|(slice, _)| *slice == name).count();
    let spread = slices
        .iter()
        .filter(|((slice, _), _)| (2..=MOST_IN_SLICE).contains(&values_of(slice)))
        .map(|((slice, value), runs)| Spread { slice: (*slice).into(), value: (*value).clone(), runs: *runs })
        .collect();
    let first = runs[carried[at].0];
    let before = &runs[carried[at - 1].0];
    let alias = first.surfaces.asked.iter().next().filter(|alias| {
        part.raw() == "served model"
            && *alias != value
            && first.surfaces.asked.len() == 1
            && first.surfaces.asked == before.surfaces.asked
    });
    Came {
        agent: agent.clone(),
        surface,
        part: part.clone(),
        value: value.clone(),
        before: carried[at - 1].1.clone(),
        asked: alias.cloned(),
        first_seen: first.start,
        trace: first.trace,
        runs: count(&mut since().map(|(_, with)| with)),
        spread,
        change: None,
    }
}
