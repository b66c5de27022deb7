//! Which components moved before which in past incidents: what stands in for calls where none are known.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{Time, Untrusted};

/// At most so many pairs are counted; more are counted as left out.
const MAX_PAIRS: usize = 20_000;
/// Of one incident so many components, those that moved first.
const MOST_MOVED: usize = 24;
/// What moved nearer to each other moved at once: rules are checked every half minute or so, but of one batch.
const AT_ONCE_S: i64 = 5;
/// What moved farther apart says nothing of one leading to the other.
const FAR_S: i64 = 900;
/// In fewer incidents than this nothing is learnt.
const LEAST: u32 = 5;
/// One moves first so often, by Laplace's rule of succession, which shrinks few incidents towards a half.
const OFTEN: f64 = 0.7;

/// How often one of two components moved first, of the past incidents in which both did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// It moved first.
    pub first: u32,
    /// Both moved.
    pub of: u32,
}

impl Order {
    /// In words: `moved first in 7 of 9 past incidents`.
    #[must_use]
    pub fn words(self) -> String {
        format!("moved first in {} of {} past incidents", self.first, self.of)
    }

    fn is_often(self) -> bool {
        self.of >= LEAST && (f64::from(self.first) + 1.0) / (f64::from(self.of) + 2.0) >= OFTEN
    }
}

/// Counts of a pair, the lesser name first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts(u32, u32, u32);

/// Who moved first, pair by pair, and the arrows that come of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Orders {
    counts: BTreeMap<Untrusted, BTreeMap<Untrusted, Counts>>,
    pairs: usize,
    left_out: u64,
    /// From what moves later to what moves first, and back.
    earlier: BTreeMap<Untrusted, BTreeSet<Untrusted>>,
    later: BTreeMap<Untrusted, BTreeSet<Untrusted>>,
    /// How often something was learnt.
    learnt: usize,
}

impl Orders {
    /// An incident is over in which these components moved, each first at its time.
    pub(super) fn learn(&mut self, moved: impl Iterator<Item = (Untrusted, Time)>) {
        let mut first: BTreeMap<Untrusted, Time> = BTreeMap::new();
        for (name, at) in moved {
            let known = first.entry(name).or_insert(at);
            *known = at.min(*known);
        }
        let mut moved: Vec<(Untrusted, Time)> = first.into_iter().collect();
        moved.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        moved.truncate(MOST_MOVED);
        for (place, (one, at)) in moved.iter().enumerate() {
            for (other, then) in &moved[place + 1..] {
                self.count(one, other, then.duration_since(*at).as_secs());
            }
        }
        // An arrow is drawn between neighbours only: what leads from one to the other by way of a third is two arrows.
        let often = |first: &Untrusted, later: &Untrusted| self.order(first, later).is_some_and(Order::is_often);
        let mut arrows = Vec::new();
        for (one, _) in &moved {
            for (other, _) in moved.iter().filter(|(other, _)| other != one) {
                let between = |(third, _): &(Untrusted, Time)| {
                    third != one && third != other && often(one, third) && often(third, other)
                };
                arrows.push((one, other, often(one, other) && !moved.iter().any(between)));
            }
        }
        for (first, later, is) in arrows {
            let (ends, begins) =
                (self.later.entry(first.clone()).or_default(), self.earlier.entry(later.clone()).or_default());
            if is {
                ends.insert(later.clone());
                begins.insert(first.clone());
            } else {
                ends.remove(later);
                begins.remove(first);
            }
        }
        self.earlier.retain(|_, names| !names.is_empty());
        self.later.retain(|_, names| !names.is_empty());
        self.learnt += 1;
    }

    /// `one` moved so many seconds before `other`.
    fn count(&mut self, one: &Untrusted, other: &Untrusted, seconds: i64) {
        let (lesser, greater) = if one < other { (one, other) } else { (other, one) };
        let known = self.counts.get(lesser).is_some_and(|pairs| pairs.contains_key(greater));
        if !known {
            if self.pairs >= MAX_PAIRS {
                self.left_out += 1;
                return;
            }
            self.pairs += 1;
        }
        let counts = self.counts.entry(lesser.clone()).or_default().entry(greater.clone()).or_default();
        counts.2 = counts.2.saturating_add(1);
        if (AT_ONCE_S..=FAR_S).contains(&seconds) {
            let first = if one == lesser { &mut counts.0 } else { &mut counts.1 };
            *first = first.saturating_add(1);
        }
    }

    /// How often `first` moved before `later`.
    pub(super) fn order(&self, first: &Untrusted, later: &Untrusted) -> Option<Order> {
        let (lesser, greater) = if first < later { (first, later) } else { (later, first) };
        let counts = self.counts.get(lesser)?.get(greater)?;
        Some(Order { first: if first == lesser { counts.0 } else { counts.1 }, of: counts.2 })
    }

    /// What usually moves before `name`.
    pub(super) fn earlier(&self, name: &Untrusted) -> impl Iterator<Item = &Untrusted> {
        self.earlier.get(name).into_iter().flatten()
    }

    /// What usually moves after `name`.
    pub(super) fn later(&self, name: &Untrusted) -> impl Iterator<Item = &Untrusted> {
        self.later.get(name).into_iter().flatten()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.earlier.is_empty()
    }

    /// Only ever grows, so that it says whether anything was learnt since.
    pub(super) fn learnt(&self) -> usize {
        self.learnt
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(orders: &mut Orders, moved: &[(&str, i64)]) {
        let at = |second: i64| Time::from_second(1_790_000_000 + second).unwrap();
        orders.learn(moved.iter().map(|(name, second)| (Untrusted::from(*name), at(*second))));
    }

    fn arrows(orders: &Orders) -> Vec<String> {
        let pair = |(later, first): (&Untrusted, &Untrusted)| format!("{} {}", first.raw(), later.raw());
        orders.earlier.iter().flat_map(|(later, all)| all.iter().map(move |first| (later, first))).map(pair).collect()
    }

    #[test]
    fn what_moves_first_often_enough_is_an_arrow_and_a_chain_has_no_short_cut() {
        let mut orders = Orders::default();
        for _ in 0..4 {
            incident(&mut orders, &[("db", 0), ("api", 40), ("web", 90)]);
            assert_eq!(arrows(&orders), Vec::<String>::new(), "too few to say");
        }
        incident(&mut orders, &[("db", 0), ("api", 40), ("web", 90)]);
        assert_eq!(arrows(&orders), ["db api", "api web"]);
        assert_eq!(orders.order(&"db".into(), &"web".into()), Some(Order { first: 5, of: 5 }));
        assert_eq!(orders.order(&"web".into(), &"db".into()).unwrap().words(), "moved first in 0 of 5 past incidents");
    }

    #[test]
    fn either_way_round_at_once_or_an_hour_apart_is_no_order() {
        let mut orders = Orders::default();
        for n in 0..20 {
            let (a, b) = if n % 2 == 0 { (0, 60) } else { (60, 0) };
            incident(&mut orders, &[("a", a), ("b", b), ("c", 61), ("d", 4_000)]);
        }
        assert!(!arrows(&orders).iter().any(|arrow| arrow.contains('d') || arrow == "a b" || arrow == "b a"));
        // What held once and holds no more is taken back.
        let mut turned = Orders::default();
        (0..6).for_each(|_| incident(&mut turned, &[("a", 0), ("b", 60)]));
        assert_eq!(arrows(&turned), ["a b"]);
        (0..6).for_each(|_| incident(&mut turned, &[("a", 60), ("b", 0)]));
        assert_eq!(arrows(&turned), Vec::<String>::new());
    }

    #[test]
    fn it_stays_bounded_and_says_what_it_left_out() {
        let mut orders = Orders::default();
        for n in 0..120 {
            let names: Vec<String> = (0..24).map(|i| format!("s{n}-{i}")).collect();
            let moved: Vec<(&str, i64)> = names.iter().map(String::as_str).zip(0..).collect();
            incident(&mut orders, &moved);
        }
        assert_eq!(orders.pairs, MAX_PAIRS);
        assert!(orders.left_out() > 0);
    }
}
