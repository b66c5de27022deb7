use proptest::prelude::*;

use super::*;

fn keys(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| match event {
            Event::Key(key) => key.to_string(),
            other => format!("{other:?}"),
        })
        .collect()
}

fn decode(bytes: &[u8]) -> Vec<String> {
    keys(&Decoder::default().feed(bytes))
}

#[test]
fn keys_of_every_kind_are_known() {
    assert_eq!(decode(b"aG\r\t\x7f \x04"), ["a", "G", "enter", "tab", "backspace", "space", "ctrl-d"]);
    assert_eq!(decode(b"\x1b[A\x1bOB\x1b[5~\x1b[1;5C\x1b[Z"), ["up", "down", "pgup", "ctrl-right", "backtab"]);
    assert_eq!(decode(b"\x1bOP\x1b[15~\x1b[24~\x1bx"), ["f1", "f5", "f12", "alt-x"]);
    assert_eq!(decode("é日".as_bytes()), ["é", "日"]);
    assert_eq!(decode(b"\xff\xfea"), ["a"]);
}

#[test]
fn a_lone_escape_is_the_key_after_a_while() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.feed(b"\x1b"), []);
    assert_eq!(decoder.waits(), Some(AFTER_ESCAPE));
    assert_eq!(keys(&decoder.settle()), ["esc"]);
    assert_eq!(decoder.waits(), None);
    assert_eq!(decode(b"\x1b\x1b[A"), ["esc", "up"]);
}

#[test]
fn escape_and_a_key_pressed_at_once_are_two_keys_and_alt_is_one() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.feed(b"\x1b"), []);
    assert_eq!(keys(&decoder.feed(b"x")), ["esc", "x"]);
    assert_eq!(decoder.feed(b"\x1b"), []);
    assert_eq!(keys(&decoder.feed(b"\r")), ["esc", "enter"]);
    assert_eq!(decode(b"\x1bx\x1b\r"), ["alt-x", "alt-enter"]);
    // An escape that follows another, and the key that follows that one.
    assert_eq!(decoder.feed(b"\x1b"), []);
    assert_eq!(keys(&decoder.feed(b"\x1bx")), ["esc", "alt-x"]);
}

#[test]
fn what_begins_a_sequence_is_a_key_again_when_nothing_follows() {
    for begin in ["[", "O", "]", "P"] {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(format!("\x1b{begin}").as_bytes()), []);
        assert_eq!(decoder.waits(), Some(AFTER_BEGUN));
        assert_eq!(keys(&decoder.settle()), [format!("alt-{begin}")]);
        assert_eq!(decoder.feed(b"\x1b"), []);
        assert_eq!(decoder.feed(begin.as_bytes()), []);
        assert_eq!(keys(&decoder.settle()), ["esc", begin]);
    }
}

#[test]
fn fault_19_an_answer_of_any_length_is_swallowed_and_the_next_escape_ends_it() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.feed(b"\x1b]52;c;"), []);
    for _ in 0..100 {
        assert_eq!(decoder.feed(&[b'y'; 4096]), []);
        assert!(decoder.buffer.is_empty());
    }
    assert_eq!(keys(&decoder.feed(b"y\x1b[Bj")), ["down", "j"]);
}

#[test]
fn fault_19_pasted_text_is_text_however_it_is_split() {
    let bytes = b"\x1b[200~y\ny\r\x1b[201q\x1b[201~j";
    for cut in 0..bytes.len() {
        let mut decoder = Decoder::default();
        let mut events = decoder.feed(&bytes[..cut]);
        events.extend(decoder.feed(&bytes[cut..]));
        assert_eq!(
            events,
            [Event::Paste("y\ny\r\x1b[201q".to_owned()), Event::Key(Key::plain(KeyCode::Char('j')))],
            "cut at {cut}"
        );
    }
}

#[test]
fn a_paste_without_brackets_is_known_by_its_burst() {
    let pasted = b"approve the rollback of payments\ny\ny\n";
    assert!(matches!(Decoder::default().feed(pasted).as_slice(), [Event::Paste(_)]));
    assert_eq!(decode(&[b'j'; 200]).len(), 200);
    assert_eq!(decode(b"jjkgg"), ["j", "j", "k", "g", "g"]);
}

#[test]
fn a_paste_is_kept_only_so_far() {
    let mut decoder = Decoder::default();
    decoder.feed(b"\x1b[200~");
    for _ in 0..40 {
        decoder.feed(&vec![b'x'; 65_536]);
    }
    let events = decoder.feed(b"\x1b[201~");
    assert!(matches!(events.as_slice(), [Event::Paste(text)] if text.len() == LONGEST_PASTE));
}

#[test]
fn late_answers_of_the_terminal_are_never_keys() {
    let answers: [&[u8]; 7] = [
        b"\x1b[?62;22;52c",
        b"\x1b]11;rgb:1111/2222/3333\x1b\\",
        b"\x1b]10;rgb:dddd/dddd/dddd\x07",
        b"\x1bP>|xterm(390)\x1b\\",
        b"\x1b[?2026;2$y",
        b"\x1b[12;40R",
        b"\x1b[I",
    ];
    for answer in answers {
        for cut in 0..answer.len() {
            let mut decoder = Decoder::default();
            let mut events = decoder.feed(&answer[..cut]);
            events.extend(decoder.feed(&answer[cut..]));
            assert_eq!(events, [], "{:?} cut at {cut}", String::from_utf8_lossy(answer));
            assert_eq!(decoder.waits(), None);
        }
    }
}

#[test]
fn the_mouse_is_understood_when_it_is_on() {
    assert_eq!(
        Decoder::default().feed(b"\x1b[<65;3;4M\x1b[<0;3;4M\x1b[<0;3;4m"),
        [Event::Wheel(3), Event::Click(2, 3)]
    );
}

/// Bytes that mean something, so that chance meets sequences and not only noise.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => any::<u8>(),
        3 => Just(0x1b),
        4 => prop::sample::select(b"[OP]~;<MmAu019\\\x07\x18 \xc3\xa9\xe6\x97\xa5\xff".to_vec()),
    ];
    let known = prop::sample::select(vec![
        &b"\x1b[A"[..],
        b"\x1b[1;5D",
        b"\x1bOQ",
        b"\x1b]11;x\x07",
        b"\x1bP>|t\x1b\\",
        b"\x1b[200~",
        b"\x1b[201~",
        "é".as_bytes(),
        b"\r",
    ]);
    prop::collection::vec(prop_oneof![byte.prop_map(|byte| vec![byte]), known.prop_map(<[u8]>::to_vec)], 0..120)
        .prop_map(|parts| parts.concat())
}

/// The keys with alt taken apart again: where a cut falls between escape and character, they are two keys.
fn without_alt(events: Vec<Event>) -> Vec<Event> {
    let part = |event| match event {
        // A modified arrow or function key says so in its own sequence, whole.
        Event::Key(Key {
            code: code @ (KeyCode::Char(_) | KeyCode::Enter | KeyCode::Tab | KeyCode::Backspace),
            modifiers,
        }) if modifiers.contains(KeyModifiers::ALT) => {
            vec![
                Event::Key(Key::plain(KeyCode::Esc)),
                Event::Key(Key { code, modifiers: modifiers.difference(KeyModifiers::ALT) }),
            ]
        }
        other => vec![other],
    };
    events.into_iter().flat_map(part).collect()
}

proptest! {
    /// Any bytes, cut anywhere: no panic, nothing hoarded, and the same keys as byte by byte, alt aside. A read is kept
    /// shorter than what counts as a burst, which is told by its length.
    #[test]
    fn where_the_bytes_are_cut_does_not_matter(bytes in bytes(), cuts in prop::collection::vec(1usize..24, 1..60)) {
        let mut whole = Decoder::default();
        let mut events = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (read, more) = rest.split_at((*cut).min(rest.len()));
            events.extend(whole.feed(read));
            prop_assert!(whole.buffer.len() <= 100, "{} bytes kept", whole.buffer.len());
            rest = more;
        }
        events.extend(whole.settle());
        let mut single = Decoder::default();
        let mut one_by_one: Vec<_> = bytes.iter().flat_map(|byte| single.feed(&[*byte])).collect();
        one_by_one.extend(single.settle());
        prop_assert_eq!(without_alt(events), without_alt(one_by_one));
    }
}
