//! Writing steps become plans: exactly what would run, what it touches, what a dry run says, how wide it reaches.

use anyhow::{Context as _, bail, ensure};
use jiff::SignedDuration;

use super::known::{Given, values};
use super::{StepAt, step_of};
use crate::event::{
    Asks, DryRun, IncidentId, Origin, Person, Plan, Policy, Purpose, Request, Target, Tier, Time, Traits, Untrusted,
};
use crate::response::desk::{LocalDesk, act_key, random};
use crate::response::execute::{self, Reach};
use crate::response::guard;
use crate::response::ledger::{self, plan_draft};
use crate::response::past::Past;
use crate::response::policy::WIDEST;
use crate::response::rollback;
use crate::response::runbook::{Mode, Reversible, Runbook, Step, TARGET};
use crate::response::wall;

impl LocalDesk {
    /// Proposes a writing step: exactly what would run, what it touches, what a dry run says, how wide it reaches.
    pub(in crate::response) fn propose_step(
        &self,
        incident: IncidentId,
        at: &StepAt,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let runbook = self.runbook(&at.runbook)?;
        let step = step_of(&runbook, &at.step)?;
        let facts = self.facts(incident, &at.seen)?;
        let past = Past::of(&self.journal, incident)?;
        let given = |step| values(&runbook, step, &facts, &at.values, past.values(&runbook.name));
        let Given { checked, values, mut taint, .. } = given(step);
        let checked = checked.map_err(anyhow::Error::msg)?;
        let mut request = runbook.request(step, &checked, &self.hands.known)?;
        // Of a record that is no real one nothing is looked for in a world that is, and nothing will be run.
        let real = !ledger::is_labelled(&self.journal)?;
        if let Request::Process { argv } = &mut request
            && let Some(program) = argv.first_mut().filter(|_| real)
        {
            // What is shown is the very program, wherever it is looked for later.
            *program = wall::program(program.raw()).map_err(anyhow::Error::msg)?.into();
        }
        let around = self.around(&runbook, step);
        let dry_run = runbook.dry_run(step, &checked, &self.hands.known).filter(|_| real).transpose()?;
        let dry_run = dry_run.map(|request| dry(request, &around)).transpose()?;
        let (found_by, targets) = match step.for_each.as_ref().filter(|_| real) {
            None => (None, vec![target(&request)]),
            Some(lister) => {
                let lister = step_of(&runbook, lister)?;
                ensure!(lister.mode == Mode::Read, "its targets are listed by a step that changes something");
                let given = given(lister);
                taint.extend(given.taint);
                taint.push(format!("what {} lists reaches {TARGET}", lister.name.raw()).into());
                let listed = runbook.request(lister, &given.checked.map_err(anyhow::Error::msg)?, &self.hands.known)?;
                let targets = execute::find_targets(&listed, &around)?;
                (Some(listed), targets)
            }
        };
        let deadline = self.clock.deadline_time(now, &self.journal)?;
        let mut plan = Plan {
            incident,
            title: title(&runbook, step).into(),
            request,
            targets,
            tier: Tier(WIDEST),
            policy: Untrusted::default(),
            taint,
            undo: undo(&runbook, step).into(),
            idempotency_key: format!("warroom-{}", random()?).into(),
            proposed_by: by.login.clone(),
            approve_by: deadline + SignedDuration::from_mins(self.rules.approve_minutes.into()),
            purpose: purpose(&runbook, step),
            origin: Some(Origin {
                runbook: runbook.name.clone(),
                digest: runbook.digest,
                step: step.name.clone(),
                values,
            }),
            traits: Some(Box::new(Traits {
                verb: "run".into(),
                environment: self.environment(&facts),
                reversible: match step.reversible {
                    Reversible::Yes => Some(true),
                    Reversible::No => Some(false),
                    Reversible::Unknown => None,
                },
                effects: step.effects.iter().map(|effect| effect.word().into()).collect(),
                declared: step.tier.map_or(0, |tier| tier.0),
                minutes: 0,
                seconds: u32::try_from(step.timeout.unwrap_or(execute::USUAL).as_secs()).unwrap_or(u32::MAX),
                hosts: around.hosts.iter().map(|(host, port)| format!("{host}:{port}").into()).collect(),
            })),
            found_by,
            asks: None,
            reasons: Vec::new(),
            dry_run,
        };
        if step.mode == Mode::Read {
            // It asks as writes do: where nothing holds it, and where a person wants it so.
            plan.title = format!("{} (it only reads by its author's word)", plan.title.raw()).into();
        }
        let waits = rollback::waits(&self.journal, &*self.hands.runbook, &plan, now)?;
        if let Some(hard) = waits.iter().find(|wait| !wait.passes()) {
            bail!("{hard}; nothing is proposed");
        }
        let reach = Reach { targets: plan.targets.clone(), outside: 0, critical: 0, odd_text: execute::is_odd(&plan) };
        let told = self.propose(plan, &reach, by, now)?;
        Ok(match waits.first() {
            Some(wait) => format!("{told}; not yet, because {wait}"),
            None => told,
        })
    }

    /// Lets the policy judge a plan, and puts it on record.
    pub(in crate::response) fn propose(
        &self,
        mut plan: Plan,
        reach: &Reach,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let members = ledger::members(&self.journal, plan.incident)?;
        let past = Past::of(&self.journal, plan.incident)?.or_severity(ledger::worst(&self.journal, &members)?);
        let ruling = self.rules.judge(by, &past.facts(&plan, reach, now), &past.around(by, now));
        plan.tier = ruling.tier;
        plan.reasons = ruling.reasons;
        plan.policy = self.rules.version();
        plan.asks = Some(Asks {
            typed: ruling.typed.then(|| guard::words(&plan).into()),
            second: ruling.second,
            first: self.points_before(&plan, &past),
        });
        let id = plan.id();
        let line = format!(
            "plan {id} proposed: {}; to approve: {}",
            plan.title.show(Policy::Prose).as_str(),
            guard::asks(&plan)
        );
        self.journal.append(vec![plan_draft(now, act_key()?, id, &plan.into())]).context("cannot record")?;
        Ok(line)
    }
}

/// Runs a dry run behind the wall; one that fails stops the proposal.
fn dry(request: Request, around: &wall::Surroundings) -> anyhow::Result<DryRun> {
    let read = wall::read(&request, around, &mut |_| {}, &|| false)?;
    let output = Untrusted::from(String::from_utf8_lossy(&read.output).into_owned());
    ensure!(
        read.ended.is_well(),
        "its dry run failed ({}), so nothing is proposed: {}",
        read.ended.in_words().show(Policy::Prose).as_str(),
        output.show(Policy::Prose).as_str()
    );
    Ok(DryRun { request, ended: read.ended, output })
}

fn title(runbook: &Runbook, step: &Step) -> String {
    format!("{}: {}", runbook.title.raw(), if step.heading.is_empty() { step.name.raw() } else { step.heading.raw() })
}

fn undo(runbook: &Runbook, step: &Step) -> String {
    match &step.rollback {
        Some(name) => format!("step {} of the runbook {}", name.raw(), runbook.name.raw()),
        None => "the runbook does not say how this is undone".to_owned(),
    }
}

/// What a step is for: a stage of a procedure that takes something back, or to mend.
fn purpose(runbook: &Runbook, step: &Step) -> Purpose {
    let stages = rollback::stages(runbook);
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    match stages.iter().position(|stage| stage.step == step.name) {
        Some(nth) => {
            Purpose::RollBack { procedure: runbook.name.clone(), stage: number(nth + 1), of: number(stages.len()) }
        }
        None => Purpose::Mend,
    }
}

/// What a request touches, where nothing lists it: the host, the database, or the program's last word.
fn target(request: &Request) -> Target {
    let (kind, name) = match request {
        Request::Http { url, .. } => ("address", url.clone()),
        Request::Sql { database, .. } => ("database", database.clone()),
        Request::Process { argv } => ("command", argv.iter().map(Untrusted::raw).collect::<Vec<_>>().join(" ").into()),
    };
    Target { kind: kind.into(), name }
}
