//! A team's own triage tree on the real program: walked, wrong after a change, and read again on a signal.

use std::time::Duration;

use crate::demo::play;
use crate::support::house::House;

const OURS: &str = include_str!("../data/triage.toml");

#[test]
fn a_teams_own_tree_is_walked_checked_and_read_again_on_a_signal() {
    let house = House::new();
    let file = house.config().parent().expect("a folder").join("ours.toml");
    house.configure("triage = \"ours.toml\"\n");
    std::fs::write(&file, OURS).expect("a file");
    let found = house.stdout(&["--plain", "doctor"]);
    assert!(found.contains("one branch, one question"), "{found}");

    let mut session = play(&house, &[], 120, 40);
    session.wait_for("support-lead");
    session.press("t");
    session.wait_for("Was the booking system in maintenance?");
    session.press("2");
    session.wait_for("every question is answered");
    session.press("<esc>");
    session.wait_gone("Triage of INC-1");

    // One that became wrong is said with its line, and the one in use stays.
    std::fs::write(&file, OURS.replace("leads = \"clear\"", "leads = \"nowhere\"")).expect("a file");
    session.signal(rustix::process::Signal::USR1);
    session.wait_for("ours.toml:11: ");
    session.press("t");
    session.wait_for("every question is answered");
    session.press("<esc>");
    session.wait_gone("Triage of INC-1");
    let doctor = house.run(&["doctor"]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("ours.toml:11: "), "{doctor:?}");

    std::fs::write(&file, OURS.replace("in maintenance", "down")).expect("a file");
    session.signal(rustix::process::Signal::USR1);
    session.wait_for("a triage walk of one question");
    session.press("tk");
    session.wait_for("Was the booking system down?");
    session.press("<esc>q");
    assert_eq!(session.wait_exit(Duration::from_secs(20)), 0);
}
