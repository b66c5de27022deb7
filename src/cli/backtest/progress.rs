//! How far a long run is, on standard error, where somebody watches.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// A line of progress so often.
const EVERY: Duration = Duration::from_secs(2);

/// Says now and then how far it is and how long it will still take.
pub(super) struct Progress {
    begun: Instant,
    said: Instant,
    watched: bool,
}

impl Progress {
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        Self { begun: now, said: now, watched: std::io::stderr().is_terminal() }
    }

    /// `done` of `all` are done; says so when it is time to.
    #[expect(clippy::cast_precision_loss, reason = "counts of cases or entries")]
    pub(super) fn said(&mut self, done: u64, all: u64, what: &str, note: &mut impl FnMut(&str)) {
        if !self.watched || self.said.elapsed() < EVERY || done == 0 {
            return;
        }
        self.said = Instant::now();
        let left = self.begun.elapsed().as_secs_f64() / done as f64 * all.saturating_sub(done) as f64;
        note(&format!("{done} of {all} {what}, about {left:.0} s left"));
    }
}
