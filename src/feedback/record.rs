//! The record of judgement.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::back::{Procedure, Rehearsal, procedures};
use super::case::{Case, is_right};
use super::habits::{Habits, habits};
use super::outcome::Given;
use super::prompts::PromptsView;
use super::response::{Response, response};
use super::tally::{Counting, Tally};
use crate::event::{Time, Untrusted};

/// Surfaces, services and weeks are listed up to so many each.
const LISTED: usize = 26;
/// Seconds in a week.
const WEEK_S: i64 = 7 * 24 * 3_600;

/// The record of judgement, by investigator, surface, service and novelty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AccuracyView {
    /// Each investigator.
    pub investigators: Vec<InvestigatorRecord>,
    /// Answers by the surface that the cause was really of, `none` where nothing was wrong; most answers first.
    #[serde(default)]
    pub surfaces: Vec<Part>,
    /// Answers by the component that the cause was really in.
    #[serde(default)]
    pub services: Vec<Part>,
    /// Answers by whether a cause of the same surface and component had been confirmed before: `new`, `seen before`.
    #[serde(default)]
    pub novelty: Vec<Part>,
    /// Surfaces and services that are not listed, those with fewest answers.
    #[serde(default)]
    pub hidden: u64,
    /// By week in which the incident was opened, oldest first; weeks without an answer that can be judged are left out.
    #[serde(default)]
    pub weeks: Vec<Week>,
    /// How long people and the engine took.
    #[serde(default)]
    pub response: Response,
    /// How fast people went back, by procedure.
    #[serde(default)]
    pub procedures: Vec<Procedure>,
    /// Incidents with a confirmed cause.
    pub confirmed: u64,
    /// Incidents resolved without one.
    pub unconfirmed: u64,
    /// Decisions made within two seconds of the hypothesis appearing.
    pub hasty: u64,
    /// Acceptances with nothing opened before.
    pub unlooked: u64,
    /// How people decide, where a look before would help.
    #[serde(default)]
    pub habits: Habits,
    /// How many plans were asked for at a time, and for how long people had them open before they approved.
    #[serde(default)]
    pub prompts: PromptsView,
}

/// How one investigator did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvestigatorRecord {
    /// Engine and version.
    pub engine: Untrusted,
    /// How it did.
    #[serde(flatten)]
    pub tally: Tally,
}

/// How answers about one kind of cause did, of all investigators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which kind.
    pub name: Untrusted,
    /// How they did.
    #[serde(flatten)]
    pub tally: Tally,
}

/// Answers about the incidents of one week.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Week {
    /// Its first moment: a Monday, midnight UTC.
    pub from: Time,
    /// Answers.
    pub n: u64,
    /// Right ones.
    pub right: u64,
}

/// Sums up the record of all `cases`, in the order in which they were opened, and of the procedures that were `rehearsed`.
pub fn accuracy<'a>(
    cases: impl IntoIterator<Item = Case<'a>>,
    rehearsed: &BTreeMap<Untrusted, Rehearsal>,
) -> AccuracyView {
    let mut cases: Vec<Case<'_>> = cases.into_iter().collect();
    cases.sort_by_key(|case| case.opened);
    let used = cases.iter().flat_map(|case| case.went_back.iter().map(|(name, went)| (case.opened, name, went)));
    let mut view = AccuracyView {
        response: response(&cases),
        habits: habits(&cases),
        procedures: procedures(used, rehearsed),
        ..AccuracyView::default()
    };
    let mut engines: BTreeMap<&Untrusted, Counting> = BTreeMap::new();
    let mut surfaces: BTreeMap<Untrusted, Counting> = BTreeMap::new();
    let mut services: BTreeMap<Untrusted, Counting> = BTreeMap::new();
    let mut novelty: BTreeMap<Untrusted, Counting> = BTreeMap::new();
    let mut weeks: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for case in &cases {
        for decision in &case.decisions {
            view.hasty += u64::from(decision.is_hasty());
            view.unlooked += u64::from(decision.is_unlooked());
        }
        let Some(truth) = case.truth else {
            view.unconfirmed += u64::from(case.resolved.is_some());
            continue;
        };
        view.confirmed += 1;
        let surface = truth.surface.map_or("none", crate::event::Surface::name);
        let known = !seen.insert((surface, truth.subject.as_ref()));
        let service = truth.subject.clone().unwrap_or_else(|| "no component named".into());
        let mut parts = [
            surfaces.entry(surface.into()).or_default(),
            services.entry(service).or_default(),
            novelty.entry(if known { "seen before" } else { "new" }.into()).or_default(),
        ];
        for (engine, judged) in case.judged {
            let right = is_right(judged.cause.as_ref(), truth);
            let given = Given { probability: judged.share, right, named: judged.cause.is_some() };
            engines.entry(engine).or_default().answer(given);
            for part in &mut parts {
                part.answer(given);
            }
            let week = weeks.entry(week(case.opened)).or_default();
            *week = (week.0 + 1, week.1 + u64::from(right));
        }
        for decision in &case.decisions {
            let Some(engine) = decision.engine else { continue };
            let (accepted, right) = (decision.accepts(), is_right(Some(decision.cause), truth));
            engines.entry(engine).or_default().decision(accepted, right);
            for part in &mut parts {
                part.decision(accepted, right);
            }
        }
    }
    let record = |(engine, counting): (&Untrusted, Counting)| InvestigatorRecord {
        engine: engine.clone(),
        tally: counting.tally(),
    };
    view.investigators = engines.into_iter().map(record).collect();
    let mut listed = |of| listed(of, &mut view.hidden);
    (view.surfaces, view.services, view.novelty) = (listed(surfaces), listed(services), listed(novelty));
    let newest = weeks.len().saturating_sub(LISTED);
    view.weeks = weeks.into_iter().skip(newest).filter_map(|(nth, of)| week_of(nth, of)).collect();
    view
}

/// The parts with most answers first, at most [`LISTED`]; how many more there are is added to `hidden`.
fn listed(of: BTreeMap<Untrusted, Counting>, hidden: &mut u64) -> Vec<Part> {
    let mut parts: Vec<(Untrusted, Counting)> = of.into_iter().filter(|(_, counting)| counting.n() > 0).collect();
    parts.sort_by_key(|(_, counting)| std::cmp::Reverse(counting.n()));
    *hidden += parts.len().saturating_sub(LISTED) as u64;
    parts.truncate(LISTED);
    parts.into_iter().map(|(name, counting)| Part { name, tally: counting.tally() }).collect()
}

/// Weeks since 1970 began on Thursday: the week of Monday 1969-12-29 is number 0.
fn week(at: Time) -> i64 {
    (at.as_second() + 3 * 24 * 3_600).div_euclid(WEEK_S)
}

fn week_of(nth: i64, (n, right): (u64, u64)) -> Option<Week> {
    let from = Time::from_second(nth * WEEK_S - 3 * 24 * 3_600).ok()?;
    Some(Week { from, n, right })
}

#[cfg(test)]
mod tests;
