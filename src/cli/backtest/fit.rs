//! Fitting the calibration that is shipped, and saying how it does on cases that it was not fitted on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::judge::Case;
use super::score;
use crate::diagnosis::Prior;
use crate::event::{Calibration, Digest};
use crate::feedback::{Outcome, Reliability, fit};

/// So many incidents of a team's own weigh as much as all shipped cases: of a handful that were tried, those from 3 to 30 differ little
/// (`docs/judgement.md`).
const WORTH: f64 = 30.0;
/// The weight of cases in which nothing is wrong: as much as all others of their family together, so that how many of each were recorded
/// makes no false alarm likelier.
const QUIET: f64 = 0.5;
/// Parts into which cases are dealt, each left out once.
const PARTS: usize = 10;

/// A case's outcome, and what it must not be tested beside.
struct Row {
    /// Variants of one recorded case share this.
    of: String,
    family: String,
    outcome: Outcome,
}

impl Row {
    /// Nothing was wrong, and naming anything is.
    fn is_quiet(&self) -> bool {
        self.outcome.none_right && !self.outcome.right.contains(&true)
    }
}

/// Outcomes while they are collected.
#[derive(Default)]
pub(super) struct Rows(Vec<Row>);

impl Rows {
    /// Takes in a case with a known cause.
    pub(super) fn add(&mut self, case: &Case) {
        let (Some(truth), Some(outcome)) = (&case.truth, score::outcome(case)) else { return };
        let said = |name: &str| truth.more.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let family = case.family();
        let of = said("of").unwrap_or_else(|| case.answer.case.raw().to_owned());
        self.0.push(Row { of, family, outcome });
    }

    /// Every family weighs the same, however many cases it has, and in it the cases in which nothing is wrong weigh [`QUIET`].
    #[expect(clippy::cast_precision_loss, reason = "counts of cases")]
    fn weigh(&mut self) {
        let mut sizes: BTreeMap<String, [u32; 2]> = BTreeMap::new();
        for row in &self.0 {
            sizes.entry(row.family.clone()).or_default()[usize::from(row.is_quiet())] += 1;
        }
        let each = self.0.len() as f64 / sizes.len().max(1) as f64;
        for row in &mut self.0 {
            let [faults, quiet] = sizes[&row.family];
            let (share, of) = match (row.is_quiet(), faults.min(quiet)) {
                (_, 0) => (1.0, faults + quiet),
                (true, _) => (QUIET, quiet),
                (false, _) => (1.0 - QUIET, faults),
            };
            row.outcome.weight = each * share / f64::from(of);
        }
    }

    fn chosen(&self, of: impl Fn(&Row) -> bool) -> Vec<Outcome> {
        self.0.iter().filter(|row| of(row)).map(|row| row.outcome.clone()).collect()
    }

    /// Fits, writes `to`, and says how it does on what was left out.
    pub(super) fn write(mut self, to: &Path) -> anyhow::Result<Vec<String>> {
        anyhow::ensure!(!self.0.is_empty(), "nothing to fit: no case has a known cause");
        self.weigh();
        let names: BTreeSet<&str> = self.0.iter().map(|row| row.of.as_str()).collect();
        let cases = u32::try_from(names.len()).unwrap_or(u32::MAX);
        let families: BTreeSet<&str> = self.0.iter().map(|row| row.family.as_str()).collect();
        let prior = fit(&self.chosen(|_| true), cases, WORTH);
        let mut figures = Figures::default();
        for family in &families {
            let own = self.chosen(|row| row.family == *family);
            figures.add(&format!("{family}, as it was"), &own, &raw());
            if families.len() > 1 {
                let by = fit(&self.chosen(|row| row.family != *family), cases, WORTH);
                figures.add(&format!("{family}, fitted on the other families"), &own, &by.calibration);
            }
            let parts = (0..PARTS).flat_map(|part| {
                let by = fit(&self.chosen(|row| part_of(&row.of) != part), cases, WORTH);
                let own = self.chosen(|row| row.family == *family && part_of(&row.of) == part);
                own.into_iter().map(move |outcome| outcome.given(&by.calibration)).collect::<Vec<_>>()
            });
            figures.put(&format!("{family}, fitted on other cases"), parts.collect());
        }
        std::fs::write(to, self.file(&prior, &figures))
            .with_context(|| format!("{} cannot be written", to.display()))?;
        Ok(figures.lines)
    }

    fn file(&self, prior: &Prior, figures: &Figures) -> String {
        let Calibration { slope, lean, lapse, shipped, .. } = prior.calibration;
        let mut text = format!(
            "# How log odds become probabilities before a team has a record of its own: fitted by machine, not edited by hand.\n\
             # From {} variants of {shipped} recorded and made cases (docs/judgement.md); `docs/measure/calibrate.py WARROOM CASES FILE` \
             fits them again.\n\n\
             cases = {shipped}\nslope = {slope}\nlean = {lean}\nlapse = {lapse}\n\n\
             # The curvature of the mean loss of one case at these numbers, by (ln slope, lean, logit lapse): how firmly they stand.\n\
             information = {:?}\n\n# So many incidents of a team's own weigh as much as they do.\nworth = {:?}\n\n\
             # How it did on what was left out: answers, right ones, Brier score, calibration error (ten bins), what true probabilities\n\
             # would give with so few, confidently wrong ones, answers of 90 % and more and how many of them were right.\n[left-out]\n",
            self.0.len(),
            prior.information,
            prior.worth,
        );
        text.push_str(&figures.table);
        text
    }
}

/// The tenth part in which a case is left out: by its name alone, so that its variants stay together.
fn part_of(case: &str) -> usize {
    usize::from(Digest::of(case.as_bytes()).0[0]) % PARTS
}

/// What probabilities were before they were calibrated.
fn raw() -> Calibration {
    Calibration { version: 0, slope: 1.0 / 1.15, lean: 0.0, lapse: 0.0, shipped: 0, own: 0, digest: Digest::of(b"") }
}

#[derive(Default)]
struct Figures {
    lines: Vec<String>,
    table: String,
}

impl Figures {
    fn add(&mut self, name: &str, outcomes: &[Outcome], by: &Calibration) {
        self.put(name, outcomes.iter().map(|outcome| outcome.given(by)).collect());
    }

    fn put(&mut self, name: &str, given: Vec<crate::feedback::Given>) {
        let all: Reliability = given.into_iter().collect();
        let (Some((brier, ..)), Some(error), Some(chance)) =
            (all.brier(), all.calibration_error(), all.error_by_chance())
        else {
            return;
        };
        let (n, right, wrong, (sure, surely)) = (all.n(), all.right(), all.confident_wrong, all.surest());
        self.lines.push(format!(
            "{name:<48} right {right} of {n}, confidently wrong {wrong}, Brier {brier:.3}, calibration error {error:.3} (by chance \
             {chance:.3}), of 90 % and more {surely} of {sure} right"
        ));
        let _ = writeln!(
            self.table,
            "{name:?} = [{n}, {right}, {brier:.3}, {error:.3}, {chance:.3}, {wrong}, {sure}, {surely}]"
        );
    }
}
