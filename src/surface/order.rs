//! JSON with its fields in order, wherever two values are held against each other.
//!
//! Which order a library keeps fields in is not ours to rely on: another crate in the tree may turn it around for all.

use serde_json::Value;

/// The same value, the fields of all its objects sorted by name.
#[must_use]
pub fn in_order(mut value: Value) -> Value {
    value.sort_all_objects();
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_in_which_fields_came_makes_no_difference_at_any_depth() {
        let read = |text: &str| in_order(serde_json::from_str(text).unwrap()).to_string();
        let one = read(r#"{"b":[{"d":1,"c":{"f":2,"e":3}}],"a":null}"#);
        assert_eq!(one, read(r#"{"a":null,"b":[{"c":{"e":3,"f":2},"d":1}]}"#));
        assert_eq!(one, r#"{"a":null,"b":[{"c":{"e":3,"f":2},"d":1}]}"#);
    }
}
