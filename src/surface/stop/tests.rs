//! Each class by its rule, and what keeps one rule from taking another's runs.

use serde_json::{Value, json};

use super::*;
use crate::event::{Span, SpanStatus};
use crate::surface::made::{agent, chat, sent, span, tool};
use crate::surface::{Mark, open};

fn stop(spans: &[Span]) -> Stop {
    open(sent(spans)).facts.expect("a run").stop
}

/// How a run of these steps under one agent ended.
fn class(steps: &[Span]) -> (StopClass, String) {
    let mut all = vec![agent(1, 0, &[])];
    all.extend(steps.iter().cloned());
    let stop = stop(&all);
    (stop.class, stop.rule.raw().to_owned())
}

fn failed(mut span: Span, words: &str) -> Span {
    span.status = SpanStatus::Error;
    span.status_message = words.into();
    span
}

#[test]
fn every_class_has_its_rule() {
    let fail = |second| tool(1, 10, second, "pay", "{}", "Error: declined");
    let asks = json!([{"role": "assistant", "parts": [{"type": "tool_call", "name": "pay", "arguments": "{}"}]}]);
    let silent = span(
        1,
        5,
        1,
        5,
        &[
            ("gen_ai.operation.name", "chat".into()),
            ("gen_ai.output.messages", json!([{"role": "assistant", "parts": []}])),
            ("gen_ai.response.finish_reasons", json!(["stop"])),
        ],
    );
    let asking = span(
        1,
        5,
        1,
        5,
        &[
            ("gen_ai.operation.name", "chat".into()),
            ("gen_ai.output.messages", asks),
            ("gen_ai.response.finish_reasons", json!(["tool_calls"])),
        ],
    );
    let bare = span(1, 5, 1, 5, &[("gen_ai.operation.name", "chat".into())]);
    let again = |n: u32| tool(1, 20 + n, i64::from(n), "find", "{\"q\":1}", "[]");
    let cases: [(StopClass, Vec<Span>); 15] = [
        (StopClass::Complete, vec![chat(1, 5, 5, "Here you are.", "stop")]),
        (StopClass::Truncated, vec![chat(1, 5, 5, "Here you", "length")]),
        (StopClass::ToolRequested, vec![asking]),
        (StopClass::Refused, vec![chat(1, 5, 5, "I'm sorry, but I can not do that.", "stop")]),
        (StopClass::Filtered, vec![chat(1, 5, 5, "", "content_filter")]),
        (StopClass::GaveUp, vec![fail(2), chat(1, 5, 5, "That did not work.", "stop")]),
        (StopClass::ClaimedDone, vec![fail(2), chat(1, 5, 5, "Your refund has been paid.", "stop")]),
        (StopClass::Looped, vec![again(0), again(1), again(2), again(3), chat(1, 5, 9, "Nothing.", "stop")]),
        (StopClass::BudgetExhausted, vec![failed(chat(1, 5, 5, "x", "stop"), "max iterations reached")]),
        (StopClass::ContextOverflow, vec![chat(1, 5, 5, "x", "model_context_window_exceeded")]),
        (StopClass::Cancelled, vec![failed(chat(1, 5, 5, "x", "stop"), "request cancelled")]),
        (StopClass::Empty, vec![silent]),
        (StopClass::Malformed, vec![chat(1, 5, 5, "```json\n{\"a\":", "stop")]),
        (StopClass::ProviderError, vec![failed(chat(1, 5, 5, "", ""), "503")]),
        (StopClass::NotCaptured, vec![bare]),
    ];
    for (wanted, steps) in cases {
        let (class, rule) = class(&steps);
        assert_eq!(class, wanted, "{rule}");
        assert!(!rule.is_empty() && !wanted.states().is_empty());
    }
    let codes: std::collections::BTreeSet<&str> = StopClass::ALL.iter().map(|class| class.code()).collect();
    assert_eq!(codes.len(), StopClass::ALL.len());
}

/// The last state of a plan, kept by a tool.
fn plan(second: i64, states: &[&str]) -> Span {
    let steps: Vec<Value> = states.iter().map(|state| json!({"title": "t", "status": state})).collect();
    tool(1, 30 + u32::try_from(second).unwrap(), second, "plan", &json!({"steps": steps}).to_string(), "ok")
}

#[test]
fn a_run_that_ends_before_its_own_plan_gave_up_or_claims_too_much() {
    let done = plan(1, &["completed", "completed"]);
    let open = plan(2, &["completed", "in_progress", "pending"]);
    let answer = |text: &str| chat(1, 5, 9, text, "stop");
    assert_eq!(class(&[done.clone(), answer("Here is what I found.")]).0, StopClass::Complete);
    let (gave_up, rule) = class(&[done.clone(), open.clone(), answer("Here is what I found.")]);
    assert_eq!((gave_up, rule.contains("2 of 3 steps of its plan")), (StopClass::GaveUp, true), "{rule}");
    let (claimed, rule) = class(&[open.clone(), answer("All set, everything is done.")]);
    assert_eq!((claimed, rule.contains("2 of 3")), (StopClass::ClaimedDone, true), "{rule}");
    // The plan as it was last written down counts.
    assert_eq!(class(&[open, plan(3, &["completed", "completed"]), answer("Here.")]).0, StopClass::Complete);
    // Boxes in earlier words are a plan; boxes in the answer alone are what was asked for, unless some are ticked.
    let said = |text: &str| chat(1, 4, 3, text, "stop");
    let list = "- [ ] look\n- [ ] mend";
    assert_eq!(class(&[said(list), answer("I looked.")]).0, StopClass::GaveUp);
    assert_eq!(class(&[answer(list)]).0, StopClass::Complete);
    assert_eq!(class(&[answer("- [x] look\n- [ ] mend")]).0, StopClass::GaveUp);
    // What the provider says comes first.
    assert_eq!(class(&[said(list), chat(1, 5, 9, "I look", "length")]).0, StopClass::Truncated);
}

#[test]
fn the_step_it_ended_at_and_the_providers_own_words_are_kept() {
    let stop = stop(&[agent(1, 0, &[]), chat(1, 5, 2, "one", "tool_use"), chat(1, 6, 4, "two", "End_Turn")]);
    assert_eq!(stop.step, Some(chat(1, 6, 4, "", "").span_id));
    assert_eq!(stop.provider, ["End_Turn".into()]);
}

#[test]
fn the_page_states_every_rule_as_the_screen_does() {
    let page = include_str!("../../../docs/runs.md");
    for class in StopClass::ALL {
        let row = format!("| {} | `{}` | {} |", class.name(), class.code(), class.states());
        assert!(page.contains(&row), "docs/runs.md wants the line {row}");
    }
    for mark in
        [Mark::Failed, Mark::Repeated, Mark::EmptyResult, Mark::RetrievedNothing, Mark::Malformed, Mark::EndedHere]
    {
        let row = format!("| {} | {} |", mark.name(), mark.states());
        assert!(page.contains(&row), "docs/runs.md wants the line {row}");
    }
}
