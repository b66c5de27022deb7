//! Spans by component and minute, and the words of those that failed.

use std::collections::BTreeMap;

use crate::event::{Span, SpanBatch, SpanId, SpanStatus, Time, TraceId, Untrusted};

/// At most so many component-minutes; the oldest go first.
const MAX_MINUTES: usize = 200_000;
/// At most so many different words of failure.
const MAX_WORDS: usize = 5_000;
/// At most so many spans are remembered for telling whether a failure began in a component or came from below.
const MAX_RECENT: usize = 50_000;

/// What a component did in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Minute {
    /// Spans.
    pub spans: u64,
    /// Failed ones.
    pub failed: u64,
    /// Sum of their lengths in milliseconds.
    pub millis: f64,
    /// Sum of their own time, without their children here.
    pub own_millis: f64,
}

/// How a component's spans fail.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorWords {
    /// The span's name.
    pub name: Untrusted,
    /// The words.
    pub words: Untrusted,
    /// When first.
    pub first: Time,
    /// How often.
    pub count: u64,
    /// One of them.
    pub trace: TraceId,
    /// Failures that had no failed child: they began here.
    pub began_here: u64,
}

/// A span as remembered for its children's and parent's sake.
#[derive(Clone, Debug)]
struct Brief {
    service: Untrusted,
    failed_child: bool,
    /// It was counted: sent again, or by another way, it is not counted again.
    counted: bool,
}

/// Spans by component and minute.
#[derive(Clone, Debug, Default)]
pub struct SpanBook {
    pub(super) horizon: Option<Time>,
    minutes: BTreeMap<(i64, Untrusted), Minute>,
    words: BTreeMap<(Untrusted, Untrusted, Untrusted), ErrorWords>,
    versions: BTreeMap<(Untrusted, Untrusted), Time>,
    recent: BTreeMap<(TraceId, SpanId), Brief>,
    left_out: u64,
}

impl SpanBook {
    /// Takes in spans.
    pub(super) fn apply(&mut self, batch: &SpanBatch) {
        // Parents first: children's own time and failures are charged to them.
        if self.recent.len() > MAX_RECENT {
            self.recent.clear();
        }
        for resource in &batch.resources {
            if let Some(version) = resource.attributes.get("service.version").and_then(|v| v.as_str())
                && let Some(first) = resource.items.iter().map(|span| span.start).min()
            {
                let seen = self.versions.entry((resource.service.clone(), version.into())).or_insert(first);
                *seen = first.min(*seen);
            }
            for span in &resource.items {
                self.recent.entry((span.trace_id, span.span_id)).or_insert_with(|| Brief {
                    service: resource.service.clone(),
                    failed_child: false,
                    counted: false,
                });
            }
        }
        for span in batch.resources.iter().flat_map(|resource| &resource.items) {
            if span.status == SpanStatus::Error
                && let Some(parent) = span.parent.and_then(|id| self.recent.get_mut(&(span.trace_id, id)))
            {
                parent.failed_child = true;
            }
        }
        for resource in &batch.resources {
            for span in &resource.items {
                let seen = self
                    .recent
                    .get_mut(&(span.trace_id, span.span_id))
                    .map(|brief| std::mem::replace(&mut brief.counted, true));
                if seen != Some(true) {
                    self.take(&resource.service, span);
                }
            }
        }
        while self.minutes.len() > MAX_MINUTES {
            self.minutes.pop_first();
            self.left_out += 1;
        }
    }

    fn take(&mut self, service: &Untrusted, span: &Span) {
        let millis = span.end.duration_since(span.start).as_secs_f64().max(0.0) * 1_000.0;
        let minute = self.minutes.entry((span.start.as_second().div_euclid(60), service.clone())).or_default();
        minute.spans += 1;
        minute.millis += millis;
        minute.own_millis += millis;
        if span.status == SpanStatus::Error {
            minute.failed += 1;
            let words = span.attributes.get("error.type").and_then(|v| v.as_str()).map(Untrusted::from);
            let words = Some(span.status_message.clone()).filter(|w| !w.is_empty()).or(words).unwrap_or_default();
            let key = (service.clone(), span.name.clone(), words.clone());
            if self.words.len() < MAX_WORDS || self.words.contains_key(&key) {
                let began_here =
                    self.recent.get(&(span.trace_id, span.span_id)).is_some_and(|brief| !brief.failed_child);
                let entry = self.words.entry(key).or_insert_with(|| ErrorWords {
                    name: span.name.clone(),
                    words,
                    first: span.start,
                    count: 0,
                    trace: span.trace_id,
                    began_here: 0,
                });
                entry.first = entry.first.min(span.start);
                entry.count += 1;
                entry.began_here += u64::from(began_here);
            } else {
                self.left_out += 1;
            }
        }
        if let Some(parent) = span.parent.and_then(|id| self.recent.get(&(span.trace_id, id))) {
            let start = span.start.as_second().div_euclid(60);
            if let Some(above) = self.minutes.get_mut(&(start, parent.service.clone())) {
                above.own_millis = (above.own_millis - millis).max(0.0);
            }
        }
    }

    /// Component, minute (since the epoch) and what it did.
    pub fn minutes(&self) -> impl Iterator<Item = (&Untrusted, i64, &Minute)> {
        self.minutes.iter().map(|((minute, service), what)| (service, *minute, what))
    }

    /// How spans fail: component and words.
    pub fn failures(&self) -> impl Iterator<Item = (&Untrusted, &ErrorWords)> {
        self.words.iter().map(|((service, _, _), words)| (service, words))
    }

    /// Versions that served, and since when: component, version, first span.
    pub fn versions(&self) -> impl Iterator<Item = (&Untrusted, &Untrusted, Time)> {
        self.versions.iter().map(|((service, version), first)| (service, version, *first))
    }

    /// Whether no span came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.minutes.is_empty()
    }

    /// What was left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}
