//! What people confirmed of earlier incidents: which alerts were of one cause, and which a person took apart.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{IncidentId, NameId};

/// An alert as it comes back in another incident: its component, and its name with the place it is in.
pub(super) type Profile = (NameId, NameId);

/// At most so many earlier incidents of one alert are remembered, the newest.
const MAX_INCIDENTS: usize = 50;
/// At most so many confirmed incidents, the newest.
const MAX_CONFIRMED: usize = 1_000;
/// At most so many alerts of one earlier incident; a storm of everything says nothing of any two.
const MAX_MEMBERS: usize = 200;
/// At most so many different alerts.
const MAX_PROFILES: usize = 20_000;
/// At most so many pairs that were taken apart.
const MAX_PAIRS: usize = 20_000;

/// The record of confirmed groupings. Only what a person confirmed or did by hand gets in: what the rules grouped and nobody looked at
/// would teach the rules their own mistakes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Past {
    /// In which confirmed incidents an alert was.
    #[serde(with = "pairs")]
    seen: BTreeMap<Profile, BTreeSet<IncidentId>>,
    /// The alerts of a confirmed incident.
    members: BTreeMap<IncidentId, BTreeSet<Profile>>,
    /// Pairs, the lesser first, and how often a person took them apart.
    #[serde(with = "pairs")]
    apart: BTreeMap<(Profile, Profile), u32>,
    left_out: u64,
}

/// How two alerts stood to each other before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Together {
    /// Confirmed incidents in which both were.
    pub both: usize,
    /// Confirmed incidents in which the first was.
    pub of: usize,
}

impl Together {
    /// In words; `with` says with what.
    pub(super) fn words(self, with: &str) -> String {
        let with = if with.is_empty() { String::new() } else { format!(" {with}") };
        format!("were of one cause in {} of {} confirmed incidents{with}", self.both, self.of)
    }
}

impl Past {
    /// The cause of `incident` is confirmed, or a person put its alerts together: they were of one cause. No members: they were not.
    pub(super) fn confirm(&mut self, incident: IncidentId, members: impl Iterator<Item = Profile>) {
        for profile in self.members.remove(&incident).into_iter().flatten() {
            if let Some(incidents) = self.seen.get_mut(&profile) {
                incidents.remove(&incident);
            }
        }
        let members: BTreeSet<Profile> = members.collect::<BTreeSet<_>>().into_iter().take(MAX_MEMBERS).collect();
        for profile in &members {
            if self.seen.len() >= MAX_PROFILES && !self.seen.contains_key(profile) {
                self.left_out += 1;
                continue;
            }
            let incidents = self.seen.entry(*profile).or_default();
            incidents.insert(incident);
            if incidents.len() > MAX_INCIDENTS {
                incidents.pop_first();
            }
        }
        if !members.is_empty() {
            self.members.insert(incident, members);
        }
        while self.members.len() > MAX_CONFIRMED {
            let Some((oldest, members)) = self.members.pop_first() else { break };
            for profile in members {
                if let Some(incidents) = self.seen.get_mut(&profile) {
                    incidents.remove(&oldest);
                    if incidents.is_empty() {
                        self.seen.remove(&profile);
                    }
                }
            }
        }
    }

    /// A person took `own` out from among `rest`.
    pub(super) fn part(&mut self, own: Profile, rest: &BTreeSet<Profile>) {
        for other in rest.iter().copied().take(MAX_MEMBERS).filter(|other| *other != own) {
            let pair = (own.min(other), own.max(other));
            if self.apart.len() >= MAX_PAIRS && !self.apart.contains_key(&pair) {
                self.left_out += 1;
                continue;
            }
            *self.apart.entry(pair).or_default() += 1;
        }
    }

    /// The alerts that were together with `own` before, and how often; those a person took apart as often are not among them.
    pub(super) fn companions(&self, own: Profile) -> BTreeMap<Profile, Together> {
        let Some(incidents) = self.seen.get(&own) else { return BTreeMap::new() };
        let mut both: BTreeMap<Profile, usize> = BTreeMap::new();
        for members in incidents.iter().filter_map(|incident| self.members.get(incident)) {
            for other in members.iter().filter(|other| **other != own) {
                *both.entry(*other).or_default() += 1;
            }
        }
        let parted = |other: Profile| {
            self.apart.get(&(own.min(other), own.max(other))).map_or(0, |n| usize::try_from(*n).unwrap_or(usize::MAX))
        };
        both.into_iter()
            .filter_map(|(other, n)| {
                let both = n.saturating_sub(parted(other));
                (both > 0).then_some((other, Together { both, of: incidents.len() }))
            })
            .collect()
    }
}

/// Each time a person took two alerts apart weighs so much against putting them together, in nats: more than most stories are worth.
const PARTED: f64 = 8.0;
/// And at most so much in all.
const MOST_PARTED: f64 = 24.0;

impl Past {
    /// How `own` stood to those of `others` it was with most often.
    pub(super) fn together(&self, own: Profile, others: impl Iterator<Item = Profile>) -> Option<Together> {
        if !self.seen.contains_key(&own) {
            return None;
        }
        let companions = self.companions(own);
        others.filter_map(|other| companions.get(&other).copied()).max_by_key(|together| together.both)
    }

    /// What speaks against putting `own` beside `others`, in nats: people took them apart more often than they were of one cause.
    pub(super) fn parted(&self, own: Profile, others: impl Iterator<Item = Profile>) -> f64 {
        if self.apart.is_empty() {
            return 0.0;
        }
        let net = |other: Profile| {
            let apart = self.apart.get(&(own.min(other), own.max(other)))?;
            let with = |of: Profile| self.seen.get(&of);
            let both = with(own).zip(with(other)).map_or(0, |(a, b)| a.intersection(b).count());
            u32::try_from(both).ok().and_then(|both| apart.checked_sub(both))
        };
        let most = others.filter_map(net).max().unwrap_or(0);
        (PARTED * f64::from(most)).min(MOST_PARTED)
    }
}

/// Maps with keys that are no text, as lists of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}
