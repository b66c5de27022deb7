//! What is handed from stage to stage: over standard input, which is a socket, so that the answer comes back the same way.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use rustix::fd::BorrowedFd;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Where programs are.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// No order is longer, in bytes.
pub(super) const LONGEST: usize = 256 * 1024;

/// A command, and all it may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    /// The program by its absolute path, and its arguments; none = only try whether the wall stands.
    pub argv: Vec<String>,
    /// Which addresses it may connect to.
    pub hosts: Vec<Host>,
    /// Declared files and folders.
    pub reads: Vec<PathBuf>,
    /// Hidden files and folders.
    pub hide: Vec<PathBuf>,
    /// How much of everything.
    pub bounds: Bounds,
}

/// A host that may be asked. It was looked up before; nothing is looked up again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Host {
    /// Its name, or its address once more.
    pub name: String,
    /// The one address that stands for it.
    pub address: SocketAddr,
}

/// What the kernel counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bounds {
    pub cpu_seconds: u64,
    pub addresses: u64,
    pub processes: u64,
    pub files: u64,
    pub scratch: u64,
}

/// What a stage answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The wall stands; nothing was to be run.
    Stands,
    /// The command ended with this code.
    Code(i32),
    /// This signal ended the command.
    Signal(i32),
    /// The command could not be started behind the wall, which stands.
    NoCommand(String),
    /// The wall does not stand.
    Falls(String),
}

/// A value as it is sent: four bytes of length, then JSON.
pub(super) fn frame(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let text = serde_json::to_vec(value)?;
    let length = u32::try_from(text.len()).ok().filter(|_| text.len() <= LONGEST);
    let length =
        length.ok_or_else(|| io::Error::other("program, arguments, hosts and files are longer than 256 KiB"))?;
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(text);
    Ok(bytes)
}

/// The value in `bytes`, which hold a whole frame.
pub(super) fn unframe<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    Ok(serde_json::from_slice(bytes.get(4..).ok_or(io::ErrorKind::UnexpectedEof)?)?)
}

/// Reads exactly one frame, not a byte more: the rest is for the next stage.
pub(super) fn receive<T: DeserializeOwned>(from: BorrowedFd<'_>) -> io::Result<T> {
    let mut length = [0; 4];
    fill(from, &mut length)?;
    let length = u32::from_ne_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::Error::other("the order is too long"));
    }
    let mut text = vec![0; length];
    fill(from, &mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Sends one frame.
pub(super) fn send(to: BorrowedFd<'_>, value: &impl Serialize) -> io::Result<()> {
    let bytes = frame(value)?;
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(to, rest))?;
        rest = &rest[written..];
    }
    Ok(())
}

fn fill(from: BorrowedFd<'_>, mut rest: &mut [u8]) -> io::Result<()> {
    while !rest.is_empty() {
        let read = rustix::io::retry_on_intr(|| rustix::io::read(from, &mut *rest))?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        rest = &mut rest[read..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fault_62_an_order_arrives_as_it_was_given(
            argv in prop::collection::vec(any::<String>(), 0..12), name in any::<String>(), port in any::<u16>()
        ) {
            let order = Order {
                argv,
                hosts: vec![Host { name, address: ([10, 0, 0, 1], port).into() }],
                reads: vec!["/a b\n".into()],
                hide: vec![],
                bounds: Bounds { cpu_seconds: 1, addresses: 2, processes: 3, files: 4, scratch: 5 },
            };
            prop_assert_eq!(unframe::<Order>(&frame(&order).unwrap()).unwrap(), order);
        }
    }

    #[test]
    fn an_order_that_is_too_long_is_none() {
        let long = Answer::NoCommand("x".repeat(LONGEST));
        assert!(frame(&long).is_err());
    }
}
