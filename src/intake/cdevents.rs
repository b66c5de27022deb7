//! What an event's type means: CDEvents in both their shapes, the types of an incident bundle, and our own.
//!
//! Both shapes of a change are understood: `data` as the bundle writes it (`{"service","version","sha"}`), and the
//! CDEvents document (`context`, `subject`, `customData`). `context.schemaUri` is never fetched.

use serde::Deserialize;
use serde_json::Value;

use super::envelope::Event;
use super::json::{self, WireTime};
use super::problem::BadInput;
use super::{Arrival, alertmanager, change, key, limits};
use crate::event::{Alert, AlertStatus, Fact, Fingerprint, Labels, Note, Notice, Source, Untrusted};
use crate::journal::Draft;

/// A `CDEvent` posted without a `CloudEvents` envelope.
#[derive(Deserialize)]
pub(super) struct Bare {
    context: Context,
    #[expect(dead_code, reason = "its presence is what tells a CDEvent from anything else")]
    subject: serde::de::IgnoredAny,
}

#[derive(Deserialize)]
struct Context {
    id: String,
    source: String,
    #[serde(rename = "type")]
    class: String,
    timestamp: WireTime,
}

impl Bare {
    /// Its drafts; `bytes` is the document it was read from.
    pub fn drafts(self, bytes: &[u8], arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
        let Context { id, source, class, timestamp } = self.context;
        if id.is_empty() || id.len() as u64 > limits::EVENT_NAME {
            return Err(BadInput::at("/context/id", format!("must have 1 to {} bytes", limits::EVENT_NAME)));
        }
        let event = Event {
            id: id.into(),
            origin: source.into(),
            class: class.into(),
            time: key::clamp(timestamp.0),
            untimed: false,
            subject: None,
            data: bytes,
            data_at: "",
        };
        drafts(&event, arrival)
    }
}

/// A CDEvents document.
#[derive(Deserialize)]
struct Document {
    #[expect(dead_code, reason = "its presence is what tells a CDEvents document from other data")]
    context: serde::de::IgnoredAny,
    subject: Subject,
    #[serde(rename = "customData", default)]
    custom: Value,
}

#[derive(Deserialize)]
struct Subject {
    id: Untrusted,
    #[serde(default)]
    content: Value,
}

/// An alert by the documented generic event `com.warroom.alert`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenericAlert {
    status: AlertStatus,
    #[serde(deserialize_with = "json::labels")]
    labels: Labels,
    #[serde(default, deserialize_with = "json::labels")]
    annotations: Labels,
    #[serde(default)]
    starts_at: Option<WireTime>,
    #[serde(default)]
    ends_at: Option<WireTime>,
    #[serde(default)]
    fingerprint: Option<Fingerprint>,
}

#[derive(Deserialize)]
struct NoticeData {
    provider: Untrusted,
    component: Untrusted,
    status: Untrusted,
    text: Untrusted,
}

#[derive(Deserialize)]
struct NoteData {
    author: Untrusted,
    text: Untrusted,
}

/// Drafts of `event`. None when its type is known to say nothing to an incident.
pub(super) fn drafts(event: &Event, arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
    // What is read from disk arrived when it says.
    let at = if arrival.source == Source::Bundle { event.time } else { arrival.at };
    let arrival = Arrival { at, subject: event.subject.clone(), ..arrival.clone() };
    let under = |error: BadInput| error.under(event.data_at);
    let single = |fact: Fact| vec![Draft::new(event.time, event.key(), &fact)];
    match event.class.as_ref() {
        "org.prometheus.alertmanager.webhook.v4" => alertmanager::webhook(event.data, &arrival).map_err(under),
        "com.warroom.alert" => generic_alert(event, &arrival).map_err(under),
        "com.warroom.status.notice" => {
            let NoticeData { provider, component, status, text } = json::read(event.data).map_err(under)?;
            Ok(single(Notice { id: event.id.as_ref().into(), provider, component, status, text }.into()))
        }
        "com.warroom.note" => {
            let NoteData { author, text } = json::read(event.data).map_err(under)?;
            Ok(single(Note { incident: None, author, text }.into()))
        }
        class if class.starts_with("dev.cdevents.") || class.starts_with("dev.cdeventsx.") => {
            let (about, data) = flat(event).map_err(under)?;
            match unversioned(class) {
                "dev.cdevents.incident.detected" | "dev.cdevents.incident.reported" => {
                    Ok(vec![incident(event, &arrival, about.as_ref(), &data, AlertStatus::Firing)])
                }
                "dev.cdevents.incident.resolved" => {
                    Ok(vec![incident(event, &arrival, about.as_ref(), &data, AlertStatus::Resolved)])
                }
                kind if kind.starts_with("dev.cdevents.ticket.") || kind.starts_with("dev.cdevents.approval.") => {
                    Ok(single(remark(event, kind, about.as_ref(), &data).into()))
                }
                kind => match change::of(kind, event, about.as_ref(), &data, arrival.source).map_err(under)? {
                    Some(change) => Ok(vec![change::draft(event.key(), change)]),
                    None => Ok(Vec::new()),
                },
            }
        }
        other => Err(BadInput::at(
            "/type",
            format!(
                "{other:?} is not known here; known are org.prometheus.alertmanager.webhook.v4, dev.cdevents.*, \
                 dev.cdeventsx.*, com.warroom.alert, com.warroom.status.notice, com.warroom.note"
            ),
        )),
    }
}

/// `dev.cdevents.service.deployed.0.3.0` without its version.
fn unversioned(class: &str) -> &str {
    let mut kind = class;
    while let Some((rest, last)) = kind.rsplit_once('.') {
        if !last.starts_with(|c: char| c.is_ascii_digit()) {
            break;
        }
        kind = rest;
    }
    kind
}

/// The event's data as one flat object, whichever shape it came in, and the subject the CDEvents shape names.
fn flat(event: &Event) -> Result<(Option<Untrusted>, serde_json::Map<String, Value>), BadInput> {
    if let Ok(document) = serde_json::from_slice::<Document>(event.data) {
        let mut data = match document.subject.content {
            Value::Object(content) => content,
            _ => serde_json::Map::new(),
        };
        // What the sender adds by hand is nearer to the change than what the standard knows to say.
        if let Value::Object(custom) = document.custom {
            data.extend(custom);
        }
        return Ok((Some(document.subject.id), data));
    }
    Ok((None, json::read(event.data)?))
}

fn generic_alert(event: &Event, arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
    let wire: GenericAlert = json::read(event.data)?;
    let starts_at = key::clamp(wire.starts_at.map_or(event.time, |time| time.0));
    let ends_at = wire.ends_at.and_then(|time| alertmanager::ended(time.0)).map(key::clamp);
    let ends_at = ends_at.or((wire.status == AlertStatus::Resolved).then_some(event.time));
    Ok(vec![alertmanager::draft(Alert {
        fingerprint: wire.fingerprint.unwrap_or_else(|| Fingerprint::of_labels(&wire.labels)),
        status: wire.status,
        labels: wire.labels,
        annotations: wire.annotations,
        starts_at,
        ends_at,
        generator_url: None,
        source: arrival.source,
        subject: arrival.subject.clone(),
        anomalies: alertmanager::oddities(starts_at, ends_at, arrival.at).collect(),
    })])
}

/// A CDEvents incident as an alert: the incident's id and origin are its identity.
fn incident(
    event: &Event,
    arrival: &Arrival,
    about: Option<&Untrusted>,
    data: &serde_json::Map<String, Value>,
    status: AlertStatus,
) -> Draft {
    let id = about.or(event.subject.as_ref()).cloned().unwrap_or_else(|| event.id.as_ref().into());
    let within = |name: &str| -> Option<Untrusted> {
        data.get(name).and_then(|thing| thing.get("id").and_then(json::text_of).or_else(|| json::text_of(thing)))
    };
    let identity: Labels =
        [("incident".into(), id.clone()), ("origin".into(), event.origin.as_ref().into())].into_iter().collect();
    let mut labels: Labels = [("alertname".into(), within("description").unwrap_or_else(|| id.clone()))].into();
    for name in ["service", "environment", "artifactId", "severity"] {
        labels.extend(within(name).map(|value| (name.into(), value)));
    }
    labels.insert("incident".into(), id);
    alertmanager::draft(Alert {
        fingerprint: Fingerprint::of_labels(&identity),
        status,
        labels,
        annotations: Labels::new(),
        starts_at: event.time,
        ends_at: (status == AlertStatus::Resolved).then_some(event.time),
        generator_url: None,
        source: arrival.source,
        subject: arrival.subject.clone(),
        anomalies: alertmanager::oddities(event.time, None, arrival.at).collect(),
    })
}

/// A ticket's or an approval's news as a note: it moves nothing by itself.
fn remark(event: &Event, kind: &str, about: Option<&Untrusted>, data: &serde_json::Map<String, Value>) -> Note {
    let mut text = kind.trim_start_matches("dev.cdevents.").replace('.', " ");
    if let Some(about) = about {
        text.push(' ');
        text.push_str(about.raw());
    }
    for name in ["summary", "decision", "status", "responder", "uri"] {
        if let Some(value) = data.get(name).and_then(json::text_of) {
            text.extend([", ", name, ": ", value.raw()]);
        }
    }
    Note { incident: None, author: event.origin.as_ref().into(), text: text.into() }
}
