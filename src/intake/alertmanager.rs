//! Alertmanager's webhook, version 4.
//!
//! The body is read alert by alert: a storm of 100 000 comes as one body, and only its drafts are held. An alert's
//! state is its own; the envelope's says nothing about it (a firing group may hold resolved alerts).

use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json::{self, WireTime};
use super::problem::BadInput;
use super::{Arrival, key};
use crate::event::{
    Alert, AlertStatus, Anomaly, Digest, Fact, Fingerprint, Labels, Source, Time, Truncated, Untrusted,
};
use crate::journal::{Draft, term};

/// Clocks further apart than this are said to differ.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

/// Drafts of the webhook body `bytes`: one for every alert, and one that says so when the group was cut short.
///
/// # Errors
/// Names the JSON pointer at which the body is not a webhook of version 4; then nothing of it is taken.
pub fn webhook(bytes: &[u8], arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
    group(bytes, arrival, &["4"], |_, _| {})
}

/// Drafts of a group in Alertmanager's shape with one of `versions`; `note` may add to what is odd about an alert.
pub(super) fn group(
    bytes: &[u8],
    arrival: &Arrival,
    versions: &[&str],
    note: impl Fn(&WireAlert, &mut Vec<Anomaly>),
) -> Result<Vec<Draft>, BadInput> {
    let read = |bytes: &[u8]| json::read_seed(bytes, || Group { arrival, note: &note });
    let found = read(bytes).or_else(|error| match json::repair(bytes) {
        Some(mended) => read(&mended),
        None => Err(error),
    })?;
    let version = found.version.raw();
    if !versions.contains(&version) {
        let hint = if version == "1" { " (this is Grafana's: send it to /grafana)" } else { "" };
        return Err(BadInput::at("/version", format!("is {version:?}, expected {:?}{hint}", versions.join(" or "))));
    }
    let mut drafts = found.drafts;
    if found.truncated > 0 {
        let group = found.group.unwrap_or_default();
        // The state of the group names the statement: it is made again only when the group has changed.
        let mut state = String::new();
        drafts.iter().for_each(|draft| state.push_str(&draft.key));
        let key = key::truncated(group.raw(), found.truncated, Digest::of(state.as_bytes()));
        let fact = Truncated { source: arrival.source, group, alerts: found.truncated };
        drafts.push(Draft::new(key::clamp(arrival.at), key, &Fact::from(fact)));
    }
    Ok(drafts)
}

/// The draft of one alert.
#[must_use]
pub(super) fn draft(alert: Alert) -> Draft {
    let at = alert.ends_at.filter(|_| alert.status == AlertStatus::Resolved).unwrap_or(alert.starts_at);
    let (key, found_by) = (key::alert(&alert), term::alert(&alert.fingerprint));
    Draft::new(at, key, &Fact::from(alert)).found_by(found_by)
}

/// One alert as the webhook writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireAlert {
    pub status: AlertStatus,
    #[serde(deserialize_with = "json::labels")]
    pub labels: Labels,
    #[serde(default, deserialize_with = "json::labels")]
    pub annotations: Labels,
    pub starts_at: WireTime,
    #[serde(default)]
    pub ends_at: Option<WireTime>,
    #[serde(rename = "generatorURL", default)]
    pub generator_url: Option<Untrusted>,
    pub fingerprint: Fingerprint,
}

impl WireAlert {
    /// The alert it means.
    pub fn alert(self, arrival: &Arrival, mut anomalies: Vec<Anomaly>) -> Alert {
        let starts_at = key::clamp(self.starts_at.0);
        let ends_at = self.ends_at.and_then(|ends| ended(ends.0)).map(key::clamp);
        anomalies.extend(oddities(starts_at, ends_at, arrival.at));
        Alert {
            fingerprint: self.fingerprint,
            status: self.status,
            labels: self.labels,
            annotations: self.annotations,
            starts_at,
            ends_at,
            generator_url: self.generator_url.filter(|url| !url.is_empty()),
            source: arrival.source,
            subject: arrival.subject.clone(),
            anomalies,
        }
    }
}

/// Go's zero time, 0001-01-01T00:00:00Z, means "not ended".
pub(super) fn ended(time: Time) -> Option<Time> {
    (time > Time::UNIX_EPOCH).then_some(time)
}

/// What is odd about an alert's times.
pub(super) fn oddities(starts: Time, ends: Option<Time>, arrived: Time) -> impl Iterator<Item = Anomaly> {
    let backwards = ends.is_some_and(|ends| ends < starts).then_some(Anomaly::EndsBeforeStart);
    let future = (starts > arrived).then_some(Anomaly::StartsInFuture);
    let skewed = (starts.duration_since(arrived) > SKEW).then_some(Anomaly::ClockSkew);
    [backwards, future, skewed].into_iter().flatten()
}

/// What a body held.
struct Found {
    drafts: Vec<Draft>,
    version: Untrusted,
    group: Option<Untrusted>,
    truncated: u64,
}

struct Group<'s, N> {
    arrival: &'s Arrival,
    note: &'s N,
}

impl<'de, N: Fn(&WireAlert, &mut Vec<Anomaly>)> DeserializeSeed<'de> for Group<'_, N> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Found, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, N: Fn(&WireAlert, &mut Vec<Anomaly>)> Visitor<'de> for Group<'_, N> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a webhook body, an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let (mut drafts, mut version, mut group, mut truncated) = (None, None, None, None);
        while let Some(field) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match field.as_ref() {
                "alerts" if drafts.is_some() => return Err(de::Error::duplicate_field("alerts")),
                "alerts" => drafts = Some(map.next_value_seed(Alerts { arrival: self.arrival, note: self.note })?),
                "version" => once(&mut version, "version", &mut map)?,
                "groupKey" => once(&mut group, "groupKey", &mut map)?,
                "truncatedAlerts" => once(&mut truncated, "truncatedAlerts", &mut map)?,
                // Later versions add fields; what is not needed is not looked at.
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Found {
            version: version.ok_or_else(|| de::Error::missing_field("version"))?,
            drafts: drafts.ok_or_else(|| de::Error::missing_field("alerts"))?,
            group,
            truncated: truncated.unwrap_or(0),
        })
    }
}

/// Reads a field that may stand only once.
fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    match slot.replace(map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(de::Error::duplicate_field(name)),
    }
}

struct Alerts<'s, N> {
    arrival: &'s Arrival,
    note: &'s N,
}

impl<'de, N: Fn(&WireAlert, &mut Vec<Anomaly>)> DeserializeSeed<'de> for Alerts<'_, N> {
    type Value = Vec<Draft>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<Draft>, D::Error> {
        // Go writes an empty list as null.
        from.deserialize_any(self)
    }
}

impl<'de, N: Fn(&WireAlert, &mut Vec<Anomaly>)> Visitor<'de> for Alerts<'_, N> {
    type Value = Vec<Draft>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of alerts")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Vec<Draft>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Draft>, A::Error> {
        let mut drafts = Vec::new();
        while let Some(wire) = list.next_element::<WireAlert>()? {
            let mut anomalies = Vec::new();
            (self.note)(&wire, &mut anomalies);
            drafts.push(draft(wire.alert(self.arrival, anomalies)));
        }
        Ok(drafts)
    }
}

/// The source of webhooks that come by this way.
pub const SOURCE: Source = Source::Alertmanager;

#[cfg(test)]
#[path = "alertmanager_tests.rs"]
mod tests;
