//! How people decide: whether there was time to read, and whether anything was opened before agreeing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::case::{Case, Decided};
use crate::event::Untrusted;

/// So many acceptances in a row with nothing opened are a habit.
pub const STREAK: u64 = 3;
/// At most so many people are named.
const NAMED: usize = 20;

/// Where a look before would help.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Habits {
    /// Acceptances in all.
    pub accepted: u64,
    /// Of them, within two seconds of the hypothesis appearing.
    pub hasty_accepts: u64,
    /// The longest run of acceptances by one person with nothing opened before any of them.
    pub longest_streak: u64,
    /// People who are in such a run now, of [`STREAK`] or more: login, and how many.
    pub streaks: Vec<(Untrusted, u64)>,
}

/// The habits in the record of `cases`.
pub(super) fn habits(cases: &[Case<'_>]) -> Habits {
    let mut decisions: Vec<&Decided<'_>> = cases.iter().flat_map(|case| &case.decisions).collect();
    decisions.sort_by_key(|decision| decision.at);
    let mut habits = Habits::default();
    let mut runs: BTreeMap<&Untrusted, u64> = BTreeMap::new();
    for decision in decisions {
        let run = runs.entry(&decision.by.login).or_default();
        // Whoever disagreed, or looked, ended the run.
        *run = if decision.is_unlooked() { *run + 1 } else { 0 };
        habits.longest_streak = habits.longest_streak.max(*run);
        habits.accepted += u64::from(decision.accepts());
        habits.hasty_accepts += u64::from(decision.accepts() && decision.is_hasty());
    }
    let mut streaks: Vec<(Untrusted, u64)> =
        runs.into_iter().filter(|(_, run)| *run >= STREAK).map(|(login, run)| (login.clone(), run)).collect();
    streaks.sort_by_key(|(_, run)| std::cmp::Reverse(*run));
    streaks.truncate(NAMED);
    habits.streaks = streaks;
    habits
}
