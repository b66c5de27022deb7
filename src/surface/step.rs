//! One run opened whole: its steps in waterfall order and its turns, nothing cut.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{Span, SpanId, SpanStatus, Untrusted};

use super::alias::{self, Field, Op};
use super::message;
use super::read::SpanFacts;
use super::run::RunFacts;
use super::stop::StopClass;

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Depth in the tree.
    pub depth: u16,
    /// `chat`, `tool`, `retrieval`, `agent`, or the span's own name.
    pub kind: Untrusted,
    /// What: model, tool with arguments in short.
    pub what: Untrusted,
    /// Milliseconds from the run's start.
    pub offset_ms: u64,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Why it is suspicious, and by which rule.
    pub suspicious: Option<Untrusted>,
    /// Whether it failed.
    pub failed: bool,
    /// Everything it carries, name and whole text, nothing cut.
    pub fields: Vec<(Untrusted, Untrusted)>,
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

/// Opens the run of one trace. A span given twice counts once, the later one wins.
#[must_use]
pub fn open(spans: &[(Untrusted, Span)]) -> Reading {
    let all: BTreeMap<SpanId, &(Untrusted, Span)> = spans.iter().map(|pair| (pair.1.span_id, pair)).collect();
    let facts: BTreeMap<SpanId, SpanFacts> =
        all.iter().filter_map(|(id, pair)| Some((*id, SpanFacts::of(&pair.0, &pair.1)?))).collect();
    let run = RunFacts::of(&facts);
    let begin = all.values().map(|pair| pair.1.start).min();
    let steps = waterfall(&all)
        .into_iter()
        .filter_map(|(id, depth)| {
            let span = &all.get(&id)?.1;
            let fact = facts.get(&id);
            let offset = begin.map_or(0, |begin| millis(span.start.duration_since(begin)));
            Some(Step {
                depth,
                kind: fact.map_or_else(|| span.name.clone(), |fact| fact.op.name().into()),
                what: what(span, fact),
                offset_ms: offset,
                duration_ms: millis(span.end.duration_since(span.start)),
                suspicious: fact.and_then(|fact| suspicious(fact, &facts, run.as_ref())),
                failed: fact.map_or(span.status == SpanStatus::Error, |fact| fact.failed),
                fields: fields(span),
            })
        })
        .collect();
    Reading { facts: run, steps, turns: turns(&all) }
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

/// The rules that mark a step, the first that holds.
fn suspicious(fact: &SpanFacts, all: &BTreeMap<SpanId, SpanFacts>, run: Option<&RunFacts>) -> Option<Untrusted> {
    if fact.failed && fact.op != Op::Agent {
        let words = fact.error.as_ref().map_or("without words", Untrusted::raw);
        return Some(format!("failed: {words}").into());
    }
    if fact.op == Op::Tool && fact.arguments.is_some() {
        let same =
            |other: &&SpanFacts| other.op == Op::Tool && other.what == fact.what && other.arguments == fact.arguments;
        let earlier =
            all.values().filter(same).filter(|other| (other.start, other.span) < (fact.start, fact.span)).count();
        if earlier >= 2 {
            return Some(format!("repeated: the same call with the same arguments, {earlier} times before").into());
        }
    }
    if fact.op == Op::Tool
        && fact.result.as_ref().is_some_and(|shape| &*shape.kind == "empty" || &*shape.kind == "null")
    {
        return Some("empty result".into());
    }
    if fact.op == Op::Retrieval && fact.documents == Some(0) {
        return Some("retrieved nothing".into());
    }
    if fact.op == Op::Model {
        if fact.said.broken {
            return Some("malformed: ends inside a code fence, JSON or tool arguments".into());
        }
        let stop = run.map(|run| &run.stop).filter(|stop| stop.class.is_bad() && stop.class != StopClass::Complete)?;
        let later =
            all.values().any(|other| other.op == Op::Model && (other.start, other.span) > (fact.start, fact.span));
        if !later {
            return Some(format!("the run ended here as “{}”: {}", stop.class.name(), stop.rule.raw()).into());
        }
    }
    None
}

fn fields(span: &Span) -> Vec<(Untrusted, Untrusted)> {
    let mut fields = vec![("name".into(), span.name.clone())];
    if !span.status_message.is_empty() {
        fields.push(("status".into(), span.status_message.clone()));
    }
    fields.extend(span.attributes.iter().map(|(name, value)| (name.clone(), alias::as_text(value).into())));
    for event in &span.events {
        for (name, value) in &event.attributes {
            fields.push((format!("{} {}", event.name.raw(), name.raw()).into(), alias::as_text(value).into()));
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
