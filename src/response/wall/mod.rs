//! The wall between observing and changing: what only reads runs where the kernel lets it change nothing.
//!
//! **For:** running a step that reads (a process, an HTTP question, an SQL question) and keeping what it says.
//! **In:** the exact [`Request`], and its [`Surroundings`]: which hosts and files were declared, which are hidden, how much of
//! everything. **Out:** what was [`Read`] and how it ended; before that, whether this kernel can hold a step at all
//! ([`Standing`]).
//! **Never:** starts a shell that was not asked for, hands on an environment, follows a redirect, or runs anything where the kernel
//! cannot hold it: there a step that reads asks like one that writes.
//!
//! A process runs in three stages of this same program, since nothing may be done between `fork` and `exec` without unsafe code:
//! `process` starts `warroom wall --stage=1`, which leaves the host's name spaces, makes the file system read-only and stands
//! between the command and the network (`stage`, `ground`, `lines`); that starts `--stage=2`, the first process of a space of
//! processes of its own, which gives up every right it does not need (`rights`), starts the command and ends with it. The
//! kernel ends all that is left in that space with its first process: nothing outlives the command.

mod address;
mod ground;
mod http;
mod kinds;
mod lines;
mod order;
mod process;
mod rights;
mod sql;
mod stage;
mod standing;
mod weigh;

use std::time::Instant;

use crate::event::Request;

pub use address::{Declared, forbidden};
pub use kinds::{Database, Limits, Read, Surroundings, WallError};
pub use order::PATH;
pub use process::program;
pub use stage::enter;
pub use standing::{Standing, standing, standing_of};

/// Runs what only reads, and waits for it: this blocks, and belongs on a blocking thread. `on_output` is given pieces of what it says as it says it, all of it; `cancel` is asked
/// some twenty times a second whether somebody wants it ended.
///
/// A request that the wall does not take (another method than GET or HEAD, a host that was not declared, two statements) is no
/// error: it is a [`Refused`](crate::event::ReadEnd::Refused) that says why, and nothing was run.
///
/// # Errors
/// Nothing was run, and not because of the request: the wall does not stand here, or this process has no room for it.
pub fn read(
    request: &Request,
    around: &Surroundings,
    on_output: &mut dyn FnMut(&[u8]),
    cancel: &dyn Fn() -> bool,
) -> Result<Read, WallError> {
    let began = Instant::now();
    let mut heard = kinds::Heard::new(around.limits, on_output);
    let ended = match request {
        Request::Process { argv } => process::run(argv, around, &mut heard, cancel)?,
        Request::Http { method, url, body } => http::ask(method, url, body, around, &mut heard, cancel)?,
        Request::Sql { database, statement } => sql::ask(database, statement, around, &mut heard, cancel)?,
    };
    let (output, output_bytes) = heard.done();
    Ok(Read { ended, output, output_bytes, took: began.elapsed() })
}
