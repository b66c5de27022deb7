//! The runs in view: read incrementally from spans as they come, late, twice or out of order; bounded.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Digest, Released, SpanBatch, SpanId, Time, TraceId, Untrusted};

use super::alias::{self, Op};
use super::history::History;
use super::keep;
use super::read::SpanFacts;
use super::recorder::Recorder;
use super::run::RunFacts;

/// At most so many runs are kept; the oldest go first and are counted.
const MAX_RUNS: usize = 20_000;
/// At most so many steps of one run are kept for judging (the journal keeps all).
const MAX_STEPS: usize = 20_000;
/// At most so many prompt texts are kept for naming what changed.
const MAX_PROMPTS: usize = 200;

/// The runs in view.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    spans: BTreeMap<TraceId, BTreeMap<SpanId, SpanFacts>>,
    by_start: BTreeSet<(Time, TraceId)>,
    started: BTreeMap<TraceId, Time>,
    prompts: BTreeMap<Digest, Untrusted>,
    definitions: BTreeMap<Digest, Untrusted>,
    history: History,
    recorder: Recorder,
    forgotten: u64,
    steps_left_out: u64,
    /// Of the runs before this only some are left, except in these stretches.
    sampled: Option<(Time, Vec<(Time, Time)>)>,
}

impl Runs {
    /// Takes in spans. Spans that are no step of an agent are ignored.
    pub fn apply(&mut self, batch: &SpanBatch) {
        self.recorder.apply(batch);
        for resource in &batch.resources {
            let everywhere = alias::slices(&resource.attributes);
            for span in &resource.items {
                if let Some(mut facts) = SpanFacts::of(&resource.service, span) {
                    // What a process says of itself, such as its region, holds for all its spans that say nothing else.
                    for (slice, value) in &everywhere {
                        facts.slices.entry(*slice).or_insert_with(|| value.clone());
                    }
                    self.take(facts);
                }
            }
        }
        while self.started.len() > MAX_RUNS {
            let Some((_, oldest)) = self.by_start.pop_first() else { break };
            self.started.remove(&oldest);
            self.spans.remove(&oldest);
            self.forgotten += 1;
        }
    }

    fn take(&mut self, mut facts: SpanFacts) {
        if let (Some(digest), Some(text)) = (facts.prompt, facts.prompt_text.take())
            && self.prompts.len() < MAX_PROMPTS
        {
            self.prompts.entry(digest).or_insert(text);
        }
        if let (Some(digest), Some(text)) = (facts.tools, facts.tools_text.take())
            && self.definitions.len() < MAX_PROMPTS
        {
            self.definitions.entry(digest).or_insert(text);
        }
        let trace = facts.trace;
        let started = self.started.get(&trace).copied();
        if started.is_none_or(|before| facts.start < before) {
            started.map(|before| self.by_start.remove(&(before, trace)));
            self.by_start.insert((facts.start, trace));
            self.started.insert(trace, facts.start);
        }
        let steps = self.spans.entry(trace).or_default();
        if steps.len() >= MAX_STEPS && !steps.contains_key(&facts.span) {
            self.steps_left_out += 1;
            return;
        }
        // Sent again, or by another way too, it is still one step.
        if steps.get(&facts.span) != Some(&facts) {
            self.history.see(&facts);
            steps.insert(facts.span, facts);
        }
    }

    /// Old runs were let go: what is left of them is no sample to count by, because those that went wrong all stayed.
    pub fn thinned(&mut self, released: &Released) {
        if self.sampled.as_ref().is_none_or(|(until, _)| released.until >= *until) {
            self.sampled = Some((released.until, released.whole.clone()));
        }
    }

    fn counts(&self, start: Time) -> bool {
        self.sampled.as_ref().is_none_or(|(until, whole)| start >= *until || keep::within(whole, start))
    }

    /// The runs that started in `from..=until`, oldest first, where all of them are left. Traces without a model call, tool call
    /// or agent root are none.
    #[must_use]
    pub fn between(&self, from: Time, until: Time) -> Vec<RunFacts> {
        let range = self.by_start.range((from, TraceId([0; 16]))..=(until, TraceId([255; 16])));
        range
            .filter(|(start, _)| self.counts(*start))
            .filter_map(|(_, trace)| {
                let spans = self.spans.get(trace)?;
                let is_run = spans.values().any(|step| matches!(step.op, Op::Agent | Op::Model));
                RunFacts::of(spans).filter(|_| is_run)
            })
            .collect()
    }

    /// One run.
    #[must_use]
    pub fn run(&self, trace: TraceId) -> Option<RunFacts> {
        RunFacts::of(self.spans.get(&trace)?)
    }

    /// The text of a prompt by its digest.
    #[must_use]
    pub fn prompt(&self, digest: &Digest) -> Option<&Untrusted> {
        self.prompts.get(digest)
    }

    /// The texts of prompts and of tool definitions in view, by digest.
    pub(super) fn texts(&self) -> (&BTreeMap<Digest, Untrusted>, &BTreeMap<Digest, Untrusted>) {
        (&self.prompts, &self.definitions)
    }

    /// Which values each surface has had since when.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What each service does not send, of all spans that came.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// How many runs are in view.
    #[must_use]
    pub fn len(&self) -> usize {
        self.started.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.started.is_empty()
    }

    /// Runs no longer in view because there were too many.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Steps left out of judging because their run has too many.
    #[must_use]
    pub fn steps_left_out(&self) -> u64 {
        self.steps_left_out
    }
}
