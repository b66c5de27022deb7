//! Runs opened whole: marks, retries, and runs as no sender should send them.

use std::time::Instant;

use super::*;
use crate::event::SpanStatus;
use crate::surface::made::{agent, chat, sent, span, tool};

#[test]
fn steps_are_marked_by_the_first_rule_that_holds_and_retries_are_told() {
    let mut busy = tool(1, 2, 1, "pay", "{\"a\":1}", "Error: busy");
    busy.status = SpanStatus::Error;
    let again = tool(1, 3, 2, "pay", "{\"a\":1}", "Error: busy");
    let good = tool(1, 4, 3, "pay", "{\"a\":1}", "paid");
    let other = tool(1, 5, 4, "find", "{}", "");
    let seek = span(
        1,
        6,
        1,
        5,
        &[("gen_ai.operation.name", "retrieval".into()), ("gen_ai.retrieval.documents", serde_json::json!([]))],
    );
    let mut third = chat(1, 7, 6, "Your refund has been paid", "length");
    third.attributes.insert("gen_ai.usage.cost".into(), 0.25.into());
    third.attributes.insert("gen_ai.request.attempt".into(), 3.into());
    let run = open(sent(&[agent(1, 0, &[]), busy, again, good, other, seek, third]));
    let told: Vec<_> =
        run.steps.iter().map(|step| (step.suspicious.as_ref().map(|one| one.rule), step.retry)).collect();
    assert_eq!(
        told,
        [
            (None, 0),
            (Some(Mark::Failed), 0),
            (Some(Mark::Failed), 1),
            (Some(Mark::Repeated), 2),
            (Some(Mark::EmptyResult), 0),
            (Some(Mark::RetrievedNothing), 0),
            (Some(Mark::EndedHere), 2),
        ]
    );
    let facts = run.facts.expect("a run");
    assert_eq!((facts.retries, facts.cost), (3, Some(0.25)));
    assert_eq!(run.steps[6].cost, Some(0.25));
    assert!(run.steps[1].cost.is_none(), "not captured is not nothing");
}

/// Ten thousand spans, each the parent of the next; or in one circle.
fn chain(circle: bool) -> Vec<(Untrusted, Span)> {
    let spans: Vec<Span> = (1..=10_000_u32)
        .map(|n| {
            let above = if n > 1 {
                n - 1
            } else if circle {
                10_000
            } else {
                0
            };
            let mut one = tool(1, n, i64::from(n), "find", "{\"q\":1}", "[1]");
            one.parent = span(1, n, above, 0, &[]).parent;
            one
        })
        .collect();
    sent(&spans)
}

#[test]
fn fault_36_ten_thousand_levels_and_a_circle_of_them_open_whole() {
    for circle in [false, true] {
        let begun = Instant::now();
        let run = open(chain(circle));
        let took = begun.elapsed();
        assert_eq!(run.steps.len(), 10_000);
        assert_eq!(run.steps.last().map(|step| step.depth), Some(9_999));
        let marked = run.steps.iter().filter(|step| step.suspicious.is_some()).count();
        assert_eq!(marked, 9_998, "every call after the second repeats it");
        // In proportion to the spans: where every pair were looked at it would take minutes without optimisation.
        assert!(took.as_secs() < 30, "{took:?}");
    }
}
