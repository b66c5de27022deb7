//! What an alert does to the state: how it stands, where it belongs, and when it is given up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::view::{Opens, TimelineItem};
use crate::event::{Alert, AlertStatus, IncidentId, Micros, Reason, Time, Truncated};
use crate::journal::Record;

use super::Fold;
use super::alerts::{AlertId, Row};
use super::incident::Incident;
use super::limits;
use super::state::LeftOut;
use super::timeline::one_line;

impl Fold {
    pub(super) fn alert(&mut self, record: &Record, alert: &Alert) {
        self.hear_source(alert.source, record.arrived);
        self.fires_again(alert);
        let heard = self.state.alerts.hear(alert, record.arrived, &mut self.state.names);
        self.state.last_alert.insert(alert.source, heard.id);
        let Some(row) = self.state.alerts.get(heard.id) else { return };
        let (incident, firing) = (row.incident, row.firing());
        for left_out in self.state.truncated.get_mut(&alert.source).into_iter().flat_map(BTreeMap::values_mut) {
            if left_out.beside.is_none() {
                left_out.beside = Some(heard.id);
                self.dirty.incidents.extend(incident);
            }
        }
        let body = Arc::new(alert.clone());
        if let Some(id) = incident {
            let Some(incident) = self.state.incidents.get_mut(&id) else { return };
            incident.groups.moved(heard.id, heard.fired, &self.state.alerts, body);
            let ended = alert.status == AlertStatus::Resolved;
            let at = if ended { alert.ends_at.unwrap_or(record.arrived) } else { alert.starts_at };
            self.alert_line(record, heard.id, id, at, ended);
            self.news(id, record.arrived);
        } else {
            self.state.loose = self.state.loose + u64::from(firing) - u64::from(heard.fired);
            self.state.waiting.insert(heard.id, body);
            while self.state.waiting.len() > limits::WAITING_WHOLE {
                self.state.waiting.pop_first();
            }
        }
        self.give_up_old();
    }

    /// An alert whose incident is over and that begins anew is in no incident: the old one stays as it was.
    fn fires_again(&mut self, alert: &Alert) {
        let Some(id) = self.state.alerts.find(&alert.fingerprint) else { return };
        let Some(row) = self.state.alerts.get_mut(id) else { return };
        let over = |id| self.state.incidents.get(&id).is_some_and(Incident::over);
        if Micros::from(alert.starts_at) <= row.starts || !row.incident.is_some_and(over) {
            return;
        }
        self.dirty.incidents.extend(row.incident.take());
        self.state.loose += u64::from(row.firing());
    }

    /// Alerts that ended long ago are left to the journal when too many are kept.
    fn give_up_old(&mut self) {
        let kept = self.ended_kept;
        // A quarter more, and then down to the limit: looking at all of them is for once in many entries.
        if self.state.alerts.ended() <= (kept + kept / 4).max(self.state.not_before) {
            return;
        }
        let state = &self.state;
        let pinned: BTreeSet<AlertId> = state
            .last_alert
            .values()
            .copied()
            .chain(state.truncated.values().flat_map(BTreeMap::values).filter_map(|left_out| left_out.beside))
            .collect();
        let may = |id: AlertId, row: &Row| {
            !pinned.contains(&id)
                && match row.incident {
                    Some(incident) => {
                        state.incidents.get(&incident).is_none_or(|incident| !incident.groups.shows(id, row))
                    }
                    None => !state.correlator.waits(&row.print),
                }
        };
        let old = state.alerts.oldest_ended(may);
        for id in old.into_iter().take(state.alerts.ended() - kept) {
            let Some(row) = self.state.alerts.forget(id) else { continue };
            self.state.waiting.remove(&id);
            self.state.correlator.forget(&row.print);
            self.state.given_up += 1;
            if let Some(incident) = row.incident.and_then(|incident| self.state.incidents.get_mut(&incident)) {
                incident.groups.forget(&row);
            }
        }
        let left = self.state.alerts.ended();
        self.state.not_before = left + left / 4;
    }

    /// The line that says that an alert fires, or ended.
    fn alert_line(&mut self, record: &Record, alert: AlertId, id: IncidentId, at: Time, ended: bool) {
        let Some(row) = self.state.alerts.get(alert) else { return };
        let name = self.state.names.get(row.name);
        let verb = if ended { "ended" } else { "fires" };
        let line = TimelineItem {
            at,
            arrived: record.arrived,
            seq: record.seq,
            kind: crate::event::Kind::Alert,
            who: self.state.names.get(row.service),
            text: one_line(&format!("{} {verb}", name.raw()).into()),
            folded: 0,
            opens: Some(Opens::Alert { fingerprint: row.print.fingerprint() }),
        };
        if let Some(incident) = self.state.incidents.get_mut(&id) {
            incident.timeline.fold(line);
        }
    }

    /// Puts an alert into an incident, for a reason.
    pub(super) fn place(&mut self, record: &Record, alert: AlertId, into: IncidentId, why: &Reason) {
        let Some(row) = self.state.alerts.get_mut(alert) else { return };
        let before = row.incident;
        if before == Some(into) {
            return;
        }
        row.incident = Some(into);
        let (starts, ends) = (row.starts.time(), row.ends());
        if before.is_none() && ends.is_none() {
            self.state.loose = self.state.loose.saturating_sub(1);
        }
        self.dirty.accuracy |= !self.state.incidents.contains_key(&into);
        self.state.incidents.entry(into).or_insert_with(|| Incident::new(record.arrived));
        let body = self.state.waiting.remove(&alert);
        if let Some(incident) = self.state.incidents.get_mut(&into) {
            incident.groups.join(alert, &self.state.alerts, body, why);
        }
        self.alert_line(record, alert, into, starts, false);
        if let Some(ends) = ends {
            self.alert_line(record, alert, into, ends, true);
        }
        self.news(into, record.arrived);
        self.dirty.incidents.extend(before);
        // An incident that is over stays as it was: the alert fires again and belongs to a new one from now on.
        if let Some(before) = before.filter(|id| self.state.incidents.get(id).is_some_and(|incident| !incident.over()))
        {
            self.recount(before, record.arrived, why);
        }
    }

    fn recount(&mut self, id: IncidentId, arrived: Time, why: &Reason) {
        let members = self.state.alerts.of_incident(id);
        if let Some(incident) = self.state.incidents.get_mut(&id) {
            incident.groups.recount(&members, &self.state.alerts, why, &BTreeMap::new());
            self.news(id, arrived);
        }
    }

    pub(super) fn truncated(&mut self, truncated: &Truncated) {
        let beside = self.state.last_alert.get(&truncated.source).copied();
        let left_out = LeftOut { alerts: truncated.alerts, beside };
        let groups = self.state.truncated.entry(truncated.source).or_default();
        let before = groups.insert(truncated.group.clone(), left_out).and_then(|before| before.beside);
        for alert in beside.into_iter().chain(before) {
            self.dirty.incidents.extend(self.state.alerts.get(alert).and_then(|row| row.incident));
        }
    }
}
