//! `warroom`: starts a command and ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    warroom::cli::main()
}
