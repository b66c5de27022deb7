//! Which values each surface of an agent has had, since when, and what moved around a moment.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Surface, Time, Untrusted};

use super::alias::{self, Field};
use super::read::SpanFacts;
use super::run::RunFacts;

/// At most so many different values are kept of one surface; a value per request is no value.
const MAX_VALUES: usize = 500;

/// When a value was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// First.
    pub first: Time,
    /// Last.
    pub last: Time,
    /// In how many steps.
    pub steps: u64,
}

/// Values of surfaces over time, per service.
#[derive(Clone, Debug, Default)]
pub struct History {
    seen: BTreeMap<(Untrusted, &'static str), BTreeMap<Untrusted, Seen>>,
    left_out: u64,
}

/// What a surface did around a moment, in the runs.
#[derive(Clone, Debug, PartialEq)]
pub enum SurfaceStanding {
    /// It moved.
    Changed(Moved),
    /// It did not.
    Same(Untrusted),
    /// The runs do not carry it; these fields would.
    NotCaptured(Untrusted),
}

/// A value that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// Before.
    pub before: Untrusted,
    /// Since.
    pub after: Untrusted,
    /// First run with the new value.
    pub first_seen: Time,
}

/// One surface around a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceReport {
    /// Which.
    pub surface: Surface,
    /// How it stands.
    pub standing: SurfaceStanding,
}

impl History {
    /// Takes in one step.
    pub(super) fn see(&mut self, step: &SpanFacts) {
        let version =
            step.prompt_version.clone().or_else(|| step.prompt.map(|digest| hex::encode(&digest.0[..6]).into()));
        let tools = step.tools.map(|digest| Untrusted::from(hex::encode(&digest.0[..6])));
        for (what, value) in
            [("model asked", &step.asked), ("model", &step.served), ("prompt", &version), ("tools", &tools)]
        {
            let Some(value) = value else { continue };
            let values = self.seen.entry((step.service.clone(), what)).or_default();
            if values.len() >= MAX_VALUES && !values.contains_key(value) {
                self.left_out += 1;
                continue;
            }
            let seen = values.entry(value.clone()).or_insert(Seen { first: step.start, last: step.start, steps: 0 });
            seen.first = seen.first.min(step.start);
            seen.last = seen.last.max(step.start);
            seen.steps += 1;
        }
    }

    /// The values one surface of a service has had: `model asked`, `model`, `prompt`, `tools`.
    pub fn values(&self, service: &Untrusted, what: &'static str) -> impl Iterator<Item = (&Untrusted, Seen)> {
        self.seen.get(&(service.clone(), what)).into_iter().flatten().map(|(value, seen)| (value, *seen))
    }

    /// Every value that was first seen after `since` on a surface that had other values before: service, surface, value, when.
    #[must_use]
    pub fn new_since(&self, since: Time) -> Vec<(Untrusted, &'static str, Untrusted, Time)> {
        let mut found = Vec::new();
        for ((service, what), values) in &self.seen {
            if values.values().all(|seen| seen.first > since) {
                continue;
            }
            let new = values.iter().filter(|(_, seen)| seen.first > since);
            found.extend(new.map(|(value, seen)| (service.clone(), *what, value.clone(), seen.first)));
        }
        found
    }

    /// Values left out because a surface had too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// What each surface did around `moment` in `runs` (of one agent), from the runs alone.
#[must_use]
pub fn report(runs: &[RunFacts], moment: Time) -> Vec<SurfaceReport> {
    if runs.is_empty() {
        return Vec::new();
    }
    let fields = |list: &[Field]| {
        Untrusted::from(list.iter().filter_map(|f| alias::names(*f).first()).cloned().collect::<Vec<_>>().join(", "))
    };
    let by = |surface, missing: &[Field], of: &dyn Fn(&RunFacts) -> BTreeSet<Untrusted>| SurfaceReport {
        surface,
        standing: standing(runs, moment, of).unwrap_or_else(|| SurfaceStanding::NotCaptured(fields(missing))),
    };
    let short = |digest: &crate::event::Digest| Untrusted::from(hex::encode(&digest.0[..6]));
    let versions = versions_tell(runs);
    vec![
        by(Surface::Model, &[Field::ModelServed], &|run| run.surfaces.served.clone()),
        by(Surface::Prompt, &[Field::PromptText, Field::PromptVersion], &|run| {
            if versions || run.surfaces.prompts.is_empty() {
                run.surfaces.prompt_versions.clone()
            } else {
                run.surfaces.prompts.iter().map(short).collect()
            }
        }),
        by(Surface::Retrieval, &[Field::RetrievalSource], &|run| run.surfaces.sources.clone()),
        by(Surface::Tool, &[Field::Tools], &|run| run.surfaces.tools.iter().map(short).collect()),
        by(Surface::Judge, &[Field::EvaluationName], &|run| run.evaluations.iter().map(|e| e.name.clone()).collect()),
    ]
}

/// Whether versions tell the prompts apart as well as their texts do: then they are shown, because people know them by
/// their version. A text that moved under one version, or runs that give none, are told apart by digest.
pub(super) fn versions_tell<'r>(runs: impl IntoIterator<Item = &'r RunFacts>) -> bool {
    let mut texts: BTreeMap<&BTreeSet<Untrusted>, &BTreeSet<crate::event::Digest>> = BTreeMap::new();
    let mut versions = BTreeMap::new();
    runs.into_iter().map(|run| &run.surfaces).filter(|surfaces| !surfaces.prompts.is_empty()).all(|surfaces| {
        let (version, text) = (&surfaces.prompt_versions, &surfaces.prompts);
        !version.is_empty()
            && *texts.entry(version).or_insert(text) == text
            && *versions.entry(text).or_insert(version) == version
    })
}

fn standing(runs: &[RunFacts], moment: Time, of: &dyn Fn(&RunFacts) -> BTreeSet<Untrusted>) -> Option<SurfaceStanding> {
    let side = |after: bool| -> BTreeSet<Untrusted> {
        runs.iter().filter(|run| (run.start >= moment) == after).flat_map(of).collect()
    };
    let (before, after) = (side(false), side(true));
    let say = |values: &BTreeSet<Untrusted>| {
        let shown: Vec<_> = values.iter().take(4).map(Untrusted::raw).collect();
        let more = if values.len() > 4 { format!(" and {} more", values.len() - 4) } else { String::new() };
        Untrusted::from(shown.join(", ") + &more)
    };
    let new: BTreeSet<Untrusted> = after.difference(&before).cloned().collect();
    if before.is_empty() && after.is_empty() {
        return None;
    }
    if before.is_empty() || new.is_empty() {
        return Some(SurfaceStanding::Same(say(if after.is_empty() { &before } else { &after })));
    }
    let first_seen = runs.iter().filter(|run| !of(run).is_disjoint(&new)).map(|run| run.start).min().unwrap_or(moment);
    let stays: BTreeSet<Untrusted> = after.intersection(&before).cloned().collect();
    // What is new stands first: the old value may go on beside it, in another region or slice.
    let since = if stays.is_empty() {
        say(&new)
    } else {
        Untrusted::from(format!("{}, some still {}", say(&new).raw(), say(&stays).raw()))
    };
    Some(SurfaceStanding::Changed(Moved { before: say(&before), after: since, first_seen }))
}
