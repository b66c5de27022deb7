//! Change events: what each type says, as one [`Change`].

use serde::Deserialize;
use serde_json::{Map, Value};

use super::envelope::Event;
use super::json::text_of;
use super::problem::BadInput;
use crate::event::{Change, ChangeClass, Fact, Side, Source, Surface, Untrusted};
use crate::journal::{Draft, term};

/// The draft of a change; `key` names its event.
pub(super) fn draft(key: String, change: Change) -> Draft {
    let (at, found_by) = (change.time, term::change(change.id.raw()));
    Draft::new(at, key, &Fact::from(change)).found_by(found_by)
}

/// The data of a change event, read field by field: a missing one is named, a present one may be of any type.
struct Data<'a>(&'a Map<String, Value>);

impl Data<'_> {
    fn text(&self, name: &str) -> Option<Untrusted> {
        let value = self.0.get(name)?;
        // CDEvents write references to other things as {"id": …}.
        value.get("id").and_then(text_of).or_else(|| text_of(value))
    }

    fn required(&self, name: &str) -> Result<Untrusted, BadInput> {
        self.text(name).ok_or_else(|| BadInput::at(format!("/{name}"), "is missing"))
    }

    fn side(&self, label: &str, text: &str) -> Option<Side> {
        let side = Side { label: self.text(label), text: self.text(text) };
        (side.label.is_some() || side.text.is_some()).then_some(side)
    }

    /// A value before or after: short text is a label, long text or structure a text of its own.
    fn value(&self, name: &str) -> Option<Side> {
        const SHORT: usize = 80;
        let value = self.0.get(name).filter(|value| !value.is_null())?;
        let text = text_of(value)?;
        let short = text.raw().len() <= SHORT && !text.raw().contains('\n');
        Some(if short { Side { label: Some(text), text: None } } else { Side { label: None, text: Some(text) } })
    }

    fn files(&self) -> Vec<Untrusted> {
        self.0.get("files").and_then(|files| Vec::deserialize(files).ok()).unwrap_or_default()
    }
}

/// What changed and how, of the event type `kind` (without its version); `None` for types that change nothing that runs.
///
/// # Errors
/// Names the field of the data that is missing.
pub(super) fn of(
    kind: &str,
    event: &Event,
    about: Option<&Untrusted>,
    data: &Map<String, Value>,
    source: Source,
) -> Result<Option<Change>, BadInput> {
    let data = Data(data);
    let Some((surface, class)) = class(kind) else { return Ok(None) };
    let mut change = Change {
        id: event.id.as_ref().into(),
        origin: event.origin.as_ref().into(),
        time: event.time,
        untimed: event.untimed,
        surface,
        class,
        // The component first; the thing changed is named in the summary.
        subject: event.subject.clone().or_else(|| data.text("service")),
        actor: data.text("actor").or_else(|| data.text("author")),
        summary: Untrusted::default(),
        before: data.value("before"),
        after: data.value("after"),
        files: data.files(),
        diff: data.text("diff"),
        sha: data.text("sha"),
        source,
    };
    // In the CDEvents shape the subject is the thing itself.
    let thing = |name: &str| about.cloned().map_or_else(|| data.required(name), Ok);
    let named = match class {
        ChangeClass::Merge => {
            let message = data.text("message").or_else(|| data.text("description"));
            change.sha = change.sha.or_else(|| about.cloned());
            if change.sha.is_none() {
                return Err(BadInput::at("/sha", "is missing"));
            }
            change.summary =
                message.map(|text| first_line(text.raw())).or_else(|| change.sha.clone()).unwrap_or_default();
            None
        }
        ChangeClass::Deploy | ChangeClass::Rollback => {
            let service = thing("service")?;
            let version = data.text("version").or_else(|| data.text("artifactId"));
            change.before = change.before.or_else(|| data.side("version_before", "version_before_text"));
            change.after = version.clone().map(|label| Side { label: Some(label), text: None });
            change.summary = version.unwrap_or_else(|| service.clone());
            Some(service)
        }
        ChangeClass::Flag => Some(thing("flag")?),
        ChangeClass::Config => Some(thing("key")?),
        ChangeClass::Prompt => {
            change.before = data.side("version_before", "before");
            change.after = data.side("version", "after");
            Some(thing("name")?)
        }
        ChangeClass::Model => {
            change.before = data.side("before", "parameters_before");
            change.after = data.side("after", "parameters");
            Some(thing("alias")?)
        }
        ChangeClass::Index => {
            change.before = data.side("before", "documents_before").map(|side| counted(side, None));
            change.after = data.side("after", "documents").map(|side| counted(side, data.text("embedding_model")));
            Some(thing("index")?)
        }
        ChangeClass::Tool => {
            change.before = data.side("version_before", "schema_before");
            change.after = data.side("version", "schema");
            Some(thing("tool")?)
        }
        ChangeClass::Judge => {
            change.before = judge(&data, "model_before", "threshold_before", "prompt_before");
            change.after = judge(&data, "model", "threshold", "prompt");
            Some(thing("judge")?)
        }
        ChangeClass::Routing => Some(thing("route")?),
        ChangeClass::Other => Some(about.cloned().or_else(|| data.text("name")).unwrap_or_else(|| kind.into())),
    };
    if let Some(named) = named {
        if change.summary.is_empty() {
            change.summary = named.clone();
        }
        change.subject = change.subject.or(Some(named));
    }
    Ok(Some(change))
}

/// What kind of change an event type tells of.
fn class(kind: &str) -> Option<(Surface, ChangeClass)> {
    use ChangeClass as C;
    use Surface as S;
    if let Some(own) = kind.strip_prefix("dev.cdeventsx.") {
        // `flag.changed`, or `<tool>-prompt.modified` as the standard reserves for a tool's own types.
        let thing = own.rsplit_once('.').map_or(own, |(thing, _)| thing);
        let thing = thing.rsplit(['-', '.']).next().unwrap_or(thing);
        return Some(match thing {
            "flag" => (S::Config, C::Flag),
            "config" => (S::Config, C::Config),
            "prompt" => (S::Prompt, C::Prompt),
            "model" => (S::Model, C::Model),
            "index" => (S::Retrieval, C::Index),
            "tool" => (S::Tool, C::Tool),
            "judge" => (S::Judge, C::Judge),
            "routing" => (S::Traffic, C::Routing),
            "service" => (S::Code, C::Deploy),
            _ => (S::Infra, C::Other),
        });
    }
    match kind.strip_prefix("dev.cdevents.")?.split_once('.')? {
        ("change", "merged") => Some((S::Code, C::Merge)),
        ("service", "deployed" | "upgraded") => Some((S::Code, C::Deploy)),
        ("service", "rolledback") => Some((S::Code, C::Rollback)),
        ("service", "removed") | ("environment", _) => Some((S::Infra, C::Other)),
        // Reviews, builds, tests, artifacts and publications alter nothing that runs.
        _ => None,
    }
}

fn first_line(text: &str) -> Untrusted {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().into()
}

/// An index's size is a number; beside its version it reads as a sentence.
fn counted(side: Side, model: Option<Untrusted>) -> Side {
    let documents = side.text.map(|n| format!("documents: {}\n", n.raw()));
    let model = model.map(|m| format!("embedding model: {}\n", m.raw()));
    let text = documents.into_iter().chain(model).collect::<String>();
    Side { label: side.label, text: (!text.is_empty()).then(|| text.into()) }
}

fn judge(data: &Data, model: &str, threshold: &str, prompt: &str) -> Option<Side> {
    let label = data.text(model);
    let lines: String = [("model", label.clone()), ("threshold", data.text(threshold)), ("prompt", data.text(prompt))]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}\n", value?.raw())))
        .collect();
    (!lines.is_empty()).then(|| Side { label, text: Some(lines.into()) })
}

/// The type and the data of the event that says `change`, which [`of`] reads back.
#[must_use]
pub(super) fn written(change: &Change) -> (&'static str, Value) {
    let label = |side: &Option<Side>| side.as_ref().and_then(|side| side.label.clone());
    let text = |side: &Option<Side>| side.as_ref().and_then(|side| side.text.clone());
    let value = |side: &Option<Side>| label(side).or_else(|| text(side));
    let (before, after) = (&change.before, &change.after);
    let named = Some(change.summary.clone());
    let mut data: Vec<(&str, Option<Untrusted>)> = vec![("actor", change.actor.clone()), ("sha", change.sha.clone())];
    let class = match change.class {
        ChangeClass::Merge => {
            data.extend([("message", named), ("diff", change.diff.clone())]);
            "dev.cdevents.change.merged"
        }
        ChangeClass::Deploy | ChangeClass::Rollback => {
            let service = change.subject.clone().or(named);
            data.extend([("service", service), ("version", label(after))]);
            data.extend([("version_before", label(before)), ("version_before_text", text(before))]);
            let back = change.class == ChangeClass::Rollback;
            if back { "dev.cdevents.service.rolledback" } else { "dev.cdevents.service.deployed" }
        }
        ChangeClass::Flag => {
            data.extend([("flag", named), ("before", value(before)), ("after", value(after))]);
            "dev.cdeventsx.flag.changed"
        }
        ChangeClass::Config => {
            data.extend([("key", named), ("before", value(before)), ("after", value(after))]);
            "dev.cdeventsx.config.changed"
        }
        ChangeClass::Prompt => {
            data.extend([("name", named), ("version_before", label(before)), ("before", text(before))]);
            data.extend([("version", label(after)), ("after", text(after))]);
            "dev.cdeventsx.prompt.changed"
        }
        ChangeClass::Model => {
            data.extend([("alias", named), ("before", label(before)), ("parameters_before", text(before))]);
            data.extend([("after", label(after)), ("parameters", text(after))]);
            "dev.cdeventsx.model.changed"
        }
        ChangeClass::Index => {
            let (documents_before, _) = uncounted(text(before));
            let (documents, model) = uncounted(text(after));
            data.extend([("index", named), ("before", label(before)), ("documents_before", documents_before)]);
            data.extend([("after", label(after)), ("documents", documents), ("embedding_model", model)]);
            "dev.cdeventsx.index.changed"
        }
        ChangeClass::Tool => {
            data.extend([("tool", named), ("version_before", label(before)), ("schema_before", text(before))]);
            data.extend([("version", label(after)), ("schema", text(after))]);
            "dev.cdeventsx.tool.changed"
        }
        ChangeClass::Judge => {
            let (threshold_before, prompt_before) = unjudged(text(before));
            let (threshold, prompt) = unjudged(text(after));
            data.extend([("judge", named), ("model_before", label(before)), ("model", label(after))]);
            data.extend([("threshold_before", threshold_before), ("threshold", threshold)]);
            data.extend([("prompt_before", prompt_before), ("prompt", prompt)]);
            "dev.cdeventsx.judge.changed"
        }
        ChangeClass::Routing => {
            data.extend([("route", named), ("before", value(before)), ("after", value(after))]);
            "dev.cdeventsx.routing.changed"
        }
        ChangeClass::Other => {
            data.extend([("name", named), ("before", value(before)), ("after", value(after))]);
            "dev.cdeventsx.other.changed"
        }
    };
    let said = data.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?.raw()))));
    let mut data: Map<String, Value> = said.collect();
    if !change.files.is_empty() {
        data.insert("files".to_owned(), change.files.iter().map(|file| Value::from(file.raw())).collect());
    }
    (class, Value::Object(data))
}

/// What [`counted`] wrote: the number of documents, and the embedding model.
fn uncounted(text: Option<Untrusted>) -> (Option<Untrusted>, Option<Untrusted>) {
    lines_of(text, ["documents: ", "embedding model: "]).into()
}

/// What [`judge`] wrote beside the model: the threshold, and the prompt with all its lines.
fn unjudged(text: Option<Untrusted>) -> (Option<Untrusted>, Option<Untrusted>) {
    let [_, threshold, prompt] = lines_of(text, ["model: ", "threshold: ", "prompt: "]);
    (threshold, prompt)
}

/// The values of lines that begin with these words, in this order; the last of them may go on over more lines.
fn lines_of<const N: usize>(text: Option<Untrusted>, names: [&str; N]) -> [Option<Untrusted>; N] {
    let text = text.unwrap_or_default();
    let mut rest = text.raw();
    let mut place = 0;
    names.map(|name| {
        place += 1;
        let value = rest.strip_prefix(name)?;
        let end = if place == N { value.strip_suffix('\n').unwrap_or(value).len() } else { value.find('\n')? };
        rest = value.get(end + 1..).unwrap_or_default();
        Some(value[..end].into())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(class: &str, id: &str, data: &Value) -> Change {
        let bytes = data.to_string();
        let event = Event {
            id: id.into(),
            origin: "/ci".into(),
            class: class.into(),
            time: "2026-11-22T00:40:00Z".parse().unwrap(),
            untimed: false,
            subject: None,
            data: bytes.as_bytes(),
            data_at: "/data",
        };
        of(class, &event, None, data.as_object().unwrap(), Source::Bundle).unwrap().unwrap()
    }

    #[test]
    fn every_class_of_change_is_read_back_as_it_was_written() {
        let long = format!("{}\nand more", "line ".repeat(40));
        let events = [
            (
                "dev.cdevents.change.merged",
                json!({"sha":"abc","author":"mei","message":"fix: x\n\nbody","files":["a","b"],"diff":"@@ -1 +1 @@\n-a\n+b\n"}),
            ),
            ("dev.cdevents.change.merged", json!({"sha":"abc"})),
            (
                "dev.cdevents.service.deployed",
                json!({"service":"cart","version":"2","version_before":"1","sha":"abc","actor":"mei"}),
            ),
            ("dev.cdevents.service.deployed", json!({"service":"cart"})),
            ("dev.cdevents.service.rolledback", json!({"service":"cart","version":"1"})),
            ("dev.cdevents.service.removed", json!({"name":"old-cart"})),
            (
                "dev.cdeventsx.flag.changed",
                json!({"flag":"f","service":"cart","before":false,"after":true,"actor":"ana"}),
            ),
            ("dev.cdeventsx.config.changed", json!({"key":"limits","service":"cart","before":{"a":1},"after":long})),
            (
                "dev.cdeventsx.prompt.changed",
                json!({"name":"refund","version_before":"41","version":"42","before":"short","after":long}),
            ),
            (
                "dev.cdeventsx.model.changed",
                json!({"alias":"big","before":"m-1","after":"m-2","parameters_before":{"t":0},"parameters":{"t":1}}),
            ),
            (
                "dev.cdeventsx.index.changed",
                json!({"index":"faq","before":"0411","after":"0412","documents_before":10,"documents":9,"embedding_model":"e-2"}),
            ),
            (
                "dev.cdeventsx.index.changed",
                json!({"index":"faq","before":"0411","after":"0412","embedding_model":"e-2"}),
            ),
            (
                "dev.cdeventsx.tool.changed",
                json!({"tool":"search","schema_before":{"type":"object"},"schema":{"type":"array"}}),
            ),
            (
                "dev.cdeventsx.judge.changed",
                json!({"judge":"tone","model_before":"j-1","model":"j-2","prompt_before":"a\nb\n","prompt":long,"threshold_before":0.5,"threshold":0.7}),
            ),
            ("dev.cdeventsx.judge.changed", json!({"judge":"tone","prompt":"only the prompt"})),
            ("dev.cdeventsx.routing.changed", json!({"route":"eu","before":{"a":100},"after":{"a":50,"b":50}})),
        ];
        for (class, data) in events {
            let first = read(class, "e1", &data);
            let (again, written) = written(&first);
            let mut second = read(again, "e1", &written);
            // The component travels as the event's subject.
            second.subject.clone_from(&first.subject);
            assert_eq!(second, first, "{class}: {written}");
        }
    }
}
