//! Runs whose spans come as they come: late, twice, out of order, without a root, a month old, huge, or each of its own tenant; and
//! people who differ on what a run put out. The real process takes them, and what cannot be told apart is said.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::house::House;
use crate::support::{bodies, memory, wait_for};
use warroom::event::{Fact, IncidentId, OutputLabel, OutputRead, Person, SampleOf, Time, TraceId};
use warroom::journal::{Draft, Journal as _, SqliteJournal};

const TRACE: &str = "abababababababababababababababab";

/// A span that began `ago` seconds ago and took one.
fn step(trace: &str, id: &str, parent: &str, ago: i128, attributes: &Value) -> Value {
    let start = jiff::Timestamp::now().as_nanosecond() - ago * 1_000_000_000;
    let value = |value: &Value| match value {
        Value::Number(number) => json!({"intValue": number.to_string()}),
        other => json!({"stringValue": other}),
    };
    let attributes: Vec<Value> =
        attributes.as_object().into_iter().flatten().map(|(key, of)| json!({"key": key, "value": value(of)})).collect();
    json!({
        "traceId": trace, "spanId": id, "parentSpanId": parent, "name": "step", "kind": 1, "attributes": attributes,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 1_000_000_000).to_string(), "status": {},
    })
}

fn agent(trace: &str, ago: i128) -> Value {
    let said = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "support-bot"});
    step(trace, "00000000000000a1", "", ago, &said)
}

fn chat(trace: &str, ago: i128) -> Value {
    let said = json!({
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.response.finish_reasons": "[\"stop\"]",
        "gen_ai.usage.input_tokens": 812, "gen_ai.usage.output_tokens": 31,
    });
    step(trace, "00000000000000a2", "00000000000000a1", ago, &said)
}

fn tool(trace: &str, ago: i128, result: &str) -> Value {
    let said = json!({
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "refund", "gen_ai.tool.call.arguments": "{\"order\":991}",
        "gen_ai.tool.call.result": result,
    });
    step(trace, "00000000000000a3", "00000000000000a2", ago, &said)
}

/// Posts spans of the service `bot`, which must be taken.
fn send(server: &crate::support::house::Server, spans: &[Value]) {
    let answer = server.post("/v1/traces", &bodies::spans("bot", spans)).expect("the listener answers");
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
}

#[test]
fn spans_late_twice_out_of_order_and_without_their_root_are_one_run_once() {
    let house = House::new();
    let server = house.serve();
    let (root, model, call) = (agent(TRACE, 90), chat(TRACE, 80), tool(TRACE, 70, "{\"ok\":true}"));
    let steps = || -> Vec<(u16, String)> {
        let run = house.opened(TRACE).expect("some of the run is there");
        run.steps.iter().map(|step| (step.depth, step.kind.raw().to_owned())).collect()
    };
    send(&server, std::slice::from_ref(&call));
    assert_eq!(steps(), [(0, "tool".into())], "the last step is here before all others");
    send(&server, std::slice::from_ref(&model));
    send(&server, std::slice::from_ref(&model));
    send(&server, &[call.clone(), model.clone()]);
    assert_eq!(steps(), [(0, "chat".into()), (1, "tool".into())], "no root yet");
    send(&server, &[root, model, call]);
    assert_eq!(steps(), [(0, "agent".into()), (1, "chat".into()), (2, "tool".into())]);
    let line = house.opened(TRACE).expect("the run").line;
    assert_eq!((line.model_calls, line.tool_calls, line.tokens_in), (1, 1, Some(812)), "what came again counts once");
    assert_eq!(house.redeliveries(), 1, "the very same delivery");
    let report: Value = serde_json::from_slice(&house.run(&["doctor", "recorder", "--json"]).stdout).expect("JSON");
    assert_eq!(report["services"][0]["steps"], 3, "{report}");

    // A month ago: taken, opened, and no part of what happens now.
    let old = "cd".repeat(16);
    send(&server, &[chat(&old, 30 * 86_400), agent(&old, 30 * 86_400)]);
    let opened = house.opened(&old).expect("the old run");
    let age = Time::now().duration_since(opened.line.at).as_hours();
    assert!((719..=721).contains(&age), "{age} hours");
    let page = bodies::alert("JudgeScoreLow", "bot", &[("severity", "critical")], &bodies::ago(30), "");
    assert_eq!(server.post("/alertmanager", &bodies::webhook(&[page])).expect("an answer").status, 200);
    let incident = wait_for("the incident, with its runs", || {
        let lines = house.stdout(&["incidents", "--json"]);
        let incident: Value = serde_json::from_str(lines.lines().next()?).expect("JSON");
        incident["runs"].to_string().contains(TRACE).then_some(incident)
    });
    assert!(!incident["runs"].to_string().contains(&old), "{}", incident["runs"]);
    drop(server);
    assert!(house.run(&["verify"]).status.success());
}

#[test]
fn fault_36_a_prompt_of_a_megabyte_and_a_result_of_ten_thousand_keys_are_kept_whole() {
    let house = House::new();
    let server = house.serve();
    let prompt = format!("{} the end", "Be kind. ".repeat(1 << 17));
    let keys: serde_json::Map<String, Value> =
        (0..10_000).map(|n| (format!("field_{}", letters(n)), json!({"value": n}))).collect();
    let result = Value::Object(keys).to_string();
    let mut model = chat(TRACE, 10);
    let text = json!([{"type": "text", "content": prompt}]).to_string();
    let said = json!({"key": "gen_ai.system_instructions", "value": {"stringValue": text}});
    model["attributes"].as_array_mut().expect("a list").push(said);
    for nth in 0..8 {
        // The same prompt in many runs, as it is in life.
        let trace = format!("{nth:032x}").replace('0', "e");
        let moved = |span: &Value| {
            let mut span = span.clone();
            span["traceId"] = json!(trace);
            span
        };
        send(&server, &[moved(&agent(TRACE, 12)), moved(&model), moved(&tool(TRACE, 8, &result))]);
    }
    send(&server, &[agent(TRACE, 12), model, tool(TRACE, 8, &result)]);
    let run = house.opened(TRACE).expect("the run");
    let system = run.turns.iter().find(|turn| turn.role.raw() == "system").expect("the prompt");
    assert!(system.text.raw() == prompt, "{} of {} bytes", system.text.raw().len(), prompt.len());
    let fields = &run.steps[2].fields;
    let whole = fields.iter().find(|(name, _)| name.raw() == "gen_ai.tool.call.result").expect("the result");
    assert!(whole.1.raw() == result, "{} of {} bytes", whole.1.raw().len(), result.len());
    // The engine folds all of it beside the listener; it does not keep nine megabytes of prompt.
    let steps = || -> Value {
        let report: Value = serde_json::from_slice(&house.run(&["doctor", "recorder", "--json"]).stdout).expect("JSON");
        report["services"][0]["steps"].clone()
    };
    assert_eq!(steps(), 27);
    let peak = memory(server.pid(), "VmHWM");
    assert!(peak < 400 << 20, "{} MiB", peak >> 20);
    assert!(house.run(&["verify"]).status.success());
}

/// A name without digits: one with digits is data and no structure.
fn letters(mut n: usize) -> String {
    let mut name = String::new();
    for _ in 0..4 {
        name.push(char::from(b'a' + u8::try_from(n % 26).expect("a letter")));
        n /= 26;
    }
    name
}

#[test]
fn a_tenant_a_request_is_not_compared_by_and_people_who_differ_are_counted_and_both_are_said() {
    let house = House::new();
    let server = house.serve();
    // 120 runs over twenty minutes, one every ten seconds; those of the last ten minutes fail. Every one has its own tenant.
    let trace = |nth: i128| format!("{:032x}", nth + 1);
    let runs: Vec<Value> = (0..120)
        .map(|nth| {
            let mut run = chat(&trace(nth), 1_200 - nth * 10);
            let more = [
                ("tenant.id", format!("tenant-{nth}")),
                ("app.route", if nth % 2 == 0 { "/pay" } else { "/cart" }.into()),
            ];
            let more = more.map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}));
            run["attributes"].as_array_mut().expect("a list").extend(more);
            let label = if nth >= 60 { "fail" } else { "pass" };
            let verdict = [("gen_ai.evaluation.name", "policy"), ("gen_ai.evaluation.score.label", label)]
                .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}));
            run["events"] = json!([{
                "name": "gen_ai.evaluation.result", "timeUnixNano": run["endTimeUnixNano"], "attributes": verdict,
            }]);
            run
        })
        .collect();
    send(&server, &runs);
    let page = bodies::alert("JudgeScoreLow", "bot", &[("severity", "critical")], &bodies::ago(500), "");
    assert_eq!(server.post("/alertmanager", &bodies::webhook(&[page])).expect("an answer").status, 200);
    let incident = || -> Option<Value> {
        let lines = house.stdout(&["incidents", "--json"]);
        serde_json::from_str(lines.lines().next()?).ok()
    };
    let around = wait_for("what moved", || {
        incident().map(|incident| incident["around"].clone()).filter(|around| around["outcome"].is_object())
    });
    assert_eq!(around["outcome"]["left_out"], json!([["tenant", 120]]), "{around}");

    // Two people say the opposite of one output, and the same of another.
    let sample = SampleOf { moment: Time::now(), from: Time::now(), until: Time::now(), seed: 7, slice: None };
    let said = |who: &str, nth: i128, label: OutputLabel| {
        let by = Person { login: who.into(), known_by: "uid".into(), session: "tty1".into() };
        let trace: TraceId = trace(nth).parse().expect("a trace id");
        let read = Fact::from(OutputRead { incident: Some(IncidentId(1)), trace, by, label, sample: sample.clone() });
        Draft::new(Time::now(), format!("test/{who}/{nth}"), &read)
    };
    let journal = Arc::new(SqliteJournal::open(&house.journal(), Time::now()).expect("another process may write"));
    let words = [
        said("ada", 100, OutputLabel::Bad),
        said("ben", 100, OutputLabel::Good),
        said("ada", 101, OutputLabel::Bad),
        said("ben", 101, OutputLabel::Bad),
    ];
    journal.append(words.to_vec()).expect("recorded");
    drop(journal);
    let reading = wait_for("their words", || {
        incident()
            .map(|incident| incident["reading"].clone())
            .filter(|reading| reading["readers"] == json!(["ada", "ben"]))
    });
    assert_eq!(reading["disagreements"], 1, "{reading}");
    assert_eq!((&reading["since"]["bad"], &reading["since"]["unsure"]), (&json!(1), &json!(1)), "{reading}");
    drop(server);
}
