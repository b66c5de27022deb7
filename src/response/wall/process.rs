//! A process behind the wall, seen from this side: what is asked for becomes an order, and what it says is heard until it ends.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd as _, OwnedFd};

use super::address::{self, Declared};
use super::kinds::{Heard, Limits, Surroundings, WallError, refused, stopped};
use super::order::{Answer, Bounds, Host, Order, PATH, frame, unframe};
use super::weigh::Scales;
use crate::event::{ReadEnd, Untrusted};

/// How often it is looked whether the step is to end.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// How long a killed step may take to be gone.
const GRACE: Duration = Duration::from_secs(20);
/// How long the wall itself may take to be tried.
const TRIAL: Duration = Duration::from_secs(30);
/// Hosts that one step may reach.
const HOSTS: usize = 16;

/// Runs `argv` behind the wall.
pub(super) fn run(
    argv: &[Untrusted],
    around: &Surroundings,
    heard: &mut Heard<'_>,
    cancel: &dyn Fn() -> bool,
) -> Result<ReadEnd, WallError> {
    let until = Instant::now() + around.limits.time;
    let order = match order(argv, around, until, cancel) {
        Ok(order) => order,
        Err(why) => return Ok(refused(why)),
    };
    let frame = match frame(&order) {
        Ok(frame) => frame,
        Err(error) => return Ok(refused(error.to_string())),
    };
    let (ended, answer) = attend(&around.program, &frame, around.limits, until, heard, cancel)?;
    if let Some(ended) = ended {
        return Ok(ended);
    }
    match answer {
        Some(Answer::Code(code)) => Ok(ReadEnd::Exit { code }),
        Some(Answer::Signal(libc::SIGXCPU)) => Ok(around.limits.out_of_processor()),
        Some(Answer::Signal(libc::SIGXFSZ)) => Ok(around.limits.out_of_file()),
        Some(Answer::Signal(signal)) => Ok(ReadEnd::Signal { signal }),
        Some(Answer::NoCommand(why)) => Ok(refused(format!("the program could not be started ({why})"))),
        Some(Answer::Falls(why)) => Err(WallError::Lacks(why)),
        // The kernel took it: it was the first to go when memory was short.
        Some(Answer::Stands) | None => Ok(ReadEnd::Signal { signal: libc::SIGKILL }),
    }
}

/// Tries the wall around nothing.
pub(super) fn attempt(program: &Path) -> Result<(), String> {
    let limits = Limits::default();
    let order = Order { argv: vec![], hosts: vec![], reads: vec![], hide: vec![], bounds: bounds(limits) };
    let frame = frame(&order).map_err(|error| error.to_string())?;
    let mut ignore = |_: &[u8]| {};
    let mut heard = Heard::new(limits, &mut ignore);
    match attend(program, &frame, limits, Instant::now() + TRIAL, &mut heard, &|| false) {
        Ok((_, Some(Answer::Stands))) => Ok(()),
        Ok((_, Some(Answer::Falls(why)))) => Err(why),
        Ok((Some(_), _)) => Err(format!("it was not built within {} s", TRIAL.as_secs())),
        Ok(_) => Err("it was tried and ended without a word: something kills `warroom wall`".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn bounds(limits: Limits) -> Bounds {
    Bounds {
        cpu_seconds: limits.cpu_seconds,
        // Many programs reserve far more addresses than they ever use.
        addresses: limits.memory.saturating_mul(4),
        processes: limits.processes,
        files: limits.files,
        scratch: limits.scratch,
    }
}

/// The order for `argv`, or why there is none, in words.
fn order(
    argv: &[Untrusted],
    around: &Surroundings,
    until: Instant,
    cancel: &dyn Fn() -> bool,
) -> Result<Order, String> {
    let [named, ..] = argv else { return Err("there is no program to run".to_owned()) };
    if argv.iter().any(|argument| argument.raw().contains('\0')) {
        return Err("an argument holds a zero byte, which no program can be given".to_owned());
    }
    let mut argv: Vec<String> = argv.iter().map(|argument| argument.raw().to_owned()).collect();
    argv[0] = program(named.raw())?;
    if around.hosts.len() > HOSTS {
        return Err(format!("it declares {} hosts, and at most {HOSTS} are taken", around.hosts.len()));
    }
    let mut hosts = Vec::new();
    for (name, port) in &around.hosts {
        let declared = Declared::among(&around.hosts, name, *port);
        let found = address::look_up(name, *port, declared, until, cancel)?;
        // Version 4 first: fewer hosts lack it.
        let address = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
        hosts.extend(address.map(|address| Host { name: name.clone(), address }));
    }
    for path in &around.reads {
        declared(path, &around.hide)?;
    }
    // The home is hidden like the journal, but what lies in it may be declared.
    let hide = around.hide.iter().cloned().chain(std::env::home_dir()).collect();
    Ok(Order { argv, hosts, reads: around.reads.clone(), hide, bounds: bounds(around.limits) })
}

/// Sees that a declared file or folder is what it is called (fault 67), and none of ours.
fn declared(path: &Path, hide: &[PathBuf]) -> Result<(), String> {
    let name = path.display();
    if !path.is_absolute() || path.components().count() < 2 {
        return Err(format!("it declares {name}, which is no absolute path below /"));
    }
    let real = path.canonicalize().map_err(|error| format!("it declares {name}, which cannot be read ({error})"))?;
    if real != path {
        let real = real.display();
        return Err(format!("it declares {name}, which is or goes through a symbolic link: declare {real} itself"));
    }
    if hide.iter().any(|hidden| overlap(path, hidden)) {
        return Err(format!("it declares {name}, where warroom keeps what is its own"));
    }
    Ok(())
}

/// Whether one of the two lies in the other.
fn overlap(path: &Path, hidden: &Path) -> bool {
    let hidden = hidden.canonicalize().unwrap_or_else(|_| hidden.to_owned());
    path.starts_with(&hidden) || hidden.starts_with(path)
}

/// The absolute path of a program: as given, or found in the fixed places; nothing of our own environment counts (fault 63).
///
/// # Errors
/// Why there is none, in words.
pub fn program(program: &str) -> Result<String, String> {
    let is_program =
        |path: &Path| path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0);
    if program.starts_with('/') {
        return if is_program(Path::new(program)) {
            Ok(program.to_owned())
        } else {
            Err("there is no such program on this host, or it is not executable".to_owned())
        };
    }
    if program.is_empty() || program.contains('/') {
        return Err("a program is named by its absolute path, or by its bare name".to_owned());
    }
    let mut places = PATH.split(':').map(|folder| PathBuf::from(folder).join(program));
    match places.find(|path| is_program(path)) {
        Some(path) => Ok(path.to_string_lossy().into_owned()),
        None => Err(format!("this host has no such program in {PATH}")),
    }
}

/// Starts the first stage, and hears the step until all of it is gone. The answer says first what cut it off, if anything did.
fn attend(
    program: &Path,
    frame: &[u8],
    limits: Limits,
    until: Instant,
    heard: &mut Heard<'_>,
    cancel: &dyn Fn() -> bool,
) -> Result<(Option<ReadEnd>, Option<Answer>), WallError> {
    let (ours, theirs) = UnixStream::pair()?;
    let (said, output) = io::pipe()?;
    let mut child = Command::new(program)
        .arg0("warroom")
        .args(["wall", "--stage=1"])
        .env_clear()
        .current_dir("/")
        .stdin(OwnedFd::from(theirs))
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    ours.set_nonblocking(true)?;
    let mut step =
        Step { said: Some(said), answers: Some(ours), send: [frame, frame].concat(), sent: 0, answer: Vec::new() };
    let mut scales = Scales::new(child.id(), limits.memory);
    let mut cut = None;
    while !step.is_over() {
        let more = step.turn(heard)?;
        cut = if !more {
            Some(limits.out_of_output())
        } else if cancel() {
            Some(stopped())
        } else if Instant::now() >= until {
            Some(limits.out_of_time())
        } else if scales.too_much() {
            Some(limits.out_of_memory())
        } else {
            continue;
        };
        break;
    }
    if cut.is_some() {
        end(&mut child, &mut step)?;
    }
    child.wait()?;
    let answer = unframe(&step.answer).ok();
    Ok((cut, answer))
}

/// Kills the first stage, with which the kernel ends all the others, and waits until they are gone.
fn end(child: &mut Child, step: &mut Step) -> Result<(), WallError> {
    child.kill()?;
    let since = Instant::now();
    let mut ignore = |_: &[u8]| {};
    let mut rest = Heard::new(Limits { output: u64::MAX, kept: 0, ..Limits::default() }, &mut ignore);
    while !step.is_over() {
        if since.elapsed() > GRACE {
            return Err(WallError::Stuck);
        }
        step.turn(&mut rest)?;
    }
    Ok(())
}

/// The two ways to a step: its output, and the socket for orders and the answer. Both are closed when all of it is gone.
struct Step {
    said: Option<io::PipeReader>,
    answers: Option<UnixStream>,
    send: Vec<u8>,
    sent: usize,
    answer: Vec<u8>,
}

impl Step {
    fn is_over(&self) -> bool {
        self.said.is_none() && self.answers.is_none()
    }

    /// Waits a moment for something to happen, and takes it; says whether more output may come.
    fn turn(&mut self, heard: &mut Heard<'_>) -> io::Result<bool> {
        let mut ask = PollFlags::IN;
        ask.set(PollFlags::OUT, self.sent < self.send.len());
        let mut ways = Vec::with_capacity(2);
        ways.extend(self.said.as_ref().map(|said| PollFd::from_borrowed_fd(said.as_fd(), PollFlags::IN)));
        ways.extend(self.answers.as_ref().map(|answers| PollFd::from_borrowed_fd(answers.as_fd(), ask)));
        match poll(&mut ways, Some(&TICK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut happened = ways.iter().map(|way| !way.revents().is_empty()).collect::<Vec<_>>().into_iter();
        let says = self.said.is_some() && happened.next() == Some(true);
        let answers = self.answers.is_some() && happened.next() == Some(true);
        if answers {
            self.correspond();
        }
        let Some(said) = self.said.as_mut().filter(|_| says) else { return Ok(true) };
        let mut piece = [0; 16 * 1024];
        match said.read(&mut piece) {
            Ok(0) => self.said = None,
            Ok(read) => return Ok(heard.push(&piece[..read])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    fn correspond(&mut self) {
        let Some(mut socket) = self.answers.as_ref() else { return };
        if self.sent < self.send.len() {
            match socket.write(&self.send[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if is_later(&error) => {}
                // Nobody takes it any more: what became of them is in the answer, or in there being none.
                Err(_) => self.sent = self.send.len(),
            }
        }
        let mut piece = [0; 4096];
        match socket.read(&mut piece) {
            Ok(read @ 1..) => self.answer.extend_from_slice(&piece[..read]),
            Err(error) if is_later(&error) => {}
            Ok(_) | Err(_) => self.answers = None,
        }
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_63_a_program_is_found_in_fixed_places_only() {
        assert_eq!(program("sh").unwrap().rsplit('/').next(), Some("sh"));
        assert!(program("sh").unwrap().starts_with('/'));
        for bad in ["./sh", "bin/sh", "", "../bin/sh", "/etc/passwd", "no-such-program"] {
            assert!(program(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_a_program_is_refused_before_anything_is_run() {
        let around = Surroundings::default();
        let until = Instant::now() + Duration::from_secs(60);
        let say = |argv: &[&str], around: &Surroundings| {
            let argv: Vec<Untrusted> = argv.iter().map(|word| Untrusted::from(*word)).collect();
            order(&argv, around, until, &|| false)
        };
        assert!(say(&[], &around).is_err());
        assert!(say(&["sh", "a\0b"], &around).unwrap_err().contains("zero byte"));
        let two = say(&["sh", "; rm -rf / $(x)", "--config=\n*"], &around).unwrap();
        assert_eq!(two.argv[1..], ["; rm -rf / $(x)", "--config=\n*"]);
        let open = Surroundings { hosts: vec![("127.0.0.1 evil".into(), 80)], ..Surroundings::default() };
        assert!(say(&["sh"], &open).is_err());
    }

    #[test]
    fn fault_67_what_is_declared_is_no_link_and_none_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let (file, link) = (folder.join("journal.db"), folder.join("link"));
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let say = |path: &Path, hide: &[PathBuf]| declared(path, hide).err().unwrap_or_default();
        assert_eq!(say(&file, &[]), "");
        assert!(say(&link, &[]).contains("symbolic link") && say(&link, &[]).contains("journal.db"));
        assert!(say(&folder.join("none"), &[]).contains("cannot be read"));
        assert!(say(Path::new("/"), &[]).contains("absolute") && say(Path::new("x"), &[]).contains("absolute"));
        for hidden in [&file, &folder, &link] {
            assert!(say(&file, std::slice::from_ref(hidden)).contains("its own"), "{hidden:?}");
            assert!(say(&folder, std::slice::from_ref(hidden)).contains("its own"), "{hidden:?}");
        }
    }
}
