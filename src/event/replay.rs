//! Recorded runs, run again.

use serde::{Deserialize, Serialize};

use super::{IncidentId, Person, TraceId, Untrusted};

/// An experiment: runs of the record again, with some of their surfaces pinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayAsked {
    /// Names the experiment: random.
    pub replay: u64,
    /// The incident.
    pub incident: IncidentId,
    /// Who asked for it.
    pub by: Person,
    /// The configured endpoint it runs against, by name.
    pub endpoint: Untrusted,
    /// What is compared.
    pub arms: Vec<ReplayArm>,
    /// The recorded runs that are run again.
    pub runs: Vec<TraceId>,
    /// How often each run is run again in each arm.
    pub times: u32,
    /// It stops when so many tokens are spent.
    pub budget_tokens: u64,
}

/// One arm of an experiment. What is `None` stays as recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplayArm {
    /// Its name, such as `prompt 41`.
    pub name: Untrusted,
    /// Model asked for.
    pub model: Option<Untrusted>,
    /// System prompt.
    pub prompt: Option<Untrusted>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Tool definitions, as JSON.
    pub tools: Option<Untrusted>,
}

/// One run of an experiment ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayRan {
    /// The experiment.
    pub replay: u64,
    /// The incident.
    pub incident: IncidentId,
    /// Which arm, by its place.
    pub arm: u32,
    /// The recorded run.
    pub of: TraceId,
    /// Which time.
    pub time: u32,
    /// How it ended.
    pub end: ReplayEnd,
    /// What the model said last.
    pub said: Untrusted,
    /// Tokens in; `None` = the endpoint did not say.
    pub tokens_in: Option<u64>,
    /// Tokens out; `None` = the endpoint did not say.
    pub tokens_out: Option<u64>,
    /// Milliseconds.
    pub took_ms: u64,
}

/// How a replayed run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum ReplayEnd {
    /// With an answer.
    Answered {
        /// The provider's word for why it stopped.
        stop: Untrusted,
        /// What the check says of the answer; `None` = nothing can.
        good: Option<bool>,
        /// What is to be said of how it ended, and by which rule; `None` = it ended by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Untrusted>,
    },
    /// It asked for a tool call that the record does not hold.
    OffScript {
        /// Which.
        asked: Untrusted,
    },
    /// The endpoint failed.
    Failed {
        /// What happened, in words.
        why: Untrusted,
    },
}

/// An experiment is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayEnded {
    /// Which.
    pub replay: u64,
    /// The incident.
    pub incident: IncidentId,
    /// Why: all done, cancelled and by whom, budget spent, endpoint gone.
    pub why: Untrusted,
}
