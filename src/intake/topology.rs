//! Who calls whom, as a list of `{"caller","callee"}`.

use super::json;
use super::problem::BadInput;
use crate::event::{Digest, Edge, Fact, Time, Topology};
use crate::journal::Draft;

/// The draft of the call graph `bytes`, known from `at` on.
///
/// # Errors
/// Names the JSON pointer at which it is not such a list.
pub fn read(bytes: &[u8], at: Time) -> Result<Draft, BadInput> {
    Ok(draft(json::read(bytes)?, at))
}

/// The draft of `edges`; the same edges are the same fact in whatever order.
#[must_use]
pub fn draft(mut edges: Vec<Edge>, at: Time) -> Draft {
    edges.sort_unstable();
    edges.dedup();
    let fact = Fact::from(Topology { edges });
    Draft::new(at, format!("topology/{}", Digest::of(&fact.encode())), &fact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_read_once_each_and_a_wrong_one_is_named() {
        let at = Time::UNIX_EPOCH;
        let edge = r#"{"caller":"a","callee":"b"}"#;
        let one = read(format!("[{edge}]").as_bytes(), at).unwrap();
        assert_eq!(one.key, read(format!("[{edge},{edge}]").as_bytes(), at).unwrap().key);
        let error = read(format!(r#"[{edge},{{"caller":"a"}}]"#).as_bytes(), at).unwrap_err();
        assert_eq!(error.to_string(), "/1/callee: is missing");
    }
}
