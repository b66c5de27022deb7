//! One span, reduced to what judging a run needs: bounded, whatever the span carried.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;

use crate::event::{Digest, Span, SpanId, SpanStatus, Time, TraceId, Untrusted};

use super::alias::{self, EventKind, Field, Flattened, Named, Op};
use super::message::{self, Message};
use super::order::in_order;
use super::plan::{self, Plan};
use super::shape::{Shape, shape_of};
use super::tongue;

/// The verdict of a judge or evaluator.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Which proxy, such as `task_success`.
    pub name: Untrusted,
    /// Score, where given.
    pub score: Option<f64>,
    /// Label, such as `pass`.
    pub label: Option<Untrusted>,
    /// By what it was judged: the judge's model, version and threshold, in one line; `None` = not captured.
    pub by: Option<Untrusted>,
}

impl Evaluation {
    /// Whether it passed: by its label, else by a score of at least one half; `None` = cannot be told.
    #[must_use]
    pub fn passed(&self) -> Option<bool> {
        let label = self.label.as_ref().map(|label| label.raw().to_ascii_lowercase());
        match label.as_deref().unwrap_or_default() {
            "pass" | "passed" | "good" | "correct" | "ok" | "success" | "relevant" | "faithful" | "up"
            | "thumbs_up" | "thumbs-up" | "like" | "liked" | "positive" | "accepted" => return Some(true),
            "fail" | "failed" | "bad" | "incorrect" | "error" | "failure" | "irrelevant" | "unfaithful"
            | "hallucinated" | "down" | "thumbs_down" | "thumbs-down" | "dislike" | "disliked" | "negative"
            | "rejected" => return Some(false),
            _ => {}
        }
        let yes = match label.as_deref().unwrap_or_default() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => self.score.filter(|score| (0.0..=1.0).contains(score)).map(|score| score >= 0.5),
        };
        yes.map(|yes| yes != self.is_harm())
    }

    /// Whether a yes to it is bad news, such as that a user edited the answer or opened a ticket.
    #[must_use]
    pub fn is_harm(&self) -> bool {
        let name = self.name.raw().to_ascii_lowercase();
        let says = |words: &[&str]| {
            name.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| words.contains(&word))
        };
        says(HARMS) && !says(&["free", "no", "none", "avoided", "resolved", "closed"])
    }
}

/// Words in the name of a proxy by which a yes is bad news.
const HARMS: &[&str] = &[
    "edit",
    "edits",
    "edited",
    "retry",
    "retries",
    "retried",
    "regenerate",
    "regenerated",
    "reask",
    "ticket",
    "tickets",
    "escalation",
    "escalated",
    "complaint",
    "downvote",
    "hallucination",
    "toxicity",
    "toxic",
];

/// What a model call said at its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Characters of text.
    pub chars: usize,
    /// Tools it asked for.
    pub asks: Vec<Untrusted>,
    /// The last 400 characters of its text.
    pub tail: Untrusted,
    /// Its text or its tool arguments are cut open: an unclosed fence, JSON that does not end.
    pub broken: bool,
    /// Whether the sender captured what was said at all.
    pub captured: bool,
    /// The language it is in; `None` = too little to tell, or none that is known.
    pub language: Option<&'static str>,
    /// It praises the question, agrees with its user or apologises.
    pub gives_in: bool,
}

/// One span of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanFacts {
    /// Trace.
    pub trace: TraceId,
    /// Span.
    pub span: SpanId,
    /// Parent.
    pub parent: Option<SpanId>,
    /// The service that sent it.
    pub service: Untrusted,
    /// Start.
    pub start: Time,
    /// End.
    pub end: Time,
    /// What kind of step.
    pub op: Op,
    /// Agent, model asked for, tool or source.
    pub what: Untrusted,
    /// Whether it failed.
    pub failed: bool,
    /// Its error in words.
    pub error: Option<Untrusted>,
    /// Provider.
    pub provider: Option<Untrusted>,
    /// Model asked for.
    pub asked: Option<Untrusted>,
    /// Model that answered, with the provider's fingerprint where given.
    pub served: Option<Untrusted>,
    /// Sampling parameters.
    pub parameters: Option<Untrusted>,
    /// Name of the prompt.
    pub prompt_name: Option<Untrusted>,
    /// Version of the prompt.
    pub prompt_version: Option<Untrusted>,
    /// Digest of the system prompt.
    pub prompt: Option<Digest>,
    /// The system prompt.
    pub prompt_text: Option<Untrusted>,
    /// Digest of the tool definitions.
    pub tools: Option<Digest>,
    /// The tool definitions.
    pub tools_text: Option<Untrusted>,
    /// Version of the index that was asked.
    pub index_version: Option<Untrusted>,
    /// What it cost, in the sender's currency.
    pub cost: Option<f64>,
    /// Which attempt it says it is: 0 or 1 is the first, by whether the sender counts retries or tries.
    pub attempt: Option<u64>,
    /// Steps of a plan that are open, and all of them, as this step left the plan.
    pub plan: Option<Plan>,
    /// Why the model stopped, in the provider's words.
    pub finish: Vec<Untrusted>,
    /// Tokens in.
    pub tokens_in: Option<u64>,
    /// Tokens out.
    pub tokens_out: Option<u64>,
    /// Digest of a tool call's arguments.
    pub arguments: Option<Digest>,
    /// Structure of a tool's result.
    pub result: Option<Arc<Shape>>,
    /// Scores of retrieved documents.
    pub scores: Vec<f64>,
    /// How many documents were retrieved.
    pub documents: Option<usize>,
    /// Their names, best first.
    pub document_names: Vec<Untrusted>,
    /// Verdicts on it.
    pub evaluations: Vec<Evaluation>,
    /// Slices it names.
    pub slices: BTreeMap<&'static str, Untrusted>,
    /// What a model said.
    pub said: Said,
    /// A short digest of what a model was asked, with all that came before.
    pub question: Option<u64>,
}

impl SpanFacts {
    /// Reads one span; `None` when it is no step of an agent.
    #[must_use]
    pub fn of(service: &Untrusted, span: &Span) -> Option<Self> {
        let op = Op::of(&span.attributes, &span.name);
        if op == Op::Other {
            return None;
        }
        let named = Named::of(&span.attributes);
        let text = |field| named.text(field).filter(|text| !text.is_empty()).map(Untrusted::from);
        let what = match op {
            Op::Agent => text(Field::Agent),
            Op::Model | Op::Judge | Op::Other => text(Field::ModelAsked),
            Op::Tool => text(Field::Tool),
            Op::Retrieval => text(Field::RetrievalSource).or_else(|| text(Field::ModelAsked)),
        };
        let rest = || Untrusted::from(span.name.raw().split_once(' ').map_or(span.name.raw(), |(_, rest)| rest));
        let prompt_text = if matches!(op, Op::Agent | Op::Model) { message::system_prompt(span) } else { None };
        let found = if op == Op::Retrieval { retrieved(span) } else { Found::default() };
        let result = if op == Op::Tool { named.value(Field::ToolResult).map(|v| Arc::new(shape_of(v))) } else { None };
        let error = text(Field::Error)
            .or_else(|| Some(span.status_message.clone()).filter(|words| !words.is_empty()))
            .or_else(|| exception(span));
        let tools_text = tools(span, &named);
        let out = message::messages_out(span);
        let failed_result = result.as_ref().is_some_and(|shape| &*shape.kind == "error");
        Some(Self {
            trace: span.trace_id,
            span: span.span_id,
            parent: span.parent,
            service: service.clone(),
            start: span.start,
            end: span.end,
            op,
            what: what.unwrap_or_else(rest),
            failed: span.status == SpanStatus::Error
                || failed_result
                || (error.is_some() && span.status != SpanStatus::Ok),
            error,
            provider: text(Field::Provider),
            asked: text(Field::ModelAsked),
            served: served(text(Field::ModelServed), text(Field::Fingerprint)),
            parameters: parameters(&named),
            prompt_name: text(Field::PromptName),
            prompt_version: text(Field::PromptVersion),
            prompt: prompt_text.as_ref().map(|text| Digest::of(text.as_bytes())),
            prompt_text: prompt_text.map(Untrusted::from),
            tools: tools_text.as_ref().map(|text| Digest::of(text.as_bytes())),
            tools_text: tools_text.map(Untrusted::from),
            index_version: text(Field::IndexVersion),
            cost: named.number(Field::Cost).filter(|cost| *cost >= 0.0),
            attempt: count(&named, Field::Attempt),
            plan: plan::of(op, span, &out),
            finish: finish(&named, &out),
            tokens_in: count(&named, Field::TokensIn),
            tokens_out: count(&named, Field::TokensOut),
            arguments: if op == Op::Tool {
                text(Field::ToolArguments).map(|a| Digest::of(a.raw().as_bytes()))
            } else {
                None
            },
            result,
            scores: found.scores,
            documents: found.count,
            document_names: found.names,
            evaluations: evaluations(span),
            slices: alias::slices(&span.attributes),
            said: if op == Op::Model { said(&out) } else { Said::default() },
            question: if op == Op::Model { question(span) } else { None },
        })
    }
}

impl SpanFacts {
    /// Whether the provider's own reason is that it failed.
    #[must_use]
    pub fn ended_in_error(&self) -> bool {
        self.finish.last().is_some_and(|reason| {
            matches!(reason.raw().to_ascii_lowercase().as_str(), "error" | "failed" | "failure" | "server_error")
        })
    }
}

fn served(model: Option<Untrusted>, fingerprint: Option<Untrusted>) -> Option<Untrusted> {
    match (model, fingerprint) {
        (Some(model), Some(print)) => Some(format!("{} ({})", model.raw(), print.raw()).into()),
        (model, print) => model.or(print),
    }
}

/// Sampling parameters in one line, in a fixed order.
fn parameters(named: &Named<'_>) -> Option<Untrusted> {
    if let Some(all) = named.text(Field::Parameters) {
        return Some(all.into());
    }
    let parts: Vec<String> = [
        ("temperature", Field::Temperature),
        ("top_p", Field::TopP),
        ("max_tokens", Field::MaxTokens),
        ("seed", Field::Seed),
        ("reasoning", Field::Reasoning),
    ]
    .into_iter()
    .filter_map(|(name, field)| Some(format!("{name}={}", named.text(field)?)))
    .collect();
    (!parts.is_empty()).then(|| parts.join(" ").into())
}

/// The tool definitions, the same whatever the order of their fields.
fn tools(span: &Span, named: &Named<'_>) -> Option<String> {
    let canonical = |value: &Value| match value {
        Value::String(text) => {
            serde_json::from_str::<Value>(text).map_or_else(|_| text.clone(), |inner| in_order(inner).to_string())
        }
        other => in_order(other.clone()).to_string(),
    };
    if let Some(value) = named.value(Field::Tools) {
        return Some(canonical(value));
    }
    let flat = alias::flattened(&span.attributes, Flattened::Tools);
    let all: Vec<String> = flat.values().flat_map(|parts| parts.values().map(|value| canonical(value))).collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

fn finish(named: &Named<'_>, out: &[Message]) -> Vec<Untrusted> {
    let stated = named.value(Field::Finish).map(|value| match value {
        Value::Array(items) => items.iter().map(|item| alias::as_text(item).into()).collect(),
        Value::String(text) => match serde_json::from_str::<Vec<String>>(text) {
            Ok(items) => items.into_iter().map(Untrusted::from).collect(),
            Err(_) => vec![Untrusted::from(text.as_str())],
        },
        other => vec![Untrusted::from(other.to_string())],
    });
    stated.unwrap_or_else(|| out.iter().filter_map(|m| m.finish.as_deref()).map(Untrusted::from).collect())
}

fn count(named: &Named<'_>, field: Field) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before")]
    named.number(field).filter(|n| (0.0..1e15).contains(n)).map(|n| n as u64)
}

/// What a retrieval found.
#[derive(Default)]
struct Found {
    count: Option<usize>,
    scores: Vec<f64>,
    names: Vec<Untrusted>,
}

/// At most so many documents of one retrieval are kept.
const MAX_DOCUMENTS: usize = 100;
/// At most so many characters of a document's name.
const MAX_NAME: usize = 200;

/// How many documents, their scores and names.
fn retrieved(span: &Span) -> Found {
    let score = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|n: &f64| n.is_finite());
    let name = |value: &Value| Untrusted::from(alias::as_text(value).chars().take(MAX_NAME).collect::<String>());
    let part = |of: &dyn Fn(&str) -> Option<Value>| ["id", "document_id", "uri"].into_iter().find_map(of);
    let flat = alias::flattened(&span.attributes, Flattened::Documents);
    if !flat.is_empty() {
        let kept = || flat.values().take(MAX_DOCUMENTS);
        return Found {
            count: Some(flat.len()),
            scores: kept().filter_map(|parts| score(parts.get("score")?)).collect(),
            names: kept()
                .filter_map(|parts| part(&|key| parts.get(key).map(|v| (*v).clone())))
                .map(|v| name(&v))
                .collect(),
        };
    }
    let parsed = alias::value(&span.attributes, Field::RetrievalDocuments).map(|value| match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        other => other.clone(),
    });
    let Some(Value::Array(items)) = parsed else { return Found::default() };
    let kept = || items.iter().take(MAX_DOCUMENTS);
    Found {
        count: Some(items.len()),
        scores: kept().filter_map(|item| score(item.get("score")?)).collect(),
        names: kept().filter_map(|item| part(&|key| item.get(key).cloned())).map(|v| name(&v)).collect(),
    }
}

/// Verdicts in span events, in the span's own attributes, or in flattened annotations.
fn evaluations(span: &Span) -> Vec<Evaluation> {
    let read = |attributes| {
        let name = alias::text(attributes, Field::EvaluationName)?;
        let score = alias::number(attributes, Field::EvaluationScore);
        let label = alias::text(attributes, Field::EvaluationLabel).map(Untrusted::from);
        let by: Vec<String> =
            [("model", Field::JudgeModel), ("version", Field::JudgeVersion), ("threshold", Field::JudgeThreshold)]
                .into_iter()
                .filter_map(|(word, field)| Some(format!("{word} {}", alias::text(attributes, field)?)))
                .collect();
        let by = (!by.is_empty()).then(|| by.join(", ").into());
        Some(Evaluation { name: name.into(), score, label, by })
    };
    let mut found: Vec<Evaluation> = span
        .events
        .iter()
        .filter(|event| alias::is_event(&event.name, EventKind::Evaluation))
        .filter_map(|event| read(&event.attributes))
        .collect();
    found.extend(read(&span.attributes));
    for parts in alias::flattened(&span.attributes, Flattened::Annotations).values() {
        if let Some(name) = parts.get("name") {
            let score = parts.get("score").and_then(|v| v.as_f64().or_else(|| v.as_str()?.parse().ok()));
            let label = parts.get("label").map(|value| alias::as_text(value).into());
            found.push(Evaluation { name: alias::as_text(name).into(), score, label, by: None });
        }
    }
    found
}

/// What the model was asked, as it was written: the same question with the same past has the same digest.
fn question(span: &Span) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    match alias::value(&span.attributes, Field::MessagesIn)? {
        Value::Null => return None,
        Value::String(text) => text.hash(&mut hasher),
        other => other.to_string().hash(&mut hasher),
    }
    Some(hasher.finish())
}

fn exception(span: &Span) -> Option<Untrusted> {
    let event = span.events.iter().find(|event| event.name.raw() == "exception")?;
    let words = event.attributes.get("exception.message").or_else(|| event.attributes.get("exception.type"))?;
    Some(alias::as_text(words).into())
}

fn said(out: &[Message]) -> Said {
    let Some(last) = out.last() else { return Said::default() };
    let broken_arguments = last
        .calls
        .iter()
        .any(|(_, arguments)| !arguments.is_empty() && serde_json::from_str::<Value>(arguments).is_err());
    let skip = last.text.chars().count().saturating_sub(400);
    Said {
        chars: last.text.chars().count(),
        asks: last.calls.iter().map(|(name, _)| Untrusted::from(name.as_str())).collect(),
        tail: last.text.chars().skip(skip).collect::<String>().into(),
        broken: broken_arguments || is_open(&last.text),
        captured: true,
        language: tongue::of(&last.text),
        gives_in: tongue::gives_in(&last.text),
    }
}

/// Whether a text ends inside something: an odd number of code fences, or JSON that was begun and cannot be read.
fn is_open(text: &str) -> bool {
    let fences = text.lines().filter(|line| line.trim_start().starts_with("```")).count();
    let trimmed = text.trim();
    let begins_json = trimmed.starts_with("{\"") || trimmed.starts_with("[{");
    fences % 2 == 1 || (begins_json && serde_json::from_str::<Value>(trimmed).is_err())
}
