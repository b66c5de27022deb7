//! `warroom backtest`: diagnoses recorded incidents as of their time.
//!
//! A case takes the ordinary path: the bundle's entries go into a journal (in memory), the engine's fold takes them in and derives
//! incidents and diagnoses as of the page. Nothing that happened later is given to it, and `truth.json` is read by the scorer alone.

mod score;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

use super::out::Out;
use super::{Common, Exit};
use crate::correlation::Correlator;
use crate::diagnosis::ENGINE;
use crate::engine::Fold;
use crate::event::{Diagnosis, Fact, Fingerprint, IncidentId, Policy, Seq, Time, Untrusted};
use crate::intake::bundle;
use crate::journal::{Journal as _, Query, SqliteJournal};

/// Arguments of `warroom backtest`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Incident bundles, or folders that hold some
    #[arg(required = true, value_name = "CASE")]
    pub cases: Vec<PathBuf>,
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
    /// Compares with each case's confirmed cause and adds accuracy, Brier score and confident-wrong rate
    #[arg(long)]
    pub score: bool,
}

/// Folders are searched so deep.
const MAX_DEPTH: usize = 6;
/// Entries recorded at once.
const CHUNK: usize = 2_000;
/// Rounds of deriving: an incident is opened in one and diagnosed in the next.
const MAX_ROUNDS: usize = 6;
/// A line of progress so often.
const EVERY: Duration = Duration::from_secs(2);

/// What the engine says of one case: the contract of `warroom backtest --json`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Answer {
    case: Untrusted,
    as_of: Time,
    engine: &'static str,
    elapsed_ms: u64,
    hypotheses: Vec<Guess>,
    none_of_these: f64,
    first_failing: Option<Untrusted>,
    blast_radius: Vec<Untrusted>,
    remediation: Option<Untrusted>,
    onset: Option<Time>,
    incident: Grouping,
    headline: Option<Untrusted>,
    /// Resolved incidents the probabilities were calibrated on; 0 = uncalibrated, they are shares of belief.
    calibrated_on: u32,
    not_checked: Vec<Untrusted>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<score::Mark>,
}

/// One hypothesis.
#[derive(Clone, Debug, Serialize)]
struct Guess {
    rank: usize,
    surface: &'static str,
    subject: Option<Untrusted>,
    change: Option<Untrusted>,
    probability: f64,
    mechanism: Untrusted,
    evidence_for: Vec<String>,
    evidence_against: Vec<String>,
    falsifiers: Vec<Untrusted>,
    next_check: Untrusted,
}

/// How the alerts were grouped.
#[derive(Clone, Debug, Default, Serialize)]
struct Grouping {
    alerts: usize,
    groups: usize,
    assignments: BTreeMap<String, u64>,
    roots: BTreeMap<String, Untrusted>,
}

/// Runs each case.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, _common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let mut folders = Vec::new();
    for path in &args.cases {
        find(path, 0, &mut folders);
        anyhow::ensure!(path.exists(), "{} does not exist: give a folder that holds a bundle.json", path.display());
    }
    anyhow::ensure!(
        !folders.is_empty(),
        "no bundle.json was found in what was given: a case is a folder that holds one"
    );
    let begun = Instant::now();
    let mut said = Instant::now();
    let watched = std::io::stderr().is_terminal();
    let mut tally = score::Tally::default();
    let mut failed = 0_usize;
    for (number, folder) in folders.iter().enumerate() {
        match case(folder, args.score) {
            Ok(answer) => {
                if let Some(mark) = &answer.score {
                    tally.add(mark);
                }
                if args.json { out.json(&answer)? } else { show(&answer, out)? }
            }
            Err(error) => {
                failed += 1;
                out.error(&error);
            }
        }
        if watched && said.elapsed() >= EVERY {
            said = Instant::now();
            let done = number + 1;
            #[expect(clippy::cast_precision_loss, reason = "a count of folders is far below 2^52")]
            let left = begun.elapsed().as_secs_f64() / (done as f64) * ((folders.len() - done) as f64);
            out.note(&format!("{done} of {} cases, about {left:.0} s left", folders.len()));
        }
    }
    if args.score {
        for line in tally.lines() {
            if args.json { out.note(&line) } else { out.line(&line)? }
        }
    }
    Ok(if failed > 0 { Exit::FoundWrong } else { Exit::Good })
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

/// One case, as of its page.
fn case(folder: &Path, score: bool) -> anyhow::Result<Answer> {
    let bundle = bundle::read(folder).with_context(|| format!("{} cannot be judged", folder.display()))?;
    let begun = Instant::now();
    let as_of = bundle.as_of;
    let journal = SqliteJournal::in_memory()?;
    let known: Vec<_> = bundle.drafts.into_iter().filter(|draft| draft.at <= as_of).collect();
    for chunk in known.chunks(CHUNK) {
        journal.append(chunk.to_vec())?;
    }
    let mut fold = Fold::new();
    let mut seen = Seen::default();
    take_in(&journal, &mut fold, &mut seen)?;
    for _ in 0..MAX_ROUNDS {
        let drafts = fold.derive_all(as_of);
        if drafts.is_empty() {
            break;
        }
        journal.append(drafts)?;
        take_in(&journal, &mut fold, &mut seen)?;
    }
    let grouping = seen.grouping();
    let diagnosis = seen.diagnosis(&grouping);
    let mut warnings: Vec<String> = bundle.warnings.shown.iter().map(ToString::to_string).collect();
    if bundle.warnings.hidden > 0 {
        warnings.push(format!("{} more lines could not be read", bundle.warnings.hidden));
    }
    let mut answer = Answer {
        case: bundle.name,
        as_of,
        engine: ENGINE,
        elapsed_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        hypotheses: diagnosis.map(guesses).unwrap_or_default(),
        none_of_these: diagnosis.map_or(1.0, |diagnosis| diagnosis.none_of_these),
        first_failing: diagnosis.and_then(|diagnosis| diagnosis.first_failing.clone()),
        blast_radius: diagnosis.map(|diagnosis| diagnosis.blast_radius.clone()).unwrap_or_default(),
        remediation: diagnosis.and_then(|diagnosis| diagnosis.remediation.clone()),
        onset: diagnosis.and_then(|diagnosis| diagnosis.onset),
        incident: grouping,
        headline: diagnosis.map(|diagnosis| diagnosis.headline.clone()),
        calibrated_on: diagnosis.and_then(|d| d.hypotheses.first()).map_or(0, |first| first.confidence.calibrated_on),
        not_checked: diagnosis.map(|diagnosis| diagnosis.not_checked.clone()).unwrap_or_default(),
        warnings,
        score: None,
    };
    if score {
        answer.score = bundle::read_truth(folder)?.map(|truth| score::mark(&answer, &truth, bundle.kind.raw()));
    }
    Ok(answer)
}

/// Everything of the journal the fold has not taken in yet.
fn take_in(journal: &SqliteJournal, fold: &mut Fold, seen: &mut Seen) -> anyhow::Result<()> {
    loop {
        let records = journal.read(&Query { after: seen.head, limit: CHUNK, ..Query::default() })?;
        let Some(last) = records.last() else { return Ok(()) };
        seen.head = last.seq;
        for record in &records {
            seen.take(record.fact()?);
        }
        fold.apply_all(&records);
    }
}

/// What the entries say, for printing.
#[derive(Default)]
struct Seen {
    head: Seq,
    correlator: Correlator,
    alerts: BTreeMap<Fingerprint, Option<IncidentId>>,
    diagnoses: BTreeMap<IncidentId, Diagnosis>,
}

impl Seen {
    fn take(&mut self, fact: Fact) {
        self.correlator.apply(&fact);
        match fact {
            Fact::Alert(alert) => {
                self.alerts.entry(alert.fingerprint).or_insert(None);
            }
            Fact::Grouped(grouped) => {
                for print in grouped.alerts {
                    self.alerts.insert(print, Some(grouped.incident));
                }
            }
            Fact::Diagnosed(diagnosis) => {
                self.diagnoses.insert(diagnosis.incident, *diagnosis);
            }
            _ => {}
        }
    }

    fn grouping(&self) -> Grouping {
        let placed = || self.alerts.iter().filter_map(|(print, incident)| Some((print, (*incident)?)));
        let incidents: std::collections::BTreeSet<IncidentId> = placed().map(|(_, incident)| incident).collect();
        let root = |id: &IncidentId| Some((id.0.to_string(), self.correlator.root(*id)?.component));
        Grouping {
            alerts: self.alerts.len(),
            groups: incidents.len(),
            assignments: placed().map(|(print, incident)| (print.to_string(), incident.0)).collect(),
            roots: incidents.iter().filter_map(root).collect(),
        }
    }

    /// The diagnosis of the incident with most alerts; of equals, the first opened.
    fn diagnosis(&self, grouping: &Grouping) -> Option<&Diagnosis> {
        let mut sizes: BTreeMap<u64, usize> = BTreeMap::new();
        grouping.assignments.values().for_each(|incident| *sizes.entry(*incident).or_default() += 1);
        let diagnosed = sizes.into_iter().filter_map(|(id, size)| Some((size, self.diagnoses.get(&IncidentId(id))?)));
        diagnosed
            .max_by_key(|(size, diagnosis)| (*size, std::cmp::Reverse(diagnosis.incident)))
            .map(|(_, diagnosis)| diagnosis)
    }
}

fn guesses(diagnosis: &Diagnosis) -> Vec<Guess> {
    let names = |ids: &[crate::event::EvidenceId]| ids.iter().map(ToString::to_string).collect();
    let ranked = diagnosis.hypotheses.iter().enumerate();
    ranked
        .map(|(place, hypothesis)| Guess {
            rank: place + 1,
            surface: hypothesis.cause.surface.name(),
            subject: hypothesis.cause.subject.clone(),
            change: hypothesis.cause.change.clone(),
            probability: hypothesis.confidence.share,
            mechanism: hypothesis.mechanism.clone(),
            evidence_for: names(&hypothesis.evidence_for),
            evidence_against: names(&hypothesis.evidence_against),
            falsifiers: hypothesis.falsifiers().iter().map(|falsifier| falsifier.0.clone()).collect(),
            next_check: hypothesis.next_check.0.clone(),
        })
        .collect()
}

/// One case for people.
fn show(answer: &Answer, out: &mut Out) -> anyhow::Result<()> {
    let say = |text: &Untrusted| text.show(Policy::Prose).as_str().to_owned();
    let headline = answer.headline.as_ref().map_or_else(|| "no alert, nothing to diagnose".to_owned(), say);
    out.line(&format!("{}  {headline}", say(&answer.case)))?;
    for guess in answer.hypotheses.iter().take(3) {
        let subject = guess.subject.as_ref().map(|subject| format!(" {}", say(subject))).unwrap_or_default();
        let change = guess.change.as_ref().map(|change| format!(" change {}", say(change))).unwrap_or_default();
        out.line(&format!(
            "  {:>4.0} %  {}{subject}{change}: {}",
            guess.probability * 100.0,
            guess.surface,
            say(&guess.mechanism)
        ))?;
    }
    out.line(&format!("  {:>4.0} %  none of these", answer.none_of_these * 100.0))?;
    let calibrated = if answer.calibrated_on == 0 { "shares of belief, uncalibrated" } else { "calibrated" };
    out.line(&format!(
        "          {} alerts in {} incidents; {} ms; {calibrated}",
        answer.incident.alerts, answer.incident.groups, answer.elapsed_ms
    ))?;
    if let Some(mark) = &answer.score {
        out.line(&format!("          {}", mark.line()))?;
    }
    for warning in &answer.warnings {
        out.line(&format!("  warning: {warning}"))?;
    }
    Ok(())
}
