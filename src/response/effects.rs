//! What came of a change: the incident's alerts, and how the runs of what it is about end, against the time before the trouble.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::behaved::{self, Behaved};
use super::desk::LocalDesk;
use super::ledger::{self, plan_draft};
use crate::event::{
    AlertStatus, EffectChecked, Fact, Fingerprint, Kind, Outcome, PlanId, Purpose, Recovery, Seq, Symptom, Time,
};
use crate::journal::{JournalError, Query, Record, term};

/// It is looked at so long after a change ended, and sooner once no alert fires any more; again and again, since runs accumulate
/// and what the first ones cannot show the later ones may.
const LOOKS: [(SignedDuration, &str); 4] = [
    (SignedDuration::from_mins(5), "early"),
    (SignedDuration::from_mins(15), "late"),
    (SignedDuration::from_mins(30), "half-hour"),
    (SignedDuration::from_mins(60), "hour"),
];
/// Some time after the last look nobody waits for it any more.
const LAST: SignedDuration = SignedDuration::from_mins(65);
/// No alert fires any more and the runs do not show yet that they are as before: looked at once, at once.
const QUIET: &str = "quiet";
/// As before: not looked at again while no alert fires.
const RECOVERED: &str = "recovered";
/// As many of the newest changes are looked at.
const CHANGES: usize = 50;
/// As many alerts of an incident are looked at.
const ALERTS: usize = 200;

/// Firing alerts, of how many.
#[derive(Clone, Copy)]
struct Firing {
    firing: usize,
    all: usize,
}

impl LocalDesk {
    /// Looks at what came of changes that ended lately, and puts it on record.
    pub(super) fn look_at_effects(&self, now: Time) -> anyhow::Result<()> {
        let query = Query { kinds: vec![Kind::Finished], newest_first: true, limit: CHANGES, ..Query::default() };
        for record in self.journal.read(&query)? {
            let Fact::Finished(finished) = record.fact()? else { continue };
            let since = now.duration_since(record.arrived);
            let changed = matches!(finished.outcome, Outcome::Done { .. } | Outcome::Partly { .. });
            if changed && since < LAST {
                self.look(&record, finished.plan, since, now)?;
            }
        }
        Ok(())
    }

    fn look(&self, ended: &Record, id: PlanId, since: SignedDuration, now: Time) -> anyhow::Result<()> {
        let Some(ledger) = ledger::Ledger::of(&self.journal, id)? else { return Ok(()) };
        // A silence hides alerts: that they are quiet says nothing.
        let mends = matches!(ledger.plan.purpose, Purpose::Mend | Purpose::RollBack { .. });
        let hides = ledger.plan.traits.as_ref().is_none_or(|traits| traits.verb.raw() == "silence");
        if !mends || hides {
            return Ok(());
        }
        let looked = self.looks_at(id)?;
        let had = |stage: &str| looked.iter().any(|(key, _)| *key == key_of(id, stage));
        let due = LOOKS.iter().rev().find(|(after, _)| since >= *after).map(|(_, stage)| *stage);
        let due = due.filter(|stage| !had(stage));
        if due.is_none() && (had(RECOVERED) || had(QUIET)) {
            return Ok(());
        }
        let incident = ledger.plan.incident;
        let members = ledger::members(&self.journal, incident)?;
        let before = self.firing(&members, Some(ended.seq))?;
        let after = self.firing(&members, None)?;
        let alerts = compared(before, after);
        let quiet = alerts == Recovery::Recovered;
        if (quiet && had(RECOVERED)) || (due.is_none() && !quiet) {
            return Ok(());
        }
        let said = |count: Firing| format!("{} of {}", count.firing, count.all).into();
        let mut symptoms =
            vec![Symptom { what: "alerts firing".into(), before: said(before), after: said(after), effect: alerts }];
        let behaved = behaved::look(&self.journal, incident, &members, ended, now)?;
        let effect = together(alerts, behaved.as_ref().map(|behaved| behaved.effect));
        symptoms.extend(behaved.into_iter().flat_map(Behaved::symptoms));
        let stage = match (effect, due) {
            (Recovery::Recovered, _) if !had(RECOVERED) => RECOVERED,
            (_, Some(due)) => due,
            (_, None) => QUIET,
        };
        let after_s = u64::try_from(since.as_secs()).unwrap_or(0);
        let checked = EffectChecked { incident, plan: id, after_s, symptoms, effect };
        // Whoever looks first writes it down; the same look of another desk has the same key.
        self.journal.append(vec![plan_draft(now, key_of(id, stage), id, &checked.into())])?;
        Ok(())
    }

    /// What is on record of what came of a plan, with its key, oldest first.
    fn looks_at(&self, id: PlanId) -> anyhow::Result<Vec<(String, EffectChecked)>> {
        let query = Query { kinds: vec![Kind::EffectChecked], term: Some(term::plan(id)), ..Query::default() };
        let mut looks = Vec::new();
        for record in ledger::read_all(&self.journal, query)? {
            if let Fact::EffectChecked(checked) = record.fact()? {
                looks.push((record.key, *checked));
            }
        }
        Ok(looks)
    }

    /// The newest look at what came of a plan; `None` = nobody looked yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn came_of(&self, id: PlanId) -> anyhow::Result<Option<EffectChecked>> {
        Ok(self.looks_at(id)?.pop().map(|(_, checked)| checked))
    }

    /// How many of these fire, as of an entry or now.
    fn firing(&self, members: &BTreeSet<Fingerprint>, through: Option<Seq>) -> Result<Firing, JournalError> {
        let mut count = Firing { firing: 0, all: 0 };
        for fingerprint in members.iter().take(ALERTS) {
            let query = Query {
                kinds: vec![Kind::Alert],
                term: Some(term::alert(fingerprint)),
                through,
                limit: 1,
                newest_first: true,
                ..Query::default()
            };
            for record in self.journal.read(&query)? {
                if let Fact::Alert(alert) = record.fact()? {
                    count.all += 1;
                    count.firing += usize::from(alert.status == AlertStatus::Firing);
                }
            }
        }
        Ok(count)
    }
}

/// What two counts say. Alerts that fired none before leave nothing to recover from.
fn compared(before: Firing, after: Firing) -> Recovery {
    match (before.firing, after.firing) {
        (0, 0) => Recovery::Unclear,
        (_, 0) => Recovery::Recovered,
        (before, after) if after < before => Recovery::Better,
        (before, after) if after > before => Recovery::Worse,
        _ => Recovery::Unmoved,
    }
}

/// What alerts and runs say together: recovered only where both do. Alerts that are quiet while too few runs came say nothing yet.
fn together(alerts: Recovery, runs: Option<Recovery>) -> Recovery {
    use Recovery::{Better, Recovered, Unclear, Unmoved, Worse};
    match (alerts, runs) {
        (alerts, None) => alerts,
        (Worse, _) | (_, Some(Worse)) => Worse,
        (Recovered, Some(Recovered)) => Recovered,
        (Recovered | Unclear, Some(Unclear)) => Unclear,
        (Unclear, Some(runs)) => runs,
        (alerts, Some(Unclear)) => alerts,
        (Unmoved, Some(Unmoved)) => Unmoved,
        (_, Some(_)) => Better,
    }
}

fn key_of(id: PlanId, stage: &str) -> String {
    format!("effect/{}/{stage}", id.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_counts_say() {
        let firing = |firing| Firing { firing, all: 5 };
        for (before, after, effect) in [
            (3, 0, Recovery::Recovered),
            (3, 1, Recovery::Better),
            (3, 3, Recovery::Unmoved),
            (3, 4, Recovery::Worse),
            (0, 0, Recovery::Unclear),
            (0, 2, Recovery::Worse),
        ] {
            assert_eq!(compared(firing(before), firing(after)), effect, "{before} {after}");
        }
    }
    #[test]
    fn recovered_is_what_alerts_and_runs_both_say() {
        use Recovery::{Better, Recovered, Unclear, Unmoved, Worse};
        for (alerts, runs, effect) in [
            (Recovered, None, Recovered),
            (Recovered, Some(Recovered), Recovered),
            (Recovered, Some(Unclear), Unclear),
            (Recovered, Some(Unmoved), Better),
            (Recovered, Some(Worse), Worse),
            (Unmoved, Some(Recovered), Better),
            (Unmoved, Some(Unmoved), Unmoved),
            (Unmoved, Some(Unclear), Unmoved),
            (Unclear, Some(Recovered), Recovered),
            (Better, Some(Better), Better),
        ] {
            assert_eq!(together(alerts, runs), effect, "{alerts:?} {runs:?}");
        }
    }
}
