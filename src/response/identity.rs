//! Who is at the keyboard, as the operating system knows it: never what an environment variable claims.

use crate::event::{Person, Untrusted};

/// The password file is read to this length at most.
const MAX_PASSWD: u64 = 16 * 1024 * 1024;

/// The person this process runs for: the login of its real user id, and the session that tells two terminals of one
/// person apart. `$USER` and `$LOGNAME` are never read.
#[must_use]
pub fn person() -> Person {
    let uid = rustix::process::getuid().as_raw();
    let passwd = std::fs::File::open("/etc/passwd").ok().and_then(|file| {
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(file, MAX_PASSWD), &mut text).ok()?;
        login_of(uid, &String::from_utf8_lossy(&text))
    });
    Person { login: passwd.unwrap_or_else(|| format!("uid-{uid}")).into(), known_by: "uid".into(), session: session() }
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
    fn the_person_is_known_by_the_operating_system() {
        let person = person();
        assert_eq!(person.known_by.raw(), "uid");
        assert!(!person.login.is_empty());
    }
}
