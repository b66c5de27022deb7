//! One run again: the script on one side, a model on the other. Pure: answers in, the next question or the end out.

use std::collections::BTreeMap;

use serde_json::Value;

use super::wire::{Ask, Reply};
use crate::event::{Attributes, ReplayArm, ReplayEnd, Span, SpanId, SpanKind, SpanStatus, Time, Untrusted};
use crate::surface::script::{Line, Script, Tool, ToolAnswer, canonical, tools_of};
use crate::surface::{StopClass, open};

/// One run asks a model at most so often.
pub(super) const MAX_CALLS: u32 = 32;
/// The longest answer where the record does not say it, in tokens.
const USUAL_ANSWER: u64 = 2048;
/// What is quoted of a call.
const MAX_QUOTED: usize = 300;

/// What a run is run with: the arm's values where it has some, else the recorded ones.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pinned {
    model: Untrusted,
    system: Option<Untrusted>,
    tools: Vec<Tool>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: u64,
}

impl Pinned {
    /// # Errors
    /// What neither the arm nor the record says.
    pub fn of(script: &Script, arm: &ReplayArm, endpoint_model: Option<&str>) -> anyhow::Result<Self> {
        let given = arm.tools.as_ref().map(|tools| tools_of(&Value::String(tools.raw().to_owned())));
        let given = given.map(|tools| tools.ok_or_else(|| anyhow::anyhow!("its tools are no list of definitions")));
        let tools = given.transpose()?.or_else(|| script.tools.clone());
        anyhow::ensure!(
            tools.is_some() || !script.calls_tools(),
            "it called tools whose definitions were not captured: give them with tools=@FILE"
        );
        let model = arm.model.clone().or_else(|| endpoint_model.map(Untrusted::from)).or_else(|| script.model.clone());
        Ok(Self {
            model: model.ok_or_else(|| {
                anyhow::anyhow!("the model it asked for was not captured: give one with model=… or in [[endpoint]]")
            })?,
            system: arm.prompt.clone().or_else(|| script.system.clone()),
            tools: tools.unwrap_or_default(),
            temperature: arm.temperature.or(script.temperature),
            top_p: script.top_p,
            max_tokens: script.max_tokens.unwrap_or(USUAL_ANSWER).max(1),
        })
    }

    /// The model that is asked.
    pub fn model(&self) -> &Untrusted {
        &self.model
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// Another question.
    Ask,
    /// It is over, and this was said last.
    Over(ReplayEnd, Untrusted),
}

/// A run under way.
pub(super) struct Talk<'a> {
    script: &'a Script,
    pinned: &'a Pinned,
    lines: Vec<Line>,
    /// How often each call was made.
    made: BTreeMap<(String, String), usize>,
    /// How many of the user's later words were said.
    later: usize,
    asked: u32,
    /// The run as a recorder would have sent it, for the rules that read how a run ended.
    spans: Vec<(Untrusted, Span)>,
}

impl<'a> Talk<'a> {
    pub fn begin(script: &'a Script, pinned: &'a Pinned) -> Self {
        let lines = script.opening.clone();
        Self { script, pinned, lines, made: BTreeMap::new(), later: 0, asked: 0, spans: Vec::new() }
    }

    /// The next question.
    pub fn ask(&self) -> Ask<'_> {
        Ask {
            model: self.pinned.model.raw(),
            system: self.pinned.system.as_ref().map(Untrusted::raw),
            lines: &self.lines,
            tools: &self.pinned.tools,
            temperature: self.pinned.temperature,
            top_p: self.pinned.top_p,
            max_tokens: self.pinned.max_tokens,
        }
    }

    /// Takes in the answer.
    pub fn hear(&mut self, reply: Reply) -> Next {
        self.asked += 1;
        self.span_of(&reply);
        let said = Untrusted::from(reply.text.as_str());
        let stop = Untrusted::from(reply.stop.as_str());
        let bad = |why: String| Next::Over(answered(&stop, Some(why), true), said.clone());
        if reply.calls.is_empty() {
            let ended = open(self.spans.clone()).facts.map(|facts| facts.stop);
            let (class, rule) = ended.map_or((StopClass::NotCaptured, Untrusted::default()), |s| (s.class, s.rule));
            let plain = class == StopClass::Complete;
            if plain && let Some(more) = self.script.later.get(self.later).filter(|_| self.asked < MAX_CALLS) {
                self.later += 1;
                self.lines.push(Line::Model(said, Vec::new()));
                self.lines.push(Line::User(more.clone()));
                return Next::Ask;
            }
            let why = (!plain).then(|| format!("{}: {}", class.name(), rule.raw()));
            return Next::Over(answered(&stop, why, class.is_bad()), said);
        }
        let mut answers = Vec::new();
        for call in &reply.calls {
            let quoted: String = format!("{}({})", call.name, call.arguments).chars().take(MAX_QUOTED).collect();
            let Some(tool) = self.pinned.tools.iter().find(|tool| tool.name == call.name) else {
                return bad(format!("unknown tool: it asked for {quoted}, which it was not given"));
            };
            if let Some(wrong) = wrong_arguments(tool, &call.arguments) {
                return bad(format!("bad arguments: {wrong} in {quoted}"));
            }
            let nth = self.made.entry((call.name.clone(), canonical(&call.arguments))).or_default();
            let Some(answer) = self.script.answer(&call.name, &call.arguments, *nth) else {
                return Next::Over(ReplayEnd::OffScript { asked: quoted.into() }, said);
            };
            *nth += 1;
            answers.push((call.clone(), answer.clone()));
        }
        if self.asked >= MAX_CALLS {
            return bad(format!("budget exhausted: it still asks for tools after {MAX_CALLS} calls of the model"));
        }
        self.lines.push(Line::Model(said, reply.calls));
        for (call, answer) in answers {
            self.span_of_tool(&call.name, &call.arguments, &answer);
            self.lines.push(Line::Tool(call.id, answer));
        }
        Next::Ask
    }

    fn span_of(&mut self, reply: &Reply) {
        let calls: Vec<Value> = reply
            .calls
            .iter()
            .map(|call| serde_json::json!({"function": {"name": call.name, "arguments": call.arguments}}))
            .collect();
        let message = serde_json::json!([{"role": "assistant", "content": reply.text, "tool_calls": calls}]);
        let mut reasons: Vec<&str> = Some(reply.stop.as_str()).filter(|stop| !stop.is_empty()).into_iter().collect();
        if reply.declined {
            reasons.push("refusal");
        }
        let attributes = [
            ("gen_ai.operation.name", "chat".into()),
            ("gen_ai.output.messages", message),
            ("gen_ai.response.finish_reasons", reasons.into()),
        ];
        self.push(&attributes, false);
    }

    fn span_of_tool(&mut self, name: &str, arguments: &str, answer: &ToolAnswer) {
        let attributes = [
            ("gen_ai.operation.name", "execute_tool".into()),
            ("gen_ai.tool.name", name.into()),
            ("gen_ai.tool.call.arguments", arguments.into()),
            ("gen_ai.tool.call.result", answer.text.raw().into()),
        ];
        self.push(&attributes, answer.failed);
    }

    fn push(&mut self, attributes: &[(&str, Value)], failed: bool) {
        // Only their order counts.
        let place = self.spans.len() as u64 + 1;
        let attributes: Attributes = attributes.iter().map(|(n, v)| (Untrusted::from(*n), v.clone())).collect();
        let span = Span {
            trace_id: self.script.trace,
            span_id: SpanId(place.to_be_bytes()),
            parent: None,
            name: Untrusted::default(),
            kind: SpanKind::Client,
            start: Time::UNIX_EPOCH,
            end: Time::UNIX_EPOCH,
            status: if failed { SpanStatus::Error } else { SpanStatus::Unset },
            status_message: Untrusted::default(),
            attributes,
            events: Vec::new(),
        };
        self.spans.push((Untrusted::default(), span));
    }
}

/// An answer is called bad where a rule says so, and never good: whether it is right is for people to say.
fn answered(stop: &Untrusted, why: Option<String>, bad: bool) -> ReplayEnd {
    ReplayEnd::Answered { stop: stop.clone(), good: bad.then_some(false), why: why.map(Untrusted::from) }
}

/// What is wrong with the arguments of a call; `None` = nothing that can be told.
fn wrong_arguments(tool: &Tool, arguments: &str) -> Option<String> {
    let text = if arguments.trim().is_empty() { "{}" } else { arguments };
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return Some(format!("no JSON ({error})")),
    };
    let Value::Object(fields) = value else { return Some("no object".to_owned()) };
    let required = tool.parameters.get("required").and_then(Value::as_array).into_iter().flatten();
    let missing: Vec<&str> = required.filter_map(Value::as_str).filter(|name| !fields.contains_key(*name)).collect();
    (!missing.is_empty()).then(|| format!("without {}", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::surface::made;
    use crate::surface::script::Call;

    /// A recorded run: one question, one call of `find`, an answer; `more` are the attributes of its tool span.
    fn script(failed: bool) -> Script {
        let span = |place: u32, attributes: Value, status| {
            let Value::Object(fields) = attributes else { panic!("an object") };
            let pairs: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
            let span = Span { status, ..made::span(7, place, 0, 0, &pairs) };
            (Untrusted::from("assistant"), span)
        };
        let tools = json!([{"name": "find", "input_schema": {"type": "object", "required": ["q"]}}]);
        let status = if failed { SpanStatus::Error } else { SpanStatus::Unset };
        Script::of(&[
            span(
                1,
                json!({
                    "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.tool.definitions": tools,
                    "gen_ai.input.messages": [{"role": "user", "content": "where?"}]
                }),
                SpanStatus::Unset,
            ),
            span(
                2,
                json!({
                    "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find",
                    "gen_ai.tool.call.arguments": "{\"q\":\"it\"}", "gen_ai.tool.call.result": "on the shelf"
                }),
                status,
            ),
        ])
        .unwrap()
    }

    fn says(text: &str, stop: &str) -> Reply {
        Reply { text: text.into(), stop: stop.into(), ..Reply::default() }
    }

    fn asks(name: &str, arguments: &str) -> Reply {
        let call = Call { id: "c".into(), name: name.into(), arguments: arguments.into() };
        Reply { calls: vec![call], ..says("", "tool_calls") }
    }

    /// Plays the replies and returns the end.
    fn play(script: &Script, replies: Vec<Reply>) -> (ReplayEnd, Untrusted) {
        let pinned = Pinned::of(script, &ReplayArm::default(), None).unwrap();
        let mut talk = Talk::begin(script, &pinned);
        for reply in replies {
            if let Next::Over(end, said) = talk.hear(reply) {
                return (end, said);
            }
        }
        panic!("it goes on")
    }

    #[test]
    fn tools_answer_from_the_record_and_the_answer_gets_no_verdict() {
        let script = script(false);
        let (end, said) = play(&script, vec![asks("find", "{ \"q\": \"it\" }"), says("On the shelf.", "stop")]);
        assert_eq!(end, ReplayEnd::Answered { stop: "stop".into(), good: None, why: None });
        assert_eq!(said.raw(), "On the shelf.");
    }

    #[test]
    fn what_the_record_does_not_hold_is_off_script() {
        let (end, _) = play(&script(false), vec![asks("find", "{\"q\":\"that\"}")]);
        assert_eq!(end, ReplayEnd::OffScript { asked: "find({\"q\":\"that\"})".into() });
    }

    #[test]
    fn fault_46_bad_answers_have_a_name_and_the_raw_reason() {
        let script = script(false);
        for (reply, stop, word) in [
            (says("half an ans", "length"), "length", "truncated"),
            (says("half", "max_tokens"), "max_tokens", "truncated"),
            (says("", "stop"), "stop", "empty"),
            (says("```json\n{", "stop"), "stop", "malformed"),
            (says("", "content_filter"), "content_filter", "filtered"),
            (says("", "tool_calls"), "tool_calls", "tool requested"),
            (asks("fetch", "{}"), "tool_calls", "unknown tool"),
            (asks("find", "{\"q\":"), "tool_calls", "bad arguments"),
            (asks("find", "{}"), "tool_calls", "bad arguments"),
            (says("", "model_context_window_exceeded"), "model_context_window_exceeded", "context overflow"),
        ] {
            let (end, _) = play(&script, vec![reply]);
            let ReplayEnd::Answered { stop: raw, good, why: Some(why) } = end else { panic!("{end:?}") };
            assert_eq!((raw.raw(), good), (stop, Some(false)), "{why:?}");
            assert!(why.raw().starts_with(word), "{why:?} begins with {word}");
        }
    }

    #[test]
    fn a_refusal_is_named_and_not_judged() {
        let declined = Reply { declined: true, ..says("No.", "stop") };
        for reply in [declined, says("", "refusal"), says("I'm sorry, but I can't help with that.", "stop")] {
            let (end, _) = play(&script(false), vec![reply]);
            let ReplayEnd::Answered { good: None, why: Some(why), .. } = end else { panic!("{end:?}") };
            assert!(why.raw().starts_with("refused"), "{why:?}");
        }
    }

    #[test]
    fn success_claimed_over_a_failed_tool_is_seen() {
        let replies = vec![asks("find", "{\"q\":\"it\"}"), says("It has been moved.", "stop")];
        let (end, _) = play(&script(true), replies);
        let ReplayEnd::Answered { good: Some(false), why: Some(why), .. } = end else { panic!("{end:?}") };
        assert!(why.raw().starts_with("claimed done"), "{why:?}");
    }

    #[test]
    fn a_loop_ends() {
        let (end, _) = play(&script(false), vec![asks("find", "{\"q\":\"it\"}"); 40]);
        let ReplayEnd::Answered { good: Some(false), why: Some(why), .. } = end else { panic!("{end:?}") };
        assert!(why.raw().starts_with("budget exhausted"), "{why:?}");
    }

    #[test]
    fn an_arm_pins_what_it_names() {
        let script = script(false);
        let arm = ReplayArm {
            name: "a".into(),
            model: Some("other".into()),
            prompt: Some("Be brief.".into()),
            temperature: Some(0.0),
            tools: Some("[]".into()),
        };
        let pinned = Pinned::of(&script, &arm, Some("endpoint's")).unwrap();
        let talk = Talk::begin(&script, &pinned);
        let ask = talk.ask();
        assert_eq!(
            (ask.model, ask.system, ask.temperature, ask.tools.len()),
            ("other", Some("Be brief."), Some(0.0), 0)
        );
        let bare = Pinned::of(&script, &ReplayArm::default(), Some("endpoint's")).unwrap();
        assert_eq!(bare.model.raw(), "endpoint's");
        let wrong = ReplayArm { tools: Some("{}".into()), ..ReplayArm::default() };
        assert!(Pinned::of(&script, &wrong, None).is_err());
    }
}
