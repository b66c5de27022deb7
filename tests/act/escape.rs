//! Steps that try to change files from behind the wall, or to read what is secret. Each is seen to fail, and the victim is looked
//! at from outside.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::behind::Scene;
use crate::support;

/// One attempt, in a shell, on the victim's folder `$V`.
fn attempt(script: &str) {
    let scene = Scene::default();
    let seen = scene.sh(script);
    seen.failed();
    scene.unharmed();
}

/// The same attempt without a wall: it must go well there, else it shows nothing here.
fn in_the_open(script: &str) {
    let scene = Scene::default();
    let home = tempfile::tempdir().unwrap();
    let script = format!("V='{}'\ncd $HOME\n{script}", scene.victim().display());
    let done = Command::new("/bin/sh").args(["-c", &script]).env("HOME", home.path()).output().unwrap();
    assert!(done.status.success(), "even without a wall: {}", String::from_utf8_lossy(&done.stderr));
}

/// Attempts on files, which go well without a wall and not behind it.
macro_rules! changes {
    ($($name:ident: $script:literal;)*) => {
        $(#[test] fn $name() {
            // Some are for root alone.
            if rustix::process::geteuid().is_root() {
                in_the_open($script);
            }
            attempt($script);
        })*
    };
}

/// Attempts on the host, which are not made without a wall.
macro_rules! attempts {
    ($($name:ident: $script:literal;)*) => {
        $(#[test] fn $name() { attempt($script); })*
    };
}

changes! {
    a_file_cannot_be_written: "echo changed > $V/file";
    a_file_cannot_be_appended_to: "echo changed >> $V/file";
    a_file_cannot_be_opened_for_writing_without_truncation: "exec 3<> $V/file";
    a_file_cannot_be_truncated: "truncate -s 0 $V/file";
    a_file_cannot_be_deleted: "rm -f $V/file";
    a_file_cannot_be_made: "touch $V/new";
    a_file_cannot_be_renamed: "mv $V/file $V/new";
    a_file_cannot_be_moved_into_its_own_folder: "mv $V/file $HOME/";
    a_file_cannot_be_replaced_from_its_own_folder: "echo changed > $HOME/x; mv -f $HOME/x $V/file";
    a_file_cannot_be_written_by_its_copy: "cp /etc/hostname $V/file";
    a_file_cannot_be_written_in_place: "sed -i s/was/is/ $V/file";
    a_file_cannot_be_written_by_dd: "dd if=/dev/zero of=$V/file bs=1 count=1 conv=notrunc";
    a_mode_cannot_be_changed: "chmod 777 $V/file";
    an_owner_cannot_be_changed: "chown 1:1 $V/file";
    a_group_cannot_be_changed: "chgrp 1 $V/file";
    a_time_cannot_be_changed: "touch -d 2001-01-01 $V/file";
    an_attribute_cannot_be_set: "/usr/bin/python3 -c 'import os,sys; os.setxattr(sys.argv[1], \"user.x\", b\"1\")' $V/file";
    a_hard_link_cannot_be_made_beside_it: "ln $V/file $V/new";
    a_hard_link_cannot_be_made_in_its_own_folder: "ln $V/file $HOME/new && echo changed > $HOME/new";
    a_symbolic_link_cannot_be_made_there: "ln -s /etc/passwd $V/new";
    a_symbolic_link_out_of_its_own_folder_leads_to_what_cannot_be_written:
        "ln -s $V/file $HOME/way && echo changed > $HOME/way";
    a_folder_cannot_be_made: "mkdir $V/new";
    a_folder_cannot_be_removed: "rmdir $V/inner";
    a_named_pipe_cannot_be_made: "mkfifo $V/new";
    a_device_cannot_be_made: "mknod $V/new c 1 3";
    a_device_cannot_be_made_in_its_own_folder: "mknod $HOME/new b 254 0";
    a_socket_cannot_be_made: "/usr/bin/python3 -c 'import os,sys,stat; os.mknod(sys.argv[1], stat.S_IFSOCK|0o600)' $V/new";
    the_way_through_proc_leads_to_what_cannot_be_written: "echo changed > /proc/self/root$V/file";
    the_way_through_the_working_folder_leads_to_what_cannot_be_written: "cd $V && echo changed > /proc/self/cwd/file";
    the_way_through_a_descriptor_leads_to_what_cannot_be_written: "exec 3< $V/file; echo changed > /proc/self/fd/3";
    the_way_back_up_leads_to_what_cannot_be_written: "echo changed > ../../../../../../..$V/file";
}

attempts! {
    a_setting_of_the_kernel_cannot_be_written: "cat /proc/sys/vm/swappiness > /proc/sys/vm/swappiness";
    a_setting_of_the_host_cannot_be_written: "cat /run/host/proc/sys/vm/swappiness > /run/host/proc/sys/vm/swappiness";
    the_program_of_core_dumps_cannot_be_set: "echo '|/tmp/x' > /proc/sys/kernel/core_pattern";
    the_magic_key_cannot_be_pressed: "echo h > /proc/sysrq-trigger";
    a_control_group_cannot_be_made: "d=$(find /sys/fs/cgroup -maxdepth 1 -mindepth 1 -type d | head -1); mkdir ${d:-/sys/fs/cgroup}/warroom-escaped";
    a_program_in_its_own_folder_cannot_be_run: "cp /bin/true $HOME/x; chmod +x $HOME/x; $HOME/x";
    nothing_under_its_own_folder_stays_for_others: "echo x > /tmp/warroom-escaped && false";
    a_disk_cannot_be_read: "head -c 1 /dev/vda /dev/sda /dev/nvme0n1";
    the_memory_of_the_kernel_cannot_be_read: "head -c 1 /proc/kcore";
    the_log_of_the_kernel_cannot_be_read: "timeout 5 head -c 1 /proc/kmsg";
    the_hashes_of_passwords_cannot_be_read: "test -r /etc/shadow && grep -q . /etc/shadow";
}

#[test]
fn it_has_a_folder_of_its_own_that_is_gone_afterwards() {
    let scene = Scene::default();
    scene.sh("echo kept > $HOME/x && mkdir $HOME/d && mv $HOME/x $HOME/d/ && cat $TMPDIR/d/x").says("kept");
    scene.sh("ls $HOME").says("");
    assert!(!std::path::Path::new("/tmp/warroom-escaped").exists());
}

#[test]
fn secrets_of_the_user_are_not_there_unless_they_are_declared() {
    let mut scene = Scene::default();
    let home = std::env::home_dir().unwrap();
    // The home itself: whatever lies in it, keys of clouds and clusters and of SSH among it, is not there.
    scene
        .sh(&format!("ls -A '{}' /root /home | grep -v ':$' | grep . || echo nothing", home.display()))
        .says("nothing");
    for secret in [".ssh", ".aws", ".kube", ".netrc", ".pgpass", ".docker", ".config"] {
        scene.sh(&format!("cat '{}/{secret}' '{}/{secret}'/*", home.display(), home.display())).failed();
    }
    let kept = tempfile::TempDir::with_prefix_in("warroom-declared-", &home).unwrap();
    let file = kept.path().canonicalize().unwrap().join("config");
    std::fs::write(&file, "declared words").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    scene.sh(&format!("cat '{}'", file.display())).failed();
    scene.around.reads.push(file.clone());
    scene.sh(&format!("cat '{}'", file.display())).says("declared words");
    scene.sh(&format!("echo changed > '{}'", file.display())).failed();
    scene.sh(&format!("ls -A '{}' | wc -l", home.display())).says("1\n");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "declared words");
}

#[test]
fn the_journal_and_what_else_is_hidden_cannot_be_seen_nor_declared() {
    let mut scene = Scene::default();
    // In a folder that is not hidden anyway: as root, or where the tests are built beside the homes, there is one.
    let beside = crate::support::house::program();
    let hidden = [std::env::temp_dir(), std::env::home_dir().unwrap(), "/home".into(), "/root".into()];
    let places = [beside.parent().unwrap(), "/var/cache".as_ref(), "/opt".as_ref()];
    let mut open = places.iter().filter(|place| !hidden.iter().any(|hidden| place.starts_with(hidden)));
    let Some(state) = open.find_map(|place| tempfile::TempDir::with_prefix_in("warroom-state-", place).ok()) else {
        return;
    };
    let state = state.path().canonicalize().unwrap();
    std::fs::write(state.join("journal.db"), "the record").unwrap();
    let cat = format!("cat '{}'", state.join("journal.db").display());
    scene.sh(&cat).says("the record");
    scene.around.hide = vec![state.clone()];
    scene.sh(&cat).failed();
    scene.sh(&format!("ls -A '{}' | wc -l", state.display())).says("0\n");
    // One file only.
    scene.around.hide = vec![state.join("journal.db")];
    let seen = scene.sh(&cat);
    assert!(!seen.text().contains("the record"), "{}", seen.text());
    for declared in [state.clone(), state.join("journal.db"), state.parent().unwrap().to_owned()] {
        scene.around.hide = vec![state.clone()];
        scene.around.reads = vec![declared];
        assert!(scene.run(&["cat", "/etc/hostname"]).refusal().contains("its own"));
    }
}

#[test]
fn fault_67_a_declared_path_is_no_link_and_is_there() {
    let mut scene = Scene::default();
    let link = scene.victim().join("inner").join("way");
    std::os::unix::fs::symlink("/etc", &link).unwrap();
    scene.around.reads = vec![link];
    assert!(scene.run(&["ls", "/"]).refusal().contains("symbolic link"));
    scene.around.reads = vec!["/no/such/folder".into()];
    assert!(scene.run(&["ls", "/"]).refusal().contains("cannot be read"));
    scene.around.reads = vec!["relative".into()];
    assert!(scene.run(&["ls", "/"]).refusal().contains("absolute"));
    scene.around.reads = vec!["/".into()];
    assert!(scene.run(&["ls", "/"]).refusal().contains("absolute"));
}

#[test]
fn a_set_user_id_program_gives_no_rights() {
    let scene = Scene::default();
    scene.sh("cat /proc/self/status | grep -E '^(CapEff|CapPrm|CapAmb):'").says("CapEff:\t0000000000000000");
    scene.sh("grep NoNewPrivs /proc/self/status").says("NoNewPrivs:\t1");
    for program in ["/usr/bin/su", "/bin/su"].into_iter().filter(|program| std::path::Path::new(program).exists()) {
        scene.run(&[program, "-c", "echo changed > /etc/warroom-escaped"]).failed();
    }
    // Every mount of a disk has set-user-id programs off, besides.
    scene.sh("awk '$5 == \"/\" && $6 !~ /nosuid/' /proc/self/mountinfo | grep . || echo none").says("none");
    assert!(!std::path::Path::new("/etc/warroom-escaped").exists());
}

#[test]
fn every_mount_is_read_only_but_its_own_folder() {
    let scene = Scene::default();
    let seen = scene.sh("awk '{print $5, $6}' /proc/self/mountinfo | grep -vE ' (ro|.*,ro)(,|$)'");
    let served = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/tmp"];
    for line in seen.text().lines() {
        let at = line.split(' ').next().unwrap_or_default();
        // A mount that another one covers cannot be reached.
        let covered = scene.sh(&format!("echo x > '{at}/warroom-escaped'"));
        assert!(
            served.contains(&at) || !matches!(covered.0.ended, warroom::event::ReadEnd::Exit { code: 0 }),
            "{line}"
        );
    }
}

#[test]
fn what_a_step_is_for_still_works() {
    if !support::require_all(&["python3", "perl"]) {
        return;
    }
    let scene = Scene::default();
    scene.run(&["cat", "/proc/meminfo"]).says("MemAvailable");
    scene.run(&["cat", "/proc/loadavg"]).says("/");
    scene.sh("ps -o pid,comm -p $$ | tail -1").says("sh");
    scene.sh("cat /run/host/proc/1/comm").says("");
    scene.sh("df -k / | tail -1").says("/");
    scene.sh("printf 'b\\na\\n' | sort | head -1; grep -c . /etc/passwd").says("a\n");
    scene
        .run(&["/bin/bash", "-euc", "sort <(printf 'b\\na\\n') | tee $HOME/x | wc -l; diff $HOME/x <(sort $HOME/x)"])
        .says("2\n");
    scene
        .python("print(6 * 7); import json, subprocess; print(subprocess.check_output(['echo', 'child']).decode())")
        .says("42");
    scene.run(&["perl", "-e", "print 6 * 7"]).says("42");
    scene.sh(&format!("cat '{}'/file", scene.victim().display())).says("as it was");
    scene.sh("echo out; echo err >&2").says("out\nerr\n");
    scene.sh("cat").says("");
    scene.unharmed();
}
