//! The configuration file as it stands.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::place::Refused;
use super::settings::{Colour, Glyphs, Silence};
use crate::cli::secret::SecretFrom;
use crate::event::TokenPrice;
use crate::journal::guard;
use crate::response::StopKind;
use crate::response::replay::Dialect;

/// A configuration is a few hundred lines; more is a mistake.
const MAX_BYTES: u64 = 1024 * 1024;

/// The file as it stands.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub state_dir: Option<PathBuf>,
    pub listen: Option<Spanned<SocketAddr>>,
    pub otlp_listen: Option<Spanned<SocketAddr>>,
    pub token: Option<Spanned<SecretFrom>>,
    pub pagerduty_secrets: Vec<Spanned<SecretFrom>>,
    pub alertmanager: Option<AlertmanagerTable>,
    pub prometheus: Option<PrometheusTable>,
    pub phoenix: Option<PhoenixTable>,
    pub langfuse: Option<LangfuseTable>,
    pub topology: Vec<EdgeTable>,
    pub endpoint: Vec<EndpointTable>,
    pub redact: Vec<RedactTable>,
    pub runbooks: Option<RunbooksTable>,
    pub database: Vec<DatabaseTable>,
    pub retention: Option<Spanned<RetentionTable>>,
    pub sampling: Option<Spanned<SamplingTable>>,
    pub silent_after_minutes: Option<Spanned<u32>>,
    pub silence: Option<Spanned<Silence>>,
    pub policy: Option<PathBuf>,
    pub actions: Option<ActionsTable>,
    pub freeze: Option<FreezeTable>,
    pub stop: Vec<StopTable>,
    pub call: Vec<CallTable>,
    pub cdevents: Option<CdeventsTable>,
    pub triage: Option<PathBuf>,
    pub severity: Option<PathBuf>,
    pub hunch_first: bool,
    pub theme: Option<String>,
    pub keymap: Option<String>,
    pub colour: Colour,
    pub glyphs: Glyphs,
    pub mouse: bool,
    pub clipboard: Option<bool>,
    pub bracketed_paste: Option<bool>,
    pub synchronized: bool,
    pub time_zone: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertmanagerTable {
    pub url: Spanned<String>,
    pub bearer: Option<Spanned<SecretFrom>>,
    #[serde(default = "half_a_minute")]
    pub every_seconds: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrometheusTable {
    pub url: Spanned<String>,
    pub bearer: Option<Spanned<SecretFrom>>,
    #[serde(default = "half_a_minute")]
    pub every_seconds: u32,
    #[serde(default)]
    pub queries: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoenixTable {
    pub url: Spanned<String>,
    pub bearer: Option<Spanned<SecretFrom>>,
    #[serde(default = "half_a_minute")]
    pub every_seconds: u32,
    pub projects: Option<Spanned<Vec<String>>>,
    pub services: Option<Spanned<std::collections::BTreeMap<String, String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LangfuseTable {
    pub url: Spanned<String>,
    pub public_key: String,
    pub secret_key: Spanned<SecretFrom>,
    #[serde(default = "half_a_minute")]
    pub every_seconds: u32,
    #[serde(default = "langfuse")]
    pub service: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeTable {
    pub caller: String,
    pub callee: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointTable {
    pub name: Spanned<String>,
    pub url: Spanned<String>,
    pub kind: Dialect,
    pub model: Option<String>,
    pub key: Option<Spanned<SecretFrom>>,
    pub price: Option<Spanned<TokenPrice>>,
}

fn langfuse() -> String {
    "langfuse".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedactTable {
    pub name: Spanned<String>,
    pub pattern: Spanned<String>,
    pub hint: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionTable {
    pub whole_days: Spanned<u32>,
    pub at_most_gib: Option<Spanned<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SamplingTable {
    pub good_runs: Spanned<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunbooksTable {
    #[serde(default)]
    pub dir: Vec<PathBuf>,
    #[serde(default)]
    pub hosts: Vec<Spanned<String>>,
    #[serde(default)]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatabaseTable {
    pub name: Spanned<String>,
    pub url: Spanned<SecretFrom>,
}

/// What may be changed from here, besides silences.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ActionsTable {
    pub hosts: Vec<Spanned<String>>,
    pub keep_env: Vec<Spanned<String>>,
    pub secrets: std::collections::BTreeMap<String, Spanned<SecretFrom>>,
    pub credential: Vec<CredentialTable>,
}

/// What proves us to a host that may be changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialTable {
    pub host: Spanned<String>,
    #[serde(default = "authorization")]
    pub header: Spanned<String>,
    pub value: Spanned<SecretFrom>,
}

/// How the team holds changes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FreezeTable {
    pub hold: Spanned<HookTable>,
    pub release: Option<Spanned<HookTable>>,
    pub held: Option<Spanned<HookTable>>,
    pub minutes: Option<Spanned<u32>>,
    pub at_most_minutes: Option<Spanned<u32>>,
}

/// Something the team can stop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StopTable {
    pub name: Spanned<String>,
    pub kind: StopKind,
    #[serde(rename = "match")]
    pub matches: Spanned<Vec<String>>,
    pub stop: Spanned<HookTable>,
    pub go_on: Option<Spanned<HookTable>>,
}

/// A command, or a request over HTTP.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HookTable {
    pub run: Vec<String>,
    pub method: Option<String>,
    pub url: Option<String>,
    pub body: Option<String>,
}

/// Where the life of approvals is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CdeventsTable {
    pub sink: Spanned<String>,
    pub bearer: Option<Spanned<SecretFrom>>,
    pub source: Option<Spanned<String>>,
}

/// Somebody who can be called from here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallTable {
    pub name: Spanned<String>,
    pub whom: Option<String>,
    #[serde(default)]
    pub reaches: Vec<String>,
    pub how: Spanned<How>,
    pub key: Spanned<SecretFrom>,
    pub url: Option<Spanned<String>>,
    pub channel: Option<Spanned<String>>,
    pub severity: Option<Spanned<String>>,
    pub text: Option<Spanned<String>>,
}

/// By which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum How {
    Pagerduty,
    Slack,
    Webhook,
}

fn authorization() -> Spanned<String> {
    Spanned::new(0..0, "authorization".to_owned())
}

fn half_a_minute() -> u32 {
    30
}

/// The text of the file at `path`, which only its owner may write.
pub(super) fn read(path: &Path) -> Result<String, Refused> {
    let refuse = |what: String| Refused::at(&path.display().to_string(), what);
    let mut file = guard::open_trusted(path).map_err(|error| refuse(error.to_string()))?;
    let mut text = String::new();
    let read = std::io::Read::read_to_string(&mut std::io::Read::take(&mut file, MAX_BYTES + 1), &mut text)
        .map_err(|error| refuse(format!("cannot be read: {error}")))?;
    if read as u64 > MAX_BYTES {
        return Err(refuse(format!("longer than {MAX_BYTES} bytes: that is no configuration")));
    }
    Ok(text)
}
