//! What the system says to the process.

use std::io;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// A signal, by what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Leave; its number.
    Quit(u8),
    /// The terminal has another size.
    Resize,
    /// Stop for a while.
    Stop,
    /// Somebody continued the process.
    Continue,
    /// Read the theme and the keymap again.
    Reload,
}

/// The signals of this process.
#[derive(Debug)]
pub struct Signals {
    hangup: Stream,
    terminate: Stream,
    interrupt: Stream,
    resize: Stream,
    stop: Stream,
    proceed: Stream,
    reload: Stream,
}

impl Signals {
    /// Listens from now on, inside a runtime.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        // SIGTSTP and SIGCONT have no name in tokio; their numbers differ between systems.
        let raw = |signal: rustix::process::Signal| SignalKind::from_raw(signal.as_raw());
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            resize: signal(SignalKind::window_change())?,
            stop: signal(raw(rustix::process::Signal::TSTP))?,
            proceed: signal(raw(rustix::process::Signal::CONT))?,
            reload: signal(SignalKind::user_defined1())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hangup.recv() => Signal::Quit(1),
            _ = self.terminate.recv() => Signal::Quit(15),
            _ = self.interrupt.recv() => Signal::Quit(2),
            _ = self.resize.recv() => Signal::Resize,
            _ = self.stop.recv() => Signal::Stop,
            _ = self.proceed.recv() => Signal::Continue,
            _ = self.reload.recv() => Signal::Reload,
        }
    }
}
