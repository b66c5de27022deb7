//! OTLP in protobuf. Field numbers: opentelemetry-proto 1.11, `trace/v1`, `logs/v1`, `common/v1`, `resource/v1`.

use base64::Engine as _;
use serde_json::Value;

use super::value::{self, Collected};
use super::wire::{Field, Message};
use super::{Fault, Item, Rejected, Sender, Sink, Tally, hand_on, parent_id, sender, span_id, trace_id};
use crate::event::{LogRecord, Span, SpanEvent, SpanKind, SpanStatus, Time, Untrusted};
use crate::intake::problem::BadInput;
use crate::intake::{key, limits};

/// An item that can be read from a protobuf message.
pub(super) trait FromProto: Item {
    /// Reads one.
    fn from_proto(message: Message, arrived: Time) -> Result<Self, Fault>;
}

/// Walks a request: `resource_* = 1`, in each `resource = 1` and `scope_* = 2`, in each of those the items at `2`.
/// Traces and logs have the same shape.
pub(super) fn request<T: FromProto>(
    body: &[u8],
    tally: &mut Tally,
    arrived: Time,
    sink: &mut impl Sink<T>,
) -> Result<(), BadInput> {
    let mut resources = 0usize;
    for field in Message::whole(body).fields() {
        let field = field?;
        if field.number != 1 {
            continue;
        }
        let resource = field.message()?;
        let sender = who(resource)?;
        let mut items = 0usize;
        for field in resource.fields() {
            let field = field?;
            if field.number != 2 {
                continue;
            }
            for field in field.message()?.fields() {
                let field = field?;
                if field.number == 2 {
                    let message = field.message()?;
                    let size = message.bytes().len();
                    let read = hand_on(&sender, tally, size, sink, || T::from_proto(message, arrived));
                    tally.count(read, || format!("/{resources}/item/{items}"))?;
                    items += 1;
                }
            }
        }
        resources += 1;
    }
    Ok(())
}

/// The resource, wherever it stands in the message; too large a one rejects all its items.
fn who(message: Message) -> Result<Result<Sender, Rejected>, BadInput> {
    let mut attributes = Collected::default();
    for field in message.fields() {
        let field = field?;
        if field.number != 1 {
            continue;
        }
        for field in field.message()?.fields() {
            let field = field?;
            if field.number == 1 {
                match attribute(field, &mut attributes) {
                    Ok(()) => {}
                    Err(Fault::Item(why)) => return Ok(Err(why)),
                    Err(Fault::Request(error)) => return Err(error),
                }
            }
        }
    }
    Ok(Ok(sender(attributes.done())))
}

fn attribute(field: Field, into: &mut Collected) -> Result<(), Fault> {
    let (name, value) = key_value(field.message()?, 0)?;
    Ok(into.add(&name, value)?)
}

fn key_value(message: Message<'_>, depth: u64) -> Result<(std::borrow::Cow<'_, str>, Value), Fault> {
    let (mut name, mut value) = (std::borrow::Cow::Borrowed(""), Value::Null);
    for field in message.fields() {
        let field = field?;
        match field.number {
            1 => name = field.message()?.text(),
            2 => value = any(field.message()?, depth)?,
            _ => {}
        }
    }
    Ok((name, value))
}

/// An `AnyValue`; the last one of the alternatives counts.
fn any(message: Message, depth: u64) -> Result<Value, Fault> {
    if depth > limits::OTLP_DEPTH {
        return Err(Fault::Item(format!("has lists in lists deeper than {}", limits::OTLP_DEPTH)));
    }
    let mut value = Value::Null;
    for field in message.fields() {
        let field = field?;
        value = match field.number {
            1 => Value::String(field.message()?.text().into_owned()),
            2 => Value::Bool(field.number()? != 0),
            3 => Value::from(field.number()?.cast_signed()),
            4 => value::double(f64::from_bits(field.fixed64()?)),
            5 => list(field.message()?, depth)?,
            6 => map(field.message()?, depth)?,
            7 => Value::String(base64::engine::general_purpose::STANDARD.encode(field.message()?.bytes())),
            _ => value,
        };
    }
    Ok(value)
}

fn list(message: Message, depth: u64) -> Result<Value, Fault> {
    let mut values = Vec::new();
    for field in message.fields() {
        let field = field?;
        if field.number == 1 {
            if values.len() as u64 >= limits::OTLP_PARTS {
                return Err(Fault::Item(format!("has a list longer than {}", limits::OTLP_PARTS)));
            }
            values.push(any(field.message()?, depth + 1)?);
        }
    }
    Ok(Value::Array(values))
}

fn map(message: Message, depth: u64) -> Result<Value, Fault> {
    let mut values = serde_json::Map::new();
    for field in message.fields() {
        let field = field?;
        if field.number == 1 {
            if values.len() as u64 >= limits::OTLP_PARTS {
                return Err(Fault::Item(format!("has a list longer than {}", limits::OTLP_PARTS)));
            }
            let (name, value) = key_value(field.message()?, depth + 1)?;
            values.insert(name.into_owned(), value);
        }
    }
    Ok(Value::Object(values))
}

impl FromProto for Span {
    fn from_proto(message: Message, _: Time) -> Result<Self, Fault> {
        let (mut trace, mut id, mut parent): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
        let (mut name, mut kind, mut start, mut end) = (Untrusted::default(), SpanKind::default(), 0, 0);
        let (mut status, mut status_message) = (SpanStatus::default(), Untrusted::default());
        let (mut attributes, mut events) = (Collected::default(), Vec::new());
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => trace = field.message()?.bytes(),
                2 => id = field.message()?.bytes(),
                4 => parent = field.message()?.bytes(),
                5 => name = field.message()?.text().as_ref().into(),
                6 => kind = value::kind(field.number()?.cast_signed()),
                7 => start = field.fixed64()?,
                8 => end = field.fixed64()?,
                9 => attribute(field, &mut attributes)?,
                11 => {
                    if events.len() as u64 >= limits::OTLP_PARTS {
                        return Err(Fault::Item(format!("has more than {} events", limits::OTLP_PARTS)));
                    }
                    events.push(event(field.message()?)?);
                }
                15 => {
                    for field in field.message()?.fields() {
                        let field = field?;
                        match field.number {
                            2 => status_message = field.message()?.text().as_ref().into(),
                            3 => status = value::status(field.number()?.cast_signed()),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(Self {
            trace_id: trace_id(trace)?,
            span_id: span_id("span id", id)?,
            parent: parent_id(parent)?,
            name,
            kind,
            start: key::from_nanos(start.into()),
            end: key::from_nanos(end.into()),
            status,
            status_message,
            attributes: attributes.done(),
            events,
        })
    }
}

fn event(message: Message) -> Result<SpanEvent, Fault> {
    let (mut time, mut name, mut attributes) = (0, Untrusted::default(), Collected::default());
    for field in message.fields() {
        let field = field?;
        match field.number {
            1 => time = field.fixed64()?,
            2 => name = field.message()?.text().as_ref().into(),
            3 => attribute(field, &mut attributes)?,
            _ => {}
        }
    }
    Ok(SpanEvent { time: key::from_nanos(time.into()), name, attributes: attributes.done() })
}

impl FromProto for LogRecord {
    fn from_proto(message: Message, arrived: Time) -> Result<Self, Fault> {
        let (mut time, mut observed, mut number) = (0, 0, 0);
        let (mut level, mut body) = (std::borrow::Cow::Borrowed(""), Value::Null);
        let (mut attributes, mut trace): (_, &[u8]) = (Collected::default(), &[]);
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => time = field.fixed64()?,
                2 => number = field.number()?.cast_signed(),
                3 => level = field.message()?.text(),
                5 => body = any(field.message()?, 0)?,
                6 => attribute(field, &mut attributes)?,
                9 => trace = field.message()?.bytes(),
                11 => observed = field.fixed64()?,
                12 => named(&field.message()?.text(), &mut attributes)?,
                _ => {}
            }
        }
        Ok(Self {
            time: logged(time, observed, arrived),
            severity: value::severity(number, &level),
            body: value::text(body),
            attributes: attributes.done(),
            trace_id: logged_trace(trace)?,
        })
    }
}

/// An event's name stands beside its attributes; it is kept among them.
pub(super) fn named(name: &str, attributes: &mut Collected) -> Result<(), Rejected> {
    if name.is_empty() { Ok(()) } else { attributes.add("event.name", Value::String(name.to_owned())) }
}

/// When a record was written: its own time, else when it was observed, else when it came.
pub(super) fn logged(time: u64, observed: u64, arrived: Time) -> Time {
    match (time, observed) {
        (0, 0) => key::clamp(arrived),
        (0, observed) => key::from_nanos(observed.into()),
        (time, _) => key::from_nanos(time.into()),
    }
}

/// A record's trace: empty or all zero means none.
pub(super) fn logged_trace(bytes: &[u8]) -> Result<Option<crate::event::TraceId>, Rejected> {
    if bytes.iter().all(|byte| *byte == 0) { Ok(None) } else { trace_id(bytes).map(Some) }
}
