//! `warroom runbook`: the runbooks there are, one in full, and what is wrong with them before they are needed.

mod here;
mod rehearse;

use std::path::{Path, PathBuf};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::config::Config;
use super::out::Out;
use super::{Common, Exit};
use crate::event::{Policy, Untrusted};
use crate::response::runbook::{self, Action, Checked, Finding, Level, Mode, Runbook, Shelf, Step};

use here::ThisHost;

/// Columns that lines are filled to.
const WIDTH: usize = 80;

/// Arguments of `warroom runbook`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to do with them
    #[command(subcommand)]
    pub at: At,
}

/// What can be done with runbooks.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum At {
    /// Says what is wrong with runbooks, and which steps you could not run on this host
    Check {
        /// Only the runbooks of this folder [default: those of the configuration, and the built-in ones]
        dir: Option<PathBuf>,
        /// JSON instead of text, one object a runbook
        #[arg(long)]
        json: bool,
        /// Notes too
        #[arg(long, short)]
        verbose: bool,
    },
    /// Lists the runbooks
    List {
        /// JSON instead of text, one object a runbook
        #[arg(long)]
        json: bool,
    },
    /// Walks through a procedure that takes something back, without changing anything: reading steps and dry runs run
    Rehearse(rehearse::Args),
    /// Shows one runbook, step by step
    Show {
        /// Its name, as the list has it
        name: String,
        /// JSON instead of text, one object
        #[arg(long)]
        json: bool,
    },
}

/// Does it. A check ends with 1 when a runbook has an error.
///
/// # Errors
/// When the configuration is refused or nothing can be written.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let config = Config::load(common)?;
    match &args.at {
        At::Check { dir, json, verbose } => check(dir.as_deref(), *json, *verbose, &config, out),
        At::List { json } => list(*json, &config, out),
        At::Rehearse(args) => rehearse::run(args, &config, out),
        At::Show { name, json } => show(name, *json, &config, out),
    }
}

/// Text of a runbook on one line.
fn shown(text: &Untrusted) -> String {
    text.show(Policy::Prose).as_str().to_owned()
}

fn plural(n: usize, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

#[derive(Serialize)]
struct CheckLine<'a> {
    name: &'a str,
    place: &'a str,
    steps: usize,
    reads: usize,
    findings: Vec<FindingLine<'a>>,
    unable: Vec<UnableLine<'a>>,
}

#[derive(Serialize)]
struct FindingLine<'a> {
    level: Level,
    line: u32,
    what: &'a str,
}

#[derive(Serialize)]
struct UnableLine<'a> {
    why: &'a str,
    steps: Vec<&'a str>,
}

fn check(dir: Option<&Path>, json: bool, verbose: bool, config: &Config, out: &mut Out) -> anyhow::Result<Exit> {
    let shelf = match dir {
        Some(dir) => Shelf::of_folders(&[dir.to_owned()]),
        None => Shelf::with_built_in(&config.runbooks.dir),
    };
    let here = ThisHost::of(config, &shelf.runbooks);
    let checked: Vec<(&Runbook, Checked)> =
        shelf.runbooks.iter().map(|one| (one, runbook::check(one, &here))).collect();
    let wrong = shelf.findings.iter().any(|one| one.level == Level::Error)
        || checked.iter().any(|(_, checked)| checked.count(Level::Error) > 0);
    if json {
        for (runbook, checked) in &checked {
            out.json(&check_line(runbook, checked))?;
        }
        for finding in &shelf.findings {
            out.note(&finding.to_string());
        }
    } else {
        told(&shelf, &checked, verbose, out)?;
    }
    Ok(if wrong { Exit::FoundWrong } else { Exit::Good })
}

fn check_line<'a>(runbook: &'a Runbook, checked: &'a Checked) -> CheckLine<'a> {
    CheckLine {
        name: runbook.name.raw(),
        place: runbook.place.raw(),
        steps: runbook.steps.len(),
        reads: reads(runbook),
        findings: checked
            .findings
            .iter()
            .map(|one| FindingLine { level: one.level, line: one.line, what: one.what.raw() })
            .collect(),
        unable: checked
            .unable
            .iter()
            .map(|(why, steps)| UnableLine { why: why.raw(), steps: steps.iter().map(Untrusted::raw).collect() })
            .collect(),
    }
}

fn reads(runbook: &Runbook) -> usize {
    runbook.steps.iter().filter(|step| step.mode == Mode::Read).count()
}

fn told(shelf: &Shelf, checked: &[(&Runbook, Checked)], verbose: bool, out: &mut Out) -> anyhow::Result<()> {
    for finding in &shelf.findings {
        let place = shown(&finding.place);
        out.line(&place)?;
        tell(out, &finding_head(finding), &shown(&finding.what))?;
    }
    for (runbook, checked) in checked {
        let worth = |one: &&Finding| verbose || one.level > Level::Note;
        let findings: Vec<&Finding> = checked.findings.iter().filter(worth).collect();
        if findings.is_empty() && checked.unable.is_empty() && !verbose {
            continue;
        }
        out.line(&headed(&shown(&runbook.place), &counted(runbook)))?;
        for finding in findings {
            tell(out, &finding_head(finding), &shown(&finding.what))?;
        }
        for (why, steps) in &checked.unable {
            let some: Vec<String> = steps.iter().take(6).map(shown).collect();
            let more = if steps.len() > some.len() {
                format!(" and {} more", steps.len() - some.len())
            } else {
                String::new()
            };
            tell(out, "  not here     ", &format!("{}{more}: {}", some.join(", "), shown(why)))?;
        }
        out.line("")?;
    }
    let total = |level: Level| -> usize {
        checked.iter().map(|(_, one)| one.count(level)).sum::<usize>()
            + shelf.findings.iter().filter(|one| one.level == level).count()
    };
    let steps: usize = checked.iter().map(|(runbook, _)| runbook.steps.len()).sum();
    let reading: usize = checked.iter().map(|(runbook, _)| reads(runbook)).sum();
    let unable: usize = checked.iter().map(|(_, one)| one.steps()).sum();
    let well = checked.iter().filter(|(_, one)| one.count(Level::Error) == 0).count();
    out.line(&format!(
        "{} of {} in order; {} ({reading} only read, {} ask first)",
        well,
        plural(checked.len(), "runbook"),
        plural(steps, "step"),
        steps - reading,
    ))?;
    let notes = if verbose { "" } else { " (--verbose shows them)" };
    out.line(&format!(
        "{}, {}, {}{notes}; {} you could not run here",
        plural(total(Level::Error), "error"),
        plural(total(Level::Warning), "warning"),
        plural(total(Level::Note), "note"),
        plural(unable, "step"),
    ))?;
    Ok(())
}

fn counted(runbook: &Runbook) -> String {
    let reads = reads(runbook);
    format!("{reads} read, {} write", runbook.steps.len() - reads)
}

fn finding_head(finding: &Finding) -> String {
    let level = match finding.level {
        Level::Error => "ERROR",
        Level::Warning => "warn",
        Level::Note => "note",
    };
    format!("  {level:5} {:>5}  ", finding.line)
}

/// A heading with something at the right end of the line.
fn headed(left: &str, right: &str) -> String {
    let room = WIDTH.saturating_sub(right.width() + 2);
    if left.width() > room {
        return format!("{left}\n{right:>WIDTH$}");
    }
    format!("{left}{}{right}", " ".repeat(WIDTH - left.width() - right.width()))
}

/// Words behind a head, filled to the width; later lines begin below the first word.
fn tell(out: &mut Out, head: &str, text: &str) -> std::io::Result<()> {
    let indent = head.width();
    let mut line = head.to_owned();
    let mut used = indent;
    for word in text.split(' ') {
        let blank = usize::from(used > indent);
        if used > indent && used + blank + word.width() > WIDTH {
            out.line(line.trim_end())?;
            line = " ".repeat(indent);
            used = indent;
        }
        if used > indent {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += word.width();
    }
    out.line(line.trim_end())
}

#[derive(Serialize)]
struct ListLine<'a> {
    name: &'a str,
    title: &'a str,
    place: &'a str,
    built_in: bool,
    digest: String,
    steps: usize,
    reads: usize,
    rollback: Option<&'static str>,
}

fn list(json: bool, config: &Config, out: &mut Out) -> anyhow::Result<Exit> {
    let shelf = Shelf::with_built_in(&config.runbooks.dir);
    for finding in &shelf.findings {
        out.note(&finding.to_string());
    }
    let widest = shelf.runbooks.iter().map(|one| one.name.show(Policy::Prose).cells()).max().unwrap_or(0).min(34);
    for runbook in &shelf.runbooks {
        if json {
            out.json(&ListLine {
                name: runbook.name.raw(),
                title: runbook.title.raw(),
                place: runbook.place.raw(),
                built_in: runbook.built_in,
                digest: runbook.digest.to_string(),
                steps: runbook.steps.len(),
                reads: reads(runbook),
                rollback: runbook.rollback.as_ref().map(|back| back.of.name()),
            })?;
            continue;
        }
        let name = shown(&runbook.name);
        let pad = " ".repeat(widest.saturating_sub(name.width()));
        let room = WIDTH.saturating_sub(widest + 2 + 9);
        let title = match runbook.title.show_prefix(Policy::Prose, room) {
            whole if whole.is_whole() => whole.into_cow().into_owned(),
            _ => format!("{}…", runbook.title.show_prefix(Policy::Prose, room.saturating_sub(1)).as_str()),
        };
        let fill = " ".repeat(room.saturating_sub(title.width()));
        let read = reads(runbook);
        out.line(&format!("{name}{pad}  {}{fill}  {read:>2} r {:>2} w", title, runbook.steps.len() - read))?;
    }
    if shelf.runbooks.is_empty() {
        out.note("there are no runbooks");
    }
    Ok(Exit::Good)
}

#[derive(Serialize)]
struct ShowLine<'a> {
    name: &'a str,
    title: &'a str,
    place: &'a str,
    digest: String,
    inputs: Vec<&'a str>,
    rollback: Option<&'static str>,
    wont_return: Vec<&'a str>,
    steps: Vec<StepLine<'a>>,
}

#[derive(Serialize)]
struct StepLine<'a> {
    name: &'a str,
    line: u32,
    reads: bool,
    why: &'a str,
    text: &'a str,
    effects: Vec<runbook::Effect>,
    inputs: Vec<&'a str>,
    verify: Option<&'a str>,
    rollback: Option<&'a str>,
}

fn show(name: &str, json: bool, config: &Config, out: &mut Out) -> anyhow::Result<Exit> {
    let shelf = Shelf::with_built_in(&config.runbooks.dir);
    let Some(runbook) = shelf.get(name) else {
        out.note(&format!("warroom: there is no runbook {name}; `warroom runbook list` names them"));
        return Ok(Exit::FoundWrong);
    };
    if json {
        out.json(&show_line(runbook))?;
        return Ok(Exit::Good);
    }
    out.line(&headed(&shown(&runbook.title), &counted(runbook)))?;
    out.line(&shown(&runbook.place))?;
    if let Some(back) = &runbook.rollback {
        out.line("")?;
        out.line(&format!("takes back: {}", back.of.name()))?;
        for gone in &back.wont_return {
            tell(out, "  stays as it is: ", &shown(gone))?;
        }
    }
    for point in &runbook.escalate {
        tell(out, "  call: ", &format!("{} ({}) {}", shown(&point.who), when(&point.when), shown(&point.why)))?;
    }
    let widest = runbook.inputs.iter().map(|input| input.name.raw().len()).max().unwrap_or(0);
    for input in &runbook.inputs {
        let default =
            input.default.as_ref().map_or_else(String::new, |value| format!("; {} if nothing else", shown(value)));
        tell(out, &format!("  needs {:widest$}  ", input.name.raw()), &format!("{}{default}", shown(&input.about)))?;
    }
    for step in &runbook.steps {
        out.line("")?;
        step_text(step, out)?;
    }
    Ok(Exit::Good)
}

fn when(when: &runbook::When) -> String {
    match when {
        runbook::When::Before(step) => format!("before {}", shown(step)),
        runbook::When::Severity(severity) => format!("severity {severity:?} and above").to_lowercase(),
        runbook::When::Tier(tier) => format!("tier {} and above", tier.0),
        runbook::When::Always => "always".to_owned(),
    }
}

fn step_text(step: &Step, out: &mut Out) -> std::io::Result<()> {
    let mode = match step.mode {
        Mode::Read => "reads ",
        Mode::Write => "WRITES",
    };
    tell(out, &format!("{mode}  {}  ", shown(&step.name)), &shown(&step.why))?;
    for line in step.text.lines() {
        out.line(&format!("        {}", line.show(Policy::Code).as_str()))?;
    }
    let mut more: Vec<String> = step.effects.iter().map(|effect| effect.says().to_owned()).collect();
    more.extend(step.verify.as_ref().map(|name| format!("shown by {}", shown(name))));
    more.extend(step.rollback.as_ref().map(|name| format!("taken back by {}", shown(name))));
    more.extend(step.stage.share.map(|share| format!("{:.0} % of the traffic", share * 100.0)));
    if let Action::Sql { database: Some(name), .. } = &step.action {
        more.push(format!("in {}", shown(name)));
    }
    if !more.is_empty() {
        tell(out, "        ", &more.join(", "))?;
    }
    Ok(())
}

fn show_line(runbook: &Runbook) -> ShowLine<'_> {
    ShowLine {
        name: runbook.name.raw(),
        title: runbook.title.raw(),
        place: runbook.place.raw(),
        digest: runbook.digest.to_string(),
        inputs: runbook.inputs.iter().map(|input| input.name.raw()).collect(),
        rollback: runbook.rollback.as_ref().map(|back| back.of.name()),
        wont_return: runbook.rollback.iter().flat_map(|back| &back.wont_return).map(Untrusted::raw).collect(),
        steps: runbook.steps.iter().map(step_line).collect(),
    }
}

fn step_line(step: &Step) -> StepLine<'_> {
    StepLine {
        name: step.name.raw(),
        line: step.line,
        reads: step.mode == Mode::Read,
        why: step.why.raw(),
        text: step.text.raw(),
        effects: step.effects.iter().copied().collect(),
        inputs: step.inputs.iter().map(Untrusted::raw).collect(),
        verify: step.verify.as_ref().map(Untrusted::raw),
        rollback: step.rollback.as_ref().map(Untrusted::raw),
    }
}
