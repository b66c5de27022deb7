//! What the tests of this project share: real programs to meet, a terminal to be seen on, a house of one's own.
//!
//! Every test program includes this file with `#[path = "../support/mod.rs"] mod support;` and uses a part of it.
//! Nothing here knows what is asserted; everything started here ends when its value is dropped.

#![expect(dead_code, reason = "each test program uses its own part of the harness")]

pub mod alerting;
pub mod bodies;
pub mod clock;
pub mod failing;
pub mod gate;
pub mod house;
pub mod http;
pub mod langfuse;
pub mod metrics;
pub mod model;
pub mod phoenix;
pub mod postgres;
pub mod pty;
pub mod ssh;
pub mod tmux;
pub mod wire;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long a test waits for something that must come. Waits end as soon as it is there, so this only bounds failure.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How long something may take that is promised within `limit`: that, where `WARROOM_TEST_STRICT` is set (a quiet machine),
/// and ten times that elsewhere. A test that runs beside thirty others sees whether it is of the right order.
#[must_use]
pub fn allowed(limit: Duration) -> Duration {
    if std::env::var_os("WARROOM_TEST_STRICT").is_some() { limit } else { limit * 10 }
}

/// Whether a test may go on that needs `component`. With `CI=true` a missing component is a failure; elsewhere the
/// test skips, which is said on stderr past the capture of the test runner.
#[must_use]
pub fn require(component: &str) -> bool {
    let present = match component {
        "alertmanager" => alerting::alertmanager_program().is_some(),
        "otel" => otel_python().is_some(),
        "phoenix" => phoenix::program().is_some(),
        "postgres" => postgres::programs().is_some(),
        "tmpfs" => can_mount_tmpfs(),
        "ptrace" => may_attach(),
        program => find_program(program).is_some(),
    };
    if present {
        return true;
    }
    let hint = "tests/setup installs what the tests meet";
    assert!(std::env::var("CI").as_deref() != Ok("true"), "`{component}` is missing on this machine: {hint}");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "skipped {test}: `{component}` is missing ({hint})");
    false
}

/// Whether every one of `components` is there, as [`require`] says.
#[must_use]
pub fn require_all(components: &[&str]) -> bool {
    components.iter().all(|component| require(component))
}

/// The program of this name on `PATH` or where daemons live.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// The Python of the environment with the OpenTelemetry SDK that `tests/setup` makes.
#[must_use]
pub fn otel_python() -> Option<PathBuf> {
    installed("otel/bin/python")
}

/// What `tests/setup` puts there under this name.
fn installed(name: &str) -> Option<PathBuf> {
    let cache =
        std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()).or_else(|| {
            let home = std::env::var_os("HOME")?;
            Some(Path::new(&home).join(".cache"))
        })?;
    let found = cache.join("warroom-tests").join(name);
    found.exists().then_some(found)
}

/// Whether a tracer may attach to a process that it did not start.
fn may_attach() -> bool {
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_else(|_| "0".into());
    find_program("strace").is_some()
        && (scope.trim() == "0" || (scope.trim() == "1" && rustix::process::geteuid().is_root()))
}

fn can_mount_tmpfs() -> bool {
    find_program("unshare").is_some_and(|unshare| {
        Command::new(unshare)
            .args(["--mount", "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

/// The first port that tests listen on, how many a test program has for itself, and for how many programs there are some.
/// All below the ports that Linux gives to outgoing connections: none of those takes one between its choice and its use.
const PORTS: (u16, u16, u16) = (11_000, 200, 100);

/// A port of 127.0.0.1 that is free now and that no other test program chooses.
///
/// # Panics
/// When more test programs run at once than there are ports for.
#[must_use]
pub fn free_port() -> u16 {
    static OURS: LazyLock<(u16, std::fs::File)> = LazyLock::new(|| {
        let whose = rustix::process::geteuid().as_raw();
        let locks = std::env::temp_dir().join(format!("warroom-test-ports-{whose}"));
        let _ = std::fs::create_dir(&locks);
        let mut places = 0..PORTS.2;
        // Held until this program ends, however it ends.
        let found = places.find_map(|place| {
            let lock = std::fs::File::options().create(true).append(true).open(locks.join(place.to_string())).ok()?;
            lock.try_lock().ok().map(|()| (PORTS.0 + place * PORTS.1, lock))
        });
        found.expect("fewer than a hundred test programs run at once")
    });
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let mut tries = 0..PORTS.1;
    let free = tries.find_map(|_| {
        let port = OURS.0 + NEXT.fetch_add(1, Ordering::Relaxed) % PORTS.1;
        std::net::TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
    });
    free.expect("loopback has a free port")
}

/// Waits until `done` holds, looking every 20 ms.
///
/// # Panics
/// When it does not hold within [`PATIENCE`]; `why` says what was waited for.
pub fn wait_until(why: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for: {why}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until `look` finds something, and returns it.
///
/// # Panics
/// When it finds nothing within [`PATIENCE`].
pub fn wait_for<T>(why: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    wait_until(why, || {
        found = look();
        found.is_some()
    });
    found.expect("wait_until returns only after it was found")
}

/// A child process that ends with this value.
#[derive(Debug)]
pub struct Running(pub Child);

impl Running {
    /// Starts `command` with its output in `log`.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let log = std::fs::File::create(log).expect("a log file in a fresh folder");
        let errors = log.try_clone().expect("a second handle of an open file");
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        Self(child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")))
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A number of kibibytes in `/proc/PID/status`, such as `VmHWM` (the highest memory it has had), in bytes.
///
/// # Panics
/// When the process is gone or Linux does not say it.
#[must_use]
pub fn memory(pid: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("Linux says it");
    line.trim_start_matches(':').trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
}

/// Sends `signal` to the process `pid`.
pub fn send_signal(pid: u32, signal: rustix::process::Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}
