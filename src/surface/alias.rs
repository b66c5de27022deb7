//! The table of names: which attribute means what, whoever sent it.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::order::in_order;
use crate::event::{Attributes, Untrusted};

/// The table as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    first: Vec<String>,
    field: BTreeMap<Field, Vec<String>>,
    /// The names of each field in the order in which they are looked for.
    #[serde(skip)]
    looked_for: BTreeMap<Field, Vec<String>>,
    flattened: BTreeMap<Flattened, Vec<String>>,
    event: BTreeMap<EventKind, Vec<String>>,
    operation: BTreeMap<Op, Vec<String>>,
    slice: BTreeMap<String, Vec<String>>,
}

/// The embedded table. A test reads it, so that a fault in it never reaches a user.
static TABLE: LazyLock<File> = LazyLock::new(|| {
    let read = toml::from_str(include_str!("../../assets/genai-aliases.toml"));
    let mut file = read.unwrap_or_else(|_| File {
        first: Vec::new(),
        field: BTreeMap::new(),
        looked_for: BTreeMap::new(),
        flattened: BTreeMap::new(),
        event: BTreeMap::new(),
        operation: BTreeMap::new(),
        slice: BTreeMap::new(),
    });
    file.looked_for.clone_from(&file.field);
    for names in file.looked_for.values_mut() {
        names.sort_by_key(|name| !file.first.iter().any(|first| name.starts_with(first)));
    }
    file
});

/// What an attribute can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named as in the table, which says what it is")]
pub enum Field {
    Operation,
    Provider,
    ModelAsked,
    ModelServed,
    Fingerprint,
    Parameters,
    PromptName,
    PromptVersion,
    PromptText,
    Tools,
    MessagesIn,
    MessagesOut,
    Finish,
    TokensIn,
    TokensOut,
    TokensCacheRead,
    TokensCacheWrite,
    TokensReasoning,
    Agent,
    AgentVersion,
    Tool,
    ToolCall,
    ToolArguments,
    ToolResult,
    RetrievalSource,
    RetrievalQuery,
    RetrievalDocuments,
    RetrievalTopK,
    IndexVersion,
    Cost,
    Attempt,
    Conversation,
    User,
    Compacted,
    Temperature,
    TopP,
    MaxTokens,
    Seed,
    Reasoning,
    Error,
    McpMethod,
    EvaluationName,
    EvaluationScore,
    EvaluationLabel,
    JudgeModel,
    JudgeVersion,
    JudgeThreshold,
    EvaluationText,
}

/// Lists that some senders flatten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Flattened {
    MessagesIn,
    MessagesOut,
    Documents,
    Annotations,
    Tools,
}

/// Span events we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EventKind {
    Evaluation,
    Message,
}

/// The kinds of step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// An agent, a chain, a workflow: holds other steps.
    Agent,
    /// A model call.
    Model,
    /// A tool call.
    Tool,
    /// A retrieval or an embedding.
    Retrieval,
    /// A judge or guardrail.
    Judge,
    /// No step of an agent.
    Other,
}

impl Op {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Model => "chat",
            Self::Tool => "tool",
            Self::Retrieval => "retrieval",
            Self::Judge => "judge",
            Self::Other => "other",
        }
    }

    /// Reads the kind of a span from its attributes or the first word of its name.
    #[must_use]
    pub fn of(attributes: &Attributes, name: &Untrusted) -> Self {
        let of_value =
            |value: &str| OPERATIONS.get(value).or_else(|| OPERATIONS.get(&*value.to_ascii_lowercase())).copied();
        // A word that is no kind of step (`span`) leaves it to the other names to say what it is.
        let names = TABLE.looked_for.get(&Field::Operation).into_iter().flatten();
        let mut stated = names.filter_map(|name| attributes.get(name.as_str())?.as_str());
        if let Some(op) = stated.find_map(of_value) {
            return op;
        }
        if let Some(method) = text(attributes, Field::McpMethod) {
            return of_value(&method).unwrap_or(Self::Other);
        }
        // Without a stated operation only spans that carry the field's own names count; a span named "task 7" does not.
        let genai = attributes.keys().any(|key| {
            ["gen_ai.", "llm.", "openinference.", "traceloop."].iter().any(|prefix| key.raw().starts_with(prefix))
        });
        let first = name.raw().split([' ', '.']).next().unwrap_or_default();
        if genai { of_value(first).unwrap_or(Self::Other) } else { Self::Other }
    }
}

/// The kind of step that each word of the table says; of two that say the same, the first.
static OPERATIONS: LazyLock<HashMap<&'static str, Op>> = LazyLock::new(|| {
    let words = TABLE.operation.iter().rev().flat_map(|(op, words)| words.iter().map(|word| (word.as_str(), *op)));
    words.collect()
});

/// How the names of each flattened list begin, and what stands behind the number.
static LISTS: LazyLock<BTreeMap<Flattened, Vec<(Untrusted, &'static str)>>> = LazyLock::new(|| {
    let split = |pattern: &'static String| {
        let (before, after) = pattern.split_once("{n}")?;
        Some((Untrusted::from(before), after))
    };
    TABLE.flattened.iter().map(|(list, patterns)| (*list, patterns.iter().filter_map(split).collect())).collect()
});

/// How many fields there are.
const FIELDS: usize = Field::EvaluationText as usize + 1;

/// Which fields each name of the table stands for, and in which place among their names.
static INDEX: LazyLock<HashMap<&'static str, Vec<(Field, usize)>>> = LazyLock::new(|| {
    let mut index: HashMap<&'static str, Vec<(Field, usize)>> = HashMap::new();
    for (field, names) in &TABLE.looked_for {
        for (place, name) in names.iter().enumerate() {
            index.entry(name).or_default().push((*field, place));
        }
    }
    index
});

/// The fields of one span, all looked up at once: a span has few attributes, and the table has many names.
pub(super) struct Named<'a>([Option<(usize, &'a Value)>; FIELDS]);

impl<'a> Named<'a> {
    pub(super) fn of(attributes: &'a Attributes) -> Self {
        let mut found = [None; FIELDS];
        for (name, value) in attributes {
            for (field, place) in INDEX.get(name.raw()).into_iter().flatten() {
                let slot: &mut Option<(usize, &Value)> = &mut found[*field as usize];
                if slot.is_none_or(|(known, _)| *place < known) {
                    *slot = Some((*place, value));
                }
            }
        }
        Self(found)
    }

    /// As [`value`].
    pub(super) fn value(&self, field: Field) -> Option<&'a Value> {
        self.0[field as usize].map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// As [`text`].
    pub(super) fn text(&self, field: Field) -> Option<String> {
        self.value(field).map(as_text)
    }

    /// As [`number`].
    pub(super) fn number(&self, field: Field) -> Option<f64> {
        as_number(self.value(field)?)
    }
}

/// The value of `field`, under the first of its names that is looked for and present, unless it is null.
pub(super) fn value(attributes: &Attributes, field: Field) -> Option<&Value> {
    let names = TABLE.looked_for.get(&field)?;
    names.iter().find_map(|name| attributes.get(name.as_str())).filter(|value| !value.is_null())
}

/// The value of `field` as text; numbers are written out, lists and objects as JSON.
pub(super) fn text(attributes: &Attributes, field: Field) -> Option<String> {
    value(attributes, field).map(as_text)
}

/// Any value as text.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other @ (Value::Object(_) | Value::Array(_)) => in_order(other.clone()).to_string(),
        other => other.to_string(),
    }
}

/// The value of `field` as a number.
pub(super) fn number(attributes: &Attributes, field: Field) -> Option<f64> {
    as_number(value(attributes, field)?)
}

fn as_number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|n: &f64| n.is_finite())
}

/// The names of `field`, for saying which would carry it.
pub(super) fn names(field: Field) -> &'static [String] {
    TABLE.field.get(&field).map_or(&[], Vec::as_slice)
}

/// Collects a flattened list: index → part name → value. Indexes may be sparse and out of order.
pub(super) fn flattened(attributes: &Attributes, which: Flattened) -> BTreeMap<u32, BTreeMap<String, &Value>> {
    let mut found: BTreeMap<u32, BTreeMap<String, &Value>> = BTreeMap::new();
    for (before, after) in LISTS.get(&which).into_iter().flatten() {
        let theirs = attributes
            .range::<Untrusted, _>(before..)
            .map_while(|(key, value)| Some((key.raw().strip_prefix(before.raw())?, value)));
        for (rest, value) in theirs {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (index, rest) = rest.split_at(digits);
            if let (Ok(index), Some(part)) = (index.parse(), rest.strip_prefix(after)) {
                found.entry(index).or_default().insert(part.to_owned(), value);
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}

/// Whether a span event is of that kind.
pub(super) fn is_event(name: &Untrusted, kind: EventKind) -> bool {
    TABLE.event.get(&kind).is_some_and(|names| names.iter().any(|known| known == name.raw()))
}

/// The slices that `attributes` name: slice → value.
pub(super) fn slices(attributes: &Attributes) -> BTreeMap<&'static str, Untrusted> {
    let found = |names: &Vec<String>| names.iter().find_map(|name| attributes.get(name.as_str())).map(as_text);
    TABLE.slice.iter().filter_map(|(slice, names)| Some((slice.as_str(), Untrusted::from(found(names)?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_readable_and_whole() {
        let read: Result<File, _> = toml::from_str(include_str!("../../assets/genai-aliases.toml"));
        assert!(read.is_ok(), "{read:?}");
        assert!(TABLE.field.len() >= 40 && TABLE.operation.len() == 5);
    }

    fn attributes(pairs: &[(&str, Value)]) -> Attributes {
        pairs.iter().map(|(name, value)| (Untrusted::from(*name), value.clone())).collect()
    }

    #[test]
    fn newest_name_wins_and_old_names_are_read() {
        let old = attributes(&[("gen_ai.system", "openai".into())]);
        assert_eq!(text(&old, Field::Provider).as_deref(), Some("openai"));
        let both = attributes(&[("gen_ai.system", "old".into()), ("gen_ai.provider.name", "new".into())]);
        assert_eq!(text(&both, Field::Provider).as_deref(), Some("new"));
    }

    #[test]
    fn the_last_word_of_langfuse_wins_and_is_not_the_name_that_senders_are_told() {
        let both = attributes(&[
            ("gen_ai.request.model", "sent".into()),
            ("langfuse.observation.model.name", "corrected".into()),
            ("llm.model_name", "older".into()),
        ]);
        assert_eq!(text(&both, Field::ModelAsked).as_deref(), Some("corrected"));
        assert_eq!(names(Field::ModelAsked).first().map(String::as_str), Some("gen_ai.request.model"));
    }

    #[test]
    fn all_fields_at_once_are_the_fields_one_by_one() {
        let pairs: Vec<(&str, Value)> =
            TABLE.field.values().flatten().map(|name| (name.as_str(), name.as_str().into())).collect();
        for chosen in [
            pairs.clone(),
            pairs.iter().rev().step_by(3).cloned().collect(),
            pairs.iter().step_by(2).cloned().collect(),
        ] {
            let attributes = attributes(&chosen);
            let named = Named::of(&attributes);
            for field in TABLE.field.keys() {
                assert_eq!(named.value(*field), value(&attributes, *field), "{field:?}");
            }
        }
    }

    #[test]
    fn openinference_lists_are_collected_in_order_of_index() {
        let flat = attributes(&[
            ("llm.input_messages.10.message.content", "ten".into()),
            ("llm.input_messages.2.message.content", "two".into()),
            ("llm.input_messages.2.message.role", "user".into()),
        ]);
        let found = flattened(&flat, Flattened::MessagesIn);
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [2, 10]);
        assert_eq!(found[&2].len(), 2);
    }

    #[test]
    fn kinds_of_every_dialect() {
        let of = |pairs: &[(&str, Value)], name: &str| Op::of(&attributes(pairs), &name.into());
        assert_eq!(of(&[("gen_ai.operation.name", "invoke_agent".into())], "x"), Op::Agent);
        assert_eq!(of(&[("openinference.span.kind", "LLM".into())], "ChatCompletion"), Op::Model);
        assert_eq!(of(&[("traceloop.span.kind", "tool".into())], "x"), Op::Tool);
        assert_eq!(of(&[("mcp.method.name", "tools/call".into())], "tools/call find"), Op::Tool);
        assert_eq!(of(&[("http.route", "/task".into())], "task 7"), Op::Other);
        assert_eq!(of(&[("gen_ai.system", "openai".into())], "chat gpt"), Op::Model);
        let both = [("langfuse.observation.type", "span".into()), ("gen_ai.operation.name", "execute_tool".into())];
        assert_eq!(of(&both, "x"), Op::Tool);
    }
}
