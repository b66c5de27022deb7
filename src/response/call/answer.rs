//! What a service said came of a message, by its own documentation.

use serde::Deserialize;

use super::super::execute::Answer;
use super::Service;
use crate::event::Outcome;

/// Errors of Slack's of which it says that a part may have succeeded.
/// <https://docs.slack.dev/reference/methods/chat.postMessage#errors>
const MAYBE: [&str; 3] = ["fatal_error", "internal_error", "request_timeout"];
/// What is quoted of an answer, characters.
const QUOTED: usize = 300;

/// What the Events API v2 answers. <https://developer.pagerduty.com/docs/send-alert-event>
#[derive(Deserialize)]
struct Taken {
    status: String,
    #[serde(default)]
    dedup_key: String,
}

/// What a method of Slack's answers. <https://docs.slack.dev/apis/web-api#responses>
#[derive(Deserialize)]
struct Said {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    ts: Option<String>,
}

/// How a message went that carries `key`.
pub(super) fn outcome(service: &Service, answer: &Answer, key: &str) -> Outcome {
    let said: String = String::from_utf8_lossy(&answer.body).trim().chars().take(QUOTED).collect();
    let (name, status) = (service.name(), answer.status);
    let failed = |why: String| Outcome::Failed { error: format!("{name} refused it: {why}; nobody was called").into() };
    match (status, service) {
        (429, _) => {
            let when = answer
                .retry_after
                .map_or_else(|| "in a minute".to_owned(), |seconds| format!("in {seconds} s, as it asks"));
            Outcome::Failed {
                error: format!("{name} takes no more at the moment (429): nobody was called; propose it again {when}")
                    .into(),
            }
        }
        (202, Service::PagerDuty { .. }) => match serde_json::from_slice::<Taken>(&answer.body) {
            Ok(taken) if taken.status == "success" && taken.dedup_key == key => {
                done(format!("PagerDuty took the event {key}"))
            }
            _ => unknown(service, &format!("202, but not for this event: {said}"), key),
        },
        (200, Service::Slack { .. }) => match serde_json::from_slice::<Said>(&answer.body) {
            Ok(Said { ok: true, channel, ts, .. }) => {
                done(format!("posted to {} at {}", channel.unwrap_or_default(), ts.unwrap_or_default()))
            }
            Ok(Said { error: Some(error), .. }) if MAYBE.contains(&error.as_str()) => unknown(service, &error, key),
            Ok(Said { error, .. }) => failed(error.unwrap_or_else(|| "without a reason".to_owned())),
            Err(_) => unknown(service, &format!("200, but not as Slack answers: {said}"), key),
        },
        (200..=299, Service::Webhook { .. }) => match serde_json::from_slice::<Said>(&answer.body) {
            Ok(Said { ok: false, error, .. }) => failed(error.unwrap_or_else(|| "without a reason".to_owned())),
            _ => done(format!("{} answered {status}: {said}", answer.host)),
        },
        (300..=499, _) => failed(format!("{status}: {said}")),
        _ => unknown(service, &format!("{status}: {said}"), key),
    }
}

fn done(receipt: String) -> Outcome {
    Outcome::Done { receipt: receipt.into() }
}

/// The outcome nobody can know from here.
pub(super) fn unknown(service: &Service, why: &str, key: &str) -> Outcome {
    let place = place(service);
    Outcome::Unknown {
        check: format!(
            "{} did not say that it took it ({why}): somebody may or may not have been called. Look {place} for {key}; it is not \
             sent again by itself",
            service.name()
        )
        .into(),
    }
}

/// Where a person can see whether it arrived.
pub(super) fn place(service: &Service) -> String {
    match service {
        Service::PagerDuty { .. } => "among PagerDuty's alerts".to_owned(),
        Service::Slack { channel, .. } => format!("into the channel {channel}"),
        Service::Webhook { .. } => "into the channel of the webhook".to_owned(),
    }
}
