//! The fold as a whole: real bundles in, pictures out; the same whatever the batches; nothing on any input.

mod agents;
mod bundle;
mod first;
mod memory;
mod random;
mod replays;
mod rules;
mod struck;

use std::collections::BTreeSet;

use crate::event::{Digest, Fact, Seq, Time, WriterId};
use crate::journal::{Draft, Record};

use super::Fold;
use crate::engine::View;

/// A journal of one's own: numbers drafts, drops what is there already.
#[derive(Default)]
pub(super) struct Paper {
    pub records: Vec<Record>,
    keys: BTreeSet<String>,
}

pub(super) fn at(second: i64) -> Time {
    Time::from_second(1_790_000_000 + second).unwrap()
}

impl Paper {
    pub fn write(&mut self, drafts: Vec<Draft>, arrived: Time) {
        for draft in drafts {
            if self.keys.insert(draft.key.clone()) {
                self.records.push(Record {
                    seq: Seq(self.records.len() as u64 + 1),
                    writer: WriterId([7; 8]),
                    at: draft.at,
                    arrived,
                    key: draft.key,
                    kind: draft.kind,
                    body: draft.body,
                    digest: Digest([0; 32]),
                });
            }
        }
    }

    pub fn fact(&mut self, fact: impl Into<Fact>, happened: Time, arrived: Time) {
        let fact = fact.into();
        let key = format!("test/{}", self.records.len());
        self.write(vec![Draft::new(happened, key, &fact)], arrived);
    }

    /// What a leader would do at `now`: read on, derive, record, until nothing more comes of it.
    pub fn lead(&mut self, fold: &mut Fold, now: Time) {
        for _ in 0..8 {
            let from = usize::try_from(fold.head().0).unwrap();
            fold.apply_all(&self.records[from..]);
            let drafts = fold.derive_all(now);
            if drafts.is_empty() {
                return;
            }
            self.write(drafts, now);
        }
    }
}

/// The fold of all records, one by one.
pub(super) fn folded(records: &[Record]) -> Fold {
    let mut fold = Fold::new();
    for record in records {
        fold.apply(record);
    }
    fold
}

/// The first place where two pictures differ, as a path with both values.
pub(super) fn difference(one: &View, two: &View) -> Option<String> {
    fn walk(path: &str, one: &serde_json::Value, two: &serde_json::Value) -> Option<String> {
        use serde_json::Value;
        match (one, two) {
            (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
                a.iter().find_map(|(name, x)| walk(&format!("{path}/{name}"), x, b.get(name).unwrap_or(&Value::Null)))
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                a.iter().zip(b).enumerate().find_map(|(at, (x, y))| walk(&format!("{path}/{at}"), x, y))
            }
            _ => (one != two).then(|| format!("{path}: {one} / {two}")),
        }
    }
    walk("", &serde_json::to_value(one).unwrap(), &serde_json::to_value(two).unwrap())
}
