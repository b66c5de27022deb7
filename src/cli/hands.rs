//! What this house can carry out, as its configuration says.

use anyhow::Context as _;

use super::config::{self, Config};
use super::secret::Secret;
use crate::event::Policy;
use crate::response::policy::SilenceLimits;
use crate::response::runbook::Shelf;
use crate::response::{
    self, Credential, Executor, Hands, HttpExecutor, ProcessExecutor, Rules, SilenceExecutor, runbook, wall,
};

/// Executors, runbooks and the wall's surroundings.
///
/// # Errors
/// When TLS cannot be set up, or a credential holds what no header can carry.
pub(super) fn hands(config: &Config, runtime: &tokio::runtime::Handle) -> anyhow::Result<Hands> {
    let silences = match &config.alertmanager {
        Some(service) => Some(SilenceExecutor::new(
            response::Alertmanager::new(service.url.clone(), service.bearer.as_ref().map(Secret::reveal))?,
            runtime.clone(),
        )),
        None => None,
    };
    let wall = surroundings(config);
    let mut credentials = Vec::new();
    for (origin, header, secret) in &config.actions.credentials {
        let mut value = reqwest::header::HeaderValue::try_from(secret.reveal())
            .with_context(|| format!("the credential for {origin} holds what no header can carry"))?;
        value.set_sensitive(true);
        credentials.push(Credential { origin: origin.clone(), header: header.clone(), value });
    }
    let secrets = config.actions.secrets.iter().map(|(name, secret)| (name.clone(), secret.reveal().to_owned()));
    let http = HttpExecutor::new(runtime.clone(), config.actions.hosts.clone(), credentials, secrets.collect());
    let process = ProcessExecutor::new(config.actions.keep_env.clone(), wall.clone());
    let executors: Vec<Box<dyn Executor>> = vec![Box::new(process), Box::new(http)];
    let known = runbook::Surroundings {
        prometheus: config.prometheus.as_ref().map(|prometheus| prometheus.service.url.as_str().into()),
    };
    let (folders, same) = (config.runbooks.dir.clone(), config.runbooks.dir.clone());
    let one = move |name: &str| Shelf::with_built_in(&same).runbooks.into_iter().find(|book| book.name.raw() == name);
    Ok(Hands {
        silences,
        executors,
        runbooks: Box::new(move || Shelf::with_built_in(&folders).runbooks),
        runbook: Box::new(one),
        wall,
        known,
        freeze: config.freeze.clone(),
        stops: config.stops.clone(),
        ..Hands::default()
    })
}

/// What stands around a reading step here: what the configuration declares, and nothing of ours is seen.
pub(super) fn surroundings(config: &Config) -> wall::Surroundings {
    let database = |one: &config::Database| (one.name.clone(), wall::Database::new(one.url.reveal().to_owned()));
    let mut hide = vec![config.journal.clone(), config.state_dir.clone()];
    hide.extend(config.file.clone());
    wall::Surroundings {
        hosts: config.runbooks.hosts.iter().map(|host| (host.name.raw().to_owned(), host.port)).collect(),
        reads: config.runbooks.files.clone(),
        databases: config.databases.iter().map(database).collect(),
        hide,
        ..wall::Surroundings::default()
    }
}

/// The rules of tiers and approvals. A team's file that cannot be read closes everything, and says why wherever it is felt.
pub(super) fn rules(config: &Config) -> Rules {
    let config::Silence { wide_alerts, very_wide_alerts, long_minutes, approve_minutes, execute_seconds } =
        config.silence;
    let rules = match &config.policy {
        None => Rules::default(),
        Some(path) => {
            let shown =
                crate::event::Untrusted::from(path.display().to_string()).show(Policy::Exact).as_str().to_owned();
            match Config::text(path) {
                Ok(text) => Rules::beside(&shown, &text).unwrap_or_else(|bad| Rules::closed(bad.to_string())),
                Err(refused) => Rules::closed(refused.to_string()),
            }
        }
    };
    rules.with_clocks(approve_minutes, execute_seconds).with_silence(SilenceLimits {
        wide: wide_alerts,
        very_wide: very_wide_alerts,
        long_minutes,
    })
}
