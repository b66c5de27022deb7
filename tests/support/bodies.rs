//! Bodies as the sources send them, for tests that need no real source.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// One alert of a webhook: its labels besides `alertname` and `service` as pairs, `ends` empty while it fires.
#[must_use]
pub fn alert(name: &str, service: &str, more: &[(&str, &str)], starts: &str, ends: &str) -> Value {
    let mut labels = json!({"alertname": name, "service": service});
    for (key, value) in more {
        labels[*key] = json!(value);
    }
    let fingerprint = warroom::event::Digest::of(labels.to_string().as_bytes()).to_string();
    json!({
        "status": if ends.is_empty() { "firing" } else { "resolved" },
        "labels": labels,
        "annotations": {"summary": format!("{name} of {service}")},
        "startsAt": starts,
        "endsAt": if ends.is_empty() { "0001-01-01T00:00:00Z" } else { ends },
        "generatorURL": "",
        "fingerprint": fingerprint.get(..16).unwrap_or_default(),
    })
}

/// An Alertmanager webhook, version 4, with these alerts.
#[must_use]
pub fn webhook(alerts: &[Value]) -> Vec<u8> {
    let firing = alerts.iter().any(|alert| alert["status"] == "firing");
    let body = json!({
        "receiver": "console",
        "status": if firing { "firing" } else { "resolved" },
        "alerts": alerts,
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://127.0.0.1:9093",
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
    });
    body.to_string().into_bytes()
}

/// A moment `ago` seconds before now, as RFC 3339.
#[must_use]
pub fn ago(seconds: u64) -> String {
    let moment = jiff::Timestamp::now() - std::time::Duration::from_secs(seconds);
    format!("{moment:.3}")
}

/// A change as a structured `CloudEvent`.
#[must_use]
pub fn change(id: &str, kind: &str, subject: &str, data: &Value, at: &str) -> Vec<u8> {
    let body = json!({
        "specversion": "1.0",
        "id": id,
        "source": "/tests",
        "type": kind,
        "subject": subject,
        "time": at,
        "datacontenttype": "application/json",
        "data": data,
    });
    body.to_string().into_bytes()
}

/// One span in OTLP's JSON with these attributes, all text.
#[must_use]
pub fn span(trace: &str, id: &str, parent: &str, name: &str, attributes: &[(&str, &str)]) -> Value {
    let now = jiff::Timestamp::now().as_nanosecond();
    let attributes: Vec<Value> =
        attributes.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect();
    json!({
        "traceId": trace, "spanId": id, "parentSpanId": parent, "name": name, "kind": 3,
        "startTimeUnixNano": (now - 2_000_000_000).to_string(), "endTimeUnixNano": now.to_string(),
        "attributes": attributes, "status": {},
    })
}

/// An OTLP/JSON request with these spans of one service.
#[must_use]
pub fn spans(service: &str, spans: &[Value]) -> Vec<u8> {
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"scope": {"name": "tests"}, "spans": spans}],
    }]});
    body.to_string().into_bytes()
}

/// A webhook of `count` alerts as a fleet that crashes sends it: about 325 bytes an alert.
#[must_use]
pub fn storm(count: usize) -> Vec<u8> {
    let mut body = String::from(r#"{"receiver":"console","status":"firing","alerts":["#);
    for n in 0..count {
        let comma = if n == 0 { "" } else { "," };
        let (namespace, pod) = (n % 120, n / 120);
        let _ = write!(
            body,
            r#"{comma}{{"status":"firing","labels":{{"alertname":"PodCrashLooping","namespace":"ns{namespace}","pod":"p{namespace}-{pod}","service":"fleet","severity":"page"}},"annotations":{{"summary":"pod p{namespace}-{pod} crash loop"}},"startsAt":"2026-11-22T00:50:26.959148Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://127.0.0.1/g","fingerprint":"{n:016x}"}}"#,
        );
    }
    body.push_str(r#"],"groupLabels":{"alertname":"PodCrashLooping"},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://vm:19093","version":"4","groupKey":"{}:{alertname=\"PodCrashLooping\"}","truncatedAlerts":0}"#);
    body.into_bytes()
}
