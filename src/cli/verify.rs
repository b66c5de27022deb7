//! `warroom verify`: checks every link of the journal's chains, or an exported proof without any journal.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::config::Config;
use super::out::Out;
use super::{Common, Exit};
use crate::event::{Policy, Untrusted};
use crate::journal::{Checkpoint, Journal, SqliteJournal, Verdict, guard, proof};

/// Arguments of `warroom verify`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// A proof (`warroom export --incident N --proof FILE`), checked without the journal it came from
    #[arg(value_name = "PROOF")]
    pub proof: Option<PathBuf>,
    /// JSON instead of text, one object
    #[arg(long)]
    pub json: bool,
    /// A checkpoint kept elsewhere (`warroom export --checkpoint`), which also shows a rollback
    #[arg(long, visible_alias = "against", value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
}

/// A checkpoint is one small object.
const MAX_CHECKPOINT: u64 = 64 * 1024;
/// How often to say how far it is.
const SAY: Duration = Duration::from_secs(2);

#[derive(serde::Serialize)]
struct Report<'a> {
    journal: String,
    whole: bool,
    #[serde(flatten)]
    verdict: &'a Verdict,
    checkpoint: Option<&'a Checkpoint>,
}

/// Checks and names the first fault.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let against = args.checkpoint.as_deref().map(checkpoint).transpose()?;
    if let Some(path) = &args.proof {
        return proof(path, against.as_ref(), args.json, out);
    }
    let config = Config::load(common)?;
    let journal = SqliteJournal::open_read_only(&config.journal)?;
    let mut said = Instant::now();
    let verdict = journal.verify(against.as_ref(), &mut |seq, head| {
        if said.elapsed() >= SAY {
            said = Instant::now();
            out.note(&format!("checked {seq} of {head} entries"));
        }
    })?;
    let whole = verdict.broken.is_none();
    if args.json {
        let journal = config.journal.display().to_string();
        out.json(&Report { journal, whole, verdict: &verdict, checkpoint: against.as_ref() })?;
    } else {
        out.line(&told(&verdict, against.as_ref(), &config.journal))?;
    }
    Ok(if whole { Exit::Good } else { Exit::FoundWrong })
}

/// Checks a proof. Neither the configuration nor a journal is read: this may be any machine.
fn proof(path: &Path, against: Option<&Checkpoint>, json: bool, out: &mut Out) -> anyhow::Result<Exit> {
    let shown = Untrusted::from(path.display().to_string()).show(Policy::Exact).as_str().to_owned();
    let file = std::fs::File::open(path).with_context(|| format!("{shown} cannot be opened"))?;
    let checked =
        proof::check(std::io::BufReader::new(file), against).with_context(|| format!("{shown} cannot be read"))?;
    let exit = if checked.is_ok() { Exit::Good } else { Exit::FoundWrong };
    if json {
        let (proved, fault) = (checked.as_ref().ok(), checked.as_ref().err());
        out.json(&serde_json::json!({"proof": shown, "holds": fault.is_none(), "proved": proved, "fault": fault}))?;
        return Ok(exit);
    }
    let line = match &checked {
        Ok(proved) => {
            let show = |text: &str| Untrusted::from(text).show(Policy::Exact).as_str().to_owned();
            let header = &proved.header;
            let known = match (against, proved.checkpoint) {
                (Some(checkpoint), Some(true)) => format!("the checkpoint of {} knows the same chain", checkpoint.at),
                (Some(checkpoint), _) => format!(
                    "the checkpoint of {} at entry {} is of none of these links, so it says nothing of them",
                    checkpoint.at, checkpoint.head
                ),
                (None, _) => "that the chain was not made up afterwards is only seen with --checkpoint".to_owned(),
            };
            let let_go = match proved.let_go {
                0 => String::new(),
                n => format!(" (what {n} of them said was let go of since)"),
            };
            format!(
                "{shown} holds: {} entries of INC-{}{let_go}, every link of {} from entry {} to {}; {known}\nhead {} at {}, exported \
                 by {} ({}) at {} with {}\n{}",
                proved.entries,
                header.incident,
                proved.links,
                proved.first,
                header.head.head,
                header.head.digest,
                header.head.at,
                show(&header.exported_by),
                show(&header.known_by),
                header.exported_at,
                show(&header.program),
                header.statement
            )
        }
        Err(fault) => {
            let what = Untrusted::from(fault.to_string()).show(Policy::Prose).as_str().to_owned();
            format!(
                "{shown} does not hold: {what}\nIt was altered after it was written, or never was such a proof; nothing in it can be trusted"
            )
        }
    };
    out.line(&line)?;
    Ok(exit)
}

fn told(verdict: &Verdict, against: Option<&Checkpoint>, path: &Path) -> String {
    let path = path.display();
    if let Some(broken) = &verdict.broken {
        return format!(
            "{path} is broken at entry {}: {}\n{} entries before it are whole; what comes from there on cannot be trusted",
            broken.seq, broken.what, verdict.checked
        );
    }
    let rollback = match against {
        Some(checkpoint) => format!("it continues the checkpoint of {} at entry {}", checkpoint.at, checkpoint.head),
        None => "a journal put back to an older state is only seen with --checkpoint".to_owned(),
    };
    format!("{path} is whole: {} entries, every link holds; {rollback}", verdict.checked)
}

fn checkpoint(path: &Path) -> anyhow::Result<Checkpoint> {
    let file = guard::open_trusted(path)?;
    let mut text = String::new();
    file.take(MAX_CHECKPOINT)
        .read_to_string(&mut text)
        .and_then(|_| serde_json::from_str(&text).map_err(std::io::Error::from))
        .with_context(|| format!("{} is no checkpoint: make one with `warroom export --checkpoint`", path.display()))
}
