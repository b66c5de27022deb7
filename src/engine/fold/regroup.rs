//! What people do to the grouping by hand.

use crate::event::{IncidentId, Policy, Reason, Regrouped, Rule};
use crate::journal::Record;

use super::Fold;
use super::alerts::AlertId;
use super::incident::Incident;

impl Fold {
    pub(super) fn regrouped(&mut self, record: &Record, regrouped: &Regrouped) {
        let by = &regrouped.by().login;
        let name = by.show(Policy::Prose).as_str().to_owned();
        match regrouped {
            Regrouped::Split { from, into, alerts, .. } => {
                let into = self.survivor(*into);
                let moving: Vec<_> = alerts
                    .iter()
                    .filter_map(|fingerprint| self.state.alerts.find(fingerprint))
                    .filter(|alert| self.state.alerts.get(*alert).is_some_and(|row| row.incident == Some(*from)))
                    .collect();
                if moving.is_empty() || *from == into {
                    return;
                }
                self.told(record, *from, by, &format!("split {} alerts off into {into}", moving.len()));
                let why = Reason { rule: Rule::ByHand, peer: None, text: format!("{name} split it off {from}").into() };
                self.carry(record, &moving, *from, into, &why);
                self.told(record, into, by, &format!("split {} alerts off {from}", moving.len()));
            }
            Regrouped::Merge { from, into, .. } => {
                let into = self.survivor(*into);
                if into == *from || self.state.incidents.get(from).is_none_or(|from| from.merged_into.is_some()) {
                    return;
                }
                let moving = self.state.alerts.of_incident(*from);
                let why =
                    Reason { rule: Rule::ByHand, peer: None, text: format!("{name} merged {from} into this").into() };
                self.told(record, *from, by, &format!("merged it into {into}"));
                self.carry(record, &moving, *from, into, &why);
                let (before, mut left, said) = match self.state.incidents.get_mut(from) {
                    Some(from) => (from.timeline.clone(), std::mem::take(&mut from.groups), from.take_said()),
                    None => Default::default(),
                };
                self.told(record, into, by, &format!("merged {from} into this"));
                if let Some(incident) = self.state.incidents.get_mut(&into) {
                    incident.timeline.join(&before);
                    incident.groups.inherit(&mut left);
                    incident.join_said(said);
                }
                if let Some(incident) = self.state.incidents.get_mut(from) {
                    incident.merged_into = Some(into);
                    self.dirty.accuracy = true;
                    self.state.watch.forget(*from);
                }
            }
            Regrouped::Lock { incident, .. } => {
                self.told(record, *incident, by, "locked the grouping");
                if let Some(incident) = self.state.incidents.get_mut(incident) {
                    incident.locked = true;
                }
            }
        }
    }

    /// Where an incident ended up after merges. Follows each at most once.
    pub(super) fn survivor(&self, mut id: IncidentId) -> IncidentId {
        for _ in 0..self.state.incidents.len() {
            match self.state.incidents.get(&id).and_then(|incident| incident.merged_into) {
                Some(next) => id = next,
                None => break,
            }
        }
        id
    }

    /// Moves alerts from one incident to another by hand.
    fn carry(&mut self, record: &Record, moving: &[AlertId], from: IncidentId, into: IncidentId, why: &Reason) {
        self.state.incidents.entry(into).or_insert_with(|| Incident::new(record.arrived));
        for alert in moving {
            if let Some(row) = self.state.alerts.get_mut(*alert) {
                row.incident = Some(into);
            }
        }
        let bodies = self.state.incidents.get(&from).map(|from| from.groups.whole().clone()).unwrap_or_default();
        for id in [from, into] {
            let members = self.state.alerts.of_incident(id);
            if let Some(incident) = self.state.incidents.get_mut(&id) {
                incident.groups.recount(&members, &self.state.alerts, why, &bodies);
            }
            self.news(id, record.arrived);
        }
    }
}
