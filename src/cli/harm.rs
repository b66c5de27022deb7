//! `warroom harm`: whom an incident's bad runs met, what they did that cannot be undone, what can be stopped, what is frozen.

use anyhow::Context as _;
use serde_json::json;

use super::config::Config;
use super::out::Out;
use super::{Common, Exit, house};
use crate::engine::{self, view::IncidentView};
use crate::event::{HarmStatus, IncidentId, Policy, Time, Untrusted};
use crate::response::stops_in_order;
use crate::surface::harm::Told;

/// Arguments of `warroom harm`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The incident's number
    #[arg(value_name = "INCIDENT")]
    pub incident: u64,
    /// JSON instead of text: one object
    #[arg(long)]
    pub json: bool,
}

/// Lists. Exit code 0: it was listed; 1: there is no such incident in view.
///
/// # Errors
/// When the journal cannot be read.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    let config = Config::load(common)?;
    let journal = house::read_only(common)?;
    let view = engine::picture(&journal, None).context("the journal cannot be folded")?;
    let wanted = IncidentId(args.incident);
    let Some(here) = view.incidents.items.iter().find(|incident| incident.id == wanted) else {
        out.note(&format!("There is no incident {wanted} among those kept in view."));
        return Ok(Exit::FoundWrong);
    };
    let harm = engine::details(journal).harm(&here.bad_runs.items, view.head)?;
    let now = view.as_of.unwrap_or(Time::UNIX_EPOCH);
    let stops = stops_in_order(&config.stops, Some(&harm));
    let state = |name: &str| here.stop_state(&Untrusted::from(name), now);
    if args.json {
        let marks: Vec<_> = here.hands.harm.iter().map(|(item, line)| json!({"item": item, "line": line})).collect();
        let stops: Vec<_> = stops
            .iter()
            .map(|(stop, met)| {
                json!({"name": stop.name, "kind": stop.kind, "met": met.as_ref().map(|(what, runs)| json!({"what": what, "runs": runs})),
                    "state": state(&stop.name).word()})
            })
            .collect();
        let whole = json!({"incident": wanted, "answer": harm.answer(), "harm": harm,
            "bad_runs_not_named": here.bad_runs.hidden, "statuses": marks, "stops": stops, "freeze": here.freeze});
        out.json(&whole)?;
        return Ok(Exit::Good);
    }
    let show = |text: &Untrusted| text.show(Policy::Prose).as_str().to_owned();
    out.line(&format!("{wanted}: {}.", harm.answer()))?;
    if let Some(freeze) = &here.freeze {
        let names: Vec<String> = freeze.services.iter().map(show).collect();
        let held = freeze.held.as_ref().map_or_else(String::new, |held| format!("; {}", show(&held.finding)));
        let passed = freeze.passed.items.len() as u64 + freeze.passed.hidden;
        let line = format!(
            "freeze of {} until {}: {:?}{held}; {passed} walked past it",
            names.join(", "),
            freeze.until,
            freeze.at(now)
        );
        out.line(&line)?;
    }
    for (stop, met) in stops {
        let met = met.map_or_else(
            || "not met in the bad runs".to_owned(),
            |(what, runs)| format!("{} in {runs} bad runs", show(&what)),
        );
        out.line(&format!("stop {} {}: {}; {met}", stop.kind.word(), stop.name, state(&stop.name).word()))?;
    }
    for deed in &harm.deeds {
        let told = if deed.told == Told::Declared { "declared" } else { "by its name" };
        let line = format!(
            "{} {} {} ({told}) {} in run {} step {}: {}",
            deed.at,
            deed.did.word(),
            show(&deed.tool),
            show(&deed.arguments),
            deed.trace,
            deed.span,
            status(here, &deed.item())
        );
        out.line(&line)?;
    }
    for user in &harm.users {
        let line = format!(
            "user {}: {} bad runs, the latest {}: {}",
            show(&user.id),
            user.runs,
            user.trace,
            status(here, &user.item())
        );
        out.line(&line)?;
    }
    for (count, what) in [
        (harm.deeds_left_out, "more that cannot be taken for undone are not listed"),
        (harm.users_left_out, "more users are not listed"),
        (harm.failed, "such calls failed by their own word and are not listed"),
        (harm.runs_without_user, "bad runs carry no user's id: not captured"),
        (harm.runs_without_tools, "bad runs show no tool call: none was made, or none was captured"),
        (harm.runs_left_out + here.bad_runs.hidden, "bad runs were not read: too many, or let go of since"),
    ] {
        if count > 0 {
            out.note(&format!("{count} {what}."));
        }
    }
    for (tool, calls) in &harm.untold {
        out.note(&format!(
            "What {} does is not told ({calls} calls): neither its definition nor its name says.",
            show(tool)
        ));
    }
    Ok(Exit::Good)
}

/// Where a thing on the list stands.
fn status(here: &IncidentView, item: &Untrusted) -> &'static str {
    match here.hands.harm.get(item).map(|line| line.status) {
        None | Some(HarmStatus::Open) => "open",
        Some(HarmStatus::Told) => "told",
        Some(HarmStatus::Repaired) => "repaired",
        Some(HarmStatus::Harmless) => "harmless",
        Some(HarmStatus::Lost) => "lost",
    }
}
