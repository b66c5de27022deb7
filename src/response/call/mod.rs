//! Messages to people whom the configuration names: a page, a message into a channel.
//!
//! **For:** calling somebody from here, as a plan like any other: shown byte for byte, judged by the policy, approved by a person, sent
//! once. **In:** a [`Callee`] of the configuration and what the incident is. **Out:** a plan of the purpose
//! [`Purpose::Call`](crate::event::Purpose::Call), and what the service itself said came of it.
//! **Never:** lets a text from outside mention, page or link anybody or anything else; holds a key or a token in a plan; sends again
//! by itself.

mod answer;
mod executor;
mod propose;
mod template;

use url::Url;

use crate::event::Untrusted;

pub use executor::CallExecutor;
pub use propose::{CallAt, PointAt};
pub use template::Template;
use template::Values;

/// The placeholder for a callee's key in a request; what stands there is put in when it is sent.
pub const KEY: &str = "{secret:call}";
/// The longest summary that the Events API v2 takes, characters.
const PAGERDUTY_SUMMARY: usize = 1024;

/// Somebody who can be called from here.
#[derive(Clone, Debug)]
pub struct Callee {
    /// What `:call` calls it.
    pub name: String,
    /// Who that is, for people.
    pub whom: String,
    /// The names by which runbooks' escalation points call them, besides `name` and `whom`.
    pub reaches: Vec<String>,
    /// How.
    pub service: Service,
    /// What is said.
    pub text: Template,
}

/// By which service somebody is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// `PagerDuty`, Events API v2.
    PagerDuty {
        /// Where it is; ends with `/`.
        base: Url,
        /// `critical`, `error`, `warning` or `info`.
        severity: &'static str,
    },
    /// Slack, `chat.postMessage`.
    Slack {
        /// Where its methods are; ends with `/`.
        base: Url,
        /// The channel's id.
        channel: String,
    },
    /// An incoming webhook as Slack has them.
    Webhook {
        /// Its origin. The rest of its address is the key.
        origin: Url,
    },
}

impl Service {
    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::PagerDuty { .. } => "PagerDuty",
            Self::Slack { .. } => "Slack",
            Self::Webhook { .. } => "webhook",
        }
    }

    /// Where its requests go, as a plan shows it.
    fn address(&self) -> String {
        match self {
            Self::PagerDuty { base, .. } => format!("{base}v2/enqueue"),
            Self::Slack { base, .. } => format!("{base}chat.postMessage"),
            Self::Webhook { origin } => format!("{origin}{KEY}"),
        }
    }

    /// The origin of it.
    fn origin(&self) -> &Url {
        match self {
            Self::PagerDuty { base, .. } | Self::Slack { base, .. } => base,
            Self::Webhook { origin } => origin,
        }
    }
}

impl Callee {
    /// Whether a point that names `who` is reached by calling them. A point is called `who` or `who: why`.
    fn reaches(&self, point: &Untrusted) -> bool {
        let point = point.raw().trim().to_lowercase();
        let named = |name: &str| {
            let name = name.trim().to_lowercase();
            !name.is_empty() && (point == name || point.starts_with(&format!("{name}: ")))
        };
        named(&self.name) || named(&self.whom) || self.reaches.iter().any(|name| named(name))
    }

    /// The request's body, as the service documents it, with `key` as the mark by which a second one finds the first.
    fn body(&self, values: &Values<'_>, key: &str) -> String {
        let body = match &self.service {
            Service::PagerDuty { severity, .. } => serde_json::json!({
                "routing_key": KEY,
                "event_action": "trigger",
                "dedup_key": key,
                "client": "warroom",
                "payload": {
                    "summary": cut(&self.text.plain(values), PAGERDUTY_SUMMARY),
                    "source": values.incident,
                    "severity": severity,
                    "class": "call from an incident",
                    "custom_details": { "called by": values.by, "look for": key },
                },
            }),
            Service::Slack { channel, .. } => {
                let mut body = message(&self.text.slack(values), key);
                body["channel"] = channel.as_str().into();
                body
            }
            Service::Webhook { .. } => message(&self.text.slack(values), key),
        };
        // Plain data with text keys, which serde_json cannot fail to write.
        serde_json::to_string_pretty(&body).unwrap_or_default()
    }
}

/// A message of Slack's in which nothing becomes a link, a mention or a picture but what the template says. The mark is found by
/// whoever searches the channel.
fn message(text: &str, key: &str) -> serde_json::Value {
    serde_json::json!({
        "text": format!("{text} ({key})"),
        "mrkdwn": false,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// At most so many characters, and a sign where something was cut.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{kept}...")
}

#[cfg(test)]
mod tests;
