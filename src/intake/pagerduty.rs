//! PagerDuty's webhooks, version 3: one event a request. An incident's state is an alert; what people did to it is a note.

use serde::Deserialize;
use serde_json::Value;

use super::json::{self, WireTime};
use super::problem::BadInput;
use super::{Arrival, alertmanager, key};
use crate::event::{Alert, AlertStatus, Fact, Fingerprint, Labels, Note, Time, Untrusted};
use crate::journal::Draft;

#[derive(Deserialize)]
struct Delivery {
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    id: Untrusted,
    #[serde(rename = "event_type")]
    kind: String,
    occurred_at: WireTime,
    #[serde(default)]
    agent: Option<Named>,
    data: Value,
}

#[derive(Deserialize)]
struct Incident {
    id: Untrusted,
    #[serde(default)]
    number: Option<u64>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default, rename = "incident_key")]
    key: Option<Untrusted>,
    #[serde(default)]
    title: Option<Untrusted>,
    #[serde(default)]
    service: Option<Named>,
    #[serde(default)]
    priority: Option<Named>,
    #[serde(default)]
    urgency: Option<String>,
    #[serde(default)]
    created_at: Option<WireTime>,
    #[serde(default)]
    resolved_at: Option<WireTime>,
    #[serde(default)]
    html_url: Option<Untrusted>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    summary: Option<Untrusted>,
}

/// Drafts of the webhook body `bytes`. None when the event says nothing to an incident (`pagey.ping`, `service.*`).
///
/// # Errors
/// Names the JSON pointer at which the body is not a webhook of version 3.
pub fn webhook(bytes: &[u8], arrival: &Arrival) -> Result<Vec<Draft>, BadInput> {
    let read = |bytes: &[u8]| json::read::<Delivery>(bytes);
    let delivery = read(bytes).or_else(|error| json::repair(bytes).map_or(Err(error), |mended| read(&mended)))?;
    let event = delivery.event;
    let Some(what) = event.kind.strip_prefix("incident.") else { return Ok(Vec::new()) };
    // Notes, responders and status updates carry the incident inside.
    let (at, data) = match event.data.get("incident") {
        Some(inner) => ("/event/data/incident", inner),
        None => ("/event/data", &event.data),
    };
    let text = data.to_string();
    let incident: Incident = json::read(text.as_bytes()).map_err(|error| error.under(at))?;
    let time = key::clamp(event.occurred_at.0);
    let status = match (what, incident.status.as_deref()) {
        ("resolved", _) | (_, Some("resolved")) => AlertStatus::Resolved,
        _ => AlertStatus::Firing,
    };
    let mut drafts = Vec::new();
    // Only an incident's own event carries its whole state.
    if at == "/event/data" {
        drafts.push(alertmanager::draft(alert(&incident, status, time, arrival)));
    }
    if !matches!(what, "triggered" | "resolved" | "reopened") {
        let note = note(what, &incident, &event);
        let key = format!("pagerduty/{}", crate::event::Digest::of(event.id.raw().as_bytes()));
        drafts.push(Draft::new(time, key, &Fact::from(note)));
    }
    Ok(drafts)
}

fn alert(incident: &Incident, status: AlertStatus, time: Time, arrival: &Arrival) -> Alert {
    let summary = |named: &Option<Named>| named.as_ref().and_then(|named| named.summary.clone());
    // A priority is set by people and says more than the urgency, which decides who is woken.
    let severity = summary(&incident.priority).or_else(|| match incident.urgency.as_deref() {
        Some("high") => Some("page".into()),
        Some("low") => Some("warning".into()),
        _ => None,
    });
    let labels = [
        ("alertname", incident.title.clone()),
        ("service", summary(&incident.service)),
        ("severity", severity),
        ("incident_key", incident.key.clone()),
        ("pagerduty_incident", Some(incident.id.clone())),
    ];
    let labels: Labels = labels.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect();
    let identity: Labels = [("pagerduty_incident".into(), incident.id.clone())].into_iter().collect();
    let starts_at = incident.created_at.map_or(time, |time| key::clamp(time.0));
    let ends_at =
        (status == AlertStatus::Resolved).then(|| incident.resolved_at.map_or(time, |time| key::clamp(time.0)));
    Alert {
        // The title may be edited; the incident stays the same.
        fingerprint: Fingerprint::of_labels(&identity),
        status,
        labels,
        annotations: Labels::new(),
        starts_at,
        ends_at,
        generator_url: incident.html_url.clone(),
        source: arrival.source,
        subject: None,
        anomalies: alertmanager::oddities(starts_at, ends_at, arrival.at).collect(),
    }
}

fn note(what: &str, incident: &Incident, event: &Event) -> Note {
    let who = event.agent.as_ref().and_then(|agent| agent.summary.clone()).unwrap_or_else(|| "PagerDuty".into());
    let number = incident.number.map_or_else(|| incident.id.raw().to_owned(), |number| format!("#{number}"));
    let mut text = format!("PagerDuty incident {number} {}", what.replace(['_', '.'], " "));
    let words = ["content", "message"].iter().find_map(|name| event.data.get(*name)?.as_str());
    if let Some(words) = words {
        text.push_str(": ");
        text.push_str(words);
    }
    Note { incident: None, author: who, text: text.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::event::{Kind, Severity, Source};

    fn arrival() -> Arrival {
        Arrival::now("2026-11-22T00:50:00Z".parse().unwrap(), Source::PagerDuty)
    }

    fn body(kind: &str, status: &str) -> Value {
        json!({"event":{"id":"01E","event_type":kind,"resource_type":"incident","occurred_at":"2026-11-22T00:45:00Z",
            "agent":{"id":"P1","type":"user_reference","summary":"Mei"},"client":null,
            "data":{"id":"PGR0","type":"incident","number":2,"status":status,"incident_key":"d3640f","title":"A little bump",
                "service":{"id":"PF9","summary":"checkout"},"assignees":[],"priority":{"id":"PSO","summary":"P1"},
                "urgency":"high","created_at":"2026-11-22T00:40:00Z"}}})
    }

    fn take(body: &Value) -> Vec<Draft> {
        webhook(body.to_string().as_bytes(), &arrival()).unwrap()
    }

    #[test]
    fn an_incident_is_an_alert_and_what_people_do_is_a_note() {
        let fired = take(&body("incident.triggered", "triggered"));
        let alert: Alert = serde_json::from_slice(&fired[0].body).unwrap();
        assert_eq!(
            (fired.len(), alert.service().unwrap().raw(), alert.severity()),
            (1, "checkout", Severity::Critical)
        );
        assert_eq!(alert.starts_at.to_string(), "2026-11-22T00:40:00Z");

        let acknowledged = take(&body("incident.acknowledged", "acknowledged"));
        assert_eq!(acknowledged[0].key, fired[0].key, "it fires on; acknowledging is no new state");
        let note: Note = serde_json::from_slice(&acknowledged[1].body).unwrap();
        assert_eq!((note.author.raw(), note.text.raw()), ("Mei", "PagerDuty incident #2 acknowledged"));

        let ended = take(&body("incident.resolved", "resolved"));
        let end: Alert = serde_json::from_slice(&ended[0].body).unwrap();
        assert_eq!((end.status, end.fingerprint), (AlertStatus::Resolved, alert.fingerprint));

        let mut annotated = body("incident.annotated", "triggered");
        let incident = json!({"id":"PGR0"});
        annotated["event"]["data"] =
            json!({"id":"N1","type":"incident_note","content":"rolling back","incident":incident});
        let drafts = take(&annotated);
        assert_eq!((drafts.len(), drafts[0].kind), (1, Kind::Noted));
        assert!(take(&json!({"event":{"id":"1","event_type":"pagey.ping","occurred_at":"2026-11-22T00:40:00Z","data":{"message":"hi"}}})).is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut wrong = body("incident.triggered", "triggered");
        wrong["event"]["data"]["id"] = json!(7);
        let error = webhook(wrong.to_string().as_bytes(), &arrival()).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("/event/data/id: "), "{error}");
        let error = webhook(b"{}", &arrival()).map(|_| ()).unwrap_err().to_string();
        assert_eq!(error, "/event: is missing");
    }

    proptest! {
        #[test]
        fn nothing_that_arrives_makes_it_panic(bytes: Vec<u8>) {
            let _ = webhook(&bytes, &arrival());
        }
    }
}
