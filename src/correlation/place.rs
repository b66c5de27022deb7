//! What is recorded of alerts and incidents, kept so that placing one alert costs the same however many are open.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::event::{
    Alert, AlertStatus, Anomaly, Fact, Fingerprint, IncidentId, Micros, NameId, Names, Print, Reason, Regrouped,
    Severity, Time, Untrusted,
};

use super::graph::Graph;
use super::group::{Group, Known, Subject};
use super::past::{Past, Profile};
use super::reach::Routes;
use super::root::{self, Root};
use super::sign::Sign;

/// What can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// An alert joins no incident whose related component moved longer before or after it than this, in seconds.
    pub window_s: i64,
    /// At most so many components on either side are looked at.
    pub neighbours: usize,
    /// At most so many incidents of one component, the newest, are looked at.
    pub incidents: usize,
    /// Calls between two components that can still be related.
    pub hops: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_s: 600, neighbours: 64, incidents: 8, hops: 3 }
    }
}

/// What the leader should record.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// A new incident with its first alert; a [`Move::Join`] of the founder follows.
    Open {
        /// Its number: one more than the highest seen.
        incident: IncidentId,
        /// The alert that founds it.
        founder: Fingerprint,
    },
    /// Alerts join. One that was in another incident leaves it.
    Join {
        /// The incident.
        incident: IncidentId,
        /// Who.
        alerts: Vec<Fingerprint>,
        /// Why.
        reason: Reason,
    },
}

/// Places alerts into incidents. Its state can be written down and read back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Correlator {
    pub(super) settings: Settings,
    pub(super) graph: Graph,
    pub(super) names: Names,
    #[serde(with = "pairs")]
    pub(super) alerts: HashMap<Print, Known>,
    /// Incidents that are not over.
    pub(super) groups: BTreeMap<IncidentId, Group>,
    /// Resolved or merged away: nothing joins any more.
    over: BTreeSet<IncidentId>,
    /// Incidents that are not over, by component.
    pub(super) by_component: BTreeMap<Untrusted, BTreeSet<IncidentId>>,
    /// The same, by name and place of their alerts, and by place alone.
    pub(super) by_kin: BTreeMap<NameId, BTreeSet<IncidentId>>,
    /// What people confirmed of earlier incidents.
    #[serde(default)]
    pub(super) past: Past,
    /// Informational and test alerts that fire and are tied to nothing.
    pub(super) loose: Loose,
    /// Alerts that are in no incident yet, oldest first.
    pub(super) waiting: BTreeSet<(Time, Print)>,
    pub(super) highest: u64,
    /// How far trouble travels, worked out so far.
    #[serde(skip)]
    pub(super) routes: Routes,
    /// How many alerts and ties were looked at so far.
    #[serde(skip)]
    pub(super) looked: u64,
}

/// Alerts that found nothing, found again by what they could be tied to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Loose {
    by_component: BTreeSet<(NameId, Time, Print)>,
    by_kin: BTreeSet<(NameId, Time, Print)>,
}

impl Loose {
    pub(super) fn insert(&mut self, alert: &Known, print: &Print) {
        let starts = alert.starts.time();
        self.by_component.insert((alert.component, starts, print.clone()));
        self.by_kin.insert((alert.kin, starts, print.clone()));
    }

    pub(super) fn remove(&mut self, alert: &Known, print: &Print) -> bool {
        let starts = alert.starts.time();
        self.by_kin.remove(&(alert.kin, starts, print.clone()));
        self.by_component.remove(&(alert.component, starts, print.clone()))
    }

    /// Those of one component that began between two moments, newest first.
    pub(super) fn of_component(&self, name: NameId, from: Time, to: Time) -> impl Iterator<Item = &Print> {
        between(&self.by_component, name, from, to)
    }

    /// Those of one name and place that began between two moments, newest first.
    pub(super) fn of_kin(&self, kin: NameId, from: Time, to: Time) -> impl Iterator<Item = &Print> {
        between(&self.by_kin, kin, from, to)
    }
}

fn between(set: &BTreeSet<(NameId, Time, Print)>, name: NameId, from: Time, to: Time) -> impl Iterator<Item = &Print> {
    let after = to.max(from).checked_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(Time::MAX);
    set.range((name, from, Print::FIRST)..(name, after, Print::FIRST)).rev().map(|(.., print)| print)
}

/// A map whose keys are no text, written down as a list of pairs.
mod pairs {
    use std::collections::HashMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Known, Print};

    pub(super) fn serialize<S: Serializer>(map: &HashMap<Print, Known>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<HashMap<Print, Known>, D::Error> {
        Ok(Vec::<(Print, Known)>::deserialize(from)?.into_iter().collect())
    }
}

impl Correlator {
    /// An empty one.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Takes in one recorded fact. Facts it has no use for change nothing.
    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Alert(alert) => self.hear(alert),
            Fact::Topology(topology) => self.graph.learn_topology(topology),
            Fact::Spans(batch) => self.graph.learn_spans(batch),
            Fact::Metrics(batch) => self.graph.learn_series(batch),
            Fact::IncidentOpened(opened) => self.open(opened.incident),
            Fact::Grouped(grouped) => {
                grouped.alerts.iter().for_each(|print| {
                    self.put(&Print::of(print), grouped.incident);
                });
            }
            Fact::Regrouped(regrouped) => self.regroup(regrouped),
            Fact::Resolved(resolved) => {
                // Who declares it over has seen it: what moved before what in it is taken as seen.
                if let Some(group) = self.groups.get(&resolved.incident) {
                    let moved = group.early.iter().map(|early| (early.component.clone(), early.first));
                    self.graph.learn_order(moved);
                }
                self.close(resolved.incident);
            }
            Fact::TruthConfirmed(confirmed) => {
                let one_cause = confirmed.truth.surface.is_some();
                let members = if one_cause { self.members(confirmed.incident) } else { BTreeSet::new() };
                self.past.confirm(confirmed.incident, members.into_iter());
            }
            _ => {}
        }
    }

    /// Forgets an alert that ended and is of no more interest; heard of again, it is a new one. What it did to its
    /// incident stays.
    pub fn forget(&mut self, print: &Print) {
        if let Some(alert) = self.alerts.remove(print) {
            self.loose.remove(&alert, print);
            self.waiting.remove(&(alert.starts.time(), print.clone()));
        }
    }

    /// Where an alert is.
    #[must_use]
    pub fn incident_of(&self, print: &Fingerprint) -> Option<IncidentId> {
        self.alerts.get(&Print::of(print)).and_then(|alert| alert.incident)
    }

    /// Whether an alert waits to be placed.
    #[must_use]
    pub fn waits(&self, print: &Print) -> bool {
        self.alerts.get(print).is_some_and(|alert| self.waiting.contains(&(alert.starts.time(), print.clone())))
    }

    /// The highest number of an incident so far.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Gives new incidents numbers above `number`.
    pub fn number_above(&mut self, number: u64) {
        self.highest = self.highest.max(number);
    }

    /// How many alerts are known.
    #[must_use]
    pub fn known(&self) -> usize {
        self.alerts.len()
    }

    /// Firing alerts that are in no incident: informational ones and tests.
    #[must_use]
    pub fn loose(&self) -> u64 {
        self.loose.by_component.len() as u64
    }

    /// How many alerts and ties were looked at since it was made or read back: its work, for those who count it.
    #[must_use]
    pub fn looked(&self) -> u64 {
        self.looked
    }

    /// The component an incident that is not over most likely began in.
    #[must_use]
    pub fn root(&self, incident: IncidentId) -> Option<Root> {
        root::find(self.groups.get(&incident)?, &self.graph)
    }

    /// Who calls whom, as learnt.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    fn hear(&mut self, alert: &Alert) {
        self.graph.learn_alert(alert);
        let firing = alert.status == AlertStatus::Firing;
        let quiet = alert.severity() == Severity::Info || alert.anomalies.contains(&Anomaly::TestAlert);
        let print = Print::of(&alert.fingerprint);
        let starts = Micros::from(alert.starts_at);
        let place = |starts: Micros| (starts.time(), print.clone());
        if let Some(known) = self.alerts.get_mut(&print) {
            let again = starts > known.latest;
            known.latest = known.latest.max(starts);
            if again && known.incident.is_some_and(|id| self.over.contains(&id)) {
                // It fired again after its incident was over: that is another incident's matter, ended already or not.
                known.incident = None;
                known.starts = starts;
                if firing || !quiet {
                    self.waiting.insert(place(starts));
                }
            } else if known.incident.is_none() && starts < known.starts {
                let loose = self.loose.remove(known, &print);
                if self.waiting.remove(&place(known.starts)) || loose {
                    self.waiting.insert(place(starts));
                }
                known.starts = starts;
            }
            if known.quiet && !firing {
                self.loose.remove(known, &print);
                self.waiting.remove(&place(known.starts));
            }
            return;
        }
        let name = alert.name();
        let component = alert.service().cloned().unwrap_or_else(|| name.clone());
        let beside = ["cluster", "namespace"].map(|label| alert.labels.get(label).map_or("", Untrusted::raw));
        let beside_it = format!("{}\u{1f}{}", beside[0], beside[1]);
        let kin = Untrusted::from(format!("{beside_it}\u{1f}{}", name.raw()));
        let namespace = (!beside[1].is_empty()).then(|| self.names.id(&beside_it.into()));
        let known = Known {
            component: self.names.id(&component),
            name: self.names.id(&name),
            kin: self.names.id(&kin),
            place: namespace,
            sign: Sign::of(alert),
            quiet,
            starts,
            latest: starts,
            incident: None,
        };
        // Also one that has ended already: it may have fired and ended while nobody looked, or its end overtook its start.
        if firing || !quiet {
            self.waiting.insert(place(starts));
        }
        self.alerts.insert(print, known);
    }

    pub(super) fn open(&mut self, incident: IncidentId) {
        self.highest = self.highest.max(incident.0);
        if !self.over.contains(&incident) {
            self.groups.entry(incident).or_default();
        }
    }

    /// Puts an alert into an incident, out of any other. Says whether that is news to alerts nearby.
    pub(super) fn put(&mut self, print: &Print, incident: IncidentId) -> bool {
        self.open(incident);
        let Some(known) = self.alerts.get_mut(print) else { return false };
        self.waiting.remove(&(known.starts.time(), print.clone()));
        self.loose.remove(known, print);
        if known.incident == Some(incident) {
            return false;
        }
        let subject = Subject::of(known, &self.names);
        self.lift(print);
        if let Some(known) = self.alerts.get_mut(print) {
            known.incident = Some(incident);
        }
        let Some(group) = self.groups.get_mut(&incident) else { return false };
        let news = group.add(print, &subject);
        if news {
            self.by_component.entry(subject.component).or_default().insert(incident);
        }
        for name in [Some(subject.kin), subject.place].into_iter().flatten() {
            self.by_kin.entry(name).or_default().insert(incident);
        }
        news
    }

    /// Takes an alert out of its incident, if it is in one.
    pub(super) fn lift(&mut self, print: &Print) {
        let Some(known) = self.alerts.get_mut(print) else { return };
        let Some(before) = known.incident.take() else { return };
        let subject = Subject::of(known, &self.names);
        let Some(group) = self.groups.get_mut(&before) else { return };
        group.remove(&subject);
        if !group.moved.contains_key(&subject.component)
            && let Some(set) = self.by_component.get_mut(&subject.component)
        {
            set.remove(&before);
        }
    }

    /// The earliest alerts of an incident, as they would come back in another.
    pub(super) fn names_of(&self, incident: IncidentId) -> impl Iterator<Item = Profile> {
        let early = self.groups.get(&incident).into_iter().flat_map(|group| &group.early);
        early.filter_map(|early| Some((self.names.find(&early.component)?, early.kin)))
    }

    /// Nothing joins it any more, and nothing of it is needed to place others.
    fn close(&mut self, incident: IncidentId) {
        self.over.insert(incident);
        let Some(group) = self.groups.remove(&incident) else { return };
        for kin in group.named.keys() {
            if let Some(set) = self.by_kin.get_mut(kin) {
                set.remove(&incident);
                if set.is_empty() {
                    self.by_kin.remove(kin);
                }
            }
        }
        for name in group.moved.keys() {
            if let Some(set) = self.by_component.get_mut(name) {
                set.remove(&incident);
                if set.is_empty() {
                    self.by_component.remove(name);
                }
            }
        }
    }

    /// The alerts of an incident as far as they are still known. Looks at all alerts: for what people do by hand.
    fn members(&self, incident: IncidentId) -> BTreeSet<Profile> {
        let own = self.alerts.values().filter(|alert| alert.incident == Some(incident));
        own.map(|alert| (alert.component, alert.kin)).collect()
    }

    fn regroup(&mut self, regrouped: &Regrouped) {
        match regrouped {
            Regrouped::Split { from, into, alerts, .. } => {
                for print in alerts {
                    self.put(&Print::of(print), *into);
                }
                let rest = self.members(*from);
                for alert in alerts.iter().filter_map(|print| self.alerts.get(&Print::of(print))) {
                    self.past.part((alert.component, alert.kin), &rest);
                }
            }
            Regrouped::Merge { from, into, .. } => {
                // Looks at all alerts: for what people do by hand, not for every entry.
                let of_it = self.alerts.iter().filter(|(_, alert)| alert.incident == Some(*from));
                let moving: Vec<_> = of_it.map(|(print, _)| print.clone()).collect();
                for print in &moving {
                    self.put(print, *into);
                }
                self.close(*from);
                let members = self.members(*into);
                self.past.confirm(*into, members.into_iter());
            }
            Regrouped::Lock { incident, .. } => {
                self.open(*incident);
                if let Some(group) = self.groups.get_mut(incident) {
                    group.locked = true;
                }
                // Who locks a grouping says that it is right: its alerts are of one cause.
                let members = self.members(*incident);
                self.past.confirm(*incident, members.into_iter());
            }
        }
    }
}
