//! Evidence and hypotheses.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Calibration, Digest, Fingerprint, IncidentId, Seq, Surface, Time, TraceId, Untrusted};

/// So many findings that were struck out are named.
const NAMED: usize = 5;

/// Names one piece of evidence inside one diagnosis: `e1`, `e2` ….
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceId(pub u32);

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}

/// One finding of one detector, for or against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its name.
    pub id: EvidenceId,
    /// The detector that found it.
    pub detector: Untrusted,
    /// For or against the hypothesis that lists it.
    pub direction: Direction,
    /// Log likelihood ratio in nats, always ≥ 0; the direction gives its sign.
    pub weight: f64,
    /// What was found, in one line, with its numbers and n.
    pub text: Untrusted,
    /// Where to look.
    pub look_at: Vec<Pointer>,
}

/// Which way evidence points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// For.
    For,
    /// Against.
    Against,
}

/// The exact place a finding rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case")]
pub enum Pointer {
    /// An entry of the journal.
    Entry {
        /// Its place.
        seq: Seq,
    },
    /// An alert.
    Alert {
        /// Which.
        fingerprint: Fingerprint,
    },
    /// A change, by the id at its source.
    Change {
        /// Which.
        id: Untrusted,
    },
    /// A run or a trace.
    Trace {
        /// Which.
        trace: TraceId,
    },
    /// A metric series around a moment.
    Series {
        /// Metric.
        name: Untrusted,
        /// Component.
        service: Untrusted,
        /// Moment.
        at: Time,
    },
    /// Log lines of a component.
    Logs {
        /// Component.
        service: Untrusted,
        /// What they say.
        pattern: Untrusted,
    },
}

/// What a hypothesis says did it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// Where.
    pub surface: Surface,
    /// Which component.
    pub subject: Option<Untrusted>,
    /// Which change, by the id at its source; `None` = an operational cause.
    pub change: Option<Untrusted>,
}

/// An observation that would disprove a hypothesis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Falsifier(pub Untrusted);

/// The next cheap check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextCheck(pub Untrusted);

/// A possible cause with what speaks for and against it. It cannot exist without a falsifier.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hypothesis {
    /// What did it.
    pub cause: Cause,
    /// How, in one line.
    pub mechanism: Untrusted,
    /// Confidence.
    pub confidence: Confidence,
    /// Evidence for, strongest first; ids of the diagnosis.
    pub evidence_for: Vec<EvidenceId>,
    /// Evidence against, strongest first.
    pub evidence_against: Vec<EvidenceId>,
    falsifiers: Vec<Falsifier>,
    /// The next cheap check.
    pub next_check: NextCheck,
}

/// A hypothesis that nothing could disprove is no hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hypothesis needs at least one falsifier")]
pub struct Unfalsifiable;

impl Hypothesis {
    /// A hypothesis without evidence yet.
    ///
    /// # Errors
    /// [`Unfalsifiable`] when `falsifiers` is empty.
    pub fn new(
        cause: Cause,
        mechanism: Untrusted,
        falsifiers: Vec<Falsifier>,
        next_check: NextCheck,
    ) -> Result<Self, Unfalsifiable> {
        if falsifiers.is_empty() {
            return Err(Unfalsifiable);
        }
        Ok(Self {
            cause,
            mechanism,
            confidence: Confidence::default(),
            evidence_for: Vec::new(),
            evidence_against: Vec::new(),
            falsifiers,
            next_check,
        })
    }

    /// What would disprove it; never empty.
    #[must_use]
    pub fn falsifiers(&self) -> &[Falsifier] {
        &self.falsifiers
    }
}

impl<'de> Deserialize<'de> for Hypothesis {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Plain {
            cause: Cause,
            mechanism: Untrusted,
            confidence: Confidence,
            evidence_for: Vec<EvidenceId>,
            evidence_against: Vec<EvidenceId>,
            falsifiers: Vec<Falsifier>,
            next_check: NextCheck,
        }
        let plain = Plain::deserialize(from)?;
        let mut hypothesis = Self::new(plain.cause, plain.mechanism, plain.falsifiers, plain.next_check)
            .map_err(serde::de::Error::custom)?;
        hypothesis.confidence = plain.confidence;
        hypothesis.evidence_for = plain.evidence_for;
        hypothesis.evidence_against = plain.evidence_against;
        Ok(hypothesis)
    }
}

/// How sure, and on what record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// Share of belief from the evidence, 0 to 1; with the others and "none of these" it sums to 1.
    pub share: f64,
    /// Resolved incidents the calibrator was fitted on; 0 = uncalibrated, and then `share` is not a probability
    /// and is not shown as one.
    pub calibrated_on: u32,
    /// Log odds from the evidence against "none of these" before calibration, nats; `None` = not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_odds: Option<f64>,
}

/// What the engine thinks of one incident at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The incident.
    pub incident: IncidentId,
    /// As of when.
    pub as_of: Time,
    /// Engine and version, such as `builtin/1`.
    pub engine: Untrusted,
    /// Digest of what went in; the same input gives the same diagnosis once.
    pub inputs: Digest,
    /// Everything found.
    pub evidence: Vec<Evidence>,
    /// Ranked, best first.
    pub hypotheses: Vec<Hypothesis>,
    /// What is left for "none of these".
    pub none_of_these: f64,
    /// One line: "A is degraded; probable cause: X in B".
    pub headline: Untrusted,
    /// When it began.
    pub onset: Option<Time>,
    /// The component that failed first.
    pub first_failing: Option<Untrusted>,
    /// Components affected downstream, nearest first.
    pub blast_radius: Vec<Untrusted>,
    /// A suggested remedy in one word (`rollback`, `scale` …), where one is clear.
    pub remediation: Option<Untrusted>,
    /// What could not be checked, and why.
    pub not_checked: Vec<Untrusted>,
    /// What made probabilities of the scores; `None` = nothing did, and shares are no probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl Diagnosis {
    /// Strikes out what is cited and is not there: ids that no finding has, and findings that rest on something of which
    /// `exists` says that it is not there. A hypothesis for which nothing is left loses its share to "none of these" and stands
    /// last; what was struck is listed with what could not be checked.
    ///
    /// Whoever made the diagnosis: a citation is worth what can be looked at behind it.
    pub fn strike(&mut self, exists: impl Fn(&Pointer) -> bool) {
        let (kept, unfounded): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.evidence).into_iter().partition(|found| found.look_at.iter().all(&exists));
        self.evidence = kept;
        let there: BTreeSet<EvidenceId> = self.evidence.iter().map(|found| found.id).collect();
        let mut struck: BTreeSet<EvidenceId> = unfounded.into_iter().map(|found| found.id).collect();
        for hypothesis in &mut self.hypotheses {
            let had = !hypothesis.evidence_for.is_empty();
            for cited in [&mut hypothesis.evidence_for, &mut hypothesis.evidence_against] {
                struck.extend(cited.iter().filter(|id| !there.contains(id)));
                cited.retain(|id| there.contains(id));
            }
            if had && hypothesis.evidence_for.is_empty() {
                self.none_of_these += std::mem::take(&mut hypothesis.confidence.share);
            }
        }
        if struck.is_empty() {
            return;
        }
        self.hypotheses.sort_by(|a, b| b.confidence.share.total_cmp(&a.confidence.share));
        let names: Vec<String> = struck.iter().take(NAMED).map(ToString::to_string).collect();
        let more = if struck.len() > NAMED { ", …" } else { "" };
        let text = format!(
            "struck out, and not counted: {} of its findings cite what is not on record for this incident ({}{more})",
            struck.len(),
            names.join(", ")
        );
        self.not_checked.push(text.into());
    }
}
