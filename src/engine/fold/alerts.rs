//! Every alert in a few dozen bytes: what it is and how it stands. Labels stay in the journal.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::event::{Alert, AlertStatus, Fingerprint, IncidentId, Severity, Time, Untrusted};

use super::limits;
use super::names::{NameId, Names};
use super::timeline::cut;

/// An alert's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct AlertId(u32);

/// A fingerprint: eight bytes for the usual sixteen digits, the text for any other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Print {
    /// Sixteen digits.
    Short(u64),
    /// Any other number of digits.
    Long(Fingerprint),
}

impl Print {
    pub fn of(fingerprint: &Fingerprint) -> Self {
        let text = fingerprint.as_str();
        let short = Some(text).filter(|text| text.len() == 16).and_then(|text| u64::from_str_radix(text, 16).ok());
        short.map_or_else(|| Self::Long(fingerprint.clone()), Self::Short)
    }

    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Long(fingerprint) => fingerprint.clone(),
            // Sixteen lower-case digits are always a fingerprint; the labels' one is never reached.
            Self::Short(number) => format!("{number:016x}")
                .parse()
                .unwrap_or_else(|_| Fingerprint::of_labels(&std::collections::BTreeMap::new())),
        }
    }
}

/// One alert as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(super) struct Row {
    pub print: Print,
    pub service: NameId,
    pub name: NameId,
    pub severity: Severity,
    pub incident: Option<IncidentId>,
    /// Of the newest episode.
    pub starts: Time,
    /// Of the newest episode; `None` while it fires.
    pub ends: Option<Time>,
    /// Start of the earliest episode heard of.
    pub first: Time,
    /// Start or end of the latest.
    pub latest: Time,
    /// States heard of: two per whole episode.
    pub states: u32,
    /// The state it is in arrived much later than it happened.
    pub late: bool,
}

/// A row as it is saved: by position, without names, numbers for times.
type Written = (Print, NameId, NameId, Severity, u64, i64, i64, i64, i64, u32, bool);

/// Microseconds keep 290 000 years in 64 bits; sources give milliseconds at best.
fn micros(time: Time) -> i64 {
    time.as_microsecond()
}

fn of_micros(micros: i64) -> Time {
    Time::from_microsecond(micros).unwrap_or_default()
}

impl From<Written> for Row {
    fn from(w: Written) -> Self {
        Self {
            print: w.0,
            service: w.1,
            name: w.2,
            severity: w.3,
            incident: (w.4 > 0).then_some(IncidentId(w.4)),
            starts: of_micros(w.5),
            ends: (w.6 != i64::MIN).then(|| of_micros(w.6)),
            first: of_micros(w.7),
            latest: of_micros(w.8),
            states: w.9,
            late: w.10,
        }
    }
}

impl From<Row> for Written {
    fn from(r: Row) -> Self {
        let ends = r.ends.map_or(i64::MIN, micros);
        let incident = r.incident.map_or(0, |id| id.0);
        (
            r.print,
            r.service,
            r.name,
            r.severity,
            incident,
            micros(r.starts),
            ends,
            micros(r.first),
            micros(r.latest),
            r.states,
            r.late,
        )
    }
}

impl Row {
    pub fn status(&self) -> AlertStatus {
        if self.ends.is_none() { AlertStatus::Firing } else { AlertStatus::Resolved }
    }

    pub fn firing(&self) -> bool {
        self.ends.is_none()
    }

    /// Whether `alert` says what this row says.
    pub fn is_state(&self, alert: &Alert) -> bool {
        let firing = alert.status == AlertStatus::Firing;
        micros(alert.starts_at) == micros(self.starts) && firing == self.firing()
    }

    /// Whether it changed its state so often, for so long, that it flaps.
    pub fn flaps(&self) -> bool {
        let span = self.latest.duration_since(self.first).as_secs();
        self.states >= limits::FLAP_STATES && span <= i64::from(self.states) * limits::FLAP_SECONDS_PER_STATE
    }
}

/// What hearing of a state changed.
pub(super) struct Heard {
    pub id: AlertId,
    /// It fired before this.
    pub fired: bool,
}

/// All alerts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Row>", into = "Vec<Row>")]
pub(super) struct Alerts {
    rows: Vec<Row>,
    index: HashMap<Print, AlertId>,
}

impl From<Vec<Row>> for Alerts {
    fn from(rows: Vec<Row>) -> Self {
        let index = (0u32..).zip(&rows).map(|(id, row)| (row.print.clone(), AlertId(id))).collect();
        Self { rows, index }
    }
}

impl From<Alerts> for Vec<Row> {
    fn from(alerts: Alerts) -> Self {
        alerts.rows
    }
}

impl Alerts {
    /// Takes in one state of one alert. The order of arrival does not matter: the newest episode is how it stands, and
    /// within an episode its end.
    pub fn hear(&mut self, alert: &Alert, arrived: Time, names: &mut Names) -> Heard {
        let print = Print::of(&alert.fingerprint);
        let starts = of_micros(micros(alert.starts_at));
        let ends = match alert.status {
            AlertStatus::Firing => None,
            // An end before the start is kept as an anomaly by the intake; here an episode never has a negative length.
            AlertStatus::Resolved => Some(of_micros(micros(alert.ends_at.unwrap_or(arrived))).max(starts)),
        };
        let latest = ends.unwrap_or(starts);
        let late = arrived.duration_since(latest).as_secs() > limits::LATE_SECONDS;
        if let Some(id) = self.index.get(&print).copied() {
            let row = &mut self.rows[id.0 as usize];
            let fired = row.firing();
            row.states = row.states.saturating_add(1);
            row.first = row.first.min(starts);
            row.latest = row.latest.max(latest);
            let newer = starts > row.starts || (starts == row.starts && ends > row.ends);
            if newer {
                row.starts = starts;
                row.ends = ends;
                row.late = late;
            }
            return Heard { id, fired };
        }
        let id = AlertId(u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        let name = alert.name();
        let service = alert.service().cloned().unwrap_or_else(|| name.clone());
        self.rows.push(Row {
            print: print.clone(),
            service: names.id(&service),
            name: names.id(&name),
            severity: alert.severity(),
            incident: None,
            starts,
            ends,
            first: starts,
            latest,
            states: 1,
            late,
        });
        self.index.insert(print, id);
        Heard { id, fired: false }
    }

    pub fn find(&self, fingerprint: &Fingerprint) -> Option<AlertId> {
        self.index.get(&Print::of(fingerprint)).copied()
    }

    pub fn row(&self, id: AlertId) -> &Row {
        &self.rows[id.0 as usize]
    }

    pub fn row_mut(&mut self, id: AlertId) -> &mut Row {
        &mut self.rows[id.0 as usize]
    }

    /// Alerts that fire and are in no incident, counted one by one.
    #[cfg(test)]
    pub fn of_incident_none(&self) -> u64 {
        self.rows.iter().filter(|row| row.incident.is_none() && row.firing()).count() as u64
    }

    /// Every alert of an incident. Looks at all alerts: for what people do by hand, not for every entry.
    pub fn of_incident(&self, incident: IncidentId) -> Vec<AlertId> {
        (0u32..).zip(&self.rows).filter(|(_, row)| row.incident == Some(incident)).map(|(id, _)| AlertId(id)).collect()
    }
}

/// What tells an alert from the others of its group: its labels but those that name the group, in one line.
pub(super) fn distinct(alert: &Alert) -> Untrusted {
    let service = alert.service();
    let mut text = String::new();
    for (name, value) in &alert.labels {
        if matches!(name.raw(), "alertname" | "severity") || Some(value) == service {
            continue;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(name.raw());
        text.push('=');
        text.push_str(value.raw());
        if text.len() > limits::DISTINCT_BYTES {
            let mut text = cut(&text, limits::DISTINCT_BYTES).to_owned();
            text.push('…');
            return text.into();
        }
    }
    text.into()
}
