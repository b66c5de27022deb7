//! The one value that lets a change out of the house.
//!
//! An [`Approval`] is made only from a recorded decision, read back from the journal; its fields are private, it cannot
//! be copied or read from bytes, and using it consumes it. What it allows is exactly one plan, once, for a short time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::alertmanager::{Alertmanager, Trouble};
use super::clock::Clock;
use super::ledger::{self, Ledger, Life, fate_key, outcome_key, plan_draft};
use super::policy::Table;
use super::silence::{self, Sent};
use crate::event::{
    Approval as Recorded, Denial, Digest, Fact, Finished, Outcome, Plan, PlanId, Policy, Started, Target, Time,
    Untrusted,
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
    pub alertmanager: &'a Alertmanager,
    pub runtime: &'a tokio::runtime::Handle,
    pub table: &'a Table,
    pub clock: &'a Clock,
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
        let longest = Duration::from_secs(u64::from(around.table.execute_seconds));
        Ok(Self { recorded, plan, deadline: Instant::now() + left.min(longest) })
    }

    /// Checks everything again, records that it begins, sends the plan's bytes once, reads back, records how it went.
    pub fn execute(self, around: Surroundings<'_>, moment: Moment) -> anyhow::Result<Outcome> {
        let sent = silence::of_plan(&self.plan)?;
        self.check(around, &sent, moment)?;
        let _executing = self.alone(around)?;
        self.begin(around, moment)?;
        // From here on the request may be on its way: whatever happens, it is not sent a second time.
        let outcome = send(around, &self.plan, &sent);
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
    fn check(&self, around: Surroundings<'_>, sent: &Sent, moment: Moment) -> anyhow::Result<()> {
        self.in_time(around, moment)?;
        ensure!(self.plan.id() == self.recorded.plan, "the plan is not the one that was approved");
        if self.plan.policy != around.table.version() || self.recorded.policy != self.plan.policy {
            return self.refuse(around, moment, "the policy is another than when it was shown: propose it again");
        }
        ensure!(
            sent.url == around.alertmanager.silences_url(),
            "the plan names another Alertmanager than the configuration: propose it again"
        );
        match ledger::life(around.journal, self.plan.incident)? {
            Some(Life::Open) => {}
            _ => return self.refuse(around, moment, &format!("{} is no longer open", self.plan.incident)),
        }
        let hit = around.runtime.block_on(around.alertmanager.hit_by(&sent.silence.matchers)).with_context(
            || "what it would hide could not be looked up again: nothing was sent; approve it again when it can",
        )?;
        let members = ledger::members(around.journal, self.plan.incident)?;
        let tier = around.table.tier(&silence::reach_now(&self.plan, sent, &hit, &members));
        if tier > self.plan.tier {
            return self.refuse(
                around,
                moment,
                &format!(
                    "it reaches wider than when it was shown ({} alerts then, {} now; tier {} then, {} now): propose it again",
                    self.plan.targets.len(),
                    hit.len(),
                    self.plan.tier.0,
                    tier.0
                ),
            );
        }
        let shown: BTreeSet<&Untrusted> = self.plan.targets.iter().map(|target| &target.name).collect();
        let now = silence::targets(&hit, &members, self.plan.incident);
        let more = now.iter().filter(|target| !shown.contains(&target.name)).count();
        if more > 0 {
            return self.refuse(
                around,
                moment,
                &format!("{more} of the {} alerts it would hide now were not shown: propose it again", hit.len()),
            );
        }
        if hit.is_empty() {
            return self.refuse(around, moment, "none of the alerts it would hide is left");
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

fn send(around: Surroundings<'_>, plan: &Plan, sent: &Sent) -> Outcome {
    let posted = around.runtime.block_on(around.alertmanager.post(sent.url.clone(), sent.body.clone()));
    match posted {
        Ok(id) => read_back(around, sent, &id),
        Err(error @ Trouble::NotSent { .. }) => Outcome::Failed { error: format!("{error}; nothing was sent").into() },
        Err(error @ Trouble::Refused { status: 400..=499, .. }) => Outcome::Failed { error: error.to_string().into() },
        Err(error) => {
            let answered = matches!(error, Trouble::Refused { .. });
            match look_up(around, plan, sent) {
                Ok(Some(found)) => found,
                Ok(None) if answered => Outcome::Failed { error: format!("{error}; no such silence exists").into() },
                Ok(None) => unknown(plan, &error.to_string()),
                Err(again) => unknown(plan, &format!("{error}; then {again}")),
            }
        }
    }
}

/// Whether the silence of `plan` exists, found by its author and the key in its comment.
pub(super) fn look_up(around: Surroundings<'_>, plan: &Plan, sent: &Sent) -> Result<Option<Outcome>, Trouble> {
    let find = around.alertmanager.find_silence(&sent.silence.created_by, plan.idempotency_key.raw());
    Ok(around.runtime.block_on(find)?.map(|silence| compare(sent, &silence)))
}

fn read_back(around: Surroundings<'_>, sent: &Sent, id: &str) -> Outcome {
    match around.runtime.block_on(around.alertmanager.silence(id)) {
        Ok(silence) => compare(sent, &silence),
        Err(error) => Outcome::Unknown {
            check: format!(
                "Alertmanager accepted silence {id}, but reading it back failed ({error}): look whether it is there"
            )
            .into(),
        },
    }
}

fn compare(sent: &Sent, made: &super::alertmanager::Silence) -> Outcome {
    let sorted = |matchers: &[super::alertmanager::Matcher]| {
        let mut matchers = matchers.to_vec();
        matchers.sort();
        matchers
    };
    let same_end = || Some(sent.silence.ends_at.parse::<Time>().ok()? == made.what.ends_at.parse::<Time>().ok()?);
    let different = if sorted(&sent.silence.matchers) != sorted(&made.what.matchers) {
        "its matchers"
    } else if same_end() != Some(true) {
        "its end"
    } else if sent.silence.created_by != made.what.created_by || sent.silence.comment != made.what.comment {
        "its author or comment"
    } else {
        return Outcome::Done { receipt: format!("silence {} until {}", made.id, made.what.ends_at).into() };
    };
    Outcome::Unknown {
        check: format!("silence {} exists, but {different} is not what was sent: look at it in Alertmanager", made.id)
            .into(),
    }
}

/// The outcome nobody can know from here.
pub(super) fn unknown(plan: &Plan, why: &str) -> Outcome {
    Outcome::Unknown {
        check: format!(
            "{why}: it may or may not have happened. Look it up from here, or search Alertmanager's silences for {}",
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
