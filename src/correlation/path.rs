//! The way trouble took from the component that failed first to the one that was paged.

use std::collections::{BTreeMap, VecDeque};

use crate::event::Untrusted;

use super::graph::Graph;

/// No way is followed over more calls than this.
const LONGEST: usize = 8;
/// At most so many components are looked at: in a larger graph no way is found rather than none looked for in time.
const LOOKED_AT: usize = 20_000;

/// The shortest way over calls from `first` to `paged`, both included. Trouble travels from callee to caller; where no such way
/// is known, the other way round: what gets no work any more; and where calls do not lead there at all, by what usually moved after
/// what in past incidents. `None` = nothing that is known leads from one to the other.
#[must_use]
pub fn path(graph: &Graph, first: &Untrusted, paged: &Untrusted) -> Option<Vec<Untrusted>> {
    let callers = |name: &Untrusted| graph.callers(name.raw()).cloned().collect::<Vec<_>>();
    let callees = |name: &Untrusted| graph.callees(name.raw()).cloned().collect::<Vec<_>>();
    let upward = walk(first, paged, callers).or_else(|| walk(first, paged, callees));
    // Where calls do not lead there, what usually moved after what.
    upward.or_else(|| {
        let after = |name: &Untrusted| callers(name).into_iter().chain(graph.usually_after(name).cloned()).collect();
        graph.has_order().then(|| walk(first, paged, after)).flatten()
    })
}

/// Breadth first, safe against circles; of equally short ways always the same.
fn walk(from: &Untrusted, to: &Untrusted, next: impl Fn(&Untrusted) -> Vec<Untrusted>) -> Option<Vec<Untrusted>> {
    let mut came_from: BTreeMap<Untrusted, Untrusted> = BTreeMap::from([(from.clone(), from.clone())]);
    let mut queue = VecDeque::from([(from.clone(), 0)]);
    while let Some((name, calls)) = queue.pop_front() {
        if name == *to {
            let mut way = vec![name.clone()];
            let mut at = &name;
            while let Some(before) = came_from.get(at).filter(|before| *before != at) {
                way.push(before.clone());
                at = before;
            }
            way.reverse();
            return Some(way);
        }
        if calls == LONGEST || came_from.len() > LOOKED_AT {
            continue;
        }
        for neighbour in next(&name) {
            if !came_from.contains_key(&neighbour) {
                came_from.insert(neighbour.clone(), name.clone());
                queue.push_back((neighbour, calls + 1));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(calls: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (caller, callee) in calls {
            graph.learn(&(*caller).into(), &(*callee).into());
        }
        graph
    }

    fn way(graph: &Graph, first: &str, paged: &str) -> Option<String> {
        let way = path(graph, &first.into(), &paged.into())?;
        Some(way.iter().map(Untrusted::raw).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn trouble_travels_from_callee_to_caller_and_want_of_work_the_other_way() {
        let graph = graph(&[("web", "checkout"), ("checkout", "payments"), ("payments", "db"), ("web", "search")]);
        assert_eq!(way(&graph, "db", "web").as_deref(), Some("db payments checkout web"));
        assert_eq!(way(&graph, "web", "db").as_deref(), Some("web checkout payments db"));
        assert_eq!(way(&graph, "db", "db").as_deref(), Some("db"));
        assert_eq!(way(&graph, "search", "db"), None, "no way leads up and down again");
        assert_eq!(way(&graph, "nowhere", "db"), None);
    }

    #[test]
    fn circles_end_and_the_shortest_way_is_taken() {
        let mut calls: Vec<(String, String)> = (0..30).map(|n| (format!("s{}", n + 1), format!("s{n}"))).collect();
        calls.extend([("s0".into(), "s30".into()), ("s5".into(), "s0".into())]);
        let borrowed: Vec<(&str, &str)> = calls.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let graph = graph(&borrowed);
        assert_eq!(way(&graph, "s0", "s6").as_deref(), Some("s0 s5 s6"));
        assert_eq!(way(&graph, "s0", "s20"), None, "too many calls away in either direction");
    }
}
