//! A real PostgreSQL of one's own, on a free port of 127.0.0.1.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Running, free_port, wait_until};

/// The user, and group, as whom the server runs where the tests run as root, which PostgreSQL refuses.
pub const NOBODY: u32 = 65_534;

/// The newest folder of PostgreSQL's programs.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("postgres").exists()).collect();
    found.sort();
    found.pop()
}

/// A running server with one user, `app`, who may do everything, and one database, `postgres`.
#[derive(Debug)]
pub struct Postgres {
    server: Running,
    folder: tempfile::TempDir,
    programs: PathBuf,
    /// Port on 127.0.0.1.
    pub port: u16,
}

impl Postgres {
    /// Makes a cluster and starts its server.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(|_| ())
    }

    /// The same, with more in its folder of data before it starts.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_with(prepare: impl FnOnce(&Path)) -> Self {
        let programs = programs().expect("PostgreSQL is installed");
        let folder = tempfile::TempDir::with_prefix("warroom-postgres-").expect("a temporary folder");
        let (path, port) = (folder.path(), free_port());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).expect("our own folder");
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("root gives folders away");
        }
        let made = as_nobody(&programs.join("initdb"), path)
            .args(["-D", "data", "-U", "app", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"])
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        prepare(&path.join("data"));
        let mut server = as_nobody(&programs.join("postgres"), path);
        server.args(["-D", "data", "-F", "-h", "127.0.0.1", "-p", &port.to_string(), "-k", &path.to_string_lossy()]);
        let server = Running::start(&mut server, &path.join("log"));
        let postgres = Self { server, folder, programs, port };
        wait_until("PostgreSQL to answer", || postgres.psql("SELECT 1").is_ok());
        postgres
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://app@127.0.0.1:{}/postgres", self.port)
    }

    /// What `psql` answers to these statements.
    ///
    /// # Errors
    /// What the server says is wrong.
    pub fn psql(&self, statements: &str) -> Result<String, String> {
        let output = Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(), "-c", statements])
            .output()
            .map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// The folder that the server may write in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A fast shutdown: killed outright, it would leave a segment of shared memory behind.
        super::send_signal(self.server.pid(), rustix::process::Signal::INT);
        let _ = self.server.0.wait();
    }
}

fn as_nobody(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}
