//! `warroom ingest`: records a bundle or events from a file or standard input.

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::config::Config;
use super::out::Out;
use super::{Common, Exit};
use crate::event::Time;
use crate::intake::bundle::{self, Warnings};
use crate::journal::{Draft, Journal};

/// Arguments of `warroom ingest`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// A bundle folder, an NDJSON file of CloudEvents, or - for standard input
    #[arg(required = true, value_name = "BUNDLE|FILE|-")]
    pub from: Vec<std::path::PathBuf>,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// What became of one bundle, file or pipe.
#[derive(Debug, Serialize)]
struct Ingested {
    from: String,
    recorded: u64,
    repeated: u64,
    warnings: Vec<String>,
    warnings_hidden: u64,
}

/// Drafts recorded in one transaction: large enough to be quick, small enough to let others write in between.
const PORTION: usize = 2_000;

/// Records them and says how many were new. A line that cannot be read is named, and makes the exit code 1.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let config = Config::load(common)?;
    let journal = config.open_journal()?;
    let mut exit = Exit::Good;
    for from in &args.from {
        let name = from.display().to_string();
        let (drafts, warnings) = read(from)?;
        if drafts.is_empty() {
            anyhow::ensure!(
                warnings.is_empty(),
                "{name} holds no readable line; the first trouble: {}",
                first(&warnings)
            );
        }
        let ingested = record(&journal, name, drafts, warnings)?;
        for warning in &ingested.warnings {
            out.note(warning);
        }
        if !ingested.warnings.is_empty() {
            exit = Exit::FoundWrong;
        }
        if args.json {
            out.json(&ingested)?;
        } else {
            let Ingested { from, recorded, repeated, warnings_hidden, .. } = &ingested;
            let skipped = ingested.warnings.len() as u64 + warnings_hidden;
            out.line(&format!("{from}: {recorded} recorded, {repeated} known already, {skipped} lines with warnings"))?;
        }
    }
    Ok(exit)
}

fn first(warnings: &Warnings) -> String {
    warnings.shown.first().map(ToString::to_string).unwrap_or_default()
}

fn read(from: &Path) -> anyhow::Result<(Vec<Draft>, Warnings)> {
    if from.as_os_str() == "-" {
        return bundle::stream(std::io::stdin().lock(), Time::now()).context("standard input cannot be read");
    }
    if from.is_dir() {
        let bundle = bundle::read(from)?;
        return Ok((bundle.drafts, bundle.warnings));
    }
    let open = || format!("{} cannot be read", from.display());
    bundle::stream(File::open(from).with_context(open)?, Time::now()).with_context(open)
}

fn record(journal: &dyn Journal, from: String, drafts: Vec<Draft>, warnings: Warnings) -> anyhow::Result<Ingested> {
    let (mut recorded, mut repeated) = (0, 0);
    let mut drafts = drafts.into_iter().peekable();
    while drafts.peek().is_some() {
        let receipt = journal.append(drafts.by_ref().take(PORTION).collect())?;
        recorded += receipt.recorded;
        repeated += receipt.duplicates;
    }
    let Warnings { shown, hidden } = warnings;
    Ok(Ingested {
        from,
        recorded,
        repeated,
        warnings: shown.iter().map(ToString::to_string).collect(),
        warnings_hidden: hidden,
    })
}
