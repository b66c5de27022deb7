//! How much memory all processes of a step hold together. The kernel bounds that only by control groups, which not every user has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

/// Between two looks at every process of this host.
const PAUSE: Duration = Duration::from_millis(100);
/// After this time it is looked without a reason: what others gave back can hide what a step took.
const ANYHOW: Duration = Duration::from_secs(5);
/// What `/proc/PID/statm` counts in.
const PAGE: u64 = 4096;

/// A pair of scales for one step.
pub(super) struct Scales {
    root: u32,
    limit: u64,
    /// The most that was free on this host.
    free: u64,
    looked: Instant,
}

impl Scales {
    /// For the processes under `root`, itself included.
    pub fn new(root: u32, limit: u64) -> Self {
        Self { root, limit, free: free().unwrap_or(u64::MAX), looked: Instant::now() }
    }

    /// Whether they hold more than they may. Looks at once where this host has lost half of that, else now and then.
    pub fn too_much(&mut self) -> bool {
        let now = free().unwrap_or_default();
        self.free = self.free.max(now);
        let since = self.looked.elapsed();
        if since < PAUSE || (self.free - now < self.limit / 2 && since < ANYHOW) {
            return false;
        }
        let ours = descendants(self.root, &parents());
        // Quick first; pages that several of them share are counted once only by the slower look.
        let too_much = sum(&ours, resident) > self.limit && sum(&ours, proportional) > self.limit;
        self.looked = Instant::now();
        too_much
    }
}

fn sum(pids: &BTreeSet<u32>, of: fn(u32) -> Option<u64>) -> u64 {
    // One that is gone holds nothing.
    pids.iter().filter_map(|pid| of(*pid)).sum()
}

/// `MemAvailable` of `proc_meminfo(5)`, in bytes.
fn free() -> Option<u64> {
    kib(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// Resident pages that are not a file's.
fn resident(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut fields = text.split(' ').skip(1).map(|field| field.trim().parse::<u64>().unwrap_or_default());
    Some(fields.next()?.saturating_sub(fields.next()?) * PAGE)
}

/// Its share of every page, or all of its pages where the kernel does not say.
fn proportional(pid: u32) -> Option<u64> {
    let rolled = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok();
    rolled.and_then(|text| kib(&text, "Pss:")).or_else(|| resident(pid))
}

/// Every process of this host with its parent.
fn parents() -> BTreeMap<u32, u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))).collect()
}

/// The fourth field of `proc_pid_stat(5)`. The second holds a name that may hold anything, and ends with the last parenthesis.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn descendants(root: u32, parents: &BTreeMap<u32, u32>) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([root]);
    loop {
        let more: Vec<u32> = parents
            .iter()
            .filter(|(pid, up)| found.contains(up) && !found.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_hide_the_parent() {
        assert_eq!(parent("71 (a) S 1 (b)) S 42 71 0 0"), Some(42));
        assert_eq!(parent("71"), None);
    }

    #[test]
    fn all_generations_under_a_process_are_found_and_nobody_else() {
        let parents = [(2, 1), (3, 2), (4, 3), (9, 1), (10, 9)].into();
        assert_eq!(descendants(2, &parents), [2, 3, 4].into());
    }

    #[test]
    fn what_this_process_holds_is_seen() {
        let held = vec![1_u8; 32 << 20];
        let me = std::process::id();
        assert!(resident(me).unwrap() >= held.len() as u64 && proportional(me).unwrap() >= held.len() as u64);
        assert!(!Scales::new(me, u64::MAX).too_much());
    }
}
