//! What the record costs: `cargo bench --bench journal [-- ENTRIES]` (default 1 000 000, on the disk of `TMPDIR`).
//!
//! A harness of its own rather than criterion: most of these run once over a journal that takes a minute to make.
//! Where a figure is repeated, the median and the extremes are printed.

use std::path::Path;
use std::time::{Duration, Instant};

use warroom::event::{Kind, Labels, Note, Seq, Time};
use warroom::journal::{Draft, Journal, Query, SqliteJournal};

fn main() {
    let entries = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let dir = tempfile::tempdir().expect("a temporary folder");
    println!("entries={entries} in {}", dir.path().display());
    one_thread(&dir.path().join("one.db"));
    threads(&dir.path().join("eight.db"), 8);
    webhook(&dir.path().join("webhook.db"));
    spans(&dir.path().join("spans.db"));
    million(&dir.path().join("million.db"), entries);
}

fn open(path: &Path) -> SqliteJournal {
    SqliteJournal::open(path, Time::now()).expect("a journal opens in a fresh folder")
}

fn note(key: String) -> Draft {
    Draft::new(Time::now(), key, &Note { incident: None, author: "bench".into(), text: "a short note".into() }.into())
}

/// An alert about as long as real ones: a dozen labels, a description.
fn alert(i: u32) -> Draft {
    let mut labels = Labels::new();
    for (name, value) in [
        ("alertname", "HighErrorRate".to_owned()),
        ("namespace", format!("team-{}", i % 50)),
        ("service", format!("service-{}", i % 400)),
        ("pod", format!("service-{}-7d9f8b6c5-{i:06x}", i % 400)),
        ("instance", format!("10.{}.{}.{}:9090", i >> 16 & 255, i >> 8 & 255, i & 255)),
        ("severity", "page".to_owned()),
    ] {
        labels.insert(name.into(), value.as_str().into());
    }
    let fingerprint = warroom::event::Fingerprint::of_labels(&labels);
    let key = format!("alert/{fingerprint}/2026-01-01T00:00:00Z/firing/{i}");
    let term = warroom::journal::term::alert(&fingerprint);
    let body = serde_json::to_vec(&labels).expect("labels are text");
    Draft { at: Time::now(), key, kind: Kind::Alert, body, terms: vec![term, format!("service:service-{}", i % 400)] }
}

fn rate(what: &str, n: u32, took: Duration) {
    println!("{what}: {n} in {:.3} s = {:.0}/s", took.as_secs_f64(), f64::from(n) / took.as_secs_f64());
}

fn spread(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (min, median, max) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    println!("{what}: median {:.2} ms (min {:.2}, max {:.2}, n={})", ms(median), ms(min), ms(max), times.len());
}

fn one_thread(path: &Path) {
    let journal = open(path);
    let begun = Instant::now();
    let times = (0..1000)
        .map(|i| {
            let one = Instant::now();
            journal.append(vec![note(format!("n/{i}"))]).expect("it is recorded");
            one.elapsed()
        })
        .collect();
    rate("append, 1 thread, 1 draft a call", 1000, begun.elapsed());
    spread("append, 1 thread, one call", times);
}

fn threads(path: &Path, n: u32) {
    let journal = open(path);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for t in 0..n {
            let journal = &journal;
            scope.spawn(move || {
                for i in 0..1000 {
                    journal.append(vec![note(format!("n/{t}/{i}"))]).expect("it is recorded");
                }
            });
        }
    });
    rate(&format!("append, {n} threads, 1 draft a call"), n * 1000, begun.elapsed());
}

fn webhook(path: &Path) {
    let journal = open(path);
    let drafts: Vec<Draft> = (0..100_000).map(alert).collect();
    let again = drafts.clone();
    let begun = Instant::now();
    journal.append(drafts).expect("it is recorded");
    rate("append, 100 000 alerts in one call", 100_000, begun.elapsed());
    let begun = Instant::now();
    let receipt = journal.append(again).expect("it is counted");
    assert_eq!(receipt.duplicates, 100_000);
    rate("the same 100 000 again", 100_000, begun.elapsed());
    println!("peak memory so far: {} MB", peak_mb());
}

/// Batches of 500 spans, about 1 KB of JSON each, which do not compress to nothing.
fn spans(path: &Path) {
    let journal = open(path);
    let batch = |i: u32| {
        let mut seed = u64::from(i) + 1;
        let mut body = Vec::with_capacity(500_000);
        for _ in 0..500 {
            for _ in 0..20 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                body.extend_from_slice(format!("{{\"gen_ai.attribute.name\":\"{seed:016x}\"}},").as_bytes());
            }
        }
        let terms = (0..50).map(|t| format!("trace:{:032x}", i * 50 + t)).collect();
        Draft { at: Time::now(), key: format!("otlp/{i}"), kind: Kind::Spans, body, terms }
    };
    let batches: Vec<Draft> = (0..100).map(batch).collect();
    let begun = Instant::now();
    for draft in batches {
        journal.append(vec![draft]).expect("it is recorded");
    }
    rate("append, spans in batches of 500, 1 thread", 50_000, begun.elapsed());
}

fn million(path: &Path, entries: u32) {
    let journal = open(path);
    let begun = Instant::now();
    for first in (0..entries).step_by(1000) {
        journal.append((first..(first + 1000).min(entries)).map(alert).collect()).expect("it is recorded");
    }
    rate("append, 1000 a call", entries, begun.elapsed());
    drop(journal);
    let size = path.metadata().map_or(0, |found| found.len());
    println!("file: {} MB, {} bytes an entry", size >> 20, size / u64::from(entries));
    let head = Seq(entries.into());
    let page = Query { after: Seq(u64::from(entries) - 100), limit: 100, ..Query::default() };
    let times = (0..20)
        .map(|_| {
            let begun = Instant::now();
            let journal = open(path);
            assert_eq!(journal.head().expect("it reads"), head);
            assert_eq!(journal.read(&page).expect("it reads").len(), 100);
            begun.elapsed()
        })
        .collect();
    spread("open + head + the last 100", times);
    let journal = open(path);
    let middle = Seq(u64::from(entries) / 2);
    let by_term = Query { term: Some("service:service-7".into()), limit: 100, newest_first: true, ..Query::default() };
    let by_kind = Query { kinds: vec![Kind::Alert, Kind::Decided], after: middle, limit: 100, ..Query::default() };
    let early = Query { known_at: Some(Time::UNIX_EPOCH), limit: 100, ..Query::default() };
    for (what, query) in [("by term, newest 100", by_term), ("by kind, 100", by_kind), ("known at 1970", early)] {
        let times = (0..50)
            .map(|_| {
                let begun = Instant::now();
                journal.read(&query).expect("it reads");
                begun.elapsed()
            })
            .collect();
        spread(what, times);
    }
    let begun = Instant::now();
    let verdict = journal.verify(None, &mut |_, _| {}).expect("it reads");
    assert_eq!((verdict.checked, verdict.broken), (u64::from(entries), None));
    rate("verify", entries, begun.elapsed());
    println!("peak memory: {} MB", peak_mb());
}

/// The most this process ever held, from the kernel.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kb| kb >> 10)
}
