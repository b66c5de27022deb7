//! What goes over the wire to a terminal: the grammar it may have, the modes it leaves on, the questions it asks.

use vte::{Params, Parser, Perform};

/// Everything in `raw` that the grammar does not allow: a control byte, or a sequence that is not one of
/// colour and style, cursor movement, erasing, the console's private modes, and the OSC numbers that `osc` lists.
#[must_use]
pub fn not_allowed(raw: &[u8], osc: &[&str]) -> Vec<String> {
    let osc = osc.iter().map(|number| (*number).to_owned()).collect();
    let mut grammar = Grammar { wrong: Vec::new(), sequences: 0, osc };
    let mut parser = Parser::new();
    parser.advance(&mut grammar, raw);
    // What the parser swallows without a word (APC, PM, SOS, malformed CSI) still began with an escape.
    let escapes = raw.split(|byte| *byte == 0x1b).count() - 1;
    if escapes != grammar.sequences {
        grammar.wrong.push(format!("{escapes} escapes but {} sequences", grammar.sequences));
    }
    // The parser reports C1 only where it decodes them; a bare 8-bit control is never valid UTF-8 on this wire.
    if let Err(error) = std::str::from_utf8(raw) {
        let at = error.valid_up_to();
        let tail_cut = error.error_len().is_none();
        if !tail_cut {
            grammar.wrong.push(format!("byte 0x{:02x} at {at} is not UTF-8", raw.get(at).copied().unwrap_or_default()));
        }
    }
    grammar.wrong
}

/// What follows the number in every OSC sequence of that number.
#[must_use]
pub fn osc_payloads(raw: &[u8], number: &str) -> Vec<String> {
    struct Payloads(Vec<u8>, Vec<String>);
    impl Perform for Payloads {
        fn osc_dispatch(&mut self, params: &[&[u8]], _bell: bool) {
            if params.first() == Some(&self.0.as_slice()) {
                let rest: Vec<_> = params.iter().skip(1).map(|bytes| String::from_utf8_lossy(bytes)).collect();
                self.1.push(rest.join(";"));
            }
        }
    }
    let mut payloads = Payloads(number.as_bytes().to_vec(), Vec::new());
    Parser::new().advance(&mut payloads, raw);
    payloads.1
}

/// Private modes that the console may switch: cursor, alternate screen, paste, synchronised update, and the mouse, which
/// is off unless asked for.
const MODES: &[u16] = &[25, 1000, 1006, 1049, 2004, 2026];

struct Grammar {
    wrong: Vec<String>,
    sequences: usize,
    osc: Vec<String>,
}

impl Perform for Grammar {
    fn print(&mut self, c: char) {
        if c.is_control() || is_invisible(c) {
            self.wrong.push(format!("character U+{:04X}", u32::from(c)));
        }
    }

    fn execute(&mut self, byte: u8) {
        // Line ends move the cursor; the plain list and the shell after us write them.
        if !matches!(byte, b'\r' | b'\n') {
            self.wrong.push(format!("control byte 0x{byte:02x}"));
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        self.sequences += 1;
        let first = params.iter().next().and_then(|group| group.first().copied()).unwrap_or_default();
        let allowed = !ignore
            && match (intermediates, action) {
                // Style; moving the cursor there and to the right; erasing cells, line and screen.
                ([], 'm' | 'H' | 'C' | 'X' | 'K' | 'J') => true,
                ([b'?'], 'h' | 'l') => {
                    params.iter().all(|group| group.first().is_some_and(|mode| MODES.contains(mode)))
                }
                _ => false,
            };
        if !allowed {
            let marks: String = intermediates.iter().map(|byte| char::from(*byte)).collect();
            self.wrong.push(format!("CSI {marks}{first}…{action}"));
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _ignore: bool, byte: u8) {
        self.sequences += 1;
        // The end of an OSC string arrives here too.
        if !(intermediates.is_empty() && byte == b'\\') {
            self.wrong.push(format!("ESC {}", char::from(byte)));
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell: bool) {
        self.sequences += 1;
        let number = params.first().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        if !self.osc.contains(&number) {
            self.wrong.push(format!("OSC {number}"));
        }
        for text in params.iter().skip(1) {
            if text.iter().any(|byte| *byte < 0x20 || *byte == 0x7f) {
                self.wrong.push(format!("a control byte inside OSC {number}"));
            }
        }
    }

    fn hook(&mut self, _params: &Params, _intermediates: &[u8], _ignore: bool, action: char) {
        self.sequences += 1;
        self.wrong.push(format!("DCS …{action}"));
    }
}

/// Characters that change how others look without being seen: direction, joiners, variation, tags, fillers.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x2028..=0x202e
        | 0x2060..=0x206f | 0x2800 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3
        | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// Private modes on at the end of `raw`, and a hidden cursor or a pushed keyboard protocol, by name.
#[must_use]
pub fn modes_left_on(raw: &[u8]) -> Vec<String> {
    let mut modes = Modes::default();
    Parser::new().advance(&mut modes, raw);
    let mut left: Vec<String> = modes.on.iter().map(|mode| format!("?{mode}")).collect();
    if modes.cursor_hidden {
        left.push("cursor hidden".into());
    }
    if modes.keyboard > 0 {
        left.push("keyboard protocol".into());
    }
    left
}

#[derive(Default)]
struct Modes {
    on: std::collections::BTreeSet<u16>,
    cursor_hidden: bool,
    keyboard: i32,
}

impl Perform for Modes {
    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        match (intermediates, action) {
            ([b'?'], 'h' | 'l') => {
                for mode in params.iter().filter_map(|group| group.first().copied()) {
                    match (mode, action) {
                        (25, 'l') => self.cursor_hidden = true,
                        (25, _) => self.cursor_hidden = false,
                        (_, 'h') => {
                            self.on.insert(mode);
                        }
                        _ => {
                            self.on.remove(&mode);
                        }
                    }
                }
            }
            ([b'>'], 'u') => self.keyboard += 1,
            ([b'<'], 'u') => self.keyboard -= 1,
            _ => {}
        }
    }
}

/// Reads the wire for questions and answers them as a plain xterm would.
#[derive(Default)]
pub struct Wire {
    parser: Parser,
    replies: Replies,
}

#[derive(Default)]
struct Replies(Vec<u8>);

impl Wire {
    /// The answers to the questions in `chunk`, which may end inside a sequence.
    pub fn answer(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.parser.advance(&mut self.replies, chunk);
        std::mem::take(&mut self.replies.0)
    }
}

impl Perform for Replies {
    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        let first = params.iter().next().and_then(|group| group.first().copied()).unwrap_or_default();
        let reply: &[u8] = match (intermediates, action, first) {
            ([], 'c', _) => b"\x1b[?62;22c",
            ([], 'n', 5) => b"\x1b[0n",
            ([], 'n', 6) => b"\x1b[1;1R",
            ([b'?', b'$'], 'p', 2026) => b"\x1b[?2026;2$y",
            ([b'?'], 'u', _) => b"\x1b[?0u",
            _ => return,
        };
        self.0.extend_from_slice(reply);
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell: bool) {
        if let [number @ (b"10" | b"11"), b"?"] = params {
            let colour = if *number == b"10" { "dddd/dddd/dddd" } else { "1111/1111/1111" };
            let number = String::from_utf8_lossy(number);
            self.0.extend_from_slice(format!("\x1b]{number};rgb:{colour}\x1b\\").as_bytes());
        }
    }
}
