//! Langfuse's public API: `GET /api/public/v2/observations`, by their start, and `…/v3/scores`.
//!
//! What Langfuse says of an observation goes before what its sender wrote (`langfuse.*`, then `gen_ai.*`, then `OpenInference`): the
//! attributes of an observation that came by OpenTelemetry are kept in its metadata and are read from there.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::span::{self, Rejected, Said};
use super::{Keeper, Page, Place, Shown, Verdict, Verdicts};
use crate::event::{Attributes, Source, Span, SpanId, SpanKind, SpanStatus, Time, TraceId, Untrusted};
use crate::intake::json::{self, WireTime};
use crate::intake::limits;
use crate::intake::otlp::Sender;
use crate::intake::poll::client::{Client, PollError};
use crate::intake::problem::BadInput;

/// What is asked for of an observation. Metadata are cut at 200 characters unless their keys are named.
const FIELDS: [(&str, &str); 2] = [
    ("fields", "core,basic,time,io,metadata,model,usage,prompt,trace_context"),
    ("expandMetadata", "attributes,resourceAttributes"),
];
/// The most scores that Langfuse gives at once.
const SCORES: &str = "100";
/// At most so many pages of scores are asked for in one go.
const PAGES: usize = 40;

/// The project whose keys are presented.
#[derive(Clone, Debug)]
pub struct Langfuse {
    /// Whose the observations are that do not say so.
    service: String,
}

impl Langfuse {
    /// The project, whose observations are those of `service` where they do not name one.
    #[must_use]
    pub fn new(service: String) -> Self {
        Self { service }
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Observation {
    id: String,
    trace_id: Option<String>,
    start_time: WireTime,
    #[serde(default)]
    end_time: Option<WireTime>,
    #[serde(default)]
    parent_observation_id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: Option<Untrusted>,
    #[serde(default)]
    level: Option<String>,
    #[serde(default)]
    status_message: Option<Untrusted>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    #[serde(default)]
    usage_details: Option<BTreeMap<String, Value>>,
    /// Everything else, under Langfuse's names.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Langfuse's names, and those under which the same is written into spans.
const NAMES: [(&str, &str); 11] = [
    ("input", "langfuse.observation.input"),
    ("output", "langfuse.observation.output"),
    ("model", "langfuse.observation.model.name"),
    ("modelParameters", "langfuse.observation.model.parameters"),
    ("promptName", "langfuse.observation.prompt.name"),
    ("promptVersion", "langfuse.observation.prompt.version"),
    ("environment", "deployment.environment.name"),
    ("sessionId", "session.id"),
    ("userId", "user.id"),
    ("traceName", "langfuse.trace.name"),
    ("release", "langfuse.release"),
];

/// Langfuse's names of tokens, and the conventions'.
const TOKENS: [(&str, &str); 4] = [
    ("input", "gen_ai.usage.input_tokens"),
    ("output", "gen_ai.usage.output_tokens"),
    ("input_cached_tokens", "gen_ai.usage.cache_read.input_tokens"),
    ("cache_read_input_tokens", "gen_ai.usage.cache_read.input_tokens"),
];

/// What stands under `key` of the metadata as an object; it may be JSON in a text.
fn object(metadata: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
    match metadata.remove(key) {
        Some(Value::Object(object)) => object,
        Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or_default(),
        _ => Map::new(),
    }
}

impl Langfuse {
    fn span(&self, item: &RawValue) -> Result<Shown, Rejected> {
        let mut wire: Observation = serde_json::from_str(item.get()).map_err(|error| error.to_string())?;
        let trace = wire.trace_id.ok_or_else(|| "belongs to no trace".to_owned())?;
        let mut metadata = wire.metadata.take().unwrap_or_default();
        let resource: Attributes =
            object(&mut metadata, "resourceAttributes").into_iter().map(|(name, value)| (name.into(), value)).collect();
        let mut attributes: Attributes =
            object(&mut metadata, "attributes").into_iter().map(|(name, value)| (name.into(), value)).collect();
        for (key, value) in metadata {
            span::add(&mut attributes, &format!("langfuse.metadata.{key}"), Some(value));
        }
        for (theirs, name) in NAMES {
            span::add(&mut attributes, name, wire.rest.remove(theirs));
        }
        let mut usage = wire.usage_details.unwrap_or_default();
        for (theirs, name) in TOKENS {
            span::add(&mut attributes, name, usage.remove(theirs));
        }
        // Any span is a SPAN to it: that says nothing about what kind of step it is.
        let kind = wire.kind.to_ascii_lowercase();
        if !matches!(kind.as_str(), "span" | "event") {
            span::add(&mut attributes, "langfuse.observation.type", Some(Value::String(kind.clone())));
        }
        let whole = wire.end_time.is_some() || kind == "event";
        span::add(&mut attributes, span::UNENDED, (!whole).then_some(Value::Bool(true)));
        let service = resource.get("service.name").and_then(Value::as_str).unwrap_or(&self.service).into();
        let span = span::checked(Span {
            trace_id: span::trace_id(&trace),
            span_id: span::span_id(&wire.id),
            parent: wire.parent_observation_id.filter(|id| !id.is_empty()).as_deref().map(span::span_id),
            name: wire.name.unwrap_or_default(),
            kind: SpanKind::Unspecified,
            start: wire.start_time.0,
            end: wire.end_time.map_or(wire.start_time.0, |end| end.0),
            status: match wire.level.as_deref() {
                Some("ERROR") => SpanStatus::Error,
                _ => SpanStatus::Unset,
            },
            status_message: wire.status_message.unwrap_or_default(),
            attributes,
            events: Vec::new(),
        })?;
        let sender = Sender { service, attributes: resource };
        Ok(Shown { sender, span, size: item.get().len(), whole, name: None })
    }

    fn read(&self, body: &[u8]) -> Result<Page, BadInput> {
        let answer: Answer<'_> = json::read(body)?;
        Ok(Page::of(answer.meta.cursor, answer.data, |item| self.span(item)))
    }
}

#[derive(Deserialize)]
struct Score {
    id: String,
    name: Untrusted,
    #[serde(default)]
    value: Value,
    timestamp: WireTime,
    #[serde(default)]
    source: Option<Untrusted>,
    #[serde(default)]
    comment: Option<Untrusted>,
    #[serde(default)]
    subject: Option<Subject>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subject {
    kind: String,
    id: String,
    #[serde(default)]
    trace_id: Option<String>,
}

/// A verdict on a run or one of its spans; `None` for scores of sessions and experiments.
fn verdict(item: &RawValue) -> Option<Verdict> {
    let score: Score = serde_json::from_str(item.get()).ok()?;
    let subject = score.subject?;
    let (trace, span) = match subject.kind.as_str() {
        "trace" => (subject.id, None),
        "observation" => (subject.trace_id?, Some(span::span_id(&subject.id))),
        _ => return None,
    };
    let (number, label) = match score.value {
        Value::Number(number) => (number.as_f64(), None),
        Value::Bool(truth) => (Some(if truth { 1.0 } else { 0.0 }), Some(Untrusted::from(truth.to_string()))),
        Value::String(text) => (None, Some(Untrusted::from(text))),
        _ => (None, None),
    };
    let said = Said { name: score.name, score: number, label, words: score.comment, by: score.source };
    let event = span::verdict(Source::Langfuse, &score.id, score.timestamp.0, said)?;
    Some(Verdict { trace: span::trace_id(&trace), span, event })
}

impl Keeper for Langfuse {
    const SOURCE: Source = Source::Langfuse;

    fn part(&self) -> &str {
        &self.service
    }

    async fn page(&self, client: &Client, place: &Place, size: usize) -> Result<Page, PollError> {
        let mut query: Vec<(&str, String)> = FIELDS.map(|(name, value)| (name, value.to_owned())).to_vec();
        query.push(("limit", size.to_string()));
        query.push(("fromStartTime", format!("{:.3}", place.from)));
        query.extend(place.cursor.clone().map(|cursor| ("cursor", cursor)));
        let limit = limits::size(limits::KEPT_PAGE);
        let body = client.get_within("api/public/v2/observations", &query, limit).await?;
        self.read(&body).map_err(|error| client.odd(&error))
    }

    async fn verdicts(
        &self,
        client: &Client,
        _newest: &VecDeque<(TraceId, SpanId)>,
        from: Time,
    ) -> Result<Verdicts, PollError> {
        let mut verdicts = Verdicts::default();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let mut query = vec![("fields", "subject,details".to_owned()), ("limit", SCORES.to_owned())];
            query.push(("fromTimestamp", format!("{from:.3}")));
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let limit = limits::size(limits::KEPT_PAGE);
            let body = client.get_within("api/public/v3/scores", &query, limit).await?;
            let answer: Answer<'_> = json::read(&body).map_err(|error| client.odd(&error))?;
            verdicts.found.extend(answer.data.into_iter().filter_map(verdict));
            cursor = answer.meta.cursor;
            if cursor.is_none() {
                return Ok(verdicts);
            }
            if verdicts.found.len() >= limits::size(limits::KEPT_VERDICTS) {
                break;
            }
        }
        verdicts.more = true;
        Ok(verdicts)
    }
}

#[cfg(test)]
#[path = "langfuse_tests.rs"]
mod tests;
