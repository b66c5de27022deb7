//! Which process holds the write lock, from the kernel's table of locks.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::path::beside;

/// The process that holds a write lock on the journal or its shared index, where the kernel tells.
pub(super) fn of_write_lock(path: &Path) -> Option<u32> {
    let inodes: Vec<u64> =
        [path.to_path_buf(), beside(path, "-shm")].iter().filter_map(|p| p.metadata().ok()).map(|m| m.ino()).collect();
    let table = std::fs::read_to_string("/proc/locks").ok()?;
    table.lines().find_map(|line| writer(line, &inodes)).filter(|pid| *pid != std::process::id())
}

/// The process of a line such as `1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 120 120`, if it writes one of `inodes`.
fn writer(line: &str, inodes: &[u64]) -> Option<u32> {
    let mut words = line.split_ascii_whitespace().skip_while(|word| *word != "WRITE").skip(1);
    let pid = words.next()?.parse().ok().filter(|pid| *pid > 0)?;
    let inode = words.next()?.rsplit(':').next()?.parse().ok()?;
    inodes.contains(&inode).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_process_of_a_lock_line() {
        let line = "1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 120 120";
        assert_eq!(writer(line, &[1234]), Some(4711));
        assert_eq!(writer(line, &[123]), None);
        assert_eq!(writer("2: POSIX  ADVISORY  READ 4711 fe:00:1234 123 123", &[1234]), None);
        assert_eq!(writer("3: OFDLCK ADVISORY  WRITE -1 fe:00:1234 0 EOF", &[1234]), None);
        assert_eq!(writer("garbage", &[1234]), None);
    }
}
