//! `warroom doctor`: checks everything the house stands on.

use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom doctor`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
    /// Drops all caches, so that they are built anew from the journal
    #[arg(long)]
    pub rebuild: bool,
}

/// Checks, and says what to do about what is wrong.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom doctor` is not built yet")
}
