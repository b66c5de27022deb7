//! How many calls trouble travels from one component to others, worked out once for each component it may begin in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::event::Untrusted;

use super::graph::Graph;
use super::sign::Sign;

/// Wrong and slow answers are followed so many calls up, from callee to caller.
pub(super) const UP: u32 = 4;
/// Want of work is followed so many calls down from each of those.
pub(super) const DOWN: u32 = 3;
/// A component that raises no alert itself may be the source of what moves so many calls above it.
const SILENT: u32 = 2;
/// At most so many components in each direction, the nearest.
const MOST_AROUND: usize = 64;
/// At most so many components that one can starve.
const MOST_STARVED: usize = 1_024;
/// At most so many silent sources of one component.
const MOST_SILENT: usize = 32;
/// At most so many components are remembered; then all are worked out anew.
const MOST_SOURCES: usize = 2_048;

/// How the component of an incident stands to that of the alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The same.
    Own,
    /// Called by it, directly (1) or through others.
    Callee(u32),
    /// Calls it, directly (1) or through others.
    Caller(u32),
}

/// Stands for a component while the routes are remembered.
pub(super) type Node = u32;

/// Where trouble that begins in one component can be seen.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Calls to each component that its wrong or slow answers reach, in order of node: read far more often than made.
    answers: Vec<(Node, u8)>,
    /// The same, of those that its want of work reaches.
    work: Vec<(Node, u8)>,
    /// What it calls, directly or through one other: where trouble that it shows may come from.
    pub below: Vec<Node>,
}

impl Reach {
    /// Calls to a component that shows `sign`; `None` = trouble of this kind does not travel there.
    pub(super) fn hops(&self, to: Node, sign: Sign) -> Option<u8> {
        let known = |list: &[(Node, u8)]| {
            let place = list.binary_search_by_key(&to, |known| known.0).ok()?;
            list.get(place).map(|known| known.1)
        };
        match sign {
            Sign::Starved | Sign::Flooded => known(&self.work),
            Sign::Answers | Sign::Slow | Sign::Body => known(&self.answers),
            Sign::Other => known(&self.answers).or_else(|| known(&self.work)),
        }
    }
}

/// The reach of the components that were asked for, until another call is learnt.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    calls: usize,
    nodes: HashMap<Untrusted, Node>,
    names: Vec<Untrusted>,
    from: HashMap<Node, Arc<Reach>>,
    near: HashMap<Node, Arc<[(Untrusted, Side)]>>,
}

impl Routes {
    /// Forgets everything when `graph` has learnt calls since, or when too much is remembered.
    pub(super) fn refresh(&mut self, graph: &Graph) {
        if self.calls != graph.calls_known() || self.from.len() > MOST_SOURCES {
            *self = Self { calls: graph.calls_known(), ..Self::default() };
        }
    }

    /// Stands for `name` until the next refresh.
    pub(super) fn node(&mut self, name: &Untrusted) -> Node {
        if let Some(node) = self.nodes.get(name) {
            return *node;
        }
        let node = Node::try_from(self.names.len()).unwrap_or(Node::MAX);
        self.names.push(name.clone());
        self.nodes.insert(name.clone(), node);
        node
    }

    /// What `node` stands for: nodes come from [`Self::node`] alone, and both are forgotten together.
    pub(super) fn name(&self, node: Node) -> &Untrusted {
        &self.names[node as usize]
    }

    /// What stands near `node`, as `look` finds it the first time.
    pub(super) fn near(
        &mut self,
        node: Node,
        look: impl FnOnce(&Untrusted) -> Arc<[(Untrusted, Side)]>,
    ) -> Arc<[(Untrusted, Side)]> {
        if let Some(near) = self.near.get(&node) {
            return Arc::clone(near);
        }
        if self.near.len() >= MOST_SOURCES {
            self.near.clear();
        }
        let near = look(self.name(node));
        self.near.insert(node, Arc::clone(&near));
        near
    }

    /// The reach of `node`.
    pub(super) fn reach(&mut self, graph: &Graph, node: Node) -> Arc<Reach> {
        if let Some(reach) = self.from.get(&node) {
            return Arc::clone(reach);
        }
        let name = self.name(node).clone();
        let mut answers = BTreeMap::from([(node, 0)]);
        let mut work = answers.clone();
        let above: Vec<(Untrusted, u32)> = std::iter::once((name.clone(), 0))
            .chain(graph.dependents(&name, UP).into_iter().take(MOST_AROUND))
            .collect();
        for (caller, up) in &above {
            let up = u8::try_from(*up).unwrap_or(u8::MAX);
            answers.insert(self.node(caller), up);
            for (starved, down) in graph.dependencies(caller, DOWN).into_iter().take(MOST_AROUND) {
                let hops = up.saturating_add(u8::try_from(down).unwrap_or(u8::MAX));
                let starved = self.node(&starved);
                if work.len() < MOST_STARVED || work.contains_key(&starved) {
                    let known = work.entry(starved).or_insert(hops);
                    *known = hops.min(*known);
                }
            }
            let known = work.entry(self.node(caller)).or_insert(up);
            *known = up.min(*known);
        }
        let below = graph.dependencies(&name, SILENT);
        let below = below.into_iter().take(MOST_SILENT).map(|(name, _)| self.node(&name)).collect();
        let reach = Reach { answers: answers.into_iter().collect(), work: work.into_iter().collect(), below };
        let reach = Arc::new(reach);
        self.from.insert(node, Arc::clone(&reach));
        reach
    }
}
