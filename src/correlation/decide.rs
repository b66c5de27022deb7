//! Placing alerts one by one: at a cost that does not grow with how many are open, or with how many found no place.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::event::{IncidentId, Print, Reason, Rule, Untrusted};

use super::again::Call;
use super::group::{Group, Subject};
use super::place::{Correlator, Move, Settings};
use super::reach::Side;
use super::story::{Early, MOST_EARLY, NEW, Story};
use super::tie::{self, Tie, say};

/// At most so many alerts that had found nothing are looked at again when one alert is placed near them.
const AGAIN: usize = 16;
/// At most so many incidents are weighed for one alert, the newest.
const MOST_WEIGHED: usize = 8;
/// A story of at most so few alerts is told from every source anew when it gets another.
const FEW: usize = 3;

/// One incident an alert may belong to.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub incident: IncidentId,
    /// What belonging there is worth, in nats; a fault of its own is worth −[`NEW`].
    pub gain: f64,
    /// It would belong there, had people not taken such alerts apart.
    pub parted: bool,
    pub reason: Reason,
}

impl Candidate {
    /// Whether it is likelier than a fault of its own.
    pub(super) fn belongs(&self) -> bool {
        self.gain > -NEW
    }
}

impl Correlator {
    /// Says where the waiting alerts belong, and takes it as done: recording the moves and applying them changes nothing more.
    ///
    /// They are placed in order of their start, and then looked at again together: what is recorded stays, but an alert that is
    /// not yet may go to an incident that came to light after it.
    pub fn decide(&mut self) -> Vec<Move> {
        self.routes.refresh(&self.graph);
        let mut queue: VecDeque<Print> =
            std::mem::take(&mut self.waiting).into_iter().map(|(_, print)| print).collect();
        let mut call = Call::default();
        while let Some(print) = queue.pop_front() {
            let Some(alert) = self.subject(&print) else { continue };
            let (best, looked) = self.best(&alert);
            self.looked += 1 + looked;
            let (incident, reason) = match best {
                Some(best) if best.belongs() => (best.incident, best.reason),
                _ if alert.quiet => {
                    if let Some(known) = self.alerts.get(&print) {
                        self.loose.insert(known, &print);
                    }
                    continue;
                }
                best => self.found(&alert, best.as_ref(), &mut call),
            };
            if self.put(&print, incident) {
                queue.extend(self.take_loose_near(&alert));
            }
            call.place(print, incident, reason);
        }
        self.look_again(&mut call);
        self.moves(call)
    }

    /// A new incident for an alert that is nobody's effect; not that of the `best` of all.
    pub(super) fn found(&mut self, alert: &Subject, best: Option<&Candidate>, call: &mut Call) -> (IncidentId, Reason) {
        let incident = IncidentId(self.highest + 1);
        self.open(incident);
        call.opened.insert(incident);
        if let Some(best) = best.filter(|best| best.parted) {
            call.kept_out.insert(incident, best.incident);
        }
        (incident, founder(alert, best.filter(|best| best.parted).map(|best| best.incident)))
    }

    /// The incident an alert has most to do with, and how many ties were looked at.
    pub(super) fn best(&mut self, alert: &Subject) -> (Option<Candidate>, u64) {
        // Most alerts of a storm are of another pod: the same alert of the same component needs no second thought.
        let own = self.newest(self.by_component.get(&alert.component));
        let own = own.filter_map(|(id, group)| Some((id, tie::again(&self.settings, alert, group)?)));
        if let Some((incident, tie)) = own.max_by(|a, b| a.1.gain.total_cmp(&b.1.gain).then(b.0.cmp(&a.0))) {
            let (peer, gain) = (Some(tie.peer.clone()), tie.gain);
            let (rule, text) = tie.told(&alert.component, &self.graph);
            let reason = Reason { rule, peer, text: text.into() };
            return (Some(Candidate { incident, gain, parted: false, reason }), 1);
        }
        let (ties, looked) = self.ties(alert);
        let rivals = ties.len() > 1;
        let weighed: Vec<Candidate> =
            ties.into_iter().filter_map(|(id, ties)| self.weigh(alert, id, &ties, rivals)).collect();
        // Equal: the older incident, so that the order of looking never decides.
        (weighed.into_iter().max_by(|a, b| a.gain.total_cmp(&b.gain).then(b.incident.cmp(&a.incident))), looked)
    }

    /// Every tie of an alert, by incident, and how many were looked at. Looks at its own component, at those within a few calls, at
    /// alerts of the same name, at those it was of one cause with before and, while no calls are known at all, of the same
    /// namespace; never at all that is open.
    pub(super) fn ties(&mut self, alert: &Subject) -> (BTreeMap<IncidentId, Vec<Tie>>, u64) {
        let near = self.near(alert);
        let settings = &self.settings;
        let mut looked = 0;
        let mut ties: BTreeMap<IncidentId, Vec<Tie>> = BTreeMap::new();
        let mut add = |id: IncidentId, tie: Option<Tie>| {
            looked += 1;
            if let Some(tie) = tie {
                ties.entry(id).or_default().push(tie);
            }
        };
        for (name, side) in near.iter() {
            for (id, group) in self.newest(self.by_component.get(name)) {
                add(id, tie::by_component(settings, alert, name, *side, group));
            }
        }
        for (id, group) in self.newest(self.by_kin.get(&alert.kin)) {
            add(id, tie::by_name(alert, group));
        }
        if let Some(place) = alert.place.filter(|_| self.graph.is_empty()) {
            for (id, group) in self.newest(self.by_kin.get(&place)) {
                add(id, tie::by_place(settings, alert, place, group));
            }
        }
        // Only what people confirmed is here: for most alerts, nothing.
        for ((component, kin), before) in self.past.companions(alert.profile()).into_iter().take(settings.neighbours) {
            let name = self.names.get(component);
            for (id, group) in self.newest(self.by_component.get(&name)) {
                add(id, tie::by_history(settings, alert, (&name, kin), before, group));
            }
        }
        while ties.len() > MOST_WEIGHED {
            ties.pop_first();
        }
        (ties, looked)
    }

    /// What it is worth to say that an alert belongs to an incident it has ties to; `rivals` = it has ties to others too.
    pub(super) fn weigh(
        &mut self,
        alert: &Subject,
        incident: IncidentId,
        ties: &[Tie],
        rivals: bool,
    ) -> Option<Candidate> {
        let alone =
            ties.iter().map(|tie| if rivals { tie.gain } else { tie.unrivalled }).fold(f64::NEG_INFINITY, f64::max);
        let told = ties.iter().max_by(|a, b| a.tells.total_cmp(&b.tells))?.clone();
        let before = self.past.together(alert.profile(), self.names_of(incident));
        let parted = self.past.parted(alert.profile(), self.names_of(incident));
        let group = self.groups.get_mut(&incident)?;
        let story = gain(group, alert, &self.graph, &mut self.routes);
        let gain = story.max(alone) + before.map_or(0.0, tie::worth) - parted;
        let by_history = ties.iter().find(|tie| tie.rule == Rule::History);
        let told = match by_history {
            Some(history) if story.max(told.gain) <= -NEW => history.clone(),
            _ => told,
        };
        let (own_rule, peer) = (told.rule, Some(told.peer.clone()));
        let (rule, text) = told.told(&alert.component, &self.graph);
        let text = match before.filter(|_| own_rule != Rule::History) {
            Some(before) => format!("{text}; {}", before.words("")),
            None => text,
        };
        let parted = gain <= -NEW && gain + parted > -NEW;
        Some(Candidate { incident, gain, parted, reason: Reason { rule, peer, text: text.into() } })
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
        for (name, _) in self.near(alert).iter() {
            if found.len() >= AGAIN {
                break;
            }
            let Some(name) = self.names.find(name) else { continue };
            found.extend(self.loose.of_component(name, from, to).take(AGAIN - found.len()).cloned());
        }
        found.retain(|print| self.alerts.get(print).is_some_and(|known| self.loose.remove(known, print)));
        found
    }

    /// The components an alert may be tied through, and how they stand to its own.
    fn near(&mut self, alert: &Subject) -> Arc<[(Untrusted, Side)]> {
        let Settings { hops, neighbours, .. } = self.settings;
        let node = self.routes.node(&alert.component);
        let graph = &self.graph;
        self.routes.near(node, |name| {
            let below = graph.dependencies(name, hops).into_iter().take(neighbours);
            let above = graph.dependents(name, hops).into_iter().take(neighbours);
            let below = below.map(|(name, hops)| (name, Side::Callee(hops)));
            let above = above.map(|(name, hops)| (name, Side::Caller(hops)));
            std::iter::once((name.clone(), Side::Own)).chain(below).chain(above).collect()
        })
    }

    /// The newest incidents of a set that still take alerts in.
    fn newest<'a>(&'a self, of: Option<&'a BTreeSet<IncidentId>>) -> impl Iterator<Item = (IncidentId, &'a Group)> {
        let newest = of.into_iter().flat_map(|set| set.iter().rev().take(self.settings.incidents));
        let open = newest.filter_map(|id| Some((*id, self.groups.get(id)?)));
        open.filter(|(_, group)| !group.locked)
    }
}

/// The reason of the first alert of an incident, kept out of another because people took such alerts apart, or of none.
pub(super) fn founder(alert: &Subject, kept_out: Option<IncidentId>) -> Reason {
    let out = kept_out.map(|other| format!("; kept out of {other}: such alerts were taken apart by hand before"));
    let text = format!("first alert: {} of {}{}", say(&alert.name), say(&alert.component), out.unwrap_or_default());
    Reason { rule: Rule::Founder, peer: None, text: text.into() }
}

/// What an alert adds to the story of an incident: how much better, or less badly, the story is with it.
fn gain(group: &mut Group, alert: &Subject, graph: &super::Graph, routes: &mut super::reach::Routes) -> f64 {
    let early = alert.early();
    if group.early.iter().any(|known| known.component == early.component && known.kin == early.kin) {
        // It is in the story already, longer ago than the same trouble lasts.
        return f64::NEG_INFINITY;
    }
    let story = group.story.get_or_insert_with(|| Story::of(group.early.iter(), None, graph, routes));
    if group.early.len() >= MOST_EARLY && group.early.last().is_some_and(|last| last.place() <= early.place()) {
        return story.says(&group.early, &early, graph, routes);
    }
    let place = group.early.partition_point(|known| known.place() <= early.place());
    let mut with: Vec<&Early> = Vec::with_capacity(group.early.len() + 1);
    with.extend(&group.early[..place]);
    with.push(&early);
    with.extend(&group.early[place..]);
    if group.early.len() <= FEW {
        return Story::of(with.into_iter(), None, graph, routes).score - story.score;
    }
    let mut sources = story.sources.clone();
    if !sources.contains(&alert.component) {
        sources.push(alert.component.clone());
    }
    Story::of(with.into_iter(), Some(&sources), graph, routes).score - story.score
}
