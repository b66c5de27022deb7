//! What an experiment says: each arm with its interval, the arms against each other, what it cost. Pure.
//!
//! Replays of one run are alike, so they count for less than as many runs: intervals are those of the effective number
//! (Korn & Graubard, Survey Methodology 24 (1998) 193), and the number of runs itself where all went the same way.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::event::{ReplayAsked, ReplayEnd, ReplayRan, TokenPrice, TraceId, Untrusted, money};
use crate::surface::attribution::runs_per_arm;
use crate::surface::sample::exact_share;

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The arms, in the order asked.
    pub arms: Vec<ArmOutcome>,
    /// Each later arm against the first.
    pub differences: Vec<Difference>,
}

/// One arm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArmOutcome {
    /// Its name.
    pub name: Untrusted,
    /// Replays that ended, however.
    pub ended: u64,
    /// Those that ended with an answer; the share that fails is of these.
    pub answered: u64,
    /// Answers that a rule says failed: cut short, empty, malformed, looped…
    pub bad: u64,
    /// Answers that decline; whether they should have is not judged.
    pub refused: u64,
    /// Ended at a tool call that the record does not hold.
    pub off_script: u64,
    /// The endpoint failed.
    pub failed: u64,
    /// Different runs among the answered.
    pub runs: u64,
    /// `bad` of `answered`, with its exact 95 % interval; `None` without an answer.
    pub share: Option<Share>,
    /// Tokens in, of those replays where the endpoint said it.
    pub tokens_in: u64,
    /// Tokens out, likewise.
    pub tokens_out: u64,
    /// Replays whose cost the endpoint did not say.
    pub cost_unknown: u64,
    /// What those tokens cost, in the currency of whoever pays; `None` = no price is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

/// A share and its 95 % interval, 0 to 1 (of a difference: -1 to 1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// As seen.
    pub at: f64,
    /// Low end.
    pub low: f64,
    /// High end.
    pub high: f64,
}

/// One arm against the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Its name.
    pub arm: Untrusted,
    /// How much more often it fails than the first, with a 95 % interval that does not use that both had the same runs: if
    /// anything too wide (Donner & Zou, Stat. Methods Med. Res. 21 (2012) 347).
    pub more_often: Share,
    /// Answers in each arm that would tell them apart if the shares stay as they are; `None` = they are told apart, or equal.
    pub needed: Option<u64>,
}

/// What ended so far, arm by arm: adds up as it comes, and can be written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    arms: Vec<ArmTally>,
    #[serde(default)]
    price: Option<TokenPrice>,
}

/// One arm so far; its share is worked out when somebody asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct ArmTally {
    so_far: ArmOutcome,
    /// Answered runs, in order, with how many of their answers failed and how many there were.
    runs: Vec<(TraceId, u64, u64)>,
}

impl Tally {
    /// Nothing yet, of the arms asked for.
    #[must_use]
    pub fn of(asked: &ReplayAsked) -> Self {
        let so_far = |name: &Untrusted| ArmOutcome { name: name.clone(), ..ArmOutcome::default() };
        let arms = asked.arms.iter().map(|arm| ArmTally { so_far: so_far(&arm.name), runs: Vec::new() });
        Self { arms: arms.collect(), price: asked.price }
    }

    /// One more that ended. One of an arm that was not asked for counts nowhere.
    pub fn add(&mut self, ran: &ReplayRan) {
        let Some(arm) = usize::try_from(ran.arm).ok().and_then(|place| self.arms.get_mut(place)) else { return };
        let so_far = &mut arm.so_far;
        so_far.ended += 1;
        match &ran.end {
            ReplayEnd::Answered { good, why, .. } => {
                let bad = u64::from(*good == Some(false));
                so_far.answered += 1;
                so_far.bad += bad;
                so_far.refused += u64::from(bad == 0 && why.is_some());
                match arm.runs.binary_search_by_key(&ran.of, |(trace, ..)| *trace) {
                    Ok(place) => {
                        arm.runs[place].1 += bad;
                        arm.runs[place].2 += 1;
                    }
                    Err(place) => arm.runs.insert(place, (ran.of, bad, 1)),
                }
            }
            ReplayEnd::OffScript { .. } => so_far.off_script += 1,
            ReplayEnd::Failed { .. } => so_far.failed += 1,
        }
        so_far.tokens_in = so_far.tokens_in.saturating_add(ran.tokens_in.unwrap_or(0));
        so_far.tokens_out = so_far.tokens_out.saturating_add(ran.tokens_out.unwrap_or(0));
        so_far.cost_unknown += u64::from(ran.tokens_in.is_none() || ran.tokens_out.is_none());
    }

    /// How many ended, however.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.arms.iter().map(|arm| arm.so_far.ended).sum()
    }

    /// What it says so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let cost = |arm: &ArmOutcome| self.price.map(|price| price.of(arm.tokens_in, arm.tokens_out));
        let arms: Vec<ArmOutcome> =
            self.arms.iter().map(ArmTally::outcome).map(|arm| ArmOutcome { cost: cost(&arm), ..arm }).collect();
        let first = arms.first().and_then(|arm| arm.share);
        let differences =
            arms.iter().skip(1).filter_map(|arm| Some(difference(&arm.name, first?, arm.share?))).collect();
        Outcome { arms, differences }
    }
}

impl ArmTally {
    fn outcome(&self) -> ArmOutcome {
        let runs: Vec<(u64, u64)> = self.runs.iter().map(|(_, bad, of)| (*bad, *of)).collect();
        ArmOutcome { runs: runs.len() as u64, share: share(&runs), ..self.so_far.clone() }
    }
}

/// The share of bad ones over runs of (bad, answered), its interval widened for what replays of one run have in common.
#[expect(clippy::cast_precision_loss, reason = "at most some thousand")]
fn share(runs: &[(u64, u64)]) -> Option<Share> {
    let (bad, n) = runs.iter().fold((0, 0), |sum, run| (sum.0 + run.0, sum.1 + run.1));
    if n == 0 {
        return None;
    }
    let (m, n) = (runs.len() as f64, n as f64);
    let p = bad as f64 / n;
    // The variance of a ratio over clusters, and what it would be were all replays independent.
    let spread: f64 = runs.iter().map(|(k, of)| (*k as f64 - p * *of as f64).powi(2)).sum();
    let clustered = m / (m - 1.0).max(1.0) * spread / (n * n);
    let independent = p * (1.0 - p) / n;
    let effective = if n <= m {
        n
    } else if independent <= 0.0 || m < 2.0 {
        m
    } else {
        (n * (independent / clustered.max(f64::MIN_POSITIVE))).clamp(m.min(n), n)
    };
    let (low, high) = exact_share(p * effective, effective)?;
    Some(Share { at: p, low, high })
}

fn difference(name: &Untrusted, first: Share, arm: Share) -> Difference {
    let at = arm.at - first.at;
    let low = at - ((arm.at - arm.low).powi(2) + (first.high - first.at).powi(2)).sqrt();
    let high = at + ((arm.high - arm.at).powi(2) + (first.at - first.low).powi(2)).sqrt();
    let told_apart = low > 0.0 || high < 0.0;
    let needed = if told_apart { None } else { runs_per_arm(first.at, arm.at, 0.9) };
    Difference { arm: name.clone(), more_often: Share { at, low: low.max(-1.0), high: high.min(1.0) }, needed }
}

impl Outcome {
    /// What it says, one line a statement; holds outside text.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let arms = self.arms.iter().map(ArmOutcome::line);
        arms.chain(self.differences.iter().map(|difference| {
            let Share { at, low, high } = difference.more_often;
            let points = |at: f64, low: f64, high: f64| {
                format!("{:.0} points ({:.0} to {:.0})", 100.0 * at, 100.0 * low, 100.0 * high)
            };
            let name = difference.arm.raw();
            let first = self.arms.first().map_or("", |arm| arm.name.raw());
            match difference.needed {
                _ if low > 0.0 => format!("{name} fails more often than {first}, by {}", points(at, low, high)),
                _ if high < 0.0 => format!("{name} fails less often than {first}, by {}", points(-at, -high, -low)),
                Some(runs) => {
                    let between = points(at, low, high);
                    format!("{name} and {first} are not told apart: {between}; about {runs} answers in each would")
                }
                None => {
                    format!("{name} fails as often as {first}, within {:.0} to {:.0} points", 100.0 * low, 100.0 * high)
                }
            }
        }))
        .collect()
    }
}

impl ArmOutcome {
    fn line(&self) -> String {
        let mut line = match self.share {
            Some(Share { low, high, .. }) => {
                let of = if self.runs < self.answered { format!(" ({} runs)", self.runs) } else { String::new() };
                let interval = format!("{:.0}–{:.0} %", 100.0 * low, 100.0 * high);
                format!(
                    "with {} {} of {}{of} fail by how they ended, {interval}",
                    self.name.raw(),
                    self.bad,
                    self.answered
                )
            }
            None => format!("with {} none of {} was answered", self.name.raw(), self.ended),
        };
        for (n, what) in
            [(self.refused, "declined"), (self.off_script, "went off script"), (self.failed, "failed at the endpoint")]
        {
            if n > 0 {
                let _ = write!(line, ", {n} {what}");
            }
        }
        if let Some(cost) = self.cost {
            let at_least = if self.cost_unknown > 0 { "at least " } else { "" };
            let _ = write!(line, ", for {at_least}{}", money(cost));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{IncidentId, Person, ReplayArm};
    use crate::surface::dice::Dice;
    use crate::surface::sample::exact;

    fn experiment(arms: &[(&str, &[(u8, bool)])]) -> Outcome {
        let asked = ReplayAsked {
            replay: 1,
            incident: IncidentId(1),
            by: Person { login: "ada".into(), known_by: "uid".into(), session: "x".into() },
            endpoint: "e".into(),
            arms: arms.iter().map(|(name, _)| ReplayArm { name: (*name).into(), ..ReplayArm::default() }).collect(),
            runs: Vec::new(),
            times: 1,
            budget_tokens: 1,
            price: Some(TokenPrice { input: 5.0, output: 50.0 }),
        };
        let mut rans = Vec::new();
        for (arm, (_, results)) in arms.iter().enumerate() {
            for (time, (run, bad)) in results.iter().enumerate() {
                rans.push(ReplayRan {
                    replay: 1,
                    incident: IncidentId(1),
                    arm: u32::try_from(arm).unwrap(),
                    of: TraceId([*run; 16]),
                    time: u32::try_from(time).unwrap(),
                    end: ReplayEnd::Answered {
                        stop: "stop".into(),
                        good: bad.then_some(false),
                        why: bad.then(|| "empty".into()),
                    },
                    said: Untrusted::default(),
                    tokens_in: Some(10),
                    tokens_out: (time > 0).then_some(1),
                    took_ms: 1,
                });
            }
        }
        let mut tally = Tally::of(&asked);
        for ran in &rans {
            tally.add(ran);
        }
        let written = serde_json::to_string(&tally).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&written).unwrap(), tally, "it can be written down");
        tally.outcome()
    }

    fn each(n: u8, bad: u8) -> Vec<(u8, bool)> {
        (0..n).map(|run| (run, run < bad)).collect()
    }

    #[test]
    fn it_says_what_each_arm_did_and_how_sure_that_is() {
        let (old, new) = (each(20, 0), each(20, 6));
        let outcome = experiment(&[("prompt 41", &old), ("prompt 42", &new)]);
        let lines = outcome.lines();
        assert_eq!(lines[0], "with prompt 41 0 of 20 fail by how they ended, 0–17 %, for at least 0.00195");
        assert_eq!(lines[1], "with prompt 42 6 of 20 fail by how they ended, 12–54 %, for at least 0.00195");
        assert_eq!(lines[2], "prompt 42 fails more often than prompt 41, by 30 points (5 to 54)");
        assert_eq!((outcome.arms[0].tokens_in, outcome.arms[0].tokens_out, outcome.arms[0].cost_unknown), (200, 19, 1));
    }

    #[test]
    fn what_is_not_told_apart_says_what_would() {
        let (old, new) = (each(10, 1), each(10, 3));
        let outcome = experiment(&[("a", &old), ("b", &new)]);
        assert_eq!(outcome.differences[0].needed, Some(79), "as the power table says for 0.1 against 0.3");
        assert!(
            outcome.lines()[2].starts_with("b and a are not told apart: 20 points (-22 to 57)"),
            "{:?}",
            outcome.lines()
        );
        let (many, none) = (each(20, 15), each(20, 0));
        let less = experiment(&[("a", &many), ("b", &none)]).lines();
        assert_eq!(less[2], "b fails less often than a, by 75 points (46 to 91)");
        let same = experiment(&[("a", &old), ("b", &old)]);
        assert_eq!(same.differences[0].needed, None);
    }

    #[test]
    fn replays_of_one_run_count_for_less_than_as_many_runs() {
        let alike: Vec<(u8, bool)> = (0..30).map(|i| (i / 3, i < 9)).collect();
        let apart = each(30, 9);
        let (alike, apart) = (experiment(&[("a", &alike)]), experiment(&[("a", &apart)]));
        let width = |outcome: &Outcome| outcome.arms[0].share.map(|share| share.high - share.low).unwrap();
        assert!(width(&alike) > 1.4 * width(&apart), "{} {}", width(&alike), width(&apart));
        // Three of ten runs, each three times the same: no more than three of ten.
        let ten = experiment(&[("a", &each(10, 3))]);
        assert!((width(&alike) - width(&ten)).abs() < 0.02);
        let never: Vec<(u8, bool)> = (0..30).map(|i| (i / 3, false)).collect();
        assert!((experiment(&[("a", &never)]).arms[0].share.unwrap().high - 0.308_497).abs() < 1e-4, "0 of 10 runs");
    }

    #[test]
    fn the_interval_covers_what_it_claims_also_where_replays_of_one_run_are_alike() {
        let mut dice = Dice(7);
        let mut tenth = || dice.next() % 10;
        // Half of the runs never fail and half in six of ten times; or all alike in three of ten.
        for alike in [true, false] {
            let (mut covered, mut naive) = (0, 0);
            for _ in 0..400 {
                let runs: Vec<(u64, u64)> = (0..12)
                    .map(|_| {
                        let tenths = match alike {
                            true if tenth() < 5 => 0,
                            true => 6,
                            false => 3,
                        };
                        ((0..5).map(|_| u64::from(tenth() < tenths)).sum(), 5)
                    })
                    .collect();
                let holds = |low: f64, high: f64| u32::from((low..=high).contains(&0.3));
                covered += share(&runs).map_or(0, |share| holds(share.low, share.high));
                let bad: u64 = runs.iter().map(|run| run.0).sum();
                naive += exact(bad, 60).map_or(0, |(low, high)| holds(low, high));
            }
            assert!(covered >= 372, "{covered} of 400 where 95 % are claimed, alike: {alike}");
            assert!(!alike || naive < 360, "without clusters it would not: {naive} of 400");
        }
    }

    #[test]
    fn an_arm_without_answers_claims_nothing() {
        let outcome = experiment(&[("a", &each(3, 1)), ("b", &[])]);
        assert_eq!((outcome.arms[1].share, outcome.differences.len()), (None, 0));
    }
}
