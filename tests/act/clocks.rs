//! Fault 41 on the real process: a clock that is set forth and back extends no approval.

use serde_json::json;

use crate::support::alerting::{Alertmanager, impatient};
use crate::support::clock::WallClock;
use crate::support::house::House;
use crate::support::pty::{self, Session};
use crate::support::{bodies, http, require_all, wait_until};

#[test]
fn fault_41_a_plan_that_has_expired_stays_expired_when_the_clock_is_set_back() {
    if !require_all(&["alertmanager", "faketime"]) {
        return;
    }
    let (house, clock) = (House::new(), WallClock::right());
    let alertmanager = Alertmanager::start(&impatient(&format!("url: 'http://127.0.0.1:{}/alertmanager'", house.port)));
    house.configure(&format!("[alertmanager]\nurl = \"http://127.0.0.1:{}\"\n", alertmanager.port));
    let mut command = pty::warroom(&house, &["--listen", &house.listen()]);
    for (name, value) in clock.environment() {
        command.env(name, value);
    }
    let mut session = Session::start(command, 120, 40);
    wait_until("the listener", || http::get(house.port, "/healthz").is_ok());
    alertmanager.post_alerts(&json!([{"labels": {"alertname": "QueueFull", "service": "mail"}}]));
    session.wait_for("QueueFull");
    session.press("2s");
    session.wait_for("1 wait for a person");

    // Three hours pass by the clock, and something is heard then; afterwards the clock is set back, further than it was.
    clock.set("+3h");
    let other = bodies::alert("Later", "mail", &[], &bodies::ago(1), "");
    let heard = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(&[other]));
    assert_eq!(heard.expect("the listener answers").status, 200);
    clock.set("-3h");
    session.wait_for("Later");

    session.press("<enter>");
    session.settle(std::time::Duration::from_millis(1_500));
    session.press("y");
    session.wait_for("expired");
    session.settle(std::time::Duration::from_millis(1_500));
    for forbidden in ["approved", "started"] {
        assert!(house.entries().iter().all(|entry| entry.kind != forbidden), "{forbidden}\n{}", session.text());
    }
    assert_eq!(alertmanager.amtool(&["silence", "query", "-q"]).trim(), "");
    session.press("<esc><esc>q");
    assert_eq!(session.wait_exit(crate::support::PATIENCE), 0);
    assert!(house.run(&["verify"]).status.success());
}
