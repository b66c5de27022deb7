//! Simulated runs of one agent, thrown by dice: what moved is known, and how sure one may be of it.

use serde_json::{Value, json};

use crate::correlation::{Correlator, Settings};
use crate::diagnosis::{SceneBuilder, diagnose, shipped};
use crate::event::{
    Alert, AlertStatus, Attributes, Change, ChangeClass, Diagnosis, Fact, Fingerprint, Hypothesis, IncidentId, Labels,
    Resource, Side, Source, Span, SpanBatch, SpanEvent, SpanId, SpanKind, SpanStatus, Surface, Time, TraceId,
    Untrusted,
};
use crate::surface::dice::Dice;
use crate::surface::stats::wilson;

/// Runs of one simulation, one a minute; the moment is in the middle.
const RUNS: usize = 60;
const MOMENT: usize = RUNS / 2;

/// What one run is made of, and what became of it.
#[derive(Clone)]
struct Run {
    region: &'static str,
    task: &'static str,
    served: Option<&'static str>,
    prompt: Option<&'static str>,
    tools: Vec<&'static str>,
    result: Value,
    said: String,
    /// What the provider said when it failed the last call.
    refused: Option<&'static str>,
    passed: bool,
}

fn roll(dice: &mut Dice, percent: usize) -> bool {
    dice.below(100) < percent
}

/// An ordinary run: a fair share of everything, a good answer in four of five.
fn ordinary(dice: &mut Dice) -> Run {
    let mut tools = vec!["look_up"];
    if roll(dice, 40) {
        tools.push("refund");
    }
    if roll(dice, 60) {
        tools.insert(0, "think");
    }
    Run {
        region: ["north", "south"][dice.below(2)],
        task: ["refund", "change", "question"][dice.below(3)],
        served: Some("large-0512"),
        prompt: Some("Be polite. Never promise a refund. Ask before you change anything."),
        tools,
        result: json!({"id": 7, "state": "open"}),
        said: "All is well with the order of the user. ".repeat(2 + dice.below(6)),
        refused: None,
        passed: roll(dice, 80),
    }
}

fn at(second: usize) -> Time {
    Time::from_second(1_790_000_000 + i64::try_from(second).unwrap()).unwrap()
}

fn attributes<const N: usize>(all: [(&str, Value); N]) -> Attributes {
    all.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.into(), value)).collect()
}

fn spans(number: usize, run: &Run) -> Vec<Span> {
    let trace_id = TraceId((number as u128 + 1).to_be_bytes());
    let start = number * 60;
    let span = |step: usize, name: String, attributes, status| Span {
        trace_id,
        span_id: SpanId((number as u64 * 32 + step as u64 + 1).to_be_bytes()),
        parent: (step > 0).then(|| SpanId((number as u64 * 32 + 1).to_be_bytes())),
        name: name.as_str().into(),
        kind: SpanKind::Internal,
        start: at(start + step),
        end: at(start + if step == 0 { 30 } else { step + 1 }),
        status,
        status_message: Untrusted::default(),
        attributes,
        events: Vec::new(),
    };
    let mut all = vec![span(
        0,
        "invoke_agent helper".into(),
        attributes([
            ("gen_ai.operation.name", json!("invoke_agent")),
            ("gen_ai.agent.name", json!("helper")),
            ("gen_ai.system_instructions", json!(run.prompt)),
            ("deployment.region", json!(run.region)),
            ("app.task", json!(run.task)),
        ]),
        SpanStatus::Ok,
    )];
    for tool in &run.tools {
        let told = attributes([
            ("gen_ai.operation.name", json!("execute_tool")),
            ("gen_ai.tool.name", json!(tool)),
            ("gen_ai.tool.call.result", run.result.clone()),
        ]);
        all.push(span(all.len(), format!("execute_tool {tool}"), told, SpanStatus::Ok));
    }
    let said = json!([{"role": "assistant", "parts": [{"type": "text", "content": run.said}]}]);
    let told = attributes([
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.request.model", json!("large")),
        ("gen_ai.response.model", json!(run.served.filter(|_| run.refused.is_none()))),
        ("gen_ai.output.messages", if run.refused.is_none() { said } else { Value::Null }),
        ("error.type", json!(run.refused)),
    ]);
    let status = if run.refused.is_some() { SpanStatus::Error } else { SpanStatus::Ok };
    all.push(span(all.len(), "chat large".into(), told, status));
    all[0].events.push(SpanEvent {
        time: at(start + 30),
        name: "gen_ai.evaluation.result".into(),
        attributes: attributes([
            ("gen_ai.evaluation.name", json!("answer_right")),
            ("gen_ai.evaluation.score.label", json!(if run.passed { "pass" } else { "fail" })),
        ]),
    });
    all
}

/// A change logged twenty seconds before the moment.
fn logged(class: ChangeClass, surface: Surface, subject: &str) -> Change {
    Change {
        id: format!("{}-moved", surface.name()).into(),
        origin: "log".into(),
        time: at(MOMENT * 60 - 20),
        untimed: false,
        surface,
        class,
        subject: Some(subject.into()),
        actor: None,
        summary: "moved".into(),
        before: None,
        after: Some(Side { label: Some("new".into()), text: None }),
        files: Vec::new(),
        diff: None,
        sha: None,
        source: Source::CloudEvents,
    }
}

fn paged() -> Alert {
    let labels: Labels = [("alertname", "AnswersWrong"), ("service", "helper")]
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    Alert {
        fingerprint: Fingerprint::of_labels(&labels),
        status: AlertStatus::Firing,
        labels,
        annotations: Labels::new(),
        starts_at: at(RUNS * 60 - 30),
        ends_at: None,
        generator_url: None,
        source: Source::Alertmanager,
        subject: None,
        anomalies: Vec::new(),
    }
}

/// What is said of simulated runs, each altered by `of`, which is told whether it runs since the moment.
fn judged(seed: u64, changes: &[Change], of: impl Fn(bool, &mut Dice, Run) -> Run) -> Diagnosis {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9));
    let mut scene = SceneBuilder::new();
    let items = (0..RUNS)
        .flat_map(|number| {
            let run = ordinary(&mut dice);
            spans(number, &of(number >= MOMENT, &mut dice, run))
        })
        .collect();
    let resource = Resource { service: "helper".into(), attributes: Attributes::new(), items };
    scene.apply(&Fact::from(SpanBatch { resources: vec![resource] }), at(0));
    for change in changes {
        scene.apply(&Fact::from(change.clone()), change.time);
    }
    let correlator = Correlator::new(Settings::default());
    let scene = scene.scene(at(RUNS * 60), vec![paged()], correlator.graph());
    diagnose(IncidentId(1), &scene, &shipped().calibration).diagnosis
}

/// The first hypothesis, where it is likelier than none.
fn first(diagnosis: &Diagnosis) -> Option<&Hypothesis> {
    diagnosis.hypotheses.first().filter(|first| first.confidence.share > diagnosis.none_of_these)
}

fn of(diagnosis: &Diagnosis, surface: Surface) -> Option<&Hypothesis> {
    diagnosis.hypotheses.iter().find(|hypothesis| hypothesis.cause.surface == surface)
}

fn share(diagnosis: &Diagnosis, surface: Surface) -> f64 {
    of(diagnosis, surface).map_or(0.0, |hypothesis| hypothesis.confidence.share)
}

/// What speaks for a hypothesis, by detector.
fn evidence<'d>(diagnosis: &'d Diagnosis, hypothesis: &Hypothesis) -> Vec<(&'d str, &'d str)> {
    let found = diagnosis.evidence.iter().filter(|one| hypothesis.evidence_for.contains(&one.id));
    found.map(|one| (one.detector.raw(), one.text.raw())).collect()
}

/// How many of `rounds` simulations do as `holds` says.
fn often(rounds: u64, holds: impl Fn(u64) -> bool) -> u64 {
    (0..rounds).filter(|seed| holds(*seed)).count() as u64
}

const OTHER_PROMPT: Option<&str> = Some("Be polite. Promise a refund. Decide for the user.");

/// Fails in `percent` of the runs that would have passed.
fn failing(dice: &mut Dice, run: Run, percent: usize) -> Run {
    Run { passed: run.passed && !roll(dice, percent), ..run }
}

#[test]
fn where_nothing_moves_a_confident_answer_is_as_rare_as_promised() {
    let rounds = 200;
    for masked in [false, true] {
        let alarms = often(rounds, |seed| {
            let diagnosis =
                judged(seed, &[], |_, _, run| Run { served: if masked { Some("large") } else { run.served }, ..run });
            first(&diagnosis).is_some_and(|first| first.confidence.share >= 0.5)
        });
        // No more than 5 %: what was seen may be above by chance, but its interval reaches down to it.
        assert!(wilson(alarms, rounds).0 <= 0.05, "{alarms} of {rounds}, masked {masked}");
    }
}

#[test]
fn a_harmless_change_is_no_confident_cause() {
    let rounds = 100;
    let alarms = often(rounds, |seed| {
        let change = logged(ChangeClass::Model, Surface::Model, "large");
        let diagnosis = judged(seed, &[change], |since, _, run| Run {
            served: if since { Some("large-0611") } else { run.served },
            ..run
        });
        first(&diagnosis).is_some_and(|first| first.confidence.share >= 0.5)
    });
    assert!(wilson(alarms, rounds).0 <= 0.05, "{alarms} of {rounds}");
}

#[test]
fn two_that_moved_in_the_same_runs_share_it_and_the_test_that_tells_is_named() {
    for seed in 0..30 {
        let changes = [
            logged(ChangeClass::Model, Surface::Model, "large"),
            logged(ChangeClass::Prompt, Surface::Prompt, "helper"),
        ];
        let changes = if seed % 2 == 0 { &changes[..] } else { &[] };
        let diagnosis = judged(seed, changes, |since, dice, run| {
            if since { failing(dice, Run { served: Some("large-0611"), prompt: OTHER_PROMPT, ..run }, 75) } else { run }
        });
        let (model, prompt) = (share(&diagnosis, Surface::Model), share(&diagnosis, Surface::Prompt));
        assert!(model < 0.5 && prompt < 0.5, "{seed}: {model} {prompt}");
        assert!((model - prompt).abs() < 0.01, "{seed}: {model} {prompt}");
        let (one, other) = (of(&diagnosis, Surface::Model).unwrap(), of(&diagnosis, Surface::Prompt).unwrap());
        for (own, them) in [(one, "the prompt"), (other, "the model")] {
            let check = own.next_check.0.raw();
            assert!(check.contains("replay ") && check.contains("2 arms") && check.contains(them), "{check}");
            assert!(check.contains("90 % power"), "{check}");
        }
        let all: Vec<&str> = diagnosis.evidence.iter().map(|one| one.detector.raw()).collect();
        assert!(all.contains(&"confounded"), "{all:?}");
    }
}

#[test]
fn one_that_moved_in_one_region_is_told_from_one_that_moved_everywhere() {
    let told = often(30, |seed| {
        let diagnosis = judged(seed, &[], |since, dice, run| match (since, run.region) {
            (true, "north") => failing(dice, Run { served: Some("large-0611"), prompt: OTHER_PROMPT, ..run }, 90),
            (true, _) => Run { prompt: OTHER_PROMPT, ..run },
            (false, _) => run,
        });
        share(&diagnosis, Surface::Model) > share(&diagnosis, Surface::Prompt) + 0.1
    });
    assert!(told >= 24, "{told} of 30");
}

#[test]
fn the_evidence_says_how_much_is_within_slices_and_how_much_is_traffic() {
    let diagnosis = judged(
        3,
        &[],
        |since, dice, run| if since { failing(dice, Run { prompt: OTHER_PROMPT, ..run }, 80) } else { run },
    );
    let found = evidence(&diagnosis, first(&diagnosis).unwrap());
    let (_, text) = found.iter().find(|(detector, _)| *detector == "population").unwrap();
    assert!(text.contains("of 30 runs before") && text.contains("of 30 since"), "{text}");
    assert!(text.contains("within slices ") && text.contains("traffic explains "), "{text}");
}

#[test]
fn a_judge_that_counts_otherwise_is_told_from_runs_that_behave_otherwise() {
    let (mut judge, mut accused) = (0, 0);
    for seed in 0..30 {
        let change = logged(ChangeClass::Judge, Surface::Judge, "answer_right");
        let stricter = judged(
            seed,
            std::slice::from_ref(&change),
            |since, dice, run| if since { failing(dice, run, 70) } else { run },
        );
        judge += usize::from(first(&stricter).is_some_and(|first| first.cause.surface == Surface::Judge));
        // The same fall, and the runs themselves use other tools and say less: whatever the log says of the judge.
        let behaves = judged(seed, &[change], |since, dice, run| {
            if since {
                let other = Run {
                    tools: vec!["look_up", "look_up", "search"],
                    said: "No.".into(),
                    prompt: OTHER_PROMPT,
                    ..run
                };
                failing(dice, other, 70)
            } else {
                run
            }
        });
        accused += usize::from(
            first(&behaves).is_some_and(|first| first.cause.surface == Surface::Judge && first.confidence.share >= 0.5),
        );
    }
    assert!(judge >= 27 && accused == 0, "{judge} and {accused} of 30");
}

#[test]
fn a_provider_that_fails_is_told_from_a_model_that_got_worse() {
    let told = often(30, |seed| {
        let diagnosis = judged(seed, &[], |since, dice, run| {
            let refused = (since && roll(dice, 60)).then_some("429 insufficient_quota");
            Run { refused, passed: run.passed && refused.is_none(), ..run }
        });
        first(&diagnosis).is_some_and(|first| first.cause.surface == Surface::Dependency)
            && share(&diagnosis, Surface::Model) < 0.2
    });
    assert!(told >= 29, "{told} of 30");
}

#[test]
fn a_silent_swap_is_named_by_what_behaviour_moved_and_never_without() {
    let named = often(30, |seed| {
        let diagnosis = judged(seed, &[], |since, dice, run| {
            let run = Run { served: Some("large"), ..run };
            if since {
                failing(dice, Run { tools: vec!["look_up", "refund"], said: "Done now. ".repeat(9), ..run }, 50)
            } else {
                run
            }
        });
        let first = first(&diagnosis);
        first.is_some_and(|first| {
            first.cause.surface == Surface::Model
                && evidence(&diagnosis, first).iter().any(|(by, _)| *by == "behaviour")
        })
    });
    assert!(named >= 27, "{named} of 30");
    // The verdict falls and nothing else moves: nobody can say that it was the model.
    for seed in 0..30 {
        let diagnosis = judged(seed, &[], |since, dice, run| if since { failing(dice, run, 60) } else { run });
        let model = of(&diagnosis, Surface::Model).map_or(0.0, |model| model.confidence.share);
        assert!(model < 0.5, "{seed}: {model}");
        for hypothesis in diagnosis.hypotheses.iter().filter(|hypothesis| hypothesis.cause.surface == Surface::Model) {
            let seen = evidence(&diagnosis, hypothesis);
            assert!(seen.iter().any(|(by, _)| ["behaviour", "surface", "population"].contains(by)), "{seen:?}");
        }
    }
}

#[test]
fn a_change_that_no_run_can_show_is_under_suspicion_by_the_log() {
    let blind = |since, dice: &mut Dice, run| {
        let run = Run { served: Some("large"), prompt: None, ..run };
        if since { failing(dice, run, 80) } else { run }
    };
    let change = logged(ChangeClass::Prompt, Surface::Prompt, "helper");
    let diagnosis = judged(5, &[change], blind);
    let (prompt, model) = (share(&diagnosis, Surface::Prompt), share(&diagnosis, Surface::Model));
    assert!(prompt > model && prompt >= 0.3, "{prompt} {model}");
    let both =
        [logged(ChangeClass::Model, Surface::Model, "large"), logged(ChangeClass::Prompt, Surface::Prompt, "helper")];
    let diagnosis = judged(5, &both, blind);
    let (prompt, model) = (share(&diagnosis, Surface::Prompt), share(&diagnosis, Surface::Model));
    assert!((prompt - model).abs() < 0.01 && prompt < 0.5, "{prompt} {model}");
}
