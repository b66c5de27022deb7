//! Placing alerts one by one: at a cost that does not grow with how many are open, or with how many found no place.

use std::collections::{BTreeSet, VecDeque};

use crate::event::{IncidentId, Print, Reason, Rule};

use super::group::{Group, Subject};
use super::place::{Correlator, Move};
use super::tie::{self, Side, Tie, say};

/// At most so many alerts that had found nothing are looked at again when one alert is placed near them.
const AGAIN: usize = 16;

impl Correlator {
    /// Says where the waiting alerts belong, and takes it as done: recording the moves and applying them changes nothing more.
    pub fn decide(&mut self) -> Vec<Move> {
        let mut queue: VecDeque<Print> =
            std::mem::take(&mut self.waiting).into_iter().map(|(_, print)| print).collect();
        let mut moves = Vec::new();
        while let Some(print) = queue.pop_front() {
            let Some(known) = self.alerts.get(&print) else { continue };
            let alert = Subject::of(known, &self.names);
            let fingerprint = print.fingerprint();
            let (tie, looked) = self.best_tie(&alert);
            self.looked += 1 + looked;
            let (incident, reason) = match tie {
                Some(tie) => (tie.incident, Reason { rule: tie.rule, peer: Some(tie.peer), text: tie.text.into() }),
                None if alert.quiet => {
                    self.loose.insert(known, &print);
                    continue;
                }
                None => {
                    let incident = IncidentId(self.highest + 1);
                    let text = format!("first alert: {} of {}", say(&alert.name), say(&alert.component));
                    moves.push(Move::Open { incident, founder: fingerprint.clone() });
                    (incident, Reason { rule: Rule::Founder, peer: None, text: text.into() })
                }
            };
            if self.put(&print, incident) {
                queue.extend(self.take_loose_near(&alert));
            }
            moves.push(Move::Join { incident, alerts: vec![fingerprint], reason });
        }
        moves
    }

    /// Takes out the loose alerts that may be tied to `alert` now that it is placed: of its component, of those within a few
    /// calls, and of its name.
    fn take_loose_near(&mut self, alert: &Subject) -> Vec<Print> {
        if self.loose() == 0 {
            return Vec::new();
        }
        let reach = jiff::SignedDuration::from_secs(3 * self.settings.window_s);
        let from = alert.starts.checked_sub(reach).unwrap_or(alert.starts);
        let to = alert.starts.checked_add(reach).unwrap_or(alert.starts);
        let mut found: Vec<Print> = self.loose.of_kin(alert.kin, from, to).take(AGAIN).cloned().collect();
        for (name, _) in self.near(alert) {
            if found.len() >= AGAIN {
                break;
            }
            let Some(name) = self.names.find(&name) else { continue };
            found.extend(self.loose.of_component(name, from, to).take(AGAIN - found.len()).cloned());
        }
        found.retain(|print| self.alerts.get(print).is_some_and(|known| self.loose.remove(known, print)));
        found
    }

    /// The components an alert may be tied through, and how they stand to its own.
    fn near(&self, alert: &Subject) -> impl Iterator<Item = (crate::event::Untrusted, Side)> + use<> {
        let settings = &self.settings;
        let below = self.graph.dependencies(&alert.component, settings.hops).into_iter();
        let above = self.graph.dependents(&alert.component, settings.hops).into_iter();
        let below = below.take(settings.neighbours).map(|(name, hops)| (name, Side::Callee(hops)));
        let above = above.take(settings.neighbours).map(|(name, hops)| (name, Side::Caller(hops)));
        std::iter::once((alert.component.clone(), Side::Own)).chain(below).chain(above)
    }

    /// The incident an alert is most strongly tied to, and how many ties were looked at. Looks at its own component, at those
    /// within a few calls, at alerts of the same name, at those it was of one cause with before and, while no calls are known at all, of the same namespace; never at
    /// all that is open.
    fn best_tie(&self, alert: &Subject) -> (Option<Tie>, u64) {
        let settings = &self.settings;
        let mut looked = 0;
        let mut ties: Vec<Tie> = Vec::new();
        for (name, side) in self.near(alert) {
            let incidents = self.newest(self.by_component.get(&name)).inspect(|_| looked += 1);
            ties.extend(incidents.filter_map(|(id, group)| tie::by_component(settings, alert, &name, side, id, group)));
        }
        let kin = self.newest(self.by_kin.get(&alert.kin)).inspect(|_| looked += 1);
        ties.extend(kin.filter_map(|(id, group)| tie::by_name(settings, alert, id, group)));
        if let Some(place) = alert.place.filter(|_| self.graph.is_empty()) {
            let beside = self.newest(self.by_kin.get(&place)).inspect(|_| looked += 1);
            ties.extend(beside.filter_map(|(id, group)| tie::by_place(settings, alert, place, id, group)));
        }
        // Only what people confirmed is here: for most alerts, nothing.
        for ((component, kin), before) in self.past.companions(alert.profile()).into_iter().take(settings.neighbours) {
            let name = self.names.get(component);
            let there = self.newest(self.by_component.get(&name)).inspect(|_| looked += 1);
            ties.extend(
                there.filter_map(|(id, group)| tie::by_history(settings, alert, (&name, kin), before, id, group)),
            );
        }
        let strong = ties.into_iter().filter(|tie| tie.score > settings.threshold);
        // Equal ties: the older incident, so that the order of looking never decides.
        (strong.max_by(|a, b| a.score.total_cmp(&b.score).then(b.incident.cmp(&a.incident))), looked)
    }

    /// The newest incidents of a set that still take alerts in.
    fn newest<'a>(&'a self, of: Option<&'a BTreeSet<IncidentId>>) -> impl Iterator<Item = (IncidentId, &'a Group)> {
        let newest = of.into_iter().flat_map(|set| set.iter().rev().take(self.settings.incidents));
        let open = newest.filter_map(|id| Some((*id, self.groups.get(id)?)));
        open.filter(|(_, group)| !group.locked)
    }
}
