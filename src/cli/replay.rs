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
use crate::event::{IncidentId, Policy, ReplayArm, ReplayAsked, ReplayEnd, TokenPrice, TraceId, Untrusted, money};
use crate::journal::SharedJournal;
use crate::response;
use crate::response::replay::{
    self, Bounds, Client, Ended, Experiment, LocalLab, Outcome, Patience, Pin, Progress, Stop,
};
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
    #[arg(long = "arm", required_unless_present = "as_before", value_name = "ARM")]
    pub arms: Vec<String>,
    /// As recorded against this as it was before the incident, taken from the runs before it; as often as wanted
    #[arg(long = "as-before", value_name = "WHAT", value_parser = ["prompt", "model", "tools", "temperature"])]
    pub as_before: Vec<String>,
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
    let journal: SharedJournal = Arc::new(config.open_journal()?);
    let incident = IncidentId(number);
    let number = replay::number()?;
    let scripts = scripts(args, &journal, incident, number, out)?;
    let arms = [as_before(args, &journal, incident, &scripts)?, arms.clone()].concat();
    let asked = ReplayAsked {
        replay: number,
        incident,
        by: response::person(),
        endpoint: endpoint.name.as_str().into(),
        arms: arms.clone(),
        runs: scripts.iter().map(|script| script.trace).collect(),
        times: args.times,
        budget_tokens: args.budget,
        price: endpoint.price,
    };
    let experiment = Experiment::of(asked, scripts, endpoint)?;
    let count = arms.len();
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
    show(&told, count, endpoint.price, out);
    if !args.yes && !agreed(out) {
        out.note("Nothing was sent. With --yes it begins without asking.");
        if args.json {
            out.json(&told)?;
        }
        return Ok(Exit::Good);
    }
    let (stop, stopped) = watch::channel(Stop::Not);
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = stop.send(Stop::ByPerson);
        }
    });
    let mut progress = |progress: Progress<'_>| out.note(&line(&progress, &arms));
    let begun = experiment.begin(&journal)?;
    let (ended, outcome) = experiment.run(begun, &journal, &client, runtime.handle(), stopped, &mut progress)?;
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
        Ended::Cancelled | Ended::Left => Exit::Ended(130),
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
fn show(told: &Told<'_>, arms: usize, price: Option<TokenPrice>, out: &mut Out) {
    let Bounds { replays, questions, tokens, expected } = told.bounds;
    out.note(&format!("This sends what was recorded to {}", told.destination));
    out.note(&format!("{replays} replays in {arms} arms, at most {questions} questions"));
    let expected = expected.map_or_else(
        || "what these runs spent was not captured".to_owned(),
        |expected| format!("about {expected} if they spend what they spent when recorded"),
    );
    let most = price.map_or_else(String::new, |price| format!(", at most {} in money", money(price.most(tokens))));
    out.note(&format!("at most {tokens} tokens{most}; {expected}"));
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
    let shown = |text: String| Untrusted::from(text).show_prefix(Policy::Prose, 120).as_str().to_owned();
    let (done, of, spent, ran) = match progress {
        Progress::Busy { pause, why } => {
            return format!("busy, asked again in {:.0} s: {}", pause.as_secs_f64().ceil(), shown(why.clone()));
        }
        Progress::Ran { done, of, spent, ran } => (done, of, spent, ran),
    };
    let arm = usize::try_from(ran.arm).ok().and_then(|place| arms.get(place)).map_or("?", |arm| arm.name.raw());
    let end = match &ran.end {
        ReplayEnd::Answered { stop, why: None, .. } => format!("answered ({})", stop.raw()),
        ReplayEnd::Answered { stop, why: Some(why), .. } => format!("{} ({})", why.raw(), stop.raw()),
        ReplayEnd::OffScript { asked } => format!("off script: {}", asked.raw()),
        ReplayEnd::Failed { why } => format!("failed: {}", why.raw()),
    };
    format!("{done} of {of}, {spent} tokens: {}, run {}: {}", shown(arm.to_owned()), ran.of, shown(end))
}

/// The arms in which something is as it was before the incident, behind one in which all is as recorded.
fn as_before(
    args: &Args,
    journal: &SharedJournal,
    incident: IncidentId,
    since: &[Script],
) -> anyhow::Result<Vec<ReplayArm>> {
    if args.as_before.is_empty() {
        return Ok(Vec::new());
    }
    let view = engine::picture(journal, None).context("the journal cannot be folded")?;
    let found = view.incidents.items.iter().find(|one| one.id == incident);
    let drawn = found.and_then(|one| one.reading.as_ref()).map(|reading| reading.drawn.as_slice()).unwrap_or_default();
    let before: Vec<TraceId> = drawn.iter().filter(|one| one.before).map(|one| one.trace).collect();
    let before = LocalLab::surveyed(journal, &before);
    let moved = replay::moved(&before, since);
    let mut arms = vec![replay::as_recorded()];
    for pin in Pin::ALL.into_iter().filter(|pin| args.as_before.iter().any(|name| name == pin.name())) {
        let Some(one) = moved.iter().find(|one| one.pin == pin) else {
            bail!(
                "--as-before {0}: in {1} runs before {incident} most had no {0} that is another since; give its value \
                 with --arm name=…,{0}=@FILE",
                pin.name(),
                before.len()
            );
        };
        arms.push(one.arm());
    }
    Ok(arms)
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
    let kind = if args.all { "run" } else { "failed run" };
    let more = if args.all { "" } else { "; --all takes the others too" };
    ensure!(!traces.is_empty(), "{incident} has no {kind}{more}");
    let (scripts, left_out) =
        replay::scripts(journal, &traces, args.runs).with_context(|| format!("of {incident}{more}"))?;
    if let Some((runs, first)) = left_out {
        let first = first.show(Policy::Prose);
        out.note(&format!("{runs} runs are left out, the first because: {}", first.as_str()));
    }
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
