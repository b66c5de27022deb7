//! The portraits of past incidents, and which of them are nearest to a new one.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::event::{IncidentId, Untrusted};
use crate::intake::limits;

use super::chance::{CHANCE, Chance, LEAST_HISTORY, Looks, Newcomers, draw};
use super::pages::{Pages, Trait};
use super::portrait::{Aspect, Portrait};
use super::search::Lookalike;

/// At most so many are named.
const SHOWN: usize = 3;

/// Newcomers are drawn for the ways in which at least one in so many incidents is captured; for others when they are asked for.
const WAYS: usize = 10;
/// So many of them are drawn …
const DRAWN: usize = 99;
/// … and so many when they are asked for: as few as can tell one in twenty.
const DRAWN_NOW: usize = 19;

/// Portraits of past incidents, found by their parts.
///
/// Likeness is a weighted Jaccard index of each aspect, averaged over the aspects that are captured now: what is rare among the past
/// incidents weighs more, by its inverse document frequency (Spärck Jones, J. Documentation 28 (1972) 11). An aspect that was not
/// captured then is not alike, and not counted as different.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Album {
    pages: Pages,
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

impl Default for Album {
    fn default() -> Self {
        Self::keeping(limits::size(limits::PAST_INCIDENTS))
    }
}

impl Album {
    /// An empty one for at most so many incidents.
    #[must_use]
    pub fn keeping(most: usize) -> Self {
        Self { pages: Pages::default(), newcomers: Newcomers::default(), left_out: 0, turned: 0, most }
    }

    /// How many past incidents are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pages.len() == 0
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
        self.pages.of(incident).is_some()
    }

    /// Takes in a past incident, in place of what was known of it.
    pub fn take(&mut self, incident: IncidentId, portrait: &Portrait) {
        let traits: Vec<Trait> = portrait
            .iter()
            .flat_map(|(aspect, names)| names.iter().map(move |name| (aspect, name.clone())))
            .map(|name| self.pages.id(name))
            .collect();
        if self.pages.of(incident).is_some_and(|before| before == traits) {
            return;
        }
        self.pages.tear_out(incident);
        self.pages.write(incident, traits);
        while self.pages.len() > self.most {
            let Some((oldest, _)) = self.pages.page_of.first_key_value() else { break };
            self.pages.tear_out(*oldest);
            self.left_out += 1;
        }
        self.settle();
    }

    /// Forgets an incident: it is not over after all, or became part of another.
    pub fn forget(&mut self, incident: IncidentId) {
        if self.pages.tear_out(incident) {
            self.settle();
        }
    }

    /// The nearest to `portrait` among those with a lower number than `before`.
    #[must_use]
    pub fn nearest(&self, portrait: &Portrait, before: IncidentId) -> Nearest {
        let query = self.pages.query(portrait);
        let past = self.pages.page_of.range(..before).count();
        let enough = past >= LEAST_HISTORY;
        let captured = portrait.captured();
        let drawn = self.newcomers.near.get(&captured).cloned();
        let drawn = drawn
            .or_else(|| enough.then(|| draw(&self.looks(), captured, DRAWN_NOW, |newcomer| self.nearness(newcomer))));
        let chance = |likeness: f64| drawn.as_deref().filter(|_| enough).map(|drawn| Chance::of(likeness, drawn));
        let mut found: Vec<Lookalike> = self
            .pages
            .best(&query, SHOWN, before)
            .into_iter()
            .filter(|(_, likeness)| *likeness > 0.0)
            .map(|(page, likeness)| self.pages.lookalike(&query, page, likeness, chance(likeness)))
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
        self.pages.best(&self.pages.query(portrait), 1, all).first().map_or(0.0, |(_, likeness)| *likeness)
    }

    /// All different looks, in the order in which they came first.
    fn looks(&self) -> Looks<'_> {
        let mut seen: HashSet<(Aspect, &[Trait])> = HashSet::new();
        let mut looks: BTreeMap<Aspect, Vec<&[Trait]>> = BTreeMap::new();
        for (_, traits) in self.pages.written.iter().flatten() {
            for (aspect, side) in self.pages.sides(traits) {
                if seen.insert((aspect, side)) {
                    looks.entry(aspect).or_default().push(side);
                }
            }
        }
        let named = |side: &[Trait]| side.iter().map(|id| &self.pages.names[*id as usize].1).collect();
        looks.into_iter().map(|(aspect, order)| (aspect, order.into_iter().map(named).collect())).collect()
    }

    /// Newcomers for the commonest ways of being captured.
    fn newcomers(&self) -> Newcomers {
        let mut ways: BTreeMap<u8, usize> = BTreeMap::new();
        for (_, traits) in self.pages.written.iter().flatten() {
            *ways.entry(self.pages.sides(traits).fold(0, |bits, (aspect, _)| bits | aspect.bit())).or_default() += 1;
        }
        let looks = self.looks();
        let common = ways.into_iter().filter(|(_, n)| n * WAYS >= self.len());
        let drawn = common.map(|(way, _)| (way, draw(&looks, way, DRAWN, |one| self.nearness(one))));
        Newcomers { among: self.len(), near: drawn.collect() }
    }

    /// After each change: newcomers are drawn again when it grew or shrank by a quarter.
    fn settle(&mut self) {
        self.turned += 1;
        self.pages.bind();
        if self.newcomers.are_old(self.len()) {
            self.newcomers = self.newcomers();
        }
    }
}

impl From<Written> for Album {
    fn from(written: Written) -> Self {
        let mut album = Self { newcomers: written.newcomers, left_out: written.left_out, ..Self::default() };
        for name in written.names {
            album.pages.id(name);
        }
        let known = u32::try_from(album.pages.names.len()).unwrap_or(u32::MAX);
        for (incident, mut traits) in written.pages {
            traits.retain(|id| *id < known);
            album.pages.write(incident, traits);
        }
        album
    }
}

impl From<Album> for Written {
    fn from(album: Album) -> Self {
        let Album { pages: Pages { names, written, .. }, newcomers, left_out, .. } = album;
        Self { names, pages: written.into_iter().flatten().collect(), newcomers, left_out }
    }
}
