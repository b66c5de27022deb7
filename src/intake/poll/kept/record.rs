//! Putting on record what a page shows and the journal does not have yet.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use sha2::Digest as _;

use super::span::{UNENDED, VERDICT};
use super::{Shown, Verdict};
use crate::event::{Digest, Fact, Kind, Source, Span, SpanEvent, SpanId, TraceId};
use crate::intake::key;
use crate::intake::otlp::{Entries, Sender, Sink as _};
use crate::journal::{Draft, Journal, JournalError, Query, Receipt, term};

/// At most so many spans are remembered as being on record; of others the journal is asked.
const SPANS: usize = 50_000;
/// At most so many verdicts are remembered.
const VERDICTS: usize = 20_000;

/// What is known to be on record. A cache: what is not in it is looked up.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Whether the span had ended.
    spans: HashMap<(TraceId, SpanId), bool>,
    spans_in_order: VecDeque<(TraceId, SpanId)>,
    verdicts: BTreeSet<Digest>,
    verdicts_in_order: VecDeque<Digest>,
}

impl Known {
    fn note(&mut self, trace: TraceId, span: SpanId, whole: bool) {
        match self.spans.insert((trace, span), whole) {
            Some(before) => drop(self.spans.insert((trace, span), before || whole)),
            None => self.spans_in_order.push_back((trace, span)),
        }
        while self.spans_in_order.len() > SPANS {
            self.spans_in_order.pop_front().map(|oldest| self.spans.remove(&oldest));
        }
    }

    fn note_verdict(&mut self, digest: Digest) {
        if self.verdicts.insert(digest) {
            self.verdicts_in_order.push_back(digest);
        }
        while self.verdicts_in_order.len() > VERDICTS {
            self.verdicts_in_order.pop_front().map(|oldest| self.verdicts.remove(&oldest));
        }
    }

    /// Whether `shown` says nothing that is not on record.
    fn has(&self, shown: &Shown) -> bool {
        let id = (shown.span.trace_id, shown.span.span_id);
        self.spans.get(&id).is_some_and(|whole| *whole || !shown.whole)
    }
}

/// Records those of `spans` that are not on record, read from `part` of `source`; the receipt, and how many were there already by
/// another way.
pub(super) fn spans(
    journal: &dyn Journal,
    known: &mut Known,
    source: Source,
    part: &str,
    spans: Vec<Shown>,
) -> Result<(Receipt, u64), JournalError> {
    let unknown =
        |known: &Known, spans: Vec<Shown>| spans.into_iter().filter(|shown| !known.has(shown)).collect::<Vec<_>>();
    let unseen = unknown(known, spans);
    let traces: BTreeSet<TraceId> = unseen.iter().map(|shown| shown.span.trace_id).collect();
    for trace in traces {
        // An entry holds spans of many traces: what was noted with one of them need not be looked up again.
        if unseen.iter().any(|shown| shown.span.trace_id == trace && !known.has(shown)) {
            let whole = |span: &Span| !span.attributes.contains_key(UNENDED);
            each(journal, trace, |_, span| known.note(span.trace_id, span.span_id, whole(span)))?;
        }
    }
    let before = unseen.len();
    let mut fresh = unknown(known, unseen);
    let duplicates = (before - fresh.len()) as u64;
    // Each once, though the page may show it twice.
    let mut ids = BTreeSet::new();
    fresh.retain(|shown| ids.insert((shown.span.trace_id, shown.span.span_id)));
    let noted: Vec<_> = fresh.iter().map(|shown| (shown.span.trace_id, shown.span.span_id, shown.whole)).collect();
    let receipt = append(journal, source, part, fresh)?;
    for (trace, span, whole) in noted {
        known.note(trace, span, whole);
    }
    Ok((receipt, duplicates))
}

/// Records `verdicts` with the spans they are about: the span as it is on record, and the verdict among its events. A verdict on
/// what is not on record is left for later.
pub(super) fn verdicts(
    journal: &dyn Journal,
    known: &mut Known,
    source: Source,
    part: &str,
    verdicts: Vec<Verdict>,
) -> Result<Receipt, JournalError> {
    let mut by_trace: BTreeMap<TraceId, Vec<(Digest, Verdict)>> = BTreeMap::new();
    for verdict in verdicts {
        let digest = digest_of(&verdict);
        if !known.verdicts.contains(&digest) {
            by_trace.entry(verdict.trace).or_default().push((digest, verdict));
        }
    }
    let (mut judged, mut noted) = (Vec::new(), Vec::new());
    for (trace, verdicts) in by_trace {
        let mut run: BTreeMap<SpanId, (Sender, Span)> = BTreeMap::new();
        each(journal, trace, |sender, span| {
            if span.trace_id == trace {
                run.insert(span.span_id, (sender.clone(), span.clone()));
            }
        })?;
        let mut changed = BTreeSet::new();
        for (digest, verdict) in verdicts {
            let Some(about) = verdict.span.or_else(|| root(&run)) else { continue };
            let Some((_, span)) = run.get_mut(&about) else { continue };
            if !span.events.contains(&verdict.event) {
                let name = verdict.event.attributes.get(VERDICT).cloned();
                span.events.retain(|event| name.is_none() || event.attributes.get(VERDICT) != name.as_ref());
                span.events.push(verdict.event);
                changed.insert(about);
            }
            noted.push(digest);
        }
        for about in changed {
            if let Some((sender, span)) = run.remove(&about) {
                let size = serde_json::to_vec(&span).map_or(0, |bytes| bytes.len());
                judged.push(Shown { sender, span, size, whole: true, name: None });
            }
        }
    }
    let receipt = append(journal, source, part, judged)?;
    for digest in noted {
        known.note_verdict(digest);
    }
    Ok(receipt)
}

fn digest_of(verdict: &Verdict) -> Digest {
    let mut all = verdict.trace.0.to_vec();
    all.extend(verdict.span.map_or([0; 8], |span| span.0));
    all.extend(said(std::slice::from_ref(&verdict.event)));
    Digest::of(&all)
}

fn said(events: &[SpanEvent]) -> Vec<u8> {
    serde_json::to_vec(events).unwrap_or_default()
}

/// The span that stands for the whole run: the earliest whose parent is not there.
fn root(run: &BTreeMap<SpanId, (Sender, Span)>) -> Option<SpanId> {
    let roots = run.values().filter(|(_, span)| span.parent.is_none_or(|parent| !run.contains_key(&parent)));
    let first = roots.min_by_key(|(_, span)| (span.parent.is_some(), span.start, span.span_id));
    first.map(|(_, span)| span.span_id)
}

/// Shows every recorded span of the entries that hold spans of `trace`, in order, with who sent it.
fn each(journal: &dyn Journal, trace: TraceId, mut take: impl FnMut(&Sender, &Span)) -> Result<(), JournalError> {
    let mut query = Query { kinds: vec![Kind::Spans], term: Some(term::trace(trace)), ..Query::default() };
    loop {
        let page = journal.read(&query)?;
        let Some(last) = page.last() else { return Ok(()) };
        query.after = last.seq;
        for record in &page {
            // One that cannot be read is told of by the engine; here it is as if it were not there.
            let Ok(Fact::Spans(batch)) = record.fact() else { continue };
            for resource in batch.resources {
                let sender = Sender { service: resource.service, attributes: resource.attributes };
                resource.items.iter().for_each(|span| take(&sender, span));
            }
        }
    }
}

/// Appends spans, in the order of their start; their entries are named by what they say.
fn append(journal: &dyn Journal, source: Source, part: &str, mut spans: Vec<Shown>) -> Result<Receipt, JournalError> {
    if spans.is_empty() {
        return Ok(Receipt::default());
    }
    spans.sort_by_key(|shown| (shown.span.start, shown.span.trace_id, shown.span.span_id));
    let mut name = sha2::Sha256::new();
    for Shown { span, whole, .. } in &spans {
        name.update(span.trace_id.0);
        name.update(span.span_id.0);
        name.update([u8::from(*whole)]);
        name.update(said(&span.events));
    }
    let mut entries = Entries::named(key::kept(source, Digest(name.finalize().into())));
    for Shown { sender, span, size, .. } in spans {
        entries.take(&sender, span, size);
    }
    let found_by = |draft: Draft| draft.found_by(term::read_at(source, part));
    journal.append(entries.done().into_iter().map(found_by).collect())
}
