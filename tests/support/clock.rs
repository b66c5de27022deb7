//! A clock that a test sets, for a real process: the wall clock is wrong, the monotonic one goes on as it does.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// The clock of the processes that run with its [`environment`](Self::environment).
#[derive(Debug)]
pub struct WallClock {
    folder: TempDir,
    library: String,
}

impl WallClock {
    /// One that is right.
    ///
    /// # Panics
    /// When `faketime` is not installed (see [`super::require`]).
    #[must_use]
    pub fn right() -> Self {
        let asked = Command::new("faketime").args(["-f", "+0s", "printenv", "LD_PRELOAD"]).output();
        let library = String::from_utf8(asked.expect("require(\"faketime\") was asked first").stdout).expect("a path");
        let clock = Self { folder: TempDir::new().expect("a temporary folder"), library: library.trim().to_owned() };
        clock.set("+0s");
        clock
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("now")
    }

    /// From now on it is off by so much, such as `-3h`; or starts at a moment, such as `@2026-10-25 01:20:00` (UTC).
    ///
    /// # Panics
    /// When it cannot be written down.
    pub fn set(&self, to: &str) {
        // Renamed into place: no process reads half of it.
        let next = self.folder.path().join("next");
        std::fs::write(&next, format!("{to}\n")).expect("a writable temporary folder");
        std::fs::rename(next, self.file()).expect("a writable temporary folder");
    }

    /// What a process must find in its environment to have this clock.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.library.clone()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().to_string_lossy().into_owned()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
        ]
    }
}
