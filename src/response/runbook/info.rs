//! What stands behind the fence of a block: its language and attributes, as Pandoc, Quarto and others write them.

/// Behind the fence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    /// Small letters; empty where none is named.
    pub language: String,
    /// Attributes in their order.
    pub pairs: Vec<(String, String)>,
    /// What could not be understood.
    pub wrong: Option<String>,
}

/// A block has at most so many attributes.
const MAX_PAIRS: usize = 40;

/// Reads `sh {name=x mode=read}`, `{.sh #x mode=read}`, `{bash}`, `sh name=x`, `sh {"name": "x"}`.
pub(super) fn read(text: &str) -> Info {
    let text = text.trim();
    let mut info = Info::default();
    let cut = text.find(|c: char| c.is_whitespace() || c == '{').unwrap_or(text.len());
    info.language = text[..cut].to_ascii_lowercase();
    let rest = text[cut..].trim();
    if rest.starts_with('{') && rest[1..].trim_start().starts_with('"') {
        json(rest, &mut info);
        return info;
    }
    let inner = match rest.strip_prefix('{') {
        Some(inner) => match inner.trim_end().strip_suffix('}') {
            Some(inner) => inner,
            None => {
                info.wrong = Some("the brace behind the fence is not closed: {name=… mode=…}".to_owned());
                inner
            }
        },
        None => rest,
    };
    pairs(inner, &mut info);
    info
}

fn json(text: &str, info: &mut Info) {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(map) => {
            for (key, value) in map.into_iter().take(MAX_PAIRS) {
                let value = match value {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                info.pairs.push((key, value));
            }
        }
        Err(error) => info.wrong = Some(format!("the attributes behind the fence are no JSON: {error}")),
    }
}

fn pairs(text: &str, info: &mut Info) {
    let mut rest = text.trim_start();
    let mut first = true;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if let Some(after) = after.strip_prefix('=') {
            let (value, after) = match value(after) {
                Ok(found) => found,
                Err(what) => {
                    info.wrong = Some(format!("{key}: {what}"));
                    return;
                }
            };
            if info.pairs.iter().any(|(known, _)| known == key) {
                info.wrong = Some(format!("{key} stands there twice"));
            } else if info.pairs.len() < MAX_PAIRS {
                info.pairs.push((key.to_owned(), value));
            }
            rest = after.trim_start();
        } else {
            if let Some(class) = key.strip_prefix('.') {
                if info.language.is_empty() {
                    info.language = class.to_ascii_lowercase();
                }
            } else if let Some(id) = key.strip_prefix('#') {
                info.pairs.push(("name".to_owned(), id.to_owned()));
            } else if first && info.language.is_empty() {
                // `{bash}`, as notebooks write what is to be run.
                info.language = key.trim_end_matches(',').to_ascii_lowercase();
            }
            rest = after.trim_start();
        }
        first = false;
    }
}

/// A value, quoted or up to the next blank, and what follows it.
fn value(text: &str) -> Result<(String, &str), &'static str> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return Ok((text[..end].to_owned(), &text[end..]));
    };
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((out, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, c)) if c == quote || c == '\\' => out.push(c),
                Some((_, c)) => out.extend(['\\', c]),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err("the quote behind = is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (String, Vec<(String, String)>) {
        let info = read(text);
        assert_eq!(info.wrong, None, "{text}");
        (info.language, info.pairs)
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn attributes_are_read_in_every_way_the_field_writes_them() {
        let both = vec![pair("name", "pods"), pair("mode", "read")];
        for text in [
            "sh {name=pods mode=read}",
            "sh{name=pods mode=read}",
            "{.sh #pods mode=read}",
            "{sh name=\"pods\" mode='read'}",
            "SH name=pods mode=read",
            "sh { .numberLines name=pods   mode=read }",
        ] {
            assert_eq!(of(text), ("sh".to_owned(), both.clone()), "{text}");
        }
        assert_eq!(of("sh {\"mode\":\"read\",\"name\":\"pods\"}").1.len(), 2);
        assert_eq!(of("{bash}").0, "bash");
        assert_eq!(of("").0, "");
        assert_eq!(of("js {1,3-5}"), ("js".to_owned(), vec![]));
        assert_eq!(
            of("sh {dry_run=\"kubectl \\\"x\\\" --dry-run=server\"}").1,
            [pair("dry_run", "kubectl \"x\" --dry-run=server")]
        );
    }

    #[test]
    fn what_is_not_closed_or_stands_twice_is_said() {
        for text in ["sh {name=x", "sh {name=\"x}", "sh {name=a name=b}", "sh {\"name\": }"] {
            assert!(read(text).wrong.is_some(), "{text}");
        }
    }
}
