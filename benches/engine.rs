//! How fast the engine folds, shows, saves and takes up again: 100 000 alerts of one storm in 2 000 pods of 50 services.
//!
//! `cargo bench --bench engine`

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

use warroom::engine::Fold;
use warroom::event::{
    Alert, AlertStatus, Digest, Fact, Fingerprint, Grouped, IncidentId, IncidentOpened, Kind, Labels, Reason, Rule,
    Seq, Source, Time, Untrusted, WriterId,
};
use warroom::journal::Record;

const ALERTS: u64 = 100_000;

fn at(second: i64) -> Time {
    Time::from_second(1_790_000_000 + second).unwrap_or_default()
}

fn alert(number: u64) -> Alert {
    let text = |text: String| Untrusted::from(text);
    let labels: Labels = [
        ("alertname", format!("Alert{}", number % 7)),
        ("service", format!("service-{}", number % 50)),
        ("pod", format!("pod-{}", number % 2_000)),
        ("instance", format!("10.0.{}.{}:9100", number / 256 % 256, number % 256)),
        ("severity", "critical".to_owned()),
        ("number", number.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), text(value)))
    .collect();
    Alert {
        fingerprint: Fingerprint::of_labels(&labels),
        status: AlertStatus::Firing,
        labels,
        annotations: [("summary".into(), "requests are slow".into())].into(),
        starts_at: at(i64::try_from(number / 500).unwrap_or_default()),
        ends_at: None,
        generator_url: None,
        source: Source::Alertmanager,
        subject: None,
        anomalies: vec![],
    }
}

fn record(seq: u64, fact: &Fact) -> Record {
    Record {
        seq: Seq(seq),
        writer: WriterId([1; 8]),
        at: at(0),
        arrived: at(300),
        key: seq.to_string(),
        kind: fact.kind(),
        body: fact.encode(),
        digest: Digest([0; 32]),
    }
}

fn alerts() -> Vec<Record> {
    (0..ALERTS).map(|number| record(number + 1, &alert(number).into())).collect()
}

/// All of it as the leader recorded it: one incident.
fn storm() -> Vec<Record> {
    let mut records = alerts();
    let founder = alert(0).fingerprint;
    let opened = IncidentOpened { incident: IncidentId(1), founder, engine: "builtin/1".into() };
    records.push(record(ALERTS + 1, &opened.into()));
    let members: Vec<Fingerprint> = (0..ALERTS).map(|number| alert(number).fingerprint).collect();
    for (part, alerts) in members.chunks(5_000).enumerate() {
        let reason = Reason { rule: Rule::SameService, peer: None, text: "same component".into() };
        let grouped = Grouped { incident: IncidentId(1), alerts: alerts.to_vec(), reason };
        records.push(record(ALERTS + 2 + part as u64, &grouped.into()));
    }
    debug_assert!(records.iter().any(|record| record.kind == Kind::Grouped));
    records
}

fn folded(records: &[Record]) -> Fold {
    let mut fold = Fold::new();
    fold.apply_all(records);
    fold
}

fn benches(c: &mut Criterion) {
    let (loose, storm) = (alerts(), storm());
    let mut group = c.benchmark_group("engine, 100 000 alerts");
    group.sample_size(10);
    group.bench_function("fold alerts", |b| b.iter(|| folded(&loose)));
    group.bench_function("place them: what the leader derives", |b| {
        b.iter_batched(|| folded(&loose), |mut fold| fold.derive(at(300)), BatchSize::PerIteration);
    });
    group.bench_function("fold alerts and grouping", |b| b.iter(|| folded(&storm)));
    group.bench_function("first view", |b| {
        b.iter_batched(|| folded(&storm), |mut fold| fold.view(), BatchSize::PerIteration);
    });
    let fold = folded(&storm);
    group.bench_function("save", |b| b.iter(|| fold.checkpoint()));
    let saved = fold.checkpoint();
    group.bench_function("take up again", |b| b.iter(|| Fold::restore(&saved)));
    group.finish();
}

criterion_group!(engine, benches);
criterion_main!(engine);
