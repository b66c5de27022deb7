//! How bodies are stored: as they are, compressed, in a blob of their own, or without what others have too. Prepared on the thread that appends,
//! so that the one writer only writes.

use sha2::{Digest as _, Sha256};
use zstd::bulk::Compressor;

use super::parts::{self, Chunk, Met};
use crate::event::{Digest, Kind, Time};
use crate::journal::{Draft, JournalError, limits};

/// Bodies up to here are stored as they are.
const PLAIN: usize = 1 << 10;
/// Bodies over this are stored once for all entries that have them.
const BLOB: usize = 64 << 10;
/// The compressor's level: telemetry arrives faster than it is read.
const LEVEL: i32 = 1;
/// So many bytes of its SHA-256 follow a compressed frame, because a frame has bits that decide nothing.
const CHECK: usize = 8;

/// A body as it will be stored.
#[derive(Debug)]
pub(super) enum Stored {
    /// As it is.
    Plain(Vec<u8>),
    /// Compressed, with its check.
    Packed(Vec<u8>),
    /// Compressed, with its check, in `blobs`.
    Blob(Vec<u8>),
    /// Without the texts it shares with others (`parts`), and those.
    Parts(Vec<u8>, Vec<Chunk>),
}

impl Stored {
    /// The number in the column `coding`.
    pub(super) fn coding(&self) -> i64 {
        match self {
            Self::Plain(_) => 0,
            Self::Packed(_) => 1,
            Self::Blob(_) => 2,
            Self::Parts(..) => 3,
        }
    }
}

impl Stored {
    /// About how many bytes it keeps in memory.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Plain(bytes) | Self::Packed(bytes) | Self::Blob(bytes) => bytes.len(),
            Self::Parts(bytes, chunks) => bytes.len() + chunks.iter().map(Chunk::weight).sum::<usize>(),
        }
    }
}

/// A draft ready to be written.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) at: Time,
    pub(super) key: String,
    pub(super) key_hash: [u8; 16],
    pub(super) kind: Kind,
    /// One a line, sorted, without repetition.
    pub(super) terms: String,
    pub(super) body: Digest,
    pub(super) stored: Stored,
}

impl Row {
    /// About how many bytes it keeps in memory.
    pub(super) fn weight(&self) -> usize {
        self.stored.weight() + self.key.len() + self.terms.len() + 128
    }
}

/// The name of a key in the index of keys.
pub(super) fn key_hash(key: &str) -> [u8; 16] {
    let mut hash = [0; 16];
    hash.copy_from_slice(&Sha256::digest(key.as_bytes())[..16]);
    hash
}

/// Makes drafts ready, in their order.
pub(super) fn prepare(drafts: Vec<Draft>, met: &Met) -> Result<Vec<Row>, JournalError> {
    let mut compressor = None;
    drafts.into_iter().map(|draft| row(draft, met, &mut compressor)).collect()
}

fn row(draft: Draft, met: &Met, compressor: &mut Option<Compressor<'static>>) -> Result<Row, JournalError> {
    let Draft { at, key, kind, body, terms } = draft;
    bounded("its key", key.len(), limits::KEY)?;
    bounded("its body", body.len(), limits::BODY)?;
    bounded("its index terms", terms.len(), limits::TERMS)?;
    for term in &terms {
        bounded("an index term", term.len(), limits::TERM)?;
    }
    let digest = Digest::of(&body);
    let stored = store(kind, body, met, compressor)?;
    Ok(Row { at, key_hash: key_hash(&key), key, kind, terms: lines(terms), body: digest, stored })
}

fn bounded(what: &'static str, size: usize, limit: usize) -> Result<(), JournalError> {
    if size > limit { Err(JournalError::TooLarge { what, size, limit }) } else { Ok(()) }
}

/// The terms, one a line. A line feed in a term would make two of it, so it is stored as a blank.
fn lines(mut terms: Vec<String>) -> String {
    for term in terms.iter_mut().filter(|term| term.contains('\n')) {
        *term = one_line(term);
    }
    terms.retain(|term| !term.is_empty());
    terms.sort_unstable();
    terms.dedup();
    terms.join("\n")
}

/// How a term is spelled in the index.
pub(super) fn one_line(term: &str) -> String {
    term.replace('\n', " ")
}

/// What is left of an entry, as it will be stored: never plain, so that it has a check of its own.
pub(super) fn left(
    kind: Kind,
    body: &[u8],
    met: &Met,
    compressor: &mut Option<Compressor<'static>>,
) -> Result<Stored, JournalError> {
    bounded("what is left of it", body.len(), limits::BODY)?;
    if matches!(kind, Kind::Spans | Kind::Logs)
        && let Some((rest, chunks)) = parts::take_out(body, met, compressor)?
    {
        return Ok(Stored::Parts(rest, chunks));
    }
    Ok(Stored::Packed(pack(body, compressor)?))
}

fn store(
    kind: Kind,
    body: Vec<u8>,
    met: &Met,
    compressor: &mut Option<Compressor<'static>>,
) -> Result<Stored, JournalError> {
    if body.len() <= PLAIN {
        return Ok(Stored::Plain(body));
    }
    // What agents say repeats from span to span; nothing else holds long texts often enough to look.
    if matches!(kind, Kind::Spans | Kind::Logs)
        && let Some((rest, chunks)) = parts::take_out(&body, met, compressor)?
    {
        return Ok(Stored::Parts(rest, chunks));
    }
    let packed = pack(&body, compressor)?;
    Ok(if body.len() > BLOB {
        Stored::Blob(packed)
    } else if packed.len() < body.len() {
        Stored::Packed(packed)
    } else {
        Stored::Plain(body)
    })
}

/// Compresses `bytes` and adds the check.
pub(super) fn pack(bytes: &[u8], compressor: &mut Option<Compressor<'static>>) -> Result<Vec<u8>, JournalError> {
    let failed = |error: std::io::Error| JournalError::Store { path: "zstd".into(), error: error.to_string() };
    if compressor.is_none() {
        *compressor = Some(Compressor::new(LEVEL).map_err(failed)?);
    }
    let mut packed = match compressor {
        Some(compressor) => compressor.compress(bytes).map_err(failed)?,
        None => Vec::new(),
    };
    let check = Sha256::digest(&packed);
    packed.extend_from_slice(&check[..CHECK]);
    // The compressor reserves for the worst case; thousands of rows may wait.
    packed.shrink_to_fit();
    Ok(packed)
}

/// The content of what [`pack`] made.
///
/// # Errors
/// In words, what is wrong with the bytes.
pub(super) fn unpack(stored: &[u8]) -> Result<Vec<u8>, String> {
    let (frame, check) = stored.len().checked_sub(CHECK).map(|end| stored.split_at(end)).ok_or("it is too short")?;
    if Sha256::digest(frame)[..CHECK] != *check {
        return Err("its compressed bytes were altered".into());
    }
    let size = zstd::zstd_safe::get_frame_content_size(frame)
        .ok()
        .flatten()
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= limits::BODY)
        .ok_or("its length is not readable")?;
    zstd::bulk::decompress(frame, size).map_err(|error| format!("it does not decompress: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert_eq!(unpack(&pack(&bytes, &mut None).unwrap()).unwrap(), bytes);
        }

        #[test]
        fn every_altered_byte_is_seen(size in 1025_usize..3000, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let bytes: Vec<u8> = (0..size).map(|i| u8::try_from(i % 7).unwrap()).collect();
            let mut packed = pack(&bytes, &mut None).unwrap();
            let at = at.index(packed.len());
            packed[at] ^= 1 << bit;
            prop_assert!(unpack(&packed).is_err());
        }
    }
}
