//! `warroom ingest`: records a bundle or events from a file or standard input.

use super::out::Out;
use super::{Common, Exit};

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

/// Records them and says how many were new.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom ingest` is not built yet")
}
