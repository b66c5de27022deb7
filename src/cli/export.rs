//! `warroom export`: writes an incident, or all, as a bundle.

use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom export`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// The folder to make; it must not exist
    #[arg(value_name = "FOLDER")]
    pub to: std::path::PathBuf,
    /// Only this incident
    #[arg(long, value_name = "INC-N")]
    pub incident: Option<String>,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Writes it.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let _ = (args, common, out);
    anyhow::bail!("`warroom export` is not built yet")
}
