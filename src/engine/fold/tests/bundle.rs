use std::path::Path;

use crate::engine::Fold;
use crate::engine::fold::tests::{Paper, folded};
use crate::engine::view::IncidentState;

/// Plays a bundle as a leader sees it: every minute what has happened by then arrives.
fn played(name: &str) -> (Paper, Fold) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo").join(name);
    let bundle = crate::intake::bundle::read(&folder).unwrap();
    let (mut paper, mut fold) = (Paper::default(), Fold::new());
    let mut drafts = bundle.drafts.into_iter().peekable();
    while let Some(first) = drafts.peek() {
        let minute = first.at.checked_add(jiff::SignedDuration::from_mins(1)).unwrap();
        let mut now = Vec::new();
        while let Some(draft) = drafts.next_if(|draft| draft.at <= minute) {
            now.push(draft);
        }
        paper.write(now, minute);
        paper.lead(&mut fold, minute);
    }
    (paper, fold)
}

#[test]
fn the_demo_incidents_become_one_incident_each_with_changes_diagnosis_and_runs() {
    for name in ["ai", "infra"] {
        let (paper, mut fold) = played(name);
        let view = fold.view();
        assert!(!view.incidents.items.is_empty(), "{name}: no incident");
        let incident = &view.incidents.items[0];
        println!(
            "{name}: {} entries, {} incidents, {} loose; {}: {} alerts in {} groups, {} changes, {} runs, {} lines, {} series, {} surfaces",
            paper.records.len(),
            view.incidents.items.len(),
            view.loose_alerts,
            incident.headline.raw(),
            incident.alerts,
            incident.groups.items.len(),
            incident.changes.items.len(),
            incident.runs.items.len(),
            incident.timeline.items.len(),
            incident.series.len(),
            incident.surfaces.len(),
        );
        assert_eq!(incident.state, IncidentState::Open);
        assert!(incident.alerts > 1 && !incident.groups.items.is_empty());
        assert!(incident.owner.is_none());
        assert!(!incident.changes.items.is_empty(), "{name}: no changes");
        let diagnosis = incident.diagnosis.as_ref().expect("a diagnosis");
        let shares: f64 = diagnosis.diagnosis.hypotheses.iter().map(|h| h.confidence.share).sum();
        assert!((shares + diagnosis.diagnosis.none_of_these - 1.0).abs() < 1e-6);
        assert!(incident.timeline.items.windows(2).all(|pair| pair[0].at <= pair[1].at));
        if name == "ai" {
            assert!(!incident.runs.items.is_empty() && !incident.surfaces.is_empty());
        }
    }
}

#[test]
fn any_split_into_batches_and_any_restart_gives_the_same_picture() {
    let (paper, _) = played("infra");
    let whole = folded(&paper.records).view();
    for size in [1, 7, 100, 5_000] {
        let mut fold = Fold::new();
        for batch in paper.records.chunks(size) {
            fold.apply_all(batch);
            if size != 7 {
                fold.view();
            }
        }
        assert_eq!(fold.view(), whole, "batches of {size}");
    }
    for cut in [1, paper.records.len() / 3, paper.records.len() - 2] {
        let (before, after) = paper.records.split_at(cut);
        let mut fold = Fold::restore(&folded(before).checkpoint()).unwrap();
        for record in before {
            fold.recall(record);
        }
        fold.apply_all(after);
        let view = fold.view();
        assert_eq!(view.incidents, whole.incidents, "restart after {cut}");
        assert_eq!(view, whole, "restart after {cut}");
    }
}
