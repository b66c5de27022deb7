//! A real Prometheus and a real Alertmanager, each with its own folder and port.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Running, find_program, free_port, http, wait_until};

/// The program, by the name that Debian or the upstream archive gives it.
#[must_use]
pub fn alertmanager_program() -> Option<PathBuf> {
    find_program("prometheus-alertmanager").or_else(|| find_program("alertmanager"))
}

/// A running Alertmanager.
#[derive(Debug)]
pub struct Alertmanager {
    /// Port on 127.0.0.1.
    pub port: u16,
    folder: TempDir,
    process: Option<Running>,
}

/// Delivers every group within a second and repeats it every few seconds, so that a test sees retries and repeats.
/// `receiver` is the body of one entry of `webhook_configs`, such as `url: http://…`.
#[must_use]
pub fn impatient(receiver: &str) -> String {
    format!(
        "route:\n  receiver: console\n  group_by: [alertname]\n  group_wait: 1s\n  group_interval: 2s\n  repeat_interval: 5s\n\
         receivers:\n- name: console\n  webhook_configs:\n  - {{send_resolved: true, {receiver}}}\n"
    )
}

impl Alertmanager {
    /// Starts it with this configuration and waits until it is ready.
    ///
    /// # Panics
    /// When it is not installed (see [`super::require`]) or refuses the configuration.
    #[must_use]
    pub fn start(config: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut server = Self { port: free_port(), folder, process: None };
        server.restart(config);
        server
    }

    /// Stops it, if it runs, and starts it on the same port and storage.
    ///
    /// # Panics
    /// As [`Alertmanager::start`].
    pub fn restart(&mut self, config: &str) {
        self.process = None;
        let folder = self.folder.path();
        std::fs::write(folder.join("am.yml"), config).expect("a writable temporary folder");
        let program = alertmanager_program().expect("require(\"alertmanager\") was asked first");
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .args(["--config.file=am.yml", "--storage.path=data", "--cluster.listen-address="])
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port));
        self.process = Some(Running::start(&mut command, &folder.join("log")));
        wait_until("Alertmanager to be ready", || {
            http::get(self.port, "/-/ready").is_ok_and(|answer| answer.status == 200)
        });
    }

    /// Posts alerts to its API: a JSON array as in API v2.
    ///
    /// # Panics
    /// When it refuses them.
    pub fn post_alerts(&self, alerts: &serde_json::Value) {
        let body = serde_json::to_vec(alerts).expect("JSON writes as JSON");
        let answer = http::post(self.port, "/api/v2/alerts", "application/json", &body).expect("Alertmanager answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The alerts it holds, as its API v2 gives them.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn alerts(&self) -> Vec<serde_json::Value> {
        let answer = http::get(self.port, "/api/v2/alerts").expect("Alertmanager answers");
        answer.json().as_array().cloned().unwrap_or_default()
    }

    /// Runs its own tool on it and returns what that printed.
    ///
    /// # Panics
    /// When the tool fails.
    #[must_use]
    pub fn amtool(&self, arguments: &[&str]) -> String {
        let output = Command::new(find_program("amtool").expect("amtool comes with Alertmanager"))
            .arg(format!("--alertmanager.url=http://127.0.0.1:{}", self.port))
            .args(arguments)
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("amtool starts");
        assert!(output.status.success(), "amtool: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What it has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    /// Port on 127.0.0.1.
    pub port: u16,
    folder: TempDir,
    process: Option<Running>,
}

impl Prometheus {
    /// Starts it: scrapes `target` and evaluates `rules` (the `rules:` list of one group, YAML) every second, and sends
    /// what fires to the Alertmanager on `alertmanager`.
    ///
    /// # Panics
    /// When it is not installed (see [`super::require`]) or refuses the rules.
    #[must_use]
    pub fn start(target: u16, alertmanager: u16, rules: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let port = free_port();
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\n\
             alerting:\n  alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]}}]\n\
             scrape_configs:\n- {{job_name: app, honor_labels: true, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}\n"
        );
        std::fs::write(folder.path().join("prometheus.yml"), config).expect("a writable temporary folder");
        let rules = format!("groups:\n- name: app\n  interval: 1s\n  rules:\n{rules}\n");
        std::fs::write(folder.path().join("rules.yml"), rules).expect("a writable temporary folder");
        let mut server = Self { port, folder, process: None };
        server.resume();
        server
    }

    /// Stops it; what it has recorded stays.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again, on the same port and storage.
    ///
    /// # Panics
    /// As [`Prometheus::start`].
    pub fn resume(&mut self) {
        let mut command = Command::new(find_program("prometheus").expect("require(\"prometheus\") was asked first"));
        command
            .current_dir(self.folder.path())
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--rules.alert.resend-delay=2s"])
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port));
        self.process = Some(Running::start(&mut command, &self.folder.path().join("log")));
        wait_until("Prometheus to be ready", || {
            http::get(self.port, "/-/ready").is_ok_and(|answer| answer.status == 200)
        });
    }

    /// What it has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}
