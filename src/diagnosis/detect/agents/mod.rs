//! Which surface of an AI feature moved: the failing population against the changed population.
//!
//! For every surface that moved, in view or as logged, the outcome before and since is compared within traffic slices; a surface
//! that moved without the outcome is no cause. What moved without any surface in view points at what is not captured.

mod behaviour;
mod judge;
mod lead;
mod models;
mod outcome;
mod prompts;
mod provider;
mod retrieval;
mod together;
mod tools;
mod traffic;
mod unseen;

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Untrusted;
use crate::surface::RunFacts;

use super::super::candidate::Candidate;
use super::super::scene::Scene;
use outcome::View;

/// Fewer runs than this say nothing.
const LEAST_RUNS: usize = 12;

/// What the runs say: candidates, and when it began if something did.
pub(in super::super) struct Reading {
    /// Candidates.
    pub candidates: Vec<Candidate>,
    /// Log odds to be added to "none of these": negative when the outcome surely moved.
    pub quiet: f64,
    /// The component that most of the runs are of.
    pub component: Option<Untrusted>,
}

/// Reads the agent runs of the incident's components; `None` without enough runs.
pub(in super::super) fn look(scene: &Scene<'_>) -> Option<Reading> {
    let runs = concerned(scene);
    if runs.len() < LEAST_RUNS {
        return None;
    }
    let view = View::of(&runs);
    let mut leads = models::served(scene, &view);
    leads.extend(prompts::look(scene, &view));
    leads.extend(tools::look(scene, &view));
    leads.extend(retrieval::look(scene, &view));
    leads.extend(unseen::look(scene, &view, &leads));
    let mut candidates = together::level(leads);
    candidates.extend(provider::look(&view));
    let judges = judge::look(scene, &view, &candidates);
    candidates.extend(traffic::look(scene, &view));
    let silent = models::silent(&view, &candidates);
    candidates.extend(together::unlogged(silent, judges));
    // A page is a sign that something is wrong; no page at all, that nothing is.
    let paged = if scene.alerts.is_empty() { 1.5 } else { -0.8 };
    let mut services: BTreeMap<&Untrusted, usize> = BTreeMap::new();
    view.runs.iter().for_each(|run| *services.entry(&run.service).or_default() += 1);
    let component = services.into_iter().max_by_key(|(_, n)| *n).map(|(name, _)| name.clone());
    let component = component.filter(|name| !name.is_empty());
    let moved = lead::did(&view.worst_anywhere(), &behaviour::strongest_anywhere(&view));
    // That something moved is counted where a surface explains it; that nothing did says that nothing is wrong.
    let quiet = paged - if moved > 0.0 { 0.25 * moved.min(2.0) } else { 0.7 * moved };
    Some(Reading { candidates, quiet, component })
}

/// The runs of the paged components, or all when none of them runs agents; oldest first.
pub(in super::super) fn concerned<'s>(scene: &'s Scene<'_>) -> Vec<&'s RunFacts> {
    let paged: BTreeSet<&str> = scene.alerts.iter().filter_map(|alert| alert.service()).map(Untrusted::raw).collect();
    let own: Vec<&RunFacts> =
        scene.runs.iter().filter(|run| paged.contains(run.service.raw()) || paged.contains(run.agent.raw())).collect();
    if own.is_empty() { scene.runs.iter().collect() } else { own }
}

#[cfg(test)]
mod tests;
