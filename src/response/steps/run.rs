//! Reading steps run behind the wall, at a key or on their own, and what they said goes on record.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};

use super::known::{Given, values};
use super::{OfferedStep, StepAt, step_of};
use crate::event::{IncidentId, Person, Policy, ReadEnd, Request, StepRead, Surface, Time, Untrusted};
use crate::journal::Draft;
use crate::response::desk::{LocalDesk, act_key};
use crate::response::ledger;
use crate::response::past::Past;
use crate::response::runbook::{Facts, Mode, Runbook};
use crate::response::wall;

/// The line that matters, bytes.
const FINDING: usize = 400;

/// Whoever watches a reading step while it runs.
pub trait StepWatch {
    /// It said this. All that it says comes here, as it comes.
    fn said(&self, piece: &[u8]);
    /// Whether it is to stop where it is; asked some twenty times a second.
    fn stop(&self) -> bool;
}

/// Nobody watches it.
pub(in crate::response) struct Unwatched;

impl StepWatch for Unwatched {
    fn said(&self, _piece: &[u8]) {}

    fn stop(&self) -> bool {
        false
    }
}

impl LocalDesk {
    /// Runs a reading step and puts what it said on record. `by` is `None` where nobody asked for it.
    pub(in crate::response) fn run_step(
        &self,
        incident: IncidentId,
        at: &StepAt,
        by: Option<&Person>,
        now: Time,
        watch: &dyn StepWatch,
    ) -> anyhow::Result<String> {
        let runbook = self.runbook(&at.runbook)?;
        let step = step_of(&runbook, &at.step)?;
        ensure!(
            step.mode == Mode::Read,
            "the step {} changes something ({}): propose it instead",
            step.name.show(Policy::Exact).as_str(),
            step.why.show(Policy::Prose).as_str()
        );
        let facts = self.facts(incident, &at.seen)?;
        let past = Past::of(&self.journal, incident)?;
        let Given { checked, .. } = values(&runbook, step, &facts, &at.values, past.values(&runbook.name));
        let values = checked.map_err(anyhow::Error::msg)?;
        let request = runbook.request(step, &values, &self.hands.known)?;
        let around = self.around(&runbook, step);
        let read = wall::read(&request, &around, &mut |piece| watch.said(piece), &|| self.is_leaving() || watch.stop())
            .context("it is not run where it could change something; propose it instead")?;
        let output = String::from_utf8_lossy(&read.output).into_owned();
        let finding = finding(&output, &read.ended);
        let told = format!(
            "{}: {} ({})",
            step.name.show(Policy::Exact).as_str(),
            finding.show(Policy::Prose).as_str(),
            read.ended.in_words().show(Policy::Prose).as_str()
        );
        let mut fact = StepRead {
            incident,
            runbook: runbook.name.clone(),
            digest: runbook.digest,
            step: step.name.clone(),
            request,
            began: now,
            took_ms: u64::try_from(read.took.as_millis()).unwrap_or(u64::MAX),
            ended: read.ended,
            output: output.into(),
            output_bytes: read.output_bytes,
            finding,
            about: surfaces(&runbook),
            says: None,
            component: None,
            change: None,
            rule: Untrusted::default(),
            effects: step.effects.iter().map(|effect| effect.word().into()).collect(),
            by: by.cloned(),
        };
        step.mark(&mut fact, &values);
        self.journal.append(vec![Draft::new(now, act_key()?, &fact.into())]).context("cannot record what it said")?;
        Ok(told)
    }

    /// Runs the reading steps of the closest runbook that nobody and nothing ran for this incident, `most` of them at most.
    /// Returns how many ran.
    ///
    /// # Errors
    /// When the journal cannot be read or written. A step that cannot run is on record as such and is no error.
    pub fn read_on_its_own(&self, incident: IncidentId, seen: &Facts, most: usize, now: Time) -> anyhow::Result<usize> {
        if !wall::standing_of(&self.hands.wall.program).holds() {
            return Ok(0);
        }
        let ran = ledger::steps_read(&self.journal, incident)?;
        let mut left = most.saturating_sub(ran.len());
        let mut count = 0;
        for offered in self.fitting(incident, seen)?.into_iter().take(1) {
            for step in offered.steps.iter().filter(|step| step.reads && can_run(step)) {
                if left == 0 {
                    return Ok(count);
                }
                if ran.contains(&(offered.name.clone(), step.name.clone())) {
                    continue;
                }
                let at = StepAt {
                    runbook: offered.name.clone(),
                    step: step.name.clone(),
                    values: BTreeMap::new(),
                    seen: seen.clone(),
                };
                left -= 1;
                if self.run_step(incident, &at, None, now, &Unwatched).is_ok() {
                    count += 1;
                }
            }
        }
        Ok(count)
    }
}

/// Whether its inputs are known and its program is here: what cannot run is no finding.
fn can_run(step: &OfferedStep) -> bool {
    match &step.request {
        Ok(Request::Process { argv }) => argv.first().is_some_and(|program| wall::program(program.raw()).is_ok()),
        Ok(_) => true,
        Err(_) => false,
    }
}

fn surfaces(runbook: &Runbook) -> Vec<Surface> {
    let of = runbook.rollback.as_ref().map(|rollback| rollback.of.surface());
    let named = runbook.matches.iter().flat_map(|matches| matches.surfaces.iter().copied());
    of.into_iter().chain(named).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The line of an output that matters: the last one that says something.
pub(in crate::response) fn finding(output: &str, ended: &ReadEnd) -> Untrusted {
    let line = output.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let text = line.map_or_else(|| format!("it said nothing ({})", ended.in_words().raw()), str::to_owned);
    let mut cut = text.len().min(FINDING);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    text[..cut].into()
}
