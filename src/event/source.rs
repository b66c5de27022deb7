//! Who said it.

use serde::{Deserialize, Serialize};

use super::Untrusted;

/// Where an outside fact came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Alertmanager, by webhook v4 or by polling API v2.
    Alertmanager,
    /// Grafana alerting webhook.
    Grafana,
    /// PagerDuty v3 webhook.
    PagerDuty,
    /// CloudEvents or CDEvents.
    CloudEvents,
    /// OTLP/HTTP.
    Otlp,
    /// Prometheus HTTP API.
    Prometheus,
    /// An incident bundle read from disk.
    Bundle,
    /// Phoenix's REST API.
    Phoenix,
    /// Langfuse's public API.
    Langfuse,
}

impl Source {
    /// The name people know it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Grafana => "grafana",
            Self::PagerDuty => "pagerduty",
            Self::CloudEvents => "cloudevents",
            Self::Otlp => "otlp",
            Self::Prometheus => "prometheus",
            Self::Bundle => "bundle",
            Self::Phoenix => "phoenix",
            Self::Langfuse => "langfuse",
        }
    }
}

/// A person, as the login names them; never an agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Person {
    /// Login name.
    pub login: Untrusted,
    /// How the name is known: `uid` (the operating system's user), `ssh-key`, `pam`.
    pub known_by: Untrusted,
    /// The session on which they act, so that two terminals of one person are told apart.
    pub session: Untrusted,
}
