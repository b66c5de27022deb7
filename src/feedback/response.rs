//! How long people took, and what the diagnosis added or saved.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::case::{Case, Judged, is_right};
use super::spread::Spread;
use crate::event::{Time, Truth, Verdict};

/// A shift, for counting pages: so many hours (Beyer et al., Site Reliability Engineering, 2016, chapter 11).
const SHIFT_S: i64 = 12 * 3_600;
/// More pages than this in one shift are too many to handle well (the same).
const BEARABLE: u64 = 2;

/// How long people and the engine took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// From the page (the incident opened) until a person took it.
    pub acknowledge: Spread,
    /// From the page until a person declared it over.
    pub resolve: Spread,
    /// From a hypothesis appearing until it was decided on.
    pub verify: Spread,
    /// Where the leading hypothesis was right: from then on until people named the same cause. The most it can have saved.
    pub saved: Spread,
    /// Where a wrong hypothesis was accepted: from then until people named the right cause.
    pub lost: Spread,
    /// Pages by shift.
    pub pages: Pages,
}

/// How often people are paged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pages {
    /// Incidents opened.
    pub n: u64,
    /// Shifts of twelve hours (UTC, from midnight and noon) from the first to the last of them.
    pub shifts: u64,
    /// Pages in the busiest.
    pub busiest: u64,
    /// Shifts with more than two.
    pub too_many: u64,
}

/// What the record of `cases` says about time.
pub(super) fn response(cases: &[Case<'_>]) -> Response {
    let since_page = |until: &dyn Fn(&Case<'_>) -> Option<Time>| {
        Spread::of(cases.iter().filter_map(|case| until(case).map(|until| seconds(case.opened, until))).collect())
    };
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of one decision")]
    let took = cases.iter().flat_map(|case| &case.decisions).map(|decision| decision.took_ms as f64 / 1_000.0);
    Response {
        acknowledge: since_page(&|case| case.owned),
        resolve: since_page(&|case| case.resolved),
        verify: Spread::of(took.collect()),
        saved: Spread::of(cases.iter().filter_map(saved).collect()),
        lost: Spread::of(cases.iter().filter_map(lost).collect()),
        pages: pages(cases),
    }
}

fn seconds(from: Time, until: Time) -> f64 {
    until.duration_since(from).as_secs_f64().max(0.0)
}

/// When people first named the right cause: by accepting it, by saying what it was instead, or by confirming it.
fn named(case: &Case<'_>, truth: &Truth) -> Option<Time> {
    let decided = case.decisions.iter().filter(|decision| match decision.verdict {
        Verdict::Accept => is_right(Some(decision.cause), truth),
        Verdict::Modify { instead } => is_right(Some(instead), truth),
        Verdict::Reject => false,
    });
    decided.map(|decision| decision.at).chain(case.confirmed).min()
}

fn saved(case: &Case<'_>) -> Option<f64> {
    let truth = case.truth?;
    let right = |judged: &&Judged| is_right(judged.cause.as_ref(), truth);
    let first = case.judged.values().filter(right).map(|judged| judged.since).min()?;
    Some(seconds(first, named(case, truth)?))
}

fn lost(case: &Case<'_>) -> Option<f64> {
    let truth = case.truth?;
    let wrong = case.decisions.iter().filter(|decision| decision.accepts() && !is_right(Some(decision.cause), truth));
    let misled = wrong.map(|decision| decision.at).min()?;
    let known = named(case, truth)?;
    (known > misled).then(|| seconds(misled, known))
}

fn pages(cases: &[Case<'_>]) -> Pages {
    let mut shifts: BTreeMap<i64, u64> = BTreeMap::new();
    for case in cases {
        *shifts.entry(case.opened.as_second().div_euclid(SHIFT_S)).or_default() += 1;
    }
    let (Some((first, _)), Some((last, _))) = (shifts.first_key_value(), shifts.last_key_value()) else {
        return Pages::default();
    };
    Pages {
        n: cases.len() as u64,
        shifts: last.abs_diff(*first) + 1,
        busiest: shifts.values().copied().max().unwrap_or(0),
        too_many: shifts.values().filter(|pages| **pages > BEARABLE).count() as u64,
    }
}
