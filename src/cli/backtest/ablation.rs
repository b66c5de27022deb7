//! What each detector is worth, and what judging a case costs.
//!
//! A detector is left out after the fact: what it found is taken off every listed hypothesis, and they are ranked anew by the same
//! calibration. A hypothesis that names no change and for which nothing speaks any longer is dropped: the detector had raised it.
//! What that cannot show: a hypothesis that was not among those listed stays out, and a detector that reads another's findings
//! has read them.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::{Case, Said};
use super::score;
use crate::diagnosis::{probabilities, shipped};
use crate::event::{Diagnosis, Direction, Evidence, EvidenceId, Untrusted};
use crate::feedback::{CONFIDENT, Given};
use crate::intake::bundle::TruthFile;

/// How cases of one family did, and without each detector.
#[derive(Default)]
struct Family {
    n: i64,
    whole: Did,
    /// What leaving a detector out adds to `whole`.
    without: BTreeMap<Untrusted, Did>,
    /// F1 of those that ask for the grouping of alerts alone.
    grouping: Vec<f64>,
    took_ms: Vec<u64>,
}

/// Counts of answers.
#[derive(Clone, Copy, Default)]
struct Did {
    right: i64,
    confidently_wrong: i64,
    /// Cases in which the detector found anything.
    spoke: i64,
}

/// All families while they are collected.
#[derive(Default)]
pub(super) struct Ablation(BTreeMap<String, Family>);

impl Ablation {
    /// Takes in a case with a known cause.
    pub(super) fn add(&mut self, case: &Case) {
        let Some(truth) = &case.truth else { return };
        let family = self.0.entry(case.family()).or_default();
        family.took_ms.push(case.answer.elapsed_ms);
        if let Some(f1) = score::mark(case).and_then(|mark| mark.pairs_f1) {
            family.grouping.push(f1);
            return;
        }
        family.n += 1;
        let Some(diagnosis) = &case.diagnosis else {
            let nothing = score::given(&[], 1.0, |top| score::is_right(top, truth, case.kind.raw()));
            family.whole.count(nothing, 1);
            return;
        };
        let whole = ranked(diagnosis, None, truth, case.kind.raw());
        family.whole.count(whole, 1);
        let detectors: BTreeSet<&Untrusted> = diagnosis.evidence.iter().map(|one| &one.detector).collect();
        for detector in detectors {
            let did = family.without.entry(detector.clone()).or_default();
            did.spoke += 1;
            did.count(ranked(diagnosis, Some(detector), truth, case.kind.raw()), 1);
            did.count(whole, -1);
        }
    }

    /// The two tables, in lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let judged = || self.0.iter().filter(|(_, family)| family.n > 0);
        let mut lines = vec!["right (confidently wrong) of n, without the findings of:".to_owned()];
        let names = judged().map(|(name, family)| format!("{:>17}", format!("{name} n {}", family.n)));
        lines.push(format!("{:<18}{}", "", names.collect::<String>()));
        let row = |name: &str, did: &dyn Fn(&Family) -> Option<Did>| {
            let cells = judged().map(|(_, family)| {
                let cell = did(family).map_or_else(
                    || "-".to_owned(),
                    |did| {
                        let all =
                            (family.whole.right + did.right, family.whole.confidently_wrong + did.confidently_wrong);
                        format!("{} ({})", all.0, all.1)
                    },
                );
                format!("{cell:>17}")
            });
            format!("{name:<18}{}", cells.collect::<String>())
        };
        lines.push(row("nothing", &|_| Some(Did::default())));
        let mut losses: BTreeMap<&Untrusted, i64> = BTreeMap::new();
        for (detector, did) in judged().flat_map(|(_, family)| &family.without) {
            *losses.entry(detector).or_default() += did.right - did.confidently_wrong;
        }
        let mut order: Vec<(i64, &Untrusted)> = losses.into_iter().map(|(detector, loss)| (loss, detector)).collect();
        order.sort();
        for (_, detector) in order {
            let name = detector.show(crate::event::Policy::Prose);
            lines.push(row(name.as_str(), &|family| family.without.get(detector).copied()));
        }
        lines.push("judging a case took, median and most:".to_owned());
        for (name, family) in &self.0 {
            let f1 = match family.grouping.len() {
                0 => String::new(),
                #[expect(clippy::cast_precision_loss, reason = "a count of cases")]
                n => format!("; grouping F1 {:.3} (n {n})", family.grouping.iter().sum::<f64>() / n as f64),
            };
            let time = spread(&family.took_ms).map(|(mid, most)| format!("{mid} and {most} ms")).unwrap_or_default();
            lines.push(format!("  {name:<16}{time}{f1}"));
        }
        // The allocator keeps what one case needed for the next, so that this is said of all.
        let memory = most_held().map_or_else(|| "memory not captured".to_owned(), |kib| format!("{} MiB", kib >> 10));
        lines.push(format!("held at most, all cases one after another: {memory}"));
        lines
    }
}

impl Did {
    fn count(&mut self, given: Given, times: i64) {
        self.right += times * i64::from(given.right);
        self.confidently_wrong += times * i64::from(!given.right && given.named && given.probability >= CONFIDENT);
    }
}

/// Median and most.
fn spread(values: &[u64]) -> Option<(u64, u64)> {
    let mut values = values.to_vec();
    values.sort_unstable();
    Some((*values.get(values.len() / 2)?, *values.last()?))
}

/// The answer of `diagnosis` without what the detector `left_out` found.
fn ranked(diagnosis: &Diagnosis, left_out: Option<&Untrusted>, truth: &TruthFile, kind: &str) -> Given {
    let evidence: BTreeMap<EvidenceId, &Evidence> = diagnosis.evidence.iter().map(|one| (one.id, one)).collect();
    let mut said: Vec<(f64, Said)> = Vec::new();
    for hypothesis in &diagnosis.hypotheses {
        let Some(odds) = hypothesis.confidence.log_odds else { continue };
        let own =
            || hypothesis.evidence_for.iter().chain(&hypothesis.evidence_against).filter_map(|id| evidence.get(id));
        let gone = |one: &&&Evidence| Some(&one.detector) == left_out;
        let taken: f64 =
            own().filter(gone).map(|one| if one.direction == Direction::For { one.weight } else { -one.weight }).sum();
        let speaks = |one: &&Evidence| one.direction == Direction::For && Some(&one.detector) != left_out;
        if taken > 0.0 && hypothesis.cause.change.is_none() && !own().any(speaks) {
            continue;
        }
        said.push((odds - taken, Said::of(hypothesis)));
    }
    said.sort_by(|a, b| b.0.total_cmp(&a.0));
    let odds: Vec<f64> = said.iter().map(|(odds, _)| *odds).collect();
    let (shares, none) = probabilities(&odds, &diagnosis.calibration.unwrap_or(shipped().calibration));
    for ((_, said), share) in said.iter_mut().zip(shares) {
        said.probability = share;
    }
    let all: Vec<&Said> = said.iter().map(|(_, said)| said).collect();
    score::given(&all, none, |top| score::is_right(top, truth, kind))
}

/// The most memory this process has held, in KiB (Linux, proc(5)); `None` where that cannot be had.
fn most_held() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
