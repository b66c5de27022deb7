//! The whole console with hostile text in every field: what reaches the terminal, byte for byte.

use std::time::Duration;

use crate::hostile;
use crate::support::house::House;
use crate::support::pty::Session;
use crate::support::wire;

/// Everything a person can open, one after the other; each ends where the next begins.
const TOUR: &[&str] = &[
    "1",
    "<enter>",
    "<esc>",
    "2",
    "jjjl",
    "<enter>",
    "jjj<pgdn>",
    "<esc>",
    "3",
    "G",
    "<enter>",
    "<esc>",
    "gg",
    "jjjj",
    "<enter>",
    "<esc>",
    "4",
    "T",
    "l",
    "<enter>",
    "<esc>",
    "5",
    "<enter>",
    "n",
    "t",
    "<pgdn>",
    "<esc>",
    "d",
    "<esc>",
    "jj",
    "d",
    "<esc>",
    "6",
    "<enter>",
    "t",
    "<pgdn>",
    "n",
    "<esc>",
    "jjj",
    "<enter>",
    "<esc>",
    "7",
    "8",
    "9",
    "1",
    "z",
    "z",
    "3",
    "z",
    "G",
    "z",
    "i",
    "j",
    "<esc>",
    "?",
    "<pgdn>",
    "<esc>",
    ":",
    "the",
    "<esc>",
    "/",
    "override",
    "<down>",
    "<enter>",
    "<esc>",
    "<esc>",
    "M",
    "<esc>",
    "[",
    "[",
    "{",
    "]",
    "L",
    "2",
    "f",
    "clear",
    "<enter>",
    "<esc>",
    "y",
    "2",
    "v",
    "s",
    "<esc>",
    "<esc>",
    "a",
    "<esc>",
    "m",
    "<esc>",
    "r",
    "<esc>",
    "n",
    "x",
    "<esc>",
    "<esc>",
    "C",
    "<esc>",
    "<esc>",
];

fn the_tour_keeps_to_the_grammar(columns: u16, rows: u16, extra: &[(&str, &str)]) {
    let house = House::new();
    let mut command = crate::support::pty::warroom(&house, &["--listen", &house.listen()]);
    for (name, value) in extra {
        command.env(name, value);
    }
    let mut session = Session::start(command, columns, rows);
    session.wait_until("the first frame", |screen| screen.contents().trim().len() > 40);
    hostile::deliver(&house);
    session.wait_for("UNOWNED");
    session.settle(Duration::from_millis(600));

    let mut seen = session.text();
    for keys in TOUR {
        session.type_keys(keys);
        session.settle(Duration::from_millis(120));
        assert!(session.alive(), "`{keys}` ended the console:\n{}", session.text());
        seen.push_str(&session.text());
    }
    // The text was there to be seen, in its escaped form.
    for visible in ["^[[", "\\u{202E}", "\\x9"] {
        assert!(seen.contains(visible), "{visible} was on no screen");
    }
    for keys in ["<esc>", "<esc>", "<esc>", "q"] {
        session.type_keys(keys);
        session.settle(Duration::from_millis(150));
    }
    assert_eq!(session.wait_exit(Duration::from_secs(5)), 0, "{}", session.text());

    // The clipboard is written on `copy` alone, by its own module.
    let wrong = wire::not_allowed(&session.raw(), &["52"]);
    assert!(
        wrong.is_empty(),
        "{} things on the wire that must not be: {:?}",
        wrong.len(),
        &wrong[..wrong.len().min(12)]
    );
    assert_eq!(session.modes_left_on(), Vec::<String>::new());
    assert!(session.line_settings_restored());
    // The base64 that a source sent to the clipboard stands on the screen as text; it is never what is copied.
    let copied = wire::osc_payloads(&session.raw(), "52");
    assert!(!copied.iter().any(|payload| payload.contains("cm0gLXJmIC8=")), "{copied:?}");
}

#[test]
fn fault_21_no_control_byte_of_a_source_reaches_the_terminal() {
    the_tour_keeps_to_the_grammar(160, 50, &[]);
}

#[test]
fn fault_21_no_control_byte_of_a_source_reaches_a_small_terminal() {
    the_tour_keeps_to_the_grammar(80, 24, &[]);
}

#[test]
fn fault_21_no_control_byte_of_a_source_reaches_a_terminal_of_sixteen_colours() {
    the_tour_keeps_to_the_grammar(100, 30, &[("COLORTERM", ""), ("TERM", "xterm")]);
}
