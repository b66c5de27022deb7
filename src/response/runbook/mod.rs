//! Runbooks: Markdown in a folder, whose fenced blocks are steps.
//!
//! A team's runbook works as it is: each block of a shell-like language, SQL, HTTP or `PromQL` is a step, and counts as a write
//! until something shows that it only reads: a table of commands, or its author's word and the wall. Nothing here runs
//! anything. What a file holds is data: nothing panics on it, and everything that is wrong with it is said with file and line.

mod matching;
mod pattern;
mod request;
mod template;
mod types;

pub use matching::{Facts, Known, Match, known, matched};
pub use pattern::{Glob, Pattern};
pub use request::Surroundings;
pub use template::{Template, Unfilled, Values};
pub use types::{
    Action, Effect, Escalation, Finding, Host, Input, KnownFrom, Level, Matches, Mode, Reversible, Rollback,
    RollbackOf, Runbook, Stage, Step, When,
};
