//! A part of the record with its chain of custody, as a file that anybody can check without the journal.
//!
//! The chain is linear: a link hashes what an entry says, the link before it and the last link of the same writer. So that some
//! entries are part of it is proved by all links from the first of them to the head: of an entry that is none of them its place,
//! times, writer, kind, key and terms, and the digest of what it says, but not what it says. One line of JSON each, in one
//! spelling; the last line is the digest of all lines before it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Checkpoint;
use super::chain::Said;
use crate::event::{Digest, Seq, Time, WriterId};

/// The format.
const FORMAT: u32 = 1;
/// No line is longer, bytes.
const LONGEST: u64 = 256 * 1024 * 1024;
/// What such a file proves, and what not.
pub const STATEMENT: &str = "This file proves that the entries whose content it holds stand, unaltered and in this order, in the chain of the \
journal that ends in the head named here, and that no entry of that stretch which names the incident was left out. It does not prove \
that what they say is true, nor that the clock of the machine was right, nor who ran the export: that is the exporter's word. It is not \
signed: to rule out that the whole chain was made up afterwards, hold the head, or any entry of it, against a checkpoint that was kept elsewhere \
(warroom verify FILE --checkpoint CHECKPOINT).";

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The format of the file.
    pub warroom_proof: u32,
    /// The incident.
    pub incident: u64,
    /// When it was exported, by the exporter's clock.
    pub exported_at: Time,
    /// The login that exported it.
    pub exported_by: String,
    /// By what that login is known, such as `uid`.
    pub known_by: String,
    /// The program that wrote it.
    pub program: String,
    /// The link before the first one here.
    pub before: Digest,
    /// The head of the chain.
    pub head: Checkpoint,
    /// What it proves.
    pub statement: String,
}

impl Header {
    /// The first line of a proof about `incident` up to `head`.
    #[must_use]
    pub fn new(
        incident: u64,
        exported_at: Time,
        exported_by: &str,
        known_by: &str,
        before: Digest,
        head: Checkpoint,
    ) -> Self {
        Self {
            warroom_proof: FORMAT,
            incident,
            exported_at,
            exported_by: exported_by.to_owned(),
            known_by: known_by.to_owned(),
            program: format!("warroom {}", env!("CARGO_PKG_VERSION")),
            before,
            head,
            statement: STATEMENT.to_owned(),
        }
    }
}

/// One link of the chain, with what its entry says where it is of the incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its place in the journal.
    pub seq: Seq,
    /// Who wrote it.
    pub writer: WriterId,
    /// Its place among the writer's.
    pub place: u64,
    /// When it happened.
    pub at: Time,
    /// When it arrived, nanoseconds since 1970.
    pub arrived: i64,
    /// Its kind.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// Its index terms, one a line.
    pub terms: String,
    /// The SHA-256 of what it says.
    pub body_sha256: Digest,
    /// The link.
    pub digest: Digest,
    /// The last link of its writer, where that stands before this file begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// Why its content is here: it names the incident, or it is an alert, a change or runs of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it says; absent of entries that are none of the incident, and of what was let go of since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Link {
    fn names(&self, incident: u64) -> bool {
        let term = super::term::incident(incident);
        self.terms.lines().any(|line| line == term)
    }

    fn link(&self, before: &Digest, previous: &Digest) -> Digest {
        Said {
            seq: self.seq,
            writer: self.writer,
            place: self.place,
            at: self.at,
            arrived: self.arrived,
            kind: &self.kind,
            key: &self.key,
            terms: &self.terms,
            body: self.body_sha256,
        }
        .link(before, previous)
    }
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    /// Links in the file.
    links: u64,
    /// Those of them with content.
    entries: u64,
    /// The SHA-256 of every byte before this line.
    sha256: Digest,
}

/// Writes a proof line by line.
pub struct Writer<W> {
    to: W,
    hash: Sha256,
    links: u64,
    entries: u64,
    /// The last link of each writer that has been written.
    tails: HashMap<WriterId, Digest>,
}

impl<W: Write> Writer<W> {
    /// Writes the first line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(to: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self { to, hash: Sha256::new(), links: 0, entries: 0, tails: HashMap::new() };
        writer.line(header)?;
        Ok(writer)
    }

    fn line(&mut self, what: &impl Serialize) -> io::Result<()> {
        let line = spelled(what)?;
        self.hash.update(line.as_bytes());
        self.to.write_all(line.as_bytes())
    }

    /// Writes the next link. Its `previous` is kept only where the file does not tell it already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn link(&mut self, mut link: Link) -> io::Result<()> {
        if self.tails.insert(link.writer, link.digest).is_some() {
            link.previous = None;
        }
        self.links += 1;
        self.entries += u64::from(link.why.is_some());
        self.line(&link)
    }

    /// Writes the last line; gives back what it wrote to, how many links and how many entries with content.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(mut self) -> io::Result<(W, u64, u64)> {
        let sha256 = Digest(self.hash.finalize().into());
        let end = End { links: self.links, entries: self.entries, sha256 };
        self.to.write_all(spelled(&end)?.as_bytes())?;
        self.to.flush()?;
        Ok((self.to, self.links, self.entries))
    }
}

/// A line in the one spelling there is: fields in order, no blanks, nothing but printable ASCII.
fn spelled(what: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string(what)?;
    let mut line = String::with_capacity(text.len() + 1);
    let mut units = [0; 2];
    for c in text.chars() {
        if (' '..='~').contains(&c) {
            line.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(line, "\\u{unit:04x}"); // a String takes everything
            }
        }
    }
    line.push('\n');
    Ok(line)
}

/// What a proof that holds says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proved {
    /// Its first line.
    pub header: Header,
    /// Links that were followed.
    pub links: u64,
    /// Entries whose content is here.
    pub entries: u64,
    /// Entries of the incident whose content was let go of since: their links hold, what they said is not here.
    pub let_go: u64,
    /// The place of the first link.
    pub first: Seq,
    /// Whether a checkpoint kept elsewhere knows the same chain; `None` = none was given.
    pub checkpoint: Option<bool>,
}

/// The first thing in a proof that does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("line {line}{}, field {field}, byte {byte}: {what}", .entry.map(|seq| format!(" (entry {seq})")).unwrap_or_default())]
pub struct Fault {
    /// The line, from 1.
    pub line: u64,
    /// The entry, where the line can be read as one.
    pub entry: Option<Seq>,
    /// The field.
    pub field: String,
    /// The byte of the file, from 0: the one that is wrong where that can be told, else where the field begins.
    pub byte: u64,
    /// What does not hold.
    pub what: String,
}

/// One line as it is read.
struct Line {
    number: u64,
    offset: u64,
    bytes: Vec<u8>,
}

impl Line {
    /// A fault of a field of this line; `at` = the byte in the line, where it can be told better than by the field's name.
    fn fault(&self, entry: Option<Seq>, field: &str, at: Option<usize>, what: impl Into<String>) -> Fault {
        let name = format!("\"{field}\":");
        let found = || self.bytes.windows(name.len()).position(|part| part == name.as_bytes());
        let at = at.or_else(found).unwrap_or(0);
        Fault { line: self.number, entry, field: field.to_owned(), byte: self.offset + at as u64, what: what.into() }
    }

    /// Reads it as what it should be, in the one spelling.
    fn read<T: for<'de> Deserialize<'de> + Serialize>(&self) -> Result<T, Fault> {
        let read: T = serde_json::from_slice(&self.bytes).map_err(|error| {
            let at = error.column().saturating_sub(1).min(self.bytes.len().saturating_sub(1));
            self.fault(None, &self.field_at(at), Some(at), format!("it cannot be read: {error}"))
        })?;
        let spelled = spelled(&read).unwrap_or_default();
        if spelled.as_bytes() != self.bytes {
            let same = spelled.bytes().zip(&self.bytes).take_while(|(a, b)| a == *b).count();
            return Err(self.fault(None, &self.field_at(same), Some(same), "it is not spelled as it was written"));
        }
        Ok(read)
    }

    /// The name of the field that holds a byte of the line.
    fn field_at(&self, at: usize) -> String {
        let before = String::from_utf8_lossy(&self.bytes[..at.min(self.bytes.len())]).into_owned();
        let name = before.rmatch_indices("\":").find_map(|(end, _)| {
            let name = before[..end].rsplit('"').next()?;
            let plain =
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
            plain.then(|| name.to_owned())
        });
        name.unwrap_or_else(|| "the whole line".to_owned())
    }
}

/// Checks a proof, without the journal; `against` is a checkpoint that was kept elsewhere. The inner error is the first fault.
///
/// # Errors
/// When the file cannot be read.
pub fn check(mut from: impl BufRead, against: Option<&Checkpoint>) -> io::Result<Result<Proved, Fault>> {
    let mut walk: Option<Walk> = None;
    let (mut number, mut offset) = (0, 0);
    let mut hash = Sha256::new();
    loop {
        let mut bytes = Vec::new();
        let read = io::Read::take(&mut from, LONGEST).read_until(b'\n', &mut bytes)?;
        number += 1;
        let line = Line { number, offset, bytes };
        offset += read as u64;
        if line.bytes.last() != Some(&b'\n') {
            let what = "the file ends before its last line, or in the middle of it";
            return Ok(Err(line.fault(None, "the whole line", Some(read.saturating_sub(1)), what)));
        }
        let Some(here) = &mut walk else {
            match Walk::begin(&line) {
                Ok(begun) => walk = Some(begun),
                Err(fault) => return Ok(Err(fault)),
            }
            hash.update(&line.bytes);
            continue;
        };
        if line.bytes.starts_with(b"{\"links\":") {
            let sha256 = Digest(hash.finalize().into());
            let mut rest = [0];
            let more = io::Read::read(&mut from, &mut rest)? > 0;
            return Ok(here.end(&line, sha256, more, against));
        }
        if let Err(fault) = here.step(&line, against) {
            return Ok(Err(fault));
        }
        hash.update(&line.bytes);
    }
}

/// How far the check is.
struct Walk {
    header: Header,
    last: Option<Link>,
    first: Seq,
    tails: HashMap<WriterId, (u64, Digest)>,
    links: u64,
    entries: u64,
    let_go: u64,
    met: bool,
}

impl Walk {
    fn begin(line: &Line) -> Result<Self, Fault> {
        let header: Header = line.read()?;
        if header.warroom_proof != FORMAT {
            let what = format!("this program checks format {FORMAT}: use the one that wrote it ({})", header.program);
            return Err(line.fault(None, "warroom_proof", None, what));
        }
        if header.statement != STATEMENT {
            return Err(line.fault(None, "statement", None, "it promises another thing than such a file proves"));
        }
        Ok(Self {
            header,
            last: None,
            first: Seq(0),
            tails: HashMap::new(),
            links: 0,
            entries: 0,
            let_go: 0,
            met: false,
        })
    }

    fn step(&mut self, line: &Line, against: Option<&Checkpoint>) -> Result<(), Fault> {
        let link: Link = line.read()?;
        let fault = |field: &str, what: String| Err(line.fault(Some(link.seq), field, None, what));
        let before = match &self.last {
            Some(last) if link.seq.0 != last.seq.0 + 1 => {
                return fault(
                    "seq",
                    format!("after entry {} comes {}: the links between are missing", last.seq, link.seq),
                );
            }
            Some(last) => last.digest,
            None => self.header.before,
        };
        let previous = match (self.tails.get(&link.writer), link.previous) {
            (Some((place, _)), _) if link.place != place + 1 => {
                return fault("place", format!("its writer's entry {place} came before it"));
            }
            (Some((_, digest)), None) => *digest,
            (None, Some(previous)) => previous,
            (Some(_), Some(_)) => return fault("previous", "its writer's last link is in this file".to_owned()),
            (None, None) => return fault("previous", "its writer's last link is missing".to_owned()),
        };
        if let Some(body) = &link.body
            && Digest::of(body.as_bytes()) != link.body_sha256
        {
            return fault("body", "what it says is not what its digest (body_sha256) was made of".to_owned());
        }
        if link.link(&before, &previous) != link.digest {
            let what = "its link is not made of what it says and of the links before it: one of seq, writer, place, at, \
                        arrived, kind, key, terms, body_sha256 or digest was altered, here or in the line before";
            return fault("digest", what.to_owned());
        }
        if link.why.is_none() && (link.names(self.header.incident) || link.body.is_some()) {
            let what = "it names the incident, and its content was left out, or it holds content without a reason";
            return fault("why", what.to_owned());
        }
        if let Some(checkpoint) = against.filter(|checkpoint| checkpoint.head == link.seq) {
            if checkpoint.digest != link.digest {
                let what = format!(
                    "a checkpoint of {} knows another link for this entry: the history was replaced",
                    checkpoint.at
                );
                return fault("digest", what);
            }
            self.met = true;
        }
        if self.last.is_none() {
            self.first = link.seq;
        }
        self.links += 1;
        self.entries += u64::from(link.why.is_some());
        self.let_go += u64::from(link.why.is_some() && link.body.is_none());
        self.tails.insert(link.writer, (link.place, link.digest));
        self.last = Some(Link { body: None, ..link });
        Ok(())
    }

    fn end(&self, line: &Line, sha256: Digest, more: bool, against: Option<&Checkpoint>) -> Result<Proved, Fault> {
        let end: End = line.read()?;
        let fault = |field: &str, what: &str| Err(line.fault(None, field, None, what));
        let reached = self.last.as_ref().map(|last| (last.seq, last.digest));
        if reached != Some((self.header.head.head, self.header.head.digest)) {
            return fault("links", "the links do not end in the head that the first line names");
        }
        if (end.links, end.entries) != (self.links, self.entries) {
            return fault("links", "it counts other links or entries than there are");
        }
        if end.sha256 != sha256 {
            return fault(
                "sha256",
                "the lines before are not those it was made of: something the links do not speak for, in the first line or in a reason, was altered",
            );
        }
        if more {
            return fault("the whole line", "something stands behind the last line");
        }
        Ok(Proved {
            header: self.header.clone(),
            links: self.links,
            entries: self.entries,
            let_go: self.let_go,
            first: self.first,
            checkpoint: against.map(|_| self.met),
        })
    }
}
