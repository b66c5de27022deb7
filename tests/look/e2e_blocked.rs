//! A client that reads nothing more (suspended, window full) holds nothing up (fault 18).

use std::time::{Duration, Instant};

use crate::support::bodies;
use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{http, wait_until};

fn resident_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[test]
fn fault_18_a_blocked_terminal_does_not_stop_intake_and_keys_typed_into_it_approve_nothing() {
    let house = House::new();
    let mut session = Session::warroom(&house, &["--listen", &house.listen()], 160, 50);
    session.wait_until("the first frame", |screen| screen.contents().trim().len() > 40);
    wait_until("the listener", || http::get(house.port, "/healthz").is_ok());
    session.pause(true);
    // The same alerts fire and end, over and over: every delivery changes the screen, and the picture stays as large.
    let mut sent = 0_u64;
    let mut arrive = |deliveries: u64| {
        for _ in 0..deliveries {
            sent += 1;
            let pod = format!("pod-{}", sent % 10);
            let ends = if (sent / 10).is_multiple_of(2) { String::new() } else { bodies::ago(0) };
            let alert = bodies::alert("HighErrorRate", "checkout", &[("pod", &pod)], &bodies::ago(30), &ends);
            let asked = Instant::now();
            let answer = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(&[alert]));
            assert_eq!(answer.expect("the listener answers").status, 200);
            assert!(asked.elapsed() < Duration::from_secs(5), "intake waited {:?} for the terminal", asked.elapsed());
            if sent.is_multiple_of(10) {
                // Somebody hits keys at a dead screen: accept, approve, yes.
                session.type_keys("4ay7xy<enter>");
            }
        }
        resident_kb(session.pid())
    };
    let after_few = arrive(100);
    let after_many = arrive(500);
    let grown = after_many.saturating_sub(after_few);
    // A picture of this incident and its frame are more than 40 kB together: kept for later, 500 of them would show.
    println!("grew by {grown} kB over 500 deliveries");
    assert!(grown < 20_000, "memory grew by {grown} kB over 500 deliveries while the terminal was blocked");
    assert!(session.alive());
    session.pause(false);
    session.settle(Duration::from_millis(700));
    assert!(session.alive());
    let entries = house.entries();
    assert_eq!(entries.iter().filter(|entry| entry.kind == "alert").count() as u64, sent);
    for forbidden in ["approved", "started"] {
        assert!(
            entries.iter().all(|entry| entry.kind != forbidden),
            "keys typed at a blocked screen {forbidden} a plan"
        );
    }
}
