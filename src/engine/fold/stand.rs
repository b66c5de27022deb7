//! How changes, surfaces and series stand after a diagnosis.
//!
//! Only the diagnosis itself is an entry; the rest is worked out again from the same scene by every process that shows it.

use std::collections::BTreeMap;

use crate::diagnosis::{Judgement, diagnose};
use crate::engine::view::{SeriesLine, SurfaceLine, SurfaceState};
use crate::event::{Alert, IncidentId, Surface, Time, Untrusted};
use crate::surface::{SurfaceReport, SurfaceStanding};

use super::Fold;
use super::changes::Changes;
use super::incident::Standing;

impl Fold {
    /// Judges an incident as of `as_of` from what is in memory.
    pub(super) fn judge(&self, id: IncidentId, as_of: Time) -> Option<Judgement> {
        let incident = self.state.incidents.get(&id)?;
        let alerts: Vec<Alert> = incident.groups.whole().values().map(|alert| Alert::clone(alert)).collect();
        if alerts.is_empty() {
            return None;
        }
        let scene = self.scene.scene(as_of, alerts, self.state.correlator.graph());
        Some(diagnose(id, &scene, &self.calibration()))
    }

    /// Takes over what the newest diagnosis of an incident made of the rest of the picture.
    pub(super) fn stand(&mut self, id: IncidentId) {
        if self.superseded {
            return;
        }
        let newest = self.state.incidents.get(&id).and_then(|incident| incident.diagnosis.as_ref());
        let Some((inputs, as_of)) = newest.map(|newest| (newest.diagnosis.inputs, newest.diagnosis.as_of)) else {
            return;
        };
        // Without alerts nothing can be said, and what an earlier diagnosis made of it is over: whoever reads many entries at
        // once never made it.
        let judgement = self.judged.remove(&inputs).or_else(|| self.judge(id, as_of));
        let standing = judgement.map_or_else(Standing::default, |made| standing(made, &self.state.changes));
        if let Some(incident) = self.state.incidents.get_mut(&id) {
            incident.standing = standing;
            self.dirty.incidents.insert(id);
        }
    }
}

fn standing(judgement: Judgement, changes: &Changes) -> Standing {
    let suspects: BTreeMap<_, _> =
        judgement.changes.into_iter().map(|suspect| (suspect.change, (suspect.suspicion, suspect.why))).collect();
    let series = judgement.series.into_iter().map(|key| SeriesLine {
        name: key.name,
        service: key.service,
        before: key.before,
        after: key.after,
        values: key.values,
    });
    let surfaces = judgement.surfaces.into_iter().map(|report| line(report, changes)).collect();
    let mut around = judgement.around;
    for came in &mut around.came {
        came.change = logged(came.surface, came.first_seen, changes);
    }
    Standing { suspects, surfaces, series: series.collect(), around }
}

fn line(report: SurfaceReport, changes: &Changes) -> SurfaceLine {
    let surface = report.surface;
    let state = match report.standing {
        SurfaceStanding::Same(value) => SurfaceState::Same { value },
        SurfaceStanding::NotCaptured(missing) => SurfaceState::NotCaptured { missing },
        SurfaceStanding::Changed(moved) => {
            let change = logged(surface, moved.first_seen, changes);
            SurfaceState::Changed { before: moved.before, after: moved.after, change }
        }
    };
    SurfaceLine { surface, state }
}

/// The newest change of `surface` in the hours before its new value was first seen.
fn logged(surface: Surface, first_seen: Time, changes: &Changes) -> Option<Untrusted> {
    let hours = jiff::SignedDuration::from_hours(super::limits::CHANGES_BEFORE_HOURS);
    let from = first_seen.checked_sub(hours).unwrap_or(Time::MIN);
    changes.between(from, first_seen).rev().find(|change| change.surface == surface).map(|change| change.id.clone())
}
