//! Who is at the keyboard, as the operating system knows it: never what an environment variable claims.

use std::collections::BTreeSet;

use crate::event::{Person, Untrusted};

/// What the kernel says of a process nobody logged in for.
const UNSET: u32 = u32::MAX;
/// The password and group files are read to this length at most.
const MAX_PASSWD: u64 = 16 * 1024 * 1024;

/// The person this process runs for: the login under which they came in, which the kernel keeps through `su` and `sudo`
/// (`loginuid`, set by PAM once and for all), else that of the real user id; and the session that tells two terminals of one
/// person apart. `$USER` and `$LOGNAME` are never read.
#[must_use]
pub fn person() -> Person {
    let passwd = read("/etc/passwd");
    let came_in = std::fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse().ok());
    let (uid, known_by) = match came_in {
        Some(uid) if uid != UNSET => (uid, "pam"),
        _ => (rustix::process::getuid().as_raw(), "uid"),
    };
    let login = login_of(uid, &passwd).unwrap_or_else(|| format!("uid-{uid}"));
    Person { login: login.into(), known_by: known_by.into(), session: session() }
}

/// The groups of a login, as the machine knows them now: somebody who left a group has lost what it allowed.
pub(super) fn groups(login: &str) -> BTreeSet<String> {
    let passwd = read("/etc/passwd");
    let own = passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.first() == Some(&login)).then(|| fields.get(3).map(|gid| (*gid).to_owned()))?
    });
    groups_of(login, own.as_deref(), &read("/etc/group"))
}

/// The groups in a group file that name `login`, and the one of its own number.
fn groups_of(login: &str, own: Option<&str>, group: &str) -> BTreeSet<String> {
    let lines = group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, _, gid, members) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        (Some(gid) == own || members.split(',').any(|member| member == login)).then(|| name.to_owned())
    });
    lines.collect()
}

fn read(path: &str) -> String {
    let mut text = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, MAX_PASSWD), &mut text));
    match read {
        Ok(_) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => String::new(),
    }
}

/// The login name of `uid` in a password file.
fn login_of(uid: u32, passwd: &str) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let login = fields.next().filter(|login| !login.is_empty())?;
        let found = fields.nth(1)?;
        (found.parse() == Ok(uid)).then(|| login.to_owned())
    })
}

/// Terminal, process and, over SSH, the far end: a note beside the identity, not part of it.
fn session() -> Untrusted {
    let terminal = rustix::termios::ttyname(std::io::stdin(), Vec::new()).map_or_else(
        |_| "no terminal".to_owned(),
        |name| name.to_string_lossy().trim_start_matches("/dev/").to_owned(),
    );
    let pid = std::process::id();
    let far_end = std::env::var("SSH_CONNECTION").ok().and_then(|connection| {
        let mut parts = connection.split(' ');
        let (address, port) = (parts.next()?, parts.next()?);
        let address: std::net::IpAddr = address.parse().ok()?;
        let port: u16 = port.parse().ok()?;
        Some(format!(", ssh from {address} port {port}"))
    });
    format!("{terminal}, pid {pid}{}", far_end.unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n# remark\n::::\nana:x:1000:1000::/home/ana:/bin/sh\n";

    #[test]
    fn the_login_is_that_of_the_user_id() {
        assert_eq!(login_of(0, PASSWD).as_deref(), Some("root"));
        assert_eq!(login_of(1000, PASSWD).as_deref(), Some("ana"));
        assert_eq!(login_of(1001, PASSWD), None);
    }

    #[test]
    fn groups_are_those_that_name_the_login_and_its_own() {
        let group = "root:x:0:\nsre:x:20:ana,bo\nana:x:1000:\nbroken\nlead:x:30:bo\n";
        assert_eq!(groups_of("ana", Some("1000"), group), ["ana".to_owned(), "sre".to_owned()].into());
        assert_eq!(groups_of("an", None, group), BTreeSet::new());
    }

    #[test]
    fn the_person_is_known_by_the_operating_system() {
        let person = person();
        assert!(["uid", "pam"].contains(&person.known_by.raw()));
        assert!(!person.login.is_empty());
    }
}
