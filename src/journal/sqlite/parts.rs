//! Long texts that repeat are stored once: system prompts, tool definitions, what was said so far, the results of tools.
//!
//! A body is JSON. Long strings in it are cut where their own content says (a rolling hash, so that the same text is cut in the
//! same places wherever it stands), and a piece that an earlier body had too goes into `chunks` under its SHA-256. The body keeps
//! the rest and the places of its pieces. What comes once is never taken out: there the compressor does better. The link of the
//! chain vouches for the whole body as it was, however it is stored.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};
use zstd::bulk::Compressor;

use super::coding::{pack, unpack};
use super::values::place;
use crate::event::{Digest, Seq};
use crate::journal::{JournalError, limits};

/// Shorter strings stay where they are.
const STRING: usize = 1 << 10;
/// No piece is shorter than this, unless a string ends …
const SHORTEST: usize = 1 << 10;
/// … and what is left at the end of one is worth a place of its own from here on.
const TAIL: usize = 256;
/// No piece is longer.
const LONGEST: usize = 32 << 10;
/// A cut comes after every 4 KiB or so beyond the shortest: where the upper bits of the rolling hash are all zero.
const CUT: u64 = 0xFFF0_0000_0000_0000;
/// Pieces remembered as met, in each of two generations.
const MET: usize = 1 << 16;

/// What the rolling hash adds for each byte; any fixed, well mixed numbers do.
const GEAR: [u64; 256] = {
    let mut gear = [0; 256];
    let mut state: u64 = 0x5851_F42D_4C95_7F2D;
    let mut i = 0;
    while i < gear.len() {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        gear[i] = mixed ^ (mixed >> 31);
        i += 1;
    }
    gear
};

/// The pieces met in earlier bodies, as far as they are remembered: two generations, so that forgetting costs nothing.
#[derive(Debug, Default)]
pub(super) struct Met(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<u64, bool>,
    old: HashMap<u64, bool>,
}

impl Met {
    /// Of each of `hashes`: whether it was met before, and whether it was taken out then already. From now on it was.
    fn meet(&self, hashes: &[u64]) -> Vec<Option<bool>> {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before: Vec<Option<bool>> =
            hashes.iter().map(|hash| met.young.get(hash).or_else(|| met.old.get(hash)).copied()).collect();
        for (hash, before) in hashes.iter().zip(&before) {
            met.young.insert(*hash, before.is_some());
        }
        if met.young.len() > MET {
            met.old = std::mem::take(&mut met.young);
        }
        before
    }
}

/// A piece that a body shares with others.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) digest: Digest,
    pub(super) content: Content,
}

/// What has to be written where nobody has it yet.
#[derive(Debug)]
pub(super) enum Content {
    /// As it will be stored.
    Packed(Vec<u8>),
    /// It should be there already: packed only if it is not.
    Raw(Vec<u8>),
}

impl Chunk {
    /// About how many bytes it keeps in memory.
    pub(super) fn weight(&self) -> usize {
        let (Content::Packed(bytes) | Content::Raw(bytes)) = &self.content;
        bytes.len() + 64
    }

    /// What is written.
    fn stored(&self) -> Result<Cow<'_, [u8]>, JournalError> {
        Ok(match &self.content {
            Content::Packed(bytes) => bytes.into(),
            Content::Raw(bytes) => pack(bytes, &mut None)?.into(),
        })
    }
}

/// So many entries may pass before it is written down anew that a chunk is still in use.
const STALE: u64 = 4_096;

/// Sees to it that `chunk` is there for the entry at `seq`.
pub(super) fn keep(connection: &Connection, chunk: &Chunk, seq: Seq) -> rusqlite::Result<()> {
    let last: Option<u64> = connection
        .prepare_cached("SELECT last FROM chunks WHERE digest = ?1")?
        .query_row([chunk.digest.0], |row| row.get(0))
        .optional()?;
    match last {
        Some(last) if last + STALE >= seq.0 => {}
        Some(_) => {
            connection
                .prepare_cached("UPDATE chunks SET last = ?2 WHERE digest = ?1")?
                .execute(params![chunk.digest.0, place(seq)])?;
        }
        None => {
            let stored = chunk.stored().map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
            connection
                .prepare_cached("INSERT INTO chunks (digest, last, stored) VALUES (?1, ?2, ?3)")?
                .execute(params![chunk.digest.0, place(seq), stored])?;
        }
    }
    Ok(())
}

/// A stored body with its parts put back; the inner error says in words what is wrong with it.
pub(super) fn whole(connection: &Connection, stored: &[u8]) -> rusqlite::Result<Result<Vec<u8>, String>> {
    let (digests, rest) = match needs(stored) {
        Ok(needs) => needs,
        Err(error) => return Ok(Err(error)),
    };
    let mut statement = connection.prepare_cached("SELECT stored FROM chunks WHERE digest = ?1")?;
    let mut chunks = Vec::with_capacity(digests.len());
    for digest in digests {
        let stored: Option<Vec<u8>> = statement.query_row([digest.0], |row| row.get(0)).optional()?;
        match stored.map(|stored| unpack(&stored)) {
            Some(Ok(content)) => chunks.push(content),
            Some(Err(error)) => return Ok(Err(format!("a part of it is bad: {error}"))),
            None => return Ok(Err("a part of it is missing".into())),
        }
    }
    Ok(put_back(rest, &chunks))
}

/// Up to `most` chunks that no entry needs any more. Every entry through `through` has been looked at by whoever let go of
/// some; entries behind it have said that they use a chunk when they were written.
pub(super) fn unused(connection: &Connection, through: Seq, most: usize) -> rusqlite::Result<Vec<Digest>> {
    let before = place(Seq(through.0.saturating_sub(STALE + 1)));
    let mut statement = connection.prepare("SELECT digest FROM chunks WHERE last < ?1")?;
    let mut old: HashSet<Digest> =
        statement.query_map([before], |row| row.get(0).map(Digest))?.collect::<rusqlite::Result<_>>()?;
    if old.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare("SELECT body FROM entries WHERE coding IN (3, 5) AND seq <= ?1")?;
    let mut rows = statement.query([place(through)])?;
    while let Some(row) = rows.next()? {
        if let Ok((digests, _)) = needs(row.get_ref(0)?.as_blob()?) {
            for digest in digests {
                old.remove(&digest);
            }
        }
    }
    Ok(old.into_iter().take(most).collect())
}

/// Drops `chunks`, unless one came into use again meanwhile.
pub(super) fn sweep(connection: &Connection, chunks: &[Digest], through: Seq) -> rusqlite::Result<u64> {
    let before = place(Seq(through.0.saturating_sub(STALE + 1)));
    let mut statement = connection.prepare_cached("DELETE FROM chunks WHERE digest = ?1 AND last < ?2")?;
    let mut gone = 0;
    for digest in chunks {
        gone += statement.execute(params![digest.0, before])? as u64;
    }
    Ok(gone)
}

/// A body without what it shares, as it will be stored, and that.
pub(super) type Shared = (Vec<u8>, Vec<Chunk>);

/// `body` with what it shares taken out, and that; `None` when it shares nothing.
pub(super) fn take_out(
    body: &[u8],
    met: &Met,
    compressor: &mut Option<Compressor<'static>>,
) -> Result<Option<Shared>, JournalError> {
    let pieces = pieces(body);
    if pieces.is_empty() {
        return Ok(None);
    }
    let hash = |range: &Range<usize>| {
        let mut hasher = DefaultHasher::new();
        body[range.clone()].hash(&mut hasher);
        hasher.finish()
    };
    let hashes: Vec<u64> = pieces.iter().map(hash).collect();
    let before = met.meet(&hashes);
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut places: HashMap<u64, (usize, Range<usize>)> = HashMap::new();
    let (mut table, mut rest, mut at) = (Vec::new(), Vec::with_capacity(body.len() / 2), 0);
    for ((range, hash), before) in pieces.into_iter().zip(hashes).zip(before) {
        let Some(stored) = before else { continue };
        let text = &body[range.clone()];
        let nth = match places.get(&hash) {
            // Two texts of one hash are hardly ever, and are told apart.
            Some((nth, same)) if body[same.clone()] == *text => *nth,
            _ => {
                let content =
                    if stored { Content::Raw(text.to_vec()) } else { Content::Packed(pack(text, compressor)?) };
                chunks.push(Chunk { digest: Digest::of(text), content });
                places.insert(hash, (chunks.len() - 1, range.clone()));
                chunks.len() - 1
            }
        };
        rest.extend_from_slice(&body[at..range.start]);
        for number in [rest.len(), nth] {
            table.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
        }
        at = range.end;
    }
    if chunks.is_empty() {
        return Ok(None);
    }
    rest.extend_from_slice(&body[at..]);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
    let mut packed = count(table.len() / 8).to_vec();
    packed.extend(table);
    packed.extend(rest);
    let mut stored = count(chunks.len()).to_vec();
    for chunk in &chunks {
        stored.extend_from_slice(&chunk.digest.0);
    }
    stored.extend(pack(&packed, compressor)?);
    Ok(Some((stored, chunks)))
}

/// The digests of the pieces that a stored body needs, and the rest of it.
///
/// # Errors
/// In words, what is wrong with the bytes.
pub(super) fn needs(stored: &[u8]) -> Result<(Vec<Digest>, &[u8]), String> {
    let short = || "it is too short".to_owned();
    let (count, after) = stored.split_first_chunk::<4>().ok_or_else(short)?;
    let length = usize::try_from(u32::from_be_bytes(*count)).unwrap_or(usize::MAX).saturating_mul(32);
    let (digests, rest) = after.split_at_checked(length).ok_or_else(short)?;
    let digest = |bytes: &[u8]| {
        let mut digest = [0; 32];
        digest.copy_from_slice(bytes);
        Digest(digest)
    };
    Ok((digests.chunks_exact(32).map(digest).collect(), rest))
}

/// The body: `rest` is what [`needs`] left, `chunks` are the pieces it named, in their order.
///
/// # Errors
/// In words, what is wrong with the bytes.
pub(super) fn put_back(rest: &[u8], chunks: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let odd = || "the places of its parts are odd".to_owned();
    let packed = unpack(rest)?;
    let (count, after) = packed.split_first_chunk::<4>().ok_or_else(odd)?;
    let length = usize::try_from(u32::from_be_bytes(*count)).unwrap_or(usize::MAX).saturating_mul(8);
    let (table, rest) = after.split_at_checked(length).ok_or_else(odd)?;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number: usize, byte| number << 8 | usize::from(*byte));
    let (mut body, mut at) = (Vec::with_capacity(rest.len() * 2), 0);
    for entry in table.chunks_exact(8) {
        let (place, nth) = (number(&entry[..4]), number(&entry[4..]));
        body.extend_from_slice(rest.get(at..place).ok_or_else(odd)?);
        body.extend_from_slice(chunks.get(nth).ok_or_else(odd)?);
        if body.len() > limits::BODY {
            return Err("it is longer than any entry".into());
        }
        at = place;
    }
    body.extend_from_slice(&rest[at..]);
    Ok(body)
}

/// Where the long strings of a JSON text are cut.
fn pieces(body: &[u8]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(open) = quote(body, at) {
        let Some(close) = quote(body, open + 1) else { break };
        if close - open > STRING {
            cut(body, open + 1..close, &mut pieces);
        }
        at = close + 1;
    }
    pieces
}

/// The next quote that is not escaped, from inside or outside a string.
fn quote(body: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

fn cut(body: &[u8], string: Range<usize>, pieces: &mut Vec<Range<usize>>) {
    let (mut start, mut hash) = (string.start, 0_u64);
    let mut at = start + SHORTEST.min(string.len());
    while at < string.end {
        hash = (hash << 1).wrapping_add(GEAR[usize::from(body[at])]);
        at += 1;
        if (hash & CUT == 0 || at - start >= LONGEST) && string.end - at >= TAIL {
            pieces.push(start..at);
            start = at;
            hash = 0;
            at = (start + SHORTEST).min(string.end);
        }
    }
    if string.end - start >= TAIL {
        pieces.push(start..string.end);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Text without repetition, as long as wanted.
    fn prose(seed: u64, length: usize) -> String {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut text = String::new();
        while text.len() < length {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            write!(text, "word{:x} ", state >> 40).unwrap();
        }
        text.truncate(length);
        text
    }

    fn back(stored: &[u8], chunks: &[Chunk]) -> Result<Vec<u8>, String> {
        let (digests, rest) = needs(stored)?;
        let content = |digest: &Digest| {
            let chunk = chunks.iter().find(|chunk| chunk.digest == *digest).ok_or("missing")?;
            unpack(&chunk.stored().map_err(|error| error.to_string())?)
        };
        put_back(rest, &digests.iter().map(content).collect::<Result<Vec<_>, _>>()?)
    }

    #[test]
    fn what_comes_once_stays_and_what_comes_again_is_taken_out_and_put_back() {
        let met = Met::default();
        let prompt = prose(1, 20_000);
        let body = |n: u64| json!({"prompt": prompt, "said": prose(n + 10, 3_000), "n": n}).to_string().into_bytes();
        assert!(take_out(&body(0), &met, &mut None).unwrap().is_none(), "nothing was met before");
        for n in 1..4 {
            let body = body(n);
            let (stored, chunks) = take_out(&body, &met, &mut None).unwrap().unwrap();
            assert!(stored.len() < 3_500, "the prompt is elsewhere: {}", stored.len());
            assert_eq!(back(&stored, &chunks).unwrap(), body);
            let raw = chunks.iter().filter(|chunk| matches!(chunk.content, Content::Raw(_))).count();
            assert_eq!(raw, if n == 1 { 0 } else { chunks.len() }, "packed once");
        }
    }

    #[test]
    fn a_text_is_found_again_behind_another_and_grown_at_its_end() {
        let met = Met::default();
        let (history, more) = (prose(1, 60_000), prose(2, 4_000));
        take_out(&json!([history]).to_string().into_bytes(), &met, &mut None).unwrap();
        let longer = json!([format!("{}{history}{more}", prose(3, 777))]).to_string().into_bytes();
        let (stored, chunks) = take_out(&longer, &met, &mut None).unwrap().unwrap();
        let shared: usize = chunks.iter().map(|chunk| unpack(&chunk.stored().unwrap()).unwrap().len()).sum();
        assert!(shared > 40_000, "{shared} in {} pieces", chunks.len());
        assert_eq!(back(&stored, &chunks).unwrap(), longer);
        // All but the first and the last piece of 60 000 bytes are known.
        let kept: usize = pieces(&longer).iter().map(ExactSizeIterator::len).filter(|length| *length > LONGEST).sum();
        assert_eq!(kept, 0);
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(texts in proptest::collection::vec("[a-z\\\\\"é ]{0,40}", 1..5), times in 1_usize..400) {
            let met = Met::default();
            let body = json!(texts.iter().map(|text| text.repeat(times)).collect::<Vec<_>>()).to_string().into_bytes();
            take_out(&body, &met, &mut None).unwrap();
            if let Some((stored, chunks)) = take_out(&body, &met, &mut None).unwrap() {
                prop_assert_eq!(back(&stored, &chunks).unwrap(), body);
            }
        }

        #[test]
        fn broken_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((digests, rest)) = needs(&bytes) {
                let _whatever = put_back(rest, &vec![Vec::new(); digests.len()]);
            }
            let _whatever = pieces(&bytes);
        }
    }
}
