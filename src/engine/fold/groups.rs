//! The alerts of one incident, by component and name.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Alert, Reason, Severity, Time};

use super::alerts::{AlertId, Alerts, Row};
use super::limits;
use super::names::NameId;

/// Alerts of one component and one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    pub alerts: u64,
    pub firing: u64,
    pub first: Time,
    pub latest: Time,
    pub severity: Severity,
    pub why: Reason,
    pub flapping: bool,
    /// The few that began first.
    pub sample: Vec<AlertId>,
}

/// All groups of an incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Groups {
    #[serde(with = "super::pairs")]
    by_name: BTreeMap<(NameId, NameId), Group>,
    /// Samples with all their labels.
    whole: BTreeMap<AlertId, Arc<Alert>>,
    pub alerts: u64,
    pub firing: u64,
    pub began: Option<Time>,
    /// The worst of all its alerts.
    pub severity: Option<Severity>,
}

impl Groups {
    /// An alert joins, for `why`.
    pub fn join(&mut self, id: AlertId, alerts: &Alerts, body: Option<Arc<Alert>>, why: &Reason) {
        let row = alerts.row(id);
        let group = self.by_name.entry((row.service, row.name)).or_insert_with(|| Group {
            alerts: 0,
            firing: 0,
            first: row.first,
            latest: row.latest,
            severity: row.severity,
            why: why.clone(),
            flapping: false,
            sample: Vec::new(),
        });
        group.alerts += 1;
        self.alerts += 1;
        if row.firing() {
            group.firing += 1;
            self.firing += 1;
        }
        self.touch(id, alerts, body);
    }

    /// An alert that is here changed its state, or is heard of in another.
    pub fn moved(&mut self, id: AlertId, fired: bool, alerts: &Alerts, body: Arc<Alert>) {
        let row = alerts.row(id);
        if let Some(group) = self.by_name.get_mut(&(row.service, row.name)) {
            match (fired, row.firing()) {
                (false, true) => {
                    group.firing += 1;
                    self.firing += 1;
                }
                (true, false) => {
                    group.firing = group.firing.saturating_sub(1);
                    self.firing = self.firing.saturating_sub(1);
                }
                _ => {}
            }
        }
        self.touch(id, alerts, Some(body));
    }

    /// Counts from the alerts themselves, after some were moved. Reasons are kept; `why` is for groups that are new.
    pub fn recount(
        &mut self,
        members: &[AlertId],
        alerts: &Alerts,
        why: &Reason,
        more: &BTreeMap<AlertId, Arc<Alert>>,
    ) {
        let before = std::mem::take(self);
        for id in members {
            let row = alerts.row(*id);
            let body = before.whole.get(id).or_else(|| more.get(id)).cloned();
            let why = before.by_name.get(&(row.service, row.name)).map_or(why, |group| &group.why);
            self.join(*id, alerts, body, why);
        }
    }

    /// The samples with all their labels.
    pub fn whole(&self) -> &BTreeMap<AlertId, Arc<Alert>> {
        &self.whole
    }

    pub fn iter(&self) -> impl Iterator<Item = (NameId, NameId, &Group)> {
        self.by_name.iter().map(|((service, name), group)| (*service, *name, group))
    }

    fn touch(&mut self, id: AlertId, alerts: &Alerts, body: Option<Arc<Alert>>) {
        let row = alerts.row(id);
        self.began = Some(self.began.map_or(row.first, |began| began.min(row.first)));
        self.severity = self.severity.max(Some(row.severity));
        let Some(group) = self.by_name.get_mut(&(row.service, row.name)) else { return };
        group.first = group.first.min(row.first);
        group.latest = group.latest.max(row.latest);
        group.severity = group.severity.max(row.severity);
        group.flapping |= row.flaps();
        let gone = sample(&mut group.sample, id, row, alerts);
        if gone == Some(id) {
            return;
        }
        if let Some(gone) = gone {
            self.whole.remove(&gone);
        }
        if let Some(body) = body {
            if self.whole.contains_key(&id) {
                // The copy that says how it stands now stays, whatever came last.
                if row.is_state(&body) {
                    self.whole.insert(id, body);
                }
            } else if self.whole.len() < limits::WHOLE_ALERTS {
                self.whole.insert(id, body);
            }
        }
    }
}

/// Keeps the alerts that began first, whatever the order they arrived in; returns the one that is no sample any more.
fn sample(kept: &mut Vec<AlertId>, id: AlertId, row: &Row, alerts: &Alerts) -> Option<AlertId> {
    let order = |id: AlertId| (alerts.row(id).first, &alerts.row(id).print);
    if kept.len() >= limits::SAMPLES && kept.last().is_some_and(|last| (row.first, &row.print) > order(*last)) {
        return Some(id);
    }
    // Its start may have moved: it is taken out and put where it belongs now.
    kept.retain(|other| *other != id);
    let at = kept.partition_point(|other| order(*other) < (row.first, &row.print));
    kept.insert(at, id);
    if kept.len() > limits::SAMPLES { kept.pop() } else { None }
}
