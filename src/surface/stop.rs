//! How a run really ended: behind the provider's `stop`.

use serde::{Deserialize, Serialize};

use crate::event::{SpanId, Untrusted};

use super::alias::Op;
use super::plan::Plan;
use super::read::SpanFacts;

/// How a run ended. Each class has one rule, stated by [`Stop::rule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopClass {
    /// It ended by itself and nothing speaks against it.
    Complete,
    /// The answer was cut for length.
    Truncated,
    /// It ended while a tool it asked for was never run.
    ToolRequested,
    /// The model declined.
    Refused,
    /// A content filter stopped it.
    Filtered,
    /// It ended by itself right after a failed step, or with its own plan unfinished.
    GaveUp,
    /// It said it was done while the last call of a tool underneath had failed, or its plan was unfinished.
    ClaimedDone,
    /// The same call with the same arguments again and again.
    Looped,
    /// Turns, steps or money ran out.
    BudgetExhausted,
    /// The context window was full.
    ContextOverflow,
    /// Somebody or something cancelled it.
    Cancelled,
    /// It answered nothing.
    Empty,
    /// It ended inside a code fence, JSON or tool arguments.
    Malformed,
    /// The provider refused or failed the call.
    ProviderError,
    /// The spans do not carry what would tell.
    NotCaptured,
}

impl StopClass {
    /// Every class.
    pub const ALL: [Self; 15] = [
        Self::Complete,
        Self::Truncated,
        Self::ToolRequested,
        Self::Refused,
        Self::Filtered,
        Self::GaveUp,
        Self::ClaimedDone,
        Self::Looped,
        Self::BudgetExhausted,
        Self::ContextOverflow,
        Self::Cancelled,
        Self::Empty,
        Self::Malformed,
        Self::ProviderError,
        Self::NotCaptured,
    ];

    /// The words for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Truncated => "truncated",
            Self::ToolRequested => "tool requested",
            Self::Refused => "refused",
            Self::Filtered => "filtered",
            Self::GaveUp => "gave up early",
            Self::ClaimedDone => "claimed done",
            Self::Looped => "looped",
            Self::BudgetExhausted => "budget exhausted",
            Self::ContextOverflow => "context overflow",
            Self::Cancelled => "cancelled",
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::ProviderError => "provider error",
            Self::NotCaptured => "not captured",
        }
    }

    /// Its rule, in one sentence. What decided in one run is said by [`Stop::rule`].
    #[must_use]
    pub fn states(self) -> &'static str {
        match self {
            Self::Complete => "it ended by itself and nothing speaks against it",
            Self::Truncated => "the provider's reason is length, max_tokens or incomplete",
            Self::ToolRequested => "the last model call asks for a tool, and no tool ran after it",
            Self::Refused => "the provider's reason is refusal, or the answer declines in words",
            Self::Filtered => "the provider's reason is a content filter, safety or recitation",
            Self::GaveUp => "it ended by itself right after a failed tool call, or with steps of its own plan not done",
            Self::ClaimedDone => {
                "the answer claims success, and the last tool call failed or steps of its plan are not done"
            }
            Self::Looped => "the same tool was called with the same arguments four times or more in a row",
            Self::BudgetExhausted => "the error or the reason says that turns, steps or a budget ran out",
            Self::ContextOverflow => "the provider says that the context window was exceeded",
            Self::Cancelled => "the error or the reason says that it was cancelled or aborted",
            Self::Empty => "the last model call says nothing and asks for nothing",
            Self::Malformed => "the answer ends inside a code fence, JSON or tool arguments",
            Self::ProviderError => "the last model call failed",
            Self::NotCaptured => "the spans carry neither a reason nor the answer",
        }
    }

    /// Its name in attributes, metrics and JSON: `gave_up`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Truncated => "truncated",
            Self::ToolRequested => "tool_requested",
            Self::Refused => "refused",
            Self::Filtered => "filtered",
            Self::GaveUp => "gave_up",
            Self::ClaimedDone => "claimed_done",
            Self::Looped => "looped",
            Self::BudgetExhausted => "budget_exhausted",
            Self::ContextOverflow => "context_overflow",
            Self::Cancelled => "cancelled",
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::ProviderError => "provider_error",
            Self::NotCaptured => "not_captured",
        }
    }

    /// Whether it is a sign of something wrong by itself.
    #[must_use]
    pub fn is_bad(self) -> bool {
        !matches!(self, Self::Complete | Self::NotCaptured | Self::Refused)
    }
}

/// How a run ended, by which rule, and at which step.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    /// The class.
    pub class: StopClass,
    /// The rule that decided, in words.
    pub rule: Untrusted,
    /// The provider's own words, as they came.
    pub provider: Vec<Untrusted>,
    /// The step it ended at: the last model call.
    pub step: Option<SpanId>,
}

/// How often the same call must repeat to be a loop.
const LOOP: usize = 4;

/// Reads how a run ended from its steps in order of time.
pub(super) fn stop_of(steps: &[&SpanFacts]) -> Stop {
    let last_model = steps.iter().rev().find(|step| step.op == Op::Model);
    let provider = last_model.map(|step| step.finish.clone()).unwrap_or_default();
    let (class, rule) = classify(steps, last_model.copied());
    Stop { class, rule: rule.into(), provider, step: last_model.map(|step| step.span) }
}

fn classify(steps: &[&SpanFacts], last: Option<&SpanFacts>) -> (StopClass, String) {
    let Some(last) = last else { return (StopClass::NotCaptured, "no model call in the trace".into()) };
    let reason = last.finish.last().map(|reason| reason.raw().to_ascii_lowercase()).unwrap_or_default();
    let error = last.error.as_ref().map(|words| words.raw().to_ascii_lowercase()).unwrap_or_default();
    let root = steps.iter().filter(|step| step.op == Op::Agent).filter_map(|step| step.error.as_ref());
    let errors = root.fold(error.clone(), |all, words| format!("{all} {}", words.raw().to_ascii_lowercase()));
    let says = |words: &[&str]| words.iter().find(|word| errors.contains(**word)).map(|word| (*word).to_owned());
    if let Some(word) = says(&["cancel", "aborted", "client disconnected", "deadline exceeded by caller"]) {
        return (StopClass::Cancelled, format!("the error says “{word}”"));
    }
    if reason == "cancelled" || reason == "canceled" {
        return (StopClass::Cancelled, "the provider's reason is cancelled".into());
    }
    if reason.contains("context_window")
        || says(&["context length", "context_length", "context window", "maximum context"]).is_some()
    {
        return (StopClass::ContextOverflow, "the provider says the context window was exceeded".into());
    }
    if let Some(word) =
        says(&["max turns", "max_turns", "max iterations", "max_iterations", "recursion limit", "step limit", "budget"])
    {
        return (StopClass::BudgetExhausted, format!("the error says “{word}”"));
    }
    if reason == "max_messages" || reason == "max_turns" {
        return (StopClass::BudgetExhausted, format!("the provider's reason is {reason}"));
    }
    if last.ended_in_error() {
        return (StopClass::ProviderError, format!("the provider's reason is {reason}"));
    }
    if last.failed {
        return (StopClass::ProviderError, "the last model call failed".into());
    }
    if let Some(n) = longest_repeat(steps) {
        return (StopClass::Looped, format!("the same tool was called with the same arguments {n} times in a row"));
    }
    match reason.as_str() {
        "content_filter" | "safety" | "recitation" | "blocklist" => {
            return (StopClass::Filtered, format!("the provider's reason is {reason}"));
        }
        "length" | "max_tokens" | "max_output_tokens" | "incomplete" => {
            return (StopClass::Truncated, format!("the provider's reason is {reason}"));
        }
        "refusal" => return (StopClass::Refused, "the provider's reason is refusal".into()),
        _ => {}
    }
    by_content(steps, last, &reason)
}

/// What the provider does not say: read from what was said and from the trace.
fn by_content(steps: &[&SpanFacts], last: &SpanFacts, reason: &str) -> (StopClass, String) {
    if !last.said.captured && reason.is_empty() {
        return (StopClass::NotCaptured, "neither a finish reason nor the answer was captured".into());
    }
    if last.said.broken {
        return (StopClass::Malformed, "the answer ends inside a code fence, JSON or tool arguments".into());
    }
    let tool_after = steps.iter().any(|step| step.op == Op::Tool && step.start >= last.start);
    if !last.said.asks.is_empty() || matches!(reason, "tool_calls" | "tool_call" | "tool_use" | "function_call") {
        if !tool_after {
            return (StopClass::ToolRequested, "the last model call asks for a tool, and no tool ran after it".into());
        }
        return (StopClass::Complete, "the last model call asked for a tool, which ran and ended the run".into());
    }
    if !last.said.captured {
        return (StopClass::Complete, format!("the provider's reason is {reason}; the answer was not captured"));
    }
    if last.said.chars == 0 {
        return (StopClass::Empty, "the last model call says nothing and asks for nothing".into());
    }
    let tail = last.said.tail.raw().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| tail.contains(word));
    let claims = has(&["successfully", "has been", "have been", "i've ", "i have ", "is done", "all set", "completed"]);
    let last_tool = steps.iter().rev().find(|step| step.op == Op::Tool);
    if last_tool.is_some_and(|tool| tool.failed) {
        let tool = last_tool.map(|tool| tool.what.raw().to_owned()).unwrap_or_default();
        if claims {
            return (
                StopClass::ClaimedDone,
                format!("the answer claims success, and the last tool call ({tool}) failed"),
            );
        }
        return (StopClass::GaveUp, format!("it ended right after a failed tool call ({tool})"));
    }
    if has(&[
        "i can't help",
        "i cannot help",
        "i'm sorry, but i can",
        "i am unable to",
        "i'm unable to",
        "cannot assist",
        "can't assist",
    ]) {
        return (StopClass::Refused, "the answer declines in words".into());
    }
    if let Some(plan) = unfinished(steps, last) {
        let left = format!("{} of {} steps of its plan are not done", plan.open, plan.all);
        return if claims {
            (StopClass::ClaimedDone, format!("the answer claims success, and {left}"))
        } else {
            (StopClass::GaveUp, format!("it ended by itself, and {left}"))
        };
    }
    (StopClass::Complete, "ended by itself, nothing speaks against it".into())
}

/// The plan of a run as it was last written down, when steps of it are open. A list with nothing but open boxes in the answer
/// itself is what was asked for, and no plan of the agent's.
fn unfinished(steps: &[&SpanFacts], last: &SpanFacts) -> Option<Plan> {
    let (step, plan) = steps.iter().rev().find_map(|step| Some((step, step.plan?)))?;
    let is_answer = step.span == last.span && !plan.kept;
    (plan.open > 0 && !is_answer).then_some(plan)
}

/// The length of the longest run of identical calls, when it is a loop.
fn longest_repeat(steps: &[&SpanFacts]) -> Option<usize> {
    let mut best = 0;
    let mut now = 0;
    let mut before = None;
    for step in steps.iter().filter(|step| step.op == Op::Tool && step.arguments.is_some()) {
        let call = (step.what.clone(), step.arguments);
        now = if before.as_ref() == Some(&call) { now + 1 } else { 1 };
        best = best.max(now);
        before = Some(call);
    }
    (best >= LOOP).then_some(best)
}

#[cfg(test)]
mod tests;
