//! What of an incident answers questions of the triage walk.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::event::{Surface, Time, Untrusted};
use crate::response::rollback::{self, Seen, What};
use crate::response::runbook::Facts;
use crate::surface::StopClass;
use crate::surface::triage::{Finding, Known, Said, Standing, StopCount};

use super::{ActionState, IncidentView, SurfaceState};

impl IncidentView {
    /// What runbooks can be for, of this incident; the labels of its alerts are for whoever reads the record.
    #[must_use]
    pub fn runbook_facts(&self) -> Facts {
        let mut services: Vec<_> = Vec::new();
        for group in &self.groups.items {
            if !services.contains(&group.service) {
                services.push(group.service.clone());
            }
        }
        let suspected =
            self.diagnosis.iter().flat_map(|shown| &shown.diagnosis.hypotheses).map(|one| one.cause.surface);
        let changed = self.surfaces.iter().filter(|line| matches!(line.state, SurfaceState::Changed { .. }));
        let mut surfaces = Vec::new();
        for surface in suspected.chain(changed.map(|line| line.surface)) {
            if !surfaces.contains(&surface) {
                surfaces.push(surface);
            }
        }
        let total = |of: fn(&super::StopLine) -> u64| self.stops.iter().map(of).sum::<u64>();
        let (before, since) = (total(|line| line.before), total(|line| line.since));
        // More often than before, as a share of the runs; multiplied out, so that nothing is divided by none.
        let risen = self.stops.iter().filter(|line| line.since * before.max(1) > line.before * since);
        Facts {
            alerts: Vec::new(),
            services,
            surfaces,
            stops: risen
                .filter_map(|line| StopClass::ALL.into_iter().find(|stop| stop.name() == line.stop.raw()))
                .collect(),
            title: self.headline.clone(),
        }
    }

    /// What happened to the steps of a runbook, oldest first, as far as how far it is depends on it.
    #[must_use]
    pub fn happened(&self, runbook: &Untrusted) -> Vec<Seen> {
        let mut all = Vec::new();
        let reads = self.hands.reads.iter().filter(|read| read.runbook == *runbook);
        for read in reads {
            let what = What::Read { well: read.ended.is_well() };
            let times = read.since.into_iter().chain([read.at]);
            all.extend(times.map(|at| Seen { step: read.step.clone(), at, what }));
        }
        for action in &self.actions {
            let Some(origin) = action.plan.origin.as_ref().filter(|origin| origin.runbook == *runbook) else {
                continue;
            };
            let mut saw = |at, what| all.push(Seen { step: origin.step.clone(), at, what });
            match &action.state {
                ActionState::Proposed | ActionState::Approved { .. } => saw(self.updated, What::Proposed),
                ActionState::Denied { .. } => {}
                ActionState::Started { at } => saw(*at, What::Began),
                ActionState::Finished { outcome, at } => {
                    saw(action.began.unwrap_or(*at), What::Began);
                    saw(*at, rollback::ended(outcome));
                    if let Some(effect) = &action.effect {
                        let after = SignedDuration::from_secs(i64::try_from(effect.after_s).unwrap_or(i64::MAX));
                        saw(at.checked_add(after).unwrap_or(Time::MAX), What::Effect(effect.effect));
                    }
                }
            }
        }
        all.sort_by_key(|seen| seen.at);
        all
    }

    /// What a freeze would hold: the components of the leading hypotheses, and their surfaces with those of the AI feature.
    #[must_use]
    pub fn freeze_proposal(&self) -> (Vec<Untrusted>, Vec<Surface>) {
        /// So many of the first hypotheses are the leading ones.
        const LEADING: usize = 2;
        let diagnosis = self.diagnosis.as_ref().map(|shown| &shown.diagnosis);
        let leading = || diagnosis.iter().flat_map(|diagnosis| diagnosis.hypotheses.iter().take(LEADING));
        let causes = leading().filter_map(|one| one.cause.subject.clone());
        let first = diagnosis.and_then(|diagnosis| diagnosis.first_failing.clone());
        let mut services: std::collections::BTreeSet<Untrusted> = causes.chain(first).collect();
        if services.is_empty() {
            services.extend(self.groups.items.iter().map(|group| group.service.clone()));
        }
        services.remove(&Untrusted::default());
        let of_feature = self.surfaces.iter().map(|line| line.surface);
        let surfaces: std::collections::BTreeSet<Surface> =
            leading().map(|one| one.cause.surface).chain(of_feature).collect();
        (services.into_iter().collect(), surfaces.into_iter().collect())
    }

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
