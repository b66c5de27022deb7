//! Paths that may be trusted: no symbolic link, FIFO, folder or stranger's file where a file of ours should be.
//!
//! Everything is checked on the opened file, not on its name, so nothing can be exchanged between the check and the use.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::JournalError;

/// Opens a file for reading that nobody else could have put there: regular, owned by this user or root, writable by its
/// owner only, not through a symbolic link, and in a folder that others cannot rename in.
///
/// # Errors
/// [`JournalError::Refused`] says what is unsafe and what to do.
pub fn open_trusted(path: &Path) -> Result<File, JournalError> {
    parent_is_safe(path)?;
    // Non-blocking, so that a FIFO put there does not hold us; it changes nothing for a regular file.
    let file: File = rustix::fs::open(
        path,
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY,
        Mode::empty(),
    )
    .map(Into::into)
    .map_err(|error| open_refused(path, error))?;
    is_ours(path, &file)?;
    Ok(file)
}

/// Like [`open_trusted`], and nobody but the owner may read it: for secrets.
///
/// # Errors
/// [`JournalError::Refused`] says what is unsafe and what to do.
pub fn open_private(path: &Path) -> Result<File, JournalError> {
    let file = open_trusted(path)?;
    let mode = metadata(path, &file)?.mode();
    if mode & 0o077 != 0 {
        return Err(refused(path, &format!("others can read it (mode {:03o}): chmod 600 it", mode & 0o777)));
    }
    Ok(file)
}

/// Creates a file that did not exist before, mode 0600: for exports and crash reports.
///
/// # Errors
/// [`JournalError::Refused`] when something is already there, or the folder is unsafe.
pub fn new_file(path: &Path) -> Result<File, JournalError> {
    parent_is_safe(path)?;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| refused(path, &format!("cannot be created ({error}): name a file that does not exist yet")))
}

fn parent_is_safe(path: &Path) -> Result<(), JournalError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let found = std::fs::metadata(&parent)
        .map_err(|error| refused(path, &format!("its folder {} cannot be used ({error})", parent.display())))?;
    // In a sticky folder such as /tmp others cannot rename or remove what is ours.
    if found.mode() & 0o022 != 0 && found.mode() & 0o1000 == 0 {
        return Err(refused(
            path,
            &format!(
                "others can write in its folder {} (mode {:03o}) and so put another file there: chmod 700 the folder",
                parent.display(),
                found.mode() & 0o777
            ),
        ));
    }
    let us = rustix::process::geteuid().as_raw();
    if found.uid() != us && found.uid() != 0 && us != 0 {
        return Err(refused(path, &format!("its folder {} belongs to another user", parent.display())));
    }
    Ok(())
}

fn is_ours(path: &Path, file: &File) -> Result<(), JournalError> {
    let found = metadata(path, file)?;
    if !found.is_file() {
        return Err(refused(path, "it is not a regular file"));
    }
    owner_is_us(path, &found)?;
    if found.mode() & 0o022 != 0 {
        return Err(refused(path, &format!("others can write it (mode {:03o}): chmod 600 it", found.mode() & 0o777)));
    }
    Ok(())
}

fn owner_is_us(path: &Path, found: &std::fs::Metadata) -> Result<(), JournalError> {
    let us = rustix::process::geteuid().as_raw();
    if found.uid() == us || found.uid() == 0 {
        return Ok(());
    }
    Err(refused(path, &format!("it belongs to user id {}, this process runs as {us}", found.uid())))
}

fn metadata(path: &Path, file: &File) -> Result<std::fs::Metadata, JournalError> {
    file.metadata().map_err(|error| refused(path, &error.to_string()))
}

fn open_refused(path: &Path, error: rustix::io::Errno) -> JournalError {
    let why = match error {
        rustix::io::Errno::LOOP => "it is a symbolic link: name the file itself".to_owned(),
        rustix::io::Errno::NOENT => "there is no such file".to_owned(),
        rustix::io::Errno::NXIO => "it is not a regular file".to_owned(),
        rustix::io::Errno::ISDIR => "it is a folder, not a file".to_owned(),
        other => other.to_string(),
    };
    refused(path, &why)
}

fn refused(path: &Path, why: &str) -> JournalError {
    JournalError::Refused { path: path.display().to_string(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn why<T: std::fmt::Debug>(result: Result<T, JournalError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn fault_67_a_symlink_fifo_folder_or_open_parent_is_refused() {
        let dir = folder();
        let real = dir.path().join("real");
        std::fs::write(&real, "x").unwrap();
        mode(&real, 0o600);
        open_trusted(&real).unwrap();

        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(why(open_trusted(&link)).contains("symbolic link"));

        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::from(0o600), 0).unwrap();
        assert!(why(open_trusted(&fifo)).contains("not a regular file"));

        assert!(why(open_trusted(dir.path())).contains("not a regular file"));

        mode(&real, 0o666);
        assert!(why(open_trusted(&real)).contains("others can write it"));
        mode(&real, 0o600);
        mode(dir.path(), 0o777);
        assert!(why(open_trusted(&real)).contains("folder"));
        assert!(why(new_file(&dir.path().join("new"))).contains("folder"));
    }

    #[test]
    fn a_secret_others_can_read_is_refused() {
        let dir = folder();
        let secret = dir.path().join("token");
        std::fs::write(&secret, "x").unwrap();
        mode(&secret, 0o640);
        assert!(why(open_private(&secret)).contains("chmod 600"));
        mode(&secret, 0o400);
        open_private(&secret).unwrap();
    }

    #[test]
    fn a_new_private_file_is_readable_by_its_owner_only_and_never_overwrites() {
        let dir = folder();
        let file = dir.path().join("export.json");
        new_file(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert!(why(new_file(&file)).contains("does not exist yet"));
    }
}
