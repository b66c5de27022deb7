//! From a scene to a judgement.

use crate::event::{
    Cause, Change, Diagnosis, Digest, Direction, Evidence, EvidenceId, Falsifier, Hypothesis, IncidentId, NextCheck,
    Pointer, Policy, Time, Untrusted,
};
use crate::surface::SurfaceReport;

use super::scene::Scene;

/// Name and version of the built-in engine.
pub const ENGINE: &str = "builtin/1";

/// Everything diagnosis has to say about one incident at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The diagnosis.
    pub diagnosis: Diagnosis,
    /// Changes, most suspicious first.
    pub changes: Vec<Suspect>,
    /// The surfaces of the AI feature around the onset; empty when no agent run was seen.
    pub surfaces: Vec<SurfaceReport>,
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
    /// Median since.
    pub after: f64,
    /// Values in time order, at most 60.
    pub values: Vec<f64>,
}

/// Judges `incident` from what `scene` holds. The same scene gives the same judgement.
#[must_use]
pub fn diagnose(incident: IncidentId, scene: &Scene<'_>) -> Judgement {
    let onset = scene.alerts.first().map(|alert| alert.starts_at);
    let paged = scene.alerts.first().and_then(|alert| alert.service().cloned());
    let mut scored: Vec<(f64, &Change, String)> = scene.changes.iter().map(|change| timing(change, onset)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
    let mut evidence = Vec::new();
    let mut hypotheses = Vec::new();
    for (number, (weight, change, why)) in (1_u32..).zip(scored.iter().take(3)) {
        let id = EvidenceId(number);
        let direction = if *weight >= 0.0 { Direction::For } else { Direction::Against };
        evidence.push(Evidence {
            id,
            detector: "timing".into(),
            direction,
            weight: weight.abs(),
            text: why.as_str().into(),
            look_at: vec![Pointer::Change { id: change.id.clone() }],
        });
        let cause = Cause { surface: change.surface, subject: change.subject.clone(), change: Some(change.id.clone()) };
        let falsifier = Falsifier("the failure is also seen where this change is not running".into());
        let next = NextCheck("open the diff and compare it with the first failing component".into());
        if let Ok(mut hypothesis) = Hypothesis::new(cause, change.summary.clone(), vec![falsifier], next) {
            hypothesis.confidence.share = 0.1;
            match direction {
                Direction::For => hypothesis.evidence_for.push(id),
                Direction::Against => hypothesis.evidence_against.push(id),
            }
            hypotheses.push(hypothesis);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most three")]
    let none_of_these = 1.0 - 0.1 * hypotheses.len() as f64;
    let component = paged.clone().unwrap_or_else(|| "the service".into());
    let headline = format!("{} is degraded; probable cause not known yet", component.show(Policy::Prose).as_str());
    let changes = scored
        .iter()
        .map(|(weight, change, why)| Suspect {
            change: change.id.clone(),
            suspicion: 1.0 / (1.0 + (-weight).exp()),
            why: why.as_str().into(),
        })
        .collect();
    let inputs = serde_json::to_vec(&(scene.as_of, &scene.alerts, &scene.changes)).unwrap_or_default();
    Judgement {
        diagnosis: Diagnosis {
            incident,
            as_of: scene.as_of,
            engine: ENGINE.into(),
            inputs: Digest::of(&inputs),
            evidence,
            hypotheses,
            none_of_these,
            headline: headline.into(),
            onset,
            first_failing: paged,
            blast_radius: Vec::new(),
            remediation: None,
            not_checked: Vec::new(),
        },
        changes,
        surfaces: onset.map(|onset| crate::surface::report(&scene.runs, onset)).unwrap_or_default(),
        series: Vec::new(),
    }
}

fn timing<'a>(change: &&'a Change, onset: Option<Time>) -> (f64, &'a Change, String) {
    let Some(onset) = onset else { return (0.0, change, "no onset to compare with".into()) };
    let before = onset.duration_since(change.time).as_secs();
    if before < 0 {
        return (-4.0, change, format!("came {} s after the first alert", -before));
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let weight = 1.5 - (before as f64 / 1_800.0).min(3.0);
    (weight, change, format!("{} min before the first alert", before / 60))
}
