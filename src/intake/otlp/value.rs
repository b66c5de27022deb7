//! Numbers and attributes, the same from both encodings.

use serde_json::{Number, Value};

use super::Rejected;
use crate::event::{Attributes, SpanKind, SpanStatus, Untrusted};
use crate::intake::limits;

/// A double; JSON cannot say those that are not finite, so they are kept as text.
pub(super) fn double(value: f64) -> Value {
    Number::from_f64(value).map_or_else(
        || {
            let text = if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            Value::String(text.to_owned())
        },
        Value::Number,
    )
}

pub(super) fn kind(number: i64) -> SpanKind {
    match number {
        1 => SpanKind::Internal,
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

/// The number that [`kind`] reads.
pub(super) fn kind_number(kind: SpanKind) -> i64 {
    match kind {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// The number that [`status`] reads.
pub(super) fn status_number(status: SpanStatus) -> i64 {
    match status {
        SpanStatus::Unset => 0,
        SpanStatus::Ok => 1,
        SpanStatus::Error => 2,
    }
}

pub(super) fn status(number: i64) -> SpanStatus {
    match number {
        1 => SpanStatus::Ok,
        2 => SpanStatus::Error,
        _ => SpanStatus::Unset,
    }
}

/// OpenTelemetry's severity number, from the text where the sender gave only that.
pub(super) fn severity(number: i64, text: &str) -> u8 {
    match u8::try_from(number) {
        Ok(number @ 1..=24) => number,
        _ => match text.to_ascii_uppercase().as_str() {
            "TRACE" => 1,
            "DEBUG" => 5,
            "INFO" | "INFORMATION" | "NOTICE" => 9,
            "WARN" | "WARNING" => 13,
            "ERROR" | "ERR" => 17,
            "FATAL" | "CRITICAL" | "EMERGENCY" | "ALERT" => 21,
            _ => 0,
        },
    }
}

/// Attributes being collected, bounded.
#[derive(Default)]
pub(super) struct Collected(Attributes, u64);

impl Collected {
    pub fn add(&mut self, name: &str, value: Value) -> Result<(), Rejected> {
        self.1 += 1;
        if self.1 > limits::OTLP_PARTS {
            return Err(format!("has more than {} attributes", limits::OTLP_PARTS));
        }
        self.0.insert(Untrusted::from(name), value);
        Ok(())
    }

    pub fn done(self) -> Attributes {
        self.0
    }
}

/// A log record's body as text.
pub(super) fn text(value: Value) -> Untrusted {
    match value {
        Value::Null => Untrusted::default(),
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}
