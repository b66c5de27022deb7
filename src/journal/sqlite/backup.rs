//! A copy of the journal as of one moment, made while others write.

use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::path::shown;
use super::place::Place;
use crate::journal::{JournalError, guard};

/// Writes a copy to `to`, which must not exist, and returns once it is on disk.
///
/// `VACUUM INTO` copies one snapshot; the page-wise backup interface starts over whenever another process writes, and
/// would never end beside a busy one.
pub(super) fn backup(place: &Place, memory: Option<&Connection>, to: &Path) -> Result<(), JournalError> {
    let made = guard::new_file(to)?;
    let copied = match (memory, &place.path) {
        (Some(connection), _) => copy(connection, to),
        (None, Some(path)) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags).and_then(|connection| {
                connection.busy_timeout(place.busy)?;
                copy(&connection, to)
            })
        }
        (None, None) => Ok(()),
    };
    let unwritable =
        |error: &dyn std::fmt::Display| JournalError::Unwritable { path: shown(to), error: error.to_string() };
    let synced = copied.map_err(|error| match place.error(&error) {
        // A full or failing disk is that of the copy: the journal is only read.
        JournalError::Full { .. } => JournalError::Full { path: shown(to) },
        JournalError::Unwritable { .. } => unwritable(&error),
        other => other,
    });
    let synced =
        synced.and_then(|()| made.sync_all().and_then(|()| sync_folder(to)).map_err(|error| unwritable(&error)));
    if synced.is_err() {
        // Half a copy is worse than none; if it cannot be removed either, the error says enough.
        let _removed = std::fs::remove_file(to);
    }
    synced
}

fn copy(connection: &Connection, to: &Path) -> rusqlite::Result<()> {
    let to = to.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(to.to_path_buf()))?;
    connection.execute("VACUUM INTO ?1", [to]).map(|_| ())
}

fn sync_folder(file: &Path) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
