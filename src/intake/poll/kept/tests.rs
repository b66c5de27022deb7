//! What becomes of pages, over a journal in memory.

use super::record::{self, Known};
use super::*;
use crate::event::{Fact, Kind, SpanKind, SpanStatus, Untrusted};
use crate::intake::otlp::{Entries, Sink as _};
use crate::journal::SqliteJournal;

fn at(second: i64) -> Time {
    Time::from_second(1_795_000_000 + second).unwrap()
}

fn shown(trace: u8, id: u8, parent: u8, second: i64) -> Shown {
    let span = Span {
        trace_id: TraceId([trace; 16]),
        span_id: SpanId([id; 8]),
        parent: (parent > 0).then_some(SpanId([parent; 8])),
        name: "chat".into(),
        kind: SpanKind::Unspecified,
        start: at(second),
        end: at(second + 1),
        status: SpanStatus::Unset,
        status_message: Untrusted::default(),
        attributes: [("gen_ai.operation.name".into(), "chat".into())].into(),
        events: Vec::new(),
    };
    let sender = Sender { service: "bot".into(), ..Sender::default() };
    Shown { sender, span, size: 100, whole: true, name: None }
}

fn verdict(trace: u8, span: u8, id: &str, label: &str) -> Verdict {
    let said = span::Said { name: "correct".into(), label: Some(label.into()), ..span::Said::default() };
    let event = span::verdict(Source::Phoenix, id, at(9), said).unwrap();
    Verdict { trace: TraceId([trace; 16]), span: (span > 0).then_some(SpanId([span; 8])), event }
}

/// Every recorded span: trace, id, and the labels of its verdicts.
fn recorded(journal: &SqliteJournal) -> Vec<(u8, u8, Vec<String>)> {
    let records = journal.read(&Query { kinds: vec![Kind::Spans], ..Query::default() }).unwrap();
    let batches = records.iter().map(|record| match record.fact().unwrap() {
        Fact::Spans(batch) => batch,
        other => panic!("{other:?}"),
    });
    let spans = batches.flat_map(|batch| batch.resources.into_iter().flat_map(|resource| resource.items));
    let label = |event: &SpanEvent| event.attributes["gen_ai.evaluation.score.label"].as_str().unwrap().to_owned();
    spans.map(|span| (span.trace_id.0[0], span.span_id.0[0], span.events.iter().map(label).collect())).collect()
}

fn put(journal: &SqliteJournal, known: &mut Known, page: Vec<Shown>) -> (u64, u64) {
    let (receipt, duplicates) = record::spans(journal, known, Source::Phoenix, "default", page).unwrap();
    (receipt.recorded, duplicates)
}

#[test]
fn a_span_is_recorded_once_however_often_it_is_shown_and_whoever_sent_it() {
    let journal = SqliteJournal::in_memory().unwrap();
    let mut sent = Entries::of(b"sent by OTLP");
    let by_otlp = shown(1, 1, 0, 0);
    sent.take(&by_otlp.sender, by_otlp.span, 100);
    journal.append(sent.done()).unwrap();

    let mut known = Known::default();
    let page = || vec![shown(1, 1, 0, 0), shown(1, 2, 1, 1), shown(2, 1, 0, 2), shown(2, 1, 0, 2)];
    assert_eq!(put(&journal, &mut known, page()), (1, 1), "one entry; one span was there by another way");
    assert_eq!(put(&journal, &mut known, page()), (0, 0), "shown again: that is how it is read");
    assert_eq!(put(&journal, &mut Known::default(), page()).0, 0, "after a restart the journal knows");
    let ids: Vec<_> = recorded(&journal).into_iter().map(|(trace, id, _)| (trace, id)).collect();
    assert_eq!(ids, [(1, 1), (1, 2), (2, 1)]);
    assert_eq!(newest(&journal, term::read_at(Source::Phoenix, "default")).unwrap(), Some(at(3)));
    assert_eq!(newest(&journal, term::read_at(Source::Phoenix, "other")).unwrap(), None);
    let keys: Vec<_> = journal.read(&Query::default()).unwrap().into_iter().map(|record| record.key).collect();
    let read: Vec<_> = keys.iter().map(|key| crate::intake::read_at(key)).collect();
    assert_eq!(read, [None, Some(Source::Phoenix)]);
}

#[test]
fn what_had_not_ended_is_recorded_again_when_it_has_and_only_then() {
    let journal = SqliteJournal::in_memory().unwrap();
    let open = || {
        let mut open = shown(1, 1, 0, 0);
        open.whole = false;
        open.span.attributes.insert(span::UNENDED.into(), true.into());
        open
    };
    let mut known = Known::default();
    assert_eq!(put(&journal, &mut known, vec![open()]).0, 1);
    assert_eq!(put(&journal, &mut known, vec![open()]).0, 0);
    assert_eq!(put(&journal, &mut Known::default(), vec![open()]).0, 0);
    assert_eq!(put(&journal, &mut Known::default(), vec![shown(1, 1, 0, 0)]).0, 1);
    assert_eq!(put(&journal, &mut known, vec![shown(1, 1, 0, 0)]).0, 0, "the journal knows what this reader did not");
    assert_eq!(put(&journal, &mut Known::default(), vec![open(), shown(1, 1, 0, 0)]).0, 0);
}

#[test]
fn a_verdict_is_recorded_with_its_span_once_and_a_new_one_takes_its_place() {
    let journal = SqliteJournal::in_memory().unwrap();
    let mut known = Known::default();
    let judge = |known: &mut Known, verdicts: Vec<Verdict>| {
        record::verdicts(&journal, known, Source::Phoenix, "default", verdicts).unwrap().recorded
    };
    assert_eq!(judge(&mut known, vec![verdict(1, 2, "a", "pass")]), 0, "nothing to say it of yet");
    put(&journal, &mut known, vec![shown(1, 1, 0, 0), shown(1, 2, 1, 1)]);
    assert_eq!(judge(&mut known, vec![verdict(1, 2, "a", "pass"), verdict(1, 0, "b", "fail")]), 1);
    assert_eq!(judge(&mut known, vec![verdict(1, 2, "a", "pass"), verdict(1, 0, "b", "fail")]), 0);
    assert_eq!(judge(&mut Known::default(), vec![verdict(1, 2, "a", "pass")]), 0, "after a restart the journal knows");
    assert_eq!(judge(&mut known, vec![verdict(1, 2, "a", "fail"), verdict(1, 2, "c", "pass")]), 1);
    let all = recorded(&journal);
    let last = |id| all.iter().rev().find(|span| span.1 == id).unwrap().2.clone();
    assert_eq!(last(1), ["fail"], "a verdict on the run stands with its root");
    assert_eq!(last(2), ["fail", "pass"], "the same judge's word was replaced");
}
