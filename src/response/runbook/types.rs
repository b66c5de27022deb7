//! What a runbook is made of.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::event::{Digest, Severity, Surface, Tier, Untrusted};
use crate::surface::StopClass;

use super::effect::{Effect, Reversible};
use super::meaning::Meaning;
use super::pattern::{Glob, Pattern};
use super::template::Template;

/// One runbook, as it was read. Whatever is wrong with it is in `findings`; what could be read is here all the same.
#[derive(Clone, Debug)]
pub struct Runbook {
    /// Its file below the folder, without `.md`: `kubernetes/crash-loop`.
    pub name: Untrusted,
    /// What people call it: its front matter's title, its first heading, or its name.
    pub title: Untrusted,
    /// The file as it is named in messages.
    pub place: Untrusted,
    /// Whether it came with the program; a team's file of the same name takes its place.
    pub built_in: bool,
    /// SHA-256 of the file's bytes.
    pub digest: Digest,
    /// What it is for: any of these fits.
    pub matches: Vec<Matches>,
    /// What its reading steps may reach.
    pub hosts: Vec<Host>,
    /// The configured databases its statements are for; the first is meant where a step names none.
    pub databases: Vec<Untrusted>,
    /// What its steps need to know.
    pub inputs: Vec<Input>,
    /// When a person must be called.
    pub escalate: Vec<Escalation>,
    /// For a procedure that takes something back: what, and what stays gone.
    pub rollback: Option<Rollback>,
    /// Its steps in the order of the file.
    pub steps: Vec<Step>,
    /// What is wrong or odd about it.
    pub findings: Vec<Finding>,
}

/// What a runbook is for. Of each kind one must fit, and a kind with nothing in it asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// Names of alerts.
    pub alerts: Vec<Glob>,
    /// Labels that an alert carries: all of them, on one alert.
    pub labels: Vec<(Untrusted, Glob)>,
    /// Components.
    pub services: Vec<Glob>,
    /// Surfaces a cause lies in or that changed.
    pub surfaces: BTreeSet<Surface>,
    /// Ways in which runs ended.
    pub stops: BTreeSet<StopClass>,
    /// Words of the incident's title.
    pub words: Vec<Untrusted>,
}

impl Matches {
    /// Whether it says nothing at all: such a runbook is found by hand only.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
            && self.labels.is_empty()
            && self.services.is_empty()
            && self.surfaces.is_empty()
            && self.stops.is_empty()
            && self.words.is_empty()
    }
}

/// A host and a port that a reading step may reach.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    /// A name or an address.
    pub name: Untrusted,
    /// The port.
    pub port: u16,
}

impl Host {
    /// Reads `name:port` or an address.
    ///
    /// # Errors
    /// What a good one looks like, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        super::front::host_of(text)
    }
}

/// Something steps need to know, such as a namespace.
#[derive(Clone, Debug)]
pub struct Input {
    /// `{{name}}`, `<name>` or `$name` in a step: lower-case letters, digits, `_`, `-`.
    pub name: Untrusted,
    /// In words.
    pub about: Untrusted,
    /// What a value must look like, all of it.
    pub pattern: Pattern,
    /// The value where nothing gives another.
    pub default: Option<Untrusted>,
    /// Where the incident knows it from, the first that has one.
    pub from: Vec<KnownFrom>,
    /// The file declares it; otherwise a step merely writes `<pod>`, and the label of that name fills it.
    pub declared: bool,
    /// Line of the file.
    pub line: u32,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KnownFrom {
    /// A label that all firing alerts which carry it agree on.
    Label(Untrusted),
    /// The component the incident is about.
    Service,
    /// The name of its first alert.
    Alert,
}

/// A point past which nobody goes without a person having been called.
#[derive(Clone, Debug, PartialEq)]
pub struct Escalation {
    /// When.
    pub when: When,
    /// A person or a rota.
    pub who: Untrusted,
    /// Why.
    pub why: Untrusted,
    /// Line of the file.
    pub line: u32,
}

/// When a person must be called.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Before this step runs.
    Before(Untrusted),
    /// The incident is at least so severe.
    Severity(Severity),
    /// Before any step of at least this tier.
    Tier(Tier),
    /// As soon as the runbook is used.
    Always,
}

/// What kind of thing a procedure takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RollbackOf {
    /// A system prompt or template.
    Prompt,
    /// A model or the alias that names one.
    Model,
    /// A retrieval index.
    Index,
    /// The schema of a tool.
    Tool,
    /// A feature flag.
    Flag,
    /// A deploy.
    Deploy,
}

impl RollbackOf {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Prompt, Self::Model, Self::Index, Self::Tool, Self::Flag, Self::Deploy];

    /// Its word in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Model => "model",
            Self::Index => "index",
            Self::Tool => "tool",
            Self::Flag => "flag",
            Self::Deploy => "deploy",
        }
    }

    /// The surface that moves when it is done.
    #[must_use]
    pub fn surface(self) -> Surface {
        match self {
            Self::Prompt => Surface::Prompt,
            Self::Model => Surface::Model,
            Self::Index => Surface::Retrieval,
            Self::Tool => Surface::Tool,
            Self::Flag => Surface::Config,
            Self::Deploy => Surface::Code,
        }
    }
}

/// A procedure that takes something back; its writing steps are its stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollback {
    /// What.
    pub of: RollbackOf,
    /// What stays as it is when all stages are done: caches, memories, sent messages, embeddings.
    pub wont_return: Vec<Untrusted>,
}

/// Whether a step only looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It only reads, and runs where it cannot write.
    Read,
    /// It changes something, or nothing shows that it does not.
    Write,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Unique in its runbook: small letters, digits and dashes.
    pub name: Untrusted,
    /// The heading it stands under.
    pub heading: Untrusted,
    /// The paragraph before it, in plain words.
    pub about: Untrusted,
    /// Line of the file at which its text begins.
    pub line: u32,
    /// The block as it stands in the file.
    pub text: Untrusted,
    /// What would run, once its inputs are filled in.
    pub action: Action,
    /// Whether it only looks.
    pub mode: Mode,
    /// Why that is its mode, in words.
    pub why: Untrusted,
    /// A shell reads its text.
    pub shell: bool,
    /// What it does besides, as far as can be told.
    pub effects: BTreeSet<Effect>,
    /// Whether it can be taken back.
    pub reversible: Reversible,
    /// What it may reach while it reads: its own and the runbook's.
    pub hosts: Vec<Host>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// The tier its author gave it. A policy may raise it.
    pub tier: Option<Tier>,
    /// The step that takes it back.
    pub rollback: Option<Untrusted>,
    /// The step that shows whether it worked.
    pub verify: Option<Untrusted>,
    /// The step that must have gone well before.
    pub precondition: Option<Untrusted>,
    /// What shows what it would do, without doing it.
    pub dry_run: Option<Action>,
    /// The reading step that lists what it touches, a line each; it is run once for each.
    pub for_each: Option<Untrusted>,
    /// Who else uses what it touches.
    pub shared_by: Option<Untrusted>,
    /// What it is as a stage of a rollback.
    pub stage: Stage,
    /// What its result means, where its author says so.
    pub meaning: Meaning,
    /// Inputs it uses, by name, once each.
    pub inputs: Vec<Untrusted>,
    /// Characters in it that would be obeyed, or not be seen, or be taken for others. Such a step never only reads.
    pub hidden: bool,
}

/// The word of a command that stands for each of its targets.
pub const TARGET: &str = "{target}";

impl Step {
    /// Whether it is run once for each of several targets.
    #[must_use]
    pub fn has_target(&self) -> bool {
        match &self.action {
            Action::Command(words) => words.iter().any(|word| word.literal().as_deref() == Some(TARGET)),
            _ => false,
        }
    }
}

/// What a step is as a stage of a rollback; all `None` elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stage {
    /// The share of traffic that is on the restored side when it is done, 0 to 1.
    pub share: Option<f64>,
    /// How long it must have stood well before the next begins.
    pub hold: Option<Duration>,
    /// Within how long it must be done.
    pub within: Option<Duration>,
}

/// What a step would do, with places for its inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A program and its arguments; no shell.
    Command(Vec<Template>),
    /// A script for `/bin/sh -eu`; the named inputs are its `$1`, `$2` …, never part of its text.
    Script {
        /// The text, with inputs as variables.
        text: Untrusted,
        /// What its variables are filled from, in the order of `$1`, `$2` …
        parameters: Vec<Parameter>,
    },
    /// An HTTP request.
    Http {
        /// Upper-case.
        method: Untrusted,
        /// Whole URL.
        url: Template,
        /// Body.
        body: Template,
    },
    /// A statement for a configured database.
    Sql {
        /// Which; `None` = the runbook's first.
        database: Option<Untrusted>,
        /// The statement.
        statement: Template,
    },
    /// A query for the configured Prometheus.
    Promql(Template),
}

/// A variable of a script that an input fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in the script.
    pub variable: Untrusted,
    /// The input.
    pub input: Untrusted,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// To know.
    Note,
    /// It works, and somebody may be sorry.
    Warning,
    /// It does not work as written.
    Error,
}

/// Something wrong or odd in a runbook: where, what, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// The file.
    pub place: Untrusted,
    /// Line, from 1.
    pub line: u32,
    /// In words.
    pub what: Untrusted,
}

impl fmt::Display for Finding {
    /// `file:line: what`, made fit to draw.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = crate::event::Policy::Prose;
        write!(f, "{}:{}: {}", self.place.show(policy).as_str(), self.line, self.what.show(policy).as_str())
    }
}
