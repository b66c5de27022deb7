//! A model's provider that refuses or fails calls.

use crate::event::{Pointer, Surface};
use crate::surface::{RunFacts, StopClass};

use super::super::super::candidate::{Candidate, Finding, Sort};
use super::lead::surface;
use super::outcome::{View, best_split, clock, say};

/// Model calls the provider refused or failed.
pub(super) fn look(view: &View<'_>) -> Vec<Candidate> {
    // Where the other runs say how they ended, a last call that says nothing at all came back with nothing.
    let silent = |run: &RunFacts| run.stop.class == StopClass::NotCaptured && run.model_calls > 0;
    let usual = view.runs.iter().filter(|run| silent(run)).count() * 2 < view.runs.len();
    let failed = |run: &RunFacts| !run.provider_errors.is_empty() || (usual && silent(run));
    let flags: Vec<bool> = view.runs.iter().map(|run| failed(run)).collect();
    let hit = flags.iter().filter(|flag| **flag).count();
    let Some((split, weight)) = best_split(&flags).filter(|_| hit >= 2) else { return Vec::new() };
    if weight < 0.0 {
        return Vec::new();
    }
    let first = flags.iter().position(|flag| *flag).unwrap_or(split);
    let words = view.runs[first].provider_errors.first().map_or_else(|| "no answer and no reason".into(), say);
    let name = view.runs.iter().flat_map(|run| &run.surfaces.providers).next().cloned();
    let (before, since) =
        (flags[..split].iter().filter(|f| **f).count(), flags[split..].iter().filter(|f| **f).count());
    let text = format!(
        "model calls fail in {since} of {} runs since {}, in {before} of {split} before: “{}”",
        flags.len() - split,
        clock(view.runs[split].start),
        words
    );
    let look_at = vec![Pointer::Trace { trace: view.runs[first].trace }];
    let sight = Finding::new("provider errors", (weight + 2.0).min(7.0), text, look_at);
    let mechanism = "the model's provider refuses or fails calls".into();
    let mut candidate = surface(Surface::Dependency, name, None, mechanism, "failover", sight);
    candidate.sort = Sort::Dependency;
    candidate.onset = Some(view.runs[split].start);
    vec![candidate]
}
