//! What every keeper's spans are held to, and how its verdicts are written.

use serde_json::Value;

use crate::event::{Attributes, Digest, Source, Span, SpanEvent, SpanId, Time, TraceId, Untrusted};
use crate::intake::{key, limits};

/// Why an item of a page is not taken.
pub(super) type Rejected = String;

/// Names a verdict at its keeper: one that is given anew takes the place of the old one.
pub(super) const VERDICT: &str = "warroom.verdict";

/// Marks a span that had not ended when it was read.
pub(super) const UNENDED: &str = "warroom.unended";

/// A verdict's score, label and words, under the names of the GenAI conventions.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub name: Untrusted,
    pub score: Option<f64>,
    pub label: Option<Untrusted>,
    pub words: Option<Untrusted>,
    /// Who or what judges: `HUMAN`, `LLM`, `CODE`.
    pub by: Option<Untrusted>,
}

/// The event that says the verdict which `source` calls `id`; `None` when it says nothing (a note).
pub(super) fn verdict(source: Source, id: &str, at: Time, said: Said) -> Option<SpanEvent> {
    if said.score.is_none() && said.label.is_none() {
        return None;
    }
    let text = |text: Untrusted| Value::String(text.raw().to_owned());
    let values = [
        ("gen_ai.evaluation.name", Some(text(said.name))),
        ("gen_ai.evaluation.score.value", said.score.map(Value::from)),
        ("gen_ai.evaluation.score.label", said.label.map(text)),
        ("gen_ai.evaluation.explanation", said.words.filter(|words| !words.is_empty()).map(text)),
        ("evaluation.by", said.by.map(text)),
        (VERDICT, Some(Value::String(format!("{}/{id}", source.name())))),
    ];
    let attributes = values.into_iter().filter_map(|(name, value)| Some((Untrusted::from(name), value?))).collect();
    Some(SpanEvent { time: key::clamp(at), name: "gen_ai.evaluation.result".into(), attributes })
}

/// `span`, unless it is more than OTLP may bring; its times are clamped as OTLP's are.
pub(super) fn checked(mut span: Span) -> Result<Span, Rejected> {
    if span.trace_id.0 == [0; 16] {
        return Err("trace id is all zero".to_owned());
    }
    if span.span_id.0 == [0; 8] {
        return Err("span id is all zero".to_owned());
    }
    span.parent = span.parent.filter(|parent| parent.0 != [0; 8]);
    let most = limits::size(limits::OTLP_PARTS);
    if span.events.len() > most {
        return Err(format!("has more than {most} events"));
    }
    for attributes in std::iter::once(&span.attributes).chain(span.events.iter().map(|event| &event.attributes)) {
        if attributes.len() > most {
            return Err(format!("has more than {most} attributes"));
        }
        if attributes.values().any(|value| deep(value, limits::OTLP_DEPTH)) {
            return Err(format!("has an attribute of more than {} levels", limits::OTLP_DEPTH));
        }
    }
    (span.start, span.end) = (key::clamp(span.start), key::clamp(span.end));
    for event in &mut span.events {
        event.time = key::clamp(event.time);
    }
    Ok(span)
}

/// Whether lists in lists in `value` go deeper than `levels`. JSON itself is read to 128 levels only, so this ends.
fn deep(value: &Value, levels: u64) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    match value {
        Value::Array(values) => values.iter().any(|value| deep(value, below)),
        Value::Object(map) => map.values().any(|value| deep(value, below)),
        _ => false,
    }
}

/// A trace by the name its keeper has for it: 32 hexadecimal digits as OpenTelemetry writes them or with dashes as a UUID; any
/// other name is named by its digest.
pub(super) fn trace_id(name: &str) -> TraceId {
    name.replace('-', "").parse().unwrap_or_else(|_| {
        let digest = Digest::of(name.as_bytes()).0;
        TraceId(std::array::from_fn(|at| digest[at]))
    })
}

/// A span, likewise, by 16 digits.
pub(super) fn span_id(name: &str) -> SpanId {
    name.parse().unwrap_or_else(|_| {
        let digest = Digest::of(name.as_bytes()).0;
        SpanId(std::array::from_fn(|at| digest[at]))
    })
}

/// Adds `value` under `name` unless it is null.
pub(super) fn add(attributes: &mut Attributes, name: &str, value: Option<Value>) {
    if let Some(value) = value.filter(|value| !value.is_null()) {
        attributes.insert(name.into(), value);
    }
}
