//! A recorded run as a script: what it was told, with which tools, and what each tool answered.
//!
//! Made from the spans alone. What they do not carry is not made up: a run without its input, or whose earlier turns cannot be
//! told apart, has no script.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use crate::event::{Digest, Span, SpanId, SpanStatus, TraceId, Untrusted};

use super::alias::{self, Field, Flattened, Op};
use super::message::{self, Message};
use super::order::in_order;

/// What a run needs to be run again.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// The run.
    pub trace: TraceId,
    /// The model it asked for; `None` = not captured.
    pub model: Option<Untrusted>,
    /// The model that answered; `None` = not captured.
    pub served: Option<Untrusted>,
    /// Its system prompt; `None` = not captured, or none.
    pub system: Option<Untrusted>,
    /// The conversation up to its first model call, without the system prompt.
    pub opening: Vec<Line>,
    /// What the user said later, in order: each follows an answer.
    pub later: Vec<Untrusted>,
    /// Its tools; `None` = not captured.
    pub tools: Option<Vec<Tool>>,
    /// The same as one text, as it was recorded, which [`tools_of`] reads; `None` = not captured as one.
    pub tools_text: Option<Untrusted>,
    /// Sampling temperature, where captured.
    pub temperature: Option<f64>,
    /// Nucleus, where captured.
    pub top_p: Option<f64>,
    /// Longest answer in tokens, where captured.
    pub max_tokens: Option<u64>,
    /// What the run spent in and out, where captured.
    pub tokens: Option<u64>,
    /// Recorded answers of tools, by tool and canonical arguments, in order.
    answers: BTreeMap<(String, String), Vec<ToolAnswer>>,
}

/// One line of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// The user.
    User(Untrusted),
    /// The model: what it said, what it asked for.
    Model(Untrusted, Vec<Call>),
    /// What a tool answered to the call of that id.
    Tool(String, ToolAnswer),
}

/// A tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Ties the answer to it.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// Arguments as the model wrote them: JSON, or what it took for that.
    pub arguments: String,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolAnswer {
    /// Whole.
    pub text: Untrusted,
    /// It failed, and this says why.
    pub failed: bool,
}

/// A tool as it is described to a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Name.
    pub name: String,
    /// What for.
    pub description: Option<String>,
    /// JSON schema of its arguments.
    pub parameters: Value,
}

/// Why a run has no script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoScript {
    /// No model call among its spans.
    #[error("it has no model call")]
    NoModelCall,
    /// The messages of its first model call are not there.
    #[error("what was said to its first model call was not captured")]
    NoInput,
    /// Its first model call carries earlier tool calls whose answers cannot be told apart.
    #[error("the earlier turns it was given hold tool calls without their answers")]
    EarlierTurns,
}

impl Script {
    /// Reads the spans of one trace. A span given twice counts once, the later one wins.
    ///
    /// # Errors
    /// What is missing.
    pub fn of(spans: &[(Untrusted, Span)]) -> Result<Self, NoScript> {
        let all: BTreeMap<SpanId, &Span> = spans.iter().map(|(_, span)| (span.span_id, span)).collect();
        let mut steps: Vec<(Op, &Span)> =
            all.into_values().map(|span| (Op::of(&span.attributes, &span.name), span)).collect();
        steps.sort_by_key(|(_, span)| (span.start, span.span_id));
        let models = || steps.iter().filter(|(op, _)| *op == Op::Model).map(|(_, span)| *span);
        let first = models().next().ok_or(NoScript::NoModelCall)?;
        let told = |span: &Span| message::messages_in(span).iter().any(|m| !is_system(m) && m.says_something());
        // The first model call that says what it was told; else what its agent was told.
        let head = models().find(|span| told(span));
        let agents = || steps.iter().filter(|(op, _)| *op == Op::Agent).map(|(_, span)| *span);
        let source = head.or_else(|| agents().find(|span| told(span))).ok_or(NoScript::NoInput)?;
        let opening = opening(message::messages_in(source))?;
        let near = || [Some(source), head, Some(first)].into_iter().flatten().chain(agents());
        let number = |field| near().find_map(|span| alias::number(&span.attributes, field));
        Ok(Self {
            trace: first.trace_id,
            model: near().find_map(|span| alias::text(&span.attributes, Field::ModelAsked)).map(Untrusted::from),
            served: models().find_map(|span| alias::text(&span.attributes, Field::ModelServed)).map(Untrusted::from),
            system: near().find_map(message::system_prompt).map(Untrusted::from),
            later: later(&opening, models()),
            opening,
            tools: near().chain(models()).find_map(tools_of_span),
            tools_text: near()
                .chain(models())
                .find_map(|span| alias::text(&span.attributes, Field::Tools))
                .map(Untrusted::from),
            temperature: number(Field::Temperature),
            top_p: number(Field::TopP),
            max_tokens: number(Field::MaxTokens).and_then(whole),
            tokens: models()
                .flat_map(|span| [Field::TokensIn, Field::TokensOut].map(|field| (span, field)))
                .filter_map(|(span, field)| alias::number(&span.attributes, field).and_then(whole))
                .reduce(u64::saturating_add),
            answers: answers(&steps),
        })
    }

    /// What the record answers to this call, made for the `nth` time (0 = first); a call made more often than recorded is
    /// answered as the last time. `None` = the record does not hold it.
    #[must_use]
    pub fn answer(&self, name: &str, arguments: &str, nth: usize) -> Option<&ToolAnswer> {
        let known = self.answers.get(&(name.to_owned(), canonical(arguments)))?;
        known.get(nth).or(known.last())
    }

    /// Whether tools were called in the record.
    #[must_use]
    pub fn calls_tools(&self) -> bool {
        !self.answers.is_empty()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before")]
fn whole(number: f64) -> Option<u64> {
    (0.0..1e15).contains(&number).then_some(number as u64)
}

fn is_system(message: &Message) -> bool {
    matches!(message.role.as_str(), "system" | "developer")
}

fn is_model(message: &Message) -> bool {
    matches!(message.role.as_str(), "assistant" | "model" | "ai")
}

/// The answers of tools in a message, whatever the dialect.
fn answers_in(message: &Message) -> Vec<String> {
    let by_role = matches!(message.role.as_str(), "tool" | "function");
    if message.answers.is_empty() && by_role { vec![message.text.clone()] } else { message.answers.clone() }
}

fn opening(messages: Vec<Message>) -> Result<Vec<Line>, NoScript> {
    let mut lines = Vec::new();
    let mut open: VecDeque<String> = VecDeque::new();
    let mut made = 0_u32;
    for message in messages.into_iter().filter(|m| !is_system(m)) {
        let answers = answers_in(&message);
        let by_role = message.answers.is_empty() && !answers.is_empty();
        for text in answers {
            let id = open.pop_front().ok_or(NoScript::EarlierTurns)?;
            lines.push(Line::Tool(id, ToolAnswer { text: text.into(), failed: false }));
        }
        if by_role {
            continue;
        }
        if (!message.text.is_empty() || !message.calls.is_empty()) && !open.is_empty() {
            return Err(NoScript::EarlierTurns);
        }
        if is_model(&message) {
            let calls = message.calls.into_iter().map(|(name, arguments)| {
                made += 1;
                Call { id: format!("recorded_{made}"), name, arguments }
            });
            let calls: Vec<Call> = calls.collect();
            open.extend(calls.iter().map(|call| call.id.clone()));
            lines.push(Line::Model(message.text.into(), calls));
        } else if !message.text.is_empty() {
            lines.push(Line::User(message.text.into()));
        }
    }
    if open.is_empty() { Ok(lines) } else { Err(NoScript::EarlierTurns) }
}

/// What the user said after the opening: in the later model calls of the same conversation, which begin with the same words.
fn later<'a>(opening: &[Line], models: impl Iterator<Item = &'a Span>) -> Vec<Untrusted> {
    let users: Vec<&str> = opening
        .iter()
        .filter_map(|line| match line {
            Line::User(text) => Some(text.raw()),
            _ => None,
        })
        .collect();
    let mut longest: Vec<String> = Vec::new();
    for span in models {
        let said: Vec<String> = message::messages_in(span)
            .into_iter()
            .filter(|m| !is_system(m) && !is_model(m) && answers_in(m).is_empty() && !m.text.is_empty())
            .map(|m| m.text)
            .collect();
        let same = said.len() > users.len() && users.iter().zip(&said).all(|(one, other)| *one == other);
        if same && said.len() - users.len() > longest.len() {
            longest = said[users.len()..].to_vec();
        }
    }
    longest.into_iter().map(Untrusted::from).collect()
}

/// What tools answered: their own spans, and where there are none of a tool, what the model calls were told of it.
fn answers(steps: &[(Op, &Span)]) -> BTreeMap<(String, String), Vec<ToolAnswer>> {
    let mut found: BTreeMap<(String, String), Vec<ToolAnswer>> = BTreeMap::new();
    for (_, span) in steps.iter().filter(|(op, _)| *op == Op::Tool) {
        let text = |field| alias::text(&span.attributes, field);
        let Some(name) = text(Field::Tool) else { continue };
        let failed = span.status == SpanStatus::Error || text(Field::Error).is_some();
        let words = || failed.then(|| span.status_message.raw().to_owned()).filter(|words| !words.is_empty());
        if let Some(answer) = text(Field::ToolResult).or_else(words) {
            let key = (name, canonical(&text(Field::ToolArguments).unwrap_or_default()));
            found.entry(key).or_default().push(ToolAnswer { text: answer.into(), failed });
        }
    }
    let spanned: BTreeSet<String> = found.keys().map(|(name, _)| name.clone()).collect();
    for (_, span) in steps.iter().filter(|(op, _)| *op == Op::Model) {
        for (key, told) in told_answers(&message::messages_in(span)) {
            let known = found.get(&key).map_or(0, Vec::len);
            // Each model call repeats what the ones before were told.
            if !spanned.contains(&key.0) && told.len() > known {
                found.insert(key, told);
            }
        }
    }
    found
}

/// Calls and their answers out of one conversation, in order.
fn told_answers(messages: &[Message]) -> BTreeMap<(String, String), Vec<ToolAnswer>> {
    let mut told: BTreeMap<(String, String), Vec<ToolAnswer>> = BTreeMap::new();
    let mut open: VecDeque<(String, String)> = VecDeque::new();
    for message in messages {
        for answer in answers_in(message) {
            let Some(key) = open.pop_front() else { return told };
            told.entry(key).or_default().push(ToolAnswer { text: answer.into(), failed: false });
        }
        open.extend(message.calls.iter().map(|(name, arguments)| (name.clone(), canonical(arguments))));
    }
    told
}

fn tools_of_span(span: &Span) -> Option<Vec<Tool>> {
    if let Some(value) = alias::value(&span.attributes, Field::Tools) {
        return tools_of(value);
    }
    let flat = alias::flattened(&span.attributes, Flattened::Tools);
    let tools: Vec<Tool> = flat.values().flat_map(|parts| parts.values().filter_map(|value| tool_of(value))).collect();
    (!tools.is_empty()).then_some(tools)
}

/// The digest that runs with these definitions carry.
#[must_use]
pub fn tools_digest(text: &str) -> Digest {
    let canonical =
        serde_json::from_str::<Value>(text).map_or_else(|_| text.to_owned(), |value| in_order(value).to_string());
    Digest::of(canonical.as_bytes())
}

/// Tool definitions in any of the spellings of `OpenAI`, Anthropic, MCP and the conventions; `None` when it is no list of them.
#[must_use]
pub fn tools_of(value: &Value) -> Option<Vec<Tool>> {
    match value {
        Value::String(text) => tools_of(&serde_json::from_str(text).ok().filter(|inner: &Value| !inner.is_string())?),
        Value::Array(items) => items.iter().map(tool_of).collect(),
        _ => None,
    }
}

fn tool_of(value: &Value) -> Option<Tool> {
    if let Value::String(text) = value {
        return tool_of(&serde_json::from_str(text).ok().filter(|inner: &Value| !inner.is_string())?);
    }
    let tool = value.get("function").filter(|inner| inner.is_object()).unwrap_or(value);
    let schema = ["parameters", "input_schema", "inputSchema"].into_iter().find_map(|name| tool.get(name));
    let schema = schema.filter(|schema| schema.is_object()).cloned();
    Some(Tool {
        name: tool.get("name")?.as_str()?.to_owned(),
        description: tool.get("description").and_then(Value::as_str).map(str::to_owned),
        parameters: schema.unwrap_or_else(|| serde_json::json!({"type": "object", "properties": {}})),
    })
}

/// Arguments in one spelling: order of fields, white space, `1.0` for `1` and JSON inside a text make no difference.
#[must_use]
pub fn canonical(arguments: &str) -> String {
    let text = arguments.trim();
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Null) => "{}".to_owned(),
        Ok(Value::String(inner)) => match serde_json::from_str::<Value>(&inner) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => level(value).to_string(),
            _ => inner,
        },
        Ok(value) => level(value).to_string(),
        Err(_) if text.is_empty() => "{}".to_owned(),
        Err(_) => text.to_owned(),
    }
}

/// The same value with its fields in order and whole numbers written as such.
fn level(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(level).collect(),
        Value::Object(fields) => {
            let mut sorted: Vec<(String, Value)> = fields.into_iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(sorted.into_iter().map(|(name, value)| (name, level(value))).collect::<Map<_, _>>())
        }
        Value::Number(number) => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => (float as i64).into(),
            _ => Value::Number(number),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::event::{SpanKind, Time};

    /// A span that starts `at` nanoseconds into 1970.
    fn span(at: i64, op: &str, attributes: Value) -> (Untrusted, Span) {
        let Value::Object(fields) = attributes else { panic!("an object") };
        let mut attributes: crate::event::Attributes =
            fields.into_iter().map(|(name, value)| (Untrusted::from(name), value)).collect();
        attributes.insert("gen_ai.operation.name".into(), op.into());
        let time: Time = format!("1970-01-01T00:00:{at:02}Z").parse().unwrap();
        let span = Span {
            trace_id: TraceId([7; 16]),
            span_id: SpanId([u8::try_from(at).unwrap(); 8]),
            parent: None,
            name: op.into(),
            kind: SpanKind::Client,
            start: time,
            end: time,
            status: SpanStatus::Unset,
            status_message: Untrusted::default(),
            attributes,
            events: Vec::new(),
        };
        ("assistant".into(), span)
    }

    fn recorded() -> Vec<(Untrusted, Span)> {
        let tools = json!([{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}]);
        let told = json!([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "where is it?"}]);
        let again = json!([
            {"role": "user", "content": "where is it?"},
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "find", "arguments": "{\"b\":1,\"a\":\"x\"}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "on the shelf"},
            {"role": "assistant", "content": "On the shelf."},
            {"role": "user", "content": "which one?"}
        ]);
        vec![
            span(
                1,
                "chat",
                json!({
                    "gen_ai.request.model": "large", "gen_ai.request.temperature": 0.2, "gen_ai.request.max_tokens": 300,
                    "gen_ai.tool.definitions": tools.to_string(), "gen_ai.input.messages": told.to_string(),
                    "gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 5
                }),
            ),
            span(
                2,
                "execute_tool",
                json!({
                    "gen_ai.tool.name": "find", "gen_ai.tool.call.arguments": "{\"a\":\"x\",\"b\":1.0}", "gen_ai.tool.call.result": "on the shelf"
                }),
            ),
            span(3, "chat", json!({"gen_ai.input.messages": again.to_string()})),
        ]
    }

    #[test]
    fn a_run_is_read_whole() {
        let script = Script::of(&recorded()).unwrap();
        assert_eq!(script.system.as_ref().map(Untrusted::raw), Some("Be kind."));
        assert_eq!(script.opening, [Line::User("where is it?".into())]);
        assert_eq!(script.later, [Untrusted::from("which one?")], "the second question comes after the first answer");
        assert_eq!(script.tools.as_ref().unwrap()[0].name, "find");
        assert_eq!((script.temperature, script.max_tokens, script.tokens), (Some(0.2), Some(300), Some(25)));
        let answer = script.answer("find", " {\"b\": 1, \"a\": \"x\"}", 0).unwrap();
        assert_eq!((answer.text.raw(), answer.failed), ("on the shelf", false));
        assert_eq!(script.answer("find", "{\"a\":\"y\",\"b\":1}", 0), None, "another question is not in the record");
        assert_eq!(script.answer("fetch", "{\"a\":\"x\",\"b\":1}", 0), None);
    }

    #[test]
    fn answers_are_read_from_the_conversation_where_tools_have_no_spans() {
        let mut spans = recorded();
        spans.remove(1);
        let script = Script::of(&spans).unwrap();
        assert_eq!(script.answer("find", "{\"a\":\"x\",\"b\":1}", 0).unwrap().text.raw(), "on the shelf");
    }

    #[test]
    fn the_same_call_is_answered_in_the_order_of_the_record() {
        let mut spans = recorded();
        let mut second = spans[1].clone();
        second.1.span_id = SpanId([9; 8]);
        second.1.start = "1970-01-01T00:00:09Z".parse().unwrap();
        second.1.attributes.insert("gen_ai.tool.call.result".into(), "gone".into());
        spans.push(second);
        let script = Script::of(&spans).unwrap();
        let nth = |n| script.answer("find", "{\"a\":\"x\",\"b\":1}", n).unwrap().text.raw().to_owned();
        assert_eq!((nth(0), nth(1), nth(5)), ("on the shelf".into(), "gone".into(), "gone".into()));
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(Script::of(&[]), Err(NoScript::NoModelCall));
        assert_eq!(Script::of(&[span(1, "chat", json!({"gen_ai.request.model": "x"}))]), Err(NoScript::NoInput));
        let open = json!([
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "find", "arguments": "{}"}}]},
            {"role": "user", "content": "and?"}
        ]);
        let spans = [span(1, "chat", json!({"gen_ai.input.messages": open.to_string()}))];
        assert_eq!(Script::of(&spans), Err(NoScript::EarlierTurns));
    }

    #[test]
    fn tools_of_every_spelling() {
        for text in [
            r#"[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}]"#,
            r#"[{"name":"f","description":"d","input_schema":{"type":"object"}}]"#,
            r#"[{"name":"f","description":"d","inputSchema":{"type":"object"}}]"#,
        ] {
            let tools = tools_of(&Value::String(text.into())).unwrap();
            assert_eq!(
                tools,
                [Tool { name: "f".into(), description: Some("d".into()), parameters: json!({"type": "object"}) }]
            );
        }
        assert_eq!(tools_of(&json!("no list")), None);
        assert_eq!(tools_of(&json!([{"description": "without a name"}])), None);
    }

    proptest! {
        #[test]
        fn any_arguments_have_one_canonical_form(text in "\\PC{0,40}") {
            let once = canonical(&text);
            prop_assert_eq!(canonical(&once), once.clone(), "{}", text);
        }
    }
}
