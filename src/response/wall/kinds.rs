//! What is asked of the wall, and what it answers.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::event::{ReadEnd, Untrusted};
use crate::intake::limits;

/// What stands around a step.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// This same program. Tests name the program under test.
    pub program: PathBuf,
    /// Hosts and ports that the runbook or the configuration declares; a process reaches no other.
    pub hosts: Vec<(String, u16)>,
    /// Files and folders that are hidden otherwise and were declared, absolute.
    pub reads: Vec<PathBuf>,
    /// Files and folders that no step sees, beside those that never are: the journal, the state folder, the configuration.
    pub hide: Vec<PathBuf>,
    /// The databases of the configuration by name.
    pub databases: BTreeMap<String, Database>,
    /// How much of everything.
    pub limits: Limits,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            // The program that runs, even when its file has been exchanged since.
            program: PathBuf::from("/proc/self/exe"),
            hosts: Vec::new(),
            reads: Vec::new(),
            hide: Vec::new(),
            databases: BTreeMap::new(),
            limits: Limits::default(),
        }
    }
}

/// A database that may be asked. Its address can hold a password, so it is never shown.
#[derive(Clone)]
pub struct Database {
    url: String,
    certificates: Vec<u8>,
}

impl Database {
    /// The database at this address: `postgres://user:password@host:port/name`. Encrypted where the server can be, unless it ends
    /// with `?sslmode=disable`; never unencrypted with `?sslmode=require`.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self { url, certificates: Vec::new() }
    }

    /// Its certificate may also be signed by one of these (PEM), beside those that this host trusts.
    #[must_use]
    pub fn trusting(self, certificates: Vec<u8>) -> Self {
        Self { certificates, ..self }
    }

    pub(super) fn certificates(&self) -> &[u8] {
        &self.certificates
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database(…)")
    }
}

/// How much a step may use. The built-in values are those of the table of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From its beginning to its end.
    pub time: Duration,
    /// Seconds of processor time of one process.
    pub cpu_seconds: u64,
    /// Bytes of memory of all its processes together, and of addresses four times that in each.
    pub memory: u64,
    /// Processes and threads at once. As root the kernel counts no fewer than 301.
    pub processes: u64,
    /// Open files of one process.
    pub files: u64,
    /// Bytes of its own folder, and so of any file in it.
    pub scratch: u64,
    /// Bytes of output that are kept; more are counted.
    pub kept: usize,
    /// Bytes of output after which it is ended.
    pub output: u64,
    /// Rows of an answer that are read.
    pub rows: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(limits::STEP_TIME),
            cpu_seconds: limits::STEP_PROCESSOR,
            memory: limits::STEP_MEMORY,
            processes: limits::STEP_PROCESSES,
            files: limits::STEP_FILES,
            scratch: limits::STEP_SCRATCH,
            kept: limits::size(limits::STEP_KEPT),
            output: limits::STEP_OUTPUT,
            rows: u32::try_from(limits::STEP_ROWS).unwrap_or(u32::MAX),
        }
    }
}

/// What a step said, and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// How it ended.
    pub ended: ReadEnd,
    /// The beginning of what it said, both outputs in the order in which they came.
    pub output: Vec<u8>,
    /// How much it said in all, in bytes.
    pub output_bytes: u64,
    /// How long it took.
    pub took: Duration,
}

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum WallError {
    /// The wall does not stand: the step asks like one that writes.
    #[error("no step runs by itself here: {0}")]
    Lacks(String),
    /// This process could not begin it.
    #[error("the step could not be begun ({0}): this machine may be short of memory, processes or open files")]
    NotBegun(#[from] std::io::Error),
    /// It was killed, and something of it would not go.
    #[error(
        "the step was killed and did not end: a process of it may hang in the kernel; look for `warroom wall` in the process list"
    )]
    Stuck,
}

/// A limit, in words such as `30 s`.
pub(super) fn limit(which: impl Into<String>) -> ReadEnd {
    ReadEnd::Limit { which: Untrusted::from(which.into()) }
}

/// Somebody ended it.
pub(super) fn stopped() -> ReadEnd {
    limit("a person, who stopped it")
}

impl Limits {
    pub(super) fn out_of_time(&self) -> ReadEnd {
        limit(format!("{} s", self.time.as_secs_f32()))
    }

    pub(super) fn out_of_output(&self) -> ReadEnd {
        limit(format!("{} of output", size(self.output)))
    }

    pub(super) fn out_of_memory(&self) -> ReadEnd {
        limit(format!("{} of memory", size(self.memory)))
    }

    pub(super) fn out_of_processor(&self) -> ReadEnd {
        limit(format!("{} s of processor time", self.cpu_seconds))
    }

    pub(super) fn out_of_file(&self) -> ReadEnd {
        limit(format!("{} in one file", size(self.scratch)))
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

pub(super) fn refused(why: impl Into<String>) -> ReadEnd {
    ReadEnd::Refused { why: Untrusted::from(why.into()) }
}

/// What was heard so far: the beginning kept, all of it counted and handed on.
pub(super) struct Heard<'a> {
    limits: Limits,
    kept: Vec<u8>,
    bytes: u64,
    on_output: &'a mut dyn FnMut(&[u8]),
}

impl<'a> Heard<'a> {
    pub fn new(limits: Limits, on_output: &'a mut dyn FnMut(&[u8])) -> Self {
        Self { limits, kept: Vec::new(), bytes: 0, on_output }
    }

    /// Takes a piece; says whether more may come.
    pub fn push(&mut self, piece: &[u8]) -> bool {
        let room = self.limits.kept - self.kept.len();
        self.kept.extend_from_slice(&piece[..piece.len().min(room)]);
        self.bytes += piece.len() as u64;
        (self.on_output)(piece);
        self.bytes <= self.limits.output
    }

    pub fn done(self) -> (Vec<u8>, u64) {
        (self.kept, self.bytes)
    }
}
