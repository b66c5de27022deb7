//! A procedure walked through without changing anything: what reads runs, what has a dry run runs that, of the rest it is told
//! whether it could be sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Context as _, ensure};

use super::stages;
use crate::event::{IncidentId, Person, Policy, ReadEnd, Rehearsed, RehearsedStep, Request, Time, Tried, Untrusted};
use crate::journal::Draft;
use crate::response::desk::{LocalDesk, act_key};
use crate::response::ledger;
use crate::response::past::Past;
use crate::response::runbook::{Facts, Mode, Runbook, Step};
use crate::response::steps::{Given, finding, values};
use crate::response::wall;

/// One rehearsal under way.
struct Walk<'a> {
    desk: &'a LocalDesk,
    runbook: &'a Runbook,
    facts: Facts,
    typed: &'a BTreeMap<Untrusted, Untrusted>,
    past: Past,
    walked: BTreeSet<Untrusted>,
    steps: Vec<RehearsedStep>,
}

impl LocalDesk {
    /// Rehearses a procedure, for an incident or while nothing is on fire, and puts on record how it went. Returns that in a
    /// line.
    ///
    /// # Errors
    /// When there is no such procedure, when the wall does not hold here, on a record that is labelled as no real one, or when the
    /// journal fails.
    pub fn rehearse(
        &self,
        incident: Option<IncidentId>,
        name: &Untrusted,
        typed: &BTreeMap<Untrusted, Untrusted>,
        seen: &Facts,
        by: &Person,
        now: Time,
    ) -> anyhow::Result<String> {
        let runbook = self.runbook(name)?;
        let stages = stages(&runbook);
        let shown = name.show(Policy::Exact);
        ensure!(
            !stages.is_empty(),
            "{} takes nothing back: there is nothing to rehearse (a procedure says `rollback:` in its head)",
            shown.as_str()
        );
        ensure!(
            !ledger::is_labelled(&self.journal)?,
            "this record is labelled as no real one: its commands must not meet a world that is"
        );
        ensure!(
            wall::standing_of(&self.hands.wall.program).holds(),
            "this kernel does not hold reading steps, so nothing is rehearsed: `warroom doctor` says what it lacks"
        );
        let (facts, past) = match incident {
            Some(incident) => (self.facts(incident, seen)?, Past::of(&self.journal, incident)?),
            None => (seen.clone(), Past::default()),
        };
        let mut walk =
            Walk { desk: self, runbook: &runbook, facts, typed, past, walked: BTreeSet::new(), steps: Vec::new() };
        let began = Instant::now();
        for stage in &stages {
            for step in stage.precondition.iter().chain([&stage.step]).chain(&stage.verify).chain(&stage.undo) {
                let proves = stage.verify.as_ref() == Some(step);
                walk.step(step, proves);
            }
        }
        let steps = walk.steps;
        let told = told(name, &steps);
        let rehearsed = Rehearsed {
            incident,
            runbook: runbook.name.clone(),
            digest: runbook.digest,
            began: now,
            took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            steps,
            by: by.clone(),
        };
        self.journal.append(vec![Draft::new(now, act_key()?, &rehearsed.into())]).context("cannot record")?;
        Ok(told)
    }
}

impl Walk<'_> {
    fn step(&mut self, name: &Untrusted, proves: bool) {
        if !self.walked.insert(name.clone()) {
            return;
        }
        let Some(step) = self.runbook.step(name.raw()) else { return };
        let began = Instant::now();
        let (tried, would_do, said) = match self.tried(step, proves) {
            Ok(found) => found,
            Err(error) => (Tried::Looked, Some(false), format!("{error:#}").into()),
        };
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.steps.push(RehearsedStep { step: name.clone(), tried, would_do, said, took_ms });
    }

    fn tried(&self, step: &Step, proves: bool) -> anyhow::Result<(Tried, Option<bool>, Untrusted)> {
        let earlier = self.past.values(&self.runbook.name);
        let Given { checked, missing, .. } = values(self.runbook, step, &self.facts, self.typed, earlier);
        let missing: Vec<&str> = missing.iter().map(Untrusted::raw).collect();
        ensure!(missing.is_empty(), "nobody knows {}: give a value", missing.join(", "));
        let values = checked.map_err(anyhow::Error::msg)?;
        let known = &self.desk.hands.known;
        let request = self.runbook.request(step, &values, known)?;
        if let Request::Process { argv } = &request
            && let Some(program) = argv.first()
        {
            wall::program(program.raw()).map_err(anyhow::Error::msg)?;
        }
        let (tried, request) = match (step.mode, self.runbook.dry_run(step, &values, known)) {
            (Mode::Read, _) => (Tried::Ran, request),
            (Mode::Write, Some(dry_run)) => (Tried::DryRun, dry_run?),
            (Mode::Write, None) => {
                let said =
                    "it has no dry run: its inputs are known and what it runs is here; that is all that can be told";
                return Ok((Tried::Looked, None, said.into()));
            }
        };
        let around = self.desk.around(self.runbook, step);
        let read = wall::read(&request, &around, &mut |_| {}, &|| false)?;
        // What shows whether a change worked need not say so before the change: that it runs is enough.
        let runs = matches!(read.ended, ReadEnd::Exit { .. } | ReadEnd::Http { .. } | ReadEnd::Rows { .. });
        let well = if proves && tried == Tried::Ran { runs } else { read.ended.is_well() };
        let said = finding(&String::from_utf8_lossy(&read.output), &read.ended);
        let said =
            if read.ended.is_well() { said } else { format!("{}: {}", read.ended.in_words().raw(), said.raw()).into() };
        Ok((tried, Some(well), said))
    }
}

/// How it went, in a line: what would not do comes first.
fn told(name: &Untrusted, steps: &[RehearsedStep]) -> String {
    let count = |would: Option<bool>| steps.iter().filter(|step| step.would_do == would).count();
    let name = name.show(Policy::Exact);
    let rest = format!(
        "{} would do, {} cannot be told without doing them; nothing was changed",
        count(Some(true)),
        count(None)
    );
    match steps.iter().find(|step| step.would_do == Some(false)) {
        None => format!("{}: {rest}", name.as_str()),
        Some(first) => {
            let (step, said) = (first.step.show(Policy::Exact), first.said.show(Policy::Prose));
            let fails = count(Some(false));
            format!("{}: {fails} would NOT do ({}: {}), {rest}", name.as_str(), step.as_str(), said.as_str())
        }
    }
}
