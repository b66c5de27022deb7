//! The bytes a person types, read by a thread of its own.
//!
//! Not crossterm's event stream: that one turns for ever when its terminal goes away, and takes late answers of the
//! terminal for keys.

use std::io;

use tokio::sync::mpsc::{Receiver, channel};

use super::input::EventSource;

/// Chunks that wait for the loop; more stay in the system's buffer.
const WAITING: usize = 64;

/// Standard input.
#[derive(Debug)]
pub struct Tty {
    chunks: Receiver<io::Result<Vec<u8>>>,
}

impl Tty {
    /// Begins to read standard input.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn open() -> io::Result<Self> {
        let (send, chunks) = channel(WAITING);
        std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = match rustix::io::read(rustix::stdio::stdin(), &mut buffer[..]) {
                    Ok(0) => return,
                    Ok(read) => Ok(buffer[..read].to_vec()),
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(rustix::io::Errno::AGAIN) => {
                        std::thread::sleep(std::time::Duration::from_millis(20));
                        continue;
                    }
                    Err(error) => Err(error.into()),
                };
                let over = read.is_err();
                if send.blocking_send(read).is_err() || over {
                    return;
                }
            }
        })?;
        Ok(Self { chunks })
    }
}

impl EventSource for Tty {
    async fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        self.chunks.recv().await
    }
}
