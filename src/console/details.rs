//! Larger things, fetched off the drawing thread and kept for a while.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::view::{ActionView, ChangeDetail, RunDetail};
use crate::event::{Alert, Fingerprint, PlanId, Seq, TraceId, Untrusted};
use crate::surface::RunTable;
use crate::surface::harm::Harm;

/// So many are kept; the one asked for longest ago goes first.
const KEPT: usize = 64;

/// A larger thing, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Want {
    /// An alert with its labels.
    Alert(Fingerprint),
    /// A run with its steps and turns.
    Run(TraceId),
    /// The newest runs as a table, as of when it was opened.
    Runs,
    /// A change with both sides.
    Change(Untrusted),
    /// A plan.
    Plan(PlanId),
    /// An entry as it stands in the journal.
    Entry(Seq),
    /// What these bad runs of an incident did to people.
    Harm(Arc<[TraceId]>),
}

/// What came back.
#[derive(Clone, Debug)]
pub enum Detail {
    /// An alert.
    Alert(Box<Alert>),
    /// A run.
    Run(Box<RunDetail>),
    /// The newest runs.
    Runs(Box<RunTable>),
    /// A change.
    Change(Box<ChangeDetail>),
    /// A plan.
    Plan(Box<ActionView>),
    /// An entry, pretty-printed.
    Entry(Untrusted),
    /// What bad runs did.
    Harm(Box<Harm>),
    /// There is no such thing at that moment.
    Absent,
}

/// How far it is.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// On its way.
    Loading,
    /// Here.
    Ready(Arc<Detail>),
    /// It could not be read, and why.
    Failed(Untrusted),
}

#[derive(Clone, Debug)]
struct Slot {
    state: Loaded,
    through: Seq,
    under_way: bool,
    asked: u64,
}

/// What was fetched so far.
#[derive(Debug, Default)]
pub struct Details {
    slots: BTreeMap<Want, Slot>,
    clock: u64,
}

impl Details {
    /// How far `want` is; [`Loaded::Loading`] also when nobody asked for it yet.
    #[must_use]
    pub fn get(&self, want: &Want) -> Loaded {
        self.slots.get(want).map_or(Loaded::Loading, |slot| slot.state.clone())
    }

    /// Notes that `want` is to be on the screen as of `through`; whether it has to be fetched.
    pub(super) fn ask(&mut self, want: &Want, through: Seq) -> bool {
        self.clock += 1;
        let asked = self.clock;
        if let Some(slot) = self.slots.get_mut(want) {
            slot.asked = asked;
            // Entries, changes and plans' texts do not alter; runs and alerts grow. The table of runs is read again when it is
            // opened again: what is being compared does not move.
            let alters = matches!(want, Want::Run(_) | Want::Alert(_) | Want::Plan(_));
            if slot.under_way || slot.through == through || (!alters && slot.through < through) {
                return false;
            }
            slot.under_way = true;
            return true;
        }
        if self.slots.len() >= KEPT {
            let oldest = self.slots.iter().min_by_key(|(_, slot)| slot.asked).map(|(want, _)| want.clone());
            oldest.and_then(|want| self.slots.remove(&want));
        }
        self.slots.insert(want.clone(), Slot { state: Loaded::Loading, through, under_way: true, asked });
        true
    }

    /// Whatever was fetched of `want` is to be fetched again; until then it stays.
    pub(super) fn renew(&mut self, want: &Want) {
        if let Some(slot) = self.slots.get_mut(want).filter(|slot| !slot.under_way) {
            // Later than any entry: whatever is asked for then is another state.
            slot.through = Seq(u64::MAX);
        }
    }

    /// Takes what came back. What nobody waits for any more is dropped.
    pub(super) fn arrived(&mut self, want: &Want, through: Seq, result: Result<Detail, Untrusted>) {
        if let Some(slot) = self.slots.get_mut(want) {
            slot.under_way = false;
            slot.through = through;
            slot.state = match result {
                Ok(detail) => Loaded::Ready(Arc::new(detail)),
                Err(error) => Loaded::Failed(error),
            };
        }
    }

    /// Forgets everything: the moment shown is another one.
    pub(super) fn forget(&mut self) {
        self.slots.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_fetched_once_and_again_only_when_it_can_have_grown() {
        let mut details = Details::default();
        let run = Want::Run(TraceId([1; 16]));
        let change = Want::Change("c".into());
        assert!(details.ask(&run, Seq(5)) && details.ask(&change, Seq(5)));
        assert!(!details.ask(&run, Seq(6)), "it is under way");
        details.arrived(&run, Seq(5), Ok(Detail::Absent));
        details.arrived(&change, Seq(5), Ok(Detail::Absent));
        assert!(details.ask(&run, Seq(6)));
        assert!(!details.ask(&change, Seq(6)));
    }

    #[test]
    fn only_so_many_are_kept() {
        let mut details = Details::default();
        for seq in 0..1000 {
            details.ask(&Want::Entry(Seq(seq)), Seq(1));
        }
        assert_eq!(details.slots.len(), KEPT);
        assert!(details.slots.contains_key(&Want::Entry(Seq(999))));
    }
}
