//! How far a procedure is, from what happened to its steps.

use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;

use super::Stage;
use crate::event::{Policy, Recovery, Time, Untrusted};

/// Something that happened to a step of the procedure.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The step.
    pub step: Untrusted,
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
}

/// What happened to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A plan of it waits for its approval.
    Proposed,
    /// That plan was refused, or its time ran out.
    Withdrawn,
    /// It began.
    Began,
    /// It was done.
    Done,
    /// It failed and changed nothing.
    Failed,
    /// It may or may not have happened, or happened in part.
    Unclear,
    /// It only reads: it ran, and says that all is well or not.
    Read {
        /// Whether all is well.
        well: bool,
    },
    /// What came of it was looked at.
    Effect(Recovery),
}

/// How a stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageState {
    /// Nothing was done.
    Untouched,
    /// Its plan waits for an approval.
    Proposed,
    /// It runs.
    Running,
    /// Done; what shows whether it worked has not run since.
    Unproven,
    /// Done, and shown to work, but not for as long as it must hold.
    Holding,
    /// Done, shown to work, and held.
    Stands,
    /// Done, and what shows whether it worked says that it did not, or things became worse.
    Unwell,
    /// It failed.
    Failed,
    /// Whether it happened is not known, or it happened in part.
    Unclear,
    /// It was done and taken back.
    TakenBack,
}

impl StageState {
    /// Whether its change is in the world.
    #[must_use]
    pub fn is_done(self) -> bool {
        matches!(self, Self::Unproven | Self::Holding | Self::Stands | Self::Unwell)
    }
}

/// One stage, and when what happened to it.
#[derive(Clone, Debug, PartialEq)]
pub struct StageAt {
    /// How it stands.
    pub state: StageState,
    /// When it last began.
    pub began: Option<Time>,
    /// When it was last done.
    pub done: Option<Time>,
    /// Since when it has stood well without a break.
    pub well_since: Option<Time>,
    /// When it was first shown to work since it was done.
    pub shown: Option<Time>,
    /// When it was taken back.
    pub taken_back: Option<Time>,
    /// What came of it, as last looked at.
    pub effect: Option<Recovery>,
    /// It took, or takes, longer than its file allows.
    pub late: bool,
}

/// How far a procedure is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    stages: Vec<Stage>,
    /// Each stage, in order.
    pub at: Vec<StageAt>,
    /// Whether the newest run of each reading step was well, since anything was last taken back.
    read: BTreeMap<Untrusted, bool>,
    now: Time,
}

/// What must come before a stage may begin.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// An earlier stage must be done.
    Stage {
        /// Which.
        step: Untrusted,
    },
    /// Whether an earlier stage, or this one, happened must be looked up.
    Unclear {
        /// Which.
        step: Untrusted,
    },
    /// A step must have gone well before.
    Precondition {
        /// Which.
        step: Untrusted,
        /// It ran, and says that all is not well.
        ran: bool,
    },
    /// The stage before must be shown to work.
    Unproven {
        /// The stage.
        step: Untrusted,
        /// What shows it.
        verify: Untrusted,
    },
    /// The stage before did not work, or made things worse.
    Unwell {
        /// The stage.
        step: Untrusted,
    },
    /// The stage before must stand well for longer.
    Hold {
        /// The stage.
        step: Untrusted,
        /// For how long it stands well already.
        stood: SignedDuration,
        /// Until when it must.
        until: Time,
    },
    /// It was taken back a short while ago: what goes back and forth tells nobody anything.
    TakenBack {
        /// When it may go again.
        until: Time,
    },
}

impl Wait {
    /// Whether time or a reading step ends it, so that it can be proposed meanwhile, and passed over in an emergency.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Stage { .. } | Self::Unclear { .. } | Self::Precondition { .. } => false,
            Self::Unproven { .. } | Self::Unwell { .. } | Self::Hold { .. } | Self::TakenBack { .. } => true,
        }
    }
}

impl fmt::Display for Wait {
    /// In words, made fit to draw.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |step: &Untrusted| step.show(Policy::Exact).as_str().to_owned();
        match self {
            Self::Stage { step } => write!(f, "the stage {} comes before it and is not done", name(step)),
            Self::Unclear { step } => {
                write!(f, "whether the stage {} happened is not known: look that up first", name(step))
            }
            Self::Precondition { step, ran: false } => write!(f, "the step {} must go well first", name(step)),
            Self::Precondition { step, ran: true } => {
                write!(f, "the step {} must go well first, and says that all is not well", name(step))
            }
            Self::Unproven { step, verify } => {
                write!(f, "the stage {} is not shown to work: {} must go well first", name(step), name(verify))
            }
            Self::Unwell { step } => {
                write!(
                    f,
                    "the stage {} did not work or made things worse: take it back, or go on in an emergency",
                    name(step)
                )
            }
            Self::Hold { step, stood, until } => {
                let (minutes, until) = (stood.as_mins(), until.strftime("%H:%M:%S"));
                write!(f, "the stage {} has stood well for {minutes} min; it must until {until} UTC", name(step))
            }
            Self::TakenBack { until } => {
                write!(f, "it was taken back a short while ago; it may go again at {} UTC", until.strftime("%H:%M:%S"))
            }
        }
    }
}

impl Progress {
    /// How far the procedure with these stages is at `now`, by what happened, oldest first.
    #[must_use]
    pub fn of(stages: Vec<Stage>, seen: &[Seen], now: Time) -> Self {
        let untouched = StageAt {
            state: StageState::Untouched,
            began: None,
            done: None,
            well_since: None,
            shown: None,
            taken_back: None,
            effect: None,
            late: false,
        };
        let mut progress = Self { at: vec![untouched; stages.len()], stages, read: BTreeMap::new(), now };
        for seen in seen.iter().filter(|seen| seen.at <= now) {
            progress.see(seen);
        }
        for nth in 0..progress.at.len() {
            progress.settle(nth);
        }
        progress
    }

    /// The stages.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The first stage that is not done.
    #[must_use]
    pub fn next(&self) -> Option<usize> {
        self.at.iter().position(|stage| !stage.state.is_done())
    }

    /// Whether anything was done, or is about to be.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.at.iter().any(|stage| stage.state != StageState::Untouched)
    }

    /// What must come before the stage of this number, from 0, may begin; empty = nothing.
    #[must_use]
    pub fn before(&self, nth: usize) -> Vec<Wait> {
        let (Some(stage), Some(at)) = (self.stages.get(nth), self.at.get(nth)) else { return Vec::new() };
        // What is done already is only done again where that takes it back.
        if at.state.is_done() {
            return Vec::new();
        }
        let mut waits = Vec::new();
        if at.state == StageState::Unclear {
            waits.push(Wait::Unclear { step: stage.step.clone() });
        }
        if let Some(precondition) = &stage.precondition
            && !self.went_well(precondition)
        {
            let ran = self.read.contains_key(precondition);
            waits.push(Wait::Precondition { step: precondition.clone(), ran });
        }
        if let Some(until) = at.taken_back.map(|taken| later(taken, stage.hold)).filter(|until| *until > self.now) {
            waits.push(Wait::TakenBack { until });
        }
        if let Some((before, stood)) = nth.checked_sub(1).and_then(|nth| self.stages.get(nth).zip(self.at.get(nth))) {
            waits.extend(self.standing(before, stood));
        }
        waits
    }

    /// What the stage before is still waited for.
    fn standing(&self, stage: &Stage, at: &StageAt) -> Option<Wait> {
        let step = stage.step.clone();
        match at.state {
            StageState::Stands => None,
            StageState::Unproven => {
                let verify = stage.verify.clone().unwrap_or_default();
                Some(Wait::Unproven { step, verify })
            }
            StageState::Unwell => Some(Wait::Unwell { step }),
            StageState::Holding => {
                let since = at.well_since.unwrap_or(self.now);
                Some(Wait::Hold { step, stood: self.now.duration_since(since), until: later(since, stage.hold) })
            }
            StageState::Unclear => Some(Wait::Unclear { step }),
            _ => Some(Wait::Stage { step }),
        }
    }

    /// Whether the newest run of a step was well: a reading one, or a stage that is done.
    fn went_well(&self, step: &Untrusted) -> bool {
        let stage = self.stages.iter().position(|stage| stage.step == *step);
        match stage {
            Some(nth) => self.at[nth].state.is_done(),
            None => self.read.get(step).copied().unwrap_or(false),
        }
    }

    fn see(&mut self, seen: &Seen) {
        if let What::Read { well } = seen.what {
            self.read.insert(seen.step.clone(), well);
            for (stage, at) in self.stages.iter().zip(&mut self.at) {
                if stage.verify.as_ref() == Some(&seen.step) && at.state.is_done() {
                    proven(at, well, seen.at);
                }
            }
            return;
        }
        // What takes stages back does so once it is done; a stage that is its own way back, when it is done again.
        if seen.what == What::Done {
            let back = |(stage, at): &(&Stage, &mut StageAt)| {
                let touched = at.state.is_done() || at.state == StageState::Unclear;
                stage.undo.as_ref() == Some(&seen.step) && touched
            };
            let mut any = false;
            for (_, at) in self.stages.iter().zip(&mut self.at).filter(back) {
                *at = StageAt { state: StageState::TakenBack, taken_back: Some(seen.at), ..at.clone() };
                any = true;
            }
            if any {
                // What was seen before says nothing about what is there now.
                self.read.clear();
                return;
            }
        }
        let Some(nth) = self.stages.iter().position(|stage| stage.step == seen.step) else { return };
        let proves = self.stages[nth].verify.is_some();
        let at = &mut self.at[nth];
        match seen.what {
            What::Proposed if !at.state.is_done() => at.state = StageState::Proposed,
            What::Withdrawn if at.state == StageState::Proposed => {
                at.state = if at.taken_back.is_some() { StageState::TakenBack } else { StageState::Untouched };
            }
            What::Began if !at.state.is_done() => {
                at.state = StageState::Running;
                at.began = Some(seen.at);
            }
            What::Failed if !at.state.is_done() => at.state = StageState::Failed,
            What::Unclear => at.state = StageState::Unclear,
            What::Done => {
                at.state = if proves { StageState::Unproven } else { StageState::Holding };
                at.done = Some(seen.at);
                at.well_since = (!proves).then_some(seen.at);
                at.shown = at.well_since;
                at.effect = None;
            }
            What::Effect(effect) if at.state.is_done() => {
                let was = at.effect.replace(effect);
                if effect == Recovery::Worse {
                    at.state = StageState::Unwell;
                    at.well_since = None;
                } else if was == Some(Recovery::Worse) {
                    at.state = if proves { StageState::Unproven } else { StageState::Holding };
                    at.well_since = (!proves).then_some(seen.at);
                }
            }
            _ => {}
        }
    }

    /// What only the hour tells.
    fn settle(&mut self, nth: usize) {
        let (stage, at) = (&self.stages[nth], &mut self.at[nth]);
        if at.state == StageState::Holding
            && at.well_since.is_some_and(|since| self.now.duration_since(since) >= stage.hold)
        {
            at.state = StageState::Stands;
        }
        let due = at.began.zip(stage.within).map(|(began, within)| later(began, within));
        at.late = match (at.state, due) {
            (StageState::Untouched | StageState::Proposed | StageState::TakenBack, _) | (_, None) => false,
            (_, Some(due)) => at.shown.unwrap_or(self.now) > due,
        };
    }
}

/// What shows whether a stage worked has run.
fn proven(at: &mut StageAt, well: bool, when: Time) {
    if !well || at.effect == Some(Recovery::Worse) {
        at.well_since = None;
        at.state = StageState::Unwell;
        return;
    }
    // The first time it counts from the moment it was done; after a bad look, from the first good one.
    let first = at.state == StageState::Unproven;
    at.well_since = at.well_since.or(if first { at.done } else { Some(when) });
    at.shown = at.shown.or(Some(when));
    at.state = StageState::Holding;
}

fn later(time: Time, duration: SignedDuration) -> Time {
    time.checked_add(duration).unwrap_or(Time::MAX)
}
