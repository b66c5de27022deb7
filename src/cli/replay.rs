//! `warroom replay`: recorded runs again, arm against arm.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use tokio::sync::watch;

use super::config::{Config, ModelEndpoint};
use super::out::Out;
use super::secret::Secret;
use super::{Common, Exit, incidents};
use crate::engine;
use crate::event::{IncidentId, Policy, ReplayArm, ReplayAsked, ReplayEnd, Time, TraceId, Untrusted};
use crate::journal::{SharedJournal, SqliteJournal};
use crate::response;
use crate::response::replay::{self, Bounds, Client, Ended, Experiment, Outcome, Patience, Progress};
use crate::surface::sample;
use crate::surface::script::Script;

/// A prompt or a list of tools is no longer than this.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Arguments of `warroom replay`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The incident it is about: its number, such as 42 or INC-42
    #[arg(long, value_name = "N")]
    pub incident: String,
    /// The endpoint to ask, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    pub endpoint: String,
    /// An arm: name=…,model=…,prompt=…,temperature=…,tools=…; @FILE reads a value from a file, what is left out stays as recorded
    #[arg(long = "arm", required = true, value_name = "ARM")]
    pub arms: Vec<String>,
    /// Exactly this run instead of a sample; as often as wanted
    #[arg(long = "run", value_name = "TRACE")]
    pub trace: Vec<TraceId>,
    /// Sample from all runs of the incident, not only from those that failed
    #[arg(long)]
    pub all: bool,
    /// How many runs to draw
    #[arg(long, default_value_t = 10, value_name = "RUNS")]
    pub runs: usize,
    /// How often each is run again in each arm
    #[arg(long, default_value_t = 1, value_name = "TIMES")]
    pub times: u32,
    /// Tokens that may be spent in all
    #[arg(long, default_value_t = 200_000, value_name = "TOKENS")]
    pub budget: u64,
    /// Begin without asking
    #[arg(long)]
    pub yes: bool,
    /// JSON instead of text, one object
    #[arg(long)]
    pub json: bool,
}

/// What came of it, as JSON.
#[derive(Serialize)]
struct Told<'a> {
    replay: String,
    destination: &'a str,
    bounds: Bounds,
    ended: Option<Ended>,
    outcome: Option<&'a Outcome>,
    says: Vec<String>,
}

/// Runs it. Exit code 0: all done, or only shown what it would do; 1: it ended early, out of budget or because the endpoint is
/// gone; 130: it was stopped by a person.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let arms: Result<Vec<ReplayArm>, _> = args.arms.iter().map(|text| arm_of(text)).collect();
    let (Some(number), Ok(arms)) = (incidents::number(&args.incident), &arms) else {
        let why = arms
            .err()
            .map_or_else(|| "an incident is named by its number, such as 42".to_owned(), |e| format!("{e:#}"));
        out.note(&format!("warroom: {why}"));
        return Ok(Exit::Usage);
    };
    let config = Config::load(common)?;
    let Some(ModelEndpoint { endpoint, key }) = config.endpoints.iter().find(|one| one.endpoint.name == args.endpoint)
    else {
        let known: Vec<&str> = config.endpoints.iter().map(|one| one.endpoint.name.as_str()).collect();
        let known = if known.is_empty() { "none: write an [[endpoint]]".to_owned() } else { known.join(", ") };
        bail!("the configuration has no endpoint {} (it has {known})", args.endpoint);
    };
    let journal: SharedJournal = Arc::new(SqliteJournal::open(&config.journal, Time::now())?);
    let incident = IncidentId(number);
    let number = replay_number()?;
    let scripts = scripts(args, &journal, incident, number, out)?;
    let asked = ReplayAsked {
        replay: number,
        incident,
        by: response::person(),
        endpoint: endpoint.name.as_str().into(),
        arms: arms.clone(),
        runs: scripts.iter().map(|script| script.trace).collect(),
        times: args.times,
        budget_tokens: args.budget,
    };
    let experiment = Experiment::of(asked, scripts, endpoint)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let key = key.as_ref().map(Secret::reveal);
    let client = runtime.block_on(Client::connect(endpoint, key, Patience::default()))?;
    let (destination, bounds) = (client.destination(), experiment.bounds());
    let mut told = Told {
        replay: format!("{number:016x}"),
        destination: &destination,
        bounds,
        ended: None,
        outcome: None,
        says: vec![],
    };
    show(&told, args, out);
    if !args.yes && !agreed(out) {
        out.note("Nothing was sent. With --yes it begins without asking.");
        if args.json {
            out.json(&told)?;
        }
        return Ok(Exit::Good);
    }
    let (stop, cancel) = watch::channel(false);
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = stop.send(true);
        }
    });
    let mut progress = |progress: Progress<'_>| out.note(&line(&progress, arms));
    let (ended, outcome) = experiment.run(&journal, &client, runtime.handle(), cancel, &mut progress)?;
    let says = outcome.lines();
    if args.json {
        told = Told { ended: Some(ended), outcome: Some(&outcome), says, ..told };
        out.json(&told)?;
    } else {
        for line in says {
            out.line(&line)?;
        }
    }
    Ok(match ended {
        Ended::Done => Exit::Good,
        Ended::Cancelled => Exit::Ended(130),
        Ended::BudgetSpent => {
            out.note("The budget is spent: what is shown is what it reached. --budget allows more.");
            Exit::FoundWrong
        }
        Ended::EndpointGone => {
            out.note("The endpoint failed again and again: what is shown is what came before.");
            Exit::FoundWrong
        }
    })
}

/// Everything a person must know before it begins.
fn show(told: &Told<'_>, args: &Args, out: &mut Out) {
    let Bounds { replays, questions, tokens, expected } = told.bounds;
    out.note(&format!("This sends what was recorded to {}", told.destination));
    out.note(&format!("{replays} replays in {} arms, at most {questions} questions", args.arms.len()));
    let expected = expected.map_or_else(
        || "what these runs spent was not captured".to_owned(),
        |expected| format!("about {expected} if they spend what they spent when recorded"),
    );
    out.note(&format!("at most {tokens} tokens; {expected}"));
}

/// Whether the person at the terminal says yes. Where there is none, nobody does.
fn agreed(out: &mut Out) -> bool {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return false;
    }
    out.note("Begin? Type yes:");
    let mut said = String::new();
    let _ = input.lock().take(100).read_line(&mut said);
    said.trim() == "yes"
}

fn line(progress: &Progress<'_>, arms: &[ReplayArm]) -> String {
    let ran = progress.ran;
    let arm = usize::try_from(ran.arm).ok().and_then(|place| arms.get(place)).map_or("?", |arm| arm.name.raw());
    let end = match &ran.end {
        ReplayEnd::Answered { stop, why: None, .. } => format!("answered ({})", stop.raw()),
        ReplayEnd::Answered { stop, why: Some(why), .. } => format!("{} ({})", why.raw(), stop.raw()),
        ReplayEnd::OffScript { asked } => format!("off script: {}", asked.raw()),
        ReplayEnd::Failed { why } => format!("failed: {}", why.raw()),
    };
    let end = Untrusted::from(end).show_prefix(Policy::Prose, 120).as_str().to_owned();
    let Progress { done, of, spent, .. } = progress;
    format!("{done} of {of}, {spent} tokens: {arm}, run {}: {end}", ran.of)
}

/// The scripts of the runs that are named, or of a sample that does not depend on how they went beyond having failed.
fn scripts(
    args: &Args,
    journal: &SharedJournal,
    incident: IncidentId,
    seed: u64,
    out: &mut Out,
) -> anyhow::Result<Vec<Script>> {
    if !args.trace.is_empty() {
        return args.trace.iter().map(|trace| replay::script(journal, *trace)).collect();
    }
    let view = engine::picture(journal, None).context("the journal cannot be folded")?;
    let found = view.incidents.items.iter().find(|one| one.id == incident);
    let found = found.with_context(|| format!("there is no {incident} among the incidents kept in view"))?;
    let of_interest = found.runs.items.iter().filter(|run| args.all || run.bad.is_some());
    let traces = sample::draw(of_interest.map(|run| run.trace), seed, usize::MAX);
    let mut scripts = Vec::new();
    let mut left_out = Vec::new();
    for trace in &traces {
        if scripts.len() >= args.runs {
            break;
        }
        match replay::script(journal, *trace) {
            Ok(script) => scripts.push(script),
            Err(error) => left_out.push(format!("{error:#}")),
        }
    }
    if let Some(first) = left_out.first() {
        out.note(&format!("{} runs are left out, the first because: {first}", left_out.len()));
    }
    let kind = if args.all { "run" } else { "failed run" };
    ensure!(
        !scripts.is_empty(),
        "{incident} has no {kind} that can be run again{}",
        if args.all { "" } else { "; --all takes the others too" }
    );
    if scripts.len() < args.runs {
        out.note(&format!("{incident} has only {} such runs", scripts.len()));
    }
    Ok(scripts)
}

/// An arm as it is written on the command line.
fn arm_of(text: &str) -> anyhow::Result<ReplayArm> {
    let mut arm = ReplayArm::default();
    for part in text.split(',') {
        let (name, value) = part.split_once('=').with_context(|| format!("--arm {text}: {part} is not name=value"))?;
        let value = match value.strip_prefix('@') {
            Some(path) => file(path).with_context(|| format!("--arm {text}"))?,
            None => value.to_owned(),
        };
        match name.trim() {
            "name" => arm.name = value.into(),
            "model" => arm.model = Some(value.into()),
            "prompt" => arm.prompt = Some(value.into()),
            "tools" => arm.tools = Some(value.into()),
            "temperature" => {
                let number: f64 =
                    value.trim().parse().with_context(|| format!("--arm {text}: {value} is no number"))?;
                ensure!((0.0..=2.0).contains(&number), "--arm {text}: a temperature lies between 0 and 2");
                arm.temperature = Some(number);
            }
            other => bail!("--arm {text}: {other} is none of name, model, prompt, temperature, tools"),
        }
    }
    ensure!(!arm.name.is_empty(), "--arm {text}: it needs a name=…");
    Ok(arm)
}

fn file(path: &str) -> anyhow::Result<String> {
    let file = std::fs::File::open(path).with_context(|| format!("{path} cannot be opened"))?;
    let mut text = String::new();
    file.take(MAX_FILE + 1).read_to_string(&mut text).with_context(|| format!("{path} cannot be read as text"))?;
    ensure!(text.len() as u64 <= MAX_FILE, "{path} is longer than {MAX_FILE} bytes");
    Ok(text)
}

fn replay_number() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arm_is_read_with_what_it_pins() {
        let arm = arm_of("name=41,model=m,temperature=0.5").unwrap();
        assert_eq!(
            (arm.name.raw(), arm.model.as_ref().map(Untrusted::raw), arm.temperature),
            ("41", Some("m"), Some(0.5))
        );
        assert_eq!((arm.prompt, arm.tools), (None, None));
        for wrong in [
            "",
            "41",
            "model=m",
            "name=a,colour=red",
            "name=a,temperature=warm",
            "name=a,temperature=9",
            "name=a,prompt=@/no/such",
        ] {
            assert!(arm_of(wrong).is_err(), "{wrong}");
        }
    }
}
