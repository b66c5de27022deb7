//! Where the kernel cannot hold a step: nothing is run, and the reason is said. Each lack is a real one, made for one thread and
//! what it starts.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use warroom::response::wall::{Standing, WallError, standing_of};

use crate::behind::Scene;
use crate::support::{self, house::program};

/// Does `it` on a thread to which the kernel refuses these calls with this error, as a kernel or a container does that lacks them.
fn without<T: Send>(calls: &[i64], error: i32, it: impl FnOnce() -> T + Send) -> T {
    let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
    let refusal = SeccompAction::Errno(error.unsigned_abs());
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch).unwrap();
    let filter: BpfProgram = filter.try_into().unwrap();
    std::thread::scope(|threads| {
        let thread = threads.spawn(|| {
            seccompiler::apply_filter(&filter).unwrap();
            it()
        });
        thread.join().unwrap()
    })
}

fn lacks(calls: &[i64], error: i32, words: &str) {
    without(calls, error, || {
        let Standing::Lacks { reason } = standing_of(&program()) else { panic!("it stands without {words}") };
        assert!(reason.contains(words), "{reason}");
        let scene = Scene::default();
        let refused = scene
            .try_run(&["/bin/sh", "-c", &format!("echo changed > '{}/file'", scene.victim().display())], &|| false);
        assert!(matches!(&refused, Err(WallError::Lacks(why)) if why.contains(words)), "{refused:?}");
        scene.unharmed();
    });
}

#[test]
fn it_stands_here() {
    let standing = standing_of(&program());
    assert!(standing.holds(), "{standing}");
}

#[test]
fn without_landlock_nothing_is_run() {
    lacks(&[libc::SYS_landlock_create_ruleset], libc::ENOSYS, "no Landlock of version 6");
    lacks(&[libc::SYS_landlock_create_ruleset], libc::EOPNOTSUPP, "no Landlock of version 6");
    lacks(&[libc::SYS_landlock_restrict_self], libc::EPERM, "Landlock");
}

#[test]
fn without_name_spaces_nothing_is_run() {
    lacks(&[libc::SYS_unshare], libc::EPERM, "may have no name spaces of its own");
    lacks(&[libc::SYS_unshare], libc::ENOSPC, "user.max_user_namespaces");
}

#[test]
fn without_filters_of_calls_nothing_is_run() {
    lacks(&[libc::SYS_seccomp], libc::ENOSYS, "seccomp");
}

#[test]
fn without_mounts_nothing_is_run() {
    lacks(&[libc::SYS_mount], libc::EPERM, "could not be made");
    lacks(&[libc::SYS_open_tree], libc::ENOSYS, "could not be made");
}

#[test]
fn where_an_administrator_allows_no_name_spaces_the_doctor_says_so() {
    if !support::require("unshare") {
        return;
    }
    // The setting is each user name space's own: the host's stays as it is.
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" doctor --json";
    let run = Command::new("unshare").args(["-Ur", "sh", "-c", script]).arg(program()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(said.contains("does not stand, so steps that read ask like those that write"), "{said}");
    assert!(said.contains("user.max_user_namespaces"), "{said}");
}

#[test]
fn where_nothing_is_there_to_start_it_says_so() {
    assert!(matches!(standing_of("/no/such/program".as_ref()), Standing::Lacks { .. }));
    // A program that is no warroom.
    assert!(matches!(standing_of("/bin/true".as_ref()), Standing::Lacks { .. }));
}

#[test]
fn the_same_holds_for_a_user_without_any_rights() {
    const INNER: &str = "WARROOM_TEST_WITHOUT_RIGHTS";
    if std::env::var_os(INNER).is_some() || !rustix::process::geteuid().is_root() || !support::require("setpriv") {
        return;
    }
    // Every attempt once more, by a user for whom the kernel counts otherwise; from a place that this user can reach.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = |from: &std::path::Path, name: &str| {
        let to = folder.path().join(name);
        std::fs::copy(from, &to).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o755)).unwrap();
        to
    };
    let (tests, ours) = (copy(&std::env::current_exe().unwrap(), "tests"), copy(&program(), "warroom"));
    let home = folder.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(65_534), Some(65_534)).unwrap();
    let run = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(tests)
        .args(["escape", "--skip", "escape_database", "--test-threads", "2"])
        .current_dir(folder.path())
        .env(INNER, "1")
        .env("HOME", &home)
        .env("WARROOM_TEST_PROGRAM", ours)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{said}");
    assert!(said.contains("escape_limits::the_number_of_its_processes_is_bounded ... ok"), "{said}");
}
