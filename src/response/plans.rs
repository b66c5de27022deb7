//! Plans at the desk: proposed, approved and executed, refused, looked up.

use std::sync::PoisonError;

use anyhow::{Context as _, bail, ensure};
use jiff::SignedDuration;

use super::alertmanager::Matcher;
use super::approval::{Approval, EXECUTING, Moment, Surroundings, deny, digest_of, said, unknown, who_won};
use super::desk::{LocalDesk, MAX_TEXT, random, says_something};
use super::execute::silence::{self, Asked};
use super::execute::{self, Executor, Reach, Rehearsal, SilenceExecutor};
use super::freeze;
use super::guard::{asked_to_type, needs_second_person};
use super::ledger::{self, Ledger, outcome_key, plan_draft};
use super::past::{self, Past};
use super::rollback;
use crate::event::{
    Approval as Recorded, Fact, Fingerprint, Finished, IncidentId, Kind, Outcome, Person, Plan, PlanId, Policy, Time,
    Untrusted,
};
use crate::journal::Query;

/// So many of the newest plans are asked whether their time is over.
const EXPIRING: usize = 50;
/// An execution whose end is not recorded may still be on its way for so long.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(30);

/// A person's yes to a plan.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    /// What they typed.
    pub typed: Option<&'a Untrusted>,
    /// Why the second person is passed over.
    pub glass: Option<&'a Untrusted>,
    /// For how long it was open before them, milliseconds.
    pub read_ms: Option<u64>,
}

impl LocalDesk {
    /// Looks at what came of executions that ended, and marks those whose process is gone as of unknown outcome; returns how
    /// many were marked. To be called at the start and now and then; executes nothing.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn tend(&self, now: Time) -> anyhow::Result<usize> {
        self.clock.look(now);
        self.look_at_effects(now)?;
        self.tend_freezes(now)?;
        self.let_expire(now)?;
        let unfinished = ledger::unfinished(&self.journal)?;
        if unfinished.is_empty() {
            return Ok(0);
        }
        // Held by whoever executes, and gone with that process.
        let Some(_nobody_executes) = self.journal.lease(EXECUTING)? else { return Ok(0) };
        let mut marked = 0;
        for started in unfinished {
            let Some(ledger) = Ledger::of(&self.journal, started.plan)? else { continue };
            if ledger.outcome.is_some() {
                continue;
            }
            let outcome =
                unknown(&ledger.plan, "the process that executed it ended before it could record how it went");
            let finished = Finished { incident: started.incident, plan: started.plan, nonce: started.nonce, outcome };
            let key = outcome_key(finished.nonce.raw());
            let draft = plan_draft(now, key, finished.plan, &finished.into());
            marked += usize::from(self.journal.append(vec![draft])?.recorded > 0);
        }
        Ok(marked)
    }

    /// Plans that nobody answered while there was time end so: it is on record without anybody trying.
    fn let_expire(&self, now: Time) -> anyhow::Result<()> {
        let query = Query { kinds: vec![Kind::Proposed], newest_first: true, limit: EXPIRING, ..Query::default() };
        let proposed = self.journal.read(&query)?;
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = Vec::new();
        for record in proposed.iter().filter(|record| !settled.contains(&record.seq)) {
            if let Fact::Proposed(plan) = record.fact()? {
                open.push((record.seq, *plan));
            }
        }
        settled.retain(|seq| proposed.iter().any(|record| record.seq == *seq));
        if open.is_empty() {
            return Ok(());
        }
        let now_at_least = self.clock.deadline_time(now, &self.journal)?;
        for (seq, plan) in open {
            let Some(ledger) = Ledger::of(&self.journal, plan.id())? else { continue };
            // What was approved in time may still wait for its turn, or for its hour.
            if ledger.started.is_some() || ledger.denied.is_some() || !ledger.approvals.is_empty() {
                settled.insert(seq);
            } else if now_at_least > plan.approve_by {
                deny(&self.journal, &plan, None, now, format!("it expired at {}", plan.approve_by).into())?;
                settled.insert(seq);
            }
        }
        Ok(())
    }

    pub(super) fn propose_silence(
        &self,
        incident: IncidentId,
        alerts: &[Fingerprint],
        minutes: u32,
        comment: &Untrusted,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let silences = self.silences()?;
        says_something(comment).context("a silence needs a comment that says why")?;
        self.all_members(incident, alerts)?;
        let mut known = Vec::new();
        for fingerprint in alerts {
            let Some(alert) = ledger::alert(&self.journal, fingerprint)? else {
                bail!("alert {fingerprint} is not in the journal")
            };
            known.push(alert);
        }
        // Whole seconds: what is shown is what Alertmanager stores.
        let start = Time::from_second(now.as_second())?;
        let deadline = self.clock.deadline_time(now, &self.journal)?;
        let asked = Asked {
            incident,
            alerts: &known,
            minutes,
            comment,
            by,
            now: start,
            approve_by: deadline + SignedDuration::from_mins(self.rules.approve_minutes.into()),
        };
        let draft = silence::draft(&asked, format!("warroom-{}", random()?))?;
        self.nothing_unknown(incident, &draft.matchers)?;
        let hit = silences
            .runtime
            .block_on(silences.alertmanager.hit_by(&draft.matchers))
            .context("what it would hide cannot be looked up, so nothing is proposed")?;
        let members = ledger::members(&self.journal, incident)?;
        let (plan, reach) = silence::plan(&asked, draft, &silences.alertmanager.silences_url(), &hit, &members)?;
        self.propose(plan, &reach, by, now)
    }

    /// A silence whose outcome is unknown may exist: a second one like it is not proposed before that is looked up.
    fn nothing_unknown(&self, incident: IncidentId, matchers: &[Matcher]) -> anyhow::Result<()> {
        for id in ledger::unknown_plans(&self.journal, incident)? {
            let Some(earlier) = Ledger::of(&self.journal, id)? else { continue };
            if silence::of_plan(&earlier.plan).is_ok_and(|sent| sent.silence.matchers == matchers) {
                bail!("plan {id} would do the same and its outcome is unknown: look that up first");
            }
        }
        Ok(())
    }

    pub(super) fn approve(
        &self,
        incident: IncidentId,
        id: PlanId,
        Answer { typed, glass, read_ms }: Answer<'_>,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let moment = Moment::of(now);
        let plan = self.waiting(incident, id)?.plan;
        let deadline_time = self.clock.deadline_time(now, &self.journal)?;
        if deadline_time > plan.approve_by {
            return self.refuse(&plan, now, &format!("it expired at {}: propose it again", plan.approve_by));
        }
        if plan.policy != self.rules.version() {
            return self.refuse(&plan, now, "the policy is another than when it was shown: propose it again");
        }
        if let Some(halted) = past::halted(&self.journal)? {
            let (who, why) = (halted.by.login.show(Policy::Exact), halted.reason.show(Policy::Prose));
            let why = format!("{} switched all changes off ({})", who.as_str(), why.as_str());
            return self.bar(&plan, "approve", &why, by, now);
        }
        let members = ledger::members(&self.journal, incident)?;
        let past = Past::of(&self.journal, incident)?.or_severity(ledger::worst(&self.journal, &members)?);
        let reach = Reach { targets: plan.targets.clone(), ..Reach::default() };
        let around = past.around(by, now);
        if let Err(why) = self.rules.may_approve(by, &past.facts(&plan, &reach, now), plan.tier, &around) {
            let why: Vec<&str> = why.iter().map(Untrusted::raw).collect();
            return self.bar(&plan, "approve", &format!("the policy does not allow it: {}", why.join("; ")), by, now);
        }
        if let Some(point) = self.points_before(&plan, &past).first() {
            let why = format!("somebody must be called first: {}", point.show(Policy::Prose).as_str());
            return self.bar(&plan, "approve", &why, by, now);
        }
        let waits = rollback::waits(&self.journal, &*self.hands.runbook, &plan, now)?;
        if let Some(wait) = waits.iter().find(|wait| glass.is_none() || !wait.passes()) {
            return self.bar(&plan, "approve", &wait.to_string(), by, now);
        }
        if let Some(words) = asked_to_type(&plan) {
            ensure!(
                typed.is_some_and(|typed| typed.raw() == words),
                "to approve this, type exactly: {words}; nothing was approved"
            );
        }
        let alone = needs_second_person(&plan) && by.login == plan.proposed_by;
        if alone && glass.is_none() {
            let proposer = plan.proposed_by.show(Policy::Exact).as_str().to_owned();
            let why = format!("it reaches so wide that somebody other than {proposer} must approve it");
            return self.bar(&plan, "approve", &why, by, now);
        }
        let glass = glass.filter(|_| alone || !waits.is_empty());
        if let Some(reason) = glass {
            says_something(reason).context("breaking the glass needs a reason")?;
        }
        let nonce = random()?;
        let approved = Recorded {
            incident,
            plan: id,
            policy: self.rules.version(),
            targets: digest_of(&plan.targets),
            by: by.clone(),
            execute_by: deadline_time + SignedDuration::from_secs(self.rules.execute_seconds.into()),
            nonce: nonce.as_str().into(),
            broke_glass: glass.cloned(),
            read_ms,
        };
        let mut drafts = freeze::ends_with(&plan, &approved, now)?;
        drafts.push(plan_draft(now, format!("approved/{nonce}"), id, &approved.into()));
        self.journal.append(drafts).context("cannot record, so nothing is approved")?;
        let around = self.surroundings(self.executor(&plan)?);
        let outcome = Approval::from_journal(around, id, &nonce, moment)?.execute(around, moment)?;
        Ok(format!("plan {id} {}", said(&outcome)))
    }

    pub(super) fn deny(
        &self,
        incident: IncidentId,
        id: PlanId,
        reason: Untrusted,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let plan = self.waiting(incident, id)?.plan;
        ensure!(reason.raw().len() <= MAX_TEXT, "the reason is longer than {MAX_TEXT} bytes");
        if deny(&self.journal, &plan, Some(by.clone()), now, reason)? {
            return Ok(format!("plan {id} refused"));
        }
        bail!("too late: {}", who_won(&self.journal, id)?)
    }

    pub(super) fn reconcile(&self, incident: IncidentId, id: PlanId, now: Time) -> anyhow::Result<String> {
        self.tend(now)?;
        let ledger = self.plan(incident, id)?;
        let Some((started, nonce)) = &ledger.started else { bail!("plan {id} has not begun") };
        match &ledger.outcome {
            None => bail!("plan {id} is being executed"),
            Some(Outcome::Unknown { .. }) => {}
            Some(known) => bail!("nothing to look up: plan {id} {}", said(known)),
        }
        let since = now.duration_since(*started);
        let outcome = match self.executor(&ledger.plan)?.look_up(&ledger.plan)? {
            Some(found) => found,
            None if since < ON_ITS_WAY => {
                bail!(
                    "it is not there, but may still be on its way: look again in {} s",
                    (ON_ITS_WAY - since).as_secs()
                )
            }
            None => Outcome::Failed { error: "looked up: nothing there carries its key, so it did not happen".into() },
        };
        let line = format!("plan {id} {}", said(&outcome));
        let finished = Finished { incident, plan: id, nonce: nonce.as_str().into(), outcome };
        let key = format!("{}/{}", outcome_key(nonce), random()?);
        self.journal.append(vec![plan_draft(now, key, id, &finished.into())]).context("cannot record")?;
        Ok(line)
    }

    pub(super) fn plan(&self, incident: IncidentId, id: PlanId) -> anyhow::Result<Ledger> {
        let Some(ledger) = Ledger::of(&self.journal, id)? else { bail!("there is no plan {id}") };
        ensure!(ledger.plan.incident == incident, "plan {id} is of {}, not of {incident}", ledger.plan.incident);
        Ok(ledger)
    }

    /// The plan, when it can still begin or be refused.
    fn waiting(&self, incident: IncidentId, id: PlanId) -> anyhow::Result<Ledger> {
        let ledger = self.plan(incident, id)?;
        if ledger.started.is_some() || ledger.denied.is_some() {
            bail!("plan {id} is decided: {}", who_won(&self.journal, id)?);
        }
        Ok(ledger)
    }

    fn refuse(&self, plan: &Plan, now: Time, reason: &str) -> anyhow::Result<String> {
        deny(&self.journal, plan, None, now, reason.into())?;
        bail!("refused: {reason}")
    }

    fn silences(&self) -> anyhow::Result<&SilenceExecutor> {
        let none = "no Alertmanager is configured: set [alertmanager] url to silence alerts from here";
        self.hands.silences.as_ref().context(none)
    }

    /// The one that carries out this plan.
    pub(super) fn executor(&self, plan: &Plan) -> anyhow::Result<&dyn Executor> {
        if ledger::is_labelled(&self.journal)? {
            return Ok(&Rehearsal);
        }
        match &self.hands.silences {
            Some(silences) if silences.takes(plan) => Ok(silences),
            _ => execute::of(&self.hands.executors, plan),
        }
    }

    pub(super) fn surroundings<'a>(&'a self, executor: &'a dyn Executor) -> Surroundings<'a> {
        Surroundings {
            journal: &self.journal,
            executor,
            runbook: &*self.hands.runbook,
            rules: &self.rules,
            clock: &self.clock,
            leaving: &self.leaving,
        }
    }
}
