//! The portraits of past incidents, and which of them are nearest to a new one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::event::{IncidentId, Untrusted};
use crate::intake::limits;

use super::chance::{CHANCE, Chance, LEAST_HISTORY, Looks, Newcomers, draw};
use super::portrait::{Aspect, Portrait};

/// At most so many are named.
const SHOWN: usize = 3;
/// So many of the best by their bound are compared in full before more are looked at.
const AT_ONCE: usize = 256;

/// Newcomers are drawn for the ways in which at least one in so many incidents is captured; for others when they are asked for.
const WAYS: usize = 10;
/// So many of them are drawn …
const DRAWN: usize = 99;
/// … and so many when they are asked for: as few as can tell one in twenty.
const DRAWN_NOW: usize = 19;

/// Likeness that differs by less is the same: sums in another order are off by less.
const SAME: f64 = 1e-12;

/// A name of one aspect.
type Trait = u32;

/// Portraits of past incidents, found by their parts.
///
/// Likeness is a weighted Jaccard index of each aspect, averaged over the aspects that are captured now: what is rare among the past
/// incidents weighs more, by its inverse document frequency (Spärck Jones, J. Documentation 28 (1972) 11). An aspect that was not
/// captured then is not alike, and not counted as different.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Album {
    names: Vec<(Aspect, Untrusted)>,
    index: HashMap<(Aspect, Untrusted), Trait>,
    /// How many portraits hold each.
    held: Vec<u32>,
    /// Which pages hold each; some of those pages may be torn out.
    found_on: Vec<Vec<u32>>,
    /// Incident and its traits, by aspect and text; `None` = torn out.
    pages: Vec<Option<(IncidentId, Vec<Trait>)>>,
    page_of: BTreeMap<IncidentId, u32>,
    newcomers: Newcomers,
    left_out: u64,
    /// Counts what was taken in or out.
    turned: u64,
    /// How many incidents are kept.
    most: usize,
}

/// As it is saved: what is found by what is made anew.
#[derive(Serialize, Deserialize)]
struct Written {
    names: Vec<(Aspect, Untrusted)>,
    pages: Vec<(IncidentId, Vec<Trait>)>,
    newcomers: Newcomers,
    left_out: u64,
}

/// What is nearest to a new incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// How many past incidents were looked through.
    pub past: usize,
    /// Whether anything is near.
    pub novelty: Novelty,
    /// The nearest first; where nothing is near, the one that comes nearest.
    pub found: Vec<Lookalike>,
}

/// Whether a new incident is like a past one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Novelty {
    /// There are too few past incidents to tell likeness from chance.
    TooFew,
    /// Nothing is nearer than chance would bring it.
    New,
    /// What is named is nearer than that.
    Known,
}

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
struct Query<'p> {
    aspects: Vec<(Aspect, Vec<Asked<'p>>, f64)>,
    weight: f64,
}

impl Default for Album {
    fn default() -> Self {
        Self::keeping(limits::size(limits::PAST_INCIDENTS))
    }
}

impl Album {
    /// An empty one for at most so many incidents.
    #[must_use]
    pub fn keeping(most: usize) -> Self {
        Self {
            names: Vec::new(),
            index: HashMap::new(),
            held: Vec::new(),
            found_on: Vec::new(),
            pages: Vec::new(),
            page_of: BTreeMap::new(),
            newcomers: Newcomers::default(),
            left_out: 0,
            turned: 0,
            most,
        }
    }

    /// How many past incidents are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.page_of.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.page_of.is_empty()
    }

    /// How many were left out for being the oldest of too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Another number after each change.
    #[must_use]
    pub fn turned(&self) -> u64 {
        self.turned
    }

    /// Whether an incident is in it.
    #[must_use]
    pub fn holds(&self, incident: IncidentId) -> bool {
        self.page_of.contains_key(&incident)
    }

    /// Takes in a past incident, in place of what was known of it.
    pub fn take(&mut self, incident: IncidentId, portrait: &Portrait) {
        let traits: Vec<Trait> = portrait
            .iter()
            .flat_map(|(aspect, names)| names.iter().map(move |name| (aspect, name.clone())))
            .map(|name| self.id(name))
            .collect();
        if let Some(page) = self.page_of.get(&incident)
            && self.pages[*page as usize].as_ref().is_some_and(|(_, before)| *before == traits)
        {
            return;
        }
        self.tear_out(incident);
        self.write(incident, traits);
        while self.page_of.len() > self.most {
            let Some((oldest, _)) = self.page_of.first_key_value() else { break };
            self.tear_out(*oldest);
            self.left_out += 1;
        }
        self.settle();
    }

    /// Forgets an incident: it is not over after all, or became part of another.
    pub fn forget(&mut self, incident: IncidentId) {
        if self.tear_out(incident) {
            self.settle();
        }
    }

    /// The nearest to `portrait` among those with a lower number than `before`.
    #[must_use]
    pub fn nearest(&self, portrait: &Portrait, before: IncidentId) -> Nearest {
        let query = self.query(portrait);
        let past = self.page_of.range(..before).count();
        let enough = past >= LEAST_HISTORY;
        let captured = portrait.captured();
        let drawn = self.newcomers.near.get(&captured).cloned();
        let drawn = drawn
            .or_else(|| enough.then(|| draw(&self.looks(), captured, DRAWN_NOW, |newcomer| self.nearness(newcomer))));
        let chance = |likeness: f64| drawn.as_deref().filter(|_| enough).map(|drawn| Chance::of(likeness, drawn));
        let mut found: Vec<Lookalike> = self
            .best(&query, SHOWN, before)
            .into_iter()
            .filter(|(_, likeness)| *likeness > 0.0)
            .map(|(page, likeness)| self.lookalike(&query, page, likeness, chance(likeness)))
            .collect();
        let near = |one: &Lookalike| one.chance.is_some_and(|chance| chance.share() <= CHANCE);
        let novelty = match found.first() {
            _ if !enough => Novelty::TooFew,
            Some(first) if near(first) => Novelty::Known,
            _ => Novelty::New,
        };
        match novelty {
            Novelty::Known => found.retain(near),
            Novelty::New => found.truncate(1),
            Novelty::TooFew => {}
        }
        Nearest { past, novelty, found }
    }

    /// How near the nearest of all comes.
    fn nearness(&self, portrait: &Portrait) -> f64 {
        let all = IncidentId(u64::MAX);
        self.best(&self.query(portrait), 1, all).first().map_or(0.0, |(_, likeness)| *likeness)
    }

    /// What stands on a page, aspect by aspect.
    fn sides<'p>(&'p self, traits: &'p [Trait]) -> impl Iterator<Item = (Aspect, &'p [Trait])> {
        let aspect = |id: &Trait| self.names[*id as usize].0;
        traits.chunk_by(move |a, b| aspect(a) == aspect(b)).map(move |side| (aspect(&side[0]), side))
    }

    /// All different looks, in the order in which they came first.
    fn looks(&self) -> Looks<'_> {
        let mut seen: HashSet<(Aspect, &[Trait])> = HashSet::new();
        let mut looks: BTreeMap<Aspect, Vec<&[Trait]>> = BTreeMap::new();
        for (_, traits) in self.pages.iter().flatten() {
            for (aspect, side) in self.sides(traits) {
                if seen.insert((aspect, side)) {
                    looks.entry(aspect).or_default().push(side);
                }
            }
        }
        let named = |side: &[Trait]| side.iter().map(|id| &self.names[*id as usize].1).collect();
        looks.into_iter().map(|(aspect, order)| (aspect, order.into_iter().map(named).collect())).collect()
    }

    /// Newcomers for the commonest ways of being captured.
    fn newcomers(&self) -> Newcomers {
        let mut ways: BTreeMap<u8, usize> = BTreeMap::new();
        for (_, traits) in self.pages.iter().flatten() {
            *ways.entry(self.sides(traits).fold(0, |bits, (aspect, _)| bits | aspect.bit())).or_default() += 1;
        }
        let looks = self.looks();
        let common = ways.into_iter().filter(|(_, n)| n * WAYS >= self.len());
        let drawn = common.map(|(way, _)| (way, draw(&looks, way, DRAWN, |one| self.nearness(one))));
        Newcomers { among: self.len(), near: drawn.collect() }
    }

    fn id(&mut self, name: (Aspect, Untrusted)) -> Trait {
        if let Some(id) = self.index.get(&name) {
            return *id;
        }
        // Names are made anew when half of them are of no portrait: there are never 2^32.
        let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.clone());
        self.index.insert(name, id);
        self.held.push(0);
        self.found_on.push(Vec::new());
        id
    }

    fn write(&mut self, incident: IncidentId, traits: Vec<Trait>) {
        let page = u32::try_from(self.pages.len()).unwrap_or(u32::MAX);
        for id in &traits {
            self.held[*id as usize] += 1;
            self.found_on[*id as usize].push(page);
        }
        self.pages.push(Some((incident, traits)));
        self.page_of.insert(incident, page);
        self.turned += 1;
    }

    fn tear_out(&mut self, incident: IncidentId) -> bool {
        let Some(page) = self.page_of.remove(&incident) else { return false };
        if let Some((_, traits)) = self.pages[page as usize].take() {
            for id in traits {
                self.held[id as usize] -= 1;
            }
        }
        self.turned += 1;
        true
    }

    /// Binds it anew when more than half of its pages are torn out, and draws newcomers again when it grew or shrank by a quarter.
    fn settle(&mut self) {
        if self.pages.len() > 2 * self.page_of.len() + 64 {
            let (turned, left_out) = (self.turned, self.left_out);
            let mut bound =
                Self { newcomers: std::mem::take(&mut self.newcomers), turned, left_out, ..Self::keeping(self.most) };
            for (incident, traits) in std::mem::take(&mut self.pages).into_iter().flatten() {
                let traits = traits.iter().map(|id| bound.id(self.names[*id as usize].clone())).collect();
                bound.write(incident, traits);
            }
            *self = bound;
        }
        if self.newcomers.are_old(self.len()) {
            self.newcomers = self.newcomers();
        }
    }

    /// How telling a name is, in nats: the rarer the more.
    fn telling(&self, id: Option<Trait>) -> f64 {
        let held = id.map_or(0, |id| self.held[id as usize]);
        #[expect(clippy::cast_precision_loss, reason = "a count of incidents")]
        let all = self.len() as f64;
        (1.0 + all / (f64::from(held) + 0.5)).ln()
    }

    fn query<'p>(&self, portrait: &'p Portrait) -> Query<'p> {
        let aspects: Vec<_> = portrait
            .iter()
            .map(|(aspect, names)| {
                let traits: Vec<_> = names
                    .iter()
                    .map(|name| {
                        let id = self.index.get(&(aspect, name.clone())).copied();
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
    fn best(&self, query: &Query<'_>, most: usize, before: IncidentId) -> Vec<(u32, f64)> {
        let mut bounds = vec![0.0_f64; self.pages.len()];
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
                let Some((_, traits)) = self.pages[*page as usize].as_ref().filter(|(id, _)| *id < before) else {
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
    fn lookalike(&self, query: &Query<'_>, page: u32, likeness: f64, chance: Option<Chance>) -> Lookalike {
        let (incident, traits) =
            self.pages[page as usize].as_ref().map_or((IncidentId(0), &[][..]), |(id, t)| (*id, t));
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

impl From<Written> for Album {
    fn from(written: Written) -> Self {
        let mut album = Self { newcomers: written.newcomers, left_out: written.left_out, ..Self::default() };
        for name in written.names {
            album.id(name);
        }
        let known = u32::try_from(album.names.len()).unwrap_or(u32::MAX);
        for (incident, mut traits) in written.pages {
            traits.retain(|id| *id < known);
            album.write(incident, traits);
        }
        album
    }
}

impl From<Album> for Written {
    fn from(album: Album) -> Self {
        let Album { names, pages, newcomers, left_out, .. } = album;
        Self { names, pages: pages.into_iter().flatten().collect(), newcomers, left_out }
    }
}
