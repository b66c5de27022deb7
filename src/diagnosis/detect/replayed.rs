//! What experiments with recorded runs say: with one part as it was before, do they fail less often than as recorded?
//!
//! An arm speaks for or against a surface only when it pins that surface alone, to the value that the runs before the onset had
//! and the runs that were run again had not. Another value that helps is a remedy, and says nothing of what moved.

use std::collections::BTreeSet;

use crate::event::{Digest, IncidentId, Pointer, ReplayArm, Surface, Time, TraceId};
use crate::surface::script::tools_digest;
use crate::surface::{RunFacts, stats};

use super::super::candidate::{Candidate, Finding};
use super::super::scene::{Arm, Scene};

/// No experiment weighs more than this for a cause, in nats …
const MOST_FOR: f64 = 4.0;
/// … or against it.
const MOST_AGAINST: f64 = 2.5;

/// Adds what the ended experiments of `incident` say to the candidates they are about; `onset` is where a candidate has none.
pub(in super::super) fn look(
    incident: IncidentId,
    scene: &Scene<'_>,
    runs: &[&RunFacts],
    onset: Option<Time>,
    candidates: &mut [Candidate],
) {
    for experiment in scene.experiments.iter().filter(|one| one.incident == incident) {
        let Some(recorded) = experiment.arms.iter().find(|arm| pinned(&arm.pins).is_none() && is_bare(&arm.pins))
        else {
            continue;
        };
        for arm in &experiment.arms {
            let Some(pin) = pinned(&arm.pins) else { continue };
            let ours = |one: &&mut Candidate| one.cause.surface == pin.surface();
            for candidate in candidates.iter_mut().filter(ours) {
                let Some(moment) = candidate.onset.or(onset) else { continue };
                if was_before(&pin, runs, moment, &recorded.runs)
                    && let Some(finding) = finding(&pin, arm, recorded)
                {
                    candidate.find(finding);
                }
            }
        }
    }
}

/// The one thing that an arm pins.
enum Pin<'a> {
    Prompt(Digest),
    Model(&'a str),
    Tools(Digest),
    Temperature(f64),
}

impl Pin<'_> {
    fn surface(&self) -> Surface {
        match self {
            Self::Prompt(_) => Surface::Prompt,
            Self::Model(_) | Self::Temperature(_) => Surface::Model,
            Self::Tools(_) => Surface::Tool,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Prompt(_) => "prompt",
            Self::Model(_) => "model",
            Self::Tools(_) => "tools",
            Self::Temperature(_) => "temperature",
        }
    }

    /// Whether a run had this value; `None` = the run does not say.
    fn carried(&self, run: &RunFacts) -> Option<bool> {
        let surfaces = &run.surfaces;
        match self {
            Self::Prompt(digest) => (!surfaces.prompts.is_empty()).then(|| surfaces.prompts.contains(digest)),
            Self::Tools(digest) => (!surfaces.tools.is_empty()).then(|| surfaces.tools.contains(digest)),
            Self::Model(name) => {
                // What answered may be written with its fingerprint behind it.
                let is =
                    |value: &str| value.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
                let mut known = surfaces.asked.iter().chain(&surfaces.served).peekable();
                known.peek().is_some().then(|| known.any(|value| is(value.raw())))
            }
            Self::Temperature(number) => {
                let said = surfaces.parameters.iter().flat_map(|all| all.raw().split(' '));
                let mut values =
                    said.filter_map(|one| one.strip_prefix("temperature=")?.parse::<f64>().ok()).peekable();
                values.peek().is_some().then(|| values.any(|value| (value - number).abs() < 1e-9))
            }
        }
    }
}

fn is_bare(arm: &ReplayArm) -> bool {
    arm.prompt.is_none() && arm.model.is_none() && arm.tools.is_none() && arm.temperature.is_none()
}

fn pinned(arm: &ReplayArm) -> Option<Pin<'_>> {
    match (&arm.prompt, &arm.model, &arm.tools, arm.temperature) {
        (Some(prompt), None, None, None) => Some(Pin::Prompt(Digest::of(prompt.raw().as_bytes()))),
        (None, Some(model), None, None) => Some(Pin::Model(model.raw())),
        (None, None, Some(tools), None) => Some(Pin::Tools(tools_digest(tools.raw()))),
        (None, None, None, Some(number)) => Some(Pin::Temperature(number)),
        _ => None,
    }
}

/// Whether most runs before the moment had the value, and most of those that were run again had it not.
fn was_before(pin: &Pin<'_>, runs: &[&RunFacts], moment: Time, again: &BTreeSet<TraceId>) -> bool {
    let most = |of: &dyn Fn(&RunFacts) -> bool, carries: bool| {
        let told: Vec<bool> = runs.iter().filter(|run| of(run)).filter_map(|run| pin.carried(run)).collect();
        told.iter().filter(|told| **told == carries).count() * 2 > told.len()
    };
    most(&|run| run.start < moment, true) && most(&|run| again.contains(&run.trace), false)
}

fn finding(pin: &Pin<'_>, arm: &Arm, recorded: &Arm) -> Option<Finding> {
    let ((n, bad), (n0, bad0)) = (arm.effective(), recorded.effective());
    // Where nothing fails again as recorded, there is nothing that could stop failing.
    if n == 0 || bad0 == 0 {
        return None;
    }
    let differ = stats::ln_bayes_two_proportions(bad, n, bad0, n0);
    let fewer = bad * n0 < bad0 * n;
    let weight = if fewer { differ } else { -differ.abs() };
    let verdict = if weight > 0.0 { "" } else { ": no less often" };
    let text = format!(
        "run again with the {} as before, {} of {} failed, and {} of {} as recorded{verdict}",
        pin.name(),
        arm.bad,
        arm.answered,
        recorded.bad,
        recorded.answered
    );
    let look_at = arm.runs.first().map(|trace| Pointer::Trace { trace: *trace }).into_iter().collect();
    Some(Finding::new("replay", weight.clamp(-MOST_AGAINST, MOST_FOR), text, look_at))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::event::Untrusted;
    use crate::surface::{Stop, StopClass, Surfaces};

    fn arm(pins: ReplayArm, answered: u64, bad: u64) -> Arm {
        let runs = (0..answered).map(|n| TraceId([u8::try_from(n).unwrap(); 16])).collect();
        Arm { pins, answered, bad, runs }
    }

    fn prompt(text: &str) -> ReplayArm {
        ReplayArm { name: "p".into(), prompt: Some(text.into()), ..ReplayArm::default() }
    }

    fn run(second: i64, prompt: &str) -> RunFacts {
        let start = Time::from_second(second).unwrap();
        RunFacts {
            trace: TraceId([u8::try_from(second).unwrap(); 16]),
            agent: Untrusted::default(),
            service: Untrusted::default(),
            start,
            end: start,
            surfaces: Surfaces {
                prompts: BTreeSet::from([Digest::of(prompt.as_bytes())]),
                served: BTreeSet::from(["large-1 (fp_7)".into()]),
                parameters: BTreeSet::from(["temperature=0.2 top_p=1".into()]),
                ..Surfaces::default()
            },
            slices: BTreeMap::new(),
            calls: Vec::new(),
            provider_errors: Vec::new(),
            retrievals: Vec::new(),
            evaluations: Vec::new(),
            stop: Stop { class: StopClass::Complete, rule: Untrusted::default(), provider: Vec::new(), step: None },
            model_calls: 1,
            tool_calls: 0,
            said_chars: 0,
            language: None,
            gives_in: None,
            question: None,
            tokens_in: None,
            tokens_out: None,
            cost: None,
            retries: 0,
            root: None,
            rooted: true,
        }
    }

    #[test]
    fn fewer_failures_with_the_old_value_speak_for_it_and_as_many_against_it() {
        let pin = || Pin::Prompt(Digest::of(b"41"));
        let recorded = arm(ReplayArm::default(), 20, 16);
        let better = finding(&pin(), &arm(prompt("41"), 20, 1), &recorded).unwrap();
        assert!(better.weight > 3.0, "{better:?}");
        assert!(better.text.contains("1 of 20 failed, and 16 of 20 as recorded"), "{}", better.text);
        let alike = finding(&pin(), &arm(prompt("41"), 20, 16), &recorded).unwrap();
        assert!(alike.weight < -0.5, "{alike:?}");
        let worse = finding(&pin(), &arm(prompt("41"), 20, 20), &recorded).unwrap();
        assert!(worse.weight < 0.0, "{worse:?}");
        let few = finding(&pin(), &arm(prompt("41"), 2, 0), &arm(ReplayArm::default(), 2, 1)).unwrap();
        assert!(few.weight.abs() < 0.5, "two runs say next to nothing: {few:?}");
        assert_eq!(finding(&pin(), &arm(prompt("41"), 20, 0), &arm(ReplayArm::default(), 20, 0)), None);
    }

    #[test]
    fn many_replays_of_one_run_are_one_run() {
        let mut often = arm(ReplayArm::default(), 40, 40);
        often.runs = BTreeSet::from([TraceId([1; 16])]);
        assert_eq!(often.effective(), (1, 1));
        let finding = finding(&Pin::Model("m"), &arm(ReplayArm::default(), 1, 0), &often).unwrap();
        assert!(finding.weight < 1.0, "{finding:?}");
    }

    #[test]
    fn only_the_value_of_before_says_what_moved() {
        let mut runs: Vec<RunFacts> = (0..10).map(|n| run(n, "41")).collect();
        runs.extend((10..20).map(|n| run(n, "42")));
        let runs: Vec<&RunFacts> = runs.iter().collect();
        let moment = Time::from_second(10).unwrap();
        let again: BTreeSet<TraceId> = (12..16).map(|n| TraceId([n; 16])).collect();
        let is = |pin: Pin<'_>| was_before(&pin, &runs, moment, &again);
        assert!(is(Pin::Prompt(Digest::of(b"41"))));
        assert!(!is(Pin::Prompt(Digest::of(b"42"))), "that is what runs now");
        assert!(!is(Pin::Prompt(Digest::of(b"be brief"))), "another prompt may help and says nothing of what moved");
        assert!(!is(Pin::Model("large-1")) && !is(Pin::Temperature(0.2)), "they run as before");
        let early: BTreeSet<TraceId> = (2..6).map(|n| TraceId([n; 16])).collect();
        assert!(!was_before(&Pin::Prompt(Digest::of(b"41")), &runs, moment, &early), "they had it when recorded");
        assert!(!is(Pin::Tools(tools_digest("[]"))), "no run says which tools it had");
        assert_eq!(Pin::Model("large-1").carried(runs[0]), Some(true), "with its fingerprint behind it");
        assert_eq!(Pin::Model("large").carried(runs[0]), Some(false));
        assert_eq!(Pin::Temperature(0.2).carried(runs[0]), Some(true));
    }

    #[test]
    fn an_arm_that_pins_two_things_says_nothing_of_either() {
        let both = ReplayArm { model: Some("m".into()), ..prompt("41") };
        assert!(pinned(&both).is_none() && !is_bare(&both));
        assert!(pinned(&prompt("41")).is_some() && is_bare(&ReplayArm::default()));
    }
}
