//! One incident: how it stands, its alerts, and what people said.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{
    AlertStatus, Cause, Diagnosis, Fingerprint, IncidentId, Person, Reason, Seq, Severity, Time, TraceId, Truth,
    Untrusted, Verdict,
};

use crate::surface::severity::Label;

use super::{
    ActionView, Around, Bounded, ChangeLine, FreezeView, HandsView, MixView, RatedView, ReadingView, ReplayView,
    RunLine, SeriesLine, SimilarView, StopLine, SurfaceLine, TimelineItem, TriageLine, WayView,
};

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentView {
    /// Number.
    pub id: IncidentId,
    /// "A is degraded; probable cause: X in B".
    pub headline: Untrusted,
    /// The worst severity of its alerts.
    pub severity: Severity,
    /// How severe a person says it is; nothing else sets it.
    #[serde(default)]
    pub rated: Option<RatedView>,
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
    /// The labels that its alerts carry.
    #[serde(default)]
    pub labels: Vec<Label>,
    /// The way trouble took.
    #[serde(default)]
    pub way: WayView,
    /// Past incidents that were like it; `None` once it is over, and before it is diagnosed.
    #[serde(default)]
    pub similar: Option<SimilarView>,
    /// Everything that happened, oldest first.
    pub timeline: Bounded<TimelineItem>,
    /// Changes before and during it, most suspicious first.
    pub changes: Bounded<ChangeLine>,
    /// Each surface of the AI feature: changed, same, not captured. Empty when no agent run was seen.
    pub surfaces: Vec<SurfaceLine>,
    /// Agent runs, worst first.
    pub runs: Bounded<RunLine>,
    /// The runs of it that went wrong, the newest first: what the list of harm is made of.
    #[serde(default)]
    pub bad_runs: Bounded<TraceId>,
    /// How all of those runs ended, before and since.
    #[serde(default)]
    pub stops: Vec<StopLine>,
    /// Surfaces that were not served by one version all the time: what served before, and what serves now.
    #[serde(default)]
    pub mixes: Vec<MixView>,
    /// The outputs that can be read and what people said of them; `None` where no agent run was seen.
    #[serde(default)]
    pub reading: Option<ReadingView>,
    /// The last answer to each question of the triage walk.
    #[serde(default)]
    pub triage: Vec<TriageLine>,
    /// Experiments with its runs, the newest first.
    #[serde(default)]
    pub replays: Vec<ReplayView>,
    /// Key series.
    pub series: Vec<SeriesLine>,
    /// What the agent runs say about the onset: how the outcome changed and what of it is whose, how behaviour drifted, and
    /// which values were never seen before.
    #[serde(default)]
    pub around: Around,
    /// The newest diagnosis and its place in the journal; `None` while there is none.
    pub diagnosis: Option<DiagnosisView>,
    /// Plans of change.
    pub actions: Vec<ActionView>,
    /// What was looked at by runbook, who was called, and where the list of harm stands.
    #[serde(default)]
    pub hands: HandsView,
    /// The freeze of changes that began last; `None` = there was none.
    #[serde(default)]
    pub freeze: Option<FreezeView>,
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
    /// Milliseconds from the hypothesis first on the screen to the answer.
    #[serde(default)]
    pub took_ms: u64,
    /// Whether anything had been opened before.
    #[serde(default)]
    pub looked: bool,
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
