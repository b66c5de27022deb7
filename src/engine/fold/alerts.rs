//! Every alert in a few dozen bytes: what it is and how it stands. Labels stay in the journal.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize, Serializer};

use crate::event::{
    Alert, AlertStatus, Fingerprint, IncidentId, Micros, NameId, Names, Print, Severity, Time, Untrusted,
};

use super::limits;
use super::timeline::cut;

/// An alert's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct AlertId(u32);

/// One alert as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(super) struct Row {
    pub print: Print,
    pub service: NameId,
    pub name: NameId,
    pub severity: Severity,
    /// The state it is in arrived much later than it happened.
    pub late: bool,
    /// States heard of: two per whole episode.
    pub states: u32,
    pub incident: Option<IncidentId>,
    /// Of the newest episode.
    pub starts: Micros,
    /// Of the newest episode; [`FIRES`] while it fires.
    ends: Micros,
    /// Start of the earliest episode heard of.
    first: Micros,
    /// Start or end of the latest.
    latest: Micros,
}

/// No end yet: later than any.
const FIRES: Micros = Micros(i64::MAX);

/// A row as it is saved: by position, without names.
type Written = (Print, NameId, NameId, Severity, bool, u32, u64, Micros, Micros, Micros, Micros);

impl From<Written> for Row {
    fn from((print, service, name, severity, late, states, incident, starts, ends, first, latest): Written) -> Self {
        let incident = (incident > 0).then_some(IncidentId(incident));
        Self { print, service, name, severity, late, states, incident, starts, ends, first, latest }
    }
}

impl From<Row> for Written {
    fn from(r: Row) -> Self {
        let incident = r.incident.map_or(0, |id| id.0);
        (r.print, r.service, r.name, r.severity, r.late, r.states, incident, r.starts, r.ends, r.first, r.latest)
    }
}

impl Row {
    pub fn status(&self) -> AlertStatus {
        if self.firing() { AlertStatus::Firing } else { AlertStatus::Resolved }
    }

    pub fn firing(&self) -> bool {
        self.ends == FIRES
    }

    /// When its newest episode ended.
    pub fn ends(&self) -> Option<Time> {
        (!self.firing()).then(|| self.ends.time())
    }

    /// Start of the earliest episode heard of.
    pub fn first(&self) -> Time {
        self.first.time()
    }

    /// Start or end of the latest.
    pub fn latest(&self) -> Time {
        self.latest.time()
    }

    /// Whether `alert` says what this row says.
    pub fn is_state(&self, alert: &Alert) -> bool {
        let firing = alert.status == AlertStatus::Firing;
        Micros::from(alert.starts_at) == self.starts && firing == self.firing()
    }

    /// Whether it changed its state so often, for so long, that it flaps.
    pub fn flaps(&self) -> bool {
        let seconds = (self.latest.0 - self.first.0) / 1_000_000;
        self.states >= limits::FLAP_STATES && seconds <= i64::from(self.states) * limits::FLAP_SECONDS_PER_STATE
    }
}

/// What hearing of a state changed.
pub(super) struct Heard {
    pub id: AlertId,
    /// It fired before this.
    pub fired: bool,
}

/// All alerts. A row that is given up leaves its place to the next new alert.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Vec<Option<Row>>")]
pub(super) struct Alerts {
    rows: Vec<Option<Row>>,
    index: HashMap<Print, AlertId>,
    /// The lowest is taken first, so that a fold that was saved goes on as one that was not.
    free: BTreeSet<AlertId>,
    /// Rows of alerts that ended.
    ended: usize,
}

impl From<Vec<Option<Row>>> for Alerts {
    fn from(rows: Vec<Option<Row>>) -> Self {
        let mut alerts = Self { index: HashMap::with_capacity(rows.len()), ..Self::default() };
        for (id, row) in (0u32..).map(AlertId).zip(&rows) {
            match row {
                Some(row) => {
                    alerts.ended += usize::from(!row.firing());
                    alerts.index.insert(row.print.clone(), id);
                }
                None => {
                    alerts.free.insert(id);
                }
            }
        }
        alerts.rows = rows;
        alerts
    }
}

impl Serialize for Alerts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.rows.serialize(to)
    }
}

impl Alerts {
    /// Takes in one state of one alert. The order of arrival does not matter: the newest episode is how it stands, and
    /// within an episode its end.
    pub fn hear(&mut self, alert: &Alert, arrived: Time, names: &mut Names) -> Heard {
        let print = Print::of(&alert.fingerprint);
        let starts = Micros::from(alert.starts_at);
        let ends = match alert.status {
            AlertStatus::Firing => FIRES,
            // An end before the start is kept as an anomaly by the intake; here an episode never has a negative length.
            AlertStatus::Resolved => Micros::from(alert.ends_at.unwrap_or(arrived)).max(starts),
        };
        let latest = if ends == FIRES { starts } else { ends };
        let late = (Micros::from(arrived).0 - latest.0) / 1_000_000 > limits::LATE_SECONDS;
        if let Some((id, row)) = self.find_print(&print).and_then(|id| Some((id, self.rows[id.0 as usize].as_mut()?))) {
            let fired = row.firing();
            row.states = row.states.saturating_add(1);
            row.first = row.first.min(starts);
            row.latest = row.latest.max(latest);
            // Within an episode any end is newer than none, and a later one than an earlier.
            let order = |ends: Micros| (ends != FIRES).then_some(ends);
            if starts > row.starts || (starts == row.starts && order(ends) > order(row.ends)) {
                row.starts = starts;
                row.ends = ends;
                row.late = late;
            }
            let firing = row.firing();
            self.ended = self.ended + usize::from(!firing) - usize::from(!fired);
            return Heard { id, fired };
        }
        let name = alert.name();
        let service = alert.service().cloned().unwrap_or_else(|| name.clone());
        let row = Row {
            print: print.clone(),
            service: names.id(&service),
            name: names.id(&name),
            severity: alert.severity(),
            late,
            states: 1,
            incident: None,
            starts,
            ends,
            first: starts,
            latest,
        };
        self.ended += usize::from(!row.firing());
        let id = if let Some(id) = self.free.pop_first() {
            self.rows[id.0 as usize] = Some(row);
            id
        } else {
            self.rows.push(Some(row));
            AlertId(u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX))
        };
        self.index.insert(print, id);
        Heard { id, fired: false }
    }

    fn find_print(&self, print: &Print) -> Option<AlertId> {
        self.index.get(print).copied()
    }

    pub fn find(&self, fingerprint: &Fingerprint) -> Option<AlertId> {
        self.find_print(&Print::of(fingerprint))
    }

    /// The row of an alert, unless it was given up.
    pub fn get(&self, id: AlertId) -> Option<&Row> {
        self.rows.get(id.0 as usize)?.as_ref()
    }

    pub fn get_mut(&mut self, id: AlertId) -> Option<&mut Row> {
        self.rows.get_mut(id.0 as usize)?.as_mut()
    }

    /// How many alerts are kept.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// How many alerts are kept that ended.
    pub fn ended(&self) -> usize {
        self.ended
    }

    /// Those that ended and for which `may` holds, the one that ended first at the front.
    pub fn oldest_ended(&self, may: impl Fn(AlertId, &Row) -> bool) -> Vec<AlertId> {
        let rows = (0u32..).map(AlertId).zip(&self.rows).filter_map(|(id, row)| Some((id, row.as_ref()?)));
        let mut found: Vec<_> = rows
            .filter(|(id, row)| !row.firing() && may(*id, row))
            .map(|(id, row)| (row.ends, &row.print, id))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(.., id)| id).collect()
    }

    /// Gives up a row.
    pub fn forget(&mut self, id: AlertId) -> Option<Row> {
        let row = self.rows.get_mut(id.0 as usize)?.take()?;
        self.index.remove(&row.print);
        self.ended -= usize::from(!row.firing());
        self.free.insert(id);
        Some(row)
    }

    /// Alerts that fire and are in no incident, counted one by one.
    #[cfg(test)]
    pub fn of_incident_none(&self) -> u64 {
        self.rows.iter().flatten().filter(|row| row.incident.is_none() && row.firing()).count() as u64
    }

    /// Every alert of an incident. Looks at all alerts: for what people do by hand, not for every entry.
    pub fn of_incident(&self, incident: IncidentId) -> Vec<AlertId> {
        let of_it = |row: &Option<Row>| row.as_ref().is_some_and(|row| row.incident == Some(incident));
        (0u32..).zip(&self.rows).filter(|(_, row)| of_it(row)).map(|(id, _)| AlertId(id)).collect()
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
