use serde_json::json;

use super::*;
use crate::event::{SpanKind, SpanStatus};

fn span(trace: u8, id: u8, name: &str, attributes: &[(&str, Value)]) -> (Untrusted, Span) {
    let at = Time::from_second(1_000 + i64::from(trace) * 60 + i64::from(id)).unwrap();
    let attributes = attributes.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    let span = Span {
        trace_id: TraceId([trace; 16]),
        span_id: SpanId([id; 8]),
        parent: None,
        name: name.into(),
        kind: SpanKind::Internal,
        start: at,
        end: at,
        status: SpanStatus::Unset,
        status_message: Untrusted::default(),
        attributes,
        events: Vec::new(),
    };
    ("support-bot".into(), span)
}

fn agent(trace: u8, user: Option<&str>) -> (Untrusted, Span) {
    let mut all = vec![("gen_ai.operation.name", json!("invoke_agent")), ("gen_ai.agent.name", json!("support-bot"))];
    all.extend(user.map(|user| ("user.id", json!(user))));
    span(trace, 1, "invoke_agent support-bot", &all)
}

fn tool(trace: u8, id: u8, name: &str) -> (Untrusted, Span) {
    let all = [
        ("gen_ai.operation.name", json!("execute_tool")),
        ("gen_ai.tool.name", json!(name)),
        ("gen_ai.tool.call.arguments", json!(format!("{{\"order\":{trace}}}"))),
    ];
    span(trace, id, &format!("execute_tool {name}"), &all)
}

fn wanted(traces: std::ops::Range<u8>) -> Vec<TraceId> {
    traces.map(|trace| TraceId([trace; 16])).collect()
}

#[test]
fn the_table_can_be_read_and_no_word_tells_two_things() {
    let table: BTreeMap<Did, BTreeSet<String>> = toml::from_str(FILE).unwrap();
    assert_eq!(table.len(), 5);
    let all: Vec<&String> = table.values().flatten().collect();
    assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len());
}

#[test]
fn users_are_counted_with_their_runs_and_deeds_by_what_was_done() {
    let mut spans = Vec::new();
    for (trace, user) in [(1, "u-1"), (2, "u-1"), (3, "u-2"), (9, "good")] {
        spans.push(agent(trace, Some(user)));
        spans.extend([tool(trace, 2, "get_order"), tool(trace, 3, "issue_refund")]);
    }
    let harm = Harm::of(&wanted(1..4), spans);
    assert_eq!((harm.runs, harm.runs_left_out), (3, 0));
    let users: Vec<(&str, u64)> = harm.users.iter().map(|user| (user.id.raw(), user.runs)).collect();
    assert_eq!(users, [("u-1", 2), ("u-2", 1)], "a run that was not bad harms nobody");
    assert_eq!(harm.users[0].trace, TraceId([2; 16]), "the latest of their runs");
    assert_eq!(harm.deeds.len(), 3);
    assert_eq!(harm.deeds[0].arguments.raw(), "{\"order\":3}", "the latest first");
    assert_eq!(harm.sums(), [(Did::Paid, &"issue_refund".into(), 3)]);
    assert_eq!(harm.tools.get(&Untrusted::from("get_order")), Some(&3));
    assert_eq!(harm.answer(), "2 users met it in 3 bad runs; they paid 3 times");
}

#[test]
fn what_is_not_captured_is_not_none() {
    let harm = Harm::of(&wanted(1..4), vec![agent(1, None), agent(2, Some("u-1"))]);
    assert_eq!((harm.runs, harm.runs_left_out, harm.runs_without_user, harm.runs_without_tools), (2, 1, 1, 2));
    assert_eq!(harm.answer(), "1 user met it in 2 bad runs, 1 of which name nobody; no tool call was captured");
    let harm = Harm::of(&wanted(1..2), vec![agent(1, None), tool(1, 2, "frobnicate")]);
    assert_eq!(harm.untold, BTreeMap::from([("frobnicate".into(), 1)]));
    assert_eq!(harm.answer(), "Whom 1 bad run met was not captured; what 1 tool did is not told");
    assert_eq!(Harm::of(&[], Vec::new()).answer(), "No bad run of this incident is on record");
    let mut talk = agent(1, None);
    talk.1.attributes.insert("gen_ai.conversation.id".into(), json!("c-1"));
    let harm = Harm::of(&wanted(1..2), vec![talk]);
    assert!(harm.answer().starts_with("1 conversation met it in 1 bad run; who they are was not captured"));
}

#[test]
fn fault_49_ids_that_were_taken_out_are_at_least_as_many_people() {
    let harm = Harm::of(&wanted(1..4), (1..4).map(|trace| agent(trace, Some("‹redacted:email›"))).collect());
    assert!(harm.users[0].redacted);
    assert!(harm.answer().starts_with("At least 1 user met it in 3 bad runs"), "{}", harm.answer());
}

#[test]
fn a_call_that_failed_is_no_deed_and_is_counted() {
    let mut failed = tool(1, 2, "send_email");
    failed.1.status = SpanStatus::Error;
    let harm = Harm::of(&wanted(1..2), vec![agent(1, Some("u")), failed, tool(1, 3, "send_email")]);
    assert_eq!((harm.deeds.len(), harm.failed), (1, 1));
    assert_eq!((harm.deeds[0].did, harm.deeds[0].told), (Did::Sent, Told::ByName));
}

#[test]
fn what_a_name_tells() {
    for (name, did) in [
        ("send_email", Some(Did::Sent)),
        ("sendCertificate", Some(Did::Sent)),
        ("refund_order", Some(Did::Paid)),
        ("issue_refund", Some(Did::Paid)),
        ("update_email", Some(Did::Wrote)),
        ("get_refund_policy", Some(Did::Reads)),
        ("order_lookup", Some(Did::Reads)),
        ("cancel_reservation", Some(Did::Deleted)),
        ("crm.update_user", Some(Did::Wrote)),
        ("sendSMS", Some(Did::Sent)),
        ("GETItem", None),
        ("frobnicate", None),
        ("", None),
    ] {
        assert_eq!(by_name(name), did, "{name}");
    }
}

#[test]
fn fault_51_a_tool_that_says_it_only_reads_is_not_believed_against_its_name() {
    let define = |annotations: Value| {
        let mut agent = agent(1, Some("u"));
        let tools =
            json!([{"name": "send_email", "annotations": annotations}, {"name": "frob", "annotations": annotations}]);
        agent.1.attributes.insert("gen_ai.tool.definitions".into(), json!(tools.to_string()));
        Harm::of(&wanted(1..2), vec![agent, tool(1, 2, "send_email"), tool(1, 3, "frob")])
    };
    let lying = define(json!({"readOnlyHint": true}));
    assert_eq!(lying.deeds.len(), 1);
    assert_eq!((lying.deeds[0].did, lying.deeds[0].told), (Did::Sent, Told::ByName));
    let honest = define(json!({"readOnlyHint": false, "destructiveHint": true}));
    let told: Vec<(Did, Told)> = honest.deeds.iter().map(|deed| (deed.did, deed.told)).collect();
    assert_eq!(told, [(Did::Sent, Told::Declared), (Did::Deleted, Told::Declared)]);
    assert!(honest.untold.is_empty());
}

#[test]
fn what_is_named_is_bounded_and_the_rest_is_counted() {
    let mut spans = Vec::new();
    let mut wanted = Vec::new();
    for n in 0..u16::try_from(USERS).unwrap() + 5 {
        let [high, low] = n.to_be_bytes();
        let mut trace = [7; 16];
        (trace[0], trace[1]) = (high, low);
        let mut one = agent(1, Some(&format!("u-{n}")));
        one.1.trace_id = TraceId(trace);
        wanted.push(TraceId(trace));
        spans.push(one);
    }
    let harm = Harm::of(&wanted, spans);
    assert_eq!((harm.users.len(), harm.users_left_out), (USERS, 5));
    assert!(harm.answer().starts_with("1005 users"));
}
