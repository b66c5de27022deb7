//! Whether one SQL statement only reads, and how values get into it.
//!
//! Databases differ in what ends a string or a comment; wherever they do, the statement is not taken to be reading. The names
//! of functions that only read are in `assets/reading.toml`: a function may do anything.

use std::collections::BTreeSet;

use super::places::{Places, Signs};
use super::template::{Fit, Piece, Template};

/// A piece of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A bare word, in capitals.
    Word(String),
    /// A name in double quotes or backquotes.
    Name,
    /// A string, or a place for an input.
    Literal,
    Sign(char),
}

/// Words that are followed by parentheses and are no functions.
const NOT_FUNCTIONS: [&str; 52] = [
    "IN",
    "VALUES",
    "AS",
    "ON",
    "AND",
    "OR",
    "NOT",
    "WHERE",
    "FROM",
    "JOIN",
    "OVER",
    "FILTER",
    "EXISTS",
    "ANY",
    "ALL",
    "SOME",
    "USING",
    "BY",
    "SELECT",
    "WITH",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "LATERAL",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "ARRAY",
    "ROW",
    "HAVING",
    "EXPLAIN",
    "LIMIT",
    "OFFSET",
    "BETWEEN",
    "LIKE",
    "ILIKE",
    "DISTINCT",
    "MATERIALIZED",
    "GROUP",
    "SETS",
    "ROLLUP",
    "CUBE",
    "WITHIN",
    "VARCHAR",
    "CHAR",
    "NUMERIC",
    "DECIMAL",
    "TIMESTAMP",
    "TIME",
    "RECURSIVE",
    "IS",
];

/// Words that write, lock, or run something, wherever they stand.
const WRITE: [&str; 43] = [
    "INTO",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "UPSERT",
    "REPLACE",
    "CREATE",
    "DROP",
    "ALTER",
    "TRUNCATE",
    "RENAME",
    "COPY",
    "CALL",
    "DO",
    "EXECUTE",
    "EXEC",
    "PREPARE",
    "GRANT",
    "REVOKE",
    "LOCK",
    "SET",
    "RESET",
    "VACUUM",
    "REINDEX",
    "CLUSTER",
    "NOTIFY",
    "LISTEN",
    "REFRESH",
    "DISCARD",
    "LOAD",
    "OUTFILE",
    "DUMPFILE",
    "PROCEDURE",
    "SHARE",
    "KILL",
    "HANDLER",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "ATTACH",
    "PRAGMA",
    "CHECKPOINT",
];

/// Why a statement only reads; or why nothing shows it.
pub(super) fn reads(statement: &str, functions: &BTreeSet<String>) -> Result<&'static str, String> {
    let mut tokens = tokens(statement)?;
    while tokens.last() == Some(&Token::Sign(';')) {
        tokens.pop();
    }
    if tokens.contains(&Token::Sign(';')) {
        return Err("it is more than one statement".to_owned());
    }
    let word = |nth: usize| match tokens.get(nth) {
        Some(Token::Word(word)) => word.as_str(),
        _ => "",
    };
    let analyzes =
        tokens.iter().any(|token| matches!(token, Token::Word(word) if word == "ANALYZE" || word == "ANALYSE"));
    let explains = match word(0) {
        "SELECT" | "SHOW" | "VALUES" | "TABLE" | "WITH" | "DESCRIBE" | "DESC" => false,
        "EXPLAIN" => true,
        "" => return Err("it does not begin with a word".to_owned()),
        other => return Err(format!("{other} is no SELECT, SHOW or EXPLAIN")),
    };
    if !explains || analyzes {
        for token in &tokens {
            if let Token::Word(word) = token
                && WRITE.contains(&word.as_str())
            {
                return Err(format!("{word} stands in it"));
            }
        }
        if analyzes && !explains {
            return Err("ANALYZE stands in it".to_owned());
        }
    }
    for (nth, pair) in tokens.windows(2).enumerate() {
        match pair {
            [Token::Name, Token::Sign('(')] => return Err("it calls a function by a quoted name".to_owned()),
            [Token::Word(name), Token::Sign('(')] if !NOT_FUNCTIONS.contains(&name.as_str()) => {
                let schema = match (nth.checked_sub(1).map(|at| &tokens[at]), nth.checked_sub(2).map(|at| &tokens[at]))
                {
                    (Some(Token::Sign('.')), Some(Token::Word(schema))) => schema.as_str(),
                    (Some(Token::Sign('.')), _) => "?",
                    _ => "",
                };
                let lower = name.to_ascii_lowercase();
                if !matches!(schema, "" | "PG_CATALOG") || !functions.contains(&lower) {
                    return Err(format!("nothing shows that its function {lower}() only reads"));
                }
            }
            _ => {}
        }
    }
    Ok(match word(0) {
        "SHOW" | "DESCRIBE" | "DESC" => "one SHOW",
        "EXPLAIN" if analyzes => "one EXPLAIN ANALYZE of what only reads",
        "EXPLAIN" => "one EXPLAIN, which runs nothing",
        _ => "one SELECT",
    })
}

/// The statement's first word and all its bare words, in capitals; for what it does. Empty where it cannot be taken apart.
pub(super) fn words(statement: &str) -> Vec<String> {
    let tokens = tokens(statement).unwrap_or_else(|_| rough(statement));
    tokens
        .into_iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(word),
            _ => None,
        })
        .collect()
}

/// All runs of letters, for statements whose strings and comments databases read differently.
fn rough(statement: &str) -> Vec<Token> {
    let words = statement.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    words.map(|word| Token::Word(word.to_ascii_uppercase())).collect()
}

fn tokens(statement: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = statement;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            _ if rest.starts_with("--") => {
                if !rest[2..].starts_with([' ', '\t', '\n']) && rest.len() > 2 {
                    return Err("-- without a blank behind it is a comment to some databases only".to_owned());
                }
                rest.find('\n').unwrap_or(rest.len())
            }
            _ if rest.starts_with("/*") => {
                let end = rest.find("*/").ok_or("a comment is not closed")?;
                let inner = &rest[2..end];
                if inner.contains("/*") || inner.starts_with(['!', '+', 'M']) {
                    return Err("its comment is one to some databases only".to_owned());
                }
                end + 2
            }
            '#' => return Err("# begins a comment in some databases only".to_owned()),
            '$' => return Err("$ quotes in some databases only".to_owned()),
            '\\' => return Err("it has a backslash".to_owned()),
            '\'' | '"' | '`' => {
                let end = quoted(rest, c)?;
                out.push(if c == '\'' { Token::Literal } else { Token::Name });
                end
            }
            c if c.is_whitespace() => c.len_utf8(),
            c if c.is_alphanumeric() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let after = rest[end..].chars().next();
                let word = rest[..end].to_uppercase();
                if after == Some('\'') && word != "DATE" && word != "INTERVAL" && word != "TIMESTAMP" {
                    return Err(format!("{word}'…' is quoted in a way of one database"));
                }
                out.push(Token::Word(word));
                end
            }
            c => {
                out.push(Token::Sign(c));
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    Ok(out)
}

/// Bytes of the quoted text that begins `rest`, both quotes included; doubled quotes are part of it.
fn quoted(rest: &str, quote: char) -> Result<usize, String> {
    let mut at = 1;
    loop {
        let next = rest[at..].find([quote, '\\']).ok_or_else(|| format!("a quote ({quote}) is not closed"))? + at;
        if rest[next..].starts_with('\\') {
            return Err("a backslash inside quotes means different things to different databases".to_owned());
        }
        at = next + 1;
        if !rest[at..].starts_with(quote) {
            return Ok(at);
        }
        at += 1;
    }
}

/// The statement with places for inputs: as literals, or inside the quotes that are there.
///
/// # Errors
/// Where a value cannot stand.
pub(super) fn template(text: &str, places: &mut Places, first: u32) -> Result<Template, (u32, String)> {
    let none = BTreeSet::new();
    let mut pieces: Vec<Piece> = Vec::new();
    let push = |text: &str, pieces: &mut Vec<Piece>| match pieces.last_mut() {
        Some(Piece::Text(before)) => before.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    };
    let (mut rest, mut line) = (text, first);
    // The quote or the end of the comment that it is inside of.
    let mut inside: Option<&'static str> = None;
    while let Some(c) = rest.chars().next() {
        if let Some((length, name)) = places.at(rest, None, Signs::Declared, &none, line) {
            let fit = match inside {
                None => Fit::SqlLiteral,
                Some("'") => Fit::SqlInside('\''),
                Some("\"") => Fit::SqlInside('"'),
                Some("`") => Fit::SqlInside('`'),
                Some(_) => {
                    return Err((
                        line,
                        format!("{name} stands in a comment or between $…$, where nothing is filled in"),
                    ));
                }
            };
            pieces.push(Piece::Input { name, fit });
            rest = &rest[length..];
            continue;
        }
        let mut taken = c.len_utf8();
        inside = match (inside, c) {
            (None, '\'') => Some("'"),
            (None, '"') => Some("\""),
            (None, '`') => Some("`"),
            (None, _) if rest.starts_with("--") || c == '#' => Some("\n"),
            (None, _) if rest.starts_with("/*") => Some("*/"),
            // Whatever stands behind a dollar quote is not looked into: its end may be any word.
            (None, '$') => Some("\0"),
            (Some(end), _) if rest.starts_with(end) => {
                taken = end.len();
                None
            }
            (inside, _) => inside,
        };
        line += u32::try_from(rest[..taken].matches('\n').count()).unwrap_or(0);
        push(&rest[..taken], &mut pieces);
        rest = &rest[taken..];
    }
    Ok(Template(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions() -> BTreeSet<String> {
        ["count", "now", "age", "pg_size_pretty"].into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn one_select_show_or_explain_reads() {
        for statement in [
            "SELECT 1",
            "select count(*), 'it''s; DROP' from pg_stat_activity where state <> 'idle' and (a or b);",
            "WITH x AS (SELECT now() - xact_start AS t FROM pg_stat_activity) SELECT * FROM x -- oldest\n",
            "SHOW max_connections",
            "EXPLAIN DELETE FROM orders",
            "EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM orders",
            "SELECT pg_catalog.pg_size_pretty(1)",
            "/* what waits */ SELECT 1",
        ] {
            assert!(reads(statement, &functions()).is_ok(), "{statement}: {:?}", reads(statement, &functions()));
        }
    }

    #[test]
    fn everything_else_does_not() {
        for statement in [
            "",
            ";",
            "DELETE FROM orders",
            "SELECT 1; DROP TABLE x",
            "SELECT * INTO y FROM x",
            "SELECT * FROM x FOR UPDATE",
            "SELECT * FROM x FOR SHARE",
            "SELECT pg_terminate_backend(1)",
            "SELECT pg_terminate_backend (1)",
            "SELECT pg_terminate_backend/**/(1)",
            "SELECT \"pg_terminate_backend\"(1)",
            "SELECT evil.count(1)",
            "WITH x AS (DELETE FROM y RETURNING *) SELECT * FROM x",
            "EXPLAIN ANALYZE DELETE FROM x",
            "SELECT 'a\\'; DROP TABLE x; --'",
            "SELECT $$a$$",
            "SELECT 1 /*! ; DROP TABLE x */",
            "SELECT 1 /* /* */ DROP */ */",
            "SELECT 1 --1",
            "COPY x TO PROGRAM 'sh'",
            "SELECT E'a'",
            "VACUUM",
            "SET x = 1",
            "SELECT 1 # x",
            "\\! rm",
            "SELECT * FROM x INTO OUTFILE '/tmp/x'",
            "CALL p()",
            "DO 'x'",
        ] {
            assert!(reads(statement, &functions()).is_err(), "{statement}");
        }
    }
}
