//! What a person set: read at the start, read again on a signal, and obeyed.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::{bodies, http, wait_until, wire};

const SOON: Duration = Duration::from_secs(10);

fn open(house: &House) -> Session {
    let session = Session::warroom(house, &["--listen", &house.listen()], 120, 40);
    wait_until("the listener", || http::get(house.port, "/healthz").is_ok());
    let alert = bodies::alert("HighErrorRate", "checkout", &[("severity", "page")], &bodies::ago(60), "");
    let answer = http::post(house.port, "/alertmanager", "application/json", &bodies::webhook(&[alert]));
    assert_eq!(answer.expect("the listener answers").status, 200);
    session.wait_for("INC-1");
    session
}

/// Writes a person's own theme or keymap.
fn own(house: &House, name: &str, text: &str) {
    let path = house.config().parent().expect("a folder").join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("our own folder");
    std::fs::write(path, text).expect("our own folder");
}

fn theme(owned: &str) -> String {
    format!("inherits = \"dark\"\n\n[roles]\n\"header.alarm\" = {{ bg = \"{owned}\" }}\n")
}

#[test]
fn fault_70_a_signal_reads_theme_and_keymap_again_and_a_broken_file_leaves_the_old_one() {
    let house = House::new();
    let vim = include_str!("../../keymaps/vim.toml");
    own(&house, "themes/mine.toml", &theme("#102030"));
    own(&house, "keymaps/mine.toml", vim);
    house.configure("theme = \"mine\"\nkeymap = \"mine\"\n");
    let mut session = open(&house);
    // The word UNOWNED stands on the ground of `header.alarm`.
    let ground = |screen: &vt100::Screen| {
        let at = screen.contents().lines().next().and_then(|first| first.find("UNOWNED"));
        let at = u16::try_from(at.unwrap_or(0)).expect("on the screen");
        screen.cell(0, at.saturating_sub(1)).map(vt100::Cell::bgcolor)
    };
    let is =
        |red, green, blue| move |screen: &vt100::Screen| ground(screen) == Some(vt100::Color::Rgb(red, green, blue));
    session.wait_until("the person's own theme", is(0x10, 0x20, 0x30));

    own(&house, "themes/mine.toml", &theme("#405060"));
    own(&house, "keymaps/mine.toml", &vim.replace("help = [\"?\"]", "help = [\"Q\"]"));
    session.signal(Signal::USR1);
    session.wait_until("the theme as it is now", is(0x40, 0x50, 0x60));
    session.wait_for("Q keys");

    // Broken on line 4, and a key for two actions on its own line: what is in use stays, and the place is named.
    own(&house, "themes/mine.toml", &theme("no such colour"));
    own(&house, "keymaps/mine.toml", &vim.replace("quit = [\"q\"]", "quit = [\"q\", \"a\"]"));
    session.signal(Signal::USR1);
    session.wait_for("the one in use stays");
    session.press("M");
    session.wait_for("themes/mine.toml:4:");
    session.wait_for("keymaps/mine.toml:");
    session.press("<esc>");
    session.wait_until("the theme as it was", is(0x40, 0x50, 0x60));
    session.press("Q");
    session.wait_for("Keys: mine");
    session.press("<esc>q");
    assert_eq!(session.wait_exit(SOON), 0);
}

#[test]
fn the_screen_is_as_the_configuration_says() {
    let house = House::new();
    house.configure("clipboard = false\nbracketed_paste = false\nsynchronized = true\ntime_zone = \"Asia/Tokyo\"\n");
    let mut session = open(&house);
    session.wait_for("JST");
    session.press("y");
    session.wait_for("Copying is switched off");
    session.type_keys("q");
    assert_eq!(session.wait_exit(SOON), 0);
    let raw = String::from_utf8_lossy(&session.raw()).into_owned();
    assert!(!raw.contains("\x1b[?2004h"), "pasted text was asked to be marked");
    assert!(raw.contains("\x1b[?2026h"), "frames are bracketed");
    assert!(wire::osc_payloads(&session.raw(), "52").is_empty(), "nothing was copied");
    assert_eq!(session.modes_left_on(), Vec::<String>::new());
}
