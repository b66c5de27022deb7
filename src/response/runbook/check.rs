//! What could go wrong with a runbook before it is needed: what its text leaves open, and what cannot run here.

use std::collections::BTreeMap;

use crate::event::Untrusted;

use super::reading;
use super::types::{Action, Finding, Host, Level, Mode, Runbook, Step};

/// What this person on this host has. Whoever asks looks; this room does not.
pub trait Here {
    /// Whether a program is where steps look for one.
    fn has_program(&self, name: &str) -> bool;
    /// Whether a host answers at its port; otherwise why not.
    ///
    /// # Errors
    /// In words.
    fn reaches(&self, host: &Host) -> Result<(), String>;
    /// Whether a database of this name is configured.
    fn has_database(&self, name: &str) -> bool;
    /// Whether a Prometheus is configured.
    fn has_prometheus(&self) -> bool;
    /// Why the wall does not stand; `None` = it does.
    fn wall_lacks(&self) -> Option<String>;
    /// Whether there are hosts that every reading step may reach.
    fn has_hosts(&self) -> bool;
}

/// What was found about one runbook.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// What is wrong or odd, by line.
    pub findings: Vec<Finding>,
    /// Why steps cannot run here: the reason, and the steps it holds back.
    pub unable: BTreeMap<Untrusted, Vec<Untrusted>>,
}

impl Checked {
    /// How many findings are of this level.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|one| one.level == level).count()
    }

    /// Steps that cannot run here, each once.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.unable.values().flatten().collect::<std::collections::BTreeSet<_>>().len()
    }
}

/// Programs that do nothing without a network.
const OVER_THE_NETWORK: [&str; 15] = [
    "kubectl",
    "oc",
    "helm",
    "curl",
    "promtool",
    "amtool",
    "psql",
    "pg_isready",
    "redis-cli",
    "valkey-cli",
    "dig",
    "ping",
    "nc",
    "traceroute",
    "openssl",
];

/// Looks a runbook over.
#[must_use]
pub fn check(runbook: &Runbook, here: &dyn Here) -> Checked {
    let mut checked = Checked { findings: runbook.findings.clone(), unable: BTreeMap::new() };
    let mut say = |level: Level, line: u32, what: String| {
        checked.findings.push(Finding { level, place: runbook.place.clone(), line, what: what.into() });
    };
    if runbook.steps.is_empty() && runbook.findings.iter().all(|one| one.level != Level::Error) {
        say(Level::Warning, 1, "no step is in it: a step is a fenced block of sh, sql, http or promql".to_owned());
    }
    if runbook.matches.iter().all(super::Matches::is_empty) {
        say(Level::Note, 1, "nothing says what it is for (`matches`): it is found by hand only".to_owned());
    }
    for input in &runbook.inputs {
        let name = input.name.raw();
        if !input.declared {
            let what = format!(
                "{name} is filled from the alert's label of that name, if there is one; declare it in `inputs` to say more"
            );
            say(Level::Note, input.line, what);
        } else if input.from.is_empty() && input.default.is_none() {
            say(
                Level::Note,
                input.line,
                format!("nothing fills the input {name} by itself (`from`, `default`): a person gives it"),
            );
        }
    }
    for step in &runbook.steps {
        let fence = step.line.saturating_sub(1).max(1);
        let name = step.name.raw();
        if step.mode == Mode::Write && step.rollback.is_none() && step.verify.is_none() {
            let what = format!(
                "{name} writes, and names no step that takes it back (rollback=) or shows that it worked (verify=)"
            );
            say(Level::Warning, fence, what);
        }
        if step.mode == Mode::Read && step.shell {
            say(
                Level::Warning,
                fence,
                format!("{name} is a shell script that is declared reading: only the wall holds it to that"),
            );
        }
        let program = program_of(step);
        let over = program.as_deref().is_some_and(|name| OVER_THE_NETWORK.contains(&reading::base_name(name)));
        if step.mode == Mode::Read && over && step.hosts.is_empty() && !here.has_hosts() {
            let what =
                format!("{name} reads over the network, and no host is declared: `hosts:`, hosts= or [runbooks] hosts");
            say(Level::Note, fence, what);
        }
    }
    for step in &runbook.steps {
        for why in unable(runbook, step, here) {
            checked.unable.entry(why.into()).or_default().push(step.name.clone());
        }
    }
    checked.findings.sort_by_key(|one| (one.line, std::cmp::Reverse(one.level)));
    checked
}

/// Why one step cannot run here.
fn unable(runbook: &Runbook, step: &Step, here: &dyn Here) -> Vec<String> {
    let mut why = Vec::new();
    if let Some(program) = program_of(step).filter(|program| !here.has_program(program)) {
        why.push(format!("there is no program {program} on this host"));
    }
    match &step.action {
        Action::Sql { database, .. } => match database.as_ref().or(runbook.databases.first()) {
            None => why.push("no database is named (`databases:` or database=)".to_owned()),
            Some(name) if !here.has_database(name.raw()) => {
                why.push(format!("no database is configured by the name {} ([[database]])", name.raw()));
            }
            Some(_) => {}
        },
        Action::Promql(_) if !here.has_prometheus() => {
            why.push("no Prometheus is configured ([prometheus] url)".to_owned());
        }
        _ => {}
    }
    if step.mode == Mode::Read {
        if let Some(lacks) = here.wall_lacks() {
            why.push(format!("not by itself, since the wall does not stand: {lacks}"));
        }
        for host in &step.hosts {
            if let Err(bad) = here.reaches(host) {
                why.push(format!("{}:{} {bad}", host.name.raw(), host.port));
            }
        }
    }
    why
}

/// The program that a step starts, where its text tells.
fn program_of(step: &Step) -> Option<String> {
    match &step.action {
        Action::Command(words) => words.first().and_then(super::Template::literal),
        Action::Script { .. } => Some("/bin/sh".to_owned()),
        _ => None,
    }
}
