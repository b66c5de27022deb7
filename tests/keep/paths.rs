//! Paths that are not safe, asked of the program itself.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::house::House;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The journal is refused at `path` before anything is written, and the reason says `why`.
fn refused(path: &Path, why: &str) {
    let error = crate::child::open(path).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("refused") && error.contains(why), "{}: {error}", path.display());
}

#[test]
fn fault_67_a_journal_that_is_a_link_a_pipe_a_folder_or_somebody_elses_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("real.db");
    drop(crate::child::open(&real).unwrap());
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let link = dir.path().join("link.db");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    refused(&link, "symbolic link");

    let pipe = dir.path().join("pipe.db");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from(0o600), 0).unwrap();
    refused(&pipe, "pipe");

    let folder = dir.path().join("folder.db");
    std::fs::create_dir(&folder).unwrap();
    refused(&folder, "folder");

    mode(&real, 0o644);
    refused(&real, "chmod 600");
    mode(&real, 0o600);

    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&real, Some(65_534), None).unwrap();
        refused(&real, "another user");
        std::os::unix::fs::chown(&real, Some(0), None).unwrap();
    }

    let wal = dir.path().join("real.db-wal");
    std::os::unix::fs::symlink("/etc/passwd", &wal).unwrap();
    refused(&real, "symbolic link");
    std::fs::remove_file(&wal).unwrap();

    let open_folder = dir.path().join("open");
    std::fs::create_dir(&open_folder).unwrap();
    mode(&open_folder, 0o777);
    refused(&open_folder.join("journal.db"), "everyone may write");
    mode(&open_folder, 0o1777);
    refused(&open_folder.join("journal.db"), "everyone may write");

    let other = dir.path().join("other.db");
    std::fs::write(&other, "This is no journal, but it is long enough to look like a file of something else.").unwrap();
    mode(&other, 0o600);
    refused(&other, "no journal");

    let foreign = dir.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x); PRAGMA application_id=7").unwrap();
    mode(&foreign, 0o600);
    refused(&foreign, "another program");
}

#[test]
fn a_new_journal_is_private_with_all_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/journal.db");
    let journal = crate::child::open(&path).unwrap();
    warroom::journal::Journal::append(&journal, vec![crate::child::note("k")]).unwrap();
    for name in ["a", "a/b"] {
        assert_eq!(dir.path().join(name).metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let found = path.with_file_name(name).metadata().unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn fault_68_an_export_never_follows_a_link_or_overwrites() {
    let house = House::new();
    let path = house.journal();
    warroom::journal::Journal::append(&crate::child::open(&path).unwrap(), vec![crate::child::note("k")]).unwrap();
    let victim = house.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    for (n, flag) in ["--out", "--backup", "--checkpoint"].into_iter().enumerate() {
        let planted = house.path().join(format!("planted-{n}"));
        std::os::unix::fs::symlink(&victim, &planted).unwrap();
        for to in [&planted, &victim] {
            let output = house.run(&["export", flag, to.to_str().unwrap()]);
            assert_eq!(output.status.code(), Some(2), "{flag} {}", to.display());
            assert!(String::from_utf8_lossy(&output.stderr).contains("does not exist yet"), "{output:?}");
        }
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
        let fresh = house.path().join(format!("fresh-{n}"));
        let output = house.run(&["export", flag, fresh.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(fresh.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
