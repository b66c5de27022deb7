//! Which runbooks an incident asks for, and why; and what it knows of their inputs.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::event::{Labels, Surface, Untrusted};
use crate::surface::StopClass;

use super::types::{Input, KnownFrom, Matches, Runbook};

/// What of an incident a runbook can be for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The labels of its alerts, `alertname` among them; the first alert first.
    pub alerts: Vec<Labels>,
    /// Its components, the one it is about first.
    pub services: Vec<Untrusted>,
    /// Surfaces that changed or are suspected, the most suspected first.
    pub surfaces: Vec<Surface>,
    /// Ways in which its runs ended more often than before.
    pub stops: Vec<StopClass>,
    /// Its title.
    pub title: Untrusted,
}

/// A runbook that fits.
#[derive(Clone, Debug)]
pub struct Match<'r> {
    /// Which.
    pub runbook: &'r Runbook,
    /// How much of it fits: only for order, higher first.
    pub score: u32,
    /// What fits, in words: `matches alert HighErrorRate and service checkout`.
    pub reason: Untrusted,
}

/// The runbooks that fit, the closest first. The order of `runbooks` does not matter as long as their names differ.
#[must_use]
pub fn matched<'r>(runbooks: &'r [Runbook], facts: &Facts) -> Vec<Match<'r>> {
    let mut found: Vec<(usize, Match<'r>)> = Vec::new();
    for runbook in runbooks {
        let fits = runbook.matches.iter().filter_map(|one| fits(one, facts));
        // Of several ways to fit, the closest; of equals the one that reads first.
        let best =
            fits.min_by(|a, b| (Reverse(a.score), a.nearest, &a.words).cmp(&(Reverse(b.score), b.nearest, &b.words)));
        if let Some(Fit { score, nearest, words }) = best {
            found.push((nearest, Match { runbook, score, reason: said(&words).into() }));
        }
    }
    // A team's own before what came with the program.
    found.sort_by(|(near, a), (nearer, b)| {
        (Reverse(a.score), near, a.runbook.built_in, &a.runbook.name).cmp(&(
            Reverse(b.score),
            nearer,
            b.runbook.built_in,
            &b.runbook.name,
        ))
    });
    found.into_iter().map(|(_, one)| one).collect()
}

struct Fit {
    score: u32,
    /// The place of its surface among those suspected.
    nearest: usize,
    words: Vec<String>,
}

/// What each kind of fact counts: how much it says that the author meant this incident.
const ALERT: u32 = 8;
const LABEL: u32 = 6;
const SERVICE: u32 = 4;
const SURFACE: u32 = 3;
const STOP: u32 = 3;
const WORD: u32 = 2;
/// Subtracted where a pattern with stars did it and not the name itself.
const BY_STARS: u32 = 1;

fn fits(matches: &Matches, facts: &Facts) -> Option<Fit> {
    if matches.is_empty() {
        return None;
    }
    let (mut score, mut nearest, mut words) = (0, usize::MAX, Vec::new());
    if !matches.alerts.is_empty() {
        let names = facts.alerts.iter().filter_map(|labels| labels.get("alertname"));
        let (name, exact) = closest(&matches.alerts, &names)?;
        score += ALERT - if exact { 0 } else { BY_STARS };
        words.push(format!("alert {}", name.raw()));
    }
    if !matches.labels.is_empty() {
        // All of them on one alert: the label of one alert says nothing about another.
        facts.alerts.iter().find(|labels| {
            matches.labels.iter().all(|(name, glob)| labels.get(name).is_some_and(|value| glob.fits(value.raw())))
        })?;
        for (name, glob) in &matches.labels {
            score += LABEL;
            words.push(format!("label {}={}", name.raw(), glob.text().raw()));
        }
    }
    if !matches.services.is_empty() {
        let (name, exact) = closest(&matches.services, &facts.services.iter())?;
        score += SERVICE - if exact { 0 } else { BY_STARS };
        words.push(format!("service {}", name.raw()));
    }
    if !matches.surfaces.is_empty() {
        let (place, surface) =
            facts.surfaces.iter().enumerate().find(|(_, surface)| matches.surfaces.contains(surface))?;
        (score, nearest) = (score + SURFACE, place);
        words.push(format!("surface {}", surface.name()));
    }
    if !matches.stops.is_empty() {
        let stop = facts.stops.iter().find(|stop| matches.stops.contains(stop))?;
        score += STOP;
        words.push(format!("runs that ended as {:?}", stop.name()));
    }
    if !matches.words.is_empty() {
        let title = words_of(facts.title.raw());
        matches.words.iter().all(|word| words_of(word.raw()).is_subset(&title)).then_some(())?;
        score += WORD;
        let all: Vec<&str> = matches.words.iter().map(Untrusted::raw).collect();
        words.push(format!("the title's words {}", all.join(", ")));
    }
    Some(Fit { score, nearest, words })
}

/// A name that a glob fits, through one that is written out if there is such; else through one with stars.
fn closest<'n>(
    globs: &[super::Glob],
    names: &(impl Iterator<Item = &'n Untrusted> + Clone),
) -> Option<(&'n Untrusted, bool)> {
    let by = |exact: bool| {
        let fits = |name: &&Untrusted| globs.iter().any(|glob| glob.is_exact() == exact && glob.fits(name.raw()));
        names.clone().filter(fits).min()
    };
    by(true).map(|name| (name, true)).or_else(|| by(false).map(|name| (name, false)))
}

fn words_of(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

fn said(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => format!("matches {one}"),
        [front @ .., last] => format!("matches {} and {last}", front.join(", ")),
    }
}

/// What an incident knows of one input.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The input's name.
    pub input: Untrusted,
    /// The value, where it fits the input's pattern.
    pub value: Option<Untrusted>,
    /// Where it is from, in words: `label namespace`, `service`, `default`; or why there is none.
    pub from: Untrusted,
    /// It came in from outside, by this path; a default is the author's word.
    pub outside: bool,
}

/// What an incident knows of these inputs, in their order.
#[must_use]
pub fn known(inputs: &[Input], facts: &Facts) -> Vec<Known> {
    inputs.iter().map(|input| known_of(input, facts)).collect()
}

fn known_of(input: &Input, facts: &Facts) -> Known {
    let mut why = Vec::new();
    for from in &input.from {
        let (place, found) = match from {
            KnownFrom::Label(name) => {
                let values: BTreeSet<&Untrusted> = facts.alerts.iter().filter_map(|labels| labels.get(name)).collect();
                let place = format!("alert label {}", name.raw());
                match values.len() {
                    0 => {
                        why.push(format!("no alert has the label {}", name.raw()));
                        continue;
                    }
                    1 => (place, values.first().copied()),
                    n => {
                        why.push(format!("its alerts have {n} values of the label {}", name.raw()));
                        continue;
                    }
                }
            }
            KnownFrom::Service => ("service".to_owned(), facts.services.first()),
            KnownFrom::Alert => ("alert".to_owned(), facts.alerts.first().and_then(|labels| labels.get("alertname"))),
        };
        match found {
            None => why.push(format!("the incident has no {place}")),
            Some(value) => match input.pattern.check(value.raw()) {
                Ok(()) => {
                    return Known {
                        input: input.name.clone(),
                        value: Some(value.clone()),
                        from: place.into(),
                        outside: true,
                    };
                }
                Err(bad) => why.push(format!("the {place} cannot be used: {bad}")),
            },
        }
    }
    match &input.default {
        Some(value) => {
            Known { input: input.name.clone(), value: Some(value.clone()), from: "default".into(), outside: false }
        }
        None => {
            if why.is_empty() {
                why.push("a person gives it".to_owned());
            }
            Known { input: input.name.clone(), value: None, from: why.join("; ").into(), outside: false }
        }
    }
}
