//! Attributes and numbers as proto3 writes them in JSON.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;

use super::super::Rejected;
use super::super::value::{self, Collected};

/// Attributes; too many of them are not an error of the document but of the item.
pub(super) struct Attrs(pub Result<Collected, Rejected>);

impl Default for Attrs {
    fn default() -> Self {
        Self(Ok(Collected::default()))
    }
}

#[derive(Deserialize)]
struct KeyValue<'a> {
    #[serde(borrow, default)]
    key: Cow<'a, str>,
    #[serde(default)]
    value: Any,
}

impl<'de> Deserialize<'de> for Attrs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Attrs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of attributes")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Attrs, E> {
                Ok(Attrs::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Attrs, A::Error> {
                let mut found = Collected::default();
                while let Some(KeyValue { key, value }) = list.next_element()? {
                    if let Err(why) = found.add(&key, value.0) {
                        while list.next_element::<IgnoredAny>()?.is_some() {}
                        return Ok(Attrs(Err(why)));
                    }
                }
                Ok(Attrs(Ok(found)))
            }
        }
        from.deserialize_any(List)
    }
}

/// An `AnyValue`.
#[derive(Default)]
pub(super) struct Any(pub Value);

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        #[expect(clippy::struct_field_names, reason = "OTLP names its fields so")]
        struct Wire {
            string_value: Option<String>,
            bool_value: Option<bool>,
            int_value: Option<Int>,
            double_value: Option<Double>,
            array_value: Option<List>,
            kvlist_value: Option<Map>,
            bytes_value: Option<String>,
        }
        #[derive(Deserialize)]
        struct List {
            #[serde(default)]
            values: Vec<Any>,
        }
        #[derive(Deserialize)]
        struct Map {
            #[serde(default)]
            values: Vec<Pair>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Pair {
            key: String,
            value: Any,
        }
        let Some(wire) = Option::<Wire>::deserialize(from)? else { return Ok(Self::default()) };
        Ok(Self(if let Some(text) = wire.string_value.or(wire.bytes_value) {
            Value::String(text)
        } else if let Some(truth) = wire.bool_value {
            Value::Bool(truth)
        } else if let Some(Number(number)) = wire.int_value {
            Value::from(number)
        } else if let Some(Double(number)) = wire.double_value {
            value::double(number)
        } else if let Some(list) = wire.array_value {
            Value::Array(list.values.into_iter().map(|any| any.0).collect())
        } else if let Some(map) = wire.kvlist_value {
            Value::Object(map.values.into_iter().map(|pair| (pair.key, pair.value.0)).collect())
        } else {
            Value::Null
        }))
    }
}

/// A whole number as JSON number or as text.
pub(super) struct Number<T>(pub T);
type Int = Number<i64>;
/// Nanoseconds since 1970.
pub(super) type Nanos = Number<u64>;

impl<'de, T: TryFrom<i64> + TryFrom<u64> + std::str::FromStr> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Whole<T>(std::marker::PhantomData<T>);
        impl<T: TryFrom<i64> + TryFrom<u64> + std::str::FromStr> Visitor<'_> for Whole<T> {
            type Value = Number<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole 64-bit number, or one as text")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                number.try_into().map(Number).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                number.try_into().map(Number).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map(Number).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        from.deserialize_any(Whole(std::marker::PhantomData))
    }
}

/// A double: a number, or `"NaN"`, `"Infinity"`, `"-Infinity"` (proto3 JSON).
struct Double(f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct AnyDouble;
        impl Visitor<'_> for AnyDouble {
            type Value = Double;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }

            fn visit_f64<E>(self, number: f64) -> Result<Double, E> {
                Ok(Double(number))
            }

            #[expect(
                clippy::cast_precision_loss,
                reason = "the field is a double; the sender wrote it without a point"
            )]
            fn visit_i64<E>(self, number: i64) -> Result<Double, E> {
                Ok(Double(number as f64))
            }

            #[expect(
                clippy::cast_precision_loss,
                reason = "the field is a double; the sender wrote it without a point"
            )]
            fn visit_u64<E>(self, number: u64) -> Result<Double, E> {
                Ok(Double(number as f64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Double, E> {
                text.parse().map(Double).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        from.deserialize_any(AnyDouble)
    }
}
