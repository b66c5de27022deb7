//! Made-up alerts, for tests and benches that need no recorded case.

use warroom::event::{Alert, AlertStatus, Fingerprint, Labels, Source, Time};

/// A moment, in seconds after a fixed one.
pub fn at(second: i64) -> Time {
    Time::from_second(1_790_000_000 + second).unwrap_or(Time::UNIX_EPOCH)
}

/// An alert that fires since `second`.
pub fn alert(name: &str, service: &str, second: i64, severity: &str) -> Alert {
    let labels: Labels = [("alertname", name), ("service", service), ("severity", severity)]
        .into_iter()
        .map(|(k, v)| (k.into(), v.into()))
        .collect();
    Alert {
        fingerprint: Fingerprint::of_labels(&labels),
        status: AlertStatus::Firing,
        labels,
        annotations: Labels::new(),
        starts_at: at(second),
        ends_at: None,
        generator_url: None,
        source: Source::Alertmanager,
        subject: None,
        anomalies: Vec::new(),
    }
}
