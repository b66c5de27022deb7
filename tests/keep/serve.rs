//! The whole program: what it answered 200 is in the journal, whatever happens to it or its disk.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use warroom::event::Seq;
use warroom::journal::{Journal, Query, SqliteJournal};

use crate::kill::Dice;
use crate::support::house::{House, Server, program};
use crate::support::{PATIENCE, Running, bodies, http, require, require_all, send_signal, wait_until};

/// Posts webhooks of two alerts until `stop` or until nobody answers; returns the fingerprints that were acknowledged
/// and every other answer.
fn post(port: u16, names: &AtomicU64, stop: &AtomicBool, padding: &str) -> (Vec<String>, Vec<u16>) {
    let (mut acknowledged, mut other) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::SeqCst) {
        let alerts: Vec<_> = (0..2)
            .map(|_| {
                let name = format!("Alert{}", names.fetch_add(1, Ordering::SeqCst));
                bodies::alert(&name, "checkout", &[("padding", padding)], "2026-03-01T03:07:00Z", "")
            })
            .collect();
        match http::post(port, "/alertmanager", "application/json", &bodies::webhook(&alerts)) {
            Ok(answer) if answer.status == 200 => {
                let fingerprints = alerts.iter().map(|alert| alert["fingerprint"].as_str().unwrap().to_owned());
                acknowledged.extend(fingerprints);
            }
            Ok(answer) => {
                other.push(answer.status);
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(_) => break,
        }
    }
    (acknowledged, other)
}

/// The fingerprints of the alerts recorded after `after`, and the head.
fn recorded(journal: &SqliteJournal, mut after: Seq) -> (HashSet<String>, Seq) {
    let mut found = HashSet::new();
    loop {
        let page = journal.read(&Query { after, ..Query::default() }).unwrap();
        let Some(last) = page.last() else { return (found, after) };
        after = last.seq;
        let fingerprint = |key: &str| key.strip_prefix("alert/")?.split('/').next().map(str::to_owned);
        found.extend(page.iter().filter_map(|record| fingerprint(&record.key)));
    }
}

fn kept(path: &Path, acknowledged: &[String], after: Seq, verify: bool) -> Seq {
    let journal = SqliteJournal::open_read_only(path).unwrap();
    let (found, head) = recorded(&journal, after);
    for fingerprint in acknowledged {
        assert!(found.contains(fingerprint), "alert {fingerprint} was answered 200 and is gone");
    }
    if verify {
        assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().broken, None);
    }
    head
}

/// How long the first delivery after a start takes here, at the median: kills that come sooner prove nothing.
fn first_answer(house: &House, names: &AtomicU64) -> Duration {
    let mut took: Vec<Duration> = (0..5)
        .map(|_| {
            let mut server = house.serve();
            let name = format!("Alert{}", names.fetch_add(1, Ordering::SeqCst));
            let alert = bodies::alert(&name, "checkout", &[], "2026-03-01T03:07:00Z", "");
            let begun = Instant::now();
            let answer = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(&[alert]));
            let took = begun.elapsed();
            server.kill();
            assert_eq!(answer.expect("it answers").status, 200);
            took
        })
        .collect();
    took.sort();
    took[2]
}

#[test]
fn fault_01_serve_killed_at_200_random_points_keeps_every_acknowledged_alert() {
    let house = House::new();
    let names = AtomicU64::new(0);
    let seed = std::process::id();
    println!("seed {seed}");
    let mut dice = Dice(seed.into());
    let span = (3 * first_answer(&house, &names)).max(Duration::from_millis(30));
    let span = u64::try_from(span.as_micros()).unwrap();
    let (mut head, mut total) = (Seq(0), 0);
    for round in 0..200 {
        let mut server = house.serve();
        let stop = AtomicBool::new(false);
        let acknowledged: Vec<String> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..2).map(|_| scope.spawn(|| post(house.port, &names, &stop, ""))).collect();
            std::thread::sleep(Duration::from_micros(dice.below(span)));
            server.kill();
            stop.store(true, Ordering::SeqCst);
            clients.into_iter().flat_map(|client| client.join().unwrap().0).collect()
        });
        total += acknowledged.len();
        head = kept(&house.journal(), &acknowledged, head, round % 50 == 49);
    }
    assert!(total > 200, "only {total} alerts were acknowledged: the kills came too early to prove anything");
    let output = house.run(&["verify", "--json"]);
    assert!(output.status.success(), "{output:?}");
}

/// On a disk of two megabytes: 503 while it is full, which Alertmanager tries again, and 200 once there is space.
#[test]
fn fault_05_serve_on_a_full_disk_answers_503_lives_and_recovers() {
    if !require("tmpfs") {
        return;
    }
    let house = House::new();
    let state = house.journal().parent().unwrap().to_path_buf();
    std::fs::create_dir_all(&state).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=2m,mode=700 none {0} && head -c 600K /dev/zero > {0}/ballast && exec \"$@\"",
        state.display()
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script, "sh"]).arg(program()).args(["serve", "--listen", &house.listen()]);
    command.env_clear().envs(house.environment()).current_dir(house.path());
    let mut server = Server::start(command, house.port);
    // What the process sees of its disk, from outside its mount namespace.
    let inside = std::path::PathBuf::from(format!("/proc/{}/root{}", server.pid(), state.display()));

    let names = AtomicU64::new(0);
    let send = |until: &dyn Fn(u16) -> bool| {
        let begun = Instant::now();
        let mut acknowledged = Vec::new();
        loop {
            let name = format!("Alert{}", names.fetch_add(1, Ordering::SeqCst));
            // Long, and nothing that compresses away: it has to fill the disk.
            let padding: String =
                (0..60_u64).map(|i| warroom::event::Digest::of(format!("{name}/{i}").as_bytes()).to_string()).collect();
            let alert = bodies::alert(&name, "checkout", &[("padding", &padding)], "2026-03-01T03:07:00Z", "");
            let status = http::post(
                house.port,
                "/alertmanager",
                "application/json",
                &bodies::webhook(std::slice::from_ref(&alert)),
            )
            .expect("it answers")
            .status;
            assert!(status == 200 || status == 503, "answered {status}: Alertmanager would not try again");
            if status == 200 {
                acknowledged.push(alert["fingerprint"].as_str().unwrap().to_owned());
            }
            if until(status) {
                return acknowledged;
            }
            assert!(begun.elapsed() < PATIENCE * 5, "never answered as awaited");
        }
    };
    let mut acknowledged = send(&|status| status == 503);
    assert!(acknowledged.len() > 5, "{}", acknowledged.len());
    assert!(server.alive());
    std::fs::remove_file(inside.join("ballast")).unwrap();
    // Without a restart; its pages of the log are free for it within moments.
    acknowledged.extend(send(&|status| status == 200));
    assert!(server.alive());
    let copy = house.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    copy_journal(&inside, &copy);
    server.kill();
    kept(&copy.join("journal.db"), &acknowledged, Seq(0), true);
}

/// Copies the journal while nobody writes: its disk goes with the process.
fn copy_journal(inside: &Path, copy: &Path) {
    wait_until("the journal to be at rest", || {
        let written = || inside.join("journal.db-wal").metadata().and_then(|found| found.modified()).ok();
        let before = written();
        std::thread::sleep(Duration::from_millis(700));
        before == written()
    });
    for name in ["journal.db", "journal.db-wal"] {
        std::fs::copy(inside.join(name), copy.join(name)).unwrap();
    }
}

/// A tracer in the disk's place: as long as it is there, calls of a running process go wrong as `inject` says.
struct BadDisk(Running);

impl BadDisk {
    fn under(server: &Server, folder: &Path, inject: &str) -> Self {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync,fsync", "-e", inject]);
        strace.args(["-p", &server.pid().to_string()]);
        let tracer = Running::start(&mut strace, &folder.join("strace.log"));
        wait_until("every thread to be traced", || {
            let threads = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
            threads.flatten().all(|thread| {
                let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
                !status.contains("TracerPid:\t0\n")
            })
        });
        Self(tracer)
    }

    /// The disk works again.
    fn mend(mut self) {
        send_signal(self.0.pid(), rustix::process::Signal::TERM);
        self.0.0.wait().unwrap();
    }
}

fn one_alert(name: &str) -> (Vec<u8>, String) {
    let alert = bodies::alert(name, "checkout", &[], "2026-03-01T03:07:00Z", "");
    (bodies::webhook(std::slice::from_ref(&alert)), alert["fingerprint"].as_str().unwrap().to_owned())
}

/// Posts an alert of this name; what it was answered, and its fingerprint.
fn post_one(server: &Server, name: &str) -> (http::Answer, String) {
    let (body, fingerprint) = one_alert(name);
    (server.post("/alertmanager", &body).unwrap(), fingerprint)
}

/// Nothing can be written any more: no delivery is acknowledged, the sender and whoever asks are told, and when the disk
/// is well again it goes on without a restart.
#[test]
fn fault_06_serve_on_a_disk_that_fails_acknowledges_nothing_says_so_and_recovers() {
    if !require_all(&["strace", "ptrace"]) {
        return;
    }
    let house = House::new();
    let mut server = house.serve();
    let (answer, before) = post_one(&server, "Before");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let disk = BadDisk::under(&server, house.path(), "inject=pwrite64,fdatasync,fsync:error=EIO");
    let mut lost = Vec::new();
    for n in 0..5 {
        let (answer, fingerprint) = post_one(&server, &format!("During{n}"));
        assert_eq!(answer.status, 503, "Alertmanager must come again: {}", answer.text());
        assert!(answer.text().contains("nothing was recorded"), "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
        lost.push(fingerprint);
    }
    assert_eq!(http::get(house.port, "/healthz").unwrap().status, 503, "whoever watches it sees it");
    let counted = http::get(house.port, "/metrics").unwrap().text();
    assert!(counted.contains("warroom_deliveries_total{source=\"alertmanager\",fate=\"unstorable\"} 5\n"), "{counted}");
    assert!(server.alive());
    let journal = SqliteJournal::open_read_only(&house.journal()).unwrap();
    let (found, _) = recorded(&journal, Seq(0));
    assert!(lost.iter().all(|fingerprint| !found.contains(fingerprint)), "what was not acknowledged is not there");
    drop(journal);

    disk.mend();
    wait_until("it to record again", || post_one(&server, "After").0.status == 200);
    assert_eq!(http::get(house.port, "/healthz").unwrap().status, 200);
    let after = one_alert("After").1;
    server.kill();
    kept(&house.journal(), &[before, after], Seq(0), true);
}

/// Every other fsync fails: what it was for is not acknowledged (the kernel may have dropped those pages for good), the
/// file is opened anew, and the same delivery is recorded when it comes again.
#[test]
fn fault_07_serve_acknowledges_nothing_after_a_failed_fsync_and_records_it_at_the_next_try() {
    if !require_all(&["strace", "ptrace"]) {
        return;
    }
    let house = House::new();
    let mut server = house.serve();
    let disk = BadDisk::under(&server, house.path(), "inject=fdatasync,fsync:error=EIO:when=1+2");
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    for round in 0..20 {
        let name = format!("Alert{round}");
        wait_until("this delivery to be recorded", || {
            let (answer, fingerprint) = post_one(&server, &name);
            match answer.status {
                200 => acknowledged.push(fingerprint),
                503 => {
                    assert!(answer.text().contains("nothing was recorded"), "{}", answer.text());
                    refused += 1;
                }
                other => panic!("{other}: {}", answer.text()),
            }
            answer.status == 200
        });
    }
    assert!(refused > 0, "some of them met the failing disk");
    assert!(server.alive());
    disk.mend();
    server.kill();
    kept(&house.journal(), &acknowledged, Seq(0), true);
    assert!(house.run(&["verify"]).status.success());
}
