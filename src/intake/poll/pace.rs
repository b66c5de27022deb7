//! How soon to ask again: evenly while it goes well, ever less often while it does not, never sooner than told.

use std::time::Duration;

/// The longest pause after failures.
const LONGEST: Duration = Duration::from_secs(300);

/// The pace of whoever asks one server.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    every: Duration,
    failures: u32,
}

impl Pace {
    /// One that asks so often while it goes well.
    #[must_use]
    pub fn every(every: Duration) -> Self {
        Self { every, failures: 0 }
    }

    /// The pause after a success.
    pub fn after_success(&mut self) -> Duration {
        self.failures = 0;
        self.every
    }

    /// The pause after a failure; `told` is what the server asked for.
    pub fn after_failure(&mut self, told: Option<Duration>) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let pause = self.every.saturating_mul(1 << self.failures.min(6)).min(LONGEST.max(self.every));
        // Between half and all of it: pollers that failed together do not come back together.
        let mut byte = [0xFF];
        let _ = getrandom::fill(&mut byte);
        let pause = pause / 2 + pause * u32::from(byte[0]) / 510;
        pause.max(told.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_backs_off_recovers_and_does_as_it_is_told() {
        let second = Duration::from_secs;
        let mut pace = Pace::every(second(10));
        for (least, most) in [(10, 20), (20, 40), (40, 80), (80, 160), (150, 300), (150, 300)] {
            let pause = pace.after_failure(None);
            assert!(pause >= second(least) && pause <= second(most), "{pause:?}");
        }
        assert_eq!(pace.after_success(), second(10));
        assert_eq!(pace.after_failure(Some(second(600))), second(600));
    }
}
