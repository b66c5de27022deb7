//! What diagnosis looks at, built up fact by fact and bounded.

mod experiments;
mod logs;
mod readings;
mod spans;

use std::collections::BTreeMap;

use crate::correlation::Graph;
use crate::event::{Alert, Change, Fact, Notice, Regrouped, Seq, StepRead, Time, Untrusted};
use crate::surface::{RunFacts, Runs};

pub use experiments::{Arm, Experiment};
pub use logs::{LogBook, Pattern};
pub use readings::{Reading, Says};
pub use spans::{ErrorWords, Minute, SpanBook};

/// At most so many changes are kept; the oldest go first.
const MAX_CHANGES: usize = 5_000;
/// At most so many notices.
const MAX_NOTICES: usize = 1_000;
/// At most so many series.
const MAX_SERIES: usize = 50_000;
/// At most so many samples of one series; the older half goes.
const MAX_POINTS: usize = 20_000;
/// At most so many samples in all.
const MAX_SAMPLES: usize = 2_000_000;

/// A series by its name and labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    /// Component; empty = not said.
    pub service: Untrusted,
    /// Metric.
    pub name: Untrusted,
    /// The other labels, written out.
    pub rest: Untrusted,
}

/// Takes in recorded facts and keeps, within bounds, what a diagnosis needs.
#[derive(Clone, Debug, Default)]
pub struct SceneBuilder {
    horizon: Option<Time>,
    changes: BTreeMap<(Time, Untrusted), Change>,
    notices: BTreeMap<(Time, Untrusted), Notice>,
    series: BTreeMap<SeriesKey, Vec<(Time, f64)>>,
    samples: usize,
    logs: LogBook,
    spans: SpanBook,
    runs: Runs,
    experiments: experiments::Experiments,
    readings: readings::Readings,
    left_out: u64,
}

/// Everything known of one incident at one moment.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The moment; nothing later is in it.
    pub as_of: Time,
    /// The incident's alerts, oldest first.
    pub alerts: Vec<Alert>,
    /// Changes, oldest first.
    pub changes: Vec<&'a Change>,
    /// Vendors' notices, oldest first.
    pub notices: Vec<(Time, &'a Notice)>,
    /// Series with their samples up to the moment.
    pub series: Vec<(&'a SeriesKey, &'a [(Time, f64)])>,
    /// Logs by component and pattern.
    pub logs: &'a LogBook,
    /// Spans by component and minute.
    pub spans: &'a SpanBook,
    /// Agent runs, oldest first.
    pub runs: Vec<RunFacts>,
    /// All runs, for the texts of prompts.
    pub run_store: &'a Runs,
    /// Experiments with recorded runs that are over, of any incident.
    pub experiments: Vec<&'a Experiment>,
    /// What reading steps of runbooks said, of any incident, oldest first.
    pub readings: Vec<&'a Reading>,
    /// Who calls whom.
    pub graph: &'a Graph,
}

impl SceneBuilder {
    /// An empty one that takes in whatever comes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one that ignores what happened after `horizon`, down to single samples and log lines: for looking at the past.
    #[must_use]
    pub fn until(horizon: Time) -> Self {
        let mut built = Self { horizon: Some(horizon), ..Self::default() };
        built.logs.horizon = Some(horizon);
        built.spans.horizon = Some(horizon);
        built
    }

    /// Takes in one recorded fact; `at` is when it happened. Alerts and calls are the correlator's and are ignored here.
    pub fn apply(&mut self, fact: &Fact, at: Time) {
        match fact {
            Fact::Change(change) if self.in_time(change.time) => {
                self.changes.insert((change.time, change.id.clone()), (**change).clone());
                while self.changes.len() > MAX_CHANGES {
                    self.changes.pop_first();
                    self.left_out += 1;
                }
            }
            Fact::Notice(notice) if self.in_time(at) => {
                self.notices.insert((at, notice.id.clone()), (**notice).clone());
                while self.notices.len() > MAX_NOTICES {
                    self.notices.pop_first();
                    self.left_out += 1;
                }
            }
            Fact::Metrics(batch) => batch.series.iter().for_each(|series| self.take_series(series)),
            Fact::Logs(batch) => self.logs.apply(batch),
            Fact::Released(released) => self.runs.thinned(released),
            Fact::Spans(batch) => {
                if let Some(horizon) = self.horizon {
                    let mut batch = (**batch).clone();
                    batch.resources.iter_mut().for_each(|resource| resource.items.retain(|span| span.start <= horizon));
                    self.spans.apply(&batch);
                    self.runs.apply(&batch);
                } else {
                    self.spans.apply(batch);
                    self.runs.apply(batch);
                }
            }
            Fact::ReplayAsked(asked) if self.in_time(at) => self.experiments.asked(asked, at),
            Fact::ReplayRan(ran) if self.in_time(at) => self.experiments.ran(ran),
            Fact::ReplayEnded(ended) if self.in_time(at) => self.experiments.ended(ended.replay, at),
            Fact::Regrouped(regrouped) => {
                if let Regrouped::Merge { from, into, .. } = **regrouped {
                    self.experiments.merged(from, into);
                    self.readings.merged(from, into);
                }
            }
            _ => {}
        }
    }

    /// Takes in what a reading step said; `seq` is its entry.
    pub fn read(&mut self, read: &StepRead, at: Time, seq: Seq) {
        if self.in_time(at) {
            self.readings.read(read, at, seq);
        }
    }

    fn in_time(&self, at: Time) -> bool {
        self.horizon.is_none_or(|horizon| at <= horizon)
    }

    fn take_series(&mut self, series: &crate::event::Series) {
        let service = series.service().cloned().unwrap_or_default();
        let rest: Vec<String> = series
            .labels
            .iter()
            .filter(|(name, _)| !matches!(name.raw(), "service" | "job"))
            .map(|(name, value)| format!("{}={}", name.raw(), value.raw()))
            .collect();
        let key = SeriesKey { service, name: series.name.clone(), rest: rest.join(",").into() };
        if self.samples >= MAX_SAMPLES || (self.series.len() >= MAX_SERIES && !self.series.contains_key(&key)) {
            self.left_out += series.points.len() as u64;
            return;
        }
        let horizon = self.horizon;
        let points = self.series.entry(key).or_default();
        let before = points.len();
        let mut sorted = true;
        for (time, value) in &series.points {
            if value.is_finite() && horizon.is_none_or(|horizon| *time <= horizon) {
                sorted &= points.last().is_none_or(|(last, _)| last < time);
                points.push((*time, *value));
            }
        }
        if !sorted {
            points.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            points.dedup_by_key(|(time, _)| *time);
        }
        if points.len() > MAX_POINTS {
            points.drain(..points.len() - MAX_POINTS / 2);
        }
        self.samples = self.samples + points.len() - before.min(self.samples + points.len());
    }

    /// What is known at `as_of` about an incident of these alerts.
    #[must_use]
    pub fn scene<'a>(&'a self, as_of: Time, mut alerts: Vec<Alert>, graph: &'a Graph) -> Scene<'a> {
        alerts.retain(|alert| alert.starts_at <= as_of);
        alerts.sort_by(|a, b| (a.starts_at, &a.fingerprint).cmp(&(b.starts_at, &b.fingerprint)));
        let series = self
            .series
            .iter()
            .map(|(key, points)| (key, &points[..points.partition_point(|(time, _)| *time <= as_of)]));
        Scene {
            as_of,
            alerts,
            changes: self.changes.values().filter(|change| change.time <= as_of).collect(),
            notices: self
                .notices
                .iter()
                .filter(|((at, _), _)| *at <= as_of)
                .map(|((at, _), notice)| (*at, notice))
                .collect(),
            series: series.filter(|(_, points)| !points.is_empty()).collect(),
            logs: &self.logs,
            spans: &self.spans,
            runs: self.runs.between(Time::MIN, as_of),
            run_store: &self.runs,
            experiments: self.experiments.until(as_of),
            readings: self.readings.until(as_of),
            graph,
        }
    }

    /// The runs in view.
    #[must_use]
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    /// The changes in view, oldest first.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.values()
    }

    /// Facts, samples and lines left out because of the bounds.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
            + self.logs.left_out()
            + self.spans.left_out()
            + self.runs.forgotten()
            + self.runs.steps_left_out()
            + self.readings.left_out()
    }
}
