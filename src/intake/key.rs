//! How facts from outside are named, in one place: the same fact by any way in gets the same key.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::event::{Alert, AlertStatus, Digest, Source, Time};

/// The earliest moment a fact can have: before it there was no clock to report it.
const FIRST: Time = Time::UNIX_EPOCH;
/// The last moment that fits into 64 bits of nanoseconds: 2262-04-11.
const LAST_NS: i128 = i64::MAX as i128;

/// `time` inside the range that every store and every sum can hold.
#[must_use]
pub(crate) fn clamp(time: Time) -> Time {
    from_nanos(time.as_nanosecond())
}

/// Nanoseconds since 1970 as a moment, clamped like [`clamp`].
#[must_use]
pub(crate) fn from_nanos(nanos: i128) -> Time {
    Time::from_nanosecond(nanos.clamp(0, LAST_NS)).unwrap_or(FIRST)
}

/// The key of an alert's state. Times count in milliseconds: the webhook carries nanoseconds where Alertmanager's
/// own API carries milliseconds, and both mean the same alert.
#[must_use]
pub(crate) fn alert(alert: &Alert) -> String {
    let status = match alert.status {
        AlertStatus::Firing => "firing",
        AlertStatus::Resolved => "resolved",
    };
    let ends = alert.ends_at.map(|ends| ends.as_millisecond().to_string()).unwrap_or_default();
    format!("alert/{}/{}/{status}/{ends}", alert.fingerprint, alert.starts_at.as_millisecond())
}

/// What would blur the border between two parts of a key.
const BORDER: &AsciiSet = &CONTROLS.add(b'/').add(b'%');

/// The key of an event named by its source and id.
#[must_use]
pub(crate) fn event(source: &str, id: &str) -> String {
    let key = format!("ce/{}/{}", utf8_percent_encode(source, BORDER), utf8_percent_encode(id, BORDER));
    if key.len() <= LONGEST { key } else { format!("ce/{}", Digest::of(key.as_bytes())) }
}

/// Longer keys are named by their digest: an index is no place for texts.
const LONGEST: usize = 512;

/// The key of a delivery of telemetry, named by what it says.
#[must_use]
pub(crate) fn telemetry(digest: Digest) -> String {
    format!("otlp/{digest}")
}

/// The key of spans that were read at `source`, where they are kept.
#[must_use]
pub(crate) fn kept(source: Source, digest: Digest) -> String {
    format!("{}/{digest}", source.name())
}

/// Where the spans of an entry with this key were read; `None` for those that were sent.
#[must_use]
pub fn read_at(key: &str) -> Option<Source> {
    let name = key.split('/').next()?;
    [Source::Phoenix, Source::Langfuse].into_iter().find(|source| source.name() == name)
}

/// The key of part `part` of what has the key `whole`.
#[must_use]
pub(crate) fn part(whole: &str, part: usize) -> String {
    if part == 0 { whole.to_owned() } else { format!("{whole}/{part}") }
}

/// The key of a statement that a group was cut short in this state.
#[must_use]
pub(crate) fn truncated(group: &str, alerts: u64, state: Digest) -> String {
    format!("truncated/{}/{alerts}/{state}", Digest::of(group.as_bytes()))
}
