//! Reading steps that run on their own: of the runbook that fits best, for each open incident, within a budget.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::engine::view::{IncidentState, View};
use crate::event::{IncidentId, Time};
use crate::journal::Journal;
use crate::response::LocalDesk;
use crate::response::runbook::Facts;

/// So many steps of one incident run without being asked for; more run at a key.
const BUDGET: usize = 20;
/// An incident is looked at again no sooner, and only when it looks another.
const AGAIN: Duration = Duration::from_secs(30);
/// Held by whoever reads, so that two consoles do not run each step twice.
const LEASE: &str = "read";

/// Reads for as long as there is a desk. An incident whose data are invented or played back is left alone: what its steps
/// would look at is not there.
pub(super) async fn on_its_own(
    desk: Weak<LocalDesk>,
    journal: Weak<dyn Journal>,
    mut views: watch::Receiver<Arc<View>>,
) {
    let mut looked: BTreeMap<IncidentId, (Facts, Instant)> = BTreeMap::new();
    while views.changed().await.is_ok() {
        let todo = due(&views.borrow_and_update(), &looked);
        for (incident, facts) in todo {
            let (Some(desk), Some(journal)) = (desk.upgrade(), journal.upgrade()) else { return };
            looked.insert(incident, (facts.clone(), Instant::now()));
            let read = move || {
                // Who does not hold it leaves it to the one who does.
                let Ok(Some(_held)) = journal.lease(LEASE) else { return };
                // What cannot be read or written says so through the engine; here it is tried again later.
                let _ = desk.read_on_its_own(incident, &facts, BUDGET, Time::now());
            };
            let _ = tokio::task::spawn_blocking(read).await;
        }
    }
}

/// Open and diagnosed incidents that look another than when they were looked at.
fn due(view: &View, looked: &BTreeMap<IncidentId, (Facts, Instant)>) -> Vec<(IncidentId, Facts)> {
    if view.label.is_some() || view.wound_back {
        return Vec::new();
    }
    let open = view.incidents.items.iter().filter(|incident| incident.state == IncidentState::Open);
    let diagnosed = open.filter(|incident| incident.diagnosis.is_some());
    let facts = diagnosed.map(|incident| (incident.id, incident.runbook_facts()));
    facts
        .filter(|(id, facts)| {
            looked.get(id).is_none_or(|(before, when)| !same(before, facts) && when.elapsed() >= AGAIN)
        })
        .collect()
}

/// Whether the same runbooks fit: the headline's words change with every number in it.
fn same(one: &Facts, other: &Facts) -> bool {
    (&one.services, &one.surfaces, &one.stops) == (&other.services, &other.surfaces, &other.stops)
}
