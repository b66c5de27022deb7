//! A tmux server of one's own.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::house::House;
use super::{find_program, wait_until};

/// A tmux server with one session, one window, one pane.
#[derive(Debug)]
pub struct Tmux {
    folder: TempDir,
}

impl Tmux {
    /// Starts `command` (one shell command line) in a detached session of this size, in the environment of `house`.
    ///
    /// # Panics
    /// When tmux is not installed (see [`super::require`]) or does not start.
    #[must_use]
    pub fn start(house: &House, command: &str, columns: u16, rows: u16) -> Self {
        let server = Self { folder: TempDir::new().expect("a temporary folder") };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let mut tmux = server.tmux();
        tmux.env_clear().envs(house.environment()).env("TERM", "xterm-256color");
        let output = tmux
            .args(["-f", "/dev/null", "-u", "new-session", "-d", "-s", "test", "-x", &columns, "-y", &rows, command])
            .output()
            .expect("tmux starts");
        assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        server
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// `tmux` on this server, to be given a command.
    ///
    /// # Panics
    /// When tmux is not installed.
    #[must_use]
    pub fn tmux(&self) -> Command {
        let mut command = Command::new(find_program("tmux").expect("require(\"tmux\") was asked first"));
        command.arg("-S").arg(self.socket()).stdin(Stdio::null());
        command
    }

    /// Runs one tmux command.
    ///
    /// # Panics
    /// When tmux cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.tmux().args(arguments).output().expect("tmux starts")
    }

    /// The pane as text.
    #[must_use]
    pub fn capture(&self) -> String {
        String::from_utf8_lossy(&self.run(&["capture-pane", "-p", "-t", "test"]).stdout).into_owned()
    }

    /// Presses keys by tmux's names (`Enter`, `Escape`, `j`).
    pub fn press(&self, keys: &[&str]) {
        let mut arguments = vec!["send-keys", "-t", "test"];
        arguments.extend_from_slice(keys);
        let _ = self.run(&arguments);
    }

    /// Waits until `text` stands in the pane.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait_for(&self, text: &str) {
        let mut last = String::new();
        let start = std::time::Instant::now();
        while start.elapsed() < super::PATIENCE {
            last = self.capture();
            if last.contains(text) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("waited for `{text}` in the pane:\n{last}");
    }

    /// Takes the server away with everything in it: its panes' programs lose their terminal.
    pub fn kill(&self) {
        let _ = self.run(&["kill-server"]);
        wait_until("the tmux server to end", || !self.run(&["has-session"]).status.success());
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.run(&["kill-server"]);
    }
}
