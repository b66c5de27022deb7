//! Runbooks at the desk: offered for an incident, their reading steps run behind the wall, their writing steps proposed.

mod known;
mod propose;
mod run;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;

use super::desk::LocalDesk;
use super::guard;
use super::past::Past;
use super::rollback::{self, Stage};
use super::runbook::{self, Facts, Mode, Runbook, Step};
use super::wall;
use crate::event::{Digest, IncidentId, Policy, Request, Surface, Untrusted};
pub(super) use known::{Given, values};
pub use run::StepWatch;
pub(super) use run::{Unwatched, finding};

/// A step of a runbook, with what its inputs are.
#[derive(Clone, Debug, PartialEq)]
pub struct StepAt {
    /// The runbook's name.
    pub runbook: Untrusted,
    /// The step's name.
    pub step: Untrusted,
    /// What a person typed for its inputs.
    pub values: BTreeMap<Untrusted, Untrusted>,
    /// What the incident looks like: services, surfaces, stops and title. Its alerts are read from the record.
    pub seen: Facts,
}

/// A runbook that fits an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Offered {
    /// Its name.
    pub name: Untrusted,
    /// What people call it.
    pub title: Untrusted,
    /// Why it is offered.
    pub reason: Untrusted,
    /// Digest of its text.
    pub digest: Digest,
    /// For a procedure that takes something back: what stays gone.
    pub wont_return: Option<Vec<Untrusted>>,
    /// For such a procedure: the surface that moves when it is done.
    pub takes_back: Option<Surface>,
    /// For such a procedure: its stages, in order.
    pub stages: Vec<Stage>,
    /// Escalation points, and whether somebody was called.
    pub points: Vec<(Untrusted, bool)>,
    /// Its steps.
    pub steps: Vec<OfferedStep>,
}

/// One step of a runbook that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedStep {
    /// Its name.
    pub name: Untrusted,
    /// The heading it stands under.
    pub heading: Untrusted,
    /// In plain words.
    pub about: Untrusted,
    /// Whether it only looks.
    pub reads: bool,
    /// Why that is so.
    pub why: Untrusted,
    /// Exactly what would run, or which input nobody knows.
    pub request: Result<Request, String>,
    /// Inputs a person has to give.
    pub missing: Vec<Untrusted>,
    /// The step that takes it back.
    pub rollback: Option<Untrusted>,
    /// The step that shows whether it worked.
    pub verify: Option<Untrusted>,
}

impl LocalDesk {
    /// The runbooks that fit an incident, the closest first. `seen` is what it looks like; its alerts are read here.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(super) fn fitting(&self, incident: IncidentId, seen: &Facts) -> anyhow::Result<Vec<Offered>> {
        let facts = self.facts(incident, seen)?;
        let past = Past::of(&self.journal, incident)?;
        let all = (self.hands.runbooks)();
        Ok(runbook::matched(&all, &facts)
            .into_iter()
            .map(|fit| self.offer(fit.runbook, fit.reason, &facts, &past))
            .collect())
    }

    fn offer(&self, runbook: &Runbook, reason: Untrusted, facts: &Facts, past: &Past) -> Offered {
        let earlier = past.values(&runbook.name);
        let steps = runbook.steps.iter().map(|step| {
            let Given { checked, missing, .. } = values(runbook, step, facts, &BTreeMap::new(), earlier);
            let request = match checked {
                Ok(values) => {
                    runbook.request(step, &values, &self.hands.known).map_err(|unfilled| unfilled.to_string())
                }
                Err(error) => Err(error),
            };
            OfferedStep {
                name: step.name.clone(),
                heading: step.heading.clone(),
                about: step.about.clone(),
                reads: step.mode == Mode::Read,
                why: step.why.clone(),
                request,
                missing,
                rollback: step.rollback.clone(),
                verify: step.verify.clone(),
            }
        });
        let points = runbook.escalate.iter().map(|escalation| {
            let point = guard::point(escalation);
            let called = past.called(&point);
            (point, called)
        });
        Offered {
            name: runbook.name.clone(),
            title: runbook.title.clone(),
            reason,
            digest: runbook.digest,
            wont_return: runbook.rollback.as_ref().map(|rollback| rollback.wont_return.clone()),
            points: points.collect(),
            takes_back: runbook.rollback.as_ref().map(|rollback| rollback.of.surface()),
            stages: rollback::stages(runbook),
            steps: steps.collect(),
        }
    }

    pub(super) fn runbook(&self, name: &Untrusted) -> anyhow::Result<Runbook> {
        (self.hands.runbook)(name.raw())
            .with_context(|| format!("there is no runbook {} any more", name.show(Policy::Exact).as_str()))
    }

    /// What stands around a step of this runbook.
    pub(super) fn around(&self, runbook: &Runbook, step: &Step) -> wall::Surroundings {
        let mut around = self.hands.wall.clone();
        let hosts = runbook.hosts.iter().chain(&step.hosts);
        around.hosts.extend(hosts.map(|host| (host.name.raw().to_owned(), host.port)));
        if let Some(timeout) = step.timeout {
            around.limits.time = timeout.min(Duration::from_secs(600));
        }
        around
    }
}

pub(super) fn step_of<'r>(runbook: &'r Runbook, name: &Untrusted) -> anyhow::Result<&'r Step> {
    runbook.step(name.raw()).with_context(|| {
        let (runbook, step) = (runbook.name.show(Policy::Exact), name.show(Policy::Exact));
        format!("the runbook {} has no step {} any more", runbook.as_str(), step.as_str())
    })
}
