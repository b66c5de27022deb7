//! What the journal holds at most, in one place. What comes from outside is bounded before it gets here (intake);
//! these are the last walls, and the bounds of what is not part of the record.

use std::time::Duration;

/// The longest body of one entry, bytes.
pub const BODY: usize = 256 << 20;
/// The longest key, bytes.
pub const KEY: usize = 2 << 10;
/// The longest index term, bytes.
pub const TERM: usize = 1 << 10;
/// The most index terms of one entry.
pub const TERMS: usize = 100_000;
/// Appends waiting for the writer hold at most so many bytes together; more wait outside (one is always let in).
pub const WAITING_BYTES: usize = 64 << 20;
/// At most so many appends wait for the writer.
pub const WAITING: usize = 1024;
/// Records in a page when the query names no limit.
pub const PAGE: usize = 4096;
/// A page when the query names no limit ends after so many bytes of bodies.
pub const PAGE_BYTES: usize = 16 << 20;
/// Projections kept a name.
pub const PROJECTIONS: usize = 12;
/// Refused deliveries kept.
pub const QUARANTINE: usize = 500;
/// Bytes kept of one refused delivery.
pub const QUARANTINE_RAW: usize = 64 << 10;
/// Bytes kept of all refused deliveries.
pub const QUARANTINE_BYTES: usize = 8 << 20;
/// How long to wait for another process's write.
pub const BUSY: Duration = Duration::from_secs(5);
/// How often to look whether another process wrote, where the kernel tells when that happens …
pub const LISTEN: Duration = Duration::from_secs(10);
/// … and where it does not.
pub const POLL: Duration = Duration::from_millis(700);
/// Connections kept for reading.
pub const READERS: usize = 3;
/// Shared texts dropped in one transaction.
pub const SWEPT: usize = 16 << 10;
/// Redaction rules of one's own.
pub const OWN_RULES: usize = 50;
/// The longest pattern of one, bytes.
pub const OWN_PATTERN: usize = 1_000;
/// The largest it may be when compiled, bytes.
pub const OWN_COMPILED: usize = 1 << 20;
