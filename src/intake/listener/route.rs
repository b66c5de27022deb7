//! The table of ways in: path, source, methods, limit, content types.

use crate::event::{Source, Time};
use crate::intake::alertmanager::Form;
use crate::intake::otlp::{self, Encoding, Entries, Reply};
use crate::intake::{Arrival, BadInput, alertmanager, cloudevents, grafana, limits, pagerduty};
use crate::journal::Draft;

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

/// One way in.
pub(super) struct Route {
    pub path: &'static str,
    pub source: Source,
    /// Longest body, decoded.
    pub limit: u64,
    /// `POST`, or also `PUT`.
    pub methods: &'static str,
    pub read: Reading,
}

/// How a body is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Alertmanager,
    Grafana,
    PagerDuty,
    Events,
    Traces,
    Logs,
}

pub(super) const ROUTES: [Route; 6] = [
    Route {
        path: "/alertmanager",
        source: Source::Alertmanager,
        limit: limits::ALERT_BODY,
        methods: "POST",
        read: Reading::Alertmanager,
    },
    Route {
        path: "/grafana",
        source: Source::Grafana,
        limit: limits::ALERT_BODY,
        methods: "POST, PUT",
        read: Reading::Grafana,
    },
    Route {
        path: "/pagerduty",
        source: Source::PagerDuty,
        limit: limits::PAGERDUTY_BODY,
        methods: "POST",
        read: Reading::PagerDuty,
    },
    Route {
        path: "/events",
        source: Source::CloudEvents,
        limit: limits::EVENTS_BODY,
        methods: "POST",
        read: Reading::Events,
    },
    Route {
        path: "/v1/traces",
        source: Source::Otlp,
        limit: limits::OTLP_BODY,
        methods: "POST",
        read: Reading::Traces,
    },
    Route { path: "/v1/logs", source: Source::Otlp, limit: limits::OTLP_BODY, methods: "POST", read: Reading::Logs },
];

/// What kind of body the head announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    Protobuf,
    /// `application/cloudevents+json`.
    Structured,
    /// `application/cloudevents-batch+json`.
    Batch,
    /// Attributes in the head.
    Binary,
}

impl Route {
    /// What the head announces, where this way takes it.
    pub fn content(&self, headers: &HeaderMap) -> Option<Content> {
        let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match (self.read, media.as_str()) {
            (Reading::Events, "application/cloudevents-batch+json") => Some(Content::Batch),
            (Reading::Events, "application/json") if headers.contains_key("ce-id") => Some(Content::Binary),
            // The shorter name: a CDEvent, or a structured event from a sender that does not know the longer one.
            (Reading::Events, "application/cloudevents+json" | "application/json") => Some(Content::Structured),
            (Reading::Traces | Reading::Logs, "application/x-protobuf" | "application/protobuf") => {
                Some(Content::Protobuf)
            }
            (_, "application/json") => Some(Content::Json),
            _ => None,
        }
    }

    /// The content types this way takes, for the error.
    pub fn takes(&self) -> &'static str {
        match self.read {
            Reading::Events => "application/cloudevents+json, application/cloudevents-batch+json or application/json",
            Reading::Traces | Reading::Logs => "application/x-protobuf or application/json",
            _ => "application/json",
        }
    }

    /// The encoding of an OTLP request; `None` for the other ways.
    pub fn encoding(&self, content: Option<Content>) -> Option<Encoding> {
        match (self.read, content) {
            (Reading::Traces | Reading::Logs, Some(Content::Json)) => Some(Encoding::Json),
            (Reading::Traces | Reading::Logs, _) => Some(Encoding::Protobuf),
            _ => None,
        }
    }
}

impl Route {
    /// How large bodies of alerts are read in portions; `None` for the other ways.
    pub fn form(&self) -> Option<Form> {
        match self.read {
            Reading::Alertmanager => Some(alertmanager::FORM),
            Reading::Grafana => Some(grafana::FORM),
            _ => None,
        }
    }
}

/// What a body came to.
pub(super) struct Read {
    pub drafts: Vec<Draft>,
    /// Items rejected while the rest was taken.
    pub rejected: u64,
    /// The answer, where it is not the usual one.
    pub reply: Option<Reply>,
}

impl From<Vec<Draft>> for Read {
    fn from(drafts: Vec<Draft>) -> Self {
        Self { drafts, rejected: 0, reply: None }
    }
}

/// Reads a body. Runs on a blocking thread.
pub(super) fn read(
    route: &Route,
    content: Content,
    headers: &HeaderMap,
    body: &[u8],
    now: Time,
) -> Result<Read, BadInput> {
    let arrival = Arrival::now(now, route.source);
    Ok(match route.read {
        Reading::Alertmanager => alertmanager::webhook(body, &arrival)?.into(),
        Reading::Grafana => grafana::webhook(body, &arrival)?.into(),
        Reading::PagerDuty => pagerduty::webhook(body, &arrival)?.into(),
        Reading::Events => match content {
            Content::Batch => cloudevents::batch(body, &arrival)?.into(),
            Content::Binary => {
                cloudevents::binary(|name| headers.get(name).map(HeaderValue::as_bytes), body, &arrival)?.into()
            }
            _ => cloudevents::structured(body, &arrival)?.into(),
        },
        Reading::Traces => {
            let encoding = route.encoding(Some(content)).unwrap_or(Encoding::Protobuf);
            let mut entries = Entries::of(body);
            let tally = otlp::traces(body, encoding, now, &mut entries)?;
            let reply = Some(otlp::taken(encoding, &tally, "rejectedSpans"));
            Read { drafts: entries.done(), rejected: tally.rejected, reply }
        }
        Reading::Logs => {
            let encoding = route.encoding(Some(content)).unwrap_or(Encoding::Protobuf);
            let mut entries = Entries::of(body);
            let tally = otlp::logs(body, encoding, now, &mut entries)?;
            let reply = Some(otlp::taken(encoding, &tally, "rejectedLogRecords"));
            Read { drafts: entries.done(), rejected: tally.rejected, reply }
        }
    })
}
