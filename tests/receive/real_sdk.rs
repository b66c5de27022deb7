//! The unmodified OpenTelemetry SDK for Python, with its `OpenAI` instrumentation, sends to us.

use std::process::{Command, Stdio};

use crate::support::house::House;
use crate::support::{otel_python, require, wait_for};

/// Runs the agent, whose spans go to `endpoints` (one, or several with commas, one after the other) and belong to `project`; returns
/// the trace id of its run. The SDK itself must count every span as exported.
pub fn run_agent(endpoints: &str, encoding: &[&str], project: &str) -> String {
    let output = Command::new(otel_python().expect("require(\"otel\") was asked first"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/receive/agent.py"))
        .arg(endpoints)
        .args(encoding)
        .env("OTEL_RESOURCE_ATTRIBUTES", format!("openinference.project.name={project}"))
        // Sent when the run is over, so that who comes first has everything first.
        .env("OTEL_BSP_SCHEDULE_DELAY", "600000")
        .stdin(Stdio::null())
        .output()
        .expect("python starts");
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("exported"), "{printed}{errors}");
    printed.lines().next().unwrap_or_default().to_owned()
}

/// What was recorded of the run is what the agent did: its two model calls with everything they carried, its tool call.
fn the_run_is_recorded_whole(encoding: &[&str]) {
    if !require("otel") {
        return;
    }
    let house = House::new();
    let server = house.serve();
    let trace = run_agent(&server.url("/v1/traces"), encoding, "tests");
    assert_eq!(trace.len(), 32, "{trace}");
    let spans: Vec<serde_json::Value> = wait_for("the spans in the journal", || {
        let batches = house.entries().into_iter().filter(|entry| entry.kind == "spans");
        let resources = batches.flat_map(|batch| batch.body["resources"].as_array().cloned().unwrap_or_default());
        let spans: Vec<_> =
            resources.flat_map(|resource| resource["items"].as_array().cloned().unwrap_or_default()).collect();
        (spans.len() == 4).then_some(spans)
    });
    let text = serde_json::to_string(&spans).expect("JSON writes as JSON");
    for kept in [
        trace.as_str(),
        "invoke_agent support-bot",
        "execute_tool refund",
        "stub-model-2026-11-01",
        "You are a support agent.",
        "Refund order 991, please.",
        "Order 991 is refunded.",
        "tool_calls",
        "call_1",
    ] {
        assert!(text.contains(kept), "`{kept}` is not recorded: {text}");
    }
    drop(server);
    assert!(house.run(&["verify"]).status.success());
}

#[test]
fn protobuf_from_the_real_sdk_is_recorded_whole() {
    the_run_is_recorded_whole(&["proto"]);
}

#[test]
fn compressed_protobuf_from_the_real_sdk_is_recorded_whole() {
    the_run_is_recorded_whole(&["proto", "gzip"]);
}

#[test]
fn json_from_the_real_sdk_is_recorded_whole() {
    the_run_is_recorded_whole(&["json"]);
}
