//! Carrying out what was approved: one executor for each kind of target.
//!
//! **For:** sending exactly a plan's bytes, once, and saying truthfully how that went. **In:** a [`Plan`] whose approval has
//! just been spent. **Out:** an [`Outcome`], and one for each target where there are several.
//! **Never:** is called but by an approval; tries again; says "done" for what it did not see done.

mod http;
mod process;
mod rehearsal;
pub(super) mod silence;

use std::collections::BTreeSet;

use anyhow::Context as _;

pub(super) use http::Answer;
pub use http::{Credential, HttpExecutor};
pub use process::ProcessExecutor;
pub(super) use process::{USUAL, find_targets};
pub(super) use rehearsal::Rehearsal;
pub use silence::SilenceExecutor;

use crate::event::{Fingerprint, Outcome, Plan, Request, Target};

/// What a plan would touch if it ran now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Single things, in order.
    pub targets: Vec<Target>,
    /// Those of them outside of the incident.
    pub outside: usize,
    /// Those of them that are critical.
    pub critical: usize,
    /// What it would send holds more than printable ASCII.
    pub odd_text: bool,
}

/// What an execution is told while it goes on, and tells.
pub trait Watch {
    /// One of several targets ended so. Returns whether that could be recorded; if not, nothing more is sent.
    fn ended(&mut self, target: &Target, outcome: &Outcome) -> bool;
    /// Why it must stop where it is; `None` = it goes on.
    fn stop(&self) -> Option<String>;
}

/// Carries out one kind of plan. A team's own is one more of these, given to the desk.
pub trait Executor: Send + Sync {
    /// Whether it is the one for this plan.
    fn takes(&self, plan: &Plan) -> bool;

    /// What the plan would touch if it ran now. `members` are the alerts of its incident.
    ///
    /// # Errors
    /// When that cannot be known: then nothing is sent.
    fn resolve(&self, plan: &Plan, members: &BTreeSet<Fingerprint>) -> anyhow::Result<Reach>;

    /// Sends it, once.
    fn send(&self, plan: &Plan, watch: &mut dyn Watch) -> Outcome;

    /// Whether it happened, where that can be looked up; `None` = there is no trace of it.
    ///
    /// # Errors
    /// When nobody can know from here, and what to look at instead.
    fn look_up(&self, plan: &Plan) -> anyhow::Result<Option<Outcome>>;
}

/// The one of these for a plan.
pub(super) fn of<'a>(all: &'a [Box<dyn Executor>], plan: &Plan) -> anyhow::Result<&'a dyn Executor> {
    let found = all.iter().find(|executor| executor.takes(plan)).map(AsRef::as_ref);
    found.context("nothing here carries out plans of this kind: see [actions] in the configuration")
}

/// Whether every text of it looks like what it is.
pub(super) fn is_odd(plan: &Plan) -> bool {
    let odd = |text: &str| !text.chars().all(|c| c == ' ' || c == '\n' || c.is_ascii_graphic());
    plan.requests().flat_map(Request::texts).any(|text| odd(text.raw()))
        || plan.targets.iter().any(|target| odd(target.name.raw()))
}
