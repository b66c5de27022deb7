//! The vocabulary: plain types with the field's standard names.
//!
//! **For:** every room speaks in these words, so a concept has one name and one shape.
//! **In:** nothing. **Out:** types that can be written down (serde) and compared.
//! **Never:** does I/O, reads a clock, is async, or imports another room of ours.
//!
//! Text that came from outside is [`Untrusted`]; the only way to a screen, a terminal or a report is
//! [`Untrusted::show`], which makes controls, bidi and look-alikes visible (law 5).

mod action;
mod alert;
mod calibration;
mod change;
mod compact;
mod decision;
mod diagnosis;
mod fact;
mod guard;
mod id;
mod incident;
mod reading;
mod released;
mod replay;
mod show;
mod source;
mod step;
mod surface;
mod telemetry;
mod triage;
mod untrusted;

pub use action::{
    Approval, Asks, Cancelled, Denial, DryRun, Finished, Origin, Outcome, Plan, Purpose, Request, Started, Target,
    TargetEnded, Tier, Traits,
};
pub use alert::{Alert, AlertStatus, Anomaly, Severity};
pub use calibration::Calibration;
pub use change::{Change, ChangeClass, Side};
pub use compact::{Micros, NameId, Names, Print};
pub use decision::{Decision, Hunch, Note, Verdict};
pub use diagnosis::{
    Cause, Confidence, Diagnosis, Direction, Evidence, EvidenceId, Falsifier, Hypothesis, NextCheck, Pointer,
    Unfalsifiable,
};
pub use fact::{Fact, Kind, Labelled, Truncated};
pub use guard::{Barred, EffectChecked, Escalated, Halted, HarmMarked, HarmStatus, Recovery, Symptom};
pub use id::{BadId, Digest, Fingerprint, IncidentId, PlanId, Seq, SpanId, TraceId, WriterId};
pub use incident::{
    Grouped, IncidentOpened, Owned, Reason, Regrouped, Resolved, Rule, SeveritySet, Truth, TruthConfirmed,
};
pub use reading::{OutputLabel, OutputRead, SampleOf, SliceOf};
pub use released::{Released, Stays, Thinned};
pub use replay::{ReplayArm, ReplayAsked, ReplayEnd, ReplayEnded, ReplayRan, TokenPrice, money};
pub use show::{Mark, Policy, Safe};
pub use source::{Person, Source};
pub use step::{ReadEnd, Rehearsed, RehearsedStep, StepRead, Tried};
pub use surface::Surface;
pub use telemetry::{
    Attributes, Edge, Labels, LogBatch, LogRecord, MetricBatch, Notice, Resource, Series, Span, SpanBatch, SpanEvent,
    SpanKind, SpanStatus, Topology,
};
pub use triage::TriageAnswered;
pub use untrusted::{Excerpt, Untrusted};

/// A moment in UTC with nanoseconds; written as RFC 3339.
pub type Time = jiff::Timestamp;
