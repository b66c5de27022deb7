//! The pollers: what nobody sends us is asked for.
//!
//! **For:** finding alerts that no webhook brought and those that ended unheard; key series and the call graph; spans that are kept
//! elsewhere.
//! **In:** answers of an Alertmanager (API v2), a Prometheus (HTTP API v1), a Phoenix and a Langfuse. **Out:** drafts in the journal, counters,
//! and what is wrong with a source.
//! **Never:** follows a redirect, asks an address that a delivery named, retries faster than it is told to.

pub mod alertmanager;
mod client;
pub mod kept;
mod pace;
pub mod prometheus;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use client::{Client, PollError};
pub use pace::Pace;

use crate::event::{Source, Time};

/// What is wrong with polled sources now, for the screen.
#[derive(Clone, Debug, Default)]
pub struct Troubles(Arc<Mutex<BTreeMap<Source, (Time, String)>>>);

impl Troubles {
    fn set(&self, source: Source, now: Time, what: Option<String>) {
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match what {
            None => drop(troubles.remove(&source)),
            Some(what) => {
                let since = troubles.get(&source).map_or(now, |known| known.0);
                troubles.insert(source, (since, what));
            }
        }
    }

    /// Since when, and what. The words may hold outside text.
    #[must_use]
    pub fn list(&self) -> Vec<(Time, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
