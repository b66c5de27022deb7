//! `warroom doctor`: checks everything the house stands on, and says what to do about what is wrong.

mod checks;
mod host;
mod recorder;

use serde::Serialize;

use super::config::Config;
use super::out::Out;
use super::{Common, Exit};
use crate::intake::limits;
use crate::journal::Journal as _;

/// Arguments of `warroom doctor`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// A closer look at one thing
    #[command(subcommand)]
    pub at: Option<At>,
    /// JSON instead of text, one object
    #[arg(long)]
    pub json: bool,
    /// Drops all caches, so that they are built anew from the journal
    #[arg(long)]
    pub rebuild: bool,
    /// Shows the table of limits too
    #[arg(long)]
    pub limits: bool,
}

/// What can be looked at more closely.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum At {
    /// What services that run agents do not record: the field, the question without an answer, and the mend
    Recorder(recorder::Args),
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Good,
    /// It works, with something to know.
    Note,
    /// It does not work.
    Bad,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
struct Check {
    state: State,
    what: &'static str,
    found: String,
}

impl Check {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Good, what, found: found.into() }
    }

    fn note(what: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Note, what, found: found.into() }
    }

    fn bad(what: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Bad, what, found: found.into() }
    }
}

/// One limit, as JSON.
#[derive(Serialize)]
struct LimitLine {
    name: &'static str,
    value: u64,
    unit: &'static str,
    beyond: &'static str,
}

#[derive(Serialize)]
struct Report {
    version: &'static str,
    good: bool,
    checks: Vec<Check>,
    limits: Vec<LimitLine>,
}

/// Checks, and says what to do about what is wrong. Ends with 1 when something does not work.
///
/// # Errors
/// When the caches were to be dropped and could not be.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    if let Some(At::Recorder(args)) = &args.at {
        return recorder::run(args, common, out);
    }
    let mut checks = Vec::new();
    match Config::load(common) {
        Ok(config) => {
            if args.rebuild {
                config.open_journal()?.drop_projections()?;
                checks.push(Check::good("caches", "dropped; they are built anew at the next start"));
            }
            checks.extend(checks::of(&config));
        }
        Err(refused) => checks.push(Check::bad("configuration", refused.to_string())),
    }
    checks.extend(host::checks());
    let good = checks.iter().all(|check| check.state != State::Bad);
    if args.json {
        let limits = limits::TABLE
            .iter()
            .map(|limit| LimitLine { name: limit.name, value: limit.value, unit: limit.unit, beyond: limit.beyond })
            .collect();
        out.json(&Report { version: env!("CARGO_PKG_VERSION"), good, checks, limits })?;
    } else {
        text(args, &checks, out)?;
    }
    Ok(if good { Exit::Good } else { Exit::FoundWrong })
}

fn text(args: &Args, checks: &[Check], out: &mut Out) -> std::io::Result<()> {
    let width = checks.iter().map(|check| check.what.len()).max().unwrap_or(0);
    for check in checks {
        let sign = match check.state {
            State::Good => "ok  ",
            State::Note => "note",
            State::Bad => "BAD ",
        };
        out.line(&format!("{sign}  {:width$}  {}", check.what, check.found))?;
    }
    if args.limits {
        out.line("")?;
        for limit in limits::TABLE {
            let name = limit.name.to_ascii_lowercase().replace('_', " ");
            out.line(&format!("{name:24} {:>12} {:16} beyond it: {}", limit.value, limit.unit, limit.beyond))?;
        }
    }
    Ok(())
}
