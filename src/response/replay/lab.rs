//! The experiments of this process: what there is to choose, what one would be, and those that run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::sync::watch;

use super::client::{Client, Endpoint, Patience};
use super::run::{Bounds, Experiment, Progress, Stop, script};
use super::survey::{self, Moved};
use crate::event::{IncidentId, Person, ReplayArm, ReplayAsked, TraceId, Untrusted};
use crate::journal::SharedJournal;
use crate::surface::script::Script;

/// At most so many experiments run at once in one process.
const AT_ONCE: usize = 2;
/// At most so many runs of each side are read to see what is another since.
const SURVEYED: usize = 16;
/// So many runs that cannot be run again are tried for each that can.
const TRIED: usize = 4;

/// An endpoint that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name in the configuration.
    pub name: String,
    /// Its address.
    pub url: String,
    /// The model asked for where an arm names none; `None` = as recorded.
    pub model: Option<String>,
}

/// What a person wants run again.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The incident.
    pub incident: IncidentId,
    /// The endpoint, by its name.
    pub endpoint: String,
    /// The runs it may be, those to be taken first in front.
    pub pool: Vec<TraceId>,
    /// How many of them.
    pub runs: usize,
    /// What is compared.
    pub arms: Vec<ReplayArm>,
    /// How often each run is run again in each arm.
    pub times: u32,
    /// Tokens that may be spent.
    pub budget: u64,
}

/// What is known of the runs an experiment can be made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// What is another since.
    pub moved: Vec<Moved>,
    /// Runs before and since that were read.
    pub read: (usize, usize),
    /// Why the first of those that cannot be run again cannot.
    pub cannot: Option<Untrusted>,
}

/// An experiment as it would be. Nothing of it was sent or recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    /// Exactly what would be recorded as asked for.
    pub asked: ReplayAsked,
    /// Exactly where questions would go.
    pub destination: String,
    /// The models that would be asked.
    pub models: Vec<Untrusted>,
    /// What it can come to.
    pub bounds: Bounds,
    /// Runs that were tried and cannot be run again, and why the first cannot.
    pub left_out: Option<LeftOut>,
}

/// Runs that cannot be run again: how many, and why the first cannot.
pub type LeftOut = (usize, Untrusted);

/// What is told of an experiment that runs, beside what is recorded of it.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The endpoint is busy: it is asked again after this long, and why, in its words.
    Busy(Duration, Untrusted),
    /// It ended without its end on record, and why.
    Broken(Untrusted),
}

/// Hears news.
pub type Told = Box<dyn FnMut(News) + Send>;

/// Where recorded runs are run again. Calls block; they belong on a blocking thread.
pub trait Lab: Send + Sync {
    /// The endpoints there are; none = none is configured.
    fn endpoints(&self) -> Vec<Offer>;

    /// What is another in the runs `since` than in those `before`.
    fn survey(&self, before: &[TraceId], since: &[TraceId]) -> Survey;

    /// Reads the runs and looks the address up: what would be sent, where, and what it can cost. Nothing is sent.
    ///
    /// # Errors
    /// What cannot be run, and why.
    fn prepare(&self, order: &Order, by: &Person) -> anyhow::Result<Ready>;

    /// Begins exactly what was shown: records that it was asked for, then asks. Returns when that is on record; it then runs
    /// on by itself. One line says so.
    ///
    /// # Errors
    /// When it is not what was shown any more, cannot be recorded, or too many run already: nothing was sent.
    fn begin(&self, ready: &Ready, told: Told) -> anyhow::Result<String>;

    /// Stops an experiment of this process. One line says so.
    ///
    /// # Errors
    /// When this process does not run it.
    fn stop(&self, replay: u64) -> anyhow::Result<String>;
}

/// The endpoints of the configuration and the experiments that this process runs.
pub struct LocalLab {
    journal: SharedJournal,
    endpoints: Vec<(Endpoint, Option<String>)>,
    runtime: tokio::runtime::Handle,
    patience: Patience,
    running: Arc<Running>,
}

/// Experiments by number, and how each is stopped.
#[derive(Default)]
struct Running {
    all: Mutex<BTreeMap<u64, watch::Sender<Stop>>>,
    fewer: std::sync::Condvar,
}

impl LocalLab {
    /// A lab that records in `journal` and asks `endpoints`, each with its key. `runtime` sends the questions.
    #[must_use]
    pub fn new(
        journal: SharedJournal,
        endpoints: Vec<(Endpoint, Option<String>)>,
        runtime: tokio::runtime::Handle,
        patience: Patience,
    ) -> Self {
        Self { journal, endpoints, runtime, patience, running: Arc::default() }
    }

    fn endpoint(&self, name: &str) -> anyhow::Result<&(Endpoint, Option<String>)> {
        self.endpoints
            .iter()
            .find(|(endpoint, _)| endpoint.name == name)
            .with_context(|| format!("the configuration has no endpoint {name}"))
    }

    /// Reads the runs of `asked` and looks the address up again.
    fn made(&self, asked: ReplayAsked, scripts: Vec<Script>) -> anyhow::Result<(Experiment, Client)> {
        let (endpoint, key) = self.endpoint(asked.endpoint.raw())?;
        let experiment = Experiment::of(asked, scripts, endpoint)?;
        let client = self.runtime.block_on(Client::connect(endpoint, key.as_deref(), self.patience))?;
        Ok((experiment, client))
    }

    /// The first few of these runs that can be run again, to see what they had.
    #[must_use]
    pub fn surveyed(journal: &SharedJournal, traces: &[TraceId]) -> Vec<Script> {
        read(journal, traces, &mut None)
    }

    /// Ends what still runs, and waits at most so long until that is on record.
    pub fn leave(&self, patience: Duration) {
        let all = self.running.all.lock().unwrap_or_else(PoisonError::into_inner);
        for stop in all.values() {
            // Whoever does not hear it any more has ended.
            let _ = stop.send(Stop::Leaving);
        }
        drop(self.running.fewer.wait_timeout_while(all, patience, |all| !all.is_empty()));
    }
}

/// The first few of `traces` that can be run again, and why the first that cannot does not.
fn read(journal: &SharedJournal, traces: &[TraceId], cannot: &mut Option<Untrusted>) -> Vec<Script> {
    let mut found = Vec::new();
    for trace in traces.iter().take(SURVEYED) {
        match script(journal, *trace) {
            Ok(script) => found.push(script),
            Err(error) => drop(cannot.get_or_insert_with(|| Untrusted::from(format!("{error:#}")))),
        }
    }
    found
}

/// The first `runs` of `pool` that can be run again; how many were tried that cannot, and why the first cannot.
///
/// # Errors
/// When none can.
pub fn scripts(
    journal: &SharedJournal,
    pool: &[TraceId],
    runs: usize,
) -> anyhow::Result<(Vec<Script>, Option<LeftOut>)> {
    let (mut found, mut left_out) = (Vec::new(), 0);
    let mut why: Option<Untrusted> = None;
    for trace in pool.iter().take(runs.saturating_mul(TRIED)) {
        if found.len() >= runs {
            break;
        }
        match script(journal, *trace) {
            Ok(script) => found.push(script),
            Err(error) => {
                left_out += 1;
                why.get_or_insert_with(|| format!("{error:#}").into());
            }
        }
    }
    if found.is_empty() {
        match why {
            Some(why) => bail!("none of {left_out} runs can be run again; the first because {}", why.raw()),
            None => bail!("there is no run to run again"),
        }
    }
    Ok((found, why.map(|why| (left_out, why))))
}

/// A number for an experiment that no other has.
///
/// # Errors
/// When the system gives no random numbers.
pub fn number() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(u64::from_le_bytes(bytes))
}

impl Lab for LocalLab {
    fn endpoints(&self) -> Vec<Offer> {
        let offer = |(endpoint, _): &(Endpoint, Option<String>)| Offer {
            name: endpoint.name.clone(),
            url: endpoint.url.to_string(),
            model: endpoint.model.clone(),
        };
        self.endpoints.iter().map(offer).collect()
    }

    fn survey(&self, before: &[TraceId], since: &[TraceId]) -> Survey {
        let mut cannot = None;
        let before = read(&self.journal, before, &mut cannot);
        let since = read(&self.journal, since, &mut cannot);
        Survey { moved: survey::moved(&before, &since), read: (before.len(), since.len()), cannot }
    }

    fn prepare(&self, order: &Order, by: &Person) -> anyhow::Result<Ready> {
        ensure!(order.runs > 0 && order.times > 0, "there is nothing to run again: runs and times are at least 1");
        let (scripts, left_out) = scripts(&self.journal, &order.pool, order.runs)?;
        let asked = ReplayAsked {
            replay: number()?,
            incident: order.incident,
            by: by.clone(),
            endpoint: order.endpoint.as_str().into(),
            arms: order.arms.clone(),
            runs: scripts.iter().map(|script| script.trace).collect(),
            times: order.times,
            budget_tokens: order.budget,
            price: self.endpoint(&order.endpoint)?.0.price,
        };
        let (experiment, client) = self.made(asked, scripts)?;
        Ok(Ready {
            destination: client.destination(),
            models: experiment.models(),
            bounds: experiment.bounds(),
            asked: experiment.asked().clone(),
            left_out,
        })
    }

    fn begin(&self, ready: &Ready, mut told: Told) -> anyhow::Result<String> {
        let asked = &ready.asked;
        let scripts: anyhow::Result<Vec<Script>> = asked.runs.iter().map(|run| script(&self.journal, *run)).collect();
        let (experiment, client) = self.made(asked.clone(), scripts?)?;
        ensure!(
            client.destination() == ready.destination,
            "it would go to {} now, and not to {} as was shown: nothing was sent; look again",
            client.destination(),
            ready.destination
        );
        ensure!(
            experiment.bounds() == ready.bounds && experiment.models() == ready.models,
            "the runs are not what was shown any more: nothing was sent; look again"
        );
        let (stop, stopped) = watch::channel(Stop::Not);
        {
            let mut all = self.running.all.lock().unwrap_or_else(PoisonError::into_inner);
            ensure!(all.len() < AT_ONCE, "{AT_ONCE} experiments run already: nothing was sent; stop one or wait");
            all.insert(asked.replay, stop);
        }
        let place = Place { running: Arc::clone(&self.running), replay: asked.replay };
        let begun = experiment.begin(&self.journal)?;
        let line = format!("the replay has begun: {} replays", ready.bounds.replays);
        let (journal, runtime) = (Arc::clone(&self.journal), self.runtime.clone());
        let run = move || {
            let _place = place;
            let mut busy = |progress: Progress<'_>| {
                if let Progress::Busy { pause, why } = progress {
                    told(News::Busy(pause, why.into()));
                }
            };
            let ran = experiment.run(begun, &journal, &client, &runtime, stopped, &mut busy);
            if let Err(error) = ran {
                told(News::Broken(format!("{error:#}").into()));
            }
        };
        std::thread::Builder::new().name("replay".into()).spawn(run).context("the system gives no thread for it")?;
        Ok(line)
    }

    fn stop(&self, replay: u64) -> anyhow::Result<String> {
        let all = self.running.all.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stop) = all.get(&replay) else {
            bail!("this replay does not run in this console: stop it where it was begun")
        };
        stop.send(Stop::ByPerson).context("the replay ended just now")?;
        Ok("the replay is being stopped; what it found stays".to_owned())
    }
}

/// A place among those that run; given back however the experiment ends.
struct Place {
    running: Arc<Running>,
    replay: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.replay);
        self.running.fewer.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_and_leaving_waits_for_it() {
        let running: Arc<Running> = Arc::default();
        let (stop, mut stopped) = watch::channel(Stop::Not);
        running.all.lock().unwrap().insert(7, stop);
        let place = Place { running: Arc::clone(&running), replay: 7 };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let journal =
            crate::journal::SqliteJournal::open(&folder.path().join("j.db"), crate::event::Time::UNIX_EPOCH).unwrap();
        let lab = LocalLab {
            journal: Arc::new(journal),
            endpoints: Vec::new(),
            runtime: runtime.handle().clone(),
            patience: Patience::default(),
            running,
        };
        assert!(lab.stop(8).is_err());
        let ends = std::thread::spawn(move || {
            while *stopped.borrow_and_update() != Stop::Leaving {
                std::thread::yield_now();
            }
            drop(place);
        });
        lab.leave(Duration::from_secs(60));
        assert!(lab.running.all.lock().unwrap().is_empty());
        ends.join().unwrap();
        assert!(lab.stop(7).is_err(), "it is over");
    }
}
