//! Reading JSON from outside: errors name a JSON pointer, broken text is repaired rather than lost.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_path_to_error::{Path, Segment};

use super::limits;
use super::problem::BadInput;
use crate::event::{Labels, Time, Untrusted};

/// Reads `bytes` as one JSON document.
///
/// # Errors
/// Names the JSON pointer at which the document is not what it should be.
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, BadInput> {
    // The fast way first: tracking the path costs an allocation a key.
    serde_json::from_slice(bytes).or_else(|_| {
        let mut de = serde_json::Deserializer::from_slice(bytes);
        match serde_path_to_error::deserialize(&mut de) {
            Ok(value) => de.end().map(|()| value).map_err(|error| explain("", &error)),
            Err(error) => Err(explain(&pointer(error.path()), error.inner())),
        }
    })
}

/// Reads `bytes` through seeds that `make` makes; a second one is made when the first fails, to find the place.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_seed<'a, S, T>(bytes: &'a [u8], mut make: impl FnMut() -> S) -> Result<T, BadInput>
where
    S: DeserializeSeed<'a, Value = T>,
{
    let mut de = serde_json::Deserializer::from_slice(bytes);
    if let Ok(value) = make().deserialize(&mut de)
        && de.end().is_ok()
    {
        return Ok(value);
    }
    let mut de = serde_json::Deserializer::from_slice(bytes);
    let mut track = serde_path_to_error::Track::new();
    match make().deserialize(serde_path_to_error::Deserializer::new(&mut de, &mut track)) {
        Ok(value) => de.end().map(|()| value).map_err(|error| explain("", &error)),
        Err(error) => Err(explain(&pointer(&track.path()), &error)),
    }
}

/// `bytes` with every piece that is not UTF-8 and every lone surrogate escape replaced by U+FFFD; `None` when
/// there was nothing to repair.
pub(crate) fn repair(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let mended = surrogates(&text);
    match (text, mended) {
        (_, Some(mended)) => Some(mended.into_bytes()),
        (Cow::Owned(text), None) => Some(text.into_bytes()),
        (Cow::Borrowed(_), None) => None,
    }
}

/// `text` with lone `\uD800`–`\uDFFF` escapes replaced.
fn surrogates(text: &str) -> Option<String> {
    let code = |at: usize| -> Option<u32> {
        let escape = text.get(at..at + 6)?;
        let digits = escape.strip_prefix("\\u")?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let mut out: Option<String> = None;
    let (mut at, mut kept) = (0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match code(at) {
            Some(0xD800..=0xDBFF) if matches!(code(at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            Some(0xD800..=0xDFFF) => {
                let out = out.get_or_insert_with(String::new);
                out.push_str(&text[kept..at]);
                out.push_str("\\uFFFD");
                at += 6;
                kept = at;
            }
            // Any other escape is two bytes or more; the second may itself be a backslash.
            _ => at += 2,
        }
    }
    out.map(|mut out| {
        out.push_str(&text[kept..]);
        out
    })
}

fn explain(pointer: &str, error: &serde_json::Error) -> BadInput {
    let text = error.to_string();
    // serde says which field is missing but points at the object that misses it.
    if let Some(field) = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return BadInput::at(format!("{pointer}/{field}"), "is missing");
    }
    BadInput::at(pointer, text)
}

fn pointer(path: &Path) -> String {
    let mut out = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                out.push('/');
                out.push_str(&index.to_string());
            }
            Segment::Map { key } | Segment::Enum { variant: key } => {
                out.push('/');
                // RFC 6901, section 3.
                out.extend(key.chars().map(|c| match c {
                    '~' => Cow::Borrowed("~0"),
                    '/' => Cow::Borrowed("~1"),
                    c => Cow::Owned(c.to_string()),
                }));
            }
            Segment::Unknown => out.push_str("/?"),
        }
    }
    out
}

/// A moment written as RFC 3339, with any offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WireTime(pub Time);

impl<'de> Deserialize<'de> for WireTime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Rfc3339;
        impl Visitor<'_> for Rfc3339 {
            type Value = WireTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 2026-11-22T00:46:14.52Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<WireTime, E> {
                text.parse().map(WireTime).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        from.deserialize_str(Rfc3339)
    }
}

/// A map of labels: names once, values text, bounded in number; `null` is an empty one.
pub(crate) fn labels<'de, D: Deserializer<'de>>(from: D) -> Result<Labels, D::Error> {
    struct Map;
    impl<'de> Visitor<'de> for Map {
        type Value = Labels;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of texts")
        }

        fn visit_unit<E: de::Error>(self) -> Result<Labels, E> {
            Ok(Labels::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
            let mut labels = Labels::new();
            while let Some((name, value)) = map.next_entry::<Untrusted, Untrusted>()? {
                if labels.len() >= limits::size(limits::LABELS) {
                    return Err(de::Error::custom(format_args!("has more than {} labels", limits::LABELS)));
                }
                if let Some(twice) = labels.insert(name, value) {
                    return Err(de::Error::custom(format_args!("names one label twice, first as {twice:?}")));
                }
            }
            Ok(labels)
        }
    }
    from.deserialize_any(Map)
}

/// Any JSON value as one text: text as it is, anything else as compact JSON.
pub(crate) fn text_of(value: &serde_json::Value) -> Option<Untrusted> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.as_str().into()),
        other => Some(other.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Doc {
        #[serde(deserialize_with = "labels", default)]
        labels: Labels,
        #[serde(default)]
        at: Vec<WireTime>,
    }

    #[test]
    fn an_error_names_the_pointer() {
        for (text, place) in [
            (r#"{"at":["2026-11-22T00:46:14+02:00","yesterday"]}"#, "/at/1: "),
            (r#"{"labels":{"a/b":{}}}"#, "/labels/a~1b: "),
            (r#"{"labels":{"a":"1","a":"2"}}"#, "/labels"),
            (r#"{"labels":{}} x"#, "the document: "),
            ("", "the document: "),
        ] {
            let error = read::<Doc>(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(place), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_not_text_is_mended_and_what_is_text_is_left_alone() {
        assert_eq!(repair(br#"{"a":"\ud83d\ude00 \\ud800 ok"}"#), None);
        assert_eq!(repair(br#"{"a":"\ud800x"}"#).unwrap(), br#"{"a":"\uFFFDx"}"#);
        assert_eq!(repair(b"\"a\xffb\"").unwrap(), "\"a\u{FFFD}b\"".as_bytes());
        let doc: Doc = read(&repair(br#"{"labels":{"a":"\udc00"}}"#).unwrap()).unwrap();
        assert_eq!(doc.labels["a"].raw(), "\u{FFFD}");
        assert!(doc.at.is_empty());
    }

    proptest! {
        #[test]
        fn repaired_text_is_valid_and_needs_no_second_repair(bytes: Vec<u8>, text in r#"(\\u[dD][89a-fA-F][0-9]{2}|[a-z\\"]){0,12}"#) {
            for input in [bytes.as_slice(), text.as_bytes()] {
                if let Some(once) = repair(input) {
                    prop_assert!(std::str::from_utf8(&once).is_ok());
                    prop_assert_eq!(repair(&once), None);
                }
            }
        }
    }
}
