//! How far things of the stop list are, as the plans of an incident say.

use crate::event::{Outcome, PlanId, Purpose, Time, Untrusted};

use super::{ActionState, IncidentView};

/// Where one thing of the stop list stands in an incident.
#[derive(Clone, Debug, PartialEq)]
pub enum StopState {
    /// Nobody touched it here.
    Goes,
    /// A plan waits for a person.
    Waits(PlanId),
    /// A plan is approved, or runs.
    Moves(PlanId),
    /// It is stopped, since then.
    Stopped(Time),
    /// It was let go on again, then.
    LetGoOn(Time),
    /// The last plan failed: it is as it was.
    Failed(PlanId),
    /// Whether it is stopped or goes nobody knows.
    Unknown(PlanId),
}

impl StopState {
    /// In words.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Goes => "goes",
            Self::Waits(_) => "waits for approval",
            Self::Moves(_) => "under way",
            Self::Stopped(_) => "STOPPED",
            Self::LetGoOn(_) => "let go on again",
            Self::Failed(_) => "failed",
            Self::Unknown(_) => "UNKNOWN",
        }
    }
}

impl IncidentView {
    /// Where the thing of this name stands. A plan that was refused, or whose time ran out at `now`, says nothing.
    #[must_use]
    pub fn stop_state(&self, item: &Untrusted, now: Time) -> StopState {
        let of_item = self.actions.iter().rev().filter_map(|action| match &action.plan.purpose {
            Purpose::Contain { item: of, again } if of == item => Some((action, *again)),
            _ => None,
        });
        for (action, again) in of_item {
            return match &action.state {
                ActionState::Denied { .. } => continue,
                ActionState::Proposed if action.plan.approve_by < now => continue,
                ActionState::Approved { execute_by, .. } if *execute_by < now => continue,
                ActionState::Proposed => StopState::Waits(action.id),
                ActionState::Approved { .. } | ActionState::Started { .. } => StopState::Moves(action.id),
                ActionState::Finished { outcome, at } => match outcome {
                    Outcome::Done { .. } if again => StopState::LetGoOn(*at),
                    Outcome::Done { .. } => StopState::Stopped(*at),
                    Outcome::Failed { .. } => StopState::Failed(action.id),
                    Outcome::Unknown { .. } | Outcome::Partly { .. } => StopState::Unknown(action.id),
                },
            };
        }
        StopState::Goes
    }

    /// The things that are stopped in this incident, by its plans.
    #[must_use]
    pub fn stopped(&self, now: Time) -> Vec<Untrusted> {
        let items: std::collections::BTreeSet<&Untrusted> = self
            .actions
            .iter()
            .filter_map(|action| match &action.plan.purpose {
                Purpose::Contain { item, .. } => Some(item),
                _ => None,
            })
            .collect();
        let is = |item: &&&Untrusted| matches!(self.stop_state(item, now), StopState::Stopped(_));
        items.iter().filter(is).map(|item| (*item).clone()).collect()
    }
}
