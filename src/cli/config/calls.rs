//! Who can be called from here: the `[[call]]` tables.

use toml::Spanned;
use url::Url;

use super::file::{CallTable, How};
use super::place::{Place, Refused};
use crate::cli::secret::Secret;
use crate::response::{Callee, Service, Template};

/// Where `PagerDuty` takes events and where Slack's methods are, unless the configuration says otherwise.
const PAGERDUTY: &str = "https://events.pagerduty.com/";
const SLACK: &str = "https://slack.com/api/";
/// How urgent an event of the Events API v2 can be, the usual first.
const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];

impl Place<'_> {
    /// Each callee once, with its key.
    pub fn calls(&self, tables: Vec<CallTable>) -> Result<Vec<(Callee, Secret)>, Refused> {
        let mut all: Vec<(Callee, Secret)> = Vec::new();
        for table in tables {
            let name = table.name.get_ref();
            let word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
            if !word || all.iter().any(|(callee, _)| callee.name == *name) {
                let what = "every [[call]] needs a name of its own, one word".to_owned();
                return Err(self.refuse(table.name.span().start, what));
            }
            all.push(self.call(table)?);
        }
        Ok(all)
    }

    fn call(&self, table: CallTable) -> Result<(Callee, Secret), Refused> {
        let CallTable { name, whom, reaches, how, key, url, channel, severity, text } = table;
        let at_key = key.span().start;
        let key = key.into_inner().get().map_err(|what| self.refuse(at_key, what))?;
        let of = *how.get_ref();
        let only = |what: &str, of: &str| format!("only a [[call]] by {of} has a {what}");
        if let Some(channel) = channel.as_ref().filter(|_| of != How::Slack) {
            return Err(self.refuse(channel.span().start, only("channel", "slack")));
        }
        if let Some(severity) = severity.as_ref().filter(|_| of != How::Pagerduty) {
            return Err(self.refuse(severity.span().start, only("severity", "pagerduty")));
        }
        let (service, key) = match of {
            How::Pagerduty => (
                Service::PagerDuty { base: self.base(url, PAGERDUTY)?, severity: self.severity(severity)? },
                self.plain(at_key, key)?,
            ),
            How::Slack => {
                let missing = || {
                    let what = "a [[call]] by slack needs a channel: its id, such as C0123456789".to_owned();
                    self.refuse(how.span().start, what)
                };
                let channel =
                    channel.map(Spanned::into_inner).filter(|id| !id.trim().is_empty()).ok_or_else(missing)?;
                (Service::Slack { base: self.base(url, SLACK)?, channel }, self.plain(at_key, key)?)
            }
            How::Webhook => {
                if let Some(url) = url {
                    let what = "the address of a webhook is a secret: give it as key = { file = \"…\" }".to_owned();
                    return Err(self.refuse(url.span().start, what));
                }
                let (origin, rest) = parted(key.reveal()).map_err(|what| self.refuse(at_key, what))?;
                (Service::Webhook { origin }, Secret::from(rest))
            }
        };
        let text = match text {
            None => Template::default(),
            Some(text) => Template::parse(text.get_ref()).map_err(|what| self.refuse(text.span().start, what))?,
        };
        let name = name.into_inner();
        Ok((Callee { whom: whom.unwrap_or_else(|| name.clone()), name, reaches, service, text }, key))
    }

    fn base(&self, url: Option<Spanned<String>>, usual: &str) -> Result<Url, Refused> {
        let usual = || Spanned::new(0..0, usual.to_owned());
        self.address(&url.unwrap_or_else(usual), "key")
    }

    fn severity(&self, given: Option<Spanned<String>>) -> Result<&'static str, Refused> {
        let Some(given) = given else { return Ok(SEVERITIES[0]) };
        let known = SEVERITIES.iter().find(|one| *one == given.get_ref());
        let what = || format!("the severity of an event is one of {}", SEVERITIES.join(", "));
        known.copied().ok_or_else(|| self.refuse(given.span().start, what()))
    }

    /// A key that stays what it is inside a string.
    fn plain(&self, at: usize, key: Secret) -> Result<Secret, Refused> {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if key.reveal().bytes().all(plain) {
            return Ok(key);
        }
        Err(self.refuse(at, "the key holds blanks or quotes: it is no key of this service".to_owned()))
    }
}

/// A webhook's origin, which is shown, and the rest of its address, which is the secret.
fn parted(address: &str) -> Result<(Url, String), String> {
    let url: Url =
        address.trim().parse().map_err(|error| format!("the key of a webhook is its whole address ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("the address of a webhook begins with https:// and names a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address of a webhook holds no name or password".to_owned());
    }
    let rest = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let rest = rest.strip_prefix('/').unwrap_or(rest).to_owned();
    let origin = url.join("/").map_err(|error| error.to_string())?;
    Ok((origin, rest))
}
