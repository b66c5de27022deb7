//! Texts that were begun and not recorded, kept in files of the person's own: a session that is lost loses none of them.
//!
//! One file of mode 0600 for each incident, person and kind, in a folder beside the journal that belongs to nobody else. It is
//! written as the text is typed, put back into the editor at the next start, and removed when the desk has recorded the
//! text. A draft is no entry: it is nobody's word yet, so it is in no export and on nobody else's screen.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::event::{Digest, IncidentId, Person};
use crate::journal::guard;

/// What can be begun.
pub const KINDS: [&str; 2] = ["hunch", "note"];
/// No draft is longer, in bytes; the editor takes no more either.
pub const LONGEST: usize = 64 * 1024;
/// So many are put back at a start; more stay where they are.
const MOST: usize = 256;

/// Drafts by incident and kind.
pub type Begun = BTreeMap<(IncidentId, &'static str), String>;

/// The folder with one person's drafts.
#[derive(Clone, Debug)]
pub struct Drafts {
    folder: PathBuf,
    /// Stands for the person in the names of files: a login may hold anything.
    whose: String,
}

impl Drafts {
    /// The drafts of `person` in `folder`, which is made when the first one is kept.
    #[must_use]
    pub fn new(folder: PathBuf, person: &Person) -> Self {
        let whose = Digest::of(person.login.raw().as_bytes()).to_string().chars().take(16).collect();
        Self { folder, whose }
    }

    fn path(&self, incident: IncidentId, kind: &str) -> PathBuf {
        self.folder.join(format!("{}-{}-{kind}.txt", incident.0, self.whose))
    }

    /// What was kept. What cannot be read, or is not safely this user's own, is left out.
    #[must_use]
    pub fn load(&self) -> Begun {
        let Ok(files) = std::fs::read_dir(&self.folder) else { return Begun::new() };
        files.flatten().filter_map(|file| self.read(&file.path())).take(MOST).collect()
    }

    fn read(&self, path: &Path) -> Option<((IncidentId, &'static str), String)> {
        let mut parts = path.file_stem()?.to_str()?.split('-');
        let (incident, whose, kind) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
        let kind = KINDS.into_iter().find(|known| *known == kind)?;
        if whose != self.whose {
            return None;
        }
        let mut text = String::new();
        let file = guard::open_private(path).ok()?;
        file.take(LONGEST as u64).read_to_string(&mut text).ok()?;
        (!text.trim().is_empty()).then_some(((IncidentId(incident), kind), text))
    }

    /// Keeps `text`, or forgets the draft when it is empty. Whoever reads meanwhile sees the old text or the new one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, incident: IncidentId, kind: &str, text: &str) -> io::Result<()> {
        let path = self.path(incident, kind);
        if text.is_empty() {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let new = path.with_extension(format!("{}.new", std::process::id()));
        // Left over from a process of the same number that was killed.
        let _ = std::fs::remove_file(&new);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&new, &path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::fixture::person;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn fault_14_a_draft_is_kept_for_its_person_and_for_nobody_else() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("journal.drafts");
        let (ana, mei) = (Drafts::new(folder.clone(), &person("ana")), Drafts::new(folder.clone(), &person("mei")));
        assert!(ana.load().is_empty());
        ana.keep(IncidentId(7), "note", "asked the\nvendor").expect("kept");
        ana.keep(IncidentId(7), "note", "asked the\nvendor again").expect("kept");
        mei.keep(IncidentId(7), "hunch", "the cache").expect("kept");
        assert_eq!(ana.load(), Begun::from([((IncidentId(7), "note"), "asked the\nvendor again".to_owned())]));
        assert_eq!(std::fs::metadata(&folder).expect("there").permissions().mode() & 0o777, 0o700);
        let files: Vec<_> = std::fs::read_dir(&folder).expect("a folder").flatten().collect();
        assert_eq!(files.len(), 2, "{files:?}");
        for file in files {
            assert_eq!(file.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        }
        ana.keep(IncidentId(7), "note", "").expect("forgotten");
        ana.keep(IncidentId(7), "note", "").expect("nothing to forget");
        assert!(ana.load().is_empty());
        assert_eq!(mei.load().len(), 1);
    }

    #[test]
    fn fault_67_a_draft_that_others_can_read_or_that_is_a_link_is_left_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let drafts = Drafts::new(place.path().to_owned(), &person("ana"));
        drafts.keep(IncidentId(1), "note", "open to all").expect("kept");
        let path = drafts.path(IncidentId(1), "note");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("our own file");
        std::fs::write(place.path().join("secret"), "not a draft").expect("a file");
        std::os::unix::fs::symlink(place.path().join("secret"), drafts.path(IncidentId(2), "note")).expect("a link");
        assert!(drafts.load().is_empty(), "{:?}", drafts.load());
    }
}
