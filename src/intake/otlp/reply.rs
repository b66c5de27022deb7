//! What an OTLP sender is answered, in the encoding it sent.

use serde_json::json;

use super::{Encoding, Tally};

/// An answer's content type and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// `Content-Type`, the request's.
    pub content_type: &'static str,
    /// Body.
    pub body: Vec<u8>,
}

impl Encoding {
    /// Its `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// An `Export…ServiceResponse`, for traces (`rejected` is `rejectedSpans`) or logs (`rejectedLogRecords`).
#[must_use]
pub fn taken(encoding: Encoding, tally: &Tally, rejected: &str) -> Reply {
    let body = match (encoding, &tally.message) {
        (Encoding::Protobuf, None) => Vec::new(),
        (Encoding::Json, None) => b"{}".to_vec(),
        // partial_success = 1 { rejected = 1, error_message = 2 }
        (Encoding::Protobuf, Some(message)) => bytes_field(1, &number_and_text(tally.rejected, message)),
        (Encoding::Json, Some(message)) => {
            json!({"partialSuccess": {rejected: tally.rejected.to_string(), "errorMessage": message}})
                .to_string()
                .into()
        }
    };
    Reply { content_type: encoding.content_type(), body }
}

/// A `google.rpc.Status { code = 1, message = 2 }`; `code` is gRPC's.
#[must_use]
pub fn failed(encoding: Encoding, code: u64, message: &str) -> Reply {
    let body = match encoding {
        Encoding::Protobuf => number_and_text(code, message),
        Encoding::Json => json!({"code": code, "message": message}).to_string().into(),
    };
    Reply { content_type: encoding.content_type(), body }
}

fn number_and_text(number: u64, text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    if number > 0 {
        out.push(1 << 3);
        varint(number, &mut out);
    }
    out.extend(bytes_field(2, text.as_bytes()));
    out
}

fn bytes_field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    varint(bytes.len() as u64, &mut out);
    out.extend_from_slice(bytes);
    out
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
