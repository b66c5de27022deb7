//! Texts with places for inputs, and how a value gets into one without becoming more than a value.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::event::Untrusted;

use super::pattern::is_plain;
use super::types::Input;

/// A text with places for inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(pub(super) Vec<Piece>);

/// A stretch of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it stands.
    Text(String),
    /// An input's value.
    Input {
        /// Which.
        name: String,
        /// How it is written there.
        fit: Fit,
    },
}

impl Piece {
    /// Whether a value goes here.
    pub(super) fn is_input(&self) -> bool {
        matches!(self, Self::Input { .. })
    }
}

/// How a value is written where it stands, so that it stays a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// As it is: in a word that no interpreter reads again.
    Word,
    /// As it is, and only a plain one ([`is_plain`]): the text around it may be code for another program.
    Plain,
    /// Percent-encoded, all but unreserved characters (RFC 3986).
    Url,
    /// As an SQL literal, with its quotes.
    SqlLiteral,
    /// Inside an SQL literal or name: this quote is doubled.
    SqlInside(char),
    /// Inside a JSON or `PromQL` string: quotes and backslashes escaped.
    Quoted,
}

/// Values of inputs that were checked against their patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<Untrusted, Untrusted>);

/// Why a step cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unfilled {
    /// The input.
    pub input: Untrusted,
    /// In words.
    pub what: String,
}

impl Values {
    /// Checks each value against its input's pattern.
    ///
    /// # Errors
    /// Each value that does not fit, and each that no input asks for.
    pub fn check<'v>(
        inputs: &[Input],
        given: impl IntoIterator<Item = (&'v Untrusted, &'v Untrusted)>,
    ) -> Result<Self, Vec<Unfilled>> {
        let mut values = BTreeMap::new();
        let mut bad = Vec::new();
        for (name, value) in given {
            let checked = inputs
                .iter()
                .find(|input| input.name == *name)
                .ok_or_else(|| "no input has this name".to_owned())
                .and_then(|input| input.pattern.check(value.raw()));
            match checked {
                Ok(()) => {
                    values.insert(name.clone(), value.clone());
                }
                Err(why) => bad.push(Unfilled {
                    input: name.clone(),
                    what: format!("{} cannot be {:?}: {why}", name.raw(), value),
                }),
            }
        }
        if bad.is_empty() { Ok(Self(values)) } else { Err(bad) }
    }

    /// The value of an input.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Untrusted> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Untrusted, &Untrusted)> {
        self.0.iter()
    }
}

impl Template {
    /// A text without places.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self(vec![Piece::Text(text.to_owned())])
    }

    /// The text, where it has no places.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Input { .. } => None,
            })
            .collect()
    }

    /// The text with `{{name}}` where an input goes.
    #[must_use]
    pub fn shown(&self) -> Untrusted {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Input { name, .. } => out.extend(["{{", name, "}}"]),
            }
        }
        out.into()
    }

    /// Names of its inputs, in order, as often as they stand there.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Input { name, .. } => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text with the values in their places.
    ///
    /// # Errors
    /// The first input without a value, or with one that cannot stand there.
    pub fn fill(&self, values: &Values) -> Result<Untrusted, Unfilled> {
        let mut out = String::new();
        for (nth, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Input { name, fit } => {
                    let bad = |what: String| Unfilled { input: name.as_str().into(), what };
                    let value = values.get(name).ok_or_else(|| bad(format!("nothing fills {name}")))?.raw();
                    // Patterns refuse it too; whoever takes a word apart is not asked to rely on that.
                    if nth == 0 && *fit == Fit::Word && value.starts_with('-') {
                        return Err(bad(format!("{name} begins with a dash and would be read as an option")));
                    }
                    fit.write(value, &mut out).map_err(|why| bad(format!("{name} cannot stand here: {why}")))?;
                }
            }
        }
        Ok(out.into())
    }
}

impl Fit {
    fn write(self, value: &str, out: &mut String) -> Result<(), &'static str> {
        match self {
            Self::Word => out.push_str(value),
            Self::Plain if is_plain(value) => out.push_str(value),
            Self::Plain => {
                return Err(
                    "the text around it may be read as code, and there only letters, digits and . _ : / @ % + = , \
                            - are filled in",
                );
            }
            Self::Url => {
                const UNRESERVED: percent_encoding::AsciiSet =
                    percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
                // A segment of dots would climb out of its path, and no encoding of dots is kept by clients.
                if value.bytes().all(|byte| byte == b'.') {
                    return Err("dots alone would name another path");
                }
                out.extend(percent_encoding::utf8_percent_encode(value, &UNRESERVED));
            }
            Self::SqlLiteral => {
                out.push('\'');
                Self::SqlInside('\'').write(value, out)?;
                out.push('\'');
            }
            // Some servers take a backslash as an escape, others do not: with none in the value both read the same.
            Self::SqlInside(_) if value.contains('\\') => {
                return Err("a backslash means different things to different databases");
            }
            Self::SqlInside(quote) => {
                for c in value.chars() {
                    out.push(c);
                    if c == quote {
                        out.push(c);
                    }
                }
            }
            Self::Quoted => {
                for c in value.chars() {
                    if matches!(c, '"' | '\\' | '\'' | '`') {
                        // Both languages know \u; a single quote or backtick may be what encloses it.
                        let _ = write!(out, "\\u{:04x}", u32::from(c));
                    } else {
                        out.push(c);
                    }
                }
            }
        }
        Ok(())
    }
}
