//! The command line: one file a command.
//!
//! **For:** turning arguments into a run of the house, and the result into text or JSON and an exit code.
//! **In:** `argv`, the environment, the configuration. **Out:** one command's run; lines and JSON through [`out::Out`];
//! an [`Exit`].
//! **Never:** draws, knows a storage format, or writes to a terminal other than through [`out`].
//!
//! Exit codes: 0 it went well; 1 it ran and found something wrong (a broken chain, a refused line, a wrong answer);
//! 2 it could not be done; 64 the command line or the configuration is not understood.

mod accuracy;
mod backtest;
pub mod config;
mod console;
mod demo;
mod doctor;
mod export;
mod hands;
mod harm;
pub mod house;
mod incidents;
mod ingest;
mod listening;
pub mod out;
mod pace;
mod plans;
mod policy;
mod quarantine;
mod reading;
mod replay;
mod runbook;
mod secret;
mod serve;
mod telling;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use out::Out;

/// How a command that could be run ended. One that could not is an error (exit code 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it went well.
    Good,
    /// 1: it ran and found something wrong.
    FoundWrong,
    /// 64: the arguments contradict each other or make no sense together.
    Usage,
    /// Ended from outside: 128 and the signal's number.
    Ended(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::FoundWrong => 1,
            Exit::Usage => 64,
            Exit::Ended(code) => code,
        })
    }
}

/// Exit code of a command that could not be done.
const COULD_NOT: u8 = 2;

/// A terminal war room for whoever holds the pager.
///
/// Without a command it opens the console: full screen, on the journal of this host, listening for alerts on loopback.
#[derive(Debug, Parser)]
#[command(name = "warroom", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 went well, 1 found something wrong, 2 could not be done, 64 arguments or configuration not understood";

/// Arguments every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Common {
    /// Configuration file [default: ~/.config/warroom/warroom.toml, if it exists]
    #[arg(long, global = true, env = "WARROOM_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Journal file [default: journal.db in the state folder]
    #[arg(long, global = true, env = "WARROOM_JOURNAL", value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Where to listen for alerts, changes and traces [default: 127.0.0.1:9095]
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<std::net::SocketAddr>,
    /// Readable lines instead of a full screen
    #[arg(long, global = true)]
    pub plain: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Opens the full-screen console (the default)
    Console(console::Args),
    /// Listens, correlates and diagnoses without a screen
    Serve(serve::Args),
    /// Plays a recorded incident live, on a journal of its own
    Demo(demo::Args),
    /// Records an incident bundle, or events from standard input
    Ingest(ingest::Args),
    /// Lists the incidents
    Incidents(incidents::Args),
    /// Shows how often the diagnoses were right
    Accuracy(accuracy::Args),
    /// Diagnoses recorded incidents as of their time
    Backtest(backtest::Args),
    /// Runs recorded runs again against a model, with prompt, model or tools pinned
    Replay(replay::Args),
    /// Lists and checks the runbooks
    Runbook(runbook::Args),
    /// Checks that no entry of the journal was altered or lost
    Verify(verify::Args),
    /// Lists the actions that wait, run or ended; stops one, or switches all changes off
    Plans(plans::Args),
    /// Lists whom an incident harmed, what cannot be undone, what can be stopped and what is frozen
    Harm(harm::Args),
    /// Says what the rules of tiers and approvals ask of an action
    Policy(policy::Args),
    /// Writes an incident, or the whole journal, as a bundle
    Export(export::Args),
    /// Checks configuration, paths, ports, services and terminal
    Doctor(doctor::Args),
    /// Lists the deliveries that were refused, and why
    Quarantine(quarantine::Args),
}

/// Runs the command the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    // A stage of the wall around a step that reads: before any thread is begun.
    if let Some(code) = crate::response::wall::enter() {
        return code;
    }
    let mut out = Out::standard();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => return usage(&refused, &mut out),
    };
    match run(cli, &mut out) {
        Ok(exit) => exit.into(),
        // The reader has what it wanted and left (`| head`): that is no failure.
        Err(error) if out::reader_left(&error) => ExitCode::SUCCESS,
        Err(error) => {
            out.error(&error);
            if error.downcast_ref::<config::Refused>().is_some() {
                Exit::Usage.into()
            } else {
                ExitCode::from(COULD_NOT)
            }
        }
    }
}

fn run(cli: Cli, out: &mut Out) -> anyhow::Result<Exit> {
    let common = &cli.common;
    match cli.command.unwrap_or_else(|| Command::Console(console::Args::default())) {
        Command::Console(args) => console::run(&args, common, out),
        Command::Serve(args) => serve::run(&args, common, out),
        Command::Demo(args) => demo::run(&args, common, out),
        Command::Ingest(args) => ingest::run(&args, common, out),
        Command::Plans(args) => plans::run(&args, common, out),
        Command::Harm(args) => harm::run(&args, common, out),
        Command::Policy(args) => policy::run(args, common, out),
        Command::Incidents(args) => incidents::run(&args, common, out),
        Command::Accuracy(args) => accuracy::run(&args, common, out),
        Command::Backtest(args) => backtest::run(&args, common, out),
        Command::Replay(args) => replay::run(&args, common, out),
        Command::Runbook(args) => runbook::run(&args, common, out),
        Command::Verify(args) => verify::run(&args, common, out),
        Command::Export(args) => export::run(&args, common, out),
        Command::Doctor(args) => doctor::run(&args, common, out),
        Command::Quarantine(args) => quarantine::run(&args, common, out),
    }
}

/// Help and version go to stdout; anything else is a usage error.
fn usage(refused: &clap::Error, out: &mut Out) -> ExitCode {
    let text = refused.render().to_string();
    let asked = !refused.use_stderr();
    for line in text.lines() {
        if asked {
            if out.line(line).is_err() {
                break;
            }
        } else {
            out.note(line);
        }
    }
    if asked { ExitCode::SUCCESS } else { Exit::Usage.into() }
}
