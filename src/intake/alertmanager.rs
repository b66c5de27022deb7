//! Alertmanager's webhook, version 4.
//!
//! The body is read alert by alert: a storm of 100 000 comes as one body, and only its drafts are held. An alert's
//! state is its own; the envelope's says nothing about it (a firing group may hold resolved alerts).

use std::cell::RefCell;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sha2::Digest as _;

use super::json::{self, WireTime};
use super::problem::BadInput;
use super::{Arrival, key, limits};
use crate::event::{Alert, AlertStatus, Anomaly, Digest, Fact, Fingerprint, Labels, Time, Truncated, Untrusted};
use crate::journal::{Draft, term};

/// Clocks further apart than this are said to differ.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

/// Drafts of the webhook body `bytes`: one for every alert, and one that says so when the group was cut short.
///
/// # Errors
/// Names the JSON pointer at which the body is not a webhook of version 4; then nothing of it is taken.
pub fn webhook(bytes: &[u8], arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
    FORM.drafts(bytes, arrival)
}

/// The webhook's form.
pub(super) const FORM: Form = Form { version: "4", odd: |_, _| {} };

/// Alertmanager's shape, as one sender writes it.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// What it calls its version.
    pub version: &'static str,
    /// What else may be odd about its alerts.
    pub odd: fn(&WireAlert, &mut Vec<Anomaly>),
}

impl Form {
    /// All drafts of a body.
    pub fn drafts(&self, bytes: &[u8], arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
        let mut drafts = Vec::new();
        let found = self.read(bytes, arrival, |draft| drafts.push(draft));
        let found = match (found, json::repair(bytes)) {
            (Err(_), Some(mended)) => {
                drafts.clear();
                self.read(&mended, arrival, |draft| drafts.push(draft))
            }
            (found, _) => found,
        }?;
        drafts.extend(found.cut_short(arrival));
        Ok(drafts)
    }

    /// The same, a few drafts at a time: the body is checked whole first, so nothing of a wrong one is given to `each`.
    /// Ends when `each` answers that it takes no more.
    pub fn portions(
        &self,
        bytes: &[u8],
        arrival: &Arrival,
        each: &mut dyn FnMut(Vec<Draft>) -> bool,
    ) -> Result<(), BadInput> {
        let mended;
        let bytes = match (self.read(bytes, arrival, drop), json::repair(bytes)) {
            (Ok(_), _) => bytes,
            (Err(error), None) => return Err(error),
            (Err(_), Some(better)) => {
                mended = better;
                &mended
            }
        };
        let (mut portion, mut goes_on) = (Vec::new(), true);
        let found = self.read(bytes, arrival, |draft| {
            if goes_on {
                portion.push(draft);
                if portion.len() as u64 >= limits::PORTION {
                    goes_on = each(std::mem::take(&mut portion));
                }
            }
        })?;
        portion.extend(found.cut_short(arrival));
        if goes_on && !portion.is_empty() {
            each(portion);
        }
        Ok(())
    }

    fn read(&self, bytes: &[u8], arrival: &Arrival, into: impl FnMut(Draft)) -> Result<Found, BadInput> {
        let into = RefCell::new(into);
        let found: Found = json::read_seed(bytes, || Group(Alerts { arrival, odd: self.odd, into: &into }))?;
        let version = found.version.raw();
        if version == self.version {
            return Ok(found);
        }
        let hint = if version == "1" { " (this is Grafana's: send it to /grafana)" } else { "" };
        Err(BadInput::at("/version", format!("is {version:?}, expected {:?}{hint}", self.version)))
    }
}

impl Found {
    /// The draft that says so, when alerts were left out.
    fn cut_short(self, arrival: &Arrival) -> Option<Draft> {
        let alerts = Some(self.truncated).filter(|alerts| *alerts > 0)?;
        let group = self.group.unwrap_or_default();
        let key = key::truncated(group.raw(), alerts, self.state);
        let fact = Truncated { source: arrival.source, group, alerts };
        Some(Draft::new(key::clamp(arrival.at), key, &Fact::from(fact)))
    }
}

/// The draft of one alert.
#[must_use]
pub(super) fn draft(alert: Alert) -> Draft {
    let at = alert.ends_at.filter(|_| alert.status == AlertStatus::Resolved).unwrap_or(alert.starts_at);
    let (key, found_by) = (key::alert(&alert), term::alert(&alert.fingerprint));
    Draft::new(at, key, &Fact::from(alert)).found_by(found_by)
}

/// A webhook of one alert, which [`webhook`] reads back.
#[must_use]
pub(super) fn written(alert: &Alert) -> serde_json::Value {
    const NEVER: &str = "0001-01-01T00:00:00Z";
    let ends_at = alert.ends_at.map_or_else(|| NEVER.to_owned(), |ends| ends.to_string());
    serde_json::json!({
        "version": FORM.version, "groupKey": "", "truncatedAlerts": 0, "status": alert.status, "receiver": "",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
        "alerts": [{
            "status": alert.status, "labels": alert.labels, "annotations": alert.annotations,
            "startsAt": alert.starts_at, "endsAt": ends_at,
            "generatorURL": alert.generator_url.clone().unwrap_or_default(), "fingerprint": alert.fingerprint,
        }],
    })
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

/// What a body held besides its alerts.
struct Found {
    version: Untrusted,
    group: Option<Untrusted>,
    truncated: u64,
    /// Digest of the alerts' keys: a statement about the group is made again only when the group has changed.
    state: Digest,
}

struct Group<'s, F>(Alerts<'s, F>);

impl<'de, F: FnMut(Draft)> DeserializeSeed<'de> for Group<'_, F> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Found, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Draft)> Visitor<'de> for Group<'_, F> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a webhook body, an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let (mut state, mut version, mut group, mut truncated) = (None, None, None, None);
        while let Some(field) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match field.as_ref() {
                "alerts" if state.is_some() => return Err(de::Error::duplicate_field("alerts")),
                "alerts" => {
                    let Alerts { arrival, odd, into } = self.0;
                    state = Some(map.next_value_seed(Alerts { arrival, odd, into })?);
                }
                "version" => once(&mut version, "version", &mut map)?,
                "groupKey" => once(&mut group, "groupKey", &mut map)?,
                "truncatedAlerts" => once(&mut truncated, "truncatedAlerts", &mut map)?,
                // Later versions add fields; what is not needed is not looked at.
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Found {
            version: version.ok_or_else(|| de::Error::missing_field("version"))?,
            state: state.ok_or_else(|| de::Error::missing_field("alerts"))?,
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

/// Reads the list of alerts, giving each to `into` as soon as it is read.
struct Alerts<'s, F> {
    arrival: &'s Arrival,
    odd: fn(&WireAlert, &mut Vec<Anomaly>),
    into: &'s RefCell<F>,
}

impl<'de, F: FnMut(Draft)> DeserializeSeed<'de> for Alerts<'_, F> {
    type Value = Digest;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Digest, D::Error> {
        // Go writes an empty list as null.
        from.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Draft)> Visitor<'de> for Alerts<'_, F> {
    type Value = Digest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of alerts")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Digest, E> {
        Ok(Digest::of(b""))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Digest, A::Error> {
        let mut state = sha2::Sha256::new();
        while let Some(wire) = list.next_element::<WireAlert>()? {
            let mut anomalies = Vec::new();
            (self.odd)(&wire, &mut anomalies);
            let draft = draft(wire.alert(self.arrival, anomalies));
            state.update(draft.key.as_bytes());
            (self.into.borrow_mut())(draft);
        }
        Ok(Digest(state.finalize().into()))
    }
}

#[cfg(test)]
#[path = "alertmanager_tests.rs"]
mod tests;
