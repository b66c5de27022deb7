//! What the screen and the commands see: an immutable picture of one moment, bounded in size.
//!
//! Every list carries how much of it is not shown. Details that are larger (a run's spans, a prompt's text, an
//! alert's labels) are asked for by name through [`super::Details`].

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{
    AlertStatus, Cause, ChangeClass, Diagnosis, Fingerprint, IncidentId, Kind, Outcome, Person, PlanId, Reason, Seq,
    Severity, Surface, Time, TraceId, Truth, Untrusted, Verdict,
};

pub use crate::feedback::{AccuracyView, InvestigatorRecord};

/// A list cut to a bound, and how much was cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounded<T> {
    /// What is shown.
    pub items: Vec<T>,
    /// How many more there are.
    pub hidden: u64,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { items: Vec::new(), hidden: 0 }
    }
}

/// Everything at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The last entry that went in.
    pub head: Seq,
    /// The last entry there is; more than `head` while catching up.
    pub journal_head: Seq,
    /// The moment shown: of the last entry, or where the time was wound back to. `None` = nothing yet.
    pub as_of: Option<Time>,
    /// Whether the time is wound back.
    pub wound_back: bool,
    /// The label of a demo or drill, shown on every screen.
    pub label: Option<Untrusted>,
    /// Open incidents first, worst first; then the resolved, newest first.
    pub incidents: Bounded<Arc<IncidentView>>,
    /// Alerts that belong to no incident (informational, test).
    pub loose_alerts: u64,
    /// The sources and when each last spoke.
    pub sources: Vec<SourceHealth>,
    /// Limits reached and deliveries refused, dropped or repeated.
    pub counters: Vec<Counter>,
    /// What is wrong with the console itself, worst first: disk full, database locked, engine behind.
    pub troubles: Vec<Trouble>,
    /// The record of judgement so far.
    pub accuracy: AccuracyView,
    /// Who else is here.
    pub present: Vec<Person>,
}

/// Something wrong with the console itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// What happened, what it means, what to do.
    pub text: Untrusted,
    /// Since when.
    pub since: Time,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceHealth {
    /// Its name.
    pub name: Untrusted,
    /// When it last spoke.
    pub last: Time,
    /// Deliveries accepted.
    pub accepted: u64,
    /// Silent for longer than its dead-man interval: absence is not health.
    pub silent: bool,
}

/// One counter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counter {
    /// What is counted, such as `refused`.
    pub name: Cow<'static, str>,
    /// How many.
    pub count: u64,
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentView {
    /// Number.
    pub id: IncidentId,
    /// "A is degraded; probable cause: X in B".
    pub headline: Untrusted,
    /// The worst severity of its alerts.
    pub severity: Severity,
    /// Its life.
    pub state: IncidentState,
    /// Who owns it; `None` is shown loudly.
    pub owner: Option<Person>,
    /// Start of its first alert.
    pub began: Time,
    /// When it was opened here.
    pub opened: Time,
    /// Its last news.
    pub updated: Time,
    /// No alert joins or leaves by itself.
    pub locked: bool,
    /// Alerts in it, all.
    pub alerts: u64,
    /// Alerts of it that fire.
    pub firing: u64,
    /// Alerts its sources left out of their deliveries.
    pub truncated: u64,
    /// The alerts by component and name.
    pub groups: Bounded<AlertGroup>,
    /// Everything that happened, oldest first.
    pub timeline: Bounded<TimelineItem>,
    /// Changes before and during it, most suspicious first.
    pub changes: Bounded<ChangeLine>,
    /// Each surface of the AI feature: changed, same, not captured. Empty when no agent run was seen.
    pub surfaces: Vec<SurfaceLine>,
    /// Agent runs, worst first.
    pub runs: Bounded<RunLine>,
    /// Key series.
    pub series: Vec<SeriesLine>,
    /// The newest diagnosis and its place in the journal; `None` while there is none.
    pub diagnosis: Option<DiagnosisView>,
    /// Plans of change.
    pub actions: Vec<ActionView>,
    /// Decisions, oldest first.
    pub decisions: Vec<DecisionLine>,
    /// Hunches, oldest first.
    pub hunches: Vec<NoteLine>,
    /// Notes, oldest first.
    pub notes: Vec<NoteLine>,
    /// What it really was, once confirmed.
    pub truth: Option<Truth>,
}

/// An incident's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "since")]
pub enum IncidentState {
    /// Alerts fire.
    Open,
    /// No alert fires any more; nobody has resolved it.
    Quiet,
    /// A person resolved it.
    Resolved(Time),
    /// It was merged into another.
    MergedInto(IncidentId),
}

/// Alerts of one component and one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertGroup {
    /// Component.
    pub service: Untrusted,
    /// Alert name.
    pub name: Untrusted,
    /// Worst severity.
    pub severity: Severity,
    /// All.
    pub alerts: u64,
    /// Firing.
    pub firing: u64,
    /// Start of the first.
    pub first: Time,
    /// Start or end of the latest.
    pub latest: Time,
    /// Why they are here.
    pub why: Reason,
    /// State changes of the same alert so often that it flaps.
    pub flapping: bool,
    /// The first few of them.
    pub sample: Vec<AlertLine>,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertLine {
    /// Identity.
    pub fingerprint: Fingerprint,
    /// Status.
    pub status: AlertStatus,
    /// Start.
    pub starts_at: Time,
    /// What tells it from the others of its group: its labels, in one line.
    pub distinct: Untrusted,
    /// Arrived much later than it happened.
    pub late: bool,
}

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
    /// Any other entry, as it stands in the journal.
    Entry {
        /// Which.
        seq: Seq,
    },
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeLine {
    /// Its id at its source.
    pub id: Untrusted,
    /// When.
    pub at: Time,
    /// Surface.
    pub surface: Surface,
    /// Class.
    pub class: ChangeClass,
    /// Component or thing.
    pub subject: Untrusted,
    /// Who.
    pub actor: Untrusted,
    /// One line.
    pub summary: Untrusted,
    /// How suspicious: 0 to 1, a rank and not a probability.
    pub suspicion: f64,
    /// Why it can or cannot be it.
    pub why: Untrusted,
    /// Whether both sides were captured, so that a diff can be opened.
    pub has_diff: bool,
}

/// One surface of an AI feature before and since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurfaceLine {
    /// Which.
    pub surface: Surface,
    /// What it was and is.
    pub state: SurfaceState,
}

/// Whether a surface moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SurfaceState {
    /// It moved.
    Changed {
        /// Before.
        before: Untrusted,
        /// Since.
        after: Untrusted,
        /// The change event that says so; `None` = unlogged, seen in the runs only.
        change: Option<Untrusted>,
    },
    /// It did not.
    Same {
        /// Its value.
        value: Untrusted,
    },
    /// The runs do not carry it: that is not "none".
    NotCaptured {
        /// Which fields would carry it.
        missing: Untrusted,
    },
}

/// One agent run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Trace.
    pub trace: TraceId,
    /// Start.
    pub at: Time,
    /// Agent.
    pub agent: Untrusted,
    /// Length.
    pub duration_ms: u64,
    /// Stop class, our taxonomy.
    pub stop: Untrusted,
    /// Whether it went wrong, and by what sign; `None` = no sign of it.
    pub bad: Option<Untrusted>,
    /// Model calls.
    pub model_calls: u32,
    /// Tool calls.
    pub tool_calls: u32,
    /// Tokens in; `None` = not captured.
    pub tokens_in: Option<u64>,
    /// Tokens out; `None` = not captured.
    pub tokens_out: Option<u64>,
}

/// One series, drawn as a sparkline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesLine {
    /// Metric.
    pub name: Untrusted,
    /// Component.
    pub service: Untrusted,
    /// Median before the onset.
    pub before: f64,
    /// Median since.
    pub after: f64,
    /// Values in time order, at most 60.
    pub values: Vec<f64>,
}

/// The newest diagnosis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnosisView {
    /// Its entry.
    pub seq: Seq,
    /// When it arrived.
    pub arrived: Time,
    /// The diagnosis.
    pub diagnosis: Arc<Diagnosis>,
}

/// One plan of change and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionView {
    /// The plan.
    pub plan: Arc<crate::event::Plan>,
    /// Its identity.
    pub id: PlanId,
    /// How far it is.
    pub state: ActionState,
}

/// How far a plan is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ActionState {
    /// Waits for a person, until the plan's `approve_by`.
    Proposed,
    /// Refused or expired.
    Denied {
        /// Why.
        reason: Untrusted,
    },
    /// Approved, not started; not by itself after `execute_by`.
    Approved {
        /// By whom.
        by: Person,
        /// Until when it may start.
        execute_by: Time,
    },
    /// Started; how it ended is not recorded. Shown as `outcome unknown` when the executor is gone.
    Started {
        /// When.
        at: Time,
    },
    /// Ended.
    Finished {
        /// How.
        outcome: Outcome,
        /// When.
        at: Time,
    },
}

impl ActionState {
    /// Whether it may or may not have happened: it began, and how it ended is not known (or not yet).
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Started { .. } | Self::Finished { outcome: Outcome::Unknown { .. }, .. })
    }
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionLine {
    /// When.
    pub at: Time,
    /// Who.
    pub by: Person,
    /// About which hypothesis (1 = leading).
    pub rank: u32,
    /// The cause it named.
    pub cause: Cause,
    /// The answer.
    pub verdict: Verdict,
    /// Why.
    pub reason: Untrusted,
}

/// One note or hunch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoteLine {
    /// When.
    pub at: Time,
    /// Who.
    pub author: Untrusted,
    /// Text; may hold line feeds.
    pub text: Untrusted,
}

/// What a run looks like inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunDetail {
    /// Its line.
    pub line: RunLine,
    /// Its steps in waterfall order: a parent before its children, siblings by start. Safe against circles.
    pub steps: Vec<RunStep>,
    /// Turn by turn: who said what.
    pub turns: Vec<Turn>,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStep {
    /// Depth in the tree.
    pub depth: u16,
    /// `chat`, `tool`, `retrieval`, `agent`, or the span's own name.
    pub kind: Untrusted,
    /// What: model, tool with arguments in short.
    pub what: Untrusted,
    /// Milliseconds from the run's start.
    pub offset_ms: u64,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Why it is suspicious, and by which rule.
    pub suspicious: Option<Untrusted>,
    /// Whether it failed.
    pub failed: bool,
    /// Everything it carries, name and whole text, nothing cut.
    pub fields: Vec<(Untrusted, Untrusted)>,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Role.
    pub role: Untrusted,
    /// Whole text.
    pub text: Untrusted,
}

/// A change with both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeDetail {
    /// The change.
    pub change: crate::event::Change,
    /// Its line, with suspicion.
    pub line: Option<ChangeLine>,
}
