//! The desk of one process: what a person does becomes entries, and an approved plan is executed once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};

use anyhow::{Context as _, bail, ensure};

use super::call::Callee;
use super::clock::Clock;
use super::contain::Stop;
use super::execute::{Executor, SilenceExecutor};
use super::freeze::Freeze;
use super::ledger::{self, Life};
use super::plans::Answer;
use super::policy::Rules;
use super::runbook::{self, Runbook};
use super::steps::{Offered, StepAt, StepWatch, Unwatched};
use super::{Act, Desk, wall};
use crate::event::{
    Decision, Fact, Fingerprint, Hunch, IncidentId, Note, OutputLabel, OutputRead, Owned, Person, Regrouped, Resolved,
    Seq, SeveritySet, Time, TriageAnswered, TruthConfirmed, Untrusted, Verdict,
};
use crate::journal::{Draft, Query, SharedJournal, key, term};

/// The longest note, hunch or reason, bytes.
pub(super) const MAX_TEXT: usize = 64 * 1024;

/// How many numbers are tried for an incident that is split off, while others open at the same time.
const NUMBERS_TRIED: usize = 50;

/// Reads one runbook anew, by its name.
pub type ReadRunbook = dyn Fn(&str) -> Option<Runbook> + Send + Sync;

/// Reads the rules.
pub type ReadRules = Box<dyn FnOnce() -> Rules + Send>;

/// What a desk can carry out, and what it knows for it.
pub struct Hands {
    /// Where silences are made; `None` = nowhere.
    pub silences: Option<SilenceExecutor>,
    /// What carries out everything else, the first that takes a plan.
    pub executors: Vec<Box<dyn Executor>>,
    /// The runbooks as they are now.
    pub runbooks: Box<dyn Fn() -> Vec<Runbook> + Send + Sync>,
    /// One runbook, read anew.
    pub runbook: Box<ReadRunbook>,
    /// What stands around a reading step.
    pub wall: wall::Surroundings,
    /// What steps need to know of the house.
    pub known: runbook::Surroundings,
    /// How the team holds changes; `None` = it does not.
    pub freeze: Option<Freeze>,
    /// What the team can stop.
    pub stops: Vec<Stop>,
    /// Who can be called from here; what carries that out is among the executors.
    pub calls: Vec<Callee>,
    /// Labels of alerts that say where they are, the first that an alert has.
    pub environment_labels: Vec<String>,
}

impl Default for Hands {
    fn default() -> Self {
        Self {
            silences: None,
            executors: Vec::new(),
            runbooks: Box::new(Vec::new),
            runbook: Box::new(|_| None),
            wall: wall::Surroundings::default(),
            known: runbook::Surroundings::default(),
            freeze: None,
            stops: Vec::new(),
            calls: Vec::new(),
            environment_labels: ["environment", "env", "stage"].map(str::to_owned).to_vec(),
        }
    }
}

/// The desk of this process.
pub struct LocalDesk {
    pub(super) journal: SharedJournal,
    pub(super) hands: Hands,
    pub(super) rules: LazyLock<Rules, ReadRules>,
    pub(super) clock: Clock,
    /// Proposals that were answered or began: not asked again whether their time is over.
    pub(super) settled: Mutex<BTreeSet<Seq>>,
    /// This process is about to end: what runs stops where it is.
    pub(super) leaving: AtomicBool,
    /// When this process last looked who is held by each freeze.
    pub(super) looked: std::sync::Mutex<std::collections::BTreeMap<crate::event::PlanId, Time>>,
}

impl Desk for LocalDesk {
    fn perform(&self, incident: IncidentId, act: Act, by: &Person, now: Time) -> anyhow::Result<String> {
        // The kill switch is of no incident.
        if let Act::Halt { on, reason } = act {
            return self.halt(on, reason, by, now);
        }
        let life = ledger::life(&self.journal, incident)?;
        let Some(life) = life else { bail!("there is no incident {incident}") };
        match act {
            Act::ProposeSilence { alerts, minutes, comment } => {
                is_open(incident, life)?;
                self.propose_silence(incident, &alerts, minutes, &comment, by, now)
            }
            Act::ProposeCall(at) => {
                is_open(incident, life)?;
                self.propose_call(incident, &at, by, now)
            }
            Act::Approve { plan, typed, glass, read_ms } => {
                let answer = Answer { typed: typed.as_ref(), glass: glass.as_ref(), read_ms };
                self.approve(incident, plan, answer, by, now)
            }
            Act::Cancel { plan, reason } => self.cancel(incident, plan, reason, by, now),
            Act::Called { point, whom, how } => self.called(incident, point, whom, how, by, now),
            Act::MarkHarm { item, status, note } => self.mark_harm(incident, item, status, note, by, now),
            Act::ProposeFreeze { services, surfaces, minutes } => {
                is_open(incident, life)?;
                self.propose_freeze(incident, services, surfaces, minutes, by, now)
            }
            Act::ProposeStop { item, again } => self.propose_stop(incident, &item, again, by, now),
            Act::ProposeThaw => self.propose_thaw(incident, by, now),
            Act::RunStep(at) => {
                is_open(incident, life)?;
                self.run_step(incident, &at, Some(by), now, &Unwatched)
            }
            Act::ProposeStep(at) => {
                is_open(incident, life)?;
                self.propose_step(incident, &at, by, now)
            }
            Act::Rehearse { runbook, values, seen } => self.rehearse(Some(incident), &runbook, &values, &seen, by, now),
            Act::Deny { plan, reason } => self.deny(incident, plan, reason, by, now),
            Act::Reconcile { plan } => self.reconcile(incident, plan, now),
            other => self.record(incident, life, other, by, now),
        }
    }

    fn look(
        &self,
        incident: IncidentId,
        at: &StepAt,
        by: &Person,
        now: Time,
        watch: &dyn StepWatch,
    ) -> anyhow::Result<String> {
        let life = ledger::life(&self.journal, incident)?;
        let Some(life) = life else { bail!("there is no incident {incident}") };
        is_open(incident, life)?;
        self.run_step(incident, at, Some(by), now, watch)
    }

    fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    fn stops(&self) -> Vec<Stop> {
        self.hands.stops.clone()
    }

    fn offered(&self, incident: IncidentId, seen: &runbook::Facts) -> anyhow::Result<Vec<Offered>> {
        self.fitting(incident, seen)
    }
}

impl LocalDesk {
    /// A desk that writes to `journal` and carries out with `hands` what people approve under `rules`. Its calls block and
    /// must not be made on async threads.
    #[must_use]
    pub fn new(journal: SharedJournal, hands: Hands, rules: Rules, now: Time) -> Self {
        Self::reading(journal, hands, Box::new(move || rules), now)
    }

    /// The same, with rules that are read when they are first asked: nothing is judged or approved without them, and reading them
    /// takes longer than the first frame may.
    #[must_use]
    pub fn reading(journal: SharedJournal, hands: Hands, rules: ReadRules, now: Time) -> Self {
        let rules = LazyLock::new(rules);
        Self {
            journal,
            hands,
            rules,
            clock: Clock::starting(now),
            settled: Mutex::default(),
            leaving: AtomicBool::new(false),
            looked: Mutex::default(),
        }
    }

    /// Reads the rules now, where they were not read yet. Blocks.
    pub fn read_rules(&self) {
        LazyLock::force(&self.rules);
    }

    /// Whether this process is about to end.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Entries that need no more than to be written.
    fn record(&self, incident: IncidentId, life: Life, act: Act, by: &Person, now: Time) -> anyhow::Result<String> {
        let mut also = None;
        let (fact, told): (Fact, String) = match act {
            Act::Own => {
                is_open(incident, life)?;
                (Owned { incident, by: by.clone() }.into(), format!("{incident} is yours"))
            }
            Act::Hunch(text) => {
                says_something(&text)?;
                (Hunch { incident, by: by.clone(), text }.into(), "hunch recorded".to_owned())
            }
            Act::Note(text) => {
                says_something(&text)?;
                let note = Note { incident: Some(incident), author: by.login.clone(), text };
                (note.into(), "note recorded".to_owned())
            }
            Act::Decide { diagnosis, inputs, rank, cause, shown_share, verdict, reason, opened, took_ms } => {
                ensure!(reason.raw().len() <= MAX_TEXT, "the reason is longer than {MAX_TEXT} bytes");
                let answer = match &verdict {
                    Verdict::Accept => "accepted",
                    Verdict::Modify { .. } => "modified",
                    Verdict::Reject => "rejected",
                };
                let decision = Decision {
                    incident,
                    by: by.clone(),
                    diagnosis,
                    inputs,
                    rank,
                    cause,
                    shown_share,
                    verdict,
                    reason,
                    opened,
                    took_ms,
                };
                self.was_shown(&decision)?;
                (decision.into(), format!("{answer}: recorded"))
            }
            Act::Split(alerts) => {
                is_open(incident, life)?;
                return self.split(incident, &alerts, by, now);
            }
            Act::Merge(into) => {
                is_open(incident, life)?;
                ensure!(into != incident, "an incident cannot be merged into itself");
                let Some(target) = ledger::life(&self.journal, into)? else { bail!("there is no incident {into}") };
                is_open(into, target)?;
                also = Some(into);
                (
                    Regrouped::Merge { from: incident, into, by: by.clone() }.into(),
                    format!("{incident} is now part of {into}"),
                )
            }
            Act::Lock => {
                is_open(incident, life)?;
                let told = format!("{incident} is locked: no alert joins or leaves it by itself");
                (Regrouped::Lock { incident, by: by.clone() }.into(), told)
            }
            Act::Rate { severity, name, suggested, why, rubric } => {
                is_open(incident, life)?;
                says_something(&name)?;
                ensure!(why.raw().len() <= MAX_TEXT, "the reason is longer than {MAX_TEXT} bytes");
                let told = format!("{incident} is {} now", name.show(crate::event::Policy::Prose).as_str());
                let by = by.clone();
                (SeveritySet { incident, severity, name, suggested, why, rubric, by }.into(), told)
            }
            Act::Resolve => {
                is_open(incident, life)?;
                let held = self.frozen(incident)?.filter(|frozen| frozen.until > now);
                let held = held.map_or_else(String::new, |frozen| {
                    format!("; changes are still held until {}: `:freeze off` proposes to let them go on", frozen.until)
                });
                (Resolved { incident, by: by.clone() }.into(), format!("{incident} is resolved{held}"))
            }
            Act::Confirm(truth) => {
                let confirmed = TruthConfirmed { incident, truth, by: by.clone() };
                (confirmed.into(), "the cause is recorded, and the accuracy record with it".to_owned())
            }
            Act::ReadOutput { trace, label, sample } => {
                let read = OutputRead { incident: Some(incident), trace, by: by.clone(), label, sample };
                (read.into(), format!("{}: recorded", read_as(label)))
            }
            Act::AnswerTriage { tree, question, asked, answer, evidence } => {
                for text in [&question, &asked, &answer].into_iter().chain(&evidence) {
                    says_something(text)?;
                }
                let told = format!("{}: recorded", answer.show(crate::event::Policy::Prose).as_str());
                let by = by.clone();
                (TriageAnswered { incident, by, tree, question, asked, answer, evidence }.into(), told)
            }
            _ => bail!("plans are not recorded this way"),
        };
        let mut draft = Draft::new(now, act_key()?, &fact);
        if let Some(other) = also {
            draft = draft.found_by(term::incident(other.0));
        }
        self.journal.append(vec![draft]).context("cannot record")?;
        Ok(told)
    }

    /// Splits alerts off into an incident of the next number. Whoever takes a number first has it; the other takes the next.
    fn split(&self, from: IncidentId, alerts: &[Fingerprint], by: &Person, now: Time) -> anyhow::Result<String> {
        self.all_members(from, alerts)?;
        for _ in 0..NUMBERS_TRIED {
            let into = IncidentId(ledger::highest_incident(&self.journal)? + 1);
            let split = Regrouped::Split { from, into, alerts: alerts.to_vec(), by: by.clone() };
            let draft = Draft::new(now, key::incident(into.0), &split.into()).found_by(term::incident(into.0));
            if self.journal.append(vec![draft]).context("cannot record")?.recorded > 0 {
                return Ok(format!("{} alerts of {from} are now {into}", alerts.len()));
            }
        }
        bail!("new incidents took every number that was tried: nothing was split off; try again")
    }

    /// A decision is about a diagnosis that exists, of this incident, with the inputs it says.
    fn was_shown(&self, decision: &Decision) -> anyhow::Result<()> {
        let Some(before) = decision.diagnosis.0.checked_sub(1) else { bail!("no diagnosis was on the screen") };
        let found = self.journal.read(&Query {
            after: Seq(before),
            through: Some(decision.diagnosis),
            limit: 1,
            ..Query::default()
        })?;
        let Some(record) = found.first() else { bail!("entry {} does not exist", decision.diagnosis) };
        match record.fact()? {
            Fact::Diagnosed(diagnosis) if diagnosis.incident == decision.incident => {
                ensure!(
                    diagnosis.inputs == decision.inputs,
                    "the diagnosis has changed since it was shown: look again"
                );
                ensure!(
                    diagnosis.hypotheses.len() >= usize::try_from(decision.rank)? && decision.rank >= 1,
                    "the diagnosis has no hypothesis {}",
                    decision.rank
                );
                Ok(())
            }
            _ => bail!("entry {} is no diagnosis of {}", decision.diagnosis, decision.incident),
        }
    }

    pub(super) fn all_members(&self, incident: IncidentId, alerts: &[Fingerprint]) -> anyhow::Result<()> {
        ensure!(!alerts.is_empty(), "choose at least one alert");
        let members = ledger::members(&self.journal, incident)?;
        if let Some(stranger) = alerts.iter().find(|alert| !members.contains(*alert)) {
            bail!("alert {stranger} is not of {incident}");
        }
        Ok(())
    }
}

fn read_as(label: OutputLabel) -> &'static str {
    match label {
        OutputLabel::Good => "read as good",
        OutputLabel::Bad => "read as bad",
        OutputLabel::Unsure => "read, and it cannot be told",
        OutputLabel::Skip => "nothing is said of this output",
    }
}

fn is_open(incident: IncidentId, life: Life) -> anyhow::Result<()> {
    match life {
        Life::Open => Ok(()),
        Life::Resolved => bail!("{incident} is resolved"),
        Life::Merged(into) => bail!("{incident} is part of {into}: do it there"),
    }
}

pub(super) fn says_something(text: &Untrusted) -> anyhow::Result<()> {
    ensure!(!text.raw().trim().is_empty(), "nothing was written");
    ensure!(text.raw().len() <= MAX_TEXT, "the text is longer than {MAX_TEXT} bytes");
    Ok(())
}

/// The key of an act that is not the same as any other, even if it looks it.
pub(super) fn act_key() -> anyhow::Result<String> {
    Ok(format!("act/{}", random()?))
}

/// 128 random bits in hexadecimal.
pub(super) fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(hex::encode(bytes))
}
