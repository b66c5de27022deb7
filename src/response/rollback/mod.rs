//! Procedures that take something back: how far one is, what its next stage waits for, and how it is rehearsed.
//!
//! **For:** going back in stages that must hold before the next begins.
//! **In:** the stages of a runbook and what happened to its steps, from the record. **Out:** how each stage stands, and what
//! must come before one begins.
//! **Never:** begins or takes back anything by itself; calls something back because its configuration is.

mod gate;
mod progress;
mod rehearse;

use jiff::SignedDuration;

use super::runbook::{Mode, Runbook, Step};
use crate::event::Untrusted;

pub use gate::ended;
pub(super) use gate::waits;
pub use progress::{Progress, Seen, StageAt, StageState, Wait, What};

/// A stage: a writing step of the procedure that is not there to take another one back.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The step.
    pub step: Untrusted,
    /// The share of traffic on the restored side when it is done, 0 to 1; `None` = the file does not say.
    pub share: Option<f64>,
    /// For how long it must have stood well before the next begins.
    pub hold: SignedDuration,
    /// Within how long it must be done and shown to work.
    pub within: Option<SignedDuration>,
    /// The step that must have gone well before.
    pub precondition: Option<Untrusted>,
    /// The step that shows whether it worked.
    pub verify: Option<Untrusted>,
    /// The step that takes it back.
    pub undo: Option<Untrusted>,
}

/// The stages of a procedure, in the order of its file; empty where the runbook takes nothing back.
#[must_use]
pub fn stages(runbook: &Runbook) -> Vec<Stage> {
    if runbook.rollback.is_none() {
        return Vec::new();
    }
    let writes = || runbook.steps.iter().filter(|step| step.mode == Mode::Write);
    // What another step names as its way back, and what carries no share and holds nothing, is only that way back.
    let is_way_back = |step: &Step| {
        let plain = step.stage.share.is_none() && step.stage.hold.is_none() && step.precondition.is_none();
        plain && writes().any(|other| other.name != step.name && other.rollback.as_ref() == Some(&step.name))
    };
    let long = |duration: std::time::Duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    let stage = |step: &Step| Stage {
        step: step.name.clone(),
        share: step.stage.share,
        hold: step.stage.hold.map_or(SignedDuration::ZERO, long),
        within: step.stage.within.map(long),
        precondition: step.precondition.clone(),
        verify: step.verify.clone(),
        undo: step.rollback.clone(),
    };
    writes().filter(|step| !is_way_back(step)).map(stage).collect()
}

#[cfg(test)]
mod tests;
