//! The one value that lets a change out of the house.
//!
//! An [`Approval`] is made only from a recorded decision, read back from the journal; its fields are private, it cannot
//! be copied or read from bytes, and using it consumes it. What it allows is exactly one plan, once, for a short time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::clock::Clock;
use super::execute::{Executor, Watch};
use super::ledger::{self, Ledger, Life, fate_key, outcome_key, plan_draft};
use super::past::{self, Past};
use super::policy::Rules;
use super::rollback;
use crate::event::{
    Approval as Recorded, Denial, Digest, Fact, Finished, Outcome, Plan, PlanId, Policy, Purpose, Started, Target,
    TargetEnded, Time, Untrusted,
};
use crate::journal::{Lease, SharedJournal};

/// The lease held while a plan is executed.
pub(super) const EXECUTING: &str = "execute";
/// How often to ask whether it is free.
const TURN: Duration = Duration::from_millis(50);

/// What execution needs around it.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub journal: &'a SharedJournal,
    pub executor: &'a dyn Executor,
    pub runbook: &'a super::desk::ReadRunbook,
    pub rules: &'a Rules,
    pub clock: &'a Clock,
    /// This process is about to end.
    pub leaving: &'a AtomicBool,
}

/// A moment and how to tell the time from then on without asking the wall clock again.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    wall: Time,
    taken: Instant,
}

impl Moment {
    pub fn of(wall: Time) -> Self {
        Self { wall, taken: Instant::now() }
    }

    pub fn now(&self) -> Time {
        jiff::SignedDuration::try_from(self.taken.elapsed())
            .ok()
            .and_then(|passed| self.wall.checked_add(passed).ok())
            .unwrap_or(Time::MAX)
    }
}

/// The right to execute one plan once. See the top of this file.
pub(super) struct Approval {
    recorded: Recorded,
    plan: Plan,
    /// The same as `recorded.execute_by`, by the clock nobody can set.
    deadline: Instant,
}

/// Identity of a list of targets.
pub(super) fn digest_of(targets: &[Target]) -> Digest {
    // Targets are plain text, which serde_json cannot fail to write.
    Digest::of(&serde_json::to_vec(targets).unwrap_or_default())
}

impl Approval {
    /// The approval recorded under `nonce` for `plan`, if it still allows anything.
    pub fn from_journal(around: Surroundings<'_>, id: PlanId, nonce: &str, moment: Moment) -> anyhow::Result<Self> {
        let Some(ledger) = Ledger::of(around.journal, id)? else { bail!("plan {id} is not in the journal") };
        let Some(recorded) = ledger.approvals.iter().find(|approval| approval.nonce.raw() == nonce).cloned() else {
            bail!("no approval of plan {id} with this nonce is in the journal: nothing was executed")
        };
        let plan = ledger.plan;
        ensure!(
            recorded.incident == plan.incident,
            "the approval is for {}, the plan for {}",
            recorded.incident,
            plan.incident
        );
        ensure!(
            recorded.targets == digest_of(&plan.targets),
            "the approval was given for other targets than the plan names: approve it as it is now"
        );
        let now = around.clock.deadline_time(moment.now(), around.journal)?;
        let left = Duration::try_from(recorded.execute_by.duration_since(now)).unwrap_or_default();
        let longest = Duration::from_secs(u64::from(around.rules.execute_seconds));
        Ok(Self { recorded, plan, deadline: Instant::now() + left.min(longest) })
    }

    /// Checks everything again, records that it begins, sends the plan's bytes once, reads back, records how it went.
    pub fn execute(self, around: Surroundings<'_>, moment: Moment) -> anyhow::Result<Outcome> {
        let executor = around.executor;
        ensure!(executor.takes(&self.plan), "this plan is for another executor: nothing was sent");
        self.check(around, executor, moment)?;
        let _executing = self.alone(around)?;
        self.begin(around, moment)?;
        // From here on the request may be on its way: whatever happens, it is not sent a second time.
        let mut running = Running { approval: &self, around, moment };
        let outcome = match running.stop() {
            Some(why) => Outcome::Failed { error: format!("{why}: nothing was sent").into() },
            None => executor.send(&self.plan, &mut running),
        };
        let finished = Finished {
            incident: self.plan.incident,
            plan: self.recorded.plan,
            nonce: self.recorded.nonce.clone(),
            outcome: outcome.clone(),
        };
        around
            .journal
            .append(vec![plan_draft(
                moment.now(),
                outcome_key(self.recorded.nonce.raw()),
                self.recorded.plan,
                &finished.into(),
            )])
            .with_context(|| {
                format!(
                    "{}, but that could not be recorded: it will be shown as unknown until it is looked up",
                    said(&outcome)
                )
            })?;
        Ok(outcome)
    }

    /// Refuses what is no longer what was approved.
    fn check(&self, around: Surroundings<'_>, executor: &dyn Executor, moment: Moment) -> anyhow::Result<()> {
        self.in_time(around, moment)?;
        ensure!(self.plan.id() == self.recorded.plan, "the plan is not the one that was approved");
        if self.plan.policy != around.rules.version() || self.recorded.policy != self.plan.policy {
            return self.refuse(around, moment, "the policy is another than when it was shown: propose it again");
        }
        if let Some(origin) = &self.plan.origin
            && (around.runbook)(origin.runbook.raw()).is_none_or(|now| now.digest != origin.digest)
        {
            return self.refuse(around, moment, "its runbook is another than when it was shown: propose it again");
        }
        let waits = rollback::waits(around.journal, around.runbook, &self.plan, moment.now())?;
        let passed = self.recorded.broke_glass.is_some();
        if let Some(wait) = waits.iter().find(|wait| !passed || !wait.passes()) {
            return self.refuse(around, moment, &wait.to_string());
        }
        match ledger::life(around.journal, self.plan.incident)? {
            Some(Life::Open) => {}
            // What was held is let go, however the incident ended.
            Some(_) if matches!(self.plan.purpose, Purpose::Thaw { .. } | Purpose::Contain { again: true, .. }) => {}
            _ => return self.refuse(around, moment, &format!("{} is no longer open", self.plan.incident)),
        }
        let members = ledger::members(around.journal, self.plan.incident)?;
        let reach = executor.resolve(&self.plan, &members).with_context(
            || "what it would touch could not be looked up again: nothing was sent; approve it again when it can",
        )?;
        let past = Past::of(around.journal, self.plan.incident)?.or_severity(ledger::worst(around.journal, &members)?);
        let now = moment.now();
        let ruling = around.rules.judge(
            &self.recorded.by,
            &past.facts(&self.plan, &reach, now),
            &past.around(&self.recorded.by, now),
        );
        if ruling.tier > self.plan.tier {
            let why: Vec<&str> = ruling.reasons.iter().map(Untrusted::raw).collect();
            return self.refuse(
                around,
                moment,
                &format!(
                    "it reaches wider than when it was shown ({} {} then, {} now; tier {} then, {} now, because {}): propose it again",
                    self.plan.targets.len(),
                    noun(&self.plan),
                    reach.targets.len(),
                    self.plan.tier.0,
                    ruling.tier.0,
                    why.join(", and ")
                ),
            );
        }
        let shown: BTreeSet<&Untrusted> = self.plan.targets.iter().map(|target| &target.name).collect();
        let more = reach.targets.iter().filter(|target| !shown.contains(&target.name)).count();
        if more > 0 {
            return self.refuse(
                around,
                moment,
                &format!(
                    "{more} of the {} {} it would touch now were not shown: propose it again",
                    reach.targets.len(),
                    noun(&self.plan)
                ),
            );
        }
        if reach.targets.is_empty() && !self.plan.targets.is_empty() {
            return self.refuse(around, moment, "nothing that it would touch is left");
        }
        Ok(())
    }

    /// Waits its turn: one execution at a time on a journal. The lease is gone with the process, by which others know
    /// that an execution without an end has no executor any more.
    fn alone(&self, around: Surroundings<'_>) -> anyhow::Result<Box<dyn Lease>> {
        loop {
            if let Some(lease) = around.journal.lease(EXECUTING)? {
                return Ok(lease);
            }
            ensure!(
                Instant::now() < self.deadline,
                "another plan was being executed for all the time this one had: nothing was sent"
            );
            std::thread::sleep(TURN);
        }
    }

    fn in_time(&self, around: Surroundings<'_>, moment: Moment) -> anyhow::Result<()> {
        let now = around.clock.deadline_time(moment.now(), around.journal)?;
        if now > self.recorded.execute_by || Instant::now() > self.deadline {
            return self.refuse(
                around,
                moment,
                &format!("the approval expired at {}: propose it again", self.recorded.execute_by),
            );
        }
        Ok(())
    }

    /// Records the refusal, which ends the plan, and reports it as the error.
    fn refuse(&self, around: Surroundings<'_>, moment: Moment, reason: &str) -> anyhow::Result<()> {
        deny(around.journal, &self.plan, None, moment.now(), reason.into())?;
        bail!("refused: {reason}")
    }

    /// Records that it begins. The journal takes only one of this and a refusal.
    fn begin(&self, around: Surroundings<'_>, moment: Moment) -> anyhow::Result<()> {
        // The look-up took time.
        self.in_time(around, moment)?;
        let id = self.recorded.plan;
        let started = Started { incident: self.plan.incident, plan: id, nonce: self.recorded.nonce.clone() };
        let receipt = around
            .journal
            .append(vec![plan_draft(moment.now(), fate_key(id), id, &started.into())])
            .context("cannot record that it begins, so nothing was sent")?;
        if receipt.recorded == 0 {
            bail!("{}: nothing was sent", who_won(around.journal, id)?);
        }
        Ok(())
    }
}

/// What its targets are called.
fn noun(plan: &Plan) -> &'static str {
    if plan.targets.iter().all(|target| target.kind.raw().starts_with("alert")) { "alerts" } else { "things" }
}

/// What an execution is told, and tells.
struct Running<'a> {
    approval: &'a Approval,
    around: Surroundings<'a>,
    moment: Moment,
}

impl Watch for Running<'_> {
    fn ended(&mut self, target: &Target, outcome: &Outcome) -> bool {
        let Approval { recorded, plan, .. } = self.approval;
        let ended = TargetEnded {
            incident: plan.incident,
            plan: recorded.plan,
            nonce: recorded.nonce.clone(),
            target: target.clone(),
            outcome: outcome.clone(),
        };
        let key = format!("target/{}/{}", recorded.nonce.raw(), digest_of(std::slice::from_ref(target)));
        let draft = plan_draft(self.moment.now(), key, recorded.plan, &ended.into());
        self.around.journal.append(vec![draft]).is_ok()
    }

    fn stop(&self) -> Option<String> {
        if self.around.leaving.load(Ordering::Relaxed) {
            return Some("the console it ran from was left".to_owned());
        }
        // A journal that cannot be read cannot say that all is well.
        past::stop(self.around.journal, self.approval.recorded.plan)
            .unwrap_or_else(|error| Some(format!("whether it is still wanted cannot be read ({error})")))
    }
}

/// Ends a plan that has not begun. Returns whether it was this call that ended it.
pub(super) fn deny(
    journal: &SharedJournal,
    plan: &Plan,
    by: Option<crate::event::Person>,
    at: Time,
    reason: Untrusted,
) -> anyhow::Result<bool> {
    let id = plan.id();
    let fact: Fact = Denial { incident: plan.incident, plan: id, by, reason }.into();
    Ok(journal.append(vec![plan_draft(at, fate_key(id), id, &fact)])?.recorded > 0)
}

/// How the waiting of a plan ended, for whoever came second.
pub(super) fn who_won(journal: &SharedJournal, id: PlanId) -> anyhow::Result<String> {
    let Some(ledger) = Ledger::of(journal, id)? else { bail!("plan {id} is not in the journal") };
    let login = |person: &crate::event::Person| person.login.show(Policy::Exact).as_str().to_owned();
    Ok(if ledger.started.is_some() {
        match ledger.started_by() {
            Some(approval) => format!("{} approved it first and it has begun", login(&approval.by)),
            None => "it has already begun".to_owned(),
        }
    } else if let Some(denial) = &ledger.denied {
        let reason = denial.reason.show(Policy::Prose).as_str().to_owned();
        match &denial.by {
            Some(person) => format!("{} refused it first ({reason})", login(person)),
            None => format!("it was refused ({reason})"),
        }
    } else {
        "it is waiting".to_owned()
    })
}

/// The outcome of an execution whose process is gone.
pub(super) fn unknown(plan: &Plan, why: &str) -> Outcome {
    Outcome::Unknown {
        check: format!(
            "{why}: it may or may not have happened. Look it up from here, or search at the target for {}",
            plan.idempotency_key.raw()
        )
        .into(),
    }
}

/// An outcome in words.
pub(super) fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { receipt } => format!("done: {}", receipt.show(Policy::Prose).as_str()),
        Outcome::Failed { error } => format!("failed: {}", error.show(Policy::Prose).as_str()),
        Outcome::Unknown { check } => format!("outcome unknown: {}", check.show(Policy::Prose).as_str()),
        Outcome::Partly { done, failed, untouched, why } => format!(
            "in part: {done} done, {failed} failed, {untouched} not touched: {}",
            why.show(Policy::Prose).as_str()
        ),
    }
}
