//! Faults 32, 33, 35, 36, 38, 39: what is wrong is refused with its place named, and changes nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::scene::{Scene, gzip, sign};
use crate::support::house::House;
use crate::support::{bodies, http, memory};

const NOW: &str = "2026-11-22T00:46:14.52Z";

fn webhook() -> Value {
    serde_json::from_slice(&bodies::webhook(&[bodies::alert("Down", "cart", &[], NOW, "")])).expect("JSON")
}

/// Every refusal: 400, the place named, one more in quarantine, nothing recorded.
fn refused(scene: &Scene, path: &str, body: &[u8], place: &str) {
    let before = scene.quarantine().0;
    let answer = scene.post(path, body);
    let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
    assert_eq!(answer.status, 400, "{place}: {error}");
    assert!(error.starts_with(place), "expected {place}, got {error}");
    let (kept, reason) = scene.quarantine();
    assert_eq!((kept, reason), (before + 1, error));
    assert!(scene.records().is_empty());
}

#[test]
fn fault_32_a_body_of_another_shape_is_refused_by_its_pointer_and_kept_in_quarantine() {
    let scene = Scene::new();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = webhook();
        change(&mut body);
        body.to_string().into_bytes()
    };
    refused(&scene, "/alertmanager", &with(&|b| b["version"] = json!("5")), "/version: is \"5\"");
    refused(&scene, "/alertmanager", &with(&|b| b["alerts"][0]["status"] = json!(1)), "/alerts/0/status: ");
    refused(&scene, "/alertmanager", &with(&|b| b["alerts"][0]["labels"]["a"] = json!(["b"])), "/alerts/0/labels/a: ");
    refused(
        &scene,
        "/alertmanager",
        &with(&|b| drop(b["alerts"][0].as_object_mut().map(|a| a.remove("startsAt")))),
        "/alerts/0/startsAt: is missing",
    );
    refused(&scene, "/alertmanager", br#"{"text":"custom payload"}"#, "/version: is missing");
    refused(&scene, "/grafana", &with(&|_| ()), "/version: is \"4\"");
    refused(&scene, "/events", br#"{"specversion":"1.0","id":"1","source":"s"}"#, "/type: is missing");
    // What a later version adds is no reason to lose a page.
    let extra = with(&|b| b["notification_reason"] = json!("new alerts added"));
    scene.take("/alertmanager", &extra);
    let metrics = http::get(scene.port, "/metrics").expect("metrics").text();
    assert!(metrics.contains("warroom_deliveries_total{source=\"alertmanager\",fate=\"refused\"} 5\n"), "{metrics}");
}

#[test]
fn fault_33_what_is_no_json_is_refused_whatever_it_is() {
    let scene = Scene::new();
    let deep = "[".repeat(100_000);
    let long = format!("\"{}", "x".repeat(10 << 20));
    let twice = webhook().to_string().replacen('{', "{\"version\":\"4\",", 1);
    let huge = webhook().to_string().replace("\"truncatedAlerts\":0", "\"truncatedAlerts\":1e400");
    for body in ["", "hello", "{", &deep, &long, &twice, &huge, "null", "\u{0}"] {
        for path in ["/alertmanager", "/events", "/v1/traces"] {
            if path == "/v1/traces" && (body == twice || body == huge) {
                continue;
            }
            let answer = scene.post(path, body.as_bytes());
            assert_eq!(answer.status, 400, "{path} took {body:.40}");
        }
    }
    assert!(scene.records().is_empty());
}

#[test]
fn fault_35_compression_is_undone_within_bounds_or_refused() {
    let house = House::new();
    let server = house.serve();
    let post = |path: &str, encoding: &str, body: &[u8]| {
        let headers = [("Content-Type", "application/json"), ("Content-Encoding", encoding)];
        http::request(server.port, "POST", path, &headers, body).expect("the listener answers").status
    };
    let good = webhook().to_string().into_bytes();
    assert_eq!(post("/alertmanager", "gzip", &gzip(&good)), 200);
    let two = [gzip(&good[..20]), gzip(&good[20..])].concat();
    assert_eq!(post("/alertmanager", "gzip", &two), 200, "several members are one body");
    assert_eq!(post("/alertmanager", "gzip", &gzip(&good)[..60]), 400, "truncated");
    assert_eq!(post("/alertmanager", "gzip", &good), 400, "not gzip at all");
    assert_eq!(post("/alertmanager", "gzip", &gzip(&gzip(&good))), 400, "packed twice, said once");
    for encoding in ["gzip, gzip", "zstd", "br", "deflate"] {
        assert_eq!(post("/alertmanager", encoding, &good), 415, "{encoding}");
    }
    let before = memory(server.pid(), "VmHWM");
    let bomb = {
        // A gibibyte of nothing: members may follow each other.
        let member = gzip(&vec![0; 64 << 20]);
        member.repeat(16)
    };
    assert_eq!(post("/v1/traces", "gzip", &bomb), 413);
    assert_eq!(post("/alertmanager", "gzip", &bomb), 413);
    let grown = memory(server.pid(), "VmHWM").saturating_sub(before);
    assert!(grown < 100 << 20, "memory grew by {grown} bytes");
}

#[test]
fn fault_36_odd_telemetry_is_taken_rejected_or_refused_and_counted_exactly() {
    let scene = Scene::new();
    let trace = "ab".repeat(16);
    let span = |id: &str, parent: &str| bodies::span(&trace, id, parent, "step", &[]);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut span = span("00000000000000aa", "");
        change(&mut span);
        span
    };
    let post = |spans: &[Value]| scene.post("/v1/traces", &bodies::spans("bot", spans));
    let rejected = |answer: &http::Answer| answer.json()["partialSuccess"]["rejectedSpans"].as_str().map(str::to_owned);

    // Circles, missing roots and repeated ids are kept as they are.
    let circle = post(&[
        span("00000000000000a1", "00000000000000a2"),
        span("00000000000000a2", "00000000000000a1"),
        span("00000000000000a3", "00000000000000a3"),
        span("00000000000000a4", "00000000000000ff"),
        span("00000000000000a4", ""),
    ]);
    assert_eq!((circle.status, circle.text().as_str()), (200, "{}"));
    assert_eq!(circle.header("content-type"), Some("application/json"));

    let odd = post(&[
        with(&|s| s["traceId"] = json!("0".repeat(32))),
        with(&|s| s["traceId"] = json!("abcd")),
        with(&|s| s["spanId"] = json!("")),
        with(&|s| s["attributes"] = json!(vec![json!({"key":"k","value":{"intValue":"1"}}); 100_000])),
        with(&|s| s["endTimeUnixNano"] = json!("1")),
        with(&|s| s["startTimeUnixNano"] = json!("18446744073709551615")),
        with(&|s| s["attributes"] = json!([{"key":"score","value":{"doubleValue":"NaN"}}])),
        with(&|s| s["attributes"] = json!([{"key":"prompt","value":{"stringValue":"x".repeat(10 << 20)}}])),
    ]);
    assert_eq!((odd.status, rejected(&odd).as_deref()), (200, Some("4")), "{}", odd.text());

    for wrong in [with(&|s| s["kind"] = json!("CLIENT")), with(&|s| s["startTimeUnixNano"] = json!(-1))] {
        let answer = post(&[wrong]);
        assert_eq!(answer.status, 400);
        let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.starts_with("/resourceSpans/0/scopeSpans/0/spans/0/"), "{message}");
    }
    // Protobuf is answered in protobuf, errors as a Status.
    let proto = [("Content-Type", "application/x-protobuf")];
    let cut = scene.send("/v1/traces", &proto, &include_bytes!("../data/captured/otlp/emit.pb")[..1000]);
    assert_eq!((cut.status, cut.header("content-type")), (400, Some("application/x-protobuf")));
    assert_eq!(cut.body.first(), Some(&0x08), "google.rpc.Status begins with its code");
    let empty = scene.send("/v1/traces", &proto, b"");
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    let view = scene.view("2026-11-22T00:50:00Z".parse().expect("a time"));
    assert_eq!(view.incidents.items.len(), 0, "telemetry alone opens nothing");
}

#[test]
fn fault_38_without_the_right_token_or_signature_nothing_is_looked_at() {
    let scene = Scene::with(Some("s3cret"), &["old", "new"]);
    let good = webhook().to_string().into_bytes();
    let post = |token: &str, content: &str, body: &[u8]| {
        scene.send("/alertmanager", &[("Authorization", token), ("Content-Type", content)], body).status
    };
    for token in ["Bearer wrong", "Bearer s3cre", "Basic s3cret", ""] {
        assert_eq!(post(token, "application/json", &good), 401, "{token}");
        assert_eq!(post(token, "application/json", b"not json"), 401, "the body is not parsed");
        assert_eq!(post(token, "text/plain", &good), 401, "nor anything else judged");
    }
    assert_eq!(scene.quarantine().0, 0, "strangers fill no quarantine");
    assert_eq!(post("Bearer s3cret", "text/plain", &good), 415);
    assert_eq!(post("Bearer s3cret", "application/json", &good), 200);

    // The answer comes before a body does: here none is ever sent.
    let mut stranger = TcpStream::connect(("127.0.0.1", scene.port)).expect("the listener listens");
    write!(
        stranger,
        "POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n"
    )
    .expect("a head");
    let mut answer = [0; 12];
    stranger.read_exact(&mut answer).expect("an answer without a body");
    assert_eq!(&answer, b"HTTP/1.1 401");

    let page = br#"{"event": {"id":"01","event_type":"incident.triggered","occurred_at":"2026-11-22T00:45:00Z",
        "data":{"id":"P1","type":"incident","status":"triggered","title":"t","created_at":"2026-11-22T00:44:00Z"}}}"#;
    let page_with = |signature: &str, body: &[u8]| {
        scene
            .send("/pagerduty", &[("X-PagerDuty-Signature", signature), ("Content-Type", "application/json")], body)
            .status
    };
    let again = serde_json::to_vec(&serde_json::from_slice::<Value>(page).expect("JSON")).expect("JSON");
    assert_eq!(page_with("", page), 401);
    assert_eq!(page_with(&sign("wrong", page), page), 401);
    assert_eq!(page_with(&sign("new", page), &again), 401, "signed are the bytes, not what they mean");
    let before = scene.records().len();
    assert_eq!(page_with(&format!("{},{}", sign("gone", page), sign("new", page)), page), 200);
    assert_eq!(page_with(&sign("old", page), page), 200, "replayed");
    assert_eq!(scene.records().len(), before + 1, "and without effect");

    // So many wrong ones are not even explained, while the right one still gets in.
    let statuses: Vec<u16> = (0..25).map(|_| post("Bearer wrong", "application/json", &good)).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(post("Bearer s3cret", "application/json", &good), 200);
}

#[test]
fn fault_39_it_does_not_listen_to_the_network_without_a_token() {
    let house = House::new();
    let output = house.run(&["serve", "--listen", "0.0.0.0:0"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(errors.contains("without a token") && errors.contains("127.0.0.1"), "{errors}");
    assert!(!house.journal().exists(), "nothing was begun");
    let server = house.serve();
    let sockets = std::fs::read_to_string(format!("/proc/{}/net/tcp", server.pid())).expect("Linux says it");
    let port = format!(":{:04X} ", server.port);
    assert!(sockets.contains(&format!("0100007F{port}")) && !sockets.contains(&format!("00000000{port}")));
}

/// Protobuf by hand: a field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).expect("seven bits"));
    out.extend_from_slice(bytes);
    out
}

#[test]
fn fault_36_the_real_process_rejects_what_means_nothing_and_says_exactly_how_much() {
    let house = House::new();
    let server = house.serve();
    let trace = "cd".repeat(16);
    let mut number = 0;
    let mut span = |change: &dyn Fn(&mut Value)| {
        number += 1;
        let mut span = bodies::span(&trace, &format!("{number:016x}"), "", "step", &[]);
        change(&mut span);
        span
    };
    let attribute = |key: &str, value: Value| json!([{"key": key, "value": value}]);
    let many = |count: usize| vec![json!({"key": "k", "value": {"intValue": "1"}}); count];
    let bounded = usize::try_from(warroom::intake::limits::OTLP_PARTS).expect("small");
    let nanos = |time: &str| time.parse::<jiff::Timestamp>().expect("a time").as_nanosecond().to_string();
    // What each is, and how many of it are rejected.
    let odd = [
        ("a good one", 0, span(&|_| ())),
        ("as many attributes as may be", 0, span(&|s| s["attributes"] = json!(many(bounded)))),
        ("one attribute more", 1, span(&|s| s["attributes"] = json!(many(bounded + 1)))),
        ("100 000 attributes", 1, span(&|s| s["attributes"] = json!(many(100_000)))),
        (
            "10 MB in one",
            0,
            span(&|s| s["attributes"] = attribute("prompt", json!({"stringValue": "x".repeat(10 << 20)}))),
        ),
        ("NaN", 0, span(&|s| s["attributes"] = attribute("score", json!({"doubleValue": "NaN"})))),
        ("an end before its start", 0, span(&|s| s["endTimeUnixNano"] = json!("1"))),
        ("1970", 0, span(&|s| s["startTimeUnixNano"] = json!("0"))),
        ("2262", 0, span(&|s| s["endTimeUnixNano"] = json!(nanos("2262-04-11T23:47:16.854775807Z")))),
        ("after all time", 0, span(&|s| s["endTimeUnixNano"] = json!("18446744073709551615"))),
        ("a trace id of two bytes", 1, span(&|s| s["traceId"] = json!("abcd"))),
        ("a trace id of zeros", 1, span(&|s| s["traceId"] = json!("0".repeat(32)))),
        ("a span id of zeros", 1, span(&|s| s["spanId"] = json!("0".repeat(16)))),
        ("no span id", 1, span(&|s| s["spanId"] = json!(""))),
        ("a parent of three bytes", 1, span(&|s| s["parentSpanId"] = json!("abcdef"))),
        ("its own parent", 0, span(&|s| s["parentSpanId"] = s["spanId"].clone())),
        (
            "an id that was there, other content",
            0,
            span(&|s| {
                s["spanId"] = json!("0000000000000001");
                s["name"] = json!("another step");
            }),
        ),
    ];
    let post = |spans: &[Value]| server.post("/v1/traces", &bodies::spans("bot", spans)).expect("the listener answers");
    let rejected = |answer: &http::Answer| -> u64 {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let count =
            answer.json()["partialSuccess"]["rejectedSpans"].as_str().map_or(0, |n| n.parse().expect("a number"));
        assert_eq!(count > 0, answer.text().contains("errorMessage"), "a reason is given: {}", answer.text());
        count
    };
    for (what, expected, span) in &odd {
        assert_eq!(rejected(&post(std::slice::from_ref(span))), *expected, "{what}");
    }
    // All of them at once: the good are kept beside the bad.
    let all: Vec<Value> = odd.iter().map(|(.., span)| span.clone()).collect();
    assert_eq!(rejected(&post(&all)), odd.iter().map(|(_, expected, _)| expected).sum::<u64>());
    let kept = || -> Vec<(String, String)> {
        let batches = house.entries().into_iter().filter(|entry| entry.kind == "spans");
        let resources = batches.flat_map(|batch| batch.body["resources"].as_array().cloned().unwrap_or_default());
        let spans = resources.flat_map(|resource| resource["items"].as_array().cloned().unwrap_or_default());
        spans.map(|span| (span["span_id"].to_string(), span["name"].to_string())).collect()
    };
    let good = odd.iter().filter(|(_, rejected, _)| *rejected == 0).count();
    assert_eq!(kept().len(), 2 * good, "once each by itself, and once together");
    assert!(kept().contains(&("\"0000000000000001\"".into(), "\"another step\"".into())), "both contents are kept");

    // A million spans in one request: as many as one may carry, and the exact rest is rejected.
    let one = [field(1, &[0xee; 16]), field(2, &[0x11; 8]), field(5, b"s")].concat();
    let spans = field(2, &one).repeat(1_000_000);
    let body = field(1, &field(2, &spans));
    assert!((body.len() as u64) < warroom::intake::limits::OTLP_BODY, "{}", body.len());
    let headers = [("Content-Type", "application/x-protobuf")];
    let answer = http::request(server.port, "POST", "/v1/traces", &headers, &body).expect("the listener answers");
    assert_eq!(answer.status, 200);
    // ExportTraceServiceResponse.partial_success.rejected_spans: 800 000, as a varint.
    let over = 1_000_000 - warroom::intake::limits::OTLP_ITEMS;
    assert_eq!(over, 800_000);
    let count = [0x08, 0x80, 0xea, 0x30];
    assert!(answer.body.windows(4).any(|four| four == count), "{:02x?}", &answer.body[..answer.body.len().min(40)]);
    let counted = http::get(server.port, "/metrics").expect("metrics").text();
    let total = odd.iter().map(|(_, expected, _)| expected).sum::<u64>() * 2 + over;
    assert!(counted.contains(&format!("warroom_items_rejected_total{{source=\"otlp\"}} {total}\n")), "{counted}");
    let peak = memory(server.pid(), "VmHWM");
    assert!(peak < 600 << 20, "{} MiB", peak >> 20);
    assert!(house.run(&["verify"]).status.success());
}
