//! The documented wire formats, captured and written by hand, whole and in pieces.

use serde_json::{Value, json};

use super::*;
use crate::surface::script::ToolAnswer;

fn captured(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/captured/llm/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn streamed(dialect: Dialect, chunks: &[&[u8]]) -> Result<Reply, Odd> {
    let mut stream = Stream::of(dialect);
    for chunk in chunks {
        stream.push(chunk)?;
    }
    stream.finish()
}

#[test]
fn captured_answers_are_read() {
    let chat = Dialect::OpenAi.whole(&captured("litellm_chat.json")).unwrap();
    assert_eq!((chat.text.as_str(), chat.stop.as_str()), ("mocked hypothesis: retrieval shard down", "stop"));
    assert_eq!((chat.tokens_in, chat.tokens_out), (Some(10), Some(20)));
    let local = Dialect::OpenAi.whole(&captured("smollm_json_mode.json")).unwrap();
    assert_eq!((local.stop.as_str(), local.tokens_in), ("stop", Some(41)));
    let message = Dialect::Anthropic.whole(&captured("litellm_anthropic_messages.json")).unwrap();
    assert_eq!((message.stop.as_str(), message.tokens_in, message.tokens_out), ("end_turn", Some(2095), Some(503)));
}

#[test]
fn the_captured_stream_is_read_the_same_wherever_its_pieces_end() {
    let bytes = captured("litellm_stream.txt");
    let whole = streamed(Dialect::OpenAi, &[&bytes]).unwrap();
    assert_eq!(whole.text, "mocked hypothesis: retrieval shard down");
    for at in 0..=bytes.len() {
        let (before, after) = bytes.split_at(at);
        assert_eq!(streamed(Dialect::OpenAi, &[before, after]).unwrap(), whole, "split at byte {at}");
    }
}

const CHUNKS: &str = r#"data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"größ"}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"find","arguments":""}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":"}},{"index":1,"id":"a","function":{"name":"get","arguments":"{}"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"検索\"}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":null}

data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}

data: [DONE]

"#;

#[test]
fn tool_calls_in_pieces_and_the_usage_of_the_last_chunk() {
    let whole = streamed(Dialect::OpenAi, &[CHUNKS.as_bytes()]).unwrap();
    assert_eq!((whole.text.as_str(), whole.stop.as_str()), ("größ", "tool_calls"));
    assert_eq!((whole.tokens_in, whole.tokens_out), (Some(9), Some(4)));
    let names: Vec<(&str, &str)> = whole.calls.iter().map(|c| (c.name.as_str(), c.arguments.as_str())).collect();
    assert_eq!(names, [("find", "{\"q\":\"検索\"}"), ("get", "{}")]);
    assert_ne!(whole.calls[0].id, whole.calls[1].id, "two calls of one id are told apart");
    for at in 0..=CHUNKS.len() {
        let (before, after) = CHUNKS.as_bytes().split_at(at);
        assert_eq!(streamed(Dialect::OpenAi, &[before, after]).unwrap(), whole, "split at byte {at}");
    }
}

const EVENTS: &str = r#"event: message_start
data: {"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":100,"output_tokens":1}}}

event: ping
data: {"type":"ping"}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Ich prüfe."}}

data: {"type":"content_block_stop","index":0}

data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"find","input":{}}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"q\":"}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"\"ü\"}"}}

data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":17}}

data: {"type":"message_stop"}

"#;

#[test]
fn anthropic_events_are_read_wherever_their_pieces_end() {
    let whole = streamed(Dialect::Anthropic, &[EVENTS.as_bytes()]).unwrap();
    let call = Call { id: "toolu_1".into(), name: "find".into(), arguments: "{\"q\":\"ü\"}".into() };
    assert_eq!((whole.text.as_str(), whole.stop.as_str(), &whole.calls[..]), ("Ich prüfe.", "tool_use", &[call][..]));
    assert_eq!((whole.tokens_in, whole.tokens_out), (Some(105), Some(17)));
    for at in 0..=EVENTS.len() {
        let (before, after) = EVENTS.as_bytes().split_at(at);
        assert_eq!(streamed(Dialect::Anthropic, &[before, after]).unwrap(), whole, "split at byte {at}");
    }
}

#[test]
fn fault_46_what_is_no_answer_is_named() {
    let whole = |body: &str| Dialect::OpenAi.whole(body.as_bytes()).unwrap_err();
    assert!(matches!(whole("<html><h1>502</h1>"), Odd::Page(words) if words.contains("502")));
    assert!(matches!(whole("I think so"), Odd::NotJson(words) if words == "I think so"));
    assert!(matches!(whole("{\"choices\":[{\"mess"), Odd::NotJson(_)), "cut in the middle");
    assert_eq!(whole(""), Odd::NotJson("nothing at all".into()));
    assert_eq!(whole("{\"choices\":[]}"), Odd::Form("choices"));
    assert_eq!(whole("{\"error\":{\"message\":\"no\"}}"), Odd::Said("no".into()));
    assert_eq!(Dialect::Anthropic.whole(b"{}").unwrap_err(), Odd::Form("content"));
    let stream = |text: &str| streamed(Dialect::OpenAi, &[text.as_bytes()]).unwrap_err();
    assert_eq!(stream("data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n"), Odd::CutShort);
    assert_eq!(stream(""), Odd::CutShort);
    assert_eq!(stream("data: {\"error\":{\"message\":\"overloaded\"}}\n\n"), Odd::Said("overloaded".into()));
    assert!(matches!(stream("data: <html>\n\n"), Odd::Page(_)));
    let late = "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    assert_eq!(streamed(Dialect::Anthropic, &[late.as_bytes()]).unwrap_err(), Odd::Said("Overloaded".into()));
}

#[test]
fn a_refusal_has_its_own_field() {
    let body = json!({"choices": [{"message": {"content": null, "refusal": "I won't."}, "finish_reason": "stop"}]});
    let reply = Dialect::OpenAi.whole(body.to_string().as_bytes()).unwrap();
    assert_eq!((reply.text.as_str(), reply.declined, reply.stop.as_str()), ("I won't.", true, "stop"));
}

fn question(dialect: Dialect) -> Value {
    let call = |id: &str| Call { id: id.into(), name: "find".into(), arguments: "{\"q\":1}".into() };
    let answer = |text: &str, failed| ToolAnswer { text: text.into(), failed };
    let lines = [
        Line::User("where?".into()),
        Line::Model("".into(), vec![call("a"), call("b")]),
        Line::Tool("a".into(), answer("here", false)),
        Line::Tool("b".into(), answer("broken", true)),
        Line::User("and now?".into()),
    ];
    let tools = [Tool { name: "find".into(), description: None, parameters: json!({"type": "object"}) }];
    dialect.body(&Ask {
        model: "m",
        system: Some("Be kind."),
        lines: &lines,
        tools: &tools,
        temperature: Some(0.5),
        top_p: None,
        max_tokens: 7,
    })
}

#[test]
fn a_question_to_chat_completions() {
    let body = question(Dialect::OpenAi);
    assert_eq!(body["stream_options"]["include_usage"], true);
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "Be kind."}));
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "find", "arguments": "{\"q\":1}"}});
    assert_eq!(
        body["messages"][2],
        json!({"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]})
    );
    assert_eq!(body["messages"][4], json!({"role": "tool", "tool_call_id": "b", "content": "broken"}));
    assert_eq!(body["tools"][0]["function"]["parameters"], json!({"type": "object"}));
    assert_eq!((&body["temperature"], &body["max_tokens"], body.get("top_p")), (&json!(0.5), &json!(7), None));
}

#[test]
fn a_question_to_anthropic_messages() {
    let body = question(Dialect::Anthropic);
    assert_eq!((&body["system"], &body["max_tokens"]), (&json!("Be kind."), &json!(7)));
    assert_eq!(body["messages"].as_array().unwrap().len(), 3, "the user's turns that follow one another are one");
    assert_eq!(
        body["messages"][1]["content"][0],
        json!({"type": "tool_use", "id": "a", "name": "find", "input": {"q": 1}})
    );
    let answers = &body["messages"][2]["content"];
    assert_eq!(answers[0], json!({"type": "tool_result", "tool_use_id": "a", "content": "here"}));
    assert_eq!(answers[1]["is_error"], true);
    assert_eq!(answers[2], json!({"type": "text", "text": "and now?"}));
    assert_eq!(body["tools"][0], json!({"name": "find", "input_schema": {"type": "object"}}));
}
