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
    /// What tokens cost at the endpoint; `None` = the configuration does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<TokenPrice>,
}

/// What a million tokens cost, in the currency of whoever pays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenPrice {
    /// A million tokens in.
    #[serde(rename = "in")]
    pub input: f64,
    /// A million tokens out.
    #[serde(rename = "out")]
    pub output: f64,
}

impl TokenPrice {
    /// What so many tokens cost.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 tokens a cent more or less is nothing")]
    pub fn of(&self, tokens_in: u64, tokens_out: u64) -> f64 {
        (self.input * tokens_in as f64 + self.output * tokens_out as f64) / 1e6
    }

    /// The most that so many tokens can cost, whichever way they go.
    #[must_use]
    pub fn most(&self, tokens: u64) -> f64 {
        self.of(tokens, 0).max(self.of(0, tokens))
    }
}

/// An amount of money, in the currency of whoever pays: cents, and more digits where it is less than one.
#[must_use]
pub fn money(amount: f64) -> String {
    if amount >= 0.01 || amount == 0.0 { format!("{amount:.2}") } else { format!("{amount:.5}") }
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
