//! At the desk: a stage begins only after what must come before it, and is looked at on its own once it is done.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{Progress, Seen, Stage, Wait, What, stages};
use crate::event::{Fact, IncidentId, Kind, Outcome, Plan, PlanId, Purpose, Time, Untrusted};
use crate::journal::{JournalError, Query, SharedJournal, term};
use crate::response::desk::{LocalDesk, ReadRunbook};
use crate::response::ledger::{self, Life, read_all};
use crate::response::runbook::{Facts, Mode};
use crate::response::steps::{StepAt, Unwatched};
use crate::response::wall;

/// As many of the newest changes are asked whether they are stages that are to be looked at.
const CHANGES: usize = 50;
/// While a stage must hold it is looked at so many times, but not more often nor more seldom than this.
const LOOKS: i32 = 4;
const SOONEST: SignedDuration = SignedDuration::from_secs(20);
const LATEST: SignedDuration = SignedDuration::from_mins(5);

/// What must come before this plan, as a stage of a procedure; empty = nothing, or it is none.
pub(in crate::response) fn waits(
    journal: &SharedJournal,
    runbook: &ReadRunbook,
    plan: &Plan,
    now: Time,
) -> Result<Vec<Wait>, JournalError> {
    let (Purpose::RollBack { .. }, Some(origin)) = (&plan.purpose, &plan.origin) else { return Ok(Vec::new()) };
    let Some(stages) = runbook(origin.runbook.raw()).map(|runbook| stages(&runbook)) else { return Ok(Vec::new()) };
    let Some(nth) = stages.iter().position(|stage| stage.step == origin.step) else { return Ok(Vec::new()) };
    let seen = happened(journal, plan.incident, &origin.runbook)?;
    Ok(Progress::of(stages, &seen, now).before(nth))
}

/// What happened to the steps of a procedure in an incident, oldest first.
fn happened(journal: &SharedJournal, incident: IncidentId, procedure: &Untrusted) -> Result<Vec<Seen>, JournalError> {
    let kinds = vec![Kind::Proposed, Kind::Denied, Kind::Started, Kind::Finished, Kind::EffectChecked, Kind::StepRead];
    let mut plans: Vec<(PlanId, Untrusted)> = Vec::new();
    let mut all = Vec::new();
    for record in read_all(journal, Query { kinds, term: Some(term::incident(incident.0)), ..Query::default() })? {
        let at = record.arrived;
        let (step, what) = match record.fact()? {
            Fact::Proposed(plan) => {
                let id = plan.id();
                let Some(origin) = plan.origin.filter(|origin| origin.runbook == *procedure) else { continue };
                plans.push((id, origin.step.clone()));
                (Some(origin.step), What::Proposed)
            }
            Fact::StepRead(read) if read.runbook == *procedure => {
                (Some(read.step), What::Read { well: read.ended.is_well() })
            }
            Fact::Denied(denial) => (of(&plans, denial.plan), What::Withdrawn),
            Fact::Started(started) => (of(&plans, started.plan), What::Began),
            Fact::EffectChecked(checked) => (of(&plans, checked.plan), What::Effect(checked.effect)),
            Fact::Finished(finished) => (of(&plans, finished.plan), ended(&finished.outcome)),
            _ => continue,
        };
        all.extend(step.map(|step| Seen { step, at, what }));
    }
    Ok(all)
}

fn of(plans: &[(PlanId, Untrusted)], id: PlanId) -> Option<Untrusted> {
    plans.iter().find(|(plan, _)| *plan == id).map(|(_, step)| step.clone())
}

/// What an outcome is to a procedure.
#[must_use]
pub fn ended(outcome: &Outcome) -> What {
    match outcome {
        Outcome::Done { .. } => What::Done,
        Outcome::Failed { .. } => What::Failed,
        Outcome::Unknown { .. } | Outcome::Partly { .. } => What::Unclear,
    }
}

impl LocalDesk {
    /// Runs what shows whether a stage worked, for stages that were done and must hold: once they are done and now and then until
    /// they have held. Returns how many ran. Runs nothing on a record that is labelled as no real one, and nothing where the
    /// wall does not hold.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn look_after_stages(&self, now: Time) -> anyhow::Result<usize> {
        let query = Query { kinds: vec![Kind::Finished], newest_first: true, limit: CHANGES, ..Query::default() };
        let finished = self.journal.read(&query)?;
        if finished.is_empty()
            || ledger::is_labelled(&self.journal)?
            || !wall::standing_of(&self.hands.wall.program).holds()
        {
            return Ok(0);
        }
        let mut looked = BTreeSet::new();
        let mut ran = 0;
        for record in finished {
            let Fact::Finished(finished) = record.fact()? else { continue };
            let Some(ledger) = ledger::Ledger::of(&self.journal, finished.plan)? else { continue };
            let plan = ledger.plan;
            let (Purpose::RollBack { .. }, Some(origin)) = (&plan.purpose, &plan.origin) else { continue };
            if !looked.insert((plan.incident, origin.runbook.clone(), origin.step.clone()))
                || ledger::life(&self.journal, plan.incident)? != Some(Life::Open)
            {
                continue;
            }
            if let Some(at) = self.due(&plan, now)? {
                // What cannot run is on record as such, or is tried again.
                ran += usize::from(self.run_step(plan.incident, &at, None, now, &Unwatched).is_ok());
            }
        }
        Ok(ran)
    }

    /// The reading step that is to run now for the stage of this plan.
    fn due(&self, plan: &Plan, now: Time) -> anyhow::Result<Option<StepAt>> {
        let Some(origin) = &plan.origin else { return Ok(None) };
        let Some(runbook) = (self.hands.runbook)(origin.runbook.raw()) else { return Ok(None) };
        let stages = stages(&runbook);
        let Some(nth) = stages.iter().position(|stage| stage.step == origin.step) else { return Ok(None) };
        let Some(verify) = stages[nth].verify.clone() else { return Ok(None) };
        if runbook.step(verify.raw()).is_none_or(|step| step.mode != Mode::Read) {
            return Ok(None);
        }
        let seen = happened(&self.journal, plan.incident, &origin.runbook)?;
        let reads = seen.iter().filter(|seen| seen.step == verify && matches!(seen.what, What::Read { .. }));
        let last = reads.map(|seen| seen.at).max();
        let progress = Progress::of(stages, &seen, now);
        let due = is_due(&progress.stages()[nth], &progress.at[nth], last, now);
        Ok(due.then(|| StepAt {
            runbook: origin.runbook.clone(),
            step: verify,
            values: origin.values.clone(),
            seen: Facts::default(),
        }))
    }
}

/// Whether a stage is to be looked at: after it was done, and now and then until it has held.
fn is_due(stage: &Stage, at: &super::StageAt, last: Option<Time>, now: Time) -> bool {
    let Some(done) = at.done.filter(|_| at.state.is_done()) else { return false };
    let every = (stage.hold / LOOKS).clamp(SOONEST, LATEST);
    match last.filter(|last| *last >= done) {
        None => true,
        // Whoever went on without it does not wait for it any more.
        Some(_) if at.state == super::StageState::Stands || now.duration_since(done) > stage.hold * 4 + LATEST => false,
        Some(last) => now.duration_since(last) >= every,
    }
}
