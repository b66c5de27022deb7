use proptest::prelude::*;

use super::*;
use crate::surface::dice::Dice;

/// A number from 0 up to 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
fn roll(dice: &mut Dice) -> f64 {
    (dice.next() >> 11) as f64 / (1u64 << 53) as f64
}

fn one_of_three(dice: &mut Dice) -> usize {
    let roll = roll(dice) * 3.0;
    usize::from(roll >= 1.0) + usize::from(roll >= 2.0)
}

fn at(second: usize) -> Time {
    Time::from_second(i64::try_from(second).unwrap()).unwrap()
}

/// What one simulated run is: its slice, its parts, and its chance to be bad.
struct Run {
    region: &'static str,
    parts: Vec<(Surface, &'static str, &'static str)>,
    chance: f64,
}

/// `n` runs, a second apart; the moment is in the middle.
fn simulate(n: usize, seed: u64, mut run: impl FnMut(bool, &mut Dice) -> Run) -> Attribution {
    let mut dice = Dice(seed);
    let mut columns = Columns::new();
    let region_name = Untrusted::from("deployment.region");
    for i in 0..n {
        let Run { region, parts, chance } = run(i >= n / 2, &mut dice);
        let bad = roll(&mut dice) < chance;
        let region = Untrusted::from(region);
        let values: Vec<_> = parts.iter().map(|(s, p, v)| (*s, Untrusted::from(*p), Untrusted::from(*v))).collect();
        columns.push(&Row {
            at: at(i),
            bad: Some(bad),
            surfaces: values.iter().map(|(s, p, v)| (*s, p, v)).collect(),
            slices: vec![(&region_name, &region)],
        });
    }
    attribute(&columns, at(n / 2))
}

const PROMPT: (Surface, &str) = (Surface::Prompt, "prompt");
const TOOLS: (Surface, &str) = (Surface::Tool, "tool definitions");

fn part(of: (Surface, &'static str), value: &'static str) -> (Surface, &'static str, &'static str) {
    (of.0, of.1, value)
}

fn of(attribution: &Attribution, part: &str) -> Moved {
    attribution.moved.iter().find(|moved| moved.part.raw() == part).cloned().unwrap()
}

#[test]
fn a_shift_of_traffic_is_told_from_a_change_of_behaviour() {
    // The hard region grows from a tenth to a half of the traffic; nothing behaves otherwise.
    let shifted = simulate(4000, 1, |since, dice| {
        let hard = roll(dice) < if since { 0.5 } else { 0.1 };
        Run { region: if hard { "hard" } else { "easy" }, parts: vec![], chance: if hard { 0.4 } else { 0.05 } }
    });
    assert!(shifted.mix.total > 0.1 && shifted.mix.mix > 0.8 * shifted.mix.total, "{:?}", shifted.mix);
    assert!(shifted.mix.within_interval.0 < 0.0 && shifted.mix.within_interval.1 > 0.0, "{:?}", shifted.mix);
    let behaves = simulate(4000, 2, |since, dice| {
        let hard = roll(dice) < 0.3;
        let chance = if hard { 0.4 } else { 0.05 } + if since { 0.15 } else { 0.0 };
        Run { region: if hard { "hard" } else { "easy" }, parts: vec![], chance }
    });
    assert!(behaves.mix.within_interval.0 > 0.08, "{:?}", behaves.mix);
    assert!(behaves.mix.mix.abs() < 0.03, "{:?}", behaves.mix);
}

#[test]
fn a_value_that_one_region_has_is_found_side_by_side_and_the_other_change_is_innocent() {
    let seen = simulate(2000, 3, |since, dice| {
        let eu = roll(dice) < 0.5;
        let new_prompt = since && eu;
        let new_tools = since && roll(dice) < 0.5;
        Run {
            region: "one",
            parts: vec![
                part(PROMPT, if new_prompt { "42" } else { "41" }),
                part(TOOLS, if new_tools { "b" } else { "a" }),
            ],
            chance: if new_prompt { 0.25 } else { 0.03 },
        }
    });
    assert_eq!(seen.moved[0].part.raw(), "prompt", "{seen:?}");
    assert_eq!(seen.moved[0].standing, Standing::Explains);
    let beside = seen.moved[0].side_by_side.unwrap();
    assert!(beside.low > 0.1 && beside.high < 0.35, "{beside:?}");
    assert_eq!(of(&seen, "tool definitions").standing, Standing::Innocent, "{seen:?}");
}

#[test]
fn values_that_came_together_are_confounded_and_the_test_is_named() {
    let seen = simulate(600, 4, |since, _| Run {
        region: "one",
        parts: vec![part(PROMPT, if since { "42" } else { "41" }), part(TOOLS, if since { "b" } else { "a" })],
        chance: if since { 0.19 } else { 0.02 },
    });
    for moved in &seen.moved {
        let Standing::Confounded { with, test } = &moved.standing else { panic!("{seen:?}") };
        assert_eq!((with.len(), test.arms), (1, 2));
        assert!((20..200).contains(&test.runs), "{test:?}");
        assert_eq!(moved.side_by_side, None);
    }
}

#[test]
fn a_tenant_a_request_is_left_out_and_said() {
    let mut columns = Columns::new();
    let name = Untrusted::from("tenant.id");
    for i in 0..5000 {
        let tenant = Untrusted::from(format!("t{i}"));
        columns.push(&Row { at: at(i), bad: Some(i % 7 == 0), surfaces: vec![], slices: vec![(&name, &tenant)] });
    }
    let seen = attribute(&columns, at(2500));
    assert_eq!(seen.left_out, vec![(name, 5000)]);
    assert_eq!(seen.before.0 + seen.since.0, 5000);
}

#[test]
fn late_news_of_a_run_replaces_what_was_counted() {
    let mut columns = Columns::new();
    let (part, prompt) = (Untrusted::from("prompt"), Untrusted::from("41"));
    let row = |bad| Row { at: at(9), bad, surfaces: vec![(Surface::Prompt, &part, &prompt)], slices: vec![] };
    let place = columns.push(&row(None));
    assert_eq!(attribute(&columns, at(5)).since, (0, 0));
    columns.set(place, &row(Some(true)));
    assert_eq!(attribute(&columns, at(5)).since, (1, 1));
    columns.set(77, &row(Some(true)));
    assert_eq!(columns.len(), 1);
}

/// Where nothing has an effect, hardly any moved value is said to explain anything, and the intervals hold the truth about as
/// often as they say.
#[test]
fn without_an_effect_few_are_accused_and_intervals_cover() {
    let (mut accused, mut covered, mut intervals, mut within) = (0, 0, 0, 0);
    let rounds = 400_u32;
    for seed in 0..u64::from(rounds) {
        let seen = simulate(400, 1000 + seed, |since, dice| Run {
            region: ["a", "b", "c"][one_of_three(dice)],
            parts: vec![
                part(PROMPT, if since && roll(dice) < 0.6 { "42" } else { "41" }),
                part(TOOLS, if since && roll(dice) < 0.4 { "b" } else { "a" }),
            ],
            chance: 0.12,
        });
        accused += u32::from(seen.moved.iter().any(|moved| moved.standing == Standing::Explains));
        for beside in seen.moved.iter().filter_map(|moved| moved.side_by_side) {
            intervals += 1;
            covered += usize::from(beside.low <= 0.0 && 0.0 <= beside.high);
        }
        within += u32::from(seen.mix.within_interval.0 <= 0.0 && 0.0 <= seen.mix.within_interval.1);
    }
    // 5 % of 400 is 20; 32 is three standard deviations above. One-sided harm makes it rarer still.
    assert!(accused <= 32, "{accused} of {rounds}");
    assert!(covered * 100 >= intervals * 93, "{covered} of {intervals}");
    assert!(within * 100 >= rounds * 92, "{within} of {rounds}");
}

proptest! {
    /// The two parts always add up to the change, and whatever the tables hold nothing panics or leaves its range.
    #[test]
    fn the_parts_add_up(slices in proptest::collection::vec((0u64..200, 0.0f64..=1.0, 0u64..200, 0.0f64..=1.0), 1..12)) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
        let part = |n: u64, share: f64| (n as f64 * share) as u64;
        let tables: Vec<Stratum> = slices
            .iter()
            .map(|(n1, p1, n0, p0)| Stratum { with: *n1, bad_with: part(*n1, *p1), without: *n0, bad_without: part(*n0, *p0) })
            .collect();
        let mix = mix::decompose(&tables);
        let sum = |of: fn(&Stratum) -> u64| tables.iter().map(of).sum::<u64>();
        let (since, before) = ((sum(|s| s.with), sum(|s| s.bad_with)), (sum(|s| s.without), sum(|s| s.bad_without)));
        if since.0 > 0 && before.0 > 0 {
            prop_assert!((mix.total - (rate(since) - rate(before))).abs() < 1e-9);
            prop_assert!((mix.mix + mix.within - mix.total).abs() < 1e-12);
        }
        if let Some(effect) = strata::effect(&tables, 1) {
            prop_assert!((-1.0..=1.0).contains(&effect.difference) && (0.0..=1.0).contains(&effect.p), "{effect:?}");
            prop_assert!(effect.low <= effect.difference && effect.difference <= effect.high);
        }
    }
}
