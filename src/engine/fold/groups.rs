//! The alerts of one incident, by component and name.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Alert, NameId, Reason, Severity, Time};

use super::alerts::{AlertId, Alerts, Row};
use super::limits;

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
    /// Those that ended so long ago that they are not kept one by one any more.
    gone: Option<Gone>,
}

/// What is kept of alerts that are not kept one by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Gone {
    alerts: u64,
    first: Time,
    latest: Time,
}

impl Group {
    fn of(row: &Row, why: &Reason) -> Self {
        Self {
            alerts: 0,
            firing: 0,
            first: row.first(),
            latest: row.latest(),
            severity: row.severity,
            why: why.clone(),
            flapping: false,
            sample: Vec::new(),
            gone: None,
        }
    }

    /// What is left of it without the alerts that are kept one by one.
    fn of_gone(&self) -> Option<Self> {
        let gone = self.gone.clone()?;
        let (alerts, first, latest) = (gone.alerts, gone.first, gone.latest);
        Some(Self { alerts, firing: 0, first, latest, sample: Vec::new(), gone: Some(gone), ..self.clone() })
    }
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
        let Some(row) = alerts.get(id) else { return };
        let group = self.by_name.entry((row.service, row.name)).or_insert_with(|| Group::of(row, why));
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
        let Some(row) = alerts.get(id) else { return };
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
        for (key, group) in &before.by_name {
            if let Some(left) = group.of_gone() {
                self.add_gone(*key, left);
            }
        }
        for id in members {
            let Some(row) = alerts.get(*id) else { continue };
            let body = before.whole.get(id).or_else(|| more.get(id)).cloned();
            let why = before.by_name.get(&(row.service, row.name)).map_or(why, |group| &group.why);
            self.join(*id, alerts, body, why);
        }
    }

    fn add_gone(&mut self, key: (NameId, NameId), left: Group) {
        self.alerts += left.alerts;
        self.began = Some(self.began.map_or(left.first, |began| began.min(left.first)));
        self.severity = self.severity.max(Some(left.severity));
        let Some(group) = self.by_name.get_mut(&key) else {
            self.by_name.insert(key, left);
            return;
        };
        group.alerts += left.alerts;
        group.first = group.first.min(left.first);
        group.latest = group.latest.max(left.latest);
        group.severity = group.severity.max(left.severity);
        group.gone = match (group.gone.take(), left.gone) {
            (Some(one), Some(other)) => Some(Gone {
                alerts: one.alerts + other.alerts,
                first: one.first.min(other.first),
                latest: one.latest.max(other.latest),
            }),
            (one, other) => one.or(other),
        };
    }

    /// Takes over what `other` does not keep one by one, as when it is merged into this.
    pub fn inherit(&mut self, other: &mut Self) {
        for (key, group) in std::mem::take(&mut other.by_name) {
            if let Some(left) = group.of_gone() {
                other.alerts = other.alerts.saturating_sub(left.alerts);
                self.add_gone(key, left);
            }
        }
    }

    /// An alert of it that ended is not kept one by one any more; its counts stay.
    pub fn forget(&mut self, row: &Row) {
        let Some(group) = self.by_name.get_mut(&(row.service, row.name)) else { return };
        let gone = group.gone.get_or_insert(Gone { alerts: 0, first: row.first(), latest: row.latest() });
        gone.alerts += 1;
        gone.first = gone.first.min(row.first());
        gone.latest = gone.latest.max(row.latest());
    }

    /// Lets go of the samples: only counts stay.
    pub fn pack(&mut self) {
        self.whole.clear();
        self.by_name.values_mut().for_each(|group| group.sample.clear());
    }

    /// Whether an alert stands for its group on the screen.
    pub fn shows(&self, id: AlertId, row: &Row) -> bool {
        self.by_name.get(&(row.service, row.name)).is_some_and(|group| group.sample.contains(&id))
    }

    /// The samples with all their labels.
    pub fn whole(&self) -> &BTreeMap<AlertId, Arc<Alert>> {
        &self.whole
    }

    pub fn iter(&self) -> impl Iterator<Item = (NameId, NameId, &Group)> {
        self.by_name.iter().map(|((service, name), group)| (*service, *name, group))
    }

    fn touch(&mut self, id: AlertId, alerts: &Alerts, body: Option<Arc<Alert>>) {
        let Some(row) = alerts.get(id) else { return };
        self.began = Some(self.began.map_or(row.first(), |began| began.min(row.first())));
        self.severity = self.severity.max(Some(row.severity));
        let Some(group) = self.by_name.get_mut(&(row.service, row.name)) else { return };
        group.first = group.first.min(row.first());
        group.latest = group.latest.max(row.latest());
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
    let order = |id: AlertId| alerts.get(id).map(|row| (row.first(), &row.print));
    let own = Some((row.first(), &row.print));
    if kept.len() >= limits::SAMPLES && kept.last().is_some_and(|last| own > order(*last)) {
        return Some(id);
    }
    // Its start may have moved: it is taken out and put where it belongs now.
    kept.retain(|other| *other != id);
    let at = kept.partition_point(|other| order(*other) < own);
    kept.insert(at, id);
    if kept.len() > limits::SAMPLES { kept.pop() } else { None }
}
