//! What must hold of shown text, whatever came in.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn prose_of(text: &str) -> String {
    show(text, Policy::Prose).as_str().to_owned()
}

fn exact_of(text: &str) -> String {
    show(text, Policy::Exact).as_str().to_owned()
}

/// Reads exact text back. Independent of how it is written: only the table in the module's head is used.
fn read_back(shown: &str) -> String {
    let chars: Vec<char> = shown.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == '·' {
            out.push(' ');
            at += 1;
            continue;
        }
        if chars[at] != '\\' {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        let slashes = chars[at..].iter().take_while(|c| **c == '\\').count();
        at += slashes;
        if !matches!(chars.get(at), Some('x' | 'u')) {
            out.extend(std::iter::repeat_n('\\', slashes));
            continue;
        }
        out.extend(std::iter::repeat_n('\\', slashes / 2));
        if slashes % 2 == 0 {
            continue;
        }
        let (digits, next): (String, usize) = if chars[at] == 'x' {
            (chars[at + 1..at + 3].iter().collect(), at + 3)
        } else {
            let end = at + chars[at..].iter().position(|c| *c == '}').expect("a closing brace");
            (chars[at + 2..end].iter().collect(), end + 1)
        };
        out.push(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).expect("a scalar"));
        at = next;
    }
    out
}

/// Text made of the characters that matter, beside any other.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(
            [
                "a",
                " ",
                "  ",
                "\\",
                "\\x",
                "\\u{",
                "\\x1b",
                "\\u{202E}",
                "^",
                "^[",
                "·",
                "→",
                "}",
                "\t",
                "\n",
                "\r",
                "\0",
                "\x1b[2J",
                "\x7f",
                "\u{9b}",
                "\u{202E}",
                "\u{200B}",
                "\u{301}",
                "\u{34F}",
                "\u{FE0F}",
                "\u{200D}",
                "👩",
                "é",
                "漢",
                "\u{E0041}",
                "\u{3164}",
                "\u{2800}",
                "\u{A0}",
                "لا",
                "के",
                "\u{E000}",
                "\u{FFFF}",
                "\u{FFFD}",
                "ᄀ\u{1161}",
            ]
            .as_slice()
        )
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

const POLICIES: [Policy; 3] = [Policy::Prose, Policy::Code, Policy::Exact];

proptest! {
    #[test]
    fn nothing_hidden_is_left(text in nasty()) {
        for policy in POLICIES {
            let shown = show(&text, policy);
            prop_assert!(shown.as_str().chars().all(|c| class::of(c) != Class::Hidden), "{:?}", shown.as_str());
            if policy == Policy::Exact {
                prop_assert!(shown.as_str().chars().all(|c| c == '·' || c == ' ' || c.is_ascii_graphic()));
            }
        }
    }

    #[test]
    fn prose_and_code_are_idempotent(text in nasty()) {
        for policy in [Policy::Prose, Policy::Code] {
            let once = show(&text, policy);
            let twice = show(once.as_str(), policy);
            prop_assert_eq!(once.as_str(), twice.as_str());
        }
    }

    #[test]
    fn exact_can_be_read_back(text in nasty()) {
        prop_assert_eq!(read_back(&exact_of(&text)), text);
    }

    #[test]
    fn with_its_marks_prose_can_be_read_back(text in nasty()) {
        let shown = show(&text, Policy::Prose);
        let mut back = String::new();
        for (piece, mark) in shown.pieces() {
            if mark == Mark::Plain {
                back.push_str(piece);
                continue;
            }
            let mut rest = piece;
            while let Some(first) = rest.chars().next() {
                let len = match first {
                    '^' => 2,
                    _ if rest.starts_with("\\x") => 4,
                    _ => rest.find('}').expect("a closing brace") + 1,
                };
                match first {
                    '^' => back.push(char::from(rest.as_bytes()[1] ^ 0x40)),
                    _ => back.push_str(&read_back(&rest[..len])),
                }
                rest = &rest[len..];
            }
        }
        prop_assert_eq!(back, text);
    }

    #[test]
    fn the_pieces_are_the_text(text in nasty()) {
        for policy in POLICIES {
            let shown = show(&text, policy);
            let joined: String = shown.pieces().map(|(piece, _)| piece).collect();
            prop_assert_eq!(joined.as_str(), shown.as_str());
        }
    }

    #[test]
    fn a_prefix_is_a_prefix_and_fits(text in nasty(), cells in 0_usize..40) {
        for policy in POLICIES {
            let whole = show(&text, policy);
            let part = show_prefix(&text, policy, cells);
            prop_assert!(part.cells() <= cells, "{} > {cells}", part.cells());
            prop_assert!(whole.as_str().starts_with(part.as_str()), "{:?} / {:?}", whole.as_str(), part.as_str());
            prop_assert_eq!(part.is_whole(), part.as_str() == whole.as_str());
        }
    }

    #[test]
    fn printable_ascii_is_borrowed(text in "[!-\\[\\]-~]([!-\\[\\]-~]| [!-\\[\\]-~]){0,60}") {
        for policy in POLICIES {
            prop_assert!(matches!(show(&text, policy).into_cow(), Cow::Borrowed(same) if same == text));
        }
    }
}

#[test]
fn every_scalar_alone_is_shown_in_at_least_one_cell() {
    for c in '\0'..=char::MAX {
        let text = String::from(c);
        for policy in POLICIES {
            let shown = show(&text, policy);
            assert!(shown.cells() >= 1, "U+{:04X} takes no cell under {policy:?}", u32::from(c));
        }
    }
}

#[test]
fn a_typed_escape_differs_from_a_made_one() {
    let typed = show("\\u{202E}", Policy::Prose);
    let made = show("\u{202E}", Policy::Prose);
    assert_eq!(typed.as_str(), made.as_str());
    assert!(!typed.has_escapes());
    assert!(made.has_escapes());
    assert_eq!(exact_of("\\u{202E}"), "\\\\u{202E}");
    assert_eq!(exact_of("\u{202E}"), "\\u{202E}");
}

#[test]
fn ordinary_text_of_many_scripts_stays() {
    for text in
        ["naïve café", "支払い サービス", "оплата прошла", "ध्यान दें", "تم الدفع", "ไม่ได้", "Tiếng Việt", "e\u{301}"]
    {
        assert_eq!(prose_of(text), text);
        assert!(!show(text, Policy::Prose).has_escapes());
    }
}

#[test]
fn fault_21_terminal_sequences_are_written_out() {
    for (text, prose, exact) in [
        ("a\x1b[2Jb", "a^[[2Jb", "a\\x1b[2Jb"),
        ("\x1b]0;title\x07", "^[]0;title^G", "\\x1b]0;title\\x07"),
        ("\u{9b}31m", "\\x9b31m", "\\x9b31m"),
        ("\x1bPq\x1b\\", "^[Pq^[\\", "\\x1bPq\\x1b\\"),
        ("\x7f\0\r\n\t", "^?^@^M^J^I", "\\x7f\\x00\\x0d\\x0a\\x09"),
    ] {
        assert_eq!(prose_of(text), prose);
        assert_eq!(exact_of(text), exact);
    }
    assert_eq!(show("\tif x", Policy::Code).as_str(), "→   if x");
}

#[test]
fn fault_22_bidi_and_invisible_characters_are_written_out() {
    for c in ('\u{202A}'..='\u{202E}')
        .chain('\u{2066}'..='\u{2069}')
        .chain(['\u{200B}', '\u{200D}', '\u{2060}', '\u{FEFF}', '\u{AD}', '\u{3164}', '\u{2800}', '\u{A0}', '\u{3000}'])
        .chain(['\u{E0041}', '\u{E0100}', '\u{1D173}', '\u{1BCA0}', '\u{2028}', '\u{FE0F}', '\u{E000}', '\u{378}'])
    {
        let expected = format!("rm{{}}\\u{{{:X}}}-rf", u32::from(c));
        let text = format!("rm{{}}{c}-rf");
        assert_eq!(prose_of(&text), expected);
        assert_eq!(exact_of(&text), expected);
    }
}

#[test]
fn fault_23_a_name_that_looks_like_a_known_one_is_named() {
    let known = ["checkout", "payments", "search-api"];
    assert_eq!(looks_like("check\u{43E}ut", known), Some("checkout"));
    assert_eq!(looks_like("checkout\u{200B}", known), Some("checkout"));
    assert_eq!(looks_like("\u{440}ayments", known), Some("payments"));
    assert_eq!(looks_like("payrnents", known), Some("payments"));
    for other in ["checkout", "check-out", "shipping", "", "checkout2"] {
        assert_eq!(looks_like(other, known), None, "{other}");
    }
    assert_eq!(looks_like(&"x".repeat(1 << 20), known), None);
    assert!(mixes_scripts("restart check\u{43E}ut"));
    assert!(!mixes_scripts("перезапуск checkout"));
    assert!(!mixes_scripts("サービス停止"));
    assert_eq!(exact_of("check\u{43E}ut"), "check\\u{43E}ut");
}

#[test]
fn fault_24_a_huge_or_stacked_label_costs_a_prefix_only() {
    let zalgo: String = std::iter::once('o').chain(std::iter::repeat_n('\u{301}', 10_000)).collect();
    assert!(prose_of(&zalgo).starts_with("o\u{301}\u{301}\\u{301}\\u{301}"));
    let family = "👩\u{200D}👩\u{200D}👧".repeat(40_000);
    let start = Instant::now();
    for text in
        [&"a".repeat(1 << 20), &"漢".repeat(350_000), &zalgo, &family, &" ".repeat(1 << 20), &"\\".repeat(1 << 20)]
    {
        for policy in POLICIES {
            for cells in [0, 1, 2, 80, 160] {
                let shown = show_prefix(text, policy, cells);
                assert!(shown.cells() <= cells);
                assert!(shown.as_str().len() < 4 * 160 + 64);
                assert!(!shown.is_whole());
            }
        }
    }
    assert!(start.elapsed() < Duration::from_millis(50), "{:?} for 90 prefixes", start.elapsed());
}

#[test]
fn blanks_that_could_push_the_tail_out_of_view_are_seen() {
    assert_eq!(exact_of("ls a"), "ls a");
    assert_eq!(exact_of(" ls  a "), "·ls··a·");
    assert_eq!(exact_of("ls\u{B7}a"), "ls\\u{B7}a");
}

#[test]
fn fault_26_damaged_text_is_seen() {
    assert_eq!(prose_of(&String::from_utf8_lossy(b"a\xffb\0")), "a\\u{FFFD}b^@");
    let lone: crate::event::Untrusted = String::from_utf16_lossy(&[0xD800, 0x61]).into();
    assert_eq!(lone.show(Policy::Exact).as_str(), "\\u{FFFD}a");
}

#[test]
fn a_mark_without_a_base_cannot_reach_its_neighbour() {
    assert_eq!(prose_of("\u{301}a"), "\\u{301}a");
    assert_eq!(prose_of("\x1b\u{301}"), "^[\\u{301}");
}

#[test]
fn lines_are_parted_at_line_feeds_only() {
    let text: crate::event::Untrusted = "one\r\ntwo\n\nfour\n".into();
    let lines: Vec<_> = text.lines().map(|line| line.show(Policy::Prose).as_str().to_owned()).collect();
    assert_eq!(lines, ["one^M", "two", "", "four"]);
}
