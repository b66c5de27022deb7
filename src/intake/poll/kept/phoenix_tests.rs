use serde_json::json;

use super::*;

fn captured() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/captured/phoenix/spans.json")).unwrap()
}

fn phoenix() -> Phoenix {
    Phoenix::new("default".to_owned(), "support-bot")
}

#[test]
fn what_a_real_phoenix_shows_is_what_was_sent_to_it() {
    // Captured in its usual order, the newest first; asked in ours it is the other way round.
    let mut answer: Value = serde_json::from_slice(&captured()).unwrap();
    answer["data"].as_array_mut().unwrap().reverse();
    let page = phoenix().read(answer.to_string().as_bytes(), None).unwrap();
    assert_eq!((page.rejected, page.gone), (0, false), "{:?}", page.why);
    let of = |name: &str| page.spans.iter().find(|shown| shown.span.name.raw() == name).unwrap();
    let root = of("invoke_agent support-bot");
    assert_eq!((root.sender.service.raw(), root.span.parent, root.whole), ("support-bot", None, true));
    let chat = of("chat gpt-4o");
    assert_eq!(chat.span.parent, Some(root.span.span_id));
    assert_eq!(chat.span.attributes["openinference.span.kind"], "LLM", "the kind is among the attributes again");
    assert_eq!(chat.span.attributes["gen_ai.usage.input_tokens"], 812);
    assert_eq!(chat.span.events[0].attributes["gen_ai.evaluation.score.label"], "fail");
    let retrieval = of("retrieval kb-eu");
    assert_eq!((retrieval.span.status, retrieval.span.status_message.raw()), (SpanStatus::Error, "deadline exceeded"));
}

#[test]
fn the_newest_first_is_refused_because_reading_on_would_miss_what_comes() {
    let error = phoenix().read(&captured(), None).unwrap_err().to_string();
    assert!(error.starts_with("/data: the newest stand first"), "{error}");
}

fn span(id: &str, more: &Value) -> Value {
    let mut span = json!({
        "id": id, "name": "chat", "span_kind": "LLM", "parent_id": null, "attributes": {}, "events": [], "status_code": "OK",
        "context": {"trace_id": "4d096a918c7882c177ed8a7447da17a2", "span_id": "f8b8c10de92435fb"}, "status_message": "",
        "start_time": "2026-11-22T01:04:34.083292+00:00", "end_time": "2026-11-22T01:04:35.083292+00:00",
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        span[field] = value.clone();
    }
    span
}

#[test]
fn fault_36_a_span_that_is_none_is_counted_and_the_others_are_taken() {
    let mut nested = json!("deep");
    for _ in 0..100 {
        nested = json!([nested]);
    }
    let odd = [
        json!({"context": {"trace_id": "4d09", "span_id": "f8b8c10de92435fb"}}),
        json!({"context": {"trace_id": "0".repeat(32), "span_id": "f8b8c10de92435fb"}}),
        json!({"parent_id": "here"}),
        json!({"start_time": "yesterday"}),
        json!({"attributes": [1]}),
        json!({"attributes": {"a": nested}}),
        json!({"attributes": (0..5_000).map(|n| (n.to_string(), json!(n))).collect::<serde_json::Map<_, _>>()}),
    ];
    let data: Vec<Value> = odd.iter().chain([&json!({})]).map(|more| span("U3Bhbjo2", more)).collect();
    let page = phoenix().read(json!({"data": data}).to_string().as_bytes(), None).unwrap();
    assert_eq!((page.rejected, page.spans.len()), (7, 1));
    assert!(page.why.unwrap().starts_with("/data/0: "));
    for body in ["", "<html>", "{\"data\":{}}", "[]"] {
        assert!(phoenix().read(body.as_bytes(), None).is_err(), "{body}");
    }
}

#[test]
fn a_page_that_does_not_begin_where_it_was_asked_for_says_that_something_is_gone() {
    let body = json!({"data": [span("U3Bhbjo2", &json!({}))], "next_cursor": "U3Bhbjo3"}).to_string();
    let page = phoenix().read(body.as_bytes(), Some("U3Bhbjo2")).unwrap();
    assert_eq!((page.gone, page.next.as_deref()), (false, Some("U3Bhbjo3")));
    assert!(phoenix().read(body.as_bytes(), Some("U3Bhbjo1")).unwrap().gone);
    assert!(phoenix().read(b"{\"data\":[]}", Some("U3Bhbjo1")).unwrap().gone, "made anew: nothing is there");
    assert!(!phoenix().read(b"{\"data\":[]}", None).unwrap().gone);
}

#[test]
fn annotations_become_verdicts_and_notes_do_not() {
    let span = SpanId([0xF8; 8]);
    let of = BTreeMap::from([(span, TraceId([1; 16]))]);
    let annotation = |id: &str, result: Value| {
        json!({"id": id, "span_id": span, "name": "faithfulness", "annotator_kind": "HUMAN", "result": result,
            "updated_at": "2026-11-22T01:05:00+00:00", "identifier": "", "source": "APP", "user_id": null})
    };
    let mut data = vec![
        annotation("a", json!({"label": "fail", "score": 0.2, "explanation": "not in the context"})),
        annotation("note", json!({"label": null, "score": null, "explanation": "look at this"})),
    ];
    let mut of_run = annotation("run", json!({"label": "bad", "score": 0.0, "explanation": null}));
    let fields = of_run.as_object_mut().unwrap();
    fields.remove("span_id");
    fields.insert("trace_id".to_owned(), json!(TraceId([2; 16]).to_string()));
    data.push(of_run);
    let (found, next) = annotations(json!({"data": data}).to_string().as_bytes(), &of).unwrap();
    assert_eq!((found.len(), next), (2, None));
    assert_eq!((found[1].trace, found[1].span), (TraceId([2; 16]), None));
    assert_eq!((found[0].trace, found[0].span), (TraceId([1; 16]), Some(span)));
    assert_eq!(found[0].event.attributes["gen_ai.evaluation.score.value"], 0.2);
    assert_eq!(found[0].event.attributes["evaluation.by"], "HUMAN");
}

#[test]
fn a_project_of_any_name_stays_one_part_of_the_address() {
    assert_eq!(Phoenix::new("a/b c?".to_owned(), "x").path("spans"), "v1/projects/a%2Fb%20c%3F/spans");
}
