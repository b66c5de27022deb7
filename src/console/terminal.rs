//! Taking the terminal over and giving it back, on every way out.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use ratatui::layout::Size;

/// Whether the terminal is ours now; what is undone is undone once.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Where a crash is written down.
static CRASHES: Mutex<Option<PathBuf>> = Mutex::new(None);

/// What is switched on beside the full screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// The mouse.
    pub mouse: bool,
    /// Marks around pasted text.
    pub paste: bool,
}

impl Modes {
    /// The bytes that take the screen over. The keyboard's own protocol stays as it is: no key here needs another.
    #[must_use]
    pub fn enter(self) -> Vec<u8> {
        let mouse = if self.mouse { "\x1b[?1000h\x1b[?1006h" } else { "" };
        let paste = if self.paste { "\x1b[?2004h" } else { "" };
        format!("\x1b[?1049h{paste}{mouse}\x1b[?25l\x1b[0m\x1b[H\x1b[2J").into_bytes()
    }
}

/// The bytes that give everything back, whatever was on.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// Puts the terminal into raw mode; [`give_back`] undoes it. Taking it twice is taking it once.
///
/// # Errors
/// When standard input is no terminal, or the terminal is gone.
pub fn take() -> io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    Ok(())
}

/// Gives the terminal back: cooked mode first, which cannot block, then the bytes through `write`. Does nothing when it
/// was given back already. Goes on after an error and reports the first one.
///
/// # Errors
/// When the terminal is gone.
pub fn give_back(write: impl FnOnce(&'static [u8]) -> io::Result<()>) -> io::Result<()> {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    // A person may have stopped the output with ^S; nobody would see the screen come back.
    let _ = rustix::termios::tcflow(rustix::stdio::stdout(), rustix::termios::Action::OOn);
    let cooked = crossterm::terminal::disable_raw_mode();
    let written = write(LEAVE);
    cooked.and(written)
}

/// Gives it back by writing straight to standard output.
///
/// # Errors
/// When the terminal is gone.
pub fn give_back_now() -> io::Result<()> {
    give_back(|bytes| super::writer::Stdout.write_all(bytes))
}

/// The terminal's size; one that says 0 does not know, and gets the size of old.
#[must_use]
pub fn size() -> Size {
    match rustix::termios::tcgetwinsize(rustix::stdio::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size::new(size.ws_col, size.ws_row),
        _ => Size::new(80, 24),
    }
}

/// Gives the terminal back when dropped, also while a panic unwinds.
#[derive(Debug)]
pub struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = give_back_now();
    }
}

/// From now on a panic anywhere gives the terminal back, writes down where it was in a file of its own in `folder`, says
/// so on standard error and ends the process with 101. Text that may hold somebody's data is left out of the file.
pub fn restore_on_panic(folder: Option<&Path>) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    *CRASHES.lock().unwrap_or_else(PoisonError::into_inner) = folder.map(Path::to_owned);
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !TAKEN.load(Ordering::SeqCst) {
                before(info);
                return;
            }
            let _ = give_back_now();
            let report = crash_report(info);
            let folder = CRASHES.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let place = folder.and_then(|folder| write_crash(&folder, &report).ok());
            let told = match place {
                Some(path) => format!(
                    "warroom stopped because of a fault of its own; nothing recorded is lost. The place is written down \
                     in {}\r\n",
                    super::safe::clean(&path.display().to_string(), crate::event::Policy::Prose)
                ),
                None => format!("warroom stopped because of a fault of its own; nothing recorded is lost.\r\n{report}"),
            };
            let _ = rustix::io::write(rustix::stdio::stderr(), told.as_bytes());
            // A thread that dies alone would leave a screen that shows yesterday.
            std::process::exit(101);
        }));
    });
}

fn crash_report(info: &std::panic::PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(|| "unknown place".to_owned(), |at| format!("{}:{}", at.file(), at.line()));
    let message = match info.payload().downcast_ref::<&'static str>() {
        Some(text) => (*text).to_owned(),
        None => info.payload().downcast_ref::<String>().map_or_else(String::new, |text| without_data(text)),
    };
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    format!(
        "warroom {} crashed\nat {place}\nin thread {thread}\nmessage: {message}\n{}\n",
        env!("CARGO_PKG_VERSION"),
        std::backtrace::Backtrace::force_capture()
    )
}

/// A message without what may be data: everything in quotes and every long word goes.
fn without_data(text: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for part in text.split_inclusive(['"', '`', '\'']) {
        if quoted {
            out.push('…');
            out.extend(part.chars().last().filter(|c| matches!(c, '"' | '`' | '\'')));
        } else {
            out.push_str(part);
        }
        quoted ^= part.ends_with(['"', '`', '\'']);
    }
    let words = out.split_whitespace().map(|word| if word.len() > 24 { "…" } else { word });
    super::safe::clean(&words.take(60).collect::<Vec<_>>().join(" "), crate::event::Policy::Prose)
}

/// Writes a crash into a new file only its owner can read.
fn write_crash(folder: &Path, report: &str) -> io::Result<PathBuf> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let stamp = jiff::Timestamp::now().as_millisecond();
    let path = folder.join(format!("crash-{stamp}-{}.txt", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        // Never follows or overwrites what somebody put there.
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(report.as_bytes())?;
    file.sync_all()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_that_is_switched_on_is_switched_off() {
        let on = String::from_utf8(Modes { mouse: true, paste: true }.enter()).expect("text");
        let off = String::from_utf8(LEAVE.to_vec()).expect("text");
        for mode in on.split("\x1b[?").filter_map(|part| part.split_once('h')).map(|(mode, _)| mode) {
            assert!(off.contains(&format!("\x1b[?{mode}l")), "mode {mode}");
        }
        assert!(off.contains("\x1b[?25h"));
    }

    /// A process of its own crashes on a terminal of its own; what it leaves behind is looked at.
    fn crash(how: &str) -> (Vec<u8>, u32, tempfile::TempDir) {
        use std::io::Read as _;
        let folder = tempfile::tempdir().expect("a folder");
        let pty = portable_pty::native_pty_system().openpty(portable_pty::PtySize::default()).expect("a pty");
        let mut command = portable_pty::CommandBuilder::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "console::terminal::tests::the_process_that_crashes", "--ignored", "--nocapture"]);
        command.env("CRASH_FOLDER", folder.path());
        command.env("CRASH_HOW", how);
        let mut child = pty.slave.spawn_command(command).expect("started");
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        drop(pty.slave);
        let mut raw = Vec::new();
        // A pty whose last writer left ends with an error.
        let _ = reader.read_to_end(&mut raw);
        (raw, child.wait().expect("ended").exit_code(), folder)
    }

    #[test]
    #[ignore = "run in a process of its own by the tests beside it"]
    fn the_process_that_crashes() {
        let Some(folder) = std::env::var_os("CRASH_FOLDER") else { return };
        restore_on_panic(Some(Path::new(&folder)));
        take().expect("a terminal");
        super::super::writer::Stdout.write_all(&Modes { mouse: true, paste: true }.enter()).expect("written");
        match std::env::var("CRASH_HOW").as_deref() {
            Ok("thread") => {
                let secret = String::from("sk-live-51H8secret");
                let _ = std::thread::spawn(move || panic!("cannot read {secret:?}")).join();
            }
            _ => panic!("while drawing"),
        }
    }

    #[test]
    fn fault_16_a_panic_in_any_thread_gives_the_terminal_back() {
        for how in ["here", "thread"] {
            let (raw, code, folder) = crash(how);
            let wire = String::from_utf8_lossy(&raw);
            assert_eq!(code, 101, "{wire}");
            let off = wire.rfind("\x1b[?1049l").expect("the screen is given back");
            assert!(off > wire.rfind("\x1b[?1049h").expect("it was taken"), "{wire}");
            for mode in ["2004", "1000", "1006"] {
                assert!(wire.contains(&format!("\x1b[?{mode}l")), "{mode}");
            }
            assert!(!wire.contains("sk-live"), "{wire}");
            let files: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().collect();
            assert_eq!(files.len(), 1);
            let report = std::fs::read_to_string(files[0].path()).expect("text");
            assert!(report.contains("terminal.rs") && !report.contains("sk-live"), "{report}");
        }
    }

    #[test]
    fn fault_16_a_crash_file_is_private_new_and_without_data() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = write_crash(folder.path(), "report").expect("written");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let told = without_data(
            "called `Result::unwrap()` on an `Err` value: Key(\"sk-live-0123456789\") AKIAIOSFODNN7EXAMPLEKEY99",
        );
        assert!(!told.contains("sk-live") && !told.contains("AKIA"), "{told}");
        assert!(told.contains("value"), "{told}");
    }
}
