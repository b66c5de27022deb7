//! One key press, and how it is written in keymap files: `a`, `G`, `ctrl-d`, `alt-x`, `enter`, `pgdn`, `f5`, `space`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers. Shift is part of a letter (`G`), so it is said only for keys that have no letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which.
    pub code: KeyCode,
    /// With what held down.
    pub modifiers: KeyModifiers,
}

const NAMED: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("space", KeyCode::Char(' ')),
    ("backtab", KeyCode::BackTab),
];

impl Key {
    /// A key without modifiers.
    #[must_use]
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, modifiers: KeyModifiers::NONE }
    }

    /// The same key as the text area knows it.
    #[must_use]
    pub fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    /// The character it types, if it types one.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => Some(c),
            _ => None,
        }
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let mut code = event.code;
        if let KeyCode::Char(_) | KeyCode::BackTab = code {
            modifiers.remove(KeyModifiers::SHIFT);
        }
        if code == KeyCode::Tab && modifiers.contains(KeyModifiers::SHIFT) {
            code = KeyCode::BackTab;
            modifiers.remove(KeyModifiers::SHIFT);
        }
        Self { code, modifiers }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            let (modifier, after) = if let Some(after) = rest.strip_prefix("ctrl-") {
                (KeyModifiers::CONTROL, after)
            } else if let Some(after) = rest.strip_prefix("alt-") {
                (KeyModifiers::ALT, after)
            } else if let Some(after) = rest.strip_prefix("shift-") {
                (KeyModifiers::SHIFT, after)
            } else {
                break;
            };
            modifiers |= modifier;
            rest = after;
        }
        let function = rest.strip_prefix('f').and_then(|digits| digits.parse::<u8>().ok());
        let code = match NAMED.iter().find(|(name, _)| *name == rest) {
            Some((_, code)) => *code,
            None => match (function, rest.chars().next()) {
                (Some(number @ 1..=12), _) => KeyCode::F(number),
                (_, Some(only)) if rest.chars().count() == 1 && only.is_ascii_graphic() => KeyCode::Char(only),
                _ => {
                    return Err(format!(
                        "{text:?} is no key: one printable character, or enter, esc, tab, space, up, pgdn, f1 …, \
                         with ctrl-, alt- or shift- before it"
                    ));
                }
            },
        };
        if matches!(code, KeyCode::Char(c) if c != ' ') && modifiers.contains(KeyModifiers::SHIFT) {
            return Err(format!("{text:?}: write the shifted character itself, such as G instead of shift-g"));
        }
        Ok(Self::from(KeyEvent::new(code, modifiers)))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in
            [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")]
        {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            _ => f.write_str("?"),
        }
    }
}

/// Reads a sequence, keys with a blank between them: `g g`.
///
/// # Errors
/// Which key is none, and what a key looks like.
pub fn sequence(text: &str) -> Result<Vec<Key>, String> {
    let keys: Vec<_> = text.split(' ').filter(|part| !part.is_empty()).map(str::parse).collect::<Result<_, _>>()?;
    if keys.is_empty() || keys.len() > 4 {
        return Err(format!("{text:?}: one to four keys with a blank between them"));
    }
    Ok(keys)
}

/// Writes a sequence.
#[must_use]
pub fn written(keys: &[Key]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        for text in ["a", "G", "ctrl-d", "alt-x", "enter", "pgdn", "f5", "f12", "space", "backtab", "[", "?", ":", "-"]
        {
            let key: Key = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(key.to_string(), text);
        }
        assert_eq!(written(&sequence("g g").expect("two keys")), "g g");
    }

    #[test]
    fn what_is_no_key_is_refused_with_an_example() {
        for text in ["", "ctrl-", "f13", "foo", "é", "shift-g", "g g g g g"] {
            assert!(sequence(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shift_tab_is_one_key_however_it_is_said() {
        let said: Key = "shift-tab".parse().expect("a key");
        assert_eq!(said, Key::from(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)));
    }
}
