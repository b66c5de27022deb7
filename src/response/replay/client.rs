//! The way to one endpoint: address looked up once and pinned, answers bounded in bytes and time, politeness when it is busy.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use url::{Host, Url};

use super::wire::{self, Ask, Dialect, Reply, Stream};
use crate::event::TokenPrice;
use crate::intake::poll::Pace;
use crate::response::wall::{Declared, forbidden};
use crate::response::{http_client_builder, root_cause};

/// A model's endpoint as the configuration names it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// Base address; its path ends with `/`.
    pub url: Url,
    /// What it speaks.
    pub dialect: Dialect,
    /// The model asked for where an arm names none; `None` = as recorded.
    pub model: Option<String>,
    /// What its tokens cost; `None` = not said.
    pub price: Option<TokenPrice>,
}

/// Bounds of one question.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a whole answer.
    pub answer: Duration,
    /// Between two pieces of one.
    pub silence: Duration,
    /// Bytes of one answer.
    pub bytes: usize,
    /// How often it is asked in all when it is busy.
    pub tries: u32,
    /// The pause after the first refusal; it doubles.
    pub pause: Duration,
    /// The longest pause that is waited when the endpoint asks for one.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(180),
            silence: Duration::from_secs(60),
            bytes: 8 << 20,
            tries: 5,
            pause: Duration::from_secs(1),
            longest: Duration::from_secs(120),
        }
    }
}

/// A list of models is not longer, in bytes.
const LIST: usize = 1 << 20;

/// What an endpoint answered to a question that holds nothing of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// It listed its models.
    Listed(Vec<String>),
    /// It answered, and has no such list: whether it takes the key is not known.
    Answered(u16),
}

/// A connection to an endpoint.
pub struct Client {
    http: reqwest::Client,
    to: Url,
    dialect: Dialect,
    key: Option<HeaderValue>,
    patience: Patience,
    pinned: SocketAddr,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Nothing was sent.
    #[error("it cannot be reached ({0})")]
    NotSent(String),
    /// It may have arrived and cost something.
    #[error("no answer: {0}")]
    Lost(String),
    /// It took too long.
    #[error("no whole answer within {} s", .0.as_secs_f32())]
    Slow(Duration),
    /// It does not end.
    #[error("its answer is longer than {0} bytes and was not read on")]
    Endless(usize),
    /// It answered that it will not.
    #[error("it answered {status}: {words}")]
    Refused {
        status: u16,
        words: String,
        /// When it wants to be asked again.
        again: Option<Duration>,
    },
    /// It answered something else.
    #[error(transparent)]
    Odd(#[from] wire::Odd),
}

impl Trouble {
    /// Whether asking again can help, and cannot cost twice.
    fn passes(&self) -> bool {
        match self {
            Self::NotSent(_) => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 529),
            _ => false,
        }
    }

    /// Whether tokens may have been spent.
    pub fn may_cost(&self) -> bool {
        !matches!(self, Self::NotSent(_) | Self::Refused { .. })
    }
}

impl Client {
    /// Looks the address up, once for all, and makes ready. Nothing is sent.
    ///
    /// # Errors
    /// When the name leads nowhere or where it must not, or the key holds a character no header can carry.
    pub async fn connect(endpoint: &Endpoint, key: Option<&str>, patience: Patience) -> anyhow::Result<Self> {
        let host = endpoint.url.host().context("the endpoint's address names no host")?;
        let port = endpoint.url.port_or_known_default().context("the endpoint's address names no port")?;
        let by_number = !matches!(host, Host::Domain(name) if name != "localhost");
        let found: Vec<SocketAddr> = match host {
            Host::Ipv4(ip) => vec![(ip, port).into()],
            Host::Ipv6(ip) => vec![(ip, port).into()],
            Host::Domain(name) => tokio::net::lookup_host((name, port))
                .await
                .with_context(|| format!("the name {name} of endpoint {} cannot be looked up", endpoint.name))?
                .collect(),
        };
        for address in &found {
            // This host may be named as such. What keeps a machine's credentials is no model, however it is named.
            let itself = by_number && address.ip().to_canonical().is_loopback();
            let declared = if itself { Declared::Itself } else { Declared::ByName };
            if let Some(why) = forbidden(address.ip(), declared) {
                anyhow::bail!("endpoint {} leads to {}, {why}: nothing was sent", endpoint.name, address.ip());
            }
        }
        let pinned = *found.first().with_context(|| format!("endpoint {} has no address", endpoint.name))?;
        let mut builder = http_client_builder(patience.answer).read_timeout(patience.silence);
        if let Host::Domain(name) = host {
            builder = builder.resolve_to_addrs(name, &found);
        }
        let key = key.map(|key| {
            let text = if endpoint.dialect == Dialect::OpenAi { format!("Bearer {key}") } else { key.to_owned() };
            let mut value =
                HeaderValue::try_from(text).context("the key holds a character that no header can carry")?;
            value.set_sensitive(true);
            anyhow::Ok(value)
        });
        let to = endpoint.url.join(endpoint.dialect.path()).context("the endpoint's address takes no path")?;
        Ok(Self { http: builder.build()?, to, dialect: endpoint.dialect, key: key.transpose()?, patience, pinned })
    }

    /// Exactly where questions go: the address, and the host it was looked up to.
    #[must_use]
    pub fn destination(&self) -> String {
        format!("{} ({})", self.to, self.pinned)
    }

    /// The body of a question, as it is sent.
    pub(super) fn body(&self, ask: &Ask<'_>) -> String {
        self.dialect.body(ask).to_string()
    }

    /// Sends a question; asks again, politely, where the endpoint is busy. `busy` hears how long it waits then, and why.
    pub(super) async fn ask(
        &self,
        body: &str,
        busy: &mut (dyn FnMut(Duration, String) + Send),
    ) -> Result<Reply, Trouble> {
        let mut pace = Pace::every(self.patience.pause / 2);
        for _ in 1..self.patience.tries {
            let trouble = match self.ask_once(body).await {
                Err(trouble) if trouble.passes() => trouble,
                end => return end,
            };
            let told = if let Trouble::Refused { again, .. } = &trouble { *again } else { None };
            if told.is_some_and(|told| told > self.patience.longest) {
                return Err(trouble);
            }
            let pause = pace.after_failure(told);
            busy(pause, trouble.to_string());
            tokio::time::sleep(pause).await;
        }
        self.ask_once(body).await
    }

    /// Asks for the list of models: whether anybody answers there and takes the key. Nothing that was recorded is sent.
    ///
    /// # Errors
    /// When nobody answers, or the key is refused.
    pub async fn probe(&self) -> anyhow::Result<Probed> {
        let list = self.to.join(self.dialect.list()).context("the endpoint's address takes no path")?;
        let request = self.signed(self.http.get(list));
        let mut response = request.send().await.map_err(|error| anyhow::anyhow!("{}", self.trouble(&error)))?;
        let status = response.status();
        let said = self.read(&mut response, LIST).await.unwrap_or_default();
        match status.as_u16() {
            200..=299 => Ok(Probed::Listed(wire::models(&said))),
            401 | 403 => anyhow::bail!("it answers, and does not take the key ({status}: {})", wire::words(&said)),
            _ => Ok(Probed::Answered(status.as_u16())),
        }
    }

    /// With what the endpoint wants to see.
    fn signed(&self, mut request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        if self.dialect == Dialect::Anthropic {
            request = request.header("anthropic-version", "2023-06-01");
        }
        match (&self.key, self.dialect) {
            (Some(key), Dialect::OpenAi) => request.header(AUTHORIZATION, key),
            (Some(key), Dialect::Anthropic) => request.header("x-api-key", key),
            (None, _) => request,
        }
    }

    async fn ask_once(&self, body: &str) -> Result<Reply, Trouble> {
        let whole = self.exchange(body);
        tokio::time::timeout(self.patience.answer, whole).await.unwrap_or(Err(Trouble::Slow(self.patience.answer)))
    }

    async fn exchange(&self, body: &str) -> Result<Reply, Trouble> {
        let request = self.signed(self.http.post(self.to.clone()).header(CONTENT_TYPE, "application/json"));
        let mut response = request.body(body.to_owned()).send().await.map_err(|error| self.trouble(&error))?;
        let status = response.status();
        if !status.is_success() {
            let again = response.headers().get(RETRY_AFTER).and_then(|value| wait_asked(value.to_str().ok()?));
            let said = self.read(&mut response, 64 * 1024).await.unwrap_or_default();
            let mut words = wire::words(&said);
            if status.is_redirection() {
                words.push_str(" (redirects are not followed)");
            }
            return Err(Trouble::Refused { status: status.as_u16(), words, again });
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        // A server that cannot stream answers whole.
        if !kind.starts_with("text/event-stream") {
            let said = self.read(&mut response, self.patience.bytes).await?;
            return Ok(self.dialect.whole(&said)?);
        }
        let mut stream = Stream::of(self.dialect);
        let mut bytes = 0;
        while let Some(chunk) = response.chunk().await.map_err(|error| self.trouble(&error))? {
            bytes += chunk.len();
            if bytes > self.patience.bytes {
                return Err(Trouble::Endless(self.patience.bytes));
            }
            if stream.push(&chunk)? {
                break;
            }
        }
        Ok(stream.finish()?)
    }

    async fn read(&self, response: &mut reqwest::Response, limit: usize) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.trouble(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(Trouble::Endless(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn trouble(&self, error: &reqwest::Error) -> Trouble {
        if error.is_connect() || error.is_builder() {
            Trouble::NotSent(root_cause(error))
        } else if error.is_timeout() {
            Trouble::Slow(self.patience.silence.min(self.patience.answer))
        } else {
            Trouble::Lost(root_cause(error))
        }
    }
}

/// `Retry-After` is seconds or a date (RFC 9110, 10.2.3).
fn wait_asked(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(until.duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint { name: "e".into(), url: url.parse().unwrap(), dialect: Dialect::OpenAi, model: None, price: None }
    }

    #[tokio::test]
    async fn fault_50_addresses_that_must_not_be_asked_are_refused_before_anything_is_sent() {
        for url in [
            "http://169.254.169.254/",
            "http://[::ffff:169.254.169.254]/",
            "http://0xa9fea9fe/",
            "http://0.0.0.0/",
            "http://[fe80::1]/",
        ] {
            let refused = Client::connect(&endpoint(url), None, Patience::default()).await;
            let words = refused.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(words.contains("nothing was sent"), "{url}: {words}");
        }
        let own = Client::connect(&endpoint("http://0x7f000001:9/v1/"), None, Patience::default()).await.unwrap();
        assert_eq!(own.destination(), "http://127.0.0.1:9/v1/chat/completions (127.0.0.1:9)");
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        assert_eq!(wait_asked(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(wait_asked("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO), "long past");
        assert_eq!(wait_asked("soon"), None);
    }
}
