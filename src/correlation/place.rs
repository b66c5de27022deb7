//! Placing alerts one by one, at a cost that does not grow with the number of open alerts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{
    Alert, AlertStatus, Anomaly, Fact, Fingerprint, IncidentId, Policy, Reason, Regrouped, Rule, Severity, Time,
    Untrusted,
};

use super::graph::Graph;
use super::group::{Group, Known};
use super::root::{self, Root};
use super::sign::Sign;

/// What can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// An alert joins no incident whose component last moved longer ago than this, in seconds.
    pub window_s: i64,
    /// The least score at which it joins.
    pub threshold: f64,
    /// At most so many neighbours of a component are looked at.
    pub neighbours: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_s: 600, threshold: 0.0, neighbours: 64 }
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
    /// Alerts that are in no incident yet, oldest first.
    waiting: BTreeSet<(Time, Fingerprint)>,
    highest: u64,
}

/// One reason to join one incident.
struct Tie {
    score: f64,
    incident: IncidentId,
    rule: Rule,
    peer: Fingerprint,
    text: String,
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
        let waiting = std::mem::take(&mut self.waiting);
        let mut moves = Vec::new();
        for (starts, print) in waiting {
            let Some(alert) = self.alerts.get(&print).cloned() else { continue };
            match self.best_tie(&alert, &print) {
                Some(tie) => {
                    self.put(&print, tie.incident, false);
                    let reason = Reason { rule: tie.rule, peer: Some(tie.peer), text: tie.text.into() };
                    moves.push(Move::Join { incident: tie.incident, alerts: vec![print], reason });
                }
                None if alert.quiet => {
                    self.waiting.insert((starts, print));
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
        self.waiting.len() as u64
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
                if self.waiting.remove(&(known.starts, print.clone())) {
                    self.waiting.insert((alert.starts_at, print.clone()));
                }
                known.starts = alert.starts_at;
            }
            if known.quiet && !firing {
                self.waiting.remove(&(known.starts, print.clone()));
            }
            return;
        }
        let component = alert.service().cloned().unwrap_or_else(|| alert.name());
        let place = ["cluster", "namespace"].iter().filter_map(|label| alert.labels.get(*label).cloned()).collect();
        let sign = Sign::of(alert);
        let known = Known {
            component,
            name: alert.name(),
            sign,
            starts: alert.starts_at,
            quiet,
            place,
            incident: None,
            by_hand: false,
        };
        // Also one that has ended already: it may have fired and ended while nobody looked, or its end overtook its start.
        if firing || !quiet {
            self.waiting.insert((known.starts, print.clone()));
        }
        self.alerts.insert(print.clone(), known);
    }

    fn best_tie(&self, alert: &Known, print: &Fingerprint) -> Option<Tie> {
        let mut best: Option<Tie> = None;
        let near = self.graph.callees(alert.component.raw()).map(|name| (name, true));
        let above = self.graph.callers(alert.component.raw()).map(|name| (name, false));
        let neighbours = near.chain(above).take(self.settings.neighbours).map(|(name, callee)| (name, Some(callee)));
        for (name, callee) in std::iter::once((&alert.component, None)).chain(neighbours) {
            for incident in self.by_component.get(name).into_iter().flatten() {
                let Some(group) = self.groups.get(incident).filter(|group| !group.locked && !group.closed) else {
                    continue;
                };
                let Some(moved) = group.moved.get(name) else { continue };
                let gap = alert.starts.duration_since(moved.first).as_secs();
                let since = alert.starts.duration_since(moved.latest).as_secs();
                if since > self.settings.window_s || moved.alert == *print {
                    continue;
                }
                let closeness = 1.0 - (since.max(0) as f64) / (self.settings.window_s as f64);
                let (weight, rule, text) = match callee {
                    None => {
                        (2.0, Rule::SameService, format!("same component, {}; it moved {} s earlier", say(name), gap))
                    }
                    Some(true) => (
                        1.0,
                        Rule::Topology,
                        format!("{} calls {}; {} moved {} s earlier", say(&alert.component), say(name), say(name), gap),
                    ),
                    Some(false) => (
                        0.8,
                        Rule::Topology,
                        format!(
                            "{} is called by {}; {} moved {} s earlier",
                            say(&alert.component),
                            say(name),
                            say(name),
                            gap
                        ),
                    ),
                };
                let score = weight * closeness;
                if score > self.settings.threshold && best.as_ref().is_none_or(|best| score > best.score) {
                    best = Some(Tie { score, incident: *incident, rule, peer: moved.alert.clone(), text });
                }
            }
        }
        best
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
        known.by_hand |= by_hand;
        if known.incident == Some(incident) {
            return;
        }
        let before = known.incident.replace(incident);
        let known = known.clone();
        if let Some(group) = before.and_then(|before| self.groups.get_mut(&before)) {
            group.remove(&known);
            if !group.moved.contains_key(&known.component) {
                if let (Some(set), Some(before)) = (self.by_component.get_mut(&known.component), before) {
                    set.remove(&before);
                }
            }
        }
        if let Some(group) = self.groups.get_mut(&incident) {
            group.add(print, &known);
            self.by_component.entry(known.component).or_default().insert(incident);
        }
    }

    fn close(&mut self, incident: IncidentId) {
        let Some(group) = self.groups.get_mut(&incident) else { return };
        group.closed = true;
        for name in group.moved.keys() {
            if let Some(set) = self.by_component.get_mut(name) {
                set.remove(&incident);
            }
        }
    }

    fn regroup(&mut self, regrouped: &Regrouped) {
        match regrouped {
            Regrouped::Split { into, alerts, .. } => {
                alerts.iter().for_each(|print| self.put(print, *into, true));
            }
            Regrouped::Merge { from, into, .. } => {
                let moving: Vec<_> = self
                    .alerts
                    .iter()
                    .filter(|(_, alert)| alert.incident == Some(*from))
                    .map(|(print, _)| print.clone())
                    .collect();
                moving.iter().for_each(|print| self.put(print, *into, true));
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

/// A name as it may stand in a sentence.
fn say(name: &Untrusted) -> String {
    name.show(Policy::Prose).as_str().to_owned()
}
