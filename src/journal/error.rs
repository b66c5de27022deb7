//! What can go wrong, in words.

use crate::event::{Kind, Seq};

/// What can go wrong. Each says what happened and what to do.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No space left.
    #[error("the disk that holds {path} is full: nothing was recorded; free some space and it goes on by itself")]
    Full {
        /// The journal's file.
        path: String,
    },
    /// Read-only, I/O error.
    #[error("{path} cannot be written ({error}): nothing was recorded")]
    Unwritable {
        /// The journal's file.
        path: String,
        /// The system's words.
        error: String,
    },
    /// Another process holds the write lock.
    #[error("{path} is locked by another process{}: waited {waited_s} s, nothing was recorded", holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Locked {
        /// The journal's file.
        path: String,
        /// Who holds it, where that can be known.
        holder: Option<u32>,
        /// How long we waited.
        waited_s: u64,
    },
    /// Written by a newer warroom.
    #[error(
        "{path} was written by a newer warroom (format {found}, this one knows {known}): open it read-only, or upgrade"
    )]
    Newer {
        /// The journal's file.
        path: String,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The path is not safe to use.
    #[error("{path} is refused: {why}")]
    Refused {
        /// The path.
        path: String,
        /// Why, and what to do.
        why: String,
    },
    /// A draft is larger than the journal takes. Trying again does not help.
    #[error("an entry is too large: {what} has {size}, the journal takes {limit}; nothing was recorded")]
    TooLarge {
        /// What of it.
        what: &'static str,
        /// Bytes, or terms.
        size: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// A stored body is not what its kind says.
    #[error("entry {seq} ({}) cannot be read: {error}", kind.name())]
    Undecodable {
        /// Which.
        seq: Seq,
        /// Its kind.
        kind: Kind,
        /// What the decoder says.
        error: String,
    },
    /// Anything else of the store.
    #[error("the journal {path} failed: {error}")]
    Store {
        /// The journal's file.
        path: String,
        /// The store's words.
        error: String,
    },
}
