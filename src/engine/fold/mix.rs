//! Which versions serve now: partial and mixed states of a surface, from the runs themselves.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::runs::RunKept;
use crate::engine::view::{MixValue, MixView};
use crate::event::{Surface, Time, Untrusted};
use crate::surface::surface_of;

/// Runs that began within so long are those of now.
const LATELY: SignedDuration = SignedDuration::from_mins(10);
/// As many versions of a surface are shown.
const SHOWN: usize = 6;
/// What served fewer than one run in so many before the trouble was a trial, and does not count as what served before.
const TRIAL: u64 = 20;

/// The surfaces that were not served by one version all the time, by `runs` before `moment` and within the last minutes before
/// `now`.
pub(super) fn mixes(runs: &[&RunKept], moment: Time, now: Time) -> Vec<MixView> {
    let since = now.checked_sub(LATELY).unwrap_or(Time::MIN);
    let mut counts: BTreeMap<Surface, BTreeMap<&Untrusted, (u64, u64)>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.line.at <= now) {
        let (before, lately) = (run.line.at < moment, run.line.at >= since.max(moment));
        for (kind, value) in &run.kinds {
            let Some(surface) = surface_of(kind.raw()) else { continue };
            let count = counts.entry(surface).or_default().entry(value).or_default();
            count.0 += u64::from(before);
            count.1 += u64::from(lately);
        }
    }
    let several = counts.into_iter().filter(|(_, values)| values.len() > 1);
    several.map(|(surface, values)| mix(surface, &values)).collect()
}

fn mix(surface: Surface, values: &BTreeMap<&Untrusted, (u64, u64)>) -> MixView {
    let (all_before, now) = values.values().fold((0, 0), |(before, now), one| (before + one.0, now + one.1));
    let mut lines: Vec<MixValue> = values
        .iter()
        .map(|(value, (before, now))| MixValue {
            value: Untrusted::clone(value),
            before: if before * TRIAL >= all_before { *before } else { 0 },
            now: *now,
        })
        .collect();
    lines.sort_by_key(|line| std::cmp::Reverse((line.before > 0, line.now, line.before)));
    let hidden = lines.len().saturating_sub(SHOWN) as u64;
    lines.truncate(SHOWN);
    MixView { surface, values: lines, hidden, now }
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;
    use crate::engine::view::Share;

    fn run(second: i64, prompt: &str) -> RunKept {
        RunKept::made(1, second, &[("prompt", prompt), ("region", "north")])
    }

    fn mixed(runs: &[RunKept], now: i64) -> Vec<MixView> {
        mixes(&runs.iter().collect::<Vec<_>>(), at(1000), at(now))
    }

    #[test]
    fn the_share_on_the_restored_side_is_counted_from_the_runs_of_the_last_minutes() {
        let mut runs: Vec<RunKept> = (0..40).map(|n| run(n, "v41")).collect();
        runs.extend((1000..1050).map(|n| run(n, "v42")));
        runs.extend((5000..5010).map(|n| run(n, "v41")));
        runs.extend((5010..5040).map(|n| run(n, "v42")));
        let all = mixed(&runs, 5100);
        assert_eq!(all.len(), 1, "a slice of the traffic is no surface: {all:?}");
        assert_eq!(all[0].values[0], MixValue { value: "v41".into(), before: 40, now: 10 });
        assert!(matches!(all[0].restored(), Some(Share { runs: 10, of: 40, .. })), "{all:?}");
        assert_eq!(mixed(&runs, 900_000)[0].restored(), None, "no run lately is no share");
    }

    #[test]
    fn a_surface_that_one_version_served_all_the_time_is_not_mixed_and_a_trial_did_not_serve_before() {
        let same: Vec<RunKept> = (0..40).chain(1000..1100).map(|n| run(n, "v41")).collect();
        assert_eq!(mixed(&same, 1100), []);
        let mut trial: Vec<RunKept> = (0..40).map(|n| run(n, "v41")).collect();
        trial.push(run(50, "v42"));
        trial.extend((1000..1010).map(|n| run(n, "v42")));
        assert!(matches!(mixed(&trial, 1100)[0].restored(), Some(Share { runs: 0, of: 10, .. })));
    }
}
