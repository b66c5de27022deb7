//! What answers a question without a person: plain facts in, the words that can be quoted out.

use serde::{Deserialize, Serialize};

use crate::event::{Severity, Untrusted};

use super::super::sample::Answer as Reading;
use super::super::stats::wilson;

/// All that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The worst severity that alerts state.
    pub alerts: Severity,
    /// Components that alert.
    pub components: u64,
    /// There are more than were counted.
    pub more_components: bool,
    /// Agent runs since it began; `None` = none with a known outcome.
    pub failing: Option<Share>,
    /// Labels of its alerts.
    pub labels: Vec<Label>,
    /// What people said of outputs they read.
    pub reading: Option<Reading>,
}

/// Runs, and those that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Failed.
    pub failed: u64,
    /// All.
    pub of: u64,
}

/// One label of alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// Its name.
    pub name: Untrusted,
    /// Its values and how many alerts carry each, the commonest first.
    pub values: Vec<(Untrusted, u64)>,
    /// Alerts that carry it with a value that is not listed.
    pub others: u64,
    /// Alerts that do not carry it.
    pub without: u64,
}

/// One way for evidence to answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    /// The worst severity that alerts state is one of these.
    Alerts(Vec<Severity>),
    /// At least so many components alert.
    Components(u64),
    /// The share of runs that fail lies surely between the two.
    Failing(f64, f64),
    /// An alert carries the label with one of these values.
    Is(String, Vec<String>),
    /// Every alert carries it, with none but these.
    Only(String, Vec<String>),
    /// People found outputs worse than before, or not.
    Read { worse: bool },
}

impl Rule {
    /// The evidence, where it holds.
    pub fn holds(&self, known: &Known) -> Option<Untrusted> {
        match self {
            Self::Alerts(severities) => severities
                .contains(&known.alerts)
                .then(|| format!("the worst of its alerts says {}", known.alerts.name()).into()),
            Self::Components(least) => (known.components >= *least).then(|| {
                let more = if known.more_components { " or more" } else { "" };
                format!("{}{more} components alert", known.components).into()
            }),
            Self::Failing(from, to) => {
                let share = known.failing.filter(|share| share.of > 0)?;
                let (low, high) = wilson(share.failed, share.of);
                (low >= *from && high <= *to).then(|| {
                    let (low, high) = (low * 100.0, high * 100.0);
                    format!("{} of {} runs fail since it began ({low:.0} to {high:.0} %)", share.failed, share.of)
                        .into()
                })
            }
            Self::Is(name, values) => {
                let (value, n) = label(known, name)?.values.iter().find(|(value, _)| is_of(values, value))?;
                Some(format!("{n} of its alerts carry {name}={}", value.raw()).into())
            }
            Self::Only(name, values) => {
                let label = label(known, name).filter(|label| label.others == 0 && label.without == 0)?;
                let all = !label.values.is_empty() && label.values.iter().all(|(value, _)| is_of(values, value));
                let said: Vec<&str> = label.values.iter().map(|(value, _)| value.raw()).collect();
                all.then(|| format!("all of its alerts carry {name}={}", said.join(" or ")).into())
            }
            Self::Read { worse } => {
                let reading = known.reading?;
                let wanted = if *worse { Reading::Worse } else { Reading::NoWorse };
                (reading == wanted).then(|| reading.words().into())
            }
        }
    }
}

fn label<'k>(known: &'k Known, name: &str) -> Option<&'k Label> {
    known.labels.iter().find(|label| label.name.raw() == name)
}

fn is_of(values: &[String], value: &Untrusted) -> bool {
    values.iter().any(|one| one.eq_ignore_ascii_case(value.raw()))
}

/// The severities that a rubric can name.
pub(super) const SEVERITIES: [Severity; 4] = [Severity::Critical, Severity::Error, Severity::Warning, Severity::Info];
