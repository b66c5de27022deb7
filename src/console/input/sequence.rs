//! Single characters and control sequences.

use crossterm::event::{KeyCode, KeyModifiers};

use super::{Event, Step};
use crate::console::key::Key;

/// A sequence with more parameter bytes than this is nonsense.
const LONGEST: usize = 64;

/// The key of one character at the front, and its bytes; `None` = more bytes are needed.
pub(super) fn character(bytes: &[u8]) -> Option<(usize, Option<Key>)> {
    let first = *bytes.first()?;
    let control = |letter: u8| Key { code: KeyCode::Char(char::from(letter)), modifiers: KeyModifiers::CONTROL };
    let key = match first {
        b'\r' => Key::plain(KeyCode::Enter),
        b'\t' => Key::plain(KeyCode::Tab),
        0x7f | 0x08 => Key::plain(KeyCode::Backspace),
        0x00 => control(b' '),
        0x01..=0x1a => control(first - 1 + b'a'),
        0x1c..=0x1f => control(first - 0x1c + b'4'),
        0x20..=0x7e => Key::plain(KeyCode::Char(char::from(first))),
        _ => {
            let length = match first {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => return Some((1, None)),
            };
            if bytes.len() < length {
                // Only wait for what can still become a character.
                let hopeless = bytes[1..].iter().any(|byte| !(0x80..=0xbf).contains(byte));
                return hopeless.then_some((1, None));
            }
            return Some(match std::str::from_utf8(&bytes[..length]) {
                Ok(text) => (length, text.chars().next().map(|c| Key::plain(KeyCode::Char(c)))),
                Err(_) => (1, None),
            });
        }
    };
    Some((1, Some(key)))
}

/// A key named by a letter: arrows, home, end, F1 to F4.
pub(super) fn cursor_key(last: u8, modifiers: KeyModifiers) -> Option<Key> {
    let code = match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'R' => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        _ => return None,
    };
    Some(Key { code, modifiers })
}

/// What comes after `ESC [`.
pub(super) fn control(rest: &[u8]) -> Step {
    if let [b'M', rest @ ..] = rest {
        // A mouse report of the oldest kind: three bytes follow.
        return if rest.len() < 3 { Step::Wait } else { Step::Took(6, None) };
    }
    let Some(end) = rest.iter().take(LONGEST + 1).position(|byte| !(0x20..=0x3f).contains(byte)) else {
        return if rest.len() > LONGEST { Step::Took(2 + LONGEST, None) } else { Step::Wait };
    };
    let (parameters, last) = (&rest[..end], rest[end]);
    let taken = 2 + end + 1;
    if !(0x40..=0x7e).contains(&last) {
        // Broken off by something that cannot be part of it: drop what there was, keep that.
        return Step::Took(taken - 1, None);
    }
    if last == b'~' && parameters == b"200" {
        return Step::Paste(taken);
    }
    Step::Took(taken, event(parameters, last))
}

fn event(parameters: &[u8], last: u8) -> Option<Event> {
    if let Some(mouse) = parameters.strip_prefix(b"<") {
        return mouse_event(mouse, last);
    }
    let text = std::str::from_utf8(parameters).ok()?;
    // Anything with a private mark or an intermediate byte is an answer of the terminal.
    if !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')) {
        return None;
    }
    let mut numbers = text.split(';').map(|part| part.split(':').next().and_then(|n| n.parse::<u32>().ok()));
    let first = numbers.next().flatten();
    let modifiers = modifiers(numbers.next().flatten().unwrap_or(1));
    let key = match (last, first) {
        (b'Z', _) => Key::plain(KeyCode::BackTab),
        (b'A' | b'B' | b'C' | b'D' | b'H' | b'F' | b'P' | b'Q' | b'S', None | Some(1)) => cursor_key(last, modifiers)?,
        (b'~', Some(number)) => Key { code: numbered(number)?, modifiers },
        (b'u', Some(code)) => lettered(code, modifiers)?,
        // Focus, cursor reports, device attributes: nothing a person pressed.
        _ => return None,
    };
    Some(Event::Key(key))
}

fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(u8::try_from(number - 10).ok()?),
        17..=21 => KeyCode::F(u8::try_from(number - 11).ok()?),
        23 | 24 => KeyCode::F(u8::try_from(number - 12).ok()?),
        _ => return None,
    })
}

fn lettered(code: u32, modifiers: KeyModifiers) -> Option<Key> {
    let code = match code {
        13 => KeyCode::Enter,
        9 => KeyCode::Tab,
        27 => KeyCode::Esc,
        8 | 127 => KeyCode::Backspace,
        _ => KeyCode::Char(char::from_u32(code).filter(|c| !c.is_control())?),
    };
    Some(Key::from(crossterm::event::KeyEvent::new(code, modifiers)))
}

fn modifiers(number: u32) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    let mut modifiers = KeyModifiers::NONE;
    for (bit, modifier) in [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)] {
        if bits & bit != 0 {
            modifiers |= modifier;
        }
    }
    modifiers
}

fn mouse_event(parameters: &[u8], last: u8) -> Option<Event> {
    let text = std::str::from_utf8(parameters).ok()?;
    let mut numbers = text.split(';').map(str::parse::<u16>);
    let (button, x, y) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    match (button, last) {
        (64, b'M') => Some(Event::Wheel(-3)),
        (65, b'M') => Some(Event::Wheel(3)),
        (0, b'M') => Some(Event::Click(x.checked_sub(1)?, y.checked_sub(1)?)),
        _ => None,
    }
}
