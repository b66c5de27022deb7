//! The configuration file: TOML, every key known, every error with file and line.
//!
//! Read in two steps: the file as it stands (`File`), then what it means with arguments and environment applied
//! ([`Config`]). A key nobody knows, a bad address, a secret whose variable is not set: the start is refused.

mod calls;
mod file;
mod hooks;
mod place;
mod settings;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use self::file::File;
use self::place::Place;
use super::Common;
use super::secret::Secret;
use crate::engine::keep::Retention;
use crate::event::Time;
use crate::journal::redact::Redactor;
use crate::journal::{JournalError, Options, SqliteJournal};
use crate::response::Callee;
use crate::response::{Freeze, Stop};

pub use place::{Refused, SOURCE};
pub use settings::{
    Actions, Cdevents, Colour, Database, Glyphs, Langfuse, ModelEndpoint, Phoenix, Prometheus, Runbooks, Screen,
    Service, Silence,
};

/// Where alerts, changes and traces are received unless said otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9095);

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
    /// The Phoenix whose spans are read.
    pub phoenix: Option<Phoenix>,
    /// The Langfuse whose observations are read.
    pub langfuse: Option<Langfuse>,
    /// The models' endpoints against which recorded runs may be run again.
    pub endpoints: Vec<ModelEndpoint>,
    /// What is taken out of everything before it is recorded.
    pub redactor: Arc<Redactor>,
    /// The team's runbooks.
    pub runbooks: Runbooks,
    /// Databases that reading statements are for.
    pub databases: Vec<Database>,
    /// How long telemetry is kept; `None` = for ever.
    pub retention: Option<Retention>,
    /// Who calls whom, by hand.
    pub topology: Vec<(String, String)>,
    /// When a source that says nothing is called silent.
    pub silent_after: std::time::Duration,
    /// Limits of silences.
    pub silence: Silence,
    /// The team's own rules of tiers and approvals, beside the built-in ones.
    pub policy: Option<PathBuf>,
    /// What may be changed from here, besides silences.
    pub actions: Actions,
    /// How the team holds changes; `None` = it does not.
    pub freeze: Option<Freeze>,
    /// What the team can stop.
    pub stops: Vec<Stop>,
    /// Where the life of approvals is told.
    pub cdevents: Option<Cdevents>,
    /// Who can be called from here, each with the key for that.
    pub calls: Vec<(Callee, Secret)>,
    /// The team's own triage tree; `None` = the built-in one.
    pub triage: Option<PathBuf>,
    /// The team's own rubric for severity; `None` = the built-in one.
    pub severity: Option<PathBuf>,
    /// Hypotheses wait until a hunch was written, or skipped.
    pub hunch_first: bool,
    /// The screen.
    pub screen: Screen,
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
        let text = file::read(&path)?;
        let place = Place::of(&path, &text);
        let parsed = toml::from_str(&text).map_err(|error| {
            place.refuse(error.span().map_or(0, |span| span.start), error.message().trim().to_owned())
        })?;
        Self::of(parsed, Some(path), &place, common)
    }

    /// A text file that the configuration names, read as carefully as itself.
    ///
    /// # Errors
    /// [`Refused`], naming the file.
    pub fn text(path: &std::path::Path) -> Result<String, Refused> {
        file::read(path)
    }

    /// Opens the journal for writing, with the rules of redaction in force.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`].
    pub fn open_journal(&self) -> Result<SqliteJournal, JournalError> {
        let options = Options { redactor: Arc::clone(&self.redactor), ..Options::default() };
        SqliteJournal::open_with(&self.journal, Time::now(), options)
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
        // Beside the configuration, wherever the console is started.
        let beside = |named: PathBuf| match path.as_deref().and_then(std::path::Path::parent) {
            Some(folder) => folder.join(named),
            None => named,
        };
        let actions = place.actions(file.actions.unwrap_or_default())?;
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
            phoenix: file.phoenix.map(|table| place.phoenix(table)).transpose()?,
            langfuse: file.langfuse.map(|table| place.langfuse(table)).transpose()?,
            endpoints: place.endpoints(file.endpoint)?,
            redactor: Arc::new(place.redactor(&file.redact)?),
            runbooks: file.runbooks.map_or_else(|| Ok(Runbooks::default()), |table| place.runbooks(table, &beside))?,
            databases: place.databases(file.database)?,
            retention: place.retention(file.retention.as_ref(), file.sampling.as_ref())?,
            topology: file.topology.into_iter().map(|edge| (edge.caller, edge.callee)).collect(),
            silent_after: std::time::Duration::from_secs(silent_after),
            silence,
            policy: file.policy.map(beside),
            stops: place.stops(file.stop, &actions)?,
            freeze: file.freeze.map(|table| place.freeze(table, &actions)).transpose()?,
            actions,
            calls: place.calls(file.call)?,
            cdevents: file.cdevents.map(|table| place.cdevents(table)).transpose()?,
            triage: file.triage.map(beside),
            severity: file.severity.map(beside),
            hunch_first: file.hunch_first,
            screen: Screen {
                theme: file.theme,
                keymap: file.keymap,
                colour: file.colour,
                glyphs: file.glyphs,
                mouse: file.mouse,
                clipboard: file.clipboard.unwrap_or(true),
                bracketed_paste: file.bracketed_paste.unwrap_or(true),
                synchronized: file.synchronized,
                time_zone: file.time_zone.map_or(Ok(None), |name| place.time_zone(&name))?,
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
                    || Refused::at("--listen", what.clone()),
                    |said| place.refuse(said.span().start, what.clone()),
                ));
            }
        }
        Ok(config)
    }
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
