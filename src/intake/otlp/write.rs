//! Recorded spans and logs as OTLP/JSON requests, one a line: what [`super::traces`] and [`super::logs`] read back.

use serde_json::{Value, json};

use super::value;
use crate::event::{Attributes, LogBatch, LogRecord, Resource, Span, SpanBatch, SpanEvent, Time};

/// An `ExportTraceServiceRequest`.
pub(in crate::intake) fn spans(batch: &SpanBatch) -> String {
    let resources: Vec<Value> =
        batch.resources.iter().map(|sent| resource(sent, "scopeSpans", "spans", span)).collect();
    json!({"resourceSpans": resources}).to_string()
}

/// An `ExportLogsServiceRequest`.
pub(in crate::intake) fn logs(batch: &LogBatch) -> String {
    let resources: Vec<Value> =
        batch.resources.iter().map(|sent| resource(sent, "scopeLogs", "logRecords", log)).collect();
    json!({"resourceLogs": resources}).to_string()
}

fn resource<T>(sent: &Resource<T>, scopes: &str, items: &str, item: impl Fn(&T) -> Value) -> Value {
    let items_of_it: Vec<Value> = sent.items.iter().map(item).collect();
    json!({"resource": {"attributes": attributes(&sent.attributes)}, scopes: [{"scope": {}, items: items_of_it}]})
}

fn span(span: &Span) -> Value {
    json!({
        "traceId": span.trace_id, "spanId": span.span_id,
        "parentSpanId": span.parent.map(|parent| parent.to_string()).unwrap_or_default(),
        "name": span.name, "kind": value::kind_number(span.kind),
        "startTimeUnixNano": nanos(span.start), "endTimeUnixNano": nanos(span.end),
        "attributes": attributes(&span.attributes),
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
        "status": {"code": value::status_number(span.status), "message": span.status_message},
    })
}

fn event(event: &SpanEvent) -> Value {
    json!({"timeUnixNano": nanos(event.time), "name": event.name, "attributes": attributes(&event.attributes)})
}

fn log(record: &LogRecord) -> Value {
    json!({
        "timeUnixNano": nanos(record.time), "severityNumber": record.severity,
        "body": {"stringValue": record.body}, "attributes": attributes(&record.attributes),
        "traceId": record.trace_id.map(|trace| trace.to_string()).unwrap_or_default(),
    })
}

/// 64-bit numbers are text in proto3's JSON.
fn nanos(time: Time) -> String {
    time.as_nanosecond().to_string()
}

fn attributes(found: &Attributes) -> Vec<Value> {
    found.iter().map(|(key, value)| json!({"key": key, "value": any(value)})).collect()
}

/// An `AnyValue`. Bytes were kept as base64 text and stay text.
fn any(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(truth) => json!({"boolValue": truth}),
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Array(values) => json!({"arrayValue": {"values": values.iter().map(any).collect::<Vec<_>>()}}),
        Value::Object(map) => {
            let values: Vec<Value> = map.iter().map(|(key, value)| json!({"key": key, "value": any(value)})).collect();
            json!({"kvlistValue": {"values": values}})
        }
    }
}
