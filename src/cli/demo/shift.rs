//! Moves a fact in time, with every moment inside it.

use jiff::SignedDuration;

use crate::event::{Fact, Time};
use crate::journal::Draft;

/// The same draft, `by` later. Its key stays: what was one fact in the recording is one fact now.
pub fn shifted(draft: Draft, by: SignedDuration) -> anyhow::Result<Draft> {
    let mut fact = Fact::decode(draft.kind, &draft.body)?;
    let later = |time: &mut Time| *time = time.saturating_add(by).unwrap_or(*time);
    match &mut fact {
        Fact::Alert(alert) => {
            later(&mut alert.starts_at);
            alert.ends_at.iter_mut().for_each(later);
        }
        Fact::Change(change) => later(&mut change.time),
        Fact::Spans(batch) => {
            for span in batch.resources.iter_mut().flat_map(|resource| &mut resource.items) {
                later(&mut span.start);
                later(&mut span.end);
                span.events.iter_mut().for_each(|event| later(&mut event.time));
            }
        }
        Fact::Logs(batch) => {
            batch
                .resources
                .iter_mut()
                .flat_map(|resource| &mut resource.items)
                .for_each(|record| later(&mut record.time));
        }
        Fact::Metrics(batch) => {
            batch.series.iter_mut().flat_map(|series| &mut series.points).for_each(|(time, _)| later(time));
        }
        // Facts of a bundle that carry no moment of their own.
        _ => {}
    }
    let mut at = draft.at;
    later(&mut at);
    Ok(Draft { at, body: fact.encode(), ..draft })
}
