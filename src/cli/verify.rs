//! `warroom verify`: checks every link of the journal's chains.

use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom verify`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
    /// A checkpoint kept elsewhere, which also shows a rollback
    #[arg(long, value_name = "FILE")]
    pub against: Option<std::path::PathBuf>,
}

/// Checks and names the first fault.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom verify` is not built yet")
}
