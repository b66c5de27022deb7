//! The console inside tmux: drawn right, and still there after the terminal around it went away.

use crate::support::bodies;
use crate::support::house::{House, program};
use crate::support::pty::{Session, in_house};
use crate::support::ssh::quoted;
use crate::support::tmux::Tmux;
use crate::support::{find_program, http, require, wait_until};

fn one_alert(house: &House) {
    let alert = bodies::alert("HighErrorRate", "checkout", &[("severity", "page")], &bodies::ago(60), "");
    wait_until("the listener", || http::get(house.port, "/healthz").is_ok());
    let answer = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(&[alert]));
    assert_eq!(answer.expect("the listener answers").status, 200);
}

fn in_tmux(house: &House, columns: u16, rows: u16) -> Tmux {
    let command = format!("{} --listen {}", quoted(&program().to_string_lossy()), house.listen());
    Tmux::start(house, &command, columns, rows)
}

#[test]
fn inside_tmux_the_pane_shows_the_incident_and_keys_work() {
    if !require("tmux") {
        return;
    }
    let house = House::new();
    let tmux = in_tmux(&house, 120, 36);
    one_alert(&house);
    tmux.wait_for("checkout");
    let pane = tmux.capture();
    assert!(pane.contains("INC-1"), "{pane}");
    // Nothing runs over the edge or leaves the top line empty.
    assert!(pane.lines().all(|line| line.chars().count() <= 120), "{pane}");
    assert!(!pane.lines().next().unwrap_or_default().trim().is_empty(), "{pane}");
    tmux.press(&["?"]);
    tmux.wait_for("accept the hypothesis");
    tmux.press(&["Escape"]);
    wait_until("help to close", || !tmux.capture().contains("accept the hypothesis"));
    tmux.press(&["q"]);
    wait_until("the session to end with the console", || !tmux.run(&["has-session"]).status.success());
}

#[test]
fn a_detached_console_is_as_it_was_when_attached_again() {
    if !require("tmux") {
        return;
    }
    let house = House::new();
    let tmux = in_tmux(&house, 100, 30);
    one_alert(&house);
    tmux.wait_for("INC-1");
    let attach = || {
        let mut command = in_house(&house, find_program("tmux").expect("required above"));
        command.args(["-S", &tmux.socket().to_string_lossy(), "-u", "attach"]);
        Session::start(command, 100, 31)
    };
    let mut first = attach();
    first.wait_for("INC-1");
    first.hang_up();
    // News while nobody looks.
    let news = bodies::alert("QueueFull", "mail", &[("severity", "page")], &bodies::ago(5), "");
    let answer = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(&[news]));
    assert_eq!(answer.expect("the listener answers").status, 200);
    let second = attach();
    second.wait_for("INC-1");
    second.wait_for("mail");
}
