//! Scripts for a shell, with inputs as variables: no value ever becomes part of the text.
//!
//! What is put into the text is `"${name}"` in one of its spellings, the same whatever the value is; so a quote that is misjudged
//! here makes a script that is wrong, and never one that runs a value. Values of a script are plain besides (`is_plain`), since the
//! script may hand them on to another interpreter.

use super::places::{Places, Signs, set_by};

/// A script and its variables: each with the input that gives its value, in the order of their first use.
pub(super) struct Script {
    pub text: String,
    pub variables: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Plain,
    Double,
    Single,
    Comment,
}

/// The script with each place for an input made a variable.
///
/// # Errors
/// The line, and why an input cannot stand there.
pub(super) fn with_variables(text: &str, places: &mut Places, first: u32) -> Result<Script, (u32, String)> {
    let own = set_by(text);
    let mut script = Script { text: String::new(), variables: Vec::new() };
    let (mut rest, mut before, mut line, mut inside, mut document) = (text, None, first, Inside::Plain, false);
    while let Some(c) = rest.chars().next() {
        let signs = if inside == Inside::Plain { Signs::Shell } else { Signs::Declared };
        let signs = if c == '$' && inside != Inside::Single { Signs::Shell } else { signs };
        let place = if inside == Inside::Comment { None } else { places.at(rest, before, signs, &own, line) };
        if let Some((length, input)) = place {
            let written = &rest[..length];
            let variable = match written.strip_prefix('$') {
                Some(name) => name.trim_matches(['{', '}']).to_owned(),
                None => super::request::variable(&input),
            };
            if written.starts_with('$') {
                script.text.push_str(written);
            } else if document {
                let what = format!(
                    "behind << (a here-document) nothing is filled in: write ${variable} there, as the shell does"
                );
                return Err((line, what));
            } else {
                script.text.extend(match inside {
                    Inside::Double => ["${", &variable, "}"],
                    Inside::Single => ["'\"${", &variable, "}\"'"],
                    Inside::Plain | Inside::Comment => ["\"${", &variable, "}\""],
                });
            }
            let pair = (variable, input);
            if !script.variables.contains(&pair) {
                script.variables.push(pair);
            }
            (rest, before) = (&rest[length..], Some('}'));
            continue;
        }
        let begins = before.is_none_or(|before: char| " \t\n;&|(".contains(before));
        document |=
            inside == Inside::Plain && rest.starts_with("<<") && !rest.starts_with("<<<") && before != Some('<');
        let mut taken = c.len_utf8();
        inside = match (inside, c) {
            (Inside::Plain | Inside::Double, '\\') => {
                taken += rest[taken..].chars().next().map_or(0, char::len_utf8);
                inside
            }
            (Inside::Plain, '#') if begins => Inside::Comment,
            (Inside::Plain, '\'') => Inside::Single,
            (Inside::Plain, '"') => Inside::Double,
            (Inside::Single, '\'') | (Inside::Double, '"') | (Inside::Comment, '\n') => Inside::Plain,
            _ => inside,
        };
        let (now, later) = rest.split_at(taken);
        line += u32::try_from(now.matches('\n').count()).unwrap_or(0);
        script.text.push_str(now);
        (rest, before) = (later, now.chars().next_back());
    }
    Ok(script)
}
