//! One server that is polled: bounded answers, no redirects, no proxies.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use url::Url;

use crate::intake::limits;
use crate::intake::problem::BadInput;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// What is quoted of an error's words.
const WORDS: usize = 300;
/// The longest wait a server may ask for.
const LONGEST_WAIT: u64 = 600;

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    credentials: Option<HeaderValue>,
}

/// Why a poll brought nothing. The words may hold outside text.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// No answer.
    #[error("{base} cannot be reached ({error}): check that it runs and that the address is right")]
    Unreachable {
        /// Whom.
        base: String,
        /// Why.
        error: String,
    },
    /// It answered that it will not.
    #[error("{base} answered {status}{}{words}: {}", if words.is_empty() { "" } else { ", " }, meaning(*status))]
    Refused {
        /// Who.
        base: String,
        /// HTTP status.
        status: u16,
        /// Its words.
        words: String,
        /// When it wants to be asked again.
        again: Option<Duration>,
    },
    /// It answered something else than its API says.
    #[error("{base} answered what its API does not know ({error}): is the address right?")]
    Odd {
        /// Who.
        base: String,
        /// What is wrong with it.
        error: String,
    },
    /// It answered more than is read.
    #[error("{base} answered with more than {limit} bytes, which are not read")]
    TooLong {
        /// Who.
        base: String,
        /// What is read at most.
        limit: usize,
    },
    /// Our own journal.
    #[error(transparent)]
    Journal(#[from] crate::journal::JournalError),
}

/// What a refusal means, and what to do.
fn meaning(status: u16) -> &'static str {
    match status {
        300..=399 => "it sends us elsewhere, and redirects are not followed: give the address where it really is",
        401 | 403 => "it does not accept who asks: check the credentials that the configuration names for it",
        404 => "it has no such thing: check the address, and what is asked for there",
        429 => "it is asked too often: it is asked again when it wants to be",
        400..=499 => "it does not understand what it is asked: it may be another version than the documentation names",
        _ => "something is wrong with it: it is asked again by and by",
    }
}

impl PollError {
    /// When the server wants to be asked again.
    #[must_use]
    pub fn again(&self) -> Option<Duration> {
        match self {
            Self::Refused { again, .. } => *again,
            _ => None,
        }
    }
}

impl Client {
    /// A client of the server at `base` (its path ends with `/`).
    ///
    /// # Errors
    /// When TLS cannot be set up, or the token holds a character that no header can carry.
    pub fn new(base: Url, bearer: Option<&str>) -> anyhow::Result<Self> {
        Self::with(base, bearer.map(|token| format!("Bearer {token}")))
    }

    /// A client that presents a name and a secret (HTTP Basic).
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn named(base: Url, name: &str, secret: &str) -> anyhow::Result<Self> {
        Self::with(base, Some(format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))))
    }

    fn with(base: Url, credentials: Option<String>) -> anyhow::Result<Self> {
        // Whoever comes first installs it; a second time is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(limits::POLL_TIME))
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("warroom/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let credentials = credentials.map(|text| {
            let mut value = HeaderValue::try_from(text)?;
            value.set_sensitive(true);
            anyhow::Ok(value)
        });
        Ok(Self { http, base, credentials: credentials.transpose()? })
    }

    pub(super) fn base(&self) -> String {
        self.base.to_string()
    }

    /// What the server answers to `GET path?query`.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, PollError> {
        self.get_within(path, query, limits::size(limits::POLLED_BODY)).await
    }

    /// As [`Self::get`], of at most `limit` bytes.
    pub(super) async fn get_within<N: AsRef<str>, V: AsRef<str>>(
        &self,
        path: &str,
        query: &[(N, V)],
        limit: usize,
    ) -> Result<Vec<u8>, PollError> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        self.answer(self.http.get(url), limit).await
    }

    /// What the server answers to a form posted to `path`, for questions too long for an address.
    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Vec<u8>, PollError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(self.url(path));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        self.answer(request, limits::size(limits::POLLED_BODY)).await
    }

    /// What `error` says of an answer.
    pub(super) fn odd(&self, error: &BadInput) -> PollError {
        PollError::Odd { base: self.base(), error: error.to_string() }
    }

    fn url(&self, path: &str) -> Url {
        // The path is ours and relative, so joining cannot fail.
        self.base.join(path).unwrap_or_else(|_| self.base.clone())
    }

    async fn answer(&self, request: reqwest::RequestBuilder, limit: usize) -> Result<Vec<u8>, PollError> {
        let unreachable = |error: reqwest::Error| PollError::Unreachable { base: self.base(), error: root(&error) };
        let request = match &self.credentials {
            Some(credentials) => request.header(AUTHORIZATION, credentials),
            None => request,
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let again = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let limit = if status.is_success() { limit } else { 64 * 1024 };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > limit {
                if status.is_success() {
                    return Err(PollError::TooLong { base: self.base(), limit });
                }
                break;
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(body);
        }
        let again = again.map(|seconds: u64| Duration::from_secs(seconds.min(LONGEST_WAIT)));
        Err(PollError::Refused { base: self.base(), status: status.as_u16(), words: words(&body), again })
    }
}

/// The words of an error body: Prometheus' `error`, Alertmanager's `message` or bare string, `FastAPI`'s `detail`, else
/// its beginning.
pub(super) fn words(body: &[u8]) -> String {
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let said = value.as_ref().and_then(|value| {
        value
            .as_str()
            .or_else(|| value.get("error")?.as_str())
            .or_else(|| value.get("message")?.as_str())
            .or_else(|| value.get("detail")?.as_str())
    });
    let text = said.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    text.chars().take(WORDS).collect()
}

fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
