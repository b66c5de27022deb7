//! Old telemetry is let go of by the running program, and the record says so and holds.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use warroom::event::{Resource, Span, SpanBatch, SpanId, SpanKind, SpanStatus, Time, TraceId};
use warroom::journal::{Draft, Journal as _, Options, SqliteJournal, term};

use crate::support::house::House;
use crate::support::{require, wait_for, wait_until};

fn run(n: u8, at: Time, failed: bool) -> Draft {
    let trace = TraceId([n; 16]);
    let span = Span {
        trace_id: trace,
        span_id: SpanId([1; 8]),
        parent: None,
        name: "chat".into(),
        kind: SpanKind::Client,
        start: at,
        end: at + std::time::Duration::from_secs(u64::from(n)),
        status: if failed { SpanStatus::Error } else { SpanStatus::Ok },
        status_message: "".into(),
        attributes: [
            ("gen_ai.operation.name".into(), "chat".into()),
            ("gen_ai.request.model".into(), "m".into()),
            ("gen_ai.response.finish_reasons".into(), serde_json::json!(["stop"])),
            ("app.words".into(), format!("words of run {n} ").repeat(40).into()),
        ]
        .into(),
        events: Vec::new(),
    };
    let resource = Resource { service: "bot".into(), attributes: [].into(), items: vec![span] };
    let batch = SpanBatch { resources: vec![resource] };
    Draft::new(at, format!("spans/{n}"), &batch.into()).found_by(term::trace(trace))
}

/// Five days of runs, one an hour, the last three hours ago; every fifth failed. Of what is older than two days the good ones may go.
fn old_runs() -> House {
    let house = House::new();
    house.configure("[retention]\nwhole_days = 2\n\n[sampling]\ngood_runs = 0.0\n");
    let folder = house.journal().parent().expect("a folder").to_owned();
    std::fs::create_dir_all(&folder).expect("our own folder");
    std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("our own folder");
    let now = Time::now();
    let hands = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&hands);
    let clock = Arc::new(move || Time::from_second(clock.load(Ordering::SeqCst)).expect("a time"));
    let options = Options { clock, ..Options::default() };
    let journal = SqliteJournal::open_with(&house.journal(), now, options).expect("a journal");
    for n in 0..120_u8 {
        let at = now - std::time::Duration::from_secs(3_600 * (3 + 119 - u64::from(n)));
        hands.store(at.as_second() + 1, Ordering::SeqCst);
        journal.append(vec![run(n, at, n % 5 == 0)]).expect("recorded");
    }
    journal.drop_projections().expect("indexed");
    drop(journal);
    house
}

fn released(house: &House) -> usize {
    house.entries().iter().filter(|entry| entry.kind == "released").count()
}

/// Of each entry of runs, whether anything is left in it.
fn left(house: &House) -> Vec<bool> {
    let entries = house.entries();
    let spans = entries.iter().filter(|entry| entry.kind == "spans");
    spans.map(|entry| entry.body["resources"].as_array().is_some_and(|all| !all.is_empty())).collect()
}

#[test]
fn the_running_program_lets_go_of_what_is_old_and_good_and_says_so() {
    let house = old_runs();
    let server = house.serve();
    wait_until("old runs to be let go", || released(&house) > 0);
    let left = left(&house);
    assert_eq!(left.len(), 120, "no entry is lost");
    let gone = left.iter().filter(|left| !**left).count() as u64;
    assert!(gone > 40, "{gone}");
    assert!(left.iter().skip(80).all(|left| *left), "what is young is whole");
    assert!(left.iter().step_by(5).all(|left| *left), "what failed stays");
    assert_eq!(house.json(&["verify", "--json"])["whole"], true);
    let report: Value = serde_json::from_slice(&house.run(&["doctor", "recorder", "--json"]).stdout).expect("JSON");
    let runs = report["let_go"]["runs"].as_array().expect("lines").clone();
    let sum = |field: &str| runs.iter().filter_map(|line| line[field].as_u64()).sum::<u64>();
    assert_eq!(sum("seen") - sum("kept"), gone, "{report}");
    let text = String::from_utf8_lossy(&house.run(&["doctor", "recorder"]).stdout).into_owned();
    assert!(text.contains("Let go of what came before") && text.contains("went wrong, all kept"), "{text}");
    // Killed and started again there is nothing more to do.
    drop(server);
    let _again = house.serve();
    let fine = house.run(&["verify"]);
    assert!(fine.status.success() && released(&house) == 1);
}

/// The kernel kills the program at a later and later write, until it comes to letting go and beyond.
#[test]
fn fault_01_killed_while_it_lets_go_it_has_done_so_wholly_or_not_at_all() {
    if !require("strace") {
        return;
    }
    let house = old_runs();
    let (listen, mut n) = (house.listen(), 1_usize);
    loop {
        let serve = house.command(&["serve", "--listen", &listen]);
        let inject = format!("inject=pwrite64:signal=SIGKILL:when={n}");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", &inject]).arg(serve.get_program());
        strace.args(serve.get_args()).env_clear().envs(house.environment()).current_dir(house.path());
        let mut child = strace.stdin(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().expect("it starts");
        let killed = wait_for("it to be killed or to let go", || match child.try_wait().expect("our own child") {
            Some(_) => Some(true),
            None => (released(&house) > 0).then_some(false),
        });
        if !killed {
            let group = Pid::from_raw(i32::try_from(child.id()).expect("a process id")).expect("a process id");
            kill_process_group(group, Signal::KILL).expect("our own processes");
            child.wait().expect("our own child");
        }
        assert_eq!(house.json(&["verify", "--json"])["whole"], true, "killed at write {n}");
        let left = left(&house);
        assert_eq!(left.len(), 120, "no entry is lost");
        // An entry that says what is gone, and nothing gone without one.
        let gone = left.iter().filter(|left| !**left).count();
        assert_eq!(gone > 0, released(&house) > 0, "killed at write {n}: {gone} are gone");
        assert!(left.iter().step_by(5).all(|left| *left), "what failed stays");
        if gone > 0 {
            assert!(n > 20, "the kills came too early to mean anything: {n}");
            return;
        }
        n += n / 16 + 1;
    }
}
