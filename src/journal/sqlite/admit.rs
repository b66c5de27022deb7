//! Whether a path is safe to keep the record at (`fault_67`, `fault_12`), and making it when nothing is there.
//!
//! Unlike [`crate::journal::guard`], nothing here opens a journal that already exists: closing any descriptor of it
//! would drop the locks that SQLite holds for this process. SQLite itself opens it without following a link.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::path::{beside, shown};
use crate::journal::JournalError;

/// File systems on which two hosts, or two locks, cannot be trusted to see each other. Numbers: `linux/magic.h`.
const NETWORK: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x517B, "SMB"),
    (0x0102_1997, "9P"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
    (0x6573_5546, "FUSE"),
];

/// The name of a file system that cannot hold the journal, by its number.
pub(super) fn network(magic: u64) -> Option<&'static str> {
    NETWORK.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

/// The number of the file system under `path`.
pub(super) fn magic(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statfs(path)?;
    // The kernel's field is signed on some machines; the numbers are 32 bits wide on all of them.
    Ok(u64::from_ne_bytes((found.f_type as i64).to_ne_bytes()) & 0xFFFF_FFFF)
}

fn refused(path: &Path, why: impl Into<String>) -> JournalError {
    JournalError::Refused { path: shown(path), why: why.into() }
}

fn unreadable(path: &Path, error: &io::Error) -> JournalError {
    refused(path, format!("it cannot be looked at ({error})"))
}

/// Makes sure that `path` may hold the journal, making its folder (0700) and file (0600) when they are missing.
/// Returns the path with the links in its folder's name resolved.
pub(super) fn admit(path: &Path, magic: fn(&Path) -> io::Result<u64>) -> Result<PathBuf, JournalError> {
    let folder = folder_of(path);
    if !folder.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| refused(folder, format!("the folder cannot be made ({error})")))?;
    }
    let path = examine(path, magic)?;
    match path.symlink_metadata() {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(&path, folder)?,
        Err(error) => return Err(unreadable(&path, &error)),
    }
    Ok(path)
}

/// Says whether `path`, in a folder that is there, may hold the journal, and makes nothing.
/// Returns the path with the links in its folder's name resolved.
pub(super) fn examine(path: &Path, magic: fn(&Path) -> io::Result<u64>) -> Result<PathBuf, JournalError> {
    let name = path.file_name().ok_or_else(|| refused(path, "it names no file"))?;
    let folder = folder_of(path);
    let folder = folder.canonicalize().map_err(|error| unreadable(folder, &error))?;
    admit_folder(&folder)?;
    let number = magic(&folder).map_err(|error| unreadable(&folder, &error))?;
    if let Some(kind) = network(number) {
        return Err(refused(
            path,
            format!(
                "it is on a network file system ({kind}), where a write-ahead log can lose entries without a word; keep it on a local disk"
            ),
        ));
    }
    let path = folder.join(name);
    for file in [path.clone(), beside(&path, "-wal"), beside(&path, "-shm")] {
        match file.symlink_metadata() {
            Ok(found) => admit_file(&file, &found)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&file, &error)),
        }
    }
    Ok(path)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// For reading only, a foreign or shared file is fine; something that is no file is not.
pub(super) fn admit_reader(path: &Path) -> Result<PathBuf, JournalError> {
    let found = path.symlink_metadata().map_err(|error| unreadable(path, &error))?;
    if !found.is_file() {
        return Err(refused(path, what_it_is(&found)));
    }
    path.canonicalize().map_err(|error| unreadable(path, &error))
}

fn admit_folder(folder: &Path) -> Result<(), JournalError> {
    let found = folder.metadata().map_err(|error| unreadable(folder, &error))?;
    let me = rustix::process::geteuid().as_raw();
    if found.uid() != me && found.uid() != 0 {
        return Err(refused(folder, format!("the folder belongs to another user (uid {})", found.uid())));
    }
    if found.mode() & 0o002 != 0 {
        return Err(refused(folder, "everyone may write into the folder; use one of your own (chmod 700)"));
    }
    Ok(())
}

fn what_it_is(found: &Metadata) -> String {
    let kind = found.file_type();
    let is = if kind.is_symlink() {
        "a symbolic link; name the file itself"
    } else if kind.is_dir() {
        "a folder; name a file in it"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "no regular file"
    };
    format!("it is {is}")
}

fn admit_file(path: &Path, found: &Metadata) -> Result<(), JournalError> {
    if !found.is_file() {
        return Err(refused(path, what_it_is(found)));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(path, format!("it belongs to another user (uid {})", found.uid())));
    }
    if found.mode() & 0o077 != 0 {
        let mode = found.mode() & 0o777;
        return Err(refused(path, format!("others may read or write it (mode {mode:o}); make it yours: chmod 600")));
    }
    Ok(())
}

fn create(path: &Path, folder: &Path) -> Result<(), JournalError> {
    // create_new never follows a link and never takes over what somebody else made meanwhile.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let synced = match made {
        Ok(file) => file.sync_all().and_then(|()| File::open(folder)?.sync_all()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = path.symlink_metadata().map_err(|error| unreadable(path, &error))?;
            return admit_file(path, &found);
        }
        Err(error) => Err(error),
    };
    synced.map_err(|error| JournalError::Unwritable { path: shown(path), error: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The numbers are given here: a network file system needs a server or a module of the kernel, which a test machine
    // does not have. That they come from `statfs` of the folder is what `magic` does and every other test goes through.
    #[test]
    fn fault_12_a_network_file_system_is_refused_and_a_local_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        for (number, name) in [(0x6969, "NFS"), (0xFF53_4D42, "CIFS"), (0x0102_1997, "9P"), (0x6573_5546, "FUSE")] {
            let admitted = match name {
                "NFS" => admit(&path, |_| Ok(0x6969)),
                "CIFS" => admit(&path, |_| Ok(0xFF53_4D42)),
                "9P" => admit(&path, |_| Ok(0x0102_1997)),
                _ => admit(&path, |_| Ok(0x6573_5546)),
            };
            assert_eq!(network(number), Some(name));
            let error = admitted.unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("local disk"), "{error}");
            assert!(!path.exists(), "nothing was made");
        }
        for local in [0xEF53, 0x0102_1994, 0x9123_683E, 0x5846_5342, 0x794C_7630, 0x2FC1_2FC1] {
            assert_eq!(network(local), None, "{local:x}");
        }
        // And this machine's own answer is asked for.
        admit(&path, magic).unwrap();
        assert!(path.exists());
    }
}
