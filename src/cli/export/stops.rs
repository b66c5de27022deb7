//! How each run ended, written beside what its provider said: attributes of an export's spans.

use std::collections::BTreeMap;

use crate::event::{Fact, SpanBatch, SpanId, TraceId, Untrusted};
use crate::surface::{Runs, StopClass};

/// The class, by its code. On the last model call of a run, beside `gen_ai.response.finish_reasons`, and on its root.
pub(super) const CLASS: &str = "warroom.stop.class";
/// The rule that decided, in words.
pub(super) const RULE: &str = "warroom.stop.rule";

/// How runs ended, by the spans that say so.
#[derive(Default)]
pub(super) struct Stops {
    runs: Runs,
    spans: BTreeMap<(TraceId, SpanId), (StopClass, Untrusted)>,
}

impl Stops {
    /// Takes in what is to be exported.
    pub(super) fn see(&mut self, fact: &Fact) {
        if let Fact::Spans(batch) = fact {
            self.runs.apply(batch);
        }
    }

    /// All of it was seen.
    pub(super) fn settle(&mut self) {
        for run in self.runs.between(crate::event::Time::MIN, crate::event::Time::MAX) {
            for span in run.stop.step.into_iter().chain(run.root) {
                self.spans.insert((run.trace, span), (run.stop.class, run.stop.rule.clone()));
            }
        }
    }

    /// The spans with how their runs ended. A sender's own attribute of that name gives way: it would be another's word.
    pub(super) fn marked(&self, mut batch: SpanBatch) -> SpanBatch {
        for span in batch.resources.iter_mut().flat_map(|resource| &mut resource.items) {
            for name in [CLASS, RULE] {
                span.attributes.remove(name);
            }
            if let Some((class, rule)) = self.spans.get(&(span.trace_id, span.span_id)) {
                span.attributes.insert(CLASS.into(), class.code().into());
                span.attributes.insert(RULE.into(), rule.raw().into());
            }
        }
        batch
    }

    /// Runs that are in the export without it, because there were too many.
    pub(super) fn left_out(&self) -> u64 {
        self.runs.forgotten()
    }
}
