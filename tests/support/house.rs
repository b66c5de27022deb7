//! A house of one's own: a private folder, a port, and `warroom` run in it with nothing else of this machine.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{PATIENCE, free_port, http, send_signal, wait_until};

/// The program under test; `WARROOM_TEST_PROGRAM` names another build of it.
#[must_use]
pub fn program() -> PathBuf {
    std::env::var_os("WARROOM_TEST_PROGRAM").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_warroom")), PathBuf::from)
}

/// A private folder with configuration and journal, and a port.
#[derive(Debug)]
pub struct House {
    folder: TempDir,
    /// Port on 127.0.0.1 that the configuration listens on.
    pub port: u16,
}

impl Default for House {
    fn default() -> Self {
        Self::new()
    }
}

impl House {
    /// An empty house.
    ///
    /// # Panics
    /// When there is no temporary folder.
    #[must_use]
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("warroom-test-").expect("a temporary folder");
        for inner in ["home", "state", "config", "config/warroom"] {
            let inner = folder.path().join(inner);
            std::fs::create_dir(&inner).expect("a writable temporary folder");
            std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o700)).expect("our own folder");
        }
        Self { folder, port: free_port() }
    }

    /// The folder of it all.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the journal is when nothing else is said.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path().join("state/warroom/journal.db")
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path().join("config/warroom/warroom.toml")
    }

    /// Writes the configuration file.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn configure(&self, toml: &str) {
        std::fs::write(self.config(), toml).expect("a writable temporary folder");
        std::fs::set_permissions(self.config(), std::fs::Permissions::from_mode(0o600)).expect("our own file");
    }

    /// What the program sees of the environment: nothing of this machine's user.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let inside = |name: &str| self.path().join(name).to_string_lossy().into_owned();
        vec![
            ("PATH", std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".into())),
            ("HOME", inside("home")),
            ("XDG_STATE_HOME", inside("state")),
            ("XDG_CONFIG_HOME", inside("config")),
            ("USER", "ada".into()),
            ("LOGNAME", "ada".into()),
            ("LANG", "C.UTF-8".into()),
            ("TZ", "UTC".into()),
            ("RUST_BACKTRACE", "1".into()),
        ]
    }

    /// `warroom` with these arguments, in this house, without input or terminal.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).env_clear().envs(self.environment()).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("warroom starts")
    }

    /// Runs a command that must succeed, and returns its standard output.
    ///
    /// # Panics
    /// When it fails; the message holds what it wrote to stderr.
    #[must_use]
    pub fn stdout(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "warroom {arguments:?}: {}\n{errors}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command that must succeed and print JSON.
    ///
    /// # Panics
    /// When it fails or prints something else.
    #[must_use]
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.stdout(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("warroom {arguments:?}: not JSON ({error}): {text}"))
    }

    /// The arguments that make a process listen on this house's port.
    #[must_use]
    pub fn listen(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `warroom serve`, ready to take deliveries.
    ///
    /// # Panics
    /// When it does not become ready.
    #[must_use]
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// `warroom serve` with more arguments.
    ///
    /// # Panics
    /// When it does not become ready.
    #[must_use]
    pub fn serve_with(&self, more: &[&str]) -> Server {
        let listen = self.listen();
        let mut command = self.command(&["serve", "--listen", &listen]);
        command.args(more);
        Server::start(command, self.port)
    }

    /// Every entry of the journal, oldest first, read past the program.
    ///
    /// # Panics
    /// When the journal cannot be read.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        entries_of(&self.journal())
    }
}

/// Every entry of a journal, oldest first, read past the program.
///
/// # Panics
/// When the journal cannot be read.
#[must_use]
pub fn entries_of(journal: &Path) -> Vec<Entry> {
    use warroom::journal::{Journal as _, Query, SqliteJournal};
    let journal = SqliteJournal::open_read_only(journal).expect("the journal opens read-only");
    let mut entries = Vec::new();
    loop {
        let after = entries.last().map_or(warroom::event::Seq::default(), |entry: &Entry| entry.seq);
        let query = Query { after, limit: 1_000, ..Query::default() };
        let page = journal.read(&query).expect("the journal reads");
        if page.is_empty() {
            return entries;
        }
        entries.extend(page.into_iter().map(|record| Entry {
            seq: record.seq,
            arrived: record.arrived,
            kind: record.kind.name(),
            key: record.key,
            body: serde_json::from_slice(&record.body).expect("a body is JSON"),
        }));
    }
}

impl House {
    /// How often something already recorded was delivered again.
    ///
    /// # Panics
    /// When the journal cannot be read.
    #[must_use]
    pub fn redeliveries(&self) -> u64 {
        use warroom::journal::{Journal as _, SqliteJournal};
        let journal = SqliteJournal::open_read_only(&self.journal()).expect("the journal opens read-only");
        journal.redeliveries().expect("the journal counts")
    }
}

impl House {
    /// A run as the screen opens it, read past the program.
    ///
    /// # Panics
    /// When the journal cannot be read.
    #[must_use]
    pub fn opened(&self, trace: &str) -> Option<warroom::engine::view::RunDetail> {
        use warroom::journal::{Journal as _, SqliteJournal};
        let journal = Arc::new(SqliteJournal::open_read_only(&self.journal()).expect("the journal opens read-only"));
        let head = journal.head().expect("the journal reads");
        let trace = trace.parse().expect("a trace id");
        warroom::engine::details(journal).run(trace, head).expect("the journal reads")
    }

    /// How often something of `source` met `fate`, by the counters of who listens.
    #[must_use]
    pub fn counted(&self, source: &str, fate: &str) -> u64 {
        let metrics = http::get(self.port, "/metrics").map(|answer| answer.text()).unwrap_or_default();
        let start = format!("warroom_deliveries_total{{source=\"{source}\",fate=\"{fate}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&start)).and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// Every entry as `warroom export` writes it.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn exported(&self) -> Vec<serde_json::Value> {
        let text = self.stdout(&["export", "--out", "-"]);
        text.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
    }
}

/// One entry as a test looks at it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Place.
    pub seq: warroom::event::Seq,
    /// When it arrived.
    pub arrived: warroom::event::Time,
    /// Stored name of its kind.
    pub kind: &'static str,
    /// Key.
    pub key: String,
    /// Body.
    pub body: serde_json::Value,
}

/// A running `warroom` that listens.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Port on 127.0.0.1.
    pub port: u16,
    errors: Arc<Mutex<String>>,
}

impl Server {
    /// Starts `command` and waits until it answers `/healthz` on `port`.
    ///
    /// # Panics
    /// When it ends or stays silent instead.
    #[must_use]
    pub fn start(mut command: Command, port: u16) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("warroom starts");
        let errors = Arc::new(Mutex::new(String::new()));
        let mut pipe = child.stderr.take().expect("stderr is piped");
        let sink = Arc::clone(&errors);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut chunk) {
                let text = String::from_utf8_lossy(&chunk[..read]).into_owned();
                sink.lock().expect("nobody panics with this lock").push_str(&text);
            }
        });
        let mut server = Self { child, port, errors };
        wait_until("warroom to listen", || {
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("warroom ended at its start: {status}\n{}", server.stderr());
            }
            http::get(port, "/healthz").is_ok_and(|answer| answer.status == 200)
        });
        server
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to stderr so far.
    ///
    /// # Panics
    /// Never while the reading thread lives.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.errors.lock().expect("nobody panics with this lock").clone()
    }

    /// The address of a path of its listener.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Posts a JSON body to a path of its listener.
    ///
    /// # Errors
    /// As [`http::request`].
    pub fn post(&self, path: &str, body: &[u8]) -> std::io::Result<http::Answer> {
        http::post(self.port, path, "application/json", body)
    }

    /// Ends it as a power cut would (SIGKILL).
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM) and waits for it.
    ///
    /// # Panics
    /// When it does not end.
    pub fn terminate(&mut self) -> ExitStatus {
        send_signal(self.pid(), rustix::process::Signal::TERM);
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "warroom did not end after SIGTERM\n{}", self.stderr());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
