//! What whoever opens an incident needs first: the way trouble took, past incidents that were like it, what its alerts carry.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::correlation::path;
use crate::correlation::similar::{Nearest, Portrait, Seen};
use crate::engine::view::{Hop, PastView, SimilarView, WayView};
use crate::event::{IncidentId, Severity, Time, Untrusted};
use crate::surface::severity::Label;

use super::incident::Incident;
use super::timeline::one_line;
use super::{Fold, limits};

/// What an incident was compared by, and what was found: good until either changes.
#[derive(Debug)]
pub(super) struct Found {
    turned: u64,
    portrait: Portrait,
    nearest: Nearest,
}

impl Fold {
    /// Those that the entry just taken in was about become past incidents, or are none any more. Past is what no alert fires in,
    /// or what a person declared over; what became part of another is a part of that one.
    pub(super) fn keep_past(&mut self) {
        for id in std::mem::take(&mut self.dirty.touched) {
            let Some(incident) = self.state.incidents.get(&id) else { continue };
            let held = self.state.album.holds(id);
            let past = incident.merged_into.is_none()
                && incident.groups.alerts > 0
                && (incident.resolved.is_some() || incident.groups.firing == 0);
            self.dirty.past |= held || past;
            // Of one that is packed the samples and the diagnosis are gone: what it was recognised by stays.
            if past && !(held && incident.ended.is_some()) {
                let portrait = self.portrait(incident);
                self.state.album.take(id, &portrait);
            } else if !past && held {
                self.state.album.forget(id);
            }
        }
    }

    /// What an incident is recognised by.
    fn portrait(&self, incident: &Incident) -> Portrait {
        let names = &self.state.names;
        let alerts = incident.groups.iter().map(|(service, name, _)| (names.get(service), names.get(name)));
        Portrait::of(Seen {
            alerts,
            texts: incident.groups.whole().values().flat_map(|alert| alert.annotations.values()),
            diagnosis: incident.diagnosis.as_ref().map(|newest| &*newest.diagnosis),
            began: incident.groups.began.unwrap_or(incident.opened),
            change_log: !self.state.changes.is_empty(),
        })
    }

    /// Compares those that are shown, diagnosed and not over with past ones, where anything changed since.
    pub(super) fn compare(&mut self, shown: &[IncidentId]) {
        let turned = self.state.album.turned();
        let mut before = std::mem::take(&mut self.compared);
        for id in shown {
            // Before it is diagnosed too little of it is captured to compare it by.
            let ready = |one: &&Incident| !one.over() && one.groups.alerts > 0 && one.diagnosis.is_some();
            let Some(incident) = self.state.incidents.get(id).filter(ready) else { continue };
            let known = before.remove(id);
            if let Some(known) = known {
                let same = known.turned == turned
                    && (!self.dirty.incidents.contains(id) || known.portrait == self.portrait(incident));
                if same {
                    self.compared.insert(*id, known);
                    continue;
                }
            }
            let portrait = self.portrait(incident);
            let nearest = self.state.album.nearest(&portrait, *id);
            self.compared.insert(*id, Found { turned, portrait, nearest });
        }
    }

    /// Past incidents that were like it, as they stand now.
    pub(super) fn similar(&self, id: IncidentId) -> Option<SimilarView> {
        let nearest = &self.compared.get(&id)?.nearest;
        let past = |one: &crate::correlation::similar::Lookalike| {
            let incident = self.state.incidents.get(&one.incident)?;
            let ended = incident.ended();
            let headline = if ended.headline.is_empty() { self.alerting(incident) } else { ended.headline.clone() };
            Some(PastView {
                incident: one.incident,
                began: incident.groups.began.unwrap_or(incident.opened),
                headline,
                likeness: one.likeness,
                chance: one.chance,
                aspects: one.aspects.clone(),
                ended,
            })
        };
        Some(SimilarView {
            past: nearest.past as u64,
            left_out: self.state.album.left_out(),
            novelty: nearest.novelty,
            found: nearest.found.iter().filter_map(past).collect(),
        })
    }

    /// What alerted, where nothing else is known of an incident.
    fn alerting(&self, incident: &Incident) -> Untrusted {
        let first = incident.groups.iter().min_by_key(|(service, name, group)| (group.first, *service, *name));
        let names = &self.state.names;
        let text = first.map(|(service, name, _)| format!("{}: {}", names.get(service).raw(), names.get(name).raw()));
        one_line(&text.unwrap_or_default().into())
    }

    /// The way trouble took from the component that failed first to the one that was paged first and worst.
    pub(super) fn way(&self, incident: &Incident) -> WayView {
        let names = &self.state.names;
        let mut alerted: BTreeMap<Untrusted, (Severity, Time)> = BTreeMap::new();
        for (service, _, group) in incident.groups.iter() {
            let own = alerted.entry(names.get(service)).or_insert((group.severity, group.first));
            *own = (own.0.max(group.severity), own.1.min(group.first));
        }
        let paged =
            alerted.iter().min_by_key(|(_, (severity, first))| (Reverse(*severity), *first)).map(|(name, _)| name);
        let first = incident.diagnosis.as_ref().map(|newest| newest.diagnosis.first_failing.as_ref());
        let missing = |why: String| WayView { hops: Vec::new(), missing: Some(one_line(&why.into())) };
        let (Some(paged), Some(first)) = (paged, first) else {
            return missing("not diagnosed yet".to_owned());
        };
        let Some(first) = first else { return missing("no component is known to have failed first".to_owned()) };
        let graph = self.state.correlator.graph();
        let Some(way) = path(graph, first, paged) else {
            let (first, paged) = (first.raw(), paged.raw());
            return missing(if graph.is_empty() {
                format!(
                    "{first} failed first and {paged} was paged; no calls are known, so not how one led to the other"
                )
            } else {
                format!("{first} failed first and {paged} was paged; no known call leads from one to the other")
            });
        };
        let usual = |before: &Untrusted, service: &Untrusted| {
            let order = graph.order(before, service)?;
            Some(one_line(&format!("{} {}", before.raw(), order.words()).into()))
        };
        let before = std::iter::once(None).chain(way.iter().map(Some));
        let hop = |(before, service): (Option<&Untrusted>, &Untrusted)| Hop {
            usual: before.and_then(|before| usual(before, service)),
            alerted: alerted.get(service).map(|(_, first)| *first),
            service: service.clone(),
        };
        WayView { hops: before.zip(&way).map(hop).collect(), missing: None }
    }
}

/// The labels that an incident's alerts carry, by their names; of alerts that are kept with all their labels.
pub(super) fn labels(incident: &Incident) -> Vec<Label> {
    let alerts = incident.groups.whole();
    let mut found: BTreeMap<&Untrusted, BTreeMap<&Untrusted, u64>> = BTreeMap::new();
    for (name, value) in alerts.values().flat_map(|alert| &alert.labels) {
        *found.entry(name).or_default().entry(value).or_default() += 1;
    }
    let all = alerts.len() as u64;
    let mut labels: Vec<Label> = found
        .into_iter()
        .map(|(name, values)| {
            let with: u64 = values.values().sum();
            let mut values: Vec<(Untrusted, u64)> = values.into_iter().map(|(value, n)| (one_line(value), n)).collect();
            values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            let others = values.iter().skip(limits::LABEL_VALUES).map(|(_, n)| n).sum();
            values.truncate(limits::LABEL_VALUES);
            Label { name: one_line(name), values, others, without: all.saturating_sub(with) }
        })
        .collect();
    // Those that most alerts carry; ids of single ones come last.
    labels.sort_by(|a, b| (a.without, a.others, &a.name).cmp(&(b.without, b.others, &b.name)));
    labels.truncate(limits::LABELS);
    labels
}
