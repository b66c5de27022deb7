//! A journal of a year.

use std::time::{Duration, Instant};

use warroom::event::{Kind, Seq, Time};
use warroom::journal::{Draft, Journal, Query};

use crate::child::open;
use crate::support::allowed;

/// `WARROOM_TEST_ENTRIES=1000000` for the whole size; the bounds are those of a million either way.
#[test]
fn fault_73_a_large_journal_opens_answers_and_verifies_in_time() {
    let entries: u64 = std::env::var("WARROOM_TEST_ENTRIES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let journal = open(&path).unwrap();
    for first in (0..entries).step_by(20_000) {
        let drafts = (first..(first + 20_000).min(entries)).map(|i| Draft {
            at: Time::from_second(i64::try_from(i).unwrap() * 30).unwrap(),
            key: format!("alert/{i:x}"),
            kind: if i % 1000 == 0 { Kind::Decided } else { Kind::Alert },
            body: format!("{{\"n\":{i},\"text\":\"{}\"}}", "label ".repeat(60)).into_bytes(),
            terms: vec![format!("service:{}", i % 300)],
        });
        journal.append(drafts.collect()).unwrap();
    }
    drop(journal);
    let begun = Instant::now();
    let journal = open(&path).unwrap();
    assert_eq!(journal.head().unwrap(), Seq(entries));
    within("open and head", begun, Duration::from_secs(1));
    let queries = [
        Query { after: Seq(entries / 2), limit: 100, ..Query::default() },
        Query { term: Some("service:7".into()), newest_first: true, limit: 100, ..Query::default() },
        Query { kinds: vec![Kind::Decided, Kind::Noted], limit: 100, ..Query::default() },
        Query { kinds: vec![Kind::Alert], term: Some("service:299".into()), limit: 100, ..Query::default() },
        Query { known_at: Some(Time::UNIX_EPOCH), ..Query::default() },
    ];
    for query in queries {
        let begun = Instant::now();
        journal.read(&query).unwrap();
        within(&format!("{query:?}"), begun, Duration::from_millis(100));
    }
    let begun = Instant::now();
    let mut told = 0;
    let verdict = journal.verify(None, &mut |seq, head| {
        assert!(seq <= head && head == Seq(entries));
        told += 1;
    });
    let verdict = verdict.unwrap();
    assert_eq!((verdict.checked, verdict.broken), (entries, None));
    assert!(told > 0, "it says how far it is");
    within("verify", begun, Duration::from_secs(60));
}

fn within(what: &str, begun: Instant, limit: Duration) {
    let took = begun.elapsed();
    println!("{what}: {took:?}");
    assert!(took < allowed(limit), "{what} took {took:?}");
}
