//! Steps as the tests of the wall run them: behind it, beside a victim that is looked at from outside.

use std::path::{Path, PathBuf};
use std::time::Duration;

use warroom::event::{ReadEnd, Request, Untrusted};
use warroom::response::wall::{self, Limits, Read, Surroundings, WallError};

use crate::support::house::program;

/// A step's surroundings, and a folder of the host that it may read.
pub struct Scene {
    folder: tempfile::TempDir,
    /// As the step is run.
    pub around: Surroundings,
}

impl Default for Scene {
    fn default() -> Self {
        let folder = tempfile::TempDir::with_prefix("warroom-victim-").expect("a temporary folder");
        let path = folder.path().canonicalize().expect("it is there");
        std::fs::write(path.join("file"), "as it was").expect("our own folder");
        std::fs::create_dir(path.join("inner")).expect("our own folder");
        let limits = Limits { time: Duration::from_secs(100), ..Limits::default() };
        let around = Surroundings { program: program(), reads: vec![path], limits, ..Surroundings::default() };
        Self { folder, around }
    }
}

impl Scene {
    /// The victim: a folder with a `file` and an `inner` folder, which the step sees.
    pub fn victim(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("it is there")
    }

    /// Runs these words.
    pub fn run(&self, argv: &[&str]) -> Seen {
        self.run_until(argv, &|| false)
    }

    /// Runs these words until `cancel` says so.
    pub fn run_until(&self, argv: &[&str], cancel: &dyn Fn() -> bool) -> Seen {
        Seen(self.try_run(argv, cancel).expect("the wall stands on this machine"))
    }

    /// Runs these words where the wall may not stand.
    ///
    /// # Errors
    /// As [`wall::read`].
    pub fn try_run(&self, argv: &[&str], cancel: &dyn Fn() -> bool) -> Result<Read, WallError> {
        let argv = argv.iter().map(|word| Untrusted::from(*word)).collect();
        wall::read(&Request::Process { argv }, &self.around, &mut |_| {}, cancel)
    }

    /// Runs a script in a shell, in which `$V` is the victim's folder.
    pub fn sh(&self, script: &str) -> Seen {
        self.run(&["/bin/sh", "-c", &format!("V='{}'\n{script}", self.victim().display())])
    }

    /// Runs a Python program, in which `V` is the victim's folder.
    pub fn python(&self, program: &str) -> Seen {
        let python = python();
        self.run(&[
            &python,
            "-c",
            &format!("V = {:?}\nimport os, sys, ctypes, socket, errno\n{program}", self.victim().display().to_string()),
        ])
    }

    /// Sees that nothing of the victim has changed.
    pub fn unharmed(&self) {
        use std::os::unix::fs::MetadataExt as _;
        let victim = self.victim();
        let names = |folder: &Path| {
            let mut names: Vec<_> = std::fs::read_dir(folder)
                .expect("it is there")
                .map(|entry| entry.expect("it is there").file_name())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(&victim), ["file", "inner"]);
        assert!(names(&victim.join("inner")).is_empty());
        assert_eq!(std::fs::read_to_string(victim.join("file")).expect("it is there"), "as it was");
        let about = std::fs::symlink_metadata(victim.join("file")).expect("it is there");
        assert!(about.is_file());
        assert_eq!((about.mode() & 0o7777, about.nlink()), (0o644, 1));
        assert_eq!(
            (about.uid(), about.gid()),
            (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
        );
        assert!(about.mtime() > 1_600_000_000, "its time was not set back");
    }
}

/// What a step said.
#[derive(Debug)]
pub struct Seen(pub Read);

impl Seen {
    /// Its output.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.output).into_owned()
    }

    /// Sees that it ended well and said `words`.
    pub fn says(&self, words: &str) {
        assert_eq!(self.0.ended, ReadEnd::Exit { code: 0 }, "{}", self.text());
        assert!(self.text().contains(words), "it does not say {words:?}: {:?}", self.text());
    }

    /// Sees that it ended by itself and not well: what it tried was refused to it.
    pub fn failed(&self) {
        assert!(matches!(self.0.ended, ReadEnd::Exit { code } if code != 0), "{:?}: {}", self.0.ended, self.text());
    }

    /// The limit that ended it.
    pub fn limit(&self) -> String {
        match &self.0.ended {
            ReadEnd::Limit { which } => which.raw().to_owned(),
            other => panic!("no limit ended it: {other:?}: {}", self.text()),
        }
    }

    /// Why it was refused.
    pub fn refusal(&self) -> String {
        match &self.0.ended {
            ReadEnd::Refused { why } => why.raw().to_owned(),
            other => panic!("it was not refused: {other:?}: {}", self.text()),
        }
    }
}

/// The Python of the system: one that lies in a home is hidden.
pub fn python() -> String {
    "/usr/bin/python3".to_owned()
}

/// How many processes of this host have `mark` among their arguments.
pub fn running(mark: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|one| std::fs::read(one.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(mark))
        .count()
}
