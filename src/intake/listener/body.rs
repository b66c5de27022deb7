//! Bodies: read within their limits of size, time and pace; decoded within the same limit of size.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::intake::limits;

/// Memory is counted in pieces of this many bytes.
pub(super) const UNIT: usize = 64 * 1024;

/// Why a body was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Longer than the limit, before or after decoding.
    TooLarge,
    /// Too slow.
    TooSlow,
    /// All bodies together hold too much memory.
    Busy,
    /// It broke off.
    BrokeOff,
    /// It is not encoded as it says: why.
    Undecodable(String),
}

/// A body in memory, and its share of the memory all bodies may hold.
pub(super) struct Held {
    pub bytes: Vec<u8>,
    memory: Arc<Semaphore>,
    share: Vec<OwnedSemaphorePermit>,
    units: usize,
}

impl Held {
    fn nothing(memory: Arc<Semaphore>) -> Self {
        Self { bytes: Vec::new(), memory, share: Vec::new(), units: 0 }
    }

    /// Makes room for `more` bytes.
    fn reserve(&mut self, more: usize) -> Result<(), Unread> {
        let units = (self.bytes.len() + more).div_ceil(UNIT);
        if let Some(missing) = units.checked_sub(self.units).filter(|missing| *missing > 0) {
            let permits = u32::try_from(missing).map_err(|_| Unread::TooLarge)?;
            let share = Arc::clone(&self.memory).try_acquire_many_owned(permits).map_err(|_| Unread::Busy)?;
            self.share.push(share);
            self.units = units;
        }
        Ok(())
    }

    /// Lets the bytes go, and with them the share.
    pub fn release(&mut self) {
        self.bytes = Vec::new();
        self.share.clear();
        self.units = 0;
    }
}

/// Reads a whole body of at most `limit` bytes.
pub(super) async fn read(mut body: Incoming, limit: u64, memory: Arc<Semaphore>) -> Result<Held, Unread> {
    let begun = Instant::now();
    let whole = Duration::from_secs(limits::BODY_TIME);
    let mut held = Held::nothing(memory);
    if let Some(length) = body.size_hint().exact() {
        if length > limit {
            return Err(Unread::TooLarge);
        }
        // One allocation for a body whose length is known; the memory is touched only as the bytes come.
        held.bytes.reserve_exact(limits::size(length));
    }
    loop {
        let left = whole.saturating_sub(begun.elapsed()).min(Duration::from_secs(limits::BODY_PAUSE));
        let frame = match timeout(left, body.frame()).await {
            Err(_) => return Err(Unread::TooSlow),
            Ok(None) => return Ok(held),
            Ok(Some(Err(_))) => return Err(Unread::BrokeOff),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(piece) = frame.into_data() else { continue };
        if (held.bytes.len() + piece.len()) as u64 > limit {
            return Err(Unread::TooLarge);
        }
        held.reserve(piece.len())?;
        held.bytes.extend_from_slice(&piece);
        if behind(held.bytes.len(), begun.elapsed()) {
            return Err(Unread::TooSlow);
        }
    }
}

/// Whether so little after so long is no pace.
fn behind(bytes: usize, after: Duration) -> bool {
    const GRACE: Duration = Duration::from_secs(5);
    after.checked_sub(GRACE).is_some_and(|late| (bytes as u64) < late.as_secs() * limits::BODY_PACE)
}

/// Undoes gzip (one member or several), at most `limit` bytes. Runs on a blocking thread.
pub(super) fn gunzip(packed: &Held, limit: u64) -> Result<Held, Unread> {
    const STEP: usize = 64 * 1024;
    const FREE: u64 = 16 << 20;
    // Buffered here, so that it is known how much of the packed bytes has been looked at.
    let mut decoder = flate2::bufread::MultiGzDecoder::new(std::io::BufReader::new(packed.bytes.as_slice()));
    let mut held = Held::nothing(Arc::clone(&packed.memory));
    let mut step = vec![0; STEP];
    loop {
        let read =
            decoder.read(&mut step).map_err(|error| Unread::Undecodable(format!("it is no whole gzip: {error}")))?;
        if read == 0 {
            return Ok(held);
        }
        let length = (held.bytes.len() + read) as u64;
        let unread = decoder.get_ref().get_ref().len();
        let bomb = length > FREE && length / limits::RATIO > (packed.bytes.len() - unread) as u64;
        if length > limit || bomb {
            return Err(Unread::TooLarge);
        }
        held.reserve(read)?;
        held.bytes.extend_from_slice(&step[..read]);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(parts: &[&[u8]]) -> Held {
        let mut held = Held::nothing(Arc::new(Semaphore::new(4096)));
        for part in parts {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(part).unwrap();
            held.bytes.extend(encoder.finish().unwrap());
        }
        held
    }

    fn outcome(packed: &Held, limit: u64) -> Result<Vec<u8>, Unread> {
        gunzip(packed, limit).map(|held| held.bytes)
    }

    #[test]
    fn one_member_or_several_are_decoded_within_the_limit() {
        assert_eq!(outcome(&packed(&[b"ab"]), 10).unwrap(), b"ab");
        assert_eq!(outcome(&packed(&[b"ab", b"cd"]), 10).unwrap(), b"abcd");
        assert_eq!(outcome(&packed(&[b"ab", b"cd"]), 3), Err(Unread::TooLarge));
        assert!(matches!(outcome(&Held { bytes: b"plain".to_vec(), ..packed(&[]) }, 10), Err(Unread::Undecodable(_))));
    }

    #[test]
    fn truncated_anywhere_is_not_taken_for_whole() {
        let whole = packed(&[b"hello hello hello hello"]);
        for cut in 1..whole.bytes.len() {
            let part = Held { bytes: whole.bytes[..cut].to_vec(), ..packed(&[]) };
            assert!(matches!(outcome(&part, 100), Err(Unread::Undecodable(_))), "{cut}");
        }
    }

    #[test]
    fn a_bomb_is_known_by_its_ratio_and_what_is_held_is_counted() {
        let bomb = packed(&[&vec![0; 20 << 20]]);
        assert_eq!(outcome(&bomb, 1 << 30), Err(Unread::TooLarge));
        assert_eq!(bomb.memory.available_permits(), 4096, "its share was given back");
        let held = gunzip(&packed(&[&vec![7; 3 * UNIT]]), 1 << 20).unwrap();
        assert_eq!(held.memory.available_permits(), 4096 - 3);
        let tight = Held { memory: Arc::new(Semaphore::new(1)), ..packed(&[&vec![7; 3 * UNIT]]) };
        assert_eq!(outcome(&tight, 1 << 20), Err(Unread::Busy));
    }

    #[test]
    fn a_byte_a_second_is_no_pace_and_a_modem_is() {
        let second = Duration::from_secs;
        assert!(!behind(0, second(5)) && behind(6, second(6)) && !behind(1024 * 3, second(8)));
    }
}
