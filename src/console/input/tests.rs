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
    assert_eq!(decoder.settle(), Some(Event::Key(Key::plain(KeyCode::Esc))));
    assert_eq!(decoder.waits(), None);
    assert_eq!(decode(b"\x1b\x1b[A"), ["esc", "up"]);
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

proptest! {
    /// No bytes make it panic or hold on to more than an answer's length.
    #[test]
    fn any_bytes_are_survived(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40)) {
        let mut decoder = Decoder::default();
        for chunk in chunks {
            decoder.feed(&chunk);
            prop_assert!(decoder.buffer.len() <= LONGEST_ANSWER + 100);
        }
        decoder.settle();
    }

    /// Cutting the bytes anywhere gives the same keys (bursts long enough to be a paste aside).
    #[test]
    fn where_the_bytes_are_cut_does_not_matter(
        parts in prop::collection::vec(prop_oneof![
            Just("a"), Just("\x1b[A"), Just("\x1b[1;5D"), Just("é"), Just("\x1bOQ"), Just("\x1b]11;x\x07"), Just("\r")
        ], 0..6),
        cut in 0usize..40,
    ) {
        let whole = parts.concat().into_bytes();
        let cut = cut.min(whole.len());
        let mut decoder = Decoder::default();
        let mut events = decoder.feed(&whole[..cut]);
        events.extend(decoder.feed(&whole[cut..]));
        prop_assert_eq!(events, Decoder::default().feed(&whole));
    }
}
