//! `warroom accuracy`: how often the diagnoses were right.

use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom accuracy`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
}

/// Shows it.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom accuracy` is not built yet")
}
