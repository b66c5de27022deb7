//! Steps that try to reach other processes, the kernel, or what this process has open.

use std::os::fd::AsRawFd as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use crate::behind::{Scene, running};
use crate::support;

/// A process of the host that a step would harm.
struct Victim(std::process::Child);

impl Victim {
    fn new() -> Self {
        let child = Command::new("sleep").arg("3600").env("SECRET", "of-the-victim").stdin(Stdio::null()).spawn();
        Self(child.expect("sleep starts"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn no_other_process_can_be_signalled() {
    let scene = Scene::default();
    let mut victim = Victim::new();
    let pid = victim.pid();
    scene.sh(&format!("kill -9 {pid}")).failed();
    scene.sh(&format!("kill -9 {}", std::process::id())).failed();
    // All that can be: that is itself alone.
    let _ = scene.sh("kill -9 -1");
    let _ = scene.sh("pkill -9 sleep; killall -9 sleep; kill -9 0");
    assert!(victim.alive());
}

#[test]
fn no_other_process_can_be_looked_into() {
    let scene = Scene::default();
    let mut victim = Victim::new();
    let pid = victim.pid();
    scene.sh(&format!("cat /proc/{pid}/comm")).failed();
    let host = format!("/run/host/proc/{pid}");
    scene.sh(&format!("cat {host}/comm")).says("sleep");
    for what in [
        "environ",
        "mem",
        "maps",
        "auxv",
        "stack",
        "syscall",
        "root/etc/hostname",
        "cwd/.",
        "fd/0",
        "io",
        "map_files/.",
    ] {
        let seen = scene.sh(&format!("ls -l {host}/{what}/ && cat {host}/{what}"));
        assert!(!seen.text().contains("of-the-victim"), "{what}: {}", seen.text());
        seen.failed();
    }
    for us in [std::process::id(), 1] {
        scene.sh(&format!("cat /run/host/proc/{us}/environ")).failed();
        scene.sh(&format!("ls /run/host/proc/{us}/root/")).failed();
    }
    scene.sh(&format!("echo 1000 > {host}/oom_score_adj")).failed();
    // The stages around it are no way out either.
    scene.sh("for p in /run/host/proc/[0-9]*; do cat $p/root/etc/shadow $p/environ; done 2>/dev/null | grep -a 'root:\\|SECRET'").failed();
    assert!(victim.alive());
}

#[test]
fn the_stages_around_it_cannot_be_looked_into() {
    let scene = Scene::default();
    scene.sh("cat /proc/1/environ").failed();
    scene.sh("cat /proc/1/maps").failed();
    scene.sh("echo x > /proc/1/mem").failed();
    for number in 0..12 {
        scene.sh(&format!("readlink /proc/1/fd/{number}")).failed();
    }
    scene.run(&["cat", "/proc/1/cmdline"]).says("warroom\0wall\0--stage=2");
}

#[test]
fn a_step_ends_with_the_console_that_began_it() {
    const INNER: &str = "WARROOM_TEST_STEP";
    if let Ok(mark) = std::env::var(INNER) {
        Scene::default().run(&["sleep", &mark]);
        return;
    }
    let mark = format!("{}.{}", 5_000 + std::process::id() % 1_000, std::process::id());
    let mut console = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "escape_processes::a_step_ends_with_the_console_that_began_it"])
        .env(INNER, &mark)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    support::wait_until("the step to run", || running(&mark) > 0);
    console.kill().unwrap();
    console.wait().unwrap();
    support::wait_until("the step to end with it", || running(&mark) == 0);
}

/// Names of calls with their numbers and arguments; none of them may succeed.
const CALLS: &str = r"
libc = ctypes.CDLL(None, use_errno=True)
numbers = dict(ptrace=101, process_vm_readv=310, process_vm_writev=311, mount=165, umount2=166, pivot_root=155, chroot=161, unshare=272,
    setns=308, bpf=321, perf_event_open=298, userfaultfd=323, keyctl=250, add_key=248, request_key=249, io_uring_setup=425,
    io_uring_enter=426, memfd_create=319, memfd_secret=447, execveat=322, open_by_handle_at=304, fanotify_init=300, seccomp=317,
    kexec_load=246, init_module=175, finit_module=313, delete_module=176, reboot=169, swapon=167, swapoff=168, acct=163,
    sethostname=170, setdomainname=171, settimeofday=164, clock_settime=227, adjtimex=159, syslog=103, iopl=172, ioperm=173,
    modify_ldt=154, open_tree=428, move_mount=429, fsopen=430, fsmount=432, mount_setattr=442, pidfd_getfd=438, kcmp=312,
    process_madvise=440, mq_open=240, ioprio_set=251, shmget=29, msgget=68, semget=64, quotactl=179, fchmodat2=452, setxattrat=463, file_setattr=469,
    chmod=90, chown=92, utime=132, clone3=435, vhangup=153, lchown=94, personality_x32=0x40000000 + 101)
arguments = dict(unshare=(0x10000000,), memfd_create=(b'x', 0), keyctl=(0, -3, 1), shmget=(0, 4096, 0o1600), msgget=(0, 0o1600),
    semget=(0, 1, 0o1600), mount=(b'none', b'/tmp', b'tmpfs', 0, 0), fsopen=(b'tmpfs', 0), chroot=(b'/tmp',), sethostname=(b'x', 1),
    chmod=(V.encode() + b'/file', 0o777), chown=(V.encode() + b'/file', 1, 1), io_uring_setup=(1, ctypes.create_string_buffer(256)),
    userfaultfd=(1,), open_tree=(-100, b'/', 1), pivot_root=(b'/tmp', b'/tmp'), syslog=(10, 0, 0),
    add_key=(b'user', b'x', b'y', 1, -3), memfd_secret=(0,), ptrace=(0, 0, 0, 0), mq_open=(b'x', 0o102, 0o600, 0),
    execveat=(-100, b'/bin/true', 0, 0, 0), seccomp=(1, 0, ctypes.create_string_buffer(16)))
for name, number in numbers.items():
    ctypes.set_errno(0)
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments.get(name, (0, 0, 0, 0, 0))]
    done = libc.syscall(ctypes.c_long(number), *given)
    code = errno.errorcode.get(ctypes.get_errno(), '?')
    print(name, 'DONE' if done != -1 else code, flush=True)
print('end', len(numbers))
";

#[test]
#[cfg(target_arch = "x86_64")]
fn no_call_gets_round_the_wall() {
    if !support::require("python3") {
        return;
    }
    let scene = Scene::default();
    let seen = scene.python(CALLS);
    seen.says("end ");
    let mut looked = 0;
    for line in seen.text().lines().take_while(|line| !line.starts_with("end")) {
        looked += 1;
        let refusal = line.split(' ').next_back().unwrap_or_default();
        assert!(matches!(refusal, "EPERM" | "ENOSYS"), "{line}");
    }
    assert!(looked > 50 && seen.text().ends_with(&format!("end {looked}\n")), "{looked}: {}", seen.text());
    scene.unharmed();
}

#[test]
fn programs_that_leave_name_spaces_or_trace_are_refused() {
    let scene = Scene::default();
    for script in [
        "unshare -Ur true",
        "unshare -m true",
        "nsenter -t 1 -m true",
        "nsenter --mount=/run/host/proc/1/ns/mnt true",
        "mount -t tmpfs none /mnt",
        "mount -o remount,rw /",
        "umount /tmp",
        "umount -l /root",
        "chroot /run/host/proc/1/root true",
        "strace true",
        "gdb -p 1 -batch </dev/null 2>&1 | grep -q 'Attaching to program' && false || false",
        "hostname changed",
        "date -s 2001-01-01",
        "dmesg",
        "setsid -w sh -c 'echo x > /dev/tty'",
    ] {
        scene.sh(script).failed();
    }
    scene.unharmed();
}

#[test]
fn nothing_that_this_process_has_open_is_handed_on() {
    let scene = Scene::default();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "an open secret").unwrap();
    let open = std::fs::File::options().read(true).write(true).open(secret.path()).unwrap();
    // Left open for every child, as a shell or a supervisor can leave it.
    rustix::io::fcntl_setfd(&open, rustix::io::FdFlags::empty()).unwrap();
    let number = open.as_raw_fd();
    let inherited = Command::new("cat").arg(format!("/proc/self/fd/{number}")).output().unwrap();
    assert_eq!(inherited.stdout, b"an open secret", "a child without a wall has it");
    scene.sh(&format!("cat /proc/self/fd/{number} <&{number}")).failed();
    // The fourth is that of the listing itself.
    scene.run(&["ls", "/proc/self/fd"]).says("0\n1\n2\n3\n");
    scene.sh("cat <&0 | wc -c").says("0");
    scene.sh("readlink /proc/self/fd/0").says("/dev/null");
}

#[test]
fn fault_63_nothing_of_our_environment_is_handed_on() {
    // These are set where this test runs, by cargo and by the shell: none of them may come through.
    assert!(std::env::vars().count() > 5);
    let scene = Scene::default();
    let seen = scene.run(&["/usr/bin/env"]);
    let mut names: Vec<String> =
        seen.text().lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    names.sort();
    assert_eq!(names, ["HOME", "LANG", "PATH", "TERM", "TMPDIR"], "{}", seen.text());
    seen.says("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
    // A program of that name elsewhere is not found, whatever our PATH says.
    assert!(scene.run(&["cargo-no-such-program"]).refusal().contains("no such program"));
    assert!(scene.run(&["./x"]).refusal().contains("absolute path"));
}

#[test]
fn what_is_left_in_the_background_ends_with_the_step() {
    let scene = Scene::default();
    let mark = format!("{}.{}", 4_000 + std::process::id() % 1_000, std::process::id());
    scene
        .sh(&format!(
            "(setsid sleep {mark} </dev/null >/dev/null 2>&1 &) ; nohup sleep {mark} >/dev/null 2>&1 & echo begun"
        ))
        .says("begun");
    assert_eq!(running(&mark), 0, "a process of the step outlived it");
}

#[test]
fn nothing_can_be_typed_into_a_terminal() {
    if !support::require("python3") {
        return;
    }
    let scene = Scene::default();
    scene.sh("tty; test -e /dev/tty || test -e /dev/ptmx || test -e /dev/pts").failed();
    let seen = scene.python(
        "import fcntl\nfor what in (0x5412, 0x541c, 0x1_0000_5412):\n  try: fcntl.ioctl(0, what & 0xffffffff, b'x'); print('DONE')\n  except OSError as e: print(e.errno)",
    );
    seen.says("1\n1\n1\n");
}

fn word() -> impl Strategy<Value = String> {
    let sly = prop::sample::select(vec![
        "; rm -rf /",
        "$(id)",
        "`id`",
        "--config=/etc/passwd",
        "-rf",
        "a\nb",
        "*",
        "'",
        "\"",
        "\\",
        "",
        " ",
        "&& id",
        "|id",
        "%s%n",
        "{}",
        "~",
        "\u{202e}x",
    ]);
    prop_oneof![sly.prop_map(str::to_owned), "[^\\x00]{0,24}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fault_62_every_argument_arrives_as_it_is_and_alters_no_other(words in prop::collection::vec(word(), 1..8)) {
        let scene = Scene::default();
        let mut argv = vec!["/usr/bin/printf", "%s\\0"];
        argv.extend(words.iter().map(String::as_str));
        let seen = scene.run(&argv);
        let expected: Vec<u8> = words.iter().flat_map(|word| word.bytes().chain([0])).collect();
        prop_assert_eq!(&seen.0.output, &expected);
    }
}
