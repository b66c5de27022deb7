//! The journal's own incidents, each judged again as of its page by the engine that runs now.
//!
//! The journal is read once, from its beginning. When an incident has been opened and its first alerts are in it, it is judged from what
//! was recorded until then: later entries have not been read yet. What engines concluded then is left out; what people decided, merged
//! and confirmed before stays, and so does the calibration of that time.

use std::collections::BTreeMap;
use std::time::Instant;

use super::judge::{Answer, Grouping};
use super::progress::Progress;
use super::score::{self, Mark};
use crate::diagnosis::ENGINE;
use crate::engine::Fold;
use crate::event::{Cause, Diagnosis, Fact, IncidentId, Kind, Regrouped, Time, Truth, Verdict};
use crate::feedback::{Given, is_right};
use crate::journal::{Journal, Query};

/// One incident while the journal is read.
struct Page {
    opened: Time,
    answer: Option<Answer>,
    alerts: BTreeMap<String, u64>,
    /// What people said it was, and when.
    named: Vec<(Time, Cause)>,
    truth: Option<(Time, Truth)>,
    merged: bool,
}

/// Judges every incident opened at `since` or later, in order of its number.
pub(super) fn run(
    journal: &dyn Journal,
    since: Option<Time>,
    progress: &mut Progress,
    mut note: impl FnMut(&str),
) -> anyhow::Result<Vec<Answer>> {
    let mut fold = Fold::new();
    let mut pages: BTreeMap<IncidentId, Page> = BTreeMap::new();
    let mut waiting: Vec<IncidentId> = Vec::new();
    let head = journal.head()?;
    let mut query = Query { through: Some(head), ..Query::default() };
    loop {
        let records = journal.read(&query)?;
        let Some(last) = records.last() else { break };
        query.after = last.seq;
        for record in &records {
            // An incident and its first alerts are recorded together; whatever else follows comes after the page.
            if !matches!(record.kind, Kind::IncidentOpened | Kind::Grouped) {
                judge(&fold, &mut pages, &mut waiting);
            }
            let fact = record.fact()?;
            match &fact {
                Fact::IncidentOpened(opened) if since.is_none_or(|since| record.arrived >= since) => {
                    let page = Page {
                        opened: record.arrived,
                        answer: None,
                        alerts: BTreeMap::new(),
                        named: Vec::new(),
                        truth: None,
                        merged: false,
                    };
                    pages.insert(opened.incident, page);
                    waiting.push(opened.incident);
                }
                Fact::Grouped(grouped) if waiting.contains(&grouped.incident) => {
                    if let Some(page) = pages.get_mut(&grouped.incident) {
                        page.alerts.extend(grouped.alerts.iter().map(|print| (print.to_string(), grouped.incident.0)));
                    }
                }
                _ => people(&fact, record.at, &mut pages),
            }
            if record.kind != Kind::Diagnosed {
                fold.apply(record);
            }
        }
        progress.said(query.after.0, head.0, "entries", &mut note);
    }
    judge(&fold, &mut pages, &mut waiting);
    Ok(pages.into_values().filter(|page| !page.merged).filter_map(marked).collect())
}

/// What people said of an incident.
fn people(fact: &Fact, at: Time, pages: &mut BTreeMap<IncidentId, Page>) {
    let Some(page) = fact.incident().and_then(|id| pages.get_mut(&id)) else { return };
    match fact {
        Fact::Decided(decision) => match &decision.verdict {
            Verdict::Accept => page.named.push((at, decision.cause.clone())),
            Verdict::Modify { instead } => page.named.push((at, instead.clone())),
            Verdict::Reject => {}
        },
        Fact::TruthConfirmed(confirmed) => {
            // The last word counts, and the first time it was said.
            let first = page.truth.as_ref().map_or(at, |(first, _)| *first);
            page.truth = Some((first, confirmed.truth.clone()));
        }
        Fact::Regrouped(regrouped) if matches!(**regrouped, Regrouped::Merge { .. }) => page.merged = true,
        _ => {}
    }
}

/// Judges what waits, as of its page.
fn judge(fold: &Fold, pages: &mut BTreeMap<IncidentId, Page>, waiting: &mut Vec<IncidentId>) {
    for id in waiting.drain(..) {
        let Some(page) = pages.get_mut(&id) else { continue };
        let begun = Instant::now();
        let diagnosis: Option<Diagnosis> = fold.diagnosis(id, page.opened);
        let incident = Grouping::of(std::mem::take(&mut page.alerts));
        let name = id.to_string().as_str().into();
        page.answer = Some(Answer::new(name, page.opened, begun.elapsed(), diagnosis.as_ref(), incident));
    }
}

/// The answer with its mark, where the cause was confirmed.
fn marked(page: Page) -> Option<Answer> {
    let mut answer = page.answer?;
    let Some((confirmed, truth)) = page.truth else { return Some(answer) };
    let said: Vec<_> = answer.hypotheses.iter().map(|guess| &guess.said).collect();
    let given: Given = score::given(&said, answer.none_of_these, |top| match top {
        None => is_right(None, &truth),
        Some(said) => said.cause().is_some_and(|cause| is_right(Some(&cause), &truth)),
    });
    let named = page.named.iter().filter(|(_, cause)| is_right(Some(cause), &truth)).map(|(at, _)| *at);
    let known = named.chain([confirmed]).min()?;
    let mut mark = Mark::of(given);
    mark.named_after_s = Some(known.duration_since(page.opened).as_secs_f64().max(0.0));
    answer.score = Some(mark);
    Some(answer)
}

/// What stands above the figures.
pub(super) fn about() -> String {
    format!("{ENGINE} on this journal's own incidents, each as of its page")
}
