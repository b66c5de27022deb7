//! Changes: anything somebody or something altered before it broke.

use serde::{Deserialize, Serialize};

use super::{Source, Surface, Time, Untrusted};

/// One change, of any surface. Its `id` is what a hypothesis points to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The event's id at its source (CloudEvents `id`, a commit's sha).
    pub id: Untrusted,
    /// The event's `source` attribute; with `id` it names the event.
    pub origin: Untrusted,
    /// When it took effect.
    pub time: Time,
    /// Its source gave no time: `time` is when it arrived, and may be long after it took effect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untimed: bool,
    /// What it touches.
    pub surface: Surface,
    /// What kind of change.
    pub class: ChangeClass,
    /// The component, prompt, model alias, index, tool, judge or route it touches.
    pub subject: Option<Untrusted>,
    /// Who did it.
    pub actor: Option<Untrusted>,
    /// One line: a commit's title, a version, a flag's name.
    pub summary: Untrusted,
    /// How it was before; `None` = not captured.
    pub before: Option<Side>,
    /// How it is since; `None` = not captured.
    pub after: Option<Side>,
    /// Files a merge touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Untrusted>,
    /// The unified diff of a merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Untrusted>,
    /// The commit it carries, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha: Option<Untrusted>,
    /// Where it came in.
    pub source: Source,
}

/// The kinds of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeClass {
    /// A commit merged; not yet running.
    Merge,
    /// A version started to run.
    Deploy,
    /// An earlier version runs again.
    Rollback,
    /// A feature flag.
    Flag,
    /// A setting.
    Config,
    /// A prompt or template.
    Prompt,
    /// A model, its alias or its parameters.
    Model,
    /// A retrieval index.
    Index,
    /// A tool's schema.
    Tool,
    /// A judge's model, prompt or threshold.
    Judge,
    /// Traffic split, slices, tenants.
    Routing,
    /// Anything else somebody reported as a change.
    Other,
}

/// One side of a change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Version, value or digest: short.
    pub label: Option<Untrusted>,
    /// The whole text, where the event carried it: a prompt, a schema, parameters as JSON.
    pub text: Option<Untrusted>,
}
