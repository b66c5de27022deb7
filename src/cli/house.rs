//! The house as a command opens it: configuration, journal, engine, what listens and polls, the desk.
//!
//! Opened in that order and closed in the other: first nothing comes in any more, then what came in is recorded, then the
//! engine saves what it knows, then the journal is let go.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::config::Config;
use super::{Common, listening, pace, reading, telling};
use crate::engine::{self, Details, EngineConfig, Health, RunMeter, View, keep};
use crate::event::{Person, Time};
use crate::journal::{Journal, SharedJournal, SqliteJournal};
use crate::report::tell::Teller;
use crate::response::replay::{self, Lab, LocalLab, Patience};
use crate::response::{self, Desk, LocalDesk};

/// Threads that serve connections and requests; the journal and the engine have their own.
const THREADS: usize = 2;
/// How long the close waits for what is on its way.
const CLOSING: Duration = Duration::from_secs(6);
/// How long the close waits until experiments that still run are on record as left.
const LEAVING: Duration = Duration::from_secs(3);
/// Asks for the health of something.
type Ask = Arc<dyn Fn(Time) -> Health + Send + Sync>;

/// How often plans whose executor is gone are looked for.
const TEND: Duration = Duration::from_secs(6);

/// What a command needs of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct With {
    /// A person sits at it, whom others see.
    pub person: bool,
    /// It takes deliveries and polls. A demo does neither: it brings its own.
    pub listens: bool,
    /// It is of no use unless it listens itself: a port that somebody else holds is an error, not a notice.
    pub must_listen: bool,
}

impl With {
    /// The console.
    pub const CONSOLE: Self = Self { person: true, listens: true, must_listen: false };
    /// The house without a screen.
    pub const SERVE: Self = Self { person: false, listens: true, must_listen: true };
    /// The console on a journal of its own, which something else feeds.
    pub const DEMO: Self = Self { person: true, listens: false, must_listen: false };
}

/// The house, open. Close it with [`House::close`].
pub struct House {
    /// What it runs with.
    pub config: Config,
    /// Its journal.
    pub journal: SharedJournal,
    /// Who sits at it.
    pub person: Person,
    // In the order in which they end when dropped.
    listening: Option<listening::Listening>,
    /// Thins old telemetry, where that is asked for.
    keeping: Option<keep::Keeping>,
    engine: engine::Handle,
    desk: Arc<LocalDesk>,
    lab: Arc<LocalLab>,
    /// Where nobody sits at it: what asks for its end.
    ending: Option<Ending>,
    runtime: tokio::runtime::Runtime,
}

/// The signals that ask for an orderly end. They are heard from the moment this exists, however late it is waited for.
struct Ending {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Ending {
    fn listen(runtime: &tokio::runtime::Runtime) -> std::io::Result<Self> {
        let _inside = runtime.enter();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn come(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

impl House {
    /// Opens the house that arguments and configuration describe.
    ///
    /// # Errors
    /// What is missing or refused, and what to do about it.
    pub fn open(common: &Common, with: With) -> anyhow::Result<Self> {
        let config = Config::load(common)?;
        let journal: SharedJournal = Arc::new(config.open_journal()?);
        Self::on(journal, config, with)
    }

    /// Opens the house on a journal that is open already.
    ///
    /// # Errors
    /// As [`House::open`].
    pub fn on(journal: SharedJournal, config: Config, with: With) -> anyhow::Result<Self> {
        raise_file_limit();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("house")
            .enable_all()
            .build()
            .context("the system gives no threads")?;
        // Before anybody can know that it is there, and end it.
        let ending =
            if with.person { None } else { Some(Ending::listen(&runtime).context("no signals can be heard")?) };
        let person = response::person();
        let meter = Arc::new(RunMeter::default());
        let listening = if with.listens {
            let counted = Arc::clone(&meter);
            let metrics = Arc::new(move || counted.prometheus());
            Some(listening::start(&config, &journal, runtime.handle(), with.must_listen, metrics)?)
        } else {
            None
        };
        let sink = telling::sink(&config)?.filter(|_| with.listens);
        let hindered = sink.map(|sink| {
            let hindered = telling::Hindered::default();
            let teller = Teller::new(Arc::clone(&journal), sink, runtime.handle().clone());
            runtime.spawn(telling::tell(teller, Arc::clone(&hindered)));
            hindered
        });
        let keeping = config.retention.map(|keep| keep::start(Arc::clone(&journal), keep, Arc::new(Time::now)));
        let engine = engine::start(
            Arc::clone(&journal),
            EngineConfig {
                clock: Arc::new(Time::now),
                health: health(listening.as_ref(), keeping.as_ref(), hindered),
                person: with.person.then(|| person.clone()),
                may_lead: true,
                meter: with.listens.then_some(meter),
            },
        );
        let hands = super::hands::hands(&config, runtime.handle())?;
        let rules = Box::new(super::hands::reading_rules(&config));
        let desk = Arc::new(LocalDesk::reading(Arc::clone(&journal), hands, rules, Time::now()));
        // Beside the first frame, and before anybody can have proposed anything.
        let early = Arc::downgrade(&desk);
        runtime.spawn_blocking(move || early.upgrade().map(|desk| desk.read_rules()));
        let key = |key: &super::secret::Secret| key.reveal().to_owned();
        let endpoints = config.endpoints.iter().map(|one| (one.endpoint.clone(), one.key.as_ref().map(key))).collect();
        let handle = runtime.handle().clone();
        let lab = Arc::new(LocalLab::new(Arc::clone(&journal), endpoints, handle, Patience::default()));
        runtime.spawn(tend(Arc::downgrade(&desk), Arc::downgrade(&journal)));
        runtime.spawn(look_after_stages(Arc::downgrade(&desk), Arc::downgrade(&journal)));
        runtime.spawn(reading::on_its_own(Arc::downgrade(&desk), Arc::downgrade(&journal), engine.views.clone()));
        Ok(Self { config, journal, person, listening, keeping, engine, desk, lab, ending, runtime })
    }

    /// The pictures, newest first known.
    #[must_use]
    pub fn views(&self) -> watch::Receiver<Arc<View>> {
        self.engine.views.clone()
    }

    /// Details of what the pictures show.
    #[must_use]
    pub fn details(&self) -> Arc<dyn Details> {
        Arc::clone(&self.engine.details)
    }

    /// The desk at which people act.
    #[must_use]
    pub fn desk(&self) -> Arc<dyn Desk> {
        Arc::clone(&self.desk) as Arc<dyn Desk>
    }

    /// Where recorded runs are run again.
    #[must_use]
    pub fn lab(&self) -> Arc<dyn Lab> {
        Arc::clone(&self.lab) as Arc<dyn Lab>
    }

    /// Where tasks of the house run.
    #[must_use]
    pub fn runtime(&self) -> &tokio::runtime::Runtime {
        &self.runtime
    }

    /// Where deliveries are taken now; empty while somebody else holds the port.
    #[must_use]
    pub fn addresses(&self) -> Vec<std::net::SocketAddr> {
        self.listening.as_ref().map(listening::Listening::addresses).unwrap_or_default()
    }

    /// What a person should know about where deliveries go; `None` when they come here.
    #[must_use]
    pub fn deliveries_go_elsewhere(&self) -> Option<String> {
        self.listening.as_ref().and_then(listening::Listening::elsewhere)
    }

    /// Waits for SIGTERM, SIGINT or SIGHUP.
    ///
    /// # Errors
    /// When the system gives no signal handlers.
    pub fn wait_for_signal(&mut self) -> anyhow::Result<()> {
        let mut ending = self.ending.take().map_or_else(|| Ending::listen(&self.runtime), Ok)?;
        self.runtime.block_on(ending.come());
        Ok(())
    }

    /// Closes it in order.
    pub fn close(mut self) {
        if let Some(listening) = self.listening.take() {
            self.runtime.block_on(listening.stop());
        }
        self.lab.leave(LEAVING);
        self.keeping = None;
        self.engine.stop();
        self.runtime.shutdown_timeout(CLOSING);
    }
}

/// What those say about themselves that bring in and let go.
fn health(
    listening: Option<&listening::Listening>,
    keeping: Option<&keep::Keeping>,
    hindered: Option<telling::Hindered>,
) -> Option<Ask> {
    let (listening, keeping) = (listening.map(listening::Listening::health), keeping.map(keep::Keeping::trouble));
    if keeping.is_none() && hindered.is_none() {
        return listening;
    }
    Some(Arc::new(move |now| {
        let mut health = listening.as_ref().map(|health| health(now)).unwrap_or_default();
        health.troubles.extend(keeping.as_ref().and_then(|keeping| keeping()));
        let told = hindered.as_ref().map(|hindered| hindered.lock().unwrap_or_else(PoisonError::into_inner).clone());
        health.troubles.extend(told.flatten());
        health
    }))
}

/// The journal the arguments and the configuration name, for commands that only read.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn read_only(common: &Common) -> anyhow::Result<SharedJournal> {
    let config = Config::load(common)?;
    Ok(Arc::new(SqliteJournal::open_read_only(&config.journal)?))
}

/// Looks now and then whether stages of going back still stand, for as long as there is a desk.
async fn look_after_stages(desk: std::sync::Weak<LocalDesk>, journal: std::sync::Weak<dyn Journal>) {
    /// Held by whoever looks, so that two consoles do not run each step twice.
    const LEASE: &str = "stages";
    loop {
        let (Some(desk), Some(journal)) = (desk.upgrade(), journal.upgrade()) else { return };
        let look = move || {
            let Ok(Some(_held)) = journal.lease(LEASE) else { return };
            // What cannot be read says so through the engine; here it is tried again.
            let _ = desk.look_after_stages(Time::now());
        };
        let _ = tokio::task::spawn_blocking(look).await;
        pace::together(TEND).await;
    }
}

/// Looks now and then for executions and experiments whose process is gone, for as long as there is a desk.
async fn tend(desk: std::sync::Weak<LocalDesk>, journal: std::sync::Weak<dyn Journal>) {
    loop {
        let (Some(desk), Some(journal)) = (desk.upgrade(), journal.upgrade()) else { return };
        // A journal that cannot be read says so through the engine; here it is tried again.
        let look = move || (desk.tend(Time::now()), replay::tend(&journal, Time::now()));
        let _ = tokio::task::spawn_blocking(look).await;
        pace::together(TEND).await;
    }
}

/// Ten thousand idle connections are ten thousand files: as many as the system lets us have.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum });
}
