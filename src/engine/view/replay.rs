//! Experiments: recorded runs that were run again, arm against arm.

use serde::{Deserialize, Serialize};

use crate::event::{Seq, Time, Untrusted};
use crate::response::replay::Outcome;

/// One experiment, as far as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayView {
    /// Names it.
    pub replay: u64,
    /// The entry that asked for it.
    pub seq: Seq,
    /// When it was asked for.
    pub at: Time,
    /// Who asked.
    pub by: Untrusted,
    /// The endpoint, by its name in the configuration of whoever asked.
    pub endpoint: Untrusted,
    /// Recorded runs that are run again.
    pub runs: u64,
    /// How often each in each arm.
    pub times: u32,
    /// Replays in all.
    pub of: u64,
    /// Tokens that may be spent.
    pub budget: u64,
    /// What each arm has pinned, in words; empty = as recorded.
    pub pins: Vec<Untrusted>,
    /// What came of it so far.
    pub outcome: Outcome,
    /// When the last replay of it ended.
    pub latest: Option<Time>,
    /// When it ended, and how; `None` = it runs.
    pub ended: Option<(Time, Untrusted)>,
}

impl ReplayView {
    /// Replays that ended so far.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.outcome.arms.iter().map(|arm| arm.ended).sum()
    }

    /// Tokens spent so far, of those replays where the endpoint said it.
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.outcome.arms.iter().map(|arm| arm.tokens_in.saturating_add(arm.tokens_out)).sum()
    }
}
