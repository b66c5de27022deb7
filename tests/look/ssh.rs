//! The console over a real ssh connection that is lost, at every screen (fault 14).

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::bodies;
use crate::support::house::{House, Server, program};
use crate::support::pty::Session;
use crate::support::ssh::{Sshd, quoted};
use crate::support::{free_port, require_all, send_signal, wait_for, wait_until};

/// Screens, and the keys that lead there from the start.
const SCREENS: &[(&str, &str)] = &[
    ("the panes", ""),
    ("an opened alert", "2l<enter>"),
    ("the timeline", "3z"),
    ("help", "?"),
    ("the palette", ":the"),
    ("the search", "/check"),
    ("a half-written note", "nhalf a thought"),
    ("the decision dialog", "4a"),
    ("the incidents", "i"),
    ("wound back", "3["),
];

/// Processes whose command line is `warroom` with a console in `house`, by their environment's state folder.
fn consoles(house: &House) -> Vec<u32> {
    let state = format!("XDG_STATE_HOME={}", house.path().join("state").display());
    let program = program();
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let link = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            link == program && environment.split(|byte| *byte == 0).any(|pair| pair == state.as_bytes())
        })
        .collect()
}

#[test]
fn fault_14_a_lost_connection_ends_the_console_at_every_screen_and_loses_nothing() {
    if !require_all(&["sshd", "ssh"]) {
        return;
    }
    let (house, sshd) = (House::new(), Sshd::start());
    // The listener is another process, as a responder's host would have it; consoles come and go.
    let server: Server = house.serve();
    let alert = bodies::alert("HighErrorRate", "checkout", &[("severity", "page")], &bodies::ago(60), "");
    assert_eq!(server.post("/alertmanager", &bodies::webhook(&[alert])).expect("an answer").status, 200);

    let console = format!("{} console --listen 127.0.0.1:{}", quoted(&program().to_string_lossy()), free_port());
    let mut took = Vec::new();
    for (screen, keys) in SCREENS {
        let mut session = Session::start(sshd.login(&house, &console), 100, 30);
        session.wait_for("INC-1");
        session.settle(Duration::from_millis(300));
        session.press(keys);
        session.settle(Duration::from_millis(200));
        let pid = *wait_for("the console's process", || {
            let running: Vec<u32> = consoles(&house).into_iter().filter(|pid| *pid != server.pid()).collect();
            (running.len() == 1).then_some(running)
        })
        .first()
        .expect("there is one");
        // The laptop closes: the client is gone without a word.
        send_signal(session.pid(), Signal::KILL);
        let lost = Instant::now();
        wait_until(&format!("the console to end after the connection was lost at {screen}"), || {
            !consoles(&house).contains(&pid)
        });
        took.push(lost.elapsed());
        let _ = session.wait_exit(Duration::from_secs(5));
    }
    // One second from the hang-up; a busy machine may be late for a few of them, not for most.
    took.sort();
    assert!(took[SCREENS.len() / 2] < Duration::from_secs(1), "{took:?}");
    // The same incident is there at the next login, with everything recorded.
    let session = Session::start(sshd.login(&house, &console), 100, 30);
    session.wait_for("INC-1");
    session.wait_for("checkout");
    assert!(house.run(&["verify"]).status.success());
}
