//! The one thread that writes to the terminal, so that a terminal that does not read stops nothing else.
//!
//! At most one frame is on its way. While it is, nothing is drawn; when it got through, the next frame shows what
//! is true then. So a blocked terminal costs one frame of memory, for however long.

use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The way to the writing thread.
#[derive(Debug)]
pub struct Writer {
    frames: SyncSender<Vec<u8>>,
    // Unbounded in type only: one answer a frame, and one frame at a time.
    answers: UnboundedReceiver<io::Result<()>>,
    busy: bool,
}

impl Writer {
    /// Starts the thread; it ends with the writer, or when it can write no more.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(mut to: impl Write + Send + 'static) -> io::Result<Self> {
        let (frames, waiting) = sync_channel::<Vec<u8>>(1);
        let (answer, answers) = unbounded_channel();
        std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            while let Ok(frame) = waiting.recv() {
                let result = to.write_all(&frame).and_then(|()| to.flush());
                let failed = result.is_err();
                if answer.send(result).is_err() || failed {
                    break;
                }
            }
        })?;
        Ok(Self { frames, answers, busy: false })
    }

    /// Whether a frame is still on its way.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.busy
    }

    /// Sends a frame; only when not [`busy`](Self::busy). An empty one is no frame.
    pub fn send(&mut self, frame: Vec<u8>) {
        debug_assert!(!self.busy, "one frame at a time");
        if !frame.is_empty() {
            self.busy = true;
            // A full or closed channel shows as an answer that is an error, or as none.
            let _ = self.frames.try_send(frame);
        }
    }

    /// Waits until the frame got through; for ever while there is none.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn done(&mut self) -> io::Result<()> {
        if !self.busy {
            return std::future::pending().await;
        }
        let result = self.answers.recv().await.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()));
        self.busy = false;
        result
    }

    /// Gives what is on its way at most `patience` to get through; whether it did.
    pub async fn drain(&mut self, patience: Duration) -> bool {
        !self.busy || matches!(tokio::time::timeout(patience, self.done()).await, Ok(Ok(())))
    }
}

/// Standard output without a buffer of its own: one write is one system call, unless the system takes less.
#[derive(Debug)]
pub struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(rustix::stdio::stdout(), bytes) {
                Ok(written) => return Ok(written),
                Err(rustix::io::Errno::INTR) => {}
                // Somebody else made the terminal non-blocking; wait as a blocking one would.
                Err(rustix::io::Errno::AGAIN) => std::thread::sleep(Duration::from_millis(5)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
