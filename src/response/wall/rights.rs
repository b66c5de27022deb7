//! What a command keeps: Landlock over files, addresses and other processes; seccomp over what Landlock does not see.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use super::ground::{DEVICES, SCRATCH};

/// Files, truncation, devices, TCP, signals and abstract sockets: Linux 6.12.
const NEEDED: ABI = ABI::V6;
/// The same, for people.
pub(super) const LANDLOCK: u32 = 6;

/// Gives up whatever a command may not, for this process and all it begins. `ports` = those it may connect to.
///
/// # Errors
/// The kernel does not hold it: the command must not begin.
pub(super) fn give_up(ports: &[u16]) -> io::Result<()> {
    let landlock = landlock(ports).map_err(|error| {
        let meaning = "this kernel has no Landlock of version 6 (Linux 6.12), or it is not switched on";
        io::Error::other(format!("{meaning} ({error})"))
    })?;
    if landlock != RulesetStatus::FullyEnforced {
        return Err(io::Error::other(format!("Landlock holds only in part: {landlock:?}")));
    }
    seccomp().map_err(|error| io::Error::other(format!("seccomp: {error}")))
}

fn landlock(ports: &[u16]) -> Result<RulesetStatus, Box<dyn std::error::Error>> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))?
        .handle_access(AccessNet::from_all(NEEDED))?
        .scope(Scope::from_all(NEEDED))?
        .create()?
        // What is secret is hidden by the ground; of the rest everything may be read and nothing written.
        .add_rule(PathBeneath::new(PathFd::new("/")?, AccessFs::from_read(NEEDED)))?;
    for path in DEVICES {
        rules = rules.add_rule(PathBeneath::new(PathFd::new(path)?, AccessFs::ReadFile | AccessFs::WriteFile))?;
    }
    // Its own folder holds files, folders and links: no sockets, no devices.
    let never = AccessFs::MakeSock | AccessFs::MakeFifo | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev;
    let own = PathFd::new(Path::new(SCRATCH))?;
    rules = rules.add_rule(PathBeneath::new(own, AccessFs::from_all(NEEDED) & !never & !AccessFs::Execute))?;
    for port in ports {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// Calls that change what Landlock does not see (modes, owners, attributes, times), reach into other processes or the kernel, or
/// get round what holds here. Numbers stand where the library has no name yet; they are the same on all machines.
#[rustfmt::skip]
const REFUSED: &[i64] = &[
    libc::SYS_fchmod, libc::SYS_fchmodat, 452, // fchmodat2
    libc::SYS_fchown, libc::SYS_fchownat,
    libc::SYS_setxattr, libc::SYS_lsetxattr, libc::SYS_fsetxattr, 463, // setxattrat
    libc::SYS_removexattr, libc::SYS_lremovexattr, libc::SYS_fremovexattr, 466, // removexattrat
    469, // file_setattr
    libc::SYS_utimensat,
    libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_pidfd_getfd, libc::SYS_kcmp,
    libc::SYS_process_madvise,
    libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_chroot, libc::SYS_move_mount, libc::SYS_open_tree,
    467, // open_tree_attr
    libc::SYS_fsopen, libc::SYS_fsconfig, libc::SYS_fsmount, libc::SYS_fspick, libc::SYS_mount_setattr,
    libc::SYS_setns, libc::SYS_unshare, libc::SYS_open_by_handle_at, libc::SYS_fanotify_init,
    libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd, libc::SYS_seccomp,
    libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register,
    libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_request_key,
    // What is run has a file: one in memory could be run although nothing of its own folder can.
    libc::SYS_memfd_create, 447, // memfd_secret
    libc::SYS_execveat,
    libc::SYS_reboot, libc::SYS_kexec_load, libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module,
    libc::SYS_swapon, libc::SYS_swapoff, libc::SYS_acct, libc::SYS_quotactl, 443, // quotactl_fd
    libc::SYS_sethostname, libc::SYS_setdomainname, libc::SYS_settimeofday, libc::SYS_clock_settime, libc::SYS_adjtimex,
    libc::SYS_clock_adjtime, libc::SYS_syslog, libc::SYS_vhangup,
    libc::SYS_mq_open, libc::SYS_shmget, libc::SYS_msgget, libc::SYS_semget,
    // Nobody could come; and it has nobody to wait for.
    libc::SYS_listen,
    // What it may use of the machine was decided before.
    libc::SYS_ioprio_set,
];

/// Calls that only this kind of machine has.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const REFUSED_HERE: &[i64] = &[
    libc::SYS_chmod, libc::SYS_chown, libc::SYS_lchown, libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat,
    libc::SYS_kexec_file_load, libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS__sysctl, libc::SYS_uselib,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[];

fn seccomp() -> Result<(), Box<dyn std::error::Error>> {
    let rule = |argument, width, op, value| -> Result<SeccompRule, seccompiler::BackendError> {
        SeccompRule::new(vec![SeccompCondition::new(argument, width, op, value)?])
    };
    let number = |n: i32| u64::from(n.unsigned_abs());
    let all = REFUSED.iter().chain(REFUSED_HERE);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = all.map(|call| (*call, Vec::new())).collect();
    // Only TCP: the daemons of containers and agents listen on sockets of other kinds.
    let no_ip = SeccompRule::new(vec![
        SeccompCondition::new(0, Width::Dword, Op::Ne, number(libc::AF_INET))?,
        SeccompCondition::new(0, Width::Dword, Op::Ne, number(libc::AF_INET6))?,
    ])?;
    let mut sockets = vec![no_ip];
    // The tenth kind is the old way to whole packets.
    for kind in [10, libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_RDM, libc::SOCK_SEQPACKET, libc::SOCK_DCCP] {
        sockets.push(rule(1, Width::Dword, Op::MaskedEq(0xf), number(kind))?);
    }
    // A stream is TCP when nothing or TCP is named: MPTCP is another protocol, which Landlock does not see.
    let other = [0, number(libc::IPPROTO_TCP)].map(|known| SeccompCondition::new(2, Width::Dword, Op::Ne, known));
    sockets.push(SeccompRule::new(other.into_iter().collect::<Result<_, _>>()?)?);
    rules.insert(libc::SYS_socket, sockets);
    let spaces = libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP;
    let each = (0..32).map(|bit| 1_u64 << bit).filter(|bit| number(spaces) & bit != 0);
    let each = each.map(|space| rule(0, Width::Qword, Op::MaskedEq(space), space));
    rules.insert(libc::SYS_clone, each.collect::<Result<_, _>>()?);
    // TIOCSTI and TIOCLINUX type into a terminal.
    rules.insert(libc::SYS_ioctl, vec![rule(1, Width::Dword, Op::Eq, 0x5412)?, rule(1, Width::Dword, Op::Eq, 0x541c)?]);
    other_numbers()?;
    // Its flags are behind a pointer, where no filter sees them: without it, libraries use clone.
    refuse([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)?;
    // Last, since it refuses further filters.
    refuse(rules, libc::EPERM)
}

fn refuse(rules: BTreeMap<i64, Vec<SeccompRule>>, with: i32) -> Result<(), Box<dyn std::error::Error>> {
    let answer = SeccompAction::Errno(with.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, std::env::consts::ARCH.try_into()?)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}

/// On x86-64 every call has a second number (the x32 ABI), which the filters above do not know: none of those is taken.
#[cfg(target_arch = "x86_64")]
fn other_numbers() -> Result<(), Box<dyn std::error::Error>> {
    let step = |code, jt, jf, k| seccompiler::sock_filter { code, jt, jf, k };
    // seccomp(2): load the number; from 0x4000_0000 on ENOSYS, else go on.
    let program = [
        step(0x20, 0, 0, 0),
        step(0x35, 0, 1, 0x4000_0000),
        step(0x06, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs()),
        step(0x06, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    Ok(seccompiler::apply_filter(&program)?)
}

#[cfg(not(target_arch = "x86_64"))]
fn other_numbers() -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}
