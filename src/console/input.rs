//! From bytes to keys: split anywhere, late answers of the terminal swallowed, pasted text kept apart from keys.
//!
//! **Escape or alt.** A terminal sends alt-x as escape and x in one write, so they come in one read; two presses come in
//! two. Hence: escape with a character in the same read is alt; escape at the end of a read, then a character in the
//! next, is two keys, however fast the second was. What begins a sequence (`[`, `O` and the marks of answers) belongs
//! to the escape before it in both cases, since a line may break a sequence anywhere; it is two keys again when nothing
//! follows. That is the convention of vim and of screen editors since.

use std::future::Future;
use std::io;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers};

use super::key::Key;

mod sequence;

/// What a person did at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Pressed a key.
    Key(Key),
    /// Pasted text.
    Paste(String),
    /// Turned the wheel: rows, negative is up. Only with the mouse switched on.
    Wheel(i8),
    /// Clicked: column and row from 0. Only with the mouse switched on.
    Click(u16, u16),
}

/// Where bytes come from: the terminal, or a script in tests.
pub trait EventSource: Send {
    /// The next bytes; `None` or an error = the terminal is gone, and nothing will come any more.
    fn next(&mut self) -> impl Future<Output = Option<io::Result<Vec<u8>>>> + Send;
}

/// More of one paste than this is dropped, in bytes.
pub const LONGEST_PASTE: usize = 1024 * 1024;
/// A lone escape is the key when nothing follows for so long.
const AFTER_ESCAPE: Duration = Duration::from_millis(30);
/// The rest of a begun sequence is waited for so long.
const AFTER_BEGUN: Duration = Duration::from_secs(1);

/// Turns bytes into events.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    within: Within,
    /// The escape at the front ended a read: what follows it was sent by itself.
    apart: bool,
}

/// What the bytes belong to at the moment.
#[derive(Debug, Default)]
enum Within {
    #[default]
    Nothing,
    /// Pasted text.
    Paste(Paste),
    /// An answer of the terminal, which is dropped as it comes.
    Answer,
}

#[derive(Debug, Default)]
struct Paste {
    text: Vec<u8>,
    /// How many bytes of the end mark have been seen.
    ending: usize,
    dropped: usize,
}

const PASTE_ENDS: &[u8] = b"\x1b[201~";

enum Step {
    /// So many bytes made this (or nothing).
    Took(usize, Option<Event>),
    /// So many bytes begin a paste.
    Paste(usize),
    /// So many bytes begin an answer.
    Answer(usize),
    /// More is needed.
    Wait,
}

impl Decoder {
    /// Takes bytes as they came, one read at a time.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        if self.buffer.is_empty() && matches!(self.within, Within::Nothing) && looks_pasted(bytes) {
            return vec![Event::Paste(String::from_utf8_lossy(bytes).into_owned())];
        }
        self.apart |= self.buffer == [0x1b];
        self.buffer.extend_from_slice(bytes);
        let mut events = Vec::new();
        loop {
            match self.within {
                Within::Paste(_) => match self.pasting() {
                    Some(text) => events.push(Event::Paste(text)),
                    None => break,
                },
                Within::Answer => {
                    if !self.answered() {
                        break;
                    }
                }
                Within::Nothing => {
                    let taken = match self.step() {
                        Step::Took(0, _) | Step::Wait => break,
                        Step::Took(bytes, event) => {
                            events.extend(event);
                            bytes
                        }
                        Step::Paste(bytes) => {
                            self.within = Within::Paste(Paste::default());
                            bytes
                        }
                        Step::Answer(bytes) => {
                            self.within = Within::Answer;
                            bytes
                        }
                    };
                    self.buffer.drain(..taken);
                    self.apart = false;
                }
            }
        }
        events
    }

    /// How long to wait for more before [`Decoder::settle`]; `None` = nothing is begun.
    #[must_use]
    pub fn waits(&self) -> Option<Duration> {
        match (&self.within, self.buffer.as_slice()) {
            (Within::Paste(_), _) | (Within::Nothing, []) => None,
            (Within::Nothing, [0x1b]) => Some(AFTER_ESCAPE),
            _ => Some(AFTER_BEGUN),
        }
    }

    /// Nothing more came: a lone escape was the key, one with the beginning of a sequence and no more was a key and
    /// another or alt with it, anything else begun is dropped.
    pub fn settle(&mut self) -> Vec<Event> {
        let apart = std::mem::take(&mut self.apart);
        let buffer = std::mem::take(&mut self.buffer);
        if matches!(std::mem::take(&mut self.within), Within::Answer) {
            return Vec::new();
        }
        let escape = Event::Key(Key::plain(KeyCode::Esc));
        match buffer.as_slice() {
            [0x1b] | [0x1b, 0x80..=0xff, ..] => vec![escape],
            [0x1b, byte] => match sequence::character(&[*byte]) {
                Some((1, Some(key))) if apart => vec![escape, Event::Key(key)],
                Some((1, Some(key))) => vec![Event::Key(with_alt(key))],
                _ => vec![escape],
            },
            _ => Vec::new(),
        }
    }

    /// Drops an answer up to its end, BEL or ESC \; whether that came. Another escape breaks it off, as terminals do.
    fn answered(&mut self) -> bool {
        let Some(end) = self.buffer.iter().position(|byte| matches!(byte, 0x07 | 0x1b)) else {
            self.buffer.clear();
            return false;
        };
        self.buffer.drain(..end);
        let mark = match self.buffer.as_slice() {
            [0x1b] => return false,
            [0x1b, b'\\', ..] => 2,
            [0x07, ..] => 1,
            _ => 0,
        };
        if mark > 0 {
            self.buffer.drain(..mark);
            self.apart = false;
        }
        self.within = Within::Nothing;
        true
    }

    fn pasting(&mut self) -> Option<String> {
        let Within::Paste(paste) = &mut self.within else { return None };
        for (nth, byte) in self.buffer.iter().enumerate() {
            if *byte == PASTE_ENDS[paste.ending] {
                paste.ending += 1;
                if paste.ending == PASTE_ENDS.len() {
                    let text = String::from_utf8_lossy(&paste.text).into_owned();
                    self.buffer.drain(..=nth);
                    self.within = Within::Nothing;
                    return Some(text);
                }
                continue;
            }
            // What looked like the end mark was text after all.
            for byte in PASTE_ENDS[..paste.ending].iter().copied() {
                paste.keep(byte);
            }
            paste.ending = usize::from(*byte == PASTE_ENDS[0]);
            if paste.ending == 0 {
                paste.keep(*byte);
            }
        }
        self.buffer.clear();
        None
    }

    fn step(&self) -> Step {
        let buffer = self.buffer.as_slice();
        match buffer {
            // What follows decides; for an answer only the third byte, so that the two alone can still be keys.
            [] | [0x1b] | [0x1b, b'O' | b']' | b'P' | b'_' | b'^' | b'X'] => Step::Wait,
            [0x1b, 0x1b, ..] => Step::Took(1, Some(Event::Key(Key::plain(KeyCode::Esc)))),
            [0x1b, b'[', rest @ ..] => sequence::control(rest),
            [0x1b, b'O', last @ 0x20..=0x7e, ..] => {
                Step::Took(3, sequence::cursor_key(*last, KeyModifiers::NONE).map(Event::Key))
            }
            // Answers to questions somebody asked the terminal: OSC, DCS, APC, PM, SOS.
            [0x1b, b']' | b'P' | b'_' | b'^' | b'X', ..] => Step::Answer(2),
            [0x1b, ..] if self.apart => Step::Took(1, Some(Event::Key(Key::plain(KeyCode::Esc)))),
            [0x1b, rest @ ..] => match sequence::character(rest) {
                Some((bytes, Some(key))) => Step::Took(1 + bytes, Some(Event::Key(with_alt(key)))),
                Some((_, None)) => Step::Took(1, Some(Event::Key(Key::plain(KeyCode::Esc)))),
                None => Step::Wait,
            },
            _ => match sequence::character(buffer) {
                Some((bytes, key)) => Step::Took(bytes, key.map(Event::Key)),
                None => Step::Wait,
            },
        }
    }
}

impl Paste {
    fn keep(&mut self, byte: u8) {
        if self.text.len() < LONGEST_PASTE {
            self.text.push(byte);
        } else {
            self.dropped += 1;
        }
    }
}

fn with_alt(mut key: Key) -> Key {
    key.modifiers |= KeyModifiers::ALT;
    key
}

/// Terminals without bracketed paste deliver pasted text as one burst of keys. Such a burst is long, plain text and
/// varied; a held-down key is not varied, and nobody types that much between two reads.
fn looks_pasted(bytes: &[u8]) -> bool {
    if bytes.len() < 24
        || bytes.iter().any(|byte| *byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t') || *byte == 0x7f)
    {
        return false;
    }
    let mut kinds = [false; 256];
    for byte in bytes {
        kinds[usize::from(*byte)] = true;
    }
    kinds.iter().filter(|seen| **seen).count() >= 8
}

#[cfg(test)]
mod tests;
