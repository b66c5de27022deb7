//! Runbooks at the desk: offered for an incident, their reading steps run behind the wall, their writing steps proposed.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use jiff::SignedDuration;

use super::desk::{LocalDesk, act_key, random};
use super::execute::{self, Reach};
use super::guard;
use super::ledger::{self, plan_draft};
use super::past::Past;
use super::policy::WIDEST;
use super::runbook::{self, Facts, Mode, Reversible, Runbook, Step, Values};
use super::wall;
use crate::event::{
    Asks, Digest, DryRun, IncidentId, Labels, Origin, Person, Plan, Policy, Purpose, ReadEnd, Request, StepRead,
    Surface, Target, Tier, Time, Traits, Untrusted,
};
use crate::journal::Draft;

/// As many alerts of an incident are looked at for what a runbook needs to know.
const ALERTS_ASKED: usize = 200;
/// The line that matters, bytes.
const FINDING: usize = 400;

/// A step of a runbook, with what its inputs are.
#[derive(Clone, Debug, PartialEq)]
pub struct StepAt {
    /// The runbook's name.
    pub runbook: Untrusted,
    /// The step's name.
    pub step: Untrusted,
    /// What a person typed for its inputs.
    pub values: BTreeMap<Untrusted, Untrusted>,
    /// What the incident looks like: services, surfaces, stops and title. Its alerts are read from the record.
    pub seen: Facts,
}

/// A runbook that fits an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Offered {
    /// Its name.
    pub name: Untrusted,
    /// What people call it.
    pub title: Untrusted,
    /// Why it is offered.
    pub reason: Untrusted,
    /// Digest of its text.
    pub digest: Digest,
    /// For a procedure that takes something back: what it is about and what stays gone.
    pub wont_return: Option<Vec<Untrusted>>,
    /// Escalation points, and whether somebody was called.
    pub points: Vec<(Untrusted, bool)>,
    /// Its steps.
    pub steps: Vec<OfferedStep>,
}

/// One step of a runbook that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedStep {
    /// Its name.
    pub name: Untrusted,
    /// The heading it stands under.
    pub heading: Untrusted,
    /// In plain words.
    pub about: Untrusted,
    /// Whether it only looks.
    pub reads: bool,
    /// Why that is so.
    pub why: Untrusted,
    /// Exactly what would run, or which input nobody knows.
    pub request: Result<Request, String>,
    /// Inputs a person has to give.
    pub missing: Vec<Untrusted>,
    /// The step that takes it back.
    pub rollback: Option<Untrusted>,
    /// The step that shows whether it worked.
    pub verify: Option<Untrusted>,
    /// The share of traffic that is on the restored side when it is done.
    pub share: Option<f64>,
}

impl LocalDesk {
    /// The runbooks that fit an incident, the closest first. `seen` is what it looks like; its alerts are read here.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(super) fn fitting(&self, incident: IncidentId, seen: &Facts) -> anyhow::Result<Vec<Offered>> {
        let facts = self.facts(incident, seen)?;
        let past = Past::of(&self.journal, incident)?;
        let all = (self.hands.runbooks)();
        Ok(runbook::matched(&all, &facts)
            .into_iter()
            .map(|fit| self.offer(fit.runbook, fit.reason, &facts, &past))
            .collect())
    }

    fn offer(&self, runbook: &Runbook, reason: Untrusted, facts: &Facts, past: &Past) -> Offered {
        let steps = runbook.steps.iter().map(|step| {
            let (values, missing, _) = values(runbook, step, facts, &BTreeMap::new());
            let request = match values {
                Ok(values) => {
                    runbook.request(step, &values, &self.hands.known).map_err(|unfilled| unfilled.to_string())
                }
                Err(error) => Err(error),
            };
            OfferedStep {
                name: step.name.clone(),
                heading: step.heading.clone(),
                about: step.about.clone(),
                reads: step.mode == Mode::Read,
                why: step.why.clone(),
                request,
                missing,
                rollback: step.rollback.clone(),
                verify: step.verify.clone(),
                share: step.stage.share,
            }
        });
        let points = runbook.escalate.iter().map(|escalation| {
            let point = guard::point(escalation);
            let called = past.called(&point);
            (point, called)
        });
        Offered {
            name: runbook.name.clone(),
            title: runbook.title.clone(),
            reason,
            digest: runbook.digest,
            wont_return: runbook.rollback.as_ref().map(|rollback| rollback.wont_return.clone()),
            points: points.collect(),
            steps: steps.collect(),
        }
    }

    /// Runs a reading step and puts what it said on record. `by` is `None` where nobody asked for it.
    pub(super) fn run_step(
        &self,
        incident: IncidentId,
        at: &StepAt,
        by: Option<&Person>,
        now: Time,
    ) -> anyhow::Result<String> {
        let runbook = self.runbook(&at.runbook)?;
        let step = step_of(&runbook, &at.step)?;
        ensure!(
            step.mode == Mode::Read,
            "the step {} changes something ({}): propose it instead",
            step.name.show(Policy::Exact).as_str(),
            step.why.show(Policy::Prose).as_str()
        );
        let facts = self.facts(incident, &at.seen)?;
        let (values, ..) = values(&runbook, step, &facts, &at.values);
        let values = values.map_err(anyhow::Error::msg)?;
        let request = runbook.request(step, &values, &self.hands.known)?;
        let around = self.around(&runbook, step);
        let read = wall::read(&request, &around, &mut |_| {}, &|| false)
            .context("it is not run where it could change something; propose it instead")?;
        let output = String::from_utf8_lossy(&read.output).into_owned();
        let finding = finding(&output, &read.ended);
        let told = format!(
            "{}: {} ({})",
            step.name.show(Policy::Exact).as_str(),
            finding.show(Policy::Prose).as_str(),
            read.ended.in_words().show(Policy::Prose).as_str()
        );
        let mut fact = StepRead {
            incident,
            runbook: runbook.name.clone(),
            digest: runbook.digest,
            step: step.name.clone(),
            request,
            began: now,
            took_ms: u64::try_from(read.took.as_millis()).unwrap_or(u64::MAX),
            ended: read.ended,
            output: output.into(),
            output_bytes: read.output_bytes,
            finding,
            about: surfaces(&runbook),
            says: None,
            component: None,
            change: None,
            rule: Untrusted::default(),
            effects: step.effects.iter().map(|effect| effect.word().into()).collect(),
            by: by.cloned(),
        };
        step.mark(&mut fact, &values);
        self.journal.append(vec![Draft::new(now, act_key()?, &fact.into())]).context("cannot record what it said")?;
        Ok(told)
    }

    /// Runs the reading steps of the closest runbook that nobody and nothing ran for this incident, `most` of them at most.
    /// Returns how many ran.
    ///
    /// # Errors
    /// When the journal cannot be read or written. A step that cannot run is on record as such and is no error.
    pub fn read_on_its_own(&self, incident: IncidentId, seen: &Facts, most: usize, now: Time) -> anyhow::Result<usize> {
        if !wall::standing_of(&self.hands.wall.program).holds() {
            return Ok(0);
        }
        let ran = ledger::steps_read(&self.journal, incident)?;
        let mut left = most.saturating_sub(ran.len());
        let mut count = 0;
        for offered in self.fitting(incident, seen)?.into_iter().take(1) {
            for step in offered.steps.iter().filter(|step| step.reads && can_run(step)) {
                if left == 0 {
                    return Ok(count);
                }
                if ran.contains(&(offered.name.clone(), step.name.clone())) {
                    continue;
                }
                let at = StepAt {
                    runbook: offered.name.clone(),
                    step: step.name.clone(),
                    values: BTreeMap::new(),
                    seen: seen.clone(),
                };
                left -= 1;
                if self.run_step(incident, &at, None, now).is_ok() {
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    /// Proposes a writing step: exactly what would run, what it touches, what a dry run says, how wide it reaches.
    pub(super) fn propose_step(
        &self,
        incident: IncidentId,
        at: &StepAt,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let runbook = self.runbook(&at.runbook)?;
        let step = step_of(&runbook, &at.step)?;
        let facts = self.facts(incident, &at.seen)?;
        let (values, _, taint) = values(&runbook, step, &facts, &at.values);
        let values = values.map_err(anyhow::Error::msg)?;
        let mut request = runbook.request(step, &values, &self.hands.known)?;
        if let Request::Process { argv } = &mut request
            && let Some(program) = argv.first_mut()
        {
            // What is shown is the very program, wherever it is looked for later.
            *program = wall::program(program.raw()).map_err(anyhow::Error::msg)?.into();
        }
        let around = self.around(&runbook, step);
        let dry_run = match runbook.dry_run(step, &values, &self.hands.known) {
            None => None,
            Some(request) => {
                let request = request?;
                let read = wall::read(&request, &around, &mut |_| {}, &|| false)?;
                ensure!(
                    read.ended.is_well(),
                    "its dry run failed ({}), so nothing is proposed: {}",
                    read.ended.in_words().show(Policy::Prose).as_str(),
                    Untrusted::from(String::from_utf8_lossy(&read.output).into_owned()).show(Policy::Prose).as_str()
                );
                let output = String::from_utf8_lossy(&read.output).into_owned().into();
                Some(DryRun { request, ended: read.ended, output })
            }
        };
        let targets = vec![target(&request)];
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
            origin: Some(Origin { runbook: runbook.name.clone(), digest: runbook.digest, step: step.name.clone() }),
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
            found_by: None,
            asks: None,
            reasons: Vec::new(),
            dry_run,
        };
        if step.mode == Mode::Read {
            // It asks as writes do: where nothing holds it, and where a person wants it so.
            plan.title = format!("{} (it only reads by its author's word)", plan.title.raw()).into();
        }
        let reach = Reach { targets: plan.targets.clone(), outside: 0, critical: 0, odd_text: execute::is_odd(&plan) };
        self.propose(plan, &reach, by, now)
    }

    /// Lets the policy judge a plan, and puts it on record.
    pub(super) fn propose(&self, mut plan: Plan, reach: &Reach, by: &Person, now: Time) -> anyhow::Result<String> {
        let members = ledger::members(&self.journal, plan.incident)?;
        let past = Past::of(&self.journal, plan.incident)?.or_severity(ledger::worst(&self.journal, &members)?);
        let ruling = self.rules.judge(by, &past.facts(&plan, reach, now), &past.around(by, now));
        plan.tier = ruling.tier;
        plan.reasons = ruling.reasons;
        plan.policy = self.rules.version();
        plan.asks = Some(Asks { typed: ruling.typed.then(|| guard::words(&plan).into()), second: ruling.second });
        let id = plan.id();
        let line = format!(
            "plan {id} proposed: {}; to approve: {}",
            plan.title.show(Policy::Prose).as_str(),
            guard::asks(&plan)
        );
        self.journal.append(vec![plan_draft(now, act_key()?, id, &plan.into())]).context("cannot record")?;
        Ok(line)
    }

    fn runbook(&self, name: &Untrusted) -> anyhow::Result<Runbook> {
        (self.hands.runbook)(name.raw())
            .with_context(|| format!("there is no runbook {} any more", name.show(Policy::Exact).as_str()))
    }

    /// What stands around a step of this runbook.
    fn around(&self, runbook: &Runbook, step: &Step) -> wall::Surroundings {
        let mut around = self.hands.wall.clone();
        let hosts = runbook.hosts.iter().chain(&step.hosts);
        around.hosts.extend(hosts.map(|host| (host.name.raw().to_owned(), host.port)));
        if let Some(timeout) = step.timeout {
            around.limits.time = timeout.min(Duration::from_secs(600));
        }
        around
    }

    /// What a runbook can be for, of an incident: `seen`, and the labels of its alerts.
    fn facts(&self, incident: IncidentId, seen: &Facts) -> anyhow::Result<Facts> {
        let mut alerts: Vec<(Time, Labels)> = Vec::new();
        for fingerprint in ledger::members(&self.journal, incident)?.iter().take(ALERTS_ASKED) {
            if let Some(alert) = ledger::alert(&self.journal, fingerprint)? {
                alerts.push((alert.starts_at, alert.labels));
            }
        }
        alerts.sort_by_key(|(starts, _)| *starts);
        Ok(Facts { alerts: alerts.into_iter().map(|(_, labels)| labels).collect(), ..seen.clone() })
    }

    /// Where the incident is, as the labels of its alerts agree.
    fn environment(&self, facts: &Facts) -> Option<Untrusted> {
        let mut found = facts
            .alerts
            .iter()
            .filter_map(|labels| self.hands.environment_labels.iter().find_map(|name| labels.get(name.as_str())));
        let first = found.next()?;
        let known = match first.raw() {
            "prod" | "production" | "live" => "production",
            "stage" | "staging" | "preprod" => "staging",
            "test" | "dev" | "qa" => "test",
            _ => return None,
        };
        found.all(|other| other == first).then(|| known.into())
    }
}

/// Whether its inputs are known and its program is here: what cannot run is no finding.
fn can_run(step: &OfferedStep) -> bool {
    match &step.request {
        Ok(Request::Process { argv }) => argv.first().is_some_and(|program| wall::program(program.raw()).is_ok()),
        Ok(_) => true,
        Err(_) => false,
    }
}

fn step_of<'r>(runbook: &'r Runbook, name: &Untrusted) -> anyhow::Result<&'r Step> {
    runbook.step(name.raw()).with_context(|| {
        let (runbook, step) = (runbook.name.show(Policy::Exact), name.show(Policy::Exact));
        format!("the runbook {} has no step {} any more", runbook.as_str(), step.as_str())
    })
}

/// Values for the inputs of a step: what a person typed, else what the incident knows; the inputs nobody knows; and by which
/// paths text from outside got in.
fn values(
    runbook: &Runbook,
    step: &Step,
    facts: &Facts,
    typed: &BTreeMap<Untrusted, Untrusted>,
) -> (Result<Values, String>, Vec<Untrusted>, Vec<Untrusted>) {
    let used: Vec<_> = runbook.inputs.iter().filter(|input| step.inputs.contains(&input.name)).cloned().collect();
    let (mut given, mut missing, mut taint) = (Vec::new(), Vec::new(), Vec::new());
    for known in runbook::known(&used, facts) {
        let value = match (typed.get(&known.input), known.value) {
            (Some(typed), _) => typed.clone(),
            (None, Some(value)) => {
                if known.outside {
                    taint.push(
                        format!("{} = \"{}\" reaches {}", known.from.raw(), value.raw(), known.input.raw()).into(),
                    );
                }
                value
            }
            (None, None) => {
                missing.push(known.input);
                continue;
            }
        };
        given.push((known.input, value));
    }
    let checked = Values::check(&used, given.iter().map(|(name, value)| (name, value)))
        .map_err(|bad| bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    (checked, missing, taint)
}

fn surfaces(runbook: &Runbook) -> Vec<Surface> {
    let of = runbook.rollback.as_ref().map(|rollback| rollback.of.surface());
    let named = runbook.matches.iter().flat_map(|matches| matches.surfaces.iter().copied());
    of.into_iter().chain(named).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
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

/// A writing step of a procedure that takes something back is a stage of it.
fn purpose(runbook: &Runbook, step: &Step) -> Purpose {
    if runbook.rollback.is_none() {
        return Purpose::Mend;
    }
    let stages: Vec<&Step> = runbook.steps.iter().filter(|step| step.mode == Mode::Write).collect();
    let nth = stages.iter().position(|stage| stage.name == step.name);
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    match nth {
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

/// The line of an output that matters: the last one that says something.
fn finding(output: &str, ended: &ReadEnd) -> Untrusted {
    let line = output.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let text = line.map_or_else(|| format!("it said nothing ({})", ended.in_words().raw()), str::to_owned);
    let mut cut = text.len().min(FINDING);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    text[..cut].into()
}
