//! What the configuration says, tried out.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context as _;

use super::Check;
use crate::cli::config::{Config, Langfuse, ModelEndpoint, Phoenix, Service, usual_file};
use crate::cli::telling;
use crate::event::{Policy, Seq, Untrusted};
use crate::journal::{Journal as _, JournalError, SqliteJournal};
use crate::report::tell;
use crate::response::Alertmanager;
use crate::response::replay::{Client, Patience, Probed};

/// A journal longer than this is not verified on the way; `warroom verify` does it with progress.
const VERIFY_AT_MOST: u64 = 100_000;
/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Every check of what `config` names.
pub(super) fn of(config: &Config) -> Vec<Check> {
    let mut checks = vec![file(config)];
    checks.extend(journal(config));
    checks.push(port("listen", config.listen));
    checks.extend(config.otlp_listen.map(|address| port("listen for OTLP", address)));
    checks.push(match &config.token {
        Some(_) => Check::good("token", "senders must present one"),
        None => Check::good("token", "none; only this host can send"),
    });
    checks.push(match &config.alertmanager {
        Some(service) => reach("Alertmanager", alertmanager(service)),
        None => {
            let what =
                "not configured: nothing is reconciled, and nothing can be silenced from here; set [alertmanager] url";
            Check::note("Alertmanager", what)
        }
    });
    checks.push(match &config.prometheus {
        Some(prometheus) => reach("Prometheus", self::prometheus(&prometheus.service)),
        None => {
            let what = "not configured: key series and topology come only from what is sent; set [prometheus] url";
            Check::note("Prometheus", what)
        }
    });
    checks.extend(config.phoenix.as_ref().map(|named| reach("Phoenix", phoenix(named))));
    checks.extend(config.langfuse.as_ref().map(|named| reach("Langfuse", langfuse(named))));
    checks.extend(config.cdevents.as_ref().map(|cdevents| told(config, &cdevents.sink)));
    checks.extend(config.endpoints.iter().map(|one| match endpoint(one) {
        Ok((found, true)) => Check::good("endpoint", found),
        Ok((found, false)) => Check::note("endpoint", found),
        Err(error) => Check::bad("endpoint", format!("{}: {error:#}", one.endpoint.name)),
    }));
    if let Some(file) = &config.triage {
        checks.push(match crate::console::teams::tree(Some(file)) {
            Ok(tree) => {
                let branches = match tree.branches().len() {
                    1 => "one branch".to_owned(),
                    n => format!("{n} branches"),
                };
                Check::good("triage walk", format!("{}, {branches}, {}", file.display(), tree.questions()))
            }
            Err(error) => Check::bad("triage walk", error),
        });
    }
    if let Some(file) = &config.severity {
        checks.push(match crate::console::teams::rubric(Some(file)) {
            Ok(rubric) => Check::good("severity rubric", format!("{}, {}", file.display(), rubric.names())),
            Err(error) => Check::bad("severity rubric", error),
        });
    }
    checks
}

/// Whether an endpoint answers and takes the key; false when only the first is known. Nothing that was recorded is sent.
fn endpoint(one: &ModelEndpoint) -> anyhow::Result<(String, bool)> {
    let key = one.key.as_ref().map(crate::cli::secret::Secret::reveal);
    let name = &one.endpoint.name;
    let (destination, probed) = now(async {
        let client = Client::connect(&one.endpoint, key, Patience { answer: PATIENCE, ..Patience::default() }).await?;
        Ok((client.destination(), client.probe().await?))
    })?;
    Ok(match probed {
        Probed::Listed(models) => match &one.endpoint.model {
            Some(model) if !models.is_empty() && !models.contains(model) => {
                (format!("{name}: {destination} answers, and does not list the model {model}"), false)
            }
            _ => (format!("{name}: {destination} answers, {} models", models.len()), true),
        },
        Probed::Answered(status) => {
            let what = format!(
                "{name}: {destination} answers, but lists no models (status {status}): whether it takes the key is not known"
            );
            (what, false)
        }
    })
}

fn file(config: &Config) -> Check {
    match (&config.file, usual_file()) {
        (Some(path), _) => Check::good("configuration", path.display().to_string()),
        (None, Some(usual)) => Check::good(
            "configuration",
            format!("built-in values: to name your Alertmanager and Prometheus, write {}", usual.display()),
        ),
        (None, None) => Check::good("configuration", "built-in values"),
    }
}

/// How far approvals were told to their receiver.
fn told(config: &Config, sink: &url::Url) -> Check {
    const WHAT: &str = "CDEvents";
    let host = sink.host_str().unwrap_or_default();
    match tell::read(&telling::cursor(&config.journal)) {
        Err(error) => Check::bad(WHAT, format!("{error:#}")),
        Ok(Some(cursor)) if cursor.sink == sink.as_str() => {
            let found =
                format!("approvals are told to {host}: {} so far, through entry {}", cursor.told, cursor.through.0);
            match cursor.trouble() {
                Some(trouble) => Check::note(WHAT, format!("{found}; {trouble}")),
                None => Check::good(WHAT, found),
            }
        }
        Ok(_) => Check::note(WHAT, format!("approvals are told to {host} from the next start on")),
    }
}

fn journal(config: &Config) -> Vec<Check> {
    let path = config.journal.display();
    // Reading is less particular about the place than the start is.
    if let Err(error) = SqliteJournal::examine(&config.journal) {
        return vec![Check::bad("journal", error.to_string())];
    }
    if !config.journal.exists() {
        return vec![Check::note("journal", format!("{path} does not exist yet; it is made at the first start"))];
    }
    let journal = match SqliteJournal::open_read_only(&config.journal) {
        Ok(journal) => journal,
        Err(error) => return vec![Check::bad("journal", error.to_string())],
    };
    summary(&journal, config).unwrap_or_else(|error| vec![Check::bad("journal", error.to_string())])
}

fn summary(journal: &SqliteJournal, config: &Config) -> Result<Vec<Check>, JournalError> {
    let Seq(head) = journal.head()?;
    let mut checks = vec![Check::good("journal", format!("{}, {head} entries", config.journal.display()))];
    checks.push(size(journal.size()?, config.retention.and_then(|retention| retention.at_most)));
    checks.push(if head > VERIFY_AT_MOST {
        Check::note("integrity", format!("{head} entries not checked here; `warroom verify` does"))
    } else {
        match journal.verify(None, &mut |_, _| {})?.broken {
            None => Check::good("integrity", format!("{head} links whole")),
            Some(broken) => Check::bad("integrity", format!("entry {}: {}", broken.seq, broken.what)),
        }
    });
    let refused = journal.quarantined(1_000)?.len();
    checks.push(match refused {
        0 => Check::good("refused deliveries", "none kept"),
        n => Check::note("refused deliveries", format!("{n} kept; `warroom quarantine` lists them")),
    });
    checks.push(Check::good(
        "repeated deliveries",
        format!("{} entries came again and changed nothing", journal.redeliveries()?),
    ));
    Ok(checks)
}

/// What the record takes, and whether that is more than it may.
#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn size(bytes: u64, at_most: Option<u64>) -> Check {
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30));
    match at_most {
        Some(most) if bytes > most => Check::note(
            "size",
            format!(
                "{} of at most {}: what is left is young, went wrong or is near an incident, or no process is running to let go \
                 of the rest; give it more room, or export and begin a new journal",
                gib(bytes),
                gib(most)
            ),
        ),
        Some(most) => Check::good("size", format!("{} of at most {}", gib(bytes), gib(most))),
        None => Check::good("size", gib(bytes)),
    }
}

fn port(what: &'static str, address: SocketAddr) -> Check {
    match TcpListener::bind(address) {
        Ok(_) => Check::good(what, format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => match whose(address) {
            Whose::Ours => Check::good(what, format!("{address} is held by a running warroom")),
            Whose::Unwell => Check::bad(
                what,
                format!("{address} is held by a running warroom that cannot record: see what it says, and the disk"),
            ),
            Whose::Nobodys => Check::note(
                what,
                format!("{address} was in use a moment ago, and nobody answers there now: look again"),
            ),
            Whose::Others => Check::bad(
                what,
                format!(
                    "{address} is in use by another program (`ss -ltnp` names it): end that one, or choose another \
                     address with --listen and tell your senders"
                ),
            ),
        },
        Err(error) => Check::bad(what, format!("{address} cannot be had ({error}): choose another with --listen")),
    }
}

/// Who has a port.
enum Whose {
    Ours,
    Unwell,
    Others,
    Nobodys,
}

/// Asks whoever listens on `address` whether it is one of us.
fn whose(address: SocketAddr) -> Whose {
    #[derive(serde::Deserialize)]
    struct Health {
        status: String,
    }
    let host = if address.ip().is_unspecified() { std::net::Ipv4Addr::LOCALHOST.into() } else { address.ip() };
    let url = format!("http://{}/healthz", SocketAddr::new(host, address.port()));
    let asked = crate::response::http_client()
        .and_then(|http| now(async { Ok(http.get(url).send().await?.json::<Health>().await?) }));
    match asked {
        Ok(health) if health.status == "ok" => Whose::Ours,
        Ok(health) if health.status == "failing" => Whose::Unwell,
        Err(error) if error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect) => Whose::Nobodys,
        _ => Whose::Others,
    }
}

fn reach(what: &'static str, answer: anyhow::Result<String>) -> Check {
    match answer {
        Ok(found) => Check::good(what, found),
        Err(error) => Check::bad(what, format!("{error:#}")),
    }
}

/// Runs `ask` to its end on a runtime of its own.
fn now<T>(ask: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, ask)
            .await
            .map_err(|_| anyhow::anyhow!("no answer within {} s", PATIENCE.as_secs()))?
    })
}

fn alertmanager(service: &Service) -> anyhow::Result<String> {
    let bearer = service.bearer.as_ref().map(crate::cli::secret::Secret::reveal);
    let client = Alertmanager::new(service.url.clone(), bearer)?;
    let version = now(client.version())?;
    Ok(format!("{} answers, version {version}", service.url))
}

/// What `service` answers to `request`, which must be a success.
fn asked(service: &url::Url, request: reqwest::RequestBuilder) -> anyhow::Result<serde_json::Value> {
    now(async {
        let response = request.send().await.map_err(|error| {
            let why = crate::response::root_cause(&error);
            anyhow::anyhow!("{service} cannot be reached ({why}): check that it runs and that the address is right")
        })?;
        let status = response.status();
        anyhow::ensure!(
            status.as_u16() != 401 && status.as_u16() != 403,
            "{service} answered {status}: check its credentials"
        );
        anyhow::ensure!(status.is_success(), "{service} answered {status}");
        Ok(response.json().await?)
    })
}

/// Prometheus says its version where API v1 has the facts of its build.
fn prometheus(service: &Service) -> anyhow::Result<String> {
    let answer = asked(&service.url, get(service, "api/v1/status/buildinfo")?)?;
    let version = answer["data"]["version"].as_str().context("it does not say its version")?;
    Ok(format!("{} answers, version {}", service.url, Untrusted::from(version).show(Policy::Prose).as_str()))
}

fn get(service: &Service, path: &str) -> anyhow::Result<reqwest::RequestBuilder> {
    let request = crate::response::http_client()?.get(service.url.join(path)?);
    Ok(match &service.bearer {
        Some(bearer) => request.bearer_auth(bearer.reveal()),
        None => request,
    })
}

/// Phoenix has each project that is to be read.
fn phoenix(phoenix: &Phoenix) -> anyhow::Result<String> {
    let service = &phoenix.service;
    let answer = asked(&service.url, get(service, "v1/projects?limit=1000")?)?;
    let there: Vec<&str> = answer["data"].as_array().into_iter().flatten().filter_map(|p| p["name"].as_str()).collect();
    let names: Vec<&str> = phoenix.projects.iter().map(|(project, _)| project.as_str()).collect();
    let missing: Vec<&str> = names.iter().filter(|name| !there.contains(name)).copied().collect();
    anyhow::ensure!(
        missing.is_empty(),
        "{} answers, and has no project {}: it makes one with the first span; check [phoenix] projects",
        service.url,
        missing.join(", ")
    );
    Ok(format!("{} answers, with {}", service.url, names.join(", ")))
}

/// Langfuse takes the keys.
fn langfuse(langfuse: &Langfuse) -> anyhow::Result<String> {
    let http = crate::response::http_client()?;
    let request = http.get(langfuse.url.join("api/public/v2/observations?limit=1")?);
    asked(&langfuse.url, request.basic_auth(&langfuse.public_key, Some(langfuse.secret_key.reveal())))?;
    Ok(format!("{} answers, and takes the keys", langfuse.url))
}
