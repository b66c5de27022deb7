//! The signals that runs carry, one value a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Time, Untrusted};

use crate::surface::alias::{Field, names};
use crate::surface::run::RunFacts;
use crate::surface::stats;
use crate::surface::stop::StopClass;

use super::{Drift, Signal, test};

/// So many runs on each side of the moment are compared, those nearest to it.
const NEAREST: usize = 400;
/// At most so many evaluations and user signals.
const MOST_EVALUATIONS: usize = 12;

/// One signal of behaviour around a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drifted {
    /// Which, such as `refused` or the name of an evaluation.
    pub signal: Untrusted,
    /// Runs that carry it, before and since. None on both = not captured.
    pub runs: (u64, u64),
    /// The attribute that would carry it.
    pub field: Untrusted,
    /// How far it moved; `None` = too few runs to say.
    pub drift: Option<Drift>,
}

/// Values of one signal, in order of time, and how many of them lie before.
struct Told {
    signal: Untrusted,
    field: Field,
    values: Signal,
    before: usize,
    of: usize,
}

/// How each signal moved at `moment` in `runs`, oldest first: what surely moved first, then by how far.
pub(in crate::surface) fn drifted(runs: &[&RunFacts], moment: Time) -> Vec<Drifted> {
    let split = runs.partition_point(|run| run.start < moment);
    let runs = &runs[split.saturating_sub(NEAREST)..runs.len().min(split + NEAREST)];
    let told = told(runs, moment);
    let tested: Vec<(Signal, usize)> = told.iter().map(|one| (one.values.clone(), one.before)).collect();
    let mut found: Vec<Drifted> = told
        .into_iter()
        .zip(test(&tested))
        .map(|(one, drift)| Drifted {
            signal: one.signal,
            runs: (one.before as u64, (one.of - one.before) as u64),
            field: names(one.field).first().map_or("", String::as_str).into(),
            drift,
        })
        .collect();
    let place = |one: &Drifted| match &one.drift {
        Some(drift) if drift.q <= 0.05 => 0,
        Some(_) => 1,
        None if one.runs != (0, 0) => 2,
        None => 3,
    };
    let far = |one: &Drifted| one.drift.as_ref().map_or(0.0, Drift::how_far);
    found.sort_by(|a, b| place(a).cmp(&place(b)).then(far(b).total_cmp(&far(a))));
    found
}

fn told(runs: &[&RunFacts], moment: Time) -> Vec<Told> {
    let ended = |run: &RunFacts, class| (run.stop.class != StopClass::NotCaptured).then_some(run.stop.class == class);
    let mut found = vec![
        share(runs, moment, ("refused", Field::MessagesOut), |run| ended(run, StopClass::Refused)),
        share(runs, moment, ("format broken", Field::MessagesOut), |run| ended(run, StopClass::Malformed)),
        share(runs, moment, ("a tool failed", Field::ToolResult), |run| {
            (!run.calls.is_empty()).then(|| run.calls.iter().any(|(_, failed, _)| *failed))
        }),
        number(runs, moment, ("characters said", Field::MessagesOut), |run| {
            #[expect(clippy::cast_precision_loss, reason = "characters")]
            let said = run.said_chars as f64;
            (run.said_chars > 0 || run.stop.class == StopClass::Empty).then_some(said)
        }),
        number(runs, moment, ("tokens out", Field::TokensOut), |run| {
            #[expect(clippy::cast_precision_loss, reason = "tokens")]
            run.tokens_out.map(|tokens| tokens as f64)
        }),
        number(runs, moment, ("model calls", Field::Operation), |run| {
            (run.model_calls > 0).then(|| f64::from(run.model_calls))
        }),
        number(runs, moment, ("retrieval score", Field::RetrievalDocuments), |run| {
            stats::median(
                &mut run.retrievals.iter().flat_map(|found| found.scores.iter().copied()).collect::<Vec<f64>>(),
            )
        }),
    ];
    // Runs that call nothing are a pattern too, once any run calls something.
    let mut tools: BTreeMap<&Untrusted, u32> = BTreeMap::new();
    let calls = runs.iter().any(|run| !run.calls.is_empty());
    let patterns = gathered(runs, moment, |run| {
        let mut number = |tool| {
            let next = u32::try_from(tools.len()).unwrap_or(u32::MAX - 1);
            *tools.entry(tool).or_insert(next)
        };
        calls.then(|| run.calls.iter().map(|(tool, ..)| number(tool)).collect::<Vec<u32>>())
    });
    let named = ("sequence of tools", Field::Tool);
    found.push(Told::new(named.0.into(), named.1, patterns, Signal::Pattern));
    found.extend(evaluations(runs, moment));
    found
}

/// Evaluations and user signals by name: as a number where scores are given, else by whether they passed.
fn evaluations(runs: &[&RunFacts], moment: Time) -> Vec<Told> {
    let mut scored: BTreeMap<&Untrusted, bool> = BTreeMap::new();
    for evaluation in runs.iter().flat_map(|run| &run.evaluations) {
        let whole = scored.entry(&evaluation.name).or_insert(true);
        // Ones and noughts are a yes or no, whatever their type.
        *whole &= evaluation.score.is_some_and(f64::is_finite);
    }
    if scored.is_empty() {
        let none: (Vec<bool>, usize) = (Vec::new(), 0);
        return vec![Told::new("evaluations, user signals".into(), Field::EvaluationName, none, Signal::Share)];
    }
    scored
        .into_iter()
        .take(MOST_EVALUATIONS)
        .map(|(name, scored)| {
            let own = |run: &'_ &RunFacts| {
                let mut scores = run.evaluations.iter().filter(|one| one.name == *name).filter_map(|one| one.score);
                scores.next_back()
            };
            let yes_or_no =
                runs.iter().filter_map(own).all(|score| score.total_cmp(&0.0).is_eq() || (score - 1.0).abs() < 1e-9);
            if scored && !yes_or_no {
                Told::new(name.clone(), Field::EvaluationScore, gathered(runs, moment, |run| own(&run)), Signal::Number)
            } else {
                let failed = gathered(runs, moment, |run| run.passed(name.raw()).map(|passed| !passed));
                Told::new(format!("failed {}", name.raw()).into(), Field::EvaluationLabel, failed, Signal::Share)
            }
        })
        .collect()
}

impl Told {
    fn new<T>(
        signal: Untrusted,
        field: Field,
        (values, before): (Vec<T>, usize),
        kind: impl Fn(Vec<T>) -> Signal,
    ) -> Self {
        Self { signal, field, of: values.len(), values: kind(values), before }
    }
}

fn share(
    runs: &[&RunFacts],
    moment: Time,
    (signal, field): (&str, Field),
    of: impl Fn(&RunFacts) -> Option<bool>,
) -> Told {
    Told::new(signal.into(), field, gathered(runs, moment, of), Signal::Share)
}

fn number(
    runs: &[&RunFacts],
    moment: Time,
    (signal, field): (&str, Field),
    of: impl Fn(&RunFacts) -> Option<f64>,
) -> Told {
    let finite = |run: &RunFacts| of(run).filter(|value| value.is_finite());
    Told::new(signal.into(), field, gathered(runs, moment, finite), Signal::Number)
}

/// The values of the runs that carry one, and how many of them lie before the moment.
fn gathered<'r, T>(
    runs: &[&'r RunFacts],
    moment: Time,
    mut of: impl FnMut(&'r RunFacts) -> Option<T>,
) -> (Vec<T>, usize) {
    let mut before = 0;
    let mut values = Vec::new();
    for run in runs {
        if let Some(value) = of(run) {
            before += usize::from(run.start < moment);
            values.push(value);
        }
    }
    (values, before)
}
