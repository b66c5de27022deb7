//! What this house can carry out, as its configuration says.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::config::{self, Config};
use super::secret::Secret;
use crate::event::Policy;
use crate::response::policy::SilenceLimits;
use crate::response::runbook::Library;
use crate::response::{
    self, CallExecutor, Credential, Executor, Hands, HttpExecutor, ProcessExecutor, Rules, SilenceExecutor, runbook,
    wall,
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
    let keyed = config.calls.iter().map(|(callee, key)| (callee.clone(), key.reveal().to_owned()));
    // Before what sends requests of any kind: a message is read back as its service answers.
    let people = CallExecutor::new(runtime, keyed.collect())?;
    let executors: Vec<Box<dyn Executor>> = vec![Box::new(people), Box::new(process), Box::new(http)];
    let known = runbook::Surroundings {
        prometheus: config.prometheus.as_ref().map(|prometheus| prometheus.service.url.as_str().into()),
    };
    let library = Arc::new(Library::new(config.runbooks.dir.clone()));
    let same = Arc::clone(&library);
    Ok(Hands {
        silences,
        executors,
        runbooks: Box::new(move || library.shelf().runbooks),
        runbook: Box::new(move |name| same.get(name)),
        wall,
        known,
        freeze: config.freeze.clone(),
        stops: config.stops.clone(),
        calls: config.calls.iter().map(|(callee, _)| callee.clone()).collect(),
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
    reading_rules(config)()
}

/// The same, still to be read.
pub(super) fn reading_rules(config: &Config) -> impl FnOnce() -> Rules + Send + 'static {
    let (policy, silence) = (config.policy.clone(), config.silence);
    move || rules_of(policy.as_deref(), silence)
}

fn rules_of(policy: Option<&Path>, silence: config::Silence) -> Rules {
    let config::Silence { wide_alerts, very_wide_alerts, long_minutes, approve_minutes, execute_seconds } = silence;
    let rules = match policy {
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
