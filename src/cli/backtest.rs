//! `warroom backtest`: diagnoses recorded incidents as of their time.
//!
//! A case takes the ordinary path: the bundle's entries go into a journal (in memory), the engine's fold takes them in and derives
//! incidents and diagnoses as of the page. Nothing that happened later is given to it, and `truth.json` is read by the scorer alone.
//! The journal's own incidents, and what other systems kept of theirs, go the same way.

mod ablation;
mod against;
mod fit;
mod history;
mod judge;
mod past;
mod progress;
mod score;

use std::path::{Path, PathBuf};

use super::out::Out;
use super::{Common, Exit, house};
use crate::event::Time;
use ablation::Ablation;
use against::Against;
use judge::{Answer, Case};
use progress::Progress;

/// Arguments of `warroom backtest`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Incident bundles, or folders that hold some
    #[arg(required_unless_present_any = ["past", "history"], value_name = "CASE")]
    pub cases: Vec<PathBuf>,
    /// The journal's own incidents, each as of its page
    #[arg(long, conflicts_with = "cases")]
    pub past: bool,
    /// What Alertmanager, PagerDuty or Prometheus kept: JSON documents as they gave them out
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["cases", "past"])]
    pub history: Vec<PathBuf>,
    /// With --past or --history: only incidents opened since then
    #[arg(long, value_name = "TIME", conflicts_with = "cases")]
    pub since: Option<Time>,
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
    /// Compares with each case's confirmed cause and adds accuracy, calibration, Brier score and confident-wrong rate
    #[arg(long)]
    pub score: bool,
    /// Compares with what an earlier version printed with --json for the same cases
    #[arg(long, value_name = "FILE", requires = "cases")]
    pub against: Option<PathBuf>,
    /// Says how each family of cases does without each detector, and what time and memory a case costs
    #[arg(long, requires = "cases", conflicts_with_all = ["fit", "against", "score"])]
    pub ablation: bool,
    /// Fits a calibration to the cases and writes it to FILE
    #[arg(long, value_name = "FILE", requires = "cases")]
    pub fit: Option<PathBuf>,
}

/// Folders are searched so deep.
const MAX_DEPTH: usize = 6;

/// Runs each case.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    if args.past {
        return past(args, common, out);
    }
    if !args.history.is_empty() {
        return history(args, out);
    }
    let mut folders = Vec::new();
    for path in &args.cases {
        find(path, 0, &mut folders);
        anyhow::ensure!(path.exists(), "{} does not exist: give a folder that holds a bundle.json", path.display());
    }
    anyhow::ensure!(
        !folders.is_empty(),
        "no bundle.json was found in what was given: a case is a folder that holds one"
    );
    let mut against = args.against.as_deref().map(Against::read).transpose()?;
    let mut rows = fit::Rows::default();
    let mut ablation = Ablation::default();
    let mut progress = Progress::begin();
    let mut tally = score::Tally::default();
    let mut failed = 0_usize;
    for (number, folder) in folders.iter().enumerate() {
        match judge::case(folder) {
            Ok(case) => {
                let mark = score::mark(&case);
                if let Some(mark) = &mark {
                    tally.add(mark);
                    if let (Some(against), Some(given)) = (&mut against, mark.given()) {
                        against.add(&case, given);
                    }
                }
                if args.ablation {
                    ablation.add(&case);
                } else if args.fit.is_some() {
                    rows.add(&case);
                } else {
                    let Case { mut answer, .. } = case;
                    answer.score = mark.filter(|_| args.score);
                    print(&answer, args, out)?;
                }
            }
            Err(error) => {
                failed += 1;
                out.error(&error);
            }
        }
        progress.said(number as u64 + 1, folders.len() as u64, "cases", &mut |text| out.note(text));
    }
    let mut lines = Vec::new();
    if args.score {
        lines.extend(tally.lines());
    }
    if let Some(against) = &against {
        lines.extend(against.lines());
    }
    if args.ablation {
        lines.extend(ablation.lines());
    }
    if let Some(to) = &args.fit {
        lines.extend(rows.write(to)?);
    }
    say(&lines, args, out)?;
    Ok(if failed > 0 { Exit::FoundWrong } else { Exit::Good })
}

fn past(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let journal = house::read_only(common)?;
    let mut progress = Progress::begin();
    let mut tally = score::Tally::default();
    let answers = past::run(&*journal, args.since, &mut progress, |text| out.note(text))?;
    for answer in &answers {
        if let Some(mark) = &answer.score {
            tally.add(mark);
        }
        print(answer, args, out)?;
    }
    let mut lines = vec![past::about()];
    lines.extend(tally.lines());
    say(&lines, args, out)?;
    Ok(Exit::Good)
}

fn history(args: &Args, out: &mut Out) -> anyhow::Result<Exit> {
    let (drafts, warnings) = history::read(&args.history)?;
    for warning in &warnings {
        out.note(warning);
    }
    let mut progress = Progress::begin();
    let answers = history::run(drafts, args.since, &mut progress, |text| out.note(text))?;
    for answer in &answers {
        print(answer, args, out)?;
    }
    let line = format!(
        "{} incidents, each judged as of its page; what they really were is not in such files, so nothing is scored",
        answers.len()
    );
    say(&[line], args, out)?;
    Ok(if warnings.is_empty() { Exit::Good } else { Exit::FoundWrong })
}

fn print(answer: &Answer, args: &Args, out: &mut Out) -> anyhow::Result<()> {
    if args.json {
        out.json(answer)?;
        return Ok(());
    }
    judge::show(answer, out)
}

/// What is said of all cases: beside the objects, where those are asked for.
fn say(lines: &[String], args: &Args, out: &mut Out) -> anyhow::Result<()> {
    for line in lines {
        if args.json { out.note(line) } else { out.line(line)? }
    }
    Ok(())
}

/// Finds cases in `path`, in order of name.
fn find(path: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if path.join("bundle.json").is_file() {
        found.push(path.to_owned());
        return;
    }
    if depth >= MAX_DEPTH {
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return };
    let mut inner: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    inner.sort();
    for path in &inner {
        find(path, depth + 1, found);
    }
}
