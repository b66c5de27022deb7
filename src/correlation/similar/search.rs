//! Which portraits are nearest to one.

use std::cmp::Reverse;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::event::{IncidentId, Untrusted};

use super::chance::Chance;
use super::pages::{Pages, Trait};
use super::portrait::{Aspect, Portrait};

/// So many of the best by their bound are compared in full before more are looked at.
const AT_ONCE: usize = 256;
/// Likeness that differs by less is the same: sums in another order are off by less.
const SAME: f64 = 1e-12;

/// A past incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookalike {
    /// Which.
    pub incident: IncidentId,
    /// How alike, 0 to 1.
    pub likeness: f64,
    /// How often chance brings one as near; `None` with too few past incidents.
    pub chance: Option<Chance>,
    /// In what, and in what not: the aspects that are captured now.
    pub aspects: Vec<InAspect>,
}

/// One aspect of two incidents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InAspect {
    /// Which.
    pub aspect: Aspect,
    /// Whether it was captured then.
    pub captured: bool,
    /// In both, the rarest first.
    pub both: Vec<Untrusted>,
    /// Only now.
    pub now: Vec<Untrusted>,
    /// Only then.
    pub then: Vec<Untrusted>,
}

/// A name that is looked for: its trait (`None` = in no portrait), and how telling it is.
type Asked<'p> = (&'p Untrusted, Option<Trait>, f64);

/// What is looked for: each aspect with its names and the sum of how telling they are.
pub(super) struct Query<'p> {
    aspects: Vec<(Aspect, Vec<Asked<'p>>, f64)>,
    weight: f64,
}

impl Pages {
    /// What is looked for in them.
    pub(super) fn query<'p>(&self, portrait: &'p Portrait) -> Query<'p> {
        let aspects: Vec<_> = portrait
            .iter()
            .map(|(aspect, names)| {
                let traits: Vec<_> = names
                    .iter()
                    .map(|name| {
                        let id = self.find(&(aspect, name.clone()));
                        (name, id, self.telling(id))
                    })
                    .collect();
                let sum = traits.iter().map(|(.., telling)| telling).sum();
                (aspect, traits, sum)
            })
            .collect();
        let weight = aspects.iter().map(|(aspect, ..)| aspect.weight()).sum();
        Query { aspects, weight }
    }

    /// The `most` pages that are nearest, with their likeness; of equally near ones the one taken in last first.
    ///
    /// What a page shares with the query, over what the query holds, is no less than the Jaccard index: pages are compared in
    /// full in the order of that bound, and no further than a better one can come.
    pub(super) fn best(&self, query: &Query<'_>, most: usize, before: IncidentId) -> Vec<(u32, f64)> {
        let mut bounds = vec![0.0_f64; self.written.len()];
        let mut touched: Vec<u32> = Vec::new();
        for (aspect, traits, sum) in &query.aspects {
            for (_, id, telling) in traits {
                let part = aspect.weight() / query.weight * telling / sum;
                for page in id.map(|id| &self.found_on[id as usize]).into_iter().flatten() {
                    let bound = &mut bounds[*page as usize];
                    if *bound == 0.0 {
                        touched.push(*page);
                    }
                    *bound += part;
                }
            }
        }
        // Sums of what is above nothing: their bits are in the order of the numbers.
        let order = |page: &u32| (Reverse(bounds[*page as usize].to_bits()), Reverse(*page));
        let mut best: Vec<(u32, f64)> = Vec::new();
        let mut rest = touched.as_mut_slice();
        while !rest.is_empty() {
            let some = rest.len().min(AT_ONCE);
            if some < rest.len() {
                rest.select_nth_unstable_by_key(some - 1, order);
            }
            let (head, tail) = rest.split_at_mut(some);
            head.sort_unstable_by_key(order);
            for page in head.iter() {
                if best.len() == most && best.last().is_some_and(|(_, worst)| *worst + SAME >= bounds[*page as usize]) {
                    return best;
                }
                let Some((_, traits)) = self.written[*page as usize].as_ref().filter(|(id, _)| *id < before) else {
                    continue;
                };
                let likeness = self.likeness(query, traits);
                best.insert(best.partition_point(|(_, other)| *other >= likeness), (*page, likeness));
                best.truncate(most);
            }
            rest = tail;
        }
        best
    }

    /// How alike a portrait is, 0 to 1. Sums go by the order of the query and of the texts, so that they come out the same after
    /// a restart.
    fn likeness(&self, query: &Query<'_>, traits: &[Trait]) -> f64 {
        let mut then = [0.0_f64; Aspect::ALL.len()];
        for id in traits {
            then[self.names[*id as usize].0 as usize] += self.telling(Some(*id));
        }
        let own: HashSet<Trait> = traits.iter().copied().collect();
        let parts = query.aspects.iter().map(|(aspect, asked, sum)| {
            let both: f64 = asked
                .iter()
                .filter(|(_, id, _)| id.is_some_and(|id| own.contains(&id)))
                .map(|(.., telling)| telling)
                .sum();
            let either = sum + then[*aspect as usize] - both;
            if either > 0.0 { aspect.weight() * both / either } else { 0.0 }
        });
        parts.sum::<f64>() / query.weight.max(f64::MIN_POSITIVE)
    }

    /// A page in words.
    pub(super) fn lookalike(&self, query: &Query<'_>, page: u32, likeness: f64, chance: Option<Chance>) -> Lookalike {
        let (incident, traits) =
            self.written[page as usize].as_ref().map_or((IncidentId(0), &[][..]), |(id, t)| (*id, t));
        let of = |aspect: Aspect| traits.iter().filter(move |id| self.names[**id as usize].0 == aspect);
        let by_rarity = |mut ids: Vec<(f64, &Untrusted)>| {
            ids.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
            ids.into_iter().map(|(_, name)| name.clone()).collect::<Vec<_>>()
        };
        let aspects = query.aspects.iter().map(|(aspect, asked, _)| {
            let shared = |id: Option<Trait>| id.is_some_and(|id| traits.contains(&id));
            let mine = |wanted: bool| {
                asked.iter().filter(move |(_, id, _)| shared(*id) == wanted).map(|(name, _, telling)| (*telling, *name))
            };
            let theirs = of(*aspect).filter(|id| !asked.iter().any(|(_, asked, _)| asked.as_ref() == Some(*id)));
            InAspect {
                aspect: *aspect,
                captured: of(*aspect).next().is_some(),
                both: by_rarity(mine(true).collect()),
                now: by_rarity(mine(false).collect()),
                then: by_rarity(theirs.map(|id| (self.telling(Some(*id)), &self.names[*id as usize].1)).collect()),
            }
        });
        Lookalike { incident, likeness, chance, aspects: aspects.collect() }
    }
}
