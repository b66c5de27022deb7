//! How soon a running engine shows what was recorded, and what placing an alert costs beside a million open ones.
//!
//! `cargo bench --bench live`: spans at 20 000 a second, from the answer to the picture; from the last alert of a storm to its
//! hypotheses, with 10 000 spans, 100 changes and a million samples in view; the cost of one alert with 1 000 to 1 000 000 open.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use warroom::correlation::{Correlator, Settings};
use warroom::engine::{EngineConfig, Handle, View, start};
use warroom::event::{
    Alert, AlertStatus, Attributes, Change, ChangeClass, Edge, Fact, Fingerprint, Labels, MetricBatch, Resource, Seq,
    Series, Source, Span, SpanBatch, SpanId, SpanKind, SpanStatus, Surface, Time, Topology, TraceId, Untrusted,
};
use warroom::journal::{Draft, SharedJournal, SqliteJournal};

const SPANS_A_SECOND: u64 = 20_000;
const SPANS_A_BATCH: u64 = 500;

fn alert(name: &str, service: &str, number: u64, starts: Time) -> Alert {
    let labels: Labels =
        [("alertname", name), ("service", service), ("severity", "critical"), ("pod", &format!("pod-{number}"))]
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
    Alert {
        fingerprint: Fingerprint::of_labels(&labels),
        status: AlertStatus::Firing,
        labels,
        annotations: Labels::new(),
        starts_at: starts,
        ends_at: None,
        generator_url: None,
        source: Source::Alertmanager,
        subject: None,
        anomalies: Vec::new(),
    }
}

/// A batch of agent runs of ten spans each.
fn spans(batch: u64, service: &str, now: Time) -> SpanBatch {
    let span = |number: u64| {
        let (run, place) = (number / 10, number % 10);
        let operation = if place == 0 { "invoke_agent" } else { "chat" };
        let attributes = [
            ("gen_ai.operation.name", operation),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "gpt-4o"),
            ("gen_ai.agent.name", "support-bot"),
            ("gen_ai.prompt.name", "support-system"),
            ("gen_ai.conversation.id", "conv-1"),
        ];
        Span {
            trace_id: TraceId(u128::from(run + 1).to_be_bytes()),
            span_id: SpanId((number + 1).to_be_bytes()),
            parent: (place > 0).then(|| SpanId((run * 10 + 1).to_be_bytes())),
            name: operation.into(),
            kind: SpanKind::Client,
            start: now,
            end: now,
            status: SpanStatus::Ok,
            status_message: Untrusted::default(),
            attributes: attributes.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            events: Vec::new(),
        }
    };
    let items = (batch * SPANS_A_BATCH..(batch + 1) * SPANS_A_BATCH).map(span).collect();
    SpanBatch { resources: vec![Resource { service: service.into(), attributes: Attributes::new(), items }] }
}

fn change(number: u64, at: Time) -> Change {
    let file = format!("services/s{number}/a.go");
    Change {
        id: format!("change-{number}").into(),
        origin: "git".into(),
        time: at,
        untimed: false,
        surface: Surface::Code,
        class: ChangeClass::Merge,
        subject: Some(format!("service-{}", number % 20).into()),
        actor: None,
        summary: "tune limits".into(),
        before: None,
        after: None,
        files: vec![file.as_str().into()],
        diff: Some(format!("@@ {file} @@\n-\tmax := 10\n+\tmax := {number}\n").into()),
        sha: None,
        source: Source::CloudEvents,
    }
}

fn running(folder: &Path) -> (SharedJournal, Handle) {
    let opened = SqliteJournal::open(&folder.join("journal.db"), Time::now()).expect("a fresh journal opens");
    let journal: SharedJournal = Arc::new(opened);
    let engine = start(Arc::clone(&journal), EngineConfig::new(Arc::new(Time::now)));
    (journal, engine)
}

/// Waits for a picture; says how long after `since` it was there.
fn shown(engine: &Handle, since: Instant, met: impl Fn(&View) -> bool) -> Duration {
    loop {
        if met(&engine.views.borrow()) {
            return since.elapsed();
        }
        assert!(since.elapsed() < Duration::from_secs(60), "it is not shown after a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn spread(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{what}: median {:.0?}, p99 {:.0?}, most {:.0?}, n={}", at(50), at(99), at(100), times.len());
}

fn spans_are_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, engine) = running(folder.path());
    let fact = Fact::from(alert("Slow", "support-bot", 0, Time::now()));
    journal.append(vec![Draft::new(Time::now(), "alert".into(), &fact)]).expect("it is recorded");
    shown(&engine, Instant::now(), |view| !view.incidents.items.is_empty());
    let (tell, told) = std::sync::mpsc::channel::<(Seq, Instant)>();
    let feeding = std::thread::spawn(move || {
        let (begun, seconds) = (Instant::now(), 15);
        for batch in 0..SPANS_A_SECOND * seconds / SPANS_A_BATCH {
            let due = begun + Duration::from_micros(batch * SPANS_A_BATCH * 1_000_000 / SPANS_A_SECOND);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let now = Time::now();
            let draft = Draft::new(now, format!("otlp/{batch}"), &spans(batch, "support-bot", now).into());
            let receipt = journal.append(vec![draft]).expect("it is recorded");
            tell.send((receipt.head, Instant::now())).unwrap_or_default();
        }
        println!("fed {} spans in {:.1} s", SPANS_A_SECOND * seconds, begun.elapsed().as_secs_f64());
    });
    let times = told.into_iter().map(|(head, since)| shown(&engine, since, |view| view.head >= head)).collect();
    spread("spans at 20 000/s, from recorded to shown", times);
    feeding.join().expect("the feeder ends");
}

/// A million samples: of a hundred components ten series each, a thousand samples ten seconds apart; those of one component move
/// at the end.
fn samples(now: Time) -> impl Iterator<Item = Draft> {
    (0..100_u64).map(move |component| {
        let service = format!("service-{component}");
        let series = (0..10_u64).map(|metric| {
            let labels: Labels = [("service".into(), service.as_str().into())].into();
            let point = |n: u64| {
                let noise = (n * 7_919 + metric * 104_729 + component * 1_299_709) % 1_000;
                let moved = if component == 3 && n > 970 { 5_000 } else { 0 };
                let value = f64::from(u32::try_from(1_000 + noise + moved).unwrap_or(u32::MAX)) / 1_000.0;
                (now - Duration::from_secs(10 * (1_000 - n)), value)
            };
            Series { name: format!("metric_{metric}").into(), labels, points: (0..1_000).map(point).collect() }
        });
        Draft::new(now, format!("metrics/{component}"), &MetricBatch { series: series.collect() }.into())
    })
}

fn hypotheses_are_shown() {
    let times = (0..5).map(|_| {
        let folder = tempfile::tempdir().expect("a folder");
        let (journal, engine) = running(folder.path());
        let now = Time::now();
        let ago = |seconds: u64| now - Duration::from_secs(seconds);
        let mut drafts: Vec<Draft> = (0..20)
            .map(|batch| {
                let service = format!("service-{batch}");
                Draft::new(now, format!("otlp/{batch}"), &spans(batch, &service, ago(30 * batch)).into())
            })
            .collect();
        drafts.extend((0..100).map(|n| Draft::new(now, format!("change/{n}"), &change(n, ago(20 * n)).into())));
        drafts.extend(samples(now));
        journal.append(drafts).expect("it is recorded");
        let storm: Vec<Draft> = (0..200_u64)
            .map(|n| {
                let alert = alert(&format!("High{}", n % 5), "service-3", n, now);
                Draft::new(now, format!("alert/{n}"), &alert.into())
            })
            .collect();
        let mut head = Seq(0);
        for some in storm.chunks(20) {
            head = journal.append(some.to_vec()).expect("it is recorded").head;
            std::thread::sleep(Duration::from_millis(50));
        }
        let last = Instant::now();
        shown(&engine, last, |view| {
            view.incidents.items.first().is_some_and(|incident| {
                incident.alerts == 200 && incident.diagnosis.as_ref().is_some_and(|newest| newest.seq > head)
            })
        })
    });
    spread("hypotheses after the last alert, 10 000 spans, 100 changes, 1 000 000 samples", times.collect());
}

fn placing_is_flat() {
    let at = |second: u64| Time::UNIX_EPOCH + Duration::from_secs(1_790_000_000 + second);
    let mut correlator = Correlator::new(Settings::default());
    let mut open = 0;
    for level in [1_000_u64, 10_000, 100_000, 1_000_000] {
        for number in open..level {
            // A thousand components, an hour apart.
            let alert = alert("Open", &format!("service-{}", number % 1_000), number, at(number % 1_000 * 3_600));
            correlator.apply(&Fact::from(alert));
            correlator.decide();
        }
        open = level;
        let service = format!("new-beside-{level}");
        let new: Vec<Fact> = (0..2_000)
            .map(|n| Fact::from(alert(&format!("New{}", n % 7), &service, n, at(50_000_000 + level))))
            .collect();
        let (before, begun) = (correlator.looked(), Instant::now());
        for fact in &new {
            correlator.apply(fact);
            correlator.decide();
        }
        let each = begun.elapsed() / 2_000;
        let looks = (correlator.looked() - before) / 2_000;
        println!("beside {level} open alerts: {each:.2?} and {looks} looks an alert like one that was placed");
        // The dearest: none is like another, and each has neighbours in several incidents that are under way.
        let each = spread_over(&mut correlator, level, at(60_000_000 + level));
        println!("beside {level} open alerts: {each:.2?} an alert that is weighed against several incidents");
    }
}

/// Seven kinds of alert in fifty components of a mesh in which each calls two others, within ten minutes.
fn spread_over(correlator: &mut Correlator, level: u64, at: Time) -> Duration {
    let name = |number: u64| Untrusted::from(format!("mesh-{level}-{}", number % 50));
    let calls = (0..50).flat_map(|n| [(n, n * 7 + 1), (n, n * 13 + 5)]);
    let edges = calls.map(|(from, to)| Edge { caller: name(from), callee: name(to) }).collect();
    correlator.apply(&Fact::from(Topology { edges }));
    let new: Vec<Fact> = (0..350)
        .map(|n| {
            Fact::from(alert(&format!("Kind{}", n / 50), name(n).raw(), n, at + Duration::from_secs(n * 37 % 600)))
        })
        .collect();
    let begun = Instant::now();
    for fact in &new {
        correlator.apply(fact);
        correlator.decide();
    }
    begun.elapsed() / 350
}

fn main() {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    for (name, run) in
        [("spans", spans_are_shown as fn()), ("hypotheses", hypotheses_are_shown), ("placing", placing_is_flat)]
    {
        if only.is_empty() || only == name {
            run();
        }
    }
}
