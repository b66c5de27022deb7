//! What judging costs: placing one alert beside many open ones, one diagnosis of a large scene, and looking through past incidents.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use warroom::correlation::similar::{Album, Portrait, Seen};
use warroom::correlation::{Correlator, Settings};
use warroom::diagnosis::{SceneBuilder, diagnose, shipped};
use warroom::event::{
    Alert, Change, ChangeClass, Fact, IncidentId, MetricBatch, Resource, Series, Source, Span, SpanBatch, SpanId,
    SpanKind, SpanStatus, Surface, TraceId, Untrusted,
};
use warroom::surface::attribution::{Columns, Row, attribute};

#[path = "../tests/judge/made.rs"]
mod made;

use made::at;

/// A critical alert.
fn alert(name: &str, service: &str, second: i64) -> Alert {
    made::alert(name, service, second, "critical")
}

fn placing(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("place 100 alerts");
    group.sample_size(20);
    for open in [1_000_i64, 10_000, 100_000] {
        let mut correlator = Correlator::new(Settings::default());
        for number in 0..open {
            correlator.apply(&Fact::from(alert("Open", &format!("service-{number}"), number)));
        }
        correlator.decide();
        let new: Vec<Fact> = (0..100).map(|i| Fact::from(alert(&format!("New{i}"), "checkout", i))).collect();
        group.bench_function(format!("beside {open} open"), |b| {
            b.iter_batched_ref(
                || correlator.clone(),
                |correlator| {
                    for fact in &new {
                        correlator.apply(fact);
                        black_box(correlator.decide());
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
}

/// 10 000 spans, 100 changes and 1 000 000 samples.
fn scene() -> SceneBuilder {
    let mut scene = SceneBuilder::new();
    for number in 0..100_u64 {
        let items = (0..100_u64)
            .map(|i| Span {
                trace_id: TraceId(u128::from(number * 1_000 + i + 1).to_be_bytes()),
                span_id: SpanId((number * 1_000 + i + 1).to_be_bytes()),
                parent: None,
                name: "GET /".into(),
                kind: SpanKind::Server,
                start: at(i64::try_from(number * 30).unwrap_or(0)),
                end: at(i64::try_from(number * 30 + 1).unwrap_or(0)),
                status: if i % 9 == 0 { SpanStatus::Error } else { SpanStatus::Ok },
                status_message: Untrusted::default(),
                attributes: std::collections::BTreeMap::default(),
                events: Vec::new(),
            })
            .collect();
        let resource = Resource {
            service: format!("service-{}", number % 20).into(),
            attributes: std::collections::BTreeMap::default(),
            items,
        };
        scene.apply(&Fact::from(SpanBatch { resources: vec![resource] }), at(0));
        let diff = format!(
            "@@ services/s{number}/a.go @@\n-\tmax{number} := 10\n+\tmax{number} := 20\n+\tfor _, x := range xs {{ client.Get(x) }}\n"
        );
        let change = Change {
            id: format!("change-{number}").into(),
            origin: "git".into(),
            time: at(i64::try_from(number * 25).unwrap_or(0)),
            untimed: false,
            surface: Surface::Code,
            class: ChangeClass::Merge,
            subject: None,
            actor: None,
            summary: "refactor: tune limits".into(),
            before: None,
            after: None,
            files: vec![format!("services/s{number}/a.go").into()],
            diff: Some(diff.into()),
            sha: None,
            source: Source::CloudEvents,
        };
        scene.apply(&Fact::from(change), at(0));
    }
    let series = (0..1_000_i64)
        .map(|number| Series {
            name: "latency_p99".into(),
            labels: [("service", format!("service-{}", number % 20)), ("pod", format!("p{number}"))]
                .into_iter()
                .map(|(k, v)| (k.into(), v.as_str().into()))
                .collect(),
            #[expect(clippy::cast_precision_loss, reason = "small")]
            points: (0..1_000_i64)
                .map(|i| (at(i * 3), ((i * 7_919 + number) % 13) as f64 + if i > 850 { 40.0 } else { 0.0 }))
                .collect(),
        })
        .collect();
    scene.apply(&Fact::from(MetricBatch { series }), at(0));
    scene
}

fn judging(bench: &mut Criterion) {
    let built = scene();
    let correlator = Correlator::new(Settings::default());
    let mut group = bench.benchmark_group("diagnose");
    group.sample_size(10);
    group.bench_function("10k spans, 100 changes, 1M samples", |b| {
        b.iter(|| {
            let scene = built.scene(at(3_000), vec![alert("HighLatency", "service-3", 2_600)], correlator.graph());
            black_box(diagnose(IncidentId(1), &scene, &shipped().calibration))
        });
    });
}

/// Attribution over runs of ten parts and two slices, after they were put into columns.
fn attributing(bench: &mut Criterion) {
    let names: Vec<Untrusted> = (0..10).map(|part| format!("part {part}").into()).collect();
    let values: Vec<Untrusted> = (0..6).map(|value| format!("value {value}").into()).collect();
    let slices: Vec<Untrusted> = ["region", "task"].into_iter().map(Untrusted::from).collect();
    let mut group = bench.benchmark_group("attribute 10 parts");
    group.sample_size(10);
    for runs in [1_000_usize, 10_000, 100_000, 1_000_000] {
        let mut columns = Columns::new();
        for run in 0..runs {
            let since = run >= runs / 2;
            // Every part gets a new value with the moment, each in another share of the runs.
            let value = |part: usize| usize::from(since && (run * 7_919 + part * 31) % 10 < part) * 3 + run % 3;
            columns.push(&Row {
                at: at(i64::try_from(run).unwrap_or(0)),
                bad: Some((run * 2_654_435_761) % 100 < if since { 12 } else { 4 }),
                surfaces: (0..10).map(|part| (Surface::Tool, &names[part], &values[value(part)])).collect(),
                slices: vec![(&slices[0], &values[run % 3]), (&slices[1], &values[run / 3 % 6])],
            });
        }
        let moment = at(i64::try_from(runs / 2).unwrap_or(0));
        group.bench_function(format!("{runs} runs"), |b| b.iter(|| black_box(attribute(&columns, moment))));
    }
}

/// One of many past incidents: of 300 components, 200 alerts and 3 000 words some far more often than others, as in a real record.
fn past(number: u64) -> Portrait {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // The square of an even draw: low numbers are common.
        let draw = ((state >> 40) * (state >> 40)) >> 24;
        (draw * n) >> 24
    };
    let alerts: Vec<(Untrusted, Untrusted)> =
        (0..3).map(|_| (format!("service-{}", below(300)).into(), format!("Alert{}", below(200)).into())).collect();
    let words: Vec<String> = (0..20).map(|_| format!("word{}", spelt(below(3_000)))).collect();
    let text: Untrusted = words.join(" ").into();
    Portrait::of(Seen {
        alerts: alerts.into_iter(),
        texts: [&text].into_iter(),
        diagnosis: None,
        began: at(0),
        change_log: true,
    })
}

/// A number in letters, as words hold no digits.
fn spelt(n: u64) -> String {
    n.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

fn looking_back(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("nearest of past incidents");
    group.sample_size(20);
    for all in [1_000_u64, 10_000, 100_000] {
        let mut album = Album::default();
        for number in 1..=all {
            album.take(IncidentId(number), &past(number));
        }
        let new: Vec<Portrait> = (0..50).map(|number| past(all + 1 + number)).collect();
        let mut next = new.iter().cycle();
        group.bench_function(format!("among {all}"), |b| {
            b.iter(|| black_box(album.nearest(next.next().unwrap_or(&new[0]), IncidentId(u64::MAX))));
        });
    }
}

criterion_group!(judgement, placing, judging, attributing, looking_back);
criterion_main!(judgement);
