//! How fast people go back: procedures that took something back, stage by stage, and when each was last rehearsed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::spread::Spread;
use crate::event::{Time, Untrusted};

/// One procedure as it was carried out in one incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WentBack {
    /// Of how many stages it is.
    pub of: u32,
    /// When each stage, from 1, last began, and when it was done.
    pub stages: BTreeMap<u32, (Time, Option<Time>)>,
    /// When things were first seen to be as before the trouble, after a stage was done.
    pub recovered: Option<Time>,
}

/// A rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// When.
    pub at: Time,
    /// Steps that would not have done.
    pub failed: u64,
}

/// How one procedure did, over all incidents in which it was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Procedure {
    /// Its name.
    pub name: Untrusted,
    /// Incidents in which a stage of it began.
    pub used: u64,
    /// From the page until its first stage began.
    pub until_begun: Spread,
    /// A stage, from its beginning until it was done.
    pub stage: Spread,
    /// From the beginning of its first stage until its last one was done.
    pub whole: Spread,
    /// From the beginning of its first stage until things were seen to be as before.
    pub until_recovered: Spread,
    /// When it was last rehearsed; `None` = it was not.
    pub rehearsed: Option<Rehearsal>,
}

impl WentBack {
    fn begun(&self) -> Option<Time> {
        self.stages.values().map(|(began, _)| *began).min()
    }

    /// When its last stage was done; `None` while not all of them are.
    fn ended(&self) -> Option<Time> {
        let done: Vec<Time> = (1..=self.of).map_while(|nth| self.stages.get(&nth)?.1).collect();
        if done.len() == self.of as usize { done.into_iter().max() } else { None }
    }
}

/// The record of every procedure that was used or rehearsed, those used most first. `used` is, with when its incident was opened,
/// each use of a procedure.
pub(super) fn procedures<'a>(
    used: impl Iterator<Item = (Time, &'a Untrusted, &'a WentBack)>,
    rehearsed: &BTreeMap<Untrusted, Rehearsal>,
) -> Vec<Procedure> {
    let mut uses: BTreeMap<&Untrusted, Vec<(Time, &WentBack)>> =
        rehearsed.keys().map(|name| (name, Vec::new())).collect();
    for (opened, name, went) in used {
        uses.entry(name).or_default().push((opened, went));
    }
    let mut all: Vec<Procedure> = uses.into_iter().map(|(name, uses)| procedure(name, &uses, rehearsed)).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.used));
    all
}

fn procedure(name: &Untrusted, uses: &[(Time, &WentBack)], rehearsed: &BTreeMap<Untrusted, Rehearsal>) -> Procedure {
    let seconds = |from: Time, until: Time| until.duration_since(from).as_secs_f64().max(0.0);
    let since_begun = |until: &dyn Fn(&WentBack) -> Option<Time>| {
        Spread::of(uses.iter().filter_map(|(_, went)| Some(seconds(went.begun()?, until(went)?))).collect())
    };
    let stages = uses.iter().flat_map(|(_, went)| went.stages.values());
    Procedure {
        name: name.clone(),
        used: uses.len() as u64,
        until_begun: Spread::of(
            uses.iter().filter_map(|(opened, went)| Some(seconds(*opened, went.begun()?))).collect(),
        ),
        stage: Spread::of(stages.filter_map(|(began, done)| Some(seconds(*began, (*done)?))).collect()),
        whole: since_begun(&WentBack::ended),
        until_recovered: since_begun(&|went| went.recovered),
        rehearsed: rehearsed.get(name).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::from_second(second).expect("a moment")
    }

    #[test]
    fn times_are_told_of_what_was_done_and_a_procedure_that_stopped_half_way_has_no_whole() {
        let done = |began, done| (at(began), Some(at(done)));
        let whole =
            WentBack { of: 2, stages: [(1, done(100, 110)), (2, done(700, 730))].into(), recovered: Some(at(1000)) };
        let half = WentBack { of: 2, stages: [(1, done(60, 80))].into(), recovered: None };
        let (prompt, flag): (Untrusted, Untrusted) = ("rollback/prompt".into(), "rollback/flag".into());
        let rehearsed = [(flag.clone(), Rehearsal { at: at(5), failed: 1 })].into();
        let used = [(at(40), &prompt, &whole), (at(50), &prompt, &half)];
        let all = procedures(used.into_iter(), &rehearsed);
        assert_eq!(
            all.iter().map(|one| (one.name.raw(), one.used)).collect::<Vec<_>>(),
            [("rollback/prompt", 2), ("rollback/flag", 0)]
        );
        let prompt = &all[0];
        assert_eq!((prompt.until_begun.n, prompt.until_begun.median_s), (2, 35.0));
        assert_eq!((prompt.stage.n, prompt.stage.median_s), (3, 20.0));
        assert_eq!((prompt.whole.n, prompt.whole.median_s), (1, 630.0));
        assert_eq!((prompt.until_recovered.n, prompt.until_recovered.median_s), (1, 900.0));
        assert_eq!((prompt.rehearsed, all[1].rehearsed.map(|one| one.failed)), (None, Some(1)));
    }
}
