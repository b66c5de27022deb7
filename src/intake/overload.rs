//! The one table of what each source is answered when a delivery cannot be taken now.
//!
//! Each answer is one after which that source sends the delivery again: Alertmanager takes every 4xx, 429 among them,
//! as final; OTLP senders and PagerDuty come back after 429 and 503.

use crate::event::Source;

/// Why a delivery cannot be taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overload {
    /// Too much is being worked on.
    Busy,
    /// The journal cannot record: disk full, not writable, locked.
    Unstorable,
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, seconds.
    pub retry_after: u32,
}

/// One row: source, answer when busy, answer when the journal cannot record.
pub const TABLE: [(Source, Answer, Answer); 9] = [
    (Source::Alertmanager, again(503, 1), again(503, 5)),
    (Source::Grafana, again(503, 1), again(503, 5)),
    (Source::PagerDuty, again(429, 5), again(503, 30)),
    (Source::CloudEvents, again(503, 1), again(503, 5)),
    (Source::Otlp, again(429, 1), again(503, 5)),
    (Source::Prometheus, again(503, 1), again(503, 5)),
    (Source::Bundle, again(503, 1), again(503, 5)),
    (Source::Phoenix, again(503, 1), again(503, 5)),
    (Source::Langfuse, again(503, 1), again(503, 5)),
];

const fn again(status: u16, retry_after: u32) -> Answer {
    Answer { status, retry_after }
}

/// What `source` is answered.
#[must_use]
pub fn answer(source: Source, overload: Overload) -> Answer {
    let row = TABLE.iter().find(|row| row.0 == source);
    row.map_or(again(503, 5), |row| match overload {
        Overload::Busy => row.1,
        Overload::Unstorable => row.2,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alertmanager_is_never_answered_what_it_takes_as_final() {
        for overload in [Overload::Busy, Overload::Unstorable] {
            for source in [Source::Alertmanager, Source::Grafana] {
                assert_eq!(answer(source, overload).status, 503);
            }
            for source in [Source::Otlp, Source::PagerDuty, Source::CloudEvents] {
                assert!([429, 503].contains(&answer(source, overload).status));
            }
        }
    }
}
