//! Hypotheses that wait for a hunch: where a team wants its own guess written down first, what the engine thinks stands behind a veil
//! until the person wrote one, or chose to see it without.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::View;
use crate::engine::view::IncidentView;
use crate::event::{IncidentId, Kind, Person};
use crate::surface::Around;

/// `view` as this person may see it, and the incidents of which something is behind the veil: open ones with a diagnosis, of which the
/// person neither wrote a hunch nor asked to see it (`revealed`).
pub(super) fn over(
    view: &Arc<View>,
    person: &Person,
    revealed: &BTreeSet<IncidentId>,
) -> (Arc<View>, BTreeSet<IncidentId>) {
    let veiled: BTreeSet<IncidentId> =
        view.incidents.items.iter().filter(|one| waits(one, person, revealed)).map(|one| one.id).collect();
    if veiled.is_empty() {
        return (Arc::clone(view), veiled);
    }
    let mut seen = View::clone(view);
    for one in seen.incidents.items.iter_mut().filter(|one| veiled.contains(&one.id)) {
        *one = Arc::new(behind(one));
    }
    (Arc::new(seen), veiled)
}

fn waits(one: &IncidentView, person: &Person, revealed: &BTreeSet<IncidentId>) -> bool {
    let over = one.truth.is_some() || matches!(one.state, crate::engine::view::IncidentState::Resolved(_));
    let wrote = one.hunches.iter().any(|hunch| hunch.author == person.login);
    // Who decided has seen it, on this screen or another.
    let decided = one.decisions.iter().any(|decision| decision.by == *person);
    one.diagnosis.is_some() && !over && !wrote && !decided && !revealed.contains(&one.id)
}

/// An incident without what the engine makes of it: facts stay.
fn behind(one: &IncidentView) -> IncidentView {
    let mut seen = one.clone();
    seen.diagnosis = None;
    seen.around = Around::default();
    // What was alike before, and what helped then, says what it may be as well.
    seen.similar = None;
    seen.way = crate::engine::view::WayView::default();
    if let Some(group) = seen.groups.items.first() {
        seen.headline =
            format!("{}: {}; a diagnosis waits for your hunch", group.service.raw(), group.name.raw()).into();
    }
    seen.timeline.items.retain(|item| item.kind != Kind::Diagnosed);
    for change in &mut seen.changes.items {
        change.suspicion = 0.0;
        change.why = "not shown before your hunch".into();
    }
    seen.changes.items.sort_by_key(|change| std::cmp::Reverse(change.at));
    seen
}
