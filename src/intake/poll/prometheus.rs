//! Prometheus' HTTP API v1: key series by their queries, `up`, and who calls whom where a service graph is recorded.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::Troubles;
use super::client::{Client, PollError};
use super::pace::Pace;
use crate::event::{Digest, Edge, Labels, Source, Time, Untrusted};
use crate::intake::counters::Fate;
use crate::intake::problem::BadInput;
use crate::intake::series::Windows;
use crate::intake::{Inflow, json, key, limits, topology};
use crate::journal::{Draft, Receipt};

/// Time between two samples that are asked for. All processes ask on the same grid, so asking twice says nothing new.
const STEP: i64 = 15;
/// How far back the first poll reaches: a baseline from before the page.
const BASELINE: i64 = 1_800;
/// The call graph is asked for once in so many polls.
const GRAPH_EVERY: u64 = 20;

/// Service graphs as tracing backends and meshes record them: query, label of the caller, label of the callee.
const GRAPHS: [(&str, &str, &str); 2] = [
    ("group by (client, server) (traces_service_graph_request_total)", "client", "server"),
    (
        "group by (source_workload, destination_workload) (istio_requests_total)",
        "source_workload",
        "destination_workload",
    ),
];

/// How polling goes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often.
    pub every: Duration,
    /// `PromQL` by the name under which its series are recorded; `up` is always asked for.
    pub queries: Vec<(String, String)>,
}

/// One series of an answer.
#[derive(Deserialize)]
struct Found {
    #[serde(deserialize_with = "json::labels")]
    metric: Labels,
    #[serde(default)]
    values: Vec<Sample>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Vec<Found>,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: Option<Untrusted>,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    warnings: Vec<Untrusted>,
}

/// `[1795308376, "0.12"]`.
struct Sample(Time, f64);

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Sample;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sample such as [1795308376.5, \"0.12\"]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sample, A::Error> {
                let short = || de::Error::invalid_length(2, &Pair);
                let seconds: f64 = list.next_element()?.ok_or_else(short)?;
                let text: std::borrow::Cow<'_, str> = list.next_element()?.ok_or_else(short)?;
                let value = match text.as_ref() {
                    "NaN" => f64::NAN,
                    "+Inf" => f64::INFINITY,
                    "-Inf" => f64::NEG_INFINITY,
                    number => {
                        number.parse().map_err(|_| de::Error::invalid_value(de::Unexpected::Str(number), &Pair))?
                    }
                };
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "clamped just after; no clock shows what would be cut"
                )]
                let nanos = (seconds * 1e3).round() as i128 * 1_000_000;
                Ok(Sample(key::from_nanos(nanos), value))
            }
        }
        from.deserialize_seq(Pair)
    }
}

/// What an answer brought.
#[derive(Debug, Default)]
pub struct Brought {
    /// One a minute and query.
    pub drafts: Vec<Draft>,
    /// What Prometheus, or a limit of ours, says about the answer: it may be partial.
    pub warnings: Vec<String>,
}

/// Drafts of `body`, the answer to a range query recorded under `name`, for samples up to `end`. Samples that are not
/// finite are left out.
///
/// # Errors
/// Names the JSON pointer at which the answer is not API v1's.
pub fn range(name: &str, body: &[u8], end: Time) -> Result<Brought, BadInput> {
    let answer: Answer = json::read(body)?;
    let data = data(&answer)?;
    if data.kind != "matrix" {
        return Err(BadInput::at("/data/resultType", format!("is {:?}, expected \"matrix\"", data.kind)));
    }
    let mut windows = Windows::ending_at(end);
    let mut warnings: Vec<String> = answer.warnings.iter().map(|warning| warning.raw().to_owned()).collect();
    let limit = limits::size(limits::POLLED_SERIES);
    if data.result.len() > limit {
        warnings.push(format!("{name} has {} series; only the first {limit} are read", data.result.len()));
    }
    for (n, found) in data.result.iter().take(limit).enumerate() {
        let mut labels = found.metric.clone();
        labels.remove("__name__");
        let identity = || Ok::<_, std::convert::Infallible>((Untrusted::from(name), labels.clone()));
        for Sample(time, value) in &found.values {
            let Ok(()) = windows.add(&n.to_string(), identity, *time, *value);
        }
    }
    let drafts = windows.drafts(&format!("prometheus/{}", Digest::of(name.as_bytes())));
    Ok(Brought { drafts, warnings })
}

fn data(answer: &Answer) -> Result<&Data, BadInput> {
    if answer.status != "success" {
        let error = answer.error.as_ref().map_or("no reason given", Untrusted::raw);
        return Err(BadInput::at("/status", format!("is {:?}: {error}", answer.status)));
    }
    answer.data.as_ref().ok_or_else(|| BadInput::at("/data", "is missing"))
}

/// Edges in `body`, the answer to an instant query for a service graph.
///
/// # Errors
/// As [`range`].
#[expect(clippy::similar_names, reason = "caller and callee are what the two ends of an edge are called")]
pub fn graph(body: &[u8], caller: &str, callee: &str) -> Result<Vec<Edge>, BadInput> {
    let answer: Answer = json::read(body)?;
    let edge = |found: &Found| {
        let side = |label| found.metric.get(label).filter(|name| !name.is_empty() && name.raw() != "unknown").cloned();
        Some(Edge { caller: side(caller)?, callee: side(callee)? })
    };
    let mut edges: Vec<Edge> = data(&answer)?.result.iter().filter_map(edge).filter(|e| e.caller != e.callee).collect();
    edges.truncate(limits::size(limits::POLLED_SERIES));
    edges.sort_unstable();
    edges.dedup();
    Ok(edges)
}

/// One Prometheus that is polled.
pub struct Poller {
    client: Client,
    inflow: Inflow,
    settings: Settings,
    /// The last second asked for.
    until: Option<i64>,
    polls: u64,
}

impl Poller {
    /// A poller of the Prometheus that `client` reaches.
    #[must_use]
    pub fn new(client: Client, inflow: Inflow, settings: Settings) -> Self {
        Self { client, inflow, settings, until: None, polls: 0 }
    }

    /// Asks once at `now` and records what is new; how many entries that were, and what Prometheus said besides.
    ///
    /// # Errors
    /// The poll brought nothing; it is to be tried again.
    pub async fn poll(&mut self, now: Time) -> Result<(u64, Vec<String>), PollError> {
        let end = now.as_second().div_euclid(STEP) * STEP;
        let start = self.until.map_or(end - BASELINE, |until| (until + STEP).max(end - BASELINE));
        let (mut drafts, mut warnings, mut failed) = (Vec::new(), Vec::new(), None);
        let up = ("up".to_owned(), "up".to_owned());
        for (name, query) in self.settings.queries.iter().chain([&up]).filter(|_| start <= end) {
            let (from, to, step) = (start.to_string(), end.to_string(), STEP.to_string());
            let form = [("query", query.as_str()), ("start", &from), ("end", &to), ("step", &step)];
            let at = Time::from_second(end).unwrap_or(now);
            let brought = match self.client.post("api/v1/query_range", &form).await {
                Ok(body) => range(name, &body, at).map_err(|error| self.client.odd(&error)),
                Err(error) => Err(error),
            };
            match brought {
                Ok(brought) => {
                    drafts.extend(brought.drafts);
                    warnings.extend(brought.warnings);
                }
                // One wrong query must not keep the others from being asked.
                Err(error @ PollError::Refused { status: 400 | 422, .. }) => warnings.push(format!("{name}: {error}")),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if self.polls.is_multiple_of(GRAPH_EVERY) {
            drafts.extend(self.graph(now).await?);
        }
        let (journal, recorded) = (Arc::clone(&self.inflow.journal), !drafts.is_empty());
        let appended =
            tokio::task::spawn_blocking(move || if recorded { journal.append(drafts) } else { Ok(Receipt::default()) });
        let receipt =
            appended.await.map_err(|error| PollError::Odd { base: self.client.base(), error: error.to_string() })??;
        self.until = Some(end.max(self.until.unwrap_or(end)));
        self.polls += 1;
        self.inflow.counters.accept(Source::Prometheus, receipt.recorded, receipt.duplicates, 0, now);
        Ok((receipt.recorded, warnings))
    }

    async fn graph(&self, now: Time) -> Result<Option<Draft>, PollError> {
        let mut edges = Vec::new();
        for (query, caller, callee) in GRAPHS {
            let body = self.client.get("api/v1/query", &[("query", query)]).await?;
            edges.extend(graph(&body, caller, callee).map_err(|error| self.client.odd(&error))?);
        }
        edges.sort_unstable();
        edges.dedup();
        Ok((!edges.is_empty()).then(|| topology::draft(edges, key::clamp(now))))
    }

    /// Polls for ever.
    pub async fn run(mut self, troubles: Troubles) {
        let mut pace = Pace::every(self.settings.every);
        loop {
            let now = Time::now();
            let pause = match self.poll(now).await {
                Ok((_, warnings)) => {
                    let said = (!warnings.is_empty()).then(|| format!("Prometheus warns: {}", warnings.join("; ")));
                    troubles.set(Source::Prometheus, now, said);
                    pace.after_success()
                }
                Err(error) => {
                    self.inflow.counters.count(Source::Prometheus, Fate::PollFailed);
                    troubles.set(Source::Prometheus, now, Some(error.to_string()));
                    pace.after_failure(error.again())
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}

#[cfg(test)]
#[path = "prometheus_tests.rs"]
mod tests;
