//! The few addresses that a command may reach: in a network of its own, in which nothing else is, each connection is carried by us.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, send, socket};

use super::order::Host;

/// A host that does not answer in this time is as good as refused.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections to one host that are carried at once; a further one is closed.
const MOST: usize = 64;

/// Threads in the host's network, which wait for what to carry.
pub(super) struct Lines(Vec<Sender<TcpListener>>);

impl Lines {
    /// Begins one thread for each host. They stay in the network in which they were begun.
    pub fn begin(hosts: &[Host]) -> io::Result<Self> {
        let each = hosts.iter().map(|host| {
            let (send, given) = channel();
            let address = host.address;
            std::thread::Builder::new().name("line".into()).spawn(move || carry(address, &given))?;
            Ok(send)
        });
        Ok(Self(each.collect::<io::Result<_>>()?))
    }

    /// In the network of its own: gives it those addresses, and hands what listens there to the threads.
    pub fn open(self, hosts: &[Host]) -> io::Result<()> {
        raise_loopback()?;
        for (host, line) in hosts.iter().zip(self.0) {
            add_address(host.address.ip())?;
            match TcpListener::bind(host.address) {
                // A thread that is gone has ended the program.
                Ok(listener) => drop(line.send(listener)),
                // Two names of one address: the first line carries both.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// `/etc/hosts` of the network of its own.
pub(super) fn names(hosts: &[Host]) -> String {
    let mut text = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
    for host in hosts.iter().filter(|host| host.name.parse::<IpAddr>().is_err() && host.name != "localhost") {
        let _ = writeln!(text, "{} {}", host.address.ip(), host.name);
    }
    text
}

fn carry(address: SocketAddr, given: &Receiver<TcpListener>) {
    let Ok(listener) = given.recv() else { return };
    let under_way = Arc::new(());
    for inside in listener.incoming().map_while(Result::ok) {
        if Arc::strong_count(&under_way) > MOST {
            continue;
        }
        let one = Arc::clone(&under_way);
        // A connection for which there is no thread is closed.
        let _ = std::thread::Builder::new().name("line".into()).spawn(move || {
            if let Ok(outside) = TcpStream::connect_timeout(&address, PATIENCE) {
                both_ways(&inside, &outside);
            }
            drop(one);
        });
    }
}

fn both_ways(inside: &TcpStream, outside: &TcpStream) {
    std::thread::scope(|threads| {
        threads.spawn(|| one_way(inside, outside));
        one_way(outside, inside);
    });
}

/// Until one of the two ends; whatever goes wrong is the end of the connection for both.
fn one_way(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.flush();
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

/// The loopback interface is the first of every network.
const LOOPBACK: u32 = 1;

/// `RTM_NEWLINK` (rtnetlink(7)): the loopback interface is to be up.
fn raise_loopback() -> io::Result<()> {
    let up = 1_u32.to_ne_bytes();
    let mut body = vec![0; 4];
    body.extend(LOOPBACK.to_ne_bytes());
    body.extend(up);
    body.extend(up);
    ask_kernel(16, 0, &body)
}

/// `RTM_NEWADDR` (rtnetlink(7)): the loopback interface has this address as well.
fn add_address(address: IpAddr) -> io::Result<()> {
    if address.is_loopback() {
        return Ok(());
    }
    let (family, bytes): (u8, Vec<u8>) = match address {
        IpAddr::V4(ip) => (2, Ipv4Addr::octets(&ip).to_vec()),
        IpAddr::V6(ip) => (10, Ipv6Addr::octets(&ip).to_vec()),
    };
    let width = if address.is_ipv4() { 32 } else { 128 };
    // IFA_F_NODAD: nobody else is here whose address it could be. RT_SCOPE_HOST.
    let mut body = vec![family, width, 2, 254];
    body.extend(LOOPBACK.to_ne_bytes());
    // IFA_ADDRESS and IFA_LOCAL.
    for kind in [1_u16, 2] {
        let length: u16 = if address.is_ipv4() { 8 } else { 20 };
        body.extend(length.to_ne_bytes());
        body.extend(kind.to_ne_bytes());
        body.extend(&bytes);
    }
    // NLM_F_CREATE
    ask_kernel(20, 0x400, &body)
}

/// One message to the kernel (netlink(7)), and its answer.
fn ask_kernel(kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
    let kernel = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    let length = u32::try_from(16 + body.len()).map_err(io::Error::other)?;
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    // NLM_F_REQUEST | NLM_F_ACK
    message.extend((flags | 1 | 4).to_ne_bytes());
    message.extend(1_u32.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(body);
    send(&kernel, &message, SendFlags::empty())?;
    let mut answer = [0; 512];
    let (read, _) = recv(&kernel, &mut answer[..], RecvFlags::empty())?;
    // An nlmsgerr: the code stands after the head of sixteen bytes.
    let code = answer[..read].get(16..20).and_then(|code| code.try_into().ok()).map(i32::from_ne_bytes);
    match code {
        // EEXIST: two hosts have one address.
        Some(0 | -17) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::other("the kernel gave no answer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_one_line_and_an_address_needs_none() {
        let host = |name: &str, address: &str| Host { name: name.into(), address: address.parse().unwrap() };
        let text =
            names(&[host("db.example", "10.0.0.7:5432"), host("10.0.0.8", "10.0.0.8:80"), host("v6", "[fd12::1]:1")]);
        assert_eq!(text, "127.0.0.1 localhost\n::1 localhost\n10.0.0.7 db.example\nfd12::1 v6\n");
    }
}
