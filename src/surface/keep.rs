//! Which old runs stay: every one that went wrong, was slow, ran near an incident or was looked at, and a share of the others.
//!
//! Nothing is sampled when it comes in, so that what is shown of now is complete; runs are judged when they are old, whole, and once.
//! Whether an ordinary run stays is decided by its trace alone, so that everybody decides alike and it can be asked again. Of
//! what went it is said how many there were of each kind: counts stay true, and each run that stayed has a weight.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Digest, Span, SpanId, SpanStatus, Stays, Thinned, Time, TraceId, Untrusted};

use super::alias::Op;
use super::read::SpanFacts;
use super::run::RunFacts;

/// One in so many of the ordinary runs of an agent is slow enough to stay for it, and at least the slowest.
const SLOW_ONE_IN: usize = 100;

/// What decides, besides the runs themselves.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'r> {
    /// The share of ordinary runs that stays, 0 to 1.
    pub share: f64,
    /// Stretches of time of which everything stays.
    pub whole: &'r [(Time, Time)],
    /// Runs that somebody looked at.
    pub asked: &'r BTreeSet<TraceId>,
}

/// All spans of one trace.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Its spans and the services that sent them.
    pub spans: Vec<(Untrusted, Span)>,
    /// Not all of them are here.
    pub scattered: bool,
}

/// A run that was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Which.
    pub trace: TraceId,
    /// Its service.
    pub service: Untrusted,
    /// Its agent; empty = an ordinary request.
    pub agent: Untrusted,
    /// How it ended.
    pub outcome: Untrusted,
    /// Why it stays, or may go.
    pub why: Stays,
    /// Whether it stays.
    pub kept: bool,
    /// Its spans.
    pub spans: u64,
    /// When it began.
    pub start: Time,
    /// Whether it went wrong by its verdicts or by how it ended, as everybody sees who reads it.
    pub told_bad: bool,
    lasted: i64,
}

/// Whether an ordinary run is in the share that stays. A trace id need not be random, so it is hashed.
#[must_use]
pub fn stays(trace: TraceId, share: f64) -> bool {
    let hash = Digest::of(&trace.0).0;
    let upper = hash[..7].iter().fold(0_u64, |upper, byte| upper << 8 | u64::from(*byte));
    #[expect(clippy::cast_precision_loss, reason = "56 bits of chance; a 53rd decides nothing")]
    let at = upper as f64 / (1_u64 << 56) as f64;
    at < share
}

/// Whether `time` is in one of `stretches`.
#[must_use]
pub fn within(stretches: &[(Time, Time)], time: Time) -> bool {
    stretches.iter().any(|(from, until)| (*from..=*until).contains(&time))
}

/// Judges each trace.
#[must_use]
pub fn judge(traces: &BTreeMap<TraceId, Trace>, rules: &Rules<'_>) -> Vec<Judged> {
    let mut judged: Vec<Judged> = traces.iter().filter_map(|(id, trace)| one(*id, trace, rules)).collect();
    let mut ordinary: BTreeMap<(Untrusted, Untrusted), Vec<usize>> = BTreeMap::new();
    for (nth, run) in judged.iter().enumerate().filter(|(_, run)| run.why == Stays::Sampled) {
        ordinary.entry((run.service.clone(), run.agent.clone())).or_default().push(nth);
    }
    for mut of_one in ordinary.into_values() {
        of_one.sort_by_key(|nth| std::cmp::Reverse(judged[*nth].lasted));
        for nth in of_one.iter().take(of_one.len().div_ceil(SLOW_ONE_IN)) {
            judged[*nth].why = Stays::Slow;
            judged[*nth].kept = true;
        }
    }
    judged
}

/// What is sampled has a weight only among its like: the lines of what was judged.
#[must_use]
pub fn thinned(judged: &[Judged]) -> Vec<Thinned> {
    let mut lines: BTreeMap<(&Untrusted, &Untrusted, &Untrusted, Stays), Thinned> = BTreeMap::new();
    for run in judged {
        let line = lines.entry((&run.service, &run.agent, &run.outcome, run.why)).or_insert_with(|| Thinned {
            service: run.service.clone(),
            agent: run.agent.clone(),
            outcome: run.outcome.clone(),
            why: run.why,
            seen: 0,
            kept: 0,
            spans: 0,
        });
        line.seen += 1;
        line.kept += u64::from(run.kept);
        line.spans += if run.kept { 0 } else { run.spans };
    }
    lines.into_values().collect()
}

fn one(id: TraceId, trace: &Trace, rules: &Rules<'_>) -> Option<Judged> {
    let (service, first) = trace.spans.iter().min_by_key(|(_, span)| (span.start, span.span_id))?;
    let start = first.start;
    let end = trace.spans.iter().map(|(_, span)| span.end).max().unwrap_or(start).max(start);
    let failed = trace.spans.iter().any(|(_, span)| span.status == SpanStatus::Error);
    let steps: BTreeMap<SpanId, SpanFacts> = trace
        .spans
        .iter()
        .filter_map(|(service, span)| SpanFacts::of(service, span).map(|facts| (facts.span, facts)))
        .collect();
    let is_run = steps.values().any(|step| matches!(step.op, Op::Agent | Op::Model));
    let facts = RunFacts::of(&steps).filter(|_| is_run);
    let told_bad = facts.as_ref().is_some_and(|facts| facts.bad().is_some());
    let near = rules.whole.iter().any(|(from, until)| start <= *until && end >= *from);
    let why = match () {
        () if failed || told_bad => Stays::Bad,
        () if near => Stays::Incident,
        () if rules.asked.contains(&id) => Stays::Asked,
        () if trace.scattered => Stays::Scattered,
        () => Stays::Sampled,
    };
    let outcome = match &facts {
        Some(facts) => facts.stop.class.name(),
        None if failed => "error",
        None => "ok",
    };
    Some(Judged {
        trace: id,
        service: facts.as_ref().map_or_else(|| service.clone(), |facts| facts.service.clone()),
        agent: facts.as_ref().map_or_else(Untrusted::default, |facts| facts.agent.clone()),
        outcome: outcome.into(),
        why,
        kept: why != Stays::Sampled || stays(id, rules.share),
        spans: trace.spans.len() as u64,
        start,
        told_bad,
        lasted: i64::try_from(end.duration_since(start).as_nanos()).unwrap_or(i64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::SpanKind;

    fn trace(n: u32) -> TraceId {
        let mut id = [0; 16];
        id[12..].copy_from_slice(&n.to_be_bytes());
        TraceId(id)
    }

    fn time(second: i64) -> Time {
        Time::from_second(second).unwrap()
    }

    fn run(n: u32, start: i64, lasts: i64, verdict: Option<bool>, error: bool) -> (TraceId, Trace) {
        let attributes: crate::event::Attributes = [
            ("gen_ai.operation.name".into(), "chat".into()),
            ("gen_ai.request.model".into(), "m".into()),
            ("gen_ai.response.finish_reasons".into(), serde_json::json!(["stop"])),
        ]
        .into();
        let events = verdict.map_or_else(Vec::new, |passed| {
            vec![crate::event::SpanEvent {
                time: time(start),
                name: "gen_ai.evaluation.result".into(),
                attributes: [
                    ("gen_ai.evaluation.name".into(), "task".into()),
                    ("gen_ai.evaluation.score.label".into(), if passed { "pass" } else { "fail" }.into()),
                ]
                .into(),
            }]
        });
        let span = Span {
            trace_id: trace(n),
            span_id: SpanId([1; 8]),
            parent: None,
            name: "chat".into(),
            kind: SpanKind::Client,
            start: time(start),
            end: time(start + lasts),
            status: if error { SpanStatus::Error } else { SpanStatus::Ok },
            status_message: Untrusted::default(),
            attributes,
            events,
        };
        (trace(n), Trace { spans: vec![("bot".into(), span)], scattered: false })
    }

    proptest! {
        /// Whatever the share: a bad run stays, the lines add up to the runs, and the kept of a line are those of its runs.
        #[test]
        fn no_bad_run_goes_and_every_run_is_counted(
            runs in proptest::collection::vec((0_i64..1000, 1_i64..100, proptest::option::of(any::<bool>()), any::<bool>()), 0..80),
            share in 0.0_f64..=1.0,
        ) {
            let traces: BTreeMap<_, _> = runs.iter().enumerate()
                .map(|(n, (start, lasts, verdict, error))| run(u32::try_from(n).unwrap(), *start, *lasts, *verdict, *error))
                .collect();
            let asked: BTreeSet<TraceId> = [trace(3), trace(4)].into();
            let rules = Rules { share, whole: &[(time(100), time(200))], asked: &asked };
            let judged = judge(&traces, &rules);
            prop_assert_eq!(judged.len(), runs.len());
            for run in &judged {
                let n = usize::try_from(u32::from_be_bytes(run.trace.0[12..].try_into().unwrap())).unwrap();
                let (start, lasts, verdict, error) = runs[n];
                let bad = error || verdict == Some(false);
                prop_assert_eq!(run.why == Stays::Bad, bad);
                prop_assert!(run.kept || !(bad || asked.contains(&run.trace) || start <= 200 && start + lasts >= 100));
                prop_assert!(run.why != Stays::Sampled || run.kept == stays(run.trace, share));
            }
            let lines = thinned(&judged);
            prop_assert_eq!(lines.iter().map(|line| line.seen).sum::<u64>(), runs.len() as u64);
            prop_assert_eq!(lines.iter().map(|line| line.kept).sum::<u64>(), judged.iter().filter(|run| run.kept).count() as u64);
            prop_assert!(lines.iter().all(|line| line.why == Stays::Sampled || (line.kept == line.seen && line.spans == 0)));
            prop_assert_eq!(judge(&traces, &rules), judged, "the same again");
        }
    }

    #[test]
    fn the_share_that_stays_is_the_share_that_was_asked_for() {
        for share in [0.0, 0.05, 0.1, 0.5, 1.0] {
            let n = 40_000_u32;
            let kept = (0..n).filter(|n| stays(trace(*n), share)).count();
            // Five standard deviations of a binomial.
            let (expected, spread) = (f64::from(n) * share, (f64::from(n) * share * (1.0 - share)).sqrt());
            #[expect(clippy::cast_precision_loss, reason = "a small count")]
            let off = (kept as f64 - expected).abs();
            assert!(off <= 5.0 * spread, "{share}: {kept}");
        }
        assert!((0..1000).all(|n| !stays(trace(n), 0.1) || stays(trace(n), 0.2)), "a larger share holds a smaller one");
    }

    #[test]
    fn the_slowest_stay_one_in_a_hundred() {
        let traces: BTreeMap<_, _> = (0..250).map(|n| run(n, 0, i64::from(n) + 1, None, false)).collect();
        let judged = judge(&traces, &Rules { share: 0.0, whole: &[], asked: &BTreeSet::new() });
        let kept: Vec<TraceId> = judged.iter().filter(|run| run.kept).map(|run| run.trace).collect();
        assert_eq!(kept, [trace(247), trace(248), trace(249)]);
        assert!(judged.iter().filter(|run| run.kept).all(|run| run.why == Stays::Slow));
    }
}
