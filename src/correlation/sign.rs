//! What an alert is a sign of, read from its own words in general terms.

use serde::{Deserialize, Serialize};

use crate::event::Alert;

/// What an alert is a sign of. It decides from which side trouble can have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// The component's own body is ill: pods, containers, nodes, disks, certificates, memory. Names a cause rather than an effect.
    Body,
    /// It answers wrongly: comes from itself or from what it calls.
    Answers,
    /// It answers slowly: the same.
    Slow,
    /// It gets no work: comes from itself or from who calls it.
    Starved,
    /// It gets more work than usual: the same.
    Flooded,
    /// Nothing of the kind can be read from it: it may come from either side.
    Other,
}

/// Words of the alert's name and metric, split at case changes and punctuation, lower case.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before_lower = false;
    for c in text.chars() {
        if (!c.is_alphanumeric() || (c.is_uppercase() && before_lower)) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before_lower = c.is_lowercase() || c.is_numeric();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

const BODY: &[&str] = &[
    "pod",
    "pods",
    "container",
    "containers",
    "crash",
    "crashloop",
    "crashlooping",
    "oom",
    "oomkilled",
    "restart",
    "restarts",
    "node",
    "disk",
    "filesystem",
    "volume",
    "certificate",
    "cert",
    "replicas",
    "unschedulable",
    "evicted",
    "down",
    "instance",
    "memory",
    "cpu",
    "throttled",
    "throttling",
    "quota",
];
const NONE: &[&str] = &["no", "absent", "missing", "zero", "without", "lost", "drop", "dropped", "low", "idle"];
const WORK: &[&str] = &[
    "request",
    "requests",
    "traffic",
    "operations",
    "operation",
    "messages",
    "message",
    "throughput",
    "calls",
    "orders",
    "queries",
    "transactions",
    "events",
    "rate",
];
const MUCH: &[&str] =
    &["high", "above", "growing", "surge", "spike", "many", "much", "increase", "increased", "excess", "excessive"];
const ANSWERS: &[&str] = &[
    "error",
    "errors",
    "5xx",
    "4xx",
    "fail",
    "failure",
    "failures",
    "failing",
    "failed",
    "availability",
    "unavailable",
    "success",
    "response",
    "degraded",
    "exceptions",
    "exception",
    "retry",
    "retries",
];

const SLOW: &[&str] = &[
    "latency", "slow", "slowness", "duration", "timeout", "timeouts", "p99", "p95", "p90", "p50", "apdex", "lag",
    "delay",
];

impl Sign {
    /// How many kinds there are, too little and too much work being one.
    pub const KINDS: u32 = 5;

    /// Whether it says how much work there is, and nothing of how that is done.
    #[must_use]
    pub fn is_work(self) -> bool {
        matches!(self, Self::Starved | Self::Flooded)
    }

    /// Whether two are of one kind.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        self == other || (self.is_work() && other.is_work())
    }

    /// What `alert` is a sign of.
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        let mut text = alert.name().raw().to_owned();
        if let Some(metric) = alert.labels.get("metric") {
            text.push(' ');
            text.push_str(metric.raw());
        }
        let words = words(&text);
        let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        let work = any(WORK) && !any(ANSWERS) && !any(SLOW);
        if work && any(NONE) {
            Self::Starved
        } else if work && any(MUCH) {
            Self::Flooded
        } else if any(ANSWERS) {
            Self::Answers
        } else if any(SLOW) {
            Self::Slow
        } else if any(BODY) {
            Self::Body
        } else {
            Self::Other
        }
    }
}
