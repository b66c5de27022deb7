//! A real Phoenix with its own folder and ports.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{free_port, http};

/// How long it may take to start: it makes its database first.
const START: Duration = Duration::from_secs(300);

/// The program that `tests/setup` installs.
#[must_use]
pub fn program() -> Option<PathBuf> {
    super::installed("phoenix/bin/phoenix")
}

/// A running Phoenix.
#[derive(Debug)]
pub struct Phoenix {
    /// Port on 127.0.0.1.
    pub port: u16,
    log: PathBuf,
    /// It ends when its input is closed: with this program, however that ends.
    _process: Child,
}

/// The one of this test program, started by whoever asks first. Projects keep tests apart.
pub fn shared() -> &'static Phoenix {
    static SHARED: LazyLock<Phoenix> = LazyLock::new(Phoenix::start);
    &SHARED
}

impl Phoenix {
    fn start() -> Self {
        let folder = TempDir::with_prefix("warroom-test-phoenix-").expect("a temporary folder").keep();
        let (port, log) = (free_port(), folder.join("log"));
        let file = std::fs::File::create(&log).expect("a log file in a fresh folder");
        let child = Command::new("sh")
            .args(["-c", "\"$0\" serve & read -r _; kill $!; wait $!; rm -rf \"$1\""])
            .arg(program().expect("require(\"phoenix\") was asked first"))
            .arg(&folder)
            .current_dir(&folder)
            .env("HOME", &folder)
            .env("PHOENIX_WORKING_DIR", &folder)
            .env("PHOENIX_HOST", "127.0.0.1")
            .env("PHOENIX_PORT", port.to_string())
            .env("PHOENIX_GRPC_PORT", free_port().to_string())
            .env("PHOENIX_TELEMETRY_ENABLED", "false")
            .stdin(Stdio::piped())
            .stdout(file.try_clone().expect("a second handle of an open file"))
            .stderr(file)
            .spawn()
            .expect("a shell");
        let phoenix = Self { port, log, _process: child };
        let begun = Instant::now();
        while !http::get(port, "/v1/projects").is_ok_and(|answer| answer.status == 200) {
            assert!(begun.elapsed() < START, "Phoenix did not start:\n{}", phoenix.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        phoenix
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Gives its verdict on a `span` or `trace` of that id, as an evaluator would.
    ///
    /// # Panics
    /// When it refuses.
    pub fn annotate(&self, of: &str, id: &str, name: &str, label: &str, score: f64) {
        let body = serde_json::json!({"data": [{
            format!("{of}_id"): id, "name": name, "annotator_kind": "LLM",
            "result": {"label": label, "score": score, "explanation": "not in the context"},
        }]});
        let path = &format!("/v1/{of}_annotations?sync=true");
        let answer =
            http::post(self.port, path, "application/json", body.to_string().as_bytes()).expect("Phoenix answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// What it has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}
