//! What the inputs of a step are filled with: what a person typed, else what the incident knows.

use std::collections::BTreeMap;

use crate::event::{IncidentId, Labels, Time, Untrusted};
use crate::response::desk::LocalDesk;
use crate::response::ledger;
use crate::response::past::Earlier;
use crate::response::runbook::{self, Facts, Runbook, Step, Values};

/// As many alerts of an incident are looked at for what a runbook needs to know.
const ALERTS_ASKED: usize = 200;

impl LocalDesk {
    /// What a runbook can be for, of an incident: `seen`, and the labels of its alerts.
    pub(in crate::response) fn facts(&self, incident: IncidentId, seen: &Facts) -> anyhow::Result<Facts> {
        let mut alerts: Vec<(Time, Labels)> = Vec::new();
        for fingerprint in ledger::members(&self.journal, incident)?.iter().take(ALERTS_ASKED) {
            if let Some(alert) = ledger::alert(&self.journal, fingerprint)? {
                alerts.push((alert.starts_at, alert.labels));
            }
        }
        alerts.sort_by_key(|(starts, _)| *starts);
        Ok(Facts { alerts: alerts.into_iter().map(|(_, labels)| labels).collect(), ..seen.clone() })
    }

    /// Where the incident is, as the labels of its alerts agree.
    pub(in crate::response) fn environment(&self, facts: &Facts) -> Option<Untrusted> {
        let mut found = facts
            .alerts
            .iter()
            .filter_map(|labels| self.hands.environment_labels.iter().find_map(|name| labels.get(name.as_str())));
        let first = found.next()?;
        let known = match first.raw() {
            "prod" | "production" | "live" => "production",
            "stage" | "staging" | "preprod" => "staging",
            "test" | "dev" | "qa" => "test",
            _ => return None,
        };
        found.all(|other| other == first).then(|| known.into())
    }
}

/// What the inputs of a step are filled with.
pub(in crate::response) struct Given {
    /// The values, each of the form its input asks for; else what is wrong.
    pub checked: Result<Values, String>,
    /// The same values by name.
    pub values: BTreeMap<Untrusted, Untrusted>,
    /// Inputs nobody knows.
    pub missing: Vec<Untrusted>,
    /// By which paths text from outside got in.
    pub taint: Vec<Untrusted>,
}

/// Values for the inputs of a step: what a person typed, else what the incident knows, else what they were at an earlier step of
/// the same runbook.
pub(in crate::response) fn values(
    runbook: &Runbook,
    step: &Step,
    facts: &Facts,
    typed: &BTreeMap<Untrusted, Untrusted>,
    earlier: Option<&Earlier>,
) -> Given {
    let used: Vec<_> = runbook.inputs.iter().filter(|input| step.inputs.contains(&input.name)).cloned().collect();
    let (mut values, mut missing, mut taint) = (BTreeMap::new(), Vec::new(), Vec::new());
    for known in runbook::known(&used, facts) {
        let name = known.input;
        let value = match (typed.get(&name), known.value, earlier.and_then(|earlier| earlier.value(&name))) {
            (Some(typed), ..) => typed.clone(),
            (None, Some(value), _) => {
                if known.outside {
                    taint.push(format!("{} = \"{}\" reaches {}", known.from.raw(), value.raw(), name.raw()).into());
                }
                value
            }
            (None, None, Some((value, by))) => {
                taint.extend(by);
                value
            }
            (None, None, None) => {
                missing.push(name);
                continue;
            }
        };
        values.insert(name, value);
    }
    let checked =
        Values::check(&used, &values).map_err(|bad| bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    Given { checked, values, missing, taint }
}
