//! `warroom demo`: a recorded incident, played live.

use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom demo`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Which recorded incident: assistant or shop
    #[arg(default_value = "assistant")]
    pub incident: String,
}

/// Plays it.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom demo` is not built yet")
}
