//! An event out of its envelope, and into one: what CloudEvents and CDEvents have in common.

use std::borrow::Cow;

use serde_json::Value;

use super::key;
use crate::event::{Time, Untrusted};

/// One event, its data still as JSON text.
pub(super) struct Event<'a> {
    pub id: Cow<'a, str>,
    pub origin: Cow<'a, str>,
    pub class: Cow<'a, str>,
    pub time: Time,
    /// Its source gave no time; `time` is when it arrived.
    pub untimed: bool,
    pub subject: Option<Untrusted>,
    /// JSON; `null` where the event carries none.
    pub data: &'a [u8],
    /// Where the data stands in the delivery.
    pub data_at: &'static str,
}

impl Event<'_> {
    /// Names the event for ever.
    pub fn key(&self) -> String {
        key::event(&self.origin, &self.id)
    }
}

/// A structured `CloudEvent`, on one line.
pub(super) fn written(
    id: &str,
    source: &str,
    class: &str,
    time: Time,
    subject: Option<&Untrusted>,
    data: &Value,
) -> String {
    let mut event = serde_json::json!({
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": class,
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    });
    if let Some(subject) = subject {
        event["subject"] = subject.raw().into();
    }
    event.to_string()
}
