//! Names of files: as they stand in messages, and of those kept beside the journal.

use std::path::{Path, PathBuf};

use crate::event::{Policy, Untrusted};

/// A path fit for a message.
pub(super) fn shown(path: &Path) -> String {
    Untrusted::from(path.to_string_lossy().as_ref()).show(Policy::Prose).as_str().to_owned()
}

/// A file that is kept beside the journal.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
