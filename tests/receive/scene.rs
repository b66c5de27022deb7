//! A listener in this process, on a journal that a test can make fail.

use std::path::Path;
use std::sync::Arc;

use hmac::{Hmac, Mac as _};
use tempfile::TempDir;
use warroom::engine::{Fold, View};
use warroom::event::{Digest, Fact, Kind, Seq, Time, WriterId};
use warroom::intake::Inflow;
use warroom::intake::listener::{self, Key, Listening, Settings, Token};
use warroom::journal::{Draft, Journal, Query, Record, SqliteJournal};

use crate::support::failing::Failing;
use crate::support::{free_port, http};

/// A listener and its journal.
pub struct Scene {
    pub port: u16,
    pub journal: Arc<Failing>,
    pub inflow: Inflow,
    pub runtime: tokio::runtime::Runtime,
    _listening: Listening,
    _folder: TempDir,
}

impl Scene {
    /// One without a token.
    pub fn new() -> Self {
        Self::with(None, &[])
    }

    /// One with a token and `PagerDuty` secrets.
    pub fn with(token: Option<&str>, secrets: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let journal = Arc::new(Failing::over(Arc::new(open(folder.path()))));
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let settings = Settings {
            listen: ([127, 0, 0, 1], free_port()).into(),
            otlp_listen: None,
            token: token.map(Token::of),
            pagerduty: secrets.iter().map(|secret| Key::of(secret)).collect(),
        };
        let inflow = Inflow::into(Arc::clone(&journal) as Arc<dyn Journal>);
        let listening = runtime.block_on(listener::start(&settings, inflow.clone())).expect("a free port");
        Self { port: settings.listen.port(), journal, inflow, runtime, _listening: listening, _folder: folder }
    }

    /// Posts JSON.
    pub fn post(&self, path: &str, body: &[u8]) -> http::Answer {
        http::post(self.port, path, "application/json", body).expect("the listener answers")
    }

    /// Posts JSON that must be taken.
    pub fn take(&self, path: &str, body: &[u8]) {
        let answer = self.post(path, body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }

    /// Posts with headers.
    pub fn send(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> http::Answer {
        http::request(self.port, "POST", path, headers, body).expect("the listener answers")
    }

    /// Every record.
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::new();
        loop {
            let after = records.last().map(|record| record.seq).unwrap_or_default();
            let page =
                self.journal.read(&Query { after, limit: 2_000, ..Query::default() }).expect("the journal reads");
            if page.is_empty() {
                return records;
            }
            records.extend(page);
        }
    }

    /// The facts of one kind.
    pub fn facts(&self, kind: Kind) -> Vec<Fact> {
        let records = self.records().into_iter().filter(|record| record.kind == kind);
        records.map(|record| record.fact().expect("what was recorded can be read")).collect()
    }

    /// What the engine makes of the records at `now`, deriving as it goes.
    pub fn view(&self, now: Time) -> View {
        let mut fold = Fold::new();
        let records = self.records();
        // An odd number: what comes and goes in turns is seen in both states.
        for some in records.chunks(99) {
            for record in some {
                fold.apply(&Record { seq: Seq(fold.head().0 + 1), ..record.clone() });
            }
            let last = some.last().map_or(now, |record| record.arrived);
            derived(&mut fold, last);
        }
        derived(&mut fold, now);
        fold.view()
    }

    /// How many deliveries are in quarantine, and why the newest is.
    pub fn quarantine(&self) -> (usize, String) {
        let kept = self.journal.quarantined(1_000).expect("the journal reads");
        (kept.len(), kept.first().map(|refused| refused.reason.clone()).unwrap_or_default())
    }
}

/// Derives and applies, as the process that leads does through the journal.
fn derived(fold: &mut Fold, now: Time) {
    for Draft { at, key, kind, body, .. } in fold.derive_all(now) {
        let (seq, digest) = (Seq(fold.head().0 + 1), Digest::of(key.as_bytes()));
        fold.apply(&Record { seq, writer: WriterId([0; 8]), at, arrived: now, key, kind, body, digest });
    }
}

fn open(folder: &Path) -> SqliteJournal {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).expect("our own folder");
    SqliteJournal::open(&folder.join("journal.db"), Time::now()).expect("a journal in a fresh folder")
}

/// `bytes` as gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// The signature that `PagerDuty` gives `body`.
pub fn sign(key: &str, body: &[u8]) -> String {
    let mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).expect("any length").chain_update(body);
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}
