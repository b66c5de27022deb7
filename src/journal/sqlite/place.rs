//! Where the journal is, how its connections are opened, and what SQLite's errors mean.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::path::{beside, shown};
use super::{holder, schema};
use crate::event::Time;
use crate::journal::{JournalError, limits};

/// Says what time it is. Only arrival times come from it.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Below so many free bytes, an I/O error of the store means that the disk is full.
const NEARLY_FULL: u64 = 128 << 10;

/// Where and how the store is opened.
pub(super) struct Place {
    /// The file; `None` in memory.
    pub(super) path: Option<PathBuf>,
    /// Its name in messages.
    pub(super) shown: String,
    /// How long to wait for another process.
    pub(super) busy: Duration,
    /// Arrival times.
    pub(super) clock: Clock,
}

/// How a connection will be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The one that writes.
    Write,
    /// Reading beside a writer.
    Read,
}

impl Place {
    /// In memory.
    pub(super) fn memory(clock: Clock) -> Self {
        Self { path: None, shown: "in memory".into(), busy: limits::BUSY, clock }
    }

    /// A file.
    pub(super) fn file(path: PathBuf, busy: Duration, clock: Clock) -> Self {
        Self { shown: shown(&path), path: Some(path), busy, clock }
    }

    /// The log that SQLite keeps beside the file.
    pub(super) fn log(&self) -> PathBuf {
        beside(self.path.as_deref().unwrap_or_else(|| Path::new("")), "-wal")
    }

    /// Opens a connection.
    pub(super) fn connect(&self, mode: Use) -> Result<Connection, JournalError> {
        self.try_connect(mode).map_err(|error| self.error(&error))
    }

    fn try_connect(&self, mode: Use) -> rusqlite::Result<Connection> {
        let Some(path) = &self.path else {
            let connection = Connection::open_in_memory()?;
            connection.set_prepared_statement_cache_capacity(64);
            return Ok(connection);
        };
        let access = match mode {
            Use::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Use::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(path, flags)?;
        self.settle(connection, mode)
    }

    /// Opens a file on which nothing can be written, not even the locks of readers.
    pub(super) fn connect_frozen(&self) -> Result<Connection, JournalError> {
        let path = self.path.as_deref().unwrap_or_else(|| Path::new(""));
        let mut uri = String::from("file:");
        for byte in std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()) {
            match byte {
                b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(*byte)),
                other => write!(uri, "%{other:02x}").unwrap_or_default(),
            }
        }
        uri.push_str("?immutable=1");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        Connection::open_with_flags(uri, flags)
            .and_then(|connection| self.settle(connection, Use::Read))
            .map_err(|error| self.error(&error))
    }

    fn settle(&self, connection: Connection, mode: Use) -> rusqlite::Result<Connection> {
        connection.busy_timeout(self.busy)?;
        connection.set_prepared_statement_cache_capacity(64);
        let cache_kib = match mode {
            Use::Write => 16 << 10,
            Use::Read => 4 << 10,
        };
        connection.execute_batch(&format!(
            "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;
             PRAGMA cache_size=-{cache_kib};"
        ))?;
        if mode == Use::Write {
            connection.execute_batch(
                "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=8000; PRAGMA journal_size_limit=33554432;",
            )?;
        } else {
            connection.execute_batch("PRAGMA query_only=ON;")?;
        }
        Ok(connection)
    }

    /// What an error of SQLite means to whoever keeps the record.
    pub(super) fn error(&self, error: &rusqlite::Error) -> JournalError {
        let path = self.shown.clone();
        let Some(code) = error.sqlite_error_code() else {
            return JournalError::Store { path, error: error.to_string() };
        };
        match code {
            ErrorCode::DiskFull => JournalError::Full { path },
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen if self.disk_is_full() => JournalError::Full { path },
            ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                JournalError::Unwritable { path, error: error.to_string() }
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                JournalError::Locked {
                    path,
                    holder: self.path.as_deref().and_then(holder::of_write_lock),
                    waited_s: self.busy.as_secs(),
                }
            }
            ErrorCode::NotADatabase => JournalError::Refused { path, why: "it is no journal of warroom".into() },
            ErrorCode::DatabaseCorrupt => JournalError::Store {
                path,
                error: format!("{error}; it is damaged: run `warroom verify`, then restore a backup"),
            },
            _ => JournalError::Store { path, error: error.to_string() },
        }
    }

    fn disk_is_full(&self) -> bool {
        let folder = self.path.as_deref().and_then(Path::parent);
        let free = folder.and_then(|folder| rustix::fs::statvfs(folder).ok());
        free.is_some_and(|free| free.f_bavail.saturating_mul(free.f_frsize) < NEARLY_FULL)
    }

    /// Brings the file to our format, or says why not.
    pub(super) fn migrate(&self, connection: &mut Connection) -> Result<(), JournalError> {
        schema::migrate(connection, schema::MIGRATIONS).map_err(|stop| self.stopped(stop))
    }

    /// Why a file cannot be used, in words.
    pub(super) fn stopped(&self, stop: schema::Stop) -> JournalError {
        let refused = |why: String| JournalError::Refused { path: self.shown.clone(), why };
        match stop {
            schema::Stop::Newer(found) => self.newer(found),
            schema::Stop::Foreign => refused("it is a database of another program".into()),
            schema::Stop::NotWal(mode) => {
                refused(format!("a write-ahead log cannot be kept there (journal mode stays {mode}); use a local disk"))
            }
            schema::Stop::Sql(error) => self.error(&error),
        }
    }

    /// The file's format is `found`, which is not ours.
    pub(super) fn newer(&self, found: u32) -> JournalError {
        JournalError::Newer { path: self.shown.clone(), found, known: schema::FORMAT }
    }
}
