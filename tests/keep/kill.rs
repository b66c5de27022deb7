//! Killed at any moment.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use warroom::event::Seq;
use warroom::journal::{Journal, Query, SqliteJournal};

use crate::child::{Role, command, open};
use crate::support::require;

/// Numbers that look random and are the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn keys_after(journal: &SqliteJournal, mut after: Seq) -> (HashSet<String>, Seq) {
    let mut keys = HashSet::new();
    loop {
        let page = journal.read(&Query { after, ..Query::default() }).unwrap();
        let Some(last) = page.last() else { return (keys, after) };
        after = last.seq;
        keys.extend(page.into_iter().map(|record| record.key));
    }
}

/// Everything acknowledged is there, and the chain holds from the first entry on.
fn kept(path: &Path, acknowledged: &[String], after: Seq, verify: bool) -> Seq {
    let journal = open(path).unwrap();
    let (keys, head) = keys_after(&journal, after);
    for key in acknowledged {
        assert!(keys.contains(key), "{key} was acknowledged and is gone");
    }
    assert_eq!(head, journal.head().unwrap());
    if verify {
        assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().broken, None);
    }
    head
}

#[test]
fn fault_01_writers_killed_at_random_points_keep_everything_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    println!("seed {seed}");
    let mut dice = Dice(seed.into());
    let (mut head, mut acknowledged) = (Seq(0), 0);
    for round in 0..80 {
        // Every fourth time two processes write at once; every fifth time the kill may come before the journal is open.
        let mut roles = vec![Role::start(command(&[], "append", &path))];
        if round % 4 == 0 {
            roles.push(Role::start(command(&[], "append", &path)));
        }
        if round % 5 != 0 {
            for role in &mut roles {
                assert!(role.next("ready").is_some());
            }
        }
        std::thread::sleep(Duration::from_micros(dice.below(40_000)));
        let keys: Vec<String> = roles.into_iter().flat_map(Role::kill).collect();
        acknowledged += keys.len();
        head = kept(&path, &keys, head, round % 20 == 0);
    }
    kept(&path, &[], head, true);
    assert!(acknowledged > 400, "only {acknowledged} were acknowledged: the kills came too early to prove anything");
}

/// The kernel kills it at exactly the n-th call that writes, for every n of the first dozens.
#[test]
fn fault_01_killed_at_the_nth_write_keeps_everything_acknowledged() {
    if !require("strace") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    for n in (1..200).step_by(7) {
        let path = dir.path().join(format!("{n}.db"));
        for call in ["pwrite64", "fdatasync,fsync"] {
            let inject = format!("inject={call}:signal=SIGKILL:when={n}");
            let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject];
            let mut role = Role::start(command(&wrapper, "append", &path));
            // Fewer calls than n cannot be, it writes for ever; so it always ends by the kill.
            let keys = role.acknowledged();
            role.process.wait().unwrap();
            if path.exists() {
                kept(&path, &keys, Seq(0), true);
            } else {
                assert!(keys.is_empty());
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(120));
    }
}

/// A new journal is made, or brought to a new format, wholly or not at all.
#[test]
fn fault_04_killed_while_the_format_is_made_opens_again() {
    if !require("strace") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut finished = 0;
    for n in 1..80 {
        let path = dir.path().join(format!("{n}.db"));
        let inject = format!("inject=pwrite64,fdatasync,fsync,ftruncate:signal=SIGKILL:when={n}");
        let trace = "trace=pwrite64,fdatasync,fsync,ftruncate";
        let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", trace, "-e", &inject];
        let mut role = Role::start(command(&wrapper, "open", &path));
        finished += usize::from(role.next("done").is_some());
        role.process.wait().unwrap();
        let journal = open(&path).unwrap_or_else(|error| panic!("killed at call {n}: {error}"));
        journal.append(vec![crate::child::note("after")]).unwrap();
        assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().checked, 1);
    }
    assert!(finished > 0, "the kills never came too late, so later points were not tried");
}
