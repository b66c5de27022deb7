//! A real sshd with its own keys on its own port, for the user who runs the tests.

use std::path::Path;
use std::process::{Command, Stdio};

use portable_pty::CommandBuilder;
use tempfile::TempDir;

use super::house::House;
use super::{Running, find_program, free_port, wait_until};

/// A running sshd.
#[derive(Debug)]
pub struct Sshd {
    /// Port on 127.0.0.1.
    pub port: u16,
    folder: TempDir,
    process: Running,
}

impl Sshd {
    /// Starts it and waits until it takes connections.
    ///
    /// # Panics
    /// When OpenSSH is not installed (see [`super::require`]) or does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let port = free_port();
        for key in ["host", "user"] {
            make_key(&folder.path().join(key));
        }
        std::fs::copy(folder.path().join("user.pub"), folder.path().join("authorized")).expect("our own folder");
        let inside = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nPermitUserEnvironment no\n\
             AcceptEnv *\n",
            inside("host"),
            inside("authorized"),
        );
        std::fs::write(folder.path().join("sshd.conf"), config).expect("our own folder");
        // Where sshd, run by root, confines its unprivileged half.
        let _ = std::fs::create_dir_all("/run/sshd");
        let mut command = Command::new(find_program("sshd").expect("require(\"sshd\") was asked first"));
        command.args(["-D", "-e", "-f"]).arg(folder.path().join("sshd.conf"));
        let process = Running::start(&mut command, &folder.path().join("log"));
        let server = Self { port, folder, process };
        wait_until("sshd to take connections", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        server
    }

    /// `ssh` to this server, running `command` (one shell command line) there on a terminal in the environment of
    /// `house`. Killing this process is a lost connection.
    ///
    /// # Panics
    /// When OpenSSH's client is not installed.
    #[must_use]
    pub fn login(&self, house: &House, command: &str) -> CommandBuilder {
        let mut ssh = CommandBuilder::new(find_program("ssh").expect("require(\"ssh\") was asked first"));
        ssh.env_clear();
        ssh.env("TERM", "xterm-256color");
        ssh.env("PATH", "/usr/bin:/bin");
        let key = self.folder.path().join("user").to_string_lossy().into_owned();
        let port = self.port.to_string();
        ssh.args(["-tt", "-F", "none", "-p", &port, "-i", &key, "-o", "IdentitiesOnly=yes"]);
        ssh.args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]);
        ssh.arg("127.0.0.1");
        let mut remote = format!("cd {}; exec env -i TERM=$TERM", quoted(&house.path().to_string_lossy()));
        for (name, value) in house.environment() {
            remote = format!("{remote} {name}={}", quoted(&value));
        }
        ssh.arg(format!("{remote} SSH_CONNECTION=\"$SSH_CONNECTION\" {command}"));
        ssh
    }

    /// What it has written to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// `text` as one word of a POSIX shell.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn make_key(path: &Path) {
    let status = Command::new(find_program("ssh-keygen").expect("ssh-keygen comes with the client"))
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .status()
        .expect("ssh-keygen starts");
    assert!(status.success(), "ssh-keygen: {status}");
}
