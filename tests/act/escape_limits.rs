//! Steps that take too much: time, processor, memory, processes, output, room. Each is ended, and the host stays as it was.

use std::cell::Cell;
use std::time::Duration;

use warroom::event::ReadEnd;

use crate::behind::{Scene, running};
use crate::support;

#[test]
fn one_that_sleeps_past_its_time_is_ended() {
    let mut scene = Scene::default();
    scene.around.limits.time = Duration::from_millis(1_500);
    let seen = scene.sh("echo begun; sleep 3600");
    assert_eq!(seen.limit(), "1.5 s");
    let ignoring = scene.sh("trap '' TERM INT HUP; while :; do sleep 1; done");
    assert_eq!(ignoring.limit(), "1.5 s");
    // One that has closed its outputs is waited for, and ended, as well.
    assert_eq!(scene.sh("exec >/dev/null 2>&1; sleep 3600").limit(), "1.5 s");
}

#[test]
fn one_that_a_person_stops_is_ended() {
    let scene = Scene::default();
    let asked = Cell::new(0);
    let seen = scene.run_until(&["sleep", "3600"], &|| {
        asked.set(asked.get() + 1);
        asked.get() > 3
    });
    assert!(seen.limit().contains("a person"));
}

#[test]
fn one_that_only_computes_is_ended_by_the_kernel() {
    let mut scene = Scene::default();
    scene.around.limits.cpu_seconds = 1;
    let seen = scene.run(&["/bin/sh", "-c", "while :; do :; done"]);
    assert_eq!(seen.limit(), "1 s of processor time");
}

#[test]
fn one_that_floods_is_ended_and_its_beginning_kept() {
    let mut scene = Scene::default();
    scene.around.limits.output = 3 << 20;
    scene.around.limits.kept = 1_000;
    let seen = scene.run(&["yes"]);
    assert_eq!(seen.limit(), "3 MiB of output");
    assert_eq!(seen.0.output.len(), 1_000);
    assert!(seen.0.output_bytes > 3 << 20);
}

#[test]
fn output_beyond_what_is_kept_is_counted_and_handed_on() {
    let mut scene = Scene::default();
    scene.around.limits.kept = 10;
    let seen = scene.sh("printf '%05d' 1 2 3 4 5 6");
    assert_eq!((seen.text().as_str(), seen.0.output_bytes), ("0000100002", 30));
    assert_eq!(seen.0.ended, ReadEnd::Exit { code: 0 });
}

#[test]
fn its_own_folder_is_full_when_it_is_full() {
    let mut scene = Scene::default();
    scene.around.limits.scratch = 4 << 20;
    scene.sh("for i in 1 2 3 4 5 6; do head -c 1000000 /dev/zero > $HOME/$i || exit 7; done").failed();
    scene.sh("i=0; while [ $i -lt 9000 ]; do : > $HOME/n$i || exit 7; i=$((i + 1)); done").failed();
    let seen = scene.run(&["dd", "if=/dev/zero", "of=/tmp/one", "bs=1M", "count=64"]);
    assert!(
        matches!(seen.0.ended, ReadEnd::Exit { code } if code != 0) || seen.limit().contains("one file"),
        "{seen:?}"
    );
}

#[test]
fn one_that_asks_for_more_addresses_than_it_may_gets_none() {
    if !support::require("python3") {
        return;
    }
    let mut scene = Scene::default();
    scene.around.limits.memory = 64 << 20;
    scene.python("bytearray(600 << 20)").failed();
}

#[test]
fn many_that_hold_too_much_together_are_ended() {
    if !support::require("python3") {
        return;
    }
    let mut scene = Scene::default();
    scene.around.limits.memory = 200 << 20;
    // Each holds less than one process may; nobody gives anything back.
    let seen = scene.python(
        "import time\nfor _ in range(8):\n  if os.fork() == 0:\n    x = bytearray(os.urandom(1 << 20)) * 100\n    time.sleep(3600)\ntime.sleep(3600)",
    );
    assert_eq!(seen.limit(), "200 MiB of memory");
}

#[test]
fn the_number_of_its_processes_is_bounded() {
    // A small count first: it holds before anything tries without end.
    let mut scene = Scene::default();
    scene.around.limits.processes = 40;
    let count = "n=0; while [ $n -lt 400 ]; do sleep 3600 & n=$((n + 1)); done; echo all of them";
    let seen = scene.sh(count);
    assert!(!seen.text().contains("all of them") && seen.text().contains("ork"), "{:?} {}", seen.0.ended, seen.text());
    // Then without end. Every process of it has these words among its own; the step itself is one of them.
    let mark = format!("bomb{}", std::process::id());
    scene.around.limits.time = Duration::from_secs(4);
    let most = Cell::new(0);
    let bomb = format!("{mark}() {{ {mark} | {mark} & }}; {mark}; sleep 3600");
    let seen = scene.run_until(&["/bin/sh", "-c", &bomb], &|| {
        most.set(most.get().max(running(&mark)));
        false
    });
    assert!(seen.text().contains("ork"), "it came to the bound, and forking was refused: {seen:?}");
    // As root the kernel bounds no fewer than 301.
    let bound = if rustix::process::geteuid().is_root() { 301 } else { 40 };
    assert!((1..=bound).contains(&most.get()), "{} at once", most.get());
    assert_eq!(running(&mark), 0, "all of it is gone");
}

#[test]
fn open_files_are_bounded() {
    if !support::require("python3") {
        return;
    }
    let mut scene = Scene::default();
    scene.around.limits.files = 50;
    scene.python("x = [open('/dev/null') for _ in range(100)]").failed();
}

#[test]
fn the_highest_number_of_processes_of_the_host_stays_as_it_was() {
    let highest = || std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
    let before = highest();
    let scene = Scene::default();
    scene.run(&["true"]).says("");
    assert_eq!(highest(), before);
}

#[test]
fn signals_and_codes_are_told_apart() {
    let scene = Scene::default();
    assert_eq!(scene.sh("exit 137").0.ended, ReadEnd::Exit { code: 137 });
    assert_eq!(scene.sh("kill -9 $$").0.ended, ReadEnd::Signal { signal: 9 });
    assert_eq!(scene.sh("kill -TERM $$").0.ended, ReadEnd::Signal { signal: 15 });
    assert!(scene.run(&["/no/such/program"]).refusal().contains("no such program"));
    let file = scene.victim().join("file");
    let odd = scene.run(&[&file.to_string_lossy()]);
    assert!(odd.refusal().contains("not executable"));
}
