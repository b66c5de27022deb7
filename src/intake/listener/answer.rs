//! Answers.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::intake::otlp::{self, Encoding, Reply};
use crate::intake::overload::Answer;

pub(super) type Http = Response<Full<Bytes>>;

/// How errors are worded for a sender: as an OTLP `Status` in its encoding, or as JSON.
#[derive(Clone, Copy)]
pub(super) enum Voice {
    Json,
    Otlp(Encoding),
}

impl Voice {
    /// `what` went wrong.
    pub fn error(self, status: StatusCode, what: &str) -> Http {
        match self {
            Self::Json => json(status, &json!({"error": what})),
            Self::Otlp(encoding) => reply(status, otlp::failed(encoding, grpc(status), what)),
        }
    }

    /// Come again.
    pub fn again(self, answer: Answer, what: &str) -> Http {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        with(self.error(status, what), RETRY_AFTER, &answer.retry_after.to_string())
    }

    /// Not without a token.
    pub fn unauthorized(self, what: &str) -> Http {
        with(self.error(StatusCode::UNAUTHORIZED, what), WWW_AUTHENTICATE, "Bearer")
    }
}

/// The gRPC code that OTLP's `Status` carries beside an HTTP status.
fn grpc(status: StatusCode) -> u64 {
    match status {
        StatusCode::UNAUTHORIZED => 16,
        StatusCode::FORBIDDEN => 7,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYLOAD_TOO_LARGE => 8,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        StatusCode::REQUEST_TIMEOUT => 4,
        StatusCode::INTERNAL_SERVER_ERROR => 13,
        _ => 3,
    }
}

pub(super) fn json(status: StatusCode, body: &serde_json::Value) -> Http {
    raw(status, "application/json", body.to_string())
}

pub(super) fn reply(status: StatusCode, reply: Reply) -> Http {
    raw(status, reply.content_type, reply.body)
}

pub(super) fn raw(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Http {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(super) fn method_not_allowed(allowed: &'static str) -> Http {
    let what = format!("use {allowed}");
    with(Voice::Json.error(StatusCode::METHOD_NOT_ALLOWED, &what), ALLOW, allowed)
}

/// The rest of the request is not wanted.
pub(super) fn and_close(response: Http) -> Http {
    with(response, CONNECTION, "close")
}

fn with(mut response: Http, name: HeaderName, value: &str) -> Http {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
