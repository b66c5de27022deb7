//! The console and its terminal: taken over, given back on every way out, cheap while it lasts.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::house::House;
use crate::support::pty::{Session, warroom};
use crate::support::{wait_until, wire};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/ai");
const SOON: Duration = Duration::from_secs(10);

/// A house in which something happened.
fn house() -> House {
    let house = House::new();
    let ingested = house.run(&["ingest", DEMO]);
    assert!(ingested.status.success(), "{}", String::from_utf8_lossy(&ingested.stderr));
    house
}

fn open(house: &House, columns: u16, rows: u16) -> Session {
    let session = Session::warroom(house, &[], columns, rows);
    session.wait_for("INC-1");
    session.settle(Duration::from_millis(600));
    session
}

fn restored(session: &Session) {
    assert_eq!(session.modes_left_on(), Vec::<String>::new());
    assert!(session.line_settings_restored());
}

#[test]
fn every_way_out_gives_the_terminal_back() {
    let house = house();
    for (way, code) in [("q", 0), ("<c-c>", 0), ("HUP", 129), ("TERM", 143), ("INT", 130)] {
        let mut session = open(&house, 100, 30);
        match way {
            "HUP" => session.signal(Signal::HUP),
            "TERM" => session.signal(Signal::TERM),
            "INT" => session.signal(Signal::INT),
            keys => session.type_keys(keys),
        }
        assert_eq!(session.wait_exit(SOON), code, "{way}");
        restored(&session);
    }
}

#[test]
fn fault_14_a_terminal_that_goes_away_ends_the_console() {
    let house = house();
    let mut session = open(&house, 100, 30);
    session.hang_up();
    session.wait_exit(SOON);
    assert!(house.run(&["verify"]).status.success());
}

#[test]
fn fault_15_stopped_and_continued_the_screen_is_as_it_was() {
    let house = house();
    let session = open(&house, 100, 30);
    session.type_keys("3");
    session.wait_for("▶3 Timeline");
    session.settle(Duration::from_millis(500));
    let before = session.text();
    session.type_keys("<c-z>");
    wait_until("it gives the terminal back", || session.modes_left_on().is_empty());
    session.signal(Signal::CONT);
    session.wait_until("the screen is back", vt100::Screen::alternate_screen);
    session.wait_for("INC-1");
    session.settle(Duration::from_millis(500));
    let after = session.text();
    for (was, is) in before.lines().zip(after.lines()) {
        assert_eq!(is.trim_end(), was.trim_end());
    }
}

#[test]
fn fault_15_a_storm_of_a_thousand_sizes_ends_in_a_right_screen() {
    let house = house();
    let mut session = open(&house, 100, 30);
    let before = session.written();
    for nth in 0..1000u16 {
        let (columns, rows) = match nth % 4 {
            0 => (1, 1),
            1 => (500, 200),
            2 => (60 + nth % 100, 16 + nth % 50),
            _ => (0, 0),
        };
        session.resize(columns, rows);
    }
    session.resize(120, 40);
    session.wait_for("INC-1");
    session.settle(Duration::from_millis(600));
    assert!(session.alive());
    assert!(session.row(0).contains("INC-1") && session.row(39).contains("keys"), "{}", session.text());
    // Sizes that nobody saw are not painted.
    let spent = session.written() - before;
    assert!(spent < 20_000_000, "{spent} bytes");
    session.type_keys("q");
    assert_eq!(session.wait_exit(SOON), 0);
    restored(&session);
}

#[test]
fn fault_17_a_terminal_that_can_do_nothing_gets_readable_lines() {
    let house = house();
    for (term, value) in [("TERM", "dumb"), ("TERM", "")] {
        let mut command = warroom(&house, &[]);
        command.env(term, value);
        let mut session = Session::start(command, 200, 60);
        assert_eq!(session.wait_exit(SOON), 0);
        let raw = String::from_utf8_lossy(&session.raw()).into_owned();
        assert!(!raw.contains('\u{1b}'), "{raw}");
        assert!(raw.contains("INC-1") && raw.contains("UNOWNED"), "{raw}");
    }
}

#[test]
fn fault_17_no_colour_means_no_colour() {
    let house = house();
    let mut command = warroom(&house, &[]);
    command.env("NO_COLOR", "1");
    command.env("COLORTERM", "truecolor");
    let session = Session::start(command, 160, 50);
    session.wait_for("INC-1");
    session.settle(Duration::from_millis(600));
    session.screen(|screen| {
        for row in 0..50 {
            for column in 0..160 {
                let cell = screen.cell(row, column).expect("on the screen");
                assert_eq!((cell.fgcolor(), cell.bgcolor()), (vt100::Color::Default, vt100::Color::Default));
            }
        }
    });
    assert!(session.row(0).contains("CRITICAL") || session.row(0).contains("ERROR"), "severity is a word");
}

#[test]
fn fault_17_without_utf_8_every_sign_is_ascii() {
    let house = house();
    let mut command = warroom(&house, &[]);
    for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
        command.env(name, "C");
    }
    let session = Session::start(command, 160, 50);
    session.wait_for("INC-1");
    session.settle(Duration::from_millis(600));
    let first = session.row(0);
    let chrome = session.row(1);
    assert!(first.is_ascii() && chrome.is_ascii(), "{first}\n{chrome}");
}

#[test]
fn fault_18_a_blocked_terminal_stops_nothing_and_costs_no_memory() {
    let house = house();
    let mut session = open(&house, 160, 50);
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", session.pid())).expect("our own child");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a size").to_owned();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number")
    };
    // A frame of the whole screen, as every size asks for one.
    session.resize(250, 70);
    let before = session.written();
    session.type_keys("<c-l>");
    wait_until("a whole frame", || session.written() > before);
    session.settle(Duration::from_millis(400));
    let frame = (session.written() - before) / 1024;
    session.pause(true);
    // The kernel's buffer fills, then the writer blocks; sizes go on changing. What keeps frames for later would keep five
    // times as many the second time.
    let storm = |times: u16| {
        for nth in 0..times {
            session.resize(230 + nth % 21, 60 + nth % 11);
            std::thread::sleep(Duration::from_millis(20));
        }
        memory()
    };
    let few = 120;
    let after_few = storm(few);
    let after_many = storm(5 * few);
    let kept = after_many.saturating_sub(after_few);
    let all = u64::from(5 * few) * u64::try_from(frame).expect("small");
    println!("a frame is {frame} KiB; kept {kept} KiB of {all} KiB that would have been drawn");
    assert!(kept < all / 4, "{kept} KiB of {all} KiB were kept for a terminal that does not read");
    // Somebody else's news goes on being recorded and taken in.
    assert!(house.run(&["ingest", concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/infra")]).status.success());
    session.resize(160, 50);
    session.pause(false);
    session.wait_for("2 open");
    session.type_keys("<c-c>");
    assert_eq!(session.wait_exit(SOON), 0);
    restored(&session);
}

#[test]
fn fault_18_a_blocked_terminal_does_not_keep_the_process() {
    let house = house();
    let mut session = open(&house, 160, 50);
    session.pause(true);
    for nth in 0..200u16 {
        session.resize(120 + nth % 41, 40 + nth % 11);
        std::thread::sleep(Duration::from_millis(5));
    }
    session.signal(Signal::TERM);
    wait_until("it ends although nobody reads", || !session.alive());
}

#[test]
fn fault_19_what_is_pasted_is_text() {
    let house = house();
    let mut session = open(&house, 100, 30);
    session.paste("q\no\na\n\ry\n");
    session.settle(Duration::from_millis(300));
    assert!(session.alive());
    assert!(session.text().contains("UNOWNED"), "{}", session.text());
    session.type_keys("n");
    session.wait_for("Note on");
    session.paste("first\nsecond\x1b[2J");
    session.wait_for("second");
    session.wait_for("first");
    assert_eq!(wire::not_allowed(&session.raw(), &[]), Vec::<String>::new());
}

#[test]
fn fault_19_late_answers_of_the_terminal_are_no_keys() {
    let house = house();
    let mut session = open(&house, 100, 30);
    // The picture is only compared once the diagnosis is in it.
    session.wait_for("earned, n=");
    session.settle(Duration::from_millis(2_500));
    let before = session.text();
    for answer in [&b"\x1b]11;rgb:1111/2222/3333\x1b\\"[..], b"\x1b[?62;22c", b"\x1bP>|xterm(390)\x1b\\"] {
        for byte in answer {
            session.send(&[*byte]);
        }
    }
    session.settle(Duration::from_millis(400));
    assert!(session.alive());
    assert_eq!(session.text(), before);
}

#[test]
fn fault_20_a_key_costs_few_bytes_and_a_burst_little_more() {
    let house = house();
    let session = open(&house, 160, 50);
    session.type_keys("3");
    session.wait_for("▶3 Timeline");
    let cost = |keys: &str| {
        session.settle(Duration::from_millis(500));
        let before = session.written();
        session.type_keys(keys);
        wait_until("it answers", || session.written() > before);
        session.settle(Duration::from_millis(500));
        session.written() - before
    };
    for key in ["k", "k", "j", "k"] {
        let spent = cost(key);
        assert!(spent <= 300, "{key}: {spent} bytes");
    }
    let spent = cost(&"k".repeat(200));
    assert!(spent < 40_000, "{spent} bytes for 200 keys");
}

#[test]
fn nothing_is_written_while_nothing_happens() {
    let house = house();
    let session = open(&house, 160, 50);
    // What an engine on a slow machine still derives from the incident is something happening; after it the console falls
    // silent, and one that writes by a clock of its own never stays so for ten seconds.
    session.settle(Duration::from_secs(10));
}

#[test]
fn help_palette_and_search_open_and_close_at_every_size() {
    let house = house();
    for (columns, rows) in [(80, 24), (100, 30), (160, 50), (250, 70)] {
        let mut session = open(&house, columns, rows);
        for (key, title) in [("?", "Keys: vim"), (":", "Command"), ("/", "Find"), ("M", "Messages")] {
            session.type_keys(key);
            session.wait_for(title);
            session.type_keys("<esc>");
            session.wait_gone(title);
        }
        session.type_keys(":quit<enter>");
        assert_eq!(session.wait_exit(SOON), 0);
        assert_eq!(wire::not_allowed(&session.raw(), &[]), Vec::<String>::new());
    }
}
