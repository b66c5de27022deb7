//! `warroom verify`: checks every link of the journal's chains.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::config::Config;
use super::out::Out;
use super::{Common, Exit};
use crate::journal::{Checkpoint, Journal, SqliteJournal, Verdict, guard};

/// Arguments of `warroom verify`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
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
    let config = Config::load(common)?;
    let against = args.checkpoint.as_deref().map(checkpoint).transpose()?;
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
