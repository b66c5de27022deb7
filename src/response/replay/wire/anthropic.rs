//! Anthropic's messages.

use serde_json::{Value, json};

use super::{Ask, Gathered, Odd, Reply, count};
use crate::surface::script::{Call, Line};

pub(super) fn body(ask: &Ask<'_>) -> Value {
    let mut messages: Vec<(&str, Vec<Value>)> = Vec::new();
    for line in ask.lines {
        let (role, parts) = match line {
            Line::User(text) => ("user", vec![json!({"type": "text", "text": text.raw()})]),
            Line::Model(text, calls) => {
                let said = (!text.is_empty()).then(|| json!({"type": "text", "text": text.raw()}));
                let calls = calls.iter().map(|call| {
                    let input: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
                    json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
                });
                ("assistant", said.into_iter().chain(calls).collect())
            }
            Line::Tool(id, answer) => {
                let mut part = json!({"type": "tool_result", "tool_use_id": id, "content": answer.text.raw()});
                if answer.failed {
                    part["is_error"] = true.into();
                }
                ("user", vec![part])
            }
        };
        // All answers to one turn belong into one message.
        match messages.last_mut() {
            Some((last, kept)) if *last == role => kept.extend(parts),
            _ => messages.push((role, parts)),
        }
    }
    let messages: Vec<Value> =
        messages.into_iter().map(|(role, parts)| json!({"role": role, "content": parts})).collect();
    let mut body = json!({"model": ask.model, "messages": messages, "max_tokens": ask.max_tokens, "stream": true});
    if let Some(system) = ask.system {
        body["system"] = system.into();
    }
    if !ask.tools.is_empty() {
        let tools = ask.tools.iter().map(|tool| {
            let mut described = json!({"name": tool.name, "input_schema": tool.parameters});
            if let Some(description) = &tool.description {
                described["description"] = description.as_str().into();
            }
            described
        });
        body["tools"] = tools.collect();
    }
    for (name, value) in [("temperature", ask.temperature), ("top_p", ask.top_p)] {
        if let Some(value) = value {
            body[name] = value.into();
        }
    }
    body
}

pub(super) fn whole(value: &Value) -> Result<Reply, Odd> {
    let parts = value.get("content").and_then(Value::as_array).ok_or(Odd::Form("content"))?;
    let mut reply = Reply::default();
    for part in parts {
        match part.get("type").and_then(Value::as_str) {
            Some("text") => reply.text.push_str(part.get("text").and_then(Value::as_str).unwrap_or_default()),
            Some("tool_use") => reply.calls.push(call_of(part)),
            _ => {}
        }
    }
    super::name_calls(&mut reply.calls);
    stop_of(value).unwrap_or_default().clone_into(&mut reply.stop);
    usage(value.get("usage"), &mut reply);
    Ok(reply)
}

/// One event of a stream.
pub(super) fn piece(value: &Value, to: &mut Gathered) {
    let at = || value.get("index").and_then(Value::as_u64).unwrap_or(0);
    let text = |part: Option<&Value>, name: &str| {
        part.and_then(|part| part.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    match value.get("type").and_then(Value::as_str) {
        Some("message_start") => usage(value.get("message").and_then(|message| message.get("usage")), &mut to.reply),
        Some("content_block_start") => {
            let part = value.get("content_block");
            match part.and_then(|part| part.get("type")).and_then(Value::as_str) {
                Some("text") => to.reply.text.push_str(&text(part, "text")),
                Some("tool_use") => {
                    let begun = part.map(call_of);
                    let call = to.call(at());
                    if let Some(begun) = begun {
                        // The arguments follow in pieces; the object given here is empty.
                        let arguments = if begun.arguments == "{}" { String::new() } else { begun.arguments.clone() };
                        *call = Call { arguments, ..begun };
                    }
                }
                _ => {}
            }
        }
        Some("content_block_delta") => {
            let delta = value.get("delta");
            match delta.and_then(|delta| delta.get("type")).and_then(Value::as_str) {
                Some("text_delta") => to.reply.text.push_str(&text(delta, "text")),
                Some("input_json_delta") => {
                    let more = text(delta, "partial_json");
                    to.call(at()).arguments.push_str(&more);
                }
                _ => {}
            }
        }
        Some("message_delta") => {
            usage(value.get("usage"), &mut to.reply);
            if let Some(why) = value.get("delta").and_then(stop_of) {
                to.stop(why);
            }
        }
        Some("message_stop") => to.done = true,
        _ => {}
    }
}

fn call_of(part: &Value) -> Call {
    let text = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let input = part.get("input").filter(|input| !input.is_null());
    Call { id: text("id"), name: text("name"), arguments: input.map_or_else(|| "{}".to_owned(), Value::to_string) }
}

fn stop_of(value: &Value) -> Option<&str> {
    value.get("stop_reason").and_then(Value::as_str)
}

/// What came out of a cache was read all the same.
fn usage(usage: Option<&Value>, reply: &mut Reply) {
    let Some(usage) = usage else { return };
    if let Some(fresh) = count(usage, "input_tokens") {
        let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"];
        reply.tokens_in = Some(cached.iter().filter_map(|name| count(usage, name)).fold(fresh, u64::saturating_add));
    }
    reply.tokens_out = count(usage, "output_tokens").or(reply.tokens_out);
}
