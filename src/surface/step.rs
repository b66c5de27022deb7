//! One run opened whole: its steps in waterfall order and its turns, nothing cut.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Digest, Span, SpanId, SpanStatus, Untrusted};

use super::alias::{self, Field, Op};
use super::message;
use super::parallel::{beside, in_parts};
use super::read::SpanFacts;
use super::run::{RunFacts, retries};
use super::shape::Shape;

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its span.
    pub span: SpanId,
    /// Depth in the tree.
    pub depth: u16,
    /// `chat`, `tool`, `retrieval`, `agent`, or the span's own name.
    pub kind: Untrusted,
    /// Whose: the model asked for, the tool, the source, the agent.
    pub name: Untrusted,
    /// What: model, tool with arguments in short.
    pub what: Untrusted,
    /// Milliseconds from the run's start.
    pub offset_ms: u64,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Why it is suspicious, and by which rule.
    pub suspicious: Option<Suspicion>,
    /// Whether it failed.
    pub failed: bool,
    /// How often the same was tried just before it, and failed; 0 = it is no retry.
    pub retry: u64,
    /// Tokens in and out; `None` = not captured, or not of this kind of step.
    pub tokens: (Option<u64>, Option<u64>),
    /// What it cost, in the sender's currency; `None` = not captured.
    pub cost: Option<f64>,
    /// Everything it carries, name and whole text, nothing cut.
    pub fields: Vec<(Untrusted, Untrusted)>,
}

/// Why a step is marked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspicion {
    /// By which rule.
    pub rule: Mark,
    /// What of this step holds it.
    pub why: Untrusted,
}

/// The rules that mark a step; the first that holds marks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It failed.
    Failed,
    /// The third and every later time that the same tool is called with the same arguments.
    Repeated,
    /// A tool answered nothing.
    EmptyResult,
    /// A retrieval found no documents.
    RetrievedNothing,
    /// What a model said ends inside something.
    Malformed,
    /// The last model call of a run that ended badly.
    EndedHere,
}

impl Mark {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed step",
            Self::Repeated => "repeated call",
            Self::EmptyResult => "empty result",
            Self::RetrievedNothing => "retrieved nothing",
            Self::Malformed => "malformed answer",
            Self::EndedHere => "ended here",
        }
    }

    /// What it looks for, in one sentence.
    #[must_use]
    pub fn states(self) -> &'static str {
        match self {
            Self::Failed => "the span's status is an error, it carries an error, or the tool's result is one",
            Self::Repeated => "the same tool was called with the same arguments at least twice before in this run",
            Self::EmptyResult => "the tool answered with nothing or null",
            Self::RetrievedNothing => "the retrieval says that it found no documents",
            Self::Malformed => "the answer ends inside a code fence, JSON or tool arguments",
            Self::EndedHere => "the run ended badly, and this is its last model call",
        }
    }
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Role.
    pub role: Untrusted,
    /// Whole text.
    pub text: Untrusted,
}

/// A run opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its facts; `None` when no span of it is a step of an agent.
    pub facts: Option<RunFacts>,
    /// Its steps: a parent before its children, siblings by start. Safe against circles and missing parents.
    pub steps: Vec<Step>,
    /// Turn by turn.
    pub turns: Vec<Turn>,
}

/// So many spans are worth a thread of their own.
const MANY: usize = 500;

/// Opens the run of one trace. A span given twice counts once, the later one wins. Costs in proportion to the spans.
#[must_use]
pub fn open(spans: Vec<(Untrusted, Span)>) -> Reading {
    let all: BTreeMap<SpanId, &(Untrusted, Span)> = spans.iter().map(|pair| (pair.1.span_id, pair)).collect();
    let each: Vec<&(Untrusted, Span)> = all.values().copied().collect();
    let read = |part: &[&(Untrusted, Span)]| -> Vec<SpanFacts> {
        part.iter().filter_map(|pair| SpanFacts::of(&pair.0, &pair.1)).collect()
    };
    let (turns, facts) = beside(|| turns(&all), || in_parts(&each, MANY, read));
    let facts: BTreeMap<SpanId, SpanFacts> = facts.into_iter().flatten().map(|fact| (fact.span, fact)).collect();
    let run = RunFacts::of(&facts);
    let mut in_time: Vec<&SpanFacts> = facts.values().collect();
    in_time.sort_by_key(|fact| (fact.start, fact.span));
    let retries = retries(&in_time);
    let marks = marks(&in_time, run.as_ref());
    let begin = all.values().map(|pair| pair.1.start).min();
    let order = waterfall(&all);
    // What a span carries becomes the step's: ten thousand prompts are not copied.
    let mut whole: HashMap<SpanId, Span> = spans.into_iter().map(|(_, span)| (span.span_id, span)).collect();
    let steps = order
        .into_iter()
        .filter_map(|(id, depth)| {
            let span = whole.remove(&id)?;
            let fact = facts.get(&id);
            let offset = begin.map_or(0, |begin| millis(span.start.duration_since(begin)));
            Some(Step {
                span: id,
                depth,
                kind: fact.map_or_else(|| span.name.clone(), |fact| fact.op.name().into()),
                name: fact.map_or_else(|| span.name.clone(), |fact| fact.what.clone()),
                what: what(&span, fact),
                offset_ms: offset,
                duration_ms: millis(span.end.duration_since(span.start)),
                suspicious: marks.get(&id).cloned(),
                failed: fact.map_or(span.status == SpanStatus::Error, |fact| fact.failed),
                retry: retries.get(&id).copied().unwrap_or(0),
                tokens: fact.map_or((None, None), |fact| (fact.tokens_in, fact.tokens_out)),
                cost: fact.and_then(|fact| fact.cost),
                fields: fields(span),
            })
        })
        .collect();
    Reading { facts: run, steps, turns }
}

/// Depth first; roots are spans whose parent is not here; what only hangs in a circle is entered at its earliest span.
fn waterfall(all: &BTreeMap<SpanId, &(Untrusted, Span)>) -> Vec<(SpanId, u16)> {
    let mut children: BTreeMap<Option<SpanId>, Vec<SpanId>> = BTreeMap::new();
    let mut by_start: Vec<SpanId> = all.keys().copied().collect();
    by_start.sort_by_key(|id| (all[id].1.start, *id));
    for id in &by_start {
        let parent = all[id].1.parent.filter(|parent| parent != id && all.contains_key(parent));
        children.entry(parent).or_default().push(*id);
    }
    let mut seen = BTreeSet::new();
    let mut order = Vec::with_capacity(all.len());
    let roots = children.get(&None).cloned().unwrap_or_default();
    for start in roots.into_iter().chain(by_start) {
        let mut stack = vec![(start, 0_u16)];
        while let Some((id, depth)) = stack.pop() {
            if !seen.insert(id) {
                continue;
            }
            order.push((id, depth));
            let below = children.get(&Some(id)).into_iter().flatten().rev();
            stack.extend(below.map(|child| (*child, depth.saturating_add(1))));
        }
    }
    order
}

fn millis(length: jiff::SignedDuration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(0)
}

fn what(span: &Span, fact: Option<&SpanFacts>) -> Untrusted {
    let Some(fact) = fact else { return span.name.clone() };
    match fact.op {
        Op::Tool => {
            let arguments = alias::text(&span.attributes, Field::ToolArguments).unwrap_or_default();
            format!("{}({arguments})", fact.what.raw()).into()
        }
        Op::Model => match (&fact.asked, &fact.served) {
            (Some(asked), Some(served)) if asked != served => format!("{} → {}", asked.raw(), served.raw()).into(),
            _ => fact.what.clone(),
        },
        _ => fact.what.clone(),
    }
}

/// The marked steps of a run, in order of time, each by the first rule that holds.
fn marks(steps: &[&SpanFacts], run: Option<&RunFacts>) -> BTreeMap<SpanId, Suspicion> {
    let mut called: BTreeMap<(&Untrusted, Digest), u64> = BTreeMap::new();
    let mut marks = BTreeMap::new();
    for fact in steps {
        let before = match fact.arguments {
            Some(arguments) if fact.op == Op::Tool => {
                let calls = called.entry((&fact.what, arguments)).or_default();
                *calls += 1;
                *calls - 1
            }
            _ => 0,
        };
        if let Some((rule, why)) = mark(fact, before, run) {
            marks.insert(fact.span, Suspicion { rule, why: why.into() });
        }
    }
    marks
}

/// The rule that marks a step, and what of it holds the rule; the same call was made so often `before`.
fn mark(fact: &SpanFacts, before: u64, run: Option<&RunFacts>) -> Option<(Mark, String)> {
    if fact.failed && fact.op != Op::Agent {
        let words = fact.error.as_ref().map_or("without words", Untrusted::raw);
        return Some((Mark::Failed, format!("failed: {words}")));
    }
    if before >= 2 {
        return Some((Mark::Repeated, format!("the same call with the same arguments, {before} times before")));
    }
    let empty = |shape: &Arc<Shape>| matches!(&*shape.kind, "empty" | "null");
    if fact.op == Op::Tool && fact.result.as_ref().is_some_and(empty) {
        return Some((Mark::EmptyResult, "the tool answered nothing".into()));
    }
    if fact.op == Op::Retrieval && fact.documents == Some(0) {
        return Some((Mark::RetrievedNothing, "it found no documents".into()));
    }
    if fact.op != Op::Model {
        return None;
    }
    if fact.said.broken {
        return Some((Mark::Malformed, "ends inside a code fence, JSON or tool arguments".into()));
    }
    let stop = run.map(|run| &run.stop).filter(|stop| stop.class.is_bad() && stop.step == Some(fact.span))?;
    Some((Mark::EndedHere, format!("the run ended here as “{}”: {}", stop.class.name(), stop.rule.raw())))
}

fn fields(span: Span) -> Vec<(Untrusted, Untrusted)> {
    let text = |value| match value {
        Value::String(text) => Untrusted::from(text),
        other => other.to_string().into(),
    };
    let mut fields = vec![("name".into(), span.name)];
    if !span.status_message.is_empty() {
        fields.push(("status".into(), span.status_message));
    }
    fields.extend(span.attributes.into_iter().map(|(name, value)| (name, text(value))));
    for event in span.events {
        for (name, value) in event.attributes {
            fields.push((format!("{} {}", event.name.raw(), name.raw()).into(), text(value)));
        }
    }
    fields
}

/// Who said what: the system prompt once, then what each model call heard that was not heard before and what it said, and
/// what the tools answered.
fn turns(all: &BTreeMap<SpanId, &(Untrusted, Span)>) -> Vec<Turn> {
    let mut spans: Vec<&Span> = all.values().map(|pair| &pair.1).collect();
    spans.sort_by_key(|span| (span.start, span.span_id));
    let mut turns: Vec<Turn> = Vec::new();
    let mut said: BTreeSet<(String, String)> = BTreeSet::new();
    let mut add = |role: &str, text: String| {
        if !text.is_empty() && said.insert((role.to_owned(), text.clone())) {
            turns.push(Turn { role: role.into(), text: text.into() });
        }
    };
    for span in spans {
        match Op::of(&span.attributes, &span.name) {
            op @ (Op::Agent | Op::Model) => {
                if let Some(prompt) = message::system_prompt(span) {
                    add("system", prompt);
                }
                if op == Op::Model {
                    for message in message::messages_in(span).into_iter().chain(message::messages_out(span)) {
                        let asks = message.calls.iter().map(|(name, arguments)| format!("→ {name}({arguments})"));
                        let text = std::iter::once(message.text.clone()).filter(|text| !text.is_empty());
                        add(
                            &message.role,
                            text.chain(asks).chain(message.answers.clone()).collect::<Vec<_>>().join("\n"),
                        );
                    }
                }
            }
            Op::Tool => {
                if let Some(result) = alias::text(&span.attributes, Field::ToolResult) {
                    let name = alias::text(&span.attributes, Field::Tool).unwrap_or_default();
                    add(&format!("tool {name}"), result);
                }
            }
            _ => {}
        }
    }
    turns
}

#[cfg(test)]
mod tests;
