//! Alerts, as Prometheus and Alertmanager name their parts.

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Labels, Source, Time, Untrusted};

/// One state of one alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Identity over the labels.
    pub fingerprint: Fingerprint,
    /// Its own status; never the envelope's (a firing group may hold resolved alerts).
    pub status: AlertStatus,
    /// What names it.
    pub labels: Labels,
    /// What describes it; may change from one delivery to the next.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    /// When it began to fire.
    pub starts_at: Time,
    /// When it ended; `None` while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Time>,
    /// The expression's page at the sender; never fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator_url: Option<Untrusted>,
    /// Where it came in.
    pub source: Source,
    /// The component, where the source names one outside the labels (CloudEvents `subject`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Untrusted>,
    /// What is odd about it; noted, not refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
}

/// Whether an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    /// It fires.
    Firing,
    /// It has ended.
    Resolved,
}

/// Something odd in a delivery that is kept and shown rather than refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anomaly {
    /// `endsAt` lies before `startsAt`.
    EndsBeforeStart,
    /// `startsAt` lies in the future of its arrival.
    StartsInFuture,
    /// The source's clock differs from ours by minutes.
    ClockSkew,
    /// The sender's test button, not a page.
    TestAlert,
}

/// How bad the source says it is. Ordered: `Info` < `Critical`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The source says nothing we know.
    Unknown,
    /// For information.
    Info,
    /// Not urgent.
    Warning,
    /// Urgent.
    Error,
    /// A page.
    Critical,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Unknown => "unrated",
        }
    }
}

/// Labels that name the component, the first present wins.
const SERVICE_LABELS: [&str; 9] = [
    "service",
    "service_name",
    "component",
    "app",
    "app_kubernetes_io_name",
    "deployment",
    "workload",
    "job",
    "instance",
];

impl Alert {
    /// The alert's name, or an empty text.
    #[must_use]
    pub fn name(&self) -> Untrusted {
        self.labels.get("alertname").cloned().unwrap_or_default()
    }

    /// The component it is about: the first label that names one, then the subject, then `None`.
    #[must_use]
    pub fn service(&self) -> Option<&Untrusted> {
        SERVICE_LABELS
            .iter()
            .find_map(|label| self.labels.get(*label))
            .or(self.subject.as_ref())
            .filter(|name| !name.is_empty())
    }

    /// The severity the label states.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.labels.get("severity").map_or(Severity::Unknown, |label| Severity::of_label(label.raw()))
    }
}

impl Severity {
    /// What the value of a `severity` label means, in the words senders use.
    #[must_use]
    pub fn of_label(value: &str) -> Self {
        match value.to_ascii_lowercase().as_str() {
            "critical" | "page" | "crit" | "p1" | "sev1" | "emergency" | "fatal" => Self::Critical,
            "error" | "high" | "p2" | "sev2" | "major" => Self::Error,
            "warning" | "warn" | "p3" | "sev3" | "ticket" | "minor" | "medium" => Self::Warning,
            "info" | "none" | "low" | "p4" | "p5" | "sev4" | "informational" => Self::Info,
            _ => Self::Unknown,
        }
    }
}
