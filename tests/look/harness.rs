//! The harness itself: what it claims about a terminal must be so, or every other test here proves nothing.

use std::time::Duration;

use crate::support::pty::{Session, in_house, keys};
use crate::support::{find_program, house::House, require, require_all, ssh::Sshd, tmux::Tmux, wire};

fn shell(script: &str) -> Session {
    let mut command = in_house(&House::new(), find_program("sh").expect("every machine has sh"));
    command.cwd("/");
    command.args(["-c", script]);
    Session::start(command, 40, 10)
}

#[test]
fn what_is_typed_and_shown_goes_through_the_terminal() {
    let mut session = shell("read -r line; printf 'got \\033[1m%s\\033[0m' \"$line\"; exit 3");
    session.type_keys("abc<bs>c d<enter>");
    session.wait_for("got abc d");
    assert_eq!(session.wait_exit(Duration::from_secs(5)), 3);
    assert!(session.line_settings_restored());
    assert_eq!(session.modes_left_on(), Vec::<String>::new());
}

#[test]
fn modes_and_line_settings_left_behind_are_found() {
    let mut session = shell("stty -echo; printf '\\033[?1049h\\033[?25l\\033[?2004h\\033[?2004l'");
    session.wait_exit(Duration::from_secs(5));
    assert_eq!(session.modes_left_on(), ["?1049", "cursor hidden"]);
    assert!(!session.line_settings_restored());
}

#[test]
fn a_hung_up_terminal_ends_the_program() {
    let mut session = shell("echo ready; exec sleep 600");
    session.wait_for("ready");
    session.hang_up();
    session.wait_exit(Duration::from_secs(5));
}

#[test]
fn named_keys_are_what_a_terminal_sends() {
    assert_eq!(keys("a<enter><esc><c-c><up>é"), b"a\r\x1b\x03\x1b[A\xc3\xa9");
    assert_eq!(keys("1 < 2"), b"1 < 2");
}

#[test]
fn the_grammar_lets_a_screen_through_and_nothing_else() {
    let screen = b"\x1b[?1049h\x1b[?25l\x1b[2J\x1b[1;1H\x1b[38;2;1;2;3mincident\x1b[0m\x1b[K\x1b[?2026h\x1b[?2026l\r\n";
    assert_eq!(wire::not_allowed(screen, &[]), Vec::<String>::new());
    assert_eq!(wire::not_allowed(b"\x1b]0;title\x1b\\", &["0"]), Vec::<String>::new());
    for hostile in [
        &b"\x1b]0;title\x07"[..],
        b"\x1b]52;c;aGk=\x07",
        b"\x1bPq#0\x1b\\",
        b"\x1b_Gi=1\x1b\\",
        b"\x1bc",
        b"\x1b[6;6r",
        b"\x1b[?47h",
        b"\x07",
        b"\x08",
        b"\x7f",
        b"a\x9b2Jb",
        "\u{9b}2J".as_bytes(),
        "\u{202e}".as_bytes(),
        "\u{200b}".as_bytes(),
        "\u{e0041}".as_bytes(),
    ] {
        assert!(!wire::not_allowed(hostile, &[]).is_empty(), "let through: {hostile:?}");
    }
}

#[test]
fn tmux_shows_what_runs_in_it() {
    if !require("tmux") {
        return;
    }
    let house = House::new();
    let tmux = Tmux::start(&house, "echo ready; read -r line; echo \"got $line\"; sleep 600", 60, 10);
    tmux.wait_for("ready");
    tmux.press(&["hello", "Enter"]);
    tmux.wait_for("got hello");
    tmux.kill();
}

#[test]
fn a_login_over_ssh_has_a_terminal_and_the_house() {
    if !require_all(&["sshd", "ssh"]) {
        return;
    }
    let (house, sshd) = (House::new(), Sshd::start());
    let command = sshd.login(&house, "sh -c 'tty; echo \"home $HOME\"; read -r line; echo \"got $line\"; exit 4'");
    let mut session = Session::start(command, 100, 20);
    session.wait_for("/dev/pts/");
    session.wait_for(&format!("home {}", house.path().display()));
    session.type_keys("hello<enter>");
    session.wait_for("got hello");
    assert_eq!(session.wait_exit(Duration::from_secs(5)), 4);
}
