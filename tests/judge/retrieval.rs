//! A retrieval index that moved, or did not, in made-up runs: no public recording of one exists.

use serde_json::json;
use warroom::correlation::{Correlator, Settings};
use warroom::diagnosis::{SceneBuilder, diagnose, shipped};
use warroom::event::{
    Attributes, Change, ChangeClass, Diagnosis, Fact, IncidentId, Resource, Side, Source, Span, SpanBatch, SpanEvent,
    SpanId, SpanKind, SpanStatus, Surface, TraceId, Untrusted,
};

use super::made::{alert, at};

/// Runs of one agent, one a minute.
const RUNS: i64 = 60;
/// The first run since the moment.
const SINCE: i64 = 30;

/// What one run looked up and what became of it.
struct Run {
    source: &'static str,
    score: f64,
    document: String,
    passed: bool,
}

/// Something between 0 and 12, the same every time.
fn chance(number: i64) -> i64 {
    (number * 7_919 + 3) * 31 % 13
}

/// An ordinary run: a good answer in eleven of thirteen.
#[expect(clippy::cast_precision_loss, reason = "0 to 12")]
fn ordinary(number: i64) -> Run {
    Run {
        source: "handbook",
        score: 0.80 + chance(number * 5) as f64 / 100.0,
        document: format!("page-{}", chance(number * 3) % 6),
        passed: chance(number) > 1,
    }
}

fn attributes<const N: usize>(all: [(&str, serde_json::Value); N]) -> Attributes {
    all.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

fn spans(number: i64, run: &Run) -> Vec<Span> {
    let trace_id = TraceId(u128::try_from(number + 1).expect("positive").to_be_bytes());
    let id = |step: i64| SpanId(u64::try_from(number * 10 + step + 1).expect("positive").to_be_bytes());
    let start = number * 60;
    let span = |step: i64, name: &str, attributes, events| Span {
        trace_id,
        span_id: id(step),
        parent: (step > 0).then(|| id(0)),
        name: name.into(),
        kind: SpanKind::Internal,
        start: at(start + step),
        end: at(start + if step == 0 { 20 } else { step + 1 }),
        status: SpanStatus::Ok,
        status_message: Untrusted::default(),
        attributes,
        events,
    };
    let verdict = SpanEvent {
        time: at(start + 20),
        name: "gen_ai.evaluation.result".into(),
        attributes: attributes([
            ("gen_ai.evaluation.name", json!("answer_right")),
            ("gen_ai.evaluation.score.label", json!(if run.passed { "pass" } else { "fail" })),
        ]),
    };
    let documents = json!([{"id": run.document, "score": run.score}, {"id": "page-9", "score": run.score - 0.1}]);
    vec![
        span(
            0,
            "invoke_agent helper",
            attributes([
                ("gen_ai.operation.name", json!("invoke_agent")),
                ("gen_ai.agent.name", json!("helper")),
                ("gen_ai.system_instructions", json!("answer from the handbook alone")),
            ]),
            vec![verdict],
        ),
        span(
            1,
            "retrieval",
            attributes([
                ("gen_ai.operation.name", json!("retrieval")),
                ("gen_ai.data_source.id", json!(run.source)),
                ("gen_ai.retrieval.documents", documents),
            ]),
            Vec::new(),
        ),
        span(
            2,
            "chat small",
            attributes([
                ("gen_ai.operation.name", json!("chat")),
                ("gen_ai.request.model", json!("small")),
                ("gen_ai.response.model", json!("small-0512")),
            ]),
            Vec::new(),
        ),
    ]
}

/// An index was rebuilt two minutes before the moment, and an innocent deploy happened.
fn rebuilt() -> Change {
    let label = |text: &str| Some(Side { label: Some(text.into()), text: None });
    Change {
        id: "index-0412".into(),
        origin: "pipeline".into(),
        time: at(SINCE * 60 - 90),
        untimed: false,
        surface: Surface::Retrieval,
        class: ChangeClass::Index,
        subject: Some("handbook".into()),
        actor: None,
        summary: "handbook 0411 → 0412".into(),
        before: label("0411"),
        after: label("0412"),
        files: Vec::new(),
        diff: None,
        sha: None,
        source: Source::CloudEvents,
    }
}

fn judged(run: impl Fn(i64) -> Run, logged: Option<Change>, paged: bool) -> Diagnosis {
    let mut scene = SceneBuilder::new();
    let items = (0..RUNS).flat_map(|number| spans(number, &run(number))).collect();
    let resource = Resource { service: "helper".into(), attributes: Attributes::new(), items };
    scene.apply(&Fact::from(SpanBatch { resources: vec![resource] }), at(0));
    if let Some(change) = logged {
        scene.apply(&Fact::from(change), at(0));
    }
    let correlator = Correlator::new(Settings::default());
    let alerts = if paged { vec![alert("AnswersWrong", "helper", SINCE * 60 + 900, "critical")] } else { Vec::new() };
    let scene = scene.scene(at(RUNS * 60), alerts, correlator.graph());
    diagnose(IncidentId(1), &scene, &shipped().calibration).diagnosis
}

/// Surface, change and share of the first hypothesis, and the share of none.
fn first(diagnosis: &Diagnosis) -> (Option<Surface>, Option<&str>, f64) {
    let first = diagnosis.hypotheses.first().filter(|first| first.confidence.share > diagnosis.none_of_these);
    let change = first.and_then(|first| first.cause.change.as_ref()).map(Untrusted::raw);
    (first.map(|first| first.cause.surface), change, first.map_or(0.0, |first| first.confidence.share))
}

/// Fails in most runs since the moment.
fn failing(number: i64, run: Run) -> Run {
    Run { passed: if number < SINCE { run.passed } else { chance(number) > 8 }, ..run }
}

#[test]
fn an_index_that_was_rebuilt_and_answers_worse_is_named_with_its_change() {
    let worse = |number| {
        let run = failing(number, ordinary(number));
        if number < SINCE { run } else { Run { score: run.score - 0.3, ..run } }
    };
    let diagnosis = judged(worse, Some(rebuilt()), true);
    let (surface, change, share) = first(&diagnosis);
    assert_eq!((surface, change), (Some(Surface::Retrieval), Some("index-0412")), "{share} {diagnosis:#?}");
    assert!(share > 0.5, "{share}");
    assert_eq!(diagnosis.first_failing.as_ref().map(Untrusted::raw), Some("helper"));
}

#[test]
fn other_documents_from_an_index_nobody_logged_are_seen() {
    let other = |number| {
        let run = failing(number, ordinary(number));
        if number < SINCE { run } else { Run { document: format!("draft-{}", chance(number) % 4), ..run } }
    };
    let diagnosis = judged(other, None, true);
    let (surface, change, share) = first(&diagnosis);
    assert_eq!((surface, change), (Some(Surface::Retrieval), None), "{share} {diagnosis:#?}");
}

#[test]
fn another_index_under_the_same_feature_is_seen() {
    let other = |number| {
        let run = failing(number, ordinary(number));
        if number < SINCE { run } else { Run { source: "handbook-0412", ..run } }
    };
    let change = Change { time: at(SINCE * 60 - 20), ..rebuilt() };
    let diagnosis = judged(other, Some(change), true);
    let (surface, change, share) = first(&diagnosis);
    assert_eq!((surface, change), (Some(Surface::Retrieval), Some("index-0412")), "{share} {diagnosis:#?}");
}

#[test]
fn a_rebuilt_index_that_answers_as_before_is_not_blamed_for_a_fall() {
    let diagnosis = judged(|number| failing(number, ordinary(number)), Some(rebuilt()), true);
    assert_ne!(first(&diagnosis).0, Some(Surface::Retrieval), "{diagnosis:#?}");
}

#[test]
fn other_answers_that_harm_nobody_are_no_cause() {
    let better = |number| {
        let run = ordinary(number);
        if number < SINCE { run } else { Run { score: run.score + 0.1, ..run } }
    };
    for paged in [true, false] {
        let (surface, _, share) = first(&judged(better, Some(rebuilt()), paged));
        assert!(surface.is_none() || share < 0.5, "paged {paged}: {surface:?} {share}");
    }
}

#[test]
fn quiet_runs_blame_nothing() {
    for shift in 0..20 {
        let diagnosis = judged(|number| ordinary(number + 61 * shift), None, true);
        assert!(first(&diagnosis).2 < 0.5, "{shift}: {diagnosis:#?}");
    }
}
