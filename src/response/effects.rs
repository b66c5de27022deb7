//! What came of a change: the incident's alerts when it ended, and some time after.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::desk::LocalDesk;
use super::ledger::{self, plan_draft};
use crate::event::{
    AlertStatus, EffectChecked, Fact, Fingerprint, Kind, Outcome, PlanId, Purpose, Recovery, Seq, Symptom, Time,
};
use crate::journal::{JournalError, Query, Record, term};

/// It is looked at so long after a change ended, and sooner once no alert fires any more.
const LOOKS: [SignedDuration; 2] = [SignedDuration::from_mins(5), SignedDuration::from_mins(15)];
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
            // Some time after the last look nobody waits for it any more.
            if changed && since < LOOKS[1] + LOOKS[0] {
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
        let incident = ledger.plan.incident;
        let members = ledger::members(&self.journal, incident)?;
        let before = self.firing(&members, Some(ended.seq))?;
        let after = self.firing(&members, None)?;
        let effect = compared(before, after);
        let stage = match effect {
            Recovery::Recovered => "recovered",
            _ if since >= LOOKS[1] => "late",
            _ if since >= LOOKS[0] => "early",
            _ => return Ok(()),
        };
        let said = |count: Firing| format!("{} of {}", count.firing, count.all).into();
        let symptom = Symptom { what: "alerts firing".into(), before: said(before), after: said(after), effect };
        let checked = EffectChecked {
            incident,
            plan: id,
            after_s: u64::try_from(since.as_secs()).unwrap_or(0),
            symptoms: vec![symptom],
            effect,
        };
        let key = format!("effect/{}/{stage}", id.0);
        // Whoever looks first writes it down; the same look of another desk has the same key.
        self.journal.append(vec![plan_draft(now, key, id, &checked.into())])?;
        Ok(())
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
}
