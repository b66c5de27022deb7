//! A model's provider that refuses or fails calls.

use crate::event::{Pointer, Surface};

use super::super::super::candidate::{Candidate, Finding, Sort};
use super::lead::surface;
use super::outcome::{View, best_split, clock, say};

/// Model calls the provider refused or failed.
pub(super) fn look(view: &View<'_>) -> Vec<Candidate> {
    let flags: Vec<bool> = view.runs.iter().map(|run| !run.provider_errors.is_empty()).collect();
    let hit = flags.iter().filter(|flag| **flag).count();
    let Some((split, weight)) = best_split(&flags).filter(|_| hit >= 2) else { return Vec::new() };
    if weight < 0.5 {
        return Vec::new();
    }
    let first = view.runs.iter().position(|run| !run.provider_errors.is_empty()).unwrap_or(split);
    let words = view.runs[first].provider_errors.first().cloned().unwrap_or_default();
    let name = view.runs.iter().flat_map(|run| &run.surfaces.providers).next().cloned();
    let mut candidate =
        surface(Surface::Dependency, name, None, "the model's provider refuses or fails calls".into(), "failover");
    candidate.sort = Sort::Dependency;
    candidate.onset = Some(view.runs[split].start);
    let (before, since) =
        (flags[..split].iter().filter(|f| **f).count(), flags[split..].iter().filter(|f| **f).count());
    let text = format!(
        "model calls fail in {since} of {} runs since {}, in {before} of {split} before: “{}”",
        flags.len() - split,
        clock(view.runs[split].start),
        say(&words)
    );
    candidate.find(Finding::new(
        "provider errors",
        (weight + 2.0).min(7.0),
        text,
        vec![Pointer::Trace { trace: view.runs[first].trace }],
    ));
    vec![candidate]
}
