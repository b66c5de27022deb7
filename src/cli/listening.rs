//! What comes in: the listener, whoever on this host has it, and the pollers.
//!
//! Several processes may work on one journal; one of them has the port and one polls. When it ends, another takes over.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::config::Config;
use super::secret::Secret;
use crate::engine::Health;
use crate::engine::view::{Counter, SourceHealth};
use crate::event::{Source, Time};
use crate::intake::counters::{self, DeadMan, LastHeard};
use crate::intake::listener::{self, Key, Settings, StartError, Token};
use crate::journal::SharedJournal;

/// How often a process without the port tries to get it.
const TAKE_OVER: Duration = Duration::from_secs(2);
/// How often a process without the port looks up what the one that has it heard.
const LOOK_UP: Duration = Duration::from_secs(5);

/// The listener and the pollers of this process.
pub(super) struct Listening {
    own: Arc<Mutex<Option<listener::Listening>>>,
    watches: Vec<DeadMan>,
    began: Time,
    /// A source that must speak, because it is polled or expected.
    expected: Vec<Source>,
    heard_elsewhere: Arc<Mutex<(Option<Instant>, Vec<LastHeard>)>>,
    journal: SharedJournal,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// Begins to listen and poll.
///
/// # Errors
/// When nothing can be received and `must_listen`.
pub(super) fn start(
    config: &Config,
    journal: &SharedJournal,
    runtime: &tokio::runtime::Handle,
    must_listen: bool,
) -> anyhow::Result<Listening> {
    let settings = Settings {
        listen: config.listen,
        otlp_listen: config.otlp_listen,
        token: config.token.as_ref().map(Secret::reveal).map(Token::of),
        pagerduty: config.pagerduty_secrets.iter().map(Secret::reveal).map(Key::of).collect(),
    };
    let own = Arc::new(Mutex::new(None));
    let mut tasks = Vec::new();
    match runtime.block_on(listener::start(&settings, Arc::clone(journal))) {
        Ok(listening) => *own.lock().unwrap_or_else(PoisonError::into_inner) = Some(listening),
        // Another console of this host has it and records into the same journal, or will leave it to us.
        Err(StartError::Bind { error, .. }) if !must_listen && error.kind() == std::io::ErrorKind::AddrInUse => {
            tasks.push(runtime.spawn(take_over(settings, Arc::clone(journal), Arc::clone(&own))));
        }
        Err(error) => return Err(error.into()),
    }
    // The others speak only when something happens; their silence says nothing.
    let watched = [Source::Alertmanager, Source::Otlp, Source::Prometheus];
    let watches = watched.map(|source| DeadMan { source, after: config.silent_after }).to_vec();
    let polled =
        [(config.alertmanager.is_some(), Source::Alertmanager), (config.prometheus.is_some(), Source::Prometheus)];
    let expected = polled.into_iter().filter_map(|(is, source)| is.then_some(source)).collect();
    Ok(Listening {
        own,
        watches,
        began: Time::now(),
        expected,
        heard_elsewhere: Arc::default(),
        journal: Arc::clone(journal),
        tasks,
    })
}

async fn take_over(settings: Settings, journal: SharedJournal, own: Arc<Mutex<Option<listener::Listening>>>) {
    loop {
        tokio::time::sleep(TAKE_OVER).await;
        if let Ok(listening) = listener::start(&settings, Arc::clone(&journal)).await {
            *own.lock().unwrap_or_else(PoisonError::into_inner) = Some(listening);
            return;
        }
    }
}

impl Listening {
    /// What is said about the sources whenever a picture is published.
    pub(super) fn health(&self) -> Arc<dyn Fn(Time) -> Health + Send + Sync> {
        let (own, elsewhere) = (Arc::clone(&self.own), Arc::clone(&self.heard_elsewhere));
        let (watches, expected, began) = (self.watches.clone(), self.expected.clone(), self.began);
        let journal = Arc::clone(&self.journal);
        Arc::new(move |now| {
            let counters = own.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|l| Arc::clone(&l.counters));
            let mut heard = match &counters {
                Some(counters) => counters.heard(),
                None => heard_elsewhere(&elsewhere, &journal),
            };
            for source in &expected {
                if heard.iter().all(|heard| heard.source != *source) {
                    heard.push(LastHeard { source: *source, last: began, accepted: 0 });
                }
            }
            let silent = |heard: &LastHeard| {
                watches.iter().any(|watch| watch.source == heard.source && watch.silent(heard.last, now))
            };
            let line = |heard: &LastHeard| SourceHealth {
                name: heard.source.name().into(),
                last: heard.last,
                accepted: heard.accepted,
                silent: silent(heard),
            };
            let count = |(name, count): (&'static str, u64)| Counter { name: name.into(), count };
            Health {
                sources: heard.iter().map(line).collect(),
                counters: counters.map(|c| c.table()).unwrap_or_default().into_iter().map(count).collect(),
                troubles: Vec::new(),
            }
        })
    }

    /// Where deliveries are taken by this process.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.as_ref().map(|listening| listening.addresses.clone()).unwrap_or_default()
    }

    /// Takes nothing more; what is being recorded is recorded and answered.
    pub(super) async fn stop(self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(listening) = own {
            listening.stop().await;
        }
    }
}

/// What the process that has the port last wrote down, looked up now and then.
fn heard_elsewhere(known: &Mutex<(Option<Instant>, Vec<LastHeard>)>, journal: &SharedJournal) -> Vec<LastHeard> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.0.is_none_or(|looked| looked.elapsed() > LOOK_UP) {
        // A journal that cannot be read says so through the engine.
        let found = counters::load_heard(journal.as_ref()).unwrap_or_else(|_| known.1.clone());
        *known = (Some(Instant::now()), found);
    }
    known.1.clone()
}
