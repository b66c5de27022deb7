//! Alertmanager's API v2: alerts that no webhook brought are recorded, and those it no longer has are ended.
//!
//! An alert counts as ended only when this API has shown it before, now lacks it twice in a row, and Alertmanager has
//! been up long enough to have been told it again: after its restart it knows nothing until Prometheus repeats itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Troubles;
use super::client::{Client, PollError};
use super::pace::Pace;
use crate::event::{Alert, AlertStatus, Fact, Fingerprint, Kind, Labels, Seq, Source, Time, Truncated, Untrusted};
use crate::intake::counters::Fate;
use crate::intake::json::{self, WireTime};
use crate::intake::{Arrival, Inflow, alertmanager, key, limits};
use crate::journal::{Draft, Journal, JournalError, Query, Receipt, term};

/// An alert as API v2 writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiAlert {
    #[serde(deserialize_with = "json::labels")]
    labels: Labels,
    #[serde(default, deserialize_with = "json::labels")]
    annotations: Labels,
    starts_at: WireTime,
    #[serde(default)]
    ends_at: Option<WireTime>,
    #[serde(rename = "generatorURL", default)]
    generator_url: Option<Untrusted>,
    fingerprint: Fingerprint,
}

#[derive(Deserialize)]
struct Status {
    uptime: WireTime,
}

/// How polling goes.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How often.
    pub every: Duration,
    /// How long after its start Alertmanager may not have been told everything again.
    pub settle: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { every: Duration::from_secs(30), settle: Duration::from_secs(300) }
    }
}

/// What is remembered between polls. A cache: without it, ends are noticed two polls later, or by the webhook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Alerts the API showed: start in milliseconds, and since when it lacks them.
    alerts: HashMap<Fingerprint, (i64, Option<Time>)>,
}

/// Under this name and version it is kept in the journal's caches.
const CACHE: (&str, u32) = ("alertmanager-seen", 1);

/// Drafts of the alerts that `body`, the answer to `GET /api/v2/alerts` at `now`, shows and that are news.
///
/// # Errors
/// Names the JSON pointer at which the answer is not API v2's.
pub fn alerts(body: &[u8], now: Time) -> Result<Vec<Alert>, crate::intake::BadInput> {
    let found: Vec<ApiAlert> = json::read(body)?;
    let arrival = Arrival::now(now, Source::Alertmanager);
    let alert = |wire: ApiAlert| {
        let starts_at = key::clamp(wire.starts_at.0);
        // Its end lies ahead while it fires: that is when it would be forgotten.
        let ends_at = wire.ends_at.map(|ends| key::clamp(ends.0)).filter(|ends| *ends <= now && *ends >= starts_at);
        Alert {
            fingerprint: wire.fingerprint,
            status: if ends_at.is_some() { AlertStatus::Resolved } else { AlertStatus::Firing },
            labels: wire.labels,
            annotations: wire.annotations,
            starts_at,
            ends_at,
            generator_url: wire.generator_url.filter(|url| !url.is_empty()),
            source: Source::Alertmanager,
            subject: None,
            anomalies: alertmanager::oddities(starts_at, ends_at, arrival.at).collect(),
        }
    };
    Ok(found.into_iter().map(alert).collect())
}

impl Seen {
    /// What `shown`, the API's alerts at `now`, changes: drafts of alerts not shown before, and those that ended.
    /// `settled`: whether Alertmanager has been up long enough for its silence to mean something.
    fn compare(&mut self, shown: Vec<Alert>, settled: bool, now: Time) -> (Vec<Draft>, Vec<(Fingerprint, i64, Time)>) {
        let mut drafts = Vec::new();
        let mut there = BTreeSet::new();
        for alert in shown {
            let starts = alert.starts_at.as_millisecond();
            there.insert(alert.fingerprint.clone());
            if alert.status == AlertStatus::Resolved {
                self.alerts.remove(&alert.fingerprint);
                drafts.push(alertmanager::draft(alert));
                continue;
            }
            let before = self.alerts.insert(alert.fingerprint.clone(), (starts, None));
            if before.is_none_or(|before| before.0 != starts) && (drafts.len() as u64) < limits::RECONCILED {
                drafts.push(alertmanager::draft(alert));
            }
        }
        let mut ended = Vec::new();
        self.alerts.retain(|fingerprint, (starts, lacking)| {
            if there.contains(fingerprint) || !settled {
                return true;
            }
            match *lacking {
                None => *lacking = Some(now),
                Some(since) => {
                    ended.push((fingerprint.clone(), *starts, since));
                    return false;
                }
            }
            true
        });
        (drafts, ended)
    }
}

/// The draft that ends the alert, from what the journal last knew of it; `None` when it knows the end already.
fn end(
    journal: &dyn Journal,
    fingerprint: &Fingerprint,
    starts: i64,
    ended: Time,
) -> Result<Option<Draft>, JournalError> {
    let query = Query { term: Some(term::alert(fingerprint)), newest_first: true, limit: 20, ..Query::default() };
    let mut firing = None;
    for record in journal.read(&query)? {
        let Fact::Alert(alert) = record.fact()? else { continue };
        match alert.status {
            AlertStatus::Resolved if alert.starts_at.as_millisecond() >= starts => return Ok(None),
            AlertStatus::Firing if alert.starts_at.as_millisecond() == starts => firing = firing.or(Some(alert)),
            _ => {}
        }
    }
    Ok(firing.map(|mut alert| {
        alert.status = AlertStatus::Resolved;
        alert.ends_at = Some(ended.max(alert.starts_at));
        alertmanager::draft(*alert)
    }))
}

/// One Alertmanager that is polled.
pub struct Poller {
    client: Client,
    inflow: Inflow,
    settings: Settings,
    seen: Seen,
    /// Groups that were cut short, by the journal up to `told`.
    cut: BTreeMap<Untrusted, u64>,
    told: Seq,
}

impl Poller {
    /// A poller of the Alertmanager that `client` reaches. Reads the journal: call it on a blocking thread.
    #[must_use]
    pub fn new(client: Client, inflow: Inflow, settings: Settings) -> Self {
        let cached = inflow.journal.load_projection(CACHE.0, CACHE.1, Seq(u64::MAX)).ok().flatten();
        let seen = cached.and_then(|(_, bytes)| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { client, inflow, settings, seen, cut: BTreeMap::new(), told: Seq(0) }
    }

    /// Asks once at `now` and records what is new; how many entries that were.
    ///
    /// # Errors
    /// The poll brought nothing; it is to be tried again.
    pub async fn poll(&mut self, now: Time) -> Result<u64, PollError> {
        let odd =
            |error: crate::intake::BadInput| PollError::Odd { base: self.client.base(), error: error.to_string() };
        let status: Status = json::read(&self.client.get("api/v2/status", &[]).await?).map_err(odd)?;
        let body = self.client.get("api/v2/alerts", &[]).await?;
        let shown = alerts(&body, now).map_err(odd)?;
        drop(body);
        let settled = now.duration_since(status.uptime.0).unsigned_abs() >= self.settings.settle;
        let mut seen = self.seen.clone();
        let (drafts, ended) = seen.compare(shown, settled, now);
        let (journal, told, mut cut) = (Arc::clone(&self.inflow.journal), self.told, self.cut.clone());
        let changed = seen != self.seen;
        let recorded = tokio::task::spawn_blocking(move || -> Result<_, JournalError> {
            let mut drafts = drafts;
            for (fingerprint, starts, since) in &ended {
                drafts.extend(end(journal.as_ref(), fingerprint, *starts, *since)?);
            }
            let told = truncated(journal.as_ref(), told, &mut cut)?;
            // Everything there is has been shown: nothing is missing any more.
            drafts.extend(std::mem::take(&mut cut).into_iter().map(|(group, alerts)| whole(group, alerts, told, now)));
            let receipt = if drafts.is_empty() { Receipt::default() } else { journal.append(drafts)? };
            if changed {
                journal.save_projection(
                    CACHE.0,
                    CACHE.1,
                    journal.head()?,
                    &serde_json::to_vec(&seen).unwrap_or_default(),
                )?;
            }
            Ok((receipt, told, seen))
        });
        let (receipt, told, seen) = match recorded.await {
            Ok(done) => done?,
            Err(_) => {
                return Err(PollError::Odd { base: self.client.base(), error: "it could not be worked on".into() });
            }
        };
        (self.seen, self.told) = (seen, told);
        self.cut.clear();
        self.inflow.counters.accept(Source::Alertmanager, receipt.recorded, receipt.duplicates, 0, now);
        Ok(receipt.recorded)
    }

    /// Polls for ever: every so often, and as soon as a delivery was cut short.
    pub async fn run(mut self, troubles: Troubles) {
        let mut pace = Pace::every(self.settings.every);
        loop {
            let now = Time::now();
            let pause = match self.poll(now).await {
                Ok(_) => {
                    troubles.set(Source::Alertmanager, now, None);
                    pace.after_success()
                }
                Err(error) => {
                    self.inflow.counters.count(Source::Alertmanager, Fate::PollFailed);
                    troubles.set(Source::Alertmanager, now, Some(error.to_string()));
                    pace.after_failure(error.again())
                }
            };
            let _ = tokio::time::timeout(pause, self.inflow.cut_short.notified()).await;
        }
    }
}

/// Reads on where groups were cut short; returns how far it has read.
fn truncated(journal: &dyn Journal, from: Seq, cut: &mut BTreeMap<Untrusted, u64>) -> Result<Seq, JournalError> {
    let mut told = from;
    loop {
        let query = Query { after: told, kinds: vec![Kind::Truncated], ..Query::default() };
        let records = journal.read(&query)?;
        let Some(last) = records.last() else { return Ok(told) };
        told = last.seq;
        for record in &records {
            if let Fact::Truncated(found) = record.fact()?
                && found.source == Source::Alertmanager
            {
                match found.alerts {
                    0 => cut.remove(&found.group),
                    alerts => cut.insert(found.group, alerts),
                };
            }
        }
    }
}

/// Says that nothing of `group` is missing any more.
fn whole(group: Untrusted, alerts: u64, after: Seq, now: Time) -> Draft {
    let key =
        format!("{}/whole", key::truncated(group.raw(), alerts, crate::event::Digest::of(&after.0.to_be_bytes())));
    Draft::new(now, key, &Fact::from(Truncated { source: Source::Alertmanager, group, alerts: 0 }))
}

#[cfg(test)]
#[path = "alertmanager_tests.rs"]
mod tests;
