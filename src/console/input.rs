//! From bytes to keys: split anywhere, late answers of the terminal swallowed, pasted text kept apart from keys.

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
/// An answer of the terminal that is longer than this is no answer, in bytes.
const LONGEST_ANSWER: usize = 4096;
/// A lone escape is the key when nothing follows for so long.
const AFTER_ESCAPE: Duration = Duration::from_millis(30);
/// The rest of a begun sequence is waited for so long.
const AFTER_BEGUN: Duration = Duration::from_secs(1);

/// Turns bytes into events.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    paste: Option<Paste>,
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
    /// Here a paste begins.
    Paste(usize),
    /// More is needed.
    Wait,
}

impl Decoder {
    /// Takes bytes as they came.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        if self.buffer.is_empty() && self.paste.is_none() && looks_pasted(bytes) {
            return vec![Event::Paste(String::from_utf8_lossy(bytes).into_owned())];
        }
        self.buffer.extend_from_slice(bytes);
        let mut events = Vec::new();
        loop {
            if self.paste.is_some() {
                match self.pasting() {
                    Some(text) => events.push(Event::Paste(text)),
                    None => break,
                }
                continue;
            }
            match self.step() {
                Step::Took(0, _) | Step::Wait => break,
                Step::Took(bytes, event) => {
                    self.buffer.drain(..bytes);
                    events.extend(event);
                }
                Step::Paste(bytes) => {
                    self.buffer.drain(..bytes);
                    self.paste = Some(Paste::default());
                }
            }
        }
        events
    }

    /// How long to wait for more before [`Decoder::settle`]; `None` = nothing is begun.
    #[must_use]
    pub fn waits(&self) -> Option<Duration> {
        match self.buffer.as_slice() {
            _ if self.paste.is_some() => None,
            [] => None,
            [0x1b] => Some(AFTER_ESCAPE),
            _ => Some(AFTER_BEGUN),
        }
    }

    /// Nothing more came: a lone escape was the key, anything else begun is dropped.
    pub fn settle(&mut self) -> Option<Event> {
        let alone = self.buffer == [0x1b];
        self.buffer.clear();
        alone.then_some(Event::Key(Key::plain(KeyCode::Esc)))
    }

    fn pasting(&mut self) -> Option<String> {
        let paste = self.paste.as_mut()?;
        for (nth, byte) in self.buffer.iter().enumerate() {
            if *byte == PASTE_ENDS[paste.ending] {
                paste.ending += 1;
                if paste.ending == PASTE_ENDS.len() {
                    let text = String::from_utf8_lossy(&paste.text).into_owned();
                    self.buffer.drain(..=nth);
                    self.paste = None;
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
            [] | [0x1b] => Step::Wait,
            [0x1b, 0x1b, ..] => Step::Took(1, Some(Event::Key(Key::plain(KeyCode::Esc)))),
            [0x1b, b'[', rest @ ..] => sequence::control(rest),
            [0x1b, b'O', rest @ ..] => match rest.first() {
                None => Step::Wait,
                Some(last) => Step::Took(3, sequence::cursor_key(*last, KeyModifiers::NONE).map(Event::Key)),
            },
            // Answers to questions somebody asked the terminal: OSC, DCS, APC, PM, SOS; up to BEL or ST.
            [0x1b, b']' | b'P' | b'_' | b'^' | b'X', rest @ ..] => match end_of_answer(rest) {
                Some(length) => Step::Took(2 + length, None),
                None if rest.len() > LONGEST_ANSWER => Step::Took(buffer.len(), None),
                None => Step::Wait,
            },
            [0x1b, rest @ ..] => match sequence::character(rest) {
                Some((bytes, Some(mut key))) => {
                    key.modifiers |= KeyModifiers::ALT;
                    Step::Took(1 + bytes, Some(Event::Key(key)))
                }
                Some((bytes, None)) => Step::Took(1 + bytes, None),
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

/// The length of an answer up to and with its end, BEL or ESC \.
fn end_of_answer(rest: &[u8]) -> Option<usize> {
    rest.iter().enumerate().find_map(|(nth, byte)| match byte {
        0x07 => Some(nth + 1),
        b'\\' if nth > 0 && rest[nth - 1] == 0x1b => Some(nth + 1),
        _ => None,
    })
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
