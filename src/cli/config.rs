//! The configuration file: TOML, every key known, every error with file and line.
//!
//! Read in two steps: the file as it stands (`File`), then what it means with arguments and environment applied
//! ([`Config`]). A key nobody knows, a bad address, a secret whose variable is not set: the start is refused.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::Common;
use super::secret::{Secret, SecretFrom};
use crate::journal::guard;

/// Where alerts, changes and traces are received unless said otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9095);
/// A configuration is a few hundred lines; more is a mistake.
const MAX_BYTES: u64 = 1024 * 1024;

/// What the process runs with.
#[derive(Debug)]
pub struct Config {
    /// The file it came from; `None` = built-in values only.
    pub file: Option<PathBuf>,
    /// The journal.
    pub journal: PathBuf,
    /// Folder of the journal and of what the process keeps beside it.
    pub state_dir: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to listen for OTLP besides.
    pub otlp_listen: Option<SocketAddr>,
    /// What senders must present; without one only loopback is listened on.
    pub token: Option<Secret>,
    /// The secrets with which PagerDuty signs its webhooks; two while they are being changed.
    pub pagerduty_secrets: Vec<Secret>,
    /// The Alertmanager that is polled and in which alerts are silenced.
    pub alertmanager: Option<Service>,
    /// The Prometheus that is asked for key series and topology.
    pub prometheus: Option<Prometheus>,
    /// Who calls whom, by hand.
    pub topology: Vec<(String, String)>,
    /// When a source that says nothing is called silent.
    pub silent_after: std::time::Duration,
    /// Limits of silences.
    pub silence: Silence,
    /// The screen.
    pub screen: Screen,
}

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
#[derive(Clone, Debug, Default)]
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

/// The file as it stands.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    state_dir: Option<PathBuf>,
    listen: Option<Spanned<SocketAddr>>,
    otlp_listen: Option<Spanned<SocketAddr>>,
    token: Option<Spanned<SecretFrom>>,
    pagerduty_secrets: Vec<Spanned<SecretFrom>>,
    alertmanager: Option<AlertmanagerTable>,
    prometheus: Option<PrometheusTable>,
    topology: Vec<EdgeTable>,
    silent_after_minutes: Option<Spanned<u32>>,
    silence: Option<Spanned<Silence>>,
    theme: Option<String>,
    keymap: Option<String>,
    colour: Colour,
    glyphs: Glyphs,
    mouse: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertmanagerTable {
    url: Spanned<String>,
    bearer: Option<Spanned<SecretFrom>>,
    #[serde(default = "half_a_minute")]
    every_seconds: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrometheusTable {
    url: Spanned<String>,
    bearer: Option<Spanned<SecretFrom>>,
    #[serde(default = "half_a_minute")]
    every_seconds: u32,
    #[serde(default)]
    queries: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeTable {
    caller: String,
    callee: String,
}

fn half_a_minute() -> u32 {
    30
}

/// Why the configuration is refused: file, line, what is wrong there, what to do.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Refused {
    place: String,
    what: String,
}

impl Config {
    /// Reads the file the arguments name, or the usual one if it exists, and applies arguments and environment.
    ///
    /// # Errors
    /// [`Refused`], naming file and line.
    pub fn load(common: &Common) -> Result<Self, Refused> {
        let file = match &common.config {
            Some(named) => Some(named.clone()),
            None => usual_file().filter(|path| path.exists()),
        };
        let Some(path) = file else { return Self::of(File::default(), None, &Place::built_in(), common) };
        let text = read(&path)?;
        let place = Place { file: path.display().to_string(), text: &text };
        let parsed = toml::from_str(&text).map_err(|error| {
            place.refuse(error.span().map_or(0, |span| span.start), error.message().trim().to_owned())
        })?;
        Self::of(parsed, Some(path), &place, common)
    }

    fn of(file: File, path: Option<PathBuf>, place: &Place<'_>, common: &Common) -> Result<Self, Refused> {
        let state_dir = match file.state_dir {
            Some(dir) => dir,
            None => usual_state_dir().ok_or_else(|| {
                place.refuse_whole("neither XDG_STATE_HOME nor HOME is set: name a state_dir, or give --journal")
            })?,
        };
        let silence = file.silence.map_or(Ok(Silence::default()), |given| place.silence(&given))?;
        let silent_after = match &file.silent_after_minutes {
            Some(minutes) if *minutes.get_ref() == 0 => {
                return Err(place.refuse(minutes.span().start, "must be at least 1 minute".to_owned()));
            }
            Some(minutes) => u64::from(*minutes.get_ref()) * 60,
            None => 10 * 60,
        };
        let token = place.secret(file.token)?;
        let secrets = file.pagerduty_secrets.into_iter().map(|from| place.secret(Some(from)));
        let pagerduty_secrets = secrets.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let config = Self {
            journal: common.journal.clone().unwrap_or_else(|| state_dir.join("journal.db")),
            state_dir,
            listen: common.listen.or(file.listen.as_ref().map(|at| *at.get_ref())).unwrap_or(LISTEN),
            otlp_listen: file.otlp_listen.as_ref().map(|at| *at.get_ref()),
            token,
            pagerduty_secrets,
            alertmanager: match file.alertmanager {
                Some(table) => Some(place.service(&table.url, table.bearer, table.every_seconds)?),
                None => None,
            },
            prometheus: match file.prometheus {
                Some(table) => Some(Prometheus {
                    service: place.service(&table.url, table.bearer, table.every_seconds)?,
                    queries: table.queries.into_iter().collect(),
                }),
                None => None,
            },
            topology: file.topology.into_iter().map(|edge| (edge.caller, edge.callee)).collect(),
            silent_after: std::time::Duration::from_secs(silent_after),
            silence,
            screen: Screen {
                theme: file.theme,
                keymap: file.keymap,
                colour: file.colour,
                glyphs: file.glyphs,
                mouse: file.mouse,
            },
            file: path,
        };
        for (address, said) in [
            (Some(config.listen), file.listen.as_ref().filter(|_| common.listen.is_none())),
            (config.otlp_listen, file.otlp_listen.as_ref()),
        ] {
            let Some(address) = address else { continue };
            if config.token.is_none() && !address.ip().is_loopback() {
                let what = format!(
                    "listening on {address} without a token would let anybody on the network write to the journal: \
                     set a token, or listen on 127.0.0.1"
                );
                return Err(said.map_or_else(
                    || Refused { place: "--listen".to_owned(), what: what.clone() },
                    |said| place.refuse(said.span().start, what.clone()),
                ));
            }
        }
        Ok(config)
    }
}

/// A text and what it is called, so that a byte becomes `file:line:column`.
struct Place<'a> {
    file: String,
    text: &'a str,
}

impl Place<'_> {
    fn built_in() -> Self {
        Self { file: "configuration".to_owned(), text: "" }
    }

    fn refuse(&self, byte: usize, what: String) -> Refused {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        Refused { place: format!("{}:{line}:{column}", self.file), what }
    }

    fn refuse_whole(&self, what: &str) -> Refused {
        Refused { place: self.file.clone(), what: what.to_owned() }
    }

    fn secret(&self, from: Option<Spanned<SecretFrom>>) -> Result<Option<Secret>, Refused> {
        from.map(|from| {
            let at = from.span().start;
            from.into_inner().get().map_err(|what| self.refuse(at, what))
        })
        .transpose()
    }

    fn service(
        &self,
        address: &Spanned<String>,
        bearer: Option<Spanned<SecretFrom>>,
        every_seconds: u32,
    ) -> Result<Service, Refused> {
        let at = address.span().start;
        let mut url = url::Url::parse(address.get_ref())
            .map_err(|error| self.refuse(at, format!("not an address ({error}): write it as http://host:port")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(self.refuse(at, "must begin with http:// or https:// and name a host".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self.refuse(
                at,
                "a name or password in an address ends up in logs: use bearer = { env = \"…\" }".to_owned(),
            ));
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Service {
            url,
            bearer: self.secret(bearer)?,
            every: std::time::Duration::from_secs(u64::from(every_seconds.max(1))),
        })
    }

    fn silence(&self, given: &Spanned<Silence>) -> Result<Silence, Refused> {
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

fn read(path: &Path) -> Result<String, Refused> {
    let refuse = |what: String| Refused { place: path.display().to_string(), what };
    let mut file = guard::open_trusted(path).map_err(|error| refuse(error.to_string()))?;
    let mut text = String::new();
    let read = std::io::Read::read_to_string(&mut std::io::Read::take(&mut file, MAX_BYTES + 1), &mut text)
        .map_err(|error| refuse(format!("cannot be read: {error}")))?;
    if read as u64 > MAX_BYTES {
        return Err(refuse(format!("longer than {MAX_BYTES} bytes: that is no configuration")));
    }
    Ok(text)
}

/// `$XDG_CONFIG_HOME/warroom/warroom.toml`, or under `~/.config`.
#[must_use]
pub fn usual_file() -> Option<PathBuf> {
    home_of("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("warroom/warroom.toml"))
}

fn usual_state_dir() -> Option<PathBuf> {
    home_of("XDG_STATE_HOME", ".local/state").map(|dir| dir.join("warroom"))
}

/// The folder a variable names, or its usual place under the home folder. Relative values are ignored, as the
/// XDG specification says.
fn home_of(variable: &str, under_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(under_home)))
}
