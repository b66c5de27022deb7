//! What carries out plans where the record is a demo, a drill or an import: nothing. Its incidents are not there, and a command
//! proposed for them must not meet a world that is.

use std::collections::BTreeSet;

use super::{Executor, Reach, Watch, is_odd};
use crate::event::{Fingerprint, Outcome, Plan};

/// Runs nothing, and says so.
pub(in crate::response) struct Rehearsal;

impl Executor for Rehearsal {
    fn takes(&self, _plan: &Plan) -> bool {
        true
    }

    fn resolve(&self, plan: &Plan, _members: &BTreeSet<Fingerprint>) -> anyhow::Result<Reach> {
        Ok(Reach { targets: plan.targets.clone(), outside: 0, critical: 0, odd_text: is_odd(plan) })
    }

    fn send(&self, _plan: &Plan, _watch: &mut dyn Watch) -> Outcome {
        Outcome::Done { receipt: "rehearsed: nothing was run, since this record is labelled as no real one".into() }
    }

    fn look_up(&self, _plan: &Plan) -> anyhow::Result<Option<Outcome>> {
        Ok(None)
    }
}
