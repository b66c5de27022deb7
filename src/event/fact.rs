//! Everything an entry can say: one table gives the fact, its kind, its stored name and its coding.

use serde::{Deserialize, Serialize};

use super::{
    Alert, Approval, Barred, Calibration, Cancelled, Change, Decision, Denial, Diagnosis, EffectChecked, Escalated,
    Finished, Grouped, Halted, HarmMarked, Hunch, IncidentId, IncidentOpened, LogBatch, MetricBatch, Note, Notice,
    OutputRead, Owned, Plan, Regrouped, Rehearsed, Released, ReplayAsked, ReplayEnded, ReplayRan, Resolved,
    SeveritySet, Source, SpanBatch, Started, StepRead, TargetEnded, Topology, TriageAnswered, TruthConfirmed,
    Untrusted,
};

/// A source left alerts out of a delivery for length and says how many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truncated {
    /// Which source.
    pub source: Source,
    /// Its group.
    pub group: Untrusted,
    /// How many it left out.
    pub alerts: u64,
}

/// The whole journal is a demo, a drill or an import; shown on every screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Labelled {
    /// Such as `demo: invented data`.
    pub label: Untrusted,
}

macro_rules! facts {
    ($($(#[doc = $doc:literal])* $name:ident($body:ty) = $stored:literal,)*) => {
        /// One statement in the journal.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "fact", content = "body", rename_all = "snake_case")]
        pub enum Fact {
            $($(#[doc = $doc])* $name(Box<$body>),)*
        }

        /// What kind of statement, for indexes and filters. The names are part of the stored format.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($(#[doc = $doc])* $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stored name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $stored,)*
                }
            }

            /// The kind of a stored name.
            #[must_use]
            pub fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($stored => Some(Self::$name),)*
                    _ => None,
                }
            }
        }

        impl Fact {
            /// Its kind.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$name(_) => Kind::$name,)*
                }
            }

            /// The stored form of its body: JSON without the kind, which is stored beside it.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let coded = match self {
                    $(Self::$name(body) => serde_json::to_vec(body),)*
                };
                // Every body is plain data with text keys, which serde_json cannot fail to write.
                coded.unwrap_or_default()
            }

            /// Reads a stored body back.
            ///
            /// # Errors
            /// When the bytes are not the JSON of a `kind`; the error names line and column.
            pub fn decode(kind: Kind, bytes: &[u8]) -> serde_json::Result<Self> {
                Ok(match kind {
                    $(Kind::$name => Self::$name(serde_json::from_slice(bytes)?),)*
                })
            }
        }

        $(impl From<$body> for Fact {
            fn from(body: $body) -> Self {
                Self::$name(Box::new(body))
            }
        })*
    };
}

facts! {
    /// From outside: an alert's state.
    Alert(Alert) = "alert",
    /// From outside: a change.
    Change(Change) = "change",
    /// From outside: spans.
    Spans(SpanBatch) = "spans",
    /// From outside: logs.
    Logs(LogBatch) = "logs",
    /// From outside: metric samples.
    Metrics(MetricBatch) = "metrics",
    /// From outside: who calls whom.
    Topology(Topology) = "topology",
    /// From outside: a vendor's notice.
    Notice(Notice) = "notice",
    /// From outside: a delivery said it was cut short.
    Truncated(Truncated) = "truncated",
    /// The journal is a demo, a drill or an import.
    Labelled(Labelled) = "labelled",
    /// Derived: an incident opened.
    IncidentOpened(IncidentOpened) = "incident_opened",
    /// Derived: alerts joined an incident.
    Grouped(Grouped) = "grouped",
    /// Derived: a diagnosis.
    Diagnosed(Diagnosis) = "diagnosed",
    /// A person: took the incident.
    Owned(Owned) = "owned",
    /// A person: a guess before looking.
    Hunch(Hunch) = "hunch",
    /// A person: accepted, modified or rejected.
    Decided(Decision) = "decided",
    /// A person: a note.
    Noted(Note) = "noted",
    /// A person: changed the grouping.
    Regrouped(Regrouped) = "regrouped",
    /// A person: it is over.
    Resolved(Resolved) = "resolved",
    /// A person: it was this.
    TruthConfirmed(TruthConfirmed) = "truth_confirmed",
    /// An action: proposed.
    Proposed(Plan) = "proposed",
    /// An action: approved by a person.
    Approved(Approval) = "approved",
    /// An action: refused or expired.
    Denied(Denial) = "denied",
    /// An action: begins now.
    Started(Started) = "started",
    /// An action: ended.
    Finished(Finished) = "finished",
    /// A person: this output is good, bad or neither.
    OutputRead(OutputRead) = "output_read",
    /// A person: an answer on the triage walk.
    TriageAnswered(TriageAnswered) = "triage_answered",
    /// A person: run these again.
    ReplayAsked(ReplayAsked) = "replay_asked",
    /// An experiment: one run of it ended.
    ReplayRan(ReplayRan) = "replay_ran",
    /// An experiment: it is over.
    ReplayEnded(ReplayEnded) = "replay_ended",
    /// Derived: the calibration was fitted anew on confirmed causes.
    Calibrated(Calibration) = "calibrated",
    /// Derived: old telemetry was let go.
    Released(Released) = "released",
    /// A person: it is this severe.
    SeveritySet(SeveritySet) = "severity_set",
    /// A reading step of a runbook ran.
    StepRead(StepRead) = "step_read",
    /// An action: how it went for one of its targets.
    TargetEnded(TargetEnded) = "target_ended",
    /// A person: stop it where it is.
    Cancelled(Cancelled) = "cancelled",
    /// Derived: what came of an action.
    EffectChecked(EffectChecked) = "effect_checked",
    /// A person: the kill switch.
    Halted(Halted) = "halted",
    /// A rule held something back.
    Barred(Barred) = "barred",
    /// A person: somebody who must be called was called.
    Escalated(Escalated) = "escalated",
    /// A person: where one thing on the list of harm stands.
    HarmMarked(HarmMarked) = "harm_marked",
    /// A person: a procedure was walked through without changing anything.
    Rehearsed(Rehearsed) = "rehearsed",
}

impl Fact {
    /// The one incident it is about, where it names one.
    #[must_use]
    pub fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::IncidentOpened(x) => Some(x.incident),
            Self::Grouped(x) => Some(x.incident),
            Self::Diagnosed(x) => Some(x.incident),
            Self::Owned(x) => Some(x.incident),
            Self::Hunch(x) => Some(x.incident),
            Self::Decided(x) => Some(x.incident),
            Self::Noted(x) => x.incident,
            Self::Regrouped(x) => Some(x.incident()),
            Self::Resolved(x) => Some(x.incident),
            Self::TruthConfirmed(x) => Some(x.incident),
            Self::Proposed(x) => Some(x.incident),
            Self::Approved(x) => Some(x.incident),
            Self::Denied(x) => Some(x.incident),
            Self::Started(x) => Some(x.incident),
            Self::Finished(x) => Some(x.incident),
            Self::OutputRead(x) => x.incident,
            Self::TriageAnswered(x) => Some(x.incident),
            Self::ReplayAsked(x) => Some(x.incident),
            Self::ReplayRan(x) => Some(x.incident),
            Self::ReplayEnded(x) => Some(x.incident),
            Self::SeveritySet(x) => Some(x.incident),
            Self::StepRead(x) => Some(x.incident),
            Self::TargetEnded(x) => Some(x.incident),
            Self::Cancelled(x) => Some(x.incident),
            Self::EffectChecked(x) => Some(x.incident),
            Self::Barred(x) => Some(x.incident),
            Self::Escalated(x) => Some(x.incident),
            Self::HarmMarked(x) => Some(x.incident),
            Self::Rehearsed(x) => x.incident,
            _ => None,
        }
    }
}
