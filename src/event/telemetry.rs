//! Spans, logs, metrics and topology, by their OpenTelemetry and Prometheus names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{SpanId, Time, TraceId, Untrusted};

/// Label names and values, sorted.
pub type Labels = BTreeMap<Untrusted, Untrusted>;

/// Attribute names and values, sorted. A value is any JSON; bytes are base64 text.
pub type Attributes = BTreeMap<Untrusted, serde_json::Value>;

/// The spans of one delivery, by the resource that sent them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanBatch {
    /// The senders.
    pub resources: Vec<Resource<Span>>,
}

/// What one resource (a service instance) sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resource<T> {
    /// `service.name`; empty when the sender gave none.
    pub service: Untrusted,
    /// The resource's attributes.
    pub attributes: Attributes,
    /// What it sent.
    pub items: Vec<T>,
}

/// One span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Trace.
    pub trace_id: TraceId,
    /// Span, unique in its trace.
    pub span_id: SpanId,
    /// Parent, absent for a root. May be missing from the store, or form a circle: readers must not follow it blindly.
    pub parent: Option<SpanId>,
    /// Name.
    pub name: Untrusted,
    /// Kind.
    pub kind: SpanKind,
    /// Start.
    pub start: Time,
    /// End; may lie before the start when the sender's clock stepped.
    pub end: Time,
    /// Status.
    pub status: SpanStatus,
    /// The status's words.
    #[serde(default, skip_serializing_if = "Untrusted::is_empty")]
    pub status_message: Untrusted,
    /// Attributes, under the names they came with.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Events inside the span.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<SpanEvent>,
}

/// Something that happened inside a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpanEvent {
    /// When.
    pub time: Time,
    /// Name.
    pub name: Untrusted,
    /// Attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// OpenTelemetry span kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Not said.
    #[default]
    Unspecified,
    /// Inside one service.
    Internal,
    /// Answers a request.
    Server,
    /// Sends a request.
    Client,
    /// Sends a message.
    Producer,
    /// Receives a message.
    Consumer,
}

/// OpenTelemetry span status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanStatus {
    /// Not said.
    #[default]
    Unset,
    /// Said to be good.
    Ok,
    /// Said to have failed.
    Error,
}

/// The log records of one delivery, by the resource that sent them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogBatch {
    /// The senders.
    pub resources: Vec<Resource<LogRecord>>,
}

/// One log record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// When it happened (or was observed, where the sender gave no time).
    pub time: Time,
    /// OpenTelemetry severity number, 1 (trace) to 24 (fatal); 0 when not said.
    pub severity: u8,
    /// The text.
    pub body: Untrusted,
    /// Attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// The trace it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
}

/// Metric samples of one delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricBatch {
    /// The series.
    pub series: Vec<Series>,
}

/// One series: a name, its labels and samples in time order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Metric name.
    pub name: Untrusted,
    /// Labels; `service` names the component.
    pub labels: Labels,
    /// Samples; values that are not finite are left out.
    pub points: Vec<(Time, f64)>,
}

impl Series {
    /// The component the series belongs to.
    #[must_use]
    pub fn service(&self) -> Option<&Untrusted> {
        self.labels.get("service").or_else(|| self.labels.get("job"))
    }
}

/// Who calls whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Topology {
    /// The calls.
    pub edges: Vec<Edge>,
}

/// One arrow of the call graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// Depends on the callee.
    pub caller: Untrusted,
    /// Is called.
    pub callee: Untrusted,
}

/// A vendor's status page speaking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The event's id.
    pub id: Untrusted,
    /// Vendor.
    pub provider: Untrusted,
    /// Which part of theirs.
    pub component: Untrusted,
    /// Their word for its state.
    pub status: Untrusted,
    /// Their text.
    pub text: Untrusted,
}
