//! The two stages between the console and a command. Each is this program, started anew.

use std::fs;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use nix::sched::{CloneFlags, unshare};
use rustix::fd::BorrowedFd;
use rustix::process::{Resource, Rlimit, Signal, WaitOptions, set_parent_process_death_signal, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, configure_capability_in_ambient_set, set_capabilities,
    set_no_new_privs,
};

use super::order::{Answer, Order, receive, send};
use super::{ground, lines, rights};

/// The user inside the name space where the console runs as root, which has rights of its own there.
const NOBODY: u32 = 65_534;
/// The whole environment of a command.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("PATH", super::order::PATH),
    ("HOME", ground::SCRATCH),
    ("TMPDIR", ground::SCRATCH),
    ("LANG", "C.UTF-8"),
    ("TERM", "dumb"),
];
/// The smallest number that the kernel takes as the highest of processes.
const FEWEST: u64 = 301;
/// From this release on each space of processes has a highest number of its own. Before, writing it would change the host's.
const OWN_HIGHEST: (u32, u32) = (6, 14);

/// `warroom wall --stage=1` or `2`, asked before any thread is begun; `None` = another command was given.
#[must_use]
pub fn enter() -> Option<ExitCode> {
    let mut given = std::env::args_os().skip(1);
    if given.next()? != "wall" {
        return None;
    }
    let stage = given.next()?;
    let kernel = rustix::stdio::stdin();
    let done = match stage.to_str() {
        Some("--stage=1") => outer(kernel).map(|()| None),
        Some("--stage=2") => inner(kernel).map(Some),
        _ => return None,
    };
    let answer = done.unwrap_or_else(|error| Some(Answer::Falls(error.to_string())));
    // Who asked may be gone; then nobody needs the answer.
    let sent = answer.map(|answer| send(kernel, &answer));
    Some(if matches!(sent, Some(Err(_))) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Leaves the host's name spaces, lays the ground, opens the lines that the order allows, starts the second stage and waits for it.
fn outer(kernel: BorrowedFd<'_>) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    close_inherited()?;
    let order: Order = receive(kernel)?;
    // No terminal from here on.
    let _ = rustix::process::setsid();
    // When memory is short, this goes first.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    if user == 0 && release()? < OWN_HIGHEST {
        let why = "as root nothing bounds the processes of a step before Linux 6.14: run the console as another user";
        return Err(io::Error::other(why));
    }
    let spaces =
        CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    unshare(spaces).map_err(spaceless)?;
    let inside = |id: u32| if id == 0 { NOBODY } else { id };
    fs::write("/proc/self/setgroups", "deny").map_err(spaceless)?;
    fs::write("/proc/self/gid_map", format!("{} {group} 1", inside(group))).map_err(spaceless)?;
    fs::write("/proc/self/uid_map", format!("{} {user} 1", inside(user))).map_err(spaceless)?;
    let names = (!order.hosts.is_empty()).then(|| lines::names(&order.hosts));
    let folder = |error: io::Error| io::Error::other(format!("its view of the files could not be made ({error})"));
    ground::lay(&order.reads, &order.hide, order.bounds.scratch, names.as_deref()).map_err(folder)?;
    // Threads that are begun now stay in the host's network, this one leaves it; its children will be processes of a space of
    // their own, so it can begin no thread any more.
    let lines = lines::Lines::begin(&order.hosts)?;
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID).map_err(spaceless)?;
    lines.open(&order.hosts).map_err(|error| io::Error::other(format!("its network could not be made ({error})")))?;
    // The second stage bounds its processes and mounts its /proc, then gives this right up.
    let right = CapabilitySet::SYS_ADMIN;
    set_capabilities(None, CapabilitySets { effective: right, permitted: right, inheritable: right })?;
    configure_capability_in_ambient_set(right, true)?;
    let mut child = Command::new("/proc/self/exe")
        .arg0("warroom")
        .args(["wall", "--stage=2"])
        .env_clear()
        .current_dir("/")
        .spawn()
        .map_err(spaceless)?;
    clear_ambient_capability_set()?;
    no_rights()?;
    // Its answer went past us. One that was killed gave none.
    child.wait().map(drop)
}

/// Closes what whoever started the console left open for all its children, before anything of ours is opened.
fn close_inherited() -> io::Result<()> {
    let names = fs::read_dir("/proc/self/fd")?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    let numbers = names.iter().filter_map(|name| name.to_str()?.parse::<i32>().ok());
    for number in numbers.filter(|number| *number > 2) {
        match nix::unistd::close(number) {
            // The list itself was open while it was read.
            Ok(()) | Err(nix::errno::Errno::EBADF) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Bounds itself, gives up every right that the command does not need, starts it, and ends with it.
fn inner(kernel: BorrowedFd<'_>) -> io::Result<Answer> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let order: Order = receive(kernel)?;
    let bounds = order.bounds;
    if release()? >= OWN_HIGHEST {
        // It bounds root too, whom RLIMIT_NPROC does not.
        let most = bounds.processes.max(FEWEST).to_string();
        fs::write("/proc/sys/kernel/pid_max", most)
            .map_err(|error| io::Error::other(format!("the number of its processes could not be bounded ({error})")))?;
    }
    ground::processes()?;
    clear_ambient_capability_set()?;
    no_rights()?;
    set_no_new_privs(true)?;
    // Giving rights up takes it back.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    for (resource, soft, hard) in [
        // First a signal that names the limit, then one that cannot be caught.
        (Resource::Cpu, bounds.cpu_seconds, bounds.cpu_seconds + 1),
        (Resource::As, bounds.addresses, bounds.addresses),
        (Resource::Nproc, bounds.processes, bounds.processes),
        (Resource::Fsize, bounds.scratch, bounds.scratch),
        (Resource::Nofile, bounds.files, bounds.files),
        (Resource::Memlock, 1 << 16, 1 << 16),
        (Resource::Msgqueue, 0, 0),
        (Resource::Core, 0, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })?;
    }
    // The command is of the same user: it must not look into what starts it.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    let ports: Vec<u16> = order.hosts.iter().map(|host| host.address.port()).collect();
    rights::give_up(&ports)?;
    let [program, arguments @ ..] = &order.argv[..] else { return Ok(Answer::Stands) };
    let begun = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir(ground::SCRATCH)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn();
    match begun {
        Ok(child) => attend(&child),
        Err(error) => Ok(Answer::NoCommand(error.to_string())),
    }
}

/// Waits for the command, and buries whatever else ends before it.
fn attend(child: &Child) -> io::Result<Answer> {
    loop {
        let ended = rustix::io::retry_on_intr(|| rustix::process::wait(WaitOptions::empty()))?;
        let Some((pid, status)) = ended else { continue };
        if u32::try_from(pid.as_raw_nonzero().get()) == Ok(child.id()) {
            let status = ExitStatus::from_raw(status.as_raw());
            return Ok(match (status.code(), status.signal()) {
                (Some(code), _) => Answer::Code(code),
                (None, signal) => Answer::Signal(signal.unwrap_or_default()),
            });
        }
    }
}

fn no_rights() -> io::Result<()> {
    let none = CapabilitySet::empty();
    Ok(set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
}

/// Major and minor release of this kernel.
fn release() -> io::Result<(u32, u32)> {
    let name = rustix::system::uname();
    let text = name.release().to_string_lossy().into_owned();
    parse_release(&text).ok_or_else(|| io::Error::other(format!("the release of this kernel, {text}, cannot be read")))
}

fn parse_release(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// What it means when the kernel refuses a name space.
fn spaceless(error: impl Into<io::Error>) -> io::Error {
    let error = error.into();
    io::Error::other(format!(
        "this user may have no name spaces of its own ({error}): see user.max_user_namespaces, \
         kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, or what confines this container"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        assert_eq!(parse_release("6.18.44-fc-v445"), Some((6, 18)));
        assert_eq!(parse_release("6.9.0"), Some((6, 9)));
        assert!(parse_release("6.9.0") < Some(OWN_HIGHEST) && parse_release("7.0-rc1") > Some(OWN_HIGHEST));
        assert_eq!(parse_release("odd"), None);
    }
}
