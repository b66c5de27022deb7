//! What parts of the configuration mean, once they are understood.

use std::path::PathBuf;

use serde::Deserialize;

use crate::cli::secret::Secret;
use crate::response::replay::Endpoint;
use crate::response::runbook::Host;

/// An outside service with its credentials.
#[derive(Clone, Debug)]
pub struct Service {
    /// Base address.
    pub url: url::Url,
    /// Sent as `Authorization: Bearer`.
    pub bearer: Option<Secret>,
    /// How often it is polled.
    pub every: std::time::Duration,
}

/// Prometheus and what to ask it.
#[derive(Clone, Debug)]
pub struct Prometheus {
    /// Where.
    pub service: Service,
    /// `PromQL` by the name under which its series are recorded.
    pub queries: Vec<(String, String)>,
}

/// Phoenix and what of it is read.
#[derive(Clone, Debug)]
pub struct Phoenix {
    /// Where.
    pub service: Service,
    /// Projects, and the service whose spans each holds.
    pub projects: Vec<(String, String)>,
}

/// Langfuse and the keys of the project that is read.
#[derive(Clone, Debug)]
pub struct Langfuse {
    /// Base address.
    pub url: url::Url,
    /// Names the project's key.
    pub public_key: String,
    /// The key.
    pub secret_key: Secret,
    /// How often it is read.
    pub every: std::time::Duration,
    /// The service of observations that name none.
    pub service: String,
}

/// Where the life of approvals is told.
#[derive(Clone, Debug)]
pub struct Cdevents {
    /// The receiver.
    pub sink: url::Url,
    /// Proves us to it.
    pub bearer: Option<Secret>,
    /// Who we are to it.
    pub source: String,
}

/// What may be changed from here, besides silences.
#[derive(Clone, Debug, Default)]
pub struct Actions {
    /// Where requests that change something may go.
    pub hosts: Vec<url::Url>,
    /// Variables of our environment that programs get.
    pub keep_env: Vec<String>,
    /// What stands for `{secret:NAME}` in a request.
    pub secrets: Vec<(String, Secret)>,
    /// What proves us to a host: the host, the header, its value.
    pub credentials: Vec<(url::Url, reqwest::header::HeaderName, Secret)>,
}

/// A model's endpoint, against which recorded runs may be run again.
#[derive(Clone, Debug)]
pub struct ModelEndpoint {
    /// Where it is and what it speaks.
    pub endpoint: Endpoint,
    /// What it wants to see.
    pub key: Option<Secret>,
}

/// Where the team's runbooks are, and what their reading steps may reach.
#[derive(Clone, Debug, Default)]
pub struct Runbooks {
    /// Folders, the first of which counts where two have a runbook of one name.
    pub dir: Vec<PathBuf>,
    /// What every reading step may reach, such as the server of a cluster.
    pub hosts: Vec<Host>,
    /// What every reading step may read beyond what the wall shows, such as a kubeconfig.
    pub files: Vec<PathBuf>,
}

/// A database that reading statements are for.
#[derive(Clone, Debug)]
pub struct Database {
    /// What runbooks call it.
    pub name: String,
    /// Where it is, with the name and password of a role that only reads.
    pub url: Secret,
}

/// How wide a silence may reach before more is asked of the person who approves it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Silence {
    /// More alerts than this: a word must be typed.
    pub wide_alerts: u32,
    /// More alerts than this: somebody other than the proposer must approve.
    pub very_wide_alerts: u32,
    /// Longer than this, in minutes: a word must be typed.
    pub long_minutes: u32,
    /// Minutes in which a proposal can be approved.
    pub approve_minutes: u32,
    /// Seconds in which an approved plan must have started.
    pub execute_seconds: u32,
}

impl Default for Silence {
    fn default() -> Self {
        Self { wide_alerts: 25, very_wide_alerts: 500, long_minutes: 240, approve_minutes: 10, execute_seconds: 60 }
    }
}

/// How the screen looks and listens.
#[derive(Clone, Debug)]
pub struct Screen {
    /// A theme's name or file.
    pub theme: Option<String>,
    /// A keymap's name or file.
    pub keymap: Option<String>,
    /// Colours.
    pub colour: Colour,
    /// Glyphs.
    pub glyphs: Glyphs,
    /// Whether the mouse is asked for.
    pub mouse: bool,
    /// Whether what is copied goes to the terminal's clipboard (OSC 52).
    pub clipboard: bool,
    /// Whether the terminal is asked to mark pasted text.
    pub bracketed_paste: bool,
    /// Whether each frame is bracketed with DEC 2026.
    pub synchronized: bool,
    /// Times are shown in this zone; `None` = this machine's.
    pub time_zone: Option<jiff::tz::TimeZone>,
}

/// How many colours to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// What the terminal says it can.
    #[default]
    Auto,
    /// None: weight and glyphs only.
    None,
    /// The terminal's own sixteen.
    #[serde(rename = "16")]
    Sixteen,
    /// The 256 of xterm.
    #[serde(rename = "256")]
    TwoHundredFiftySix,
    /// Full.
    #[serde(rename = "truecolor", alias = "true")]
    True,
}

/// Which glyphs to draw with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Glyphs {
    /// What the locale says.
    #[default]
    Auto,
    /// Lines and blocks.
    Unicode,
    /// Only ASCII.
    Ascii,
}
