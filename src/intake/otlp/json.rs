//! OTLP in JSON: lower camel case, ids in hexadecimal of either case, 64-bit numbers as text or number, enums as
//! numbers; unknown fields are ignored.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::proto::{logged, logged_trace, named};
use super::value::{self, Collected};
use super::{Fault, Item, Rejected, Sender, Sink, Tally, parent_id, sender, span_id, trace_id};
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
                let read = one(item, &sender, tally, arrived, sink);
                tally.count(read, || at.to_owned()).map_err(|error| error.under(at))
            })
        })
    })
}

fn one<T: FromJson>(
    text: &[u8],
    sender: &Result<Sender, Rejected>,
    tally: &Tally,
    arrived: Time,
    sink: &mut impl Sink<T>,
) -> Result<(), Fault> {
    tally.full()?;
    let sender = sender.as_ref().map_err(|why| format!("its resource {why}"))?;
    sink.take(sender, T::from_json(text, arrived)?, text.len());
    Ok(())
}

/// What is done with an element: where it stands, and its text.
type With<'w> = dyn FnMut(&str, &[u8]) -> Result<(), BadInput> + 'w;

/// Calls `with` for every element of the list `name` of the object `text`, which stands at `at`. No list is no element.
fn each(text: &[u8], at: &str, name: &str, with: &mut With<'_>) -> Result<(), BadInput> {
    let Some(list) = json::read_seed(text, || Member(name)).map_err(|error| error.under(at))? else { return Ok(()) };
    let at = format!("{at}/{name}");
    let mut failed = None;
    let mut de = serde_json::Deserializer::from_str(list.get());
    let walked = de::DeserializeSeed::deserialize(Elements { at: &at, with, failed: &mut failed }, &mut de);
    match (failed, walked) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(BadInput::at(at, error.to_string())),
        (None, Ok(())) => Ok(()),
    }
}

/// Finds one member of an object, as text.
struct Member<'n>(&'n str);

impl<'de> de::DeserializeSeed<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.0 {
                found = map.next_value::<Option<&RawValue>>()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct Elements<'s> {
    at: &'s str,
    with: &'s mut With<'s>,
    failed: &'s mut Option<BadInput>,
}

impl<'de> de::DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut n = 0usize;
        while let Some(element) = list.next_element::<&RawValue>()? {
            if let Err(error) = (self.with)(&format!("{}/{n}", self.at), element.get().as_bytes()) {
                *self.failed = Some(error);
                return Err(de::Error::custom("an element is wrong"));
            }
            n += 1;
        }
        Ok(())
    }
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

/// Attributes; too many of them are not an error of the document but of the item.
struct Attrs(Result<Collected, Rejected>);

impl Default for Attrs {
    fn default() -> Self {
        Self(Ok(Collected::default()))
    }
}

#[derive(Deserialize)]
struct KeyValue<'a> {
    #[serde(borrow, default)]
    key: Cow<'a, str>,
    #[serde(default)]
    value: Any,
}

impl<'de> Deserialize<'de> for Attrs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Attrs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of attributes")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Attrs, E> {
                Ok(Attrs::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Attrs, A::Error> {
                let mut found = Collected::default();
                while let Some(KeyValue { key, value }) = list.next_element()? {
                    if let Err(why) = found.add(&key, value.0) {
                        while list.next_element::<IgnoredAny>()?.is_some() {}
                        return Ok(Attrs(Err(why)));
                    }
                }
                Ok(Attrs(Ok(found)))
            }
        }
        from.deserialize_any(List)
    }
}

/// An `AnyValue`.
#[derive(Default)]
struct Any(Value);

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        #[expect(clippy::struct_field_names, reason = "OTLP names its fields so")]
        struct Wire {
            string_value: Option<String>,
            bool_value: Option<bool>,
            int_value: Option<Int>,
            double_value: Option<Double>,
            array_value: Option<List>,
            kvlist_value: Option<Map>,
            bytes_value: Option<String>,
        }
        #[derive(Deserialize)]
        struct List {
            #[serde(default)]
            values: Vec<Any>,
        }
        #[derive(Deserialize)]
        struct Map {
            #[serde(default)]
            values: Vec<Pair>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Pair {
            key: String,
            value: Any,
        }
        let Some(wire) = Option::<Wire>::deserialize(from)? else { return Ok(Self::default()) };
        Ok(Self(if let Some(text) = wire.string_value.or(wire.bytes_value) {
            Value::String(text)
        } else if let Some(truth) = wire.bool_value {
            Value::Bool(truth)
        } else if let Some(Number(number)) = wire.int_value {
            Value::from(number)
        } else if let Some(Double(number)) = wire.double_value {
            value::double(number)
        } else if let Some(list) = wire.array_value {
            Value::Array(list.values.into_iter().map(|any| any.0).collect())
        } else if let Some(map) = wire.kvlist_value {
            Value::Object(map.values.into_iter().map(|pair| (pair.key, pair.value.0)).collect())
        } else {
            Value::Null
        }))
    }
}

/// A whole number as JSON number or as text.
struct Number<T>(T);
type Int = Number<i64>;
type Nanos = Number<u64>;

impl<'de, T: TryFrom<i64> + TryFrom<u64> + std::str::FromStr> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Whole<T>(std::marker::PhantomData<T>);
        impl<T: TryFrom<i64> + TryFrom<u64> + std::str::FromStr> Visitor<'_> for Whole<T> {
            type Value = Number<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole 64-bit number, or one as text")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                number.try_into().map(Number).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                number.try_into().map(Number).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map(Number).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        from.deserialize_any(Whole(std::marker::PhantomData))
    }
}

/// A double: a number, or `"NaN"`, `"Infinity"`, `"-Infinity"` (proto3 JSON).
struct Double(f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct AnyDouble;
        impl Visitor<'_> for AnyDouble {
            type Value = Double;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }

            fn visit_f64<E>(self, number: f64) -> Result<Double, E> {
                Ok(Double(number))
            }

            #[expect(
                clippy::cast_precision_loss,
                reason = "the field is a double; the sender wrote it without a point"
            )]
            fn visit_i64<E>(self, number: i64) -> Result<Double, E> {
                Ok(Double(number as f64))
            }

            #[expect(
                clippy::cast_precision_loss,
                reason = "the field is a double; the sender wrote it without a point"
            )]
            fn visit_u64<E>(self, number: u64) -> Result<Double, E> {
                Ok(Double(number as f64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Double, E> {
                text.parse().map(Double).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        from.deserialize_any(AnyDouble)
    }
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
