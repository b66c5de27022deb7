//! Surfaces that moved in the same runs: the runs say the same of each, so neither may be called surer than the other.

use crate::event::{Surface, Untrusted};
use crate::surface::attribution::{Arms, Standing, between};

use super::super::super::candidate::{Candidate, Finding, Together, ln_mean_exp};
use super::lead::Lead;
use super::outcome::{ln_bayes_of, say};

/// Fewer runs than this with one and without the other do not tell them apart.
const LEAST_APART: usize = 8;
/// Whose own evidence speaks against it by this much more is told apart by that.
const WORLDS_APART: f64 = 2.5;

/// Behaviour that says this much by itself tells a model from a judge.
const BEHAVES: f64 = 0.5;

/// So little decides which of two stands first.
const FIRST: f64 = 0.02;

/// Puts those that cannot be told apart on a level, and says so with the experiment that would tell.
pub(super) fn level(mut leads: Vec<Lead>) -> Vec<Candidate> {
    hold_still(&mut leads);
    let scores: Vec<f64> = leads.iter().map(|lead| lead.candidate.score()).collect();
    let groups = groups(&leads, &scores);
    let test = |group: &[usize]| {
        let whole = leads[group[0]].attribution.rates();
        leads[group[0]].moved().and_then(asked).unwrap_or_else(|| between(whole, group.len()))
    };
    let said: Vec<Option<(Vec<usize>, Arms, f64)>> = (0..leads.len())
        .map(|own| {
            let group = groups.iter().find(|group| group.len() > 1 && group.contains(&own))?;
            let level = ln_mean_exp(&group.iter().map(|one| scores[*one]).collect::<Vec<_>>());
            Some((group.clone(), test(group), level))
        })
        .collect();
    let named: Vec<(Surface, String)> = leads.iter().map(|lead| named(&lead.candidate)).collect();
    let mut candidates: Vec<Candidate> = leads.into_iter().map(|lead| lead.candidate).collect();
    for ((own, candidate), said) in candidates.iter_mut().enumerate().zip(said) {
        let Some((group, test, level)) = said else { continue };
        let others: Vec<usize> = group.into_iter().filter(|one| *one != own).collect();
        let names = others.iter().map(|one| named[*one].1.as_str()).collect::<Vec<_>>().join(" and ");
        let text = format!("{names} moved in the same runs: what the runs say of one they say of the other");
        let look_at = candidate.findings.first().map(|first| first.look_at.clone()).unwrap_or_default();
        candidate.findings.push(Finding::new("confounded", level - scores[own], text, look_at));
        let plan = format!(
            "replay {} runs in each of {} arms, taking back {} alone in one and {names} alone in another: that tells them apart \
             with 90 % power",
            test.runs, test.arms, named[own].1
        );
        candidate.together = Some(Together { with: others.iter().map(|one| named[*one].0).collect(), test: plan });
    }
    candidates
}

/// Where runs with one and without the other say that the one explains it, the other counts with that one held still.
fn hold_still(leads: &mut [Lead]) {
    let explains = |lead: &Lead| lead.moved().is_some_and(|moved| moved.standing == Standing::Explains);
    let surely: Vec<(usize, String)> =
        leads.iter().filter(|lead| explains(lead)).map(|lead| (lead.split, named(&lead.candidate).1)).collect();
    for lead in leads.iter_mut().filter(|lead| !explains(lead)) {
        let Some((_, other)) = surely.iter().find(|(split, _)| split.abs_diff(lead.split) < LEAST_APART) else {
            continue;
        };
        let Some(effect) = lead.moved().and_then(|moved| moved.effect) else { continue };
        let population = lead.candidate.findings.iter().filter(|finding| finding.detector == "population");
        let weight = ln_bayes_of(&effect).clamp(-2.5, 5.0) - population.map(|finding| finding.weight).sum::<f64>();
        if weight < 0.0 {
            let ((with, without), (bad, bad_without)) = (effect.runs, effect.bad);
            let text = format!(
                "with {other} held still, {bad} of {with} runs with it failed and {bad_without} of {without} without"
            );
            lead.candidate.find(Finding::new("explained", weight, text, Vec::new()));
        }
    }
}

/// A model that nobody reports and a judge that nobody logged: where the verdict moved and the runs behave as before, nothing
/// tells them apart but another look of the judge at old runs.
pub(super) fn unlogged(mut models: Vec<Candidate>, mut judges: Vec<Candidate>) -> Vec<Candidate> {
    let unseen = |candidate: &Candidate| candidate.cause.change.is_none();
    // The share of a finding that says by itself that the runs behave otherwise.
    let behaves = |model: &Candidate| {
        model.findings.iter().any(|finding| finding.detector == "behaviour" && finding.weight > BEHAVES)
    };
    let best = judges.iter_mut().filter(|judge| unseen(judge)).max_by(|a, b| a.score().total_cmp(&b.score()));
    if let (Some(model), Some(judge)) = (models.first_mut().filter(|model| !behaves(model)), best)
        && (model.score() - judge.score()).abs() < WORLDS_APART
    {
        let scores = [model.score(), judge.score()];
        let level = ln_mean_exp(&scores);
        let test = "let the judge grade again thirty runs from before the moment: if its verdicts are the same, it was not the \
                    judge; then replay the failing runs with the model pinned";
        // The model first: fewer people can see that it moved.
        let sides = [(model, scores[0] - FIRST, Surface::Judge), (judge, scores[1] + FIRST, Surface::Model)];
        for (candidate, score, other) in sides {
            let text =
                format!("the verdict moved and the runs did not: the {} could have done it as well", other.name());
            candidate.findings.push(Finding::new("confounded", level - score, text, Vec::new()));
            candidate.together = Some(Together { with: vec![other], test: test.into() });
        }
    }
    models.append(&mut judges);
    models
}

fn asked(moved: &crate::surface::attribution::Moved) -> Option<Arms> {
    match &moved.standing {
        Standing::Confounded { test, .. } => Some(*test),
        _ => None,
    }
}

fn named(candidate: &Candidate) -> (Surface, String) {
    let surface = candidate.cause.surface;
    let subject = candidate.cause.subject.as_ref().map(Untrusted::raw).unwrap_or_default();
    let name = if surface == Surface::Tool { format!("the tool {subject}") } else { format!("the {}", surface.name()) };
    (surface, say(&name.as_str().into()))
}

/// Leads by which of them cannot be told apart; each is in one group.
fn groups(leads: &[Lead], scores: &[f64]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut order: Vec<usize> = (0..leads.len()).filter(|one| scores[*one].is_finite()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    for own in order {
        // The best of a group stands for it: whoever is told apart from it is told apart.
        let home = groups
            .iter_mut()
            .find(|group| scores[group[0]] - scores[own] < WORLDS_APART && alike(&leads[group[0]], &leads[own]));
        match home {
            Some(group) => group.push(own),
            None => groups.push(vec![own]),
        }
    }
    groups
}

/// Whether the runs cannot tell the two apart.
fn alike(one: &Lead, other: &Lead) -> bool {
    let cause = |lead: &Lead| (lead.candidate.cause.surface, lead.part.clone());
    if cause(one) == cause(other) || one.split.abs_diff(other.split) >= LEAST_APART {
        return false;
    }
    let (Some(own), Some(part)) = (one.moved(), other.part.as_ref()) else {
        // What the runs do not carry cannot be told from what moved at the same moment.
        return one.part.is_none() || other.part.is_none();
    };
    match &own.standing {
        Standing::Confounded { with, .. } => with
            .iter()
            .filter_map(|place| one.attribution.moved.get(*place))
            .any(|them| them.surface == other.candidate.cause.surface && them.part == *part),
        Standing::Innocent => false,
        // That one explains it does not acquit the other: only the runs with the one held still do, and those were weighed.
        Standing::Explains | Standing::TooFew => other.moved().is_some_and(|them| them.standing != Standing::Innocent),
    }
}
