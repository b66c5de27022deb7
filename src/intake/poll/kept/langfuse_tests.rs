use serde_json::json;

use super::*;

fn read(observation: &Value) -> Shown {
    let body = json!({"data": [observation], "meta": {}}).to_string();
    let mut page = Langfuse::new("bot".to_owned()).read(body.as_bytes()).unwrap();
    assert_eq!((page.rejected, page.next), (0, None), "{:?}", page.why);
    page.spans.remove(0)
}

fn observation(more: &Value) -> Value {
    let mut observation = json!({
        "id": "f8b8c10de92435fb", "traceId": "4d096a918c7882c177ed8a7447da17a2", "type": "GENERATION", "projectId": "p",
        "startTime": "2026-11-22T01:04:34.083Z", "endTime": "2026-11-22T01:04:36.083Z", "parentObservationId": null,
        "name": "chat", "level": "DEFAULT", "statusMessage": null, "environment": "production",
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        observation[field] = value.clone();
    }
    observation
}

#[test]
fn an_observation_is_a_span_and_langfuse_has_the_last_word() {
    let shown = read(&observation(&json!({
        "model": "gpt-4o", "modelParameters": {"temperature": 0.2}, "input": "[{\"role\":\"user\",\"content\":\"hi\"}]",
        "output": "hello", "promptName": "refunds", "promptVersion": 41, "usageDetails": {"input": 812, "output": 31, "total": 843},
        "level": "ERROR", "statusMessage": "cut off", "sessionId": "conv_1",
        "metadata": {
            "attributes": {"gen_ai.request.model": "alias", "gen_ai.usage.input_tokens": 1, "llm.finish_reason": "stop"},
            "resourceAttributes": "{\"service.name\":\"support-bot\",\"cloud.region\":\"eu\"}",
            "region": "eu",
        },
    })));
    let attribute = |name: &str| shown.span.attributes.get(name).cloned().unwrap_or_default();
    assert_eq!((shown.sender.service.raw(), shown.whole), ("support-bot", true));
    assert_eq!(shown.sender.attributes["cloud.region"], "eu");
    assert_eq!(attribute("gen_ai.request.model"), "alias", "what was sent stays beside what Langfuse says");
    assert_eq!(attribute("langfuse.observation.model.name"), "gpt-4o");
    assert_eq!(attribute("gen_ai.usage.input_tokens"), 812);
    assert_eq!(attribute("llm.finish_reason"), "stop");
    assert_eq!(attribute("langfuse.observation.type"), "generation");
    assert_eq!(attribute("langfuse.metadata.region"), "eu");
    assert_eq!((shown.span.status, shown.span.status_message.raw()), (SpanStatus::Error, "cut off"));
}

#[test]
fn names_that_are_no_otel_ids_are_the_same_ids_every_time() {
    let odd = observation(
        &json!({"id": "obs-1", "traceId": "5f0c9a52-6b1e-4c8e-9a51-0f1a5a4f6c3d", "parentObservationId": "obs-0"}),
    );
    let (one, two) = (read(&odd), read(&odd));
    assert_eq!((one.span.span_id, one.span.parent), (two.span.span_id, two.span.parent));
    assert_eq!(one.span.trace_id.to_string(), "5f0c9a526b1e4c8e9a510f1a5a4f6c3d", "a UUID is its digits");
    assert_ne!(Some(one.span.span_id), one.span.parent);
    assert_eq!(read(&observation(&json!({}))).span.span_id.to_string(), "f8b8c10de92435fb");
}

#[test]
fn what_has_not_ended_is_marked_and_an_event_has_no_end() {
    let open = read(&observation(&json!({"endTime": null})));
    assert!(!open.whole && open.span.attributes.contains_key(span::UNENDED) && open.span.start == open.span.end);
    let event = read(&observation(&json!({"endTime": null, "type": "EVENT"})));
    assert!(event.whole && !event.span.attributes.contains_key(span::UNENDED));
    assert!(!event.span.attributes.contains_key("langfuse.observation.type"), "any span is a SPAN or EVENT to it");
}

#[test]
fn fault_36_an_observation_that_is_none_is_counted_and_the_others_are_taken() {
    let data = [
        observation(&json!({"traceId": null})),
        observation(&json!({"startTime": 5})),
        json!("text"),
        observation(&json!({})),
    ];
    let body = json!({"data": data, "meta": {"cursor": "next"}}).to_string();
    let page = Langfuse::new("bot".to_owned()).read(body.as_bytes()).unwrap();
    assert_eq!((page.rejected, page.spans.len(), page.next.as_deref()), (3, 1, Some("next")));
    assert!(page.why.unwrap().starts_with("/data/0: belongs to no trace"));
}

#[test]
fn scores_of_runs_and_steps_become_verdicts_of_either_form() {
    let score = |value: Value, subject: Value| {
        let score = json!({"id": "s1", "projectId": "p", "name": "correct", "source": "EVAL", "dataType": "X", "environment": "e",
            "timestamp": "2026-11-22T01:05:00Z", "createdAt": "2026-11-22T01:05:00Z", "updatedAt": "2026-11-22T01:05:00Z",
            "value": value, "subject": subject, "comment": "no"});
        let raw = serde_json::value::to_raw_value(&score).unwrap();
        verdict(&raw)
    };
    let trace = "4d096a918c7882c177ed8a7447da17a2";
    let of_run = score(json!(false), json!({"kind": "trace", "id": trace})).unwrap();
    assert_eq!((of_run.trace.to_string().as_str(), of_run.span), (trace, None));
    let said = |verdict: &Verdict, name: &str| verdict.event.attributes.get(name).cloned().unwrap_or_default();
    assert_eq!(said(&of_run, "gen_ai.evaluation.score.label"), "false");
    assert_eq!(said(&of_run, "gen_ai.evaluation.score.value"), 0.0);
    let of_step = json!({"kind": "observation", "id": "f8b8c10de92435fb", "traceId": trace});
    let of_step = score(json!("irrelevant"), of_step).unwrap();
    assert_eq!(of_step.span.unwrap().to_string(), "f8b8c10de92435fb");
    assert_eq!(said(&of_step, "gen_ai.evaluation.score.label"), "irrelevant");
    assert!(score(json!(1), json!({"kind": "session", "id": "x"})).is_none());
}
