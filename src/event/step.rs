//! Reading steps that ran, and what they found.

use serde::{Deserialize, Serialize};

use super::{Digest, Direction, IncidentId, Person, Request, Surface, Time, Untrusted};

/// A reading step of a runbook ran: it cannot have changed anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRead {
    /// The incident it was run for.
    pub incident: IncidentId,
    /// The runbook's name.
    pub runbook: Untrusted,
    /// Digest of the runbook's whole text.
    pub digest: Digest,
    /// The step's name.
    pub step: Untrusted,
    /// Exactly what ran.
    pub request: Request,
    /// When it began.
    pub began: Time,
    /// For how long it ran, milliseconds.
    pub took_ms: u64,
    /// How it ended.
    pub ended: ReadEnd,
    /// What it said, as far as the limit on output allows.
    pub output: Untrusted,
    /// How long what it said was in all, bytes.
    pub output_bytes: u64,
    /// The one line of it that matters, where one can be told.
    pub finding: Untrusted,
    /// The surfaces it is about; empty = whatever the incident is about.
    pub about: Vec<Surface>,
    /// What the finding says of a cause there, where the step tells how to read its output.
    pub says: Option<Direction>,
    /// The component it is about, where the step tells; `None` = any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Untrusted>,
    /// The change it is about, by the id at its source, where the step tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Untrusted>,
    /// By which of its author's rules the finding says that, as it is written in the runbook.
    #[serde(default, skip_serializing_if = "Untrusted::is_empty")]
    pub rule: Untrusted,
    /// What it does besides reading, in the policy's words: it may have shown a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Untrusted>,
    /// The person who ran it; `None` = it ran on its own.
    pub by: Option<Person>,
}

/// How a reading step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum ReadEnd {
    /// A program ended by itself.
    Exit {
        /// Its exit code; 0 = it says all is well.
        code: i32,
    },
    /// A program was ended by a signal.
    Signal {
        /// Which.
        signal: i32,
    },
    /// It was ended at a limit.
    Limit {
        /// Which, such as `30 s` or `1 MB of output`.
        which: Untrusted,
    },
    /// It was not run, or the wall stopped it.
    Refused {
        /// Why.
        why: Untrusted,
    },
    /// An answer over HTTP.
    Http {
        /// Its status.
        status: u16,
    },
    /// An answer of a database.
    Rows {
        /// How many.
        count: u64,
    },
}

impl ReadEnd {
    /// How it ended, in words.
    #[must_use]
    pub fn in_words(&self) -> Untrusted {
        match self {
            Self::Exit { code } => format!("exit {code}"),
            Self::Signal { signal } => format!("ended by signal {signal}"),
            Self::Limit { which } => format!("stopped at {}", which.raw()),
            Self::Refused { why } => format!("not run: {}", why.raw()),
            Self::Http { status } => format!("status {status}"),
            Self::Rows { count } => format!("{count} rows"),
        }
        .into()
    }

    /// Whether it ran to its end and says all is well.
    #[must_use]
    pub fn is_well(&self) -> bool {
        match self {
            Self::Exit { code } => *code == 0,
            Self::Http { status } => (200..300).contains(status),
            Self::Rows { .. } => true,
            Self::Signal { .. } | Self::Limit { .. } | Self::Refused { .. } => false,
        }
    }
}

/// A procedure that takes something back was walked through without changing anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// The incident for which it was; `None` = while nothing was on fire.
    pub incident: Option<IncidentId>,
    /// The procedure: a runbook's name.
    pub runbook: Untrusted,
    /// Digest of the runbook's whole text.
    pub digest: Digest,
    /// When it began.
    pub began: Time,
    /// For how long it ran, milliseconds.
    pub took_ms: u64,
    /// What was walked through, in order.
    pub steps: Vec<RehearsedStep>,
    /// Who.
    pub by: Person,
}

/// One part of a rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RehearsedStep {
    /// The step.
    pub step: Untrusted,
    /// What was tried of it.
    pub tried: Tried,
    /// Whether it would do when it is needed; `None` = that cannot be told without changing something.
    pub would_do: Option<bool>,
    /// In words: what it said, or what is missing.
    pub said: Untrusted,
    /// How long that took, milliseconds.
    pub took_ms: u64,
}

/// What was tried of a step without changing anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// It only reads, and ran.
    Ran,
    /// Its dry run ran.
    DryRun,
    /// Its request was made and its program looked for; it has no dry run.
    Looked,
}
