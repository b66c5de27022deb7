//! Leases: a lock of the operating system on a file beside the journal, so a crash gives it back.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::{Arc, Mutex, PoisonError};

use super::path::{beside, shown};
use super::place::Place;
use crate::journal::{JournalError, Lease};

/// Leases of a journal in memory.
pub(super) type Held = Arc<Mutex<HashSet<String>>>;

struct FileLease {
    // The lock lives as long as the open file.
    _file: File,
}

impl Lease for FileLease {}

struct MemoryLease {
    name: String,
    held: Held,
}

impl Lease for MemoryLease {}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// Takes the lease `name`, if nobody holds it.
pub(super) fn take(place: &Place, held: &Held, name: &str) -> Result<Option<Box<dyn Lease>>, JournalError> {
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        let error = "the name of a lease is made of a to z, 0 to 9 and -".into();
        return Err(JournalError::Store { path: place.shown.clone(), error });
    }
    let Some(path) = &place.path else {
        let free = held.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        let lease = || Box::new(MemoryLease { name: name.to_owned(), held: Arc::clone(held) }) as Box<dyn Lease>;
        return Ok(free.then(lease));
    };
    let path = beside(path, &format!(".{name}.lease"));
    let failed = |error: std::io::Error| JournalError::Unwritable { path: shown(&path), error: error.to_string() };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default())
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    // For people who look; nothing else reads it, and a full disk does not matter. Only what is new is written: seats are
    // looked at again and again, and a write may wait for the disk.
    let (own, mut before) = (format!("{}\n", std::process::id()), String::new());
    if (&file).take(32).read_to_string(&mut before).is_err() || before != own {
        let _written = file.set_len(0).and_then(|()| file.write_all_at(own.as_bytes(), 0));
    }
    Ok(Some(Box::new(FileLease { _file: file })))
}
