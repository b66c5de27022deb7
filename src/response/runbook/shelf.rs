//! Where runbooks lie: the team's folders, and those that come with the program. The only file of this room that reads files.
//!
//! Nothing is followed below a folder: no symbolic link, no FIFO, no device. What others may write to is not read, since its reading
//! steps run by themselves.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use include_dir::{Dir as Embedded, include_dir};
use rustix::fs::{FileType, Mode, OFlags};

use crate::event::Untrusted;
use crate::intake::limits::{self, size};

use super::types::{Finding, Level, Runbook};

static BUILT_IN: Embedded<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/runbooks");

/// Folders lie at most so deep in each other.
const MAX_DEPTH: usize = 8;

/// All runbooks, by name.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Sorted by name; a name is there once.
    pub runbooks: Vec<Runbook>,
    /// What is wrong with folders and files as such.
    pub findings: Vec<Finding>,
}

impl Shelf {
    /// Those that come with the program.
    #[must_use]
    pub fn built_in() -> Self {
        let mut files = Vec::new();
        embedded(&BUILT_IN, &mut files);
        let parse = |(path, bytes): (&Path, &[u8])| {
            let name = path.with_extension("").to_string_lossy().into_owned();
            Runbook::parse(&name, &format!("built-in:{}", path.display()), true, bytes)
        };
        let mut runbooks: Vec<Runbook> = files.into_iter().map(parse).collect();
        runbooks.sort_by(|a, b| a.name.cmp(&b.name));
        Self { runbooks, findings: Vec::new() }
    }

    /// Those in these folders alone; of two of one name the one in the earlier folder counts.
    #[must_use]
    pub fn of_folders(folders: &[PathBuf]) -> Self {
        let (found, findings) = look(folders, &mut Known::default());
        Self { runbooks: found.into_values().map(Arc::unwrap_or_clone).collect(), findings }
    }

    /// Those in these folders, and the built-in ones whose names they do not take.
    #[must_use]
    pub fn with_built_in(folders: &[PathBuf]) -> Self {
        Library::new(folders.to_vec()).shelf()
    }

    /// The runbook of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Runbook> {
        self.runbooks.iter().find(|runbook| runbook.name.raw() == name)
    }
}

/// The runbooks of some folders, and the built-in ones whose names they do not take. What was read once is not read again before
/// its file is another.
#[derive(Debug)]
pub struct Library {
    folders: Vec<PathBuf>,
    known: Mutex<Known>,
    built_in: OnceLock<Vec<Arc<Runbook>>>,
}

impl Library {
    /// Of these folders. Reads nothing yet.
    #[must_use]
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders, known: Mutex::default(), built_in: OnceLock::new() }
    }

    /// All of them as they are now.
    #[must_use]
    pub fn shelf(&self) -> Shelf {
        let (found, findings) = self.look();
        Shelf { runbooks: found.into_values().map(Arc::unwrap_or_clone).collect(), findings }
    }

    /// The one of this name as it is now.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Runbook> {
        self.look().0.remove(name).map(Arc::unwrap_or_clone)
    }

    fn look(&self) -> (BTreeMap<Untrusted, Arc<Runbook>>, Vec<Finding>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut found, findings) = look(&self.folders, &mut known);
        let parsed = || Shelf::built_in().runbooks.into_iter().map(Arc::new).collect();
        for runbook in self.built_in.get_or_init(parsed) {
            found.entry(runbook.name.clone()).or_insert_with(|| Arc::clone(runbook));
        }
        (found, findings)
    }
}

/// Files that were read, by their place.
type Known = BTreeMap<PathBuf, (Stamp, Arc<Runbook>)>;

/// By what a file is known to be the same: nobody can change it and keep its time of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file that was changed so short a time before it was read may be changed again without that being seen: clocks of file systems
/// tick some hundred times a second, those of some network file systems once.
const SETTLED: Duration = Duration::from_secs(3);

impl Stamp {
    #[expect(clippy::cast_possible_wrap, reason = "nanoseconds of a second")]
    fn of(found: &rustix::fs::Stat) -> Self {
        Self {
            device: found.st_dev,
            inode: found.st_ino,
            size: found.st_size,
            modified: (found.st_mtime, found.st_mtime_nsec as i64),
            changed: (found.st_ctime, found.st_ctime_nsec as i64),
        }
    }

    /// Whether it is long enough ago that the file was last changed.
    fn is_settled(&self, now: SystemTime) -> bool {
        let changed = u64::try_from(self.changed.0).ok().map(|second| UNIX_EPOCH + Duration::from_secs(second));
        changed.and_then(|changed| now.duration_since(changed).ok()).is_some_and(|since| since >= SETTLED)
    }
}

/// What lies in these folders; `known` is what of it was read before, and then what of it can be known again.
fn look(folders: &[PathBuf], known: &mut Known) -> (BTreeMap<Untrusted, Arc<Runbook>>, Vec<Finding>) {
    let mut seen = Seen {
        found: BTreeMap::new(),
        findings: Vec::new(),
        entries: 0,
        before: std::mem::take(known),
        after: Known::new(),
        now: SystemTime::now(),
    };
    for folder in folders {
        Walk { top: folder, seen: &mut seen }.begin();
    }
    *known = seen.after;
    (seen.found, seen.findings)
}

/// What a look found so far.
struct Seen {
    found: BTreeMap<Untrusted, Arc<Runbook>>,
    findings: Vec<Finding>,
    entries: usize,
    before: Known,
    after: Known,
    now: SystemTime,
}

fn embedded<'d>(folder: &'d Embedded<'d>, files: &mut Vec<(&'d Path, &'d [u8])>) {
    files.extend(folder.files().filter(|file| is_runbook(file.path())).map(|file| (file.path(), file.contents())));
    for below in folder.dirs() {
        embedded(below, files);
    }
}

/// `*.md`, but not what explains a folder.
fn is_runbook(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("md"))
        && !path.file_stem().is_some_and(|name| name.eq_ignore_ascii_case("readme"))
}

struct Walk<'w> {
    top: &'w Path,
    seen: &'w mut Seen,
}

impl Walk<'_> {
    fn begin(&mut self) {
        // The folder itself is the person's word: it may be a link.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(self.top, flags, Mode::empty()) {
            Ok(folder) => self.folder(&folder, Path::new(""), 0),
            Err(error) => self.say(Level::Error, Path::new(""), format!("the folder cannot be read: {error}")),
        }
    }

    fn say(&mut self, level: Level, path: &Path, what: String) {
        let place = self.top.join(path).display().to_string();
        self.seen.findings.push(Finding { level, place: place.into(), line: 1, what: what.into() });
    }

    fn folder(&mut self, folder: &OwnedFd, path: &Path, depth: usize) {
        if let Err(what) = trusted(folder) {
            return self.say(Level::Error, path, what);
        }
        let mut names: Vec<(std::ffi::CString, FileType)> = Vec::new();
        match rustix::fs::Dir::read_from(folder) {
            Ok(entries) => {
                for entry in entries {
                    let Ok(entry) = entry else { break };
                    self.seen.entries += 1;
                    if self.seen.entries > size(limits::RUNBOOK_FILES) {
                        let what = format!(
                            "more than {} files lie in the folders: the rest is not looked at",
                            limits::RUNBOOK_FILES
                        );
                        self.say(Level::Error, path, what);
                        break;
                    }
                    if !entry.file_name().to_bytes().starts_with(b".") {
                        names.push((entry.file_name().to_owned(), entry.file_type()));
                    }
                }
            }
            Err(error) => return self.say(Level::Error, path, format!("the folder cannot be read: {error}")),
        }
        names.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, kind) in names {
            let path = path.join(Path::new(&*name.to_string_lossy()));
            // Some file systems do not tell while listing.
            let kind = match kind {
                FileType::Unknown => rustix::fs::statat(folder, &name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(kind, |found| FileType::from_raw_mode(found.st_mode)),
                known => known,
            };
            let below = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
            match kind {
                FileType::Directory if depth >= MAX_DEPTH => {
                    self.say(
                        Level::Error,
                        &path,
                        format!("folders lie more than {MAX_DEPTH} deep: it is not looked into"),
                    );
                }
                FileType::Directory => {
                    match rustix::fs::openat(folder, &name, below | OFlags::DIRECTORY, Mode::empty()) {
                        Ok(inner) => self.folder(&inner, &path, depth + 1),
                        Err(error) => self.say(Level::Error, &path, format!("the folder cannot be read: {error}")),
                    }
                }
                FileType::Symlink if is_runbook(&path) => {
                    self.say(
                        Level::Warning,
                        &path,
                        "it is a symbolic link and not followed: put the file itself here".to_owned(),
                    );
                }
                _ if !is_runbook(&path) => {}
                _ => match rustix::fs::openat(folder, &name, below, Mode::empty()) {
                    Ok(file) => self.file(file, &path),
                    Err(rustix::io::Errno::LOOP) => {
                        self.say(
                            Level::Warning,
                            &path,
                            "it is a symbolic link and not followed: put the file itself here".to_owned(),
                        );
                    }
                    Err(error) => self.say(Level::Error, &path, format!("it cannot be opened: {error}")),
                },
            }
        }
    }

    fn file(&mut self, file: OwnedFd, path: &Path) {
        let stamp = match rustix::fs::fstat(&file) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile => Stamp::of(&found),
            Ok(_) => return self.say(Level::Warning, path, "it is not a regular file and not read".to_owned()),
            Err(error) => return self.say(Level::Error, path, format!("it cannot be read: {error}")),
        };
        if let Err(what) = trusted(&file) {
            return self.say(Level::Error, path, what);
        }
        let name = path.with_extension("").to_string_lossy().into_owned();
        let place = self.top.join(path).display().to_string();
        if let Some(before) = self.seen.found.get(&Untrusted::from(name.as_str())) {
            let what = format!("{} has the same name and comes first", before.place.raw());
            return self.say(Level::Note, path, what);
        }
        if self.seen.found.len() >= size(limits::RUNBOOKS) {
            return self.say(
                Level::Error,
                path,
                format!("there are more than {} runbooks: it is not read", limits::RUNBOOKS),
            );
        }
        let whole = self.top.join(path);
        let runbook = match self.seen.before.remove(&whole) {
            Some((before, runbook)) if before == stamp => runbook,
            _ => {
                let mut bytes = Vec::new();
                // One byte more than fits tells that it did not.
                if let Err(error) = File::from(file).take(limits::RUNBOOK_BYTES + 1).read_to_end(&mut bytes) {
                    return self.say(Level::Error, path, format!("it cannot be read: {error}"));
                }
                Arc::new(Runbook::parse(&name, &place, false, &bytes))
            }
        };
        if stamp.is_settled(self.seen.now) {
            self.seen.after.insert(whole, (stamp, Arc::clone(&runbook)));
        }
        self.seen.found.insert(name.as_str().into(), runbook);
    }
}

/// Whether nobody but its owner (and the owner's group) can have put it there, and the owner is this user or root.
fn trusted(file: impl AsFd) -> Result<(), String> {
    let found = rustix::fs::fstat(file).map_err(|error| format!("it cannot be looked at: {error}"))?;
    let us = rustix::process::geteuid().as_raw();
    if found.st_uid != us && found.st_uid != 0 {
        return Err(format!(
            "it belongs to user id {}, and this process runs as {us}: its steps would be somebody else's",
            found.st_uid
        ));
    }
    if found.st_mode & 0o002 != 0 && found.st_mode & 0o1000 == 0 {
        return Err(format!(
            "everybody can write it (mode {:03o}), and so put steps there: chmod o-w it",
            found.st_mode & 0o777
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn fault_67_links_pipes_and_what_everybody_can_write_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("good.md"), "# Good\n").unwrap();
        std::fs::write(at("open.md"), "# Open\n").unwrap();
        std::fs::set_permissions(at("open.md"), std::fs::Permissions::from_mode(0o666)).unwrap();
        symlink(at("good.md"), at("link.md")).unwrap();
        std::fs::create_dir(at("below")).unwrap();
        std::fs::write(at("below/deep.md"), "# Deep\n").unwrap();
        symlink("/etc", at("out")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe.md"), FileType::Fifo, Mode::from(0o600), 0).unwrap();
        std::fs::write(at("README.md"), "```sh\nrm -rf /\n```\n").unwrap();
        std::fs::write(at(".hidden.md"), "# Hidden\n").unwrap();
        let shelf = Shelf::of_folders(&[dir.path().to_owned()]);
        let names: Vec<&str> = shelf.runbooks.iter().map(|runbook| runbook.name.raw()).collect();
        assert_eq!(names, ["below/deep", "good"]);
        let said: Vec<String> = shelf.findings.iter().map(ToString::to_string).collect();
        for (file, part) in
            [("link.md", "symbolic link"), ("pipe.md", "regular file"), ("open.md", "everybody can write")]
        {
            assert!(said.iter().any(|line| line.contains(file) && line.contains(part)), "{file}: {said:#?}");
        }
    }

    #[test]
    fn folders_are_bounded_in_depth_and_the_first_of_a_name_counts() {
        let dir = tempfile::tempdir().unwrap();
        let deep = (0..12).fold(dir.path().to_owned(), |path, _| path.join("d"));
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("x.md"), "# X\n").unwrap();
        let other = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.md"), "# First\n").unwrap();
        std::fs::write(other.path().join("a.md"), "# Second\n").unwrap();
        let shelf = Shelf::of_folders(&[dir.path().to_owned(), other.path().to_owned()]);
        assert_eq!(shelf.runbooks.len(), 1);
        assert_eq!(shelf.runbooks[0].title.raw(), "First");
        assert!(shelf.findings.iter().any(|one| one.what.raw().contains("deep")));
        assert!(Shelf::of_folders(&[dir.path().join("none")]).findings[0].what.raw().contains("cannot be read"));
    }

    #[test]
    fn a_file_of_ten_megabytes_is_refused_by_its_size() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("big.md"), "x".repeat(10 << 20)).unwrap();
        let shelf = Shelf::of_folders(&[dir.path().to_owned()]);
        assert!(shelf.runbooks[0].findings[0].what.raw().contains("at most"), "{:?}", shelf.runbooks[0].findings);
    }

    #[test]
    fn a_file_that_was_read_is_read_again_when_it_is_another_and_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one.md"), dir.path().join("other.md"));
        std::fs::write(&one, "# First\n").unwrap();
        std::fs::write(&other, "# Other\n").unwrap();
        let library = Library::new(vec![dir.path().to_owned()]);
        // Looked at as if that were long ago, so that it counts as settled.
        let at = |after: u64| SystemTime::now() + Duration::from_secs(after);
        let look_at = |after: u64| {
            let mut known = library.known.lock().unwrap();
            let mut seen = Seen {
                found: BTreeMap::new(),
                findings: Vec::new(),
                entries: 0,
                before: std::mem::take(&mut *known),
                after: Known::new(),
                now: at(after),
            };
            Walk { top: dir.path(), seen: &mut seen }.begin();
            *known = seen.after;
            seen.found
        };
        let (fresh, again) = (look_at(0), look_at(60));
        assert!(!Arc::ptr_eq(&fresh["one"], &again["one"]), "what was written just now is not known by its time");
        let (third, fourth) = (look_at(60), look_at(60));
        assert!(Arc::ptr_eq(&again["one"], &third["one"]) && Arc::ptr_eq(&third["one"], &fourth["one"]));
        // Of the same length, with its time of modification put back.
        let modified = std::fs::metadata(&one).unwrap().modified().unwrap();
        std::fs::write(&one, "# Third\n").unwrap();
        File::options().write(true).open(&one).unwrap().set_modified(modified).unwrap();
        let fifth = look_at(60);
        assert_eq!(fifth["one"].title.raw(), "Third");
        assert!(Arc::ptr_eq(&fourth["other"], &fifth["other"]));
        std::fs::remove_file(&other).unwrap();
        assert!(!look_at(60).contains_key("other") && library.known.lock().unwrap().len() == 1);
        assert_eq!(library.get("one").unwrap().title.raw(), "Third");
        assert!(library.get("other").is_none() && library.shelf().runbooks.len() > 1);
    }

    #[test]
    fn a_teams_runbook_takes_the_place_of_a_built_in_one() {
        let built_in = Shelf::built_in();
        let name = built_in.runbooks[0].name.raw().to_owned();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(format!("{name}.md"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "# Ours\n").unwrap();
        let shelf = Shelf::with_built_in(&[dir.path().to_owned()]);
        assert_eq!(shelf.get(&name).unwrap().title.raw(), "Ours");
        assert_eq!(shelf.runbooks.len(), built_in.runbooks.len());
    }
}
