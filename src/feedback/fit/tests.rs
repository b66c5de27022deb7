use proptest::prelude::*;

use super::*;
use crate::diagnosis::shipped;
use crate::surface::dice::Dice;

#[expect(clippy::cast_precision_loss, reason = "53 bits")]
fn roll(dice: &mut Dice) -> f64 {
    (dice.next() >> 11) as f64 / (1_u64 << 53) as f64
}

fn by(slope: f64, lean: f64, lapse: f64) -> Calibration {
    Calibration { slope, lean, lapse, ..shipped().calibration }
}

/// Cases of a world in which `truth` makes the probabilities: three hypotheses each, one right, or none.
fn world(n: usize, truth: &Calibration, seed: u64) -> Vec<Outcome> {
    let mut dice = Dice(seed);
    (0..n)
        .map(|_| {
            let log_odds: Vec<f64> = (0..3).map(|_| 6.0 * roll(&mut dice) - 4.0).collect();
            let (each, none) = crate::diagnosis::probabilities(&log_odds, truth);
            let mut left = roll(&mut dice) * (each.iter().sum::<f64>() + none);
            let mut right = vec![false; 3];
            let mut none_right = true;
            for (place, share) in each.iter().enumerate() {
                left -= share;
                if left < 0.0 {
                    (right[place], none_right) = (true, false);
                    break;
                }
            }
            Outcome { log_odds, right, none_right, weight: 1.0 }
        })
        .collect()
}

#[test]
fn what_made_the_world_is_found_again() {
    for (slope, lean, lapse) in [(0.5, 1.0, 0.1), (1.6, -0.5, 0.02)] {
        let found = fit(&world(6_000, &by(slope, lean, lapse), 3), 6_000, 30.0).calibration;
        assert!((found.slope / slope).ln().abs() < 0.15, "slope {slope}: {found:?}");
        assert!((found.lean - lean).abs() < 0.25, "lean {lean}: {found:?}");
        assert!((found.lapse - lapse).abs() < 0.04, "lapse {lapse}: {found:?}");
    }
}

#[test]
fn with_no_cases_it_is_as_shipped_with_few_nearly_and_with_many_the_teams_own() {
    let own = by(shipped().calibration.slope * 0.3, shipped().calibration.lean - 2.0, 0.1);
    let cases = world(1_500, &own, 11);
    assert_eq!(refit(&[], shipped(), 1), shipped().calibration);
    let far = |n: usize| {
        let found = refit(&cases[..n], shipped(), 1);
        assert_eq!(
            (found.own, found.version, found.shipped),
            (u32::try_from(n).unwrap(), 1, shipped().calibration.shipped)
        );
        (found.lean - own.lean).abs()
    };
    let (few, some, many) = (far(3), far(60), far(1_500));
    let shipped_off = (shipped().calibration.lean - own.lean).abs();
    assert!(few > 0.6 * shipped_off, "three cases moved it by {} of {shipped_off}", shipped_off - few);
    assert!(few > some && some > many && many < 0.4, "{few} {some} {many}");
}

#[test]
fn the_same_cases_give_the_same_numbers_and_others_another_name() {
    let cases = world(40, &by(1.0, 0.0, 0.05), 5);
    assert_eq!(refit(&cases, shipped(), 2), refit(&cases, shipped(), 2));
    assert_ne!(refit(&cases, shipped(), 2).digest, refit(&cases[1..], shipped(), 2).digest);
}

#[test]
fn fitted_probabilities_come_true_on_cases_that_were_left_out() {
    let truth = by(0.4, 1.5, 0.08);
    let (seen, unseen) = (world(400, &truth, 21), world(4_000, &truth, 22));
    let error = |by: &Calibration| {
        let all: super::super::Reliability = unseen.iter().map(|case| case.given(by)).collect();
        all.calibration_error().unwrap()
    };
    let fitted = error(&fit(&seen, 400, 30.0).calibration);
    assert!(fitted < 0.06, "{fitted}");
    assert!(fitted < 0.5 * error(&by(1.0, 0.0, 0.0)), "uncalibrated {}", error(&by(1.0, 0.0, 0.0)));
}

/// The loss and the best numbers as an independent program has them: `SciPy` 1.17, `minimize(method="BFGS")` over
/// `-log softmax` written out in `NumPy`, on the same twelve cases with the same pull.
#[test]
fn an_independent_fit_finds_the_same() {
    let cases = reference();
    let loss: f64 = cases.iter().map(|case| case.loss(&by(0.8, 0.5, 0.1))).sum();
    assert!((loss - REFERENCE_LOSS).abs() < 1e-6, "{loss}");
    let found = fit(&cases, 12, 30.0).calibration;
    for (got, want) in [found.slope, found.lean, found.lapse].into_iter().zip(REFERENCE_FIT) {
        assert!((got - want).abs() < 2e-3, "{found:?}");
    }
}

const REFERENCE_LOSS: f64 = 20.358_194_016_505_98;
const REFERENCE_FIT: [f64; 3] = [0.213_060, 1.065_012, 0.048_416];

/// Twelve cases that anybody can write down again.
fn reference() -> Vec<Outcome> {
    (0..12_u32)
        .map(|i| {
            let odds = |k: u32| f64::from((i * 7 + k * 5) % 11) / 2.0 - 2.5;
            let right = (i * i) % 4;
            Outcome {
                log_odds: (0..3).map(odds).collect(),
                right: (0..3).map(|k| right == k).collect(),
                none_right: right == 3 || i % 6 == 2,
                weight: 1.0,
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_the_record_says_the_numbers_stay_sound(seed in any::<u64>(), n in 1_usize..30, wild in -50.0..50.0_f64) {
        let mut cases = world(n, &by(1.0, 0.0, 0.1), seed);
        cases[0].log_odds[0] = wild;
        for found in [refit(&cases, shipped(), 1), fit(&cases, 1, 30.0).calibration] {
            prop_assert!((0.1..=10.0).contains(&found.slope) && found.lean.abs() <= 4.0 && (0.0..=0.31).contains(&found.lapse));
        }
        let information = fit(&cases, 1, 30.0).information;
        for (place, row) in information.iter().enumerate() {
            let beside: f64 = row.iter().enumerate().filter(|(k, _)| *k != place).map(|(_, at)| at.abs()).sum();
            prop_assert!(row[place] + 1e-6 >= beside.min(row[place]) && row[place] > 0.0);
        }
    }
}
