//! A list deep in a document, element by element: only one is in memory at a time.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::intake::json;
use crate::intake::problem::BadInput;

/// What is done with an element: where it stands, and its text.
pub(super) type With<'w> = dyn FnMut(&str, &[u8]) -> Result<(), BadInput> + 'w;

/// Calls `with` for every element of the list `name` of the object `text`, which stands at `at`. No list is no element.
pub(super) fn each(text: &[u8], at: &str, name: &str, with: &mut With<'_>) -> Result<(), BadInput> {
    let Some(list) = json::read_seed(text, || Member(name)).map_err(|error| error.under(at))? else { return Ok(()) };
    let at = format!("{at}/{name}");
    let mut failed = None;
    let mut de = serde_json::Deserializer::from_str(list.get());
    let walked = de::DeserializeSeed::deserialize(Elements { at: &at, with, failed: &mut failed }, &mut de);
    match (failed, walked) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(BadInput::at(at, error.to_string())),
        (None, Ok(())) => Ok(()),
    }
}

/// Finds one member of an object, as text.
struct Member<'n>(&'n str);

impl<'de> de::DeserializeSeed<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.0 {
                found = map.next_value::<Option<&RawValue>>()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct Elements<'s> {
    at: &'s str,
    with: &'s mut With<'s>,
    failed: &'s mut Option<BadInput>,
}

impl<'de> de::DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut n = 0usize;
        while let Some(element) = list.next_element::<&RawValue>()? {
            if let Err(error) = (self.with)(&format!("{}/{n}", self.at), element.get().as_bytes()) {
                *self.failed = Some(error);
                return Err(de::Error::custom("an element is wrong"));
            }
            n += 1;
        }
        Ok(())
    }
}
