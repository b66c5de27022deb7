//! `warroom incidents`: the incidents, one a line.

use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom incidents`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Only this one, whole
    #[arg(value_name = "INC-N")]
    pub incident: Option<String>,
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
    /// As it was known at this moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

/// Lists them.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom incidents` is not built yet")
}
