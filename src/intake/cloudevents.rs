//! CloudEvents 1.0.2 in its three HTTP forms: structured, binary and batch; and CDEvents without an envelope.

use std::borrow::Cow;

use base64::Engine as _;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::Event;
use super::json::{self, WireTime};
use super::problem::{BadInput, Place};
use super::{Arrival, cdevents, key, limits};
use crate::event::{Time, Untrusted};
use crate::journal::Draft;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    class: Cow<'a, str>,
    #[serde(default)]
    time: Option<WireTime>,
    #[serde(default)]
    subject: Option<Untrusted>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data_base64: Option<Cow<'a, str>>,
}

/// Drafts of one structured event (`application/cloudevents+json`), or of one `CDEvent` without an envelope.
/// None when the event is of a kind that says nothing to an incident.
///
/// # Errors
/// Names the JSON pointer at which it is not such an event.
pub fn structured(bytes: &[u8], arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
    one(bytes, arrival).or_else(|error| match json::repair(bytes) {
        Some(mended) => one(&mended, arrival),
        None => Err(error),
    })
}

fn one(bytes: &[u8], arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
    if let Ok(bare) = serde_json::from_slice::<cdevents::Bare>(bytes) {
        return bare.drafts(bytes, arrival);
    }
    let envelope: Envelope = json::read(bytes)?;
    if envelope.specversion != "1.0" {
        return Err(BadInput::at("/specversion", format!("is {:?}, expected \"1.0\"", envelope.specversion)));
    }
    let decoded;
    let (data, data_at) = match (envelope.data, &envelope.data_base64) {
        (Some(_), Some(_)) => return Err(BadInput::at("/data_base64", "stands beside data; only one may")),
        (Some(data), None) => (data.get().as_bytes(), "/data"),
        (None, None) => (&b"null"[..], "/data"),
        (None, Some(coded)) => {
            decoded = base64::engine::general_purpose::STANDARD
                .decode(coded.as_bytes())
                .map_err(|error| BadInput::at("/data_base64", error.to_string()))?;
            (decoded.as_slice(), "/data_base64")
        }
    };
    let Envelope { id, source, class, time, subject, .. } = envelope;
    let untimed = time.is_none();
    let time = key::clamp(time.map_or(arrival.at, |time| time.0));
    let event = Event { id, origin: source, class, time, untimed, subject, data, data_at };
    for (field, value) in [("/id", &event.id), ("/source", &event.origin), ("/type", &event.class)] {
        if value.is_empty() {
            return Err(BadInput::at(field, "is empty"));
        }
        if value.len() as u64 > limits::EVENT_NAME {
            return Err(BadInput::at(field, format!("is longer than {} bytes", limits::EVENT_NAME)));
        }
    }
    cdevents::drafts(&event, arrival)
}

/// Drafts of a batch (`application/cloudevents-batch+json`): of all its events, or of none.
///
/// # Errors
/// Names the JSON pointer, the event's place in the batch first.
pub fn batch(bytes: &[u8], arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
    let mended;
    let events: Vec<&RawValue> = match json::read(bytes) {
        Ok(events) => events,
        Err(error) => {
            mended = json::repair(bytes).ok_or(error)?;
            json::read(&mended)?
        }
    };
    let mut drafts = Vec::new();
    for (n, event) in events.iter().enumerate() {
        let found = structured(event.get().as_bytes(), arrival).map_err(|error| error.under(&format!("/{n}")))?;
        drafts.extend(found);
    }
    Ok(drafts)
}

/// Drafts of an event in binary form: attributes in `ce-` headers, the data is the body. `header` finds a header's
/// bytes by its lower-case name.
///
/// # Errors
/// Names the header, or the JSON pointer in the body.
pub fn binary<'h>(
    header: impl Fn(&str) -> Option<&'h [u8]>,
    body: &[u8],
    arrival: &Arrival,
) -> Result<Vec<Draft>, BadInput> {
    let attribute = |name: &'static str| -> Result<Option<Cow<'h, str>>, BadInput> {
        let bad = |what: &str| BadInput::new(Place::Header(name.to_owned()), what);
        let Some(raw) = header(name) else { return Ok(None) };
        let raw = std::str::from_utf8(raw).map_err(|_| bad("is not text"))?;
        // CloudEvents HTTP binding 3.1.3.2: percent-encoded UTF-8; what does not decode must be refused.
        percent_decode_str(raw).decode_utf8().map(Some).map_err(|_| bad("does not decode to UTF-8"))
    };
    let required = |name| {
        let missing = || BadInput::new(Place::Header(String::from(name)), "is missing");
        let value = attribute(name)?.filter(|value| !value.is_empty()).ok_or_else(missing)?;
        let long = || BadInput::new(Place::Header(String::from(name)), "is too long");
        if value.len() as u64 > limits::EVENT_NAME { Err(long()) } else { Ok(value) }
    };
    let version = required("ce-specversion")?;
    if version != "1.0" {
        let what = format!("is {version:?}, expected \"1.0\"");
        return Err(BadInput::new(Place::Header("ce-specversion".to_owned()), what));
    }
    let time = attribute("ce-time")?.map(|text| text.parse::<Time>()).transpose();
    let time = time.map_err(|error| BadInput::new(Place::Header("ce-time".to_owned()), error.to_string()))?;
    let read = |data: &[u8]| {
        let event = Event {
            id: required("ce-id")?,
            origin: required("ce-source")?,
            class: required("ce-type")?,
            time: key::clamp(time.unwrap_or(arrival.at)),
            untimed: time.is_none(),
            subject: attribute("ce-subject")?.map(|text| text.as_ref().into()),
            data: if data.is_empty() { b"null" } else { data },
            data_at: "",
        };
        cdevents::drafts(&event, arrival)
    };
    read(body).or_else(|error| match json::repair(body) {
        Some(mended) => read(&mended),
        None => Err(error),
    })
}

#[cfg(test)]
#[path = "cloudevents_tests.rs"]
mod tests;
