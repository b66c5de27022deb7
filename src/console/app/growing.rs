//! What a reading step says while it runs, told no oftener than a person can follow.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use crate::console::errand::{Ending, Found, Grown};
use crate::console::model::Msg;
use crate::response::StepWatch;

/// The end of what was said that is shown, bytes; all of it is in the entry, as far as the limit on output allows.
const TAIL: usize = 64 * 1024;
/// News of more output come no oftener than this.
const OUTPUT: Duration = Duration::from_millis(500);
/// Without any, the time that has passed is told this often.
const CLOCK: Duration = Duration::from_secs(1);

/// Watches one step.
pub(super) struct Growing {
    back: Sender<Msg>,
    stop: Ending,
    began: Instant,
    said: Mutex<Said>,
}

struct Said {
    tail: Vec<u8>,
    bytes: u64,
    told: Instant,
    /// Bytes of which was told.
    known: u64,
}

impl Growing {
    pub fn new(back: Sender<Msg>, stop: Ending) -> Self {
        let now = Instant::now();
        Self { back, stop, began: now, said: Mutex::new(Said { tail: Vec::new(), bytes: 0, told: now, known: 0 }) }
    }

    /// As far as it is.
    pub fn grown(&self) -> Grown {
        self.summed_up(&self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn summed_up(&self, said: &Said) -> Grown {
        let cut = said.tail.len().saturating_sub(TAIL);
        let tail = String::from_utf8_lossy(&said.tail[cut..]).into_owned();
        Grown { tail: tail.into(), bytes: said.bytes, took: self.began.elapsed() }
    }
}

impl StepWatch for Growing {
    fn said(&self, piece: &[u8]) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.bytes = said.bytes.saturating_add(piece.len() as u64);
        said.tail.extend_from_slice(piece);
        if said.tail.len() > 2 * TAIL {
            let cut = said.tail.len() - TAIL;
            said.tail.drain(..cut);
        }
    }

    fn stop(&self) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let since = said.told.elapsed();
        if since >= CLOCK || (since >= OUTPUT && said.known != said.bytes) {
            (said.told, said.known) = (Instant::now(), said.bytes);
            let grown = self.summed_up(&said);
            // A console that is busy hears the next of them.
            let _ = self.back.try_send(Msg::Found(Box::new(Found::StepSaid(self.stop.clone(), grown))));
        }
        self.stop.is_asked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_the_end_of_it_and_how_much_it_is_in_all() {
        let (back, mut heard) = tokio::sync::mpsc::channel(4);
        let growing = Growing::new(back, Ending::default());
        let piece = vec![b'x'; TAIL];
        for _ in 0..5 {
            growing.said(&piece);
        }
        growing.said(b"the end");
        let grown = growing.grown();
        assert_eq!((grown.bytes, grown.tail.raw().len()), (5 * TAIL as u64 + 7, TAIL));
        assert!(grown.tail.raw().ends_with("the end"));
        // Asked again and again at once, it tells nothing: too little time has passed.
        growing.said.lock().unwrap().told = Instant::now() + Duration::from_secs(600);
        assert!((0..100).all(|_| !growing.stop()) && heard.try_recv().is_err());
        growing.said.lock().unwrap().told = growing.began.checked_sub(OUTPUT).unwrap();
        assert!(!growing.stop());
        assert!(matches!(heard.try_recv(), Ok(Msg::Found(_))) && heard.try_recv().is_err());
        growing.stop.ask();
        assert!(growing.stop());
    }
}
