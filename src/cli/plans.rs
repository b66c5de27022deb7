//! `warroom plans`: actions that wait, run or ended, of all incidents; stops one, or switches all changes off.

use anyhow::Context as _;

use super::config::Config;
use super::out::Out;
use super::{Common, Exit, hands, house};
use crate::engine;
use crate::engine::view::{ActionState, ActionView};
use crate::event::{IncidentId, Outcome, Policy, Time, Untrusted};
use crate::response::{self, Act, Desk as _, Hands, LocalDesk};

/// Arguments of `warroom plans`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Only this one, whole: the first digits of its digest
    #[arg(value_name = "PLAN")]
    pub plan: Option<String>,
    /// JSON instead of text, one object a line
    #[arg(long)]
    pub json: bool,
    /// Stops that one: an approval that has not begun is revoked, what runs stops where it is
    #[arg(long, requires = "plan", value_name = "WHY")]
    pub stop: Option<String>,
    /// Switches all changes off, for everybody, until they are let run again
    #[arg(long, conflicts_with_all = ["plan", "let_run"], value_name = "WHY")]
    pub halt: Option<String>,
    /// Lets changes run again
    #[arg(long, conflicts_with = "plan", value_name = "WHY")]
    pub let_run: Option<String>,
}

/// Lists or stops. Exit code 0: it was done; 1: there is no such plan.
///
/// # Errors
/// When it could not be done; the error says why and what to do.
pub fn run(args: &Args, common: &Common, out: &mut Out) -> anyhow::Result<Exit> {
    if let Some((on, reason)) =
        args.halt.as_ref().map(|why| (true, why)).or(args.let_run.as_ref().map(|why| (false, why)))
    {
        return act(common, IncidentId(0), Act::Halt { on, reason: reason.as_str().into() }, out);
    }
    let view = engine::picture(&house::read_only(common)?, None).context("the journal cannot be folded")?;
    let all = view.incidents.items.iter().flat_map(|incident| &incident.actions);
    let wanted = |action: &&ActionView| {
        args.plan.as_ref().is_none_or(|digits| action.id.0.to_string().starts_with(digits.as_str()))
    };
    let found: Vec<&ActionView> = all.filter(wanted).collect();
    if let Some(halted) = &view.halted {
        let (by, why) = (halted.by.show(Policy::Exact), halted.reason.show(Policy::Prose));
        out.note(&format!("all changes are switched off by {}: {}", by.as_str(), why.as_str()));
    }
    match (&args.plan, found.as_slice()) {
        (Some(digits), []) => {
            out.note(&format!("There is no plan {digits} among the incidents kept in view."));
            return Ok(Exit::FoundWrong);
        }
        (Some(digits), [_, _, ..]) if args.stop.is_some() => {
            out.note(&format!("warroom: {} plans begin with {digits}: give more of its digits", found.len()));
            return Ok(Exit::Usage);
        }
        _ => {}
    }
    if let (Some(why), Some(action)) = (&args.stop, found.first()) {
        let cancel = Act::Cancel { plan: action.id, reason: why.as_str().into() };
        return act(common, action.plan.incident, cancel, out);
    }
    for action in found {
        if args.json {
            out.json(action)?;
        } else {
            list(action, args.plan.is_some(), out)?;
        }
    }
    Ok(Exit::Good)
}

/// One action: a line; whole, everything that would run as well.
fn list(action: &ActionView, whole: bool, out: &mut Out) -> anyhow::Result<()> {
    let show = |text: &Untrusted| text.show(Policy::Prose).as_str().to_owned();
    let state = match &action.state {
        ActionState::Proposed => "waits".to_owned(),
        ActionState::Denied { reason } => format!("refused: {}", show(reason)),
        ActionState::Approved { by, .. } => format!("approved by {}", show(&by.login)),
        ActionState::Started { .. } => "runs".to_owned(),
        ActionState::Finished { outcome, .. } => match outcome {
            Outcome::Done { receipt } => format!("done: {}", show(receipt)),
            Outcome::Failed { error } => format!("failed: {}", show(error)),
            Outcome::Unknown { check } => format!("OUTCOME UNKNOWN: {}", show(check)),
            Outcome::Partly { done, failed, untouched, .. } => {
                format!("done in part: {done} done, {failed} failed, {untouched} not touched")
            }
        },
    };
    let plan = &action.plan;
    out.line(&format!("{}  {}  tier {}  {}  {state}", action.id, plan.incident, plan.tier.0, show(&plan.title)))?;
    if let Some(reason) = &action.broke_glass {
        out.line(&format!("  IN AN EMERGENCY, without the second person: {}", show(reason)))?;
    }
    if whole {
        out.line(&serde_json::to_string_pretty(&**plan)?)?;
    }
    Ok(())
}

/// Does it at a desk that can carry out nothing.
fn act(common: &Common, incident: IncidentId, act: Act, out: &mut Out) -> anyhow::Result<Exit> {
    let config = Config::load(common)?;
    let journal = std::sync::Arc::new(config.open_journal()?);
    let desk = LocalDesk::new(journal, Hands::default(), hands::rules(&config), Time::now());
    let told = desk.perform(incident, act, &response::person(), Time::now())?;
    out.line(&told)?;
    Ok(Exit::Good)
}
