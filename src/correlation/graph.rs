//! Who calls whom, learnt from topology facts, from spans and from labels that name both ends; and, of components of which no call is
//! known, which moved before which in past incidents.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::event::{Alert, MetricBatch, SpanBatch, SpanId, SpanKind, Topology, Untrusted};

use super::labels;
use super::order::{Order, Orders};

/// At most so many calls are kept; more are counted and left out.
const MAX_EDGES: usize = 50_000;
/// At most so many spans are remembered to find the parent of one that arrives later.
const MAX_RECENT: usize = 50_000;

/// The call graph. A caller depends on its callees; trouble travels from callee to caller.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Graph {
    callees: BTreeMap<Untrusted, BTreeSet<Untrusted>>,
    callers: BTreeMap<Untrusted, BTreeSet<Untrusted>>,
    edges: usize,
    left_out: u64,
    /// Stands in where no call of one of the two is known.
    #[serde(default)]
    orders: Orders,
    #[serde(skip)]
    recent: Recent,
}

/// Which service sent a span, for the newest spans.
#[derive(Clone, Debug, Default)]
struct Recent {
    service: BTreeMap<SpanId, Untrusted>,
    order: VecDeque<SpanId>,
}

impl Graph {
    /// Learns one call. A call to oneself says nothing and is ignored.
    #[expect(clippy::similar_names, reason = "caller and callee are the words for the two ends of a call")]
    pub fn learn(&mut self, caller: &Untrusted, callee: &Untrusted) {
        if caller == callee || caller.is_empty() || callee.is_empty() || self.calls(caller, callee) {
            return;
        }
        if self.edges >= MAX_EDGES {
            self.left_out += 1;
            return;
        }
        self.edges += 1;
        self.callees.entry(caller.clone()).or_default().insert(callee.clone());
        self.callers.entry(callee.clone()).or_default().insert(caller.clone());
    }

    /// Learns every call of `topology`.
    pub fn learn_topology(&mut self, topology: &Topology) {
        for edge in &topology.edges {
            self.learn(&edge.caller, &edge.callee);
        }
    }

    /// Learns the calls that spans show: a parent in another service, or a client span that names its peer.
    pub fn learn_spans(&mut self, batch: &SpanBatch) {
        for resource in batch.resources.iter().filter(|resource| !resource.service.is_empty()) {
            for span in &resource.items {
                if self.recent.service.insert(span.span_id, resource.service.clone()).is_none() {
                    self.recent.order.push_back(span.span_id);
                }
            }
        }
        let mut seen = Vec::new();
        for resource in &batch.resources {
            for span in &resource.items {
                let parent = span.parent.and_then(|id| self.recent.service.get(&id));
                if let Some(parent) = parent.filter(|parent| **parent != resource.service) {
                    seen.push((parent.clone(), resource.service.clone()));
                }
                if span.kind == SpanKind::Client {
                    let peer = span.attributes.get("peer.service").and_then(|value| value.as_str());
                    seen.extend(peer.map(|peer| (resource.service.clone(), Untrusted::from(peer))));
                }
            }
        }
        for (caller, callee) in seen {
            self.learn(&caller, &callee);
        }
        while self.recent.order.len() > MAX_RECENT {
            if let Some(old) = self.recent.order.pop_front() {
                self.recent.service.remove(&old);
            }
        }
    }

    /// Learns the calls that the labels of series name.
    pub fn learn_series(&mut self, batch: &MetricBatch) {
        for series in &batch.series {
            if let Some((from, to)) = labels::call(series.name.raw(), series.service(), &series.labels) {
                self.learn(&from, &to);
            }
        }
    }

    /// Learns the call that the labels of an alert name.
    pub fn learn_alert(&mut self, alert: &Alert) {
        if let Some((from, to)) = labels::call("", alert.service(), &alert.labels) {
            self.learn(&from, &to);
        }
    }

    /// Learns from an incident that is over which of these components moved before which.
    pub(super) fn learn_order(&mut self, moved: impl Iterator<Item = (Untrusted, crate::event::Time)>) {
        self.orders.learn(moved);
    }

    /// What usually moves before `service` and stands in for what it calls.
    pub(super) fn usually_before(&self, service: &Untrusted) -> impl Iterator<Item = &Untrusted> {
        self.orders.earlier(service).filter(|name| self.is_open(service, name))
    }

    /// What usually moves after `service` and stands in for what calls it.
    pub(super) fn usually_after(&self, service: &Untrusted) -> impl Iterator<Item = &Untrusted> {
        self.orders.later(service).filter(|name| self.is_open(service, name))
    }

    /// Where calls of both are known, they say what leads to what.
    fn is_open(&self, one: &Untrusted, other: &Untrusted) -> bool {
        !(self.is_known(one) && self.is_known(other))
    }

    /// Whether anything was learnt from the order of past incidents.
    pub(super) fn has_order(&self) -> bool {
        !self.orders.is_empty()
    }

    /// How often `first` moved before `later` in past incidents, where that stands in for a call.
    #[must_use]
    pub fn order(&self, first: &Untrusted, later: &Untrusted) -> Option<Order> {
        let stands = self.usually_before(later).any(|name| name == first);
        stands.then(|| self.orders.order(first, later)).flatten()
    }

    /// Whether known calls alone lead from `caller` to `callee`, over at most `hops` of them.
    #[expect(clippy::similar_names, reason = "caller and callee are the words for the two ends of a call")]
    pub(super) fn calls_lead(&self, caller: &Untrusted, callee: &Untrusted, hops: u32) -> bool {
        walk(|name| self.callees(name.raw()).collect(), caller, hops).iter().any(|(name, _)| name == callee)
    }

    /// Whether `caller` calls `callee` directly.
    #[must_use]
    #[expect(clippy::similar_names, reason = "caller and callee are the words for the two ends of a call")]
    pub fn calls(&self, caller: &Untrusted, callee: &Untrusted) -> bool {
        self.callees.get(caller).is_some_and(|callees| callees.contains(callee))
    }

    /// What `service` calls.
    pub fn callees(&self, service: &str) -> impl Iterator<Item = &Untrusted> {
        self.callees.get(service).into_iter().flatten()
    }

    /// Who calls `service`.
    pub fn callers(&self, service: &str) -> impl Iterator<Item = &Untrusted> {
        self.callers.get(service).into_iter().flatten()
    }

    /// Every component that is in a call.
    pub fn components(&self) -> impl Iterator<Item = &Untrusted> {
        let only_called = self.callers.keys().filter(|name| !self.callees.contains_key(*name));
        self.callees.keys().chain(only_called)
    }

    /// Whether a component is in any known call.
    #[must_use]
    pub fn is_known(&self, service: &Untrusted) -> bool {
        self.callees.contains_key(service) || self.callers.contains_key(service)
    }

    /// Whether no call is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edges == 0
    }

    /// How many calls are known and how often orders were learnt. Only ever grows, so that it says whether any was since.
    pub(super) fn calls_known(&self) -> usize {
        self.edges + self.orders.learnt()
    }

    /// Calls left out because there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out + self.orders.left_out()
    }

    /// The distance in calls from each component that depends on `service` (its callers, their callers …), nearest first,
    /// at most `hops` away. `service` itself is not in it.
    #[must_use]
    pub fn dependents(&self, service: &Untrusted, hops: u32) -> Vec<(Untrusted, u32)> {
        walk(|name| self.callers(name.raw()).chain(self.usually_after(name)).collect(), service, hops)
    }

    /// The distance in calls to each component that `service` depends on, nearest first, at most `hops` away.
    #[must_use]
    pub fn dependencies(&self, service: &Untrusted, hops: u32) -> Vec<(Untrusted, u32)> {
        walk(|name| self.callees(name.raw()).chain(self.usually_before(name)).collect(), service, hops)
    }
}

/// Breadth first from `start`, safe against circles.
fn walk<'g>(arrows: impl Fn(&Untrusted) -> Vec<&'g Untrusted>, start: &Untrusted, hops: u32) -> Vec<(Untrusted, u32)> {
    let mut seen = BTreeSet::from([start.clone()]);
    let mut found = Vec::new();
    let mut queue = VecDeque::from([(start.clone(), 0)]);
    while let Some((name, distance)) = queue.pop_front() {
        if distance == hops {
            continue;
        }
        for next in arrows(&name) {
            if seen.insert(next.clone()) {
                found.push((next.clone(), distance + 1));
                queue.push_back((next.clone(), distance + 1));
            }
        }
    }
    found
}
