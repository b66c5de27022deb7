//! Requests that change something over HTTP: to declared hosts only, without redirects, with credentials the plan never holds.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};
use url::Url;

use super::{Executor, Reach, Watch, is_odd};
use crate::event::{Fingerprint, Outcome, Plan, Request};
use crate::response::alertmanager::{http_client, root_cause};

/// What is kept of an answer.
const KEPT: usize = 64 * 1024;

/// A host that may be changed, and what proves us to it.
#[derive(Clone)]
pub struct Credential {
    /// The origin it is for, such as `https://flags.example`.
    pub origin: Url,
    /// The header.
    pub header: reqwest::header::HeaderName,
    /// Its value; marked as not to be shown.
    pub value: reqwest::header::HeaderValue,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("origin", &self.origin.as_str())
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// Sends requests.
pub struct HttpExecutor {
    runtime: tokio::runtime::Handle,
    /// Where anything may be sent at all.
    origins: Vec<Url>,
    credentials: Vec<Credential>,
    /// Placeholders in addresses and bodies, such as `{secret:pagerduty}`, and what stands there when it is sent.
    secrets: Vec<(String, String)>,
}

impl HttpExecutor {
    /// Requests go to these origins and nowhere else.
    #[must_use]
    pub fn new(
        runtime: tokio::runtime::Handle,
        origins: Vec<Url>,
        credentials: Vec<Credential>,
        secrets: Vec<(String, String)>,
    ) -> Self {
        Self { runtime, origins, credentials, secrets }
    }

    fn request(&self, plan: &Plan) -> anyhow::Result<(reqwest::RequestBuilder, Url)> {
        let Request::Http { method, url, body } = &plan.request else { bail!("this is no request over HTTP") };
        let filled = |text: &str| {
            self.secrets
                .iter()
                .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{secret:{name}}}"), value))
        };
        // The address as shown decides where it goes; a secret only fills its path.
        let shown: Url = url.raw().replace(['{', '}'], "").parse().context("its address is not one")?;
        ensure!(
            self.origins.iter().any(|origin| origin.origin() == shown.origin()),
            "{} is not among the hosts that may be changed: [actions] hosts in the configuration",
            shown.origin().ascii_serialization()
        );
        let target: Url = filled(url.raw()).parse().context("its address is not one")?;
        ensure!(target.origin() == shown.origin(), "its address leads elsewhere than it shows");
        let method = reqwest::Method::from_bytes(method.raw().as_bytes()).context("its method is not one")?;
        ensure!(
            [reqwest::Method::POST, reqwest::Method::PUT, reqwest::Method::PATCH, reqwest::Method::DELETE]
                .contains(&method),
            "{method} is no method that changes something"
        );
        // Made when it is needed: reading the roots of trust takes longer than the first frame may.
        let mut request = http_client()?
            .request(method, target.clone())
            .header("idempotency-key", plan.idempotency_key.raw())
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(filled(body.raw()));
        for credential in self.credentials.iter().filter(|credential| credential.origin.origin() == target.origin()) {
            request = request.header(&credential.header, &credential.value);
        }
        Ok((request, shown))
    }
}

/// What a host answered.
pub(in crate::response) struct Answer {
    /// Its name.
    pub host: String,
    /// Status code.
    pub status: u16,
    /// After so many seconds it wants to be asked again.
    pub retry_after: Option<u64>,
    /// The beginning of what it said.
    pub body: Vec<u8>,
}

impl HttpExecutor {
    /// Sends a plan's request, once. Where no answer came, how it went: failed, if it cannot have arrived, else unknown.
    pub(in crate::response) fn exchange(&self, plan: &Plan) -> Result<Answer, Outcome> {
        let (request, shown) = self
            .request(plan)
            .map_err(|error| Outcome::Failed { error: format!("{error:#}; nothing was sent").into() })?;
        let host = shown.host_str().unwrap_or_default().to_owned();
        self.runtime.block_on(async {
            let mut response = match request.send().await {
                Ok(response) => response,
                Err(error) if error.is_connect() || error.is_builder() => {
                    let why = root_cause(&error);
                    let error = format!("{host} cannot be reached ({why}); nothing was sent").into();
                    return Err(Outcome::Failed { error });
                }
                Err(error) => return Err(unknown(plan, &host, &root_cause(&error))),
            };
            let status = response.status().as_u16();
            let header = response.headers().get(reqwest::header::RETRY_AFTER);
            let retry_after = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let mut body = Vec::new();
            while body.len() < KEPT {
                match response.chunk().await {
                    Ok(Some(piece)) => body.extend_from_slice(&piece),
                    _ => break,
                }
            }
            Ok(Answer { host, status, retry_after, body })
        })
    }
}

impl Executor for HttpExecutor {
    fn takes(&self, plan: &Plan) -> bool {
        matches!(plan.request, Request::Http { .. })
    }

    fn resolve(&self, plan: &Plan, _members: &BTreeSet<Fingerprint>) -> anyhow::Result<Reach> {
        let _may_be_sent = self.request(plan)?;
        Ok(Reach { targets: plan.targets.clone(), outside: 0, critical: 0, odd_text: is_odd(plan) })
    }

    fn send(&self, plan: &Plan, _watch: &mut dyn Watch) -> Outcome {
        let Answer { status, body, host, .. } = match self.exchange(plan) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let said: String = String::from_utf8_lossy(&body).trim().chars().take(300).collect();
        match status {
            200..=299 => Outcome::Done { receipt: format!("{host} answered {status}: {said}").into() },
            300..=499 => Outcome::Failed { error: format!("{host} answered {status}: {said}").into() },
            _ => unknown(plan, &host, &format!("{status}: {said}")),
        }
    }

    fn look_up(&self, plan: &Plan) -> anyhow::Result<Option<Outcome>> {
        bail!(
            "whether it arrived cannot be looked up from here: search at the target for the idempotency key {}",
            plan.idempotency_key.raw()
        )
    }
}

fn unknown(plan: &Plan, host: &str, why: &str) -> Outcome {
    Outcome::Unknown {
        check: format!(
            "{host} did not say that it is done ({why}): it may or may not have happened. Search there for the idempotency key {}",
            plan.idempotency_key.raw()
        )
        .into(),
    }
}
