//! Which addresses may be asked, and how a name becomes one, once.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How an address came to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// Nobody declared its host.
    Not,
    /// Its host was declared by a name.
    ByName,
    /// It was declared itself, or as `localhost`.
    Itself,
}

impl Declared {
    /// How `host:port` was declared among `hosts`.
    pub(super) fn among(hosts: &[(String, u16)], host: &str, port: u16) -> Self {
        let bare = bare(host);
        if !hosts.iter().any(|(name, its)| *its == port && self::bare(name).eq_ignore_ascii_case(bare)) {
            Self::Not
        } else if bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok() {
            Self::Itself
        } else {
            Self::ByName
        }
    }
}

/// `[::1]` is written with brackets in a URL, and without elsewhere.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// Why nothing may be sent to this address, whatever name led to it; `None` = it may be asked.
///
/// Where machines keep their credentials (169.254.169.254 and its like), and this host itself, must be declared as such: an outside
/// name that leads there is somebody else's doing. Addresses of a private network need a declared host.
#[must_use]
pub fn forbidden(ip: IpAddr, declared: Declared) -> Option<&'static str> {
    let ip = ip.to_canonical();
    let (link_local, broadcast, private) = match ip {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let carrier = a == 100 && (64..128).contains(&b);
            (v4.is_link_local(), v4.is_broadcast(), v4.is_private() || carrier || a == 0)
        }
        IpAddr::V6(v6) => {
            let head = v6.segments();
            // IPv4 inside of IPv6 by other ways than ::ffff: NAT64, 6to4.
            let carried = head[..2] == [0x64, 0xff9b] || head[0] == 0x2002 || head[..6] == [0; 6];
            let metadata = head[..2] == [0xfd00, 0x0ec2];
            (v6.is_unicast_link_local() || metadata, false, v6.is_unique_local() || (carried && !v6.is_loopback()))
        }
    };
    if ip.is_unspecified() || ip.is_multicast() || broadcast {
        Some("which is no one host")
    } else if link_local && declared != Declared::Itself {
        Some("where machines keep their own credentials")
    } else if ip.is_loopback() && declared != Declared::Itself {
        Some("this host under an outside name; write localhost or 127.0.0.1 if that is meant")
    } else if private && declared == Declared::Not {
        Some("an address of a private network, which a step reaches only where its host is declared")
    } else {
        None
    }
}

/// Whether this can be the name of a host: nothing that would end a line or a word where names are listed.
pub(super) fn is_name(host: &str) -> bool {
    let host = bare(host);
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.len() <= 253 && host.chars().all(letters))
}

/// Looks a host up, once for all, and sees that nothing it leads to is forbidden.
///
/// # Errors
/// Why not, in words.
pub(super) fn look_up(
    host: &str,
    port: u16,
    declared: Declared,
    until: Instant,
    cancel: &dyn Fn() -> bool,
) -> Result<Vec<SocketAddr>, String> {
    if !is_name(host) || port == 0 {
        return Err("one of its hosts is no name of a host with a port".to_owned());
    }
    let name = bare(host).to_owned();
    let found = if let Ok(ip) = name.parse::<IpAddr>() {
        vec![SocketAddr::new(ip, port)]
    } else {
        resolve(name.clone(), port, until, cancel).map_err(|error| format!("{name} cannot be looked up ({error})"))?
    };
    for address in &found {
        if let Some(why) = forbidden(address.ip(), declared) {
            return Err(format!("{name} leads to {}, {why}: nothing was sent", address.ip()));
        }
    }
    if found.is_empty() {
        return Err(format!("{name} has no address"));
    }
    Ok(found)
}

/// The system's resolver knows no limit of time, so it is asked on a thread that may be left behind.
fn resolve(name: String, port: u16, until: Instant, cancel: &dyn Fn() -> bool) -> io::Result<Vec<SocketAddr>> {
    let (send, found) = channel();
    std::thread::Builder::new().name("look-up".into()).spawn(move || {
        let all = (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // Nobody may wait any more.
        let _ = send.send(all);
    })?;
    loop {
        match found.recv_timeout(Duration::from_millis(50)) {
            Ok(all) => return all,
            Err(RecvTimeoutError::Timeout) if Instant::now() < until && !cancel() => {}
            Err(_) => return Err(io::Error::other("no answer in time")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn verdict(ip: &str, declared: Declared) -> bool {
        forbidden(ip.parse().unwrap(), declared).is_none()
    }

    #[test]
    fn fault_50_what_may_be_asked_depends_on_how_it_was_declared() {
        let table = [
            ("169.254.169.254", [false, false, true]),
            ("::ffff:169.254.169.254", [false, false, true]),
            ("fe80::1", [false, false, true]),
            ("fd00:ec2::254", [false, false, true]),
            ("127.0.0.1", [false, false, true]),
            ("127.9.9.9", [false, false, true]),
            ("::1", [false, false, true]),
            ("::ffff:127.0.0.1", [false, false, true]),
            ("10.1.2.3", [false, true, true]),
            ("172.20.0.1", [false, true, true]),
            ("192.168.1.1", [false, true, true]),
            ("100.64.0.1", [false, true, true]),
            ("fd12::1", [false, true, true]),
            ("64:ff9b::a9fe:a9fe", [false, true, true]),
            ("2002:7f00:1::", [false, true, true]),
            ("0.0.0.0", [false, false, false]),
            ("::", [false, false, false]),
            ("224.0.0.1", [false, false, false]),
            ("255.255.255.255", [false, false, false]),
            ("93.184.215.14", [true, true, true]),
            ("2606:2800:21f::1", [true, true, true]),
        ];
        for (ip, may) in table {
            let found = [Declared::Not, Declared::ByName, Declared::Itself].map(|declared| verdict(ip, declared));
            assert_eq!(found, may, "{ip}");
        }
    }

    #[test]
    fn a_host_counts_as_declared_with_its_port_only_and_by_its_own_words() {
        let hosts = [("db.example".to_owned(), 5432), ("::1".to_owned(), 80), ("127.0.0.1".to_owned(), 9090)];
        assert_eq!(Declared::among(&hosts, "DB.example", 5432), Declared::ByName);
        assert_eq!(Declared::among(&hosts, "db.example", 5433), Declared::Not);
        assert_eq!(Declared::among(&hosts, "[::1]", 80), Declared::Itself);
        assert_eq!(
            Declared::among(&hosts, "localhost", 9090),
            Declared::Not,
            "localhost is another word than 127.0.0.1"
        );
    }

    #[test]
    fn fault_50_a_name_that_leads_to_this_host_is_refused_however_it_is_written() {
        let until = Instant::now() + Duration::from_secs(60);
        for host in ["0x7f000001", "2130706433", "127.1"] {
            let found = look_up(host, 80, Declared::ByName, until, &|| false);
            assert!(found.is_err(), "{host}: {found:?}");
        }
        assert!(look_up("127.0.0.1", 80, Declared::Itself, until, &|| false).is_ok());
    }

    proptest! {
        #[test]
        fn fault_62_a_name_of_a_host_never_holds_what_parts_names(text in any::<String>()) {
            let parted = text.contains(char::is_whitespace) || text.contains(['#', '\0', '/', '@']) || text.is_empty();
            prop_assert!(!(parted && is_name(&text)));
        }
    }
}
