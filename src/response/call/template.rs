//! What a message says: the operator's words, with values put in that stay values.

use crate::event::{Policy, Untrusted};

/// The longest template, bytes.
const LONGEST: usize = 2_000;
/// A value is cut after so many characters.
const VALUE: usize = 300;
/// What is said where the configuration does not say it.
const USUAL: &str = "{incident}, {severity}: {title}. {by} asks {whom} to come: {why}";

/// The text of a message with places for values, such as `{incident}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Words(String),
    Value(Name),
}

/// A value that a message can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Incident,
    Title,
    Severity,
    Services,
    By,
    Whom,
    Why,
}

const NAMES: [(&str, Name); 7] = [
    ("incident", Name::Incident),
    ("title", Name::Title),
    ("severity", Name::Severity),
    ("services", Name::Services),
    ("by", Name::By),
    ("whom", Name::Whom),
    ("why", Name::Why),
];

/// What goes into a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Values<'a> {
    pub incident: &'a str,
    pub title: &'a str,
    pub severity: &'a str,
    pub services: String,
    pub by: &'a str,
    pub whom: &'a str,
    pub why: &'a str,
}

impl Values<'_> {
    fn of(&self, name: Name) -> &str {
        match name {
            Name::Incident => self.incident,
            Name::Title => self.title,
            Name::Severity => self.severity,
            Name::Services => &self.services,
            Name::By => self.by,
            Name::Whom => self.whom,
            Name::Why => self.why,
        }
    }
}

impl Default for Template {
    fn default() -> Self {
        // A test holds that it can be read.
        Self::parse(USUAL).unwrap_or_else(|_| Self(Vec::new()))
    }
}

impl Template {
    /// Reads it.
    ///
    /// # Errors
    /// What in braces is no value, or that it is empty or too long.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() || text.len() > LONGEST {
            return Err(format!("a message has 1 to {LONGEST} bytes"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let known = || NAMES.map(|(name, _)| format!("{{{name}}}")).join(", ");
            let after = &rest[open + 1..];
            let Some((word, behind)) = after.split_once('}') else {
                return Err(format!("a brace is not closed; values of a message are {}", known()));
            };
            let Some((_, name)) = NAMES.iter().find(|(name, _)| *name == word) else {
                let word: String = word.chars().take(40).collect();
                return Err(format!("{{{word}}} is no value of a message: {}", known()));
            };
            parts.extend([Part::Words(rest[..open].to_owned()), Part::Value(*name)]);
            rest = behind;
        }
        parts.push(Part::Words(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Words(words) if words.is_empty()));
        Ok(Self(parts))
    }

    /// Whether text from outside gets in.
    pub(super) fn outside_blanks(&self) -> Vec<&'static str> {
        let used = |name| self.0.contains(&Part::Value(name));
        let mut paths = Vec::new();
        if used(Name::Title) {
            paths.push("the incident's title reaches the message");
        }
        if used(Name::Services) {
            paths.push("names of services reach the message");
        }
        paths
    }

    /// As plain text.
    pub(super) fn plain(&self, values: &Values<'_>) -> String {
        self.filled(values, |value| value)
    }

    /// As Slack's text: the values escaped as Slack documents it (`&`, `<` and `>` are all that can begin a mention or a link).
    pub(super) fn slack(&self, values: &Values<'_>) -> String {
        self.filled(values, |value| value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
    }

    fn filled(&self, values: &Values<'_>, escaped: impl Fn(String) -> String) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Words(words) => words.clone(),
            Part::Value(name) => escaped(value(values.of(*name))),
        });
        parts.collect()
    }
}

/// A text as a value: one line, what is not seen made visible, not longer than a person reads; and nothing in it that a service
/// takes for a name to be called or a link to be followed, or that we take for a place to put a secret in.
pub(super) fn value(text: &str) -> String {
    let shown = Untrusted::from(super::cut(text.trim(), VALUE));
    let shown = shown.show(Policy::Prose).as_str().replace(['\n', '\r', '\t'], " ");
    let mut out = String::with_capacity(shown.len());
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        // Some services call whoever stands behind an @ and make links of addresses, whatever they are asked.
        let name = c == '@' && rest.peek().is_some_and(|next| !next.is_whitespace());
        let link = out.ends_with("://") || out.to_lowercase().ends_with("www.");
        if name || link || c == '{' {
            out.push(' ');
        }
    }
    out
}
