//! From a scene to a judgement: every detector is asked, what they found is added up.

use crate::event::{
    Calibration, Confidence, Diagnosis, Digest, Direction, Evidence, EvidenceId, Falsifier, Hypothesis, IncidentId,
    NextCheck, Policy, Surface, Time, Untrusted,
};
use crate::surface::{Around, SurfaceReport};

use super::candidate::{Candidate, Finding, Sort};
use super::detect;
use super::rank;
use super::reading::telemetry::Telemetry;
use super::scene::Scene;
use super::symptoms::Symptoms;

/// Name and version of the built-in engine.
pub const ENGINE: &str = "builtin/1";

/// At most so many hypotheses are listed; the shares of the others go to "none of these".
const MOST: usize = 12;

/// Everything diagnosis has to say about one incident at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The diagnosis.
    pub diagnosis: Diagnosis,
    /// Changes, most suspicious first.
    pub changes: Vec<Suspect>,
    /// The surfaces of the AI feature around the onset; empty when no agent run was seen.
    pub surfaces: Vec<SurfaceReport>,
    /// What the runs of the paged agents say about the onset.
    pub around: Around,
    /// The series that moved most.
    pub series: Vec<KeySeries>,
}

/// One change under suspicion.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Its id at its source.
    pub change: Untrusted,
    /// How suspicious, 0 to 1: a rank and not a probability.
    pub suspicion: f64,
    /// Why it can or cannot be it.
    pub why: Untrusted,
}

/// One series around the onset.
#[derive(Clone, Debug, PartialEq)]
pub struct KeySeries {
    /// Metric.
    pub name: Untrusted,
    /// Component.
    pub service: Untrusted,
    /// Median before.
    pub before: f64,
    /// Typical since.
    pub after: f64,
    /// Values in time order, at most 60.
    pub values: Vec<f64>,
}

/// Judges `incident` from what `scene` holds, as sure as `calibration` allows. The same scene and calibration give the same
/// judgement.
#[must_use]
pub fn diagnose(incident: IncidentId, scene: &Scene<'_>, calibration: &Calibration) -> Judgement {
    let symptoms = Symptoms::read(scene);
    let mut candidates = Vec::new();
    let mut none = 0.0;
    let agents = detect::agents::look(scene);
    let by_runs = agents.is_some();
    let mut of_runs = None;
    if let Some(reading) = agents {
        of_runs = reading.component;
        candidates.extend(reading.candidates);
        none += reading.quiet;
    }
    let telemetry = Telemetry::read(scene, &symptoms);
    let mut changes = detect::changes::look(scene, &symptoms, &telemetry, by_runs);
    let operational = detect::operational::look(scene, &symptoms, &telemetry);
    for (weight, why) in &operational.against_changes {
        detect::changes::set_against(&mut changes, *weight, why);
    }
    // Runs that fail since one of their own surfaces moved explain themselves; what else moved beside them is what it led to.
    let explained = detect::changes::some_can(&changes)
        || !operational.candidates.is_empty()
        || candidates.iter().any(|candidate| candidate.score() > 0.0);
    let components = detect::components::look(scene, &symptoms, explained);
    candidates.extend(changes);
    candidates.extend(operational.candidates);
    candidates.extend(components);
    if let Some((weight, _)) = detect::components::quiet(&symptoms) {
        none += weight;
    }
    detect::replayed::look(incident, scene, &detect::agents::concerned(scene), symptoms.onset, &mut candidates);
    detect::looked::look(incident, scene, &mut candidates);
    candidates.retain(|candidate| candidate.score().is_finite());
    rank::sort(&mut candidates);
    let changes = suspects(scene, &candidates);
    candidates.truncate(MOST);
    let log_odds = rank::log_odds(&candidates, none);
    let (shares, none_of_these) = rank::shares(&log_odds, calibration);
    let best = candidates.first().filter(|_| shares.first().is_some_and(|share| *share > none_of_these));
    let onset = best.and_then(|best| best.onset).or(symptoms.onset);
    let first = match best.map(|best| best.sort) {
        // A surface of the runs moved: they fail first, whoever noticed first.
        Some(Sort::AiSurface | Sort::Dependency | Sort::Traffic) if by_runs => of_runs,
        Some(_) => best.and_then(|best| best.cause.subject.clone()),
        None => None,
    };
    let first = first.or_else(|| symptoms.first.clone());
    let headline = headline(&symptoms, best);
    let blast_radius = first.as_ref().map(|first| scene.graph.dependents(first, 6)).unwrap_or_default();
    let mut evidence = Vec::new();
    let hypotheses = candidates
        .iter()
        .zip(shares.iter().zip(&log_odds))
        .filter_map(|(candidate, (share, odds))| {
            let confidence = Confidence {
                share: *share,
                calibrated_on: calibration.cases(),
                log_odds: Some((odds * 1e4).round() / 1e4),
            };
            hypothesis(candidate, confidence, &mut evidence)
        })
        .collect();
    Judgement {
        diagnosis: Diagnosis {
            incident,
            as_of: scene.as_of,
            engine: ENGINE.into(),
            inputs: inputs(scene),
            evidence,
            hypotheses,
            none_of_these,
            headline,
            onset,
            first_failing: first,
            blast_radius: blast_radius.into_iter().map(|(name, _)| name).collect(),
            remediation: best.and_then(|best| best.remedy).map(Untrusted::from),
            not_checked: not_checked(incident, scene),
            calibration: Some(*calibration),
        },
        changes,
        surfaces: onset.map(|onset| crate::surface::report(&scene.runs, onset)).unwrap_or_default(),
        around: onset.map(|onset| crate::surface::around(&detect::agents::concerned(scene), onset)).unwrap_or_default(),
        series: key_series(scene, &symptoms),
    }
}

/// Turns a candidate into a hypothesis; its findings become evidence with ids.
fn hypothesis(candidate: &Candidate, confidence: Confidence, evidence: &mut Vec<Evidence>) -> Option<Hypothesis> {
    let (falsifier, next) = questions(candidate);
    let mut hypothesis = Hypothesis::new(
        candidate.cause.clone(),
        candidate.mechanism.clone(),
        vec![Falsifier(falsifier)],
        NextCheck(next),
    )
    .ok()?;
    hypothesis.confidence = confidence;
    let mut findings: Vec<&Finding> = candidate.findings.iter().collect();
    findings.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    for finding in findings {
        let id = EvidenceId(u32::try_from(evidence.len() + 1).unwrap_or(u32::MAX));
        evidence.push(Evidence {
            id,
            detector: finding.detector.into(),
            direction: finding.direction(),
            weight: finding.weight.abs(),
            text: finding.text.as_str().into(),
            look_at: finding.look_at.clone(),
        });
        match finding.direction() {
            Direction::For => hypothesis.evidence_for.push(id),
            Direction::Against => hypothesis.evidence_against.push(id),
        }
    }
    Some(hypothesis)
}

/// What would disprove it, and the next cheap check.
fn questions(candidate: &Candidate) -> (Untrusted, Untrusted) {
    let subject = candidate.cause.subject.as_ref().map_or_else(|| "it".to_owned(), say);
    if let Some(together) = &candidate.together {
        let surface = candidate.cause.surface.name();
        let falsifier = format!("runs with the {surface} alone as it was fail as often as those since");
        return (falsifier.into(), together.test.as_str().into());
    }
    let (falsifier, next) = match (candidate.sort, candidate.cause.surface) {
        (Sort::Change, _) => (
            format!("the same failure where this change does not run, or it goes on after {subject} runs without it"),
            "open the diff beside the failing telemetry; compare an instance that runs it with one that does not"
                .to_owned(),
        ),
        (Sort::Component, _) => (
            format!("the paged component fails for requests that do not touch {subject}"),
            format!("look at {subject} alone: its own resources, restarts and errors since the onset"),
        ),
        (Sort::Dependency, _) => (
            format!("calls to {subject} made from elsewhere succeed at the same time"),
            format!("open the status page of {subject}; try one call by hand"),
        ),
        (Sort::Traffic, _) => (
            "within one slice of traffic the outcome also fell".to_owned(),
            "compare the outcome before and since within the largest slice".to_owned(),
        ),
        (Sort::Exhaustion, _) => (
            format!("{subject} shows room left, or an end date ahead, at the time of the first failure"),
            format!("read the limit or the end date of {subject} directly"),
        ),
        (Sort::AiSurface, Surface::Judge) => (
            "the old judge fails the same runs as often".to_owned(),
            "let the judge as it was grade ten runs from after the moment".to_owned(),
        ),
        (Sort::AiSurface, surface) => (
            format!("runs with the {} as it was fail as often as those since", surface.name()),
            format!("replay twenty of the failing runs with the {} as it was before", surface.name()),
        ),
    };
    (falsifier.into(), next.into())
}

fn headline(symptoms: &Symptoms<'_>, best: Option<&Candidate>) -> Untrusted {
    let paged = symptoms.paged.first().map_or_else(|| "nothing paged".to_owned(), say);
    let cause = match best {
        None => "cause not clear yet".to_owned(),
        Some(best) => {
            let place = best.cause.subject.as_ref().map(|subject| format!(" in {}", say(subject))).unwrap_or_default();
            let surface = best.cause.surface.name();
            match &best.together {
                Some(together) => {
                    let others: Vec<&str> = together.with.iter().map(|surface| surface.name()).collect();
                    format!("probable cause: {surface} or {}, which moved together", others.join(" or "))
                }
                None => format!("probable cause: {surface} ({}){place}", say(&best.mechanism)),
            }
        }
    };
    format!("{paged} is degraded; {cause}").into()
}

fn say(text: &Untrusted) -> String {
    text.show(Policy::Prose).as_str().to_owned()
}

/// Each change with the suspicion of its candidate; those no detector took up have none.
fn suspects(scene: &Scene<'_>, candidates: &[Candidate]) -> Vec<Suspect> {
    let mut found: Vec<Suspect> = scene
        .changes
        .iter()
        .map(|change| {
            let own = candidates.iter().find(|candidate| candidate.cause.change.as_ref() == Some(&change.id));
            let why = own.and_then(|own| own.findings.iter().max_by(|a, b| a.weight.abs().total_cmp(&b.weight.abs())));
            Suspect {
                change: change.id.clone(),
                suspicion: own.map_or(0.0, |own| 1.0 / (1.0 + (-own.score()).exp())),
                why: why.map_or_else(|| "nothing ties it to what fails".into(), |finding| finding.text.as_str().into()),
            }
        })
        .collect();
    found.sort_by(|a, b| b.suspicion.total_cmp(&a.suspicion).then_with(|| a.change.cmp(&b.change)));
    found
}

/// What could not be checked.
fn not_checked(incident: IncidentId, scene: &Scene<'_>) -> Vec<Untrusted> {
    let missing = [
        (scene.changes.is_empty(), "changes: no change log was received, so no change can be ruled in or out"),
        (scene.graph.is_empty(), "paths: no call graph is known, so who calls whom was not used"),
        (scene.series.is_empty(), "metrics: no series was received"),
        (scene.logs.is_empty(), "logs: none was received"),
        (scene.spans.is_empty(), "traces: none was received"),
    ];
    let mut said: Vec<Untrusted> =
        missing.into_iter().filter(|(absent, _)| *absent).map(|(_, text)| text.into()).collect();
    let untimed = scene.changes.iter().filter(|change| change.untimed).count();
    if untimed > 0 {
        let changes = if untimed == 1 { "1 change".to_owned() } else { format!("{untimed} changes") };
        said.push(
            format!(
                "times: {changes} came without one and stand where they arrived; when they took effect is not known and spoke neither for nor against"
            )
            .into(),
        );
    }
    said.extend(detect::looked::not_checked(incident, scene));
    said
}

/// The digest of what went in, so that the same input is judged once.
fn inputs(scene: &Scene<'_>) -> Digest {
    let series: Vec<(&str, &str, usize, Option<Time>)> = scene
        .series
        .iter()
        .map(|(key, points)| (key.service.raw(), key.name.raw(), points.len(), points.last().map(|p| p.0)))
        .collect();
    let runs: Vec<(String, Time)> = scene.runs.iter().map(|run| (run.trace.to_string(), run.end)).collect();
    let logs: Vec<(&str, &str, usize)> = scene
        .logs
        .patterns()
        .map(|pattern| (pattern.service.raw(), pattern.sample.raw(), pattern.moments.len()))
        .collect();
    let changes: Vec<(&str, Time)> = scene.changes.iter().map(|change| (change.id.raw(), change.time)).collect();
    let notices: Vec<(&str, Time)> = scene.notices.iter().map(|(at, notice)| (notice.id.raw(), *at)).collect();
    let all = (ENGINE, &scene.alerts, changes, series, runs, logs, notices);
    // Without experiments and readings the digest is what it was before there were any.
    let written = if scene.experiments.is_empty() {
        serde_json::to_vec(&all)
    } else {
        serde_json::to_vec(&(all, &scene.experiments))
    };
    let mut written = written.unwrap_or_default();
    if !scene.readings.is_empty() {
        written.extend(serde_json::to_vec(&scene.readings).unwrap_or_default());
    }
    Digest::of(&written)
}

/// The series that moved most, for sparklines.
fn key_series(scene: &Scene<'_>, symptoms: &Symptoms<'_>) -> Vec<KeySeries> {
    let mut moved: Vec<_> =
        symptoms.series.values().flatten().filter_map(|series| series.jump.map(|jump| (jump, series))).collect();
    moved.sort_by(|a, b| {
        (b.1.alerted, b.0.z)
            .partial_cmp(&(a.1.alerted, a.0.z))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then(a.1.key.cmp(b.1.key))
    });
    moved
        .into_iter()
        .take(8)
        .filter_map(|(jump, series)| {
            let (_, points) = scene.series.iter().find(|(key, _)| *key == series.key)?;
            let every = points.len().div_ceil(60).max(1);
            Some(KeySeries {
                name: series.key.name.clone(),
                service: series.key.service.clone(),
                before: jump.before,
                after: jump.after,
                values: points.iter().step_by(every).map(|(_, value)| *value).collect(),
            })
        })
        .collect()
}
