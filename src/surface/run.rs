//! One agent run: the facts of its spans, with the surface vector that served it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::event::{Digest, SpanId, Surface, Time, TraceId, Untrusted};

use super::alias::Op;
use super::read::{Evaluation, SpanFacts};
use super::shape::Shape;
use super::stop::{Stop, StopClass, stop_of};

/// The kind of a run by the model that answered.
const MODEL: &str = "model";
/// The kind of a run by its prompt.
const PROMPT: &str = "prompt";
/// The kind of a run by the version of the index it asked.
const INDEX: &str = "index";
/// The kind of a run by the definitions of its tools.
const TOOLS: &str = "tools";

/// The surface whose versions this kind tells apart; `None` = it is a slice of the traffic.
#[must_use]
pub fn surface_of(kind: &str) -> Option<Surface> {
    match kind {
        MODEL => Some(Surface::Model),
        PROMPT => Some(Surface::Prompt),
        INDEX => Some(Surface::Retrieval),
        TOOLS => Some(Surface::Tool),
        _ => None,
    }
}

/// The values of each surface in one run. Empty = not captured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surfaces {
    /// Models asked for (aliases).
    pub asked: BTreeSet<Untrusted>,
    /// Models that answered.
    pub served: BTreeSet<Untrusted>,
    /// Sampling parameters.
    pub parameters: BTreeSet<Untrusted>,
    /// Providers.
    pub providers: BTreeSet<Untrusted>,
    /// Prompts by name and version.
    pub prompt_versions: BTreeSet<Untrusted>,
    /// Digests of the system prompts.
    pub prompts: BTreeSet<Digest>,
    /// Digests of the tool definitions.
    pub tools: BTreeSet<Digest>,
    /// Retrieval sources.
    pub sources: BTreeSet<Untrusted>,
    /// Versions of the indexes asked.
    pub indexes: BTreeSet<Untrusted>,
}

/// By what sign a run went wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Bad {
    /// The proxy that says so, such as `task_success` or `stop`.
    pub proxy: Untrusted,
    /// In words.
    pub why: Untrusted,
}

/// One retrieval of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retrieved {
    /// The index or source asked.
    pub source: Untrusted,
    /// How many documents it gave; `None` = not captured.
    pub count: Option<usize>,
    /// Their names, best first.
    pub documents: Vec<Untrusted>,
    /// Their scores.
    pub scores: Vec<f64>,
}

impl Retrieved {
    fn of(step: &SpanFacts) -> Self {
        Self {
            source: step.what.clone(),
            count: step.documents,
            documents: step.document_names.clone(),
            scores: step.scores.clone(),
        }
    }
}

/// One agent run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFacts {
    /// Its trace.
    pub trace: TraceId,
    /// Its agent.
    pub agent: Untrusted,
    /// The service that sent it.
    pub service: Untrusted,
    /// Start.
    pub start: Time,
    /// End.
    pub end: Time,
    /// What it was made of.
    pub surfaces: Surfaces,
    /// Traffic slices: slice → value.
    pub slices: BTreeMap<&'static str, Untrusted>,
    /// Tool calls in order: tool, whether it failed, structure of the result.
    pub calls: Vec<(Untrusted, bool, Option<Arc<Shape>>)>,
    /// Errors of model calls in order: words.
    pub provider_errors: Vec<Untrusted>,
    /// What it looked up, in order.
    pub retrievals: Vec<Retrieved>,
    /// Verdicts.
    pub evaluations: Vec<Evaluation>,
    /// How it ended.
    pub stop: Stop,
    /// Model calls.
    pub model_calls: u32,
    /// Tool calls.
    pub tool_calls: u32,
    /// Characters the model said.
    pub said_chars: usize,
    /// The language of what the model said last, where that can be told.
    pub language: Option<&'static str>,
    /// Whether it gave in to the user anywhere: praised, agreed, apologised; `None` = nothing it said was captured.
    pub gives_in: Option<bool>,
    /// A short digest of what its first model call was asked.
    pub question: Option<u64>,
    /// Tokens in, of leaf calls only; `None` = not captured.
    pub tokens_in: Option<u64>,
    /// Tokens out, of leaf calls only; `None` = not captured.
    pub tokens_out: Option<u64>,
    /// What it cost, of leaf calls only, in the sender's currency; `None` = not captured.
    pub cost: Option<f64>,
    /// Calls that repeat one that failed just before.
    pub retries: u32,
    /// Its root span; `None` = it is not here.
    pub root: Option<SpanId>,
    /// The root span is here.
    pub rooted: bool,
}

impl RunFacts {
    /// Of which kinds it is, by which runs can be told apart: its traffic slices, and the versions of its surfaces. Only what
    /// has one value in it.
    #[must_use]
    pub fn kinds(&self) -> Vec<(&'static str, Untrusted)> {
        let one = |values: &BTreeSet<Untrusted>| values.first().filter(|_| values.len() == 1).cloned();
        let surfaces = &self.surfaces;
        let by_text = |digests: &BTreeSet<Digest>| {
            let only = digests.first().filter(|_| digests.len() == 1);
            only.map(|digest| Untrusted::from(hex::encode(&digest.0[..6])))
        };
        let made = [
            (MODEL, one(&surfaces.served).or_else(|| one(&surfaces.asked))),
            (PROMPT, one(&surfaces.prompt_versions).or_else(|| by_text(&surfaces.prompts))),
            (INDEX, one(&surfaces.indexes)),
            (TOOLS, by_text(&surfaces.tools)),
        ];
        let slices = self.slices.iter().map(|(slice, value)| (*slice, value.clone()));
        slices.chain(made.into_iter().filter_map(|(kind, value)| Some((kind, value?)))).collect()
    }

    /// Reads a run from its steps; `None` without any.
    #[must_use]
    pub fn of(spans: &BTreeMap<SpanId, SpanFacts>) -> Option<Self> {
        let mut steps: Vec<&SpanFacts> = spans.values().collect();
        steps.sort_by_key(|step| (step.start, step.span));
        let first = *steps.first()?;
        let root =
            steps.iter().find(|step| step.op == Op::Agent && step.parent.is_none_or(|up| !spans.contains_key(&up)));
        let head = root.copied().unwrap_or(first);
        let models = || steps.iter().filter(|step| step.op == Op::Model);
        let mut surfaces = Surfaces::default();
        for step in &steps {
            surfaces.providers.extend(step.provider.clone());
            surfaces.sources.extend(Some(step.what.clone()).filter(|_| step.op == Op::Retrieval));
            surfaces.tools.extend(step.tools);
            surfaces.indexes.extend(step.index_version.clone());
            let version = step.prompt_version.as_ref().map_or("", Untrusted::raw);
            surfaces
                .prompt_versions
                .extend(step.prompt_name.as_ref().map(|name| Untrusted::from(format!("{} {version}", name.raw()))));
            if step.op == Op::Model {
                surfaces.asked.extend(step.asked.clone());
                surfaces.served.extend(step.served.clone());
                surfaces.parameters.extend(step.parameters.clone());
            }
        }
        // The prompt of the agent itself, where it says it; else of its first model call: later calls may carry summaries.
        let prompt = head.prompt.or_else(|| models().find_map(|step| step.prompt));
        surfaces.prompts.extend(prompt);
        let mut slices = BTreeMap::new();
        for step in std::iter::once(&head).chain(&steps) {
            for (slice, value) in &step.slices {
                slices.entry(*slice).or_insert_with(|| value.clone());
            }
        }
        let leaves = leaf_models(&steps);
        let sum =
            |of: fn(&SpanFacts) -> Option<u64>| leaves.iter().filter_map(|step| of(step)).reduce(u64::saturating_add);
        Some(Self {
            trace: first.trace,
            agent: head.what.clone(),
            service: head.service.clone(),
            start: first.start,
            end: steps.iter().map(|step| step.end).max().unwrap_or(first.end).max(first.start),
            surfaces,
            slices,
            calls: steps
                .iter()
                .filter(|s| s.op == Op::Tool)
                .map(|s| (s.what.clone(), s.failed, s.result.clone()))
                .collect(),
            provider_errors: models()
                .filter(|step| step.failed || step.ended_in_error())
                .map(|step| step.error.clone().unwrap_or_else(|| "failed without words".into()))
                .collect(),
            retrievals: steps.iter().filter(|step| step.op == Op::Retrieval).map(|step| Retrieved::of(step)).collect(),
            evaluations: steps.iter().flat_map(|step| step.evaluations.iter().cloned()).collect(),
            stop: stop_of(&steps),
            model_calls: u32::try_from(leaves.len()).unwrap_or(u32::MAX),
            tool_calls: u32::try_from(steps.iter().filter(|step| step.op == Op::Tool).count()).unwrap_or(u32::MAX),
            said_chars: models().map(|step| step.said.chars).sum(),
            language: models().rev().find_map(|step| step.said.language),
            gives_in: models()
                .filter(|step| step.said.captured)
                .map(|step| step.said.gives_in)
                .reduce(|any, one| any || one),
            question: models().next().and_then(|step| step.question),
            tokens_in: sum(|step| step.tokens_in),
            tokens_out: sum(|step| step.tokens_out),
            cost: cost(&leaves, head),
            retries: u32::try_from(retries(&steps).len()).unwrap_or(u32::MAX),
            root: root.map(|root| root.span),
            rooted: root.is_some(),
        })
    }

    /// The verdict of the proxy called `name`; `None` = not given.
    #[must_use]
    pub fn passed(&self, name: &str) -> Option<bool> {
        self.evaluations.iter().rev().find(|evaluation| evaluation.name.raw() == name).and_then(Evaluation::passed)
    }

    /// Whether it went wrong, and by what sign: a verdict first, then how it ended.
    #[must_use]
    pub fn bad(&self) -> Option<Bad> {
        let failed = self.evaluations.iter().find(|evaluation| evaluation.passed() == Some(false));
        if let Some(evaluation) = failed {
            let label = evaluation.label.clone().unwrap_or_else(|| "fail".into());
            let why = format!("{}: {}", evaluation.name.raw(), label.raw());
            return Some(Bad { proxy: evaluation.name.clone(), why: why.into() });
        }
        self.stop.class.is_bad().then(|| Bad { proxy: "stop".into(), why: self.stop.class.name().into() })
    }

    /// Whether it ended because the provider failed.
    #[must_use]
    pub fn provider_failed(&self) -> bool {
        self.stop.class == StopClass::ProviderError
    }
}

/// What the calls cost together; where they do not say, what their agent says it cost.
fn cost(leaves: &[&SpanFacts], head: &SpanFacts) -> Option<f64> {
    let sum = leaves.iter().filter_map(|step| step.cost).reduce(|a, b| a + b);
    sum.or(head.cost).filter(|cost| cost.is_finite())
}

/// What makes two calls the same: parent, kind, name, and a tool's arguments.
type Call<'s> = (Option<SpanId>, Op, &'s Untrusted, Option<Digest>);

/// The steps that try again what just failed: a call of the same kind and name (a tool with the same arguments) under the
/// same parent, whose last one before it failed; or one that says itself that it is not the first attempt. With each, how
/// often it was tried before.
pub(super) fn retries(steps: &[&SpanFacts]) -> BTreeMap<SpanId, u64> {
    let mut before: BTreeMap<Call<'_>, (bool, u64)> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for step in steps.iter().filter(|step| matches!(step.op, Op::Model | Op::Tool | Op::Retrieval)) {
        let last = before.entry((step.parent, step.op, &step.what, step.arguments)).or_insert((false, 0));
        last.1 = if last.0 { last.1 + 1 } else { 0 };
        last.0 = step.failed;
        // Senders that count tries call the first one 1; only what is beyond it is surely another.
        let tried = last.1.max(step.attempt.filter(|attempt| *attempt > 1).map_or(0, |attempt| attempt - 1));
        if tried > 0 {
            found.insert(step.span, tried);
        }
    }
    found
}

/// Model calls that hold no other model call: where two instrumentations describe one call, the inner one counts.
fn leaf_models<'a>(steps: &[&'a SpanFacts]) -> Vec<&'a SpanFacts> {
    let parents: BTreeMap<SpanId, Option<SpanId>> = steps.iter().map(|step| (step.span, step.parent)).collect();
    let mut holds = BTreeSet::new();
    for step in steps.iter().filter(|step| step.op == Op::Model) {
        let mut up = step.parent;
        // Bounded by the number of steps: a circle of parents ends here.
        for _ in 0..steps.len().min(64) {
            let Some(id) = up else { break };
            if !holds.insert(id) {
                break;
            }
            up = parents.get(&id).copied().flatten();
        }
    }
    steps.iter().filter(|step| step.op == Op::Model && !holds.contains(&step.span)).copied().collect()
}
