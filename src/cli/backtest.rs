//! `warroom backtest`: diagnoses recorded incidents as of their time.

use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom backtest`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Incident bundles
    #[arg(required = true, value_name = "CASE")]
    pub cases: Vec<std::path::PathBuf>,
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
    /// Compares with each case's confirmed cause and adds accuracy, Brier score and confident-wrong rate
    #[arg(long)]
    pub score: bool,
}

/// Runs each case.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom backtest` is not built yet")
}
