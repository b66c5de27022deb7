//! Tells a receiver of the life of approvals: at least once, in the order of the record, however often we are started anew.
//!
//! How far it came stands in a file beside the journal, written after each event that was taken. Nothing waits for this: what is
//! approved, refused or done is on record first, and what cannot be told is told later.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use url::Url;

use super::approvals::{self, Event, KINDS};
use crate::event::{Kind, Policy, Seq, Untrusted};
use crate::journal::{Query, SharedJournal, guard};
use crate::response::{http_client, root_cause};

/// Held by the process that tells, so that each event is told once where nothing fails.
const LEASE: &str = "tell";
/// After a failure it is tried again this much later, and twice as much each time, up to the second.
const FIRST_PAUSE: Duration = Duration::from_secs(3);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// What is quoted of an answer, characters.
const QUOTED: usize = 200;
/// The longest file of a cursor, bytes.
const LONGEST: u64 = 64 * 1024;

/// Where approvals are told.
#[derive(Clone, Debug)]
pub struct Sink {
    /// The receiver.
    pub url: Url,
    /// Proves us to it.
    pub bearer: Option<reqwest::header::HeaderValue>,
    /// Who we are to it: a URI.
    pub source: String,
    /// Where it stands how far it came.
    pub cursor: PathBuf,
}

/// How far it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The receiver it is about.
    pub sink: String,
    /// The last entry that was told, or is not to be told.
    pub through: Seq,
    /// Events that it took.
    pub told: u64,
    /// Events that it would not take, whoever sends them.
    pub refused: u64,
    /// What it said to the last of those.
    #[serde(default)]
    pub last_refused: Option<Untrusted>,
}

/// Tells one receiver.
pub struct Teller {
    journal: SharedJournal,
    sink: Sink,
    runtime: tokio::runtime::Handle,
    /// Not tried again before.
    pause: Option<(Instant, Duration)>,
}

/// Why an event was not taken.
enum Not {
    /// It never will be.
    Refused(String),
    /// Later, after so long if the receiver says so.
    Later(String, Option<Duration>),
}

impl Cursor {
    /// What a person should know of it; `None` = all that was sent was taken.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let last = self.last_refused.as_ref()?;
        Some(format!(
            "{} of the events of approvals were refused by their receiver and are not told again; the last with: {}",
            self.refused,
            last.show(Policy::Prose).as_str()
        ))
    }
}

impl Teller {
    /// For this receiver. Sends nothing yet.
    #[must_use]
    pub fn new(journal: SharedJournal, sink: Sink, runtime: tokio::runtime::Handle) -> Self {
        Self { journal, sink, runtime, pause: None }
    }

    /// Tells all that there is to tell, and how far it came; `None` = nothing was looked at: another process tells, it is too soon
    /// after a failure, or the record is no real one. Blocks.
    ///
    /// # Errors
    /// What hinders it; it is tried again by the next call, after a pause.
    pub fn tell(&mut self) -> anyhow::Result<Option<Cursor>> {
        if self.pause.is_some_and(|(until, _)| Instant::now() < until) {
            return Ok(None);
        }
        // Who does not hold it leaves it to the one who does.
        let Some(_held) = self.journal.lease(LEASE)? else { return Ok(None) };
        let labelled = Query { kinds: vec![Kind::Labelled], limit: 1, ..Query::default() };
        if !self.journal.read(&labelled)?.is_empty() {
            // A demo, a drill or an import: nobody's approvals.
            return Ok(None);
        }
        let mut cursor = self.cursor()?;
        loop {
            let query = Query { kinds: KINDS.to_vec(), after: cursor.through, ..Query::default() };
            let page = self.journal.read(&query)?;
            if page.is_empty() {
                return Ok(Some(cursor));
            }
            for record in page {
                if let Some(event) = approvals::event(&*self.journal, &record, &self.sink.source)? {
                    self.tell_one(&event, &mut cursor)?;
                }
                cursor.through = record.seq;
                write(&self.sink.cursor, &cursor)?;
            }
        }
    }

    fn tell_one(&mut self, event: &Event, cursor: &mut Cursor) -> anyhow::Result<()> {
        match self.send(event) {
            Ok(()) => {
                cursor.told += 1;
                self.pause = None;
                Ok(())
            }
            Err(Not::Refused(why)) => {
                cursor.refused += 1;
                cursor.last_refused = Some(why.into());
                self.pause = None;
                Ok(())
            }
            Err(Not::Later(why, asked)) => {
                let next = self.pause.map_or(FIRST_PAUSE, |(_, last)| (last * 2).min(LONGEST_PAUSE));
                let next = asked.map_or(next, |asked| asked.clamp(FIRST_PAUSE, LONGEST_PAUSE));
                self.pause = Some((Instant::now() + next, next));
                let host = self.sink.url.host_str().unwrap_or_default();
                anyhow::bail!(
                    "approvals cannot be told to {host} ({why}): nothing is lost, they are told once it takes them"
                )
            }
        }
    }

    fn send(&self, event: &Event) -> Result<(), Not> {
        let later = |why: String| Not::Later(why, None);
        // An event is plain data, which serde_json cannot fail to write.
        let body = serde_json::to_vec(event).unwrap_or_default();
        let client = http_client().map_err(|error| later(format!("{error:#}")))?;
        let mut request = client
            .post(self.sink.url.clone())
            .header(reqwest::header::CONTENT_TYPE, "application/cloudevents+json; charset=UTF-8")
            .body(body);
        if let Some(bearer) = &self.sink.bearer {
            request = request.header(reqwest::header::AUTHORIZATION, bearer.clone());
        }
        self.runtime.block_on(async {
            let mut response = request.send().await.map_err(|error| later(root_cause(&error)))?;
            let status = response.status().as_u16();
            let header = response.headers().get(reqwest::header::RETRY_AFTER);
            let asked = header.and_then(|value| value.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
            let said = response.chunk().await.ok().flatten().unwrap_or_default();
            let said: String = String::from_utf8_lossy(&said).trim().chars().take(QUOTED).collect();
            match status {
                200..=299 => Ok(()),
                // These are about the event itself: sending it again changes nothing, and all later ones would wait behind it.
                400 | 413 | 415 | 422 => Err(Not::Refused(format!("{status}: {said}"))),
                _ => Err(Not::Later(format!("{status}: {said}"), asked)),
            }
        })
    }

    /// How far it came with this receiver; what was before it was named is not told.
    fn cursor(&self) -> anyhow::Result<Cursor> {
        let head = self.journal.head()?;
        match read(&self.sink.cursor)? {
            // Of a journal that was brought back from a backup it may know more than there is.
            Some(known) if known.sink == self.sink.url.as_str() => {
                Ok(Cursor { through: known.through.min(head), ..known })
            }
            _ => {
                let fresh = Cursor {
                    sink: self.sink.url.as_str().to_owned(),
                    through: head,
                    told: 0,
                    refused: 0,
                    last_refused: None,
                };
                write(&self.sink.cursor, &fresh)?;
                Ok(fresh)
            }
        }
    }
}

/// Reads a cursor; `None` = there is none, or it is none of ours.
///
/// # Errors
/// When it is there and must not be trusted.
pub fn read(path: &Path) -> anyhow::Result<Option<Cursor>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut text = String::new();
    guard::open_private(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text).ok())
}

/// Whoever reads meanwhile, or after a crash, sees the old one or the new one.
fn write(path: &Path, cursor: &Cursor) -> anyhow::Result<()> {
    let write = || {
        let new = path.with_extension(format!("{}.new", std::process::id()));
        // Left over from a process of the same number that was killed.
        let _ = std::fs::remove_file(&new);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(cursor)?)?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    write().with_context(|| format!("how far approvals were told cannot be written down at {}", path.display()))
}
