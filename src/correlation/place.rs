//! Placing alerts one by one, at a cost that does not grow with the number of open alerts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{
    Alert, AlertStatus, Anomaly, Fact, Fingerprint, IncidentId, Reason, Regrouped, Rule, Severity, Time, Untrusted,
};

use super::graph::Graph;
use super::group::{Group, Known};
use super::root::{self, Root};
use super::sign::Sign;
use super::tie::{self, Side, Tie, say};

/// What can be set. The weights of ties are in one unit; a minute between two alerts costs [`Settings::per_minute`] of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// An alert joins no incident whose related component moved longer before or after it than this, in seconds.
    pub window_s: i64,
    /// The least score at which it joins.
    pub threshold: f64,
    /// What each minute between it and what it is tied to costs.
    pub per_minute: f64,
    /// At most so many components on either side are looked at.
    pub neighbours: usize,
    /// At most so many incidents of one component, the newest, are looked at.
    pub incidents: usize,
    /// Calls between two components that can still be related.
    pub hops: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_s: 600, threshold: 0.3, per_minute: 0.25, neighbours: 64, incidents: 8, hops: 3 }
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
    settings: Settings,
    graph: Graph,
    alerts: BTreeMap<Fingerprint, Known>,
    groups: BTreeMap<IncidentId, Group>,
    /// Open incidents by component.
    by_component: BTreeMap<Untrusted, BTreeSet<IncidentId>>,
    /// Open incidents by name and place of their alerts.
    by_kin: BTreeMap<String, BTreeSet<IncidentId>>,
    /// Informational and test alerts that fire and are tied to nothing.
    loose: BTreeSet<(Time, Fingerprint)>,
    /// Alerts that are in no incident yet, oldest first.
    waiting: BTreeSet<(Time, Fingerprint)>,
    highest: u64,
}

/// At most so many loose alerts are looked at again when others come.
const MAX_AGAIN: usize = 256;

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
            Fact::IncidentOpened(opened) => self.open(opened.incident),
            Fact::Grouped(grouped) => {
                let by_hand = grouped.reason.rule == Rule::ByHand;
                grouped.alerts.iter().for_each(|print| self.put(print, grouped.incident, by_hand));
            }
            Fact::Regrouped(regrouped) => self.regroup(regrouped),
            Fact::Resolved(resolved) => self.close(resolved.incident),
            _ => {}
        }
    }

    /// Says where the waiting alerts belong, and takes it as done: recording the moves and applying them changes nothing more.
    pub fn decide(&mut self) -> Vec<Move> {
        let mut waiting = std::mem::take(&mut self.waiting);
        // What was tied to nothing may be tied to what comes now, as long as it is recent.
        if let Some((newest, _)) = waiting.last().cloned() {
            let recent = newest - jiff::SignedDuration::from_secs(3 * self.settings.window_s);
            let again: Vec<_> =
                self.loose.iter().rev().take_while(|(at, _)| *at >= recent).take(MAX_AGAIN).cloned().collect();
            for loose in again {
                self.loose.remove(&loose);
                waiting.insert(loose);
            }
        }
        let mut moves = Vec::new();
        for (starts, print) in waiting {
            let Some(alert) = self.alerts.get(&print).cloned() else { continue };
            match self.best_tie(&alert) {
                Some(tie) => {
                    self.put(&print, tie.incident, false);
                    let reason = Reason { rule: tie.rule, peer: Some(tie.peer), text: tie.text.into() };
                    moves.push(Move::Join { incident: tie.incident, alerts: vec![print], reason });
                }
                None if alert.quiet => {
                    self.loose.insert((starts, print));
                }
                None => {
                    let incident = IncidentId(self.highest + 1);
                    self.open(incident);
                    self.put(&print, incident, false);
                    let text = format!("first alert: {} of {}", say(&alert.name), say(&alert.component));
                    moves.push(Move::Open { incident, founder: print.clone() });
                    let reason = Reason { rule: Rule::Founder, peer: None, text: text.into() };
                    moves.push(Move::Join { incident, alerts: vec![print], reason });
                }
            }
        }
        moves
    }

    /// Where an alert is.
    #[must_use]
    pub fn incident_of(&self, print: &Fingerprint) -> Option<IncidentId> {
        self.alerts.get(print).and_then(|alert| alert.incident)
    }

    /// Firing alerts that are in no incident: informational ones and tests.
    #[must_use]
    pub fn loose(&self) -> u64 {
        self.loose.len() as u64
    }

    /// The component an incident most likely began in.
    #[must_use]
    pub fn root(&self, incident: IncidentId) -> Option<Root> {
        root::find(self.groups.get(&incident)?, &self.graph)
    }

    /// The components of an incident, by when they first moved.
    #[must_use]
    pub fn components(&self, incident: IncidentId) -> Vec<(Time, Untrusted)> {
        let group = self.groups.get(&incident).into_iter();
        let mut found: Vec<_> = group.flat_map(|g| &g.moved).map(|(name, moved)| (moved.first, name.clone())).collect();
        found.sort();
        found
    }

    /// Who calls whom, as learnt.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    fn hear(&mut self, alert: &Alert) {
        let firing = alert.status == AlertStatus::Firing;
        let quiet = alert.severity() == Severity::Info || alert.anomalies.contains(&Anomaly::TestAlert);
        let print = &alert.fingerprint;
        if let Some(known) = self.alerts.get_mut(print) {
            let over = known.incident.and_then(|id| self.groups.get(&id)).is_some_and(|group| group.closed);
            if over && firing && alert.starts_at > known.starts {
                // It fires again after its incident is over: that is another incident's matter.
                known.incident = None;
                known.by_hand = false;
                known.starts = alert.starts_at;
                self.waiting.insert((known.starts, print.clone()));
            } else if known.incident.is_none() && alert.starts_at < known.starts {
                let loose = self.loose.remove(&(known.starts, print.clone()));
                if self.waiting.remove(&(known.starts, print.clone())) || loose {
                    self.waiting.insert((alert.starts_at, print.clone()));
                }
                known.starts = alert.starts_at;
            }
            if known.quiet && !firing {
                self.loose.remove(&(known.starts, print.clone()));
                self.waiting.remove(&(known.starts, print.clone()));
            }
            return;
        }
        let component = alert.service().cloned().unwrap_or_else(|| alert.name());
        let place = ["cluster", "namespace"].map(|label| alert.labels.get(label).map_or("", Untrusted::raw));
        let kin = format!("{}\u{1f}{}\u{1f}{}", place[0], place[1], alert.name().raw());
        let sign = Sign::of(alert);
        let known = Known {
            component,
            name: alert.name(),
            sign,
            starts: alert.starts_at,
            quiet,
            kin,
            incident: None,
            by_hand: false,
        };
        // Also one that has ended already: it may have fired and ended while nobody looked, or its end overtook its start.
        if firing || !quiet {
            self.waiting.insert((known.starts, print.clone()));
        }
        self.alerts.insert(print.clone(), known);
    }

    /// The incident an alert is most strongly tied to. Looks at its own component, at those within a few calls, and at alerts of
    /// the same name; never at all that is open.
    fn best_tie(&self, alert: &Known) -> Option<Tie> {
        let settings = &self.settings;
        let below = self.graph.dependencies(&alert.component, settings.hops).into_iter();
        let above = self.graph.dependents(&alert.component, settings.hops).into_iter();
        let below = below.take(settings.neighbours).map(|(name, hops)| (name, Side::Callee(hops)));
        let above = above.take(settings.neighbours).map(|(name, hops)| (name, Side::Caller(hops)));
        let near = std::iter::once((alert.component.clone(), Side::Own)).chain(below).chain(above);
        let mut ties: Vec<Tie> = Vec::new();
        for (name, side) in near {
            let incidents = self.newest(self.by_component.get(&name));
            ties.extend(incidents.filter_map(|(id, group)| tie::by_component(settings, alert, &name, side, id, group)));
        }
        let kin = self.newest(self.by_kin.get(&alert.kin));
        ties.extend(kin.filter_map(|(id, group)| tie::by_name(settings, alert, id, group)));
        let strong = ties.into_iter().filter(|tie| tie.score > settings.threshold);
        // Equal ties: the older incident, so that the order of looking never decides.
        strong.max_by(|a, b| a.score.total_cmp(&b.score).then(b.incident.cmp(&a.incident)))
    }

    /// The newest incidents of a set that still take alerts in.
    fn newest<'a>(&'a self, of: Option<&'a BTreeSet<IncidentId>>) -> impl Iterator<Item = (IncidentId, &'a Group)> {
        let newest = of.into_iter().flat_map(|set| set.iter().rev().take(self.settings.incidents));
        let open = newest.filter_map(|id| Some((*id, self.groups.get(id)?)));
        open.filter(|(_, group)| !group.locked && !group.closed)
    }

    fn open(&mut self, incident: IncidentId) {
        self.highest = self.highest.max(incident.0);
        self.groups.entry(incident).or_default();
    }

    /// Puts an alert into an incident, out of any other.
    fn put(&mut self, print: &Fingerprint, incident: IncidentId, by_hand: bool) {
        self.open(incident);
        let Some(known) = self.alerts.get_mut(print) else { return };
        self.waiting.remove(&(known.starts, print.clone()));
        self.loose.remove(&(known.starts, print.clone()));
        known.by_hand |= by_hand;
        if known.incident == Some(incident) {
            return;
        }
        let before = known.incident.replace(incident);
        let known = known.clone();
        if let Some(group) = before.and_then(|before| self.groups.get_mut(&before)) {
            group.remove(&known);
            if !group.moved.contains_key(&known.component)
                && let (Some(set), Some(before)) = (self.by_component.get_mut(&known.component), before)
            {
                set.remove(&before);
            }
        }
        if let Some(group) = self.groups.get_mut(&incident) {
            group.add(print, &known);
            self.by_component.entry(known.component).or_default().insert(incident);
            self.by_kin.entry(known.kin).or_default().insert(incident);
        }
    }

    fn close(&mut self, incident: IncidentId) {
        let Some(group) = self.groups.get_mut(&incident) else { return };
        group.closed = true;
        for kin in group.named.keys() {
            if let Some(set) = self.by_kin.get_mut(kin) {
                set.remove(&incident);
            }
        }
        for name in group.moved.keys() {
            if let Some(set) = self.by_component.get_mut(name) {
                set.remove(&incident);
            }
        }
    }

    fn regroup(&mut self, regrouped: &Regrouped) {
        match regrouped {
            Regrouped::Split { into, alerts, .. } => {
                for print in alerts {
                    self.put(print, *into, true);
                }
            }
            Regrouped::Merge { from, into, .. } => {
                let moving: Vec<_> = self
                    .alerts
                    .iter()
                    .filter(|(_, alert)| alert.incident == Some(*from))
                    .map(|(print, _)| print.clone())
                    .collect();
                for print in &moving {
                    self.put(print, *into, true);
                }
                self.close(*from);
            }
            Regrouped::Lock { incident, .. } => {
                self.open(*incident);
                if let Some(group) = self.groups.get_mut(incident) {
                    group.locked = true;
                }
            }
        }
    }
}
