//! What of an incident answers questions of the triage walk.

use std::collections::BTreeMap;

use crate::surface::triage::{Finding, Known, Said, Standing, StopCount};

use super::{IncidentView, SurfaceState};

impl IncidentView {
    /// What the triage walk can be answered from.
    #[must_use]
    pub fn known(&self) -> Known {
        let surfaces = self.surfaces.iter().filter_map(|line| {
            let standing = match &line.state {
                SurfaceState::Changed { before, after, .. } => Standing::Changed(before.clone(), after.clone()),
                SurfaceState::Same { value } => Standing::Same(value.clone()),
                SurfaceState::NotCaptured { .. } => return None,
            };
            Some((line.surface, standing))
        });
        let mut findings = BTreeMap::new();
        for diagnosis in self.diagnosis.iter().map(|shown| &shown.diagnosis) {
            for hypothesis in &diagnosis.hypotheses {
                let surface = hypothesis.cause.surface;
                for (ids, supports) in [(&hypothesis.evidence_for, true), (&hypothesis.evidence_against, false)] {
                    // Two hypotheses may rest on one finding: it counts once.
                    for found in diagnosis.evidence.iter().filter(|found| ids.contains(&found.id)) {
                        let (weight, text) = (found.weight, found.text.clone());
                        findings.insert((surface, supports, found.id), Finding { surface, supports, weight, text });
                    }
                }
            }
        }
        let stops =
            self.stops.iter().map(|line| StopCount { stop: line.stop.clone(), before: line.before, since: line.since });
        Known {
            surfaces: surfaces.collect(),
            findings: findings.into_values().collect(),
            stops: stops.collect(),
            reading: self.reading.as_ref().map(|reading| reading.answer),
        }
    }

    /// What people answered on the triage walk.
    #[must_use]
    pub fn triage_said(&self) -> Vec<Said> {
        let said = self.triage.iter().map(|line| Said {
            question: line.question.clone(),
            answer: line.answer.clone(),
            by: line.by.clone(),
        });
        said.collect()
    }
}
