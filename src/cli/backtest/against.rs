//! What an earlier version printed for the same cases, held against this one's answers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use super::judge::{Case, Said};
use super::score;
use crate::event::Untrusted;
use crate::feedback::{Given, compare};

/// The longest line that is read, bytes.
const LONGEST: usize = 16 << 20;
/// At most so many cases that differ are named.
const NAMED: usize = 20;

/// One line of `warroom backtest --json`, as far as a score needs it.
#[derive(Deserialize)]
struct Told {
    case: Untrusted,
    hypotheses: Vec<Said>,
    none_of_these: f64,
}

/// The other version's answers by case, and the pairs so far.
pub(super) struct Against {
    told: BTreeMap<Untrusted, Told>,
    pairs: Vec<(Given, Given)>,
    changed: Vec<(Untrusted, bool)>,
    missing: u64,
}

impl Against {
    /// Reads what was printed.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut told = BTreeMap::new();
        for (number, line) in BufReader::new(file).lines().enumerate() {
            let place = || format!("{}:{}", path.display(), number + 1);
            let line = line.with_context(place)?;
            anyhow::ensure!(line.len() <= LONGEST, "{}: the line is longer than {LONGEST} bytes", place());
            if line.trim().is_empty() {
                continue;
            }
            let one: Told = serde_json::from_str(&line).with_context(|| {
                format!("{} is no line of `warroom backtest --json`: save what that printed to a file", place())
            })?;
            told.insert(one.case.clone(), one);
        }
        Ok(Self { told, pairs: Vec::new(), changed: Vec::new(), missing: 0 })
    }

    /// Pairs this version's answer to a case with the other's.
    pub(super) fn add(&mut self, case: &Case, ours: Given) {
        let Some(truth) = &case.truth else { return };
        let Some(told) = self.told.get(&case.answer.case) else {
            self.missing += 1;
            return;
        };
        let said: Vec<&Said> = told.hypotheses.iter().collect();
        let theirs = score::given(&said, told.none_of_these, |top| score::is_right(top, truth, case.kind.raw()));
        if ours.right != theirs.right {
            self.changed.push((case.answer.case.clone(), ours.right));
        }
        self.pairs.push((ours, theirs));
    }

    /// In lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let Some(found) = compare(&self.pairs) else {
            return vec!["nothing to compare: no case with a known cause is in both".to_owned()];
        };
        let points = |share: f64| share * 100.0;
        let mut lines = vec![
            format!("compared on          {} cases that both answered", found.n),
            format!(
                "right                {} before, {} now: {} gained, {} lost (exact McNemar p {:.3})",
                found.right_before, found.right, found.gained, found.lost, found.p
            ),
            format!(
                "share right          {:+.1} points (95 % interval {:+.1} to {:+.1})",
                points(found.accuracy.at),
                points(found.accuracy.low),
                points(found.accuracy.high)
            ),
            format!(
                "Brier score          {:+.3} (95 % interval {:+.3} to {:+.3}); below 0 is better",
                found.brier.at, found.brier.low, found.brier.high
            ),
        ];
        for (case, right) in self.changed.iter().take(NAMED) {
            let word = if *right { "gained" } else { "lost" };
            lines.push(format!("  {word}: {}", case.show(crate::event::Policy::Prose).as_str()));
        }
        if self.changed.len() > NAMED {
            lines.push(format!("  and {} more", self.changed.len() - NAMED));
        }
        if self.missing > 0 {
            lines.push(format!("{} cases are not in what is compared with", self.missing));
        }
        lines
    }
}
