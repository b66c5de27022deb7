//! A freeze of changes: what it holds until when, who is held, and what walked past it.

use serde::{Deserialize, Serialize};

use crate::event::{PlanId, Surface, Time, Untrusted};

use super::{ActionState, Bounded, ReadLine};

/// A freeze that began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FreezeView {
    /// Its plan.
    pub plan: PlanId,
    /// The services whose changes are held.
    pub services: Vec<Untrusted>,
    /// The surfaces; empty = every one.
    pub surfaces: Vec<Surface>,
    /// Who asked for it.
    pub asked_by: Untrusted,
    /// Since when.
    pub since: Time,
    /// It ends by itself.
    pub until: Time,
    /// Whether the hook said that it holds; else nobody knows.
    pub sure: bool,
    /// What the hook said when it held; may hold line feeds.
    pub said: Untrusted,
    /// What ends it: its plan and how far that is; `None` = what holds was told to end by itself.
    pub release: Option<(PlanId, ActionState)>,
    /// Who let changes go on before its time, and when.
    pub let_go: Option<(Untrusted, Time)>,
    /// What listed last who is held; `None` = nothing did yet.
    pub held: Option<ReadLine>,
    /// Changes of what it holds that were made while it held: they walked past it. Oldest first.
    pub passed: Bounded<PassedLine>,
}

/// A change that walked past a freeze.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassedLine {
    /// Its id at its source.
    pub id: Untrusted,
    /// When it was made.
    pub at: Time,
    /// Its surface.
    pub surface: Surface,
    /// Component or thing; empty = it does not say, and may be one of those that are held.
    pub subject: Untrusted,
    /// Who.
    pub actor: Untrusted,
    /// One line.
    pub summary: Untrusted,
}

/// How a freeze stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freezing {
    /// It holds.
    Holds,
    /// It may hold: the hook did not say.
    MayHold,
    /// Somebody let changes go on before its time.
    LetGo,
    /// Its time is over, and what ends it is not on its way yet.
    Ending,
    /// Its time is over.
    Over,
    /// Its time is over, and the hook could not be told: changes may still be held.
    Stuck,
}

impl FreezeView {
    /// How it stands at `now`.
    #[must_use]
    pub fn at(&self, now: Time) -> Freezing {
        use crate::event::Outcome;
        if self.let_go.is_some() {
            return Freezing::LetGo;
        }
        if now < self.until {
            return if self.sure { Freezing::Holds } else { Freezing::MayHold };
        }
        match &self.release {
            None | Some((_, ActionState::Finished { outcome: Outcome::Done { .. }, .. })) => Freezing::Over,
            Some((_, ActionState::Proposed | ActionState::Approved { .. } | ActionState::Started { .. })) => {
                Freezing::Ending
            }
            Some((_, ActionState::Finished { .. } | ActionState::Denied { .. })) => Freezing::Stuck,
        }
    }
}
