//! How near chance alone brings two incidents.
//!
//! A record is full of incidents that share a component, an alert or a word and have nothing else to do with each other. How near
//! the nearest of them comes depends on the record: on how many there are, how much of each is captured and how varied that is. So it
//! is measured on the record itself. Newcomers are put together from it, each aspect of another past incident, drawn at random among
//! the different ones (a permutation that keeps every part and breaks what belongs together); how near the nearest past incident
//! comes to each of them is what chance does. A likeness counts when at most one in twenty newcomers comes as near, counting the new
//! incident itself among them (Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Untrusted;
use crate::surface::dice::Dice;

use super::portrait::{Aspect, Portrait};

/// With fewer past incidents nothing is said of chance: one in twenty of them is none.
pub const LEAST_HISTORY: usize = 20;
/// The share of newcomers that may come as near.
pub const CHANCE: f64 = 0.05;

/// How often chance brings one as near: `near` of `of` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chance {
    /// Newcomers as near, the incident itself counted in.
    pub near: u32,
    /// All of them, the incident itself counted in.
    pub of: u32,
}

impl Chance {
    /// How often one of `drawn` is at least so near.
    pub(super) fn of(likeness: f64, drawn: &[f64]) -> Self {
        let count = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        Self { near: count(drawn.iter().filter(|near| **near >= likeness).count()), of: count(drawn.len()) }
    }

    /// As a share, 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.near) / f64::from(self.of.max(1))
    }
}

/// How near the nearest past incident comes to each newcomer, by which aspects of it are captured (a bit each).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Newcomers {
    /// How many past incidents there were.
    pub among: usize,
    pub near: BTreeMap<u8, Vec<f64>>,
}

impl Newcomers {
    /// Whether the record has grown or shrunk by a quarter since.
    pub fn are_old(&self, now: usize) -> bool {
        now >= LEAST_HISTORY && (now * 4 >= self.among * 5 || now * 5 <= self.among * 4)
    }
}

/// All different ways in which past incidents looked in each aspect.
pub(super) type Looks<'a> = Vec<(Aspect, Vec<Vec<&'a Untrusted>>)>;

/// Draws `n` newcomers with the aspects of `captured`, and how near something comes to each. The same looks in the same order give
/// the same ones.
pub(super) fn draw(looks: &Looks<'_>, captured: u8, n: usize, nearness: impl Fn(&Portrait) -> f64) -> Vec<f64> {
    let mut dice = Dice(u64::from(captured));
    let newcomer = |_| {
        let mut portrait = Portrait::default();
        for (aspect, different) in looks.iter().filter(|(aspect, _)| captured & aspect.bit() != 0) {
            for name in different.get(dice.below(different.len())).into_iter().flatten() {
                portrait.add(*aspect, name);
            }
        }
        nearness(&portrait)
    };
    (0..n).map(newcomer).collect()
}
