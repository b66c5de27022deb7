//! A second process: this test program again, told by its environment what to be.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use warroom::event::{Note, Time};
use warroom::journal::{Draft, Journal, JournalError, Options, SqliteJournal};

/// Says what to be, and on which journal.
const ROLE: &str = "WARROOM_KEEP_ROLE";
const PATH: &str = "WARROOM_KEEP_PATH";

/// A note under `key`.
pub fn note(key: &str) -> Draft {
    let text = format!("{key} {}", "lorem ipsum ".repeat(key.len() % 200));
    Draft::new(
        Time::UNIX_EPOCH,
        key.into(),
        &Note { incident: None, author: "child".into(), text: text.as_str().into() }.into(),
    )
}

/// Opens a journal with little patience for others.
pub fn open(path: &Path) -> Result<SqliteJournal, JournalError> {
    let busy = std::time::Duration::from_secs(2);
    SqliteJournal::open_with(path, Time::now(), Options { busy, ..Options::default() })
}

/// A command that runs this program as `role`, through `wrapper` if that is not empty.
pub fn command(wrapper: &[&str], role: &str, path: &Path) -> Command {
    let me = std::env::current_exe().expect("this program has a path");
    let mut words: Vec<&std::ffi::OsStr> = wrapper.iter().map(std::ffi::OsStr::new).collect();
    words.push(me.as_os_str());
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(["--exact", "child::role", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(PATH, path).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// A started role, and the lines it says.
pub struct Role {
    pub process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Role {
    pub fn start(mut command: Command) -> Self {
        let mut process = command.spawn().expect("this program starts again");
        let lines = BufReader::new(process.stdout.take().expect("its output is piped")).lines();
        Self { process, lines }
    }

    /// The next line that begins with `word`, without it.
    pub fn next(&mut self, word: &str) -> Option<String> {
        self.lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix(word).map(|rest| rest.trim().to_owned()))
    }

    /// Kills it like a power cut and returns every key it had acknowledged, the last half line left out.
    pub fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("our own child");
        let keys = self.acknowledged();
        self.process.wait().expect("our own child");
        keys
    }

    /// Every key it acknowledges until it ends.
    pub fn acknowledged(&mut self) -> Vec<String> {
        let mut keys = Vec::new();
        while let Some(key) = self.next("ack ") {
            keys.extend(key.strip_suffix('.').map(str::to_owned));
        }
        keys
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _waited = self.process.wait();
    }
}

/// Says a line in one write, so that a kill leaves none or all of it readable (a half line lacks its full stop).
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).expect("somebody listens");
}

/// Not a test of its own: what this program does when another test starts it with a role.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = PathBuf::from(std::env::var_os(PATH).expect("a role has a path"));
    println!();
    match role.as_str() {
        "append" => append(&path),
        "steady" => steady(&path),
        "hold" => hold(&path),
        "open" => drop(open(&path).expect("it opens")),
        "full" => super::disk::role_full(&path),
        "readonly" => super::disk::role_readonly(&path),
        other => panic!("no such role: {other}"),
    }
    say("done");
}

/// Appends from three threads until killed; says every key once it is recorded.
fn append(path: &Path) {
    let journal = open(path).expect("it opens");
    say("ready");
    let run = std::process::id();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let journal = &journal;
            scope.spawn(move || {
                for i in 0..u64::MAX {
                    let keys: Vec<String> = (0..=i % 4).map(|k| format!("{run}/{thread}/{i}/{k}")).collect();
                    let receipt = journal.append(keys.iter().map(|key| note(key)).collect()).expect("it is recorded");
                    assert_eq!(receipt.recorded, keys.len() as u64);
                    for key in &keys {
                        say(&format!("ack {key}."));
                    }
                }
            });
        }
    });
}

/// Appends 60 keys one by one; says of each whether it was recorded, and tries those that failed once more at the end.
fn steady(path: &Path) {
    static FAILED: AtomicU64 = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let journal = open(path).expect("it opens");
    let try_to = |key: String, again: bool| match journal.append(vec![note(&key)]) {
        Ok(_) => say(&format!("ack {key}.")),
        Err(error) => {
            FAILED.fetch_add(1, Ordering::SeqCst);
            say(&format!("err {}", error.to_string().replace('\n', " ")));
            if !again {
                failed.lock().expect("one thread").push(key);
            }
        }
    };
    for i in 0..60 {
        try_to(format!("steady/{i}"), false);
    }
    let retries: Vec<String> = std::mem::take(&mut *failed.lock().expect("one thread"));
    for key in retries {
        try_to(key, true);
    }
    say(&format!("failed {}", FAILED.load(Ordering::SeqCst)));
}

/// Holds the write lock until killed.
fn hold(path: &Path) {
    let connection = rusqlite::Connection::open(path).expect("it opens");
    connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    say("holding");
    std::thread::sleep(std::time::Duration::from_secs(60));
}
