//! The hash chain: how a link is computed, and the walk that checks one link after the other.
//!
//! A link is the SHA-256 over everything an entry says and two digests before it: the link of the entry just before
//! (whoever wrote it) and the previous link of the same writer. So each writer's entries form a chain, and the last
//! digest of the journal speaks for every entry in it. A writer's first link takes the digest of the journal as it
//! found it for its own previous one.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::{Broken, Checkpoint};
use crate::event::{Digest, Seq, Time, WriterId};

/// Begins every hashed text, so that a link can be mistaken for nothing else.
const DOMAIN: &[u8] = b"warroom entry 1\n";

/// The digest before the first entry.
pub const NOTHING: Digest = Digest([0; 32]);

/// What a link vouches for, besides the links before it.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Its place.
    pub seq: Seq,
    /// Who wrote it.
    pub writer: WriterId,
    /// Its place among the writer's entries: 1, 2, 3 …
    pub place: u64,
    /// When it happened.
    pub at: Time,
    /// When it arrived, nanoseconds since 1970.
    pub arrived: i64,
    /// The stored name of its kind.
    pub kind: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Its index terms, one a line.
    pub terms: &'a str,
    /// The SHA-256 of its body.
    pub body: Digest,
}

impl Said<'_> {
    /// The link: `before` is the link of the entry before, `previous` the writer's own last one.
    #[must_use]
    pub fn link(&self, before: &Digest, previous: &Digest) -> Digest {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        hash.update(before.0);
        hash.update(previous.0);
        hash.update(self.seq.0.to_be_bytes());
        hash.update(self.writer.0);
        hash.update(self.place.to_be_bytes());
        hash.update(self.at.as_second().to_be_bytes());
        hash.update(self.at.subsec_nanosecond().to_be_bytes());
        hash.update(self.arrived.to_be_bytes());
        for text in [self.kind, self.key, self.terms] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        hash.update(self.body.0);
        Digest(hash.finalize().into())
    }
}

/// The end of one writer's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The place of its last entry in the journal.
    pub seq: Seq,
    /// The place among its own.
    pub place: u64,
    /// Its last link.
    pub digest: Digest,
}

/// Goes from the first entry to the last and stops at the first fault.
#[derive(Debug)]
pub struct Walk {
    tails: HashMap<WriterId, Tail>,
    last: Seq,
    digest: Digest,
    against: Option<Checkpoint>,
}

impl Walk {
    /// A walk that also has to pass by `against`.
    #[must_use]
    pub fn new(against: Option<&Checkpoint>) -> Self {
        Self { tails: HashMap::new(), last: Seq(0), digest: NOTHING, against: against.cloned() }
    }

    /// The last place passed.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.last
    }

    /// The place that has to come next, before its content is looked at.
    ///
    /// # Errors
    /// When another one comes.
    pub fn expects(&self, seq: Seq) -> Result<(), Broken> {
        let next = Seq(self.last.0 + 1);
        if seq == next {
            return Ok(());
        }
        let what = format!("the entry is missing: after {} comes {seq}", self.last);
        Err(Broken { seq: next, what })
    }

    /// Passes one entry with its stored link.
    ///
    /// # Errors
    /// The fault found here.
    pub fn step(&mut self, said: &Said<'_>, stored: &Digest) -> Result<(), Broken> {
        self.expects(said.seq)?;
        let broken = |what: String| Err(Broken { seq: said.seq, what });
        let tail = self.tails.get(&said.writer);
        let place = tail.map_or(0, |tail| tail.place) + 1;
        if said.place != place {
            return broken(format!("it should be entry {place} of its writer and says it is entry {}", said.place));
        }
        let previous = tail.map_or(self.digest, |tail| tail.digest);
        let link = said.link(&self.digest, &previous);
        if link != *stored {
            return broken("its content is not what was recorded: the link of the chain does not match".into());
        }
        if let Some(checkpoint) = self.against.as_ref().filter(|c| c.head == said.seq && c.digest != link) {
            return broken(format!(
                "the history was replaced: a checkpoint of {} has another digest for this entry",
                checkpoint.at
            ));
        }
        self.tails.insert(said.writer, Tail { seq: said.seq, place, digest: link });
        self.last = said.seq;
        self.digest = link;
        Ok(())
    }

    /// After the last entry: holds the ends against what the store and the checkpoint say they are.
    ///
    /// # Errors
    /// The fault found.
    pub fn finish(self, heads: &HashMap<WriterId, Tail>) -> Result<(), Broken> {
        let next = Seq(self.last.0 + 1);
        let cut = heads.values().map(|head| head.seq).filter(|seq| *seq > self.last).max();
        if let Some(cut) = cut {
            let what = format!("the end is missing: {cut} entries were recorded, the last one found is {}", self.last);
            return Err(Broken { seq: next, what });
        }
        if let Some(checkpoint) = self.against.filter(|c| c.head > self.last) {
            let what = format!(
                "the journal was rolled back: a checkpoint of {} knows {} entries, the last one found is {}",
                checkpoint.at, checkpoint.head, self.last
            );
            return Err(Broken { seq: next, what });
        }
        let mut odd: Vec<Broken> = Vec::new();
        for (writer, tail) in &self.tails {
            if heads.get(writer) != Some(tail) {
                odd.push(Broken { seq: tail.seq, what: format!("it is not the recorded end of writer {writer}") });
            }
        }
        for (writer, head) in heads.iter().filter(|(writer, _)| !self.tails.contains_key(*writer)) {
            odd.push(Broken { seq: head.seq, what: format!("no entry of writer {writer} is left") });
        }
        odd.into_iter().min_by_key(|broken| broken.seq).map_or(Ok(()), Err)
    }
}
