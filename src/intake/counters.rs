//! What came in and what became of it, counted where people can see it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::heard::LastHeard;
use crate::event::{Source, Time};

/// Every way in, in the order they are counted.
pub const SOURCES: [Source; 9] = [
    Source::Alertmanager,
    Source::Grafana,
    Source::PagerDuty,
    Source::CloudEvents,
    Source::Otlp,
    Source::Prometheus,
    Source::Bundle,
    Source::Phoenix,
    Source::Langfuse,
];

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// On disk, and answered so.
    Accepted,
    /// Wrong, kept in quarantine.
    Refused,
    /// Longer than its limit.
    TooLarge,
    /// Without the right token or signature.
    Unauthorized,
    /// Answered to come again: too much at once.
    Busy,
    /// Answered to come again: the journal could not record.
    Unstorable,
    /// Came too slowly, or broke off.
    BrokeOff,
    /// A poll got no answer, or a wrong one.
    PollFailed,
}

const FATES: [(Fate, &str); 8] = [
    (Fate::Accepted, "accepted"),
    (Fate::Refused, "refused"),
    (Fate::TooLarge, "too_large"),
    (Fate::Unauthorized, "unauthorized"),
    (Fate::Busy, "busy"),
    (Fate::Unstorable, "unstorable"),
    (Fate::BrokeOff, "broke_off"),
    (Fate::PollFailed, "poll_failed"),
];

/// The counters of this process, since it started.
#[derive(Debug, Default)]
pub struct Counters {
    deliveries: [[AtomicU64; FATES.len()]; SOURCES.len()],
    recorded: [AtomicU64; SOURCES.len()],
    duplicates: [AtomicU64; SOURCES.len()],
    rejected_items: [AtomicU64; SOURCES.len()],
    /// Milliseconds since 1970; 0 = never.
    heard: [AtomicI64; SOURCES.len()],
    /// The newest moment that a source which is read has shown, as `heard`.
    shown: [AtomicI64; SOURCES.len()],
    /// Connections closed because there were too many.
    pub connections_closed: AtomicU64,
    /// Refused deliveries that could not even be kept in quarantine.
    pub quarantine_failed: AtomicU64,
    /// 1 while the last attempt to record failed.
    pub unstorable: AtomicU64,
}

fn place(source: Source) -> usize {
    SOURCES.iter().position(|known| *known == source).unwrap_or(0)
}

impl Counters {
    /// Counts one delivery.
    pub fn count(&self, source: Source, fate: Fate) {
        let fate = FATES.iter().position(|known| known.0 == fate).unwrap_or(0);
        self.deliveries[place(source)][fate].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what an accepted delivery brought, and that its source spoke at `at`.
    pub fn accept(&self, source: Source, recorded: u64, duplicates: u64, rejected: u64, at: Time) {
        let n = place(source);
        self.count(source, Fate::Accepted);
        self.recorded[n].fetch_add(recorded, Ordering::Relaxed);
        self.duplicates[n].fetch_add(duplicates, Ordering::Relaxed);
        self.rejected_items[n].fetch_add(rejected, Ordering::Relaxed);
        self.heard[n].fetch_max(at.as_millisecond(), Ordering::Relaxed);
    }

    /// Says that `source` has shown what it holds up to `at`.
    pub fn shown(&self, source: Source, at: Time) {
        self.shown[place(source)].fetch_max(at.as_millisecond(), Ordering::Relaxed);
    }

    /// How many deliveries of `source` met `fate`.
    #[must_use]
    pub fn of(&self, source: Source, fate: Fate) -> u64 {
        let fate = FATES.iter().position(|known| known.0 == fate).unwrap_or(0);
        self.deliveries[place(source)][fate].load(Ordering::Relaxed)
    }

    /// How many deliveries met `fate`, from all sources.
    #[must_use]
    pub fn all(&self, fate: Fate) -> u64 {
        SOURCES.iter().map(|source| self.of(*source, fate)).sum()
    }

    /// The counters that say something, by name, for the screen.
    #[must_use]
    pub fn table(&self) -> Vec<(&'static str, u64)> {
        let sum = |of: &[AtomicU64]| of.iter().map(|n| n.load(Ordering::Relaxed)).sum();
        let fates = FATES.iter().map(|(fate, name)| (*name, self.all(*fate)));
        let others = [
            ("duplicates", sum(&self.duplicates)),
            ("rejected_items", sum(&self.rejected_items)),
            ("connections_closed", self.connections_closed.load(Ordering::Relaxed)),
            ("quarantine_failed", self.quarantine_failed.load(Ordering::Relaxed)),
        ];
        fates.chain(others).filter(|(_, count)| *count > 0).collect()
    }

    /// What else than "accepted" became of what `source` sent, by name; only what was counted.
    #[must_use]
    pub fn of_source(&self, source: Source) -> Vec<(&'static str, u64)> {
        let n = place(source);
        let fates = FATES.iter().filter(|(fate, _)| *fate != Fate::Accepted);
        let fates = fates.map(|(fate, name)| (*name, self.of(source, *fate)));
        let others = [("duplicates", &self.duplicates), ("rejected_items", &self.rejected_items)];
        let others = others.into_iter().map(|(name, of)| (name, of[n].load(Ordering::Relaxed)));
        fates.chain(others).filter(|(_, count)| *count > 0).collect()
    }

    /// When each source that spoke last did.
    #[must_use]
    pub fn heard(&self) -> Vec<LastHeard> {
        let moment = |at: &AtomicI64| {
            let at = at.load(Ordering::Relaxed);
            Time::from_millisecond(at).ok().filter(|_| at > 0)
        };
        let spoken = |source: &Source| {
            let last = moment(&self.heard[place(*source)])?;
            let (accepted, shown) = (self.of(*source, Fate::Accepted), moment(&self.shown[place(*source)]));
            Some(LastHeard { source: *source, last, accepted, shown })
        };
        SOURCES.iter().filter_map(spoken).collect()
    }

    /// The counters in Prometheus' text format.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut out = String::from(
            "# HELP warroom_deliveries_total Deliveries by source and by what became of them.\n\
             # TYPE warroom_deliveries_total counter\n",
        );
        for source in SOURCES {
            for (fate, name) in FATES {
                let (source_name, count) = (source.name(), self.of(source, fate));
                let _ = writeln!(out, "warroom_deliveries_total{{source=\"{source_name}\",fate=\"{name}\"}} {count}");
            }
        }
        for (name, help, values) in [
            ("warroom_entries_recorded_total", "Entries recorded.", &self.recorded),
            ("warroom_entries_repeated_total", "Entries that were recorded before.", &self.duplicates),
            (
                "warroom_items_rejected_total",
                "Items rejected while the rest of their delivery was taken.",
                &self.rejected_items,
            ),
        ] {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter");
            for (source, value) in SOURCES.iter().zip(values) {
                let _ = writeln!(out, "{name}{{source=\"{}\"}} {}", source.name(), value.load(Ordering::Relaxed));
            }
        }
        out.push_str(
            "# HELP warroom_last_heard_seconds When a source last spoke, in seconds since 1970.\n\
             # TYPE warroom_last_heard_seconds gauge\n",
        );
        for heard in self.heard() {
            let (name, second) = (heard.source.name(), heard.last.as_second());
            let _ = writeln!(out, "warroom_last_heard_seconds{{source=\"{name}\"}} {second}");
        }
        for (name, help, value) in [
            (
                "warroom_connections_closed_total",
                "Connections closed because there were too many.",
                &self.connections_closed,
            ),
            (
                "warroom_quarantine_failed_total",
                "Refused deliveries that could not be kept in quarantine.",
                &self.quarantine_failed,
            ),
        ] {
            let value = value.load(Ordering::Relaxed);
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown_and_the_rest_is_not() {
        let counters = Counters::default();
        assert!(counters.table().is_empty() && counters.heard().is_empty());
        let now: Time = "2026-11-22T00:50:00Z".parse().unwrap();
        counters.accept(Source::Alertmanager, 3, 2, 0, now);
        counters.count(Source::Otlp, Fate::Refused);
        assert_eq!(counters.table(), [("accepted", 1), ("refused", 1), ("duplicates", 2)]);
        assert_eq!(counters.of_source(Source::Alertmanager), [("duplicates", 2)]);
        assert_eq!(counters.of_source(Source::Otlp), [("refused", 1)]);
        assert_eq!(counters.heard()[0].last, now);
        let text = counters.prometheus();
        assert!(text.contains("warroom_deliveries_total{source=\"otlp\",fate=\"refused\"} 1\n"));
        assert!(text.contains("warroom_entries_recorded_total{source=\"alertmanager\"} 3\n"));
    }
}
