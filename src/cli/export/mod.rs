//! `warroom export`: writes an incident as a bundle, entries, a checkpoint, or a backup.

mod bundle;
mod proof;
mod stops;

use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;
use serde_json::value::RawValue;

use super::config::{self, Config};
use super::out::Out;
use super::{Common, Exit};
use crate::event::{Policy, Time, Untrusted};
use crate::journal::{Journal, Query, Record, SharedJournal, SqliteJournal, guard, term};
use crate::report::approvals;

/// Arguments of `warroom export`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct Args {
    /// Entries as NDJSON, one object a line, into a file that does not exist yet, or - for standard output
    #[arg(long, group = "what", value_name = "FILE|-")]
    pub out: Option<PathBuf>,
    /// A bundle of the incident that --incident names, into a folder that does not exist yet: what `warroom ingest` and
    /// `warroom backtest` take
    #[arg(group = "what", requires = "incident", conflicts_with = "out", value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// This incident as a bundle; with --out, only the entries that name it
    #[arg(long, conflicts_with_all = ["checkpoint", "backup"], value_name = "INC-N", value_parser = incident)]
    pub incident: Option<u64>,
    /// Instead of entries, the life of approvals as `CDEvents`, a `CloudEvent` a line
    #[arg(long, requires = "out")]
    pub cdevents: bool,
    /// Only what is of this time or later; a bundle reaches a day back before its first alert unless this says otherwise
    #[arg(long, conflicts_with_all = ["checkpoint", "backup"], value_name = "TIME")]
    pub since: Option<Time>,
    /// The moment at which a bundle is to be judged [default: when the incident was opened]
    #[arg(long, requires = "folder", value_name = "TIME")]
    pub as_of: Option<Time>,
    /// The entries of the incident that --incident names with their chain of custody, into a file that does not exist yet:
    /// `warroom verify FILE` checks it anywhere, without the journal
    #[arg(long, group = "what", requires = "incident", conflicts_with_all = ["since", "folder", "out"], value_name = "FILE")]
    pub proof: Option<PathBuf>,
    /// The state of the chains now: keep it elsewhere, and `warroom verify --checkpoint` shows a rollback
    #[arg(long, group = "what", value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// A copy of the whole journal, made while others go on writing, and verified
    #[arg(long, group = "what", value_name = "FILE")]
    pub backup: Option<PathBuf>,
}

fn incident(text: &str) -> Result<u64, String> {
    let number = text.strip_prefix("INC-").unwrap_or(text);
    number.parse().map_err(|_| "an incident is named INC-42 or 42".to_owned())
}

/// Writes it.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let config = Config::load(common)?;
    let journal = SqliteJournal::open_read_only(&config.journal)?;
    let mut exit = Exit::Good;
    if let Some(path) = &args.backup {
        exit = backup(&journal, path, out)?;
    }
    if let Some(path) = &args.checkpoint {
        let checkpoint = journal.checkpoint()?;
        let mut file = guard::new_file(path)?;
        let written = serde_json::to_writer(&mut file, &checkpoint)
            .map_err(std::io::Error::from)
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all());
        written.with_context(|| format!("{} cannot be written", path.display()))?;
        out.note(&format!("{}: checkpoint at entry {}", path.display(), checkpoint.head));
    }
    if let (Some(path), Some(incident)) = (&args.proof, args.incident) {
        return proof::write(&Arc::new(journal), incident, path, out);
    }
    if let (Some(folder), Some(incident)) = (&args.folder, args.incident) {
        let journal: SharedJournal = Arc::new(SqliteJournal::open_read_only(&config.journal)?);
        exit =
            bundle::write(&journal, &bundle::Wanted { incident, since: args.since, as_of: args.as_of }, folder, out)?;
    }
    let usual = || config::SOURCE.to_owned();
    let source = args.cdevents.then(|| config.cdevents.as_ref().map_or_else(usual, |told| told.source.clone()));
    match args.out.as_deref() {
        None => {}
        Some(path) if path == Path::new("-") => {
            entries(&journal, args, source.as_deref(), |line| Ok(out.bytes(line.as_bytes())?))?;
        }
        Some(path) => {
            let mut file = BufWriter::new(guard::new_file(path)?);
            let written = entries(&journal, args, source.as_deref(), |line| Ok(file.write_all(line.as_bytes())?));
            let synced = written.and_then(|n| {
                file.flush()?;
                file.get_ref().sync_all()?;
                Ok(n)
            });
            let count = synced.with_context(|| format!("{} cannot be written", path.display()))?;
            out.note(&format!("{}: {count} entries", path.display()));
        }
    }
    Ok(exit)
}

/// A copy that does not verify is kept, but said to be broken: it may be all that is left.
fn backup(journal: &SqliteJournal, path: &Path, out: &mut Out) -> anyhow::Result<Exit> {
    journal.backup(path)?;
    let verdict = SqliteJournal::open_read_only(path)?.verify(None, &mut |_, _| {})?;
    if let Some(broken) = verdict.broken {
        let path = path.display();
        out.note(&format!("{path}: the copy is broken at entry {}, as the journal is: {}", broken.seq, broken.what));
        return Ok(Exit::FoundWrong);
    }
    out.note(&format!("{}: a copy of {} entries, every link holds", path.display(), verdict.checked));
    Ok(Exit::Good)
}

/// One exported entry.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    writer: String,
    at: Time,
    arrived: Time,
    kind: &'a str,
    key: &'a str,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
    /// Base64, where the stored body is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

/// Writes the entries asked for, and says how many.
fn entries(
    journal: &SqliteJournal,
    args: &Args,
    source: Option<&str>,
    mut write: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let through = Some(journal.head()?);
    let kinds = source.map_or_else(Vec::new, |_| approvals::KINDS.to_vec());
    let mut query = Query { kinds, through, term: args.incident.map(term::incident), ..Query::default() };
    let mut count = 0;
    loop {
        let page = journal.read(&query)?;
        let Some(last) = page.last() else { return Ok(count) };
        query.after = last.seq;
        for record in page.iter().filter(|record| args.since.is_none_or(|since| record.at >= since)) {
            let text = match source {
                None => Some(line(record)?),
                Some(source) => {
                    let event = approvals::event(journal, record, source)?;
                    event.map(|event| serde_json::to_string(&event)).transpose()?
                }
            };
            if let Some(text) = text {
                write(&visible(&text))?;
                count += 1;
            }
        }
    }
}

/// An entry as JSON.
fn line(record: &Record) -> anyhow::Result<String> {
    use base64::Engine as _;
    let body: Option<&RawValue> = serde_json::from_slice(&record.body).ok();
    let bytes = body.is_none().then(|| base64::engine::general_purpose::STANDARD.encode(&record.body));
    Ok(serde_json::to_string(&Line {
        seq: record.seq.0,
        writer: record.writer.to_string(),
        at: record.at,
        arrived: record.arrived,
        kind: record.kind.name(),
        key: &record.key,
        digest: record.digest.to_string(),
        body,
        bytes,
    })?)
}

/// JSON as one line in which every character that a terminal could obey or hide is a `\u` escape.
fn visible(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    let (mut one, mut units) = ([0; 4], [0; 2]);
    for c in text.chars() {
        // Outside strings JSON is plain ASCII, so whatever needs an escape is in a string, where it may have one.
        let shown = (' '..='~').contains(&c) || {
            let c: &str = c.encode_utf8(&mut one);
            Untrusted::from(c).show(Policy::Prose).as_str() == c
        };
        if shown {
            safe.push(c);
        } else if c == '\n' || c == '\r' || c == '\t' {
            safe.push(' '); // white space between the parts of a body; in strings it is escaped already
        } else {
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}"); // a String takes everything
            }
        }
    }
    safe.push('\n');
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Note;
    use crate::journal::Draft;

    #[test]
    fn a_line_is_the_entry_and_nothing_a_terminal_obeys() {
        let journal = SqliteJournal::in_memory().unwrap();
        let text = "a\u{1b}[2J\u{202e}b\u{9b}c\u{7f}\u{e0041} größe";
        let note = Note { incident: None, author: "x".into(), text: text.into() };
        journal.append(vec![Draft::new(Time::UNIX_EPOCH, "k\u{200b}".into(), &note.into())]).unwrap();
        let record = &journal.read(&Query::default()).unwrap()[0];
        let line = visible(&line(record).unwrap());
        assert!(line.trim_end().chars().all(|c| (' '..='~').contains(&c) || "öß".contains(c)), "{line:?}");
        let back: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["body"]["text"], text);
        assert_eq!(back["key"], "k\u{200b}");
        assert_eq!(back["seq"], 1);
    }
}
