//! A second look at alerts that were placed together, before anything of it is recorded.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{IncidentId, NameId, Print, Reason, Rule};

use super::decide::{Candidate, founder};
use super::group::Subject;
use super::place::{Correlator, Move};
use super::story::{Early, MOST_EARLY, NEW, Story};
use super::tie::say;

/// Rounds of the second look.
const ROUNDS: usize = 4;
/// At most so many alerts, one for each component and name, are looked at again in a round: the newest.
const LOOKED_AT_AGAIN: usize = 256;
/// At most so many pairs of incidents are set against their union.
const PAIRS: usize = 64;
/// A story must be better by this to be told otherwise, so that rounds end.
const BETTER: f64 = 1e-6;

/// The alerts placed in one call.
#[derive(Default)]
pub(super) struct Call {
    /// In order of placing.
    placed: Vec<(Print, IncidentId, Reason)>,
    /// Incidents that begin with this call.
    pub opened: BTreeSet<IncidentId>,
    /// Those of them that would have been part of another, had people not taken such alerts apart.
    pub kept_out: BTreeMap<IncidentId, IncidentId>,
}

impl Call {
    pub(super) fn place(&mut self, print: Print, incident: IncidentId, reason: Reason) {
        self.placed.push((print, incident, reason));
    }
}

/// The alerts of one component and name in one incident, by their place in the call.
type Units = BTreeMap<(IncidentId, NameId, NameId), Vec<usize>>;

impl Correlator {
    /// Looks again at what was placed in this call: whether an alert belongs rather to another incident, and whether two incidents
    /// are one.
    pub(super) fn look_again(&mut self, call: &mut Call) {
        if call.opened.is_empty() || call.placed.len() < 2 {
            return;
        }
        for _ in 0..ROUNDS {
            let mut contested = BTreeSet::new();
            let moved = self.exchange(call, &mut contested);
            let joined = self.unite(call, contested);
            if !moved && !joined {
                break;
            }
        }
    }

    /// Takes out each alert that has ties to several incidents, and puts it where it belongs best now. Notes which
    /// incidents it was between.
    fn exchange(&mut self, call: &mut Call, contested: &mut BTreeSet<(IncidentId, IncidentId)>) -> bool {
        let mut units = Units::new();
        for (place, (print, incident, _)) in call.placed.iter().enumerate() {
            if let Some(known) = self.alerts.get(print) {
                units.entry((*incident, known.component, known.kin)).or_default().push(place);
            }
        }
        let mut order: Vec<(IncidentId, Vec<usize>)> = units.into_iter().map(|((id, ..), all)| (id, all)).collect();
        order.sort_by_key(|(_, all)| all.first().copied());
        let older = order.len().saturating_sub(LOOKED_AT_AGAIN);
        let mut moved = false;
        for (home, places) in order.drain(..).skip(older) {
            let Some(alert) = places.first().and_then(|place| self.subject(&call.placed[*place].0)) else { continue };
            let (ties, looked) = self.ties(&alert);
            self.looked += looked;
            let others: Vec<IncidentId> = ties.keys().copied().filter(|id| *id != home).collect();
            if others.is_empty() {
                continue;
            }
            contested.extend(others.iter().map(|other| (home.min(*other), home.max(*other))));
            for place in &places {
                self.lift(&call.placed[*place].0);
            }
            let rest = self.groups.get(&home).map_or(0, |group| group.alerts);
            let best = self.best(&alert).0;
            let (into, reason) = match best {
                // What an older call opened is not left empty.
                Some(best) if best.belongs() && (rest > 0 || call.opened.contains(&home)) => {
                    (best.incident, best.reason)
                }
                best if rest > 0 && !alert.quiet && !best.as_ref().is_some_and(Candidate::belongs) => {
                    self.found(&alert, best.as_ref(), call)
                }
                _ => (home, call.placed[places[0]].2.clone()),
            };
            for place in places {
                let (print, incident, why) = &mut call.placed[place];
                self.put(&print.clone(), into);
                if *incident != into {
                    (*incident, *why) = (into, reason.clone());
                    moved = true;
                }
            }
        }
        moved
    }

    /// Makes one of two incidents where one story accounts for both better than two, and the newer begins with this call.
    fn unite(&mut self, call: &mut Call, contested: BTreeSet<(IncidentId, IncidentId)>) -> bool {
        let mut joined = false;
        for (older, newer) in contested.into_iter().take(PAIRS) {
            let (Some(a), Some(b)) = (self.groups.get(&older), self.groups.get(&newer)) else { continue };
            let free = !a.locked && !b.locked && a.alerts > 0 && b.alerts > 0 && call.opened.contains(&newer);
            if !free || a.early.len() + b.early.len() > MOST_EARLY {
                continue;
            }
            let mut both: Vec<&Early> = a.early.iter().chain(&b.early).collect();
            both.sort_by(|a, b| a.place().cmp(&b.place()));
            let mut score =
                |early: &[&Early]| Story::of(early.iter().copied(), None, &self.graph, &mut self.routes).score;
            let union = score(&both);
            let [a, b] = [a, b].map(|group| group.early.iter().collect::<Vec<_>>());
            let parts = score(&a) + score(&b);
            // What people took apart is not put together by way of this.
            let parted = self.names_of(newer).map(|own| self.past.parted(own, self.names_of(older)));
            if union - parted.fold(0.0, f64::max) <= parts + BETTER {
                continue;
            }
            joined = true;
            let moving: Vec<usize> = (0..call.placed.len()).filter(|place| call.placed[*place].1 == newer).collect();
            for place in moving {
                let print = call.placed[place].0.clone();
                self.put(&print, older);
                call.placed[place].1 = older;
            }
            // Said anew, now that all are together.
            for place in 0..call.placed.len() {
                if call.placed[place].1 == older && call.placed[place].2.rule == Rule::Founder {
                    call.placed[place].2 = self.say_why(&call.placed[place].0.clone(), older);
                }
            }
        }
        joined
    }

    /// Why an alert that is in an incident belongs there.
    fn say_why(&mut self, print: &Print, incident: IncidentId) -> Reason {
        let Some(alert) = self.subject(print) else {
            return Reason { rule: Rule::Affinity, peer: None, text: "".into() };
        };
        self.lift(print);
        let ties = self.ties(&alert).0.remove(&incident).unwrap_or_default();
        let told = self.weigh(&alert, incident, &ties, false).map(|candidate| candidate.reason);
        self.put(print, incident);
        told.unwrap_or_else(|| {
            let source = self.root(incident).map(|root| say(&root.component)).unwrap_or_default();
            let text = format!("{} and the others depend on {source}", say(&alert.component));
            Reason { rule: Rule::Topology, peer: None, text: text.into() }
        })
    }

    pub(super) fn subject(&self, print: &Print) -> Option<Subject> {
        self.alerts.get(print).map(|known| Subject::of(known, &self.names))
    }

    /// What is to be recorded of a call.
    pub(super) fn moves(&mut self, call: Call) -> Vec<Move> {
        let mut moves = Vec::with_capacity(call.placed.len() + call.opened.len());
        let mut begun = BTreeSet::new();
        for (print, incident, reason) in call.placed {
            let fingerprint = print.fingerprint();
            let first = call.opened.contains(&incident) && begun.insert(incident);
            let reason = match self.subject(&print).filter(|_| first || reason.rule == Rule::Founder) {
                Some(alert) if first => {
                    moves.push(Move::Open { incident, founder: fingerprint.clone() });
                    founder(&alert, call.kept_out.get(&incident).copied())
                }
                // It began an incident which another alert begins now.
                Some(_) => self.say_why(&print, incident),
                None => reason,
            };
            moves.push(Move::Join { incident, alerts: vec![fingerprint], reason });
        }
        // What began and was taken into another never was.
        for incident in call.opened.into_iter().rev().filter(|incident| !begun.contains(incident)) {
            self.groups.remove(&incident);
            if self.highest == incident.0 {
                self.highest -= 1;
            }
        }
        moves
    }
}

/// So that a fault of its own is worth less than any tie.
const _: () = assert!(NEW > 1.0);
