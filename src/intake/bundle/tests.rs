use super::*;
use crate::event::Kind;

const AS_OF: &str = "2026-11-22T00:50:00Z";

fn bundle(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let head = format!(r#"{{"name":"n","kind":"incident","as_of":"{AS_OF}","note":""}}"#);
    for (file, text) in files.iter().copied().chain([("bundle.json", head.as_str())]) {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

fn span(id: u8, end_s: i64) -> String {
    let end = (AS_OF.parse::<Time>().unwrap().as_second() + end_s) * 1_000_000_000;
    format!(
        r#"{{"traceId":"{}","spanId":"{id:016x}","name":"s","startTimeUnixNano":"1","endTimeUnixNano":"{end}"}}"#,
        "ab".repeat(16)
    )
}

const NOTE: &str = r#"{"specversion":"1.0","type":"com.warroom.note","source":"s","id":"1","time":"2026-11-22T00:40:00Z","data":{"author":"a","text":"t"}}"#;

#[test]
fn everything_comes_out_in_order_of_time_and_nothing_reaches_over_as_of() {
    let as_of: Time = AS_OF.parse().unwrap();
    let second = as_of.as_second();
    let spans = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{},{},{}]}}]}}]}}"#,
        span(1, -10),
        span(2, 10),
        span(3, -20)
    );
    let log =
        |at: i64| format!(r#"{{"timeUnixNano":"{}","body":{{"stringValue":"b"}}}}"#, (second + at) * 1_000_000_000);
    let logs =
        format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{},{},{}]}}]}}]}}"#, log(-5), log(5), log(-300));
    let metrics =
        format!("# TYPE q gauge\nq{{service=\"a\"}} 1 {}\nq{{service=\"a\"}} 2 {}\n# EOF\n", second - 1, second + 1);
    let folder = bundle(&[
        ("events.ndjson", NOTE),
        ("spans.ndjson", &spans),
        ("logs.ndjson", &logs),
        ("metrics.om", &metrics),
        ("topology.json", r#"[{"caller":"a","callee":"b"}]"#),
        ("truth.json", r#"{"cause":{"surface":"none"},"family":"x"}"#),
    ]);
    let read_once = read(folder.path()).unwrap();
    assert!(read_once.warnings.is_empty(), "{:?}", read_once.warnings);
    let found: Vec<_> = read_once.drafts.iter().map(|draft| (draft.kind, draft.at.as_second() - second)).collect();
    assert_eq!(
        found,
        [
            (Kind::Noted, -600),
            (Kind::Topology, -600),
            (Kind::Logs, -300),
            (Kind::Spans, -10),
            (Kind::Logs, -5),
            (Kind::Metrics, -1),
            (Kind::Metrics, 1),
            (Kind::Logs, 5),
            (Kind::Spans, 10),
        ]
    );
    let again: Vec<_> = read(folder.path()).unwrap().drafts.into_iter().map(|draft| draft.key).collect();
    let keys: Vec<_> = read_once.drafts.into_iter().map(|draft| draft.key).collect();
    assert_eq!(keys, again, "a bundle read twice says the same");
    let truth = read_truth(folder.path()).unwrap().unwrap();
    assert_eq!((truth.cause.surface.raw(), truth.more["family"].as_str()), ("none", Some("x")));
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_skipped() {
    let zero = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, span(1, 0).replace("ab", "00"));
    let folder = bundle(&[
        ("events.ndjson", &format!("\n{NOTE}\n{{\"specversion\":\"1.0\"}}\nnot json\n")),
        ("spans.ndjson", &zero),
        ("metrics.om", "up{service=\"a\"} 1 1781791200\nup 1\nup{ 1 2\n"),
        ("topology.json", "[\n{\"caller\":\"a\"\n"),
    ]);
    let found = read(folder.path()).unwrap();
    let warnings: Vec<String> = found.warnings.shown.iter().map(ToString::to_string).collect();
    let starts = [
        "events.ndjson:3: /id: is missing",
        "events.ndjson:4: the document: ",
        "spans.ndjson:1: /resourceSpans/0/scopeSpans/0/spans/0: trace id is all zero",
        "metrics.om:2: the body: the time is missing",
        "metrics.om:3: the body: the labels are not closed",
        "topology.json:3: ",
    ];
    assert_eq!(warnings.len(), starts.len(), "{warnings:#?}");
    for (warning, start) in warnings.iter().zip(starts) {
        assert!(warning.starts_with(start), "expected {start}, got {warning}");
    }
    assert_eq!(found.drafts.len(), 2);
}

#[test]
fn a_bundle_with_nothing_readable_or_no_head_is_an_error() {
    let empty = bundle(&[("events.ndjson", "x\n")]);
    let error = read(empty.path()).unwrap_err().to_string();
    assert!(error.contains("holds no readable line; the first trouble: events.ndjson:1: "), "{error}");
    std::fs::remove_file(empty.path().join("bundle.json")).unwrap();
    assert!(read(empty.path()).unwrap_err().to_string().contains("bundle.json cannot be read"));
    std::fs::write(empty.path().join("bundle.json"), r#"{"name":"x","as_of":"noon"}"#).unwrap();
    assert!(read(empty.path()).unwrap_err().to_string().contains("/as_of: "));
}

#[test]
fn mixed_lines_from_a_pipe_are_told_apart() {
    let spans = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, span(1, -10));
    let (drafts, warnings) = stream(format!("{NOTE}\n{spans}\n[]\n").as_bytes(), AS_OF.parse().unwrap()).unwrap();
    assert_eq!(drafts.iter().map(|draft| draft.kind).collect::<Vec<_>>(), [Kind::Noted, Kind::Spans]);
    assert_eq!(warnings.shown.len(), 1);
}
