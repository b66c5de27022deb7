//! Phoenix' REST API: `GET /v1/projects/{project}/spans`, in the order in which they arrived, `…/span_annotations` and
//! `…/trace_annotations`.
//!
//! Its spans are `OpenInference`'s: attributes are flattened, what was written under `gen_ai.*` is there too. It does not keep what
//! the resource said, so a project stands for the service, under the name the configuration gives it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::span::{self, Rejected, Said};
use super::{Keeper, Page, Place, Shown, Verdict, Verdicts};
use crate::event::{Attributes, Source, Span, SpanEvent, SpanId, SpanKind, SpanStatus, TraceId, Untrusted};
use crate::intake::json::{self, WireTime};
use crate::intake::limits;
use crate::intake::otlp::Sender;
use crate::intake::poll::client::{Client, PollError};
use crate::intake::problem::BadInput;

/// Spans or traces whose annotations are asked for at once: their ids stand in the address.
const ASKED: usize = 250;

/// At most so many pages of annotations are asked for in one go.
const PAGES: usize = 40;

/// One project of a Phoenix.
#[derive(Clone, Debug)]
pub struct Phoenix {
    project: String,
    sender: Sender,
}

impl Phoenix {
    /// The project of this name, whose spans are those of `service`.
    #[must_use]
    pub fn new(project: String, service: &str) -> Self {
        let said = [("service.name", service), ("openinference.project.name", project.as_str())];
        let attributes = said.map(|(name, value)| (Untrusted::from(name), Value::from(value))).into_iter().collect();
        Self { sender: Sender { service: service.into(), attributes }, project }
    }

    fn path(&self, what: &str) -> String {
        format!("v1/projects/{}/{what}", utf8_percent_encode(&self.project, NON_ALPHANUMERIC))
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    #[serde(default)]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Context {
    trace_id: TraceId,
    span_id: SpanId,
}

#[derive(Deserialize)]
struct WireSpan {
    id: String,
    name: Untrusted,
    context: Context,
    #[serde(default)]
    span_kind: Option<String>,
    #[serde(default)]
    parent_id: Option<String>,
    start_time: WireTime,
    end_time: WireTime,
    #[serde(default)]
    status_code: Option<String>,
    #[serde(default)]
    status_message: Untrusted,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    events: Vec<WireEvent>,
}

#[derive(Deserialize)]
struct WireEvent {
    name: Untrusted,
    timestamp: WireTime,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Annotation {
    id: String,
    #[serde(default)]
    span_id: Option<SpanId>,
    /// Of an annotation of a trace as a whole.
    #[serde(default)]
    trace_id: Option<TraceId>,
    name: Untrusted,
    #[serde(default)]
    result: Option<Outcome>,
    #[serde(default)]
    annotator_kind: Option<Untrusted>,
    updated_at: WireTime,
}

#[derive(Default, Deserialize)]
struct Outcome {
    #[serde(default)]
    label: Option<Untrusted>,
    #[serde(default)]
    score: Option<f64>,
    #[serde(default)]
    explanation: Option<Untrusted>,
}

impl Phoenix {
    fn span(&self, item: &RawValue) -> Result<Shown, Rejected> {
        let wire: WireSpan = serde_json::from_str(item.get()).map_err(|error| error.to_string())?;
        let parent = match wire.parent_id.as_deref() {
            None | Some("") => None,
            Some(id) => Some(id.parse().map_err(|error: crate::event::BadId| error.to_string())?),
        };
        let mut attributes = wire.attributes;
        // It takes the kind out of the attributes and writes it beside them.
        if let Some(kind) = wire.span_kind.filter(|kind| kind != "UNKNOWN") {
            attributes.entry("openinference.span.kind".into()).or_insert(Value::String(kind));
        }
        let event =
            |event: WireEvent| SpanEvent { time: event.timestamp.0, name: event.name, attributes: event.attributes };
        let span = span::checked(Span {
            trace_id: wire.context.trace_id,
            span_id: wire.context.span_id,
            parent,
            name: wire.name,
            kind: SpanKind::Unspecified,
            start: wire.start_time.0,
            end: wire.end_time.0,
            status: match wire.status_code.as_deref() {
                Some("OK") => SpanStatus::Ok,
                Some("ERROR") => SpanStatus::Error,
                _ => SpanStatus::Unset,
            },
            status_message: wire.status_message,
            attributes,
            events: wire.events.into_iter().map(event).collect(),
        })?;
        Ok(Shown { sender: self.sender.clone(), span, size: item.get().len(), whole: true, name: Some(wire.id) })
    }

    /// Reads the answer to a question for spans from `cursor` on.
    fn read(&self, body: &[u8], cursor: Option<&str>) -> Result<Page, BadInput> {
        let answer: Answer<'_> = json::read(body)?;
        let mut page = Page::of(answer.next_cursor, answer.data, |item| self.span(item));
        let names: Vec<&str> = page.spans.iter().filter_map(|shown| shown.name.as_deref()).collect();
        if let (Some(first), Some(last)) = (names.first(), names.last())
            && number(first) > number(last)
        {
            let what = "the newest stand first although the order of arrival was asked for: this Phoenix is older than those that are read";
            return Err(BadInput::at("/data", what));
        }
        // A page begins with the span that its cursor names, taken or rejected.
        page.gone = cursor.is_some_and(|cursor| page.rejected == 0 && names.first() != Some(&cursor));
        Ok(page)
    }
}

/// The place of a span in the order of arrival, in the id that Phoenix gives it (`Span:6` in base64).
fn number(id: &str) -> Option<u64> {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.decode(id).ok()?;
    std::str::from_utf8(&text).ok()?.rsplit(':').next()?.parse().ok()
}

/// Reads the answer to a question for the annotations of the spans `of`, or of their traces, and where the rest is.
fn annotations(body: &[u8], of: &BTreeMap<SpanId, TraceId>) -> Result<(Vec<Verdict>, Option<String>), BadInput> {
    let answer: Answer<'_> = json::read(body)?;
    let verdict = |item: &RawValue| {
        let wire: Annotation = serde_json::from_str(item.get()).ok()?;
        let result = wire.result.unwrap_or_default();
        let said = Said {
            name: wire.name,
            score: result.score,
            label: result.label,
            words: result.explanation,
            by: wire.annotator_kind,
        };
        let event = span::verdict(Source::Phoenix, &wire.id, wire.updated_at.0, said)?;
        let trace = wire.span_id.map_or(wire.trace_id, |span| of.get(&span).copied())?;
        Some(Verdict { trace, span: wire.span_id, event })
    };
    Ok((answer.data.into_iter().filter_map(verdict).collect(), answer.next_cursor))
}

impl Keeper for Phoenix {
    const SOURCE: Source = Source::Phoenix;

    fn part(&self) -> &str {
        &self.project
    }

    async fn page(&self, client: &Client, place: &Place, size: usize) -> Result<Page, PollError> {
        let mut query = vec![("limit", size.to_string()), ("sort", "id".to_owned()), ("order", "asc".to_owned())];
        query.push(match &place.cursor {
            Some(cursor) => ("cursor", cursor.clone()),
            None => ("start_time", format!("{:.6}", place.from)),
        });
        let body = client.get_within(&self.path("spans"), &query, limits::size(limits::KEPT_PAGE)).await?;
        self.read(&body, place.cursor.as_deref()).map_err(|error| client.odd(&error))
    }

    async fn verdicts(
        &self,
        client: &Client,
        newest: &VecDeque<(TraceId, SpanId)>,
        _from: crate::event::Time,
    ) -> Result<Verdicts, PollError> {
        let of: BTreeMap<SpanId, TraceId> = newest.iter().map(|(trace, span)| (*span, *trace)).collect();
        let spans: Vec<String> = of.keys().map(SpanId::to_string).collect();
        let traces: BTreeSet<TraceId> = of.values().copied().collect();
        let traces: Vec<String> = traces.iter().map(TraceId::to_string).collect();
        let asked = spans.chunks(ASKED).map(|ids| ("span_annotations", "span_ids", ids));
        let asked = asked.chain(traces.chunks(ASKED).map(|ids| ("trace_annotations", "trace_ids", ids)));
        let mut verdicts = Verdicts::default();
        let mut pages = 0..PAGES;
        for (path, name, ids) in asked {
            let path = self.path(path);
            let mut cursor = None;
            loop {
                let mut query: Vec<(&str, &str)> = ids.iter().map(|id| (name, id.as_str())).collect();
                query.push(("limit", "1000"));
                query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
                let body = match client.get_within(&path, &query, limits::size(limits::KEPT_PAGE)).await {
                    // It has none of these any more, or is too old to know annotations of traces.
                    Err(PollError::Refused { status: 404, .. }) => break,
                    other => other?,
                };
                let (found, next) = annotations(&body, &of).map_err(|error| client.odd(&error))?;
                verdicts.found.extend(found);
                if verdicts.found.len() >= limits::size(limits::KEPT_VERDICTS) || pages.next().is_none() {
                    verdicts.more = true;
                    return Ok(verdicts);
                }
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(verdicts)
    }
}

#[cfg(test)]
#[path = "phoenix_tests.rs"]
mod tests;
