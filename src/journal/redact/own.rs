//! Rules of one's own: what they may be, and why one cannot be used.

use regex::{Regex, RegexBuilder};

use super::rules::{Class, FIELD_RULE, Pattern, Rule, yes};
use crate::journal::limits;

/// A rule of one's own.
#[derive(Clone, Debug)]
pub struct UserRule {
    /// Its name, as it stands in the mark: lower-case letters, digits and dashes.
    pub name: String,
    /// A regular expression. Its first group is what is taken out, or all of it where it has none.
    pub pattern: String,
    /// Only texts that hold these letters, exactly so, are looked at: saves reading every text whole.
    pub hint: Option<String>,
}

/// Why a rule of one's own cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("redaction rule `{name}`: {why}")]
pub struct BadRule {
    /// Its place among the rules given.
    pub nth: usize,
    /// What of it is wrong.
    pub part: RulePart,
    /// Its name.
    pub name: String,
    /// Why, and what would be right.
    pub why: String,
}

/// The parts of a rule of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulePart {
    /// Its name.
    Name,
    /// Its pattern.
    Pattern,
    /// Its hint.
    Hint,
}

/// The `nth` rule of one's own, beside those that are `known`.
pub(super) fn rule(nth: usize, rule: &UserRule, known: &[Rule]) -> Result<Rule, BadRule> {
    let bad = |part: RulePart, why: String| BadRule { nth, part, name: rule.name.clone(), why };
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if nth >= limits::OWN_RULES {
        return Err(bad(
            RulePart::Name,
            format!("there are more than {} of them: join some with |", limits::OWN_RULES),
        ));
    }
    if rule.name.is_empty() || rule.name.len() > 40 || !rule.name.chars().all(fits) {
        return Err(bad(RulePart::Name, "its name must be 1 to 40 lower-case letters, digits and dashes".into()));
    }
    if known.iter().any(|known| known.name == rule.name) || rule.name == FIELD_RULE {
        return Err(bad(RulePart::Name, "another rule has this name: each is counted by its own".into()));
    }
    if let Some(hint) = &rule.hint {
        // A hint is looked for in JSON as it stands there, so it may hold nothing that JSON writes another way.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:=@#+".contains(c);
        if !(2..=64).contains(&hint.len()) || !hint.chars().all(plain) {
            let why = "a hint is 2 to 64 letters, digits and any of - _ . : = @ # +, as they stand in what is found";
            return Err(bad(RulePart::Hint, why.into()));
        }
    }
    let pattern = compiled(&rule.pattern).map_err(|why| bad(RulePart::Pattern, why))?;
    Ok(Rule {
        name: rule.name.clone().into(),
        class: Class::Secret,
        pattern: Pattern::own(pattern),
        check: yes,
        joins: false,
        hint: rule.hint.clone(),
    })
}

/// A pattern of one's own; in words, why it cannot be used.
fn compiled(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > limits::OWN_PATTERN {
        return Err(format!("its pattern is longer than {} bytes", limits::OWN_PATTERN));
    }
    let compiled =
        RegexBuilder::new(pattern).size_limit(limits::OWN_COMPILED).build().map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                "its pattern is too large when compiled: repeat less, or fewer classes".into()
            }
            // The library draws an arrow under the place, which one line cannot; its last line says what is wrong.
            error => {
                let said = error.to_string();
                let what = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
                format!("its pattern cannot be used: {what}")
            }
        })?;
    if compiled.is_match("") {
        return Err("its pattern matches the empty text, which would be everywhere".into());
    }
    Ok(compiled)
}
