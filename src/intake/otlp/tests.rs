use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord as PbLog, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource as PbResource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as PbSpan, Status, span::Event};
use proptest::prelude::*;
use prost::Message as _;
use serde_json::{Value, json};

use super::*;
use crate::event::{SpanKind, SpanStatus};

/// Keeps what it is given.
struct Kept<T>(Vec<(Sender, T)>);

impl<T> Sink<T> for Kept<T> {
    fn take(&mut self, sender: &Sender, item: T, _: usize) {
        self.0.push((sender.clone(), item));
    }
}

const NOW: Time = Time::constant(1_795_308_600, 0);

fn spans(body: &[u8], encoding: Encoding) -> Result<(Vec<(Sender, Span)>, Tally), BadInput> {
    let mut kept = Kept(Vec::new());
    let tally = traces(body, encoding, NOW, &mut kept)?;
    Ok((kept.0, tally))
}

fn records(body: &[u8], encoding: Encoding) -> Result<(Vec<(Sender, LogRecord)>, Tally), BadInput> {
    let mut kept = Kept(Vec::new());
    let tally = logs(body, encoding, NOW, &mut kept)?;
    Ok((kept.0, tally))
}

fn av(value: any_value::Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(av(value)), ..Default::default() }
}

fn pb_span(n: u8) -> PbSpan {
    use any_value::Value as V;
    PbSpan {
        trace_id: vec![7; 16],
        span_id: vec![n; 8],
        parent_span_id: if n > 1 { vec![n - 1; 8] } else { vec![] },
        name: format!("step {n}"),
        kind: 3,
        start_time_unix_nano: 1_795_308_600_000_000_000,
        end_time_unix_nano: 1_795_308_600_000_000_000 + u64::from(n),
        attributes: vec![
            pair("text", V::StringValue("héllo".into())),
            pair("whole", V::IntValue(-3)),
            pair("part", V::DoubleValue(0.25)),
            pair("yes", V::BoolValue(true)),
            pair("bytes", V::BytesValue(vec![1, 2, 255])),
            pair(
                "list",
                V::ArrayValue(ArrayValue { values: vec![av(V::StringValue("a".into())), av(V::IntValue(1))] }),
            ),
            pair("map", V::KvlistValue(KeyValueList { values: vec![pair("k", V::BoolValue(false))] })),
        ],
        events: vec![Event {
            time_unix_nano: 1_795_308_600_000_000_001,
            name: "e".into(),
            attributes: vec![],
            ..Default::default()
        }],
        status: Some(Status { code: 2, message: "boom".into() }),
        ..Default::default()
    }
}

fn request(items: Vec<PbSpan>) -> ExportTraceServiceRequest {
    let service = pair("service.name", any_value::Value::StringValue("bot".into()));
    let resource = Some(PbResource { attributes: vec![service], ..Default::default() });
    let scope_spans = vec![ScopeSpans { spans: items, ..Default::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { resource, scope_spans, ..Default::default() }] }
}

#[test]
fn both_encodings_of_one_request_mean_the_same() {
    let request = request(vec![pb_span(1), pb_span(2)]);
    let (proto, tally) = spans(&request.encode_to_vec(), Encoding::Protobuf).unwrap();
    let (json, _) = spans(&serde_json::to_vec(&request).unwrap(), Encoding::Json).unwrap();
    assert_eq!(proto, json);
    assert_eq!(tally, Tally { accepted: 2, rejected: 0, message: None });
    let (sender, span) = &proto[1];
    assert_eq!((sender.service.raw(), span.parent), ("bot", Some(SpanId([1; 8]))));
    assert_eq!((span.kind, span.status, span.status_message.raw()), (SpanKind::Client, SpanStatus::Error, "boom"));
    let attributes =
        json!({"text":"héllo","whole":-3,"part":0.25,"yes":true,"bytes":"AQL/","list":["a",1],"map":{"k":false}});
    assert_eq!(serde_json::to_value(&span.attributes).unwrap(), attributes);
    assert_eq!(span.end.as_nanosecond(), 1_795_308_600_000_000_002);
}

#[test]
fn what_real_senders_sent_is_read_whole() {
    for (body, encoding, count) in [
        (&include_bytes!("../../../tests/data/captured/otlp/emit.pb")[..], Encoding::Protobuf, 6),
        (include_bytes!("../../../tests/data/captured/otlp/emit.json"), Encoding::Json, 6),
        (include_bytes!("../../../tests/data/captured/otlp/genai.json"), Encoding::Json, 1),
        (include_bytes!("../../../tests/data/captured/otlp/genai.pb"), Encoding::Protobuf, 1),
    ] {
        let (found, tally) = spans(body, encoding).unwrap();
        assert_eq!((found.len(), tally.rejected), (count, 0));
        assert!(found.iter().all(|(sender, span)| !sender.service.is_empty() && !span.attributes.is_empty()));
    }
}

#[test]
fn an_item_that_means_nothing_is_rejected_and_its_neighbours_are_taken() {
    let bad = |change: fn(&mut PbSpan)| {
        let mut span = pb_span(2);
        change(&mut span);
        span
    };
    let spans_of = vec![
        pb_span(1),
        bad(|span| span.trace_id = vec![0; 16]),
        bad(|span| span.trace_id = vec![1, 2]),
        bad(|span| span.span_id = vec![]),
        bad(|span| span.parent_span_id = vec![1]),
        bad(|span| span.attributes = vec![pair("a", any_value::Value::BoolValue(true)); 4097]),
        bad(|span| span.events = vec![Event::default(); 4097]),
        pb_span(3),
    ];
    let request = request(spans_of);
    for (body, encoding) in
        [(request.encode_to_vec(), Encoding::Protobuf), (serde_json::to_vec(&request).unwrap(), Encoding::Json)]
    {
        let (found, tally) = spans(&body, encoding).unwrap();
        assert_eq!((found.len(), tally.accepted, tally.rejected), (2, 2, 6));
        assert!(tally.message.unwrap().contains("trace id is all zero"));
    }
}

#[test]
fn odd_spans_are_taken_as_they_are() {
    let odd = |change: fn(&mut PbSpan)| {
        let mut span = pb_span(2);
        change(&mut span);
        spans(&request(vec![span]).encode_to_vec(), Encoding::Protobuf).unwrap().0.remove(0).1
    };
    assert_eq!(odd(|span| span.parent_span_id = vec![2; 8]).parent, Some(SpanId([2; 8])), "its own parent");
    let backwards = odd(|span| span.end_time_unix_nano = 5);
    assert!(backwards.end < backwards.start && Item::known(&backwards) == backwards.start);
    assert_eq!(odd(|span| span.start_time_unix_nano = 0).start, Time::UNIX_EPOCH);
    let far = odd(|span| span.end_time_unix_nano = u64::MAX).end;
    assert_eq!(far.as_nanosecond(), i128::from(i64::MAX), "2262 is the end of time");
    assert_eq!(odd(|span| span.kind = 99).kind, SpanKind::Unspecified);
    let deep = odd(|span| span.attributes = vec![pair("n", any_value::Value::DoubleValue(f64::NAN))]);
    assert_eq!(deep.attributes["n"], "NaN");
}

#[test]
fn json_says_numbers_as_text_ids_in_capitals_and_nan() {
    let span = json!({"traceId":"AB".repeat(16),"spanId":"CD".repeat(8),"name":"s","kind":3,"extra":{"x":[1]},
        "startTimeUnixNano":1_795_308_600_000_000_000_u64,"endTimeUnixNano":"1795308600000000001",
        "attributes":[{"key":"a","value":{"doubleValue":"NaN"}},{"key":"b","value":{"doubleValue":"-Infinity"}},
            {"key":"c","value":{"intValue":"9007199254740993"}},{"key":"d","value":{"intValue":7}},{"key":"e","value":{}},
            {"key":"f"},{"key":"g","value":{"doubleValue":2}}]});
    let body = |span: &Value| {
        json!({"resourceSpans":[{"scopeSpans":[{"spans":[span]}],"resource":{"attributes":null}}]}).to_string()
    };
    let (found, tally) = spans(body(&span).as_bytes(), Encoding::Json).unwrap();
    assert_eq!((tally.accepted, tally.rejected), (1, 0));
    let attributes = serde_json::to_value(&found[0].1.attributes).unwrap();
    assert_eq!(
        attributes,
        json!({"a":"NaN","b":"-Infinity","c":9_007_199_254_740_993_i64,"d":7,"e":null,"f":null,"g":2.0})
    );
    assert_eq!(found[0].1.trace_id, TraceId([0xAB; 16]));

    for (field, value, place) in [
        ("kind", json!("SPAN_KIND_CLIENT"), "/resourceSpans/0/scopeSpans/0/spans/0/kind: "),
        ("startTimeUnixNano", json!("soon"), "/resourceSpans/0/scopeSpans/0/spans/0/startTimeUnixNano: "),
        (
            "attributes",
            json!([{"key":"a","value":{"intValue":1.5}}]),
            "/resourceSpans/0/scopeSpans/0/spans/0/attributes/0/value",
        ),
    ] {
        let mut wrong = span.clone();
        wrong[field] = value;
        let error = spans(body(&wrong).as_bytes(), Encoding::Json).unwrap_err().to_string();
        assert!(error.starts_with(place), "{error}");
    }
    for (text, accepted) in [("{}", 0), (r#"{"resourceSpans":null}"#, 0), (r#"{"resourceSpans":[]}"#, 0)] {
        assert_eq!(spans(text.as_bytes(), Encoding::Json).unwrap().1.accepted, accepted);
    }
    let nested = format!("{}1{}", r#"{"arrayValue":{"values":["#.repeat(60), "]}}".repeat(60));
    let mut deep = span.clone();
    deep["attributes"] = json!([{"key":"a","value":"X"}]);
    let deep = body(&deep).replace("\"X\"", &nested);
    assert!(spans(deep.as_bytes(), Encoding::Json).unwrap_err().to_string().contains("recursion"));
}

#[test]
fn lists_in_lists_are_bounded_in_protobuf() {
    let mut value = any_value::Value::BoolValue(true);
    for _ in 0..40 {
        value = any_value::Value::ArrayValue(ArrayValue { values: vec![av(value)] });
    }
    let mut span = pb_span(1);
    span.attributes = vec![pair("deep", value)];
    let (found, tally) = spans(&request(vec![span]).encode_to_vec(), Encoding::Protobuf).unwrap();
    assert_eq!((found.len(), tally.rejected), (0, 1));
}

#[test]
fn more_items_than_one_request_may_carry_are_counted_exactly() {
    let extra = 5;
    let count = limits::OTLP_ITEMS + extra;
    let mut body = request(vec![]).encode_to_vec();
    let span = PbSpan { trace_id: vec![1; 16], span_id: vec![1; 8], ..Default::default() };
    let scope = ScopeSpans { spans: vec![span; usize::try_from(count).unwrap()], ..Default::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..Default::default() };
    body.extend(ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec());
    let mut entries = Entries::<Span>::of(&body);
    let tally = traces(&body, Encoding::Protobuf, NOW, &mut entries).unwrap();
    assert_eq!((tally.accepted, tally.rejected), (limits::OTLP_ITEMS, extra));
    let drafts = entries.done();
    assert_eq!(drafts.len() as u64, limits::OTLP_ITEMS.div_ceil(limits::ENTRY_ITEMS));
    assert_eq!(drafts[1].key, format!("otlp/{}/1", crate::event::Digest::of(&body)));
}

#[test]
fn a_log_record_has_a_time_a_severity_and_a_text_whatever_its_sender_left_out() {
    use any_value::Value as V;
    let record = |change: fn(&mut PbLog)| {
        let mut log = PbLog { body: Some(av(V::StringValue("b".into()))), ..Default::default() };
        change(&mut log);
        let scope_logs = vec![ScopeLogs { log_records: vec![log], ..Default::default() }];
        let request =
            ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..Default::default() }] };
        let proto = records(&request.encode_to_vec(), Encoding::Protobuf).unwrap().0.remove(0).1;
        let json = records(&serde_json::to_vec(&request).unwrap(), Encoding::Json).unwrap().0.remove(0).1;
        assert_eq!(proto, json);
        proto
    };
    assert_eq!(record(|_| {}).time, NOW);
    assert_eq!(record(|log| log.observed_time_unix_nano = 9).time.as_nanosecond(), 9);
    assert_eq!(record(|log| (log.time_unix_nano, log.observed_time_unix_nano) = (8, 9)).time.as_nanosecond(), 8);
    assert_eq!(record(|log| log.severity_text = "Warning".into()).severity, 13);
    assert_eq!(record(|log| log.severity_number = 17).severity, 17);
    assert_eq!(record(|log| log.body = Some(av(V::IntValue(5)))).body.raw(), "5");
    assert_eq!(record(|log| log.trace_id = vec![0; 16]).trace_id, None);
    assert_eq!(
        record(|log| log.event_name = "gen_ai.evaluation.result".into()).attributes["event.name"],
        "gen_ai.evaluation.result"
    );
}

#[test]
fn answers_are_what_an_sdk_decodes() {
    let tally = Tally { accepted: 1, rejected: 300, message: Some("why".into()) };
    let answer = taken(Encoding::Protobuf, &tally, "rejectedSpans");
    let expected = ExportTracePartialSuccess { rejected_spans: 300, error_message: "why".into() };
    assert_eq!(ExportTraceServiceResponse::decode(answer.body.as_slice()).unwrap().partial_success, Some(expected));
    let answer: Value = serde_json::from_slice(&taken(Encoding::Json, &tally, "rejectedSpans").body).unwrap();
    assert_eq!(answer, json!({"partialSuccess":{"rejectedSpans":"300","errorMessage":"why"}}));
    assert_eq!(taken(Encoding::Protobuf, &Tally::default(), "rejectedSpans").body, b"");
    assert_eq!(failed(Encoding::Protobuf, 3, "bad").body, b"\x08\x03\x12\x03bad");
}

#[test]
fn drafts_can_be_found_by_trace() {
    let body = request(vec![pb_span(1), pb_span(2)]).encode_to_vec();
    let mut entries = Entries::<Span>::of(&body);
    traces(&body, Encoding::Protobuf, NOW, &mut entries).unwrap();
    let drafts = entries.done();
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].terms, [format!("trace:{}", "07".repeat(16))]);
    let batch: SpanBatch = serde_json::from_slice(&drafts[0].body).unwrap();
    assert_eq!(batch.resources[0].items.len(), 2);
}

proptest! {
    /// Fault 36: truncated at every byte. What is left is either whole or refused; never a panic, never a loop.
    #[test]
    fn a_body_cut_anywhere_is_whole_or_refused(count in 1u8..4, flip in any_byte()) {
        let request = request((1..=count).map(pb_span).collect());
        let (proto, json) = (request.encode_to_vec(), serde_json::to_vec(&request).unwrap());
        for cut in 0..proto.len() {
            let read = spans(&proto[..cut], Encoding::Protobuf);
            // The walker agrees with the official decoder on what is a message.
            prop_assert_eq!(read.is_ok(), ExportTraceServiceRequest::decode(&proto[..cut]).is_ok(), "cut at {}", cut);
            prop_assert!(read.is_err() || cut == 0);
        }
        for cut in 0..json.len() {
            prop_assert!(spans(&json[..cut], Encoding::Json).is_err());
        }
        let mut flipped = proto.clone();
        let at = usize::from(flip.0) % flipped.len();
        flipped[at] ^= flip.1;
        let _ = spans(&flipped, Encoding::Protobuf);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let _ = spans(&bytes, encoding);
            let _ = records(&bytes, encoding);
        }
    }
}

fn any_byte() -> impl Strategy<Value = (u16, u8)> {
    (any::<u16>(), 1u8..)
}
