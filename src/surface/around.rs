//! Everything the runs say about one moment: how the outcome changed and what of it is whose, which signals of behaviour moved,
//! and which values came that were never there before.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::{Time, Untrusted};

use super::attribution::{Attribution, Columns, attribute, columns_of};
use super::came::{Came, came};
use super::drift::{Drifted, drifted};
use super::parts::parts;
use super::run::RunFacts;
use super::stop::StopClass;

/// Runs so many hours before the moment are looked at.
const HOURS_BEFORE: i64 = 24;
/// At most so many proxies of the outcome are told apart.
const MOST_PROXIES: usize = 12;

/// What the runs say about a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Around {
    /// The moment.
    pub moment: Option<Time>,
    /// How the outcome changed; `None` = no run with a known outcome on one of the sides.
    pub outcome: Option<Attribution>,
    /// The same counted by each proxy that says how a run went.
    pub proxies: Vec<Proxy>,
    /// The signals of behaviour, those that surely moved first.
    pub drift: Vec<Drifted>,
    /// Values never seen before, oldest first.
    pub came: Vec<Came>,
}

/// One way to tell how a run went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proxy {
    /// Its name: an evaluation, or `how it ended`.
    pub name: Untrusted,
    /// Runs before that it judged, and how many of them were bad.
    pub before: (u64, u64),
    /// The same since.
    pub since: (u64, u64),
}

/// Looks at `runs`, oldest first, around `moment`.
#[must_use]
pub fn around(runs: &[&RunFacts], moment: Time) -> Around {
    let from = moment.checked_sub(jiff::SignedDuration::from_hours(HOURS_BEFORE)).unwrap_or(Time::MIN);
    let near: Vec<&RunFacts> = runs.iter().copied().filter(|run| run.start >= from).collect();
    if near.is_empty() {
        return Around::default();
    }
    let made = parts(&near);
    let outcome = attribute(&columns_of(&near, &made, was_bad), moment);
    let known = outcome.before.0 > 0 && outcome.since.0 > 0;
    Around {
        moment: Some(moment),
        outcome: Some(outcome).filter(|_| known),
        proxies: proxies(&near, moment),
        drift: drifted(&near, moment),
        came: came(&near, &made),
    }
}

/// `runs`, oldest first, in columns, to be compared and taken apart; bad is what is bad by any sign.
#[must_use]
pub fn in_columns(runs: &[&RunFacts]) -> Columns {
    columns_of(runs, &parts(runs), was_bad)
}

/// Whether a run was bad by any sign; `None` = nothing about it tells.
pub(super) fn was_bad(run: &RunFacts) -> Option<bool> {
    let judged = run.evaluations.iter().any(|evaluation| evaluation.passed().is_some());
    (judged || run.stop.class != StopClass::NotCaptured).then(|| run.bad().is_some())
}

fn proxies(runs: &[&RunFacts], moment: Time) -> Vec<Proxy> {
    let names: BTreeSet<&Untrusted> =
        runs.iter().flat_map(|run| &run.evaluations).map(|evaluation| &evaluation.name).collect();
    let count = |name: Untrusted, bad: &dyn Fn(&RunFacts) -> Option<bool>| {
        let mut proxy = Proxy { name, before: (0, 0), since: (0, 0) };
        for run in runs {
            let Some(bad) = bad(run) else { continue };
            let side = if run.start >= moment { &mut proxy.since } else { &mut proxy.before };
            side.0 += 1;
            side.1 += u64::from(bad);
        }
        proxy
    };
    let mut found = vec![count("how it ended".into(), &|run| {
        (run.stop.class != StopClass::NotCaptured).then(|| run.stop.class.is_bad())
    })];
    found.extend(
        names
            .into_iter()
            .take(MOST_PROXIES)
            .map(|name| count(name.clone(), &|run| run.passed(name.raw()).map(|passed| !passed))),
    );
    found.retain(|proxy| proxy.before.0 + proxy.since.0 > 0);
    found
}

#[cfg(test)]
mod tests {
    use crate::event::Surface;
    use crate::surface::Runs;
    use crate::surface::attribution::Standing;
    use crate::surface::made::{answered, at, batch, batch_of, found, span};

    use super::*;

    /// One model call a run, ten seconds apart, the regions in turn; `served` answers, and the judge says `verdict`.
    fn runs(n: u8, of: impl Fn(u8, &str) -> (&'static str, &'static str)) -> Runs {
        let mut runs = Runs::default();
        for nth in 0..n {
            let region = if nth.is_multiple_of(2) { "eu" } else { "us" };
            let (served, verdict) = of(nth, region);
            let run = answered(nth + 1, i64::from(nth) * 10, served, verdict);
            runs.apply(&batch_of(&"support".into(), &[("deployment.region", region.into())], vec![run]));
        }
        runs
    }

    fn look(runs: &Runs, moment: Time) -> Around {
        let all = runs.between(Time::MIN, Time::MAX);
        around(&all.iter().collect::<Vec<_>>(), moment)
    }

    #[test]
    fn a_silent_swap_in_one_region_is_an_event_with_its_alias_and_its_spread() {
        let swapped = runs(120, |nth, region| match (nth >= 60, region) {
            (true, "eu") => ("large-0611", if nth.is_multiple_of(3) { "pass" } else { "fail" }),
            _ => ("large-0513", "pass"),
        });
        let seen = look(&swapped, at(600));
        let [came] = &seen.came[..] else { panic!("{:?}", seen.came) };
        assert_eq!(
            (came.part.raw(), came.value.raw(), came.before.raw()),
            ("served model", "large-0611", "large-0513")
        );
        assert_eq!(came.asked.as_ref().map(Untrusted::raw), Some("large"), "the alias moved under the same name");
        assert_eq!((came.first_seen, came.runs), (at(600), (30, 60)));
        let of = |value: &str| came.spread.iter().find(|spread| spread.value.raw() == value).map(|spread| spread.runs);
        assert_eq!((of("eu"), of("us")), (Some((30, 30)), Some((0, 30))));

        let outcome = seen.outcome.unwrap();
        assert_eq!((outcome.before, outcome.since), ((60, 0), (60, 20)));
        assert_eq!((outcome.moved[0].surface, &outcome.moved[0].standing), (Surface::Model, &Standing::Explains));
        assert!(outcome.mix.within > 0.3 && outcome.mix.mix.abs() < 0.02, "{:?}", outcome.mix);
        let quality = seen.proxies.iter().find(|proxy| proxy.name.raw() == "quality").unwrap();
        assert_eq!((quality.before, quality.since), ((60, 0), (60, 20)));
        // What moved stands first; what nothing carries is said to be missing, and not called quiet.
        assert_eq!(seen.drift[0].signal.raw(), "failed quality");
        assert!(seen.drift[0].drift.as_ref().is_some_and(|drift| drift.q < 0.001));
        let scores = seen.drift.iter().find(|one| one.signal.raw() == "retrieval score").unwrap();
        assert!(scores.runs == (0, 0) && scores.drift.is_none() && !scores.field.is_empty(), "{scores:?}");
    }

    #[test]
    fn where_nothing_moves_nothing_comes_and_nobody_is_accused() {
        let quiet = runs(120, |nth, _| ("large-0513", if nth.is_multiple_of(10) { "fail" } else { "pass" }));
        let seen = look(&quiet, at(600));
        assert!(seen.came.is_empty() && seen.outcome.unwrap().moved.is_empty());
        assert!(seen.drift.iter().all(|one| one.drift.as_ref().is_none_or(|drift| drift.q > 0.05)), "{:?}", seen.drift);
        assert_eq!(look(&Runs::default(), at(0)), Around::default());
        assert!(look(&quiet, at(-5)).outcome.is_none(), "nothing came before");
    }

    /// Runs that say `said`, were asked `question`, and of which users said `told`.
    fn told(of: impl Fn(u8) -> (&'static str, String, Vec<(&'static str, &'static str)>)) -> Runs {
        let mut runs = Runs::default();
        for nth in 0..60_u8 {
            let (said, question, told) = of(nth);
            let pairs = [
                ("gen_ai.operation.name", "chat".into()),
                ("gen_ai.request.model", "large".into()),
                ("gen_ai.input.messages", question.into()),
                ("gen_ai.output.messages", said.into()),
            ];
            let run = span(nth + 1, 0, 0, i64::from(nth) * 30, &pairs);
            runs.apply(&batch(vec![told.iter().fold(run, |run, (name, label)| found(run, name, label))]));
        }
        runs
    }

    #[test]
    fn another_language_giving_in_asking_again_and_what_users_say_are_signals() {
        let moved = told(|nth| {
            let question = if nth >= 30 { format!("why? {}", nth / 4) } else { format!("why? {nth}") };
            let thumb = if nth >= 30 && !nth.is_multiple_of(5) { "down" } else { "up" };
            let edited = if nth >= 30 && !nth.is_multiple_of(4) { "true" } else { "false" };
            match nth {
                0..30 => (
                    "The refund is on its way to you and will be there soon.",
                    question,
                    vec![("user_thumbs", thumb), ("user_edited", edited)],
                ),
                _ => (
                    "Mein Fehler. You are absolutely right. Die Erstattung ist auf dem Weg und wir sind für Sie da. Sie ist nicht weit.",
                    question,
                    vec![("user_thumbs", thumb), ("user_edited", edited)],
                ),
            }
        });
        let seen = look(&moved, at(900));
        for name in ["answer not in ", "gave in to the user", "asked again", "failed user_thumbs", "user_edited"] {
            let one = seen.drift.iter().find(|one| one.signal.raw().starts_with(name)).unwrap();
            let drift = one.drift.as_ref().unwrap();
            assert!(drift.q <= 0.05 && drift.effect.abs() > 0.5 && drift.course.len() == 24, "{name}: {one:?}");
        }
        // Nothing carries tickets: that is said, and is not the same as none.
        let tickets = seen.drift.iter().find(|one| one.signal.raw() == "tickets after it").unwrap();
        assert!(tickets.drift.is_none() && tickets.runs == (0, 0) && !tickets.field.is_empty(), "{tickets:?}");
        // An answer that its user left as it was is no failure.
        let calm =
            told(|nth| ("The refund is on its way to you.", format!("why? {nth}"), vec![("user_edited", "false")]));
        assert!(look(&calm, at(900)).outcome.is_some_and(|outcome| outcome.since == (30, 0)));
    }

    #[test]
    fn a_value_a_run_is_no_news() {
        let every =
            runs(120, |nth, _| (["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][usize::from(nth / 12)], "pass"));
        assert!(look(&every, at(600)).came.is_empty());
    }
}
