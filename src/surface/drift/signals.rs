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

/// The same question within so many seconds was asked again.
const AGAIN_S: i64 = 600;
/// What users say of an answer, and the words in the name of an evaluation that carries it.
const USERS: &[(&str, &[&str])] = &[
    ("thumbs of users", &["thumb", "feedback", "rating", "upvote", "downvote", "csat"]),
    ("answers edited by users", &["edit"]),
    ("tickets after it", &["ticket", "escalat", "complaint"]),
];

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
        share(runs, moment, ("gave in to the user", Field::MessagesOut), |run| run.gives_in),
        language(runs, moment),
        again(runs, moment),
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

/// Answers that are not in the language most answers are in, before and since alike: so that which it is favours no side.
fn language(runs: &[&RunFacts], moment: Time) -> Told {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    runs.iter().filter_map(|run| run.language).for_each(|language| *counts.entry(language).or_default() += 1);
    let usual = counts.into_iter().max_by_key(|(_, count)| *count).map(|(language, _)| language);
    let name = format!("answer not in {}", usual.unwrap_or("its usual language"));
    share(runs, moment, (&name, Field::MessagesOut), |run| run.language.map(|own| Some(own) != usual))
}

/// The same question with the same past within minutes: the user, or what stands between, did not take the answer.
fn again(runs: &[&RunFacts], moment: Time) -> Told {
    let mut last: BTreeMap<(&Untrusted, u64), Time> = BTreeMap::new();
    let again: Vec<Option<bool>> = runs
        .iter()
        .map(|run| {
            let before = last.insert((&run.agent, run.question?), run.start);
            Some(before.is_some_and(|before| run.start.duration_since(before).as_secs() <= AGAIN_S))
        })
        .collect();
    let mut own = again.into_iter();
    let values = gathered(runs, moment, |_| own.next().flatten());
    Told::new("asked again".into(), Field::MessagesIn, values, Signal::Share)
}

/// Evaluations and user signals by name: as a number where scores are given, else by whether they passed. What users could
/// have said and nothing carries is listed as such.
fn evaluations(runs: &[&RunFacts], moment: Time) -> Vec<Told> {
    let mut scored: BTreeMap<&Untrusted, bool> = BTreeMap::new();
    for evaluation in runs.iter().flat_map(|run| &run.evaluations) {
        let whole = scored.entry(&evaluation.name).or_insert(true);
        // Ones and noughts are a yes or no, whatever their type.
        *whole &= evaluation.score.is_some_and(f64::is_finite);
    }
    let told = |marks: &[&str], name: &Untrusted| {
        let name = name.raw().to_ascii_lowercase();
        let mut words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
        words.any(|word| marks.iter().any(|mark| word.starts_with(mark)))
    };
    let missing: Vec<Told> = USERS
        .iter()
        .filter(|(_, marks)| !scored.keys().any(|name| told(marks, name)))
        .map(|(signal, _)| Told::new((*signal).into(), Field::EvaluationName, (Vec::new(), 0), Signal::Share))
        .collect();
    let mut named: Vec<(&Untrusted, bool)> = scored.into_iter().collect();
    // What users say comes first, should there be too many.
    named.sort_by_key(|(name, _)| !USERS.iter().any(|(_, marks)| told(marks, name)));
    let found = named.into_iter().take(MOST_EVALUATIONS).map(|(name, scored)| {
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
            let harm = runs.iter().flat_map(|run| &run.evaluations).any(|one| one.name == *name && one.is_harm());
            let said = if harm { name.clone() } else { format!("failed {}", name.raw()).into() };
            Told::new(said, Field::EvaluationLabel, failed, Signal::Share)
        }
    });
    found.chain(missing).collect()
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
