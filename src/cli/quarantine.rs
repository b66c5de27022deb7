//! `warroom quarantine`: the deliveries that were refused.

use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom quarantine`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
    /// At most so many, newest first
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
}

/// Lists them.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom quarantine` is not built yet")
}
