//! OTLP traces and logs, protobuf and JSON.
//!
//! **For:** taking what an unmodified OpenTelemetry SDK or collector sends over HTTP, and the lines of its file exporter.
//! **In:** the decoded body. **Out:** spans and log records, in order, to a [`Sink`]; how many were rejected and why.
//! **Never:** holds the decoded request as a whole: a hostile request of 64 MiB would decode to gigabytes, so it is
//! walked item by item, and every item is bounded.
//!
//! What is not OTLP at all is refused as a whole (400: the sender must not send it again). What is OTLP but means nothing
//! (an id of the wrong length, a part beyond its limit) is rejected item by item (200 with `partial_success`).

mod entries;
mod json;
mod proto;
mod reply;
mod value;
mod wire;
pub(super) mod write;

pub use entries::Entries;
pub use reply::{Reply, failed, taken};

use super::limits;
use super::problem::BadInput;
use crate::event::{
    Attributes, Fact, LogBatch, LogRecord, Resource, Span, SpanBatch, SpanId, Time, TraceId, Untrusted,
};

/// The two encodings of OTLP/HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// The sender of an item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sender {
    /// `service.name`.
    pub service: Untrusted,
    /// All attributes of the resource.
    pub attributes: Attributes,
}

/// What is sent: a span or a log record.
pub trait Item: Sized {
    /// The moment from which it can be known.
    fn known(&self) -> Time;
    /// The trace it belongs to.
    fn trace(&self) -> Option<TraceId>;
    /// The fact that says `resources`.
    fn fact(resources: Vec<Resource<Self>>) -> Fact;
}

impl Item for Span {
    fn known(&self) -> Time {
        self.end.max(self.start)
    }

    fn trace(&self) -> Option<TraceId> {
        Some(self.trace_id)
    }

    fn fact(resources: Vec<Resource<Self>>) -> Fact {
        SpanBatch { resources }.into()
    }
}

impl Item for LogRecord {
    fn known(&self) -> Time {
        self.time
    }

    fn trace(&self) -> Option<TraceId> {
        self.trace_id
    }

    fn fact(resources: Vec<Resource<Self>>) -> Fact {
        LogBatch { resources }.into()
    }
}

/// Takes items as they are read.
pub trait Sink<T> {
    /// The next item, who sent it, and about how many bytes it is long.
    fn take(&mut self, sender: &Sender, item: T, size: usize);
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Items taken.
    pub accepted: u64,
    /// Items rejected.
    pub rejected: u64,
    /// Why the first was rejected, or what else the sender should know.
    pub message: Option<String>,
}

/// Why one item is rejected while the request is taken.
type Rejected = String;

/// Reading one item ends in it, in its rejection, or in the refusal of the whole request.
#[derive(Debug)]
enum Fault {
    Item(Rejected),
    Request(BadInput),
}

/// Hands on what `read` makes of one item of `size` bytes, unless there are too many already or its resource was rejected.
fn hand_on<T>(
    sender: &Result<Sender, Rejected>,
    tally: &Tally,
    size: usize,
    sink: &mut impl Sink<T>,
    read: impl FnOnce() -> Result<T, Fault>,
) -> Result<(), Fault> {
    tally.full()?;
    let sender = sender.as_ref().map_err(|why| format!("its resource {why}"))?;
    sink.take(sender, read()?, size);
    Ok(())
}

impl From<BadInput> for Fault {
    fn from(error: BadInput) -> Self {
        Self::Request(error)
    }
}

impl From<Rejected> for Fault {
    fn from(why: Rejected) -> Self {
        Self::Item(why)
    }
}

impl Tally {
    /// Counts what reading one item came to.
    fn count(&mut self, read: Result<(), Fault>, place: impl FnOnce() -> String) -> Result<(), BadInput> {
        match read {
            Ok(()) => self.accepted += 1,
            Err(Fault::Item(why)) => self.reject(place, &why),
            Err(Fault::Request(error)) => return Err(error),
        }
        Ok(())
    }

    fn reject(&mut self, place: impl FnOnce() -> String, why: &Rejected) {
        if self.rejected == 0 {
            self.message = Some(BadInput::at(place(), why).to_string());
        }
        self.rejected += 1;
    }

    fn full(&self) -> Result<(), Rejected> {
        if self.accepted < limits::OTLP_ITEMS {
            Ok(())
        } else {
            Err(format!("one request may carry {} items; send the rest in another", limits::OTLP_ITEMS))
        }
    }
}

/// Reads an `ExportTraceServiceRequest` that came at `arrived` into `sink`.
///
/// # Errors
/// The body is not one; the place is named. Spans before it have been given to `sink`: they are to be thrown away.
pub fn traces(body: &[u8], encoding: Encoding, arrived: Time, sink: &mut impl Sink<Span>) -> Result<Tally, BadInput> {
    let mut tally = Tally::default();
    match encoding {
        Encoding::Protobuf => proto::request(body, &mut tally, arrived, sink)?,
        Encoding::Json => json::request(body, &mut tally, arrived, sink)?,
    }
    Ok(tally)
}

/// Reads an `ExportLogsServiceRequest` that came at `arrived` into `sink`.
///
/// # Errors
/// As [`traces`].
pub fn logs(
    body: &[u8],
    encoding: Encoding,
    arrived: Time,
    sink: &mut impl Sink<LogRecord>,
) -> Result<Tally, BadInput> {
    let mut tally = Tally::default();
    match encoding {
        Encoding::Protobuf => proto::request(body, &mut tally, arrived, sink)?,
        Encoding::Json => json::request(body, &mut tally, arrived, sink)?,
    }
    Ok(tally)
}

fn sender(attributes: Attributes) -> Sender {
    let service = match attributes.get("service.name") {
        Some(serde_json::Value::String(name)) => name.as_str().into(),
        Some(other) => other.to_string().into(),
        None => Untrusted::default(),
    };
    Sender { service, attributes }
}

/// An id of exactly `N` bytes that are not all zero.
fn id<const N: usize>(what: &str, bytes: &[u8]) -> Result<[u8; N], Rejected> {
    let id = <[u8; N]>::try_from(bytes).map_err(|_| format!("{what} has {} bytes, expected {N}", bytes.len()))?;
    if id == [0; N] { Err(format!("{what} is all zero")) } else { Ok(id) }
}

fn trace_id(bytes: &[u8]) -> Result<TraceId, Rejected> {
    id("trace id", bytes).map(TraceId)
}

fn span_id(what: &str, bytes: &[u8]) -> Result<SpanId, Rejected> {
    id(what, bytes).map(SpanId)
}

/// A parent: empty or all zero means none.
fn parent_id(bytes: &[u8]) -> Result<Option<SpanId>, Rejected> {
    if bytes.iter().all(|byte| *byte == 0) { Ok(None) } else { span_id("parent span id", bytes).map(Some) }
}

#[cfg(test)]
mod tests;
