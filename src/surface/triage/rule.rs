//! What answers a question without a person: plain facts in, the words that can be quoted out.

use crate::event::{Surface, Untrusted};

use super::super::sample::Answer as Reading;
use super::super::stats;
use super::super::stop::StopClass;

/// Findings answer a question from so much weight on, in nats: odds of about three to one.
const LEAST: f64 = 1.1;
/// Stops rose when chance alone would do so less often than this.
const CHANCE: f64 = 0.01;

/// All that is known, without names of screens or entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// What the runs say of each surface; one they do not carry is left out.
    pub surfaces: Vec<(Surface, Standing)>,
    /// What was found for and against causes.
    pub findings: Vec<Finding>,
    /// How runs ended before and since.
    pub stops: Vec<StopCount>,
    /// What people said of outputs they read.
    pub reading: Option<Reading>,
}

/// How a surface stands in the runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It was this, and is that.
    Changed(Untrusted, Untrusted),
    /// It was and is this.
    Same(Untrusted),
}

/// One finding about a cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Where the cause would lie.
    pub surface: Surface,
    /// For it, or against it.
    pub supports: bool,
    /// Log likelihood ratio, always ≥ 0.
    pub weight: f64,
    /// In words.
    pub text: Untrusted,
}

/// How many runs ended in one way.
#[derive(Clone, Debug, PartialEq)]
pub struct StopCount {
    /// The name of the class.
    pub stop: Untrusted,
    /// Before the moment.
    pub before: u64,
    /// Since.
    pub since: u64,
}

/// One way for evidence to answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    /// The runs carry another value since, or the same.
    Surface { surface: Surface, changed: bool },
    /// Findings speak for a cause there.
    Suspect(Surface),
    /// Findings speak against one.
    Cleared(Surface),
    /// Runs ended in one of these ways more often than before.
    Rose(Vec<StopClass>),
    /// People found outputs worse than before, or not.
    Read { worse: bool },
}

impl Rule {
    /// The evidence, where it holds.
    pub fn holds(&self, known: &Known) -> Option<Untrusted> {
        match self {
            Self::Surface { surface, changed } => {
                let (_, standing) = known.surfaces.iter().find(|(known, _)| known == surface)?;
                match standing {
                    Standing::Changed(before, after) if *changed => {
                        Some(format!("before {}, since {}", before.raw(), after.raw()).into())
                    }
                    Standing::Same(value) if !changed => Some(format!("before and since {}", value.raw()).into()),
                    _ => None,
                }
            }
            Self::Suspect(surface) => findings(known, *surface, true),
            Self::Cleared(surface) => findings(known, *surface, false),
            Self::Rose(classes) => rose(&known.stops, classes),
            Self::Read { worse } => {
                let reading = known.reading?;
                let wanted = if *worse { Reading::Worse } else { Reading::NoWorse };
                (reading == wanted).then(|| reading.words().into())
            }
        }
    }
}

/// The strongest finding of the wanted kind, when together they outweigh those of the other.
fn findings(known: &Known, surface: Surface, supports: bool) -> Option<Untrusted> {
    let of = |kind: bool| known.findings.iter().filter(move |one| one.surface == surface && one.supports == kind);
    let sum = |kind: bool| of(kind).map(|one| one.weight).sum::<f64>();
    if sum(supports) - sum(!supports) < LEAST {
        return None;
    }
    of(supports).max_by(|a, b| a.weight.total_cmp(&b.weight)).map(|one| one.text.clone())
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs in view")]
fn rose(stops: &[StopCount], classes: &[StopClass]) -> Option<Untrusted> {
    let ours = |stop: &&StopCount| classes.iter().any(|class| class.name() == stop.stop.raw());
    let count = |of: fn(&StopCount) -> u64| {
        let some: u64 = stops.iter().filter(ours).map(of).sum();
        let all: u64 = stops.iter().map(of).sum();
        (some, all)
    };
    let ((was, before), (is, since)) = (count(|stop| stop.before), count(|stop| stop.since));
    if before == 0 || since == 0 || is as f64 / since as f64 <= was as f64 / before as f64 {
        return None;
    }
    let p = stats::fisher(is, since - is, was, before - was);
    let names: Vec<&str> = classes.iter().map(|class| class.name()).collect();
    (p < CHANCE).then(|| {
        format!("{}: {was} of {before} runs before, {is} of {since} since (p = {p:.4})", names.join(", ")).into()
    })
}
