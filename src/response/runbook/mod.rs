//! Runbooks: Markdown in a folder, whose fenced blocks are steps.
//!
//! A team's runbook works as it is: each block of a shell-like language, SQL, HTTP or `PromQL` is a step, and counts as a write
//! until something shows that it only reads: a table of commands, or its author's word and the wall. Nothing here runs
//! anything. What a file holds is data: nothing panics on it, and everything that is wrong with it is said with file and line.

mod attributes;
mod blocks;
mod check;
mod effect;
mod effects;
mod front;
mod info;
mod matching;
mod meaning;
mod parse;
mod pattern;
mod places;
mod questions;
mod reading;
mod request;
mod says;
mod script;
mod shelf;
mod sql;
mod steps;
mod template;
#[cfg(test)]
mod tests;
mod tree;
mod types;
mod words;

pub use check::{Checked, Here, check};
pub use effect::{Effect, Reversible};
pub use matching::{Facts, Known, Match, known, matched};
pub use meaning::Meaning;
pub use pattern::{Glob, Pattern};
pub use request::Surroundings;
pub use shelf::{Library, Shelf};
pub use template::{Template, Unfilled, Values};
/// What a request that changes something does besides, as far as its words tell.
#[must_use]
pub fn effects_of(request: &crate::event::Request) -> std::collections::BTreeSet<Effect> {
    use crate::event::{Request, Untrusted};
    match request {
        Request::Process { argv } => {
            let words: Vec<String> = argv.iter().map(|word: &Untrusted| word.raw().to_owned()).collect();
            effects::of_command(&words, Mode::Write).effects
        }
        Request::Http { method, url, .. } => effects::of_http(method.raw(), url.raw(), Mode::Write).effects,
        Request::Sql { statement, .. } => effects::of_sql(statement.raw(), Mode::Write).effects,
    }
}

pub use types::{
    Action, Escalation, Finding, Host, Input, KnownFrom, Level, Matches, Mode, Parameter, Rollback, RollbackOf,
    Runbook, Stage, Step, TARGET, When,
};
