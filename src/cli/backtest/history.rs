//! What other systems kept of the past: read, put in order of its own times, and judged as if it came in now.
//!
//! A file holds JSON documents, one after another or one a line. Each is told by its shape: a webhook body or an answer of
//! `GET /api/v2/alerts` of Alertmanager; a webhook or a page of `GET /incidents` of PagerDuty; an answer of `query_range` of Prometheus
//! (`ALERTS`, or any other series, by its name); a `CloudEvent`, for changes.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::judge::{Answer, Room};
use super::progress::Progress;
use crate::event::{Fingerprint, IncidentId, Kind, Labels, Source, Time};
use crate::intake::{Arrival, alertmanager, cloudevents, pagerduty, poll};
use crate::journal::Draft;

/// A sample this many steps after the last one begins a new stretch of firing.
const GAP_STEPS: f64 = 2.5;
/// Without a second sample, a stretch of firing is taken to end after so many seconds.
const LONE_S: f64 = 60.0;

/// All that `files` hold, in order of its own times, and what could not be read.
pub(super) fn read(files: &[std::path::PathBuf]) -> anyhow::Result<(Vec<Draft>, Vec<String>)> {
    let (mut drafts, mut warnings) = (Vec::new(), Vec::new());
    for path in files {
        let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut read = 0_u64;
        for (number, document) in serde_json::Deserializer::from_slice(&text).into_iter::<Value>().enumerate() {
            let place = || format!("{}: document {}", path.display(), number + 1);
            match document {
                Ok(document) => match one(&document, path) {
                    Ok(found) => {
                        read += 1;
                        drafts.extend(found);
                    }
                    Err(error) => warnings.push(format!("{}: {error:#}", place())),
                },
                Err(error) => {
                    warnings.push(format!("{}: no JSON: {error}; what follows is not read", place()));
                    break;
                }
            }
        }
        anyhow::ensure!(
            read > 0,
            "{} holds nothing that can be read as history: {}",
            path.display(),
            warnings.last().map_or("it is empty", String::as_str)
        );
    }
    drafts.sort_by_key(|draft: &Draft| draft.at);
    Ok((drafts, warnings))
}

/// Judges each incident of `drafts` as of its page.
pub(super) fn run(
    drafts: Vec<Draft>,
    since: Option<Time>,
    progress: &mut Progress,
    mut note: impl FnMut(&str),
) -> anyhow::Result<Vec<Answer>> {
    let mut room = Room::new()?;
    let mut answers = Vec::new();
    let all = drafts.len() as u64;
    let mut highest = IncidentId(0);
    let mut drafts = drafts.into_iter().peekable();
    let mut done = 0;
    while let Some(first) = drafts.next() {
        let (at, mut batch) = (first.at, vec![first]);
        // Up to the next alert nothing opens an incident; what happened in the same moment is known together.
        while let Some(next) = drafts.next_if(|next| next.at == at || next.kind != Kind::Alert) {
            batch.push(next);
        }
        done += batch.len() as u64;
        // What came between two alerts is later than the first of them: the page is judged without it.
        let later = batch.split_off(batch.partition_point(|draft| draft.at <= at));
        room.take_in(batch)?;
        let derived = room.fold.derive_groups(at);
        room.take_in(derived)?;
        let opened: Vec<IncidentId> = room.seen.opened_above(highest);
        for id in opened {
            highest = highest.max(id);
            if since.is_none_or(|since| at >= since) {
                let begun = Instant::now();
                let diagnosis = room.fold.diagnosis(id, at);
                let incident = room.seen.grouping_of(id);
                let name = id.to_string().as_str().into();
                answers.push(Answer::new(name, at, begun.elapsed(), diagnosis.as_ref(), incident));
            }
        }
        room.take_in(later)?;
        progress.said(done, all, "entries", &mut note);
    }
    Ok(answers)
}

/// One document by its shape.
fn one(document: &Value, path: &Path) -> anyhow::Result<Vec<Draft>> {
    let has = |name: &str| document.get(name).is_some();
    if let Some(list) = document.as_array() {
        if list.iter().any(|one| one.get("fingerprint").is_some()) {
            return api(document);
        }
        let found: anyhow::Result<Vec<Vec<Draft>>> = list.iter().map(|one_of| one(one_of, path)).collect();
        return Ok(found?.into_iter().flatten().collect());
    }
    if has("alerts") {
        let arrival = Arrival::now(latest(document), Source::Alertmanager);
        return Ok(alertmanager::webhook(document.to_string().as_bytes(), &arrival)?);
    }
    if has("event") {
        return paged(document);
    }
    if let Some(incidents) = document.get("incidents").and_then(Value::as_array) {
        let found: anyhow::Result<Vec<Vec<Draft>>> = incidents.iter().map(incident).collect();
        return Ok(found?.into_iter().flatten().collect());
    }
    if has("specversion") {
        let at = time(document.get("time")).unwrap_or(Time::UNIX_EPOCH);
        return Ok(cloudevents::structured(document.to_string().as_bytes(), &Arrival::now(at, Source::CloudEvents))?);
    }
    if has("data") {
        return series(document, path);
    }
    anyhow::bail!(
        "it is none of the documents that can be read: a webhook or /api/v2/alerts of Alertmanager, a webhook or /incidents of \
         PagerDuty, a query_range of Prometheus, or a CloudEvent"
    )
}

fn time(value: Option<&Value>) -> Option<Time> {
    value?.as_str()?.parse().ok()
}

/// The latest moment that a webhook's alerts name.
fn latest(document: &Value) -> Time {
    let alerts = document.get("alerts").and_then(Value::as_array).into_iter().flatten();
    let moments = alerts.flat_map(|alert| [time(alert.get("startsAt")), time(alert.get("endsAt"))]);
    moments.flatten().max().unwrap_or(Time::UNIX_EPOCH)
}

/// Alerts as Alertmanager's API shows them: each began, and those that ended, ended.
fn api(document: &Value) -> anyhow::Result<Vec<Draft>> {
    let list: Vec<Value> = document.as_array().into_iter().flatten().map(fired).collect();
    webhook(&list)
}

fn fired(alert: &Value) -> Value {
    json!({
        "status": "firing", "labels": alert["labels"], "annotations": alert.get("annotations").cloned().unwrap_or(json!({})),
        "startsAt": alert["startsAt"], "fingerprint": alert["fingerprint"],
    })
}

fn webhook(alerts: &[Value]) -> anyhow::Result<Vec<Draft>> {
    let body = json!({"version": "4", "groupKey": "", "status": "firing", "receiver": "", "alerts": alerts});
    let arrival = Arrival::now(latest(&body), Source::Alertmanager);
    Ok(alertmanager::webhook(body.to_string().as_bytes(), &arrival)?)
}

fn paged(document: &Value) -> anyhow::Result<Vec<Draft>> {
    let at = time(document.pointer("/event/occurred_at")).unwrap_or(Time::UNIX_EPOCH);
    Ok(pagerduty::webhook(document.to_string().as_bytes(), &Arrival::now(at, Source::PagerDuty))?)
}

/// An incident as PagerDuty's REST API lists it: as the webhooks that would have told of it.
fn incident(incident: &Value) -> anyhow::Result<Vec<Draft>> {
    let id = incident.get("id").and_then(Value::as_str).context("an incident has no \"id\"")?;
    let told = |what: &str, at: &Value, status: &str| {
        let mut data = incident.clone();
        data["status"] = status.into();
        paged(
            &json!({"event": {"id": format!("{id} {what}"), "event_type": format!("incident.{what}"), "occurred_at": at, "data": data}}),
        )
    };
    let mut drafts = told("triggered", &incident["created_at"], "triggered")?;
    let over = incident.get("resolved_at").or_else(|| incident.get("last_status_change_at"));
    if let Some(over) = over.filter(|at| incident["status"] == "resolved" && at.is_string()) {
        drafts.extend(told("resolved", over, "resolved")?);
    }
    Ok(drafts)
}

/// An answer of Prometheus: `ALERTS` are alerts while they fire; other series are samples under their own name.
fn series(document: &Value, path: &Path) -> anyhow::Result<Vec<Draft>> {
    let result = document.pointer("/data/result").and_then(Value::as_array).context("\"/data/result\" is no list")?;
    let name = |one: &Value| one.pointer("/metric/__name__").and_then(Value::as_str).map(str::to_owned);
    if result.iter().any(|one| name(one).as_deref() == Some("ALERTS")) {
        let alerts: Vec<Value> = result.iter().flat_map(stretches).collect();
        return webhook(&alerts);
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = result.first().and_then(name).unwrap_or(stem);
    let last = result.iter().filter_map(|one| one["values"].as_array()?.last()?.get(0)?.as_f64()).fold(0.0, f64::max);
    Ok(poll::prometheus::range(&name, document.to_string().as_bytes(), moment(last))?.drafts)
}

fn moment(seconds: f64) -> Time {
    #[expect(clippy::cast_possible_truncation, reason = "a float beyond the range of time saturates, and is refused")]
    Time::from_millisecond((seconds * 1_000.0) as i64).unwrap_or(Time::UNIX_EPOCH)
}

/// The stretches in which one alert of `ALERTS` fired: each began, and ended where samples stopped before the answer did.
fn stretches(one: &Value) -> Vec<Value> {
    let Some(metric) = one["metric"].as_object() else { return Vec::new() };
    if metric.get("alertstate").and_then(Value::as_str).is_some_and(|state| state != "firing") {
        return Vec::new();
    }
    let labels: serde_json::Map<String, Value> = metric
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "__name__" | "alertstate"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let times: Vec<f64> =
        one["values"].as_array().into_iter().flatten().filter_map(|pair| pair.get(0)?.as_f64()).collect();
    let step = times.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let step = if step.is_finite() { step } else { LONE_S };
    let named: Labels =
        labels.iter().filter_map(|(name, value)| Some((name.as_str().into(), value.as_str()?.into()))).collect();
    let print = Fingerprint::of_labels(&named).to_string();
    let mut found = Vec::new();
    let mut from = 0;
    for nth in 1..=times.len() {
        let ends = nth == times.len() || times[nth] - times[nth - 1] > GAP_STEPS * step;
        if !ends {
            continue;
        }
        let (begin, end) = (moment(times[from]), moment(times[nth - 1] + step));
        for (status, ends_at) in [("firing", Value::Null), ("resolved", end.to_string().into())] {
            let mut alert = json!({"status": status, "labels": labels, "annotations": {}, "startsAt": begin.to_string(), "fingerprint": print});
            if !ends_at.is_null() {
                alert["endsAt"] = ends_at;
            }
            found.push(alert);
        }
        from = nth;
    }
    found
}
