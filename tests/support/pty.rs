//! A terminal: a program runs on a pty, a test types and looks at the screen as a person would.

use std::io::{Read as _, Write};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::PATIENCE;
use super::house::{House, program};
use super::wire::Wire;

/// A program on a terminal of its own.
pub struct Session {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    writer: Arc<Mutex<Option<Box<dyn Write + Send>>>>,
    master: Option<Box<dyn MasterPty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    reader: Option<JoinHandle<()>>,
    tty: PathBuf,
    termios_before: String,
}

struct Seen {
    screen: vt100::Parser,
    raw: Vec<u8>,
    closed: bool,
    stopped: bool,
    paused: bool,
    last: Instant,
}

/// What a person types, in the order given: text, and names such as `<enter>`, `<esc>`, `<c-c>` for the other keys.
#[must_use]
pub fn keys(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|tail| tail.split_once('>')).and_then(|(name, after)| {
            let code: Vec<u8> = match name.to_ascii_lowercase().as_str() {
                "enter" | "cr" => b"\r".to_vec(),
                "esc" => b"\x1b".to_vec(),
                "tab" => b"\t".to_vec(),
                "s-tab" => b"\x1b[Z".to_vec(),
                "bs" => b"\x7f".to_vec(),
                "space" => b" ".to_vec(),
                "up" => b"\x1b[A".to_vec(),
                "down" => b"\x1b[B".to_vec(),
                "right" => b"\x1b[C".to_vec(),
                "left" => b"\x1b[D".to_vec(),
                "home" => b"\x1b[H".to_vec(),
                "end" => b"\x1b[F".to_vec(),
                "pgup" => b"\x1b[5~".to_vec(),
                "pgdn" => b"\x1b[6~".to_vec(),
                "lt" => b"<".to_vec(),
                control if control.len() == 3 && control.starts_with("c-") => vec![control.as_bytes()[2] & 0x1f],
                _ => return None,
            };
            Some((code, after))
        });
        if let Some((code, after)) = named {
            bytes.extend_from_slice(&code);
            rest = after;
        } else {
            let mut buffer = [0; 4];
            bytes.extend_from_slice(next.encode_utf8(&mut buffer).as_bytes());
            rest = &rest[next.len_utf8()..];
        }
    }
    bytes
}

/// A command on a terminal with nothing of this machine's user in its environment but what `house` gives.
#[must_use]
pub fn warroom(house: &House, arguments: &[&str]) -> CommandBuilder {
    let mut command = in_house(house, program());
    command.args(arguments);
    command
}

/// Any program on a terminal in the environment of `house`.
#[must_use]
pub fn in_house(house: &House, program: PathBuf) -> CommandBuilder {
    let mut command = CommandBuilder::new(program);
    command.env_clear();
    for (name, value) in house.environment() {
        command.env(name, value);
    }
    command.env("TERM", "xterm-256color");
    command.env("COLORTERM", "truecolor");
    command.cwd(house.path());
    command
}

impl Session {
    /// Runs `command` on a terminal of this size.
    ///
    /// # Panics
    /// When there is no pty or the program cannot be started.
    #[must_use]
    pub fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("this machine has ptys");
        let tty = pair.master.tty_name().expect("a pty has a name");
        let termios_before = termios(pair.master.as_ref());
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().expect("a pty reads");
        let writer = pair.master.take_writer().expect("a pty writes");
        let writer = Arc::new(Mutex::new(Some(writer)));
        let seen = Seen {
            screen: vt100::Parser::new(side(rows), side(columns), 0),
            raw: Vec::new(),
            closed: false,
            stopped: false,
            paused: false,
            last: Instant::now(),
        };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let (shared, answers) = (Arc::clone(&seen), Arc::clone(&writer));
        let reader = std::thread::spawn(move || {
            let mut chunk = vec![0; 65_536];
            let mut queries = Wire::default();
            loop {
                {
                    let (lock, news) = &*shared;
                    let mut seen = lock.lock().expect("nobody panics with this lock");
                    while seen.paused && !seen.stopped {
                        seen = news.wait(seen).expect("nobody panics with this lock");
                    }
                }
                let read = output.read(&mut chunk).unwrap_or(0);
                let (lock, news) = &*shared;
                let mut seen = lock.lock().expect("nobody panics with this lock");
                if read == 0 || seen.stopped {
                    seen.closed = true;
                    news.notify_all();
                    return;
                }
                seen.screen.process(&chunk[..read]);
                seen.raw.extend_from_slice(&chunk[..read]);
                seen.last = Instant::now();
                news.notify_all();
                drop(seen);
                let reply = queries.answer(&chunk[..read]);
                if !reply.is_empty()
                    && let Some(writer) = answers.lock().expect("nobody panics with this lock").as_mut()
                {
                    let _ = writer.write_all(&reply);
                }
            }
        });
        Self { seen, writer, master: Some(pair.master), child, reader: Some(reader), tty, termios_before }
    }

    /// `warroom` with these arguments in `house`, on a terminal of this size.
    #[must_use]
    pub fn warroom(house: &House, arguments: &[&str], columns: u16, rows: u16) -> Self {
        Self::start(warroom(house, arguments), columns, rows)
    }

    /// Types; see [`keys`] for the notation.
    pub fn type_keys(&self, text: &str) {
        self.send(&keys(text));
    }

    /// Presses one key after the other, as fast as a quick typist.
    pub fn press(&self, text: &str) {
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let named = rest.starts_with('<').then(|| rest.find('>').map(|end| end + 1)).flatten();
            let (key, after) = rest.split_at(named.unwrap_or(next.len_utf8()));
            self.send(&keys(key));
            std::thread::sleep(Duration::from_millis(30));
            rest = after;
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// Never while the reading thread lives.
    pub fn send(&self, bytes: &[u8]) {
        if let Some(writer) = self.writer.lock().expect("nobody panics with this lock").as_mut() {
            let _ = writer.write_all(bytes);
            let _ = writer.flush();
        }
    }

    /// Pastes text as a terminal does between its brackets.
    pub fn paste(&self, text: &str) {
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    /// Waits until the screen is as `holds` wants it.
    ///
    /// # Panics
    /// When it is not within [`PATIENCE`]; the message shows the screen as it then is.
    pub fn wait_until(&self, why: &str, mut holds: impl FnMut(&vt100::Screen) -> bool) {
        let start = Instant::now();
        let (lock, news) = &*self.seen;
        let mut seen = lock.lock().expect("nobody panics with this lock");
        while !holds(seen.screen.screen()) {
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(
                !left.is_zero() && !seen.closed,
                "waited {:?} for: {why}{}\n{}",
                start.elapsed(),
                if seen.closed { " (the program left the terminal)" } else { "" },
                seen.screen.screen().contents()
            );
            seen = news.wait_timeout(seen, left).expect("nobody panics with this lock").0;
        }
    }

    /// Waits until `text` stands on the screen.
    ///
    /// # Panics
    /// As [`Session::wait_until`].
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("`{text}` on the screen"), |screen| screen.contents().contains(text));
    }

    /// Waits until `text` is gone from the screen.
    ///
    /// # Panics
    /// As [`Session::wait_until`].
    pub fn wait_gone(&self, text: &str) {
        self.wait_until(&format!("`{text}` gone from the screen"), |screen| !screen.contents().contains(text));
    }

    /// Waits until nothing was written for `quiet` from now on.
    ///
    /// # Panics
    /// When the program never falls silent.
    pub fn settle(&self, quiet: Duration) {
        let start = Instant::now();
        loop {
            let silent = self.with(|seen| if seen.closed { quiet } else { seen.last.elapsed().min(start.elapsed()) });
            if silent >= quiet {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the program never falls silent");
            std::thread::sleep(quiet.saturating_sub(silent).max(Duration::from_millis(1)));
        }
    }

    /// The screen as text, one line a row.
    #[must_use]
    pub fn text(&self) -> String {
        self.with(|seen| seen.screen.screen().contents())
    }

    /// One row of the screen, 0 = top.
    #[must_use]
    pub fn row(&self, row: u16) -> String {
        self.with(|seen| {
            let (_, columns) = seen.screen.screen().size();
            seen.screen.screen().rows(0, columns.get()).nth(usize::from(row)).unwrap_or_default()
        })
    }

    /// Every byte the program has written.
    #[must_use]
    pub fn raw(&self) -> Vec<u8> {
        self.with(|seen| seen.raw.clone())
    }

    /// How many bytes the program has written.
    #[must_use]
    pub fn written(&self) -> usize {
        self.with(|seen| seen.raw.len())
    }

    /// Looks at the screen itself: cells, colours, cursor.
    pub fn screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        self.with(|seen| look(seen.screen.screen()))
    }

    /// Makes the terminal another size; the program gets SIGWINCH.
    ///
    /// # Panics
    /// When the terminal was hung up.
    pub fn resize(&self, columns: u16, rows: u16) {
        let (lock, _) = &*self.seen;
        lock.lock().expect("nobody panics with this lock").screen.screen_mut().set_size(side(rows), side(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().expect("the terminal is there").resize(size).expect("a pty takes any size");
    }

    /// Stops or goes on reading: a stopped reader is a client that is suspended, whose window fills up.
    ///
    /// # Panics
    /// Never while the reading thread lives.
    pub fn pause(&self, paused: bool) {
        let (lock, news) = &*self.seen;
        lock.lock().expect("nobody panics with this lock").paused = paused;
        news.notify_all();
    }

    /// Takes the terminal away, as a lost connection does: SIGHUP, and every write fails from then on.
    ///
    /// # Panics
    /// When the reading thread panicked.
    pub fn hang_up(&mut self) {
        let (lock, news) = &*self.seen;
        {
            let mut seen = lock.lock().expect("nobody panics with this lock");
            seen.stopped = true;
            seen.paused = false;
        }
        news.notify_all();
        // The reading thread holds the terminal open until it has read something more.
        if let Ok(mut tty) = std::fs::OpenOptions::new().write(true).custom_flags(O_NOCTTY).open(&self.tty) {
            let _ = tty.write_all(b"\0");
        }
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reading thread does not panic");
        }
        *self.writer.lock().expect("nobody panics with this lock") = None;
        self.master = None;
    }

    /// The program's process id.
    ///
    /// # Panics
    /// When it was already waited for.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a child has an id")
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: rustix::process::Signal) {
        super::send_signal(self.pid(), signal);
    }

    /// Waits until the program ended, and returns its exit code (128 + signal where a signal ended it).
    ///
    /// # Panics
    /// When it does not end within `cap`.
    pub fn wait_exit(&mut self, cap: Duration) -> u32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                // What it wrote last is read before anybody looks.
                self.wait_closed();
                return status.exit_code();
            }
            assert!(start.elapsed() < cap, "the program did not end within {cap:?}\n{}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether the program still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Terminal modes that the program switched on and not off again; empty when it left the terminal as it was.
    #[must_use]
    pub fn modes_left_on(&self) -> Vec<String> {
        super::wire::modes_left_on(&self.raw())
    }

    /// Whether the line settings (echo, line mode, …) are again as before the program ran.
    ///
    /// # Panics
    /// When the terminal was hung up.
    #[must_use]
    pub fn line_settings_restored(&self) -> bool {
        termios(self.master.as_deref().expect("the terminal is there")) == self.termios_before
    }

    fn wait_closed(&self) {
        let start = Instant::now();
        while !self.with(|seen| seen.closed) && start.elapsed() < Duration::from_secs(1) {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn with<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.0.lock().expect("nobody panics with this lock"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.seen
            .0
            .lock()
            .map(|mut seen| {
                seen.stopped = true;
                seen.paused = false;
            })
            .ok();
        self.seen.1.notify_all();
    }
}

/// Linux and macOS agree on neither the value nor on needing it where no terminal is controlling; 0 is "no flag".
const O_NOCTTY: i32 = if cfg!(target_os = "linux") { 0o400 } else { 0 };

/// The emulator's screen has at least two rows and columns; a smaller terminal is only told to the program.
fn side(length: u16) -> NonZero<u16> {
    NonZero::new(length).unwrap_or(NonZero::<u16>::MIN).max(NonZero::<u16>::MIN.saturating_add(1))
}

fn termios(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}
