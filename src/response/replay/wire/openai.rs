//! `OpenAI`'s chat completions.

use serde_json::{Value, json};

use super::{Ask, Gathered, Odd, Reply, count};
use crate::surface::script::{Call, Line};

pub(super) fn body(ask: &Ask<'_>) -> Value {
    let mut messages: Vec<Value> = ask.system.iter().map(|text| json!({"role": "system", "content": text})).collect();
    for line in ask.lines {
        messages.push(match line {
            Line::User(text) => json!({"role": "user", "content": text.raw()}),
            Line::Model(text, calls) if calls.is_empty() => json!({"role": "assistant", "content": text.raw()}),
            Line::Model(text, calls) => {
                let calls: Vec<Value> = calls
                    .iter()
                    .map(|call| {
                        let function = json!({"name": call.name, "arguments": call.arguments});
                        json!({"id": call.id, "type": "function", "function": function})
                    })
                    .collect();
                let content = if text.is_empty() { Value::Null } else { text.raw().into() };
                json!({"role": "assistant", "content": content, "tool_calls": calls})
            }
            Line::Tool(id, answer) => json!({"role": "tool", "tool_call_id": id, "content": answer.text.raw()}),
        });
    }
    let mut body = json!({
        "model": ask.model, "messages": messages, "max_tokens": ask.max_tokens,
        "stream": true, "stream_options": {"include_usage": true}
    });
    if !ask.tools.is_empty() {
        let tools = ask.tools.iter().map(|tool| {
            let mut function = json!({"name": tool.name, "parameters": tool.parameters});
            if let Some(description) = &tool.description {
                function["description"] = description.as_str().into();
            }
            json!({"type": "function", "function": function})
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
    let choice = value.get("choices").and_then(|choices| choices.get(0)).ok_or(Odd::Form("choices"))?;
    let message = choice.get("message").ok_or(Odd::Form("choices[0].message"))?;
    let mut reply = Reply {
        text: text_of(message.get("content")),
        stop: choice.get("finish_reason").and_then(Value::as_str).unwrap_or_default().to_owned(),
        ..Reply::default()
    };
    decline(message, &mut reply);
    for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        let function = call.get("function").unwrap_or(&Value::Null);
        reply.calls.push(Call {
            id: words(call.get("id")),
            name: words(function.get("name")),
            arguments: arguments(function.get("arguments")),
        });
    }
    super::name_calls(&mut reply.calls);
    usage(value, &mut reply);
    Ok(reply)
}

/// One chunk of a stream. The last one before `[DONE]` has no choices and carries the usage.
pub(super) fn piece(value: &Value, to: &mut Gathered) {
    usage(value, &mut to.reply);
    let choices = value.get("choices").and_then(Value::as_array).into_iter().flatten();
    for choice in choices.filter(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0) {
        if let Some(delta) = choice.get("delta") {
            to.reply.text.push_str(&text_of(delta.get("content")));
            decline(delta, &mut to.reply);
            for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                let kept = to.call(call.get("index").and_then(Value::as_u64).unwrap_or(0));
                if kept.id.is_empty() {
                    kept.id = words(call.get("id"));
                }
                let function = call.get("function").unwrap_or(&Value::Null);
                kept.name.push_str(&words(function.get("name")));
                kept.arguments.push_str(&arguments(function.get("arguments")));
            }
        }
        if let Some(why) = choice.get("finish_reason").and_then(Value::as_str) {
            to.stop(why);
        }
    }
}

fn words(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Arguments are JSON in a text; some servers send the object itself.
fn arguments(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(object @ Value::Object(_)) => object.to_string(),
        _ => String::new(),
    }
}

/// Content is a text, or parts of which some are texts.
fn text_of(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

fn decline(message: &Value, reply: &mut Reply) {
    if let Some(text) = message.get("refusal").and_then(Value::as_str) {
        reply.text.push_str(text);
        reply.declined = true;
    }
}

fn usage(value: &Value, reply: &mut Reply) {
    if let Some(usage) = value.get("usage").filter(|usage| usage.is_object()) {
        reply.tokens_in = count(usage, "prompt_tokens").or(reply.tokens_in);
        reply.tokens_out = count(usage, "completion_tokens").or(reply.tokens_out);
    }
}
