//! What happened, line by line, and what a line opens.

use serde::{Deserialize, Serialize};

use crate::event::{Fingerprint, IncidentId, Kind, PlanId, Seq, SpanId, Time, TraceId, Untrusted};
use crate::surface::StopClass;

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineItem {
    /// When it happened.
    pub at: Time,
    /// When it arrived here.
    pub arrived: Time,
    /// Its entry.
    pub seq: Seq,
    /// What kind.
    pub kind: Kind,
    /// Component, person or engine it is about.
    pub who: Untrusted,
    /// One line.
    pub text: Untrusted,
    /// How many like it follow and are folded into this line (0 = none).
    pub folded: u64,
    /// What `enter` opens.
    pub opens: Option<Opens>,
}

/// A thing that can be opened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "open")]
pub enum Opens {
    /// An alert.
    Alert {
        /// Which.
        fingerprint: Fingerprint,
    },
    /// A change.
    Change {
        /// Its id at its source.
        id: Untrusted,
    },
    /// A run.
    Run {
        /// Its trace.
        trace: TraceId,
    },
    /// One step of a run, whole; beside the same step of a good run where that is asked for.
    Step {
        /// The run.
        trace: TraceId,
        /// The step.
        span: SpanId,
        /// Beside a good run.
        beside: bool,
    },
    /// What runs are made of, at any two moments or in any two slices.
    Surfaces {
        /// The two, as they are typed; empty = before and since the onset.
        sides: Untrusted,
    },
    /// How runs ended, over time.
    Stops {
        /// Which runs, as it is typed; empty = all.
        with: Untrusted,
    },
    /// The runs that ended in one way, of those that `with` chooses.
    StoppedRuns {
        /// Which way.
        stop: StopClass,
        /// The choice, as it is typed; empty = all.
        with: Untrusted,
    },
    /// A plan.
    Plan {
        /// Which.
        plan: PlanId,
    },
    /// The diagnosis as it was then.
    Diagnosis {
        /// Its entry.
        seq: Seq,
    },
    /// An incident: what its responder needs first.
    Incident {
        /// Which.
        incident: IncidentId,
    },
    /// Which variable moved: the change of the outcome, taken apart.
    Moved,
    /// How the runs' behaviour drifted.
    Drift,
    /// An experiment with recorded runs.
    Replay {
        /// Which.
        replay: u64,
    },
    /// What people said of outputs they read.
    Reading,
    /// Any other entry, as it stands in the journal.
    Entry {
        /// Which.
        seq: Seq,
    },
}
