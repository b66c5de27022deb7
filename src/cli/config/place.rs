//! Where in the configuration something is, so that a refusal names it.

use std::path::{Path, PathBuf};

use toml::Spanned;

use super::file::{
    ActionsTable, CdeventsTable, CredentialTable, DatabaseTable, EndpointTable, LangfuseTable, PhoenixTable,
    RedactTable, RetentionTable, RunbooksTable, SamplingTable,
};
use super::settings::{Actions, Cdevents, Database, Langfuse, ModelEndpoint, Phoenix, Runbooks, Service, Silence};
use crate::cli::secret::{Secret, SecretFrom};
use crate::engine::keep::Retention;
use crate::journal::redact::{Redactor, RulePart, UserRule};
use crate::response::replay::Endpoint;
use crate::response::runbook;

/// The share of good, ordinary runs that stays where nothing else is said.
const GOOD_RUNS: f64 = 0.1;

/// Who we are to a receiver of events where nothing else is said.
pub const SOURCE: &str = "urn:warroom";

/// Why the configuration is refused: file, line, what is wrong there, what to do.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Refused {
    place: String,
    what: String,
}

impl Refused {
    /// Refused because of what stands at `place`.
    pub(super) fn at(place: &str, what: String) -> Self {
        Self { place: place.to_owned(), what }
    }
}

/// A text and what it is called, so that a byte becomes `file:line:column`.
pub(super) struct Place<'a> {
    file: String,
    text: &'a str,
}

impl<'a> Place<'a> {
    pub fn of(path: &Path, text: &'a str) -> Self {
        Self { file: path.display().to_string(), text }
    }

    pub fn built_in() -> Self {
        Self { file: "configuration".to_owned(), text: "" }
    }

    pub fn refuse(&self, byte: usize, what: String) -> Refused {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        Refused { place: format!("{}:{line}:{column}", self.file), what }
    }

    pub fn refuse_whole(&self, what: &str) -> Refused {
        Refused { place: self.file.clone(), what: what.to_owned() }
    }

    pub fn secret(&self, from: Option<Spanned<SecretFrom>>) -> Result<Option<Secret>, Refused> {
        from.map(|from| {
            let at = from.span().start;
            from.into_inner().get().map_err(|what| self.refuse(at, what))
        })
        .transpose()
    }

    /// An address that a client of ours may be given; its path ends with `/`.
    pub fn address(&self, address: &Spanned<String>, instead: &str) -> Result<url::Url, Refused> {
        let at = address.span().start;
        let mut url = url::Url::parse(address.get_ref())
            .map_err(|error| self.refuse(at, format!("not an address ({error}): write it as http://host:port")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(self.refuse(at, "must begin with http:// or https:// and name a host".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self.refuse(
                at,
                format!("a name or password in an address ends up in logs: use {instead} = {{ env = \"…\" }}"),
            ));
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(url)
    }

    pub fn service(
        &self,
        address: &Spanned<String>,
        bearer: Option<Spanned<SecretFrom>>,
        every_seconds: u32,
    ) -> Result<Service, Refused> {
        Ok(Service {
            url: self.address(address, "bearer")?,
            bearer: self.secret(bearer)?,
            every: std::time::Duration::from_secs(u64::from(every_seconds.max(1))),
        })
    }

    /// The Phoenix that is read: each project once, each service named for a project that is read.
    pub fn phoenix(&self, table: PhoenixTable) -> Result<Phoenix, Refused> {
        let PhoenixTable { url, bearer, every_seconds, projects, services } = table;
        // Where Phoenix puts what names no project.
        let names = projects.as_ref().map_or_else(|| vec!["default".to_owned()], |names| names.get_ref().clone());
        let once: std::collections::BTreeSet<&String> = names.iter().collect();
        if once.is_empty() || once.len() < names.len() || once.contains(&String::new()) {
            let what = "name at least one project, and each once, such as [\"default\"]".to_owned();
            return Err(self.refuse(projects.map_or(0, |names| names.span().start), what));
        }
        let services = match services {
            Some(services) => {
                if let Some(strange) = services.get_ref().keys().find(|project| !once.contains(project)) {
                    return Err(self
                        .refuse(services.span().start, format!("{strange:?} is none of the projects that are read")));
                }
                services.into_inner()
            }
            None => std::collections::BTreeMap::new(),
        };
        let service = |project: &String| (project.clone(), services.get(project).unwrap_or(project).clone());
        let projects = names.iter().map(service).collect();
        Ok(Phoenix { service: self.service(&url, bearer, every_seconds)?, projects })
    }

    /// The Langfuse that is read.
    pub fn langfuse(&self, table: LangfuseTable) -> Result<Langfuse, Refused> {
        let LangfuseTable { url, public_key, secret_key, every_seconds, service } = table;
        let at = secret_key.span().start;
        let secret_key = secret_key.into_inner().get().map_err(|what| self.refuse(at, what))?;
        let every = std::time::Duration::from_secs(u64::from(every_seconds.max(1)));
        Ok(Langfuse { url: self.address(&url, "secret_key")?, public_key, secret_key, every, service })
    }

    /// The zone of this name; `None` = this machine's.
    pub fn time_zone(&self, name: &Spanned<String>) -> Result<Option<jiff::tz::TimeZone>, Refused> {
        if name.get_ref() == "local" {
            return Ok(None);
        }
        jiff::tz::TimeZone::get(name.get_ref()).map(Some).map_err(|_| {
            let what = format!(
                "no time zone is called {:?} on this machine: \"local\", \"UTC\", or a name such as \"Europe/Berlin\"",
                name.get_ref()
            );
            self.refuse(name.span().start, what)
        })
    }

    pub fn endpoints(&self, tables: Vec<EndpointTable>) -> Result<Vec<ModelEndpoint>, Refused> {
        let mut names = std::collections::BTreeSet::new();
        let mut all = Vec::new();
        for EndpointTable { name, url: address, kind, model, key, price } in tables {
            if name.get_ref().is_empty() || !names.insert(name.get_ref().clone()) {
                return Err(self.refuse(name.span().start, "every endpoint needs a name of its own".to_owned()));
            }
            let url = self.address(&address, "key")?;
            let here = match url.host() {
                Some(url::Host::Domain(name)) => name == "localhost",
                Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
                Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
                None => false,
            };
            if key.is_some() && url.scheme() == "http" && !here {
                let what = "the key and what was recorded would cross the network readable by all: use https://";
                return Err(self.refuse(address.span().start, what.to_owned()));
            }
            if let Some(price) = &price
                && ![price.get_ref().input, price.get_ref().output].iter().all(|of| of.is_finite() && *of >= 0.0)
            {
                let what = "a price is a number of at least 0 for a million tokens: price = { in = 3.0, out = 15.0 }";
                return Err(self.refuse(price.span().start, what.to_owned()));
            }
            let price = price.map(Spanned::into_inner);
            let endpoint = Endpoint { name: name.into_inner(), url, dialect: kind, model, price };
            all.push(ModelEndpoint { endpoint, key: self.secret(key)? });
        }
        Ok(all)
    }

    /// What may be changed from here: nothing but what is named.
    pub fn actions(&self, table: ActionsTable) -> Result<Actions, Refused> {
        let ActionsTable { hosts, keep_env, secrets, credential } = table;
        let hosts = hosts.iter().map(|host| self.address(host, "credential")).collect::<Result<Vec<_>, _>>()?;
        for name in &keep_env {
            // These decide what code a program loads and where it is looked for.
            let bends = ["LD_", "DYLD_", "BASH_", "PYTHON", "PERL", "NODE_", "RUBY"];
            if name.get_ref() == "PATH" || bends.iter().any(|start| name.get_ref().starts_with(start)) {
                let what = format!("{} would change which code runs: programs never get it", name.get_ref());
                return Err(self.refuse(name.span().start, what));
            }
        }
        let mut known = Vec::new();
        for (name, from) in secrets {
            if let Some(secret) = self.secret(Some(from))? {
                known.push((name, secret));
            }
        }
        let mut credentials = Vec::new();
        for CredentialTable { host, header, value } in credential {
            let url = self.address(&host, "value")?;
            let name = reqwest::header::HeaderName::from_bytes(header.get_ref().as_bytes());
            let name = name.map_err(|error| self.refuse(header.span().start, error.to_string()))?;
            if !hosts.iter().any(|host| host.origin() == url.origin()) {
                let what = "this host is not among [actions] hosts, so nothing is ever sent there".to_owned();
                return Err(self.refuse(host.span().start, what));
            }
            if let Some(secret) = self.secret(Some(value))? {
                credentials.push((url, name, secret));
            }
        }
        let keep_env = keep_env.into_iter().map(Spanned::into_inner).collect();
        Ok(Actions { hosts, keep_env, secrets: known, credentials })
    }

    /// Where the life of approvals is told. Its address is taken as it stands.
    pub fn cdevents(&self, table: CdeventsTable) -> Result<Cdevents, Refused> {
        let CdeventsTable { sink, bearer, source } = table;
        let _checked = self.address(&sink, "bearer")?;
        let at = sink.span().start;
        let sink = sink.get_ref().parse().map_err(|error| self.refuse(at, format!("not an address ({error})")))?;
        let source = match source {
            None => SOURCE.to_owned(),
            Some(source) => {
                let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
                if source.get_ref().is_empty() || !source.get_ref().bytes().all(plain) {
                    let what = "a source is a URI, such as https://ops.example/warroom".to_owned();
                    return Err(self.refuse(source.span().start, what));
                }
                source.into_inner()
            }
        };
        Ok(Cdevents { sink, bearer: self.secret(bearer)?, source })
    }

    /// What is taken out of everything before it is recorded: the built-in rules and these.
    pub fn redactor(&self, tables: &[RedactTable]) -> Result<Redactor, Refused> {
        let rule = |table: &RedactTable| UserRule {
            name: table.name.get_ref().clone(),
            pattern: table.pattern.get_ref().clone(),
            hint: table.hint.as_ref().map(|hint| hint.get_ref().clone()),
        };
        let rules: Vec<UserRule> = tables.iter().map(rule).collect();
        Redactor::new(&rules).map_err(|bad| {
            let at = tables.get(bad.nth).map_or(0, |table| match (bad.part, &table.hint) {
                (RulePart::Pattern, _) => table.pattern.span().start,
                (RulePart::Hint, Some(hint)) => hint.span().start,
                _ => table.name.span().start,
            });
            self.refuse(at, bad.to_string())
        })
    }

    /// Where the team's runbooks are; folders and files are named from beside the configuration.
    pub fn runbooks(&self, table: RunbooksTable, beside: &dyn Fn(PathBuf) -> PathBuf) -> Result<Runbooks, Refused> {
        let host = |text: &Spanned<String>| {
            runbook::Host::parse(text.get_ref()).map_err(|what| self.refuse(text.span().start, what))
        };
        Ok(Runbooks {
            hosts: table.hosts.iter().map(host).collect::<Result<_, _>>()?,
            dir: table.dir.into_iter().map(beside).collect(),
            files: table.files.into_iter().map(beside).collect(),
        })
    }

    /// The databases that reading statements are for, each by a name of its own.
    pub fn databases(&self, tables: Vec<DatabaseTable>) -> Result<Vec<Database>, Refused> {
        let mut all: Vec<Database> = Vec::new();
        for DatabaseTable { name, url } in tables {
            if name.get_ref().trim().is_empty() || all.iter().any(|one| one.name == *name.get_ref()) {
                return Err(self.refuse(name.span().start, "every database needs a name of its own".to_owned()));
            }
            let at = url.span().start;
            let url = url.into_inner().get().map_err(|what| self.refuse(at, what))?;
            all.push(Database { name: name.into_inner(), url });
        }
        Ok(all)
    }

    /// How long telemetry is kept whole, and what stays of it then.
    pub fn retention(
        &self,
        retention: Option<&Spanned<RetentionTable>>,
        sampling: Option<&Spanned<SamplingTable>>,
    ) -> Result<Option<Retention>, Refused> {
        let Some(table) = retention.map(Spanned::get_ref) else {
            return match sampling {
                Some(sampling) => {
                    let what = "runs are sampled when they are old: say how old, [retention] whole_days";
                    Err(self.refuse(sampling.span().start, what.to_owned()))
                }
                None => Ok(None),
            };
        };
        let days = *table.whole_days.get_ref();
        if !(1..=3_650).contains(&days) {
            let what = "whole_days must be 1 to 3650; without [retention] everything is kept";
            return Err(self.refuse(table.whole_days.span().start, what.to_owned()));
        }
        let at_most = match &table.at_most_gib {
            Some(gib) if !(0.1..=1_000_000.0).contains(gib.get_ref()) => {
                return Err(self.refuse(gib.span().start, "at_most_gib must be at least 0.1".to_owned()));
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
            Some(gib) => Some((gib.get_ref() * f64::from(1 << 30)) as u64),
            None => None,
        };
        let share = match sampling.map(|table| &table.get_ref().good_runs) {
            Some(share) if !(0.0..=1.0).contains(share.get_ref()) => {
                let what = "good_runs is a share from 0 (none stays) to 1 (all stay)";
                return Err(self.refuse(share.span().start, what.to_owned()));
            }
            Some(share) => *share.get_ref(),
            None => GOOD_RUNS,
        };
        Ok(Some(Retention { whole: jiff::SignedDuration::from_hours(24 * i64::from(days)), share, at_most }))
    }

    pub fn silence(&self, given: &Spanned<Silence>) -> Result<Silence, Refused> {
        let silence = *given.get_ref();
        let wrong = if silence.approve_minutes == 0 || silence.execute_seconds == 0 {
            "approve_minutes and execute_seconds must be at least 1"
        } else if silence.approve_minutes > 24 * 60 || silence.execute_seconds > 3600 {
            "approve_minutes must be at most a day and execute_seconds at most an hour: an old approval approves nothing"
        } else if silence.very_wide_alerts < silence.wide_alerts {
            "very_wide_alerts must not be less than wide_alerts"
        } else {
            return Ok(silence);
        };
        Err(self.refuse(given.span().start, wrong.to_owned()))
    }
}
