//! The ground a command stands on: the host's files, all read-only, without what is secret; a folder of its own; a handful of devices.
//!
//! Done in the first stage, which has mounts of its own: nothing here is seen by any other process of the host.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{Access, CWD};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_change, mount_remount, move_mount,
    open_tree,
};

/// The command's own folder, in memory and gone with it: the only place where it may write.
pub(super) const SCRATCH: &str = "/tmp";
/// What no step sees unless it is declared: homes, what runs (sockets and tokens), what services keep, and views of the kernel
/// whose reading does something.
const HIDDEN: &[&str] = &[
    "/root",
    "/home",
    "/run",
    "/var/run",
    "/var/lib",
    "/var/spool",
    "/var/tmp",
    "/boot",
    "/sys/kernel/debug",
    "/sys/kernel/tracing",
    "/sys/kernel/security",
    "/sys/kernel/config",
    "/sys/fs/bpf",
    "/sys/firmware",
];
/// Where the host's own /proc is seen, read-only: names and numbers of its processes, never their memory, files or environment.
const HOST_PROC: &str = "/run/host/proc";
/// Devices that hold nothing.
pub(super) const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// Kinds of file systems that other machines or programs serve: to remount one can hang. Landlock holds there alone.
const SERVED: &[&str] = &["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "autofs", "fuse", "afs"];
/// Files of /etc that are looked at.
const MOST: usize = 50_000;
/// Inodes of the command's own folder.
const INODES: u32 = 4_096;

const QUIET: MountFlags = MountFlags::RDONLY.union(MountFlags::NOSUID).union(MountFlags::NODEV);

/// Makes everything read-only, hides `hide` and what always is, shows `reads` all the same.
///
/// # Errors
/// What could not be done; the step must not begin then.
pub(super) fn lay(reads: &[PathBuf], hide: &[PathBuf], scratch: u64, hosts: Option<&str>) -> io::Result<()> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).map_err(of("mounts of its own"))?;
    // Held before anything is hidden.
    let shown = reads.iter().map(|path| Ok((path, hold(path)?))).collect::<io::Result<Vec<_>>>()?;
    let devices = DEVICES.iter().map(|path| Ok((*path, hold(Path::new(path))?))).collect::<io::Result<Vec<_>>>()?;
    let host = hold(Path::new("/proc"))?;
    seal()?;
    let size = format!("size={scratch},nr_inodes={INODES},mode=0700");
    let own = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    memory(Path::new(SCRATCH), own, &size)?;
    let nothing = Path::new(SCRATCH).join(".nothing");
    fs::write(&nothing, "")?;
    fs::set_permissions(&nothing, fs::Permissions::from_mode(0o444))?;
    let mut dark: Vec<PathBuf> = HIDDEN.iter().map(PathBuf::from).chain(hide.iter().cloned()).collect();
    dark.extend(private("/etc")?);
    let mut hidden = Vec::new();
    for path in dark {
        // What is not there, or under something hidden already, needs nothing.
        let Ok(path) = path.canonicalize() else { continue };
        if path == Path::new("/") || path.starts_with(SCRATCH) {
            continue;
        }
        if path.is_dir() {
            memory(&path, QUIET.difference(MountFlags::RDONLY), "size=256k,nr_inodes=256,mode=0755")?;
            hidden.push(path);
        } else {
            place(&hold(&nothing)?, &path).map_err(at(&path))?;
        }
    }
    furnish(devices)?;
    if hidden.iter().any(|path| path == Path::new("/run")) {
        show(Path::new(HOST_PROC), &host)?;
    }
    for (path, tree) in shown {
        show(path, &tree)?;
    }
    if let Some(hosts) = hosts.filter(|_| Path::new("/etc/hosts").exists()) {
        let file = Path::new(SCRATCH).join(".hosts");
        fs::write(&file, hosts)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444))?;
        place(&hold(&file)?, Path::new("/etc/hosts")).map_err(of("/etc/hosts"))?;
        read_only(Path::new("/etc/hosts"), MountFlags::NOEXEC)?;
        fs::remove_file(&file)?;
    }
    fs::remove_file(&nothing)?;
    for path in hidden {
        read_only(&path, MountFlags::empty())?;
    }
    Ok(())
}

/// The processes of its own space, at /proc: done in the second stage, which is the first of them.
///
/// # Errors
/// The kernel refuses it, as it does where a container covers parts of /proc.
pub(super) fn processes() -> io::Result<()> {
    mount("proc", "/proc", "proc", QUIET | MountFlags::NOEXEC, None).map_err(of("a /proc of its own"))
}

/// A copy of the mount at `path`, attached nowhere as yet.
fn hold(path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    open_tree(CWD, path, flags).map_err(at(path))
}

fn place(tree: &OwnedFd, path: &Path) -> io::Result<()> {
    Ok(move_mount(tree, "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}

/// Puts a held tree where it was, or where a hidden folder is now; read-only.
fn show(path: &Path, tree: &OwnedFd) -> io::Result<()> {
    if path.symlink_metadata().is_err() {
        let folder = rustix::fs::statat(tree, "", rustix::fs::AtFlags::EMPTY_PATH)?;
        let up = path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new().recursive(true).mode(0o755).create(up).map_err(at(up))?;
        if rustix::fs::FileType::from_raw_mode(folder.st_mode).is_dir() {
            fs::create_dir(path).map_err(at(path))?;
        } else {
            fs::write(path, "").map_err(at(path))?;
        }
    }
    place(tree, path).map_err(at(path))?;
    read_only(path, MountFlags::empty())
}

/// Every mount of the host read-only, without set-user-id programs and devices.
fn seal() -> io::Result<()> {
    for mounted in mounts(&fs::read_to_string("/proc/self/mountinfo")?) {
        let served = SERVED.iter().any(|kind| mounted.kind.split('.').next() == Some(kind));
        if served || mounted.at == Path::new("/proc") {
            continue;
        }
        let done = read_only(&mounted.at, if mounted.no_exec { MountFlags::NOEXEC } else { MountFlags::empty() });
        match done {
            // Another mount covers it, or this user cannot come there: neither can the command.
            Err(error) if mounted.at != Path::new("/") && out_of_reach(&error) => {}
            done => done?,
        }
    }
    Ok(())
}

fn out_of_reach(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, NotADirectory, NotFound, PermissionDenied};
    // Permission is lacking on the way there (EACCES), not for the mount itself (EPERM).
    let no_way = error.kind() == PermissionDenied && error.raw_os_error() == Some(libc::EACCES);
    no_way || matches!(error.kind(), InvalidInput | NotADirectory | NotFound)
}

fn read_only(path: &Path, more: MountFlags) -> io::Result<()> {
    mount_remount(path, MountFlags::BIND | QUIET | more, "").map_err(|error| {
        let code = io::Error::from(error);
        // The code is looked at: it stays as it is.
        if code.raw_os_error() == Some(libc::EPERM) { at(path)(code) } else { code }
    })
}

/// A file system in memory over `path`.
fn memory(path: &Path, flags: MountFlags, options: &str) -> io::Result<()> {
    let options = std::ffi::CString::new(options)?;
    mount("none", path, "tmpfs", flags, options.as_c_str()).map_err(at(path))
}

/// /dev with the devices that hold nothing, and no other.
fn furnish(devices: Vec<(&str, OwnedFd)>) -> io::Result<()> {
    let dev = Path::new("/dev");
    memory(dev, MountFlags::NOSUID | MountFlags::NOEXEC, "size=64k,nr_inodes=64,mode=0755")?;
    for (path, tree) in devices {
        fs::write(path, "").map_err(at(Path::new(path)))?;
        place(&tree, Path::new(path)).map_err(at(Path::new(path)))?;
    }
    let links = [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")];
    for (name, to) in links {
        std::os::unix::fs::symlink(to, dev.join(name))?;
    }
    mount_remount(dev, MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NOEXEC, "")
        .map_err(at(dev))
}

/// What lies under `top` that not everybody on this host may read, and this user may: keys, hashes of passwords.
fn private(top: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(top)];
    let mut looked = 0;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            looked += 1;
            if looked > MOST {
                return Err(io::Error::other(format!(
                    "{top} holds more than {MOST} files, which are not looked through for keys"
                )));
            }
            // A link is as open as what it leads to, which is looked at where it lies.
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                continue;
            }
            let Ok(about) = entry.metadata() else { continue };
            let (path, mode) = (entry.path(), about.mode());
            let everybody = if about.is_dir() { mode & 0o005 == 0o005 } else { mode & 0o004 != 0 };
            if !everybody && rustix::fs::access(&path, Access::READ_OK).is_ok() {
                found.push(path);
            } else if about.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(found)
}

/// One line of `proc_pid_mountinfo(5)`.
#[derive(Debug, PartialEq, Eq)]
struct Mounted {
    at: PathBuf,
    no_exec: bool,
    kind: String,
}

fn mounts(text: &str) -> Vec<Mounted> {
    let one = |line: &str| {
        let (front, back) = line.split_once(" - ")?;
        let mut fields = front.split(' ').skip(4);
        let at = plain(fields.next()?);
        let no_exec = fields.next()?.split(',').any(|option| option == "noexec");
        Some(Mounted { at, no_exec, kind: back.split(' ').next()?.to_owned() })
    };
    text.lines().filter_map(one).collect()
}

/// A path without its escapes: `\040` is a space.
fn plain(escaped: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    let mut bytes = Vec::new();
    let mut rest = escaped.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'\\').then(|| tail.get(..3)).flatten();
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

fn of<E: Into<io::Error>>(what: &str) -> impl Fn(E) -> io::Error + '_ {
    move |error| io::Error::other(format!("{what}: {}", error.into()))
}

fn at<E: Into<io::Error>>(path: &Path) -> impl Fn(E) -> io::Error + '_ {
    move |error| io::Error::other(format!("{}: {}", path.display(), error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_with_spaces_in_their_paths_and_any_number_of_optional_fields() {
        let text = "21 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
                    22 21 0:9 / /mnt/a\\040b\\134c rw,noexec shared:1 master:2 - fuse.sshfs x rw\n\
                    nonsense\n";
        let one = |at: &str, no_exec, kind: &str| Mounted { at: at.into(), no_exec, kind: kind.into() };
        assert_eq!(mounts(text), [one("/", false, "ext4"), one("/mnt/a b\\c", true, "fuse.sshfs")]);
    }

    #[test]
    fn only_what_not_everybody_may_read_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, mode| {
            let path = folder.path().join(name);
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        make("open", 0o644);
        let key = make("key", 0o600);
        assert_eq!(private(&folder.path().to_string_lossy()).unwrap(), [key]);
    }
}
