//! What is sent to a model's endpoint and what comes back: OpenAI-compatible chat completions and Anthropic messages, streamed
//! or whole. Pure: bytes in, meaning out.

mod anthropic;
mod openai;
mod sse;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::surface::script::{Call, Line, Tool};

/// What is quoted of words from outside.
const MAX_WORDS: usize = 300;

/// The dialect of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `OpenAI`'s chat completions, which most servers speak.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
}

impl Dialect {
    /// Where questions go, below the configured address.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "chat/completions",
            Self::Anthropic => "v1/messages",
        }
    }

    /// Where the models are listed, from there.
    pub(super) fn list(self) -> &'static str {
        match self {
            Self::OpenAi => "../models",
            Self::Anthropic => "models",
        }
    }

    /// The body of a question.
    pub(super) fn body(self, ask: &Ask<'_>) -> Value {
        match self {
            Self::OpenAi => openai::body(ask),
            Self::Anthropic => anthropic::body(ask),
        }
    }

    /// Reads an answer that came whole.
    pub(super) fn whole(self, body: &[u8]) -> Result<Reply, Odd> {
        let value: Value = serde_json::from_slice(body).map_err(|_| not_json(body))?;
        refused(&value)?;
        match self {
            Self::OpenAi => openai::whole(&value),
            Self::Anthropic => anthropic::whole(&value),
        }
    }
}

/// One question.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub model: &'a str,
    pub system: Option<&'a str>,
    pub lines: &'a [Line],
    pub tools: &'a [Tool],
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub max_tokens: u64,
}

/// One answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reply {
    pub text: String,
    pub calls: Vec<Call>,
    /// Why it stopped, in the provider's words; empty = not said.
    pub stop: String,
    /// It declined, and the provider says so in a field of its own.
    pub declined: bool,
    pub tokens_in: Option<u64>,
    pub tokens_out: Option<u64>,
}

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Odd {
    /// A web page, most likely of a proxy.
    #[error("it answered a web page instead of JSON: {0}")]
    Page(String),
    /// Something else that is no JSON.
    #[error("it answered what is no JSON: {0}")]
    NotJson(String),
    /// JSON of another form.
    #[error("it answered JSON without {0}: does the endpoint speak this dialect?")]
    Form(&'static str),
    /// An error inside an answer that began well.
    #[error("it said an error: {0}")]
    Said(String),
    /// The stream ended before the answer did.
    #[error("its answer broke off before it said why it stops")]
    CutShort,
}

fn not_json(body: &[u8]) -> Odd {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let words = excerpt(text);
    if text.is_empty() {
        Odd::NotJson("nothing at all".to_owned())
    } else if text.starts_with('<') {
        Odd::Page(words)
    } else {
        Odd::NotJson(words)
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(MAX_WORDS).collect()
}

/// The words of an error object, in either dialect.
pub(super) fn error_words(value: &Value) -> Option<String> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    let said = error.get("message").and_then(Value::as_str).or_else(|| error.as_str());
    Some(said.map_or_else(|| excerpt(&error.to_string()), excerpt))
}

/// The names in a list of models, in either dialect; none where it is no such list.
pub(super) fn models(body: &[u8]) -> Vec<String> {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let names = value.get("data").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(|one| one.get("id").and_then(Value::as_str)).map(excerpt).collect()
}

/// The words of an error's body.
pub(super) fn words(body: &[u8]) -> String {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    value.as_ref().and_then(error_words).unwrap_or_else(|| excerpt(String::from_utf8_lossy(body).trim()))
}

fn refused(value: &Value) -> Result<(), Odd> {
    error_words(value).map_or(Ok(()), |words| Err(Odd::Said(words)))
}

fn count(usage: &Value, name: &str) -> Option<u64> {
    usage.get(name).and_then(Value::as_u64)
}

/// An answer that comes in pieces.
#[derive(Debug)]
pub(super) struct Stream {
    events: sse::Events,
    gathered: Gathered,
    dialect: Dialect,
}

/// What has come so far.
#[derive(Debug, Default)]
struct Gathered {
    reply: Reply,
    /// Tool calls by their place in the answer.
    calls: std::collections::BTreeMap<u64, Call>,
    stopped: bool,
    done: bool,
}

impl Gathered {
    fn call(&mut self, at: u64) -> &mut Call {
        self.calls.entry(at).or_insert_with(|| Call {
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
        })
    }

    fn stop(&mut self, why: &str) {
        why.clone_into(&mut self.reply.stop);
        self.stopped = true;
    }
}

impl Stream {
    pub fn of(dialect: Dialect) -> Self {
        Self { events: sse::Events::default(), gathered: Gathered::default(), dialect }
    }

    /// Takes in the next bytes; true when the answer is complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, Odd> {
        for data in self.events.push(bytes) {
            if data.trim_ascii() == b"[DONE]" {
                self.gathered.done = true;
                continue;
            }
            let value: Value = serde_json::from_slice(&data).map_err(|_| not_json(&data))?;
            refused(&value)?;
            match self.dialect {
                Dialect::OpenAi => openai::piece(&value, &mut self.gathered),
                Dialect::Anthropic => anthropic::piece(&value, &mut self.gathered),
            }
        }
        Ok(self.gathered.done)
    }

    /// The answer, once the stream has ended.
    pub fn finish(self) -> Result<Reply, Odd> {
        let Gathered { mut reply, calls, stopped, done } = self.gathered;
        if !stopped && !done {
            return Err(Odd::CutShort);
        }
        reply.calls = calls.into_values().collect();
        name_calls(&mut reply.calls);
        Ok(reply)
    }
}

/// Some servers give no ids, or the same one twice; an answer must name its call.
fn name_calls(calls: &mut [Call]) {
    let mut seen = std::collections::BTreeSet::new();
    for (place, call) in calls.iter_mut().enumerate() {
        if call.id.is_empty() || !seen.insert(call.id.clone()) {
            call.id = format!("call_{place}");
            seen.insert(call.id.clone());
        }
    }
}
