//! A judge that counts otherwise.

use crate::event::{ChangeClass, Pointer, Surface, Untrusted};
use crate::surface::stats::ln_bayes_two_proportions;

use super::super::super::candidate::{Candidate, Finding};
use super::super::super::scene::Scene;
use super::behaviour;
use super::lead::{LOGGED, SEEN, TEMPER, surface};
use super::outcome::{View, clock, say};

/// A judge that was changed and not logged is the rarest of causes: whoever changes it is the one who reads it.
const UNLOGGED: f64 = -2.4;

/// A judge that counts otherwise: one verdict moves, nothing else does.
pub(super) fn look(scene: &Scene<'_>, view: &View<'_>, others: &[Candidate]) -> Vec<Candidate> {
    let explained = others.iter().map(Candidate::score).fold(f64::NEG_INFINITY, f64::max);
    let mut found = Vec::new();
    for (number, proxy) in view.proxies().iter().enumerate() {
        let logged = scene.changes.iter().rev().find(|change| {
            change.class == ChangeClass::Judge && change.subject.as_ref().is_some_and(|subject| subject == proxy)
        });
        let split = logged
            .filter(|change| !change.untimed)
            .map(|change| view.runs.partition_point(|run| run.end < change.time))
            .filter(|split| view.is_inner(*split));
        let outcome = split.map_or_else(|| view.best_of(number), |split| view.proxy_at(number, split));
        if outcome.weight < 0.0 && logged.is_none() {
            continue;
        }
        let change = logged.filter(|change| split.is_some() || change.untimed).map(|change| change.id.clone());
        let sight = Finding::new("population", outcome.weight.clamp(-2.5, 5.0), outcome.text.clone(), Vec::new());
        let mechanism = "the judge counts otherwise".into();
        let mut candidate = surface(Surface::Judge, Some(proxy.clone()), change, mechanism, "rollback", sight);
        candidate.prior = if logged.is_some() { -1.0 } else { UNLOGGED };
        candidate.onset = outcome.split.map(|split| view.runs[split].start);
        if let Some((logged, split)) = logged.zip(split) {
            let text = format!("the judge {} was changed at {}", say(proxy), clock(logged.time));
            candidate.find(Finding::new(
                "logged",
                SEEN + LOGGED,
                text,
                vec![Pointer::Change { id: logged.id.clone() }],
            ));
            let moved = behaviour::strongest(view, split);
            if moved.weight > 1.0 {
                let text = format!("the runs themselves changed: {}", moved.text);
                candidate.find(Finding::new("behaviour", -TEMPER * moved.weight.min(2.0), text, Vec::new()));
            }
        } else if let Some(split) = outcome.split {
            let moved = behaviour::strongest(view, split);
            let weight = if moved.weight > 1.0 { -moved.weight.min(3.0) } else { 0.5 };
            let text = if moved.weight > 1.0 {
                format!("the runs themselves changed: {}", moved.text)
            } else {
                format!("the verdict moved and the runs did not: {}", moved.text)
            };
            candidate.find(Finding::new("behaviour", TEMPER * weight, text, Vec::new()));
            candidate.find(stricter(view, proxy, split));
            if explained > 0.0 {
                let text = "a surface that is seen to have moved explains it".into();
                candidate.find(Finding::new("explained", -(explained + 1.5).min(4.0), text, Vec::new()));
            }
        }
        found.push(candidate);
    }
    found
}

/// A stricter judge fails what another sign also fails: runs with a bad sign passed before and do not since, while runs without it
/// pass as before.
fn stricter(view: &View<'_>, proxy: &Untrusted, split: usize) -> Finding {
    let mut best = Finding::new("stricter rule", 0.0, String::new(), Vec::new());
    let signs = behaviour::signs(view);
    #[expect(clippy::cast_precision_loss, reason = "a count of signs")]
    let many = (signs.len().max(1) as f64).ln();
    for (name, sign) in signs.iter().filter_map(|sign| Some((&sign.name, sign.flags()?))) {
        let count = |range: std::ops::Range<usize>, with: bool| {
            let own: Vec<usize> = range.filter(|i| sign[*i] == with).collect();
            let passed = own.iter().filter(|i| view.runs[**i].passed(proxy.raw()) == Some(true)).count() as u64;
            (passed, own.len() as u64)
        };
        let n = view.runs.len();
        let ((k1, n1), (k2, n2)) = (count(0..split, true), count(split..n, true));
        let ((j1, m1), (j2, m2)) = (count(0..split, false), count(split..n, false));
        let weight =
            ln_bayes_two_proportions(k1, n1, k2, n2) - ln_bayes_two_proportions(j1, m1, j2, m2).max(0.0) - many;
        if k2 == 0 && n2 >= 4 && m2 >= 4 && k1 >= 2 && weight > best.weight {
            let text = format!(
                "runs with {name} passed {k1} of {n1} times before and {k2} of {n2} since; the others {j1} of {m1} and {j2} of {m2}"
            );
            best = Finding::new("stricter rule", weight.min(2.5), text, Vec::new());
        }
    }
    best
}
