//! Spans made for tests.

use serde_json::Value;

use crate::event::{Resource, Span, SpanBatch, SpanEvent, SpanId, SpanKind, SpanStatus, Time, TraceId, Untrusted};

/// Second `second` of the tests' night.
pub(super) fn at(second: i64) -> Time {
    Time::from_second(1_790_000_000 + second).unwrap()
}

/// A span of a run, one second long; a root where `parent` is 0.
pub(super) fn span(trace: u8, id: u32, parent: u32, second: i64, pairs: &[(&str, Value)]) -> Span {
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
        attributes: pairs.iter().map(|(name, value)| (Untrusted::from(*name), value.clone())).collect(),
        events: Vec::new(),
    }
}

/// What a model said, with the provider's reason.
pub(super) fn chat(trace: u8, id: u32, second: i64, said: &str, reason: &str) -> Span {
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
pub(super) fn tool(trace: u8, id: u32, second: i64, name: &str, arguments: &str, result: &str) -> Span {
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
pub(super) fn agent(trace: u8, second: i64, pairs: &[(&str, Value)]) -> Span {
    let own = [("gen_ai.operation.name", Value::from("invoke_agent")), ("gen_ai.agent.name", "bot".into())];
    span(trace, 1, 0, second, &own.into_iter().chain(pairs.iter().cloned()).collect::<Vec<_>>())
}

/// The verdict of a judge on a span.
pub(super) fn judged(mut span: Span, label: &str) -> Span {
    let attributes = [("gen_ai.evaluation.name", "quality"), ("gen_ai.evaluation.score.label", label)];
    span.events.push(SpanEvent {
        time: span.end,
        name: "gen_ai.evaluation.result".into(),
        attributes: attributes.iter().map(|(name, value)| (Untrusted::from(*name), Value::from(*value))).collect(),
    });
    span
}

/// A delivery of spans.
pub(super) fn batch(items: Vec<Span>) -> SpanBatch {
    SpanBatch {
        resources: vec![Resource { service: "support".into(), items, attributes: std::collections::BTreeMap::new() }],
    }
}

/// The same, as a reader of one run gets them.
pub(super) fn sent(spans: &[Span]) -> Vec<(Untrusted, Span)> {
    spans.iter().map(|span| ("support".into(), span.clone())).collect()
}
