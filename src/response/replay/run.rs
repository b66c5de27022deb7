//! The experiment: every run in every arm, so many times, in an order that says nothing, until done, cancelled or out of budget.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::sync::watch;

use super::client::{Client, Endpoint};
use super::talk::{MAX_CALLS, Next, Pinned, Talk};
use super::{Outcome, Tally};
use crate::event::{
    Digest, Fact, Kind, ReplayAsked, ReplayEnd, ReplayEnded, ReplayRan, Resource, Span, Time, TraceId, Untrusted,
};
use crate::journal::{Draft, Lease, Query, SharedJournal, term};
use crate::response::ledger;
use crate::surface::script::Script;

/// More arms than this nobody reads.
const MAX_ARMS: usize = 8;
/// More replays than this are no experiment for an incident.
const MAX_REPLAYS: usize = 5_000;
/// After so many failures in a row the endpoint is taken to be gone.
const GONE: u32 = 3;
/// The longest answer that is kept, in characters.
const MAX_SAID: usize = 64 * 1024;

/// An experiment, ready.
pub struct Experiment {
    asked: ReplayAsked,
    scripts: Vec<Script>,
    /// Arm by arm, run by run.
    pinned: Vec<Vec<Pinned>>,
}

/// What an experiment can come to, before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Bounds {
    /// Runs that are run again, in all arms together.
    pub replays: u64,
    /// Questions sent at most.
    pub questions: u64,
    /// Tokens spent at most: the budget.
    pub tokens: u64,
    /// Tokens it would take if every run spends what it spent when recorded; `None` where that was not captured.
    pub expected: Option<u64>,
}

/// What happens while an experiment runs.
#[derive(Clone, Debug)]
pub enum Progress<'a> {
    /// The endpoint is busy: it is asked again after this long.
    Busy {
        /// How long.
        pause: Duration,
        /// What it said, from outside.
        why: String,
    },
    /// One replay ended.
    Ran {
        /// How many ended so far.
        done: u64,
        /// Of how many.
        of: u64,
        /// Tokens spent so far, at most.
        spent: u64,
        /// How this one ended.
        ran: &'a ReplayRan,
    },
}

/// Whether an experiment goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// It does.
    #[default]
    Not,
    /// A person stops it.
    ByPerson,
    /// What runs it is being left.
    Leaving,
}

/// Why an experiment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// All done.
    Done,
    /// A person stopped it.
    Cancelled,
    /// What ran it was left.
    Left,
    /// The next question might have cost more than was left.
    BudgetSpent,
    /// The endpoint failed again and again.
    EndpointGone,
}

/// How one replay came out.
enum One {
    Ended(ReplayRan),
    Stopped(Ended),
}

impl Experiment {
    /// Makes ready; `scripts` are those of `asked.runs`, in that order.
    ///
    /// # Errors
    /// What cannot be run, and why.
    pub fn of(asked: ReplayAsked, scripts: Vec<Script>, endpoint: &Endpoint) -> anyhow::Result<Self> {
        ensure!(!asked.arms.is_empty(), "there is no arm: name at least one");
        ensure!(asked.arms.len() <= MAX_ARMS, "more than {MAX_ARMS} arms: nobody reads that");
        ensure!(!scripts.is_empty() && asked.times > 0, "there is nothing to run again");
        let names: std::collections::BTreeSet<&str> = asked.arms.iter().map(|arm| arm.name.raw()).collect();
        ensure!(names.len() == asked.arms.len() && !names.contains(""), "every arm needs a name of its own");
        let replays =
            asked.arms.len() * scripts.len() * usize::try_from(asked.times).unwrap_or(usize::MAX).min(MAX_REPLAYS);
        ensure!(
            replays <= MAX_REPLAYS,
            "{replays} replays are more than {MAX_REPLAYS}: take fewer runs, arms or times"
        );
        let same = asked.runs.iter().eq(scripts.iter().map(|script| &script.trace));
        ensure!(same, "the scripts are not those of the runs");
        let pin = |arm| {
            let each = scripts.iter().map(|script| {
                Pinned::of(script, arm, endpoint.model.as_deref()).with_context(|| format!("run {}", script.trace))
            });
            each.collect::<anyhow::Result<Vec<Pinned>>>()
        };
        let pinned = asked.arms.iter().map(pin).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { asked, scripts, pinned })
    }

    /// What it can come to.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let replays = self.order().len() as u64;
        let each = self.asked.arms.len() as u64 * u64::from(self.asked.times);
        let recorded = self.scripts.iter().map(|script| script.tokens).sum::<Option<u64>>();
        Bounds {
            replays,
            questions: replays.saturating_mul(u64::from(MAX_CALLS)),
            tokens: self.asked.budget_tokens,
            expected: recorded.map(|tokens| tokens.saturating_mul(each)),
        }
    }

    /// Arm, run and time of every replay. The times one after the other; within one, runs and arms in an order that depends on
    /// nothing but the experiment's number: what changes at the endpoint meanwhile meets every arm alike, and an experiment that is
    /// stopped early has had about as many of each.
    fn order(&self) -> Vec<(usize, usize, u32)> {
        let place = |what: String| Digest::of(format!("{}/{what}", self.asked.replay).as_bytes());
        let mut order: Vec<_> = Vec::new();
        for time in 0..self.asked.times {
            for run in 0..self.scripts.len() {
                for arm in 0..self.asked.arms.len() {
                    let keys = (time, place(format!("{time}/{run}")), place(format!("{time}/{run}/{arm}")));
                    order.push((keys, (arm, run, time)));
                }
            }
        }
        order.sort_unstable();
        order.into_iter().map(|(_, what)| what).collect()
    }

    /// What was asked for.
    #[must_use]
    pub fn asked(&self) -> &ReplayAsked {
        &self.asked
    }

    /// The models that are asked, each once, in the order of the arms.
    #[must_use]
    pub fn models(&self) -> Vec<Untrusted> {
        let mut models: Vec<Untrusted> = Vec::new();
        for pinned in self.pinned.iter().flatten() {
            if !models.contains(pinned.model()) {
                models.push(pinned.model().clone());
            }
        }
        models
    }

    /// Records that it was asked for; nothing is sent before. From then on this process is the one that runs it.
    ///
    /// # Errors
    /// When there is no such incident, it was begun before, or it cannot be recorded.
    pub fn begin(&self, journal: &SharedJournal) -> anyhow::Result<Begun> {
        let asked = &self.asked;
        ensure!(
            ledger::life(journal, asked.incident)?.is_some(),
            "there is no incident {}: nothing was sent",
            asked.incident
        );
        let Some(lease) = journal.lease(&lease_of(asked.replay))? else {
            bail!("this experiment runs already: nothing was sent")
        };
        let receipt = self.record(journal, "asked", &asked.clone().into())?;
        ensure!(receipt == 1, "this experiment was begun before: nothing was sent");
        Ok(Begun { _lease: lease })
    }

    /// Runs it to its end: asks, and records each replay as it ends. Blocks; belongs on a blocking thread.
    ///
    /// # Errors
    /// When something cannot be recorded: no more is sent then.
    pub fn run(
        &self,
        _begun: Begun,
        journal: &SharedJournal,
        client: &Client,
        runtime: &tokio::runtime::Handle,
        mut stop: watch::Receiver<Stop>,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> anyhow::Result<(Ended, Outcome)> {
        let order = self.order();
        let (mut spent, mut failed) = (0_u64, 0_u32);
        let mut tally = Tally::of(&self.asked);
        let mut last = ReplayEnd::Failed { why: Untrusted::default() };
        let mut why = Ended::Done;
        for (arm, run, time) in &order {
            match runtime.block_on(self.one(client, (*arm, *run, *time), &mut spent, &mut stop, progress)) {
                One::Stopped(stopped) => {
                    why = stopped;
                    break;
                }
                One::Ended(ran) => {
                    failed = if matches!(ran.end, ReplayEnd::Failed { .. }) { failed + 1 } else { 0 };
                    let name = format!("{}/{}/{}", ran.arm, ran.of, ran.time);
                    self.record(journal, &name, &ran.clone().into())?;
                    tally.add(&ran);
                    let (done, of) = (tally.ended(), order.len() as u64);
                    progress(Progress::Ran { done, of, spent, ran: &ran });
                    last = ran.end;
                    if failed >= GONE && done < of {
                        why = Ended::EndpointGone;
                        break;
                    }
                }
            }
        }
        let outcome = tally.outcome();
        let words = self.words(why, &last, tally.ended(), &outcome);
        let ended = ReplayEnded { replay: self.asked.replay, incident: self.asked.incident, why: words };
        self.record(journal, "ended", &ended.into())?;
        Ok((why, outcome))
    }

    fn record(&self, journal: &SharedJournal, name: &str, fact: &Fact) -> anyhow::Result<u64> {
        let receipt = journal.append(vec![Draft::new(Time::now(), key(self.asked.replay, name), fact)]);
        Ok(receipt.context("the experiment cannot be recorded and was stopped")?.recorded)
    }

    /// What the timeline says of the end.
    fn words(&self, why: Ended, last: &ReplayEnd, done: u64, outcome: &Outcome) -> Untrusted {
        let so_far = format!("{done} of {} replays", self.order().len());
        let why = match why {
            Ended::Done => format!("done, {so_far}"),
            Ended::Cancelled => format!("cancelled by {} after {so_far}", self.asked.by.login.raw()),
            Ended::Left => format!("the console that ran it was left after {so_far}"),
            Ended::BudgetSpent => format!("stopped: the budget does not reach further than {so_far}"),
            Ended::EndpointGone => {
                let last = if let ReplayEnd::Failed { why } = last { why.raw() } else { "" };
                format!("stopped after {so_far}: the endpoint failed {GONE} times in a row, at last: {last}")
            }
        };
        format!("{why}; {}", outcome.lines().join("; ")).into()
    }

    async fn one(
        &self,
        client: &Client,
        (arm, run, time): (usize, usize, u32),
        spent: &mut u64,
        stop: &mut watch::Receiver<Stop>,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> One {
        let begun = Instant::now();
        let (script, pinned) = (&self.scripts[run], &self.pinned[arm][run]);
        let mut talk = Talk::begin(script, pinned);
        let (mut tokens_in, mut tokens_out) = (Some(0_u64), Some(0_u64));
        let (end, said) = loop {
            let ask = talk.ask();
            let body = client.body(&ask);
            // No tokenizer makes more tokens than there are bytes.
            let most_in = body.len() as u64;
            let most = most_in.saturating_add(ask.max_tokens);
            if spent.saturating_add(most) > self.asked.budget_tokens {
                return One::Stopped(Ended::BudgetSpent);
            }
            let mut busy = |pause, why| progress(Progress::Busy { pause, why });
            let answer = tokio::select! {
                biased;
                why = asked_to_stop(stop) => return One::Stopped(why),
                answer = client.ask(&body, &mut busy) => answer,
            };
            match answer {
                Ok(reply) => {
                    let cost_in = reply.tokens_in.unwrap_or(most_in);
                    let most_out =
                        reply.calls.iter().map(|call| call.arguments.len()).sum::<usize>() + reply.text.len();
                    *spent = spent.saturating_add(cost_in).saturating_add(reply.tokens_out.unwrap_or(most_out as u64));
                    tokens_in = add(tokens_in, reply.tokens_in);
                    tokens_out = add(tokens_out, reply.tokens_out);
                    if let Next::Over(end, said) = talk.hear(reply) {
                        break (end, said);
                    }
                }
                Err(trouble) => {
                    if trouble.may_cost() {
                        *spent = spent.saturating_add(most);
                        (tokens_in, tokens_out) = (None, None);
                    }
                    break (ReplayEnd::Failed { why: trouble.to_string().into() }, Untrusted::default());
                }
            }
        };
        One::Ended(ReplayRan {
            replay: self.asked.replay,
            incident: self.asked.incident,
            arm: u32::try_from(arm).unwrap_or(u32::MAX),
            of: script.trace,
            time,
            end,
            said: said.raw().chars().take(MAX_SAID).collect::<String>().into(),
            tokens_in,
            tokens_out,
            took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// Comes when somebody asks to stop; never, when nobody is left who could.
async fn asked_to_stop(stop: &mut watch::Receiver<Stop>) -> Ended {
    let why = stop.wait_for(|why| *why != Stop::Not).await.map(|why| *why);
    match why {
        Ok(Stop::Leaving) => Ended::Left,
        Ok(_) => Ended::Cancelled,
        Err(_) => std::future::pending().await,
    }
}

/// An experiment that is on record as asked for; whoever holds this is the one that runs it.
pub struct Begun {
    _lease: Box<dyn Lease>,
}

/// The key of an entry of an experiment.
fn key(replay: u64, name: &str) -> String {
    format!("replay/{replay:016x}/{name}")
}

/// Held by the process that runs an experiment, and gone with it.
fn lease_of(replay: u64) -> String {
    format!("replay-{replay:016x}")
}

/// Records the end of experiments whose process is gone: what was recorded of them stays. How many there were.
///
/// # Errors
/// When the journal cannot be read or written.
pub fn tend(journal: &SharedJournal, now: Time) -> anyhow::Result<usize> {
    let mut open: Vec<(ReplayAsked, Tally)> = Vec::new();
    let kinds = vec![Kind::ReplayAsked, Kind::ReplayEnded];
    for record in ledger::read_all(journal, Query { kinds, ..Query::default() })? {
        match record.fact()? {
            Fact::ReplayAsked(asked) => open.push((*asked.clone(), Tally::of(&asked))),
            Fact::ReplayEnded(ended) => open.retain(|(asked, _)| asked.replay != ended.replay),
            _ => {}
        }
    }
    let mut gone = 0;
    for (asked, mut tally) in open {
        let Some(_nobody_runs) = journal.lease(&lease_of(asked.replay))? else { continue };
        let (kinds, term) = (vec![Kind::ReplayRan], Some(term::incident(asked.incident.0)));
        for record in ledger::read_all(journal, Query { kinds, term, ..Query::default() })? {
            if let Fact::ReplayRan(ran) = record.fact()?
                && ran.replay == asked.replay
            {
                tally.add(&ran);
            }
        }
        let why = format!(
            "the process that ran it is gone after {} of {} replays; {}",
            tally.ended(),
            replays(&asked),
            tally.outcome().lines().join("; ")
        );
        let ended = ReplayEnded { replay: asked.replay, incident: asked.incident, why: why.into() };
        let draft = Draft::new(now, key(asked.replay, "ended"), &ended.into());
        gone += usize::from(journal.append(vec![draft])?.recorded > 0);
    }
    Ok(gone)
}

/// How many replays an experiment is.
#[must_use]
pub fn replays(asked: &ReplayAsked) -> u64 {
    (asked.arms.len() as u64).saturating_mul(asked.runs.len() as u64).saturating_mul(u64::from(asked.times))
}

fn add(sum: Option<u64>, more: Option<u64>) -> Option<u64> {
    Some(sum?.saturating_add(more?))
}

/// The script of a recorded run.
///
/// # Errors
/// When the journal cannot be read or the record does not hold enough of the run.
pub fn script(journal: &SharedJournal, trace: TraceId) -> anyhow::Result<Script> {
    let query = Query { kinds: vec![Kind::Spans], term: Some(term::trace(trace)), ..Query::default() };
    let mut spans: Vec<(Untrusted, Span)> = Vec::new();
    for record in ledger::read_all(journal, query)? {
        let Fact::Spans(batch) = record.fact()? else { continue };
        for Resource { service, items, .. } in batch.resources {
            spans.extend(items.into_iter().filter(|span| span.trace_id == trace).map(|span| (service.clone(), span)));
        }
    }
    if spans.is_empty() {
        bail!("there is no run {trace} in the journal");
    }
    Script::of(&spans).with_context(|| format!("run {trace} cannot be run again"))
}
