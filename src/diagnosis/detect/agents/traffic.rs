//! Another mix of requests.

use crate::event::{ChangeClass, Pointer, Surface};

use super::super::super::candidate::{Candidate, Finding, Sort};
use super::super::super::scene::Scene;
use super::lead::{nearest, surface};
use super::outcome::View;

/// A mix that moved is worth no more than this, however surely it moved: between two half-hours
/// it differs by itself as often as not.
const MIXES_MOVE: f64 = 1.0;
/// Explaining why the page came is worth no more than this: a mix does not make any run worse than it would have been.
const EXPLAINS: f64 = 1.5;

/// Another mix of traffic: the slices moved, and within slices the outcome did not.
pub(super) fn look(scene: &Scene<'_>, view: &View<'_>) -> Vec<Candidate> {
    let Some(mix) = view.best_mix() else { return Vec::new() };
    // Averaged over moments, as for every surface whose moment is not known.
    let (crude, averaged) = (view.scan(|split| view.crude_at(split)), view.scan(|split| view.at(split)));
    // What remains within slices at any moment is not explained by the mix.
    let within = view.most(|split| view.at(split));
    if mix.weight < 0.5 {
        return Vec::new();
    }
    let at = view.runs[mix.split].start;
    let change = nearest(scene, at, |change| change.class == ChangeClass::Routing);
    let look_at = vec![Pointer::Trace { trace: view.runs[mix.split].trace }];
    let sight = Finding::new("traffic mix", (mix.weight - 0.5).clamp(0.0, MIXES_MOVE), mix.text.clone(), look_at);
    let mechanism = "another mix of requests arrives".into();
    let mut candidate = surface(Surface::Traffic, None, change, mechanism, "route", sight);
    candidate.sort = Sort::Traffic;
    // An effect that is sure within slices is not explained by their mix, whatever the mix did.
    let remains = 1.5 * (within.weight - 1.0).max(0.0);
    let explained = crude.weight - averaged.weight.max(-0.5) - 0.3 - remains;
    let text = format!("over all runs: {}; within slices: {}", crude.text, within.text);
    candidate.find(Finding::new("standardised", explained.clamp(-3.0, EXPLAINS), text, Vec::new()));
    candidate.onset = Some(at);
    vec![candidate]
}
