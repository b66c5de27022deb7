//! Choices of runs as people type them: `before`, `since, region=eu-west`, `02:40..02:55, agent=planner`.

use super::step::{began, with_table};
use crate::console::moment;
use crate::console::pane::Cx;
use crate::event::{Policy, Untrusted};
use crate::surface::{Chosen, RunTable};

/// So many runs up to a moment tell what ran at it.
pub(super) const NEAR: usize = 50;

/// What can be typed, for whoever typed something else.
const FORMS: &str = "all, before, since, now, then (the moment wound back to), a moment (02:53, -15m), a stretch \
                     (02:40..02:53), or what runs carry (region=eu-west), several with commas between them";

/// Reads one choice.
///
/// # Errors
/// What is wrong, and what would be right.
pub(super) fn parse(cx: &Cx<'_>, text: &str) -> Result<Chosen, String> {
    let mut chosen = Chosen::default();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        one(cx, word, &mut chosen)?;
    }
    Ok(chosen)
}

fn one(cx: &Cx<'_>, word: &str, chosen: &mut Chosen) -> Result<(), String> {
    let around = cx.live.as_of.or(cx.view.as_of).unwrap_or(cx.now.wall);
    let moment = |text: &str| moment::parse(text, around, cx.zone);
    let no_onset = || "there is no incident here, so nothing is before or since: give a moment".to_owned();
    match word {
        "all" => {}
        "before" => chosen.until = Some(began(cx).ok_or_else(no_onset)?),
        "since" => chosen.from = Some(began(cx).ok_or_else(no_onset)?),
        "now" => chosen.newest = Some(NEAR),
        "then" => {
            let then = cx.view.as_of.filter(|_| cx.view.wound_back);
            chosen.until = Some(then.ok_or("the time is not wound back: `[` winds it, or give a moment")?);
            chosen.newest = Some(NEAR);
        }
        _ => {
            if let Some((name, value)) = word.split_once('=') {
                let (name, value) = (name.trim(), value.trim());
                known(cx, name)?;
                chosen.with.push((name.to_owned(), value.to_owned()));
            } else if let Some((from, until)) = word.split_once("..") {
                let bad = || format!("{word:?} is no stretch of time: 02:40..02:53");
                chosen.from = Some(moment(from).ok_or_else(bad)?);
                chosen.until = Some(moment(until).ok_or_else(bad)?);
            } else {
                chosen.until = Some(moment(word).ok_or_else(|| format!("{word:?} chooses nothing: {FORMS}"))?);
                chosen.newest = Some(NEAR);
            }
        }
    }
    Ok(())
}

/// Whether runs carry anything of that name.
fn known(cx: &Cx<'_>, name: &str) -> Result<(), String> {
    let names = with_table(cx, RunTable::names).unwrap_or_default();
    if names.is_empty() || names.iter().any(|known| known.raw() == name) {
        return Ok(());
    }
    let known: Vec<String> =
        names.iter().map(|known| known.show_prefix(Policy::Prose, 40).as_str().to_owned()).collect();
    Err(format!("no run carries anything called {name:?}: {}", known.join(", ")))
}

/// The agent the incident is about: of those its runs name the one with most runs; without an incident of all.
pub(super) fn agent(cx: &Cx<'_>, table: &RunTable) -> Option<Untrusted> {
    let ours = |agent: &Untrusted| {
        let runs = cx.incident.map(|incident| &incident.runs.items).filter(|runs| !runs.is_empty());
        runs.is_none_or(|runs| runs.iter().any(|run| run.agent == *agent))
    };
    let mut counts = std::collections::BTreeMap::new();
    for row in &table.rows {
        *counts.entry(row.agent).or_insert(0_u64) += 1;
    }
    let named = counts.into_iter().map(|(agent, runs)| (runs, table.value(agent)));
    named
        .filter(|(_, agent)| ours(agent))
        .max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)))
        .map(|(_, agent)| agent)
}

/// The choice, kept to the incident's agent where it says nothing of agents.
pub(super) fn of_agent(mut chosen: Chosen, agent: Option<&Untrusted>) -> Chosen {
    if let Some(agent) = agent.filter(|_| chosen.with.iter().all(|(name, _)| name != "agent")) {
        chosen.with.push(("agent".to_owned(), agent.raw().to_owned()));
    }
    chosen
}
