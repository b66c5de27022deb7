//! The words of a statement: what it begins with, and which functions it may call. Pure.

use std::collections::BTreeSet;

/// What a question begins with.
const QUESTIONS: &[&str] = &["select", "with", "values", "table", "show", "explain"];
/// Those that a cursor can read.
const IN_PIECES: &[&str] = &["select", "with", "values", "table"];

/// Whether the statement begins as one that reads.
///
/// # Errors
/// Why not, in words.
pub(super) fn begins_as_a_question(statement: &str) -> Result<(), String> {
    if first(statement).is_some_and(|word| QUESTIONS.contains(&word.as_str())) {
        Ok(())
    } else {
        Err("a statement that reads begins with SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN".to_owned())
    }
}

/// Whether a cursor can read its answer.
pub(super) fn may_be_read_in_pieces(statement: &str) -> bool {
    first(statement).is_some_and(|word| IN_PIECES.contains(&word.as_str()))
}

fn first(statement: &str) -> Option<String> {
    match Words(statement).next()? {
        Word::Plain(word) => Some(word),
        // A question in parentheses begins as what is in them.
        Word::Sign('(') => first(&statement[statement.find('(')? + 1..]),
        _ => None,
    }
}

/// Every name in the statement, as the server would read it: a function is called by one of them. Names of columns and tables are
/// among them; who looks them up among functions refuses a little more than is needed, never less.
///
/// # Errors
/// A name is written with escapes (`U&"d\0061ta"`), so that it does not say what it is.
pub(super) fn names(statement: &str) -> Result<Vec<String>, String> {
    let words: Vec<Word> = Words(statement).collect();
    if words.windows(3).any(|three| matches!(three, [Word::Plain(u), Word::Sign('&'), Word::Quoted(_)] if u == "u")) {
        return Err(
            "it writes a name with escapes (U&\"…\"), which a reader cannot see through: write it plainly".to_owned()
        );
    }
    let found: BTreeSet<String> = words
        .into_iter()
        .filter_map(|word| match word {
            Word::Plain(name) | Word::Quoted(name) => Some(name),
            Word::Sign(_) => None,
        })
        .collect();
    Ok(found.into_iter().collect())
}

#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// A name or key word, folded as the server folds it.
    Plain(String),
    /// A name in quotes, as it stands in them.
    Quoted(String),
    /// Anything else but space, comments and texts.
    Sign(char),
}

/// The words of a statement, by the lexical rules of PostgreSQL (documentation, 4.1).
struct Words<'a>(&'a str);

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        loop {
            let rest = self.0.trim_start();
            let letter = rest.chars().next()?;
            let (length, word) = if rest.starts_with("--") {
                (rest.find(['\n', '\r']).unwrap_or(rest.len()), None)
            } else if rest.starts_with("/*") {
                (comment(rest), None)
            } else if letter == '\'' {
                (quoted(rest, '\'', false), None)
            } else if letter == '"' {
                let length = quoted(rest, '"', false);
                let inner = rest[1..length].strip_suffix('"').unwrap_or(&rest[1..length]);
                (length, Some(Word::Quoted(inner.replace("\"\"", "\""))))
            } else if let Some(length) = dollars(rest) {
                (length, None)
            } else if letter == '_' || letter.is_alphabetic() || !letter.is_ascii() {
                let length = rest.find(|c: char| !in_name(c)).unwrap_or(rest.len());
                let name = &rest[..length];
                if rest[length..].starts_with('\'') && name.eq_ignore_ascii_case("e") {
                    (1 + quoted(&rest[1..], '\'', true), None)
                } else {
                    (length, Some(Word::Plain(name.to_ascii_lowercase())))
                }
            } else {
                (letter.len_utf8(), Some(Word::Sign(letter)))
            };
            self.0 = &rest[length..];
            if word.is_some() {
                return word;
            }
        }
    }
}

fn in_name(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphanumeric() || !c.is_ascii()
}

/// Length of a comment that begins here; comments lie in comments.
fn comment(text: &str) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of what is between quotes, quotes included; a doubled quote is one inside.
fn quoted(text: &str, quote: char, backslash: bool) -> usize {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if backslash && letter == '\\' {
            letters.next();
        } else if letter == quote {
            if letters.peek().is_some_and(|(_, next)| *next == quote) {
                letters.next();
            } else {
                return at + 1;
            }
        }
    }
    text.len()
}

/// Length of `$tag$…$tag$`.
fn dollars(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('$')?;
    let tag = &text[..inner.find('$')? + 2];
    let name = &tag[1..tag.len() - 1];
    let fits = name.chars().all(|c| in_name(c) && c != '$') && !name.starts_with(|c: char| c.is_ascii_digit());
    let rest = fits.then(|| &text[tag.len()..])?;
    Some(rest.find(tag).map_or(text.len(), |end| tag.len() + end + tag.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_reads_is_told_from_what_does_not_by_its_first_word() {
        for good in [
            "select 1",
            " -- x\nSELECT 1",
            "/* a /* b */ */ With x as (select 1) table x",
            "((values (1)))",
            "show all",
        ] {
            assert_eq!(begins_as_a_question(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "insert into a values (1)",
            "commit",
            "do $$ begin end $$",
            "copy a to program 'x'",
            "set x = 1",
            "'select'",
        ] {
            assert!(begins_as_a_question(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn functions_are_found_however_they_are_written() {
        for statement in [
            "select pg_reload_conf()",
            "select PG_Reload_Conf /* x */ ()",
            "select pg_catalog.\"pg_reload_conf\"()",
            "select 'it''s', pg_reload_conf()",
            "select E'\\'', pg_reload_conf()",
            "select $a$ ' $a$, pg_reload_conf()",
            "select 1 -- '\n, pg_reload_conf()",
            "select 1 -- '\r, pg_reload_conf()",
            "select 1 /* /* ' */ ' */, pg_reload_conf()",
            "select $a$ $b$ $a$, pg_reload_conf() -- $b$",
            "select x$a$, pg_reload_conf() -- $a$",
            "select $1, pg_reload_conf()",
        ] {
            let names = names(statement).unwrap();
            assert!(names.contains(&"pg_reload_conf".to_owned()), "{statement}: {names:?}");
        }
        for text in ["select 'pg_reload_conf()'", "select $$pg_reload_conf()$$", "select 1 /* pg_reload_conf() */"] {
            assert!(!names(text).unwrap().contains(&"pg_reload_conf".to_owned()), "{text}");
        }
        for escaped in
            ["select U&\"\\0070g_reload_conf\"()", "select u&\"!0070g_x\" uescape '!' ()", "select U&\"\\+000070g\"()"]
        {
            assert!(names(escaped).is_err(), "{escaped}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reading(text in any::<String>()) {
            let _ = (names(&text), first(&text));
        }

        #[test]
        fn a_name_after_any_whole_text_is_found(text in any::<String>()) {
            let statement = format!("select '{}', setval('s', 1)", text.replace('\'', "''"));
            prop_assert!(names(&statement).unwrap().contains(&"setval".to_owned()), "{statement}");
        }
    }
}
