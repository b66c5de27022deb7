//! What comes in: the listener, whoever on this host has it, and the pollers.
//!
//! Several processes may work on one journal; one of them has the port and one polls. When it ends, another takes over.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::config::Config;
use super::pace;
use super::secret::Secret;
use crate::engine::Health;
use crate::engine::view::{Counter, Door, SourceHealth, Trouble};
use crate::event::{Edge, Source, Time};
use crate::intake::counters::SOURCES;
use crate::intake::heard::{self, DeadMan, LastHeard};
use crate::intake::listener::{self, Key, Settings, StartError, Token};
use crate::intake::poll::kept::{Langfuse, Phoenix};
use crate::intake::poll::{self, Client, Troubles};
use crate::intake::{Inflow, Metrics, topology};
use crate::journal::{Lease, SharedJournal};

/// How often a process without the port tries to get it.
const TAKE_OVER: Duration = Duration::from_secs(3);
/// How often a process without the port looks up what the one that has it heard.
const LOOK_UP: Duration = Duration::from_secs(5);

/// The lease of the process that has the port for this journal.
const LISTENER: &str = "listener";
/// The lease of the process that polls.
const POLL: &str = "poll";

/// Who has the port.
enum Port {
    /// This process; the lease tells the others of this journal.
    Ours(listener::Listening, Option<Box<dyn Lease>>),
    /// Another process that records into this journal.
    Shared,
    /// Another program: what is sent there does not come here.
    Strange(Time),
}

type Own = Arc<Mutex<Port>>;

/// The listener and the pollers of this process.
pub(super) struct Listening {
    own: Own,
    listen: SocketAddr,
    inflow: Inflow,
    troubles: Troubles,
    watches: Vec<DeadMan>,
    began: Time,
    /// Sources that must speak, because they are polled.
    expected: Vec<Source>,
    token: bool,
    looked_up: Arc<Mutex<LookedUp>>,
    stop: watch::Sender<bool>,
    remembering: tokio::task::JoinHandle<()>,
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
    metrics: Metrics,
) -> anyhow::Result<Listening> {
    let settings = Settings {
        listen: config.listen,
        otlp_listen: config.otlp_listen,
        token: config.token.as_ref().map(Secret::reveal).map(Token::of),
        pagerduty: config.pagerduty_secrets.iter().map(Secret::reveal).map(Key::of).collect(),
    };
    let inflow = Inflow { more_metrics: Some(metrics), ..Inflow::into(Arc::clone(journal)) };
    let mut tasks = Vec::new();
    let own = match runtime.block_on(listener::start(&settings, inflow.clone())) {
        Ok(listening) => Arc::new(Mutex::new(ours(listening, journal))),
        // Another console of this host has it and records into the same journal, or will leave it to us.
        Err(StartError::Bind { error, .. }) if !must_listen && error.kind() == std::io::ErrorKind::AddrInUse => {
            let own = Arc::new(Mutex::new(theirs(journal, None)));
            tasks.push(runtime.spawn(take_over(settings, inflow.clone(), Arc::clone(&own))));
            own
        }
        Err(error) => return Err(error.into()),
    };
    if !config.topology.is_empty() {
        let edge = |(caller, callee): &(String, String)| Edge {
            caller: caller.as_str().into(),
            callee: callee.as_str().into(),
        };
        journal.append(vec![topology::draft(config.topology.iter().map(edge).collect(), Time::now())])?;
    }
    let troubles = Troubles::default();
    if let Some(pollers) = Pollers::of(config, &inflow, &troubles)? {
        tasks.push(runtime.spawn(pollers.run()));
    }
    let (stop, stopping) = watch::channel(false);
    let remembering = runtime.spawn(heard::remember(inflow.clone(), stopping));
    // The others speak only when something happens; their silence says nothing.
    let spoken_for = [Source::Alertmanager, Source::Otlp, Source::Prometheus, Source::Phoenix, Source::Langfuse];
    let watches = spoken_for.map(|source| DeadMan { source, after: config.silent_after }).to_vec();
    let polled = [
        (config.alertmanager.is_some(), Source::Alertmanager),
        (config.prometheus.is_some(), Source::Prometheus),
        (config.phoenix.is_some(), Source::Phoenix),
        (config.langfuse.is_some(), Source::Langfuse),
    ];
    let expected = polled.into_iter().filter_map(|(is, source)| is.then_some(source)).collect();
    Ok(Listening {
        own,
        listen: config.listen,
        inflow,
        troubles,
        watches,
        began: Time::now(),
        expected,
        token: config.token.is_some(),
        looked_up: Arc::default(),
        stop,
        remembering,
        tasks,
    })
}

fn ours(listening: listener::Listening, journal: &SharedJournal) -> Port {
    // Whoever had it before may be about to end; without the lease the others only wonder whose port it is.
    Port::Ours(listening, journal.lease(LISTENER).ok().flatten())
}

/// Whose the port is that cannot be had: a free lease means that nobody of this journal has it.
fn theirs(journal: &SharedJournal, since: Option<Time>) -> Port {
    match journal.lease(LISTENER) {
        Ok(Some(_nobody_of_ours)) => Port::Strange(since.unwrap_or_else(Time::now)),
        Ok(None) | Err(_) => Port::Shared,
    }
}

async fn take_over(settings: Settings, inflow: Inflow, own: Own) {
    loop {
        pace::together(TAKE_OVER).await;
        let found = if let Ok(listening) = listener::start(&settings, inflow.clone()).await {
            ours(listening, &inflow.journal)
        } else {
            let since = match *own.lock().unwrap_or_else(PoisonError::into_inner) {
                Port::Strange(since) => Some(since),
                Port::Ours(..) | Port::Shared => None,
            };
            theirs(&inflow.journal, since)
        };
        let had = matches!(found, Port::Ours(..));
        *own.lock().unwrap_or_else(PoisonError::into_inner) = found;
        if had {
            return;
        }
    }
}

impl Listening {
    /// What is said about the sources whenever a picture is published.
    pub(super) fn health(&self) -> Arc<dyn Fn(Time) -> Health + Send + Sync> {
        let (inflow, looked_up, token) = (self.inflow.clone(), Arc::clone(&self.looked_up), self.token);
        let (watches, expected, began) = (self.watches.clone(), self.expected.clone(), self.began);
        let (troubles, own, listen) = (self.troubles.clone(), Arc::clone(&self.own), self.listen);
        Arc::new(move |now| {
            let (elsewhere, kept) = looked_up.lock().unwrap_or_else(PoisonError::into_inner).now(&inflow.journal);
            let mut heard = heard::merged(inflow.counters.heard(), elsewhere);
            for source in &expected {
                if heard.iter().all(|heard| heard.source != *source) {
                    heard.push(LastHeard { source: *source, last: began, accepted: 0, shown: None });
                }
            }
            let silent = |heard: &LastHeard| {
                watches.iter().any(|watch| watch.source == heard.source && watch.silent(heard.last, now))
            };
            let count = |(name, count): (&'static str, u64)| Counter { name: name.into(), count };
            let counts = |source| inflow.counters.of_source(source).into_iter().map(count).collect::<Vec<_>>();
            let line = |heard: &LastHeard| SourceHealth {
                name: heard.source.name().into(),
                last: Some(heard.last),
                accepted: heard.accepted,
                counts: counts(heard.source),
                silent: silent(heard),
                shown: heard.shown,
            };
            // A source of which everything was refused was never heard in this sense, and must not be missing.
            let unheard = SOURCES.into_iter().filter(|source| heard.iter().all(|heard| heard.source != *source));
            let unheard = unheard.map(|source| SourceHealth {
                name: source.name().into(),
                last: None,
                accepted: 0,
                counts: counts(source),
                silent: false,
                shown: None,
            });
            let trouble = |(since, text): (Time, String)| Trouble { text: text.into(), since };
            let strange = match *own.lock().unwrap_or_else(PoisonError::into_inner) {
                Port::Strange(since) => Some((since, strange_port(listen))),
                Port::Ours(..) | Port::Shared => None,
            };
            Health {
                door: strange.is_none().then_some(Door { address: listen, token }),
                sources: heard.iter().map(line).chain(unheard.filter(|source| !source.counts.is_empty())).collect(),
                counters: inflow.counters.table().into_iter().chain(kept).map(count).collect(),
                troubles: strange.into_iter().chain(troubles.list()).map(trouble).collect(),
            }
        })
    }

    /// Where deliveries are taken by this process.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        match &*self.own.lock().unwrap_or_else(PoisonError::into_inner) {
            Port::Ours(listening, _) => listening.addresses.clone(),
            Port::Shared | Port::Strange(_) => Vec::new(),
        }
    }

    /// What a person should know about where deliveries go before the screen opens; `None` when they come here.
    pub(super) fn elsewhere(&self) -> Option<String> {
        match &*self.own.lock().unwrap_or_else(PoisonError::into_inner) {
            Port::Ours(..) => None,
            Port::Shared => Some(format!(
                "another warroom on this host takes deliveries on {} for the same journal; this one takes over when it ends",
                self.listen
            )),
            Port::Strange(_) => Some(strange_port(self.listen)),
        }
    }

    /// Takes nothing more; what is being recorded is recorded and answered.
    pub(super) async fn stop(self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
        let own = std::mem::replace(&mut *self.own.lock().unwrap_or_else(PoisonError::into_inner), Port::Shared);
        if let Port::Ours(listening, _lease) = own {
            listening.stop().await;
        }
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.remembering).await;
    }
}

fn strange_port(listen: SocketAddr) -> String {
    format!(
        "another program has {listen}, and what is sent there does not reach this journal: stop it, or choose another \
         address with --listen"
    )
}

/// What the process that has the port last wrote down, looked up now and then.
/// What is looked up in the journal now and then rather than with every picture.
#[derive(Default)]
struct LookedUp {
    at: Option<Instant>,
    /// What other processes heard.
    heard: Vec<LastHeard>,
    /// Refused deliveries that are kept.
    kept: u64,
}

impl LookedUp {
    /// What others heard, and the count of kept refusals where there are any.
    fn now(&mut self, journal: &SharedJournal) -> (Vec<LastHeard>, Option<(&'static str, u64)>) {
        if self.at.is_none_or(|looked| looked.elapsed() > LOOK_UP) {
            // A journal that cannot be read says so through the engine.
            self.heard = heard::load(journal.as_ref()).unwrap_or_else(|_| std::mem::take(&mut self.heard));
            self.kept = journal.quarantine_size().unwrap_or(self.kept);
            self.at = Some(Instant::now());
        }
        (self.heard.clone(), (self.kept > 0).then_some(("in_quarantine", self.kept)))
    }
}

/// What is polled. Of the processes on one journal, the one that holds the lease polls.
struct Pollers {
    inflow: Inflow,
    troubles: Troubles,
    alertmanager: Option<(Client, poll::alertmanager::Settings)>,
    prometheus: Option<(Client, poll::prometheus::Settings)>,
    phoenix: Option<poll::kept::Poller<Phoenix>>,
    langfuse: Option<poll::kept::Poller<Langfuse>>,
}

impl Pollers {
    fn of(config: &Config, inflow: &Inflow, troubles: &Troubles) -> anyhow::Result<Option<Self>> {
        let client = |service: &super::config::Service| {
            Client::new(service.url.clone(), service.bearer.as_ref().map(Secret::reveal))
        };
        let alertmanager = match &config.alertmanager {
            Some(service) => {
                let settings = poll::alertmanager::Settings { every: service.every, ..Default::default() };
                Some((client(service)?, settings))
            }
            None => None,
        };
        let prometheus = match &config.prometheus {
            Some(prometheus) => {
                let (every, queries) = (prometheus.service.every, prometheus.queries.clone());
                Some((client(&prometheus.service)?, poll::prometheus::Settings { every, queries }))
            }
            None => None,
        };
        let phoenix = match &config.phoenix {
            Some(phoenix) => {
                let project = |(project, service): &(String, String)| Phoenix::new(project.clone(), service);
                let (projects, every) = (phoenix.projects.iter().map(project).collect(), phoenix.service.every);
                Some(poll::kept::Poller::new(client(&phoenix.service)?, inflow.clone(), every, projects))
            }
            None => None,
        };
        let langfuse = match &config.langfuse {
            Some(langfuse) => {
                let client = Client::named(langfuse.url.clone(), &langfuse.public_key, langfuse.secret_key.reveal())?;
                let project = Langfuse::new(langfuse.service.clone());
                Some(poll::kept::Poller::new(client, inflow.clone(), langfuse.every, vec![project]))
            }
            None => None,
        };
        let any = alertmanager.is_some() || prometheus.is_some() || phoenix.is_some() || langfuse.is_some();
        let (inflow, troubles) = (inflow.clone(), troubles.clone());
        Ok(any.then_some(Self { inflow, troubles, alertmanager, prometheus, phoenix, langfuse }))
    }

    async fn run(self) {
        let Self { inflow, troubles, alertmanager, prometheus, phoenix, langfuse } = self;
        let _lease = lease(&inflow.journal).await;
        let alertmanager = async {
            if let Some((client, settings)) = alertmanager {
                let inflow = inflow.clone();
                // Reading the journal blocks.
                let made =
                    tokio::task::spawn_blocking(move || poll::alertmanager::Poller::new(client, inflow, settings));
                if let Ok(poller) = made.await {
                    poller.run(troubles.clone()).await;
                }
            }
        };
        let prometheus = async {
            if let Some((client, settings)) = prometheus {
                poll::prometheus::Poller::new(client, inflow.clone(), settings).run(troubles.clone()).await;
            }
        };
        let phoenix = async {
            if let Some(phoenix) = phoenix {
                phoenix.run(troubles.clone()).await;
            }
        };
        let langfuse = async {
            if let Some(langfuse) = langfuse {
                langfuse.run(troubles.clone()).await;
            }
        };
        tokio::join!(alertmanager, prometheus, phoenix, langfuse);
    }
}

/// Waits until nobody else polls.
async fn lease(journal: &SharedJournal) -> Box<dyn Lease> {
    loop {
        let journal = Arc::clone(journal);
        let taken = tokio::task::spawn_blocking(move || journal.lease(POLL)).await;
        if let Ok(Ok(Some(lease))) = taken {
            return lease;
        }
        pace::together(TAKE_OVER).await;
    }
}
