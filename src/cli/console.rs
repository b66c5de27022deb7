//! `warroom console`: the full screen.

use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom console`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {}

/// Opens the console.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom console` is not built yet")
}
