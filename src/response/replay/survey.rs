//! What of the runs is another since than it was before: the values an experiment can go back to, taken from the record. Pure.

use std::collections::BTreeMap;

use crate::event::{ReplayArm, Untrusted};
use crate::surface::script::Script;

/// What an arm can pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pin {
    /// The system prompt.
    Prompt,
    /// The model asked for.
    Model,
    /// The tools' definitions.
    Tools,
    /// The sampling temperature.
    Temperature,
}

impl Pin {
    /// Everything that can be pinned.
    pub const ALL: [Self; 4] = [Self::Prompt, Self::Model, Self::Tools, Self::Temperature];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Model => "model",
            Self::Tools => "tools",
            Self::Temperature => "temperature",
        }
    }

    fn value(self, script: &Script) -> Option<Untrusted> {
        match self {
            Self::Prompt => script.system.clone(),
            Self::Model => script.model.clone(),
            Self::Tools => script.tools_text.clone(),
            Self::Temperature => script.temperature.map(|number| number.to_string().into()),
        }
    }

    /// Pins `value` in `arm`. A temperature that is no number between 0 and 2 pins nothing.
    pub fn set(self, arm: &mut ReplayArm, value: &Untrusted) {
        match self {
            Self::Prompt => arm.prompt = Some(value.clone()),
            Self::Model => arm.model = Some(value.clone()),
            Self::Tools => arm.tools = Some(value.clone()),
            Self::Temperature => {
                arm.temperature = value.raw().trim().parse().ok().filter(|number| (0.0..=2.0).contains(number));
            }
        }
    }

    /// What an arm pins, in this order.
    #[must_use]
    pub fn of(arm: &ReplayArm) -> Vec<Self> {
        let pinned = [arm.prompt.is_some(), arm.model.is_some(), arm.tools.is_some(), arm.temperature.is_some()];
        Self::ALL.into_iter().zip(pinned).filter(|(_, pinned)| *pinned).map(|(pin, _)| pin).collect()
    }
}

/// One thing that most runs before had with one value, and most runs since with another.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// What.
    pub pin: Pin,
    /// Its value before.
    pub before: Untrusted,
    /// Its value since.
    pub since: Untrusted,
    /// Runs before that had it, of those that say what they had.
    pub runs: (usize, usize),
}

impl Moved {
    /// The arm in which this alone is as it was before.
    #[must_use]
    pub fn arm(&self) -> ReplayArm {
        let mut arm = ReplayArm { name: format!("{} as before", self.pin.name()).into(), ..ReplayArm::default() };
        self.pin.set(&mut arm, &self.before);
        arm
    }
}

/// The arm in which nothing is pinned.
#[must_use]
pub fn as_recorded() -> ReplayArm {
    ReplayArm { name: "as recorded".into(), ..ReplayArm::default() }
}

/// What is another since. A value counts when more than half of the runs of its side carry it: a prompt into which every run
/// writes something of its own has none.
#[must_use]
pub fn moved(before: &[Script], since: &[Script]) -> Vec<Moved> {
    let of = |pin: Pin| {
        let (was, runs) = usual(before.iter().filter_map(|script| pin.value(script)))?;
        let (is, _) = usual(since.iter().filter_map(|script| pin.value(script)))?;
        if was != is {
            return Some(Moved { pin, before: was, since: is, runs });
        }
        // The same name may have been answered by another model: asked for by its own name, the old one can answer again.
        let served = |scripts: &[Script]| usual(scripts.iter().filter_map(|script| script.served.clone()));
        let ((was, runs), (is, _)) = (served(before)?, served(since)?);
        (pin == Pin::Model && was != is).then_some(Moved { pin, before: was, since: is, runs })
    };
    Pin::ALL.into_iter().filter_map(of).collect()
}

/// The value that more than half carry, how many do, and of how many.
fn usual(values: impl Iterator<Item = Untrusted>) -> Option<(Untrusted, (usize, usize))> {
    let mut counts: BTreeMap<Untrusted, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let all: usize = counts.values().sum();
    let (value, most) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (most * 2 > all).then_some((value, (most, all)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::surface::made;

    fn run(prompt: &str, asked: &str, served: &str, temperature: f64) -> Script {
        let messages = json!([{"role": "system", "content": prompt}, {"role": "user", "content": "where?"}]);
        let tools = json!([{"name": "find", "description": "Finds.", "parameters": {"type": "object"}}]);
        let attributes = [
            ("gen_ai.operation.name", json!("chat")),
            ("gen_ai.request.model", json!(asked)),
            ("gen_ai.response.model", json!(served)),
            ("gen_ai.request.temperature", json!(temperature)),
            ("gen_ai.tool.definitions", tools),
            ("gen_ai.input.messages", messages),
        ];
        let span = made::span(1, 0, 0, 0, &attributes);
        Script::of(&[("assistant".into(), span)]).unwrap()
    }

    #[test]
    fn what_moved_goes_back_to_the_value_most_runs_had_before() {
        let before = vec![run("41", "large", "large-1", 0.2); 5];
        let mut since = vec![run("42", "large", "large-1", 0.2); 3];
        since.push(run("41", "large", "large-1", 0.2));
        let found = moved(&before, &since);
        let [prompt] = &found[..] else { panic!("{found:?}") };
        assert_eq!((prompt.pin, prompt.before.raw(), prompt.since.raw()), (Pin::Prompt, "41", "42"));
        assert_eq!(prompt.runs, (5, 5));
        let arm = prompt.arm();
        assert_eq!((arm.name.raw(), arm.prompt.as_ref().map(Untrusted::raw)), ("prompt as before", Some("41")));
        assert_eq!(Pin::of(&arm), [Pin::Prompt]);
        assert_eq!(Pin::of(&as_recorded()), []);
    }

    #[test]
    fn a_model_that_was_swapped_under_the_same_name_is_asked_for_by_its_own() {
        let found = moved(&vec![run("41", "large", "large-1", 0.2); 4], &vec![run("41", "large", "large-2", 0.7); 4]);
        let pins: Vec<_> = found.iter().map(|one| (one.pin, one.before.raw(), one.since.raw())).collect();
        assert_eq!(pins, [(Pin::Model, "large-1", "large-2"), (Pin::Temperature, "0.2", "0.7")]);
        assert_eq!(found[1].arm().temperature, Some(0.2));
    }

    #[test]
    fn a_prompt_that_every_run_has_for_itself_has_no_value_before() {
        let each =
            |n: usize| (0..n).map(|nth| run(&format!("hello {nth}"), "large", "large-1", 0.2)).collect::<Vec<_>>();
        assert_eq!(moved(&each(6), &vec![run("42", "large", "large-1", 0.2); 4]), []);
        assert_eq!(moved(&[], &each(1)), [], "nothing is known of before");
    }
}
