//! OTLP in JSON: lower camel case, ids in hexadecimal of either case, 64-bit numbers as text or number, enums as
//! numbers; unknown fields are ignored.

mod values;
mod walk;

use std::borrow::Cow;

use serde::Deserialize;

use self::values::{Any, Attrs, Nanos};
use self::walk::each;
use super::proto::{logged, logged_trace, named};
use super::value;
use super::{Fault, Item, Rejected, Sender, Sink, Tally, hand_on, parent_id, sender, span_id, trace_id};
use crate::event::{LogRecord, Span, SpanEvent, Time, Untrusted};
use crate::intake::problem::BadInput;
use crate::intake::{json, key, limits};

/// An item that can be read from JSON text.
pub(super) trait FromJson: Item {
    /// The names of the lists, from the outermost.
    const LISTS: [&str; 3];
    /// Reads one.
    fn from_json(text: &[u8], arrived: Time) -> Result<Self, Fault>;
}

/// Walks a request, one item in memory at a time.
pub(super) fn request<T: FromJson>(
    body: &[u8],
    tally: &mut Tally,
    arrived: Time,
    sink: &mut impl Sink<T>,
) -> Result<(), BadInput> {
    let mended = json::repair(body);
    let body = mended.as_deref().unwrap_or(body);
    let [resources, scopes, items] = T::LISTS;
    each(body, "", resources, &mut |at, resource| {
        let sender = who(resource).map_err(|error| error.under(at))?;
        each(resource, at, scopes, &mut |at, scope| {
            each(scope, at, items, &mut |at, item| {
                let read = hand_on(&sender, tally, item.len(), sink, || T::from_json(item, arrived));
                tally.count(read, || at.to_owned()).map_err(|error| error.under(at))
            })
        })
    })
}

#[derive(Deserialize)]
struct WireResource {
    #[serde(default)]
    resource: Option<WireAttributes>,
}

#[derive(Deserialize)]
struct WireAttributes {
    #[serde(default)]
    attributes: Attrs,
}

fn who(resource: &[u8]) -> Result<Result<Sender, Rejected>, BadInput> {
    let wire: WireResource = json::read(resource)?;
    Ok(wire.resource.map(|found| found.attributes).unwrap_or_default().0.map(|found| sender(found.done())))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireSpan<'a> {
    #[serde(borrow)]
    trace_id: Cow<'a, str>,
    #[serde(borrow)]
    span_id: Cow<'a, str>,
    #[serde(borrow)]
    parent_span_id: Cow<'a, str>,
    name: Untrusted,
    kind: i64,
    start_time_unix_nano: Option<Nanos>,
    end_time_unix_nano: Option<Nanos>,
    attributes: Attrs,
    events: Option<Vec<WireEvent>>,
    status: Option<WireStatus>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireEvent {
    time_unix_nano: Option<Nanos>,
    name: Untrusted,
    attributes: Attrs,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireStatus {
    message: Untrusted,
    code: i64,
}

impl FromJson for Span {
    const LISTS: [&str; 3] = ["resourceSpans", "scopeSpans", "spans"];

    fn from_json(text: &[u8], _: Time) -> Result<Self, Fault> {
        let wire: WireSpan = json::read(text)?;
        let status = wire.status.unwrap_or_default();
        let events = wire.events.unwrap_or_default();
        if events.len() as u64 > limits::OTLP_PARTS {
            return Err(Fault::Item(format!("has more than {} events", limits::OTLP_PARTS)));
        }
        let event = |event: WireEvent| -> Result<SpanEvent, Fault> {
            let time = moment(event.time_unix_nano);
            Ok(SpanEvent { time, name: event.name, attributes: event.attributes.0?.done() })
        };
        Ok(Self {
            trace_id: trace_id(&hexadecimal("trace id", &wire.trace_id)?)?,
            span_id: span_id("span id", &hexadecimal("span id", &wire.span_id)?)?,
            parent: parent_id(&hexadecimal("parent span id", &wire.parent_span_id)?)?,
            name: wire.name,
            kind: value::kind(wire.kind),
            start: moment(wire.start_time_unix_nano),
            end: moment(wire.end_time_unix_nano),
            status: value::status(status.code),
            status_message: status.message,
            attributes: wire.attributes.0?.done(),
            events: events.into_iter().map(event).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireLog<'a> {
    time_unix_nano: Option<Nanos>,
    observed_time_unix_nano: Option<Nanos>,
    severity_number: i64,
    #[serde(borrow)]
    severity_text: Cow<'a, str>,
    body: Any,
    attributes: Attrs,
    #[serde(borrow)]
    trace_id: Cow<'a, str>,
    #[serde(borrow)]
    event_name: Cow<'a, str>,
}

impl FromJson for LogRecord {
    const LISTS: [&str; 3] = ["resourceLogs", "scopeLogs", "logRecords"];

    fn from_json(text: &[u8], arrived: Time) -> Result<Self, Fault> {
        let wire: WireLog = json::read(text)?;
        let nanos = |time: Option<Nanos>| time.map_or(0, |time| time.0);
        let mut attributes = wire.attributes.0?;
        named(&wire.event_name, &mut attributes)?;
        Ok(Self {
            time: logged(nanos(wire.time_unix_nano), nanos(wire.observed_time_unix_nano), arrived),
            severity: value::severity(wire.severity_number, &wire.severity_text),
            body: value::text(wire.body.0),
            attributes: attributes.done(),
            trace_id: logged_trace(&hexadecimal("trace id", &wire.trace_id)?)?,
        })
    }
}

fn moment(nanos: Option<Nanos>) -> Time {
    key::from_nanos(nanos.map_or(0, |nanos| nanos.0).into())
}

fn hexadecimal(what: &str, digits: &str) -> Result<Vec<u8>, Rejected> {
    hex::decode(digits).map_err(|_| format!("{what} is not hexadecimal"))
}
