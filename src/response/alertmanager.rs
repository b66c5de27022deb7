//! Alertmanager API v2, as much of it as a silence needs: known alerts, silences, one new silence.
//!
//! Nothing here is retried: whoever asks decides, knowing whether the request may have arrived.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

/// How long one answer may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// The longest answer read: the alerts of a storm of 100,000 are 33 MB.
const MAX_ANSWER: usize = 128 << 20;
/// What is quoted of an error's words.
const MAX_WORDS: usize = 300;

/// One Alertmanager.
#[derive(Clone, Debug)]
pub struct Alertmanager {
    http: reqwest::Client,
    base: Url,
    bearer: Option<reqwest::header::HeaderValue>,
}

/// One condition of a silence, as API v2 writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Matcher {
    pub name: String,
    pub value: String,
    pub is_regex: bool,
    #[serde(default = "yes")]
    pub is_equal: bool,
}

fn yes() -> bool {
    true
}

/// A silence to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewSilence {
    pub matchers: Vec<Matcher>,
    pub starts_at: String,
    pub ends_at: String,
    pub created_by: String,
    pub comment: String,
}

/// A silence that exists.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Silence {
    pub id: String,
    #[serde(flatten)]
    pub what: NewSilence,
}

/// An alert Alertmanager knows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Known {
    pub fingerprint: String,
    pub labels: BTreeMap<String, String>,
}

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Nothing was sent.
    #[error("Alertmanager at {base} cannot be reached ({error}): check that it runs and that the address is right")]
    NotSent { base: String, error: String },
    /// It may have arrived; no answer came.
    #[error("Alertmanager at {base} gave no answer ({error})")]
    Lost { base: String, error: String },
    /// It answered that it will not.
    #[error("Alertmanager at {base} answered {status}: {words}")]
    Refused { base: String, status: u16, words: String },
    /// It answered something else than API v2 says.
    #[error("Alertmanager at {base} answered what API v2 does not know ({error}): is this address an Alertmanager?")]
    Odd { base: String, error: String },
}

impl Alertmanager {
    /// A client of the Alertmanager at `base` (its path ends with `/`).
    ///
    /// # Errors
    /// When TLS cannot be set up or the credentials hold a character no header can carry.
    pub fn new(base: Url, bearer: Option<&str>) -> anyhow::Result<Self> {
        let http = http_client()?;
        let bearer = bearer
            .map(|token| {
                let mut value = reqwest::header::HeaderValue::try_from(format!("Bearer {token}"))?;
                value.set_sensitive(true);
                anyhow::Ok(value)
            })
            .transpose()?;
        Ok(Self { http, base, bearer })
    }

    /// Whether it answers, and its version.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub async fn version(&self) -> anyhow::Result<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Status {
            version_info: Version,
        }
        #[derive(Deserialize)]
        struct Version {
            version: String,
        }
        let status: Status = self.get(self.path("api/v2/status")).await?;
        Ok(status.version_info.version)
    }

    /// Where silences are made.
    pub(super) fn silences_url(&self) -> Url {
        self.path("api/v2/silences")
    }

    /// Where one silence is read, and expired by DELETE.
    pub(super) fn silence_url(&self, id: &str) -> Url {
        let mut url = self.path("api/v2/silence/");
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(id);
        }
        url
    }

    /// The alerts that all `matchers` hit: the blast radius of a silence, without making it.
    pub(super) async fn hit_by(&self, matchers: &[Matcher]) -> Result<Vec<Known>, Trouble> {
        let mut url = self.path("api/v2/alerts");
        for matcher in matchers {
            url.query_pairs_mut().append_pair("filter", &matcher.as_filter());
        }
        let mut known: Vec<Known> = self.get(url).await?;
        // Quoting rules differ between versions: what the filter let through is checked again.
        known.retain(|alert| matchers.iter().all(|matcher| matcher.hits(&alert.labels)));
        Ok(known)
    }

    /// The silence by `author` whose comment holds `key`, if there is one in any state.
    pub(super) async fn find_silence(&self, author: &str, key: &str) -> Result<Option<Silence>, Trouble> {
        let all: Vec<Silence> = self.get(self.silences_url()).await?;
        Ok(all.into_iter().find(|silence| silence.what.created_by == author && silence.what.comment.contains(key)))
    }

    /// The silence called `id`.
    pub(super) async fn silence(&self, id: &str) -> Result<Silence, Trouble> {
        self.get(self.silence_url(id)).await
    }

    /// Sends `body` by POST to `url` and returns the new silence's id. Sent once.
    pub(super) async fn post(&self, url: Url, body: String) -> Result<String, Trouble> {
        #[derive(Deserialize)]
        struct Made {
            #[serde(rename = "silenceID")]
            id: String,
        }
        let request = self.http.post(url).header(reqwest::header::CONTENT_TYPE, "application/json").body(body);
        let made: Made = self.answer(request).await?;
        Ok(made.id)
    }

    fn path(&self, path: &str) -> Url {
        // The path is ours and relative, so joining cannot fail.
        self.base.join(path).unwrap_or_else(|_| self.base.clone())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: Url) -> Result<T, Trouble> {
        self.answer(self.http.get(url)).await
    }

    async fn answer<T: serde::de::DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, Trouble> {
        let base = || self.base.to_string();
        let lost = |error: reqwest::Error| Trouble::Lost { base: base(), error: root_cause(&error) };
        let request = match &self.bearer {
            Some(bearer) => request.header(reqwest::header::AUTHORIZATION, bearer),
            None => request,
        };
        let mut response = request.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                Trouble::NotSent { base: base(), error: root_cause(&error) }
            } else {
                lost(error)
            }
        })?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Trouble::Odd { base: base(), error: format!("an answer of more than {MAX_ANSWER} bytes") });
            }
            body.extend_from_slice(&chunk);
        }
        if !response.status().is_success() {
            return Err(Trouble::Refused { base: base(), status: response.status().as_u16(), words: words(&body) });
        }
        serde_json::from_slice(&body).map_err(|error| Trouble::Odd { base: base(), error: error.to_string() })
    }
}

/// A client for services the configuration names: bounded in time, without redirects or proxies.
///
/// # Errors
/// When TLS cannot be set up.
pub fn http_client() -> anyhow::Result<reqwest::Client> {
    Ok(http_client_builder(TIMEOUT).build()?)
}

/// The same, still to be made, with so much time for a whole answer.
pub(super) fn http_client_builder(answer: Duration) -> reqwest::ClientBuilder {
    // Whoever comes first installs it; a second time is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(answer)
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("warroom/", env!("CARGO_PKG_VERSION")))
}

impl Matcher {
    /// As a `filter` parameter of API v2.
    fn as_filter(&self) -> String {
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{}=\"{value}\"", self.name)
    }

    fn hits(&self, labels: &BTreeMap<String, String>) -> bool {
        labels.get(&self.name).is_some_and(|value| *value == self.value)
    }
}

/// An error body is an object with a `message`, or a bare JSON string, or something a proxy said.
fn words(body: &[u8]) -> String {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Object { message: String },
        Text(String),
    }
    let said = match serde_json::from_slice(body) {
        Ok(Said::Object { message } | Said::Text(message)) => message,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    said.trim().chars().take(MAX_WORDS).collect()
}

/// The innermost cause, which names the reason; the outer ones repeat the address.
#[must_use]
pub fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_error_are_understood() {
        assert_eq!(
            words(br#"{"code":612,"message":"matchers in body should have at least 1 items"}"#),
            "matchers in body should have at least 1 items"
        );
        assert_eq!(words(br#""invalid silence: past end""#), "invalid silence: past end");
        assert_eq!(words(b"<html>bad gateway</html>\n"), "<html>bad gateway</html>");
    }

    #[test]
    fn a_filter_quotes_what_a_label_may_hold() {
        let matcher = Matcher { name: "a".to_owned(), value: "x\"y\\z\n".to_owned(), is_regex: false, is_equal: true };
        assert_eq!(matcher.as_filter(), "a=\"x\\\"y\\\\z\\n\"");
    }

    #[test]
    fn an_address_with_a_path_keeps_it() {
        let client = Alertmanager::new(Url::parse("http://host:9093/am/").unwrap(), None).unwrap();
        assert_eq!(client.silences_url().as_str(), "http://host:9093/am/api/v2/silences");
        assert_eq!(client.silence_url("a/b").as_str(), "http://host:9093/am/api/v2/silence/a%2Fb");
    }
}
