//! Collecting what is wrong with one file, and small words of it: durations, names, keys that nearly fit.

use std::time::Duration;

use crate::event::Untrusted;

use super::types::{Finding, Level};

/// A file has at most so many findings; one more says that there are more.
const MAX_FINDINGS: usize = 100;

/// The findings of one file.
pub(super) struct Says {
    place: Untrusted,
    pub findings: Vec<Finding>,
}

impl Says {
    pub fn of(place: &Untrusted) -> Self {
        Self { place: place.clone(), findings: Vec::new() }
    }

    pub fn error(&mut self, line: u32, what: impl Into<String>) {
        self.say(Level::Error, line, what.into());
    }

    pub fn warn(&mut self, line: u32, what: impl Into<String>) {
        self.say(Level::Warning, line, what.into());
    }

    pub fn note(&mut self, line: u32, what: impl Into<String>) {
        self.say(Level::Note, line, what.into());
    }

    fn say(&mut self, level: Level, line: u32, what: String) {
        let finding = |what: String| Finding { level, place: self.place.clone(), line: line.max(1), what: what.into() };
        match self.findings.len() {
            n if n < MAX_FINDINGS => self.findings.push(finding(what)),
            MAX_FINDINGS => self.findings.push(finding("there is more to say; mend this first".to_owned())),
            _ => {}
        }
    }
}

/// `90s`, `10m`, `1h30m`, `500ms`; `None` when it is none of these or nothing.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut whole = Duration::ZERO;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => Duration::from_millis(1),
            "s" | "sec" => Duration::from_secs(1),
            "m" | "min" => Duration::from_secs(60),
            "h" => Duration::from_secs(3_600),
            "d" => Duration::from_secs(86_400),
            _ => return None,
        };
        whole = whole.checked_add(unit.checked_mul(u32::try_from(number).ok()?)?)?;
        rest = &rest[letters..];
    }
    (!whole.is_zero()).then_some(whole)
}

/// A name out of words: small letters, digits and dashes, at most 60.
pub(super) fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => out.push(c),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
        if out.len() >= 60 {
            break;
        }
    }
    out.trim_end_matches('-').to_owned()
}

/// The one of `known` that `word` probably means: one or two letters off.
pub(super) fn meant<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_ascii_lowercase();
    let near = if word.len() < 5 { 1 } else { 2 };
    let close = known.iter().map(|known| (distance(&word, known), *known)).filter(|(off, _)| *off <= near);
    close.min().map(|(_, known)| known)
}

/// Letters to add, leave out or exchange (Levenshtein); words longer than 40 letters are far from everything.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().max(b.len()) > 40 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut before = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = before + usize::from(x != y);
            before = row[j + 1];
            row[j + 1] = cost.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h30m", 5_400), ("2d", 172_800), (" 5min ", 300)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        for wrong in ["", "10", "m", "0s", "1w", "10 m", "-5m", "99999999999999999999s", "99999999999d", "1.5h"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_made_of_headings() {
        assert_eq!(slug("1. Check the pods (fast!)"), "1-check-the-pods-fast");
        assert_eq!(slug("检查"), "");
        assert!(slug(&"a ".repeat(100)).len() <= 60);
    }

    #[test]
    fn a_key_that_nearly_fits_is_named() {
        assert_eq!(meant("timeouts", &["timeout", "tier"]), Some("timeout"));
        assert_eq!(meant("teir", &["timeout", "tier"]), None, "four letters are one off at most");
        assert_eq!(meant("owner", &["timeout", "tier", "when"]), None);
    }
}
