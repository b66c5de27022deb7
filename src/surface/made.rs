//! Spans made for tests.

use serde_json::Value;

use crate::event::{
    Attributes, Resource, Span, SpanBatch, SpanEvent, SpanId, SpanKind, SpanStatus, Time, TraceId, Untrusted,
};

/// Second `second` of the tests' night.
pub(crate) fn at(second: i64) -> Time {
    Time::from_second(1_790_000_000 + second).unwrap()
}

/// A span of a run, one second long; a root where `parent` is 0.
pub(crate) fn span(trace: u8, id: u32, parent: u32, second: i64, pairs: &[(&str, Value)]) -> Span {
    let span_id = |id: u32| SpanId((u64::from(id) + 1).to_be_bytes());
    Span {
        trace_id: TraceId([trace; 16]),
        span_id: span_id(id),
        parent: (parent > 0).then(|| span_id(parent)),
        name: "span".into(),
        kind: SpanKind::Internal,
        start: at(second),
        end: at(second + 1),
        status: SpanStatus::Unset,
        status_message: Untrusted::default(),
        attributes: attributes(pairs),
        events: Vec::new(),
    }
}

fn attributes(pairs: &[(&str, Value)]) -> Attributes {
    pairs.iter().map(|(name, value)| (Untrusted::from(*name), value.clone())).collect()
}

/// What a model said, with the provider's reason.
pub(crate) fn chat(trace: u8, id: u32, second: i64, said: &str, reason: &str) -> Span {
    let out = serde_json::json!([{"role": "assistant", "parts": [{"type": "text", "content": said}]}]);
    span(
        trace,
        id,
        1,
        second,
        &[
            ("gen_ai.operation.name", "chat".into()),
            ("gen_ai.request.model", "large".into()),
            ("gen_ai.output.messages", out),
            ("gen_ai.response.finish_reasons", serde_json::json!([reason])),
        ],
    )
}

/// A tool's call; `result` is what it answered, an error where it begins so.
pub(crate) fn tool(trace: u8, id: u32, second: i64, name: &str, arguments: &str, result: &str) -> Span {
    span(
        trace,
        id,
        1,
        second,
        &[
            ("gen_ai.operation.name", "execute_tool".into()),
            ("gen_ai.tool.name", name.into()),
            ("gen_ai.tool.call.arguments", arguments.into()),
            ("gen_ai.tool.call.result", result.into()),
        ],
    )
}

/// The agent that holds the rest, as span 1.
pub(crate) fn agent(trace: u8, second: i64, pairs: &[(&str, Value)]) -> Span {
    let own = [("gen_ai.operation.name", Value::from("invoke_agent")), ("gen_ai.agent.name", "bot".into())];
    span(trace, 1, 0, second, &own.into_iter().chain(pairs.iter().cloned()).collect::<Vec<_>>())
}

/// A run of one model call: asked for `large`, answered by `served`, of which its judge said `verdict`.
pub(crate) fn answered(trace: u8, second: i64, served: &str, verdict: &str) -> Span {
    let pairs = [
        ("gen_ai.operation.name", "chat".into()),
        ("gen_ai.request.model", "large".into()),
        ("gen_ai.response.model", served.into()),
    ];
    judged(span(trace, 0, 0, second, &pairs), verdict)
}

/// The verdict of a judge on a span.
pub(crate) fn judged(span: Span, label: &str) -> Span {
    found(span, "quality", label)
}

/// What the evaluation `name` found of a span.
pub(crate) fn found(mut span: Span, name: &str, label: &str) -> Span {
    span.events.push(SpanEvent {
        time: span.end,
        name: "gen_ai.evaluation.result".into(),
        attributes: attributes(&[
            ("gen_ai.evaluation.name", name.into()),
            ("gen_ai.evaluation.score.label", label.into()),
        ]),
    });
    span
}

/// A delivery of spans.
pub(crate) fn batch(items: Vec<Span>) -> SpanBatch {
    batch_of(&"support".into(), &[], items)
}

/// The same, from a process of `service` that says `pairs` of itself, as an SDK does it.
pub(crate) fn batch_of(service: &Untrusted, pairs: &[(&str, Value)], items: Vec<Span>) -> SpanBatch {
    SpanBatch { resources: vec![Resource { service: service.clone(), attributes: attributes(pairs), items }] }
}

/// The same, as a reader of one run gets them.
pub(crate) fn sent(spans: &[Span]) -> Vec<(Untrusted, Span)> {
    spans.iter().map(|span| ("support".into(), span.clone())).collect()
}
