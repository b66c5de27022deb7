//! What reading costs, apart from the disk: `cargo bench --bench intake`.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use warroom::event::{Source, Span, Time};
use warroom::intake::otlp::{self, Encoding, Entries};
use warroom::intake::{Arrival, alertmanager, openmetrics};

fn storm(count: usize) -> Vec<u8> {
    let mut body = String::from(r#"{"receiver":"console","status":"firing","alerts":["#);
    for n in 0..count {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"status":"firing","labels":{{"alertname":"PodCrashLooping","namespace":"ns{}","pod":"p{n}","service":"fleet","severity":"page"}},"annotations":{{"summary":"pod p{n} crash loop"}},"startsAt":"2026-11-22T00:50:26.959148Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://127.0.0.1/g","fingerprint":"{n:016x}"}}"#,
            n % 120,
        );
    }
    body.push_str(r#"],"version":"4","groupKey":"{}:{}","truncatedAlerts":0}"#);
    body.into_bytes()
}

fn reading(c: &mut Criterion) {
    let now = Time::constant(1_795_308_600, 0);
    let mut group = c.benchmark_group("read");
    let (count, body) = (10_000, storm(10_000));
    let arrival = Arrival::now(now, Source::Alertmanager);
    group.throughput(Throughput::Elements(count));
    group.bench_function("alertmanager webhook, an alert", |b| {
        b.iter(|| alertmanager::webhook(black_box(&body), &arrival).map(|drafts| drafts.len()));
    });
    let captured = include_bytes!("../tests/data/captured/otlp/emit.pb");
    group.throughput(Throughput::Elements(6));
    group.bench_function("otlp protobuf, a span of the real SDK", |b| {
        b.iter(|| {
            let mut entries = Entries::<Span>::of(captured);
            let tally = otlp::traces(black_box(captured), Encoding::Protobuf, now, &mut entries);
            (tally.map(|tally| tally.accepted), entries.done().len())
        });
    });
    let json = include_bytes!("../tests/data/captured/otlp/emit.json");
    group.bench_function("otlp json, a span of the real SDK", |b| {
        b.iter(|| {
            let mut entries = Entries::<Span>::of(json);
            let tally = otlp::traces(black_box(json), Encoding::Json, now, &mut entries);
            (tally.map(|tally| tally.accepted), entries.done().len())
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("openmetrics, a sample", |b| {
        b.iter(|| openmetrics::sample(black_box(r#"latency{service="checkout",quantile="0.99"} 3.9 1781791200.25"#)));
    });
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
