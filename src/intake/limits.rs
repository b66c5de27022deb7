//! The one table of limits of everything that comes in: name, value, unit, and what happens at the limit (law 7).

/// One limit, as people see it in the documentation and by `warroom doctor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is limited.
    pub name: &'static str,
    /// How much is allowed.
    pub value: u64,
    /// Of what.
    pub unit: &'static str,
    /// What happens beyond it.
    pub beyond: &'static str,
}

const MIB: u64 = 1 << 20;

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $name:ident = $value:expr, $unit:literal, $beyond:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: u64 = $value;)*

        /// Every limit.
        pub const TABLE: &[Limit] = &[
            $(Limit { name: stringify!($name), value: $name, unit: $unit, beyond: $beyond },)*
        ];
    };
}

limits! {
    /// An Alertmanager or Grafana body, decoded. A storm of 100 000 alerts comes as one body of 32.5 MB.
    ALERT_BODY = 128 * MIB, "bytes", "413; Alertmanager does not send it again, the reconciling poll finds its alerts";
    /// A PagerDuty body; theirs are guaranteed to 55 KB and dropped above 256 KB.
    PAGERDUTY_BODY = MIB, "bytes", "413";
    /// A CloudEvents body, decoded.
    EVENTS_BODY = 16 * MIB, "bytes", "413";
    /// An OTLP body, decoded (the specification's recommendation).
    OTLP_BODY = 64 * MIB, "bytes", "413";
    /// The answer of a server that is polled.
    POLLED_BODY = 128 * MIB, "bytes", "this poll fails and is counted; the next one is tried";
    /// All bodies held at once.
    BODIES_IN_FLIGHT = 192 * MIB, "bytes", "the source's overload answer";
    /// Requests worked on at once.
    REQUESTS_IN_FLIGHT = 64, "requests", "the source's overload answer";
    /// Signatures looked at in one request.
    SIGNATURES = 8, "signatures", "the rest is not looked at";
    /// Open connections.
    CONNECTIONS = 512, "connections", "the one that has been idle longest is closed; if none is idle, the new one";
    /// Headers of one request.
    HEADERS = 64, "headers", "431";
    /// Head of one request.
    HEAD = 64 * 1024, "bytes", "431";
    /// From connecting, or from the last answer, to the end of the head.
    HEAD_TIME = 15, "seconds", "the connection is closed";
    /// Between two pieces of a body.
    BODY_PAUSE = 10, "seconds", "408";
    /// From the head to the end of the body.
    BODY_TIME = 120, "seconds", "408";
    /// Pace of a body after its first five seconds.
    BODY_PACE = 1_024, "bytes a second", "408";
    /// Decoded bytes for each compressed one, once 16 MiB are decoded.
    RATIO = 200, "times", "413";
    /// Wrong tokens or signatures answered in ten seconds; right ones are not limited.
    WRONG_TOKENS = 20, "answers", "429 without looking further";
    /// Spans or log records of one OTLP request.
    OTLP_ITEMS = 200_000, "items", "the rest is rejected and counted in partial_success";
    /// Attributes of one span, log record, resource or event; events of one span.
    OTLP_PARTS = 4_096, "parts", "the span or record is rejected and counted in partial_success";
    /// Lists in lists in one attribute.
    OTLP_DEPTH = 32, "levels", "the span or record is rejected and counted in partial_success";
    /// Alerts of a large body recorded in one transaction.
    PORTION = 4_000, "alerts", "the next transaction is begun; the answer waits for the last";
    /// From this size on, a body of alerts is recorded in portions.
    LARGE_BODY = 4 * MIB, "bytes", "its drafts are never all held at once";
    /// Spans or log records of one journal entry.
    ENTRY_ITEMS = 512, "items", "the next entry is begun";
    /// Size from which a journal entry takes no further span, record or sample.
    ENTRY_BYTES = MIB, "bytes", "the next entry is begun";
    /// The id, and the source, of an event.
    EVENT_NAME = 512, "bytes", "400";
    /// Labels, or annotations, of one alert.
    LABELS = 1_024, "labels", "400";
    /// One line of a bundle.
    BUNDLE_LINE = 64 * MIB, "bytes", "the line is skipped with a warning";
    /// Warnings of one bundle.
    BUNDLE_WARNINGS = 1_000, "warnings", "further ones are only counted";
    /// The beginning of a refused body that is kept in quarantine.
    QUARANTINE_BYTES = 64 * 1024, "bytes", "the rest is not kept; its length is";
    /// Alerts that a poll may find new or gone at once.
    RECONCILED = 200_000, "alerts", "the rest is found by the next poll";
    /// Series of one poll of Prometheus.
    POLLED_SERIES = 2_000, "series", "the rest is not read; a warning says so";
    /// One page of spans or verdicts that are read where they are kept.
    KEPT_PAGE = 32 * MIB, "bytes", "a smaller page is asked for, down to one span; a longer span stops the reading, and a line says so";
    /// Spans read in one go where they are kept.
    KEPT_SPANS = 20_000, "spans", "the reading goes on a second later; a line says that it is behind";
    /// Verdicts read in one go where spans are kept.
    KEPT_VERDICTS = 2_000, "verdicts", "the rest is not read; a line says so";
    /// Newest spans of one project for which verdicts are looked for.
    JUDGED_SPANS = 1_000, "spans", "verdicts given later on older spans are not seen";
    /// Alerts that ended and are still kept in memory, a quarter more for a moment.
    ENDED_ALERTS = 100_000, "alerts", "those that ended first are left to the journal and counted; one of them that fires again is a new alert";
    /// Incidents kept in memory with all that was said and done in them, a quarter more for a moment.
    WHOLE_INCIDENTS = 1_000, "incidents", "of the oldest that are over, counts and what accuracy needs are kept; the rest is left to the journal and counted";
    /// Past incidents among which those that were like a new one are looked for.
    PAST_INCIDENTS = 100_000, "incidents", "the oldest is not looked at any more and counted; it stays in the journal";
    /// From the beginning of a step that reads to its end, unless its runbook asks for less.
    STEP_TIME = 30, "seconds", "the step is killed with all it started, and says so";
    /// Processor time of one process of a step that reads.
    STEP_PROCESSOR = 20, "seconds", "the process is killed";
    /// Memory of all processes of a step that reads together.
    STEP_MEMORY = 1_024 * MIB, "bytes", "the step is killed with all it started, and says so";
    /// Processes and threads of a step that reads; as root at least 301.
    STEP_PROCESSES = 256, "processes", "the kernel starts no further one";
    /// Open files of one process of a step that reads.
    STEP_FILES = 256, "files", "the kernel opens no further one";
    /// The folder of its own of a step that reads, which is in memory and gone with it.
    STEP_SCRATCH = 64 * MIB, "bytes", "the kernel writes no further byte";
    /// Output of a step that reads that is kept.
    STEP_KEPT = 256 * 1024, "bytes", "the rest is shown while it comes, counted and not kept";
    /// Output of a step that reads in all.
    STEP_OUTPUT = 16 * MIB, "bytes", "the step is killed with all it started, and says so";
    /// Rows read of the answer of a database.
    STEP_ROWS = 1_000, "rows", "the rest is not read, and a line says so";
    /// A runbook; those of teams are a few kilobytes.
    RUNBOOK_BYTES = 512 * 1024, "bytes", "it is not read; `warroom runbook check` says so";
    /// Runbooks of all folders together.
    RUNBOOKS = 1_000, "runbooks", "the others are not read; `warroom runbook check` says so";
    /// Files of any kind in the folders of runbooks.
    RUNBOOK_FILES = 20_000, "files", "the others are not looked at; `warroom runbook check` says so";
    /// Fenced blocks of one runbook.
    RUNBOOK_STEPS = 200, "blocks", "the others are no steps; `warroom runbook check` says so";
    /// Time for one poll, from connecting to the last byte.
    POLL_TIME = 20, "seconds", "this poll fails and is counted; the next one is tried";
}

/// A limit as a size.
///
/// # Panics
/// Never on 64-bit machines; every limit fits into 32 bits too.
#[must_use]
pub(crate) fn size(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_above_zero_and_says_what_happens_beyond_it() {
        for limit in TABLE {
            assert!(limit.value > 0 && !limit.beyond.is_empty() && !limit.unit.is_empty(), "{}", limit.name);
        }
    }

    #[test]
    fn no_body_may_be_larger_than_all_bodies_together() {
        for body in [ALERT_BODY, PAGERDUTY_BODY, EVENTS_BODY, OTLP_BODY] {
            assert!(body <= BODIES_IN_FLIGHT);
        }
    }
}
