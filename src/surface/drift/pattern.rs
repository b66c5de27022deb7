//! A sequence of steps: which step follows which.

use std::collections::BTreeMap;

use super::Size;
use crate::surface::dice::Dice;

/// Stands before the first step and after the last.
const EDGE: u32 = u32::MAX;
/// So many shuffles: the least chance that can be seen is one in this and one.
const SHUFFLES: u32 = 999;

/// Total variation between the steps from one to the next before and since, against shuffles of whole runs: steps of one run
/// stay together, because they are not independent.
pub(super) fn test(runs: &[Vec<u32>], split: usize) -> (Size, f64, (f64, f64), f64) {
    let mut numbers = BTreeMap::new();
    let steps: Vec<Vec<usize>> = runs
        .iter()
        .map(|run| {
            let whole: Vec<u32> = std::iter::once(EDGE).chain(run.iter().copied()).chain([EDGE]).collect();
            whole
                .windows(2)
                .map(|pair| {
                    let next = numbers.len();
                    *numbers.entry((pair[0], pair[1])).or_insert(next)
                })
                .collect()
        })
        .collect();
    let kinds = numbers.len();
    let mut order: Vec<usize> = (0..runs.len()).collect();
    let seen = variation(&steps, &order, split, kinds);
    let mut dice = Dice(steps.len() as u64 ^ (split as u64) << 32);
    let mut by_chance: Vec<f64> = (0..SHUFFLES)
        .map(|_| {
            for i in (1..order.len()).rev() {
                order.swap(i, dice.below(i + 1));
            }
            variation(&steps, &order, split, kinds)
        })
        .collect();
    let larger = by_chance.iter().filter(|chance| **chance >= seen - 1e-12).count();
    by_chance.sort_by(f64::total_cmp);
    let usual = (by_chance[24], by_chance[974]);
    #[expect(clippy::cast_precision_loss, reason = "at most 999")]
    let p = (larger as f64 + 1.0) / (f64::from(SHUFFLES) + 1.0);
    (Size::Pattern, seen, usual, p)
}

fn variation(steps: &[Vec<usize>], order: &[usize], split: usize, kinds: usize) -> f64 {
    let count = |part: &[usize]| {
        let mut counts = vec![0u32; kinds];
        part.iter().flat_map(|run| &steps[*run]).for_each(|kind| counts[*kind] += 1);
        let all: u32 = counts.iter().sum();
        (counts, f64::from(all.max(1)))
    };
    let ((before, n0), (since, n1)) = (count(&order[..split]), count(&order[split..]));
    before.iter().zip(&since).map(|(a, b)| (f64::from(*a) / n0 - f64::from(*b) / n1).abs()).sum::<f64>() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_order_of_tools_is_seen_and_the_same_is_not() {
        let old = vec![1, 2, 3];
        let new = vec![1, 3, 3, 2];
        let runs =
            |since: &Vec<u32>| (0..40).map(|i| if i < 20 { old.clone() } else { since.clone() }).collect::<Vec<_>>();
        let (_, effect, usual, p) = test(&runs(&new), 20);
        assert!(effect > usual.1 && effect > 0.5 && p <= 0.001, "{effect} {usual:?} {p}");
        let (_, effect, _, p) = test(&runs(&old), 20);
        assert!(effect.abs() < 1e-12 && p > 0.99);
    }

    #[test]
    fn without_a_move_a_small_chance_is_as_rare_as_it_says() {
        let mut dice = Dice(7);
        let rare = (0..200)
            .filter(|_| {
                let runs: Vec<Vec<u32>> = (0..60)
                    .map(|_| (0..=dice.below(5)).map(|_| u32::try_from(dice.below(3)).unwrap()).collect())
                    .collect();
                test(&runs, 25).3 <= 0.05
            })
            .count();
        // 5 % of 200 is 10; three standard deviations above is 19.
        assert!(rare <= 19, "{rare} of 200");
    }
}
