//! A real Phoenix is read by the real process: runs that the unmodified SDK sent there, with the verdicts given on them there.

use serde_json::Value;

use crate::real_sdk::run_agent;
use crate::support::house::House;
use crate::support::phoenix::{self, Phoenix};
use crate::support::{http, require_all, wait_for, wait_until};

/// A house that reads this project as that of the service `support-bot`, and asks for another that is not there.
fn reading(phoenix: &Phoenix, project: &str) -> House {
    let house = House::new();
    house.configure(&format!(
        "[phoenix]\nurl = \"{}\"\nprojects = [\"nowhere\", \"{project}\"]\nevery_seconds = 1\n[phoenix.services]\n\"{project}\" = \"support-bot\"\n",
        phoenix.url()
    ));
    house
}

/// The spans of a project as Phoenix shows them.
fn shown(phoenix: &Phoenix, project: &str) -> Vec<Value> {
    let answer = http::get(phoenix.port, &format!("/v1/projects/{project}/spans?limit=1000"));
    let Ok(answer) = answer else { return Vec::new() };
    if answer.status == 200 { answer.json()["data"].as_array().cloned().unwrap_or_default() } else { Vec::new() }
}

/// How often spans of the trace are on record.
fn on_record(house: &House, trace: &str) -> usize {
    let batches = house.entries().into_iter().filter(|entry| entry.kind == "spans");
    batches.map(|batch| batch.body.to_string().matches(&format!("\"trace_id\":\"{trace}\"")).count()).sum()
}

#[test]
fn a_run_that_was_sent_to_a_real_phoenix_is_read_whole_once_and_judged() {
    if !require_all(&["otel", "phoenix"]) {
        return;
    }
    let (phoenix, project) = (phoenix::shared(), "read-by-warroom");
    let traces = format!("{}v1/traces", phoenix.url());
    let sent = run_agent(&traces, &["proto"], project);
    let house = reading(phoenix, project);
    let mut server = house.serve();
    let run = wait_for("the run, whole", || house.opened(&sent).filter(|run| run.steps.len() == 4));
    let kinds: Vec<_> = run.steps.iter().map(|step| (step.depth, step.kind.raw())).collect();
    assert_eq!(kinds, [(0, "agent"), (1, "chat"), (1, "tool"), (1, "chat")]);
    assert_eq!((run.line.agent.raw(), run.line.tokens_in), ("support-bot", Some(1_624)), "each call counts once");
    let said: Vec<_> = run.turns.iter().map(|turn| (turn.role.raw(), turn.text.raw())).collect();
    for turn in [
        ("system", "You are a support agent."),
        ("user", "Refund order 991, please."),
        ("assistant", "Order 991 is refunded."),
    ] {
        assert!(said.contains(&turn), "{turn:?}: {said:?}");
    }
    assert_eq!(run.read[0].0.raw(), "phoenix");
    assert!(run.line.bad.is_none());

    // A verdict that Phoenix gets afterwards makes the run a bad one.
    let spans = shown(phoenix, project);
    let chat = spans.iter().find(|span| span["span_kind"] == "LLM").expect("a model call");
    let chat = chat["context"]["span_id"].as_str().expect("an id");
    phoenix.annotate("span", chat, "faithfulness", "fail", 0.1);
    let bad = wait_for("the verdict", || house.opened(&sent)?.line.bad);
    assert_eq!(bad.raw(), "faithfulness: fail");

    // The same spans sent here as well: the record has them once.
    let both = run_agent(&format!("{},{traces}", server.url("/v1/traces")), &["proto"], project);
    wait_until("Phoenix to show the second run", || shown(phoenix, project).len() == 8);
    let polls = house.counted("phoenix", "accepted");
    wait_until("two readings more", || house.counted("phoenix", "accepted") >= polls + 2);
    assert_eq!((on_record(&house, &both), house.opened(&both).expect("the run").steps.len()), (4, 4));
    assert!(house.opened(&both).expect("the run").read.is_empty(), "it was sent, not read");

    // A restart reads from where the journal says, and records nothing twice. What came meanwhile is found.
    assert!(server.terminate().success());
    let meanwhile = run_agent(&traces, &["proto"], project);
    let _server = house.serve();
    let found = wait_for("what came meanwhile", || house.opened(&meanwhile).filter(|run| run.steps.len() == 4));
    assert_eq!(found.line.model_calls, 2);
    // One on the run as a whole counts as well.
    phoenix.annotate("trace", &meanwhile, "helpfulness", "bad", 0.0);
    let bad = wait_for("the verdict on the run", || house.opened(&meanwhile)?.line.bad);
    assert_eq!(bad.raw(), "helpfulness: bad");
    assert_eq!((on_record(&house, &sent), on_record(&house, &both)), (5, 4), "one of them once more, with its verdict");
    assert!(house.run(&["verify"]).status.success());

    // What is not there keeps nobody from reading what is, and is said by whoever is asked.
    // The poll counts once all its projects were asked: later than what it read on the way is here.
    wait_until("the project that is not there is counted", || house.counted("phoenix", "poll_failed") >= 1);
    let report: Value = serde_json::from_slice(&house.run(&["doctor", "--json"]).stdout).expect("JSON");
    let check = report["checks"].as_array().into_iter().flatten().find(|check| check["what"] == "Phoenix");
    let found = check.map(|check| check["found"].to_string()).unwrap_or_default();
    assert!(found.contains("has no project nowhere"), "{report}");
}
