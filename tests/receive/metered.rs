//! How runs ended, scraped by a real Prometheus: a team's own rule fires on it.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::alerting::Prometheus;
use crate::support::house::{House, Server};
use crate::support::{find_program, free_port, http, require_all, wait_for};

/// A run of one agent with one model call, which ended for `reason`, root last as senders do.
fn run(number: u32, reason: &str, agent: &str) -> Value {
    let (trace, call, root) =
        (format!("{number:032x}"), format!("{:016x}", number * 2 + 1), format!("{:016x}", number * 2 + 2));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos();
    let attribute = |name: &str, value: &str| json!({"key": name, "value": {"stringValue": value}});
    let span = |id: &str, parent: &str, attributes: Vec<Value>| {
        json!({"traceId": trace, "spanId": id, "parentSpanId": parent, "name": "step", "kind": 3,
               "startTimeUnixNano": now.to_string(), "endTimeUnixNano": (now + 1_000_000).to_string(),
               "attributes": attributes})
    };
    let said = r#"[{"role":"assistant","parts":[{"type":"text","content":"Here you"}]}]"#;
    let spans = [
        span(
            &call,
            &root,
            vec![
                attribute("gen_ai.operation.name", "chat"),
                attribute("gen_ai.request.model", "large"),
                attribute("gen_ai.output.messages", said),
                attribute("gen_ai.response.finish_reasons", &format!("[\"{reason}\"]")),
            ],
        ),
        span(
            &root,
            "",
            vec![attribute("gen_ai.operation.name", "invoke_agent"), attribute("gen_ai.agent.name", agent)],
        ),
    ];
    json!({"resourceSpans": [{"resource": {"attributes": [attribute("service.name", "support")]},
                              "scopeSpans": [{"spans": spans}]}]})
}

fn send(server: &Server, run: &Value) {
    let answer = server.post("/v1/traces", run.to_string().as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The page, as promtool finds it.
fn checked(page: &str) {
    let mut command = Command::new(find_program("promtool").expect("require(\"promtool\") was asked first"));
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), page.as_bytes()).expect("promtool reads");
    let output = child.wait_with_output().expect("promtool ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{page}");
}

#[test]
fn a_rule_of_a_real_prometheus_fires_on_how_runs_end() {
    if !require_all(&["prometheus", "promtool"]) {
        return;
    }
    let house = House::new();
    let server = house.serve();
    let rules = "  - alert: RunsTruncated\n    expr: increase(warroom_runs_total{stop=\"truncated\"}[1m]) > 2\n";
    let prometheus = Prometheus::start(server.port, free_port(), rules);
    // A counter must be seen before it rises: one good run first.
    send(&server, &run(1, "stop", "planner \"one\"\n\u{1b}[2J"));
    let page = || http::get(server.port, "/metrics").map(|answer| answer.text()).unwrap_or_default();
    wait_for("the first run to be counted", || page().contains("stop=\"complete\"} 1").then_some(()));
    let query = |query: &str| {
        let answer = http::get(prometheus.port, &format!("/api/v1/query?query={query}")).ok()?.json();
        answer["data"]["result"].as_array().filter(|found| !found.is_empty()).cloned()
    };
    let scraped = wait_for("Prometheus to have it", || query("warroom_runs_total%7Bstop=%22truncated%22%7D"));
    assert_eq!(scraped[0]["value"][1], "0", "{scraped:?}");
    (2..8).for_each(|number| send(&server, &run(number, "length", "planner \"one\"\n\u{1b}[2J")));
    wait_for("the rule to fire", || query("ALERTS%7Balertname=%22RunsTruncated%22,alertstate=%22firing%22%7D"));
    let page = page();
    checked(&page);
    assert!(page.contains("stop=\"truncated\"} 6\n"), "{page}");
    assert!(!page.contains('\u{1b}'), "a name from outside is a label and nothing else");
}

#[test]
fn the_metrics_want_the_token_that_deliveries_want() {
    let house = House::new();
    let file = house.path().join("token");
    std::fs::write(&file, "s3cret").expect("written");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
    house.configure(&format!("token = {{ file = {file:?} }}\n"));
    let server = house.serve();
    assert_eq!(http::get(server.port, "/metrics").expect("an answer").status, 401);
    let with = http::request(server.port, "GET", "/metrics", &[("Authorization", "Bearer s3cret")], b"");
    let with = with.expect("an answer");
    assert!(with.status == 200 && with.text().contains("# TYPE warroom_runs_total counter"), "{}", with.text());
}
