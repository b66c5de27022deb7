//! From a step to exactly what would run.

use std::fmt::Write as _;

use crate::event::{Request, Untrusted};

use super::template::{Fit, Piece, Template, Unfilled, Values};
use super::types::{Action, Parameter, Runbook, Step};

/// What the house knows that a step may need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Base address of the configured Prometheus, such as `http://127.0.0.1:9090/`.
    pub prometheus: Option<Untrusted>,
}

/// The shell of a script, and how it is asked: it ends at the first failure and at a name that is not set.
const SHELL: [&str; 2] = ["/bin/sh", "-euc"];
/// What a script is called in its own messages.
const SCRIPT: &str = "runbook";

impl Runbook {
    /// The step of this name.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name.raw() == name)
    }

    /// Exactly what a step of this runbook would run with these values.
    ///
    /// # Errors
    /// The input that nothing fills or whose value cannot stand where it is asked for, or what is not configured.
    pub fn request(&self, step: &Step, values: &Values, around: &Surroundings) -> Result<Request, Unfilled> {
        self.of_action(&step.action, values, around)
    }

    /// Exactly what its dry run would run; `None` where it has none.
    ///
    /// # Errors
    /// As [`Runbook::request`].
    #[must_use]
    pub fn dry_run(&self, step: &Step, values: &Values, around: &Surroundings) -> Option<Result<Request, Unfilled>> {
        step.dry_run.as_ref().map(|action| self.of_action(action, values, around))
    }

    fn of_action(&self, action: &Action, values: &Values, around: &Surroundings) -> Result<Request, Unfilled> {
        Ok(match action {
            Action::Command(words) => {
                Request::Process { argv: words.iter().map(|word| word.fill(values)).collect::<Result<_, _>>()? }
            }
            Action::Script { text, parameters } => Request::Process { argv: script(text, parameters, values)? },
            Action::Http { method, url, body } => {
                Request::Http { method: method.clone(), url: url.fill(values)?, body: body.fill(values)? }
            }
            Action::Sql { database, statement } => {
                let missing = || Unfilled {
                    input: "database".into(),
                    what: "no database is named: `databases:` in the front matter, or database=NAME on the block"
                        .to_owned(),
                };
                let database = database.as_ref().or(self.databases.first()).cloned().ok_or_else(missing)?;
                Request::Sql { database, statement: statement.fill(values)? }
            }
            Action::Promql(query) => {
                let missing = || Unfilled {
                    input: "prometheus".into(),
                    what: "no Prometheus is configured: [prometheus] url = …".to_owned(),
                };
                let base = around.prometheus.as_ref().ok_or_else(missing)?.raw();
                let query = query.fill(values)?;
                let query = percent_encoding::utf8_percent_encode(query.raw(), percent_encoding::NON_ALPHANUMERIC);
                let slash = if base.ends_with('/') { "" } else { "/" };
                let url = format!("{base}{slash}api/v1/query?query={query}");
                Request::Http { method: "GET".into(), url: url.into(), body: Untrusted::default() }
            }
        })
    }
}

/// The script with its values behind it: they are words of their own and never part of its text.
fn script(text: &Untrusted, parameters: &[Parameter], values: &Values) -> Result<Vec<Untrusted>, Unfilled> {
    let mut whole = String::new();
    for (nth, Parameter { variable, .. }) in parameters.iter().enumerate() {
        let blank = if nth == 0 { "" } else { " " };
        let _ = write!(whole, "{blank}{}=${{{}}}", variable.raw(), nth + 1);
    }
    if !parameters.is_empty() {
        whole.push('\n');
    }
    whole.push_str(text.raw());
    let mut argv: Vec<Untrusted> = SHELL.into_iter().map(Untrusted::from).collect();
    argv.push(whole.into());
    if !parameters.is_empty() {
        argv.push(SCRIPT.into());
    }
    for Parameter { input, .. } in parameters {
        // The script may hand it on to another interpreter, so only what means nothing to any is filled in.
        let word = Template(vec![Piece::Input { name: input.raw().to_owned(), fit: Fit::Plain }]);
        argv.push(word.fill(values)?);
    }
    Ok(argv)
}

/// The shell variable of an input.
pub(super) fn variable(name: &str) -> String {
    name.replace('-', "_")
}
