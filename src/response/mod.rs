//! What people do about it: decisions, and the only door through which the world is changed.
//!
//! **For:** recording what a person decides, and running exactly what a person approved.
//! **In:** an [`Act`] from the console or a command, with the [`Person`] who does it. **Out:** entries; and, for an
//! approved plan, one execution with its outcome.
//! **Never:** runs a write without an approval that only a journaled human decision can produce (law 3); retries by
//! itself an execution whose outcome is unknown; believes a person's name from `$USER`.

mod alertmanager;
mod approval;
mod behaved;
mod call;
mod clock;
mod contain;
mod desk;
mod effects;
mod execute;
mod freeze;
mod guard;
mod hook;
mod identity;
mod ledger;
mod past;
mod plans;
pub mod policy;
pub mod replay;
pub mod rollback;
pub mod runbook;
mod steps;
pub mod wall;

use alertmanager::http_client_builder;
pub use alertmanager::{Alertmanager, http_client, root_cause};
pub use call::{CallAt, CallExecutor, Callee, PointAt, Service, Template};
pub use contain::{BLANKS as STOP_BLANKS, Stop, StopKind, in_order as stops_in_order};
pub use desk::{Hands, LocalDesk, ReadRunbook};
pub use execute::{Credential, Executor, HttpExecutor, ProcessExecutor, Reach, SilenceExecutor, Watch};
pub use freeze::{BLANKS as FREEZE_BLANKS, Freeze, HELD_STEP, release_key};
pub use guard::{asked_to_type, asks, needs_second_person};
pub use hook::{Blank, Blanks, Hook, environment};
pub use identity::person;
pub use ledger::members;
pub use policy::Rules;
pub use steps::{Offered, OfferedStep, StepAt, StepWatch};

use std::collections::BTreeMap;

use crate::event::{
    Cause, Digest, Fingerprint, HarmStatus, IncidentId, OutputLabel, Person, PlanId, SampleOf, Seq, Severity, Surface,
    Time, TraceId, Truth, Untrusted, Verdict,
};

/// Something a person does to an incident.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Takes it.
    Own,
    /// Writes a guess before looking.
    Hunch(Untrusted),
    /// Writes a note.
    Note(Untrusted),
    /// Accepts, modifies or rejects a hypothesis.
    Decide {
        /// The diagnosis entry on the screen.
        diagnosis: Seq,
        /// Its inputs.
        inputs: Digest,
        /// Rank, 1 = leading.
        rank: u32,
        /// The cause it names.
        cause: Cause,
        /// Its share.
        shown_share: f64,
        /// The answer.
        verdict: Verdict,
        /// Why.
        reason: Untrusted,
        /// What had been opened.
        opened: Vec<Untrusted>,
        /// Milliseconds from first shown to decided.
        took_ms: u64,
    },
    /// These alerts are another incident.
    Split(Vec<Fingerprint>),
    /// This incident is part of another.
    Merge(IncidentId),
    /// No alert joins or leaves by itself any more.
    Lock,
    /// Sets how severe it is.
    Rate {
        /// What it counts as among the severities of alerts.
        severity: Severity,
        /// The level's name in the rubric.
        name: Untrusted,
        /// What the rubric suggested; `None` = nothing clear.
        suggested: Option<Untrusted>,
        /// The answers it rests on, in words.
        why: Untrusted,
        /// The rubric.
        rubric: Digest,
    },
    /// It is over.
    Resolve,
    /// It was this.
    Confirm(Truth),
    /// Proposes to silence these alerts in Alertmanager.
    ProposeSilence {
        /// Which; their common labels become the matchers.
        alerts: Vec<Fingerprint>,
        /// For how long, in minutes.
        minutes: u32,
        /// Why.
        comment: Untrusted,
    },
    /// Approves a plan as shown; it is then executed once.
    Approve {
        /// Which: the digest of exactly what was shown.
        plan: PlanId,
        /// What the person typed, where the tier asks for it.
        typed: Option<Untrusted>,
        /// Why the rule that asks for a second person is passed over, in an emergency.
        glass: Option<Untrusted>,
        /// For how long it was open before the person, milliseconds; `None` = nothing measured that.
        read_ms: Option<u64>,
    },
    /// Wants a running plan to stop where it is.
    Cancel {
        /// Which.
        plan: PlanId,
        /// Why.
        reason: Untrusted,
    },
    /// The kill switch: while it is on, nothing that was approved begins, and what runs stops.
    Halt {
        /// Whether it is on from now.
        on: bool,
        /// Why.
        reason: Untrusted,
    },
    /// Says that somebody was called where they must be.
    Called {
        /// The escalation point.
        point: Untrusted,
        /// Who was called.
        whom: Untrusted,
        /// How.
        how: Untrusted,
    },
    /// Says where one thing on the list of harm stands.
    MarkHarm {
        /// The thing, as the list names it.
        item: Untrusted,
        /// Where it stands.
        status: HarmStatus,
        /// In words.
        note: Untrusted,
    },
    /// Proposes to hold further changes to these, by the team's own hook.
    ProposeFreeze {
        /// Services; one at least.
        services: Vec<Untrusted>,
        /// Surfaces; empty = every one.
        surfaces: Vec<Surface>,
        /// For how long, in minutes; `None` = as long as the team says is usual.
        minutes: Option<u32>,
    },
    /// Proposes to let changes go on before the freeze of the incident ends by itself.
    ProposeThaw,
    /// Proposes to stop something of the stop list, or to let it go on again.
    ProposeStop {
        /// Its name on the list.
        item: Untrusted,
        /// It is let go on.
        again: bool,
    },
    /// Runs a reading step of a runbook behind the wall.
    RunStep(Box<StepAt>),
    /// Proposes a writing step of a runbook.
    ProposeStep(Box<StepAt>),
    /// Walks through a procedure that takes something back, without changing anything.
    Rehearse {
        /// The procedure.
        runbook: Untrusted,
        /// What a person typed for its inputs.
        values: BTreeMap<Untrusted, Untrusted>,
        /// What the incident looks like.
        seen: Box<runbook::Facts>,
    },
    /// Proposes to call somebody whom the configuration names.
    ProposeCall(Box<CallAt>),
    /// Refuses a plan.
    Deny {
        /// Which.
        plan: PlanId,
        /// Why.
        reason: Untrusted,
    },
    /// Says of the output of one run whether it is good. Later words of the same person on the same run replace earlier ones.
    ReadOutput {
        /// The run.
        trace: TraceId,
        /// What they say; to take something back is to skip it.
        label: OutputLabel,
        /// The sample it came from.
        sample: SampleOf,
    },
    /// Answers a question of the triage walk, or agrees with what evidence answered.
    AnswerTriage {
        /// The tree.
        tree: Digest,
        /// The question's name in it.
        question: Untrusted,
        /// What it asks.
        asked: Untrusted,
        /// The answer's name.
        answer: Untrusted,
        /// The evidence for this answer, where there is any.
        evidence: Option<Untrusted>,
    },
    /// Looks up whether an execution of unknown outcome took place; changes nothing outside.
    Reconcile {
        /// Which.
        plan: PlanId,
    },
}

impl Act {
    /// Whether something runs until it returns, which may take minutes.
    #[must_use]
    pub fn runs(&self) -> bool {
        matches!(self, Self::Approve { .. } | Self::RunStep(_) | Self::ProposeStep(_))
    }
}

/// The desk at which people act. Calls block until the entry is on disk; they belong on a blocking thread.
pub trait Desk: Send + Sync {
    /// Does `act` to `incident` for `by` at `now`; returns one line that says what was recorded.
    ///
    /// # Errors
    /// The act did not take place; the error says why and what to do. Where a person's approval had already been
    /// recorded when that turned out, the refusal is recorded beside it.
    fn perform(&self, incident: IncidentId, act: Act, by: &Person, now: Time) -> anyhow::Result<String>;

    /// Runs a reading step as [`Act::RunStep`] does; meanwhile `watch` hears what it says, and can stop it.
    ///
    /// # Errors
    /// As [`perform`](Desk::perform).
    fn look(
        &self,
        incident: IncidentId,
        at: &StepAt,
        by: &Person,
        now: Time,
        watch: &dyn StepWatch,
    ) -> anyhow::Result<String>;

    /// The process is about to end: whatever runs stops where it is, and that is put on record.
    fn leave(&self) {}

    /// What the team can stop.
    fn stops(&self) -> Vec<Stop> {
        Vec::new()
    }

    /// The runbooks that fit an incident that looks like `seen`, the closest first. Runs nothing.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn offered(&self, incident: IncidentId, seen: &runbook::Facts) -> anyhow::Result<Vec<Offered>>;
}
