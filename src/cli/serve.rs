//! `warroom serve`: the house without a screen.

use super::house::{House, With};
use super::out::Out;
use super::{Common, Exit};

/// Arguments of `warroom serve`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {}

/// Runs until a signal.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(_args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let mut house = House::open(common, With::SERVE)?;
    for address in house.addresses() {
        out.note(&format!("listening on {address}, recording into {}", house.config.journal.display()));
    }
    house.wait_for_signal()?;
    house.close();
    Ok(Exit::Good)
}
