//! One server that is polled: bounded answers, no redirects, no proxies.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use url::Url;

use crate::intake::limits;

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
    bearer: Option<HeaderValue>,
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
    #[error("{base} answered {status}: {words}")]
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
    /// Our own journal.
    #[error(transparent)]
    Journal(#[from] crate::journal::JournalError),
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
        // Whoever comes first installs it; a second time is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(limits::POLL_TIME))
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("warroom/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let bearer = bearer.map(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
            value.set_sensitive(true);
            anyhow::Ok(value)
        });
        Ok(Self { http, base, bearer: bearer.transpose()? })
    }

    pub(super) fn base(&self) -> String {
        self.base.to_string()
    }

    /// What the server answers to `GET path?query`.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, PollError> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        self.answer(self.http.get(url)).await
    }

    /// What the server answers to a form posted to `path`, for questions too long for an address.
    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Vec<u8>, PollError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(self.url(path));
        self.answer(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    fn url(&self, path: &str) -> Url {
        // The path is ours and relative, so joining cannot fail.
        self.base.join(path).unwrap_or_else(|_| self.base.clone())
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, PollError> {
        let unreachable = |error: reqwest::Error| PollError::Unreachable { base: self.base(), error: root(&error) };
        let request = match &self.bearer {
            Some(bearer) => request.header(AUTHORIZATION, bearer),
            None => request,
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let again = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let limit = if status.is_success() { limits::size(limits::POLLED_BODY) } else { 64 * 1024 };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > limit {
                if status.is_success() {
                    return Err(PollError::Odd {
                        base: self.base(),
                        error: format!("it is longer than {limit} bytes"),
                    });
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

/// The words of an error body: Prometheus' `error`, Alertmanager's `message` or bare string, else its beginning.
pub(super) fn words(body: &[u8]) -> String {
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let said = value.as_ref().and_then(|value| {
        value.as_str().or_else(|| value.get("error")?.as_str()).or_else(|| value.get("message")?.as_str())
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
