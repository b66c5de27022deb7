//! A bundle read into drafts, in order of time.
//!
//! A line that cannot be read is skipped with a warning that names it; a bundle without a single readable line is an
//! error. Nothing in a draft is later than the draft: windows of samples and logs, and runs, are cut at `as_of`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;

use super::{Bundle, BundleError, Warnings, file};
use crate::event::{Digest, LogRecord, Source, Span, Time, TraceId, Untrusted};
use crate::intake::json::{self, WireTime};
use crate::intake::otlp::{self, Encoding, Entries, Sender, Sink};
use crate::intake::problem::{BadInput, Place};
use crate::intake::series::{self, Windows};
use crate::intake::{Arrival, cloudevents, key, limits, openmetrics, topology};
use crate::journal::Draft;

#[derive(Deserialize)]
struct Head {
    name: Untrusted,
    #[serde(default)]
    kind: Untrusted,
    as_of: WireTime,
    #[serde(default)]
    note: Untrusted,
}

/// Reads the bundle in `folder`; never its `truth.json`.
///
/// # Errors
/// When `bundle.json` is missing or wrong, a file cannot be read, or nothing in the bundle is readable.
pub fn read(folder: &Path) -> Result<Bundle, BundleError> {
    let head: Head = document(&folder.join(file::ABOUT))?;
    let as_of = key::clamp(head.as_of.0);
    let mut reader = Reader { as_of, drafts: Vec::new(), warnings: Warnings::default() };
    reader.lines(folder, file::EVENTS, Reader::event)?;
    reader.lines(folder, file::SPANS, Reader::spans)?;
    reader.lines(folder, file::LOGS, Reader::logs)?;
    reader.metrics(folder)?;
    // Who calls whom was known before anything happened.
    let first = reader.drafts.iter().map(|draft| draft.at).min().unwrap_or(as_of).min(as_of);
    reader.topology(folder, first)?;
    let Reader { mut drafts, warnings, .. } = reader;
    if drafts.is_empty() {
        let first = warnings.shown.into_iter().next();
        return Err(BundleError::Empty { path: folder.to_owned(), first });
    }
    drafts.sort_by_key(|draft| draft.at);
    let Head { name, kind, note, .. } = head;
    Ok(Bundle { name, kind, as_of, note, drafts, warnings })
}

/// Reads lines as they stand in `events.ndjson`, `spans.ndjson` or `logs.ndjson`, mixed, that arrive at `now`.
///
/// # Errors
/// When `input` cannot be read.
pub fn stream(input: impl Read, now: Time) -> std::io::Result<(Vec<Draft>, Warnings)> {
    let mut reader = Reader { as_of: now, drafts: Vec::new(), warnings: Warnings::default() };
    reader.each(BufReader::new(input), "-", Reader::any)?;
    reader.drafts.sort_by_key(|draft| draft.at);
    Ok((reader.drafts, reader.warnings))
}

/// The whole of a JSON file.
pub(super) fn document<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, BundleError> {
    let mut bytes = Vec::new();
    let limit = limits::BUNDLE_LINE;
    open(path)?.take(limit).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    json::read(&bytes).map_err(|error| BundleError::Wrong { path: path.to_owned(), error })
}

fn open(path: &Path) -> Result<File, BundleError> {
    let check = || {
        // A pipe or a device in a folder that somebody sent would be waited on for ever.
        if std::fs::metadata(path)?.is_file() { File::open(path) } else { Err(std::io::Error::other("it is no file")) }
    };
    check().map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> BundleError {
    BundleError::Unreadable { path: path.to_owned(), error }
}

struct Reader {
    as_of: Time,
    drafts: Vec<Draft>,
    warnings: Warnings,
}

/// What one line came to, or why it is skipped; a note on a line that was taken is a warning too.
type Line = Result<Option<String>, BadInput>;

impl Reader {
    fn lines(
        &mut self,
        folder: &Path,
        file: &'static str,
        line: fn(&mut Self, &[u8]) -> Line,
    ) -> Result<(), BundleError> {
        let path = folder.join(file);
        if !path.exists() {
            return Ok(());
        }
        self.each(BufReader::with_capacity(1 << 16, open(&path)?), file, line).map_err(|error| unreadable(&path, error))
    }

    fn each(
        &mut self,
        mut input: impl BufRead,
        file: &'static str,
        mut take: impl FnMut(&mut Self, &[u8]) -> Line,
    ) -> std::io::Result<()> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if input.by_ref().take(limits::BUNDLE_LINE).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if line.last() != Some(&b'\n') && line.len() as u64 == limits::BUNDLE_LINE {
                input.skip_until(b'\n')?;
                self.warnings.add(file, number, format_args!("is longer than {} bytes", limits::BUNDLE_LINE));
                continue;
            }
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            match take(self, text) {
                Ok(None) => {}
                Ok(Some(note)) => self.warnings.add(file, number, note),
                Err(error) => self.warnings.add(file, number, error),
            }
        }
        Ok(())
    }

    fn event(&mut self, line: &[u8]) -> Line {
        let arrival = Arrival::now(self.as_of, Source::Bundle);
        self.drafts.extend(cloudevents::structured(line, &arrival)?);
        Ok(None)
    }

    fn spans(&mut self, line: &[u8]) -> Line {
        let mut runs = Runs { as_of: self.as_of, found: BTreeMap::new() };
        let tally = otlp::traces(line, Encoding::Json, self.as_of, &mut runs)?;
        for ((trace, later), spans) in runs.found {
            let mut name = Digest::of(line).0.to_vec();
            name.extend(trace.0);
            name.push(later.into());
            let mut entries = Entries::of(&name);
            for (sender, span, size) in spans {
                entries.take(&sender, span, size);
            }
            self.drafts.extend(entries.done());
        }
        Ok(tally.message)
    }

    fn logs(&mut self, line: &[u8]) -> Line {
        let mut minutes = Minutes { as_of: self.as_of, line: Digest::of(line), found: BTreeMap::new() };
        let tally = otlp::logs(line, Encoding::Json, self.as_of, &mut minutes)?;
        self.drafts.extend(minutes.found.into_values().flat_map(Entries::done));
        Ok(tally.message)
    }

    fn any(&mut self, line: &[u8]) -> Line {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Which {
            resource_spans: Option<serde::de::IgnoredAny>,
            resource_logs: Option<serde::de::IgnoredAny>,
        }
        match json::read(line)? {
            Which { resource_spans: Some(_), .. } => self.spans(line),
            Which { resource_logs: Some(_), .. } => self.logs(line),
            _ => self.event(line),
        }
    }

    fn metrics(&mut self, folder: &Path) -> Result<(), BundleError> {
        let (path, file) = (folder.join(file::METRICS), file::METRICS);
        if !path.exists() {
            return Ok(());
        }
        let mut windows = Windows::ending_at(self.as_of);
        let mut lines = sha2::Sha256::default();
        let take = |_: &mut Self, line: &[u8]| -> Line {
            use sha2::Digest as _;
            lines.update(line);
            let wrong = |what: String| BadInput::new(Place::Body, what);
            let text = std::str::from_utf8(line).map_err(|_| wrong("is not text".to_owned()))?;
            if let Some(read) = openmetrics::sample(text).map_err(wrong)? {
                let identity = || openmetrics::identity(read.series).map_err(wrong);
                windows.add(read.series, identity, read.time, read.value)?;
            }
            Ok(None)
        };
        self.each(BufReader::with_capacity(1 << 16, open(&path)?), file, take)
            .map_err(|error| unreadable(&path, error))?;
        let digest = Digest(sha2::Digest::finalize(lines).into());
        self.drafts.extend(windows.drafts(&format!("metrics/{digest}")));
        Ok(())
    }

    fn topology(&mut self, folder: &Path, at: Time) -> Result<(), BundleError> {
        let (path, file) = (folder.join(file::TOPOLOGY), file::TOPOLOGY);
        if !path.exists() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        open(&path)?.take(limits::BUNDLE_LINE).read_to_end(&mut bytes).map_err(|error| unreadable(&path, error))?;
        match topology::read(&bytes, at) {
            Ok(draft) => self.drafts.push(draft),
            Err(error) => {
                let line =
                    serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).map_or_else(|error| error.line(), |_| 1);
                self.warnings.add(file, line as u64, error);
            }
        }
        Ok(())
    }
}

type Sent = (Sender, Span, usize);

/// Spans, with sender and size, by their trace, cut at `as_of`: a run that goes on when the page comes is known up to then.
struct Runs {
    as_of: Time,
    found: BTreeMap<(TraceId, bool), Vec<Sent>>,
}

impl Sink<Span> for Runs {
    fn take(&mut self, sender: &Sender, span: Span, size: usize) {
        let later = otlp::Item::known(&span) > self.as_of;
        self.found.entry((span.trace_id, later)).or_default().push((sender.clone(), span, size));
    }
}

/// Log records by the minute, cut at `as_of`.
struct Minutes {
    as_of: Time,
    line: Digest,
    found: BTreeMap<i64, Entries<LogRecord>>,
}

impl Sink<LogRecord> for Minutes {
    fn take(&mut self, sender: &Sender, record: LogRecord, size: usize) {
        let window = series::window(record.time, self.as_of);
        let name = || {
            let mut name = self.line.0.to_vec();
            name.extend(window.to_be_bytes());
            Entries::of(&name)
        };
        self.found.entry(window).or_insert_with(name).take(sender, record, size);
    }
}
