//! Words of texts and identifiers, and how telling each is.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::redact::without_marks;

/// Words that say nothing about what a change touches.
const COMMON: &[&str] = &[
    "the",
    "and",
    "for",
    "with",
    "from",
    "into",
    "this",
    "that",
    "not",
    "was",
    "are",
    "has",
    "have",
    "been",
    "its",
    "but",
    "all",
    "new",
    "old",
    "any",
    "return",
    "func",
    "function",
    "def",
    "class",
    "struct",
    "type",
    "var",
    "let",
    "const",
    "string",
    "int",
    "int64",
    "bool",
    "float",
    "byte",
    "bytes",
    "true",
    "false",
    "nil",
    "null",
    "none",
    "err",
    "error",
    "errors",
    "self",
    "fmt",
    "ctx",
    "context",
    "req",
    "resp",
    "request",
    "requests",
    "response",
    "import",
    "package",
    "public",
    "private",
    "static",
    "void",
    "async",
    "await",
    "else",
    "case",
    "switch",
    "break",
    "range",
    "make",
    "append",
    "len",
    "service",
    "services",
    "internal",
    "pkg",
    "src",
    "main",
    "app",
    "api",
    "http",
    "https",
    "www",
    "com",
    "get",
    "set",
    "put",
    "post",
    "add",
    "use",
    "run",
    "fix",
    "feat",
    "chore",
    "refactor",
    "docs",
    "test",
    "tests",
    "perf",
    "style",
    "call",
    "calls",
    "called",
    "over",
    "above",
    "below",
    "per",
    "than",
    "observed",
    "threshold",
    "alert",
    "metric",
    "severity",
    "critical",
    "warning",
    "info",
    "level",
    "name",
    "value",
    "values",
    "key",
    "data",
    "item",
    "items",
    "list",
    "map",
    "total",
    "count",
    "sum",
    "ratio",
    "rate",
    "pct",
    "seconds",
    "sec",
    "milliseconds",
    "code",
    "status",
    "server",
    "client",
    "handler",
    "method",
    "path",
    "route",
    "file",
    "line",
    "failed",
    "failing",
    "returned",
    "returning",
];

/// The words of a text: identifiers as they stand and their parts, lower case, at least three letters, without the common ones.
pub(in super::super) fn words(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // That something was taken out of two texts is nothing that they share.
    let text = without_marks(text);
    for token in text.split(|c: char| !(c.is_alphanumeric() || c == '_')).take(20_000) {
        if token.len() > 80 {
            continue;
        }
        let whole: String = token.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect();
        let parts = parts(token);
        if parts.len() > 1 {
            keep(&mut found, whole);
        }
        for part in parts {
            keep(&mut found, part);
        }
    }
    found
}

fn keep(found: &mut BTreeSet<String>, word: String) {
    let telling =
        word.chars().count() >= 3 && !word.chars().all(|c| c.is_ascii_digit()) && !COMMON.contains(&word.as_str());
    if telling {
        // One form for singular and plural is near enough.
        let stem = if word.len() > 4 && word.ends_with('s') && !word.ends_with("ss") {
            word[..word.len() - 1].to_owned()
        } else {
            word
        };
        found.insert(stem);
    }
}

/// `maxConnIdleTime`, `max_conn_idle` → max, conn, idle, time.
fn parts(token: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    let mut lower = false;
    for c in token.chars() {
        if (c == '_' || (c.is_uppercase() && lower)) && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        if c != '_' {
            part.extend(c.to_lowercase());
        }
        lower = c.is_lowercase() || c.is_ascii_digit();
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// How telling each word is: the rarer among the changes, the more.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Rarity {
    documents: f64,
    with: BTreeMap<String, f64>,
}

impl Rarity {
    /// Learns from the words of each change.
    pub(in super::super) fn of<'a>(documents: impl Iterator<Item = &'a BTreeSet<String>>) -> Self {
        let mut rarity = Self::default();
        for document in documents {
            rarity.documents += 1.0;
            for word in document {
                *rarity.with.entry(word.clone()).or_default() += 1.0;
            }
        }
        rarity
    }

    /// Nats of surprise at finding `word` in a change.
    pub(in super::super) fn weight(&self, word: &str) -> f64 {
        let with = self.with.get(word).copied().unwrap_or(0.0);
        ((self.documents + 1.0) / (with + 0.5)).ln().max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_fall_apart_and_stay_whole() {
        let found = words("cfg.MaxConnIdleTime = 30 // dashboard_favorites");
        for word in ["max", "conn", "idle", "time", "maxconnidletime", "dashboard", "favorite", "dashboardfavorite"] {
            assert!(found.contains(word), "{word} not in {found:?}");
        }
        assert!(!found.contains("30"));
    }

    #[test]
    fn rare_words_tell_more() {
        let all = [words("pool alpha"), words("pool beta"), words("pool gamma")];
        let rarity = Rarity::of(all.iter());
        assert!(rarity.weight("alpha") > rarity.weight("pool"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_words_without_panic(text in "\\PC{0,200}") {
            let _ = words(&text);
        }
    }
}
