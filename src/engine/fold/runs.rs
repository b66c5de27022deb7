//! One line for every agent run that is remembered.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::meter::{Ended, RunMeter};
use crate::engine::view::RunLine;
use crate::event::{Released, Seq, Time, TraceId, Untrusted};
use crate::surface::{RunFacts, keep};

use super::timeline::cut;
use super::{Fold, limits};

/// A run's line and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RunKept {
    pub line: RunLine,
    pub service: Untrusted,
    /// The entry that first told of it, and when it arrived.
    pub seq: Seq,
    pub arrived: Time,
    /// When the last entry that told of it arrived.
    pub heard: Time,
    /// Its root span is here.
    pub rooted: bool,
    /// Of which kinds it is, by which it can be told apart from others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<(Untrusted, Untrusted)>,
}

/// The newest runs, in order of start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<RunKept>", into = "Vec<RunKept>")]
pub(super) struct RunLines {
    runs: BTreeMap<(Time, TraceId), RunKept>,
    started: BTreeMap<TraceId, Time>,
}

impl From<Vec<RunKept>> for RunLines {
    fn from(runs: Vec<RunKept>) -> Self {
        let started = runs.iter().map(|run| (run.line.trace, run.line.at)).collect();
        Self { runs: runs.into_iter().map(|run| ((run.line.at, run.line.trace), run)).collect(), started }
    }
}

impl From<RunLines> for Vec<RunKept> {
    fn from(lines: RunLines) -> Self {
        lines.runs.into_values().collect()
    }
}

impl RunLines {
    /// Takes in a run as it is known now; gives those that are no longer remembered for it.
    pub fn see(&mut self, facts: &RunFacts, seq: Seq, heard: Time) -> Vec<RunKept> {
        let mut gone = Vec::new();
        // A trace without a model call or an agent is an ordinary request.
        if facts.model_calls == 0 && !facts.rooted {
            return gone;
        }
        let line = line(facts);
        let before = self.started.insert(line.trace, line.at).and_then(|at| self.runs.remove(&(at, line.trace)));
        let (seq, arrived) = before.map_or((seq, heard), |before| (before.seq, before.arrived));
        let short = |(kind, value): (&str, Untrusted)| (kind.into(), cut(value.raw(), limits::KIND_BYTES).into());
        let kinds = facts.kinds().into_iter().map(short).collect();
        let (service, rooted) = (facts.service.clone(), facts.rooted);
        let kept = RunKept { line, service, seq, arrived, heard, rooted, kinds };
        self.runs.insert((kept.line.at, kept.line.trace), kept);
        while self.runs.len() > limits::RUNS_KEPT {
            if let Some(((_, trace), kept)) = self.runs.pop_first() {
                self.started.remove(&trace);
                gone.push(kept);
            }
        }
        gone
    }

    /// All of them, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &RunKept> {
        self.runs.values()
    }

    /// Old runs were let go: those whose first entry lies behind `before`. What is left of them is what their spans would tell.
    pub fn thinned(&mut self, released: &Released, before: Seq) {
        let also: BTreeSet<TraceId> = released.also.iter().copied().collect();
        let started = &mut self.started;
        self.runs.retain(|(start, trace), run| {
            let stays = run.seq <= before
                || run.seq > released.through
                || run.line.bad.is_some()
                || also.contains(trace)
                || keep::stays(*trace, released.share)
                || keep::within(&released.whole, *start);
            if !stays {
                started.remove(trace);
            }
            stays
        });
    }

    /// A run, as far as it is remembered.
    pub fn get(&self, trace: TraceId) -> Option<&RunKept> {
        self.runs.get(&(*self.started.get(&trace)?, trace))
    }

    /// The runs that started in a stretch of time, oldest first.
    pub fn between(&self, from: Time, to: Time) -> impl Iterator<Item = &RunKept> {
        self.runs.range((from, TraceId([0; 16]))..=(to.max(from), TraceId([255; 16]))).map(|(_, run)| run)
    }
}

impl RunKept {
    fn ended(&self) -> Ended<'_> {
        Ended {
            trace: self.line.trace,
            agent: &self.line.agent,
            stop: self.line.stop.raw(),
            arrived: self.arrived,
            heard: self.heard,
            rooted: self.rooted,
        }
    }
}

impl Fold {
    /// From now on runs that are no longer remembered wait for the next [`Fold::meter`].
    pub(in crate::engine) fn begin_to_meter(&mut self) {
        self.passed.get_or_insert_default();
    }

    /// Lets `meter` count the runs at `now`.
    pub(in crate::engine) fn meter(&mut self, meter: &RunMeter, now: Time) {
        let gone = self.passed.as_mut().map(std::mem::take).unwrap_or_default();
        meter.see(now, self.state.runs.all().map(RunKept::ended), gone.iter().map(RunKept::ended));
    }
}

/// The line of a run.
pub(in crate::engine) fn line(facts: &RunFacts) -> RunLine {
    RunLine {
        trace: facts.trace,
        at: facts.start,
        agent: facts.agent.clone(),
        duration_ms: u64::try_from(facts.end.duration_since(facts.start).as_millis()).unwrap_or(0),
        stop: facts.stop.class.name().into(),
        bad: facts.bad().map(|bad| bad.why),
        model_calls: facts.model_calls,
        tool_calls: facts.tool_calls,
        tokens_in: facts.tokens_in,
        tokens_out: facts.tokens_out,
    }
}

#[cfg(test)]
impl RunKept {
    /// One of trace `n` that began at this second, of these kinds.
    pub fn made(n: u8, second: i64, kinds: &[(&str, &str)]) -> Self {
        let at = super::tests::at(second);
        let line = RunLine {
            trace: TraceId([n; 16]),
            at,
            agent: "a".into(),
            duration_ms: 1,
            stop: "complete".into(),
            bad: None,
            model_calls: 1,
            tool_calls: 0,
            tokens_in: None,
            tokens_out: None,
        };
        let kinds = kinds.iter().map(|(kind, value)| ((*kind).into(), (*value).into())).collect();
        Self { line, service: "a".into(), seq: Seq(1), arrived: at, heard: at, rooted: true, kinds }
    }
}
