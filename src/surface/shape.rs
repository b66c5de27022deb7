//! The structure of a result without its data: which fields it has, and of what type.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Fields deeper than this are not looked at.
const MAX_DEPTH: usize = 5;
/// At most so many fields are kept of one result; what is left out is said by [`Shape::cut`].
const MAX_FIELDS: usize = 400;

/// The structure of one result.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// What it is as a whole: `object`, `list`, `text`, `number`, `truth`, `null`, `empty`, `error`.
    pub kind: Arc<str>,
    /// Its fields as paths, such as `.flights[].date`; names that are data are `*`.
    pub fields: Vec<Arc<str>>,
    /// More fields than are kept.
    pub cut: bool,
}

/// Reads the structure of a result given as text or JSON.
#[must_use]
pub fn shape_of(result: &Value) -> Shape {
    let parsed = result.as_str().map(|text| (text, serde_json::from_str::<Value>(text)));
    let value = match &parsed {
        Some((_, Ok(value))) if !value.is_string() => value,
        Some((text, _)) => return Shape { kind: text_kind(text).into(), ..Shape::default() },
        None => result,
    };
    let mut fields = BTreeSet::new();
    walk(value, &mut String::new(), 0, &mut fields);
    let cut = fields.len() >= MAX_FIELDS;
    let failed = value.as_object().is_some_and(|object| {
        let stated = object.get("error").or_else(|| object.get("isError")).or_else(|| object.get("is_error"));
        stated.is_some_and(|error| !error.is_null() && *error != Value::Bool(false) && error.as_str() != Some(""))
    });
    let kind = if failed { "error" } else { kind_of(value) };
    Shape { kind: kind.into(), fields: fields.into_iter().map(Arc::from).collect(), cut }
}

/// Text that is no JSON: an error by its first word, or just text.
fn text_kind(text: &str) -> &'static str {
    let start: String = text.trim_start().chars().take(24).collect::<String>().to_ascii_lowercase();
    if start.is_empty() {
        "empty"
    } else if ["error", "traceback", "exception", "failed", "failure"].iter().any(|word| start.starts_with(word)) {
        "error"
    } else {
        "text"
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "truth",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn walk(value: &Value, path: &mut String, depth: usize, fields: &mut BTreeSet<String>) {
    if depth >= MAX_DEPTH || fields.len() >= MAX_FIELDS {
        return;
    }
    let length = path.len();
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                if fields.len() >= MAX_FIELDS {
                    return;
                }
                path.push('.');
                path.push_str(if is_data(name) { "*" } else { name });
                fields.insert(path.clone());
                walk(inner, path, depth + 1, fields);
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            path.push_str("[]");
            for inner in items.iter().take(50) {
                walk(inner, path, depth + 1, fields);
            }
            path.truncate(length);
        }
        _ => {}
    }
}

/// A field name that is data (an id, a date, a code) and not part of the structure.
fn is_data(name: &str) -> bool {
    name.len() > 48 || name.chars().any(|c| c.is_ascii_digit()) || name.chars().any(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn fields(text: &str) -> Vec<String> {
        shape_of(&Value::from(text)).fields.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn data_in_names_is_not_structure() {
        let one = r#"{"id":"A1","methods":{"card_77":{"brand":"x"}}}"#;
        let two = r#"{"id":"B2","methods":{"gift_9":{"brand":"y"}}}"#;
        assert_eq!(fields(one), fields(two));
        assert_eq!(fields(one), [".id", ".methods", ".methods.*", ".methods.*.brand"]);
    }

    #[test]
    fn a_renamed_field_shows() {
        assert_ne!(fields(r#"[{"price":1}]"#), fields(r#"[{"amount":1}]"#));
    }

    #[test]
    fn errors_and_texts_are_told_apart() {
        let kind = |text: &str| shape_of(&Value::from(text)).kind.to_string();
        assert_eq!(kind("Error: no such user"), "error");
        assert_eq!(kind("Transfer successful"), "text");
        assert_eq!(kind(""), "empty");
        assert_eq!(kind(r#"{"error":"boom"}"#), "error");
        assert_eq!(kind(r#"{"error":null,"x":1}"#), "object");
        assert_eq!(kind("[1,2]"), "list");
    }

    #[test]
    fn depth_and_width_are_bounded() {
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(fields(&deep).is_empty());
        let mut wide = String::new();
        for i in 0..10_000 {
            write!(wide, "\"f{}\":1,", "x".repeat(i % 40) + &["a", "b"][i % 2].repeat(i / 40)).unwrap();
        }
        let shape = shape_of(&serde_json::from_str(&format!("{{{wide}\"z\":1}}")).unwrap());
        assert!(shape.fields.len() <= MAX_FIELDS);
    }
}
