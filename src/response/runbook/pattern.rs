//! What a name may look like (globs) and what a value must look like (patterns).

use crate::event::{Policy, Untrusted};

/// A pattern of an input has at most so many bytes.
const MAX_PATTERN: usize = 500;
/// … and at most so many bytes once compiled.
const MAX_COMPILED: usize = 256 * 1024;
/// A value has at most so many bytes.
pub const MAX_VALUE: usize = 1_000;
/// A glob has at most so many bytes.
const MAX_GLOB: usize = 200;

/// A name with `*` for any letters and `?` for one. ASCII letters match in either case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<char>);

impl Glob {
    /// Reads one.
    ///
    /// # Errors
    /// When it is empty or longer than 200 bytes, in words.
    pub fn new(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Err("an empty pattern fits nothing: write a name, with * for any letters".to_owned()),
            long if long.len() > MAX_GLOB => Err(format!("a name pattern has at most {MAX_GLOB} bytes")),
            text => Ok(Self(text.chars().collect())),
        }
    }

    /// Whether all of `text` fits. Takes at most `text` × pattern steps.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        let (pattern, text): (&[char], Vec<char>) = (&self.0, text.chars().collect());
        let (mut p, mut t) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(c) if *c == '?' || c.eq_ignore_ascii_case(&text[t]) => {
                    p += 1;
                    t += 1;
                }
                // What the last star took was too little: one more.
                _ => match &mut star {
                    Some((at, taken)) => {
                        *taken += 1;
                        (p, t) = (*at + 1, *taken);
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }

    /// Whether it fits everything.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0.iter().all(|c| *c == '*')
    }

    /// Whether it is a name written out.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.0.iter().any(|c| matches!(c, '*' | '?'))
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> Untrusted {
        self.0.iter().collect::<String>().into()
    }
}

/// What a value must look like, all of it.
#[derive(Clone, Debug, Default)]
pub struct Pattern(Option<regex::Regex>);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().map(regex::Regex::as_str) == other.0.as_ref().map(regex::Regex::as_str)
    }
}

impl Pattern {
    /// A regular expression that the whole value must match.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > MAX_PATTERN {
            return Err(format!("a pattern has at most {MAX_PATTERN} bytes"));
        }
        regex::RegexBuilder::new(&format!(r"\A(?:{text})\z"))
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .build()
            .map(|regex| Self(Some(regex)))
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "this pattern is too large: fewer or smaller repetitions".to_owned(),
                _ => format!("{text:?} is no regular expression: write one such as [a-z0-9-]{{1,63}}"),
            })
    }

    /// Whether the value may be filled in; otherwise why not.
    ///
    /// # Errors
    /// What a good value looks like, in words.
    pub fn check(&self, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Err("it is empty".to_owned());
        }
        if value.len() > MAX_VALUE {
            return Err(format!("it is longer than {MAX_VALUE} bytes"));
        }
        if value.contains(['\0', '\n', '\r']) || Untrusted::from(value).show(Policy::Prose).has_escapes() {
            return Err("it holds characters that are not seen or would be obeyed".to_owned());
        }
        if value.starts_with('-') {
            return Err("it begins with a dash and would be read as an option".to_owned());
        }
        match &self.0 {
            Some(regex) if !regex.is_match(value) => Err(format!("it is not as its pattern says: {}", self.says())),
            None if !is_plain(value) => {
                Err("it is not letters, digits and . _ : / @ % + = , - only; give the input a \
                                            pattern that allows more"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }

    /// In words, for whoever has to give a value.
    #[must_use]
    pub fn says(&self) -> String {
        match &self.0 {
            Some(regex) => {
                let text = regex.as_str();
                text.strip_prefix(r"\A(?:").and_then(|rest| rest.strip_suffix(r")\z")).unwrap_or(text).to_owned()
            }
            None => "letters, digits and . _ : / @ % + = , -".to_owned(),
        }
    }
}

/// Whether `value` means nothing but itself to whatever reads it: no blank, no quote, no sign that a shell, SQL, JSON or a
/// regular expression acts upon, no beginning of a comment, and no option.
#[must_use]
pub fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with('-')
        && !value.contains("--")
        && !value.contains("//")
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/@%+=,-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_glob_fits_whole_names_in_either_case() {
        for (glob, name, fits) in [
            ("HighErrorRate", "higherrorrate", true),
            ("High*", "HighErrorRate", true),
            ("*Rate", "HighErrorRate", true),
            ("H?gh*R*e", "HighErrorRate", true),
            ("High", "HighErrorRate", false),
            ("*", "", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
        ] {
            assert_eq!(Glob::new(glob).unwrap().fits(name), fits, "{glob} {name}");
        }
        assert!(Glob::new(" ").is_err());
    }

    #[test]
    fn a_hostile_glob_takes_no_longer_than_text_times_pattern() {
        let glob = Glob::new(&"*a".repeat(90)).unwrap();
        assert!(!glob.fits(&format!("{}b", "a".repeat(20_000))));
    }

    #[test]
    fn a_value_fits_its_pattern_as_a_whole() {
        let pattern = Pattern::new("[a-z0-9-]{1,63}").unwrap();
        pattern.check("web-1").unwrap();
        for bad in ["web-1\n", "web_1", "", "-rf", "a b", &"a".repeat(64)] {
            assert!(pattern.check(bad).is_err(), "{bad:?}");
        }
        // An alternative does not open the anchors.
        assert!(Pattern::new("a|b").unwrap().check("ax").is_err());
        assert!(Pattern::new("(").is_err());
        assert!(Pattern::new("(?:a{1000}){1000}").is_err());
    }

    proptest! {
        #[test]
        fn no_value_that_passes_holds_an_option_a_line_end_or_a_hidden_character(value in "\\PC{0,20}|.{0,20}") {
            for pattern in [Pattern::default(), Pattern::new(".*").unwrap(), Pattern::new("(?s).*").unwrap()] {
                if pattern.check(&value).is_ok() {
                    let hidden = value.contains(['\n', '\r', '\0', '\u{1b}', '\u{202e}']);
                    prop_assert!(!value.starts_with('-') && !hidden);
                }
            }
        }
    }
}
