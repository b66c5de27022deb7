//! Messages, whatever the dialect: one list of who said what.

use serde_json::Value;

use crate::event::{Attributes, Span, Untrusted};

use super::alias::{self, EventKind, Field, Flattened};

/// One message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Message {
    /// Who speaks.
    pub role: String,
    /// What is said, whole.
    pub text: String,
    /// Tools asked for: name and arguments.
    pub calls: Vec<(String, String)>,
    /// Answers of tools, whole.
    pub answers: Vec<String>,
    /// Why it ended, where the message says so.
    pub finish: Option<String>,
}

impl Message {
    /// Whether anything of it was captured.
    pub(super) fn says_something(&self) -> bool {
        !self.text.is_empty() || !self.calls.is_empty() || !self.answers.is_empty()
    }
}

/// What went into a model call.
pub(super) fn messages_in(span: &Span) -> Vec<Message> {
    collect(span, Field::MessagesIn, Flattened::MessagesIn, "user")
}

/// What came out of it.
pub(super) fn messages_out(span: &Span) -> Vec<Message> {
    collect(span, Field::MessagesOut, Flattened::MessagesOut, "assistant")
}

fn collect(span: &Span, field: Field, flat: Flattened, role: &str) -> Vec<Message> {
    let flattened = alias::flattened(&span.attributes, flat);
    if !flattened.is_empty() {
        return flattened.values().map(|parts| from_parts(parts, role)).collect();
    }
    if let Some(value) = alias::value(&span.attributes, field) {
        return from_value(value, role);
    }
    let wanted_out = role == "assistant";
    span.events
        .iter()
        .filter(|event| alias::is_event(&event.name, EventKind::Message))
        .flat_map(|event| from_event(&event.name, &event.attributes, wanted_out))
        .collect()
}

/// A JSON list, one message, or plain text.
fn from_value(value: &Value, role: &str) -> Vec<Message> {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner @ (Value::Array(_) | Value::Object(_))) => from_value(&inner, role),
            _ => vec![Message { role: role.into(), text: text.clone(), ..Message::default() }],
        },
        Value::Array(items) => items.iter().map(|item| one(item, role)).collect(),
        Value::Object(object) => match object.get("messages") {
            Some(Value::Array(items)) => items.iter().map(|item| one(item, role)).collect(),
            _ => vec![one(value, role)],
        },
        other => vec![Message { role: role.into(), text: other.to_string(), ..Message::default() }],
    }
}

/// One message as JSON.
fn one(value: &Value, role: &str) -> Message {
    let Value::Object(object) = value else {
        return Message { role: role.into(), text: alias::as_text(value), ..Message::default() };
    };
    let inner = object.get("message").filter(|inner| inner.is_object());
    if let Some(inner) = inner {
        return one(inner, role);
    }
    let mut message = Message {
        role: object.get("role").and_then(Value::as_str).unwrap_or(role).to_owned(),
        finish: object.get("finish_reason").and_then(Value::as_str).map(str::to_owned),
        ..Message::default()
    };
    for parts in [object.get("parts"), object.get("content")].into_iter().flatten() {
        match parts {
            Value::Array(parts) => parts.iter().for_each(|part| take_part(part, &mut message)),
            Value::Null => {}
            other => add_text(&mut message.text, &alias::as_text(other)),
        }
    }
    for call in object.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        let function = call.get("function").unwrap_or(call);
        let name = function.get("name").and_then(Value::as_str).unwrap_or_default();
        let arguments = function.get("arguments").map(alias::as_text).unwrap_or_default();
        message.calls.push((name.to_owned(), arguments));
    }
    if message.text.is_empty()
        && message.calls.is_empty()
        && message.answers.is_empty()
        && let Some(text) = object.get("text").and_then(Value::as_str)
    {
        text.clone_into(&mut message.text);
    }
    message
}

/// One part of a message.
fn take_part(part: &Value, message: &mut Message) {
    let field = |name: &str| part.get(name).filter(|value| !value.is_null());
    match part.get("type").and_then(Value::as_str).unwrap_or("text") {
        "tool_call" | "tool_use" | "function_call" | "server_tool_call" => {
            let name = field("name").map(alias::as_text).unwrap_or_default();
            let arguments = field("arguments").or_else(|| field("input")).map(alias::as_text).unwrap_or_default();
            message.calls.push((name, arguments));
        }
        "tool_call_response" | "tool_result" | "server_tool_call_response" => {
            // The prose of the conventions says "result", their schema "response".
            let answer = field("response").or_else(|| field("result")).or_else(|| field("content"));
            message.answers.push(answer.map(alias::as_text).unwrap_or_default());
        }
        "reasoning" | "thinking" | "blob" | "file" | "uri" | "compaction" => {}
        _ => {
            if let Some(text) = field("content").or_else(|| field("text")) {
                add_text(&mut message.text, &alias::as_text(text));
            }
        }
    }
}

/// One message out of flattened attributes.
#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "the last part of an attribute's name, no file")]
fn from_parts(parts: &std::collections::BTreeMap<String, &Value>, role: &str) -> Message {
    let text = |name: &str| parts.get(name).map(|value| alias::as_text(value));
    let mut message = Message {
        role: text("role").unwrap_or_else(|| role.into()),
        text: text("content").unwrap_or_default(),
        finish: text("finish_reason"),
        ..Message::default()
    };
    let mut calls: std::collections::BTreeMap<&str, (String, String)> = std::collections::BTreeMap::new();
    for (name, value) in parts {
        if let Some((at, leaf)) = name.rsplit_once('.').filter(|(at, _)| at.contains("tool_calls")) {
            let at = at.strip_suffix(".tool_call.function").or_else(|| at.strip_suffix(".function")).unwrap_or(at);
            let call = calls.entry(at).or_default();
            match leaf {
                "name" => call.0 = alias::as_text(value),
                "arguments" => call.1 = alias::as_text(value),
                _ => {}
            }
        } else if name.starts_with("contents.") && name.ends_with(".text") {
            add_text(&mut message.text, &alias::as_text(value));
        }
    }
    message.calls = calls.into_values().filter(|(name, _)| !name.is_empty()).collect();
    message
}

/// Messages out of a span event of the older conventions.
fn from_event(name: &Untrusted, attributes: &Attributes, wanted_out: bool) -> Vec<Message> {
    let role = match name.raw() {
        "gen_ai.choice" => "assistant",
        other => other.strip_prefix("gen_ai.").and_then(|rest| rest.strip_suffix(".message")).unwrap_or_default(),
    };
    if role.is_empty() {
        let field = if wanted_out { Field::MessagesOut } else { Field::MessagesIn };
        let role = if wanted_out { "assistant" } else { "user" };
        return alias::value(attributes, field).map(|value| from_value(value, role)).unwrap_or_default();
    }
    let is_out = name.raw() == "gen_ai.choice";
    if is_out != wanted_out {
        return Vec::new();
    }
    let object: serde_json::Map<String, Value> =
        attributes.iter().map(|(key, value)| (key.raw().to_owned(), value.clone())).collect();
    vec![one(&Value::Object(object), role)]
}

fn add_text(to: &mut String, more: &str) {
    if !to.is_empty() && !more.is_empty() {
        to.push('\n');
    }
    to.push_str(more);
}

/// The system prompt of a call: its own field, or the first system message.
pub(super) fn system_prompt(span: &Span) -> Option<String> {
    let own = alias::value(&span.attributes, Field::PromptText).map(|value| {
        let parts = from_value(value, "system");
        parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n")
    });
    own.filter(|text| !text.is_empty()).or_else(|| {
        messages_in(span)
            .into_iter()
            .find(|m| m.role == "system" || m.role == "developer")
            .map(|m| m.text)
            .filter(|t| !t.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::made;

    fn span(pairs: &[(&str, Value)]) -> Span {
        made::span(1, 0, 0, 0, pairs)
    }

    #[test]
    fn parts_as_json_text() {
        let out = r#"[{"role":"assistant","parts":[{"type":"text","content":"hi"},{"type":"tool_call","id":"1","name":"find","arguments":"{}"}]}]"#;
        let read = messages_out(&span(&[("gen_ai.output.messages", out.into())]));
        assert_eq!(read[0].text, "hi");
        assert_eq!(read[0].calls, [("find".to_owned(), "{}".to_owned())]);
    }

    #[test]
    fn flattened_openinference() {
        let read = messages_out(&span(&[
            ("llm.output_messages.0.message.role", "assistant".into()),
            ("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "find".into()),
            ("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "{\"a\":1}".into()),
        ]));
        assert_eq!(read[0].calls, [("find".to_owned(), "{\"a\":1}".to_owned())]);
    }

    #[test]
    fn tool_answers_under_either_name() {
        for name in ["response", "result"] {
            let text =
                format!(r#"[{{"role":"tool","parts":[{{"type":"tool_call_response","id":"1","{name}":"42"}}]}}]"#);
            assert_eq!(messages_in(&span(&[("gen_ai.input.messages", text.into())]))[0].answers, ["42"]);
        }
    }

    #[test]
    fn system_prompt_from_either_place() {
        let own = span(&[("gen_ai.system_instructions", r#"[{"type":"text","content":"Be kind."}]"#.into())]);
        assert_eq!(system_prompt(&own).as_deref(), Some("Be kind."));
        let first = span(&[("gen_ai.input.messages", r#"[{"role":"system","content":"Be brief."}]"#.into())]);
        assert_eq!(system_prompt(&first).as_deref(), Some("Be brief."));
    }
}
