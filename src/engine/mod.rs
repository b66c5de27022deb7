//! The one task that tails the journal, runs the analyses, records what they derive and publishes a [`View`].
//!
//! **For:** turning entries into the picture people see, with work per new entry and not per incident.
//! **In:** records of the journal. **Out:** an immutable [`View`] for every moment; derived entries (incidents, groupings,
//! diagnoses), written only while this process holds the lease. [`Details`] on request.
//! **Never:** reads a clock (time is an argument: [`EngineConfig::clock`]), draws, or is asked twice for the same work.
//!
//! [`Fold`] is the synchronous heart, for backtests and wound-back views too; [`start`] is the thread around it.

mod details;
mod fold;
pub mod keep;
mod meter;
mod presence;
mod priority;
mod run;
mod save;
pub mod view;

pub use details::picture;
pub use fold::{Fold, Unreadable, VERSION};
pub use meter::RunMeter;
pub use run::{EngineConfig, Handle, Health, start};
pub use view::View;

use crate::event::{Fingerprint, PlanId, Seq, TraceId};

/// Details over a journal, without an engine running: for commands and tests.
#[must_use]
pub fn details(journal: crate::journal::SharedJournal) -> std::sync::Arc<dyn Details> {
    std::sync::Arc::new(details::JournalDetails::new(journal))
}

/// Things too large for the view, asked for by name. Calls block; they belong on a blocking thread.
pub trait Details: Send + Sync {
    /// One alert as last heard of at `through`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn alert(&self, fingerprint: &Fingerprint, through: Seq) -> anyhow::Result<Option<crate::event::Alert>>;
    /// One run.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn run(&self, trace: TraceId, through: Seq) -> anyhow::Result<Option<view::RunDetail>>;
    /// The newest runs, as a table by which any two moments or slices are compared.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn runs(&self, through: Seq) -> anyhow::Result<crate::surface::RunTable>;
    /// What these runs did to people, as far as their spans tell.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn harm(&self, bad: &[TraceId], through: Seq) -> anyhow::Result<crate::surface::harm::Harm>;
    /// One change.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn change(&self, id: &str, through: Seq) -> anyhow::Result<Option<view::ChangeDetail>>;
    /// One plan.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn plan(&self, plan: PlanId, through: Seq) -> anyhow::Result<Option<view::ActionView>>;
    /// One entry as it stands in the journal, pretty-printed JSON.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn entry(&self, seq: Seq) -> anyhow::Result<Option<String>>;
    /// The whole picture as it was known at `known_at`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn view_at(&self, known_at: crate::event::Time) -> anyhow::Result<View>;
}
