//! What every journal keeps to, whatever it is stored in. A second store runs the same suite.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Draft, Journal, Query, Refused, limits};
use crate::event::{Digest, Kind, Note, Seq, Time};

/// A clock that tests set by hand.
#[derive(Clone, Default)]
pub struct Hands(Arc<std::sync::atomic::AtomicI64>);

impl Hands {
    pub fn set(&self, seconds: i64) {
        self.0.store(seconds, std::sync::atomic::Ordering::SeqCst);
    }

    pub fn clock(&self) -> Arc<dyn Fn() -> Time + Send + Sync> {
        let hands = self.clone();
        Arc::new(move || at(hands.0.load(std::sync::atomic::Ordering::SeqCst)))
    }
}

pub fn at(seconds: i64) -> Time {
    Time::from_second(seconds).unwrap()
}

pub fn note(key: &str, text: &str) -> Draft {
    Draft::new(at(1), key.into(), &Note { incident: None, author: "t".into(), text: text.into() }.into())
}

pub fn sized(key: &str, size: usize) -> Draft {
    Draft { at: at(1), key: key.into(), kind: Kind::Noted, body: vec![b'x'; size], terms: Vec::new() }
}

/// Runs every promise against journals made by `open`, which gives an empty one whose arrival times come from the clock.
pub fn suite<J: Journal>(open: impl Fn(Hands) -> J) {
    appends_in_order(&open(Hands::default()));
    duplicates_are_counted(&open(Hands::default()));
    who_claims_second_records_nothing(&open(Hands::default()));
    bodies_of_every_size_come_back(&open(Hands::default()));
    times_of_every_year_come_back(&open(Hands::default()));
    queries_agree_with_a_filter(open);
}

pub fn suite_of_waiting<J: Journal + 'static>(open: impl Fn(Hands) -> J) {
    watch_wakes(&Arc::new(open(Hands::default())));
    leases_exclude(&open(Hands::default()));
    projections_are_found(&open(Hands::default()));
    quarantine_is_bounded(&open(Hands::default()));
    chains_hold(&open(Hands::default()));
    too_large_is_refused_whole(&open(Hands::default()));
}

fn appends_in_order(journal: &impl Journal) {
    assert_eq!(journal.head().unwrap(), Seq(0));
    assert!(journal.read(&Query::default()).unwrap().is_empty());
    let receipt = journal.append(vec![note("a", "1"), note("b", "2")]).unwrap();
    assert_eq!((receipt.recorded, receipt.duplicates, receipt.head), (2, 0, Seq(2)));
    let records = journal.read(&Query::default()).unwrap();
    assert_eq!(records.iter().map(|r| (r.seq.0, r.key.as_str())).collect::<Vec<_>>(), [(1, "a"), (2, "b")]);
    assert_eq!(records[0].fact().unwrap().kind(), Kind::Noted);
    assert_eq!(journal.append(Vec::new()).unwrap().head, Seq(2));
}

fn duplicates_are_counted(journal: &impl Journal) {
    journal.append(vec![note("a", "1")]).unwrap();
    let receipt = journal.append(vec![note("b", "1"), note("a", "another"), note("b", "again")]).unwrap();
    assert_eq!((receipt.recorded, receipt.duplicates, receipt.head), (1, 2, Seq(2)));
    let receipt = journal.append(vec![note("a", "1")]).unwrap();
    assert_eq!((receipt.recorded, receipt.duplicates, receipt.head), (0, 1, Seq(2)));
    assert_eq!(journal.redeliveries().unwrap(), 3);
    assert_eq!(journal.read(&Query::default()).unwrap()[0].body, note("a", "1").body);
}

fn who_claims_second_records_nothing(journal: &impl Journal) {
    let claims = ["number/1".to_owned()];
    let first = journal.append_first(vec![note("number/1", "mine"), note("more", "1")], &claims).unwrap().unwrap();
    assert_eq!((first.recorded, first.duplicates, first.head), (2, 0, Seq(2)));
    assert_eq!(journal.append_first(vec![note("other", "1"), note("number/1", "yours")], &claims).unwrap(), None);
    assert_eq!(journal.head().unwrap(), Seq(2), "not even what was not claimed");
    assert_eq!(journal.redeliveries().unwrap(), 0);
    // Without a claim, what is there already is counted as ever.
    let again = journal.append_first(vec![note("more", "1"), note("other", "1")], &[]).unwrap().unwrap();
    assert_eq!((again.recorded, again.duplicates), (1, 1));
}

fn bodies_of_every_size_come_back(journal: &impl Journal) {
    let sizes = [0, 1, 1023, 1024, 1025, 65_535, 65_536, 65_537, 1_000_000];
    journal.append(sizes.iter().map(|size| sized(&format!("s/{size}"), *size)).collect()).unwrap();
    // The same content under another key is another entry.
    journal.append(vec![sized("again", 1_000_000)]).unwrap();
    let records = journal.read(&Query { limit: 100, ..Query::default() }).unwrap();
    let found: Vec<usize> = records.iter().map(|record| record.body.len()).collect();
    assert_eq!(found, [&sizes[..], &[1_000_000]].concat());
    assert!(records.iter().all(|record| record.body.iter().all(|byte| *byte == b'x')));
    assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().broken, None);
}

fn times_of_every_year_come_back(journal: &impl Journal) {
    let times =
        [Time::MIN, Time::MAX, Time::UNIX_EPOCH, Time::new(-1, -999_999_999).unwrap(), Time::new(1, 1).unwrap()];
    let drafts = times.iter().enumerate().map(|(i, at)| Draft { at: *at, ..note(&format!("t/{i}"), "t") }).collect();
    journal.append(drafts).unwrap();
    let found: Vec<Time> = journal.read(&Query::default()).unwrap().iter().map(|record| record.at).collect();
    assert_eq!(found, times);
    assert_eq!(journal.verify(None, &mut |_, _| {}).unwrap().broken, None);
}

/// Every combination of conditions gives what a filter over everything gives, on a journal with a clock that once
/// stepped back.
fn queries_agree_with_a_filter<J: Journal>(open: impl Fn(Hands) -> J) {
    let hands = Hands::default();
    let journal = open(hands.clone());
    let kinds = [Kind::Alert, Kind::Noted, Kind::Spans, Kind::Alert];
    for i in 0..700_usize {
        let second = i64::try_from(i).unwrap();
        hands.set(if i < 400 { 1000 + second } else { 700 + second });
        let terms =
            if i.is_multiple_of(3) { vec![format!("incident:{}", i % 5), "all".into()] } else { vec!["all".into()] };
        let draft = Draft { kind: kinds[i % 4], terms, ..sized(&format!("k/{i}"), i % 90) };
        journal.append(vec![draft]).unwrap();
    }
    let all = journal.read(&Query { limit: 10_000, ..Query::default() }).unwrap();
    assert_eq!(all.len(), 700);
    let terms_of = |seq: u64| {
        let i = seq - 1;
        if i.is_multiple_of(3) { vec![format!("incident:{}", i % 5), "all".into()] } else { vec!["all".to_owned()] }
    };
    for after in [0, 250, 699, 700] {
        for through in [None, Some(Seq(300)), Some(Seq(0))] {
            for known_at in [None, Some(at(0)), Some(at(1100)), Some(at(1250)), Some(at(9999))] {
                for kinds in [vec![], vec![Kind::Noted], vec![Kind::Spans, Kind::Alert], vec![Kind::Change]] {
                    for term in [None, Some("incident:2".to_owned()), Some("all".to_owned()), Some("none".to_owned())] {
                        for (limit, newest_first) in [(0, false), (7, false), (7, true)] {
                            let query = Query {
                                after: Seq(after),
                                through,
                                known_at,
                                kinds: kinds.clone(),
                                term: term.clone(),
                                limit,
                                newest_first,
                            };
                            let mut wanted: Vec<u64> = all
                                .iter()
                                .filter(|r| r.seq.0 > after && through.is_none_or(|t| r.seq <= t))
                                .filter(|r| known_at.is_none_or(|t| r.arrived <= t))
                                .filter(|r| kinds.is_empty() || kinds.contains(&r.kind))
                                .filter(|r| term.as_ref().is_none_or(|t| terms_of(r.seq.0).contains(t)))
                                .map(|r| r.seq.0)
                                .collect();
                            if newest_first {
                                wanted.reverse();
                            }
                            wanted.truncate(if limit == 0 { usize::MAX } else { limit });
                            let got: Vec<u64> = journal.read(&query).unwrap().iter().map(|r| r.seq.0).collect();
                            assert_eq!(got, wanted, "{query:?}");
                        }
                    }
                }
            }
        }
    }
}

fn watch_wakes(journal: &Arc<impl Journal + 'static>) {
    let begun = Instant::now();
    assert_eq!(journal.watch(Seq(0), Duration::from_millis(60)).unwrap(), Seq(0));
    assert!(begun.elapsed() >= Duration::from_millis(60));
    let other = Arc::clone(journal);
    let waits = std::thread::spawn(move || {
        let begun = Instant::now();
        (other.watch(Seq(0), Duration::from_secs(20)).unwrap(), begun.elapsed())
    });
    std::thread::sleep(Duration::from_millis(100));
    journal.append(vec![note("a", "1")]).unwrap();
    let (head, took) = waits.join().unwrap();
    assert_eq!(head, Seq(1));
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(journal.watch(Seq(0), Duration::ZERO).unwrap(), Seq(1));
}

fn leases_exclude(journal: &impl Journal) {
    let first = journal.lease("engine").unwrap();
    assert!(first.is_some());
    assert!(journal.lease("engine").unwrap().is_none());
    let other = journal.lease("poller").unwrap();
    assert!(other.is_some());
    drop(first);
    assert!(journal.lease("engine").unwrap().is_some());
    assert!(journal.lease("../x").is_err());
}

fn projections_are_found(journal: &impl Journal) {
    assert_eq!(journal.load_projection("view", 1, Seq(9)).unwrap(), None);
    for seq in 1..=100_u64 {
        journal.save_projection("view", 1, Seq(seq), format!("v{seq}").as_bytes()).unwrap();
    }
    let (seq, bytes) = journal.load_projection("view", 1, Seq(1000)).unwrap().unwrap();
    assert_eq!((seq, bytes.as_slice()), (Seq(100), &b"v100"[..]));
    let older = journal.load_projection("view", 1, Seq(60)).unwrap().map(|(seq, _)| seq);
    assert!(older.is_none_or(|seq| seq <= Seq(60)), "{older:?}");
    assert_eq!(journal.load_projection("view", 2, Seq(1000)).unwrap(), None);
    journal.save_projection("view", 2, Seq(7), b"new").unwrap();
    assert_eq!(journal.load_projection("view", 2, Seq(6)).unwrap(), None);
    assert_eq!(journal.load_projection("view", 1, Seq(1000)).unwrap(), None, "another version's caches are gone");
    journal.drop_projections().unwrap();
    assert_eq!(journal.load_projection("view", 2, Seq(1000)).unwrap(), None, "all are dropped");
    journal.save_projection("view", 2, Seq(7), b"new").unwrap();
}

fn quarantine_is_bounded(journal: &impl Journal) {
    let refused = |i: i64| Refused {
        arrived: at(i),
        source: "test".into(),
        reason: format!("/alerts/{i}: bad"),
        raw: vec![b'r'; 100 << 10],
        length: 100 << 10,
    };
    for i in 0..200 {
        journal.quarantine(&refused(i)).unwrap();
    }
    let kept = journal.quarantined(10_000).unwrap();
    assert_eq!(kept[0].reason, "/alerts/199: bad");
    assert!(kept.len() <= limits::QUARANTINE && kept.len() > 100, "{}", kept.len());
    assert_eq!(journal.quarantine_size().unwrap(), u64::try_from(kept.len()).unwrap());
    assert!(kept.iter().map(|one| one.raw.len()).sum::<usize>() <= limits::QUARANTINE_BYTES);
    assert_eq!(kept[0].length, 100 << 10);
    assert_eq!(journal.quarantined(3).unwrap().len(), 3);
    assert_eq!(journal.head().unwrap(), Seq(0), "refused deliveries are no entries");
}

fn chains_hold(journal: &impl Journal) {
    let empty = journal.checkpoint().unwrap();
    for i in 0..50 {
        journal.append(vec![note(&format!("k/{i}"), "x")]).unwrap();
    }
    let checkpoint = journal.checkpoint().unwrap();
    assert_eq!(checkpoint.head, Seq(50));
    journal.append(vec![note("later", "x")]).unwrap();
    for against in [None, Some(&empty), Some(&checkpoint)] {
        let verdict = journal.verify(against, &mut |_, _| {}).unwrap();
        assert_eq!((verdict.checked, verdict.broken), (51, None));
    }
    let mut other = checkpoint.clone();
    other.digest = Digest([7; 32]);
    assert_eq!(journal.verify(Some(&other), &mut |_, _| {}).unwrap().broken.unwrap().seq, Seq(50));
    let ahead = super::Checkpoint { head: Seq(60), ..checkpoint };
    assert_eq!(journal.verify(Some(&ahead), &mut |_, _| {}).unwrap().broken.unwrap().seq, Seq(52));
}

fn too_large_is_refused_whole(journal: &impl Journal) {
    let error = journal.append(vec![note("a", "1"), note(&"k".repeat(limits::KEY + 1), "x")]).unwrap_err();
    assert!(error.to_string().contains("key"), "{error}");
    assert_eq!(journal.head().unwrap(), Seq(0));
}
