//! Plans of change and how far they are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{EffectChecked, Outcome, Person, Plan, PlanId, Target, Time, Untrusted};

/// One plan of change and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionView {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Its identity.
    pub id: PlanId,
    /// How far it is.
    pub state: ActionState,
    /// Why rules were passed over in an emergency; `None` = they were not.
    #[serde(default)]
    pub broke_glass: Option<Untrusted>,
    /// How it went for single targets, in order.
    #[serde(default)]
    pub targets: Vec<(Target, Outcome)>,
    /// Who wants it to stop where it is, and why.
    #[serde(default)]
    pub cancelled: Option<(Person, Untrusted)>,
    /// When it began; `None` = it did not.
    #[serde(default)]
    pub began: Option<Time>,
    /// What came of it, as last looked at.
    #[serde(default)]
    pub effect: Option<Arc<EffectChecked>>,
}

impl ActionView {
    /// One that was just proposed.
    #[must_use]
    pub fn proposed(id: PlanId, plan: Arc<Plan>) -> Self {
        Self {
            plan,
            id,
            state: ActionState::Proposed,
            broke_glass: None,
            targets: Vec::new(),
            cancelled: None,
            began: None,
            effect: None,
        }
    }
}

/// How far a plan is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ActionState {
    /// Waits for a person, until the plan's `approve_by`.
    Proposed,
    /// Refused or expired.
    Denied {
        /// Why.
        reason: Untrusted,
    },
    /// Approved, not started; not by itself after `execute_by`.
    Approved {
        /// By whom.
        by: Person,
        /// Until when it may start.
        execute_by: Time,
    },
    /// Started; how it ended is not recorded. Shown as `outcome unknown` when the executor is gone.
    Started {
        /// When.
        at: Time,
    },
    /// Ended.
    Finished {
        /// How.
        outcome: Outcome,
        /// When.
        at: Time,
    },
}

impl ActionState {
    /// Whether it may or may not have happened: it began, and how it ended is not known (or not yet).
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Started { .. } | Self::Finished { outcome: Outcome::Unknown { .. }, .. })
    }
}
