//! `warroom serve`: the house without a screen.

use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom serve`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {}

/// Runs until a signal.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom serve` is not built yet")
}
