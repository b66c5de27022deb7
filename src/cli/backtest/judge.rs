//! One recorded incident, judged as of its page.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::score;
use crate::cli::out::Out;
use crate::correlation::Correlator;
use crate::diagnosis::ENGINE;
use crate::engine::Fold;
use crate::event::{
    Cause, Diagnosis, Direction, Fact, Fingerprint, Hypothesis, IncidentId, Policy, Seq, Surface, Time, Untrusted,
};
use crate::intake::bundle::{self, TruthFile};
use crate::journal::{Draft, Journal as _, Query, SqliteJournal};

/// Entries recorded at once.
const CHUNK: usize = 2_000;
/// Rounds of deriving: an incident is opened in one and diagnosed in the next.
const MAX_ROUNDS: usize = 6;

/// What the engine says of one case: the contract of `warroom backtest --json`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Answer {
    pub case: Untrusted,
    as_of: Time,
    engine: &'static str,
    pub elapsed_ms: u64,
    pub hypotheses: Vec<Guess>,
    /// What the hypotheses rest on, by id.
    evidence: Vec<Found>,
    pub none_of_these: f64,
    first_failing: Option<Untrusted>,
    blast_radius: Vec<Untrusted>,
    remediation: Option<Untrusted>,
    onset: Option<Time>,
    pub incident: Grouping,
    headline: Option<Untrusted>,
    /// Resolved incidents the probabilities were calibrated on; 0 = uncalibrated, they are shares of belief.
    calibrated_on: u32,
    /// Which calibration, by name.
    calibration: Option<String>,
    not_checked: Vec<Untrusted>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<score::Mark>,
}

/// What a hypothesis says, and how surely: all that a score looks at. Read back from what an earlier version printed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Said {
    pub surface: Untrusted,
    #[serde(default)]
    pub subject: Option<Untrusted>,
    #[serde(default)]
    pub change: Option<Untrusted>,
    pub probability: f64,
    /// Against "none of these", before calibration, nats.
    #[serde(default)]
    pub log_odds: Option<f64>,
}

/// One hypothesis.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Guess {
    rank: usize,
    #[serde(flatten)]
    pub said: Said,
    mechanism: Untrusted,
    evidence_for: Vec<String>,
    evidence_against: Vec<String>,
    falsifiers: Vec<Untrusted>,
    next_check: Untrusted,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
struct Found {
    id: String,
    detector: Untrusted,
    /// Log likelihood ratio, nats; positive speaks for the hypothesis that names it.
    weight: f64,
    text: Untrusted,
}

/// How the alerts were grouped.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Grouping {
    alerts: usize,
    groups: usize,
    pub assignments: BTreeMap<String, u64>,
    roots: BTreeMap<String, Untrusted>,
}

/// A bundle, judged.
pub(super) struct Case {
    pub answer: Answer,
    pub diagnosis: Option<Diagnosis>,
    pub truth: Option<TruthFile>,
    /// The bundle's kind, such as `ranking`.
    pub kind: Untrusted,
}

/// The bundle in `folder`, as of its page.
pub(super) fn case(folder: &Path) -> anyhow::Result<Case> {
    let bundle = bundle::read(folder).with_context(|| format!("{} cannot be judged", folder.display()))?;
    let begun = Instant::now();
    let as_of = bundle.as_of;
    let mut room = Room::new()?;
    room.take_in(bundle.drafts.into_iter().filter(|draft| draft.at <= as_of).collect())?;
    room.derive(as_of)?;
    let grouping = room.seen.grouping();
    let diagnosis = room.seen.diagnosis(&grouping).cloned();
    let mut warnings: Vec<String> = bundle.warnings.shown.iter().map(ToString::to_string).collect();
    if bundle.warnings.hidden > 0 {
        warnings.push(format!("{} more lines could not be read", bundle.warnings.hidden));
    }
    let mut answer = Answer::new(bundle.name, as_of, begun.elapsed(), diagnosis.as_ref(), grouping);
    answer.warnings = warnings;
    let truth = bundle::read_truth(folder)?;
    Ok(Case { answer, diagnosis, truth, kind: bundle.kind })
}

impl Case {
    /// Its family, as its truth says. A stated onset that is late makes no family of its own.
    pub(super) fn family(&self) -> String {
        let said = self.truth.as_ref().and_then(|truth| truth.more.get("family")?.as_str());
        said.unwrap_or("cases").trim_end_matches("-late").to_owned()
    }
}

impl Said {
    pub(super) fn of(hypothesis: &Hypothesis) -> Self {
        Self {
            surface: hypothesis.cause.surface.name().into(),
            subject: hypothesis.cause.subject.clone(),
            change: hypothesis.cause.change.clone(),
            probability: hypothesis.confidence.share,
            log_odds: hypothesis.confidence.log_odds,
        }
    }

    /// The cause it names; `None` where its surface has no name that is known here.
    pub(super) fn cause(&self) -> Option<Cause> {
        let surface = Surface::ALL.into_iter().find(|surface| surface.name() == self.surface.raw())?;
        Some(Cause { surface, subject: self.subject.clone(), change: self.change.clone() })
    }
}

impl Grouping {
    /// One incident with these alerts.
    pub(super) fn of(assignments: BTreeMap<String, u64>) -> Self {
        Self { alerts: assignments.len(), groups: 1, assignments, roots: BTreeMap::new() }
    }
}

impl Answer {
    /// What `diagnosis` says as of `as_of`; without one, nothing.
    pub fn new(
        case: Untrusted,
        as_of: Time,
        took: Duration,
        diagnosis: Option<&Diagnosis>,
        incident: Grouping,
    ) -> Self {
        Self {
            case,
            as_of,
            engine: ENGINE,
            elapsed_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            hypotheses: diagnosis.map(guesses).unwrap_or_default(),
            evidence: diagnosis.map(found).unwrap_or_default(),
            none_of_these: diagnosis.map_or(1.0, |diagnosis| diagnosis.none_of_these),
            first_failing: diagnosis.and_then(|diagnosis| diagnosis.first_failing.clone()),
            blast_radius: diagnosis.map(|diagnosis| diagnosis.blast_radius.clone()).unwrap_or_default(),
            remediation: diagnosis.and_then(|diagnosis| diagnosis.remediation.clone()),
            onset: diagnosis.and_then(|diagnosis| diagnosis.onset),
            incident,
            headline: diagnosis.map(|diagnosis| diagnosis.headline.clone()),
            calibrated_on: diagnosis.and_then(|d| d.calibration).map_or(0, |calibration| calibration.cases()),
            calibration: diagnosis.and_then(|d| d.calibration).map(|calibration| calibration.name()),
            not_checked: diagnosis.map(|diagnosis| diagnosis.not_checked.clone()).unwrap_or_default(),
            warnings: Vec::new(),
            score: None,
        }
    }
}

/// A journal in memory with its fold: the ordinary path, for what is judged here.
pub(super) struct Room {
    journal: SqliteJournal,
    pub fold: Fold,
    pub seen: Seen,
}

impl Room {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { journal: SqliteJournal::in_memory()?, fold: Fold::new(), seen: Seen::default() })
    }

    /// Records drafts and takes them in.
    pub fn take_in(&mut self, drafts: Vec<Draft>) -> anyhow::Result<()> {
        let mut drafts = drafts.into_iter().peekable();
        while drafts.peek().is_some() {
            self.journal.append(drafts.by_ref().take(CHUNK).collect())?;
        }
        loop {
            let records = self.journal.read(&Query { after: self.seen.head, limit: CHUNK, ..Query::default() })?;
            let Some(last) = records.last() else { return Ok(()) };
            self.seen.head = last.seq;
            for record in &records {
                self.seen.take(record.fact()?);
            }
            self.fold.apply_all(&records);
        }
    }

    /// Derives incidents and diagnoses as of `as_of`.
    pub fn derive(&mut self, as_of: Time) -> anyhow::Result<()> {
        for _ in 0..MAX_ROUNDS {
            let drafts = self.fold.derive_all(as_of);
            if drafts.is_empty() {
                break;
            }
            self.take_in(drafts)?;
        }
        Ok(())
    }
}

/// What the entries say, for printing.
#[derive(Default)]
pub(super) struct Seen {
    head: Seq,
    correlator: Correlator,
    alerts: BTreeMap<Fingerprint, Option<IncidentId>>,
    pub diagnoses: BTreeMap<IncidentId, Diagnosis>,
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

    pub fn grouping(&self) -> Grouping {
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

    /// The incidents above `highest` that hold alerts, in order.
    pub fn opened_above(&self, highest: IncidentId) -> Vec<IncidentId> {
        let opened: std::collections::BTreeSet<IncidentId> =
            self.alerts.values().flatten().copied().filter(|id| *id > highest).collect();
        opened.into_iter().collect()
    }

    /// The alerts of one incident.
    pub fn grouping_of(&self, id: IncidentId) -> Grouping {
        let ours = self.alerts.iter().filter(|(_, incident)| **incident == Some(id));
        let mut grouping = Grouping::of(ours.map(|(print, _)| (print.to_string(), id.0)).collect());
        grouping.roots = self.correlator.root(id).map(|root| (id.0.to_string(), root.component)).into_iter().collect();
        grouping
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

fn found(diagnosis: &Diagnosis) -> Vec<Found> {
    let sign = |direction| if direction == Direction::For { 1.0 } else { -1.0 };
    diagnosis
        .evidence
        .iter()
        .map(|found| Found {
            id: found.id.to_string(),
            detector: found.detector.clone(),
            weight: (sign(found.direction) * found.weight * 1e4).round() / 1e4,
            text: found.text.clone(),
        })
        .collect()
}

fn guesses(diagnosis: &Diagnosis) -> Vec<Guess> {
    let names = |ids: &[crate::event::EvidenceId]| ids.iter().map(ToString::to_string).collect();
    let ranked = diagnosis.hypotheses.iter().enumerate();
    ranked
        .map(|(place, hypothesis)| Guess {
            rank: place + 1,
            said: Said::of(hypothesis),
            mechanism: hypothesis.mechanism.clone(),
            evidence_for: names(&hypothesis.evidence_for),
            evidence_against: names(&hypothesis.evidence_against),
            falsifiers: hypothesis.falsifiers().iter().map(|falsifier| falsifier.0.clone()).collect(),
            next_check: hypothesis.next_check.0.clone(),
        })
        .collect()
}

/// One case for people.
pub(super) fn show(answer: &Answer, out: &mut Out) -> anyhow::Result<()> {
    let say = |text: &Untrusted| text.show(Policy::Prose).as_str().to_owned();
    let headline = answer.headline.as_ref().map_or_else(|| "no alert, nothing to diagnose".to_owned(), say);
    out.line(&format!("{}  {headline}", say(&answer.case)))?;
    for guess in answer.hypotheses.iter().take(3) {
        let subject = guess.said.subject.as_ref().map(|subject| format!(" {}", say(subject))).unwrap_or_default();
        let change = guess.said.change.as_ref().map(|change| format!(" change {}", say(change))).unwrap_or_default();
        out.line(&format!(
            "  {:>4.0} %  {}{subject}{change}: {}",
            guess.said.probability * 100.0,
            say(&guess.said.surface),
            say(&guess.mechanism)
        ))?;
    }
    out.line(&format!("  {:>4.0} %  none of these", answer.none_of_these * 100.0))?;
    let calibrated = match answer.calibrated_on {
        0 => "shares of belief, uncalibrated".to_owned(),
        n => format!("calibrated on {n} cases"),
    };
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
